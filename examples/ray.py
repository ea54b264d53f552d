"""A million logs by Ray: a row for each log, report and event, as Parquet.

    python examples/ray.py logs/ events/

The Python of the workers needs ray[data], pyarrow and kanalyze. One call is one process of kanalyze, so batches are large.
"""

import sys

import kanalyze
import pyarrow
import ray


def rows(logs: pyarrow.Table) -> pyarrow.Table:
    logs = logs.rename_columns(["content" if name == "bytes" else name for name in logs.column_names])
    return pyarrow.Table.from_batches(kanalyze.logs(logs.to_batches()), kanalyze.schema("arrow"))


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    logs = ray.data.read_binary_files(sys.argv[1], include_paths=True)
    logs.map_batches(rows, batch_format="pyarrow", batch_size=1024).write_parquet(sys.argv[2])


if __name__ == "__main__":
    main()
