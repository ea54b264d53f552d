//! The report's own sentences: what WARN, a sanitizer, a list check or a lockup detector printed in words.

use super::checked::{Check, above};
use super::console::Context;
use super::excerpt::Excerpt;
use super::frames::frame_line;
use super::hung::hung;
use super::pool::of_stuck;
use super::printed::KeptLine;
use super::scan::{after, find, keyed, leading_number, number, split, split_last, text, word, words};
use super::sentence::{AT_ONCE, is_devices, is_of_stall, is_sentence, is_tests, time_of, unbolded};
use super::symbolized::{is_inlined_copy, is_source_line, undo};
use super::{SlabObject, SourceLine};
use crate::grammar::Grammar;
use crate::line::{CUT_HERE, Letters};
use std::borrow::Cow;

/// What a report says in words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Its sentences, a line each.
    pub message: Vec<String>,
    /// The source line that its header names.
    pub source: Option<SourceLine>,
    /// The object that it is about.
    pub object: Option<SlabObject>,
}

/// No more sentences than these are taken.
const MOST: usize = 6;
/// A sentence is no longer than this, bytes.
const LONGEST: usize = 240;
/// How many lines below the header may be sentences.
const BELOW: usize = 3;
/// Why a page is shown.
const DUMPED: &[u8] = b"page dumped because: ";

/// What is known of a report whose sentences are read.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Where its first line begins in the window, bytes.
    pub start: usize,
    /// The text for which that was taken for a report's first line.
    pub header: &'a str,
    /// Its title.
    pub title: &'a str,
    /// Whether it is mixed with another one: only its first line speaks of it.
    pub mixed: bool,
    /// Whether it has no structure: what others say may stand below.
    pub alone: bool,
    /// The function whose instruction trapped, if the report shows that.
    pub trapped: Option<&'a str>,
}

/// Reads the sentences of a report in `window`.
#[must_use]
pub fn said(grammar: &Grammar, window: &[u8], known: &Known<'_>, excerpt: &Excerpt<'_>) -> Said {
    let Known { start, header, title, mixed, alone, trapped } = *known;
    let own = &excerpt.lines[..excerpt.own];
    // A symbolized header follows its copies for inlined functions.
    let copies = own.iter().take_while(|line| is_inlined_copy(message(excerpt, line))).count();
    let Some((first, lines)) = own[copies.min(own.len().saturating_sub(1))..].split_first() else {
        return Said::default();
    };
    let first = message(excerpt, first);
    let plain = undo(first, b"").unwrap_or(Cow::Borrowed(first));
    let others = others_words(&plain, header);
    let quoted = plain[..others].ends_with(b"\"");
    let plain = &plain[others..];
    let plain = plain.strip_suffix(b"\"").filter(|_| quoted).unwrap_or(plain);
    // A task may have the name of a file, `INFO: task mount.nfs:412 blocked for more than 120 seconds.`
    let source = if hung(plain, 0).is_some() { None } else { source_line(plain) };
    let mut out = Said { source, ..Said::default() };
    let check = find(plain, "BUG at ").map(|_| Check { source: out.source.as_ref(), function: trapped });
    for line in above(grammar, window, start, excerpt, check.as_ref()).into_iter().filter(|_| !mixed) {
        say(&mut out.message, line);
    }
    // Without a number it says no more than most titles.
    let more = plain.iter().any(u8::is_ascii_digit) || goes_beyond(plain, title);
    if out.source.is_none() && find(plain, "+0x").is_none() && more {
        say(&mut out.message, plain);
    }
    if mixed {
        return out;
    }
    let known = out.source.is_some();
    let own = |line: &&KeptLine<'_>| !alone || known || is_at_once(line, excerpt.time);
    // What traps has said its words by then; a warning that a function prints says them below.
    let faults = grammar.output.faults.iter().any(|words| find(plain, words).is_some());
    let has_said = check.is_some() || trapped.is_some() && out.source.is_some() && find(plain, "WARNING: ").is_some();
    // Before Linux 3.9 a warning names the machine above its words.
    let machine = |line: &&[u8]| line.starts_with(b"Hardware name: ");
    let below =
        lines.iter().take_while(own).map(|line| message(excerpt, line).trim_ascii()).filter(|line| !machine(line));
    // What runs the code says how it goes, in between, and so does who looks for stalls on another CPU.
    let stalls = find(plain, "rcu").is_some() || find(plain, "RCU").is_some();
    for line in
        below.filter(|line| !is_tests(line) && (stalls || !is_of_stall(line))).take(if has_said { 0 } else { BELOW })
    {
        // The words of a warning above its place name it.
        if out.source.is_none() && line.starts_with(b"WARNING: ") {
            out.source = source_line(line);
        } else if out.source.is_none()
            && let Some(source) = source_of_token(word(line).0)
            && frame_line(line, 0).is_none()
        {
            out.source = Some(source);
            say(&mut out.message, line);
        } else if is_sentence(grammar, line, 2) && !(faults && is_devices(line)) {
            say(&mut out.message, line);
        } else {
            break;
        }
    }
    for line in of_stuck(plain, lines.iter().map(|line| message(excerpt, line).trim_ascii())) {
        say(&mut out.message, line);
    }
    let mut above: &[u8] = b"";
    let mut rest = lines.iter().map(|line| (message(excerpt, line).trim_ascii(), line.letters)).peekable();
    while let Some((line, letters)) = rest.next() {
        // Why a page is shown above `[ cut here ]`, the report below says.
        let cut = |(next, _): &(&[u8], Letters)| find(next, CUT_HERE).is_some();
        if may_tell(line, letters, above)
            && (stalls || find(line, STARVED).is_none())
            && !(line.starts_with(DUMPED) && rest.peek().is_some_and(cut))
        {
            of_object(line, letters, above, &mut out);
        }
        above = line;
    }
    out
}

/// Whether a first line begins with the title and has words behind it.
fn goes_beyond(line: &[u8], title: &str) -> bool {
    let begins = line.get(..title.len()).is_some_and(|start| start.eq_ignore_ascii_case(title.as_bytes()));
    let rest = if begins { &line[title.len()..] } else { b"" };
    rest.first() == Some(&b' ') && words(rest).any(|word| word.iter().all(u8::is_ascii_alphabetic))
}

/// So many words in front of a header are not the kernel's: it has a tag or two.
const SENTENCE: usize = 3;

/// How many bytes of a first line somebody else wrote, before what the kernel says: `Then I got: `, `[CODE]Jan  1 10:00:00 host kernel: `,
/// another message and its stamp.
fn others_words(line: &[u8], header: &str) -> usize {
    let Some(at) = find(line, header) else { return 0 };
    let before = &line[..at];
    let marks = [&b"] "[..], b"kernel: ", b"kernel:"];
    let end = |mark: &[u8]| memchr::memmem::rfind(before, mark).map(|found| found + mark.len());
    let marked = marks.into_iter().filter_map(end).max().unwrap_or(0);
    let rest = &before[marked..];
    let sentence = words(rest).count() >= SENTENCE && find(rest, ": ").is_none();
    if sentence || rest.ends_with(b"\"") { at } else { marked }
}

/// A line without its prefix: one that the exact rule does not know (a caller without a stamp) is taken off, too.
fn message<'line>(excerpt: &Excerpt<'_>, line: &'line KeptLine<'_>) -> &'line [u8] {
    let from = match excerpt.context {
        Context::Unknown => crate::line::lex(&line.text).message.min(line.text.len()),
        Context::Console | Context::Caller(_) => 0,
    };
    &line.text[from..]
}

fn say(message: &mut Vec<String>, line: &[u8]) {
    let mut line = text(unbolded(line));
    if line.len() > LONGEST {
        let mut end = LONGEST;
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        line.truncate(end);
        line.push('…');
    }
    if !line.is_empty() && message.len() < MOST && !message.contains(&line) {
        message.push(line);
    }
}

/// Whether a line was printed together with the first one.
fn is_at_once(line: &KeptLine<'_>, first: Option<f64>) -> bool {
    let times = line.stamp.and_then(time_of).zip(first);
    times.is_some_and(|(time, first)| (0.0..=AT_ONCE).contains(&(time - first)))
}

/// The first `path/file.c:123` of a header.
fn source_line(line: &[u8]) -> Option<SourceLine> {
    words(line).find_map(source_of_token)
}

fn source_of_token(token: &[u8]) -> Option<SourceLine> {
    let end = token.iter().rposition(|byte| !b"!,:;]".contains(byte))? + 1;
    let token = &token[..end];
    is_source_line(token).then_some(())?;
    let colon = memchr::memchr(b':', token)?;
    let digits = token[colon + 1..].split(|byte| *byte == b':').next()?;
    let line = number(digits).and_then(|line| u32::try_from(line).ok())?;
    Some(SourceLine { file: text(&token[..colon]), line })
}

/// What stands in front of the name of a slab cache.
const CACHE: &str = "belongs to the cache ";
/// What RCU says of the thread that it runs in.
const STARVED: &str = " kthread starved for ";

/// Whether the letters of a line allow the words about a cache, and those about RCU's thread.
fn spelled(letters: Letters) -> [bool; 2] {
    const SPELLED: [Letters; 2] = [Letters::of(CACHE.as_bytes()), Letters::of(STARVED.as_bytes())];
    SPELLED.map(|words| letters.may_hold(words))
}

/// Whether [`of_object`] may have use for a line: few lines of a report begin or end as it wants.
fn may_tell(line: &[u8], letters: Letters, above: &[u8]) -> bool {
    matches!(line.first(), Some(b'T' | b'k' | b'p' | b'v' | b'K'))
        || above.first() == Some(&b'T')
        || line.last() == Some(&b'!')
        || spelled(letters).contains(&true)
}

/// What a memory error says of its object, anywhere in the report.
fn of_object(line: &[u8], letters: Letters, above: &[u8], out: &mut Said) {
    let [of_cache, starved] = spelled(letters);
    let object = &mut out.object;
    if of_cache && let Some((_, rest)) = split(line, CACHE) {
        let (cache, rest) = word(rest);
        let object = object.get_or_insert_default();
        object.cache.get_or_insert_with(|| text(cache));
        object.size = object.size.or_else(|| keyed(rest, "of size ").and_then(|size| u64::try_from(size).ok()));
        let begun = above.starts_with(b"The buggy address belongs to the object");
        say(&mut out.message, &if begun { [above, b" ", line].concat() } else { line.to_vec() });
    } else if above.starts_with(b"The buggy address is located ") && find(above, "-byte region").is_none() {
        let joined = [above, b" ", line].concat();
        located(&joined, object);
        say(&mut out.message, &joined);
    } else if line.starts_with(b"The buggy address is located ") && find(line, "-byte region").is_some() {
        located(line, object);
        say(&mut out.message, line);
    } else if line.starts_with(b"kfence-#")
        && let Some((_, cache)) = split(line, "cache=")
    {
        let end = cache.iter().position(|byte| b", ]".contains(byte)).unwrap_or(cache.len());
        let size = keyed(line, "size=").and_then(|size| u64::try_from(size).ok());
        object.get_or_insert_with(|| SlabObject { cache: Some(text(&cache[..end])), size, offset: None });
    } else if starved && find(line, STARVED).is_some() {
        // Why RCU does not get on, if it is not the CPU or task that it names.
        say(&mut out.message, line);
    } else if out.source.is_none()
        && line.ends_with(b" usage!")
        && let Some(source) = source_of_token(word(line).0)
    {
        out.source = Some(source);
        say(&mut out.message, line);
    } else if line.starts_with(DUMPED)
        || ["value changed: ", "KASAN: "].iter().any(|start| after(line, start).is_some())
    {
        say(&mut out.message, line);
    }
}

/// `The buggy address is located 4 bytes to the right of 64-byte region [ffff…, ffff…)`.
fn located(line: &[u8], object: &mut Option<SlabObject>) {
    let Some((bytes, rest)) = after(line, "The buggy address is located ").and_then(leading_number) else { return };
    let (Ok(bytes), Some((head, _))) = (i64::try_from(bytes), split(rest, "-byte region")) else { return };
    let Some(region) =
        split_last(head, " ").and_then(|(_, size)| number(size)).and_then(|size| i64::try_from(size).ok())
    else {
        return;
    };
    let offset = if find(head, "inside of").is_some() {
        bytes
    } else if find(head, "to the right of").is_some() {
        region.saturating_add(bytes)
    } else if find(head, "to the left of").is_some() {
        -bytes
    } else {
        return;
    };
    object.get_or_insert_default().offset.get_or_insert(offset);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_name_a_source_line() {
        for (line, file, number) in [
            ("kernel BUG at mm/slub.c:310!", "mm/slub.c", 310),
            ("WARNING: CPU: 0 PID: 1 at fs/a-b.c:7 f+0x1/0x2", "fs/a-b.c", 7),
            ("WARNING: [x < 1] fs/a.c:7 at f+0x1/0x2, CPU#0: a/1", "fs/a.c", 7),
            ("UBSAN: shift-out-of-bounds in lib/x.c:12:3", "lib/x.c", 12),
            ("BUG: sleeping function called from invalid context at kernel/a.c:5", "kernel/a.c", 5),
        ] {
            assert_eq!(source_line(line.as_bytes()), Some(SourceLine { file: file.into(), line: number }), "{line}");
        }
        assert_eq!(source_line(b"BUG: kernel NULL pointer dereference, address: 0000000000000008"), None);
    }

    #[test]
    fn the_place_in_an_object_is_read() {
        for (line, offset) in [
            ("The buggy address is located 12 bytes inside of freed 96-byte region [a, b)", 12),
            ("The buggy address is located 4 bytes to the right of 64-byte region [a, b)", 68),
            ("The buggy address is located 8 bytes to the left of 64-byte region [a, b)", -8),
        ] {
            let mut object = None;
            located(line.as_bytes(), &mut object);
            assert_eq!(object.and_then(|object| object.offset), Some(offset), "{line}");
        }
    }
}
