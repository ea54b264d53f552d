//! The grammar files as they are written. What is compiled from an entry has a type of the same name in `grammar` itself, whose
//! documentation says why there are two.

pub use super::samples::Samples;
pub use super::steps::{Frames, Step};
use super::words::Word;
use super::{steps, texts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::Spanned;

/// One grammar file; every table is optional and files add up.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// What the entries of this file have in common.
    pub defaults: Defaults,
    /// Ways to the function of a title, by name.
    pub recipe: Vec<Recipe>,
    /// Texts that open a crash, in the order in which they are tried.
    pub header: Vec<Spanned<Header>>,
    /// Forms of crashes below a header.
    pub kind: Vec<Spanned<Kind>>,
    /// Notable lines that are not crashes.
    pub event: Vec<Spanned<Event>>,
    /// Function names that no title uses.
    pub skip: Vec<Skip>,
    /// Functions at which the stall chooser stops.
    pub anchors: Skip,
    /// What the hung chooser passes over and takes.
    pub hung: Hung,
    /// Prefixes of system calls.
    pub syscalls: Syscalls,
    /// Rules about the output around a report.
    pub output: Output,
    /// Rules about source files.
    pub blame: Blame,
    /// Types by the beginning of the title.
    pub r#type: Vec<TypeRow>,
    /// Words and what they stand for.
    pub word: Vec<Spanned<Word>>,
}

/// What the entries of a file have in common; an entry's own word comes first.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// How bad it is.
    pub severity: Option<Severity>,
    /// What to do about it.
    pub advice: String,
}

/// How bad a report or an event is, from worst to harmless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The machine is gone.
    Panic,
    /// The kernel did something wrong that it cannot undo: an oops, memory corruption.
    Crash,
    /// Somebody waits without end.
    Hang,
    /// Memory or a reference is lost.
    Leak,
    /// Something failed, and the kernel went on.
    Error,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// Whether it is worth a line of its own before a crash.
    #[must_use]
    pub fn is_severe(self) -> bool {
        matches!(self, Self::Panic | Self::Crash | Self::Hang | Self::Error)
    }

    /// The word of the grammar files and of JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Leak => "leak",
            Self::Error => "error",
            Self::Note => "note",
        }
    }
}

/// A way to the function of a title that several kinds share.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name for `frames =`.
    pub name: String,
    /// The steps.
    #[serde(deserialize_with = "steps::steps")]
    pub frames: Vec<Step>,
    /// A second try when the first fails.
    #[serde(default, deserialize_with = "steps::steps")]
    pub otherwise: Vec<Step>,
}

/// A text that opens a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Name for `header =`.
    pub id: String,
    /// The text, matched literally; of several, any.
    #[serde(deserialize_with = "texts::one_or_several")]
    pub text: Vec<String>,
    /// Pattern that a line with the text must match besides.
    pub only: Option<String>,
    /// Patterns of lines that are not crashes although they contain the text.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether programs of a test machine write it on the console, too.
    #[serde(default)]
    pub programs: bool,
    /// Patterns of lines that belong to the report above and open none, unless there is no report above.
    #[serde(default)]
    pub part: Vec<String>,
    /// Headers whose reports a line of this one carries on, where it stands close below.
    #[serde(default)]
    pub carries_on: Vec<String>,
    /// Headers of which one close below makes a line of this one the beginning of that report.
    #[serde(default)]
    pub introduces: Vec<String>,
    /// Whether only the last line of a log opens a report here: it says that one begins, and not which.
    #[serde(default)]
    pub ends_log: bool,
    /// Whether syzbot opens a report here.
    #[serde(default = "yes")]
    pub syzbot: bool,
    /// How bad a report is that no kind below it fits.
    pub severity: Option<Severity>,
}

fn yes() -> bool {
    true
}

/// A form of crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Unique name.
    pub id: String,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
    /// What to do about it.
    #[serde(default)]
    pub advice: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Id of its header.
    pub header: String,
    /// Only tried when no other kind of the header fits.
    #[serde(default)]
    pub fallback: bool,
    /// Id of a kind of the same header that is tried before.
    pub after: Option<String>,
    /// Pattern by which the form is recognised.
    pub gate: String,
    /// Pattern that gives the title, when that is another one.
    pub body: Option<String>,
    /// Pattern of what follows the gate at once: together they give the title.
    #[serde(default)]
    pub then: String,
    /// Patterns of lines below that, each with lines between allowed.
    #[serde(default)]
    pub below: Vec<String>,
    /// Title template.
    pub title: String,
    /// Title template where no function was found.
    pub nameless: Option<String>,
    /// Templates of alternative titles.
    #[serde(default)]
    pub alt: Vec<String>,
    /// How the function is found.
    #[serde(default, deserialize_with = "steps::frames")]
    pub frames: Frames,
    /// Function names to pass over, besides those of all kinds.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Which of the found functions is named.
    #[serde(default)]
    pub choose: Choice,
    /// No stack is expected, so its absence is not damage.
    #[serde(default)]
    pub stackless: bool,
    /// The form only shows when something is missing.
    #[serde(default)]
    pub damaged: bool,
    /// Its words are common ones, which other programs and people write, too: it is found only where lines of a kernel, of a report or of
    /// a program that dies stand around it.
    #[serde(default)]
    pub common: bool,
    /// The report is about what an interrupt broke into, so the file to blame is below it.
    #[serde(default)]
    pub interrupted: bool,
    /// Ids of kinds and headers whose reports, later in the same boot, are consequences of this one.
    #[serde(default)]
    pub causes: Vec<String>,
    /// The same, but only close below.
    #[serde(default)]
    pub causes_at_once: Vec<String>,
    /// Short reports that hit it, with their title.
    #[serde(default)]
    pub samples: Samples,
}

/// A notable line that is not a crash.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique name.
    pub id: String,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
    /// What to do about it.
    #[serde(default)]
    pub advice: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Text that its lines contain; of several, any. Without one, the longest text that the pattern demands.
    #[serde(default, deserialize_with = "texts::one_or_several")]
    pub trigger: Vec<String>,
    /// Pattern of the line; named groups become fields.
    #[serde(default)]
    pub pattern: String,
    /// Title template.
    pub title: String,
    /// Pattern of the lines below that belong to it as rows (OOM tables, trace lines).
    pub rows: Option<String>,
    /// Whether stacks and lock lists below belong to it.
    #[serde(default)]
    pub structure: bool,
    /// Whether what is below it says nothing of other tasks and of locks, so that of many the number is enough.
    #[serde(default)]
    pub countable: bool,
    /// Whether a warning says it: `WARN(…, "…")`. Other events between a warning's mark and its place are others' lines.
    #[serde(default)]
    pub warns: bool,
    /// What the analysis of locks makes of it.
    pub role: Option<Role>,
    /// Makes it a crash, as the built-in kinds are.
    #[serde(default)]
    pub crash: bool,
    /// Values of a named group and what they mean: `{meaning}` in the title.
    #[serde(default)]
    pub meanings: Meanings,
    /// Lines that hit it, with their title.
    #[serde(default)]
    pub samples: Samples,
}

impl Event {
    /// Whether the analysis of locks may have a use for it: for itself, or for what is below it.
    pub(crate) fn tells_of_locks(&self) -> bool {
        self.structure || self.rows.is_some() || self.role.is_some() || traces_locks(&self.pattern)
    }
}

/// Whether a line with this pattern says that a task takes or releases a lock.
pub(crate) fn traces_locks(pattern: &str) -> bool {
    pattern.contains("(?P<lock>") && pattern.contains("(?P<action>")
}

/// What an event is to the analysis of locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// From here on the kernel reports no hung task.
    HungTasksSuppressed,
    /// From here on there are no lists of held locks.
    LockdepOff,
    /// A list of the locks of all tasks begins.
    LockList,
    /// Somebody asked for a dump; the field `name` says which.
    Sysrq,
}

/// What the values of a group mean.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Meanings {
    /// The group.
    pub of: String,
    /// Value → meaning.
    pub values: BTreeMap<String, String>,
    /// Meaning of a value that the list does not have.
    pub other: String,
}

impl Meanings {
    /// What a value means.
    #[must_use]
    pub fn tell(&self, value: &str) -> &str {
        self.values.get(value).unwrap_or(&self.other)
    }
}

/// Which function of a stack is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// The first one.
    #[default]
    First,
    /// The last one before a function that many tasks run through.
    Stall,
    /// The first one that is not about waiting.
    Hung,
}

/// Function names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Skip {
    /// Patterns; a match anywhere in the name counts.
    pub patterns: Vec<String>,
}

/// How the function of a hung task is chosen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hung {
    /// Names that are passed over; a match anywhere in the name counts.
    pub patterns: Vec<String>,
    /// Names that are taken before any other.
    pub at_once: Vec<AtOnce>,
}

/// A name that is taken before any other.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AtOnce {
    /// A text that the name contains.
    pub part: String,
    /// What the title says instead of the name.
    pub r#as: Option<String>,
}

/// System calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syscalls {
    /// What the kernel puts before the name of a call.
    pub prefixes: Vec<String>,
}

/// Rules about the output around a report.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Patterns of lines which say that a report is a side effect.
    pub suppressed: Vec<String>,
    /// Texts that say that the kernel panicked.
    pub panicked: Vec<String>,
    /// Texts that say that the console was cut off.
    pub disconnected: Vec<String>,
    /// Texts on the line after a line that will be printed again.
    pub replayed: Vec<String>,
    /// A line with one of these continues a report although it has a header.
    pub never_second: Vec<String>,
    /// A line with one of these ends a report although it has no header.
    pub always_second: Vec<String>,
    /// Patterns of panics that follow from the report before them, by their own words.
    pub follows: Vec<String>,
    /// The same, if the report before them is an oops.
    pub follows_oops: Vec<String>,
    /// The same, if the report before them is init's.
    pub follows_init: Vec<String>,
    /// Lines that end a long report (see `grammars/output.toml`).
    pub ends: Vec<String>,
    /// Lines of no interest inside a report.
    pub noise: Vec<String>,
    /// What a report's first line says, and the header below that only goes on with it.
    pub goes_on: Vec<[String; 2]>,
    /// What a first line says of a fault: drivers speak of their devices below.
    pub faults: Vec<String>,
    /// What a failed check says of what it found, in small letters; a neighbour seldom does just then.
    pub findings: Vec<String>,
    /// What a first line says of a table that is full.
    pub limits: Vec<String>,
}

/// Rules about source files.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blame {
    /// Globs of files that are never to blame: `*` any text, `?` one character, matched at the beginning of the path.
    pub ignored_files: Vec<String>,
    /// Patterns of lines whose files do not count.
    pub ignored_lines: Vec<String>,
}

/// A type of the vocabulary.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRow {
    /// The type; may be empty.
    pub name: String,
    /// Beginnings of titles; of several that fit, the longest decides.
    pub titles: Vec<String>,
}
