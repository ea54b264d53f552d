//! The walk through a report's stacks by the steps of a grammar entry, to the functions that a title names.
//!
//! The text is not read line by line: each step knows by which words its lines are found, and only the lines of the stacks that
//! it asks for are looked at.

use super::excerpt::holds;
use super::instruction;
use super::markers::{is_trace, marker};
use super::naming::{NOBODY, Named, choose, demangle, frame_names, is_mangled};
use crate::grammar::{Choice, Kind, NameSet, Names, PlainStep, Step};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The functions that a walk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walked {
    /// One for each stack: `{F1}`, `{F2}`.
    pub named: Vec<Named>,
    /// Why it is not to be trusted, if so.
    pub failed: bool,
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

/// Behind every line.
const NOWHERE: usize = usize::MAX;

struct Walker<'a> {
    names: &'a Names,
    kind: &'a Kind,
    area: Area<'a>,
    from: usize,
    /// Where the next line begins.
    at: usize,
    /// Where the first line of an injected fault begins that was not passed yet, once somebody asked.
    injected: Option<usize>,
    collected: Vec<String>,
    named: Vec<Named>,
    failed: bool,
}

impl<'a> Walker<'a> {
    fn new(names: &'a Names, kind: &'a Kind, area: Area<'a>, from: usize) -> Self {
        let (collected, named) = (Vec::new(), Vec::new());
        Self { names, kind, area, from, at: from, injected: None, collected, named, failed: false }
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

    /// Where the line begins that `place` is in; the first one may be read from its middle on.
    fn start_of_line(&self, place: usize) -> usize {
        memchr::memrchr(b'\n', &self.area.text[self.at..place]).map_or(self.at, |end| self.at + end + 1)
    }

    /// Where the next line of an injected fault begins.
    fn next_injected(&mut self) -> usize {
        if let Some(known) = self.injected.filter(|known| *known >= self.at) {
            return known;
        }
        static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("should_fail"));
        let text = self.area.text;
        let mut at = self.at;
        let found = loop {
            let Some(found) = text.get(at..).and_then(|rest| WORD.find(rest)) else { break NOWHERE };
            let start = self.start_of_line(at + found);
            let end = memchr::memchr(b'\n', &text[at + found..]).map_or(text.len(), |length| at + found + length);
            if is_injected(&text[start..end]) {
                break start;
            }
            at = end;
        };
        self.injected = Some(found);
        found
    }

    /// Where the next line begins that may be a marker.
    fn next_marker(&self) -> usize {
        if self.at == self.from {
            return self.at;
        }
        let markers = self.area.markers;
        markers.get(markers.partition_point(|start| *start < self.at)).copied().unwrap_or(NOWHERE)
    }

    /// Where the next line begins that may fit the step.
    fn next_fitting(&self, step: &Step) -> usize {
        let text = self.area.text;
        let found = match step {
            Step::Line(pattern) | Step::Mark(pattern) => pattern.candidate(text, self.at),
            Step::Plain(PlainStep::Rip) => instruction::candidate(text, self.at, false),
            Step::Plain(PlainStep::RipOrInterrupt) => instruction::candidate(text, self.at, true),
            // The words of such a line are markers, too.
            Step::Plain(PlainStep::Trace) => Some(self.next_marker()),
            Step::Plain(PlainStep::Stack) => None,
        };
        found.filter(|place| *place < text.len()).map_or(NOWHERE, |place| self.start_of_line(place))
    }

    /// Goes to the first remaining line that fits the step.
    fn go_to(&mut self, step: &Step) {
        loop {
            let injected = self.next_injected();
            self.at = injected.min(self.next_fitting(step));
            let is_injected = self.at == injected;
            let Some(line) = self.next_line() else { return };
            self.failed |= is_injected;
            if is_injected || self.satisfies(step, line) {
                return;
            }
        }
    }

    /// Reads frames until the stack ends; true if the line that ended it did the next step.
    fn read_stack(&mut self, next: Option<&Step>) -> bool {
        let mut fitting = self.at;
        let mut is_known = false;
        loop {
            if let Some(next) = next.filter(|_| !is_known || fitting < self.at) {
                (fitting, is_known) = (self.next_fitting(next), true);
            }
            let (injected, mark) = (self.next_injected(), self.next_marker());
            let end = injected.min(mark).min(if next.is_some() { fitting } else { NOWHERE });
            self.collect_frames(end);
            let start = self.at;
            let Some(line) = self.next_line() else { return false };
            if start == injected {
                self.failed = true;
                return false;
            }
            if start == mark && marker(line).is_some() {
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
            if next.is_some_and(|next| start == fitting && self.satisfies(next, line)) {
                return true;
            }
            frame_names(line).for_each(|name| self.collect(name));
        }
    }

    /// Collects the frames of the lines up to `end`, as far as they matter, and goes there.
    fn collect_frames(&mut self, end: usize) {
        while self.at < end && !self.is_content() {
            let Some(line) = self.next_line() else { return };
            frame_names(line).for_each(|name| self.collect(name));
        }
        self.at = end.max(self.at);
    }

    /// Whether no other function of the stack would be named.
    fn is_content(&self) -> bool {
        self.kind.choose == Choice::First && !self.collected.is_empty()
    }

    /// Whether the line fits the step; its functions are collected.
    fn satisfies(&mut self, step: &Step, line: &'a [u8]) -> bool {
        match step {
            Step::Line(pattern) => {
                let Some(found) = pattern.captures(line) else { return false };
                found.groups.into_iter().for_each(|(_, span)| self.collect(&line[span]));
                true
            }
            Step::Mark(pattern) => {
                let Some(span) = pattern.find_at(line, 0) else { return false };
                if !self.area.symbolized {
                    self.collect(&line[span]);
                }
                true
            }
            Step::Plain(PlainStep::Rip | PlainStep::RipOrInterrupt) => {
                let interrupts = matches!(step, Step::Plain(PlainStep::RipOrInterrupt));
                let Some(name) = instruction::named(line, interrupts) else { return false };
                name.into_iter().for_each(|name| self.collect(name));
                true
            }
            Step::Plain(PlainStep::Trace) => is_trace(line),
            Step::Plain(PlainStep::Stack) => false,
        }
    }

    fn collect(&mut self, name: &[u8]) {
        if self.is_content() {
            return;
        }
        // Most names are as they were written, and most are passed over.
        let shown = match std::str::from_utf8(name) {
            Ok(name) if !is_mangled(name) => Cow::Borrowed(name),
            _ => Cow::Owned(demangle(&String::from_utf8_lossy(name))),
        };
        let skipped = |names: &NameSet| names.contains(shown.as_bytes());
        if !skipped(&self.names.skip) && !self.kind.skip.as_ref().is_some_and(skipped) {
            self.collected.push(shown.into_owned());
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

/// A frame of injected faults, which is printed into other reports: ` should_fail.part.0+0x`, maybe behind an address.
fn is_injected(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b" ") else { return false };
    let rest = match super::naming::address(rest) {
        Some(length) => rest[length..].strip_prefix(b" "),
        None => Some(rest),
    };
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix(b"should_fail")) else { return false };
    let rest = rest.strip_prefix(b"slab").unwrap_or(rest);
    let suffix = match rest.first() {
        Some(b'.') => {
            let length =
                rest[1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(byte)).count();
            if length == 0 { 0 } else { 1 + length }
        }
        _ => 0,
    };
    rest[suffix..].starts_with(b"+0x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{Grammar, Pattern};

    #[test]
    fn frames_of_injected_faults_are_told() {
        let plain = Pattern::new(r"^(?: {{PC}})? should_fail(?:slab)?(?:\.[A-Za-z0-9_.]+)?\+0x");
        let parts = ["", " ", "[<ffff01>]", "should_fail", "slab", ".part.0", ".", "+0x1", "x"];
        for number in 0..parts.len().pow(5) {
            let line: String = (0..5).map(|at| parts[number / parts.len().pow(at) % parts.len()]).collect();
            assert_eq!(is_injected(line.as_bytes()), plain.is_match(line.as_bytes()), "{line:?}");
        }
    }

    /// The walk as it is meant: every line is read and asked in turn.
    fn plainly(names: &Names, kind: &Kind, area: Area<'_>, from: usize, steps: &[Step]) -> Walked {
        let mut walker = Walker::new(names, kind, area, from);
        let (mut at, mut stacks) = (0, 0);
        while let Some(step) = steps.get(at) {
            let stack = matches!(step, Step::Plain(PlainStep::Stack));
            stacks += usize::from(stack);
            if stack && stacks > 1 {
                walker.select();
            }
            loop {
                let start = walker.at;
                let Some(line) = walker.next_line() else { break };
                if is_injected(line) {
                    walker.failed = true;
                    break;
                }
                if !stack {
                    if walker.satisfies(step, line) {
                        break;
                    }
                    continue;
                }
                if (start == from || area.markers.contains(&start)) && marker(line).is_some() {
                    let old = area.symbolized && walker.collected.is_empty() && walker.named.is_empty();
                    if old && holds(line, "Call Trace") {
                        continue;
                    }
                    break;
                }
                if steps.get(at + 1).is_some_and(|next| walker.satisfies(next, line)) {
                    at += 1;
                    break;
                }
                frame_names(line).for_each(|name| walker.collect(name));
            }
            at += 1;
        }
        walker.select();
        Walked { named: walker.named, failed: walker.failed }
    }

    #[test]
    fn a_walk_by_words_is_the_walk_by_lines() {
        let grammar = Grammar::built_in();
        let lines = [
            "Call Trace:",
            " kasan_report+0x1/0x2",
            " widget_put+0x1/0x2",
            " should_fail+0x1/0x2",
            "RIP: 0010:widget_get+0x1/0x2",
            "backtrace:",
            "Uninit was created at:",
            " apic_timer_interrupt+0x1/0x2",
        ];
        let ids =
            ["kasan-access", "kmsan", "page-fault", "warning", "rcu-stall", "memory-leak", "soft-lockup", "hung-task"];
        for (_, kind) in grammar.all_kinds().filter(|(_, kind)| ids.contains(&kind.id.as_str())) {
            for number in 0..lines.len().pow(4) {
                let mut text = String::from("1.0] BUG: KASAN: a in f+0x1\n");
                for at in 0..4 {
                    text.push_str(lines[number / lines.len().pow(at) % lines.len()]);
                    text.push('\n');
                }
                let markers = crate::report::markers::lines_with_markers(text.as_bytes());
                for symbolized in [false, true] {
                    let area = Area { text: text.as_bytes(), markers: &markers, symbolized };
                    let first = plainly(&grammar.names, kind, area, 5, &kind.frames);
                    let other = (first.failed && !kind.frames_otherwise.is_empty())
                        .then(|| plainly(&grammar.names, kind, area, 5, &kind.frames_otherwise));
                    assert_eq!(walk(&grammar.names, kind, area, 5), other.unwrap_or(first), "{} {text}", kind.id);
                }
            }
        }
    }
}
