"""What is true of a lab log: the module's design, the reports in it, and the source lines of its stack frames."""
import bisect
import json
import os
import re
import subprocess

FRAMES = 7

LINE = re.compile(r"^(?:\[ *\d+\.\d+\])?\[ *([TC]\d+)\] (.*)$")
FRAME = re.compile(r"^\s+(\? )?([A-Za-z_][\w.]*)\+0x([0-9a-f]+)/0x([0-9a-f]+)(?: \[(\w+)\])?$")
STACK = re.compile(r"^\s*(Call Trace|(?:Allocated|Freed) by task \d+|(?:Last|Second to last) potentially related work creation|-> #\d+ \(.*|.* which became .* at|"
                   r"\{.*\} state was registered at|... acquired at|.*kfence-#\d+.*|allocated by task \d+ .*|freed by task \d+ .*):")
INSIDE = re.compile(r"^\s*(</?(TASK|IRQ|NMI|SOFTIRQ|EOI)>|RIP: |Code: |RSP: |R[A-DS]X: |RDX: |RBP: |R1[03]: |FS: |CS: |CR2: |DR[03]: )")

# One line opens a report of a kind; more than one line may belong to what a person would call one crash.
KINDS = [(kind, re.compile(text)) for kind, text in [
    ("hung-task", r"^INFO: task .* blocked for more than \d+ seconds"),
    ("lock-list", r"^Showing all locks held in the system"),
    ("lockdep-circular", r"^WARNING: possible circular locking dependency"),
    ("lockdep-recursive", r"^WARNING: possible recursive locking"),
    ("lockdep-irq-inversion", r"^WARNING: possible irq lock inversion"),
    ("lockdep-irq-order", r"^WARNING: (SOFT|HARD)IRQ-safe -> "),
    ("lockdep-inconsistent", r"^WARNING: inconsistent lock state"),
    ("lockdep-wait-context", r"BUG: Invalid wait context"),
    ("lockdep-bad-unlock", r"^WARNING: bad unlock balance"),
    ("lockdep-held-freed", r"^WARNING: held lock freed"),
    ("lockdep-held-return", r"^WARNING: lock held when returning to user space"),
    ("lockdep-held-exit", r"^WARNING: .* still has locks held"),
    ("lockdep-nest-lock", r"^WARNING: Nested lock was not taken"),
    ("lockdep-non-static-key", r"^INFO: trying to register non-static key"),
    ("workqueue-leak", r"^BUG: workqueue leaked"),
    ("preemptible", r"^BUG: using .* in preemptible"),
    ("rcu-usage", r"^WARNING: suspicious RCU usage"),
    ("rcu-stall", r"rcu: INFO: rcu_\w+ (self-)?detected( expedited)? stall"),
    ("kasan", r"^BUG: KASAN: "),
    ("kfence", r"^BUG: KFENCE: "),
    ("ubsan", r"^UBSAN: "),
    ("usercopy", r"^usercopy: Kernel memory (exposure|overwrite) attempt"),
    ("fortify", r"^memcpy: detected "),
    ("list-corruption", r"^list_(add|del) .*(corruption|double add)|^list_(add|del) corruption"),
    ("refcount", r"^refcount_t: "),
    ("odebug", r"^ODEBUG: "),
    ("voluntary-switch-rcu", r"^Voluntary context switch within RCU"),
    ("atomic-sleep", r"^BUG: sleeping function called from invalid context"),
    ("atomic-schedule", r"^BUG: scheduling while atomic"),
    ("spinlock", r"^BUG: spinlock "),
    ("soft-lockup", r"BUG: soft lockup"),
    ("hard-lockup", r"Watchdog detected hard LOCKUP"),
    ("workqueue-lockup", r"^BUG: workqueue lockup"),
    ("stack-guard", r"^BUG: .*stack guard page was hit"),
    ("null-deref", r"^BUG: kernel NULL pointer dereference"),
    ("page-fault", r"^BUG: unable to handle page fault"),
    ("nx", r"^kernel tried to execute NX-protected page"),
    ("kernel-bug", r"^kernel BUG at "),
    ("warning", r"^WARNING: CPU: "),
    ("oops", r"^Oops: "),
    ("no-root", r"^Kernel panic - not syncing: VFS: Unable to mount root"),
    ("panic", r"^Kernel panic - not syncing: "),
    ("ftrace-dump", r"^Dumping ftrace buffer:"),
    ("oom-kill", r"^Out of memory: Killed process"),
    ("oom", r" invoked oom-killer: "),
    ("kmemleak-object", r"^unreferenced object "),
    ("kmemleak", r"^kmemleak: \d+ new suspected"),
]]


def read_lines(path):
    """Lines as (caller or None, body)."""
    with open(path, encoding="latin-1", newline="") as text:
        lines = [line.rstrip("\r") for line in text.read().split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    found = []
    for line in lines:
        match = LINE.match(line)
        found.append((match[1], match[2]) if match else (None, line))
    return found


def reports(lines):
    found = []
    for number, (caller, body) in enumerate(lines, 1):
        kind = next((kind for kind, pattern in KINDS if pattern.search(body)), None)
        if kind:
            found.append({"kind": kind, "line": number, "caller": caller, "text": body.strip()})
    return found


def stacks(lines):
    """Stacks of the log: where each begins, its first reliable frames, how many it has."""
    open_stacks, found = {}, []
    for number, (caller, body) in enumerate(lines, 1):
        start = STACK.match(body)
        frame = FRAME.match(body)
        if start:
            open_stacks[caller] = {"log_line": number, "kind": start[1].strip(), "caller": caller, "frames": [], "total": 0}
            found.append(open_stacks[caller])
        elif caller in open_stacks and frame:
            if frame[1]:
                continue
            stack = open_stacks[caller]
            stack["total"] += 1
            if len(stack["frames"]) < FRAMES:
                one = {"func": frame[2], "offset": "0x" + frame[3], "size": "0x" + frame[4], "log_line": number}
                if frame[5]:
                    one["module"] = frame[5]
                stack["frames"].append(one)
        elif caller in open_stacks and not INSIDE.match(body):
            del open_stacks[caller]
    return [stack for stack in found if stack["frames"]]


def symbols_of(path):
    """Functions of an object file by name: [(address, size as kallsyms counts it, section)]."""
    out = subprocess.run(["readelf", "-sW", path], capture_output=True, text=True, check=True).stdout
    sections = {}
    for line in subprocess.run(["readelf", "-SW", path], capture_output=True, text=True, check=True).stdout.splitlines():
        match = re.match(r"^\s*\[ *(\d+)\] (\S+)", line)
        if match:
            sections[match[1]] = match[2]
    rows = []
    for line in out.splitlines():
        part = line.split()
        if len(part) == 8 and part[0].endswith(":") and part[3] in ("FUNC", "NOTYPE", "OBJECT") and part[6].isdigit():
            rows.append((sections[part[6]], int(part[1], 16), part[7]))
    starts = {}
    for section, address, _ in rows:
        starts.setdefault(section, set()).add(address)
    starts = {section: sorted(addresses) for section, addresses in starts.items()}
    found = {}
    for section, address, name in rows:
        after = bisect.bisect_right(starts[section], address)
        size = starts[section][after] - address if after < len(starts[section]) else None
        if (address, size, section) not in found.setdefault(name, []):
            found[name].append((address, size, section))
    return found


def short_path(path, build):
    """Kernel files as in the tree, module files as modules/NAME.c."""
    path = os.path.normpath(path)
    for base in build["bases"]:
        if path.startswith(base + "/"):
            return path[len(base) + 1:]
    return path


def addr2line(path, section, addresses, build):
    """For each address the chain of (function, file:line), innermost first."""
    command = ["addr2line", "-f", "-i", "-a", "-e", path] + (["-j", section] if section else [])
    out = subprocess.run(command, input="\n".join(hex(a) for a in addresses), capture_output=True, text=True, check=True).stdout.splitlines()
    found, chain = {}, None
    i = 0
    while i < len(out):
        if out[i].startswith("0x"):
            chain = found.setdefault(int(out[i], 16), [])
            chain.clear()
            i += 1
            continue
        file, line = out[i + 1].split(" (discriminator")[0].rsplit(":", 1)
        chain.append({"func": out[i], "loc": f"{short_path(file, build)}:{line}"})
        i += 2
    return found


def symbolize(found, build):
    """Fill in `call_site` (the call, that is the return address - 1) and `decode_stacktrace` (the return address itself)."""
    tables, wanted = build["tables"], {}
    for stack in found:
        for frame in stack["frames"]:
            module = frame.get("module")
            if module not in tables:
                tables[module] = symbols_of(build["objects"](module))
            rows = [row for row in tables[module].get(frame["func"], []) if module is None or row[2].startswith(".")]
            exact = [row for row in rows if row[1] == int(frame["size"], 16)] or rows
            if not exact:
                continue
            address, _, section = exact[0]
            frame["_at"] = (module, section if module else None, address + int(frame["offset"], 16))
            wanted.setdefault(frame["_at"][:2], set()).add(frame["_at"][2] - 1)
            # The kernel's script names no section, not even for a module, in which each section begins at 0.
            wanted.setdefault((module, None), set()).add(frame["_at"][2])
    for key, addresses in wanted.items():
        fresh = addresses - build["known"].setdefault(key, {}).keys()
        if fresh:
            build["known"][key].update(addr2line(build["objects"](key[0]), key[1], sorted(fresh), build))
    for stack in found:
        frames = []
        for frame in stack["frames"]:
            at = frame.pop("_at", None)
            if not at:
                continue
            plain, call = build["known"][at[0], None][at[2]], build["known"][at[:2]][at[2] - 1]
            if any(site["loc"].startswith("??") for site in plain + call):
                continue
            frame["decode_stacktrace"] = [site["loc"] for site in plain]
            frame["call_site"] = call
            frames.append(frame)
        stack["frames"] = frames
    return [stack for stack in found if stack["frames"]]


def fields(note):
    return dict(word.split("=", 1) for word in note.split() if "=" in word)


def lock(text, locks):
    name, kind, at = text.split(":")
    found = {"lock": name, "kind": kind, "at": at}
    if name in locks:
        found["lock_addr"], found["instance"] = locks[name]["address"], locks[name]["map"]
    return found


def hang(notes, lines, note):
    """The design of a hang, from the lines that its tasks wrote to the side channel."""
    locks = {row["name"]: row for row in map(fields, (n for n in notes if n.startswith("lock ")))}
    rows = [fields(n) for n in notes if n.startswith("task ") and " state=" in n]
    if not rows:
        return None
    tasks, roots, cycle, untellable, edges = [], [], [], [], []
    comms = [row["comm"] for row in rows]
    for row in rows:
        row["pid"] = int(row["pid"])
        row["label"] = row["comm"] if comms.count(row["comm"]) == 1 else f"{row['comm']}({row['fn']})"
        flags = row["flags"].split(",")
        row["worker"] = "worker" in flags
        task = {"comm": row["comm"], "fn": row["fn"], "holds": [lock(h, locks) for h in row["holds"].split(",") if h != "-"],
                "waits": None if row["waits"] == "-" else lock(row["waits"], locks), "state": row["state"], "pid": row["pid"]}
        tasks.append(task)
        if "root" in flags:
            roots.append(row["label"])
        if "cycle" in flags:
            cycle.append(row["label"])
        if "untellable" in flags:
            untellable.append(row["pid"])
    for row, task in zip(rows, tasks):
        if not task["waits"]:
            continue
        holders = []
        for by in row["by"].split(","):
            if by == "self":
                holders.append(row)
            elif by != "-":
                holders += [other for other in rows if by in (other["comm"], "fn=" + other["fn"]) or by == "worker" and other["worker"]]
        edges.append({"waiter": row["label"], "waiter_pid": row["pid"], "lock": task["waits"]["lock"], "lock_kind": task["waits"]["kind"],
                      "holder": [holder["label"] for holder in holders], "holder_pid": [holder["pid"] for holder in holders]})
    found = {"tasks": tasks, "roots": roots, "cycle": cycle or None, "note": note, "edges": edges, "untellable": untellable}
    reported = re.compile(r"^INFO: task (.*):(\d+) blocked for more than")
    matches = (reported.match(body) for _, body in lines)
    found["hung_task_reports_in_log"] = [{"comm": m[1], "pid": int(m[2])} for m in matches if m]
    pids = {task["pid"] for task in tasks}
    sleeping = [fields(n) for n in notes if n.startswith("sleeps ")]
    found["proc_stack_confirms"] = [{"pid": int(row["pid"]), "comm": row["comm"], "state": row["state"],
                                     "stack": [f for f in row["stack"].split(",") if f]} for row in sleeping if int(row["pid"]) in pids]
    return found


def describe(name, scenario, log_path, notes_path, build, ended):
    """The whole truth of one log."""
    with open(log_path, "rb") as raw:
        size = len(raw.read())
    with open(notes_path, encoding="latin-1") as text:
        notes = [line.strip() for line in text if line.strip()]
    lines = read_lines(log_path)
    title = scenario["title"]
    for note in notes:
        if note.startswith("outcome title="):
            title = note.split("=", 1)[1]
            title = None if title == "-" else title
    found = {"scenario": scenario["name"], "log": f"logs/{name}.log", "kernel": build["release"], "cmdline_extra": build["append"](scenario),
             "bytes": size, "lines": len(lines), "expected_title_by_design": title, "reports": reports(lines)}
    text = next((note.split()[1] for note in notes if note.startswith("text ")), None)
    if text:
        found["kaslr"] = {"_text": "0x" + text, "offset": hex(int(text, 16) - build["text"])}
    found["modules"] = [{"name": row["name"], "base": row["base"]} for row in map(fields, (n for n in notes if n.startswith("module ")))]
    found["design_notes"] = [note for note in notes if note.split()[0] in ("start", "lock", "task", "outcome")]
    waits = hang(notes, lines, scenario["note"])
    if waits:
        found["hang"] = waits
    found["stacks"] = symbolize(stacks(lines), build)
    first = found["reports"][0] if found["reports"] else None
    of_first = [s for s in found["stacks"] if first and s["log_line"] >= first["line"] and s["caller"] == first["caller"]]
    found["first_report_stack"] = of_first[0]["frames"] if of_first else None
    found["note"] = scenario["note"]
    if not ended:
        found["note"] = (found["note"] + "; " if found["note"] else "") + "QEMU was stopped from outside, the log ends abruptly"
    found["certain"] = title != "?"
    return found


def write(path, truth):
    """One entry a line: small, and a changed boot gives a readable diff."""
    def inner(value, pad):
        flat = json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict) and {"scenario", "tasks", "frames"} & value.keys():
            return "{\n" + ",\n".join(f"{pad} {json.dumps(k)}: {inner(v, pad + ' ')}" for k, v in value.items()) + f"\n{pad}}}"
        if isinstance(value, list) and len(flat) > 120:
            return "[\n" + ",\n".join(f"{pad} {inner(v, pad + ' ')}" for v in value) + f"\n{pad}]"
        return flat
    with open(path, "w", encoding="utf-8") as out:
        out.write(inner(truth, "") + "\n")


# Kinds whose line is no header of syzbot's, and what the title of a log begins with whose first header is of a kind.
QUIET = ("lock-list", "oom", "oom-kill", "kmemleak", "kmemleak-object", "hard-lockup", "ftrace-dump", "list-corruption", "refcount", "fortify", "usercopy",
         "odebug", "nx", "voluntary-switch-rcu")
TITLES = {
    "hung-task": "INFO: task hung in ", "lockdep-circular": "possible deadlock in ", "lockdep-recursive": "possible deadlock in ",
    "lockdep-irq-inversion": "possible deadlock in ", "lockdep-irq-order": "possible deadlock in ", "lockdep-inconsistent": "inconsistent lock state in ",
    "lockdep-wait-context": "WARNING: locking bug in ", "lockdep-bad-unlock": "WARNING: bad unlock balance in ",
    "lockdep-held-freed": "WARNING: held lock freed in ", "lockdep-held-return": "WARNING: lock held when returning to user space in ",
    "lockdep-held-exit": "WARNING: still has locks held in ", "lockdep-nest-lock": "WARNING: nested lock was not taken in ",
    "lockdep-non-static-key": "INFO: trying to register non-static key in ", "workqueue-leak": "BUG: workqueue leaked ", "preemptible": "BUG: using ",
    "rcu-usage": "WARNING: suspicious RCU usage in ", "rcu-stall": "INFO: rcu detected stall in ", "kasan": "KASAN: ", "kfence": "KFENCE: ", "ubsan": "UBSAN: ",
    "atomic-sleep": "BUG: sleeping function called from invalid context in ", "atomic-schedule": "BUG: scheduling while atomic in ",
    "spinlock": "BUG: spinlock ", "soft-lockup": "BUG: soft lockup in ", "workqueue-lockup": "BUG: workqueue lockup",
    "stack-guard": "BUG: stack guard page was hit in ", "null-deref": "BUG: unable to handle kernel NULL pointer dereference in ",
    "page-fault": "BUG: unable to handle kernel paging request in ", "kernel-bug": ("kernel BUG in ", "BUG: corrupted list in ", "BUG: bad usercopy in "),
    "warning": ("WARNING in ", "WARNING: refcount bug in ", "WARNING: ODEBUG bug in "),
    "oops": ("general protection fault in ", "divide error in ", "invalid opcode in ", "int3 in "), "no-root": "kernel panic: VFS: ", "panic": "kernel panic: ",
}


def check(truth, lines):
    """Where truth and log disagree, in words. What stands in brackets is worth knowing and no fault: the log shows less than the truth knows."""
    wrong = []
    title = truth["expected_title_by_design"]
    bodies = [body for _, body in lines]
    crash = [r for r in truth["reports"] if r["kind"] not in QUIET]
    if title is None and crash:
        wrong.append(f"no crash expected, got {crash[0]['text']!r}")
    if title and not crash:
        wrong.append("a crash expected, no report found")
    if title and crash and not title.startswith(TITLES[crash[0]["kind"]]):
        wrong.append(f"title {title!r}, but the log begins with {crash[0]['text']!r}")
    if title and title.startswith("kernel panic: "):
        text = re.escape("Kernel panic - not syncing: " + title.split(": ", 1)[1]).replace("NUM", "\\d+")
        if not any(re.search(text, body) for body in bodies):
            wrong.append(f"no line for {title!r}")
    function = title.rsplit(" in ", 1)[1] if title and " in " in title else None
    if function and crash and function not in ("corrupted", "synchronize_rcu"):
        first = crash[0]["line"]
        if not any(re.search(rf"\b{re.escape(function)}[.\w]*\+0x", body) for body in bodies[first - 1:first + 130]):
            wrong.append(f"{function} is not near the first report, line {first}: {crash[0]['text']!r}")
    waits = truth.get("hang")
    if waits:
        reported = {row["pid"] for row in waits["hung_task_reports_in_log"]}
        for task in waits["tasks"]:
            if task["state"] == "D" and task["pid"] not in reported and title and "Future hung task reports are suppressed" not in "".join(bodies):
                wrong.append(f"{task['comm']}:{task['pid']} is not reported as hung")
            shown = [i for i, body in enumerate(bodies) if re.search(rf"pid:{task['pid']}\s", body)]
            if shown and not any(task["fn"] + "+0x" in body for body in bodies[shown[-1]:shown[-1] + 45]):
                wrong.append(f"{task['comm']}:{task['pid']} is not in {task['fn']}")
            if not any(re.search(rf"held by {re.escape(task['comm'])}/{task['pid']}:", body) for body in bodies):
                wrong.append(f"(no lock list entry for {task['comm']}:{task['pid']})")
            for one in task["holds"] + ([task["waits"]] if task["waits"] else []):
                if one.get("instance") and not any(one["instance"] in body for body in bodies):
                    wrong.append(f"(lock {one['lock']} at {one['instance']} is not in the log)")
    return wrong
