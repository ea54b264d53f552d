//! Several bisections as a table, and verdicts that contradict their runs.

use super::bisect_words::{plain, short};
use super::{Look, Width, columns, padded};
use crate::bisect::Bisection;
use crate::bisect::record::Outcome;
use std::io::{self, Write};

/// Columns of the answer in a table on a terminal.
const ANSWER: usize = 50;

/// Writes one line for each bisection, in the order given.
///
/// # Errors
/// Whatever `out` says.
pub fn write_table(all: &[Bisection], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let palette = &look.palette;
    let answers: Vec<String> = all.iter().map(answer).collect();
    let longest = answers.iter().map(|answer| columns(answer)).max().unwrap_or(0).max(6);
    let wide = if look.width == Width::UNBOUNDED { longest } else { longest.min(ANSWER) };
    writeln!(out, "confidence  {:wide$}  log", "answer")?;
    let shared = shared_folders(all.iter().map(|found| found.log.as_str()));
    for (found, answer) in all.iter().zip(&answers) {
        let confidence =
            found.confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{:.0} %", confidence * 100.0));
        let style = match found.confidence {
            Some(confidence) if confidence >= 0.6 => palette.good,
            Some(confidence) if confidence < 0.4 => palette.title,
            _ => palette.quiet,
        };
        let log = super::safe(&found.log[shared..]);
        let session =
            if found.sessions > 1 { format!(" ({} of {})", found.session, found.sessions) } else { String::new() };
        writeln!(out, "{style}{confidence:>10}{style:#}  {}  {log}{session}", padded(&plain(answer, wide), wide))?;
    }
    Ok(())
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
