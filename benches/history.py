#!/usr/bin/env python3
"""Makes a git repository with a long history of C files, on which `kanalyze blame` and `fixed` can be timed.

usage: benches/history.py FOLDER [COMMITS]      300,000 commits take about ten minutes and 1 GB
       kanalyze blame --tree FOLDER FOLDER/crash.log
       kanalyze fixed --tree FOLDER --extid 000000000000000493df
"""

import random
import subprocess
import sys

folder, commits = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300_000
FOLDERS, FILES, FUNCTIONS = 40, 50, 20
chance = random.Random(1)
subprocess.run(["git", "init", "-q", "-b", "master", folder], check=True)
importer = subprocess.Popen(["git", "-C", folder, "fast-import", "--quiet"], stdin=subprocess.PIPE)
out = importer.stdin


def data(text):
    raw = text.encode()
    out.write(b"data %d\n%s\n" % (len(raw), raw))


def function(file, number, step):
    return [f"int f{file}_{number}(struct thing *thing)", "{", f"\tint step = {step};", "",
            "\tif (!thing)", "\t\treturn -EINVAL;", "\tthing->step = step;",
            f"\treturn g{file}_{number}(thing);", "}", ""]


files = {}
for file in range(FOLDERS * FILES):
    lines = [line for number in range(FUNCTIONS) for line in function(file, number, 0)]
    files[file] = (f"drivers/d{file // FILES:02}/f{file:04}.c", lines)
now = 1_300_000_000
maintainers = "MAINTAINERS\n" + "".join(
    f"\nDRIVER {n:02}\nM:\tMaintainer {n} <m{n}@example.org>\nL:\tdriver{n}@lists.example.org\nS:\tMaintained\nF:\tdrivers/d{n:02}/\n"
    for n in range(FOLDERS))
for step in range(commits):
    now += 1500
    file = chance.randrange(len(files))
    path, lines = files[file]
    number = chance.randrange(FUNCTIONS)
    lines[number * 10 + 2] = f"\tint step = {step};"
    trailers = f"Signed-off-by: Writer {file} <w{file}@example.org>\n"
    if step % 5 == 0:
        trailers = f'Fixes: {step * 7919:012x} ("driver {file}: a change")\n' + trailers
    if step % 100 == 99:
        trailers = f"Reported-by: syzbot+{step:020x}@syzkaller.appspotmail.com\n" + trailers
    out.write(b"commit refs/heads/master\n")
    out.write(b"committer Writer %d <w%d@example.org> %d +0000\n" % (file, file, now))
    data(f"driver {file}: step {step} of function {number}\n\n"
         + "What was wrong here is reported in a few lines, as long as those of\n"
         + "a usual commit of the kernel are, so that reading them takes as long.\n\n" * 3 + trailers)
    if step == 0:
        for path, lines in files.values():
            out.write(b"M 100644 inline %s\n" % path.encode())
            data("\n".join(lines))
        out.write(b"M 100644 inline MAINTAINERS\n")
        data(maintainers)
    else:
        out.write(b"M 100644 inline %s\n" % path.encode())
        data("\n".join(lines))
    if step % 5000 == 4999:
        out.write(b"tag v5.%d\nfrom refs/heads/master\ntagger T <t@example.org> %d +0000\n" % (step // 5000, now))
        data("a release")
out.close()
importer.wait()
path, lines = files[77]
with open(f"{folder}/crash.log", "w", encoding="ascii") as log:
    release = f"5.{commits // 5000 - 1}.0"
    log.write(f"""[   10.000000] BUG: kernel NULL pointer dereference, address: 0000000000000000
[   10.000001] #PF: supervisor read access in kernel mode
[   10.000002] #PF: error_code(0x0000) - not-present page
[   10.000003] Oops: 0000 [#1] PREEMPT SMP
[   10.000004] CPU: 0 PID: 77 Comm: driver Not tainted {release} #1
[   10.000005] RIP: 0010:f77_3+0x13/0x40 {path}:37
[   10.000006] Call Trace:
[   10.000007]  f77_4+0x23/0x40 {path}:48
[   10.000008]  f77_5+0x23/0x40 {path}:58
""")
