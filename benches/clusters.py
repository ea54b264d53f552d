"""What clusters cost: `kanalyze table --cluster` over tables of synthetic causes; CPU seconds and the most memory.

usage: clusters.py BINARY [NUMBER]      needs pyarrow; NUMBER of causes, a million if none is given

one title    NUMBER/50 reports of one title that names no function, each with a stack of its own
many titles  NUMBER causes of NUMBER/20 titles, whole and damaged, with 6 to 16 frames of which the outer ones are those of system calls
again        a tenth as many new ones into the clusters of the second
"""
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile

import pyarrow
import pyarrow.parquet

OUTER = ["vfs_write", "ksys_write", "__x64_sys_write", "do_syscall_64", "entry_SYSCALL_64_after_hwframe"]


def table(path, causes):
    """Writes causes, each a title, whether it is damaged, and a stack, as an engine's GROUP BY cause_id gives them."""
    columns = {name: [] for name in ("cause_id", "title", "type", "frame", "corrupted", "cause_stack", "cause_locks", "log", "index", "count")}
    for number, (title, damaged, stack) in enumerate(causes):
        row = (hashlib.md5(repr((title, stack)).encode()).hexdigest(), title, "BUG", "" if damaged else stack[0], None, stack, [], f"{number:08}.log", 0, 1 + number % 3)
        for name, value in zip(columns, row):
            columns[name].append(value)
    columns["corrupted"] = pyarrow.array(columns["corrupted"], pyarrow.string())
    columns["cause_locks"] = pyarrow.array(columns["cause_locks"], pyarrow.list_(pyarrow.string()))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def one_title(number):
    for cause in range(number):
        yield "general protection fault in corrupted", True, [f"f{cause}_{at}" for at in range(6)] + OUTER


def many_titles(number, seed):
    chance = random.Random(seed)
    for cause in range(number):
        title = chance.randrange(max(number // 20, 1))
        inner = [f"crash_{title}"] + [f"f{chance.randrange(50_000)}" for _ in range(chance.randrange(10))]
        damaged = cause % 4 == 0
        yield (f"KASAN: use-after-free in corrupted" if damaged else f"BUG: bad unlock in crash_{title}"), damaged, inner + OUTER


def run(binary, what, *arguments):
    process = subprocess.Popen([binary, "table", *arguments, "--cluster", "--format", "jsonl"], stdout=subprocess.PIPE)
    clusters = reports = 0
    for line in process.stdout:
        clusters += 1
        reports += json.loads(line)["size"]
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{what}: status {status}"
    print(f"{what:12} {reports:9} reports {clusters:8} clusters {usage.ru_utime + usage.ru_stime:8.1f} CPU s {usage.ru_maxrss / 1024:8.0f} MB", flush=True)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    binary, number = sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        place = lambda name: os.path.join(folder, name)
        table(place("one.parquet"), one_title(number // 50))
        run(binary, "one title", place("one.parquet"))
        table(place("many.parquet"), many_titles(number, 1))
        run(binary, "many titles", place("many.parquet"), "--into", place("clusters.parquet"))
        table(place("more.parquet"), many_titles(number // 10, 2))
        run(binary, "again", place("more.parquet"), "--into", place("clusters.parquet"))


main()
