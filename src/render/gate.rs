//! Comparisons and checks as JUnit's XML and as SARIF, and the text of a check.

use super::sarif::{Claim, Sarif, Spot};
use super::{Palette, safe, several};
use crate::diff::{Difference, Finding, Verdict};
use crate::intake::Containers;
use crate::markup::xml;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

/// The schema name of [`CheckedLog`].
pub const CHECK_LOG_SCHEMA: &str = "kanalyze.check/1";

/// One log of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckedLog {
    /// [`CHECK_LOG_SCHEMA`].
    pub schema: &'static str,
    /// The log.
    pub log: String,
    /// Whether it could be read, the kernel speaks in it, and every crash in it is known.
    pub passes: bool,
    /// Crashes in the order of the log.
    pub crashes: Vec<Checked>,
    /// What went wrong in reading it.
    pub trouble: Option<String>,
    /// How many lines were read.
    pub lines: u64,
    /// Why it is not judged: it can be read, but is not a log. It does not pass, and the check does not fail by it.
    pub silence: Option<String>,
}

/// One crash of a checked log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Checked {
    /// syzbot's title.
    pub title: String,
    /// 1-based line.
    pub line: u64,
    /// Why it is excused.
    pub known: Option<String>,
    /// The last day on which it was excused.
    pub expired: Option<String>,
}

impl CheckedLog {
    /// A log of so many lines passes if it could be read and all its crashes are known.
    #[must_use]
    pub fn new(log: String, crashes: Vec<Checked>, trouble: Option<String>, lines: u64) -> Self {
        let passes = trouble.is_none() && crashes.iter().all(|crash| crash.known.is_some());
        Self { schema: CHECK_LOG_SCHEMA, log, passes, crashes, trouble, lines, silence: None }
    }

    /// The same of a text that may not be a log, and does not pass then.
    #[must_use]
    pub fn with_silence(self, silence: Option<String>) -> Self {
        Self { passes: self.passes && silence.is_none(), silence, ..self }
    }

    /// What went wrong in reading it, without its name.
    fn trouble_alone(&self) -> Option<&str> {
        let words = self.trouble.as_deref()?;
        Some(words.strip_prefix(&self.log).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(words))
    }
}

/// Fewer lines than a kernel prints when it starts, or a test leaves of itself.
const FEW: u64 = 10;

/// The check for people: what is not known first, then what is.
#[must_use]
pub fn check_text(logs: &[CheckedLog], palette: &Palette) -> String {
    let mut out = String::new();
    for (wants_known, style) in [(false, palette.title), (true, palette.quiet)] {
        for (title, places) in titles(logs, wants_known) {
            let _ = writeln!(out, "{style}{}{}", safe(title), style.render_reset());
            for (log, crash) in places.iter().take(PLACES) {
                let words = match (&crash.known, &crash.expired) {
                    (Some(reason), _) => format!("known: {reason}"),
                    (None, Some(day)) => format!("was excused until {day}"),
                    (None, None) => "not known".into(),
                };
                let _ = writeln!(out, "  {}:{} · {}", safe(log), crash.line, safe(&words));
            }
            if let Some(rest) = places.get(PLACES..).filter(|rest| !rest.is_empty()) {
                let others: BTreeSet<&str> = rest.iter().map(|(log, _)| *log).collect();
                let times = several(rest.len(), "more time");
                let _ = writeln!(out, "  … and {times}, in {}", several(others.len(), "log"));
            }
        }
    }
    for log in logs {
        let Some(words) = log.trouble_alone() else { continue };
        let (style, reset) = (palette.title, palette.title.render_reset());
        let _ = writeln!(out, "{style}{}{reset}\n  cannot be judged: {}", safe(&log.log), safe(words));
    }
    let silent: Vec<&CheckedLog> = logs.iter().filter(|log| log.silence.is_some()).collect();
    for log in silent.iter().take(PLACES) {
        let words = log.silence.as_deref().unwrap_or_default();
        let _ = writeln!(out, "{}\n  not judged: {}", safe(&log.log), safe(words));
    }
    if let Some(rest) = silent.get(PLACES..).filter(|rest| !rest.is_empty()) {
        let _ = writeln!(out, "… and {} more, not judged", several(rest.len(), "text"));
    }
    let judged = logs.len() - silent.len();
    let passed = logs.iter().filter(|log| log.passes).count();
    let style = if passed == judged { palette.good } else { palette.title };
    let noun = if judged == 1 { "log passes" } else { "logs pass" };
    let _ = write!(out, "{style}{passed} of {judged} {noun}{}", style.render_reset());
    let lines: u64 = logs.iter().filter(|log| log.silence.is_none()).map(|log| log.lines).sum();
    if passed == judged && judged > 0 && lines < FEW {
        // A log whose end is missing has no crash either.
        let read = if lines == 1 { "1 line was read".to_owned() } else { format!("{lines} lines were read") };
        let _ = write!(out, "; {read} in all: is this the whole log?");
    }
    out.push('\n');
    out
}

/// So many places of one title are named, and so many texts that are not judged.
const PLACES: usize = 5;

/// The titles of crashes that are known or not, each once, in the order in which they come, with all their places.
fn titles(logs: &[CheckedLog], known: bool) -> Vec<(&str, Vec<(&str, &Checked)>)> {
    let mut titles: Vec<(&str, Vec<(&str, &Checked)>)> = Vec::new();
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    for log in logs {
        for crash in log.crashes.iter().filter(|crash| crash.known.is_some() == known) {
            let number = *numbers.entry(&crash.title).or_insert(titles.len());
            if number == titles.len() {
                titles.push((&crash.title, Vec::new()));
            }
            titles[number].1.push((&log.log, crash));
        }
    }
    titles
}

/// The check as JUnit's XML: one case a log.
#[must_use]
pub fn check_junit(logs: &[CheckedLog]) -> String {
    let skipped = logs.iter().filter(|log| log.silence.is_some()).count();
    let failures = logs.iter().filter(|log| !log.passes).count() - skipped;
    let mut cases = String::new();
    for log in logs {
        let name = lines_in_xml(&log.log);
        let unknown: Vec<&Checked> = log.crashes.iter().filter(|crash| crash.known.is_none()).collect();
        if log.passes {
            let _ = writeln!(cases, "    <testcase classname=\"kanalyze.check\" name=\"{name}\"/>");
            continue;
        }
        if let Some(words) = &log.silence {
            let words = lines_in_xml(words);
            let _ = writeln!(
                cases,
                "    <testcase classname=\"kanalyze.check\" name=\"{name}\"><skipped message=\"{words}\"/></testcase>"
            );
            continue;
        }
        let message =
            unknown.first().map(|crash| crash.title.clone()).or_else(|| log.trouble.clone()).unwrap_or_default();
        let _ = writeln!(cases, "    <testcase classname=\"kanalyze.check\" name=\"{name}\">");
        let text: String =
            unknown.iter().map(|crash| format!("{}:{}: {}\n", log.log, crash.line, crash.title)).collect();
        let _ =
            writeln!(cases, "      <failure message=\"{}\">{}</failure>", lines_in_xml(&message), lines_in_xml(&text));
        let _ = writeln!(cases, "    </testcase>");
    }
    junit(logs.len(), failures, skipped, "kanalyze check", &cases)
}

/// The check as a list for editors, `file:line: title`: crashes that are not known, and logs that could not be judged.
#[must_use]
pub fn check_quickfix(logs: &[CheckedLog], containers: &Containers) -> String {
    let mut out = String::new();
    for log in logs {
        for crash in log.crashes.iter().filter(|crash| crash.known.is_none()) {
            let spot = Spot::of(&log.log, crash.line, containers);
            // An editor opens files only; a member of an archive stays what it is called.
            let (file, within) = match (spot.shown(), spot.beside()) {
                ((file, 1..), Some((name, _))) => (file, format!(" (in {})", safe(name))),
                _ => (log.log.as_str(), String::new()),
            };
            let _ = writeln!(out, "{}:{}: {}{within}", safe(file), crash.line, safe(&crash.title));
        }
        if let Some(trouble) = log.trouble_alone() {
            let _ = writeln!(out, "{}:1: cannot be judged: {}", safe(&log.log), safe(trouble));
        }
    }
    out
}

/// The check as workflow commands of GitHub: an error per crash that is not known and per log that could not be judged, a notice
/// per crash that is. See <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
#[must_use]
pub fn check_github(logs: &[CheckedLog], containers: &Containers) -> String {
    let data = |text: &str| safe(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for log in logs {
        let place = |line| {
            let (file, line) = Spot::of(&log.log, line, containers).shown();
            let line = if line > 0 { format!(",line={line}") } else { String::new() };
            format!("file={}{line}", property(file))
        };
        // What has no file of its own is named in words.
        let within = |line| match Spot::of(&log.log, line, containers).beside() {
            Some((name, Some(line))) => format!(" (in {}:{line})", data(name)),
            Some((name, None)) => format!(" (in {})", data(name)),
            None => String::new(),
        };
        let file = place(0);
        for crash in &log.crashes {
            let (level, known) = match &crash.known {
                Some(reason) => ("notice", format!(" (known: {})", data(reason))),
                None => ("error", String::new()),
            };
            let _ = writeln!(
                out,
                "::{level} {},title=kanalyze::{}{}{known}",
                place(crash.line),
                data(&crash.title),
                within(crash.line)
            );
        }
        if let Some(trouble) = &log.trouble {
            let _ = writeln!(out, "::error {file},title=kanalyze::{}", data(trouble));
        }
        if let Some(words) = &log.silence {
            let _ = writeln!(out, "::notice {file},title=kanalyze::not judged: {}", data(words));
        }
    }
    out
}

/// The comparison as JUnit's XML: one case a finding, skipped where it cannot be determined.
#[must_use]
pub fn diff_junit(difference: &Difference) -> String {
    let (mut cases, mut failures, mut skipped) = (String::new(), 0, 0);
    let all: Vec<&Finding> = difference.findings.iter().filter(|one| one.verdict != Verdict::Note).collect();
    for finding in &all {
        let inside = if finding.verdict == Verdict::Unclear || finding.known.is_some() {
            skipped += 1;
            format!("<skipped message=\"{}\"/>", lines_in_xml(finding.known.as_ref().unwrap_or(&finding.words)))
        } else {
            failures += 1;
            format!("<failure message=\"{}: {}\"/>", finding.verdict.word(), lines_in_xml(&finding.words))
        };
        let _ = writeln!(
            cases,
            "    <testcase classname=\"kanalyze.diff.{}\" name=\"{}\">{inside}</testcase>",
            finding.area.name(),
            lines_in_xml(&finding.name)
        );
    }
    for (area, count) in &difference.same {
        let _ = writeln!(cases, "    <testcase classname=\"kanalyze.diff.{area}\" name=\"{count} the same\"/>");
    }
    junit(all.len() + difference.same.len(), failures, skipped, "kanalyze diff", &cases)
}

fn junit(tests: usize, failures: usize, skipped: usize, name: &str, cases: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\">\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

/// Text of several lines in XML.
fn lines_in_xml(text: &str) -> String {
    text.split('\n').map(xml).collect::<Vec<_>>().join("&#10;")
}

/// The comparison as SARIF 2.1.0: one result a claimed difference.
#[must_use]
pub fn diff_sarif<'a>(difference: &'a Difference, containers: &'a Containers) -> impl Serialize {
    let results = difference
        .findings
        .iter()
        .filter(|finding| finding.verdict != Verdict::Note)
        .map(|finding| {
            let level = match finding.verdict {
                Verdict::Unclear => "note",
                Verdict::New | Verdict::More | Verdict::Changed => "error",
                _ => "warning",
            };
            let place = finding.place.as_ref().map(|place| Spot::of(&place.log, place.line, containers));
            let text = format!("{} {}: {}", finding.verdict.word(), finding.name, finding.words);
            Claim::new(finding.area.name(), level, Cow::Owned(text), place, finding.known.as_deref())
        })
        .collect();
    Sarif::of(results)
}

/// The check as SARIF 2.1.0: one result per crash, and one per log that could not be judged, for a list without results passes.
#[must_use]
pub fn check_sarif<'a>(logs: &'a [CheckedLog], containers: &'a Containers) -> impl Serialize {
    let mut results = Vec::new();
    for log in logs {
        results.extend(log.crashes.iter().map(|crash| {
            let place = Some(Spot::of(&log.log, crash.line, containers));
            Claim::new("crash", "error", Cow::Borrowed(&crash.title), place, crash.known.as_deref())
        }));
        results.extend(
            log.trouble
                .iter()
                .map(|words| (words, Some(Spot::of(&log.log, 0, containers))))
                .map(|(words, place)| Claim::new("trouble", "error", Cow::Borrowed(words), place, None)),
        );
    }
    Sarif::of(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_commands_end_nowhere_but_at_their_line() {
        let crash = |known: Option<&str>| Checked {
            title: "KASAN: 100% bad::Read in f\nwith a break".to_owned(),
            line: 7,
            known: known.map(str::to_owned),
            expired: None,
        };
        let logs = [CheckedLog::new("a,b:c.log".to_owned(), vec![crash(None), crash(Some("old"))], None, 90)];
        let shown = check_github(&logs, &Containers::default());
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 2, "{shown}");
        assert!(lines[0].starts_with("::error file=a%2Cb%3Ac.log,line=7,title=kanalyze::KASAN: 100%25 bad::Read in f"));
        assert!(lines[1].starts_with("::notice ") && lines[1].ends_with("(known: old)"));
        assert_eq!(check_quickfix(&logs, &Containers::default()).lines().count(), 1, "what is known is not listed");
    }

    #[test]
    fn a_log_that_could_not_be_read_never_passes_in_any_form() {
        let log = CheckedLog::new("a.log".to_owned(), Vec::new(), Some("a.log: the log is empty".to_owned()), 0);
        assert!(!log.passes);
        let shown = check_text(std::slice::from_ref(&log), &Palette::plain());
        assert!(shown.contains("a.log\n  cannot be judged: the log is empty\n0 of 1 log passes"), "{shown}");
        assert!(check_junit(std::slice::from_ref(&log)).contains("<failure message=\"a.log: the log is empty\">"));
        let logs = [log];
        let sarif = serde_json::to_value(check_sarif(&logs, &Containers::default())).expect("JSON");
        assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
    }
}
