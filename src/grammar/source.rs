//! The grammar files as they are written.

use serde::Deserialize;
use toml::Spanned;

/// One grammar file; every table is optional and files add up.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// Texts that open a crash.
    pub header: Vec<Header>,
    /// Forms of crashes below a header.
    pub kind: Vec<Spanned<Kind>>,
    /// Notable lines that are no crash.
    pub event: Vec<Spanned<Event>>,
    /// Function names that no title uses.
    pub skip: Vec<Skip>,
    /// Functions at which the stall chooser stops.
    pub anchors: Skip,
    /// Names that the hung chooser passes over.
    pub hung: Skip,
    /// Prefixes of system calls.
    pub syscalls: Syscalls,
    /// Rules about the output around a report.
    pub output: Output,
    /// Rules about source files.
    pub blame: Blame,
    /// Types by the beginning of the title.
    pub r#type: Vec<TypeRow>,
}

/// A text that opens a crash.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Name for `header =`.
    pub id: String,
    /// Lower ranks are tried first.
    pub rank: u32,
    /// The text, matched literally.
    pub text: String,
    /// Patterns of lines that are no crash although they contain the text.
    #[serde(default)]
    pub unless: Vec<String>,
    /// Whether programs of a test machine write it on the console, too.
    #[serde(default)]
    pub programs: bool,
}

/// A form of crash.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Unique name.
    pub id: String,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
    /// Id of its header.
    pub header: String,
    /// Order among the kinds of one header.
    pub rank: u32,
    /// Pattern that tells the form.
    pub gate: String,
    /// Pattern that gives the title, when that is another one.
    pub body: Option<String>,
    /// Title template.
    pub title: String,
    /// Templates of alternative titles.
    #[serde(default)]
    pub alt: Vec<String>,
    /// How the function is found.
    #[serde(default)]
    pub frames: Vec<Step>,
    /// A second try when the first fails.
    #[serde(default)]
    pub frames_otherwise: Vec<Step>,
    /// Function names to pass over, besides those of all kinds.
    #[serde(default)]
    pub skip: Vec<String>,
    /// Which of the found functions is named.
    #[serde(default)]
    pub choose: Choice,
    /// No stack is expected, so its absence is no damage.
    #[serde(default)]
    pub stackless: bool,
    /// The form only shows when something is missing.
    #[serde(default)]
    pub damaged: bool,
    /// The report is about what an interrupt broke into, so the file to blame is below it.
    #[serde(default)]
    pub interrupted: bool,
    /// Short reports that hit it, with their title.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// A notable line that is no crash.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Unique name.
    pub id: String,
    /// What it is, in a few words.
    #[serde(default)]
    pub about: String,
    /// Text that its lines contain.
    pub trigger: String,
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
    /// Makes it a crash, as the built-in kinds are.
    #[serde(default)]
    pub crash: bool,
    /// Lines that hit it, with their title.
    #[serde(default)]
    pub samples: Vec<Sample>,
}

/// A text that a grammar entry must recognise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// The text of a log.
    pub log: String,
    /// The title that it must get.
    pub title: String,
}

/// One step on the way to the function that a title names.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// Go to the next line that contains the pattern; collect its function.
    Line {
        /// Pattern.
        line: String,
    },
    /// Go to the next line that contains the pattern; a landmark, never a function.
    Mark {
        /// Pattern.
        mark: String,
    },
    /// A step without a pattern.
    Plain(PlainStep),
}

/// Steps without a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlainStep {
    /// The next line with an instruction pointer.
    Rip,
    /// The same, or PowerPC's `--- interrupt:` line.
    RipOrInterrupt,
    /// The next `Call Trace:` or `Backtrace:` line.
    Trace,
    /// Frames, until the stack ends.
    Stack,
}

/// Which function of a stack is named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
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

/// System calls.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syscalls {
    /// What the kernel puts before the name of a call.
    pub prefixes: Vec<String>,
}

/// Rules about the output around a report.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// Patterns of lines which tell that a report is a side effect.
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
    /// The same, if the report before them is init's.
    pub follows_init: Vec<String>,
    /// Lines that end a long report (see `grammars/output.toml`).
    pub ends: Vec<String>,
    /// Lines of no interest inside a report.
    pub noise: Vec<String>,
    /// Short texts that several of the others contain: the search over all bytes is faster with fewer.
    pub find: Vec<String>,
}

/// Rules about source files.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Blame {
    /// Globs of files that are never to blame: `*` any text, `?` one character, matched at the beginning of the path.
    pub ignored_files: Vec<String>,
    /// Patterns of lines whose files do not count.
    pub ignored_lines: Vec<String>,
}

/// A type of the vocabulary.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeRow {
    /// The type; may be empty.
    pub name: String,
    /// Lower ranks are tried first.
    pub rank: u32,
    /// Beginnings of titles.
    pub titles: Vec<String>,
}
