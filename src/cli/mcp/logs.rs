//! The tools about logs: parse, locks, bisect, diff, explain.

use super::super::diff::run_of;
use super::super::findings::told_dumps;
use super::super::{bisect as transcripts, grammar};
use super::answer::{Answer, Draft};
use super::asked::{self, Much};
use super::roots::Roots;
use crate::diff::{Group, compare};
use crate::engine::{Item, Kept, Options, gather_locks};
use crate::grammar::Grammar;
use crate::intake::{Log, Outcome, each_machine_in, read_log, silence, wholes_in};
use crate::locks::{Gathered, dumps_of};
use crate::render::{self, LogView, Look, Palette, Width};
use std::ops::ControlFlow;

/// The name of a log that was given as text.
const GIVEN: &str = "text";

/// Text for a model: nothing cut, no colours.
pub(super) fn look(detail: Much) -> Look {
    Look { palette: Palette::plain(), width: Width::UNBOUNDED, detail: detail.into() }
}

/// Reads the bytes of what is named, or the text that is given, one after the other.
pub(super) fn each(
    roots: &Roots,
    names: &[String],
    text: Option<String>,
    draft: &mut Draft,
    mut take: impl FnMut(&mut Draft, &str, Vec<u8>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    match (names, text) {
        ([], None) => anyhow::bail!("no log is named: give paths as `logs`, or the log itself as `text`"),
        ([], Some(text)) => return take(draft, GIVEN, text.into_bytes()),
        (_, Some(_)) => anyhow::bail!("`logs` and `text` exclude each other: give one of them"),
        (_, None) => {}
    }
    let (places, refused) = roots.logs(names)?;
    refused.iter().for_each(|refusal| draft.trouble(&refusal.to_string()));
    for place in places {
        match roots.read(&place) {
            Ok(bytes) => take(draft, &place.shown, bytes)?,
            Err(refusal) => draft.trouble(&refusal.to_string()),
        }
    }
    Ok(())
}

/// The logs in these: the members of archives, the text of mails.
fn each_log(
    roots: &Roots,
    names: &[String],
    text: Option<String>,
    draft: &mut Draft,
    mut take: impl FnMut(&mut Draft, Log) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    each(roots, names, text, draft, |draft, name, bytes| {
        let mut done = Ok(());
        each_machine_in(name, bytes, &mut |log| {
            done = take(draft, log);
            if done.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        done
    })
}

/// Notes what went wrong with a log; whether it gives an answer.
fn answers(draft: &mut Draft, name: &str, outcome: &Outcome) -> bool {
    if let Some(trouble) = &outcome.trouble {
        draft.trouble(&trouble.message);
    }
    let silence = outcome.silence();
    if let Some(words) = silence {
        draft.trouble(&format!("{name}: {words}"));
    }
    silence.is_none() && !outcome.is_fatal()
}

/// `parse`.
pub(super) fn parse(roots: &Roots, asked: asked::Parse) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    let text = draft.is_text();
    let options = Options {
        events: asked.events || text,
        gaps: text,
        kept: if text { LogView::kept(asked.events) } else { Kept::ALL },
        ..Options::named("")
    };
    draft.found(false);
    each_log(roots, &asked.logs, asked.text, &mut draft, |draft, log| {
        let (name, mut view) = (log.name.clone(), LogView::default());
        let outcome = read_log(log, &options, |items| {
            for item in items {
                match &item {
                    Item::Closed(report) => {
                        draft.found(true);
                        if !text {
                            draft.record(report);
                        }
                    }
                    Item::Event(event) if !text => draft.record(event),
                    _ => {}
                }
                if text {
                    view.take(item);
                }
            }
            ControlFlow::Continue(())
        });
        if answers(draft, &name, &outcome) && text {
            let shown = view.text(&name, &outcome.summary, asked.events, &look(asked.detail), &told_dumps(&view));
            draft.text(&shown);
        }
        Ok(())
    })?;
    Ok(draft.finish())
}

/// `locks`.
pub(super) fn locks(roots: &Roots, asked: asked::Locks) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    let options = Options { events: true, kept: Kept::LOCKS, ..Options::named("") };
    draft.found(false);
    each_log(roots, &asked.logs, asked.text, &mut draft, |draft, log| {
        let (name, mut gathered) = (log.name.clone(), Gathered::default());
        let outcome = read_log(log, &options, |more| {
            more.iter().for_each(|item| gather_locks(&mut gathered, item));
            ControlFlow::Continue(())
        });
        if !answers(draft, &name, &outcome) {
            return Ok(());
        }
        let dumps = dumps_of(&name, &gathered);
        draft.found(dumps.iter().any(|dump| dump.hang));
        if draft.is_text() {
            draft.text(&render::locks_text(&name, &dumps, &look(asked.detail)));
        } else {
            dumps.iter().for_each(|dump| draft.record(dump));
        }
        Ok(())
    })?;
    Ok(draft.finish())
}

/// `bisect`.
pub(super) fn bisect(roots: &Roots, asked: asked::Bisect) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    draft.found(false);
    each_log(roots, &asked.logs, asked.text, &mut draft, |draft, log| {
        let (found, trouble) = transcripts::judge(log, &Options::named(""));
        if let Some(trouble) = trouble {
            draft.trouble(&trouble.message);
        }
        let sessions: Vec<_> = found.into_iter().map(|(session, _)| session).collect();
        draft.found(sessions.iter().any(|session| !session.commits.is_empty()));
        if draft.is_text() {
            let mut text = Vec::new();
            render::bisect::write_all(&sessions, &look(asked.detail), &mut text)?;
            draft.text(&String::from_utf8_lossy(&text));
        } else {
            sessions.iter().for_each(|session| draft.record(session));
        }
        Ok(())
    })?;
    Ok(draft.finish())
}

/// `diff`.
pub(super) fn diff(roots: &Roots, asked: asked::Diff) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    let options = Options::named("").with_events();
    let mut side = |names: &[String]| -> anyhow::Result<Group> {
        let mut runs = Vec::new();
        each(roots, names, None, &mut draft, |draft, name, bytes| {
            let logs = wholes_in(name, bytes, &options, run_of);
            silence(&logs).iter().for_each(|trouble| draft.trouble(&trouble.message));
            for log in logs {
                if let Some(trouble) = &log.trouble {
                    draft.trouble(&trouble.message);
                }
                runs.extend(log.found);
            }
            Ok(())
        })?;
        let name = names.join(" ");
        if runs.is_empty() {
            Err(anyhow::anyhow!("{name}: no log of this side could be read"))
        } else {
            Ok(Group { name, runs })
        }
    };
    let difference = compare(&side(&asked.a)?, &side(&asked.b)?);
    draft.found(difference.differs);
    if draft.is_text() {
        draft.text(&render::diff_text(&difference, &look(Much::Usual)));
    } else {
        draft.record(&difference);
    }
    Ok(draft.finish())
}

/// `explain`.
pub(super) fn explain(_: &Roots, asked: asked::Explain) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(super::answer::Form::Text, asked.from, asked.bytes);
    let mut text = Vec::new();
    let built_in = Grammar::built_in();
    match asked.kind {
        Some(kind) => grammar::explain(&mut text, &built_in, kind.trim())?,
        None => grammar::list(&mut text, &built_in)?,
    }
    draft.text(&String::from_utf8_lossy(&text));
    Ok(draft.finish())
}
