//! The final form of a title: numbers, addresses and names that change from run to run become placeholders.

use std::borrow::Cow;

/// The longest title, bytes.
const LONGEST: usize = 120;
/// How much of a raw title is looked at, bytes. The rules look at what is left of a word again and again; what stands
/// further behind reaches the final form only if they eat nearly all before it.
const CONSIDERED: usize = 2048;

/// One rule: the title as it leaves it, nothing where it changes nothing.
type Rule = fn(&[u8]) -> Option<Vec<u8>>;

/// Rewrites a title (or an alternative one) into its final form.
#[must_use]
pub fn clean_title(title: &[u8]) -> String {
    let title = &title[..title.len().min(CONSIDERED)];
    let mut text = Cow::Borrowed(title);
    // All rules but one want a digit, and none makes any.
    let rules: &[Rule] = if title.iter().any(u8::is_ascii_digit) {
        &[executors, users, addresses, internet_addresses, source_lines, function_offsets, cpus, numbers, long_numbers]
    } else {
        &[addresses]
    };
    for rule in rules {
        // Each rule is repeated until it finds nothing, as a replacement may bring two halves together.
        for _ in 0..=title.len() {
            match rule(&text) {
                Some(next) if next != *text => text = Cow::Owned(next),
                _ => break,
            }
        }
    }
    printable(&text)
}

fn printable(text: &[u8]) -> String {
    let text = &text[..text.len().min(LONGEST)];
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'\t' | b' ' if out.ends_with(' ') => {}
            b'\t' | b' ' => out.push(' '),
            0x21..=0x7e => out.push(char::from(*byte)),
            _ => {}
        }
    }
    // Runs of blanks are one already.
    if out.ends_with(' ') {
        out.pop();
    }
    if out.starts_with(' ') {
        out.remove(0);
    }
    out
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn digits(text: &[u8], from: usize) -> usize {
    text[from.min(text.len())..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Replaces every non-overlapping place at which `find` succeeds: it gets the text and an offset and answers the end of
/// the match and what stands there instead.
fn replace(text: &[u8], find: impl Fn(&[u8], usize) -> Option<(usize, Vec<u8>)>) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    let (mut at, mut copied) = (0, 0);
    while at < text.len() {
        match find(text, at) {
            Some((end, replacement)) if end > at => {
                let out = out.get_or_insert_with(Vec::new);
                out.extend_from_slice(&text[copied..at]);
                out.extend_from_slice(&replacement);
                at = end;
                copied = end;
            }
            _ => at += 1,
        }
    }
    out.map(|mut out| {
        out.extend_from_slice(&text[copied..]);
        out
    })
}

/// A name, an optional part, digits, then optionally `/` or `:` and digits.
fn numbered(text: &[u8], at: usize, name: &[u8], dot: bool) -> Option<usize> {
    let mut end = at + name.len();
    text[at..].starts_with(name).then_some(())?;
    if dot && text.get(end) == Some(&b'.') {
        end += 1;
    }
    let count = digits(text, end);
    (count > 0).then_some(())?;
    end += count;
    if matches!(text.get(end), Some(b'/' | b':')) {
        let more = digits(text, end + 1);
        if more > 0 {
            end += 1 + more;
        }
    }
    Some(end)
}

fn executors(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| Some((numbered(text, at, b"syz-executor", true)?, b"syz-executor".to_vec())))
}

fn users(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| Some((numbered(text, at, b"syzkaller", false)?, b"syzkaller".to_vec())))
}

fn addresses(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        let before = text[at];
        (!before.is_ascii_alphanumeric()).then_some(())?;
        let hex = |from: usize| {
            text[from.min(text.len())..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count()
        };
        let mut start = at + 1;
        if text[start..].starts_with(b"0x") && hex(start + 2) >= 6 {
            start += 2;
        }
        let count = hex(start);
        (count >= 6).then(|| (start + count, [&[before][..], b"ADDR"].concat()))
    })
}

fn internet_addresses(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        // Groups of one to three digits; of a longer run the end may be a group.
        let mut end = at;
        for group in 0..4 {
            let count = digits(text, end);
            (count > 0 && (count <= 3 || group == 3)).then_some(())?;
            end += count.min(3);
            if group < 3 {
                (text.get(end) == Some(&b'.')).then_some(())?;
                end += 1;
            }
        }
        Some((end, b"IP".to_vec()))
    })
}

fn source_lines(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        (text[at] == b'.').then_some(())?;
        let word = text[at + 1..].iter().take_while(|byte| is_word(**byte)).count();
        (word > 0).then_some(())?;
        let colon = at + 1 + word;
        let mut end = colon;
        while text.get(end) == Some(&b':') && digits(text, end + 1) > 0 {
            end += 1 + digits(text, end + 1);
        }
        (end > colon).then(|| (end, [&text[at..colon], b":LINE"].concat()))
    })
}

fn function_offsets(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        text[at].is_ascii_alphabetic().then_some(())?;
        let name = text[at + 1..].iter().take_while(|byte| is_word(**byte) || **byte == b'.').count();
        (name > 0).then_some(())?;
        let mut end = at + 1 + name;
        for mark in [&b"+0x"[..], b"/0x"] {
            text[end..].starts_with(mark).then_some(())?;
            end += mark.len();
            let count = text[end..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
            (count > 0).then_some(())?;
            end += count;
        }
        Some((end, text[at..=at + name].to_vec()))
    })
}

fn cpus(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        text[at..].starts_with(b"CPU#").then_some(())?;
        let count = digits(text, at + 4);
        (count > 0).then(|| (at + 4 + count, b"CPU".to_vec()))
    })
}

fn numbers(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        let before = text[at];
        (!is_word(before)).then_some(())?;
        let count = digits(text, at + 1);
        (count > 0).then_some(())?;
        let end = at + 1 + count;
        match text.get(end) {
            None => Some((end, [&[before][..], b"NUM"].concat())),
            Some(after) if !is_word(*after) => Some((end + 1, [&[before][..], b"NUM", &[*after]].concat())),
            Some(_) => None,
        }
    })
}

fn long_numbers(text: &[u8]) -> Option<Vec<u8>> {
    replace(text, |text, at| {
        let count = digits(text, at);
        (count >= 7).then(|| (at + count, b"NUM".to_vec()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_run_to_run_becomes_a_placeholder() {
        for (raw, clean) in [
            ("hung in syz-executor.3/123 now", "hung in syz-executor now"),
            ("BUG in syzkaller123456:77", "BUG in syzkaller"),
            ("value at addr ffff888012345678", "value at addr ADDR"),
            ("send_feedbeef0", "send_ADDR"),
            ("to 127.0.0.1 now", "to IP now"),
            ("at kernel/fork.c:123:7!", "at kernel/fork.c:LINE!"),
            ("in do_it.isra.0+0x1f/0x20 now", "in do_it.isra.NUM now"),
            ("in do_it+0x1f/0x20 now", "in do_it now"),
            ("on CPU#3, x", "on CPU, x"),
            ("block(0,0)", "block(NUM,NUM)"),
            ("foo1234567", "fooNUM"),
            ("a\tb\u{7}  c ", "a b c"),
            ("nl802154_del", "nl802154_del"),
            ("age=624 cpu=0 pid=3", "age=NUM cpu=NUM pid=NUM"),
        ] {
            assert_eq!(clean_title(raw.as_bytes()), clean);
        }
    }

    #[test]
    fn of_a_long_title_only_its_beginning_is_considered() {
        for word in ["x", "syz-executor.1:1", "a.", "1.1."] {
            let (short, long) = (word.repeat(CONSIDERED), word.repeat(100 * CONSIDERED));
            assert_eq!(clean_title(short.as_bytes()), clean_title(long.as_bytes()), "{word}");
        }
    }

    #[test]
    fn a_title_has_at_most_120_bytes() {
        assert_eq!(clean_title(&b"xy ".repeat(100)).len(), 119);
    }
}
