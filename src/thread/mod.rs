//! Mail threads: who said what, what came of it, what is still open.
//!
//! ```text
//! lore ─► mailbox ─► mbox ─► message ─► body, patch, trailer, command, notice, contents (the engine) ─► tree ─► series, state, talk, deeds ─► digest
//! ```
//!
//! Every statement of a [`Digest`] names the messages that it rests on, or says that it is not known.

mod applied;
mod body;
mod command;
mod comparison;
mod contents;
mod culprit;
mod deeds;
mod digest;
pub mod lore;
mod mbox;
mod message;
mod notice;
mod patch;
mod place;
mod queue;
mod record;
mod series;
mod speech;
mod state;
mod talk;
mod trailer;
mod tree;
pub mod work;

pub use body::{Line, Role, lines};
pub use command::{Command, Verb};
pub use comparison::{Comparison, Failure};
pub use contents::Finding;
pub use message::{Attachment, Message, Person, rfc3339, seconds_of};
pub use notice::{Notice, Saying};
pub use patch::{Patch, Posting, bare_subject};
pub use queue::{Fate, Queued};
pub use record::*;
pub use trailer::Trailer;

use crate::engine::in_order;
use tree::Merged;

/// The id in what a person names a message by: `<id>`, `id`, or the address of its page on an archive.
#[must_use]
pub fn message_id(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>');
    let id = match text.split_once("://") {
        Some((_, rest)) => {
            let path = rest.split(['?', '#']).next().unwrap_or_default();
            let part = path.split('/').skip(1).find(|part| part.contains('@') || part.contains("%40"))?;
            unescaped(part)?
        }
        None => text.to_owned(),
    };
    let fine = !id.is_empty()
        && id.len() <= 1000
        && id.contains('@')
        && !id.contains(|char: char| char.is_whitespace() || char.is_control());
    fine.then_some(id)
}

/// `%2F` → `/`.
fn unescaped(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code =
            (*first == b'%').then(|| after.get(..2)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// More messages than any thread has; the rest of a mailbox is left unread, and the caller is informed.
pub const MOST_MESSAGES: usize = 20_000;

/// A mailbox's messages, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// As it was named.
    name: String,
    merged: Vec<Merged>,
    /// How many messages were in it, copies counted.
    pub messages: usize,
    /// How many were left unread.
    pub left: usize,
}

impl Mailbox {
    /// Reads a mailbox, or a single mail. `name` is put into the records.
    #[must_use]
    pub fn read(name: &str, bytes: &[u8], threads: usize) -> Self {
        Self::of_raw(name, &mbox::messages(bytes), threads)
    }

    /// Reads mailboxes or mails that are one together. Where there are several, a file that is not a mail may lie among them.
    #[must_use]
    pub fn of_files(name: &str, files: &[Vec<u8>], threads: usize) -> Self {
        let mut raw: Vec<Vec<u8>> = files.iter().flat_map(|bytes| mbox::messages(bytes)).collect();
        if files.len() > 1 {
            raw.retain(|raw| Message::read(raw).is_mail());
        }
        Self::of_raw(name, &raw, threads)
    }

    fn of_raw(name: &str, raw: &[Vec<u8>], threads: usize) -> Self {
        let messages = raw.len();
        let kept = &raw[..messages.min(MOST_MESSAGES)];
        let read = in_order(threads, kept, |raw| Message::read(raw));
        Self { name: name.to_owned(), merged: tree::merged(read), messages, left: messages - kept.len() }
    }

    /// How many different messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.merged.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.merged.is_empty()
    }

    /// Whether one of the messages is a mail.
    #[must_use]
    pub fn is_mail(&self) -> bool {
        self.merged.iter().any(|merged| merged.message.is_mail())
    }

    /// Whether a message of this id is in it.
    #[must_use]
    pub fn holds(&self, id: &str) -> bool {
        self.merged.iter().any(|merged| merged.message.id == id)
    }

    /// All threads, in the order of their first messages.
    #[must_use]
    pub fn threads(&self, threads: usize) -> Vec<Thread> {
        let series: Vec<Option<String>> = in_order(threads, &self.merged, |merged| {
            let patch =
                patch::patch(&merged.message).filter(|patch| patch.posting != Posting::Inline && patch.number < 2)?;
            let title = patch::plain_title(&patch.title);
            (!title.is_empty()).then(|| format!("series {} {title}", merged.message.from.address))
        });
        tree::threads(&self.merged, &series).iter().map(|chosen| self.thread(chosen, 0, threads)).collect()
    }

    /// What its senders say of commits that broke something, each with who says it.
    #[must_use]
    pub fn culprits(&self) -> Vec<(String, String)> {
        let messages = self.merged.iter().map(|merged| &merged.message).filter(|message| !message.from.bot);
        let said = |message: &Message| {
            culprit::culprits(message)
                .into_iter()
                .map(|words| (message.from.shown().to_owned(), words))
                .collect::<Vec<_>>()
        };
        messages.flat_map(said).collect()
    }

    /// The thread of one message and nothing that is not connected with it; `None` if the message is not here.
    #[must_use]
    pub fn thread_of(&self, id: &str, threads: usize) -> Option<Thread> {
        let chosen = tree::strict(&self.merged, id)?;
        Some(self.thread(&chosen, self.merged.len() - chosen.len(), threads))
    }

    fn thread(&self, chosen: &[usize], strangers: usize, threads: usize) -> Thread {
        let tree = tree::tree(&self.merged, chosen);
        let mut numbers = vec![0; self.merged.len()];
        for (number, (at, _)) in tree.order.iter().enumerate() {
            numbers[*at] = number + 1;
        }
        let sources: Vec<&Merged> = tree.order.iter().map(|(at, _)| &self.merged[*at]).collect();
        let mut messages: Vec<Entry> = in_order(threads, &sources, |merged| entry(merged));
        for (number, (at, depth)) in tree.order.iter().enumerate() {
            let entry = &mut messages[number];
            entry.number = number + 1;
            entry.depth = *depth;
            entry.parent = tree.parents[*at].map(|parent| numbers[parent]);
        }
        if messages.iter().all(|entry| entry.findings.is_empty()) {
            // The report itself is not here: what somebody quotes of it is better than nothing.
            let quoted =
                sources.iter().enumerate().map(|(at, merged)| (at, contents::quoted_findings(&merged.message)));
            if let Some((at, found)) = quoted.into_iter().find(|(_, found)| !found.is_empty()) {
                messages[at].findings = found;
            }
        }
        Thread {
            schema: THREAD_SCHEMA,
            mailbox: self.name.clone(),
            subject: messages.first().map(|first| bare_subject(&first.subject).to_owned()).unwrap_or_default(),
            digest: digest::digest(&messages, &sources),
            messages,
            missing: tree.missing,
            strangers,
        }
    }
}

fn entry(merged: &Merged) -> Entry {
    let message = &merged.message;
    let queued = queue::queued(message);
    // Of a patch in a queue commit message and diff are shown once more: its sender posts nothing, and no report is new.
    let patch = patch::patch(message).filter(|_| queued.is_none());
    let posted = patch.as_ref().is_some_and(|patch| patch.posting != Posting::Inline);
    let notice = notice::notice(message);
    let bot = message.from.bot;
    Entry {
        number: 0,
        id: message.id.clone(),
        parent: None,
        depth: 0,
        from: message.from.clone(),
        to: message.to.clone(),
        cc: message.cc.clone(),
        date: message.date.clone(),
        time: message.time,
        subject: message.subject.clone(),
        lists: merged.lists.clone(),
        copies: merged.copies,
        differing: merged.differing.clone(),
        size: message.size,
        own_lines: message.own().filter(|line| !line.text.trim().is_empty()).count(),
        quoted_lines: message.lines.iter().filter(|line| line.role == Role::Quoted).count(),
        patch,
        // syzbot says which tags a fix should have, and which commands there are.
        trailers: if posted || notice.is_some() || queued.is_some() {
            Vec::new()
        } else {
            trailer::trailers(&message.lines)
        },
        commands: if bot { Vec::new() } else { command::commands(&message.subject, &message.lines) },
        notice,
        findings: if queued.is_some() { Vec::new() } else { contents::findings(message) },
        queued,
        attachments: message.attachments.clone(),
        text: message.text.clone(),
    }
}
