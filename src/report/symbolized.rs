//! Reports with source lines in them, as they are mailed: how they are recognised and how it is undone.

use crate::line::Letters;
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a symbolizer writes behind the copy of a line that it makes for an inlined function.
const COPY: &str = " [inline]";

/// Whether a line is a copy that a symbolizer made for an inlined function; a module or a CPU may stand behind the mark.
#[must_use]
pub fn is_inlined_copy(line: &[u8]) -> bool {
    static MARK: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(COPY));
    let line = line.trim_ascii_end();
    MARK.find(line).is_some_and(|at| {
        at + MARK.needle().len() == line.len()
            || line[..at].rsplit(|byte| *byte == b' ').next().is_some_and(is_source_line)
    })
}

/// Whether a line shows that its report was symbolized; `letters` are those of the line or of more.
#[must_use]
pub(super) fn is_symbolized(line: &[u8], letters: Letters) -> bool {
    const COLON: Letters = Letters::of(b":");
    const COPIED: Letters = Letters::of(COPY.as_bytes());
    // Places have a colon, and most lines of a report have none.
    let mut colons = memchr::memchr_iter(b':', if letters.may_hold(COLON) { line } else { b"" }).peekable();
    let copied = letters.may_hold(COPIED)
        && if colons.peek().is_some() {
            is_inlined_copy(line)
        } else {
            line.trim_ascii_end().ends_with(COPY.as_bytes())
        };
    copied || colons.any(|colon| may_be_in_place(line, colon)) && has_places(line)
}

/// Whether a colon may be the one of a place, `file.c:1`, `file.c:?` or `??:0`, as what stands around it shows: those of registers and
/// of sentences are not.
fn may_be_in_place(line: &[u8], colon: usize) -> bool {
    match (line[..colon].last(), line.get(colon + 1)) {
        (Some(b'?'), _) => true,
        (Some(letter), Some(b'0'..=b'9' | b'?' | b'-' | b':')) => letter.is_ascii_alphabetic(),
        _ => false,
    }
}

/// Whether a function of a stack or of a register has its place behind it.
fn has_places(line: &[u8]) -> bool {
    source_suffix(line, 0).is_some() || decoded(line).is_some_and(|found| is_frame_start(&line[..found.name.0]))
}

/// The line as it was before symbolization; `None` when it was not there. `above` is the line above it.
#[must_use]
pub(super) fn undo<'line>(line: &'line [u8], above: &[u8]) -> Option<Cow<'line, [u8]>> {
    if is_inlined_copy(line) {
        return None;
    }
    if let Some(plain) = without_suffixes(line) {
        return Some(Cow::Owned(plain));
    }
    if let Some(found) = decoded(line) {
        return Some(Cow::Owned(found.encoded(line, above)));
    }
    if let Some(plain) = mended(line) {
        return Some(Cow::Owned(plain));
    }
    // The script strips the blanks in front of a line, by which the section of a leak is known.
    if line.starts_with(b"backtrace:") || line.starts_with(b"backtrace (crc ") {
        return Some(Cow::Owned([b"  ", line].concat()));
    }
    Some(Cow::Borrowed(line))
}

/// A report's first line as the kernel writes it, if it has lost something.
pub(super) fn mended(line: &[u8]) -> Option<Vec<u8>> {
    without_place(line).or_else(|| with_blank(line)).or_else(|| without_end(line).map(<[u8]>::to_vec))
}

/// The last line of a report whose first was not copied, without its mark: `---[ end Kernel panic - not syncing: lamp broke ]---`.
fn without_end(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii_end();
    line.strip_suffix(b" ]---").filter(|rest| memchr::memmem::find(rest, b"---[ end ").is_some())
}

/// A first line whose function has a place and no offset: `BUG: KASAN: slab-use-after-free in do_it a/b.c:1`.
fn without_place(line: &[u8]) -> Option<Vec<u8>> {
    let head = line.strip_prefix(b"BUG: ").filter(|_| line.last().is_some_and(u8::is_ascii_digit))?;
    let mut words = head.rsplit(|byte| *byte == b' ');
    let (place, function) = (words.next()?, words.next()?);
    let is_name = function.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'.');
    let fits = is_source_line(place) && is_name && !function.is_empty() && words.next() == Some(b"in");
    fits.then(|| [&line[..line.len() - place.len() - 1], b"+0x0/0x0"].concat())
}

/// The first line of a hung task as it was before a mail lost a blank: `INFO: taskumount:12 blocked for more than 120 seconds.`
fn with_blank(line: &[u8]) -> Option<Vec<u8>> {
    const TASK: &[u8] = b"INFO: task";
    let name = line.strip_prefix(TASK).filter(|rest| !rest.starts_with(b" "))?;
    let colon = memchr::memchr(b':', name)?;
    let digits = name[colon + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let goes_on = digits > 0 && name[colon + 1 + digits..].starts_with(b" blocked for more than ");
    goes_on.then(|| [TASK, b" ", name].concat())
}

/// The line without what stands behind each `function+0x1/0x2`, if anything does.
fn without_suffixes(line: &[u8]) -> Option<Vec<u8>> {
    let (mut start, mut end) = source_suffix(line, 0)?;
    let (mut plain, mut from) = (Vec::with_capacity(line.len()), 0);
    loop {
        plain.extend_from_slice(&line[from..start]);
        from = end;
        match source_suffix(line, end) {
            Some(next) => (start, end) = next,
            None => break,
        }
    }
    plain.extend_from_slice(&line[from..]);
    Some(plain)
}

/// The span of ` path/file.c:123` behind the first `function+0x1/0x2` from `from` on, if it has one.
fn source_suffix(line: &[u8], mut from: usize) -> Option<(usize, usize)> {
    static OFFSET: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("+0x"));
    while let Some(plus) = OFFSET.find(&line[from..]) {
        let hex = |at: usize| line[at..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let mut at = from + plus + 3;
        from = at;
        at += hex(at);
        if !line[at..].starts_with(b"/0x") {
            continue;
        }
        at += 3;
        at += hex(at);
        if line.get(at) != Some(&b' ') {
            continue;
        }
        let token = line[at + 1..].iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
        // A comma or a parenthesis belongs to the sentence: `at f+0x1/0x2 a.c:1, CPU#0`.
        let token =
            line[at + 1..at + 1 + token].iter().rposition(|byte| !b",)".contains(byte)).map_or(0, |last| last + 1);
        if is_source_line(&line[at + 1..at + 1 + token]) {
            let end = at + 1 + token;
            let graded = [&b" (likely)"[..], b" (doubtful)"].into_iter().find(|grade| line[end..].starts_with(grade));
            return Some((at, end + graded.map_or(0, <[u8]>::len)));
        }
    }
    None
}

/// `path/file.c:123`, a column behind it included; `path/file.c:?` where the line is not known.
pub(super) fn is_source_line(token: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', token) else { return false };
    let (path, number) = (&token[..colon], &token[colon + 1..]);
    // A symbolizer that knows no line may write -1.
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let Some(dot) = memchr::memrchr(b'.', path) else { return false };
    !number.is_empty()
        && (number == b"?" || number.iter().all(|byte| byte.is_ascii_digit() || *byte == b':'))
        && path.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_/.+".contains(byte))
        && dot + 1 < path.len()
        && path[dot + 1..].iter().all(u8::is_ascii_alphabetic)
}

/// A function with its places as `decode_stacktrace.sh` writes them: `name (path/file.c:123 (discriminator 2)) module`.
#[derive(Debug, PartialEq, Eq)]
struct Decoded<'line> {
    /// Where the name begins and ends.
    name: (usize, usize),
    /// The module, without brackets.
    module: &'line [u8],
    /// What stands at the end of the line: ` (P)`, `(unreliable)`.
    rest: &'line [u8],
}

impl Decoded<'_> {
    /// The line with an offset where the places are.
    fn encoded(&self, line: &[u8], above: &[u8]) -> Vec<u8> {
        let (start, end) = self.name;
        let (mut head, name) = (line[..start].to_vec(), &line[start..end]);
        let mut open = &b""[..];
        // The script drops addresses in brackets, by which some lines are known.
        if head.starts_with(b"(") && head.ends_with(b") from ") {
            head = [b"[<0>] ", &head[..], b"[<0>] ("].concat();
            open = b")";
        } else if head.trim_ascii().is_empty() && above.trim_ascii_end().ends_with(b" at:") {
            head.extend_from_slice(b"[<0>] ");
        }
        let mut plain = [&head[..], name, b"+0x0/0x0", open].concat();
        if !self.module.is_empty() {
            plain.extend([&b" ["[..], self.module, b"]"].concat());
        }
        plain.extend_from_slice(self.rest);
        plain
    }
}

/// Reads a line that ends with a decoded function.
fn decoded(line: &[u8]) -> Option<Decoded<'_>> {
    static OPEN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" ("));
    OPEN.find_iter(line).find_map(|open| {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
        let name = line[..open].iter().rev().take_while(|byte| is_part(byte)).count();
        let start = open - name;
        let fits =
            name > 0 && !line[start].is_ascii_digit() && (start == 0 || matches!(line[start - 1], b' ' | b'\t' | b':'));
        let places = if fits { places(&line[open..])? } else { return None };
        let rest = &line[open + places.length..];
        let (word, tail) = first_word(rest);
        let bare = word.strip_prefix(b"[").map_or(word, |inner| inner.strip_suffix(b"]").unwrap_or(inner));
        let is_module =
            !bare.is_empty() && bare.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte));
        let (module, tail) = if is_module { (bare, tail) } else { (&b""[..], rest) };
        let rest = tail.trim_ascii_end();
        (rest.is_empty() || is_unwinder_mark(rest)).then_some(Decoded { name: (start, open), module, rest })
    })
}

fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let from = text.iter().position(|byte| *byte != b' ').unwrap_or(text.len());
    let end = text[from..].iter().position(|byte| *byte == b' ').map_or(text.len(), |length| from + length);
    (&text[from..end], &text[end..])
}

/// `(P)`, `(unreliable)`: what an unwinder says of a frame.
fn is_unwinder_mark(rest: &[u8]) -> bool {
    let inner = rest.trim_ascii().strip_prefix(b"(").and_then(|inner| inner.strip_suffix(b")"));
    inner.is_some_and(|inner| inner.len() <= 12 && inner.iter().all(u8::is_ascii_alphabetic))
}

/// The places that stand in parentheses behind a function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Places<'line> {
    /// The place in the function itself, the last one: file and line as far as they are known.
    pub(super) last: (Option<&'line [u8]>, Option<u32>),
    /// How many bytes they take, the closing parenthesis included.
    pub(super) length: usize,
}

/// Reads ` (a.c:1 (discriminator 2) b.c:3)`, `(??:?)`, `(a.c:?)`.
pub(super) fn places(text: &[u8]) -> Option<Places<'_>> {
    let mut at = text.iter().position(|byte| *byte != b' ')?;
    (text[at] == b'(').then_some(())?;
    at += 1;
    loop {
        let length = text[at..].iter().take_while(|byte| !b" )".contains(byte)).count();
        let token = &text[at..at + length];
        let last = if token.starts_with(b"??:") {
            (None, None)
        } else {
            is_source_line(token).then_some(())?;
            let colon = memchr::memchr(b':', token)?;
            let digits = token[colon + 1..].split(|byte| *byte == b':').next().unwrap_or_default();
            let line = super::scan::number(digits).and_then(|line| u32::try_from(line).ok());
            (Some(&token[..colon]), line)
        };
        at += length;
        if text[at..].starts_with(b" (discriminator ") {
            at += memchr::memchr(b')', &text[at..])? + 1;
        }
        match text.get(at)? {
            b')' => return Some(Places { last, length: at + 1 }),
            _ => at += 1,
        }
    }
}

/// Whether a decoded function behind these words is that of a stack or of a register, so that no driver's message is taken
/// for one.
fn is_frame_start(head: &[u8]) -> bool {
    let head = head.trim_ascii();
    // A caller without a stamp is not taken off: `[   T55] do_it (a.c:1)`.
    let behind = head.strip_prefix(b"[").and_then(|tail| Some(&tail[memchr::memchr(b']', tail)? + 1..]));
    let head = behind.unwrap_or(head).trim_ascii_start();
    // A header: `BUG: KASAN: slab-use-after-free in do_it (a.c:1)`, `WARNING: CPU: 0 PID: 1 at a.c:1 do_it (a.c:1)`.
    let last = head.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    if head.starts_with(b"BUG: ") && last == b"in" || head.starts_with(b"WARNING: ") && is_source_line(last) {
        return true;
    }
    matches!(head, b"" | b"?" | b"pc :" | b"lr :" | b"PC is at" | b"LR is at" | b"epc :" | b"ra :" | b"NIP" | b"LR")
        || [&b"RIP:"[..], b"EIP:"].iter().any(|start| head.starts_with(start))
        || [&b", at:"[..], b") from"].iter().any(|end| head.ends_with(end))
}

/// Whether a line is a frame that a careful unwinder would not have printed, and that lost its indentation to the script.
#[must_use]
pub(super) fn is_questionable_frame(line: &[u8]) -> bool {
    let Some(frame) = line.strip_prefix(b"? ") else { return false };
    let is_address =
        || frame.strip_prefix(b"0x").is_some_and(|digits| digits.trim_ascii_end().iter().all(u8::is_ascii_hexdigit));
    decoded(line).is_some() || memchr::memmem::find(frame, b"+0x").is_some() || is_address()
}

/// Whether a line is of the dump that the script writes below `Code:`: its headings, and rows of an address, bytes and an
/// instruction.
#[must_use]
pub(super) fn is_code_dump(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let address = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let row = address > 0
        && address < 5
        && (line[address..].starts_with(b":\t")
            || line[address..].starts_with(b":*\t")
            || line[address..].starts_with(b": "));
    row || line == b"All code"
        || line == b"Code starting with the faulting instruction"
        || (line.len() > 7 && line.iter().all(|byte| *byte == b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undone(line: &str) -> Option<String> {
        undo(line.as_bytes(), b"").map(|line| String::from_utf8_lossy(&line).into_owned())
    }

    #[test]
    fn first_lines_are_as_the_kernel_writes_them() {
        for (line, want) in [
            ("BUG: KASAN: x in do_it a/b.c:1", "BUG: KASAN: x in do_it+0x0/0x0"),
            ("BUG: sleeping function called from invalid context at a/b.c:1", ""),
            (
                "INFO: taskumount:12 blocked for more than 120 seconds.",
                "INFO: task umount:12 blocked for more than 120 seconds.",
            ),
            ("INFO: task umount:12 blocked for more than 120 seconds.", ""),
            ("INFO: tasks: 12", ""),
        ] {
            let want = if want.is_empty() { line } else { want };
            assert_eq!(undone(line).as_deref(), Some(want), "{line}");
        }
    }

    #[test]
    fn source_lines_behind_a_frame_go() {
        for (line, want) in [
            (" do_it+0x1/0x2 net/core/dev.c:123", " do_it+0x1/0x2"),
            (" do_it+0x1/0x2 dev.c:1 [mod]", " do_it+0x1/0x2 [mod]"),
            (" do_it+0x1/0x2 dev.c:1 (likely)", " do_it+0x1/0x2"),
            ("RIP: 0010:do_it+0x1/0x2 a/b.h:9", "RIP: 0010:do_it+0x1/0x2"),
            ("epc : do_it+0x1/0x2 a.c:9 ra : more+0x1/0x2 b.c:?", "epc : do_it+0x1/0x2 ra : more+0x1/0x2"),
            ("WARNING: a.c:1 at do_it+0x1/0x2 a.c:9, CPU#0: x/1", "WARNING: a.c:1 at do_it+0x1/0x2, CPU#0: x/1"),
        ] {
            assert_eq!(undone(line).as_deref(), Some(want), "{line}");
        }
    }

    #[test]
    fn what_the_kernel_trees_script_wrote_is_undone() {
        for (line, want) in [
            (" do_it (net/dev.c:12 net/dev.h:3) [mod]", " do_it+0x0/0x0 [mod]"),
            ("do_it (net/dev.c:12 (discriminator 3)) mod ", "do_it+0x0/0x0 [mod]"),
            ("? do_it (??:?) ", "? do_it+0x0/0x0"),
            ("do_it (dev.c:?) (P)", "do_it+0x0/0x0 (P)"),
            ("RIP: 0010:do_it (memory.c:?) ", "RIP: 0010:do_it+0x0/0x0"),
            ("pc : do_it (mm/gup.c:2121 (discriminator 1))", "pc : do_it+0x0/0x0"),
            ("BUG: KASAN: x in do_it (a/b.c:1) lab_mem", "BUG: KASAN: x in do_it+0x0/0x0 [lab_mem]"),
            (
                "WARNING: CPU: 0 PID: 1 at mm/gup.c:21 do_it (mm/gup.c:21)",
                "WARNING: CPU: 0 PID: 1 at mm/gup.c:21 do_it+0x0/0x0",
            ),
            ("ff11 (&a->b){+.+.}-{4:4}, at: do_it (a.c:1)", "ff11 (&a->b){+.+.}-{4:4}, at: do_it+0x0/0x0"),
            ("(show) from do_it (a.c:1) ", "[<0>] (show) from [<0>] (do_it+0x0/0x0)"),
        ] {
            assert_eq!(undone(line).as_deref(), Some(want), "{line}");
        }
        assert_eq!(
            undo(b"do_it (a.c:1)", b"x/1 is trying to release lock (b) at:").as_deref(),
            Some(&b"[<0>] do_it+0x0/0x0"[..])
        );
    }

    #[test]
    fn copies_for_inlined_functions_go() {
        for line in [
            " inner include/linux/x.h:12 [inline]",
            " inner include/linux/x.h:12 [inline] [mod]",
            "WARNING: fs/a.c:3 at inner fs/a.c:3 [inline], CPU#0: x/1",
        ] {
            assert_eq!(undone(line), None, "{line}");
        }
    }

    #[test]
    fn other_lines_stay() {
        for line in [" do_it+0x1/0x2", "Code: 00", "x (y) z", " a+0x1/0x2 [mod]", "took 5 (a.b:c)", "x [inline] y"] {
            assert_eq!(undone(line).as_deref(), Some(line));
            assert!(!is_symbolized(line.as_bytes(), Letters::of(line.as_bytes())));
        }
        assert!(!is_symbolized(b"foo: probe failed (main.c:12)", Letters::of(b"foo: probe failed (main.c:12)")));
        assert!(!is_symbolized(
            b"WARNING: probe failed (main.c:12)",
            Letters::of(b"WARNING: probe failed (main.c:12)")
        ));
        assert!(is_symbolized(
            b"WARNING: CPU: 0 PID: 1 at mm/gup.c:21 do_it (mm/gup.c:21) mod",
            Letters::of(b"WARNING: CPU: 0 PID: 1 at mm/gup.c:21 do_it (mm/gup.c:21) mod")
        ));
    }

    /// What is looked at first never hides what the whole rule finds.
    fn symbolized_at_length(line: &[u8]) -> bool {
        match memchr::memchr(b':', line) {
            Some(_) => is_inlined_copy(line) || has_places(line),
            None => line.trim_ascii_end().ends_with(COPY.as_bytes()),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_glance_at_the_colons_decides_what_the_whole_rule_does(
            parts in proptest::collection::vec(
                r"RIP: 0010:| |f\+0x1/0x2|\(|\)|a\.c|b/a\.h|:|::|1|-1|\?|\?\?|\[inline\]|do_it|at |x: |[a-z:.?+(]", 0..9)
        ) {
            let line = parts.concat();
            let letters = Letters::of(line.as_bytes());
            proptest::prop_assert_eq!(is_symbolized(line.as_bytes(), letters), symbolized_at_length(line.as_bytes()), "{}", line);
        }
    }
}
