#!/usr/bin/env python3
"""Time kanalyze in turn with ripgrep, GNU grep and newline counting, in one run, on a boring and on a dense log.

rivals.py KANALYZE BORING.log DENSE.log [--rounds 5] [--threads N] [--record FILE]

Each log is read as a file and through a pipe, as text and as jsonl. Shown are medians: wall and processor milliseconds, and how
many times as fast as ours each rival is by wall time. `--record` appends the table with machine and commit (benches/record/).
"""
import argparse
import os
import platform
import resource
import statistics
import subprocess
import time

PATTERN = "INFO: task|blocked for more than|hung task|vhost_worker_killed|BUG:|KASAN:|panic|Oops"


def timed(command, path, piped):
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if piped:
        feeder = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
        done = subprocess.run(command, stdin=feeder.stdout, capture_output=True)
        feeder.stdout.close()
        feeder.wait()
    else:
        done = subprocess.run([*command, path], capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), (command, done.returncode, done.stderr[:300])
    return wall * 1e3, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, done.stdout


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("kanalyze")
    cli.add_argument("logs", nargs=2, metavar="LOG")
    cli.add_argument("--rounds", type=int, default=5)
    cli.add_argument("--threads", type=int)
    cli.add_argument("--record")
    args = cli.parse_args()
    threads = ["-j", str(args.threads)] if args.threads else []
    commands = {
        "kanalyze text": [args.kanalyze, "parse", *threads],
        "kanalyze jsonl": [args.kanalyze, "parse", "--format", "jsonl", *threads],
        "ripgrep": ["rg", "-c", "-a", *threads, PATTERN],
        "grep": ["grep", "-cE", PATTERN],
        "newlines": ["wc", "-l"],
    }
    folder = os.path.dirname(os.path.abspath(__file__))
    commit = subprocess.run(["git", "-C", folder, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    load = os.getloadavg()[0]
    rows = [f"{platform.machine()}, {os.cpu_count()} processors, load {load:.1f}, commit {commit}, {args.rounds} rounds, {time.strftime('%Y-%m-%d')}", ""]
    rows += ["| log | by | program | wall ms | processor ms | MB/s | times ours as text | times ours as jsonl |", "|---|---|---|--:|--:|--:|--:|--:|"]
    for name, path in zip(("boring", "dense"), args.logs):
        size, answers = os.path.getsize(path), {}
        for way in ("file", "pipe"):
            walls, cpus = {key: [] for key in commands}, {key: [] for key in commands}
            for _ in range(args.rounds):
                for key, command in commands.items():
                    own = [*command, "-"] if way == "pipe" and key != "newlines" else command
                    wall, cpu, out = timed(own, path, way == "pipe")
                    walls[key].append(wall)
                    cpus[key].append(cpu)
                    # A file and a pipe must give the same answer; jsonl and counts differ in the name alone.
                    answer = out.count(b"\n") if key == "kanalyze jsonl" else out.split()[0] if key in ("grep", "newlines") else None
                    assert answers.setdefault(key, answer) == answer, (key, name, way)
            middle = {key: statistics.median(values) for key, values in walls.items()}
            for key in commands:
                ratios = [f"{middle[ours] / middle[key]:.2f}" for ours in ("kanalyze text", "kanalyze jsonl")]
                rows.append(f"| {name} | {way} | {key} | {middle[key]:.0f} | {statistics.median(cpus[key]):.0f} | {size / middle[key] / 1e3:.0f} | {' | '.join(ratios)} |")
    text = "\n".join(rows) + "\n"
    print(text, end="")
    if args.record:
        with open(args.record, "a") as out:
            out.write(text + "\n")


main()
