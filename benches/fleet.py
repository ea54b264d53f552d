"""What a million logs cost in one process: `kanalyze table -j 1` over logs of 250 kB that are made of the corpus; CPU seconds, peak memory.

usage: fleet.py BINARY CORPUS [NUMBER]      BINARY is built with --features arrow; NUMBER of logs of each kind, 1000 if none is given

boots  ordinary lines of logs without a crash, with one log that has one at the end
dense  logs of the corpus one after the other: about 30 crashes, hangs and lock lists in each
"""
import glob
import os
import random
import re
import subprocess
import sys
import tempfile

STAMP = re.compile(rb"\[ *(\d+)\.(\d{6})\]")
SIZE = 250_000


def later(text, seconds):
    return STAMP.sub(lambda at: b"[%5d.%s]" % (int(at[1]) + seconds, at[2]), text)


def boots(calm, crashes, chance):
    text, seconds = b"", 0
    crash = chance.choice(crashes)
    while len(text) + len(crash) < SIZE:
        text += later(chance.choice(calm), seconds)
        seconds += 20
    return text + later(crash, seconds)


def dense(calm, crashes, chance):
    text, seconds = b"", 0
    while len(text) < SIZE:
        text += later(chance.choice(crashes), seconds)
        seconds += 20
    return text


def measured(binary, what, names, size, *to):
    with tempfile.NamedTemporaryFile("w") as listed:
        listed.write("".join(f"{name}\n" for name in names))
        listed.flush()
        process = subprocess.Popen([binary, "table", "-j", "1", "--files-from", listed.name, *to], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{what}: status {status}")
    cost = usage.ru_utime + usage.ru_stime
    million = cost / len(names) * 1e6 / 60
    print(f"{what:14} {len(names)} logs of {size / len(names) / 1e3:.0f} kB: {cost:6.2f} CPU s, {size / 1e6 / cost:5.0f} MB/s, "
          f"{million:5.0f} CPU minutes for a million, {usage.ru_maxrss / 1024:.0f} MB of memory", flush=True)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    binary, corpus, number = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 1000
    logs = {path: open(path, "rb").read() for path in sorted(glob.glob(f"{corpus}/**/*.log", recursive=True))}
    quiet = lambda path: os.path.basename(path).startswith("clean")
    calm = [text for path, text in logs.items() if quiet(path)]
    crashes = [text for path, text in logs.items() if not quiet(path)]
    for make in (boots, dense):
        chance = random.Random(21)
        with tempfile.TemporaryDirectory() as folder:
            names, size = [], 0
            for at in range(number):
                names.append(f"{folder}/{at:06}.log")
                with open(names[-1], "wb") as log:
                    size += log.write(make(calm, crashes, chance))
            measured(binary, f"{make.__name__}, arrow", names, size, "--to", "arrow")
            measured(binary, f"{make.__name__}, parquet", names, size, "-o", f"{folder}/rows.parquet")


main()
