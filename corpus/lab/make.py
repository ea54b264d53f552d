#!/usr/bin/env python3
"""Build the lab's kernel and modules and boot every scenario in QEMU: from nothing to logs/ and truth/.

make.py all                      unpack, configure, build, boot what has no log yet, write all truth files, check them
make.py kernel|modules|initramfs one step of the build
make.py run [NAME…] [--force]    boot scenarios (all without a log, or those named; --force: again)
make.py truth [NAME…]            write truth files from logs and side channels
make.py check [NAME…]            compare truth files with their logs
make.py list                     the scenarios as a Markdown table

Needs Debian's linux-source-6.12, qemu-system-x86, busybox-static, flex, bison, bc, libelf-dev, libssl-dev, cpio, zstd, gcc, make.
"""
import argparse
import concurrent.futures
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import threading
import time

import scenarios
import truth

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = "/usr/src/linux-source-6.12.tar.xz"
TREE = "linux-source-6.12"

# A guest that cannot get a CPU while it boots miscalibrates its clock, and its timers are wrong ever after; one that
# waits for a hang needs none. So many wait and few boot.
BOOTING = threading.Semaphore(2)


def run(command, **more):
    print("+", " ".join(command), file=sys.stderr)
    subprocess.run(command, check=True, **more)


def step_kernel(args):
    """Unpack, configure and build; each only if its result is not there."""
    tree, kernel = os.path.join(args.build, TREE), os.path.join(args.build, "kernel")
    os.makedirs(kernel, exist_ok=True)
    if not os.path.isdir(tree):
        run(["tar", "xf", SOURCE, "-C", args.build])
    if not os.path.exists(os.path.join(kernel, ".config")):
        run(["make", "-s", "-C", tree, "O=" + kernel, "KCONFIG_ALLCONFIG=" + os.path.join(HERE, "config.fragment"), "allnoconfig"])
    if not os.path.exists(os.path.join(kernel, "arch/x86/boot/bzImage")):
        name = {**os.environ, "KBUILD_BUILD_USER": "lab", "KBUILD_BUILD_HOST": "kanalyze"}
        run(["make", "-s", "-C", kernel, f"-j{args.jobs}", "bzImage", "modules"], env=name)
    for source, name in (("arch/x86/boot/bzImage", "bzImage"), (".config", "config")):
        shutil.copyfile(os.path.join(kernel, source), os.path.join(kernel, name))


def step_modules(args):
    """The sources are copied, so that nothing is built in the repository."""
    kernel, modules = os.path.join(args.build, "kernel"), os.path.join(args.build, "modules")
    os.makedirs(modules, exist_ok=True)
    for name in os.listdir(os.path.join(HERE, "modules")):
        there = os.path.join(modules, name)
        with open(os.path.join(HERE, "modules", name), "rb") as new:
            text = new.read()
        if not os.path.exists(there) or open(there, "rb").read() != text:
            with open(there, "wb") as out:
                out.write(text)
    run(["make", "-s", "-C", kernel, "M=" + modules, f"-j{args.jobs}", "modules"])
    for name in os.listdir(modules):
        if name.endswith(".ko"):
            shutil.copyfile(os.path.join(modules, name), os.path.join(kernel, name))


def step_initramfs(args):
    """busybox, our init, and the modules without their debug info. No compression: unpacking would cost boot time."""
    root = os.path.join(args.build, "root")
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("bin", "lib", "proc", "sys", "dev", "tmp"):
        os.makedirs(os.path.join(root, folder))
    shutil.copy("/bin/busybox", os.path.join(root, "bin/busybox"))
    for applet in subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            os.symlink("busybox", os.path.join(root, "bin", applet))
    for source, name in (("init", "init"), ("poke", "bin/poke")):
        shutil.copyfile(os.path.join(HERE, source), os.path.join(root, name))
        os.chmod(os.path.join(root, name), 0o755)
    modules = os.path.join(args.build, "modules")
    for name in sorted(os.listdir(modules)):
        if name.endswith(".ko"):
            run(["strip", "-g", "-o", os.path.join(root, "lib", name), os.path.join(modules, name)])
    archive = os.path.join(args.build, "initramfs.cpio")
    with open(archive + ".part", "wb") as out:
        names = subprocess.run(["find", "."], cwd=root, capture_output=True, check=True).stdout
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=root, input=names, stdout=out, check=True)
    os.replace(archive + ".part", archive)


def append_of(scenario):
    """What is special about a scenario's command line."""
    words = [scenario["append"]] if scenario["append"] else []
    if scenario["initrd"]:
        words += [f"lab.{key}={scenario[field]}" for key, field in
                  (("module", "module"), ("scenario", "start"), ("step", "step"), ("seconds", "seconds"), ("sysctl", "sysctl"), ("hung", "hung")) if scenario[field]]
    return " ".join(words)


def names_of(args):
    """(name of the log, scenario) of all runs that are asked for."""
    found = []
    for scenario in scenarios.SCENARIOS:
        for number in range(1, scenario["runs"] + 1):
            name = scenario["name"] + (f".run{number}" if number > 1 else "")
            if not args.names or any(fnmatch.fnmatch(name, pattern) for pattern in args.names):
                found.append((name, scenario))
    return found


def boot(args, name, scenario):
    """One boot. The serial port is the log, the second one the side channel."""
    notes_folder = os.path.join(args.build, "notes")
    os.makedirs(notes_folder, exist_ok=True)
    part, notes = os.path.join(args.build, name + ".part"), os.path.join(notes_folder, name)
    command = ["qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-cpu", "max", "-smp", "2", "-m", str(scenario["memory"]),
               "-nodefaults", "-nographic", "-no-reboot", "-kernel", os.path.join(args.build, "kernel/arch/x86/boot/bzImage"),
               "-append", f"console=ttyS0 panic=-1 {append_of(scenario)}".strip(), "-serial", "file:" + part, "-serial", "file:" + notes]
    if scenario["initrd"]:
        command += ["-initrd", os.path.join(args.build, "initramfs.cpio")]
    if scenario["disk"]:
        disk = os.path.join(args.build, name + ".disk")
        with open(disk, "wb") as out:
            out.truncate(4 << 20)
        command += ["-drive", f"file={disk},format=raw,if=virtio"]
    open(notes, "w").close()
    with BOOTING:
        started = time.monotonic()
        vm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while vm.poll() is None and time.monotonic() < started + 40 and os.path.getsize(notes) == 0:
            time.sleep(0.2)
    ended = True
    try:
        vm.wait(timeout=scenario["seconds"] + args.patience)
    except subprocess.TimeoutExpired:
        vm.kill()
        vm.wait()
        ended = False
        with open(notes, "a") as out:
            out.write("stopped from outside\n")
    os.makedirs(os.path.join(HERE, "logs"), exist_ok=True)
    os.replace(part, os.path.join(HERE, "logs", name + ".log"))
    return time.monotonic() - started, ended


def step_run(args):
    todo = [(name, scenario) for name, scenario in names_of(args) if args.force or not os.path.exists(os.path.join(HERE, "logs", name + ".log"))]
    with concurrent.futures.ThreadPoolExecutor(args.vms) as pool:
        running = {pool.submit(boot, args, name, scenario): name for name, scenario in todo}
        for done in concurrent.futures.as_completed(running):
            seconds, ended = done.result()
            size = os.path.getsize(os.path.join(HERE, "logs", running[done] + ".log"))
            print(f"{running[done]:28s} {seconds:6.1f} s {size:7d} bytes{'' if ended else '  STOPPED'}", flush=True)


def build_facts(args):
    """What the truth needs to know of the build."""
    kernel = os.path.join(args.build, "kernel")
    with open(os.path.join(kernel, "System.map")) as table:
        text = next(int(line.split()[0], 16) for line in table if line.endswith(" _text\n"))
    with open(os.path.join(kernel, "include/config/kernel.release")) as release:
        release = release.read().strip()
    return {"text": text, "release": release, "append": append_of, "tables": {}, "known": {},
            "bases": [os.path.join(args.build, TREE), kernel, args.build],
            "objects": lambda module: os.path.join(kernel, module + ".ko" if module else "vmlinux")}


def step_truth(args):
    facts = build_facts(args)
    os.makedirs(os.path.join(HERE, "truth"), exist_ok=True)
    for name, scenario in names_of(args):
        log, notes = os.path.join(HERE, "logs", name + ".log"), os.path.join(args.build, "notes", name)
        if not os.path.exists(log) or not os.path.exists(notes):
            print(f"{name}: not booted")
            continue
        with open(notes, encoding="latin-1") as text:
            ended = "stopped from outside" not in text.read()
        truth.write(os.path.join(HERE, "truth", name + ".json"), truth.describe(name, scenario, log, notes, facts, ended))


def step_check(args):
    bad = 0
    for name, _ in names_of(args):
        path = os.path.join(HERE, "truth", name + ".json")
        if not os.path.exists(path) or not os.path.exists(os.path.join(HERE, "logs", name + ".log")):
            bad += 1
            print(f"{name}: no log or no truth file")
            continue
        with open(path) as text:
            found = json.load(text)
        for wrong in truth.check(found, truth.read_lines(os.path.join(HERE, "logs", name + ".log"))):
            bad += not wrong.startswith("(")
            print(f"{name}: {wrong}")
    return bad


def step_list(args):
    for scenario in scenarios.SCENARIOS:
        name = scenario["name"] + (f" ×{scenario['runs']}" if scenario["runs"] > 1 else "")
        title = {None: "—", "?": "by luck: KASAN, WARNING or none"}.get(scenario["title"], f"`{scenario['title']}`")
        print(f"| {name} | {scenario['what']} | {title} |")


def step_all(args):
    for step in (step_kernel, step_modules, step_initramfs, step_run, step_truth):
        step(args)
    return step_check(args)


def main():
    steps = {"all": step_all, "kernel": step_kernel, "modules": step_modules, "initramfs": step_initramfs, "run": step_run, "truth": step_truth,
             "check": step_check, "list": step_list}
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("step", choices=steps)
    cli.add_argument("names", nargs="*", help="names of logs, * allowed")
    cli.add_argument("--build", default="/var/tmp/kanalyze-lab", help="folder for everything that is not committed (default %(default)s)")
    cli.add_argument("--jobs", type=int, default=2)
    cli.add_argument("--vms", type=int, default=2, help="boots at once")
    cli.add_argument("--patience", type=int, default=60, help="seconds beyond a scenario's own before QEMU is stopped")
    cli.add_argument("--force", action="store_true", help="boot again what has a log")
    args = cli.parse_intermixed_args()
    args.build = os.path.abspath(args.build)
    sys.exit(1 if steps[args.step](args) else 0)


main()
