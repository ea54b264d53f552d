#!/usr/bin/env python3
"""Time and check `kanalyze symbolize` against binutils' addr2line, llvm-symbolizer and the kernel's decode_stacktrace.sh.

symbols.py BINARY VMLINUX [--addresses 1000] [--rounds 3] [--script decode_stacktrace.sh --log LOG [--modules DIR]]

Random text addresses of VMLINUX are looked up by all; the ratios are from one run, the best of the rounds of each. Every
address with unlike answers is printed with all three, so that it can be seen whose fault it is. Cold means: nothing in
the index cache (the page cache is warm for everyone, as the file was just read).
"""
import argparse
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import time


def timed(command, text, env=None):
    began = time.monotonic()
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, errors="replace")
    return time.monotonic() - began, done.stdout


def peak(command, text, env=None):
    """Peak resident memory in MiB."""
    probe = "import resource,subprocess,sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    done = subprocess.run(["python3", "-c", probe, *command], input=text, stdout=subprocess.PIPE, text=True, env=env)
    return int(done.stdout) / 1024


def by_address(text):
    """The chain of every address, from output that prints `0x…` before each."""
    found, at = {}, None
    for line in text.splitlines():
        if re.fullmatch(r"0x[0-9a-f]+", line):
            at = int(line, 16)
            found[at] = []
        elif at is not None and line:
            found[at].append(normal(line))
    return found


def normal(line):
    line = re.sub(r" \(discriminator \d+\)", "", line)
    if line in ("??:0", "??:?", ":?"):
        return "??"
    path, colon, number = line.rpartition(":")
    if not colon:
        return line
    return os.path.normpath(path) + ":" + ("?" if number in ("0", "?") else number)


def main():
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("binary")
    cli.add_argument("vmlinux")
    cli.add_argument("--addresses", type=int, default=1000)
    cli.add_argument("--rounds", type=int, default=3)
    cli.add_argument("--seed", type=int, default=1)
    cli.add_argument("--script")
    cli.add_argument("--log")
    cli.add_argument("--modules")
    cli.add_argument("--show", type=int, default=20)
    args = cli.parse_args()
    symbols = subprocess.run(["nm", args.vmlinux], stdout=subprocess.PIPE, text=True).stdout
    place = {line.split()[2]: int(line.split()[0], 16) for line in symbols.splitlines() if len(line.split()) == 3}
    random.seed(args.seed)
    addresses = [random.randrange(place["_stext"], place["_etext"]) for _ in range(args.addresses)]
    text = "".join(f"0x{address:x}\n" for address in addresses)
    cache = tempfile.mkdtemp(prefix="kanalyze-bench-")
    env = {**os.environ, "XDG_CACHE_HOME": cache}
    ours = [args.binary, "symbolize", "--base", "/", "--addresses", "-k", args.vmlinux]
    binutils = ["addr2line", "-fie", args.vmlinux]
    llvm = ["llvm-symbolizer", f"--obj={args.vmlinux}", "--output-style=GNU", "--no-demangle"]
    best = {}

    def keep(name, seconds):
        best[name] = min(best.get(name, seconds), seconds)

    for _ in range(args.rounds):
        shutil.rmtree(cache)
        keep("kanalyze, cold", timed(ours, text, env)[0])
        keep("kanalyze, warm", timed(ours, text, env)[0])
        keep("addr2line -fie", timed(binutils, text)[0])
        if shutil.which("llvm-symbolizer"):
            keep("llvm-symbolizer", timed(llvm, text)[0])
    shutil.rmtree(cache)
    memory = {"kanalyze, cold": peak(ours, text, env), "addr2line -fie": peak(binutils, text)}
    for name, seconds in best.items():
        ratio = f"{best['addr2line -fie'] / seconds:8.1f} × addr2line"
        print(f"{name:18s} {seconds:8.3f} s {ratio}" + (f"   {memory[name]:.0f} MiB" if name in memory else ""))

    records = timed([*ours, "--format", "jsonl"], text, env)[1]
    found = {}
    for address, line in zip(addresses, records.splitlines()):
        frames = json.loads(line)["frames"]
        found[address] = [part for frame in frames for part in (frame["function"] or "??", normal(f"{frame['file'] or '??'}:{frame['line'] or '?'}"))]
    theirs = {"addr2line": by_address(timed(["addr2line", "-afie", args.vmlinux], text)[1])}
    if shutil.which("llvm-symbolizer"):
        theirs["llvm"] = by_address(timed([*llvm, "--addresses"], text)[1])
    for name, answers in theirs.items():
        unlike = [address for address in addresses if answers.get(address, []) != found[address]]
        # A place in no line table is padding or data in the text; the tools name it by various symbols.
        without = [address for address in unlike if not any(":" in part for part in answers.get(address, []) + found[address])]
        # llvm gives the outermost function its symbol's name (f.part.0, f.cold), binutils and we the one of the source.
        named = [address for address in unlike if address not in without and answers[address][1::2] == found[address][1::2]]
        lines = [address for address in unlike if address not in without and address not in named]
        print(f"{name}: {len(addresses) - len(unlike)} of {len(addresses)} equal; unlike: {len(lines)} in lines, {len(named)} in the name of a function, {len(without)} without a line")
        for address in lines[:args.show]:
            print(f"  {address:x}\n    kanalyze {found[address]}")
            for other, answer in theirs.items():
                print(f"    {other:8s} {answer.get(address)}")
    if args.script and args.log:
        folder = args.modules or os.path.dirname(os.path.abspath(args.vmlinux))
        with open(args.log, errors="replace") as log:
            log = log.read()
        script = timed(["bash", args.script, args.vmlinux, "auto", folder], log)[0]
        shutil.rmtree(cache, ignore_errors=True)
        whole = [args.binary, "symbolize", "--compat", args.vmlinux, "auto", folder]
        cold = timed(whole, log, env)[0]
        warm = min(timed(whole, log, env)[0] for _ in range(args.rounds))
        print(f"whole log: script {script:.2f} s, kanalyze cold {cold:.3f} s ({script / cold:.0f} ×), warm {warm:.3f} s ({script / warm:.0f} ×)")
    shutil.rmtree(cache, ignore_errors=True)


main()
