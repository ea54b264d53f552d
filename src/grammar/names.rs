//! Sets of names given by patterns, most of which are plain text: hundreds of them are looked up for each stack frame.

use super::Pattern;
use super::plan::expression::spellings;
use aho_corasick::AhoCorasick;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Names that match any of a list of patterns.
#[derive(Debug)]
pub struct NameSet {
    sources: Vec<String>,
    /// Made on first use, as most runs need few of the sets.
    forms: OnceLock<Forms>,
}

/// The patterns of a set by their form.
#[derive(Debug)]
struct Forms {
    /// By their first byte, so that a name is compared with a few of them.
    whole: ByByte,
    /// Likewise.
    prefixes: ByByte,
    /// By their last byte.
    suffixes: ByByte,
    /// Finds the infixes.
    searcher: Option<AhoCorasick>,
    /// What is not plain text.
    rest: Option<Pattern>,
}

impl NameSet {
    /// The names that match any of the patterns; `^` and `$` bind a pattern to the ends of the name.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        Self { sources: patterns, forms: OnceLock::new() }
    }

    fn forms(&self) -> &Forms {
        self.forms.get_or_init(|| Forms::new(&self.sources))
    }

    /// Whether the name is in the set.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.forms().contain(name)
    }

    /// Whether the name is in the set by more than a part somewhere in it: `panic` is the beginning of `panic_print`, but says little
    /// of `alloc_bootmem_nopanic`.
    #[must_use]
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let forms = self.forms();
        let start = name.iter().take_while(|byte| **byte == b'_').count();
        let begins = |searcher: &AhoCorasick| searcher.find_overlapping_iter(name).any(|found| found.start() <= start);
        forms.is_bound(name) || forms.searcher.as_ref().is_some_and(begins)
    }

    /// The patterns that it was made from.
    #[must_use]
    pub fn sources(&self) -> &[String] {
        &self.sources
    }

    /// What is wrong with a pattern, if anything.
    ///
    /// # Errors
    /// [`ExpressionError`](super::ExpressionError), if one does not compile.
    pub fn check(&self) -> Result<(), super::ExpressionError> {
        self.forms().rest.as_ref().map_or(Ok(()), Pattern::check)
    }
}

impl Forms {
    fn new(patterns: &[String]) -> Self {
        let (mut whole, mut prefixes, mut suffixes) = (ByByte::default(), ByByte::default(), ByByte::default());
        let (mut infixes, mut rest) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let (begins, core) = pattern.strip_prefix('^').map_or((false, pattern.as_str()), |core| (true, core));
            let (ends, core) = core.strip_suffix('$').map_or((false, core), |core| (true, core));
            let Some(texts) = plain(core).map(|text| vec![text]).or_else(|| spellings(core)) else {
                rest.push(pattern.as_str());
                continue;
            };
            for text in texts {
                match (begins, ends) {
                    (true, true) => whole.add(text.first().copied(), text),
                    (true, false) => prefixes.add(text.first().copied(), text),
                    (false, true) => suffixes.add(text.last().copied(), text),
                    (false, false) => infixes.push(text),
                }
            }
        }
        let searcher = if infixes.is_empty() { None } else { AhoCorasick::new(&infixes).ok() };
        let rest = (!rest.is_empty()).then(|| Pattern::any(rest));
        Self { whole, prefixes, suffixes, searcher, rest }
    }

    fn contain(&self, name: &[u8]) -> bool {
        self.is_bound(name) || self.searcher.as_ref().is_some_and(|searcher| searcher.is_match(name))
    }

    /// Whether a pattern matches that is not plain text anywhere in the name.
    fn is_bound(&self, name: &[u8]) -> bool {
        let (first, last) = (name.first(), name.last());
        self.whole.of(first).iter().any(|whole| name == whole)
            || self.prefixes.of(first).iter().any(|prefix| name.starts_with(prefix))
            || self.suffixes.of(last).iter().any(|suffix| name.ends_with(suffix))
            || self.rest.as_ref().is_some_and(|rest| rest.is_match(name))
    }
}

/// Texts by one byte of each.
#[derive(Debug, Default)]
struct ByByte(BTreeMap<u8, Vec<Vec<u8>>>);

impl ByByte {
    fn add(&mut self, byte: Option<u8>, text: Vec<u8>) {
        // No text is empty: an expression without letters is not plain text.
        self.0.entry(byte.unwrap_or_default()).or_default().push(text);
    }

    fn of(&self, byte: Option<&u8>) -> &[Vec<u8>] {
        byte.and_then(|byte| self.0.get(byte)).map_or(&[], Vec::as_slice)
    }
}

/// The text that an expression stands for, if it stands for just one.
fn plain(expression: &str) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut bytes = expression.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next()? {
                escaped if escaped.is_ascii_punctuation() => text.push(escaped),
                _ => return None,
            },
            b'.' | b'+' | b'*' | b'?' | b'(' | b')' | b'|' | b'[' | b']' | b'{' | b'}' | b'^' | b'$' => return None,
            byte => text.push(byte),
        }
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_every_form_are_told_apart() {
        let set = NameSet::new(
            ["alloc", "^down$", "^rb_", "_trap$", "(?:get|put)_page", r"^mm/sl.b\.c"].map(String::from).to_vec(),
        );
        for name in ["kmalloc_array_alloc", "down", "rb_erase", "do_trap", "xget_page", "mm/slub.c"] {
            assert!(set.contains(name.as_bytes()), "{name}");
        }
        for name in ["down_timeout", "my_rb_erase", "do_trap_x", "set_page", "fs/mm/slub.c", "mm/slub_c"] {
            assert!(!set.contains(name.as_bytes()), "{name}");
        }
    }
}
