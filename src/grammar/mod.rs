//! Report kinds as data: TOML files, checked and compiled into matchers.
//!
//! The built-in files live in `grammars/`; a user's own file goes the same road ([`Grammar::with_files`]). A grammar file
//! holds headers (texts that open a crash), kinds (forms of crashes below a header), events (notable lines that are not
//! crashes), and the name lists by which a title's function is chosen.
//!
//! An entry has two types on purpose: [`source`] holds it as it is written, and is what the build script reads, checks and leaves
//! in the program; the type here holds it as it is used, and cannot be read from a file: patterns in place of their texts, steps in
//! place of the name of a recipe, indexes in place of ids, one pattern in place of `gate`, `then` and `below`, and a severity where
//! none was written. The build script could compile none of that without the library that it builds.

mod anchor;
mod automata;
mod check;
mod compile;
mod cost;
mod error;
mod flavour;
mod laid_out;
mod load;
mod names;
mod pattern;
mod plan;
mod scan;
mod search;
#[cfg(feature = "schema")]
mod severity;
mod template;
mod words;

pub use anchor::{Anchor, Candidate};
pub use check::{Complaint, complaints};
pub use cost::{Cost, Searched, costs};
pub use error::GrammarError;
pub use flavour::Flavour;
pub use names::NameSet;
pub use pattern::{Match, Pattern};
pub use plan::Place;
pub use plan::expression::ExpressionError;
pub use plan::samples::Sample;
pub use plan::sought::Events;
pub use plan::source::{self, Choice, Role, Severity};
pub use plan::steps::PlainStep;
pub use plan::words::{List, Vocabulary, bare_function};
pub use scan::{Gaps, PIECE, Room, Scanner, line_breaks, piece_end};
pub use search::Texts;
pub use template::{fill, placeholders};

use std::sync::{Arc, OnceLock};

/// How far below a report's first line a line may belong to it that would else open a report of its own, bytes.
pub const CLOSE: usize = 2 << 10;

/// Everything that the engine knows about kinds of reports.
#[derive(Debug)]
pub struct Grammar {
    /// In the order in which they are tried: syzbot's, those of this grammar, a user's.
    pub headers: Vec<Header>,
    /// Kinds by header (index into `headers`), in the order in which they are tried.
    pub kinds: Vec<Vec<Kind>>,
    /// Events, in the order of the files.
    pub events: Vec<Event>,
    /// Rules for function names.
    pub names: Names,
    /// Rules for the output around a report.
    pub output: Output,
    /// Rules for source files.
    pub blame: Blame,
    /// Types by the beginning of a title, the longest beginnings first.
    pub types: Vec<(String, String)>,
    /// Words and what they stand for.
    pub vocabulary: Vocabulary,
    /// The files of the user's, as their paths were given; empty for the built-in grammar.
    pub own_files: Vec<String>,
    /// What is in these files.
    own_texts: Vec<String>,
    /// The texts that a scanner looks for.
    sought: Vec<plan::sought::Sought>,
    /// The searches that were asked for: making one costs more than reading a small log.
    scanners: [OnceLock<Arc<Scanner>>; plan::sought::Variant::COUNT],
}

/// A text that opens a crash.
#[derive(Debug)]
pub struct Header {
    /// Its name in the grammar.
    pub id: String,
    /// The texts, each of which is enough.
    pub texts: Vec<String>,
    /// What the line must match besides.
    pub only: Option<Pattern>,
    /// Lines that are not crashes although they contain the text.
    pub unless: Vec<Pattern>,
    /// Whether programs of a test machine write it on the console, too.
    pub programs: bool,
    /// Lines that belong to the report above, if there is one.
    pub part: Vec<Pattern>,
    /// Indexes of the headers whose reports a line of this one carries on, where it stands close below.
    pub carries_on: Vec<usize>,
    /// Indexes of the headers of which one close below makes a line of this one the beginning of that report.
    pub introduces: Vec<usize>,
    /// Whether only the last line of a log opens a report here.
    pub ends_log: bool,
    /// Whether syzbot opens a report here.
    pub syzbot: bool,
    /// How bad a report is that no kind fits.
    pub severity: Severity,
    /// Where it is written.
    pub place: Place,
}

impl Header {
    /// The one of its texts that stands in `line`, if any does.
    #[must_use]
    pub fn text_in(&self, line: &[u8]) -> Option<&str> {
        first_in(&self.texts, line)
    }
}

/// The first of the texts that stands in `line`.
fn first_in<'t>(texts: &'t [String], line: &[u8]) -> Option<&'t str> {
    texts.iter().map(String::as_str).find(|text| crate::line::find(line, text).is_some())
}

/// A form of crash below a header.
#[derive(Debug)]
pub struct Kind {
    /// Its name: what [`crate::report::Report::kind`] says.
    pub id: String,
    /// What it is, in a few words.
    pub about: String,
    /// What to do about it.
    pub advice: String,
    /// How bad it is.
    pub severity: Severity,
    /// By which the form is recognised.
    pub gate: Pattern,
    /// Gives the title, if that is not the gate.
    pub body: Option<Pattern>,
    /// Whether `body` is the gate and more behind it, so that no match of it begins before one of the gate.
    pub(crate) goes_on: bool,
    /// Title.
    pub title: String,
    /// Title where no function was found.
    pub nameless: Option<String>,
    /// Alternative titles.
    pub alt: Vec<String>,
    /// How the function is found.
    pub frames: Vec<Step>,
    /// The second try.
    pub frames_otherwise: Vec<Step>,
    /// Names to pass over, besides [`Names::skip`].
    pub skip: Option<NameSet>,
    /// Which name is taken.
    pub choose: Choice,
    /// No stack is expected.
    pub stackless: bool,
    /// Always damaged.
    pub damaged: bool,
    /// Found only where lines of a kernel, of a report or of a program that dies stand around it.
    pub common: bool,
    /// The report is about what an interrupt broke into.
    pub interrupted: bool,
    /// Ids of kinds and headers whose reports, later in the same boot, are consequences of this one.
    pub causes: Vec<String>,
    /// The same, but only within [`CLOSE`].
    pub causes_at_once: Vec<String>,
    /// Texts that it must recognise.
    pub samples: source::Samples,
    /// Where it is written: file and 1-based line.
    pub place: Place,
}

/// One step on the way to the function of a title.
#[derive(Debug)]
pub enum Step {
    /// Go to the next line with the pattern and collect its function.
    Line(Pattern),
    /// Go to the next line with the pattern, which is a landmark.
    Mark(Pattern),
    /// A step without a pattern.
    Plain(PlainStep),
}

/// A notable line that is not a crash.
#[derive(Debug)]
pub struct Event {
    /// Its name.
    pub id: String,
    /// What it is, in a few words.
    pub about: String,
    /// What to do about it.
    pub advice: String,
    /// How bad it is.
    pub severity: Severity,
    /// Texts of which its lines contain one.
    pub triggers: Vec<String>,
    /// Pattern of the line.
    pub pattern: Pattern,
    /// Title template.
    pub title: String,
    /// Pattern of rows below.
    pub rows: Option<Pattern>,
    /// Whether stacks and lock lists below belong to it.
    pub structure: bool,
    /// Whether what is below it says nothing of other tasks and of locks.
    pub alone: bool,
    /// Whether a warning says it.
    pub warns: bool,
    /// What the analysis of locks makes of it.
    pub role: Option<Role>,
    /// What the values of a group mean.
    pub meanings: source::Meanings,
    /// Texts that it must recognise.
    pub samples: source::Samples,
    /// Whether it may only be counted, once somebody asked.
    countable: OnceLock<bool>,
    /// Where it is written.
    pub place: Place,
}

impl Event {
    /// The one of its triggers that stands in `line`, if any does.
    #[must_use]
    pub fn text_in(&self, line: &[u8]) -> Option<&str> {
        first_in(&self.triggers, line)
    }

    /// Whether one of many of its lines need only be counted: the line is all that it is, or what is below says nothing of
    /// others, and the analysis of locks has no use for it.
    #[must_use]
    pub fn is_countable(&self) -> bool {
        *self.countable.get_or_init(|| {
            let tells = self.role.is_some() || source::traces_locks(self.pattern.source());
            (self.is_one_line() || self.alone) && !tells
        })
    }

    /// Whether its first line is all that it is.
    #[must_use]
    pub fn is_one_line(&self) -> bool {
        !self.structure && self.rows.is_none()
    }
}

/// Rules for function names.
#[derive(Debug)]
pub struct Names {
    /// Names that no title uses.
    pub skip: NameSet,
    /// Where the stall chooser stops.
    pub anchors: NameSet,
    /// What the hung chooser passes over.
    pub hung: NameSet,
    /// What the hung chooser takes before any other.
    pub hung_at_once: Vec<source::AtOnce>,
    /// Prefixes of system calls.
    pub prefixes: Vec<String>,
}

/// Rules for the output around a report; texts are literal, patterns are not.
#[derive(Debug)]
pub struct Output {
    /// Side effects.
    pub suppressed: Vec<Pattern>,
    /// Panics.
    pub panicked: Vec<String>,
    /// A cut console.
    pub disconnected: Vec<String>,
    /// Marks of a line that will be printed again.
    pub replayed: Vec<String>,
    /// Headers that continue a report.
    pub never_second: Vec<String>,
    /// Lines without a header that end a report.
    pub always_second: Vec<String>,
    /// Panics that follow from the report before them, by their own words.
    pub follows: Pattern,
    /// The same, if the report before them is an oops.
    pub follows_oops: Pattern,
    /// The same, if the report before them is init's.
    pub follows_init: Pattern,
    /// Lines that end a long report.
    pub ends: Pattern,
    /// Lines of no interest.
    pub noise: Pattern,
    /// What a report's first line says, and the header below that only goes on with it.
    pub goes_on: Vec<[String; 2]>,
    /// What a first line says of a fault.
    pub faults: Vec<String>,
    /// What a failed check says of what it found, in small letters.
    pub findings: Vec<String>,
    /// What a first line says of a table that is full.
    pub limits: Vec<String>,
}

/// Rules for source files.
#[derive(Debug)]
pub struct Blame {
    /// Files that are never to blame.
    pub ignored_files: NameSet,
    /// Lines whose files do not count.
    pub ignored_lines: Pattern,
}

impl Grammar {
    /// The grammar that the program carries.
    ///
    /// # Panics
    /// Never in a tested build: a test checks the built-in files.
    #[must_use]
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: OnceLock<Arc<Grammar>> = OnceLock::new();
        BUILT_IN.get_or_init(|| Arc::new(load::built_in().expect("a test checks the built-in grammars"))).clone()
    }

    /// The built-in grammar and files of the user's.
    ///
    /// # Errors
    /// A file that cannot be read, is not a valid grammar, or has a kind without a sample that hits it.
    pub fn with_files(paths: &[std::path::PathBuf]) -> Result<Arc<Self>, GrammarError> {
        if paths.is_empty() { Ok(Self::built_in()) } else { load::with_files(paths).map(Arc::new) }
    }

    /// The search for crashes, for `events`, and for what a log says is missing (`gaps`) if asked for; see [`Scanner::new`].
    #[must_use]
    pub fn scanner(&self, events: Events, gaps: bool, as_syzbot: bool) -> Arc<Scanner> {
        let variant = plan::sought::Variant { events, gaps, as_syzbot };
        self.scanners[variant.number()].get_or_init(|| Arc::new(Scanner::new(self, events, gaps, as_syzbot))).clone()
    }

    /// The type of a title.
    #[must_use]
    pub fn type_of(&self, title: &str) -> &str {
        self.types.iter().find(|(beginning, _)| title.starts_with(beginning.as_str())).map_or("", |(_, name)| name)
    }

    /// The severity of a report by its header (index) and kind id.
    #[must_use]
    pub fn severity_of(&self, header: usize, kind: &str) -> Severity {
        let known = self.kinds[header].iter().find(|known| known.id == kind);
        known.map_or(self.headers[header].severity, |known| known.severity)
    }

    /// Whether a report of `kind` below the header `header` (ids) that begins `distance` bytes below one of the kind
    /// `cause` is its consequence.
    #[must_use]
    pub fn is_consequence(&self, cause: &str, kind: &str, header: &str, distance: u64) -> bool {
        let holds = |list: &[String]| list.iter().any(|caused| caused == kind || caused == header);
        let known = self.all_kinds().find(|(_, known)| known.id == cause);
        known.is_some_and(|(_, known)| {
            holds(&known.causes) || (distance <= CLOSE as u64 && holds(&known.causes_at_once))
        })
    }

    /// What it was made of: the built-in grammar as the build left it, and the texts of the user's files.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        std::iter::once(load::BUILT_IN).chain(self.own_texts.iter().map(String::as_bytes))
    }

    /// The kinds of all headers, in order.
    pub fn all_kinds(&self) -> impl Iterator<Item = (&Header, &Kind)> {
        self.headers.iter().zip(&self.kinds).flat_map(|(header, kinds)| kinds.iter().map(move |kind| (header, kind)))
    }
}
