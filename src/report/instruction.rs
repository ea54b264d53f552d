//! The line that names the faulting instruction, as syzbot's rules read it on all architectures: `RIP: 0010:widget_put+0x1/0x2`.

use super::excerpt::holds;
use super::naming::address;
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// The words in front of an instruction. A colon may follow, and a blank does.
const WORDS: [&[u8]; 3] = [b"IP", b"pc ", b"PC is at"];
/// PowerPC's line for a trap.
const INTERRUPT: &[u8] = b"--- interrupt: ";

/// The functions of a line that names an instruction: none if it does not, an empty answer if it names an address. With `interrupts`
/// PowerPC's line for a trap counts, too.
pub(super) fn named(line: &[u8], interrupts: bool) -> Option<Option<&[u8]>> {
    // Most lines have none of the words.
    let begins = WORDS.iter().any(|word| holds(line, std::str::from_utf8(word).unwrap_or_default()));
    let found = if begins { (0..line.len()).find_map(|at| Some((at, behind_word(&line[at..])?))) } else { None };
    let trap = if interrupts { interrupt(line) } else { None };
    match (found, trap) {
        (Some((at, _)), Some((before, name))) if before < at => Some(Some(name)),
        (Some((_, name)), _) => Some(name),
        (None, trap) => trap.map(|(_, name)| Some(name)),
    }
}

/// Where the first of the words stands at or behind `from`.
pub(super) fn candidate(text: &[u8], from: usize, interrupts: bool) -> Option<usize> {
    static FINDERS: LazyLock<[Finder<'static>; 4]> =
        LazyLock::new(|| [WORDS[0], WORDS[1], WORDS[2], INTERRUPT].map(Finder::new));
    let mut end = text.len();
    let mut first = None;
    for finder in &FINDERS[..if interrupts { 4 } else { 3 }] {
        if let Some(found) = text.get(from..end).and_then(|near| finder.find(near)) {
            // Of the others only an earlier one matters.
            first = Some(from + found);
            end = from + found;
        }
    }
    first
}

/// What stands behind one of the words at the beginning of a text, if that is an instruction.
fn behind_word(text: &[u8]) -> Option<Option<&[u8]>> {
    let rest = WORDS.iter().find_map(|word| text.strip_prefix(*word))?;
    let rest = rest.strip_prefix(b":").unwrap_or(rest).strip_prefix(b" ")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let behind_segment = (digits > 0 && rest.get(digits) == Some(&b':')).then(|| &rest[digits + 1..]);
    // `0010:`
    let place = behind_segment.unwrap_or(rest);
    if let Some(name) = behind_addresses(place) {
        return Some(Some(name));
    }
    let hex = |text: &[u8]| text.first().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_address = place.strip_prefix(b"0x").is_some_and(hex);
    let is_null = || address(place).is_some_and(|length| is_null_in_brackets(&place[length..]));
    let is_bare_null = || behind_segment.is_some_and(is_null_behind_blanks);
    (is_address || is_null() || is_bare_null()).then_some(None)
}

/// The name behind none to two addresses in brackets.
fn behind_addresses(mut text: &[u8]) -> Option<&[u8]> {
    for _ in 0..2 {
        let Some(rest) = address(text).map(|length| &text[length..]).filter(|rest| rest.starts_with(b" ")) else {
            break;
        };
        text = &rest[blanks(rest)..];
    }
    name(text)
}

/// `  [<  (null)>]  (null)`
fn is_null_in_brackets(text: &[u8]) -> bool {
    let rest = text[blanks(text)..].strip_prefix(b"[<").filter(|_| text.starts_with(b" "));
    let rest = rest.and_then(|rest| rest[blanks(rest)..].strip_prefix(b"(null)>]"));
    rest.is_some_and(is_null_behind_blanks)
}

/// `  (null)`
fn is_null_behind_blanks(text: &[u8]) -> bool {
    text.starts_with(b" ") && text[blanks(text)..].starts_with(b"(null)")
}

/// How many blanks a text begins with.
fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b' ').count()
}

/// The first `--- interrupt: 700 at widget_put+`: where it begins, and the name.
fn interrupt(line: &[u8]) -> Option<(usize, &[u8])> {
    memchr::memmem::find_iter(line, INTERRUPT).find_map(|at| {
        let rest = &line[at + INTERRUPT.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let name = name(rest[digits..].strip_prefix(b" at ").filter(|_| digits > 0)?)?;
        Some((at, name))
    })
}

/// A run of word characters in front of `.` or `+`.
fn name(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    (length > 0 && matches!(text.get(length), Some(b'.' | b'+'))).then(|| &text[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Pattern;

    /// The lines as an expression.
    fn expression(more: &str) -> Pattern {
        let forms = [
            "(?:[0-9]+:)?(?:{{PC}} +){0,2}{{FN}}",
            "(?:[0-9]+:)?0x[0-9a-f]+",
            r"(?:[0-9]+:)?{{PC}} +\[< *\(null\)>\] +\(null\)",
            r"[0-9]+: +\(null\)",
        ];
        Pattern::new(&format!("(?:IP|NIP|pc |PC is at):? (?:{}){more}", forms.join("|")))
    }

    #[test]
    fn lines_are_read_as_the_expression_reads_them() {
        let patterns = [expression(""), expression("|--- interrupt: [0-9]+ at (?P<AT>[A-Za-z0-9_]+)[.+]")];
        let parts = [
            "",
            "RIP: ",
            "NIP ",
            "pc : ",
            "PC is at ",
            "0010:",
            "[<ffff01>] ",
            "[0xz] ",
            "do_it+0x1",
            "0x1f",
            "  (null)",
            " [<  (null)>]",
            "--- interrupt: 70",
            " at a.b",
        ];
        for number in 0..parts.len().pow(4) {
            let line: String = (0..4).map(|at| parts[number / parts.len().pow(at) % parts.len()]).collect();
            for (interrupts, pattern) in patterns.iter().enumerate().map(|(at, pattern)| (at == 1, pattern)) {
                let text = line.as_bytes();
                let found =
                    pattern.captures(text).map(|found| found.groups.first().map(|(_, span)| &text[span.clone()]));
                assert_eq!(named(text, interrupts), found, "{line:?}");
                if found.is_some() {
                    assert!(candidate(text, 0, interrupts).is_some(), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn instruction_pointers_of_all_architectures_are_read() {
        for line in [
            "RIP: 0010:do_it+0x1/0x2",
            "RIP: 0010:[<ffff01>]  [<ffff02>] do_it+0x1",
            "EIP: do_it+0x1",
            "NIP [c0001] do_it+0x1",
            "pc : do_it+0x1",
            "epc : do_it+0x1 ra : x+0x2",
            "PC is at do_it+0x1",
        ] {
            assert_eq!(named(line.as_bytes(), false), Some(Some(&b"do_it"[..])), "{line}");
        }
        for line in ["RIP: 0033:0x452879", "PC is at 0xffffffffdeadbeef", "RIP: 0010:          (null)"] {
            assert_eq!(named(line.as_bytes(), false), Some(None), "{line}");
        }
        for line in ["RIP  [<ffff01>] do_it+0x1", "EIP is at do_it+0x1", "LR is at do_it+0x1"] {
            assert_eq!(named(line.as_bytes(), false), None, "{line}");
        }
    }

    #[test]
    fn the_first_word_is_the_candidate() {
        let text = b"pc one\nRIP: two\n--- interrupt: 3\nPC is at\n";
        assert_eq!([0, 1, 11, 18].map(|from| candidate(text, from, false)), [Some(0), Some(8), Some(33), Some(33)]);
        assert_eq!(candidate(text, 11, true), Some(16));
    }
}
