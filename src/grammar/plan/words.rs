//! Words of the kernel by what they stand for: functions that are locks or waits, lock classes, beginnings of lines.
//!
//! One rule for all: `*` stands for any text, and of several rows that fit, the one with the most letters decides. A
//! function is looked up without its compiler suffixes (`.isra.0`, `.cold`).

use super::{Fault, Place};
use crate::line::Letters;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The lists of words. A row of another list is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// lock is not an argument.
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
    /// Functions that look for lockups, on the stack of whoever is locked up (`other-cpu` on somebody else's), or print
    /// stacks, on those that they print.
    Finders,
    /// Lines whose stack follows at once: its role (`report::ROLES`).
    StackTitles,
    /// Lines below which a stack of that role begins with a line of its own (`Call Trace:`).
    StackOwners,
    /// Lines of lockdep: the flavour of the report.
    LockdepFlavours,
    /// Beginnings of lines of reports, laid out when the program is built (`input::landmark`).
    ReportLines,
    /// Functions of the allocator and of what notes stacks for it; names differ from kernel to kernel while who called does not.
    Allocators,
    /// What the kernel says day by day, and no warning in its words.
    Chatter,
}

impl List {
    /// Whether a user's file may have rows of the list: it is read for reports, with the grammar that reads them. The others
    /// are asked where there is no grammar but the built-in one.
    fn is_open(self) -> bool {
        matches!(self, Self::LockdepFlavours | Self::Interrupts | Self::Finders | Self::StackTitles | Self::StackOwners)
    }
}

/// Words that stand for the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Word {
    /// Where they are looked up.
    pub list: List,
    /// What they stand for.
    pub meaning: String,
    /// The words; `*` is any text.
    pub names: Vec<String>,
    /// A word that one of the names fits and no longer name of another row.
    pub sample: String,
}

/// All words, by list.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Vocabulary {
    words: Vec<(Place, Word)>,
    lists: BTreeMap<List, Rows>,
}

/// The names of a list.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Rows {
    /// The longest first: the first that fits decides.
    rows: Vec<Row>,
    /// For each byte with which a name begins, which rows may fit a text that begins so, in order.
    by_first: BTreeMap<u8, Vec<usize>>,
    /// Those that may fit any other text: their names begin with a star.
    others: Vec<usize>,
    /// The bytes with which names begin, where none begins with a star: most lines begin with another.
    first: Option<Letters>,
}

impl Rows {
    fn arrange(&mut self) {
        self.rows.sort_by_key(|row| (std::cmp::Reverse(letters(&row.name)), row.number));
        let first = |row: &Row| row.name.bytes().next().filter(|_| row.stem > 0);
        let numbered = || self.rows.iter().map(first).enumerate();
        self.others = numbered().filter(|(_, byte)| byte.is_none()).map(|(number, _)| number).collect();
        let fitting = |first: u8| {
            let fits = numbered().filter(|(_, byte)| byte.is_none_or(|byte| byte == first));
            (first, fits.map(|(number, _)| number).collect())
        };
        self.by_first = numbered().filter_map(|(_, byte)| byte).map(fitting).collect();
        let first: Vec<u8> = self.by_first.keys().copied().collect();
        self.first = self.others.is_empty().then(|| Letters::of(&first));
    }

    /// The rows that may fit a text, as far as its first byte shows: most lines are not in a list.
    fn fitting(&self, text: &[u8]) -> &[usize] {
        text.first().and_then(|byte| self.by_first.get(byte)).unwrap_or(&self.others)
    }
}

/// Where the built-in files are.
const BUILT_IN: &str = "grammars/vocabulary/";

/// One name of one word.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    /// Its place among the names of its list as they are written.
    number: usize,
    /// Index of its word.
    word: usize,
    name: String,
    /// How much of the name is before its first star, bytes.
    stem: usize,
    /// How much of it is behind its last one.
    tail: usize,
    /// What it is spelled with besides stars.
    letters: Letters,
}

impl Row {
    fn new(number: usize, word: usize, name: &str) -> Self {
        let stem = name.find('*').unwrap_or(name.len());
        let tail = name.rfind('*').map_or(0, |star| name.len() - star - 1);
        let letters = Letters::of(name.replace('*', "").as_bytes());
        Self { number, word, name: name.to_owned(), stem, tail, letters }
    }

    /// Whether the name fits a text.
    fn fits(&self, text: &str) -> bool {
        let name = self.name.as_str();
        if self.stem == name.len() {
            return name == text;
        }
        let (stem, tail) = (&name[..self.stem], &name[name.len() - self.tail..]);
        // A name with one star has nothing between the first and the last.
        let between = name.get(self.stem + 1..name.len() - self.tail - 1).unwrap_or_default();
        text.len() >= self.stem + self.tail
            && text.starts_with(stem)
            && text.ends_with(tail)
            && (between.is_empty() || holds_in_order(between, &text.as_bytes()[self.stem..text.len() - self.tail]))
    }
}

/// Whether a text holds the parts of a name between its stars, one behind the other.
fn holds_in_order(parts: &str, text: &[u8]) -> bool {
    let mut rest = text;
    parts.split('*').filter(|part| !part.is_empty()).all(|part| {
        // Lines are short: making a searcher for each part would take longer than the search.
        let (first, behind) = (part.as_bytes()[0], &part.as_bytes()[1..]);
        let found = memchr::memchr_iter(first, rest).find(|at| rest[at + 1..].starts_with(behind));
        rest = found.map_or(&[], |at| &rest[at + part.len()..]);
        found.is_some()
    })
}

impl Vocabulary {
    /// Takes a file's words.
    ///
    /// # Errors
    /// A word of a list that only the built-in files may have.
    pub(super) fn add(&mut self, words: impl Iterator<Item = (Place, Word)>) -> Result<(), Fault> {
        for (place, word) in words {
            if !word.list.is_open() && !place.file.starts_with(BUILT_IN) {
                let message = "the words of this list are built in; a row of your own may be of lockdep-flavours, \
                               stack-titles, stack-owners, interrupts or finders, others belong into grammars/vocabulary of kanalyze itself";
                return Err(Fault { place, message: message.to_owned() });
            }
            let rows = &mut self.lists.entry(word.list).or_default().rows;
            for name in &word.names {
                rows.push(Row::new(rows.len(), self.words.len(), name));
            }
            self.words.push((place, word));
        }
        Ok(())
    }

    /// Puts the names into the order in which they are tried.
    pub(super) fn arrange(&mut self) {
        self.lists.values_mut().for_each(Rows::arrange);
    }

    /// A row whose sample does not lead to it.
    ///
    /// # Errors
    /// What is wrong with the first one, and what to do.
    pub(super) fn check(&self) -> Result<(), Fault> {
        for (place, word) in &self.words {
            let message = match self.meaning(word.list, &word.sample) {
                Some(meaning) if meaning == word.meaning => continue,
                Some(other) => format!(
                    "the sample '{}' means '{other}' by a row with a longer name, not '{}'; give another sample or a longer name",
                    word.sample, word.meaning
                ),
                None => format!("no name of the row fits its sample '{}'; mend one of them", word.sample),
            };
            return Err(Fault { place: place.clone(), message });
        }
        Ok(())
    }

    fn meaning(&self, list: List, text: &str) -> Option<&str> {
        let rows = self.lists.get(&list)?;
        let found = rows.fitting(text.as_bytes()).iter().map(|number| &rows.rows[*number]).find(|row| row.fits(text));
        found.map(|row| self.meaning_of(row))
    }

    fn meaning_of(&self, row: &Row) -> &str {
        self.words.get(row.word).map_or("", |(_, word)| word.meaning.as_str())
    }

    /// Every name of a list without its stars, with its meaning, in the order of the files.
    #[must_use]
    pub fn names(&self, list: List) -> Vec<(String, &str)> {
        let mut rows: Vec<&Row> = self.lists.get(&list).into_iter().flat_map(|rows| &rows.rows).collect();
        rows.sort_by_key(|row| row.number);
        rows.into_iter().map(|row| (row.name.replace('*', ""), self.meaning_of(row))).collect()
    }

    /// Every meaning of a list.
    pub fn meanings(&self, list: List) -> impl Iterator<Item = &str> {
        self.lists.get(&list).into_iter().flat_map(|rows| &rows.rows).map(|row| self.meaning_of(row))
    }

    /// What a function stands for in a list.
    #[must_use]
    pub fn function(&self, list: List, name: &str) -> Option<&str> {
        self.meaning(list, bare_function(name))
    }

    /// What a line, or a lock class, stands for in a list.
    #[must_use]
    pub fn text(&self, list: List, text: &str) -> Option<&str> {
        self.meaning(list, text)
    }

    /// The same of a line of any bytes, or of a part of it, which is spelled with `letters`: they forbid nearly all rows.
    #[must_use]
    pub(crate) fn line(&self, list: List, line: &[u8], letters: Letters) -> Option<&str> {
        let rows = self.lists.get(&list)?;
        let begin = Letters::of(&line[..line.len().min(1)]);
        rows.first.is_none_or(|first| first.may_hold(begin)).then_some(())?;
        let numbers = rows.fitting(line).iter();
        let mut possible =
            numbers.map(|number| &rows.rows[*number]).filter(|row| letters.may_hold(row.letters)).peekable();
        possible.peek()?;
        let text = String::from_utf8_lossy(line);
        possible.find(|row| row.fits(&text)).map(|row| self.meaning_of(row))
    }
}

/// A function without its compiler suffixes. `.name` is the code of a function: so 64-bit PowerPC named it while functions had
/// descriptors.
#[must_use]
pub fn bare_function(name: &str) -> &str {
    let name = name.strip_prefix('.').filter(|rest| !rest.is_empty()).unwrap_or(name);
    name.split_once('.').map_or(name, |(bare, _)| bare)
}

/// How many characters of a name are not stars.
fn letters(name: &str) -> usize {
    name.len() - name.matches('*').count()
}

#[cfg(test)]
mod tests {
    use super::{List, Place, Row, Vocabulary, Word};
    use crate::line::Letters;

    #[test]
    fn stars_stand_for_any_text() {
        for (name, text, expected) in [
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
            assert_eq!(Row::new(0, 0, name).fits(text), expected, "{name} {text}");
        }
    }

    #[test]
    fn letters_forbid_no_row_that_fits() {
        let mut words = Vocabulary::default();
        let row = |meaning: &str, names: &[&str]| Word {
            list: List::StackTitles,
            meaning: meaning.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            sample: String::new(),
        };
        let rows = [row("one", &["*ab*c", "cab*"]), row("other", &["*ba", "b*"])];
        let place = Place { file: "own.toml".to_owned(), line: 1 };
        assert!(words.add(rows.into_iter().map(|row| (place.clone(), row))).is_ok());
        words.arrange();
        let few = ["a", "b", "c", "[", "\u{1b}"];
        for number in 0..few.len().pow(5) {
            let text: String = (0..5).map(|place| few[number / few.len().pow(place) % few.len()]).collect();
            let found = words.line(List::StackTitles, text.as_bytes(), Letters::of(text.as_bytes()));
            assert_eq!(found, words.text(List::StackTitles, &text), "{text}");
        }
    }
}
