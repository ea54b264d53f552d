"""A table of this release as the first one wrote it (kanalyze.events/1, by polars): fewer columns, unsigned numbers, views and large lists.

usage: old_table.py NEW.parquet OLD.parquet
"""
import sys

import pyarrow
import pyarrow.parquet

COLUMNS = """schema record log index kind title alt_titles type frame guilty_file corrupted suppressed panicked cause executor_proc executor_id start end
line time caller comm pid cpu boot taint kernel_version hardware access_kind access_size access_address stacks held_locks lockdep hung_tasks registers code
fields rows damage""".split()
U32 = {"index", "cause", "cpu", "boot", "number", "subclass", "announced"}
U64 = {"start", "end", "line", "access_size", "log_line", "offset", "size", "seconds", "acquired_line"}


def as_polars_has_it(name, kind):
    if pyarrow.types.is_string(kind):
        return pyarrow.large_string()
    if pyarrow.types.is_list(kind):
        return pyarrow.large_list(pyarrow.field("item", as_polars_has_it("", kind.value_type)))
    if pyarrow.types.is_struct(kind):
        return pyarrow.struct([pyarrow.field(field.name, as_polars_has_it(field.name, field.type)) for field in kind])
    if pyarrow.types.is_int64(kind):
        return pyarrow.uint32() if name in U32 else pyarrow.uint64() if name in U64 else kind
    return kind


def main():
    new, old = sys.argv[1:]
    table = pyarrow.parquet.read_table(new).select(COLUMNS)
    fields = [pyarrow.field(field.name, as_polars_has_it(field.name, field.type)) for field in table.schema]
    table = table.cast(pyarrow.schema(fields))
    version = pyarrow.array(["kanalyze.events/1"] * table.num_rows, pyarrow.large_string())
    table = table.set_column(0, pyarrow.field("schema", pyarrow.large_string()), version)
    pyarrow.parquet.write_table(table, old, compression="zstd")


main()
