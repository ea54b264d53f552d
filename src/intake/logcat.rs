//! The kernel's buffer as Android's `logcat` shows it: what stands before the first colon of a message is taken for a tag there and
//! padded, `W WARNING : CPU: 7 PID: 1 at …`. The message is put together again, behind the tag `kernel`.

use crate::input::{Inside, lines};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// So many lines at the beginning of a text are looked at.
const LOOKED_AT: usize = 16;
/// So many of them are of logcat, in a log of logcat.
const ENOUGH: usize = 3;
/// What stands above the lines of each buffer.
static BUFFER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"--------- beginning of "));

/// Registers that ARM's kernels write apart from their colon: logcat takes the blank away.
const APART: [&[u8]; 3] = [b"pc", b"lr", b"sp"];

/// Words behind whose colon the kernel writes no blank.
const GLUED: [&[u8]; 2] = [b"task", b"page"];

/// The log with the kernel's messages whole again; `None` if it is none of logcat, or if none of its lines is the kernel's.
pub(super) fn read_logcat(text: &[u8]) -> Option<Inside> {
    if !is_logcat(text) && BUFFER.find(text).is_none() {
        return None;
    }
    let mut inside = Inside::of(text.len());
    let mut any = false;
    for (line, start) in lines(text) {
        inside.begin(start);
        match Entry::of(line).and_then(|entry| Some((entry.kernels()?, entry))) {
            Some((message, entry)) => {
                any = true;
                let numbers: Vec<u8> = [entry.pid, b" ", entry.thread, b" ", &[entry.level]].concat();
                inside.text.extend_from_slice(&[entry.time, b" ", &numbers, b" kernel  : "].concat());
                inside.text.extend_from_slice(&message);
            }
            None => inside.text.extend_from_slice(line),
        }
        inside.text.push(b'\n');
    }
    any.then_some(inside)
}

/// Whether a text begins with lines of logcat.
pub(super) fn is_logcat(text: &[u8]) -> bool {
    lines(text).take(LOOKED_AT).filter(|(line, _)| Entry::of(line).is_some()).nth(ENOUGH - 1).is_some()
}

/// A line of logcat, `06-04 17:00:18.640     0     0 W tag     : message` or `06-04 17:00:18.640 W/tag     (    0): message`.
#[derive(Debug)]
struct Entry<'a> {
    time: &'a [u8],
    pid: &'a [u8],
    thread: &'a [u8],
    level: u8,
    tag: &'a [u8],
    message: &'a [u8],
}

impl<'a> Entry<'a> {
    fn of(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (time, rest) = line.split_at_checked(clock(line)?)?;
        let rest = rest.trim_ascii_start();
        if let [level @ (b'V' | b'D' | b'I' | b'W' | b'E' | b'F'), b'/', rest @ ..] = rest {
            let close = memchr::memmem::find(rest, b"): ")?;
            let open = memchr::memrchr(b'(', &rest[..close])?;
            let pid = number(rest[open + 1..close].trim_ascii())?;
            return Some(Self {
                time,
                pid,
                thread: pid,
                level: *level,
                tag: &rest[..open],
                message: &rest[close + 2..],
            });
        }
        // Who runs it may stand in front, as a name or a number.
        let (first, rest) = word(rest)?;
        let (second, rest) = word(rest)?;
        let (third, behind) = word(rest)?;
        let (pid, thread, level, rest) = match level(third) {
            Some(level) => (number(first)?, number(second)?, level, behind),
            None => {
                let (fourth, rest) = word(behind)?;
                (number(second)?, number(third)?, level(fourth)?, rest)
            }
        };
        // One blank stands behind the level; an empty tag is blanks.
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let colon = memchr::memchr(b':', rest)?;
        Some(Self { time, pid, thread, level, tag: &rest[..colon], message: &rest[colon + 1..] })
    }

    /// What the kernel said, if it is the kernel's line and does not say so.
    fn kernels(&self) -> Option<Vec<u8>> {
        let tag = self.tag.trim_ascii_end();
        let message = self.message.strip_prefix(b" ").unwrap_or(self.message);
        let whole = match tag {
            b"" | b"kernel" => message.to_vec(),
            _ => {
                // logcat puts a blank behind the colon of `kworker/0:1`, too.
                let name = tag.rsplit(|byte| *byte == b' ').next().is_some_and(|word| word.starts_with(b"kworker/"));
                let touches = GLUED.contains(&tag) || name && message.first().is_some_and(u8::is_ascii_digit);
                let colon: &[u8] = if APART.contains(&tag) { b" :" } else { b":" };
                [tag, colon, if touches { message } else { self.message }].concat()
            }
        };
        match behind_task(&whole) {
            Some(message) => Some(message.to_vec()),
            // What has the kernel's tag is as it should be.
            None => (self.pid == b"0" && tag != b"kernel").then_some(whole),
        }
    }
}

/// Length of `06-04 17:00:18.640`, if a line begins with it.
fn clock(line: &[u8]) -> Option<usize> {
    const FORM: &[u8] = b"00-00 00:00:00.";
    let fits = |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
    let begins = line.len() > FORM.len() && line.iter().zip(FORM).all(fits);
    let digits = line.iter().skip(FORM.len()).take_while(|byte| byte.is_ascii_digit()).count();
    (begins && digits > 0 && line.get(FORM.len() + digits) == Some(&b' ')).then_some(FORM.len() + digits)
}

/// The next word and what stands behind it.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let end = text.iter().position(|byte| *byte == b' ')?;
    Some((&text[..end], &text[end..]))
}

fn number(word: &[u8]) -> Option<&[u8]> {
    (!word.is_empty() && word.iter().all(u8::is_ascii_digit)).then_some(word)
}

fn level(word: &[u8]) -> Option<u8> {
    match word {
        [level @ (b'V' | b'D' | b'I' | b'W' | b'E' | b'F')] => Some(*level),
        _ => None,
    }
}

/// What stands behind the CPU and the task with which a vendor's kernel begins its lines: `-(7)[1:swapper/0]`, `[7:  kworker/7:1:  123] `.
/// logcat takes the number of the task for that of a process then.
fn behind_task(text: &[u8]) -> Option<&[u8]> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (cpu, text) = match text.strip_prefix(b"(") {
        Some(rest) => {
            let count = digits(rest);
            (count > 0, rest[count..].strip_prefix(b")")?)
        }
        None => (false, text),
    };
    let inner = text.strip_prefix(b"[")?.trim_ascii_start();
    let named = inner[digits(inner)..].strip_prefix(b":")?;
    let close = memchr::memchr(b']', named)?;
    // Samsung's kernel names CPU, task and its number, MediaTek's the CPU in front.
    let ends = memchr::memrchr(b':', &named[..close])
        .is_some_and(|colon| number(named[colon + 1..close].trim_ascii()).is_some());
    let message = &named[close + 1..];
    (digits(inner) > 0 && (cpu || ends))
        .then(|| if cpu { message } else { message.strip_prefix(b" ").unwrap_or(message) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        read_logcat(text.as_bytes()).map(|inside| String::from_utf8(inside.text).expect("UTF-8"))
    }

    #[test]
    fn the_kernels_messages_are_put_together_again() {
        for (line, message) in [
            ("06-04 17:00:18.640     0     0 W         : ---[ end trace 9c ]---", "---[ end trace 9c ]---"),
            ("06-04 17:00:18.640     0     0 W         :  widget_put+0x1f/0x40", " widget_put+0x1f/0x40"),
            ("06-04 17:00:18.640     0     0 W WARNING : CPU: 3 PID: 412", "WARNING: CPU: 3 PID: 412"),
            ("06-04 17:00:18.640     0     0 W CPU     : 3 PID: 412 Comm: widgetd", "CPU: 3 PID: 412 Comm: widgetd"),
            ("06-04 17:00:18.640     0     0 W Call trace:", "Call trace:"),
            ("06-04 17:00:18.640     0     0 W pc      : widget_put+0x1f/0x40", "pc : widget_put+0x1f/0x40"),
            (
                "06-04 17:00:18.640     0     0 I kworker/u16: 3   D    0   412      2",
                "kworker/u16:3   D    0   412      2",
            ),
            ("06-04 17:00:18.640     0     0 E kernel  : -(7)[1:swapper/0]BUG: widget", "BUG: widget"),
            ("06-04 17:00:18.640     0     0 I task    : widgetd         state:D", "task:widgetd         state:D"),
            ("06-04 17:00:18.640  root     0     0 W WARNING : x", "WARNING: x"),
            ("06-04 17:00:18.640     1     1 W (7)[1:swapper/0]WARNING: CPU: 7", "WARNING: CPU: 7"),
            ("06-04 17:00:18.640   412   412 W         : -(7)[412:widgetd]BUG: x", "BUG: x"),
            ("06-04 17:00:18.640   412   412 W [3:  kworker/3: 1:  412] CPU: 3", "CPU: 3"),
            ("06-04 17:00:18.640     0     0 W Process kworker/3: 2 (pid: 412)", "Process kworker/3:2 (pid: 412)"),
            ("06-04 17:00:18.640 W/WARNING (    0): CPU: 3 PID: 412", "WARNING: CPU: 3 PID: 412"),
        ] {
            let text = format!("--------- beginning of kernel\n{line}\n");
            let read = read(&text).expect(line);
            let shown = read.lines().nth(1).and_then(|line| line.split_once(" kernel  : "));
            assert_eq!(shown.map(|(_, message)| message), Some(message), "{line}");
        }
    }

    #[test]
    fn lines_of_programs_stay() {
        let text = "06-04 17:00:18.640   838   847 D agps    : [agps] WARNING: x\n".repeat(3);
        assert_eq!(read(&text), None);
        let kernels = "06-04 17:00:18.640     0     0 W WARNING : x\r\n";
        let read = read(&format!("{text}{kernels}")).expect("a log");
        assert!(read.starts_with(&text), "{read}");
        assert_eq!(read.lines().last(), Some("06-04 17:00:18.640 0 0 W kernel  : WARNING: x"));
    }

    #[test]
    fn other_logs_are_none() {
        for line in [
            "[    1.000000] WARNING : x",
            "06-04 17:00:18.640 0 0 E kernel  : BUG: x",
            "06-04 17:00:18 a: b",
            "06-04 17:00:18.640 text",
            "06-04 17:00:18.640 1 2 x",
        ] {
            assert_eq!(read(&format!("{line}\n").repeat(4)), None, "{line}");
        }
    }
}
