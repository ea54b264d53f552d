#!/usr/bin/env python3
"""Time kanalyze in turn with ripgrep, GNU grep and newline counting, in one run.

rivals.py KANALYZE BORING.log DENSE.log [--rounds 5] [--threads N] [--packed] [--small 1000] [--by processor] [--record FILE]

BORING holds no crash, DENSE many (../shared/score/biglog.py writes both). Each is read as a file and through a pipe, as text, as
jsonl and for its locks; with `--packed` also as .gz, .xz and .zst, beside the unpackers alone; with `--small` the dense log is cut
into so many logs of about 5 kB, which are all named in one call. Shown are medians: wall and processor milliseconds, MB a second of
the plain log, and how many times as fast as ours each program is by wall time (below 1 it is slower), or by processor time where
others use the machine (`--by processor`). Answers are checked: a file, a pipe and a packed file must give the same ones. `--record` appends the table with machine and commit (benches/record/).
"""
import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from kept import keep

PATTERN = "INFO: task|blocked for more than|hung task|vhost_worker_killed|BUG:|KASAN:|panic|Oops"
OURS = ("kanalyze text", "kanalyze jsonl", "kanalyze locks")
UNPACKERS = {"gz": ["gzip", "-1"], "xz": ["xz", "-1", "-T0"], "zst": ["zstd", "-q", "-3"]}


def timed(command, paths, way):
    """Wall and processor milliseconds, and what the program printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    if way == "pipe":
        with open(paths[0], "rb") as log:
            feeder = subprocess.Popen(["cat"], stdin=log, stdout=subprocess.PIPE)
            done = subprocess.run(command, stdin=feeder.stdout, capture_output=True)
            feeder.stdout.close()
            feeder.wait()
    else:
        done = subprocess.run([*command, *paths], capture_output=True)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[:300].decode(errors='replace')}")
    return wall * 1e3, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e3, done.stdout


def answer(key, out):
    """What must be the same however the log comes; texts are wrapped by the log's name."""
    if key == "kanalyze jsonl":
        return out.count(b"\n")
    if key in ("grep", "newlines"):
        return sum(int(line.rsplit(b":", 1)[-1].split()[0]) for line in out.splitlines()[:1])
    return None


def compared(name, way, commands, paths, size, rounds, answers, by):
    """Rows of one table: each command on the same log, in turn."""
    walls, cpus = {key: [] for key in commands}, {key: [] for key in commands}
    for _ in range(rounds):
        for key, command in commands.items():
            # `wc`, `grep` and `rg` read stdin where no file is named; ours, too, but says so by name.
            own = [*command, "-"] if way == "pipe" and key in OURS else command
            wall, cpu, out = timed(own, paths, way)
            walls[key].append(wall)
            cpus[key].append(cpu)
            got = answer(key, out)
            if way != "many" and answers.setdefault(key, got) != got:
                sys.exit(f"{key} gives another answer for {name} by {way}: {got}, before {answers[key]}")
    middle = {key: statistics.median(values) for key, values in walls.items()}
    scale = {key: statistics.median(values) for key, values in (cpus if by == "processor" else walls).items()}
    for key in commands:
        ratios = [f"{scale[ours] / scale[key]:.2f}" for ours in OURS]
        yield f"| {name} | {way} | {key} | {middle[key]:.1f} | {statistics.median(cpus[key]):.1f} | {size / middle[key] / 1e3:.0f} | {' | '.join(ratios)} |"


def small_logs(path, count, folder):
    """The first bytes of a log in pieces of about 5 kB, cut at line ends."""
    paths, total = [], 0
    with open(path, "rb") as log:
        for number in range(count):
            piece = log.read(5 << 10) + log.readline()
            if not piece:
                break
            paths.append(os.path.join(folder, f"{number:05}.log"))
            total += len(piece)
            with open(paths[-1], "wb") as out:
                out.write(piece)
    return paths, total


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("kanalyze")
    cli.add_argument("logs", nargs=2, metavar="LOG")
    cli.add_argument("--rounds", type=int, default=5)
    cli.add_argument("--threads", type=int)
    cli.add_argument("--packed", action="store_true")
    cli.add_argument("--small", type=int, default=0, metavar="COUNT")
    cli.add_argument("--by", choices=("wall", "processor"), default="wall")
    cli.add_argument("--record", metavar="FILE")
    args = cli.parse_args()
    threads = ["-j", str(args.threads)] if args.threads else []
    commands = {
        "kanalyze text": [args.kanalyze, "parse", *threads],
        "kanalyze jsonl": [args.kanalyze, "parse", "--format", "jsonl", *threads],
        "kanalyze locks": [args.kanalyze, "locks", *threads],
        "ripgrep": ["rg", "-c", "-a", *threads, PATTERN],
        "grep": ["grep", "-a", "-cE", PATTERN],
        "newlines": ["wc", "-l"],
    }
    missing = [command[0] for command in commands.values() if not shutil.which(command[0])]
    if missing:
        sys.exit(f"missing: {', '.join(missing)}; install them, so that all are measured in one run")
    version = subprocess.run([args.kanalyze, "--version"], capture_output=True, text=True).stdout.strip()
    rows = [f"{platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {version}, {args.rounds} rounds, "
            f"{args.threads or 'all'} threads, times by {args.by} time, {time.strftime('%Y-%m-%d')}", ""]
    rows += ["| log | by | program | wall ms | processor ms | MB/s | times our text | times our jsonl | times our locks |",
             "|---|---|---|--:|--:|--:|--:|--:|--:|"]
    with tempfile.TemporaryDirectory() as folder:
        for name, path in zip(("boring", "dense"), args.logs):
            size, answers = os.path.getsize(path), {}
            for way in ("file", "pipe"):
                rows += compared(name, way, commands, [path], size, args.rounds, answers, args.by)
            for ending, packer in UNPACKERS.items() if args.packed else ():
                packed = os.path.join(folder, f"{name}.log.{ending}")
                with open(path, "rb") as log, open(packed, "wb") as out:
                    subprocess.run([*packer, "-c"], stdin=log, stdout=out, check=True)
                beside = {key: commands[key] for key in OURS} | {f"{packer[0]} -dc": [packer[0], "-dc"], "ripgrep -z": ["rg", "-z", "-c", "-a", *threads, PATTERN]}
                rows += compared(name, ending, beside, [packed], size, args.rounds, answers, args.by)
                os.unlink(packed)
        if args.small:
            paths, total = small_logs(args.logs[1], args.small, folder)
            rows += compared(f"{len(paths)} of 5 kB", "many", commands, paths, total, args.rounds, {}, args.by)
    keep(rows, args.record)


main()
