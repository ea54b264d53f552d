//! syzbot's title of a report, by the kinds of its header.

use super::cleanup::clean_title;
use super::markers::lines_with_markers;
use super::naming::{Named, demangle};
use super::walk::{Area, Walked, walk};
use super::wording::Wording;
use crate::grammar::{Grammar, Kind, Match, Pattern, fill, placeholders};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// How a report is called and what that rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Id of the kind; the header's id when no kind fits.
    pub kind: String,
    /// Before clean-up.
    pub raw: Vec<u8>,
    /// Final form.
    pub text: String,
    /// Final forms of the alternatives, sorted.
    pub alternatives: Vec<String>,
    /// Whether the walk to its function went wrong.
    pub failed: bool,
    /// Whether no function was found where one was looked for, although the title may do without.
    pub unnamed: bool,
    /// How the title came about.
    pub origin: Origin,
    /// Whether the report is about what an interrupt broke into.
    pub interrupted: bool,
    /// What the named groups of the kind's pattern took.
    pub fields: BTreeMap<String, String>,
}

/// How a title came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A kind gave it.
    Kind {
        /// No stack is expected.
        stackless: bool,
        /// The kind only shows when something is missing.
        damaged: bool,
        /// Other programs and people use these words, too.
        common: bool,
    },
    /// A kind's gate matched, but its body did not: the header's line is the title.
    GateOnly,
    /// No kind fits: the header's line is the title.
    Raw,
}

struct Candidate<'k> {
    kind: &'k Kind,
    title: Vec<u8>,
    failed: bool,
    unnamed: bool,
    fields: BTreeMap<String, String>,
}

/// Names the report of this wording, whose first line holds `header` (index). `raw_output` is the unstripped text from the
/// report's first line on; it stands in when the header was part of a stripped prefix.
#[must_use]
pub fn title(grammar: &Grammar, wording: &Wording, header: usize, raw_output: &[u8]) -> Title {
    let stripped = &wording.text[..wording.area];
    let known = &grammar.headers[header];
    let own_markers;
    let (area, word, markers) = match known.text_in(stripped) {
        Some(word) => (stripped, word.as_bytes(), &wording.markers),
        None => {
            own_markers = lines_with_markers(raw_output);
            (raw_output, known.text_in(raw_output).unwrap_or_default().as_bytes(), &own_markers)
        }
    };
    let mut best = area.len();
    let mut winner: Option<Candidate<'_>> = None;
    let mut gate_matched = false;
    let mut alternatives: Vec<Vec<u8>> = Vec::new();
    // Gates count only up to the best one so far: to the end of its line.
    let mut reach = area.len();
    let mut places = Places::new(area, word);
    for kind in &grammar.kinds[header] {
        let Some(span) = places.gate(&kind.gate, reach) else { continue };
        let gate = span.start;
        if gate > best || (gate == best && winner.is_some()) {
            continue;
        }
        if gate < best {
            winner = None;
        }
        best = gate;
        let behind = area.get(best + 1..).unwrap_or_default();
        reach = memchr::memchr(b'\n', behind).map_or(area.len(), |length| best + 1 + length);
        gate_matched = true;
        let found = match &kind.body {
            None => Some(kind.gate.groups_of(area, span)),
            Some(body) if kind.goes_on => body.captures_from(area, gate),
            Some(body) => body.captures(area),
        };
        let Some(found) = found else { continue };
        let walked = if kind.frames.is_empty() {
            Walked { named: Vec::new(), failed: false }
        } else {
            let area = Area { text: area, markers, symbolized: wording.symbolized };
            walk(&grammar.names, kind, area, found.span.start)
        };
        let template = kind.nameless.as_ref().filter(|_| walked.failed).unwrap_or(&kind.title);
        let main = render(template, area, &found, |at| walked.named.get(at).map(|named| named.name.clone()));
        if template == &kind.title {
            add_alternatives(grammar, kind, area, &found, &walked.named, &main, &mut alternatives);
        }
        let unnamed = walked.failed;
        let failed = unnamed && kind.nameless.is_none();
        winner = Some(Candidate { kind, title: main, failed, unnamed, fields: fields(kind, area, &found) });
    }
    let interrupted = winner.as_ref().is_some_and(|winner| winner.kind.interrupted);
    let unnamed = winner.as_ref().is_some_and(|winner| winner.unnamed);
    let (kind, raw, failed, origin, fields) = match winner {
        Some(winner) => {
            let Kind { stackless, damaged, common, .. } = *winner.kind;
            let origin = Origin::Kind { stackless, damaged, common };
            (winner.kind.id.clone(), winner.title, winner.failed, origin, winner.fields)
        }
        None => {
            let start = memchr::memmem::find(area, word).unwrap_or(0);
            let line = area[start..].split(|byte| *byte == b'\n').next().unwrap_or_default();
            let origin = if gate_matched { Origin::GateOnly } else { Origin::Raw };
            (known.id.clone(), line.to_vec(), false, origin, BTreeMap::new())
        }
    };
    alternatives.sort_unstable();
    alternatives.dedup();
    let mut alternatives: Vec<String> = alternatives.iter().map(|title| clean_title(title)).collect();
    alternatives.sort_unstable();
    Title { kind, text: clean_title(&raw), raw, alternatives, failed, unnamed, origin, interrupted, fields }
}

/// Where the header's text stands, found as far as somebody asks: most kinds of a header begin with it.
struct Places<'a> {
    area: &'a [u8],
    word: Finder<'a>,
    found: Vec<usize>,
    /// So far it was looked for.
    at: usize,
}

/// Of so many places each is tried for itself; where there are more, one search is faster.
const FEW_PLACES: usize = 8;

impl<'a> Places<'a> {
    fn new(area: &'a [u8], word: &'a [u8]) -> Self {
        Self { area, word: Finder::new(word), found: Vec::new(), at: 0 }
    }

    /// The leftmost match of a gate that begins before `reach`, which is the end of a line.
    fn gate(&mut self, gate: &Pattern, reach: usize) -> Option<Range<usize>> {
        let word = self.word.needle();
        if word.is_empty() || !gate.beginning().as_bytes().starts_with(word) {
            return gate.find_before(self.area, 0, reach);
        }
        for number in 0..FEW_PLACES {
            let at = self.place(number, reach)?;
            if let Some(found) = gate.match_at(self.area, at) {
                return Some(found);
            }
        }
        gate.find_before(self.area, self.place(FEW_PLACES, reach)?, reach)
    }

    /// The place with this number, if it is before `reach`.
    fn place(&mut self, number: usize, reach: usize) -> Option<usize> {
        while number == self.found.len() {
            let rest = self.area.get(self.at..reach.max(self.at))?;
            let Some(found) = self.word.find(rest) else {
                // What begins before `reach` may end behind it.
                self.at = self.at.max((reach + 1).saturating_sub(self.word.needle().len()));
                return None;
            };
            self.found.push(self.at + found);
            self.at += found + 1;
        }
        self.found.get(number).copied().filter(|at| *at < reach)
    }
}

/// What the groups of a pattern took that the title does not say.
fn fields(kind: &Kind, area: &[u8], found: &Match<'_>) -> BTreeMap<String, String> {
    if found.groups.is_empty() {
        return BTreeMap::new();
    }
    let told: Vec<&str> = std::iter::once(&kind.title).chain(&kind.alt).flat_map(|text| placeholders(text)).collect();
    let untold = found.groups.iter().filter(|(name, _)| *name != "FN" && !told.contains(name));
    untold.map(|(name, span)| ((*name).to_owned(), String::from_utf8_lossy(&area[span.clone()]).into_owned())).collect()
}

/// The same bug may be known by the unshortened name of its function, or by a family that several kinds share.
fn add_alternatives(
    grammar: &Grammar,
    kind: &Kind,
    area: &[u8],
    found: &Match<'_>,
    named: &[Named],
    main: &[u8],
    out: &mut Vec<Vec<u8>>,
) {
    let templates = |out: &mut Vec<Vec<u8>>, name: &dyn Fn(usize) -> Option<String>| {
        for template in &kind.alt {
            out.push(render(template, area, found, name));
        }
    };
    templates(out, &|at| named.get(at).map(|named| named.name.clone()));
    if named.is_empty() {
        return;
    }
    let mut variant = |name: &dyn Fn(usize) -> Option<String>| {
        let title = render(&kind.title, area, found, name);
        if title != main {
            out.push(title);
        }
        templates(out, name);
    };
    variant(&|at| named.get(at).map(|named| named.raw.clone()));
    for prefix in &grammar.names.prefixes {
        if named.iter().any(|named| named.raw.starts_with(prefix.as_str())) {
            variant(&|at| {
                named.get(at).map(|named| named.raw.strip_prefix(prefix.as_str()).unwrap_or(&named.raw).to_owned())
            });
        }
    }
}

/// Fills a template: `{F1}`, `{F2}` from the stacks, every other name from the match.
fn render(template: &str, area: &[u8], found: &Match<'_>, name: impl Fn(usize) -> Option<String>) -> Vec<u8> {
    let of_stack = |at: usize| Some(Cow::Owned(name(at)?.into_bytes()));
    fill(template, |placeholder| match placeholder {
        "F1" => of_stack(0),
        "F2" => of_stack(1),
        "FN" => {
            let span = found.group("FN")?;
            Some(Cow::Owned(demangle(&String::from_utf8_lossy(&area[span])).into_bytes()))
        }
        group => Some(Cow::Borrowed(&area[found.group(group)?])),
    })
}

/// The function that a title names: what stands behind its last ` in `.
#[must_use]
pub fn frame_of(title: &str) -> String {
    let is_name = |char: &char| char.is_ascii_alphanumeric() || *char == '_' || *char == ':';
    // `uninit-value in Local variable x created at:` is what stands where KMSAN found no stack.
    if title.ends_with(':') {
        return String::new();
    }
    for (at, _) in title.rmatch_indices(" in ") {
        let rest = &title[at + 4..];
        let group = rest
            .strip_prefix('<')
            .and_then(|inner| inner.find('>'))
            .filter(|close| rest[1..=*close].chars().all(|char| is_name(&char) || char == ' '))
            .map_or(0, |close| close + 2);
        let name: usize = rest[group..].chars().take_while(is_name).map(char::len_utf8).sum();
        // s390: "in virtual kernel address space".
        let prose = rest.starts_with("virtual ");
        if name > 0 && !prose {
            return rest[..group + name].to_owned();
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::frame_of;

    #[test]
    fn the_frame_is_what_the_title_ends_with() {
        assert_eq!(frame_of("WARNING in do_it/usb_submit_urb"), "do_it");
        assert_eq!(frame_of("KCSAN: data-race in a_b / c"), "a_b");
        assert_eq!(frame_of("overflow in <rust_binder::Process as X>::update"), "<rust_binder::Process as X>::update");
        assert_eq!(frame_of("kernel panic: no init"), "");
        assert_eq!(frame_of("KMSAN: uninit-value in Local variable widget created at:"), "");
        assert_eq!(frame_of("Unable to handle kernel pointer dereference in virtual kernel address space"), "");
    }
}
