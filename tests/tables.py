"""What another program reads in a table: compared, value by value, with the records that `kanalyze parse --all` prints.

usage: tables.py TABLE RECORDS.jsonl      TABLE is .parquet, .arrow, .csv or a folder of Parquet files
"""
import csv
import json
import math
import os
import sys

import duckdb
import pyarrow
import pyarrow.feather
import pyarrow.parquet

PLAIN = ("log index kind title alt_titles type frame guilty_file corrupted suppressed panicked cause start line time caller cpu boot taint kernel_version "
         "hardware code rows damage schema subject message severity speaker wall oops").split()


def rows_of(path):
    """Rows as Python values; by pyarrow and, for Parquet, by duckdb, too."""
    if os.path.isdir(path):
        return duckdb.sql(f"SELECT * FROM read_parquet('{path}/**/*.parquet', hive_partitioning=true, hive_types_autocast=false)").to_arrow_table().to_pylist()
    if path.endswith(".parquet"):
        table = pyarrow.parquet.read_table(path).to_pylist()
        again = duckdb.sql(f"SELECT * FROM '{path}'").to_arrow_table().to_pylist()
        assert table == again, "pyarrow and duckdb read different things"
        return table
    if path.endswith(".arrow"):
        return pyarrow.feather.read_table(path).to_pylist()
    with open(path, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def task(record):
    return record.get("task") or {"comm": None, "pid": None}


def expected(record):
    """The columns that a record should have become."""
    event = record["schema"].startswith("kanalyze.event")
    row = {name: record.get(name) for name in PLAIN}
    row["schema"], row["record"] = "kanalyze.events/2", "event" if event else "report"
    row["comm"], row["pid"] = task(record)["comm"], task(record)["pid"]
    for name in ("alt_titles", "rows", "damage", "message"):
        row[name] = record.get(name) or []
    for name in ("type", "frame"):
        row[name] = record.get(name) or None
    for name, fields in {"source": ("file", "line"), "object": ("cache", "size", "offset"), "access": ("kind", "size", "address"), "executor": ("proc", "id")}.items():
        row.update({f"{name}_{field}": (record.get(name) or {}).get(field) for field in fields})
    row["stacks"] = [{"name": s["name"], "comm": task(s)["comm"], "pid": task(s)["pid"], "cpu": s["cpu"], "line": s["line"], "frames": s["frames"]}
                     for s in record["stacks"]]
    row["held_locks"] = [
        {"comm": task(h)["comm"], "pid": task(h)["pid"], "announced": h["announced"], "line": h["line"], "locks": [
            {**{key: lock[key] for key in ("number", "class", "subclass", "address", "usage", "wait_type", "line")},
             "acquired_at": (lock["acquired_at"] or {}).get("function"), "acquired_file": (lock["acquired_at"] or {}).get("file"),
             "acquired_line": (lock["acquired_at"] or {}).get("line")} for lock in h["locks"]]} for h in record["held_locks"]]
    row["registers"] = [{"name": name, "value": value} for name, value in sorted((record.get("registers") or {}).items())]
    row["fields"] = [{"name": name, "value": value} for name, value in sorted((record.get("fields") or {}).items())]
    return row


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(float(a), float(b), rel_tol=0, abs_tol=0)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def in_csv(value):
    """A CSV field → the value that it stands for, where that can be determined."""
    return None if value == "" else value


def main():
    path, records = sys.argv[1:]
    rows = rows_of(path)
    with open(records, encoding="utf-8") as text:
        wanted = [expected(json.loads(line)) for line in text]
    found = [row for row in rows if row["record"] != "log"]
    key = lambda row: (row["log"], row["record"], int(row["index"]))
    found.sort(key=key)
    wanted.sort(key=key)
    assert len(found) == len(wanted), f"{len(found)} rows, {len(wanted)} records"
    values = 0
    for row, record in zip(found, wanted):
        for name, value in record.items():
            got = row[name]
            if path.endswith(".csv"):
                got = in_csv(got)
                if isinstance(value, (list, dict)):
                    got = json.loads(got)
                elif isinstance(value, bool):
                    got = {"true": True, "false": False}[got]
                elif isinstance(value, (int, float)):
                    got = type(value)(got)
                elif value == "":
                    value = None
            elif os.path.isdir(path) and not isinstance(got, (list, dict)) and got is not None:
                got, value = str(got), None if value is None else str(value)
            assert same(got, value), f"{row['log']} {row['record']} {row['index']}: {name} is {got!r}, the record says {value!r}"
            values += 1
    assert len({key(row) for row in rows}) == len(rows), "(log, record, index) is not a key"
    assert len({(row["kanalyze_version"], row["grammar_hash"]) for row in rows}) == 1, "rows of one run have different origins"
    for row in found:
        assert (row["record"] == "report") == bool(row["cause_id"]), f"{key(row)}: a report has a cause"
    logs = [row for row in rows if row["record"] == "log"]
    print(f"{len(found)} rows, {values} values equal, {len(logs)} logs")


main()
