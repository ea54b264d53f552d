//! A live run for people: one line a happening, and a status line that is written over and over.

use super::{Palette, fitted, safe};
use crate::runs::Verdict;
use crate::vm::happening::{Happening, Status};
use std::fmt::Write as _;

/// Whom a line is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// What the run is about: crashes, hits, the outcome.
    Result,
    /// How it goes.
    Aside,
}

/// `drivers/net/x.c:12`, where the function that the title names was executing, if source lines are known.
fn blamed_place(report: &crate::report::Report) -> Option<String> {
    let mut frames = report.stacks.iter().flat_map(|stack| &stack.frames);
    let named = |function: &str| !report.frame.is_empty() && crate::diff::cause::bare(function) == report.frame;
    let frame = frames.find(|frame| frame.file.is_some() && frame.function.as_deref().is_some_and(named))?;
    Some(format!("{}:{}", frame.file.as_deref()?, frame.line?))
}

/// The line of a happening, without line break; none for those that only the status line and `events.jsonl` show.
#[must_use]
pub fn live_line(at: f64, happening: &Happening, palette: &Palette) -> Option<(Weight, String)> {
    let (weight, style, word, text) = match happening {
        Happening::Begun { folder, machine } => {
            let text = folder.as_ref().map_or_else(|| machine.clone(), |folder| format!("{folder} ({machine})"));
            (Weight::Aside, palette.quiet, "run", text)
        }
        Happening::Step { text } => (Weight::Aside, palette.quiet, "", text.clone()),
        Happening::Warning { text } => (Weight::Aside, palette.doubt, "warning", text.clone()),
        Happening::Opened { text, host, .. } => {
            (Weight::Result, palette.blame, "opened", format!("{}{text}", of_host(host.as_deref())))
        }
        Happening::Closed { report, sought, expected, host } => {
            let mut notes = vec![report.kind.clone(), format!("line {}", report.line)];
            notes.extend(blamed_place(report));
            notes.extend(report.corrupted.as_ref().map(|reason| format!("corrupted: {reason}")));
            notes.extend(report.suppressed.then(|| "suppressed".to_owned()));
            notes.extend(report.cause.map(|cause| format!("follows from report {cause}")));
            notes.extend(
                expected.map(|same| if same { "the bundle's title" } else { "not the bundle's title" }.to_owned()),
            );
            let word = if *sought { "crash" } else { "report" };
            let style = if *sought { palette.title } else { palette.blame };
            (
                Weight::Result,
                style,
                word,
                format!("{}{} ({})", of_host(host.as_deref()), report.title, notes.join("; ")),
            )
        }
        Happening::Event { event, host } => {
            // It is reported when the log shows that it is whole; when it was is the guest's to say.
            let time = event.time.map_or(String::new(), |time| format!("[{time:.3}] "));
            (Weight::Aside, palette.quiet, "event", format!("{}{time}{}", of_host(host.as_deref()), event.title))
        }
        Happening::Line { text, .. } => (Weight::Result, palette.title, "line", text.clone()),
        Happening::Blocker { meaning, remedy, line, .. } => {
            (Weight::Aside, palette.doubt, "blocker", format!("{meaning}: {remedy}  [{}]", fitted(line, 100)))
        }
        Happening::Said { text } => (Weight::Aside, palette.quiet, "said", text.clone()),
        // The first count says that it works, the rest is for the status line.
        Happening::Progress { parsed, executed: 0, .. } => {
            let parsed = match parsed {
                None => String::new(),
                Some(1) => " (1 program parsed)".to_owned(),
                Some(count) => format!(" ({count} programs parsed)"),
            };
            (Weight::Aside, palette.good, "programs", format!("syz-execprog executes{parsed}"))
        }
        Happening::Progress { .. } => return None,
        Happening::Dump { answered, by } if answered.is_empty() => (Weight::Aside, palette.doubt, "dump", by.clone()),
        Happening::Dump { answered, by } => {
            (Weight::Aside, palette.quiet, "dump", format!("the guest answered sysrq {answered} by {by}"))
        }
        Happening::Locks { text, files } => {
            // The only happening of several lines: a graph for people.
            let graph: String = text.iter().flat_map(|text| text.lines()).fold(String::new(), |mut lines, line| {
                let _ = write!(lines, "\n  {}", safe(line));
                lines
            });
            let style = palette.title;
            let words = files.iter().map(|name| safe(name)).collect::<Vec<_>>().join(", ");
            return Some((Weight::Result, format!("{at:8.1}s {style}locks{style:#} {words}{graph}")));
        }
        Happening::Archived { folder, title } => (Weight::Result, palette.good, "kept", format!("{folder}: {title}")),
        Happening::Ended { outcome } => {
            let style = if outcome.verdict == Verdict::Clean { palette.good } else { palette.title };
            let title = outcome.title.as_ref().map_or(String::new(), |title| format!("{title}: "));
            let words = outcome.verdict.words();
            // "stopped by signal 2" says what the verdict says.
            let rest = outcome.reason.strip_prefix(words).and_then(|rest| rest.strip_prefix(' '));
            let reason = rest.unwrap_or(&outcome.reason);
            (Weight::Result, style, words, format!("{title}{reason}"))
        }
    };
    let mut line = format!("{at:8.1}s ");
    if !word.is_empty() {
        let _ = write!(line, "{style}{word}{style:#} ");
    }
    line.push_str(&safe(&text));
    Some((weight, line))
}

/// What stands before the words of one of several machines.
fn of_host(host: Option<&str>) -> String {
    host.map_or_else(String::new, |host| format!("{host}: "))
}

/// The status line, at most `width` columns.
#[must_use]
pub fn status_line(status: &Status, width: usize) -> String {
    let mut line = format!("{} {}", clock(status.at), status.doing.word());
    if let Some(executed) = status.executed {
        let _ = write!(line, " | {executed} programs");
        if let Some(rate) = status.rate {
            let _ = write!(line, " ({rate:.1}/s)");
        }
    }
    let _ = write!(line, " | {} reports, {} hits", status.reports, status.hits);
    if status.silent >= 30.0 {
        let _ = write!(line, " | silent for {}", clock(status.silent));
    }
    if !status.last.is_empty() {
        let _ = write!(line, " | {}", safe(&status.last));
    }
    fitted(&line, width).into_owned()
}

/// The status line of several runs at once, at most `width` columns.
#[must_use]
pub fn statuses_line<'a>(statuses: impl Iterator<Item = &'a Status>, width: usize) -> String {
    let mut doing: Vec<(&str, usize)> = Vec::new();
    let (mut at, mut programs, mut reports, mut hits) = (0.0, None, 0, 0);
    for status in statuses {
        at = f64::max(at, status.at);
        programs = status.executed.map(|count| programs.unwrap_or(0) + count).or(programs);
        (reports, hits) = (reports + status.reports, hits + status.hits);
        match doing.iter_mut().find(|(word, _)| *word == status.doing.word()) {
            Some((_, count)) => *count += 1,
            None => doing.push((status.doing.word(), 1)),
        }
    }
    let doing: Vec<String> = doing.into_iter().map(|(word, count)| format!("{count} {word}")).collect();
    let programs = programs.map_or_else(String::new, |count: u64| format!(" | {count} programs"));
    let line = format!("{} {}{programs} | {reports} reports, {hits} hits", clock(at), doing.join(", "));
    fitted(&line, width).into_owned()
}

fn clock(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run's seconds, for people")]
    let whole = seconds.max(0.0) as u64;
    format!("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::Outcome;
    use crate::vm::doing::Doing;

    #[test]
    fn what_a_guest_prints_cannot_move_the_cursor() {
        let step =
            Happening::Opened { header: "bug".to_owned(), start: 0, text: "BUG: \u{1b}[2J".to_owned(), host: None };
        let (weight, line) = live_line(1.25, &step, &Palette::plain()).expect("a line");
        assert_eq!((weight, line.as_str()), (Weight::Result, "     1.2s opened BUG: \\u{1b}[2J"));
        let status = Status { last: "\r\u{7}".to_owned(), doing: Doing::Running, ..Status::default() };
        assert!(!status_line(&status, 80).contains(['\r', '\u{7}']));
    }

    #[test]
    fn the_end_says_its_verdict_once() {
        let ended = |reason: &str| {
            let outcome = Outcome { verdict: Verdict::Stopped, title: None, reason: reason.to_owned() };
            live_line(2.0, &Happening::Ended { outcome }, &Palette::plain()).expect("a line").1
        };
        assert_eq!(ended("stopped by signal 2"), "     2.0s stopped by signal 2");
        assert_eq!(ended("the time was up"), "     2.0s stopped the time was up");
    }

    #[test]
    fn the_first_count_says_that_it_works() {
        let progress = |parsed, executed| Happening::Progress { parsed, executed, rate: None };
        let (_, line) = live_line(3.0, &progress(Some(1), 0), &Palette::plain()).expect("a line");
        assert_eq!(line, "     3.0s programs syz-execprog executes (1 program parsed)");
        assert_eq!(live_line(3.0, &progress(Some(1), 10), &Palette::plain()), None, "the rest is for the status line");
    }

    #[test]
    fn several_runs_share_one_status_line() {
        let status = |doing, executed, hits| Status { at: 61.0, doing, executed, hits, ..Status::default() };
        let statuses =
            [status(Doing::Running, Some(5), 0), status(Doing::Booting, None, 0), status(Doing::Running, Some(7), 2)];
        assert_eq!(
            statuses_line(statuses.iter(), 80),
            "0:01:01 2 running, 1 booting | 12 programs | 0 reports, 2 hits"
        );
    }

    #[test]
    fn the_status_line_fits() {
        let status = Status {
            at: 3_725.0,
            doing: Doing::Running,
            executed: Some(5_000),
            rate: Some(12.34),
            reports: 2,
            hits: 1,
            last: "INFO: task hung in somewhere with a long name".to_owned(),
            silent: 65.0,
        };
        assert_eq!(
            status_line(&status, 80),
            "1:02:05 running | 5000 programs (12.3/s) | 2 reports, 1 hits | silent for 0:01:…"
        );
    }
}
