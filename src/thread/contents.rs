//! What the engine reads in a message: reports, hangs and bisections.

use super::body::{Line, Role};
use super::comparison::Comparison;
use super::message::Message;
use crate::engine::{Item, Options, lock_dumps, read_items};
use crate::{bisect, input};
use schemars::JsonSchema;
use serde::Serialize;

/// Something in a message that the engine knows.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Finding {
    /// A report.
    Report {
        /// Its title.
        title: String,
        /// Other titles of the same bug.
        alt_titles: Vec<String>,
        /// Why it is incomplete, if it is.
        corrupted: Option<String>,
        /// The attachment that it is in; empty for the body.
        attachment: String,
        /// Whether it stands in a quote of a message that is not here.
        quoted: bool,
    },
    /// Tasks that wait for each other.
    Hang {
        /// How many tasks wait.
        waiting: usize,
        /// Who everybody ends up waiting for: `comm/pid`.
        roots: Vec<String>,
        /// How many cycles there are.
        cycles: usize,
        /// The attachment that it is in; empty for the body.
        attachment: String,
    },
    /// How often failures came with the commits that a test robot compares.
    Comparison(Comparison),
    /// A bisection.
    Bisection {
        /// Its outcome in one sentence.
        answer: String,
        /// The commits it names.
        commits: Vec<String>,
        /// How probable it is that they are right, 0…1; null where nothing can be said.
        confidence: Option<f64>,
        /// The attachment that it is in; empty for the body.
        attachment: String,
    },
}

/// Attachments longer than this are not read, bytes.
const LARGEST: usize = 32 << 20;
/// Findings of one message that are kept.
const MOST: usize = 100;

/// What the engine reads in what a message's sender wrote and attached.
#[must_use]
pub(super) fn findings(message: &Message) -> Vec<Finding> {
    let own = text_of(&message.lines, |line| matches!(line.role, Role::Own | Role::Signature));
    let mut all = read("", &own, false);
    if own.contains("+--") {
        all.extend(Comparison::of(own.lines()).map(Finding::Comparison));
    }
    for file in &message.attachments {
        let Some(text) = file.text.as_ref().filter(|text| text.len() <= LARGEST) else { continue };
        if file.media != "text/html" {
            all.extend(read(&file.name, text, false));
        }
    }
    all.truncate(MOST);
    all
}

/// What the engine reads in what a message quotes.
#[must_use]
pub(super) fn quoted_findings(message: &Message) -> Vec<Finding> {
    let mut all = read("", &text_of(&message.lines, |line| line.role == Role::Quoted), true);
    all.truncate(MOST);
    all
}

fn text_of(lines: &[Line], wanted: impl Fn(&Line) -> bool) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| wanted(line)) {
        text.push_str(&line.text);
        text.push('\n');
    }
    text
}

fn read(attachment: &str, text: &str, quoted: bool) -> Vec<Finding> {
    // Nothing that the engine knows is said in fewer bytes.
    if text.trim().len() < 20 {
        return Vec::new();
    }
    // In a mail lines are cut by mail programs: the reader of mails puts them together.
    let plain = if attachment.is_empty() {
        input::unquote_mail(format!("From: a@b\nSubject: x\n\n{text}").as_bytes())
    } else {
        None
    };
    let bytes = plain.as_deref().unwrap_or(text.as_bytes());
    let options = Options { prose: attachment.is_empty(), ..Options::named(attachment).with_events() };
    let items = read_items(options, bytes);
    let attachment = attachment.to_owned();
    let mut all: Vec<Finding> = items
        .iter()
        .filter_map(|item| if let Item::Closed(report) = item { Some(report) } else { None })
        .filter(|report| report.cause.is_none())
        .map(|report| Finding::Report {
            title: report.title.clone(),
            alt_titles: report.alt_titles.clone(),
            corrupted: report.corrupted.clone(),
            attachment: attachment.clone(),
            quoted,
        })
        .collect();
    let dumps = if quoted { Vec::new() } else { lock_dumps(&attachment, &items) };
    all.extend(dumps.into_iter().filter(|dump| dump.hang).map(|dump| Finding::Hang {
        waiting: dump.waits.iter().map(|wait| wait.waiter.pid).collect::<std::collections::BTreeSet<_>>().len(),
        roots: dump.roots.iter().map(|root| format!("{}/{}", root.comm, root.pid)).collect(),
        cycles: dump.cycles.len(),
        attachment: attachment.clone(),
    }));
    let reports = |bytes: &[u8]| crate::engine::read_reports("", bytes);
    all.extend(bisect::read(&attachment, bytes, &reports).into_iter().map(|found| Finding::Bisection {
        answer: found.answer,
        commits: found.commits,
        confidence: found.confidence,
        attachment: attachment.clone(),
    }));
    all
}
