//! Patterns of the grammar files: regular expressions over bytes with macros, compiled on first use.

use super::literal::{cheapest, choices, groups, required, runs};
use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_automata::{Input, Span};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;
use std::ops::Range;
use std::sync::OnceLock;

/// `{{NAME}}` → regular expression. They mirror the tokens that crash reports are made of.
const MACROS: [(&str, &str); 3] = [
    // A function: its compiler suffixes (`.isra.0`, `.cold`) and `+0x1/0x2` are no part of the name.
    ("{{FN}}", "(?P<FN>[A-Za-z0-9_]+)[.+]"),
    // An address in brackets, as old kernels print before each frame.
    ("{{PC}}", r"\[<?(?:0x)?[0-9a-f]+>?\]"),
    // A source line.
    ("{{SRC}}", r"[A-Za-z0-9\-_/.]+\.[a-z]+:[0-9]+"),
];

/// One pattern. Literal text is searched for as such, everything else by a lazily compiled automaton.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    literal: Option<Finder<'static>>,
    /// Text that every match contains, to be looked for first: most patterns do not match most texts. Worked out on first
    /// use, as most runs need few of the patterns.
    needle: OnceLock<Option<Finder<'static>>>,
    regex: OnceLock<Regex>,
    /// The same without the `^` at its start.
    behind: OnceLock<Regex>,
}

/// A shorter needle is found too often to be worth the search.
const SHORTEST_NEEDLE: usize = 5;

/// What a pattern matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The whole match.
    pub span: Range<usize>,
    /// Named groups that took part, in the order of the pattern.
    pub groups: Vec<(String, Range<usize>)>,
}

impl Match {
    /// The span of a named group, if it took part.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<Range<usize>> {
        self.groups.iter().find(|(found, _)| found == name).map(|(_, span)| span.clone())
    }
}

impl Pattern {
    /// A pattern from its text. It is compiled when it is first needed; [`Pattern::check`] tells whether it can be.
    #[must_use]
    pub fn new(source: &str) -> Self {
        let literal = (!source.contains(['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'])
            && !source.is_empty())
        .then(|| Finder::new(source.as_bytes()).into_owned());
        Self {
            source: source.to_owned(),
            literal,
            needle: OnceLock::new(),
            regex: OnceLock::new(),
            behind: OnceLock::new(),
        }
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
    /// What is wrong with it, in the words of the regular-expression compiler.
    pub fn check(&self) -> Result<(), String> {
        compile(&self.source).map(|_| ())
    }

    /// Whether a text cannot match, told by a plain search.
    fn is_hopeless(&self, text: &[u8]) -> bool {
        let needle = self.needle.get_or_init(|| {
            let required = parse(&self.source).map(|parsed| required(&parsed)).unwrap_or_default();
            (required.len() >= SHORTEST_NEEDLE).then(|| Finder::new(&required).into_owned())
        });
        needle.as_ref().is_some_and(|needle| needle.find(text).is_none())
    }

    fn regex(&self) -> &Regex {
        self.regex.get_or_init(|| compile(&self.source).unwrap_or_else(|_| never()))
    }

    /// Whether the pattern matches anywhere.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match &self.literal {
            Some(finder) => finder.find(text).is_some(),
            None => !self.is_hopeless(text) && self.regex().is_match(text),
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
        match &self.literal {
            Some(finder) => {
                let start = from + finder.find(text.get(from..)?)?;
                Some(start..start + self.source.len())
            }
            None if self.is_hopeless(text.get(from..)?) => None,
            None => self.regex().search(&input_from(text, from)?).map(|found| found.range()),
        }
    }

    /// The leftmost match with its named groups.
    #[must_use]
    pub fn captures(&self, text: &[u8]) -> Option<Match> {
        if self.literal.is_some() {
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
            .filter_map(|(at, name)| Some((name?.to_owned(), Range::from(captures.get_group(at)?))))
            .collect();
        Some(Match { span, groups })
    }

    /// The longest run of plain text that every match contains, for finding candidate lines. Empty when there is none.
    #[must_use]
    pub fn required_literal(&self) -> String {
        if self.literal.is_some() {
            return self.source.clone();
        }
        let required = parse(&self.source).map(|parsed| required(&parsed)).unwrap_or_default();
        String::from_utf8(required).unwrap_or_default()
    }

    /// All runs of plain text that every match contains, in order.
    #[must_use]
    pub fn required_literals(&self) -> Vec<String> {
        if self.literal.is_some() {
            return vec![self.source.clone()];
        }
        let found = parse(&self.source).map(|parsed| runs(&parsed)).unwrap_or_default();
        found.into_iter().filter_map(|run| String::from_utf8(run).ok()).filter(|run| !run.is_empty()).collect()
    }

    /// The texts of which every match contains at least one, so chosen that `cost` is least; `None` where no text is
    /// demanded.
    pub(super) fn demands(&self, cost: &dyn Fn(&[u8]) -> f64) -> Option<Vec<String>> {
        let found = cheapest(choices(&parse(&self.source).ok()?, cost), cost)?;
        found.into_iter().map(|text| String::from_utf8(text).ok()).collect()
    }

    /// The names of its groups, those of the macros included.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub fn groups(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        groups(&parse(&self.source)?, &mut found);
        Ok(found)
    }
}

fn input_from(text: &[u8], from: usize) -> Option<Input<'_>> {
    (from <= text.len()).then(|| Input::new(text).span(Span { start: from, end: text.len() }))
}

/// The source without macros.
fn expanded(source: &str) -> String {
    MACROS.iter().fold(source.to_owned(), |text, (name, expression)| text.replace(name, expression))
}

/// The structure of an expression.
fn parse(source: &str) -> Result<Hir, String> {
    ParserBuilder::new().unicode(false).utf8(false).build().parse(&expanded(source)).map_err(|error| last_line(&error))
}

/// The compiler draws a picture; its last line is the sentence.
fn last_line(error: &impl ToString) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

fn compile(source: &str) -> Result<Regex, String> {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(
            Regex::config()
                .utf8_empty(false)
                // Grammars of strangers must not eat the memory.
                .nfa_size_limit(Some(4 << 20))
                .hybrid_cache_capacity(4 << 20),
        )
        .build(&expanded(source))
        .map_err(|error| error.syntax_error().map_or_else(|| last_line(&error), last_line))
}

/// A regex that matches nothing, in place of one that does not compile (which [`Pattern::check`] has told already).
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
        assert!(pattern.literal.is_some());
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 0), Some(3..14));
        assert_eq!(pattern.find_at(b"xx BUG: KASAN: yy", 4), None);
    }

    #[test]
    fn the_required_literal_leaves_out_what_may_be_absent() {
        let required = |source: &str| Pattern::new(source).required_literal();
        assert_eq!(required(r"Killed process .* \(sshd\)"), "Killed process ");
        assert_eq!(required(r"\*\*\* stack smashing"), "*** stack smashing");
        assert_eq!(required("abcd?(?:longer|text)ef"), "abc");
        assert_eq!(required("(?:a|b|c)x{16}y: {{FN}} z"), "y: ");
        assert_eq!(required("abcdef|ghijkl"), "");
        assert_eq!(required("(?i)abcdef"), "");
    }

    #[test]
    fn the_required_literal_is_what_the_compiler_reads() {
        let required = |source: &str| Pattern::new(source).required_literal();
        assert_eq!(required(r"\x41BC\x44 [0-9]"), "ABCD ");
        assert_eq!(required(r"[]a]ring stuck"), "ring stuck");
        assert_eq!(required(r"(?P<what>mydrv: )\bring [0-9]+"), "mydrv: ring ");
        assert_eq!(required(r"a(?:bcdef)+g"), "bcdef");
        assert_eq!(required(r"ring[ ]stuck"), "ring stuck");
    }

    #[test]
    fn patterns_with_escapes_match_what_they_say() {
        assert!(Pattern::new(r"\x41BCDEF\x21?").is_match(b"xABCDEF"));
        assert!(Pattern::new(r"[]a]ring stuck").is_match(b"]ring stuck"));
    }

    #[test]
    fn a_broken_pattern_is_told_and_matches_nothing() {
        let pattern = Pattern::new("(unclosed");
        assert!(pattern.check().is_err());
        assert!(!pattern.is_match(b"(unclosed"));
    }
}
