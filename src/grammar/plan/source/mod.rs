//! The grammar files as they are written. What is compiled from an entry has a type of the same name in `grammar` itself, whose
//! documentation says why there are two.

mod event;
mod rules;

pub use super::samples::Samples;
pub use super::steps::{Frames, Step};
use super::words::Word;
use super::{steps, texts};
pub(crate) use event::traces_locks;
pub use event::{Event, Meanings, Role};
pub use rules::{AtOnce, Blame, Hung, Output, Skip, Syscalls, TypeRow};
use serde::{Deserialize, Serialize};
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
