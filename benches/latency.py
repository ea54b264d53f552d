#!/usr/bin/env python3
"""Time from a line's write to the event that reports it, in a live log, of one or several builds in turn.

latency.py KANALYZE [OTHER_KANALYZE …] [--lines 300] [--rounds 5] [--pause 0.01] [--record FILE]

Each build runs `watch --format jsonl -` and is given ordinary lines and, one after the other, first lines of reports, each when the
`opened` event of the one before has come and `--pause` seconds have passed (what follows a small piece within 5 ms waits for that long:
an emulated UART hands over a few bytes at a time). Shown are the median, the ninth decile and the most of all rounds, in microseconds, and
the processor time of the whole run for each such line. Every event must name its own line. `--record` appends the table with machine
and commit (benches/record/); give the previous release as the second build to compare with it.
"""
import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time

from kept import keep

ORDINARY = 20


def ordinary(number):
    return f"[{number // 1000:5}.{number % 1000:03}000] eth0: renamed from veth{number:x}, queue {number % 16} is up\n"


def opened(watch, number):
    """Waits for the event of one report; what comes before it (others being closed) is passed over."""
    for line in watch.stdout:
        event = json.loads(line)
        if event["happening"] == "opened":
            if f"in widget_{number}+" in line:
                return
            sys.exit(f"the event of report {number} names another: {line[:300]}")
    sys.exit(f"the output ended before report {number} came")


def measured(program, lines, pause):
    """Microseconds from write to event for each report, and processor microseconds for each."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch = subprocess.Popen([program, "watch", "--format", "jsonl", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    took = []
    for number in range(lines):
        before_it = "".join(ordinary(number * ORDINARY + at) for at in range(ORDINARY))
        time.sleep(pause)
        began = time.perf_counter()
        watch.stdin.write(f"{before_it}[{number:5}.999000] BUG: KASAN: slab-use-after-free in widget_{number}+0x1f/0x400\n")
        watch.stdin.flush()
        opened(watch, number)
        took.append((time.perf_counter() - began) * 1e6)
    watch.stdin.close()
    watch.stdout.read()
    watch.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The first one compiles what all others use.
    return took[1:], spent * 1e6 / lines


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("kanalyze", nargs="+")
    cli.add_argument("--lines", type=int, default=300)
    cli.add_argument("--rounds", type=int, default=5)
    cli.add_argument("--pause", type=float, default=0.01, metavar="SECONDS")
    cli.add_argument("--record", metavar="FILE")
    args = cli.parse_args()
    took, spent = {program: [] for program in args.kanalyze}, {program: [] for program in args.kanalyze}
    for _ in range(args.rounds):
        for program in args.kanalyze:
            times, processor = measured(program, args.lines, args.pause)
            took[program] += times
            spent[program].append(processor)
    rows = [f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {args.rounds} rounds of {args.lines} reports, "
            f"{time.strftime('%Y-%m-%d')}", "",
            "| build | median µs | ninth decile µs | most µs | processor µs a report |", "|---|--:|--:|--:|--:|"]
    for program in args.kanalyze:
        version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
        times = sorted(took[program])
        rows.append(f"| {version} | {statistics.median(times):.0f} | {times[len(times) * 9 // 10]:.0f} | {times[-1]:.0f} | "
                    f"{statistics.median(spent[program]):.0f} |")
    keep(rows, args.record)


main()
