//! Patterns of the grammar files: regular expressions over bytes with macros, compiled on first use.

use super::plan::expression::{ExpressionError, PlainText, crosses_lines, expanded, group_names, plain_text};
use crate::line::{Letters, find};
use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, Span};
use std::ops::Range;
use std::sync::OnceLock;

/// One pattern. Literal text is searched for as such, everything else by a lazily compiled automaton.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    /// Worked out on first use, as most runs need few of the patterns.
    plain: OnceLock<Plain>,
    regex: OnceLock<Regex>,
    /// Whether a match may hold a line break.
    crosses: OnceLock<bool>,
    /// The same without the `^` at its start.
    behind: OnceLock<Regex>,
}

/// What of a pattern is plain text.
#[derive(Debug)]
enum Plain {
    /// All of it.
    Whole(Finder<'static>),
    /// It stands for these texts and no other.
    OneOf(Vec<(String, Letters)>),
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
        let parts: Vec<String> = sources.into_iter().map(|source| format!("(?:{source})")).collect();
        Self::new(&if parts.is_empty() { "[^\\x00-\\xff]".into() } else { parts.join("|") })
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
        compile(&self.source).map(|_| ())
    }

    fn plain(&self) -> &Plain {
        self.plain.get_or_init(|| {
            let finder = |text: &str| Finder::new(text.as_bytes()).into_owned();
            match plain_text(&self.source) {
                PlainText::Whole => Plain::Whole(finder(&self.source)),
                PlainText::OneOf(texts) => {
                    let with_letters = |text: String| (Letters::of(text.as_bytes()), text);
                    Plain::OneOf(texts.into_iter().map(with_letters).map(|(letters, text)| (text, letters)).collect())
                }
                PlainText::Needle(needle) if needle.len() < SHORTEST_NEEDLE => Plain::Nothing,
                PlainText::Needle(needle) => Plain::Needle(finder(&needle)),
            }
        })
    }

    /// Whether a text cannot match, by a plain search.
    fn is_hopeless(&self, text: &[u8]) -> bool {
        match self.plain() {
            Plain::Whole(finder) | Plain::Needle(finder) => finder.find(text).is_none(),
            Plain::OneOf(texts) => texts.iter().all(|(one, _)| find(text, one).is_none()),
            Plain::Nothing => false,
        }
    }

    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| compile(&self.source).unwrap_or_else(|_| never()))
    }

    /// Whether the pattern matches anywhere.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match self.plain() {
            Plain::Whole(_) | Plain::OneOf(_) => !self.is_hopeless(text),
            Plain::Needle(_) | Plain::Nothing => !self.is_hopeless(text) && self.regex().is_match(text),
        }
    }

    /// The same of a text whose letters are known.
    #[must_use]
    pub(crate) fn is_match_in(&self, text: &[u8], letters: Letters) -> bool {
        match self.plain() {
            Plain::OneOf(texts) => texts.iter().any(|(one, its)| letters.may_hold(*its) && find(text, one).is_some()),
            _ => self.is_match(text),
        }
    }

    /// The same of a text that was found by what the pattern demands: no plain search comes first.
    #[must_use]
    pub fn fits(&self, text: &[u8]) -> bool {
        match self.plain() {
            Plain::Whole(_) | Plain::OneOf(_) => !self.is_hopeless(text),
            Plain::Needle(_) | Plain::Nothing => self.regex().is_match(text),
        }
    }

    /// Whether the pattern, if it is bound to the start of the text, would match further behind.
    #[must_use]
    pub fn is_match_behind(&self, text: &[u8]) -> bool {
        let Some(source) = self.source.strip_prefix('^') else { return false };
        let regex = || self.behind.get_or_init(|| compile(source).unwrap_or_else(|_| never()));
        !self.is_hopeless(text) && regex().is_match(text)
    }

    /// The leftmost match at or after `from`.
    #[must_use]
    pub fn find_at(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        match self.plain() {
            Plain::Whole(finder) => {
                let start = from + finder.find(text.get(from..)?)?;
                Some(start..start + self.source.len())
            }
            _ if self.is_hopeless(text.get(from..)?) => None,
            _ => self.regex().search(&input_from(text, from)?).map(|found| found.range()),
        }
    }

    /// Where the leftmost match begins, if it begins before `end`, which is the end of a line. Most patterns match within a
    /// line, so that only the text up to there is looked at.
    #[must_use]
    pub fn start_before(&self, text: &[u8], end: usize) -> Option<usize> {
        if *self.crosses.get_or_init(|| crosses_lines(&self.source)) {
            return self.find_at(text, 0).map(|found| found.start).filter(|start| *start < end);
        }
        let near = text.get(..end)?;
        match self.plain() {
            Plain::Whole(finder) => finder.find(near),
            _ if self.is_hopeless(near) => None,
            // What stands behind the end still counts for `$`.
            _ => self.regex().search(&Input::new(text).span(Span { start: 0, end })).map(|found| found.start()),
        }
    }

    /// The leftmost match with its named groups.
    #[must_use]
    pub fn captures(&self, text: &[u8]) -> Option<Match<'_>> {
        if matches!(self.plain(), Plain::Whole(_)) {
            return self.find_at(text, 0).map(|span| Match { span, groups: Vec::new() });
        }
        if self.is_hopeless(text) {
            return None;
        }
        let regex = self.regex();
        let mut captures = regex.create_captures();
        regex.search_captures(&Input::new(text), &mut captures);
        let span = captures.get_match()?.range();
        let info = regex.group_info();
        let groups = info
            .pattern_names(captures.pattern()?)
            .enumerate()
            .filter_map(|(at, name)| Some((name?, Range::from(captures.get_group(at)?))))
            .collect();
        Some(Match { span, groups })
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
        Self {
            source,
            plain: OnceLock::new(),
            regex: OnceLock::new(),
            crosses: OnceLock::new(),
            behind: OnceLock::new(),
        }
    }
}

fn input_from(text: &[u8], from: usize) -> Option<Input<'_>> {
    (from <= text.len()).then(|| Input::new(text).span(Span { start: from, end: text.len() }))
}

fn compile(source: &str) -> Result<Regex, ExpressionError> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(
            Regex::config()
                .utf8_empty(false)
                // Grammars of strangers must not eat the memory.
                .nfa_size_limit(Some(4 << 20))
                // Each pattern is asked of a few lines: the states that these meet are found while they are read, in less time
                // than working out all of them takes.
                .dfa(false)
                .hybrid_cache_capacity(4 << 20),
        )
        .build(&expanded(source))
        .map_err(|error| error.syntax_error().map_or_else(|| ExpressionError::of(&error), ExpressionError::of))
}

/// A regex that matches nothing, in place of one that does not compile (which [`Pattern::check`] has reported already).
fn never() -> Regex {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build("[^\\x00-\\xff]")
        .expect("an empty class compiles")
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
        assert!(matches!(pattern.plain(), Plain::Whole(_)));
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 0), Some(3..14));
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 4), None);
    }

    #[test]
    fn the_start_of_a_match_is_looked_for_up_to_the_end_of_a_line() {
        let text = b"one: two\nthree: four\n";
        for (source, end, start) in [
            ("two", 8, Some(5)),
            ("four", 8, None),
            ("t[a-z]+", 20, Some(5)),
            ("t[a-z]+:", 8, None),
            ("t[a-z]+:", 20, Some(9)),
            (r"two\sthree", 8, Some(5)),
            ("[^x]+four", 8, Some(0)),
            ("two$", 8, None),
        ] {
            let pattern = Pattern::new(source);
            assert_eq!(pattern.start_before(text, end), start, "{source}");
            let plain = pattern.find_at(text, 0).map(|found| found.start).filter(|start| *start < end);
            assert_eq!(start, plain, "{source}");
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
