//! A log that was pasted as one line: its line breaks became blanks or nothing, and only the stamps, or syslog's words before each message, show
//! where a line began; or syslog wrote them as `#012`.

use crate::input::{Inside, lines};
use crate::line::{begins_with_stamp, is_same_but_digits, is_usual_stamp};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// A line with so many stamps in it is several lines.
const STAMPS: usize = 4;
/// What rsyslog writes for a line break in a message.
const BREAK: &[u8] = b"#012";
static BREAKS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BREAK));
/// Syslog's word for the kernel's messages.
static TAGS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b" kernel: "));
/// A shorter line does not hold as many lines of a log, bytes.
const SHORTEST: usize = 120;
/// `Aug  8 03:49:55` is so long, bytes.
const DATE: usize = 15;
/// What stands before the stamp of each line (`Mar  1 12:00:00 host kernel: `) is no longer than this, bytes.
const LONGEST_PREFIX: usize = 120;

/// What begins the lines of an oops of x86, behind the blank that a page made of a line break; `Call Trace:` stands before its frames.
const PARTS: [&[u8]; 18] = [
    b" printing eip:",
    b" *pde ",
    b" PGD ",
    b" Oops: ",
    b" Modules linked in:",
    b" CPU:",
    b" Pid:",
    b" EIP:",
    b" EIP is at ",
    b" EFLAGS:",
    b" RIP:",
    b" RSP:",
    b" RAX:",
    b" eax:",
    b" Process ",
    b" Stack:",
    TRACE,
    b" Code:",
];
const TRACE: &[u8] = b" Call Trace:";
static TRACES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(TRACE));

/// The log with a line per stamp or heading, or `None` if no line of the text holds several.
pub(super) fn read_joined(text: &[u8]) -> Option<Inside> {
    if !long_lines(text).any(is_joined) {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (line, start) in lines(text) {
        let mut from = 0;
        // What follows a line break that is written is a line.
        let written = if has_breaks(line) { BREAK.len() } else { 0 };
        for cut in cuts(line).into_iter().chain([line.len()]) {
            let piece = line[from..cut].trim_ascii_end();
            let piece = if from > 0 { piece.get(written..).unwrap_or_default() } else { piece };
            if cut == line.len() || !piece.is_empty() {
                inside.begin(start + if from > 0 { from + written } else { 0 });
                inside.text.extend_from_slice(piece);
                inside.text.push(b'\n');
            }
            from = cut;
        }
    }
    Some(inside)
}

/// The lines that are long enough to be several. Most texts have few: what is shorter is passed over by several lines at once.
fn long_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let near = text.get(at..at + SHORTEST)?;
            match memchr::memrchr(b'\n', near) {
                Some(back) => at += back + 1,
                None => {
                    let rest = &text[at..];
                    let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
                    at += line.len();
                    return Some(line);
                }
            }
        }
    })
}

/// Whether a line is several lines of a log.
pub(super) fn is_joined(line: &[u8]) -> bool {
    let has = || holds_more(line) || headings(line).nth(STAMPS - 1).is_some() || !parts(line).is_empty();
    line.len() >= SHORTEST && !line.starts_with(b"{") && has()
}

/// The same of a line that begins with its stamp: where the first line of a log has one, those behind it have theirs, too.
pub(super) fn is_joined_behind_stamp(line: &[u8]) -> bool {
    line.len() >= SHORTEST && holds_more(line)
}

/// Whether stamps of several lines are in a line, or written line breaks.
fn holds_more(line: &[u8]) -> bool {
    stamps(line).nth(STAMPS - 1).is_some() || has_breaks(line)
}

/// Whether line breaks are written in a line.
fn has_breaks(line: &[u8]) -> bool {
    // Few lines hold the first byte.
    memchr::memchr(BREAK[0], line).is_some() && BREAKS.find_iter(line).nth(STAMPS - 1).is_some()
}

/// Where syslog's words before the kernel's messages begin in a line: `Aug  8 03:49:55 host kernel: `.
fn headings(line: &[u8]) -> impl Iterator<Item = usize> {
    TAGS.find_iter(line).filter_map(|tag| {
        let host = word_start(&line[..tag]);
        let clock = host.checked_sub(1)?;
        let date = |start: &usize| begins_with(&line[*start..clock], b"Mmm 00 00:00:00");
        let moment = |start: &usize| begins_with(&line[*start..clock], b"0000-00-00T00:00:00");
        let start = clock.checked_sub(DATE).filter(date).or_else(|| Some(word_start(&line[..clock])).filter(moment))?;
        (start == 0 || line[start - 1].is_ascii_whitespace()).then_some(start)
    })
}

/// Where the lines of an oops of x86 begin in a line that holds all of one, and no stamps.
fn parts(line: &[u8]) -> Vec<usize> {
    let Some(trace) = TRACES.find(line) else { return Vec::new() };
    let above = PARTS.iter().filter_map(|part| memchr::memmem::find(&line[..trace], part));
    let mut cuts: Vec<usize> = above.collect();
    if cuts.len() < STAMPS || memchr::memmem::find(&line[..trace], b" Oops: ").is_none() {
        return Vec::new();
    }
    cuts.push(trace);
    let below = &line[trace + TRACE.len()..];
    let code = memchr::memmem::find(below, b" Code:").unwrap_or(below.len());
    let frames = memchr::memmem::find_iter(&below[..code], b" [<")
        .filter(|at| below.get(at + 3).is_some_and(u8::is_ascii_hexdigit));
    cuts.extend(frames.map(|at| trace + TRACE.len() + at));
    cuts.extend((code < below.len()).then_some(trace + TRACE.len() + code));
    cuts.sort_unstable();
    cuts
}

/// Where the last word of a text begins.
fn word_start(text: &[u8]) -> usize {
    text.iter().rposition(u8::is_ascii_whitespace).map_or(0, |blank| blank + 1)
}

/// Where the stamps of a line begin: at its start, behind a blank or a tag of HTML that breaks the line; as printk pads them, behind anything.
fn stamps(line: &[u8]) -> impl Iterator<Item = usize> {
    let is_parted = |at: usize| at == 0 || line[at - 1].is_ascii_whitespace() || is_break(&line[..at]);
    memchr::memchr_iter(b'[', line).filter(move |at| {
        let stamp = &line[*at..];
        let parted = || is_parted(*at) || stamp.starts_with(b"[ ");
        begins_with_microseconds(stamp) && parted() || begins_with_date(stamp) && is_parted(*at)
    })
}

/// Whether a text ends with `<br>` or `<br />`.
fn is_break(text: &[u8]) -> bool {
    let Some(inside) = text.strip_suffix(b">") else { return false };
    let inside = inside.strip_suffix(b"/").unwrap_or(inside).trim_ascii_end();
    inside.ends_with(b"<br") || inside.ends_with(b"<BR")
}

/// Whether a text begins with a stamp as printk writes it: with microseconds. Other numbers in brackets may stand in a table.
fn begins_with_microseconds(text: &[u8]) -> bool {
    if is_usual_stamp(text) {
        return true;
    }
    let fraction = || memchr::memchr(b'.', text).map_or(text, |dot| &text[dot + 1..]);
    begins_with_stamp(text) && fraction().get(6) == Some(&b']')
}

/// Whether a text begins with a stamp of `dmesg -T`: `[Wed Dec 19 03:36:07 2018]`.
fn begins_with_date(text: &[u8]) -> bool {
    begins_with(text, b"[Www Mmm 00 00:00:00 0000]")
}

/// Whether a text begins so, any digit or blank for a `0`, any letter for a letter of a name.
fn begins_with(text: &[u8], form: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit() || *byte == b' ',
        b'W' | b'w' | b'M' | b'm' => byte.is_ascii_alphabetic(),
        form => byte == form,
    };
    text.len() >= form.len() && text.iter().zip(form).all(fits)
}

/// Where the lines begin that a line is made of, the first left out.
fn cuts(line: &[u8]) -> Vec<usize> {
    if !is_joined(line) {
        return Vec::new();
    }
    if has_breaks(line) {
        return BREAKS.find_iter(line).collect();
    }
    let stamps: Vec<usize> = stamps(line).collect();
    if stamps.len() < STAMPS {
        let headings: Vec<usize> = headings(line).filter(|at| *at > 0).collect();
        return if headings.is_empty() { parts(line) } else { headings };
    }
    // What stands before the first stamp stands, in the same form, before the others, or is not part of the log.
    let prefix = &line[..stamps[0]];
    let before = |at: usize| at.checked_sub(prefix.len()).filter(|start| is_same_but_digits(&line[*start..at], prefix));
    let alike = stamps[1..].iter().filter(|at| before(**at).is_some()).count();
    if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || alike * 2 < stamps.len() {
        let own = stamps.into_iter().filter(|at| *at > 0);
        return own.collect();
    }
    stamps[1..].iter().map(|at| before(*at).unwrap_or(*at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Option<String> {
        read_joined(text.as_bytes()).map(|inside| String::from_utf8(inside.text).expect("UTF-8"))
    }

    fn joined(lines: &[&str]) -> (String, String) {
        (lines.join(" ") + "\n", lines.join("\n") + "\n")
    }

    #[test]
    fn a_paste_on_one_line_is_taken_apart() {
        for lines in [
            &[
                "[ 2052.055328][ T1668] task:widget state:D",
                "[ 2052.055331][ T1668] Call trace:",
                "[ 2052.055333][ T1668] one+0x1/0x2",
                "[ 2052.055335][ T1668] two+0x1/0x2",
            ][..],
            &[
                "My machine hangs:",
                "[   52.055328] task:widget state:D",
                "[   52.055331] Call trace:",
                "[   52.055333] one+0x1/0x2 [widget]",
                "[   52.055335] two+0x1/0x2",
            ][..],
            &[
                "Mar  1 12:00:09 box kernel: [   52.055328] task:widget state:D",
                "Mar  1 12:00:10 box kernel: [   52.055331] Call trace:",
                "Mar  1 12:00:10 box kernel: [   52.055333] one+0x1/0x2",
                "Mar  1 12:00:10 box kernel: [   52.055335] two+0x1/0x2",
            ][..],
            &[
                "it says",
                "Mar  1 12:00:09 box kernel: task:widget state:D",
                "Mar  1 12:00:10 box kernel: Call trace:",
                "Mar  1 12:00:10 box kernel:  one+0x1/0x2",
                "Mar  1 12:00:10 box kernel:  two+0x1/0x2",
            ][..],
            &[
                "2026-03-01T12:00:09.000412+01:00 box kernel: task:widget state:D",
                "2026-03-01T12:00:10.000412+01:00 box kernel: Call trace:",
                "2026-03-01T12:00:10.000413+01:00 box kernel:  one+0x1/0x2",
                "2026-03-01T12:00:10.000414+01:00 box kernel:  two+0x1/0x2",
            ][..],
            &[
                "[   52.055328] task:widget state:D<br />",
                "[   52.055331] Call trace:<br />",
                "[   52.055333] one+0x1/0x2 [widget]<br />",
                "[   52.055335] two+0x1/0x2",
            ][..],
            &[
                "[Wed Dec 19 03:36:07 2018] INFO: task widget:17 blocked",
                "[Wed Dec 19 03:36:07 2018] Call Trace:",
                "[Wed Dec 19 03:36:07 2018] one+0x1/0x2",
                "[Wed Dec 19 03:36:08 2018] two+0x1/0x2",
            ][..],
        ] {
            let (text, want) = joined(lines);
            assert_eq!(log(&text).as_deref(), Some(&*want), "{text}");
            let inside = read_joined(text.as_bytes()).expect("a log");
            let second = want.find('\n').expect("lines") + 1;
            assert!(text[inside.origin(second)..].starts_with(lines[1]));
        }
    }

    #[test]
    fn an_oops_without_stamps_on_one_line_is_taken_apart() {
        let lines = [
            "My desk says BUG: unable to handle kernel NULL pointer dereference at virtual address 00000014",
            " printing eip: c0412ab7",
            " *pde = 00000000",
            " Oops: 0000 [#1] SMP",
            " Modules linked in: lamp shade",
            " CPU: 0",
            " EIP: 0060:[<c0412ab7>] Not tainted VLI",
            " EFLAGS: 00010246 (2.6.24-19-lamp #1)",
            " EIP is at lamp_dim+0x17/0x90",
            " eax: 00000014 ebx: 00000001",
            " Process lampd (pid: 412, ti=d0e1e000)",
            " Stack: 00000001 d0e1fe40",
            " Call Trace:",
            " [<c0412bd2>] lamp_get+0x42/0xb0",
            " [<c041105c>] lamp_init+0x2c/0x60 [lamp]",
            " Code: 89 e5",
        ];
        assert_eq!(log(&lines.concat()), Some(lines.join("\n") + "\n"));
        let few = lines[4..].concat();
        assert_eq!(log(&few), None);
        assert_eq!(log(&format!("{} Call Trace: [<", lines[..12].concat())).map(|log| log.lines().count()), Some(13));
    }

    #[test]
    fn long_lines_are_found_among_short_ones() {
        for shorter in [0, 1, SHORTEST / 2, SHORTEST - 1] {
            let (short, long) = ("x".repeat(shorter), "y".repeat(SHORTEST));
            let text = format!("{short}\n{long}\n\n{short}\n{short}\n{long}z\n{short}");
            let found: Vec<&[u8]> = long_lines(text.as_bytes()).collect();
            assert_eq!(found, [long.as_bytes(), format!("{long}z").as_bytes()], "{shorter}");
        }
        assert_eq!(long_lines(&[b'x'; SHORTEST]).count(), 1);
        assert_eq!(long_lines(&[b'x'; SHORTEST - 1]).count(), 0);
    }

    #[test]
    fn lines_as_they_are_stay() {
        let stamps = "[    1.000000] widget: x\n".repeat(20);
        assert_eq!(log(&stamps), None);
        assert_eq!(log(&format!("latencies: {}\n", "[  0.1] [ 12.25] ".repeat(20))), None);
        let few = format!("[    1.000000] {} [    2.000000] [    3.000000] y\n", "x".repeat(200));
        assert_eq!(log(&few), None);
        // Other lines of such a text stay, too.
        let (text, want) = joined(&[
            "[    1.000000] widget one and more of it",
            "[    2.000000] b",
            "[    3.000000] c",
            "[    4.000000] d and still more of it until the end",
        ]);
        assert_eq!(log(&format!("title\n\n{text}end\n")), Some(format!("title\n\n{want}end\n")));
    }
}
