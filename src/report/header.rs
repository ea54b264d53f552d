//! What the first line of a report says besides its title: CPU, task, number of the oops.

use super::Task;
use super::context::CpuLine;
use super::scan::{after, find, find_last, keyed, leading_number, split, split_last, task};
use crate::line::{Letters, Wanted};

/// The facts of a report's first line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Header {
    /// The CPU.
    pub(super) cpu: Option<u32>,
    /// The task; `comm` is empty where only a pid is printed.
    pub(super) task: Option<Task>,
    /// The command name, where no pid is printed.
    pub(super) comm: Option<String>,
}

/// Reads the first line of a report, without its prefix; `letters` are those of the line.
pub(super) fn header(line: &[u8], letters: Letters) -> Header {
    const STUCK: Wanted = Wanted::new(" stuck for ");
    const CPU: Wanted = Wanted::new("CPU#");
    const STALL: Wanted = Wanted::new("self-detected stall on CPU {");
    const PROCESS: Wanted = Wanted::new(" in process ");
    const CODE: Wanted = Wanted::new("] code: ");
    const ATOMIC: Wanted = Wanted::new("scheduling while atomic: ");
    const LOCKED_UP: Wanted = Wanted::new("hard LOCKUP on cpu ");
    let line = line.trim_ascii_end();
    let cpu = |number: &[u8]| leading_number(number).and_then(|(cpu, _)| u32::try_from(cpu).ok());
    // `BUG: soft lockup - CPU#7 stuck for 105s! [kworker/0:1:31283]`
    if let Some((head, rest)) = STUCK.split(line, letters) {
        let number = split_last(head, "CPU#").and_then(|(_, number)| cpu(number));
        let whose = split(rest, "[").and_then(|(_, name)| task(without_level(name.strip_suffix(b"]")?), b':'));
        return Header { cpu: number, task: whose, comm: None };
    }
    // `WARNING: f.c:1 at f+0x1/0x2, CPU#0: name/12`, `BUG: spinlock bad magic on CPU#0, name/12`
    if let Some(at) = CPU.find(line, letters).and_then(|_| find_last(line, "CPU#")) {
        let rest = &line[at + 4..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whose = after(&rest[digits..], ": ").or_else(|| after(&rest[digits..], ", "));
        return Header { cpu: cpu(rest), task: whose.and_then(|name| task(name, b'/')), comm: None };
    }
    // `watchdog: Watchdog detected hard LOCKUP on cpu 1`; another CPU may have found it
    if let Some((_, rest)) = LOCKED_UP.split(line, letters) {
        return Header { cpu: cpu(rest), ..Header::default() };
    }
    // Until Linux 4.3: `INFO: rcu_sched self-detected stall on CPU { 2}  (t=60000 jiffies g=1234 c=1233 q=45)`
    if let Some((_, rest)) = STALL.split(line, letters) {
        return Header { cpu: cpu(rest.trim_ascii_start()), ..Header::default() };
    }
    // `WARNING: CPU: 5 PID: 5969 at f.c:1 f+0x1/0x2`
    if let (Some(cpu), Some(pid)) = (keyed(line, "CPU: "), keyed(line, "PID: "))
        && find(line, " at ").is_some()
    {
        return Header { cpu: u32::try_from(cpu).ok(), task: Some(Task { comm: String::new(), pid }), comm: None };
    }
    // MIPS: `CPU 2 Unable to handle kernel paging request`
    if let Some(rest) = after(line, "CPU ")
        && find(rest, " Unable to handle").is_some()
    {
        return Header { cpu: cpu(rest), ..Header::default() };
    }
    // `BUG: Bad page state in process ksoftirqd/0  pfn:00af0`
    if let Some((_, rest)) = PROCESS.split(line, letters) {
        // Two blanks end the name, of which a mail may have kept one.
        let end = find(rest, "  ").or_else(|| find(rest, " pfn:")).or_else(|| find(rest, " pte:"));
        let end = end.unwrap_or(rest.len());
        let comm = String::from_utf8_lossy(rest[..end].trim_ascii()).into_owned();
        return Header { comm: Some(comm), ..Header::default() };
    }
    // `BUG: using smp_processor_id() in preemptible [00000000] code: name/12`
    if let Some((_, rest)) = CODE.find(line, letters).and_then(|_| split_last(line, "] code: ")) {
        return Header { task: task(rest, b'/'), ..Header::default() };
    }
    // `BUG: scheduling while atomic: name/12/0x00000002`
    if let Some((_, rest)) = ATOMIC.split(line, letters)
        && let Some(end) = find_last(rest, "/0x")
    {
        return Header { task: task(&rest[..end], b'/'), ..Header::default() };
    }
    Header::default()
}

/// The same of a line of which nothing is known.
#[must_use]
pub fn number_of_oops(line: &[u8]) -> Option<u32> {
    oops_number(line, Letters::of(line))
}

/// The number N of `[#N]` in the header of an oops.
pub(super) fn oops_number(line: &[u8], letters: Letters) -> Option<u32> {
    const NUMBER: Wanted = Wanted::new("[#");
    let (_, rest) = NUMBER.split(line, letters)?;
    let (number, rest) = leading_number(rest)?;
    // Behind `[#12](https://…` stands no oops, but a link.
    let ends = rest.strip_prefix(b"]").is_some_and(|behind| behind.first() != Some(&b'('));
    ends.then(|| u32::try_from(number).ok()).flatten()
}

/// A name without the level `<6>` that rsyslog of old left in the middle of a line.
fn without_level(name: &[u8]) -> &[u8] {
    match name {
        [b'<', level, b'>', rest @ ..] if level.is_ascii_digit() => rest,
        _ => name,
    }
}

impl Header {
    /// Whether a `CPU:` line is that of another report: it names another CPU or another task. A task may go on on another CPU
    /// between the two lines, but every CPU has an idle task of its own.
    pub(super) fn contradicts(&self, line: &CpuLine) -> bool {
        let elsewhere = self.cpu.zip(line.cpu).is_some_and(|(own, other)| own != other);
        let Some(task) = &line.task else { return elsewhere };
        let same = self.task.as_ref().is_some_and(|own| own.pid == task.pid && own.pid != 0);
        elsewhere && !same
            || self.task.as_ref().is_some_and(|own| own.pid != task.pid)
            || self.comm.as_ref().is_some_and(|own| *own != task.comm)
    }

    /// Whether a `CPU:` line names another task than the header.
    pub(super) fn is_of_another_task(&self, line: &CpuLine) -> bool {
        line.task.as_ref().is_some_and(|task| {
            self.task.as_ref().is_some_and(|own| own.pid != task.pid)
                || self.comm.as_ref().is_some_and(|own| *own != task.comm)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &[u8]) -> Header {
        super::header(line, Letters::of(line))
    }

    fn oops_number(line: &[u8]) -> Option<u32> {
        super::oops_number(line, Letters::of(line))
    }

    #[test]
    fn headers_name_cpu_and_task() {
        for (line, cpu, comm, pid) in [
            ("watchdog: BUG: soft lockup - CPU#7 stuck for 105s! [kworker/0:1:31283]", Some(7), "kworker/0:1", 31283),
            ("BUG: soft lockup - CPU#3 stuck for 67s! [<6>CPU 0/KVM:7]", Some(3), "CPU 0/KVM", 7),
            ("WARNING: CPU: 5 PID: 5969 at fs/a.c:1 f+0x1/0x2", Some(5), "", 5969),
            ("WARNING: fs/a.c:1 at f+0x1/0x2, CPU#0: kworker/u8:26/9724", Some(0), "kworker/u8:26", 9724),
            ("BUG: spinlock bad magic on CPU#1, my task/12", Some(1), "my task", 12),
            ("BUG: using smp_processor_id() in preemptible [00000000] code: a/12", None, "a", 12),
            ("BUG: scheduling while atomic: a/b/12/0x00000002", None, "a/b", 12),
        ] {
            let found = header(line.as_bytes());
            assert_eq!((found.cpu, found.task), (cpu, Some(Task { comm: comm.into(), pid })), "{line}");
        }
        assert_eq!(header(b"NMI watchdog: Watchdog detected hard LOCKUP on cpu 7").cpu, Some(7));
        assert_eq!(header(b"CPU 2 Unable to handle kernel paging request at virtual address 0").cpu, Some(2));
        for blanks in ["  ", " "] {
            let line = format!("BUG: Bad page state in process ksoftirqd/0{blanks}pfn:1");
            assert_eq!(header(line.as_bytes()).comm.as_deref(), Some("ksoftirqd/0"));
        }
        assert_eq!(header(b"BUG: KASAN: slab-use-after-free in f+0x1/0x2"), Header::default());
    }

    #[test]
    fn an_oops_has_a_number() {
        assert_eq!(oops_number(b"Oops: 0000 [#7] PREEMPT SMP"), Some(7));
        assert_eq!(oops_number(b"Oops[#1]:"), Some(1));
        assert_eq!(oops_number(b"BUG: x [#a]"), None);
        assert_eq!(oops_number(b"* [#94](https://example.org/94): dimmer"), None);
    }
}
