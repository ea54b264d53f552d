//! What `crash` shows of a dump: the task that panicked, and its stack.

use super::super::context::CpuLine;
use super::super::scan::{after, hex, is_hex, leading_number, number, split, text, word};
use super::super::{Frame, Task};

/// ` #8 [ffff8fc643a37e68] widget_release at ffffffffc04e1080 [widget]`: a frame of `bt`.
pub(in crate::report) fn frame(line: &[u8], log_line: u64) -> Option<Frame> {
    let (_, rest) = leading_number(line.trim_ascii().strip_prefix(b"#")?)?;
    let (stack, rest) = split(rest.trim_ascii_start().strip_prefix(b"[")?, "] ")?;
    let (function, rest) = split(rest, " at ")?;
    let (address, rest) = word(rest);
    let known = is_hex(stack) && is_hex(address) && !function.is_empty() && !function.contains(&b' ');
    let module = rest.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
    known.then(|| Frame {
        function: Some(text(function)),
        address: Some(text(address)),
        module: module.map(text),
        reliable: true,
        log_line,
        ..Frame::default()
    })
}

/// `[exception RIP: widget_put+31]`: where the exception came from; the offset is decimal.
pub(in crate::report) fn exception(line: &[u8], log_line: u64) -> Option<Frame> {
    let inside = after(line, "[exception RIP: ").or_else(|| after(line, "[exception PC: "))?.strip_suffix(b"]")?;
    let (function, offset) = split(inside, "+")?;
    let offset = number(offset).or_else(|| hex(offset.strip_prefix(b"0x")?))?;
    Some(Frame { function: Some(text(function)), offset: Some(offset), reliable: true, log_line, ..Frame::default() })
}

/// `PID: 15207  TASK: ffff8fc655e5b0c0  CPU: 0   COMMAND: "widgetd"`, the first line of `bt`.
pub(in crate::report) fn task(line: &[u8]) -> Option<CpuLine> {
    let (pid, rest) = leading_number(after(line, "PID: ")?.trim_ascii_start())?;
    let (_, rest) = split(rest, " CPU: ")?;
    let (cpu, rest) = leading_number(rest.trim_ascii_start())?;
    let (_, comm) = split(rest, " COMMAND: \"")?;
    let comm = comm.trim_ascii_end().strip_suffix(b"\"")?;
    let task = Task { comm: text(comm), pid: i64::try_from(pid).ok()? };
    Some(CpuLine { cpu: u32::try_from(cpu).ok(), task: Some(task), ..CpuLine::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_backtrace_are_read() {
        let read = frame(b" #8 [ffff8fc643a37e68] widget_release at ffffffffc04e1080 [widget]", 1);
        let said = read.map(|frame| (frame.function, frame.module, frame.address));
        assert_eq!(said, Some((Some("widget_release".into()), Some("widget".into()), Some("ffffffffc04e1080".into()))));
        assert_eq!(exception(b"[exception RIP: widget_put+31]", 1).and_then(|frame| frame.offset), Some(31));
        let read = task(b"PID: 15207  TASK: ffff8fc655e5b0c0  CPU: 3   COMMAND: \"my widget\"");
        let said = read.map(|read| (read.cpu, read.task.map(|task| (task.comm, task.pid))));
        assert_eq!(said, Some((Some(3), Some(("my widget".into(), 15207)))));
        for line in ["#1 SMP", " #8 [a] b", "PID: 1"] {
            let line = line.as_bytes();
            assert!(frame(line, 1).is_none() && task(line).is_none());
        }
    }
}
