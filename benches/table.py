#!/usr/bin/env python3
"""How fast `kanalyze table` writes Parquet, against `kanalyze parse` over the same logs; how much memory; how long queries take.

usage: table.py BINARY LOGS [ROUNDS]     BINARY is built with --features tables, LOGS a folder

Prints the medians of both, their ratio (1: tables cost nothing beyond parsing), the peak resident set and the times of the views.
The two are run in turn, so that a busy machine slows both.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time


def measured(command, out=subprocess.DEVNULL):
    """Seconds and peak resident set (MiB) of a command."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"{' '.join(command)[:200]} failed")
    return seconds, usage.ru_maxrss / 1024


def main():
    binary, logs = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    names = sorted(os.path.join(logs, name) for name in os.listdir(logs))
    size = sum(os.path.getsize(name) for name in names)
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "events.parquet")
        parses, tables, peak = [], [], 0
        for _ in range(rounds):
            # --all: the table holds the events, too.
            parses.append(measured([binary, "parse", "--all", "--format", "jsonl", *names])[0])
            seconds, used = measured([binary, "table", logs, "-o", table])
            tables.append(seconds)
            peak = max(peak, used)
        parse, wrote = statistics.median(parses), statistics.median(tables)
        print(f"{len(names)} logs, {size / 1e6:.1f} MB")
        print(f"parse {parse:.2f} s ({size / 1e6 / parse:.1f} MB/s), table {wrote:.2f} s ({size / 1e6 / wrote:.1f} MB/s): ratio {parse / wrote:.2f}")
        print(f"peak {peak:.0f} MiB, table {os.path.getsize(table) / 1e6:.1f} MB")
        for view in ("top", "flaky", "locks", "timeline", "SELECT count(*) FROM events"):
            print(f"query {view}: {measured([binary, 'query', view, table])[0]:.2f} s")


main()
