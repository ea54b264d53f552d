"""A million logs by Spark: a row for each log, report and event, as Parquet.

    spark-submit examples/spark.py logs/ events/                        every file below a folder (s3a://, hdfs://, file:)
    spark-submit examples/spark.py --packed contents.parquet events/    a table with the columns path and content
    spark-submit examples/spark.py --names list.txt events/             names, one per line, that the workers open themselves
    ... --partition-by record --tasks 64

Spark lists no empty files, so that empty logs have a row with --packed and --names alone.

The Python of the workers (PYSPARK_PYTHON) needs pyarrow and kanalyze, that of the driver also pandas, which
Spark's own mapInArrow asks for: `pip install 'kanalyze[arrow]' pandas`. Each task is one process of
kanalyze; a task that is lost is repeated with the same rows. A million small objects are listed slowly: pack them into --packed tables.
"""

import argparse

import kanalyze
from pyspark.sql import SparkSession


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("logs", help="a folder of logs, or what --packed or --names say")
    arguments.add_argument("events", help="the folder of the table that is written")
    form = arguments.add_mutually_exclusive_group()
    form.add_argument("--packed", action="store_true", help="a Parquet table with the columns path and content")
    form.add_argument("--names", action="store_true", help="a list of names, one per line")
    arguments.add_argument("--tasks", type=int, help="so many tasks; a few per processor")
    arguments.add_argument("--partition-by", action="append", default=[], metavar="COLUMN")
    given = arguments.parse_args()

    spark = SparkSession.builder.appName("kanalyze").getOrCreate()
    if given.packed:
        logs = spark.read.parquet(given.logs).select("path", "content")
    elif given.names:
        logs = spark.read.text(given.logs).withColumnRenamed("value", "path")
    else:
        every = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        logs = every.load(given.logs).select("path", "content")
    if given.tasks:
        logs = logs.repartition(given.tasks)
    rows = logs.mapInArrow(kanalyze.logs, kanalyze.schema("spark"))
    rows.write.partitionBy(*given.partition_by).parquet(given.events)
    spark.stop()


main()
