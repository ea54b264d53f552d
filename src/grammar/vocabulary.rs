//! Words of the kernel by what they stand for: functions that are locks or waits, lock classes, beginnings of lines.
//!
//! One rule for all: `*` stands for any text, and of several rows that fit, the one with the most letters decides. A
//! function is looked up without its compiler suffixes (`.isra.0`, `.cold`).

use super::Place;
use super::load::GrammarError;
use super::source::Word;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use std::collections::BTreeMap;

/// The lists of words. A row of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum List {
    /// The scheduler's own functions, inside of every wait: `scheduler`, or who calls it (`lock`, `io`); `preempted` for
    /// those inside of which a task does not wait.
    Scheduler,
    /// Functions of lock primitives in which a task waits: the kind of lock.
    LockWaits,
    /// Functions around a plain wait that say what it is for.
    Waits,
    /// Functions of completions.
    Completions,
    /// Functions that code calls to take, try or release a lock: `take`, `try`, `release`, with `own` before it where the
    /// lock is no argument.
    LockCalls,
    /// Functions of lockdep and of locks, inside of every acquisition.
    Locking,
    /// Functions whose lock is a global one: its class.
    NamedLocks,
    /// Lock classes that name a context, which nobody owns: read-side sections of `rcu` and `srcu`, any other `context`.
    Contexts,
    /// Functions that take a lockdep map which nobody owns: of a `work` item, of a section of `rcu` or `srcu`.
    UnownedTakers,
    /// Functions and lines at which an interrupt entered: `blamed` and `line` where the file to blame for a stall is
    /// looked for below them, in the order of the rows; else `entry`.
    Interrupts,
    /// Functions that look for lockups, on the stack of whoever is locked up.
    Finders,
    /// Lines whose stack follows at once: its role ([`crate::report::ROLES`]).
    StackTitles,
    /// Lines below which a stack of that role begins with a line of its own (`Call Trace:`).
    StackOwners,
    /// Lines of lockdep: the flavour of the report.
    LockdepFlavours,
    /// Beginnings of lines of reports, laid out when the program is built ([`crate::input::landmark`]).
    ReportLines,
}

impl List {
    /// Whether a user's file may have rows of the list: it is read for reports, with the grammar that reads them. The others
    /// are asked where there is no grammar but the built-in one.
    fn is_open(self) -> bool {
        matches!(self, Self::LockdepFlavours | Self::Interrupts | Self::Finders | Self::StackTitles | Self::StackOwners)
    }
}

/// Reports of lockdep that have words of their own: the meanings of [`List::LockdepFlavours`] that the program knows. A row
/// may have another meaning; its reports are told in general words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// Two orders of the same locks.
    Circular,
    /// DEPT's: events and waits in a circle.
    Dept,
    /// A class taken twice.
    Recursive,
    /// A lock that interrupts take, and one that interrupts may break into, in both orders.
    IrqInversion,
    /// The same, found when the second is taken.
    IrqOrder,
    /// One lock inside and outside of interrupts.
    Inconsistent,
    /// A lock released by who does not hold it.
    BadUnlock,
    /// A lock contended for that nobody holds.
    BadContention,
    /// Memory freed with a held lock in it.
    HeldFreed,
    /// Back to user space with a lock.
    HeldReturn,
    /// Gone with a lock.
    HeldExit,
    /// A lock that may sleep where nobody may.
    WaitContext,
    /// A nested lock without the one around it.
    Nested,
    /// RCU without protection.
    Rcu,
}

impl Flavour {
    /// The flavour of that name, if the program knows it.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// All words, by list.
#[derive(Debug, Default)]
pub struct Vocabulary {
    lists: BTreeMap<List, Vec<Row>>,
}

/// Where the built-in files are.
const BUILT_IN: &str = "grammars/vocabulary/";

/// One name of one row.
#[derive(Debug)]
struct Row {
    /// Its place among the names of its list as they are written.
    number: usize,
    name: Name,
    meaning: String,
    sample: String,
    place: Place,
}

/// A name with stars: the texts between them.
#[derive(Debug)]
struct Name {
    /// At the ends of an open name there is an empty text.
    parts: Vec<String>,
    letters: usize,
}

impl Name {
    fn new(source: &str) -> Self {
        let parts: Vec<String> = source.split('*').map(str::to_owned).collect();
        let letters = parts.iter().map(String::len).sum();
        Self { parts, letters }
    }

    fn fits(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &self.parts[..] else {
            return self.parts.first().is_some_and(|whole| whole == text);
        };
        let Some(rest) = text.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        for part in middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }
}

impl Vocabulary {
    pub(super) fn new(words: Vec<(Place, Word)>) -> Result<Self, GrammarError> {
        let mut lists: BTreeMap<List, Vec<Row>> = BTreeMap::new();
        for (place, word) in words {
            if !word.list.is_open() && !place.file.starts_with(BUILT_IN) {
                let message = "the words of this list are built in; a row of your own may be of lockdep-flavours, \
                               stack-titles, stack-owners, interrupts or finders, others belong into grammars/vocabulary of kanalyze itself";
                return Err(GrammarError::Invalid { path: place.file, line: place.line, message: message.to_owned() });
            }
            let rows = lists.entry(word.list).or_default();
            for name in &word.names {
                rows.push(Row {
                    number: rows.len(),
                    name: Name::new(name),
                    meaning: word.meaning.clone(),
                    sample: word.sample.clone(),
                    place: place.clone(),
                });
            }
        }
        // The first row that fits decides, so that the longest names come first.
        lists.values_mut().for_each(|rows| rows.sort_by_key(|row| std::cmp::Reverse(row.name.letters)));
        let vocabulary = Self { lists };
        match vocabulary.fault() {
            Some((place, message)) => Err(GrammarError::Invalid { path: place.file, line: place.line, message }),
            None => Ok(vocabulary),
        }
    }

    /// A row whose sample does not lead to it.
    fn fault(&self) -> Option<(Place, String)> {
        self.lists.iter().find_map(|(list, rows)| {
            rows.iter().find_map(|row| {
                let got = self.meaning(*list, &row.sample);
                let message = match got {
                    Some(meaning) if meaning == row.meaning => return None,
                    Some(other) => format!(
                        "the sample '{}' means '{other}' by a row with a longer name, not '{}'; give another sample or a longer name",
                        row.sample, row.meaning
                    ),
                    None => format!("no name of the row fits its sample '{}'; mend one of them", row.sample),
                };
                Some((row.place.clone(), message))
            })
        })
    }

    fn meaning(&self, list: List, text: &str) -> Option<&str> {
        self.lists.get(&list)?.iter().find(|row| row.name.fits(text)).map(|row| row.meaning.as_str())
    }

    /// Every name of a list without its stars, with its meaning, in the order of the files.
    #[must_use]
    pub fn names(&self, list: List) -> Vec<(String, &str)> {
        let mut rows: Vec<&Row> = self.lists.get(&list).into_iter().flatten().collect();
        rows.sort_by_key(|row| row.number);
        rows.into_iter().map(|row| (row.name.parts.concat(), row.meaning.as_str())).collect()
    }

    /// Every meaning of a list.
    pub fn meanings(&self, list: List) -> impl Iterator<Item = &str> {
        self.lists.get(&list).into_iter().flatten().map(|row| row.meaning.as_str())
    }

    /// What a function stands for in a list.
    #[must_use]
    pub fn function(&self, list: List, name: &str) -> Option<&str> {
        self.meaning(list, name.split_once('.').map_or(name, |(bare, _)| bare))
    }

    /// What a line, or a lock class, stands for in a list.
    #[must_use]
    pub fn text(&self, list: List, text: &str) -> Option<&str> {
        self.meaning(list, text)
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn stars_stand_for_any_text() {
        for (name, text, fits) in [
            ("down", "down", true),
            ("down", "down_read", false),
            ("down_*", "down_read", true),
            ("down_*", "down_", true),
            ("*_trylock", "down_trylock", true),
            ("*lock*", "unlocked", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
        ] {
            assert_eq!(Name::new(name).fits(text), fits, "{name} {text}");
        }
    }
}
