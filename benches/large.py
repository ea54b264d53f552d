#!/usr/bin/env python3
"""Inputs of a hostile size, each at a quarter, a half and the whole of it: what they cost in time and memory, and whether the cost is
linear in the size.

usage: benches/large.py PROGRAM [--folder DIR] [--only NAME]... [--scale 0.1] [--limit 120]

Prints one row per size: bytes, CPU seconds, wall seconds, peak memory in MB (without mapped files), status, bytes printed; behind the
largest the exponent between the last two sizes (1.0 is linear). Exit status 1 if an exponent exceeds 1.35, a run takes longer than
the limit, or ends by a signal. The files are removed as it goes: the largest have 1 GiB.
"""

import argparse
import math
import os
import resource
import signal
import subprocess
import sys
import threading
import time

TIME = b"[  143.000000] "


def line(out, size):
    """One line without an end, of `size` bytes."""
    block = b"A" * (1 << 20)
    for _ in range(size >> 20):
        out.write(block)


def newlines(out, size):
    block = b"\n" * (1 << 20)
    for _ in range(size >> 20):
        out.write(block)


def headers(out, count):
    for at in range(count):
        out.write(b"[%6d.%06d] BUG: KASAN: slab-out-of-bounds in widget_%d+0x1/0x2\n" % (at // 1000, at % 1000000, at))


def held(out, count):
    """Tasks that hold one lock each, in one list."""
    out.write(TIME + b"INFO: task a:1 blocked for more than 143 seconds.\n" + TIME + b"Showing all locks held in the system:\n")
    for at in range(count):
        out.write(TIME + b"1 lock held by t%d/%d:\n" % (at, at + 1))
        out.write(TIME + b" #0: ffff8880%08x (&widget->lock){+.+.}-{3:3}, at: widget_get+0x1/0x2\n" % at)


def one_holder(out, count):
    """One task that holds all of them."""
    out.write(TIME + b"Showing all locks held in the system:\n" + TIME + b"%d locks held by t/1:\n" % count)
    for at in range(count):
        out.write(TIME + b" #%d: ffff8880%08x (&w%d->lock){+.+.}-{3:3}, at: widget_get+0x1/0x2\n" % (at, at, at))


def cycle(out, count):
    """Tasks that wait for each other in one circle."""
    for at in range(count):
        pid, after = at + 10, (at + 1) % count
        out.write(TIME + b"INFO: task t%d:%d blocked for more than 143 seconds.\n" % (at, pid))
        out.write(TIME + b"      Not tainted 6.12.0 #1\n")
        out.write(TIME + b"task:t%d state:D stack:0 pid:%d tgid:%d ppid:2 flags:0x00004000\n" % (at, pid, pid))
        for text in (b"Call Trace:", b" <TASK>", b" __schedule+0x1/0x2", b" schedule+0x1/0x2", b" __mutex_lock+0x1/0x2",
                     b" widget_get+0x1/0x2", b" </TASK>"):
            out.write(TIME + text + b"\n")
        out.write(TIME + b"INFO: task t%d:%d is blocked on a mutex likely owned by task t%d:%d.\n" % (at, pid, after, after + 10))
    out.write(TIME + b"Showing all locks held in the system:\n")
    for at in range(count):
        out.write(TIME + b"2 locks held by t%d/%d:\n" % (at, at + 10))
        for number, lock in ((0, at), (1, (at + 1) % count)):
            out.write(TIME + b" #%d: ffff8880%08x (&widget->lock){+.+.}-{4:4}, at: widget_get+0x1/0x2\n" % (number, lock * 64))
    out.write(TIME + b"\n" + TIME + b"=============================================\n")


def chain(out, count):
    """One lockdep report whose dependency chain has `count` links."""
    rule = b"=" * 54
    for text in (rule, b"WARNING: possible circular locking dependency detected", b"6.12.0 #1 Not tainted", b"-" * 54,
                 b"a/1 is trying to acquire lock:", b"ffff888000000001 (l0){+.+.}-{3:3}, at: f+0x1/0x2", b"",
                 b"but task is already holding lock:", b"ffff888000000002 (l1){+.+.}-{3:3}, at: g+0x1/0x2", b"",
                 b"which lock already depends on the new lock.", b"", b"the existing dependency chain (in reverse order) is:"):
        out.write(TIME + text + b"\n")
    for at in range(count):
        out.write(TIME + b"\n" + TIME + b"-> #%d (l%d){+.+.}-{3:3}:\n" % (count - at, at))
        out.write(TIME + b"       f%d+0x1/0x2\n" % at)


def steps(out, count):
    """A bisection of git's own."""
    out.write(b"git bisect start\n# bad: [%040x] widget: the last\ngit bisect bad %040x\n" % (1, 1))
    out.write(b"# good: [%040x] widget: the first\ngit bisect good %040x\n" % (2, 2))
    for at in range(count):
        verdict = (b"good", b"bad")[at % 2]
        out.write(b"# %s: [%040x] widget: step %d\ngit bisect %s %040x\n" % (verdict, at + 16, at, verdict, at + 16))


def mails(out, count):
    """One thread: each mail answers the one before it."""
    for at in range(count):
        out.write(b"From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: P%d <p%d@example.org>\nSubject: Re: widget: hangs\n" % (at % 40, at % 40))
        out.write(b"Date: Fri, %d Jan 2026 %02d:%02d:00 +0000\n" % (2 + at // 1440 % 28, at // 60 % 24, at % 60))
        out.write(b"Message-ID: <%d@example.org>\n" % at)
        if at:
            out.write(b"In-Reply-To: <%d@example.org>\n" % (at - 1))
        out.write(b"\n> what the mail before said\n\nDoes it still hang in step %d? I will look.\n\n" % at)


def log(out, size):
    """A log of so many bytes with a crash every 100 KB."""
    at = written = 0
    while written < size:
        at += 1
        if at % 1200 == 0:
            text = b"[%6d.%06d][   T42] BUG: KASAN: use-after-free in widget_%d+0x1f/0x40\n" % (at // 100, at, at % 50)
            text += b"".join(b"[%6d.%06d][   T42]  widget_%d+0x1f/0x40\n" % (at // 100, at, each) for each in range(12))
        else:
            text = b"[%6d.%06d][    T1] usb 1-1: a hub with four ports was found in the usual place, %d\n" % (at // 100, at, at)
        out.write(text)
        written += len(text)


def report_length(out, count):
    """One report whose stack has `count` frames."""
    out.write(TIME + b"BUG: KASAN: use-after-free in widget_put+0x1f/0x40\n" + TIME + b"Call Trace:\n" + TIME + b" <TASK>\n")
    for at in range(count):
        out.write(TIME + b" widget_%d+0x1f/0x40 [widget]\n" % at)
    out.write(TIME + b" </TASK>\n")


MIB = 1 << 20
# name, what makes it, the whole size, the verbs that read it
INPUTS = [
    ("line of 1 GiB", line, 1024 * MIB, (["parse"],)),
    ("1 GiB of newlines", newlines, 1024 * MIB, (["parse"],)),
    ("headers", headers, 1_000_000, (["parse"], ["parse", "--format", "jsonl"])),
    ("held locks", held, 1_000_000, (["parse"], ["locks"], ["locks", "--format", "jsonl"])),
    ("one holder", one_holder, 1_000_000, (["parse"], ["locks"])),
    ("cycle of tasks", cycle, 100_000, (["parse"], ["locks"], ["locks", "--format", "jsonl"])),
    ("lockdep chain", chain, 200_000, (["parse"], ["locks"])),
    ("bisection steps", steps, 100_000, (["bisect"], ["bisect", "--format", "jsonl"])),
    ("mails", mails, 10_000, (["thread", "--mbox"],)),
    ("page of a log", log, 50 * MIB, (["page"], ["diff"], ["check"])),
    ("frames", report_length, 500_000, (["parse"], ["parse", "--format", "jsonl"])),
]


def measured(program, verb, path, limit):
    """CPU and wall seconds, peak anonymous memory in bytes, status, bytes printed."""
    names = [path, path] if verb[0] == "diff" else [path]
    begun = time.monotonic()
    child = subprocess.Popen([program, *verb, *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    timer = threading.Timer(limit, child.kill)
    timer.start()
    peak = [0]

    def look():
        while child.returncode is None:
            try:
                with open(f"/proc/{child.pid}/status") as status:
                    rows = dict(row.split(":", 1) for row in status if ":" in row)
                peak[0] = max(peak[0], int(rows.get("RssAnon", "0 kB").split()[0]) * 1024)
            except (OSError, ValueError):
                pass
            time.sleep(0.02)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    printed = 0
    while block := child.stdout.read(1 << 20):
        printed += len(block)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    watcher.join()
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begun, peak[0], child.returncode, printed


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    arguments.add_argument("program")
    arguments.add_argument("--folder", default=".")
    arguments.add_argument("--only", action="append", default=[])
    arguments.add_argument("--scale", type=float, default=1.0)
    arguments.add_argument("--limit", type=float, default=120)
    given = arguments.parse_args()
    path = os.path.join(given.folder, f"large-{os.getpid()}.log")
    bad = False
    print(f"{'input':<18} {'verb':<22} {'size':>11} {'MB':>7} {'CPU s':>8} {'wall s':>8} {'peak MB':>8} {'status':>6} {'printed':>10} {'exponent':>8}")
    try:
        for name, make, whole, verbs in INPUTS:
            if given.only and name not in given.only:
                continue
            rows = {}
            for part in (4, 2, 1):
                size = int(whole * given.scale / part)
                with open(path, "wb", buffering=1 << 20) as out:
                    make(out, size)
                # Quiet for more than two seconds: mapped, as a log of yesterday is.
                os.utime(path, (time.time() - 60,) * 2)
                length = os.path.getsize(path)
                for verb in verbs:
                    key = " ".join(verb)
                    cpu, wall, peak, status, printed = measured(given.program, verb, path, given.limit)
                    before = rows.get(key)
                    exponent = math.log2(cpu / before) if before and before > 0.2 and part == 1 else None
                    rows[key] = cpu
                    ended = status if status >= 0 else signal.Signals(-status).name
                    told = "" if exponent is None else f"{exponent:8.2f}"
                    print(f"{name:<18} {key:<22} {size:>11} {length / 1e6:>7.1f} {cpu:>8.2f} {wall:>8.2f} {peak / 1e6:>8.0f} "
                          f"{ended:>6} {printed:>10} {told:>8}", flush=True)
                    bad |= status < 0 or (exponent or 0) > 1.35
    finally:
        if os.path.exists(path):
            os.remove(path)
    return bad


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
