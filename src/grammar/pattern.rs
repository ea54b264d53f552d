//! Patterns of the grammar files: regular expressions over bytes with macros, compiled on first use.
//!
//! What is known of an expression by its structure ([`Shape`]) decides first: the text that every match demands leads to the lines that
//! may match, and where every match begins with a text, only its places are tried. So an automaton sees a line or two of a report.

use super::automata::{Automata, Effort, compile};
use super::laid_out::shape_of;
use super::plan::expression::{self, ExpressionError, group_names, is_plain};
use super::plan::shape::{Shape, Text};
use crate::line::{Letters, find};
use memchr::memmem::Finder;
use regex_automata::{Anchored, Input};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

/// One pattern. Literal text is searched for as such, everything else by a lazily compiled automaton.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    /// Worked out on first use, as most runs need few of the patterns.
    known: OnceLock<Known>,
    automata: Automata,
}

/// What is known without an automaton.
#[derive(Debug)]
struct Known {
    plain: Plain,
    shape: Cow<'static, Shape>,
}

/// What of a pattern is plain text.
#[derive(Debug)]
enum Plain {
    /// All of it.
    Whole(Finder<'static>),
    /// It stands for these texts and no other.
    OneOf(Vec<(Text, Letters)>),
    /// Text that every match contains, to be looked for first: most patterns do not match most texts.
    Needle(Finder<'static>),
    /// Nothing that is worth a search.
    Nothing,
}

/// A shorter needle is found too often to be worth the search.
const SHORTEST_NEEDLE: usize = 5;

/// What a pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match<'p> {
    /// The whole match.
    pub span: Range<usize>,
    /// Named groups that took part, in the order of the pattern.
    pub groups: Vec<(&'p str, Range<usize>)>,
}

impl Match<'_> {
    /// The span of a named group, if it took part.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Range<usize>> {
        self.groups.iter().find(|(found, _)| *found == name).map(|(_, span)| span.clone())
    }
}

impl Pattern {
    /// A pattern from its text. It is compiled when it is first needed; [`Pattern::check`] says whether it can be.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self::from(source.to_owned())
    }

    /// One pattern that matches where any of the given ones does.
    #[must_use]
    pub fn any<'a>(sources: impl IntoIterator<Item = &'a str>) -> Self {
        Self::from(expression::any(sources))
    }

    /// The text that the pattern was made from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Compiles the pattern.
    ///
    /// # Errors
    /// [`ExpressionError`], if it does not compile.
    pub fn check(&self) -> Result<(), ExpressionError> {
        compile(&self.source, Effort::Little).map(|_| ())
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(|| {
            let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
            if is_plain(&self.source) {
                return Known { plain: Plain::Whole(finder(&self.source)), shape: Cow::Owned(Shape::of(&self.source)) };
            }
            let shape = shape_of(&self.source);
            let plain = if !shape.texts.is_empty() {
                let with_letters = |text: &Text| (text.clone(), Letters::of(text.as_bytes()));
                Plain::OneOf(shape.texts.iter().map(with_letters).collect())
            } else if shape.needle.len() >= SHORTEST_NEEDLE {
                Plain::Needle(finder(&shape.needle))
            } else {
                Plain::Nothing
            };
            Known { plain, shape }
        })
    }

    /// The text with which every match begins; may be empty.
    pub(crate) fn beginning(&self) -> &str {
        &self.known().shape.beginning
    }

    /// The longest text that every match holds; may be empty.
    pub(super) fn needle(&self) -> &str {
        &self.known().shape.needle
    }

    /// Where a match at or behind `from` may be found: where a text stands that one demands, or right there. The line of that place is
    /// the first that may match.
    pub(crate) fn candidate(&self, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..).filter(|rest| !rest.is_empty())?;
        let found = match &self.known().plain {
            Plain::Whole(finder) | Plain::Needle(finder) => finder.find(rest)?,
            Plain::OneOf(texts) => {
                texts.iter().filter_map(|(one, _)| memchr::memmem::find(rest, one.as_bytes())).min()?
            }
            Plain::Nothing => 0,
        };
        Some(from + found)
    }

    /// Whether a text cannot match, by a plain search.
    fn is_hopeless(&self, text: &[u8]) -> bool {
        match &self.known().plain {
            Plain::Whole(finder) | Plain::Needle(finder) => finder.find(text).is_none(),
            Plain::OneOf(texts) => texts.iter().all(|(one, _)| find(text, one).is_none()),
            Plain::Nothing => false,
        }
    }

    /// Whether the pattern matches anywhere.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.known().plain {
            Plain::Whole(_) | Plain::OneOf(_) => !self.is_hopeless(text),
            Plain::Needle(_) | Plain::Nothing => !self.is_hopeless(text) && self.automata.is_match(&self.source, text),
        }
    }

    /// The same of a text whose letters are known.
    #[must_use]
    pub(crate) fn is_match_in(&self, text: &[u8], letters: Letters) -> bool {
        match &self.known().plain {
            Plain::OneOf(texts) => texts.iter().any(|(one, its)| letters.may_hold(*its) && find(text, one).is_some()),
            _ => self.is_match(text),
        }
    }

    /// The same of a text that was found by what the pattern demands: no plain search comes first.
    #[must_use]
    pub fn fits(&self, text: &[u8]) -> bool {
        match &self.known().plain {
            Plain::Whole(_) | Plain::OneOf(_) => !self.is_hopeless(text),
            Plain::Needle(_) | Plain::Nothing => self.automata.is_match(&self.source, text),
        }
    }

    /// Whether the pattern, if it is bound to the start of the text, would match further behind.
    #[must_use]
    pub fn is_match_behind(&self, text: &[u8]) -> bool {
        let Some(source) = self.source.strip_prefix('^') else { return false };
        !self.is_hopeless(text) && self.automata.behind(source).is_match(text)
    }

    /// The leftmost match at or after `from`.
    #[must_use]
    pub fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        self.find_before(text, from, text.len())
    }

    /// The leftmost match that begins at or after `from` and before `end`, which is the end of a line: most patterns match within a
    /// line, so that only the text up to there is looked at.
    pub(crate) fn find_before(&self, text: &[u8], from: usize, end: usize) -> Option<Range<usize>> {
        let Known { plain, shape } = self.known();
        let to = if shape.crosses { text.len() } else { end };
        let near = text.get(from..to)?;
        let found = match plain {
            Plain::Whole(finder) => {
                let start = from + finder.find(near)?;
                Some(start..start + self.source.len())
            }
            Plain::OneOf(texts) => {
                let starts = texts.iter().filter_map(|(one, _)| Some((from + find(near, one)?, one.len())));
                starts.min_by_key(|(start, _)| *start).map(|(start, length)| start..start + length)
            }
            Plain::Needle(finder) if !shape.crosses => self.find_in_lines(finder, text, from..to),
            _ if self.is_hopeless(near) => None,
            _ => self.search(text, from..to, Anchored::No),
        };
        found.filter(|found| found.start < end || found.end <= end)
    }

    /// The leftmost match of a pattern that matches within a line only: in the first line with its needle that matches.
    fn find_in_lines(&self, needle: &Finder<'_>, text: &[u8], span: Range<usize>) -> Option<Range<usize>> {
        let mut at = span.start;
        loop {
            let found = at + needle.find(text.get(at..span.end)?)?;
            let start = memchr::memrchr(b'\n', &text[at..found]).map_or(at, |end| at + end + 1);
            let end = line_end(&text[..span.end], found);
            if let Some(found) = self.search(text, start..end, Anchored::No) {
                return Some(found);
            }
            at = end + 1;
        }
    }

    /// What the automaton finds in a part of a text. What stands around the part still counts for `^`, `$` and `\b`.
    fn search(&self, text: &[u8], span: Range<usize>, anchored: Anchored) -> Option<Range<usize>> {
        let regex = self.automata.of(&self.source, span.len());
        regex.search(&Input::new(text).span(span).anchored(anchored)).map(|found| found.range())
    }

    /// The match that begins at `at`, if one does.
    pub(crate) fn match_at(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let Known { plain, shape } = self.known();
        let rest = text.get(at..)?;
        match plain {
            Plain::Whole(_) => rest.starts_with(self.source.as_bytes()).then(|| at..at + self.source.len()),
            Plain::OneOf(texts) => {
                texts.iter().find(|(one, _)| rest.starts_with(one.as_bytes())).map(|(one, _)| at..at + one.len())
            }
            _ if !rest.starts_with(shape.beginning.as_bytes()) => None,
            _ => {
                let end = if shape.crosses { text.len() } else { line_end(text, at) };
                // A text that spans lines is searched by the automaton alone, which gives up where it cannot match.
                let hopeless = !shape.crosses && find(&text[at..end], &shape.further).is_none();
                if hopeless { None } else { self.search(text, at..end, Anchored::Yes) }
            }
        }
    }

    /// The leftmost match with its named groups.
    #[must_use]
    pub fn captures(&self, text: &[u8]) -> Option<Match<'_>> {
        self.captures_from(text, 0)
    }

    /// The leftmost match at or behind `from` with its named groups.
    pub(crate) fn captures_from(&self, text: &[u8], from: usize) -> Option<Match<'_>> {
        self.find_at(text, from).map(|span| self.groups_of(text, span))
    }

    /// The named groups of a match that is known.
    pub(crate) fn groups_of(&self, text: &[u8], span: Range<usize>) -> Match<'_> {
        let mut found = Match { span: span.clone(), groups: Vec::new() };
        if !self.known().shape.groups {
            return found;
        }
        let regex = self.automata.of(&self.source, span.len());
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text).span(span).anchored(Anchored::Yes), &mut captures);
        if let Some(pattern) = captures.pattern() {
            let names = regex.group_info().pattern_names(pattern).enumerate();
            found.groups.extend(names.filter_map(|(at, name)| Some((name?, Range::from(captures.get_group(at)?)))));
        }
        found
    }

    /// The names of its groups, those of the macros included.
    ///
    /// # Errors
    /// [`ExpressionError`], if it does not compile.
    pub fn groups(&self) -> Result<Vec<String>, ExpressionError> {
        group_names(&self.source)
    }
}

impl From<String> for Pattern {
    fn from(source: String) -> Self {
        Self { source, known: OnceLock::new(), automata: Automata::default() }
    }
}

/// Where the line ends that `at` is in.
fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_token_ends_at_a_dot_or_a_plus() {
        let pattern = Pattern::new("in {{FN}}");
        let text = b"in foo (bar) in baz_1.isra.0+0x1/0x2";
        let found = pattern.captures(text).expect("it matches");
        assert_eq!(&text[found.group("FN").expect("it has the group")], b"baz_1");
    }

    #[test]
    fn plain_text_is_found_without_a_regex() {
        let pattern = Pattern::new("BUG: KASAN:");
        assert!(matches!(pattern.known().plain, Plain::Whole(_)));
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 0), Some(3..14));
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 4), None);
    }

    /// What the automaton alone finds.
    fn plainly(source: &str, text: &[u8], from: usize) -> Option<Range<usize>> {
        let regex = compile(source, Effort::Full).expect("it compiles");
        regex.search(&Input::new(text).span(from..text.len())).map(|found| found.range())
    }

    /// Patterns of every shape, and texts in which they match, nearly match, and match behind the line in which they might.
    const SOURCES: [&str; 17] = [
        "two: a",
        "(?:three: f|two: a)",
        "two: [a-c]+",
        r"two: (?P<what>[a-z ]*?)\b x",
        "two: .*needle.*(?P<end>[xz])",
        "t[a-z]+: needle",
        r"two:\s(?P<rest>needle)?",
        r"two: (?:.*\n)+?.*needle (?P<last>[a-z]+)",
        "^two: needle",
        "needle$",
        "needle x$",
        r"\btwo: needle",
        "[^x]+needle",
        "(?P<one>needle|needle x)",
        "(?:two: needle|two: )x",
        "x*",
        "two: needle(?s:.{0,6}?)x",
    ];

    fn texts() -> impl Iterator<Item = Vec<u8>> {
        const PARTS: [&str; 7] = ["two: ", "needle", " x", "\n", "a", "three: f", "btwo: needle z"];
        // All texts of up to five parts.
        (0..=5).flat_map(|length| {
            (0..PARTS.len().pow(length)).map(move |number| {
                let parts = (0..length).map(|at| PARTS[number / PARTS.len().pow(at) % PARTS.len()]);
                parts.collect::<String>().into_bytes()
            })
        })
    }

    #[test]
    fn what_decides_first_finds_what_the_automaton_finds() {
        for source in SOURCES {
            let made = |effort| compile(source, effort).expect("it compiles");
            let (pattern, regex, stepper) = (Pattern::new(source), made(Effort::Full), made(Effort::Little));
            for text in texts() {
                let found = regex.find(&text).map(|found| found.range());
                let shown = String::from_utf8_lossy(&text);
                assert_eq!(stepper.find(&text).map(|found| found.range()), found, "{source} in {shown:?}");
                assert_eq!(pattern.find_at(&text, 0), found, "{source} in {shown:?}");
                assert_eq!(pattern.is_match(&text), found.is_some(), "{source} in {shown:?}");
                let Some(found) = found else { continue };
                assert!(text[found.start..].starts_with(pattern.beginning().as_bytes()), "{source} in {shown:?}");
                let candidate = pattern.candidate(&text, 0);
                assert!(text.is_empty() || candidate.is_some_and(|at| at <= found.end), "{source} in {shown:?}");
                assert_eq!(pattern.match_at(&text, found.start), Some(found.clone()), "{source} in {shown:?}");
                let mut captures = regex.create_captures();
                regex.captures(&text, &mut captures);
                for (name, span) in pattern.captures(&text).expect("it matches").groups {
                    assert_eq!(captures.get_group_by_name(name).map(Range::from), Some(span), "{source} in {shown:?}");
                }
            }
        }
    }

    #[test]
    fn the_start_of_a_match_is_looked_for_up_to_the_end_of_a_line() {
        for source in SOURCES {
            let pattern = Pattern::new(source);
            for text in texts().filter(|text| text.len() < 24) {
                let ends = memchr::memchr_iter(b'\n', &text).chain([text.len()]);
                for (end, from) in ends.flat_map(|end| [(end, 0), (end, end.min(3))]) {
                    let plain = plainly(source, &text, from).filter(|found| found.start < end || found.end <= end);
                    let shown = String::from_utf8_lossy(&text);
                    assert_eq!(
                        pattern.find_before(&text, from, end),
                        plain,
                        "{source} in {shown:?} from {from} to {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn patterns_with_escapes_match_what_they_say() {
        assert!(Pattern::new(r"\x41BCDEF\x21?").is_match(b"xABCDEF"));
        assert!(Pattern::new(r"[]a]ring stuck").is_match(b"]ring stuck"));
    }

    #[test]
    fn a_broken_pattern_is_reported_and_matches_nothing() {
        let pattern = Pattern::new("(unclosed");
        assert!(pattern.check().is_err());
        assert!(!pattern.is_match(b"(unclosed"));
    }
}
