//! The note of a bug of syzbot's.

use super::Arguments;
use super::lines::trailers;
use super::log::{fill, sourced};
use crate::cli::stderr::say;
use crate::cli::syzbot::ask;
use crate::render::Note;
use crate::syzbot::dashboard::BugName;

/// A crash report is not larger, bytes.
const REPORT: u64 = 32 << 20;

pub(super) fn of_bug(arguments: &Arguments, bug: &BugName, mut note: Note) -> anyhow::Result<Note> {
    let client = arguments.servers.network.client();
    let found = ask(&client, &arguments.servers, bug, true)?;
    let link = found.report.as_ref().and_then(|link| arguments.servers.base_url.link(link).ok());
    match link.map(|url| client.get(&url, REPORT)) {
        Some(Ok(page)) => {
            let reports = crate::engine::read_items(arguments.reading.options()?.with_events(), &page.body);
            let (mut all, mut events) = (Vec::new(), Vec::new());
            for item in reports {
                match item {
                    crate::engine::Item::Closed(report) => all.push(*report),
                    crate::engine::Item::Event(event) => events.push(*event),
                    crate::engine::Item::Opened { .. } => {}
                }
            }
            if let Some(report) = fill(&mut note, "", &all, &events, None) {
                sourced(arguments, &mut note, "", report, Some(bug.key()))?;
            }
        }
        Some(Err(error)) => say(&format!("the crash report did not come: {error}")),
        None => {}
    }
    let facts = &found.work.bug;
    if note.title.is_empty() {
        note.title.clone_from(&facts.title);
    }
    note.settings = [
        ("status", facts.status.clone()),
        ("first crash", facts.first_crash.clone()),
        ("last crash", facts.last_crash.clone()),
        ("subsystems", facts.subsystems.join(" ")),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    note.work = Some(found.work.answer.clone());
    note.bisection = found.work.cause.as_ref().map(|cause| match cause.confidence {
        Some(share) => format!("{} (confidence {:.0} %)", cause.answer, share * 100.0),
        None => cause.answer.clone(),
    });
    if let Some(extid) = &facts.extid {
        note.commands.push(format!("kanalyze run --extid {extid}"));
    }
    trailers(&mut note, facts.extid.as_deref());
    Ok(note)
}
