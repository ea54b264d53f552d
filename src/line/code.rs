//! Whether a line stands in the text of a program: what a source file prints is printed by nobody yet.

/// So many lines above and below a line are looked at, empty ones aside, and so many in all must be there.
const AROUND: usize = 8;
const ENOUGH: usize = 6;
/// How many of a hundred lines on each side must be code.
const SHARE: usize = 60;
/// The same where the line between them is code by its own looks.
const SHARE_BESIDE: usize = 40;
/// And so many in all must be what only code is.
const SURE: usize = 2;

/// Whether a header stands in a string that a call formats: `pr_err("BUG: %d tests failed\n",`.
pub(super) fn is_format(before: &[u8], rest: &[u8]) -> bool {
    let Some(opened) = memchr::memrchr(b'"', before) else { return false };
    if memchr::memchr_iter(b'"', before).count().is_multiple_of(2) {
        return false;
    }
    let Some(closed) = memchr::memchr(b'"', rest) else { return false };
    let (head, literal) = (before[..opened].trim_ascii(), &rest[..closed]);
    let callee = head.strip_suffix(b"(").map(|head| head.strip_suffix(b"(").unwrap_or(head));
    let is_call = callee
        .is_some_and(|name| name.last().is_some_and(|last| last.is_ascii_alphanumeric() || *last == b'_'))
        || head.ends_with(b",") && head.contains(&b'(')
        || head.contains(&b'(')
            && head.rsplit(|byte| b" (".contains(byte)).next().is_some_and(|name| name.starts_with(b"KERN_"));
    let breaks = literal.ends_with(b"\\n");
    is_call && (breaks || converts(literal)) || head.is_empty() && (converts(&before[opened..]) || converts(literal))
}

/// Whether a text holds what printf replaces: `%d`, `%pS`, `%08lx`.
fn converts(literal: &[u8]) -> bool {
    memchr::memchr_iter(b'%', literal).any(|at| {
        let rest = &literal[at + 1..];
        let flags = rest.iter().take_while(|byte| byte.is_ascii_digit() || b"-.#*".contains(byte)).count();
        let sizes = rest[flags..].iter().take_while(|byte| b"hlz".contains(byte)).count();
        rest.get(flags + sizes).is_some_and(|byte| b"sdiuxXpc".contains(byte))
    })
}

/// Whether what stands before a text of the kernel's is the text of a program: a comment, or all that calls or assigns a string.
pub(super) fn is_program_text(before: &[u8]) -> bool {
    let begin = before.trim_ascii_start();
    begin.starts_with(b"//") || begin.starts_with(b"/*") || begin.starts_with(b"* ") || opens_string(before)
}

/// Whether code opens a string just there: `let log = b"`, `(b"`, `vec!["`.
fn opens_string(before: &[u8]) -> bool {
    let Some(head) = before.strip_suffix(b"\"") else { return false };
    let head = head.strip_suffix(b"b").unwrap_or(head).trim_ascii();
    head.is_empty() || head.ends_with(b"(") || head.ends_with(b"[") || head.ends_with(b"=") || head.ends_with(b"&")
}

/// How many lines a comment has at most above one of its own.
const COMMENT: usize = 60;

/// Whether the line from `start` to `end` is one of a comment of several lines.
fn is_in_comment(text: &[u8], start: usize, end: usize) -> bool {
    let is_part = |line: &[u8]| line.trim_ascii_start().starts_with(b"*");
    let above = text[..start].strip_suffix(b"\n").unwrap_or_default().rsplit(|byte| *byte == b'\n');
    let begins = || {
        above.take(COMMENT).find(|line| !is_part(line)).is_some_and(|line| line.trim_ascii_start().starts_with(b"/*"))
    };
    is_part(&text[start..end]) && begins()
}

/// Whether the line from `start` to `end` is in a comment, or the lines on both sides of it are code.
/// `by_itself` says that the line itself is code, too.
pub(super) fn is_among_code(text: &[u8], start: usize, end: usize, by_itself: bool) -> bool {
    if is_in_comment(text, start, end) {
        return true;
    }
    let full = |line: &&[u8]| !line.trim_ascii().is_empty();
    let above = text[..start].rsplit(|byte| *byte == b'\n').filter(full).take(AROUND);
    let below = text[end..].split(|byte| *byte == b'\n').skip(1).filter(full).take(AROUND);
    let (mut all, mut sure) = (0, usize::from(by_itself));
    let mut is_code = |lines: &mut dyn Iterator<Item = &[u8]>| {
        let (mut count, mut code) = (0, 0);
        for line in lines {
            let line = line.trim_ascii();
            count += 1;
            sure += usize::from(is_sure(line));
            code += usize::from(is_sure(line) || may_be(line));
        }
        all += count;
        code * 100 >= count * if by_itself { SHARE_BESIDE } else { SHARE } && (count > 0 || by_itself)
    };
    is_code(&mut { above }) && is_code(&mut { below }) && all >= ENOUGH && sure >= SURE
}

/// A statement, a comment, a directive of the preprocessor. What quotes marks a letter's lines with is none of them.
fn is_sure(line: &[u8]) -> bool {
    !line.starts_with(b"\"")
        && (line.ends_with(b";") || line.ends_with(b"*/") || line.starts_with(b"/*") || line.starts_with(b"#define "))
}

/// The rest of one.
fn may_be(line: &[u8]) -> bool {
    !line.starts_with(b"\"") && line.last().is_some_and(|last| b"{},(:\\".contains(last))
        || [&b"* "[..], b"//", b"#["].iter().any(|start| line.starts_with(start))
        || line == b"*"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_from_quotations() {
        for (before, rest, is) in [
            ("\t\tpr_err(\"", " %d tests failed\\n\", errors);", true),
            ("\tprintk(KERN_ERR \"lamp: ", " no socket\\n\");", true),
            ("\tdev_err(lamp->dev, \"", " socket %d is in use\", n);", true),
            ("\t\t\t\"", " looking up %u\\n\", subclass);", true),
            ("\t\"%s: Firmware ", "\" \\", true),
            ("\"", " KASAN: use-after-free in lamp_put\\n\",", false),
            ("grep \"", " lamp\" messages", false),
            ("It says \"", " 80% of lamp\".", false),
            ("", " KASAN: use-after-free in lamp_put", false),
        ] {
            assert_eq!(is_format(before.as_bytes(), rest.as_bytes()), is, "{before}{rest}");
        }
    }

    #[test]
    fn comments_have_several_lines() {
        for (above, is) in
            [("/*\n * Lamps.\n *\n", true), ("\t/* Lamps\n", true), ("* lamps\n* sockets\n", false), ("", false)]
        {
            let text = [above, " * WARNING: the lamp is hot\n"].concat();
            assert_eq!(is_among_code(text.as_bytes(), above.len(), text.len() - 1, false), is, "{text}");
        }
    }

    #[test]
    fn code_stands_on_both_sides() {
        let code = "static int lamp_put(void)\n{\n\tint n;\n\n\tn = 3;\n\treturn n;\n}\n";
        let log = "BUG: x\nPGD 0 P4D 0\nOops: 0000\nCPU: 1 PID: 1\nRIP: 0010:f+0x1/0x2\n";
        let json = "[\n  {\n    \"time\": 1,\n    \"text\": \"a\"\n  },\n";
        for (above, below, is) in
            [(code, code, true), (code, log, false), (log, code, false), (json, json, false), ("", code, false)]
        {
            let text = [above, "WARNING: the lamp is hot\n", below].concat();
            let (start, end) = (above.len(), above.len() + 24);
            assert_eq!(is_among_code(text.as_bytes(), start, end, false), is, "{text}");
        }
    }
}
