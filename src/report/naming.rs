//! Which function a title names: the walk through a report's stacks by the steps of a grammar entry.

use super::excerpt::holds;
use crate::grammar::{Choice, Kind, NameSet, Names, Pattern, PlainStep, Step};
use memchr::memmem::Finder;
use std::sync::LazyLock;

/// A function that a title may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// In its final form.
    pub name: String,
    /// As printed (demangled), system call prefix included.
    pub raw: String,
}

/// The functions that a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    /// One a stack: `{F1}`, `{F2}`.
    pub named: Vec<Named>,
    /// Why it is not to be trusted, if so.
    pub failed: bool,
}

/// What stands where no function could be found.
pub(super) const NOBODY: &str = "corrupted";

/// The line with the instruction pointer, of all architectures that have one.
static INSTRUCTION_POINTER: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(&instruction_pointer("")));
/// The same, or PowerPC's line for a trap.
static INTERRUPT: LazyLock<Pattern> = LazyLock::new(|| {
    Pattern::new(
        &instruction_pointer("|--- interrupt: [0-9]+ at {{FN2}}").replace("{{FN2}}", "(?P<AT>[A-Za-z0-9_]+)[.+]"),
    )
});

/// Whether a line may name an instruction: it holds a word that [`instruction_pointer`] begins with.
fn names_instruction(line: &[u8]) -> bool {
    ["IP", "pc ", "PC is at"].into_iter().any(|word| holds(line, word))
}

fn instruction_pointer(more: &str) -> String {
    let forms = [
        "(?:[0-9]+:)?(?:{{PC}} +){0,2}{{FN}}",
        "(?:[0-9]+:)?0x[0-9a-f]+",
        r"(?:[0-9]+:)?{{PC}} +\[< *\(null\)>\] +\(null\)",
        r"[0-9]+: +\(null\)",
    ];
    format!("(?:IP|NIP|pc |PC is at):? (?:{}){more}", forms.join("|"))
}

/// The text in which functions are looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area<'a> {
    /// Its bytes.
    pub(super) text: &'a [u8],
    /// The beginnings of the lines that may be markers, in order.
    pub(super) markers: &'a [usize],
    /// Whether it has seen a tool that wrote over the old layout, so that landmarks are never names.
    pub(super) symbolized: bool,
}

/// Walks the text from `from` (the place where the kind was recognised) and names functions.
#[must_use]
pub(super) fn walk(names: &Names, kind: &Kind, area: Area<'_>, from: usize) -> Walked {
    let first = Walker::new(names, kind, area, from).run(&kind.frames);
    if first.failed && !kind.frames_otherwise.is_empty() {
        return Walker::new(names, kind, area, from).run(&kind.frames_otherwise);
    }
    first
}

struct Walker<'a> {
    names: &'a Names,
    kind: &'a Kind,
    area: Area<'a>,
    from: usize,
    /// Where the next line begins.
    at: usize,
    collected: Vec<String>,
    named: Vec<Named>,
    failed: bool,
}

impl<'a> Walker<'a> {
    fn new(names: &'a Names, kind: &'a Kind, area: Area<'a>, from: usize) -> Self {
        Self { names, kind, area, from, at: from, collected: Vec::new(), named: Vec::new(), failed: false }
    }

    fn run(mut self, steps: &[Step]) -> Walked {
        let mut at = 0;
        let mut stacks = 0;
        while at < steps.len() {
            if matches!(steps[at], Step::Plain(PlainStep::Stack)) {
                stacks += 1;
                if stacks > 1 {
                    self.select();
                }
                if self.read_stack(steps.get(at + 1)) {
                    at += 1;
                }
            } else {
                self.go_to(&steps[at]);
            }
            at += 1;
        }
        self.select();
        Walked { named: self.named, failed: self.failed }
    }

    fn next_line(&mut self) -> Option<&'a [u8]> {
        let rest = self.area.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at += end + 1;
        Some(&rest[..end])
    }

    /// Whether the line that was read last is a marker. The first one may have been read from its middle on.
    fn is_at_marker(&self, line: &[u8]) -> bool {
        let start = self.at - 1 - line.len();
        (start == self.from || self.area.markers.binary_search(&start).is_ok()) && marker(line).is_some()
    }

    /// Goes to the first remaining line that fits the step.
    fn go_to(&mut self, step: &Step) {
        while let Some(line) = self.next_line() {
            if is_injected(line) {
                self.failed = true;
                return;
            }
            if self.satisfies(step, line) {
                return;
            }
        }
    }

    /// Reads frames until the stack ends; true if the line that ended it did the next step.
    fn read_stack(&mut self, next: Option<&Step>) -> bool {
        while let Some(line) = self.next_line() {
            if is_injected(line) {
                self.failed = true;
                return false;
            }
            if self.is_at_marker(line) {
                // Old KMSAN reports have a headline between the header and its stack.
                if self.area.symbolized
                    && self.collected.is_empty()
                    && holds(line, "Call Trace")
                    && self.named.is_empty()
                {
                    continue;
                }
                return false;
            }
            if next.is_some_and(|next| self.satisfies(next, line)) {
                return true;
            }
            for name in frame_names(line) {
                self.collect(name);
            }
        }
        false
    }

    /// Whether the line fits the step; its functions are collected.
    fn satisfies(&mut self, step: &Step, line: &[u8]) -> bool {
        let pattern = match step {
            Step::Line(pattern) => pattern,
            Step::Mark(pattern) => {
                let Some(span) = pattern.find_at(line, 0) else { return false };
                if !self.area.symbolized {
                    self.collect(&line[span]);
                }
                return true;
            }
            // Most lines have none of the words at which an instruction is named.
            Step::Plain(PlainStep::Rip) if !names_instruction(line) => return false,
            Step::Plain(PlainStep::Rip) => &INSTRUCTION_POINTER,
            Step::Plain(PlainStep::RipOrInterrupt) if !names_instruction(line) && !holds(line, "--- interrupt: ") => {
                return false;
            }
            Step::Plain(PlainStep::RipOrInterrupt) => &INTERRUPT,
            Step::Plain(PlainStep::Trace) => {
                static TRACE: LazyLock<Pattern> = LazyLock::new(|| Pattern::new("Call [Tt]race:|Backtrace:"));
                return TRACE.is_match(line);
            }
            Step::Plain(PlainStep::Stack) => return false,
        };
        let Some(found) = pattern.captures(line) else { return false };
        for (_, span) in found.groups {
            self.collect(&line[span]);
        }
        true
    }

    fn collect(&mut self, name: &[u8]) {
        let name = demangle(&String::from_utf8_lossy(name));
        let skipped = |names: &NameSet| names.contains(name.as_bytes());
        if !skipped(&self.names.skip) && !self.kind.skip.as_ref().is_some_and(skipped) {
            self.collected.push(name);
        }
    }

    /// Names one of the functions that were collected since the last time.
    fn select(&mut self) {
        let collected = std::mem::take(&mut self.collected);
        match choose(self.names, self.kind.choose, &collected) {
            Some(named) => self.named.push(named),
            None => {
                self.failed = true;
                self.named.push(Named { name: NOBODY.into(), raw: NOBODY.into() });
            }
        }
    }
}

fn choose(names: &Names, choice: Choice, collected: &[String]) -> Option<Named> {
    let stripped: Vec<&str> = collected.iter().map(|name| without_prefix(names, name)).collect();
    let at = |at: usize, name: &str| Named { name: name.to_owned(), raw: collected[at].clone() };
    match choice {
        Choice::First => stripped.first().map(|name| at(0, name)),
        Choice::Stall => {
            let anchor = stripped.iter().position(|name| names.anchors.contains(name.as_bytes()))?;
            if stripped[anchor].contains("smp_call_function") {
                return Some(at(anchor, "smp_call_function"));
            }
            let chosen = anchor.saturating_sub(1);
            Some(at(chosen, stripped[chosen]))
        }
        Choice::Hung => {
            for (number, name) in stripped.iter().enumerate() {
                if let Some(taken) = names.hung_at_once.iter().find(|taken| name.contains(&taken.part)) {
                    return Some(at(number, taken.r#as.as_deref().unwrap_or(name)));
                }
            }
            let number = stripped.iter().position(|name| !names.hung.contains(name.as_bytes()))?;
            Some(at(number, stripped[number]))
        }
    }
}

/// A name without the system call prefix that leaves the shortest rest.
pub(super) fn without_prefix<'n>(names: &Names, name: &'n str) -> &'n str {
    names
        .prefixes
        .iter()
        .filter_map(|prefix| name.strip_prefix(prefix.as_str()))
        .min_by_key(|rest| rest.len())
        .unwrap_or(name)
}

/// A frame of injected faults, which is printed into other reports.
fn is_injected(line: &[u8]) -> bool {
    static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("should_fail"));
    if WORD.find(line).is_none() {
        return false;
    }
    static FRAME: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::new(r"^(?: {{PC}})? should_fail(?:slab)?(?:\.[A-Za-z0-9_.]+)?\+0x"));
    FRAME.is_match(line)
}

/// Lines at which a stack begins, so that the one above ends. In the order in which the stack check looks at them.
pub(super) const MARKERS: usize = 9;

/// Every marker holds one of these words, and nearly no other line does.
const MARKER_WORDS: [&str; 5] = ["race", "Allocated", "Freed", "Uninit was stored", "badaddr: "];

/// Where the lines begin that hold one of [`MARKER_WORDS`], in order.
pub(super) fn lines_with_markers(text: &[u8]) -> Vec<usize> {
    let mut starts: Vec<usize> = MARKER_WORDS
        .iter()
        .flat_map(|word| memchr::memmem::find_iter(text, word))
        .map(|at| memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1))
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// Which of the markers a line holds.
pub(super) fn marker(line: &[u8]) -> Option<usize> {
    if !MARKER_WORDS.into_iter().any(|word| holds(line, word)) {
        return None;
    }
    (0..MARKERS).find(|which| is_marker(line, *which))
}

/// Whether the line is the marker with that number.
pub(super) fn is_marker(line: &[u8], which: usize) -> bool {
    match which {
        0 => holds(line, "Call Trace") || holds(line, "Call trace"),
        1 => holds(line, "Allocated:"),
        2 => of_task(line, b"Allocated by task "),
        3 => holds(line, "Freed:"),
        4 => of_task(line, b"Freed by task "),
        5 => is_leak_backtrace(line),
        6 => holds(line, "Backtrace:"),
        7 => holds(line, "Uninit was stored to memory at"),
        _ => is_status_line(line),
    }
}

/// The register line of RISC-V, the only thing in front of its stacks.
pub(super) const STATUS_LINE: usize = 8;

fn of_task(line: &[u8], words: &[u8]) -> bool {
    memchr::memmem::find_iter(line, words).any(|at| {
        let rest = &line[at + words.len()..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits > 0 && rest.get(digits) == Some(&b':')
    })
}

fn is_leak_backtrace(line: &[u8]) -> bool {
    memchr::memmem::find_iter(line, b" backtrace").any(|at| {
        if at == 0 || line[at - 1] == b'k' {
            return false;
        }
        let rest = &line[at + 10..];
        if rest.starts_with(b":") {
            return true;
        }
        rest.strip_prefix(b" (crc ").is_some_and(|rest| {
            let hex = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            rest[hex..].starts_with(b"):")
        })
    })
}

fn is_status_line(line: &[u8]) -> bool {
    if !holds(line, "badaddr: ") {
        return false;
    }
    static STATUS: LazyLock<Pattern> =
        LazyLock::new(|| Pattern::new("status: [0-9a-f]{16} badaddr: [0-9a-f]{16} cause: [0-9a-f]{16}"));
    STATUS.is_match(line)
}

/// The functions of a stack frame line; none if it is not a frame line.
pub(super) fn frame_names(line: &[u8]) -> Vec<&[u8]> {
    let at = line.iter().take_while(|byte| **byte == b' ').count();
    if line[at..].first() == Some(&b'[')
        && let Some(names) = arm_frame(&line[at..])
    {
        return names;
    }
    plain_frame(&line[at..]).into_iter().collect()
}

/// `[<addr>] [<addr>] func+` with none to two addresses.
fn plain_frame(line: &[u8]) -> Option<&[u8]> {
    let mut rest = line;
    for _ in 0..2 {
        match address(rest).map(|length| &rest[length..]) {
            Some(after) if after.first() == Some(&b' ') => rest = &after[1..],
            _ => break,
        }
    }
    function_token(rest)
}

/// `[<addr>] (name) from [<addr>] (func+`: both functions.
fn arm_frame(line: &[u8]) -> Option<Vec<&[u8]>> {
    let rest = line[address(line)?..].strip_prefix(b" (")?;
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte)).count();
    let after = rest[name..].strip_prefix(b") from ")?;
    let caller = after[address(after)?..].strip_prefix(b" (")?;
    (name > 0).then_some(())?;
    Some(vec![&rest[..name], function_token(caller)?])
}

/// Length of `[<0xaddr>]` with or without its inner parts.
fn address(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    text.strip_prefix(b"[")?;
    at += usize::from(text.get(at) == Some(&b'<'));
    if text[at..].starts_with(b"0x") {
        at += 2;
    }
    let hex = text[at..].iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    (hex > 0).then_some(())?;
    at += hex;
    at += usize::from(text.get(at) == Some(&b'>'));
    (text.get(at) == Some(&b']')).then_some(at + 1)
}

/// A run of word characters in front of `.` or `+`. Behind a dot there must be the compiler's suffix: `Walter.` is how a
/// mail ends.
fn function_token(text: &[u8]) -> Option<&[u8]> {
    let length = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let suffixed = match text.get(length)? {
        b'+' => true,
        b'.' => text.get(length + 1).is_some_and(u8::is_ascii_graphic),
        _ => false,
    };
    (length > 0 && suffixed).then(|| &text[..length])
}

/// A name as its programmers know it, parameters left out; any other name as it is.
#[must_use]
pub fn demangle(name: &str) -> String {
    if !name.starts_with("_R") && !name.starts_with("_Z") {
        return name.to_owned();
    }
    if let Ok(rust) = rustc_demangle::try_demangle(name) {
        return format!("{rust:#}");
    }
    let options = cpp_demangle::DemangleOptions::new().no_params().no_return_type();
    cpp_demangle::Symbol::new(name)
        .ok()
        .and_then(|symbol| symbol.demangle_with_options(&options).ok())
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(line: &str) -> Vec<String> {
        frame_names(line.as_bytes()).into_iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn frame_lines_of_all_ages_are_read() {
        assert_eq!(frames(" do_it.isra.0+0x1/0x2 [mod]"), ["do_it"]);
        assert_eq!(frames(" [<ffffffff81000000>] do_it+0x1/0x2"), ["do_it"]);
        assert_eq!(frames("[c000000001] [c0000002] do_it+0x1/0x2"), ["do_it"]);
        assert_eq!(
            frames("[<80111308>] (dump.constprop.0) from [<8011162c>] (show_stack+0x18/0x1c)"),
            ["dump.constprop.0", "show_stack"]
        );
    }

    #[test]
    fn other_lines_are_no_frames() {
        for line in [
            " ? do_it+0x1/0x2",
            "\tdo_it+0x1/0x2",
            "([<addr>] do_it+0x1)",
            " do_it f.c:1 [inline]",
            "Code: 00 00",
            "Walter.",
            "",
        ] {
            assert!(frames(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn instruction_pointers_of_all_architectures_are_read() {
        let name = |line: &str| {
            INSTRUCTION_POINTER
                .captures(line.as_bytes())
                .map(|found| found.group("FN").map_or("", |span| &line[span]).to_owned())
        };
        for line in [
            "RIP: 0010:do_it+0x1/0x2",
            "RIP: 0010:[<ffff01>]  [<ffff02>] do_it+0x1",
            "EIP: do_it+0x1",
            "NIP [c0001] do_it+0x1",
            "pc : do_it+0x1",
            "epc : do_it+0x1 ra : x+0x2",
            "PC is at do_it+0x1",
        ] {
            assert_eq!(name(line).as_deref(), Some("do_it"), "{line}");
        }
        for line in ["RIP: 0033:0x452879", "PC is at 0xffffffffdeadbeef", "RIP: 0010:          (null)"] {
            assert_eq!(name(line).as_deref(), Some(""), "{line}");
        }
        for line in ["RIP  [<ffff01>] do_it+0x1", "EIP is at do_it+0x1", "LR is at do_it+0x1"] {
            assert_eq!(name(line), None, "{line}");
        }
    }

    #[test]
    fn names_are_demangled() {
        assert_eq!(demangle("_Z8fakeNameiii"), "fakeName");
        assert_eq!(demangle("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
        assert_eq!(demangle("plain_name"), "plain_name");
    }
}
