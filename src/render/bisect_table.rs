//! Several bisections as a table, and verdicts that contradict their runs.

use super::bisect_words::{plain, short};
use super::{Look, Width, columns, padded};
use crate::bisect::Bisection;
use crate::bisect::record::Outcome;
use std::io::{self, Write};

/// Columns of the answer in a table on a terminal, at most; and at least, or it has a line of its own.
const ANSWER: usize = 50;
const LEAST: usize = 20;
/// Columns of the confidence, with the blanks behind it.
const CONFIDENCE: usize = 12;

/// Writes one line for each bisection, in the order given.
///
/// # Errors
/// Whatever `out` says.
pub fn write_table(all: &[Bisection], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let palette = &look.palette;
    let answers: Vec<String> = all.iter().map(answer).collect();
    let shared = shared_folders(all.iter().map(|found| found.log.as_str()));
    let logs: Vec<String> = all.iter().map(|found| log(found, shared)).collect();
    let longest = |cells: &[String], least: usize| cells.iter().map(|cell| columns(cell)).max().unwrap_or(0).max(least);
    let answer = longest(&answers, 6);
    let (wide, beside) = match look.width {
        Width::UNBOUNDED => (answer, true),
        // Names can be copied: it is the answers that give way, as far as they say something then.
        Width(most) => match most.saturating_sub(CONFIDENCE + 2 + longest(&logs, 3)) {
            left @ LEAST.. => (answer.min(left).min(ANSWER), true),
            _ => (answer.min(most.saturating_sub(CONFIDENCE)), false),
        },
    };
    if beside {
        writeln!(out, "confidence  {:wide$}  log", "answer")?;
    } else {
        writeln!(out, "confidence  answer, log below")?;
    }
    for ((found, answer), log) in all.iter().zip(&answers).zip(&logs) {
        let confidence =
            found.confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{:.0} %", confidence * 100.0));
        let style = match found.confidence {
            Some(confidence) if confidence >= 0.6 => palette.good,
            Some(confidence) if confidence < 0.4 => palette.title,
            _ => palette.quiet,
        };
        let answer = padded(&plain(answer, wide), wide);
        let first = format!("{style}{confidence:>10}{style:#}  {answer}");
        if beside {
            writeln!(out, "{first}  {log}")?;
        } else {
            writeln!(out, "{}\n{:CONFIDENCE$}{log}", first.trim_end(), "")?;
        }
    }
    Ok(())
}

/// What names the log, and which of its bisections it is.
fn log(found: &Bisection, shared: usize) -> String {
    let session =
        if found.sessions > 1 { format!(" ({} of {})", found.session, found.sessions) } else { String::new() };
    format!("{}{session}", super::safe(&found.log[shared..]))
}

/// What was found, in a cell.
fn answer(found: &Bisection) -> String {
    match (found.outcome, &found.culprit) {
        (Outcome::Culprit, Some(culprit)) => format!("{} {}", short(&culprit.commit), culprit.subject),
        _ => found.answer.split(", ").next().unwrap_or_default().to_owned(),
    }
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
                super::safe(&found.log),
                step.line,
                super::safe(name),
                step.contradiction.as_deref().unwrap_or_default()
            )?;
        }
    }
    writeln!(out, "{wrong} of {told} verdicts contradict their runs")
}

/// How many bytes of folders all names begin with: what tells the logs apart is kept.
fn shared_folders<'a>(mut names: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = names.next() else { return 0 };
    let folders = |common: &str| common.rfind('/').map_or(0, |slash| slash + 1);
    names.fold(folders(first), |shared, name| {
        let same = first[..shared].bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
        // Equal bytes may end inside of a letter; a slash never does.
        first.as_bytes()[..same].iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_tells_them_apart() {
        let shared = |names: &[&str]| shared_folders(names.iter().copied());
        assert_eq!(shared(&["a/b/x/log.txt", "a/b/y/log.txt"]), 4);
        assert_eq!(shared(&["a/b/x.txt", "a/b/x.txt"]), 4);
        assert_eq!(shared(&["x.txt", "a/x.txt"]), 0);
        assert_eq!(shared(&["a/log.txt"]), 2);
    }
}
