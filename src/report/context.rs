//! The lines that say where a report happened: CPU, task, taint, kernel, the bad access.

use super::access::AccessKind;
use super::fault::fault;
use super::scan::{after, find, keyed, leading_number, number, pid, split, split_last, task, text, word, words};
use super::{Access, Task};
use crate::line::{Letters, Wanted};

/// `CPU: 1 UID: 0 PID: 12 Comm: name Tainted: G W 6.12.1 #2`, as far as it is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct CpuLine {
    /// The CPU.
    pub(super) cpu: Option<u32>,
    /// The task.
    pub(super) task: Option<Task>,
    /// Taint letters, blanks between them; empty when not tainted.
    pub(super) taint: Option<String>,
    /// Kernel release.
    pub(super) kernel_version: Option<String>,
    /// What follows the release, from the number of the build on.
    pub(super) kernel_build: Option<String>,
}

/// The `CPU:` line of any age, `Pid: 1, comm: x` included.
pub(super) fn cpu_line(line: &[u8]) -> Option<CpuLine> {
    let mut out = CpuLine::default();
    // PowerPC's xmon: `cpu 0x68: Vector: 380 (Data Access) at [c000001c9d98b9a0]`
    if let Some(rest) = after(line, "cpu 0x") {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let number = std::str::from_utf8(&rest[..digits]).ok().filter(|_| rest[digits..].starts_with(b": Vector: "));
        out.cpu = u32::from_str_radix(number?, 16).ok();
        return Some(out);
    }
    // x86 before Linux 3.0 says `CPU:    0`, `CPU 0` or `CPU 0:`, and the rest on other lines.
    if let Some((cpu, rest)) = after(line, "CPU").and_then(|rest| {
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        leading_number(after(rest, " ")?.trim_ascii_start())
    }) && matches!(rest.trim_ascii(), b"" | b":")
    {
        out.cpu = u32::try_from(cpu).ok();
        return Some(out);
    }
    if let Some(rest) = after(line, "CPU: ") {
        let (cpu, _) = leading_number(rest.trim_ascii_start())?;
        out.cpu = u32::try_from(cpu).ok();
    } else if after(line, "Pid: ").is_none() {
        return None;
    }
    let Some((head, tail)) = split(line, "Comm: ").or_else(|| split(line, "comm: ")) else {
        // ARM before Linux 3.11: `CPU: 0    Not tainted  (3.4.67 #1)`; the task stands on a line of its own.
        let state =
            after(line, "CPU: ").map(|rest| leading_number(rest.trim_ascii_start()).map_or(rest, |(_, rest)| rest))?;
        let state = state.trim_ascii().strip_suffix(b")").unwrap_or(state.trim_ascii());
        (out.taint, out.kernel_version) = taint(state);
        out.kernel_build = kernel_build(state);
        return out.taint.is_some().then_some(out);
    };
    let pid = keyed(head, "PID: ").or_else(|| keyed(head, "Pid: "));
    // ia64: `Pid: 6234, CPU 14, comm:             modprobe`
    let beside = || keyed(after(head, "Pid: ")?, ", CPU ").and_then(|cpu| u32::try_from(cpu).ok());
    out.cpu = out.cpu.or_else(beside);
    let (comm, state) = match split_last(tail, " Not tainted").or_else(|| split_last(tail, " Tainted: ")) {
        Some((comm, _)) => (comm, &tail[comm.len()..]),
        // Who wraps lines breaks them there; who shortens them leaves the release.
        None => (without_release(tail.trim_ascii_end().strip_suffix(b" Tainted:").unwrap_or(tail)), &b""[..]),
    };
    out.task = pid.map(|pid| Task { comm: text(command(comm)), pid });
    (out.taint, out.kernel_version) = taint(state);
    out.kernel_build = kernel_build(state);
    Some(out)
}

/// The task of `Process env (pid: 919, stack limit = 0x8caac188)`, as ARM prints it, and others did long ago; of
/// `pid   = 919, comm = env` of PowerPC's xmon.
pub(super) fn process_line(line: &[u8]) -> Option<Task> {
    if let Some((pid, rest)) = after(line, "pid   = ").and_then(leading_number) {
        let comm = after(rest, ", comm = ")?;
        return Some(Task { comm: text(comm), pid: i64::try_from(pid).ok()? });
    }
    let (comm, rest) = split_last(after(line, "Process ")?, " (pid: ")?;
    let (pid, rest) = leading_number(rest)?;
    let known = !comm.is_empty() && comm.len() <= COMMAND && matches!(rest.first(), Some(b',' | b')'));
    known.then_some(Task { comm: text(comm), pid: i64::try_from(pid).ok()? })
}

/// The task of `swapper(1): Oops 0`, as Alpha, SPARC and SuperH print it, and of ia64's `modprobe[6234]: Oops 8813272891392 [1]`.
pub(super) fn oopsing(line: &[u8], letters: Letters) -> Option<Task> {
    const OOPS: Wanted = Wanted::new(": Oops ");
    let (who, code) = OOPS.split(line, letters)?;
    let code = code.strip_prefix(b"-").unwrap_or(code);
    let (who, mark) =
        who.strip_suffix(b")").map(|who| (who, b'(')).or_else(|| Some((who.strip_suffix(b"]")?, b'[')))?;
    let open = memchr::memrchr(mark, who)?;
    let (comm, pid) = (who[..open].trim_ascii(), number(&who[open + 1..])?);
    let known = !comm.is_empty() && comm.len() <= COMMAND && code.first().is_some_and(u8::is_ascii_digit);
    known.then_some(Task { comm: text(comm), pid: i64::try_from(pid).ok()? })
}

/// `#2 PREEMPT(full) 0123…` of `Not tainted 6.1 #2 PREEMPT(full) 0123…`, `#0` of lockdep's `6.1.0 #0 Not tainted`.
pub(super) fn kernel_build(bytes: &[u8]) -> Option<String> {
    let build = &bytes[find(bytes, " #")? + 1..];
    build.get(1).is_some_and(u8::is_ascii_digit).then_some(())?;
    let end = find(build, "Not tainted").or_else(|| find(build, "Tainted:")).unwrap_or(build.len());
    Some(text(build[..end].trim_ascii_end()))
}

/// Taint and kernel release of `Not tainted 6.1 #2`, `Tainted: G W 6.1 #2`.
pub(super) fn taint(bytes: &[u8]) -> (Option<String>, Option<String>) {
    let bytes = bytes.trim_ascii_start();
    let release = |rest: &[u8]| {
        let (release, rest) = word(rest);
        let release = release.strip_prefix(b"(").unwrap_or(release);
        // Mail programs break long lines behind a dash or a dot, with which no release ends.
        let cut = release.ends_with(b"-") || release.ends_with(b".");
        let (tail, behind) = if cut { word(rest) } else { (&b""[..], rest) };
        // Where the line ends with it, it may have been cut within it.
        let whole = cut != tail.is_empty() && behind.trim_ascii_start().starts_with(b"#");
        let known = whole && release.first().is_some_and(u8::is_ascii_digit);
        known.then(|| text(&[release, tail].concat()))
    };
    if let Some(rest) = after(bytes, "Not tainted") {
        return (Some(String::new()), release(rest));
    }
    let Some(mut rest) = after(bytes, "Tainted:") else { return (None, None) };
    // Letters may touch (`OE`); kernels of distributions print dashes for letters that are not set.
    let mut letters = String::new();
    loop {
        let (some, tail) = word(rest);
        if some.is_empty() || !some.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-') {
            let release = release(rest);
            // `G` alone is not tainted: behind it somebody broke the line.
            let cut = letters == "G" && release.is_none();
            return ((!letters.is_empty() && !cut).then_some(letters), release);
        }
        for letter in some.iter().filter(|letter| **letter != b'-') {
            if !letters.is_empty() {
                letters.push(' ');
            }
            letters.push(char::from(*letter));
        }
        rest = tail;
    }
}

/// The longest name of a command, bytes.
const COMMAND: usize = 15;

/// The command's name out of what stands between `Comm: ` and the taint: some print a field of their own behind it
/// (`Kdump: loaded`), and no name is longer than the kernel keeps.
fn command(text: &[u8]) -> &[u8] {
    let text = text.trim_ascii();
    let text = match text {
        [b'<', level, b'>', rest @ ..] if level.is_ascii_digit() => rest,
        _ => text,
    };
    let field = memchr::memchr_iter(b':', text).filter(|colon| text.get(colon + 1) == Some(&b' ')).find_map(|colon| {
        let start = memchr::memrchr(b' ', &text[..colon])?;
        text[start + 1].is_ascii_uppercase().then_some(start)
    });
    let text = &text[..field.unwrap_or(text.len())];
    text[..text.len().min(COMMAND)].trim_ascii_end()
}

/// A command's name in front of the release of a kernel, `widgetd 5.3.5-generic`.
fn without_release(tail: &[u8]) -> &[u8] {
    let is_release = |word: &[u8]| {
        let mut parts = word.split(|byte| *byte == b'.');
        let mut number = || parts.next().is_some_and(|part| part.first().is_some_and(u8::is_ascii_digit));
        number() && number()
    };
    match split_last(tail, " ") {
        Some((comm, last)) if is_release(last) => comm,
        _ => tail,
    }
}

/// Lockdep's second line: `6.1.0-rc8 #0 Not tainted`.
pub(super) fn version_line(line: &[u8]) -> Option<(Option<String>, String)> {
    let (release, rest) = word(line);
    if !release.first().is_some_and(u8::is_ascii_digit) || !release.contains(&b'.') || !rest.starts_with(b"#") {
        return None;
    }
    let at = find(rest, "Not tainted").or_else(|| find(rest, "Tainted:"))?;
    Some((taint(&rest[at..]).0, text(release)))
}

/// Where the line names a task at its end, as in `by task NAME/12` and `by task 12:`.
pub(super) fn by_task(line: &[u8]) -> Option<Task> {
    let (_, rest) = split_last(line, "by task ")?;
    let rest = rest.trim_ascii_end();
    let rest = rest.strip_suffix(b":").unwrap_or(rest);
    let (first, _) = word(rest);
    match pid(first) {
        Some(pid) if !first.contains(&b'/') => Some(Task { comm: String::new(), pid }),
        _ => task(rest.split(|byte| *byte == b'\t').next().unwrap_or(rest), b'/'),
    }
}

/// The number after `on cpu `.
pub(super) fn on_cpu(line: &[u8]) -> Option<u32> {
    let (_, rest) = split_last(line, "on cpu ")?;
    u32::try_from(leading_number(rest)?.0).ok()
}

/// The access of a KASAN, KFENCE, KMSAN or KCSAN line, or of a page fault; `letters` are those of the line.
pub(super) fn access(line: &[u8], letters: Letters) -> Option<Access> {
    const BYTES: Wanted = Wanted::new(" bytes by ");
    let read_or_write = |kind: AccessKind, rest: &[u8]| {
        let (size, rest) = leading_number(rest)?;
        let address = split(rest, "at addr ").map(|(_, rest)| text(word(rest).0));
        Some(Access { kind, size: Some(size), address })
    };
    if let Some(rest) = after(line, "Read of size ") {
        return read_or_write(AccessKind::Read, rest);
    }
    if let Some(rest) = after(line, "Write of size ") {
        return read_or_write(AccessKind::Write, rest);
    }
    if let Some(rest) = after(line, "Free of addr ") {
        return Some(Access { kind: AccessKind::Free, size: None, address: Some(text(word(rest).0)) });
    }
    if let Some(rest) = after(line, "Memory access of size ") {
        let (size, rest) = leading_number(rest)?;
        let address = split(rest, "starts at ").map(|(_, rest)| text(word(rest).0));
        return Some(Access { kind: AccessKind::Uninit, size: Some(size), address });
    }
    // KFENCE: `Use-after-free read at 0xffff… (in kfence-#12):`, `Invalid free of 0xffff…`.
    let kfence = matches!(line.first(), Some(b'U' | b'O' | b'I' | b'C'));
    for mark in [" at 0x", " of 0x"].into_iter().filter(|_| kfence) {
        let Some((what, rest)) = split(line, mark) else { continue };
        let kind = match what {
            b"Use-after-free read" | b"Out-of-bounds read" | b"Invalid read" => AccessKind::Read,
            b"Use-after-free write" | b"Out-of-bounds write" | b"Invalid write" => AccessKind::Write,
            b"Corrupted memory" => AccessKind::Corrupted,
            b"Invalid free" => AccessKind::Free,
            _ => continue,
        };
        let (address, _) = word(rest);
        let end = address.iter().position(|byte| !byte.is_ascii_hexdigit()).unwrap_or(address.len());
        return Some(Access { kind, size: None, address: Some(format!("0x{}", text(&address[..end]))) });
    }
    // KCSAN: `write to 0xffff… of 8 bytes by task 12 on cpu 1:`.
    if line.last() == Some(&b':')
        && let Some((head, _)) = BYTES.split(line, letters)
    {
        let (head, size) = split_last(head, " of ")?;
        let (kind, address) = split_last(head, " to ")?;
        let kind = split_last(kind, "with ").map_or(kind, |(_, kind)| kind);
        return Some(Access {
            kind: AccessKind::of_words(text(kind)),
            size: Some(number(size)?),
            address: Some(text(address)),
        });
    }
    fault(line, letters)
}

/// `read` or `write` of `#PF: supervisor read access in kernel mode`.
pub(super) fn fault_kind(line: &[u8]) -> Option<AccessKind> {
    let rest = after(line, "#PF: ")?;
    words(rest).find_map(|word| match word {
        b"read" => Some(AccessKind::Read),
        b"write" => Some(AccessKind::Write),
        b"instruction" => Some(AccessKind::Execute),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_oopses_is_named_by_its_line() {
        let of = |line: &str| oopsing(line.as_bytes(), Letters::of(line.as_bytes())).map(|task| (task.comm, task.pid));
        assert_eq!(of("swapper(1): Oops 0"), Some(("swapper".into(), 1)));
        assert_eq!(of("modprobe[6234]: Oops 8813272891392 [1]"), Some(("modprobe".into(), 6234)));
        for line in ["widget[: Oops 1", "widget(: Oops 1", "(1): Oops 1", "]: Oops 1", "a(1]: Oops 1", "a(b): Oops 1"] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn cpu_lines_of_all_ages_are_read() {
        for (line, want) in [
            ("CPU: 1 UID: 0 PID: 12 Comm: foo Not tainted 6.12.1 #2", (Some(1), "foo", 12, "", "6.12.1")),
            (
                "CPU: 0 PID: 9789 Comm: syz:exec/3 Tainted: G        W  O      6.1.0-rc8-g1234+ #0",
                (Some(0), "syz:exec/3", 9789, "G W O", "6.1.0-rc8-g1234+"),
            ),
            (
                "CPU: 0 PID: 1 Comm: my prog Kdump: loaded Tainted: G    B 5.14.0 #1",
                (Some(0), "my prog", 1, "G B", "5.14.0"),
            ),
            (
                "CPU: 1 PID: 7 Comm: a Tainted: P           OE     5.4.0-29-generic #33",
                (Some(1), "a", 7, "P O E", "5.4.0-29-generic"),
            ),
            (
                "CPU: 1 PID: 7 Comm: a Tainted: G           OE    --------- -  - 4.18.0-240.el8 #1",
                (Some(1), "a", 7, "G O E", "4.18.0-240.el8"),
            ),
            ("CPU: 1 PID: 7 Comm: a Kdump: loaded Not", (Some(1), "a", 7, "-", "-")),
            (
                "CPU: 4 PID: 18 Comm: provider@4.0-se FTT: 0 0 Tainted: G S      W         4.19.113 #1",
                (Some(4), "provider@4.0-se", 18, "G S W", "4.19.113"),
            ),
            ("Pid: 77, comm: foo Not tainted 3.10.0 #1", (None, "foo", 77, "", "3.10.0")),
            ("CPU: 0 PID: 7 Comm: my foo 5.3.5-050305-generic", (Some(0), "my foo", 7, "-", "-")),
        ] {
            let read = cpu_line(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
            let task = read.task.unwrap_or_else(|| panic!("{line}"));
            let got = (
                read.cpu,
                task.comm.as_str(),
                task.pid,
                read.taint.as_deref().unwrap_or("-"),
                read.kernel_version.as_deref().unwrap_or("-"),
            );
            assert_eq!(got, want, "{line}");
        }
    }

    #[test]
    fn the_build_is_what_follows_the_release() {
        assert_eq!(kernel_build(b" Not tainted 6.1.0 #2 "), Some("#2".into()));
        assert_eq!(kernel_build(b" Tainted: G W 6.14.0 #1 PREEMPT(full) 01ab"), Some("#1 PREEMPT(full) 01ab".into()));
        assert_eq!(kernel_build(b"6.1.0-rc8 #0 Not tainted"), Some("#0".into()));
        assert_eq!(kernel_build(b" Not tainted 6.1.0"), None);
    }

    #[test]
    fn accesses_name_kind_size_and_address() {
        for (line, want) in [
            ("Read of size 4 at addr ffff888012345678 by task syz-exec/12", ("read", Some(4), "ffff888012345678")),
            ("Free of addr ffff888012345678 by task syz-exec/12", ("free", None, "ffff888012345678")),
            ("Out-of-bounds read at 0xffff8c3f2e291fff (1B left of kfence-#72):", ("read", None, "0xffff8c3f2e291fff")),
            (
                "read-write to 0xffff888012345678 of 8 bytes by task 12 on cpu 1:",
                ("read-write", Some(8), "0xffff888012345678"),
            ),
            (
                "race at unknown origin, with read to 0xffff888012345678 of 2 bytes by interrupt on cpu 1:",
                ("read", Some(2), "0xffff888012345678"),
            ),
        ] {
            let read = access(line.as_bytes(), Letters::of(line.as_bytes())).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((read.kind.word(), read.size, read.address.as_deref().unwrap_or("-")), want, "{line}");
        }
    }

    #[test]
    fn tasks_after_by_task_keep_slashes_and_colons() {
        assert_eq!(
            by_task(b"Read of size 4 at addr ffff by task kworker/u8:0/12"),
            Some(Task { comm: "kworker/u8:0".into(), pid: 12 })
        );
        assert_eq!(by_task(b"Allocated by task 123:"), Some(Task { comm: String::new(), pid: 123 }));
        assert_eq!(by_task(b"Allocated by task 123 on cpu 1 at 3.5s:"), Some(Task { comm: String::new(), pid: 123 }));
    }
}
