//! How a bisection looks as text: the answer first, then the walk, small enough to be pasted into a mail.

use super::bisect_words::{short, wrapped};
use super::{Look, bisect_reasons, bisect_walk, guilty_file, safe, wrap_into};
use crate::bisect::Bisection;
use crate::bisect::record::{Basis, Doubted, Kind, RevertResult, Verdict};
use crate::report::{Frame, Report};
use std::io::{self, Write};

/// Writes the bisections of one log, a blank line between them.
///
/// # Errors
/// Whatever `out` says.
pub fn write_all(all: &[Bisection], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for (at, found) in all.iter().enumerate() {
        if at > 0 && !look.is_brief() {
            writeln!(out)?;
        }
        write(found, look, out)?;
    }
    Ok(())
}

/// Writes the summary of one bisection; only the answer where that is wanted.
///
/// # Errors
/// Whatever `out` says.
pub fn write(found: &Bisection, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let blame = look.palette.blame;
    let subject = found.culprit.as_ref().map(|culprit| &culprit.subject).filter(|subject| !subject.is_empty());
    if look.is_brief() {
        let subject = subject.map_or_else(String::new, |subject| format!(": {subject}"));
        return writeln!(out, "{}: {}{}", safe(&found.log), safe(&found.answer), safe(&subject));
    }
    let width = look.width.0;
    let folded = |first: &str, indent: usize, text: &str| {
        let mut lines = String::new();
        wrap_into(&mut lines, first, indent, text, width);
        lines
    };
    writeln!(out, "{blame}{}{blame:#}", folded("", 2, &found.answer).trim_end())?;
    if let Some(subject) = subject {
        write!(out, "{}", folded("  ", 4, subject))?;
    }
    writeln!(out)?;
    facts(found, look.wrap(), out)?;
    bisect_reasons::write(found, look, out)?;
    bisect_walk::write(found, look, out)?;
    crash(found, width, out)
}

/// Lines such as `trust    only v4.7..v4.8`.
fn facts(found: &Bisection, columns: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut fact = |name: &str, text: &str| -> io::Result<()> {
        for (at, line) in wrapped(text, columns.saturating_sub(10)).iter().enumerate() {
            writeln!(out, "{:10}{line}", if at == 0 { name } else { "" })?;
        }
        Ok(())
    };
    fact("log", &source(found))?;
    if found.basis == Basis::Extrapolated {
        fact("trust", "by a model that was fitted on searches for causes only: take it as a hint")?;
    }
    if let Some(start) = found.start_commit.as_ref().filter(|_| found.kind != Kind::Git) {
        let rewritten =
            found.rewritten.as_ref().map_or_else(String::new, |new| format!(", which became {}", short(&new.commit)));
        fact("start", &format!("{}{rewritten}", short(start)))?;
    }
    if let Some(culprit) = &found.culprit {
        let mut text: Vec<String> = culprit.author.iter().chain(&culprit.date).cloned().collect();
        let lines = culprit.insertions.unwrap_or(0) + culprit.deletions.unwrap_or(0);
        if !culprit.files.is_empty() {
            let more = if culprit.files.len() > 3 { ", …" } else { "" };
            let names: Vec<&str> = culprit.files.iter().take(3).map(|file| file.path.as_str()).collect();
            let lines = if lines > 0 { format!(" ({lines} lines)") } else { String::new() };
            text.push(format!("touches {}{more}{lines}", names.join(", ")));
        }
        if !text.is_empty() {
            fact("commit", &text.join("; "))?;
        }
    }
    if found.commits.len() > 1 {
        let names: Vec<&str> = found.commits.iter().take(8).map(|commit| short(commit)).collect();
        fact("left", &format!("{}{}", names.join(" "), if found.commits.len() > 8 { " …" } else { "" }))?;
    }
    for (verdict, word) in sides(found) {
        let count = found.given.iter().filter(|given| given.verdict == verdict).count();
        if count > 0 {
            fact("start", &format!("{} {word} commits given at the start, the first of them in the table", count + 1))?;
        }
    }
    if let Some(trust) = &found.trust {
        fact("range", &trust.words)?;
    }
    let drift = found.title_drift.as_ref();
    if let Some(unreliable) = &found.unreliable_from {
        // The line about titles says the same.
        let told = drift.is_some_and(|drift| drift.step == unreliable.step) && unreliable.kind == Doubted::OtherTitle;
        if !told {
            fact("doubt", &format!("from step {} on: {}", unreliable.step + 1, unreliable.why))?;
        }
    }
    if let Some(drift) = drift {
        let (gone, kept) = (drift.drifted, drift.kept);
        let near = if drift.near {
            "Later titles have a word or function in common with it"
        } else {
            "They have nothing in common"
        };
        fact(
            "titles",
            &format!(
                "from step {} on no kernel crashed under a title of the first test; there it was \"{}\". {near}: of such \
                 bisections {} of {} were right, of those that kept the title {} of {}",
                drift.step + 1,
                drift.title,
                gone.right,
                gone.of,
                kept.right,
                kept.of
            ),
        )?;
    }
    if let Some(test) = &found.next_test {
        fact("next", &test.words)?;
    }
    for nuisance in found.infrastructure.iter().take(3) {
        fact(
            "host",
            &format!("{}: {} in {}", nuisance.title, count(nuisance.runs, "run"), count(nuisance.steps, "step")),
        )?;
    }
    if let Some(totals) = &found.totals {
        let each = if totals.revisions > 0 {
            format!(", {} a test", clock(totals.total / totals.revisions as f64))
        } else {
            String::new()
        };
        fact(
            "time",
            &format!(
                "{} ({} building, {} testing) for {} tests{each}",
                clock(totals.total),
                clock(totals.build),
                clock(totals.test),
                totals.revisions
            ),
        )?;
    }
    // What git said while it had but one end is of no use any more.
    let notes = found.notes.iter().filter(|note| found.kind == Kind::Git && !note.starts_with("waiting for "));
    for note in notes.take(6) {
        fact("note", note)?;
    }
    for remark in found.remarks.iter().take(6) {
        fact("remark", remark)?;
    }
    // What passed or failed is a reason; what a person writes is quoted.
    for revert in found.reverts.iter().filter(|revert| revert.result == RevertResult::Unknown) {
        fact("said", &format!("line {}: {}", revert.line, revert.words))?;
    }
    Ok(())
}

/// The two sides of git with the words of this log.
fn sides(found: &Bisection) -> [(Verdict, &str); 2] {
    let (old, new) = found.terms.as_ref().map_or(("good", "bad"), |terms| (terms.old.as_str(), terms.new.as_str()));
    [(Verdict::Bad, new), (Verdict::Good, old)]
}

fn source(found: &Bisection) -> String {
    let kind = match found.kind {
        Kind::Cause => "cause",
        Kind::Fix => "fix",
        Kind::Git => "plain",
    };
    let dates = match (&found.dialect.since, &found.dialect.until) {
        (Some(since), Some(until)) if since == until => format!(", {since}"),
        (Some(since), Some(until)) => format!(", between {since} and {until}"),
        (Some(since), None) => format!(", after {since}"),
        (None, Some(until)) => format!(", before {until}"),
        (None, None) => String::new(),
    };
    let mailed = if found.dialect.mailed { ", from a mail" } else { "" };
    let cut = if found.truncated { ", its beginning is missing" } else { "" };
    let session = if found.sessions > 1 {
        format!(", bisection {} of {} in it", found.session, found.sessions)
    } else {
        String::new()
    };
    format!("{} ({}, {kind}{dates}{mailed}{cut}{session})", found.log, found.dialect.name.name())
}

fn crash(found: &Bisection, width: usize, out: &mut dyn Write) -> io::Result<()> {
    let Some(title) = &found.crash_title else { return Ok(()) };
    let mut lines = "\n".to_owned();
    wrap_into(&mut lines, "crash at the end: ", 2, title, width);
    if let Some(report) = &found.crash {
        if &report.title != title {
            wrap_into(&mut lines, "  the report says: ", 4, &report.title, width);
        }
        for (name, text) in places(report) {
            wrap_into(&mut lines, &format!("  {name}: "), 4, &text, width);
        }
    }
    write!(out, "{lines}")
}

/// The function that the title names, with the place that its own frame names, and the file to blame where that is another one.
fn places(report: &Report) -> Vec<(&'static str, String)> {
    let named = |frame: &&Frame| frame.function.as_deref().is_some_and(|name| is_named(name, &report.frame));
    let mut frames = report.stacks.iter().flat_map(|stack| &stack.frames).filter(named);
    // An inlined copy of the function names its place as well as the function does; a frame that names none says nothing.
    let place = frames.find_map(|frame| Some((frame.file.as_deref()?, frame.line)));
    let mut places = Vec::new();
    if !report.frame.is_empty() {
        let at = match place {
            Some((file, Some(line))) => format!(" at {file}:{line}"),
            Some((file, None)) => format!(" in {file}"),
            None => String::new(),
        };
        places.push(("function", format!("{}{at}", report.frame)));
    }
    if let Some(file) = guilty_file(report).filter(|file| place.is_none_or(|(known, _)| known != *file)) {
        places.push(("file to blame", file.to_owned()));
    }
    places
}

/// Whether a frame's function is the one of a title, compiler suffixes aside.
fn is_named(function: &str, title: &str) -> bool {
    function == title || function.strip_prefix(title).is_some_and(|rest| rest.starts_with('.'))
}

/// `1 run`, `2 runs`.
fn count(number: u32, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Hours and minutes.
fn clock(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round() as u64;
    if minutes < 60 { format!("{minutes}m") } else { format!("{}h{:02}m", minutes / 60, minutes % 60) }
}
