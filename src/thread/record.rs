//! The record that others script against: `kanalyze.thread/1`, one per thread.

use super::command::Command;
use super::contents::Finding;
use super::message::{Attachment, Person};
use super::notice::Notice;
use super::patch::{Patch, Posting};
use super::queue::Queued;
use super::trailer::Trailer;
use schemars::JsonSchema;
use serde::Serialize;

/// The schema name of [`Thread`].
pub const THREAD_SCHEMA: &str = "kanalyze.thread/1";

/// A thread, read whole.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Thread {
    /// [`THREAD_SCHEMA`].
    pub schema: &'static str,
    /// The mailbox as it was named, or the address that it came from.
    pub mailbox: String,
    /// The subject of its first message, without `Re:`.
    pub subject: String,
    /// What came of it.
    pub digest: Digest,
    /// Its messages in the order of reading: an answer below what it answers.
    pub messages: Vec<Entry>,
    /// Ids that are answered and not in the mailbox, sorted.
    pub missing: Vec<String>,
    /// How many messages of the mailbox were left out, since nothing here connects them with the thread that was asked for.
    pub strangers: usize,
}

/// A message of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    /// Its number in the thread, from 1.
    pub number: usize,
    /// `Message-ID` without brackets; empty if it has none.
    pub id: String,
    /// The number of the message that it answers.
    pub parent: Option<usize>,
    /// How deep it stands below the first.
    pub depth: usize,
    /// Who wrote it.
    pub from: Person,
    /// To whom.
    pub to: Vec<Person>,
    /// And to whom else.
    pub cc: Vec<Person>,
    /// When, as RFC 3339; null if it does not say.
    pub date: Option<String>,
    /// The same in seconds since 1970.
    pub time: Option<i64>,
    /// Its subject.
    pub subject: String,
    /// The lists that it came over.
    pub lists: Vec<String>,
    /// How many copies of it the mailbox has.
    pub copies: usize,
    /// Lists whose copy has another text.
    pub differing: Vec<String>,
    /// Its size, bytes.
    pub size: usize,
    /// Lines that the sender wrote, empty ones left out.
    pub own_lines: usize,
    /// Lines that it quotes.
    pub quoted_lines: usize,
    /// The patch in it.
    pub patch: Option<Patch>,
    /// Trailers that the sender wrote, those of a commit message left out.
    pub trailers: Vec<Trailer>,
    /// Commands to syzbot.
    pub commands: Vec<Command>,
    /// What it says, if it is syzbot's.
    pub notice: Option<Notice>,
    /// What it says of a patch in a tree or a queue, if the script of somebody who keeps one wrote it.
    pub queued: Option<Queued>,
    /// What the engine reads in it.
    pub findings: Vec<Finding>,
    /// What came with it.
    pub attachments: Vec<Attachment>,
    /// Its text, decoded, with quotes.
    pub text: String,
}

/// How far a bug or patch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The messages do not say.
    Unknown,
    /// Reported, and no person has answered.
    Reported,
    /// People talk about it, and there is no patch.
    Investigating,
    /// A patch is posted.
    PatchPosted,
    /// Somebody says that some patches of a series were applied.
    PartlyApplied,
    /// Somebody says that it was applied.
    Applied,
    /// Somebody told syzbot which commit fixes it.
    Fixed,
    /// Somebody told syzbot that it is another bug.
    Duplicate,
    /// Somebody told syzbot that it is not a bug.
    Invalid,
}

/// What came of a thread. Numbers are those of [`Entry::number`].
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Digest {
    /// How far it is.
    pub state: State,
    /// The same in one sentence, with patches and open questions.
    pub sentence: String,
    /// The messages that the state rests on.
    pub evidence: Vec<usize>,
    /// The bug's key on syzbot's dashboard.
    pub extid: Option<String>,
    /// Titles of the reports in it, each once.
    pub titles: Vec<String>,
    /// When the first message was written.
    pub first: Option<String>,
    /// The last message: its number.
    pub last: Option<usize>,
    /// Who takes part, those who wrote most first.
    pub people: Vec<Participant>,
    /// Patches, the latest last.
    pub series: Vec<Series>,
    /// Patches that are not in these messages and that somebody says were applied.
    pub taken: Vec<Taken>,
    /// Questions that people asked.
    pub questions: Vec<Question>,
    /// Where people object or warn.
    pub objections: Vec<Objection>,
    /// Numbers of messages of people that nobody answered although they ask, object, report or hold a patch.
    pub unanswered: Vec<usize>,
    /// What syzbot was told and what it said, in order.
    pub deeds: Vec<Deed>,
    /// Commits and ranges that people name as the cause, by bisections whose steps may not be here or to regzbot; not verified.
    pub culprits: Vec<Deed>,
}

/// Somebody who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Participant {
    /// Who.
    pub person: Person,
    /// How many messages.
    pub messages: usize,
}

/// A patch or series in its latest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Series {
    /// Who posted it.
    pub author: Person,
    /// The title of the cover letter or the only patch.
    pub title: String,
    /// How seriously it is meant.
    pub posting: Posting,
    /// The latest version.
    pub version: u32,
    /// All versions that are here, ascending.
    pub versions: Vec<u32>,
    /// How many patches it has by its subjects.
    pub total: u32,
    /// How many of them are here.
    pub present: usize,
    /// The message that it begins with.
    pub number: usize,
    /// When that was written.
    pub date: Option<String>,
    /// Files that it touches, sorted.
    pub files: Vec<String>,
    /// Lines that it adds.
    pub insertions: usize,
    /// Lines that it takes away.
    pub deletions: usize,
    /// Trailers that others offered for any version, with the message's number.
    pub tags: Vec<(usize, Trailer)>,
    /// Who says that its latest version was applied, if anybody.
    pub taken: Option<Taken>,
    /// Where the same person says later that it is out again.
    pub dropped: Option<Dropped>,
}

/// Both, or the one that they are.
fn joined(first: String, second: String) -> String {
    if first.split(" and ").any(|one| one == second) { first } else { format!("{first} and {second}") }
}

impl Series {
    /// Adds that it was applied: of patches that were taken one by one all count, and what is said of the whole outweighs them.
    pub(super) fn take(&mut self, mut taken: Taken) {
        if let Some(before) = self.taken.take().filter(|_| !taken.patches.is_empty() && self.dropped.is_none()) {
            if before.patches.is_empty() {
                self.taken = Some(before);
                return;
            }
            taken.patches.extend(before.patches);
            taken.patches.sort_unstable();
            taken.patches.dedup();
            let known = taken.commits.clone();
            taken.commits.extend(before.commits.into_iter().filter(|commit| !known.contains(commit)));
            taken.tree = taken.tree.zip(before.tree).map(|(tree, other)| joined(other, tree));
            taken.by = taken.by.filter(|by| before.by.as_ref() == Some(by));
            taken.who = joined(before.who, taken.who);
        }
        if taken.patches.len() >= self.total.max(1) as usize {
            taken.patches.clear();
        }
        (self.taken, self.dropped) = (Some(taken), None);
    }
}

/// Somebody says that a patch was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Taken {
    /// The message.
    pub number: usize,
    /// The patch's title, where the message names it.
    pub title: Option<String>,
    /// Who; several where each took some patches.
    pub who: String,
    /// Who applied it, where a bot tells of somebody else.
    pub by: Option<String>,
    /// The tree, if one is named, with its branch in brackets.
    pub tree: Option<String>,
    /// The commits that it became, as written; empty if none are named.
    pub commits: Vec<String>,
    /// The numbers of the patches that it is said of; empty where it is said of all.
    pub patches: Vec<u32>,
    /// The words.
    pub words: String,
}

/// Who applied a patch says that it is out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Dropped {
    /// The message.
    pub number: usize,
    /// The words.
    pub words: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Question {
    /// The message.
    pub number: usize,
    /// Who asks.
    pub who: String,
    /// The question.
    pub words: String,
    /// The message that answers it: it quotes the question and goes on, or answers without quoting; null if none does.
    pub answered_by: Option<usize>,
}

/// An objection or warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Objection {
    /// The message.
    pub number: usize,
    /// Who objects.
    pub who: String,
    /// The sentence.
    pub words: String,
    /// Whether it is said in so many words (`NAK`, `Nacked-by`); else it follows from the wording and may be none.
    pub stated: bool,
    /// Whether a person answered the message.
    pub answered: bool,
}

/// Something that syzbot was told or said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Deed {
    /// The message.
    pub number: usize,
    /// Who.
    pub who: String,
    /// What, in words.
    pub words: String,
}
