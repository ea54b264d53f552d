//! How a bisection looks as text: the answer first, then the walk, small enough to be pasted into a mail.

use super::Palette;
use crate::bisect::Bisection;
use crate::bisect::record::{Basis, Kind, Outcome, Role, RunResult, Step, Verdict};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Columns of the text view.
const WIDTH: usize = 80;
/// How many reasons are shown for and against.
const REASONS: usize = 5;
/// Reasons that move the odds by less are not shown.
const SLIGHT: f64 = 0.05;

/// Writes one log's summary.
///
/// # Errors
/// Whatever `out` says.
pub fn write(found: &Bisection, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}{}{:#}", palette.blame, plain(&found.answer, WIDTH), palette.blame)?;
    if let Some(culprit) = found.culprit.as_ref().filter(|culprit| !culprit.subject.is_empty()) {
        writeln!(out, "  {}", plain(&culprit.subject, WIDTH - 2))?;
    }
    writeln!(out)?;
    facts(found, out)?;
    reasons(found, palette, out)?;
    walk(found, palette, out)?;
    crash(found, out)
}

/// Lines such as `trust    only v4.7..v4.8`.
fn facts(found: &Bisection, out: &mut dyn Write) -> io::Result<()> {
    let mut fact = |name: &str, text: &str| -> io::Result<()> {
        for (at, line) in wrapped(text, WIDTH - 10).iter().enumerate() {
            writeln!(out, "{:10}{line}", if at == 0 { name } else { "" })?;
        }
        Ok(())
    };
    fact("log", &source(found))?;
    if found.basis == Basis::Extrapolated {
        fact("belief", "by a model that was fitted on searches for causes only: take it as a hint")?;
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
    if let Some(trust) = &found.trust {
        fact("range", &trust.words)?;
    }
    if let Some(unreliable) = &found.unreliable_from {
        fact("doubt", &format!("from step {} on: {}", unreliable.step + 1, unreliable.why))?;
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
    if found.kind == Kind::Git {
        for remark in found.remarks.iter().take(6) {
            fact("remark", remark)?;
        }
    }
    Ok(())
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
    format!("{} ({}, {kind}{dates}{mailed}{cut})", found.log, found.dialect.name)
}

fn reasons(found: &Bisection, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    for (heading, mark, style, side) in [("against it", '-', palette.title, -1.0), ("for it", '+', palette.good, 1.0)] {
        let shown: Vec<_> = found.reasons.iter().filter(|reason| reason.weight * side > SLIGHT).take(REASONS).collect();
        if shown.is_empty() {
            continue;
        }
        writeln!(out, "\n{heading}")?;
        for reason in shown {
            let lines = wrapped(&reason.words, WIDTH - 9);
            for (at, line) in lines.iter().enumerate() {
                if at == 0 {
                    writeln!(out, "  {style}{mark}{:.1}{style:#}  {line}", reason.weight.abs())?;
                } else {
                    writeln!(out, "        {line}")?;
                }
            }
        }
    }
    Ok(())
}

/// The steps as a table; titles are folded into letters that a legend explains.
fn walk(found: &Bisection, palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    if found.steps.is_empty() {
        return Ok(());
    }
    let letters = letters(found);
    writeln!(out, "\nstep  git    kernel        crashed  titles    left  subject")?;
    let mut before: Option<Vec<&str>> = None;
    for (at, step) in found.steps.iter().enumerate() {
        let titles: Vec<&str> = step.titles().collect();
        // A star marks where the titles change altogether.
        let changed = !titles.is_empty()
            && before
                .as_ref()
                .is_some_and(|before| !before.is_empty() && titles.iter().all(|title| !before.contains(title)));
        if !titles.is_empty() {
            before = Some(titles);
        }
        let verdict = verdict(found.kind, step);
        let style = match step.verdict {
            Some(Verdict::Bad) => palette.title,
            Some(Verdict::Good) => palette.good,
            _ => palette.quiet,
        };
        let left = step.left.map_or_else(String::new, |left| left.to_string());
        let name = step.release.clone().unwrap_or_else(|| short(&step.commit).to_owned());
        let folded = format!("{}{}", folded(step, &letters), if changed { "*" } else { "" });
        let line = format!(
            "{:>4}  {style}{verdict:<6}{style:#} {:<12}  {:<8} {folded:<8} {left:>5}  ",
            at + 1,
            plain(&name, 12),
            runs(found, at, step)
        );
        let visible = format!(
            "{:>4}  {verdict:<6} {:<12}  {:<8} {folded:<8} {left:>5}  ",
            at + 1,
            plain(&name, 12),
            runs(found, at, step)
        )
        .chars()
        .count();
        let text = plain(&note(step), WIDTH.saturating_sub(visible));
        writeln!(out, "{}", format!("{line}{text}").trim_end())?;
    }
    if !letters.is_empty() {
        writeln!(out)?;
    }
    let mut legend: Vec<(&&str, &String)> = letters.iter().collect();
    legend.sort_by_key(|(_, letter)| (letter.len(), (*letter).clone()));
    for (title, letter) in legend.into_iter().take(26) {
        writeln!(out, "   {letter:>2} = {}", plain(title, WIDTH - 8))?;
    }
    Ok(())
}

fn letters(found: &Bisection) -> BTreeMap<&str, String> {
    let mut letters = BTreeMap::new();
    for title in found.steps.iter().flat_map(Step::titles) {
        let next = letters.len();
        letters.entry(title).or_insert_with(|| {
            let letter = char::from(b'A' + (next % 26) as u8);
            if next < 26 { letter.to_string() } else { format!("{letter}{}", next / 26) }
        });
    }
    letters
}

/// What git was told; in brackets what the rules make of a test that git was not told about.
fn verdict(kind: Kind, step: &Step) -> String {
    let word = crate::bisect::verdict_word;
    match (step.verdict, step.rules_verdict) {
        (Some(told), _) => word(told).to_owned(),
        (None, Some(rules)) if !step.runs.is_empty() && kind != Kind::Git => format!("({})", word(rules)),
        _ if step.role == Role::Parent => "built".to_owned(),
        _ => String::new(),
    }
}

/// `8/10`, or why there is nothing to count.
fn runs(found: &Bisection, at: usize, step: &Step) -> String {
    if step.crashed + step.survived > 0 {
        return format!("{}/{}", step.crashed, step.crashed + step.survived);
    }
    if found.outcome == Outcome::Incomplete
        && at + 1 == found.steps.len()
        && step.runs.is_empty()
        && step.verdict.is_none()
    {
        return "cut off".to_owned();
    }
    let has = |result| step.runs.iter().any(|run| run.result == result);
    let why = [
        (RunResult::BootFailed, "no boot"),
        (RunResult::BasicFailed, "no start"),
        (RunResult::Infra, "infra"),
        (RunResult::Failed, "failed"),
        (RunResult::Ignored, "ignored"),
    ];
    match why.iter().find(|(result, _)| has(*result)) {
        Some((_, words)) => (*words).to_owned(),
        None if step.role != Role::Parent
            && step.signature.is_none()
            && found.kind != Kind::Git
            && (step.compiler.is_some() || step.family.is_some() || step.failure.is_some()) =>
        {
            "no build".to_owned()
        }
        None => String::new(),
    }
}

/// `A7 B1`: how often each title.
fn folded(step: &Step, letters: &BTreeMap<&str, String>) -> String {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for title in step.titles() {
        if let Some(letter) = letters.get(title) {
            *counts.entry(letter).or_default() += 1;
        }
    }
    let mut list: Vec<(&str, u32)> = counts.into_iter().collect();
    list.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    let more = if list.len() > 3 { "+" } else { "" };
    let alone = list.len() == 1;
    let words: Vec<String> = list
        .iter()
        .take(3)
        .map(|(letter, count)| if alone { (*letter).to_owned() } else { format!("{letter}{count}") })
        .collect();
    format!("{}{more}", words.join(" "))
}

fn note(step: &Step) -> String {
    if let Some(contradiction) = &step.contradiction {
        return format!("! {contradiction}");
    }
    match step.role {
        Role::Original => "the original commit".to_owned(),
        Role::Config => "again, with a smaller config".to_owned(),
        Role::Head => "HEAD".to_owned(),
        Role::MergeBase => "a merge base".to_owned(),
        Role::Parent => "the culprit's parent".to_owned(),
        _ => step.subject.clone().unwrap_or_default(),
    }
}

fn crash(found: &Bisection, out: &mut dyn Write) -> io::Result<()> {
    let Some(title) = &found.crash_title else { return Ok(()) };
    writeln!(out, "\ncrash at the end: {}", plain(title, WIDTH - 18))?;
    let Some(report) = &found.crash else { return Ok(()) };
    if &report.title != title {
        writeln!(out, "  the report says: {}", plain(&report.title, WIDTH - 19))?;
    }
    let frame = if report.frame.is_empty() { "?" } else { &report.frame };
    let file = report.guilty_file.as_deref().map_or_else(String::new, |file| format!(" in {file}"));
    writeln!(out, "  to blame: {}", plain(&format!("{frame}{file}"), WIDTH - 12))
}

/// Writes one line a log, in the order given.
///
/// # Errors
/// Whatever `out` says.
pub fn write_table(all: &[Bisection], palette: &Palette, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "belief  answer                                              log")?;
    for found in all {
        let belief =
            found.confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{:.0} %", confidence * 100.0));
        let style = match found.confidence {
            Some(confidence) if confidence >= 0.6 => palette.good,
            Some(confidence) if confidence < 0.4 => palette.title,
            _ => palette.quiet,
        };
        let answer = match (found.outcome, &found.culprit) {
            (Outcome::Culprit, Some(culprit)) => format!("{} {}", short(&culprit.commit), culprit.subject),
            _ => found.answer.split(", ").next().unwrap_or_default().to_owned(),
        };
        let log = found.log.rsplit('/').next().unwrap_or(&found.log);
        writeln!(out, "{style}{belief:>6}{style:#}  {:<50}  {}", plain(&answer, 50), plain(log, 60))?;
    }
    Ok(())
}

/// Writes the steps whose verdicts contradict their runs.
///
/// # Errors
/// Whatever `out` says.
pub fn write_checks(all: &[Bisection], out: &mut dyn Write) -> io::Result<()> {
    let (mut told, mut wrong) = (0, 0);
    for found in all {
        told += found.steps.iter().filter(|step| step.verdict.is_some()).count();
        for step in found.steps.iter().filter(|step| step.contradiction.is_some()) {
            wrong += 1;
            let name = step.release.as_deref().unwrap_or(&step.commit);
            writeln!(
                out,
                "{}:{}: {}: {}",
                plain(&found.log, 200),
                step.line,
                plain(name, 40),
                step.contradiction.as_deref().unwrap_or_default()
            )?;
        }
    }
    writeln!(out, "{wrong} of {told} verdicts contradict their runs")
}

/// Words of `text` in lines of at most `width` columns, control characters taken out.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in plain(text, 2000).split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Text of a log for a terminal: visible, and no longer than `width`.
fn plain(text: &str, width: usize) -> String {
    super::fitted(&super::safe(text), width).into_owned()
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
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
