//! Sets of names given by patterns, most of which are plain text: hundreds of them are looked up for each stack frame.

use super::Pattern;
use super::laid_out::names_of;
use super::plan::composed::unbound;
use super::plan::expression::unescaped;
use std::sync::OnceLock;

/// Names that match any of a list of patterns.
#[derive(Debug)]
pub struct NameSet {
    sources: Vec<String>,
    /// Made on first use, as most runs need few of the sets.
    parts: OnceLock<Box<Parts>>,
}

/// The texts of a set by their first bytes: a name is gone through once, and where no text begins like what stands there, nothing is
/// compared.
#[derive(Debug)]
struct Parts {
    /// A bit for each hash of the first bytes of a text.
    filter: [u64; FILTER / 64],
    /// In the order of their keys.
    parts: Vec<(u32, Part)>,
    /// Texts shorter than a key.
    short: Vec<Part>,
    /// What is not plain text.
    patterns: Vec<Pattern>,
    /// Those of them that demand no text, so that they are asked of each name.
    always: Vec<usize>,
}

/// So many bytes are a key.
const KEY: usize = 3;
/// Bits of the filter.
const FILTER: usize = 1 << 14;

/// A text that a name may hold.
#[derive(Debug)]
struct Part {
    text: Vec<u8>,
    /// Whether it must be the beginning.
    begins: bool,
    /// Whether it must be the end.
    ends: bool,
    /// Of a name with it this pattern is asked.
    asks: Option<usize>,
}

impl NameSet {
    /// The names that match any of the patterns; `^` and `$` bind a pattern to the ends of the name.
    #[must_use]
    pub fn new(patterns: Vec<String>) -> Self {
        Self { sources: patterns, parts: OnceLock::new() }
    }

    fn parts(&self) -> &Parts {
        self.parts.get_or_init(|| Box::new(Parts::new(&self.sources)))
    }

    /// Whether the name is in the set.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.parts().any(name, |_, _| true)
    }

    /// Whether the name is in the set by more than a part somewhere in it: `panic` is the beginning of `panic_print`, but says little
    /// of `alloc_bootmem_nopanic`.
    #[must_use]
    pub(crate) fn is_named(&self, name: &[u8]) -> bool {
        let start = name.iter().take_while(|byte| **byte == b'_').count();
        self.parts().any(name, |part, at| part.begins || part.ends || part.asks.is_some() || at <= start)
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
        self.parts().patterns.iter().try_for_each(Pattern::check)
    }
}

impl Parts {
    fn new(sources: &[String]) -> Self {
        let mut set = Self {
            filter: [0; FILTER / 64],
            parts: Vec::with_capacity(sources.len()),
            short: Vec::new(),
            patterns: Vec::new(),
            always: Vec::new(),
        };
        for source in sources {
            let (begins, core, ends) = unbound(source);
            match unescaped(core).map(|text| vec![text]).or_else(|| names_of(core)) {
                Some(texts) => texts.into_iter().for_each(|text| set.add(Part { text, begins, ends, asks: None })),
                None => set.ask(Pattern::new(source)),
            }
        }
        set.parts.sort_by_key(|(key, _)| *key);
        set
    }

    fn add(&mut self, part: Part) {
        match part.text.first_chunk::<KEY>() {
            Some(first) => {
                let key = key(first);
                let slot = slot(key);
                self.filter[slot / 64] |= 1 << (slot % 64);
                self.parts.push((key, part));
            }
            None => self.short.push(part),
        }
    }

    /// A pattern is asked of names that hold what it demands.
    fn ask(&mut self, pattern: Pattern) {
        let number = self.patterns.len();
        match pattern.needle() {
            "" => self.always.push(number),
            needle => {
                let text = needle.as_bytes().to_vec();
                self.add(Part { text, begins: false, ends: false, asks: Some(number) });
            }
        }
        self.patterns.push(pattern);
    }

    /// Whether the name is in the set by a part that counts at its place.
    fn any(&self, name: &[u8], counts: impl Fn(&Part, usize) -> bool) -> bool {
        let is = |part: &Part, at: usize| part.fits(name, at, &self.patterns) && counts(part, at);
        for (at, three) in name.windows(KEY).enumerate() {
            let key = key(three.first_chunk().unwrap_or(&[0; KEY]));
            let slot = slot(key);
            if self.filter[slot / 64] >> (slot % 64) & 1 == 0 {
                continue;
            }
            let first = self.parts.partition_point(|(other, _)| *other < key);
            if self.parts[first..].iter().take_while(|(other, _)| *other == key).any(|(_, part)| is(part, at)) {
                return true;
            }
        }
        self.short.iter().any(|part| (0..=name.len()).any(|at| is(part, at)))
            || self.always.iter().any(|number| self.patterns[*number].is_match(name))
    }
}

impl Part {
    /// Whether the name has it at `at`, where it may stand.
    fn fits(&self, name: &[u8], at: usize, patterns: &[Pattern]) -> bool {
        (at == 0 || !self.begins)
            && name[at..].starts_with(&self.text)
            && (!self.ends || at + self.text.len() == name.len())
            && self.asks.is_none_or(|number| patterns[number].is_match(name))
    }
}

fn key(bytes: &[u8; KEY]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0])
}

fn slot(key: u32) -> usize {
    // The multiplier spreads letters; the upper bits are the mixed ones.
    (key.wrapping_mul(0x9e37_79b1) >> 18) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::Grammar;

    #[test]
    fn patterns_of_every_form_are_told_apart() {
        let set = NameSet::new(
            ["alloc", "^down$", "^rb_", "_trap$", "(?:get|put)_page", r"^mm/sl.b\.c", "^x", "q$"]
                .map(String::from)
                .to_vec(),
        );
        for name in ["kmalloc_array_alloc", "down", "rb_erase", "do_trap", "xget_page", "mm/slub.c", "x", "q", "faq"] {
            assert!(set.contains(name.as_bytes()), "{name}");
        }
        for name in
            ["down_timeout", "my_rb_erase", "do_trap_x", "set_page", "fs/mm/slub.c", "mm/slub_c", "", "ax", "qa"]
        {
            assert!(!set.contains(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn a_name_is_in_a_set_where_one_of_its_patterns_matches() {
        let grammar = Grammar::built_in();
        let names = &grammar.names;
        let sets = [&names.skip, &names.anchors, &names.hung, &grammar.blame.ignored_files];
        for set in sets.into_iter().chain(grammar.all_kinds().filter_map(|(_, kind)| kind.skip.as_ref())) {
            let plain = Pattern::any(set.sources().iter().map(String::as_str));
            // The sources without their signs are names that nearly are in it.
            let bare = |source: &String| source.replace(['^', '$', '\\', '(', ')', '?', ':', '[', ']', '*', '.'], "");
            for name in set.sources().iter().chain(names.skip.sources()).map(bare) {
                for name in
                    [name.clone(), format!("a{name}"), format!("{name}_b"), format!("{name}/c.c"), format!("_{name}7")]
                {
                    let name = name.as_bytes();
                    assert_eq!(set.contains(name), plain.is_match(name), "{}", String::from_utf8_lossy(name));
                }
            }
        }
    }
}
