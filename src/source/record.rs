//! The records `kanalyze.blame/1` and `kanalyze.fixed/1`: plain data, made by [`super::page`] and [`super::fixed`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The schema name of [`BlamePage`].
pub const BLAME_SCHEMA: &str = "kanalyze.blame/1";
/// The schema name of [`Fixed`].
pub const FIXED_SCHEMA: &str = "kanalyze.fixed/1";

/// One report in the light of a tree: code, authors, fixes, people.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BlamePage {
    /// [`BLAME_SCHEMA`].
    pub schema: &'static str,
    /// The path of the log as the user gave it.
    pub log: String,
    /// Number of the report in its log, from 0; absent for a page about a commit.
    pub index: Option<usize>,
    /// 1-based line of the log where the report begins.
    pub line: Option<u64>,
    /// syzbot's title, or the commit's subject.
    pub title: String,
    /// The first frames of the stack that crashed, from the blamed one on: `function+0x1/0x2 file:line`.
    pub frames: Vec<String>,
    /// The tree.
    pub tree: TreeState,
    /// The commit at which the tree is read.
    pub base: Base,
    /// The places in the source, the blamed one first.
    pub places: Vec<Place>,
    /// Whether the bug is fixed, as far as the tree shows.
    pub fixed: Option<Fixed>,
    /// Whom to tell.
    pub people: Option<People>,
    /// What could not be determined, and why, in sentences.
    pub unknown: Vec<String>,
}

/// What a repository is and has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TreeState {
    /// Its folder.
    pub path: String,
    /// Whether it has no files checked out.
    pub bare: bool,
    /// Whether its history was cut when it was cloned.
    pub shallow: bool,
    /// Whether objects were left out when it was cloned.
    pub partial: bool,
    /// The commit that is checked out, or that HEAD names.
    pub head: String,
    /// When the newest commit of any branch was committed, `2026-11-26`.
    pub ends: Option<String>,
}

/// The commit at which a tree is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Base {
    /// Its id.
    pub commit: String,
    /// When it was committed, `2026-11-26`.
    pub date: String,
    /// When it was committed, seconds since 1970.
    pub committed: i64,
    /// How it was found.
    pub kind: BaseKind,
    /// The same in words: `the log's 6.12.0-00012-g0123456789ab`.
    pub words: String,
    /// What makes doubtful that the kernel was built from it, in sentences.
    pub doubts: Vec<String>,
}

/// How the commit of a log was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BaseKind {
    /// The user named it.
    Given,
    /// The release in the log ends in `-gHASH`.
    Release,
    /// The bundle or run folder in which the log lies.
    Bundle,
    /// The release of the vmlinux ends in `-gHASH`.
    Vmlinux,
    /// A tag of the release.
    Tag,
    /// Nothing: it is the tree's HEAD.
    Head,
}

/// What happened at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PlaceRole {
    /// It went wrong here.
    Blamed,
    /// The memory was allocated here.
    Allocated,
    /// The memory was freed here.
    Freed,
    /// The lock that is held was taken here.
    Holds,
    /// The task waits, or asks for a further lock, here.
    Waits,
    /// A frame of the stack.
    Called,
}

impl PlaceRole {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Blamed => "blamed",
            Self::Allocated => "allocated",
            Self::Freed => "freed",
            Self::Holds => "holds",
            Self::Waits => "waits",
            Self::Called => "called",
        }
    }
}

/// A line of the source that a log leads to.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Place {
    /// What happened there.
    pub role: PlaceRole,
    /// Whose place it is, where that is not the report's own task: `comm/pid`, or the class of a lock.
    pub of: Option<String>,
    /// The function, as the log names it.
    pub function: Option<String>,
    /// The file as the log writes it; absent when the function was looked for in the tree.
    pub said_file: Option<String>,
    /// The file in the tree.
    pub file: Option<String>,
    /// The line, from 1; absent when the log names none.
    pub line: Option<u32>,
    /// Functions that were inlined there, innermost first, folded: `function file:line`.
    pub inlined: Vec<String>,
    /// 1-based line of the log.
    pub log_line: Option<u64>,
    /// Lines of code around it; empty when `unknown` says why.
    pub code: Vec<CodeLine>,
    /// Who wrote the line.
    pub blame: Option<LineBlame>,
    /// The function around it.
    pub around: Option<FunctionBlame>,
    /// What could not be determined of this place, in sentences.
    pub unknown: Vec<String>,
}

/// A line of code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CodeLine {
    /// From 1.
    pub number: u32,
    /// Without its line end.
    pub text: String,
    /// Whether the log leads to it.
    pub marked: bool,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    /// Its id.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// The author's name, by the tree's mailmap.
    pub author: String,
    /// The author's address, by the tree's mailmap.
    pub mail: String,
    /// When it was written, `2026-11-26`.
    pub written: String,
    /// When it was committed, `2026-11-26`.
    pub date: String,
    /// When it was committed, seconds since 1970.
    pub committed: i64,
    /// Parents; two and more are a merge's.
    pub parents: Vec<String>,
    /// The `Fixes:` of its message, as written.
    pub fixes: Vec<String>,
}

/// Who wrote a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineBlame {
    /// The commit that made the line what it is.
    pub commit: Commit,
    /// The file at that commit, where it was another.
    pub file_then: Option<String>,
    /// The number of the line at that commit.
    pub line_then: u32,
    /// Whether the history of this clone ends at that commit, so that the line may be older.
    pub cut: bool,
}

impl LineBlame {
    /// Whether the commit says who wrote the line: not where a history ends or begins, which seems to have written everything.
    #[must_use]
    pub fn is_telling(&self) -> bool {
        !self.cut && !self.commit.parents.is_empty()
    }
}

/// Who wrote a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FunctionBlame {
    /// Its name.
    pub name: String,
    /// Its first line.
    pub first: u32,
    /// Its last line.
    pub last: u32,
    /// The newest commits that touched it up to the base, the newest first.
    pub touched: Vec<Commit>,
    /// Whole days between the newest of them and the base; absent where none is known.
    pub days_before: Option<i64>,
    /// Of commits between the last good and the first bad kernel those that touched it.
    pub in_range: Vec<Commit>,
}

/// Whether a bug is fixed, as far as a tree shows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Fixed {
    /// [`FIXED_SCHEMA`].
    pub schema: &'static str,
    /// What was looked for, in words.
    pub asked: Vec<String>,
    /// Whether a fix that was stated or is likely is in the tree, is not reverted and is not in the kernel that crashed.
    pub fixed: bool,
    /// What was found, the surest first.
    pub fixes: Vec<Fix>,
    /// When the newest commit that was looked at was committed, `2026-11-26`.
    pub ends: Option<String>,
    /// What could not be determined, in sentences.
    pub unknown: Vec<String>,
}

/// How sure it is that a commit fixes the bug, from weak to strong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FixGrade {
    /// It touches the function.
    Possible,
    /// It names the title, or fixes the commit that wrote the line.
    Likely,
    /// It names the bug.
    Stated,
}

impl FixGrade {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Stated => "stated",
        }
    }
}

/// A commit that may fix a bug.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fix {
    /// The commit.
    pub commit: Commit,
    /// How sure.
    pub grade: FixGrade,
    /// Why, in words.
    pub because: Vec<String>,
    /// The commit that reverts it, where that is not reverted itself.
    pub reverted: Option<Revert>,
    /// The first releases that have it, mainline's first; empty when none has.
    pub releases: Vec<String>,
    /// Branches that have it, where no release has.
    pub branches: Vec<String>,
    /// Copies of it in other branches (stable kernels), with their first releases.
    pub copies: Vec<Copied>,
    /// Whether the kernel that crashed has it already; absent when that kernel is not known.
    pub in_base: Option<bool>,
}

/// A copy of a commit in another branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Copied {
    /// Its id.
    pub commit: String,
    /// The first release that has it.
    pub release: Option<String>,
}

/// A commit that takes another back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Revert {
    /// Its id.
    pub commit: String,
    /// Its subject.
    pub subject: String,
}

/// Whom to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct People {
    /// The files that were asked about.
    pub files: Vec<String>,
    /// Who answered for the files.
    pub by: WhoSays,
    /// Maintainers first, then reviewers, those of the blamed commit, lists.
    pub people: Vec<Person>,
    /// `Cc:` lines as a mail wants them.
    pub cc: Vec<String>,
    /// What could not be determined, in sentences.
    pub unknown: Vec<String>,
}

/// Who read MAINTAINERS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhoSays {
    /// The tree's `scripts/get_maintainer.pl`.
    Script,
    /// kanalyze, from MAINTAINERS at the base.
    Kanalyze,
    /// Nobody: the tree has no MAINTAINERS.
    Nobody,
}

/// A person or a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    /// `Name <address>`, or the address alone.
    pub address: String,
    /// As `get_maintainer.pl` words it: `maintainer:SLAB ALLOCATOR`, `open list:SLAB ALLOCATOR`, `author of the blamed commit`.
    pub role: String,
    /// Whether it is a list.
    pub list: bool,
}
