//! The automata of a pattern, made when they are needed: first what steps through a few short texts, then what pays for many.

use super::plan::expression::{ExpressionError, expanded};
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes are stepped through before an automaton is made, whose states are worked out while it reads: then it has paid. Most
/// patterns of a small log see less.
const STEPPED: usize = 4 << 10;
/// No longer text is stepped through.
const LONGEST_STEPPED: usize = 2 << 10;
/// What each search costs besides, in bytes.
const SEARCH: usize = 64;

/// How much time goes into a compiled pattern before it reads anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// It steps through the text.
    Little,
    /// An automaton forwards and one backwards.
    Full,
}

/// What reads texts for one pattern, whose `source` it is given each time.
#[derive(Debug, Default)]
pub(super) struct Automata {
    /// What steps through a text: made in a third of the time, for the first texts.
    stepper: OnceLock<Regex>,
    /// How many bytes it has read, about.
    stepped: AtomicUsize,
    /// The automaton, for all others.
    full: OnceLock<Regex>,
    /// The same without the `^` at its start.
    behind: OnceLock<Regex>,
}

impl Automata {
    /// What searches `length` bytes.
    pub(super) fn of(&self, source: &str, length: usize) -> &Regex {
        if let Some(regex) = self.full.get() {
            return regex;
        }
        // Where several lines are searched at once, steps take too long.
        if length > LONGEST_STEPPED || self.stepped.fetch_add(length + SEARCH, Ordering::Relaxed) > STEPPED {
            return self.full.get_or_init(|| made(source, Effort::Full));
        }
        self.stepper.get_or_init(|| made(source, Effort::Little))
    }

    /// What searches for the pattern without the `^` at its start: `source` is what is left of it.
    pub(super) fn behind(&self, source: &str) -> &Regex {
        self.behind.get_or_init(|| made(source, Effort::Full))
    }

    /// Whether the pattern matches. An automaton need not know where the match begins; a stepper that is asked only whether there is one
    /// does not stop earlier, but takes a slower way through long texts.
    pub(super) fn is_match(&self, source: &str, text: &[u8]) -> bool {
        let regex = self.of(source, text.len());
        let steps = self.full.get().is_none_or(|automaton| !std::ptr::eq(automaton, regex));
        if steps { regex.search(&Input::new(text)).is_some() } else { regex.is_match(text) }
    }
}

/// Compiles an expression.
///
/// # Errors
/// [`ExpressionError`], if it does not compile.
pub(super) fn compile(source: &str, effort: Effort) -> Result<Regex, ExpressionError> {
    let full = effort == Effort::Full;
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
                .hybrid(full)
                .onepass(full)
                .auto_prefilter(full)
                .hybrid_cache_capacity(4 << 20),
        )
        .build(&expanded(source))
        .map_err(|error| error.syntax_error().map_or_else(|| ExpressionError::of(&error), ExpressionError::of))
}

/// The compiled expression; one that does not compile (which was reported when its grammar was read) matches nothing.
fn made(source: &str, effort: Effort) -> Regex {
    compile(source, effort).unwrap_or_else(|_| {
        Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build("[^\\x00-\\xff]")
            .expect("an empty class compiles")
    })
}
