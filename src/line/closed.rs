//! The marks of Markdown, BBCode and quoting that close a span at the end of a line: `**`, `` ` ``, `[/code]`, `"`.

/// BBCode that is closed at the end of a line.
const TAGS: [&[u8]; 8] = [b"b", b"i", b"u", b"pre", b"code", b"mono", b"quote", b"spoiler"];
/// With what a block of code ends.
const FENCE: &[u8] = b"```";
/// `[/spoiler]` without the brackets is no longer, bytes.
const TAG: usize = 8;

/// A line without the mark that closes a span at its end. Where the span began is in the line, at its start or before a stamp, or
/// the line holds no other such mark: then it is the last one of a span of several lines.
pub(super) fn unclosed(text: &[u8]) -> &[u8] {
    let rest = match text.last() {
        Some(b']') => without_tag(text),
        Some(mark @ (b'"' | b'\'')) => without_quote(text, *mark),
        // An item of a list.
        Some(b',') => {
            let item = &text[..text.len() - 1];
            item.last().filter(|mark| matches!(mark, b'"' | b'\'')).and_then(|mark| without_quote(item, *mark))
        }
        Some(mark @ (b'*' | b'`')) => without_run(text, *mark),
        _ => None,
    };
    rest.filter(|rest| rest.last().is_some_and(|byte| !byte.is_ascii_whitespace())).unwrap_or(text)
}

/// A line without `[/code]` at its end.
fn without_tag(text: &[u8]) -> Option<&[u8]> {
    let inside = text.strip_suffix(b"]")?;
    let reach = inside.len().saturating_sub(TAG + 1);
    let name = reach + inside[reach..].iter().rposition(|byte| *byte == b'/')? + 1;
    let is_tag = TAGS.iter().any(|tag| inside[name..].eq_ignore_ascii_case(tag));
    inside[..name].strip_suffix(b"[/").filter(|_| is_tag)
}

/// A line without the quotation mark that closes one before a stamp, or one further up.
fn without_quote(text: &[u8], mark: u8) -> Option<&[u8]> {
    let rest = text.strip_suffix(&[mark])?;
    let mut marks = memchr::memchr_iter(mark, rest).filter(|at| *at == 0 || rest[at - 1] != b'\\');
    let Some(only) = marks.next() else { return Some(rest) };
    (marks.next().is_none() && begins_stamp(&rest[only + 1..])).then_some(rest)
}

/// A line without the run of a mark at its end that closes a span: bold, code.
fn without_run(text: &[u8], mark: u8) -> Option<&[u8]> {
    let rest = &text[..text.iter().rposition(|byte| *byte != mark)? + 1];
    let run = &text[rest.len()..];
    if run.len() > 3 {
        return None;
    }
    let Some(opened) = memchr::memmem::find(rest, run) else {
        // One star alone is no mark; a blank may stand before the end of a block.
        let rest = if run == FENCE { rest.trim_ascii_end() } else { rest };
        return (mark == b'`' || run.len() == 2).then_some(rest);
    };
    let inside = &rest[opened + run.len()..];
    let at_start = rest[..opened].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'>' | b'-' | b'|' | b'*'));
    let is_span = inside.first().is_some_and(|byte| !byte.is_ascii_whitespace() && *byte != mark);
    let once = memchr::memmem::find(inside, run).is_none();
    (is_span && once && (at_start || begins_stamp(inside))).then_some(rest)
}

/// Whether a text begins with `[   12.345678]`, as far as that takes to tell.
fn begins_stamp(text: &[u8]) -> bool {
    text.strip_prefix(b"[").and_then(|inside| inside.trim_ascii_start().first()).is_some_and(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::unclosed;

    #[test]
    fn what_closes_a_span_is_no_part_of_the_message() {
        for (line, want) in [
            ("**[    1.0] Kernel panic - not syncing: x**", "**[    1.0] Kernel panic - not syncing: x"),
            ("> *[    1.0] x*", "> *[    1.0] x"),
            ("- `[    1.0] nvme nvme0: x`", "- `[    1.0] nvme nvme0: x"),
            ("it says `[    1.0] x`", "it says `[    1.0] x"),
            ("[    1.0] the end of several lines`", "[    1.0] the end of several lines"),
            ("[    1.0] the end of several lines```", "[    1.0] the end of several lines"),
            ("[    1.0] the end of several lines ```", "[    1.0] the end of several lines"),
            ("[    1.0] the end of several lines\"", "[    1.0] the end of several lines"),
            ("the end of several lines'", "the end of several lines"),
            ("[    1.0] the end of several lines**", "[    1.0] the end of several lines"),
            ("it says \"[    1.0] x\"", "it says \"[    1.0] x"),
            ("[    1.0] x[/CODE]", "[    1.0] x"),
        ] {
            assert_eq!(unclosed(line.as_bytes()), want.as_bytes());
        }
        for kept in [
            "**   NOTICE NOTICE NOTICE   **",
            "****************",
            "[    1.0] key *****",
            "[    1.0] value *",
            "[    1.0] unexpected `foo`",
            "[    1.0] a `b` or `c`",
            "[    1.0] comm \"x\"",
            "[    1.0] can't use 'x'",
            "{\"log\": \"x\"",
            "[    1.0] f+0x1/0x2 [ext4]",
            "[    1.0] mounted [/boot]",
            "`",
            "**",
            "",
        ] {
            assert_eq!(unclosed(kept.as_bytes()), kept.as_bytes());
        }
    }
}
