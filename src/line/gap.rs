//! What a log itself says is missing from it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::lex::number;
use super::{lex, trim_end};

/// Something that a log says it does not contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gap<'line> {
    /// `** N printk messages dropped **`: the console was too slow, or a reader of `/dev/kmsg` was.
    Dropped {
        /// Messages, if the line says so.
        messages: Option<u64>,
    },
    /// `** replaying previous printk message **`: the line above it is a cut copy of the line below it.
    Replayed,
    /// `name: N callbacks suppressed`, `name: N output lines suppressed due to ratelimiting`.
    Ratelimited {
        /// The function or device that was limited; may be empty.
        who: &'line [u8],
        /// Messages that were not printed.
        messages: u64,
    },
    /// `N messages suppressed`: printk's or a daemon's own limit.
    Suppressed {
        /// Messages that were not printed.
        messages: u64,
    },
    /// `Future hung task reports are suppressed`: from here on a hang may be real and unreported.
    HungTasks,
    /// The journal's `Missed N kernel messages`, or a syslog daemon's loss.
    Missed {
        /// Messages, if the line says so.
        messages: Option<u64>,
    },
    /// Trace events that the ring buffer lost: `CPU:1 [LOST 12 EVENTS]`.
    Events {
        /// Events.
        events: u64,
    },
    /// Audit records: `audit: audit_lost=12 …`.
    Audit {
        /// Records lost so far, a running total.
        records: u64,
    },
    /// Somebody cut text out: syzkaller's `<<cut N bytes out>>`, a mail's `<snip>`, `[truncated]`.
    Cut {
        /// Bytes, if the line says so.
        bytes: Option<u64>,
    },
}

impl Gap<'_> {
    /// What kind of loss it is, in words that a count stands before or behind, and how many messages it tells of.
    #[must_use]
    pub fn told(&self) -> (&'static str, u64) {
        match self {
            Self::Dropped { messages } => ("dropped by printk", messages.unwrap_or(0)),
            Self::Replayed => ("replayed", 1),
            Self::Ratelimited { messages, .. } => ("rate-limited", *messages),
            Self::Suppressed { messages } => ("suppressed", *messages),
            Self::HungTasks => ("hung-task reports suppressed from some point on", 0),
            Self::Missed { messages } => ("missed by the journal", messages.unwrap_or(0)),
            Self::Events { events } => ("trace events lost", *events),
            Self::Audit { .. } => ("audit records lost", 0),
            Self::Cut { bytes } => ("cut out by hand", bytes.unwrap_or(0)),
        }
    }
}

static ANCHORS: LazyLock<Vec<Finder<'static>>> = LazyLock::new(|| super::GAP_ANCHORS.iter().map(Finder::new).collect());

/// What this line says is missing. The line may have any prefix.
#[must_use]
pub fn gap(line: &[u8]) -> Option<Gap<'_>> {
    if !ANCHORS.iter().any(|anchor| anchor.find(line).is_some()) {
        return None;
    }
    let has = |needle: &str| super::find(line, needle);
    let prefix = lex(line);
    let text = prefix.text(line);
    let find = |needle: &str| super::find(text, needle);
    if has("** replaying previous printk message **").is_some() {
        return Some(Gap::Replayed);
    }
    if let Some(at) = has(" printk messages dropped **") {
        return Some(Gap::Dropped { messages: number_before(&line[..at]) });
    }
    if find("Future hung task reports are suppressed").is_some() {
        return Some(Gap::HungTasks);
    }
    for words in [" callbacks suppressed", " output lines suppressed due to ratelimiting"] {
        if let Some(at) = find(words)
            && let Some(messages) = number_before(&text[..at])
        {
            return Some(Gap::Ratelimited { who: speaker(&text[..at]), messages });
        }
    }
    // Bare words are also a part of sentences; what counts is a number right before them.
    if let Some(at) = find(" messages suppressed").or_else(|| find(" message suppressed"))
        && let Some(messages) = number_before(&text[..at])
    {
        return Some(Gap::Suppressed { messages });
    }
    if let Some(at) = find("Suppressed ")
        && find(" messages from ").is_some()
        && let Some(messages) = number_after(&text[at..], "Suppressed ")
    {
        return Some(Gap::Suppressed { messages });
    }
    if let Some(at) = find("Missed ")
        && find(" kernel messages").is_some()
        && let Some(messages) = number_after(&text[at..], "Missed ")
    {
        return Some(Gap::Missed { messages: Some(messages) });
    }
    if let Some(at) = find(" messages lost") {
        return Some(Gap::Missed { messages: number_before(&text[..at]) });
    }
    if find("/dev/kmsg buffer overrun, some messages lost").is_some() {
        return Some(Gap::Missed { messages: None });
    }
    if find(" messages dropped").is_some() && find("netconsole").is_some() {
        return Some(Gap::Dropped { messages: find(" messages dropped").and_then(|at| number_before(&text[..at])) });
    }
    if let Some(at) = find("[LOST ")
        && let Some(events) = number_after(&text[at..], "[LOST ")
    {
        return Some(Gap::Events { events });
    }
    if let Some(at) = find("audit_lost=")
        && let Some(records) = number_after(&text[at..], "audit_lost=").filter(|&records| records > 0)
    {
        return Some(Gap::Audit { records });
    }
    cut(line, text)
}

/// Marks that people and programs leave where they cut. A mark must fill the line.
fn cut<'line>(line: &'line [u8], text: &'line [u8]) -> Option<Gap<'line>> {
    if let Some(at) = super::find(line, "<<cut ")
        && super::find(&line[at..], " bytes out>>").is_some()
        && let Some(bytes) = number_after(&line[at..], "<<cut ")
    {
        return Some(Gap::Cut { bytes: Some(bytes) });
    }
    let mark = text.trim_ascii();
    const MARKS: [&[u8]; 8] = [
        b"<snip>",
        b"[snip]",
        b"...truncated...",
        b"[truncated]",
        b"<truncated>",
        b"[...truncated...]",
        b"(truncated)",
        b"--- truncated ---",
    ];
    MARKS.iter().any(|known| mark.eq_ignore_ascii_case(known)).then_some(Gap::Cut { bytes: None })
}

/// Whether a log stops in the middle of a line: it is not empty and its last byte is not a line end.
#[must_use]
pub fn ends_cut(log: &[u8]) -> bool {
    log.last().is_some_and(|&last| last != b'\n' && last != b'\r')
}

/// The number that ends a text.
fn number_before(text: &[u8]) -> Option<u64> {
    let start = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    number(&text[start..])
}

/// The number right after some words at the start of a text.
fn number_after(text: &[u8], words: &str) -> Option<u64> {
    let rest = text.strip_prefix(words.as_bytes())?;
    rest.first().filter(|byte| byte.is_ascii_digit())?;
    number(rest)
}

/// Who speaks in `nla_parse: 5`.
fn speaker(text: &[u8]) -> &[u8] {
    let digits = text.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |last| last + 1);
    let name = trim_end(text[..digits].trim_ascii());
    name.strip_suffix(b":").unwrap_or(name)
}
