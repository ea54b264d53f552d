//! Which of the lines that matter open reports and events.

use super::super::window::Spot;
use super::{BATCH, Reading};
use crate::grammar::{Anchor, CLOSE};
use crate::line::{Header, Speaker, speaker};
use crate::report::{WINDOW, is_echo, is_inlined_copy, number_of_oops};

/// How many reports may begin within one window before the log counts as flooded: from then on each one's window is
/// [`FLOODED_WINDOW`], so that a hostile log costs no more than an honest one.
const FLOOD: usize = 512;

/// What has the number of an oops stands no further below what it goes on with, bytes: drivers that start on other CPUs may print a page
/// between the two.
const NUMBERED: usize = 16 << 10;

impl Reading {
    /// A report begins here: it has a header, is not printed again, and is not a copy of the line above.
    pub(super) fn opens(&self, text: &[u8], at: usize) -> Option<usize> {
        let anchor = &self.anchors[at];
        let header = anchor.header?;
        let replayed = self.anchors.get(at + 1).is_some_and(|next| next.replay && next.start == anchor.end + 1);
        let copied = at > 0
            && self.anchors[at - 1].end + 1 == anchor.start
            && self.anchors[at - 1].header == anchor.header
            && is_inlined_copy(&text[self.anchors[at - 1].start..self.anchors[at - 1].end]);
        let first_boot = anchor.boot.is_some() && !self.options.as_syzbot && self.is_first_boot(at);
        let new = !replayed && !copied && !first_boot && !self.says_again(text, at);
        (new && !self.carries_on(text, at, header) && !self.introduces(at, header)).then_some(header)
    }

    /// Who boots for the first time in a log did not boot again, unless a kernel reports something above; that a text ends there shows
    /// nothing.
    fn is_first_boot(&self, at: usize) -> bool {
        let near = |above: &&Anchor| above.start + WINDOW >= self.anchors[at].start;
        let reports = |above: &Anchor| above.header.is_some() && above.boot.is_none();
        self.boots[at] == 0 && !self.anchors[..at].iter().rev().take_while(near).any(reports)
    }

    /// The line says once more what opened the report above.
    fn says_again(&self, text: &[u8], at: usize) -> bool {
        let near = |first: &usize| {
            self.anchors[*first].start + CLOSE >= self.anchors[at].start && self.boots[*first] == self.boots[at]
        };
        let above = (0..at).rev().take_while(near).find(|first| self.anchors[*first].header == self.anchors[at].header);
        above.is_some_and(|first| {
            let (this, between) = (&self.anchors[at], &self.anchors[first + 1..at]);
            is_echo(text, &self.anchors[first], between, this)
        })
    }

    /// The line is the beginning of a report whose header stands close below.
    fn introduces(&self, at: usize, header: usize) -> bool {
        let with = &self.options.grammar.headers[header].introduces;
        let start = self.anchors[at].start;
        !with.is_empty()
            && self.anchors[at + 1..]
                .iter()
                .take_while(|below| below.start <= start + CLOSE)
                .any(|below| below.header.is_some_and(|header| with.contains(&header)))
    }

    /// The line belongs to a report above: by its words, or because it stands close below a header that it goes with.
    fn carries_on(&self, text: &[u8], at: usize, header: usize) -> bool {
        let anchor = &self.anchors[at];
        let with = &self.options.grammar.headers[header].carries_on;
        if !anchor.part && with.is_empty() {
            return false;
        }
        let number = |at: usize| number_of_oops(&text[self.anchors[at].start..self.anchors[at].end]);
        let own = number(at).filter(|_| !anchor.part);
        let reach = match (anchor.part, own) {
            (true, _) => WINDOW,
            (false, Some(_)) => NUMBERED,
            (false, None) => CLOSE,
        };
        let near =
            |above: &usize| self.anchors[*above].start + reach >= anchor.start && self.boots[*above] == self.boots[at];
        // What has a number of its own goes on with no oops that has another.
        let other = |above: &usize| own.is_some() && number(*above).is_some_and(|number| own != Some(number));
        let above = (0..at).rev().take_while(near).take_while(|above| !other(above));
        let mut headers = above.filter_map(|above| self.anchors[above].header);
        if anchor.part { headers.next().is_some() } else { headers.any(|above| with.contains(&above)) }
    }

    /// Whether nothing in the line itself says that somebody else than the kernel wrote it.
    pub(super) fn may_be_kernel(&self, line: &[u8], header: usize) -> bool {
        let header = &self.options.grammar.headers[header];
        let (programs, prose) = (header.programs, false);
        let word = header.text_in(line).unwrap_or_default();
        let alone = Header { text: line, start: 0, end: line.len(), header: word, programs, prose };
        self.options.as_syzbot || speaker(&alone, None) == Speaker::Kernel
    }

    /// The next places to work out among the anchors that begin before `known`, and the first anchor behind them. Beyond
    /// [`Options::kept`] events are counted.
    pub(super) fn spots(&mut self, text: &[u8], known: usize) -> (Vec<Spot>, usize) {
        let mut spots = Vec::new();
        let mut next = self.closed;
        while spots.len() < BATCH
            && let Some(anchor) = self.anchors.get(next).filter(|anchor| anchor.start < known)
        {
            let at = next;
            next += 1;
            let spot = |event, flooded| Spot { at, line: anchor.lines + 1, boot: self.boots[at], event, flooded };
            if self.opens(text, at).is_some() {
                let flooded = at >= FLOOD && self.anchors[at - FLOOD].start + WINDOW > anchor.start;
                spots.push(spot(None, flooded));
                continue;
            }
            for candidate in anchor.events.iter() {
                let event = &self.options.grammar.events[candidate.event];
                let (seen, kept) = match event.severity.is_severe() {
                    true => (&mut self.severe, self.options.kept.severe),
                    false => (&mut self.lesser, self.options.kept.lesser),
                };
                *seen += 1;
                if *seen > kept && candidate.sure && event.is_countable() {
                    self.further += 1;
                    continue;
                }
                spots.push(spot(Some(candidate.event), false));
            }
        }
        (spots, next)
    }
}
