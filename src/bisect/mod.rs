//! Bisection transcripts: steps, outcome, and how far to believe them.
//!
//! ```text
//! bytes ─► bare, mail, paste ─► recognise ─► line ─► walk (syzbot) or git_log (people, 0-day) ─► dialect ─► rules ─► drift, signs ─►
//! verdict ─► advice
//! ```
//!
//! There is no version marker in a transcript: what a line means is recognised by its shape, when it was written by the shapes that
//! occur ([`record::Dialect`]). A line that says nothing new belongs to what precedes it.

mod advice;
mod bare;
mod commit;
mod crash_text;
mod dialect;
mod drift;
mod ends;
mod git_log;
mod line;
mod mail;
mod paste;
mod prose;
mod recognise;
pub mod record;
mod refill;
mod rules;
mod sessions;
mod signs;
mod summary;
mod title;
mod verdict;
mod walk;

pub use record::Bisection;
pub use rules::word as verdict_word;
pub use signs::{Sign, signs};
pub use verdict::{BOUNDS, INTERCEPT};
#[cfg(feature = "cli")]
pub(crate) use verdict::{Model, model};

use crate::report::Report;
use recognise::Writer;
use record::{Basis, Dialect, Flags, Kind, Outcome, Role, Step};

/// Reads the report that ends a transcript; the engine is above this module, so the caller brings it.
pub type ReadReports<'a> = &'a dyn Fn(&[u8]) -> Vec<Report>;

/// Reads one log whole and judges the bisections in it, in their order; none where the text holds none. `log` is the name to put
/// into the records.
#[must_use]
pub fn read(log: &str, bytes: &[u8], read_reports: ReadReports<'_>) -> Vec<Bisection> {
    judged(log, bytes, read_reports).into_iter().map(|(found, _)| found).collect()
}

/// As [`read`], and the signs that each verdict rests on (empty where there is nothing to judge).
#[must_use]
pub fn judged(log: &str, bytes: &[u8], read_reports: ReadReports<'_>) -> Vec<(Bisection, Vec<Sign>)> {
    let plain = bare::bare(bytes);
    let text = mail::Text::read(&plain);
    let mut all = match recognise::writer(&text) {
        None => Vec::new(),
        Some(Writer::Git) => git_log::read(log, &text).into_iter().map(|found| (found, Vec::new())).collect(),
        Some(Writer::Syzbot) => walk::transcripts(log, &text)
            .into_iter()
            .map(|transcript| weighed(transcript, text.bytes(), read_reports))
            .collect(),
    };
    let sessions = all.len();
    for (at, (found, _)) in all.iter_mut().enumerate() {
        (found.session, found.sessions) = (at + 1, sessions);
        advice::give(found);
        found.answer = advice::answer(found);
    }
    all
}

/// Dates and judges a transcript of syzbot.
fn weighed(transcript: walk::Transcript, text: &[u8], read_reports: ReadReports<'_>) -> (Bisection, Vec<Sign>) {
    let walk::Transcript { bisection: mut found, crash, features } = transcript;
    let crash = crash.and_then(|range| text.get(range)).unwrap_or_default();
    dialect::date(&mut found, &features);
    rules::apply(&mut found);
    found.crash =
        (!crash.is_empty()).then(|| read_reports(crash)).and_then(|reports| reports.into_iter().next()).map(Box::new);
    found.infrastructure = advice::infrastructure(&found.steps);
    found.title_drift = drift::of(&found);
    let seen = crash_text::look(crash);
    let signs = if found.commits.is_empty() { Vec::new() } else { signs(&found, &seen) };
    verdict::judge(&mut found, &signs);
    (found, signs)
}

/// Bytes of a log as text: lossy, without the blanks around it.
fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii_end()).into_owned()
}

impl Bisection {
    /// A record that says nothing yet.
    #[must_use]
    pub fn empty(log: &str, kind: Kind) -> Self {
        Self {
            schema: record::SCHEMA,
            log: log.to_owned(),
            session: 1,
            sessions: 1,
            kind,
            dialect: Dialect::default(),
            truncated: false,
            start_commit: None,
            rewritten: None,
            syzkaller: None,
            outcome: Outcome::Incomplete,
            answer: String::new(),
            commits: Vec::new(),
            culprit: None,
            flags: Flags::default(),
            error: None,
            tested_commits: 0,
            steps: Vec::new(),
            given: Vec::new(),
            range: None,
            revisions_left: None,
            terms: None,
            signatures: None,
            totals: None,
            flagged_flaky: false,
            repro_chance: None,
            error_probability: None,
            picked: None,
            recipients_to: Vec::new(),
            recipients_cc: Vec::new(),
            crash_title: None,
            crash: None,
            config: Vec::new(),
            confidence: None,
            basis: Basis::None,
            reasons: Vec::new(),
            unreliable_from: None,
            trust: None,
            next_test: None,
            infrastructure: Vec::new(),
            remarks: Vec::new(),
            reverts: Vec::new(),
            title_drift: None,
            notes: Vec::new(),
        }
    }

    /// The steps that say something about the bug: the culprit's parent and checks after the answer are left out.
    pub fn walked(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.role.is_walked())
    }
}

impl Step {
    /// A step without results.
    #[must_use]
    pub fn new(role: Role, commit: String, line: u64) -> Self {
        Self {
            role,
            commit,
            subject: None,
            release: None,
            line,
            compiler: None,
            family: None,
            signature: None,
            runs: Vec::new(),
            run_count: None,
            counted: false,
            crashed: 0,
            survived: 0,
            verdict: None,
            rules_verdict: None,
            contradiction: None,
            left: None,
            failure: None,
            representative: None,
            types: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The share of its runs that crashed, among those that crashed or survived; nothing when neither happened.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let judged = self.crashed + self.survived;
        (judged > 0).then(|| f64::from(self.crashed) / f64::from(judged))
    }

    /// Whether the kernel crashed in any run.
    #[must_use]
    pub fn is_crashing(&self) -> bool {
        self.crashed > 0
    }

    /// The titles of its crashes, in the order of the log.
    pub fn titles(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().filter(|run| run.result == record::RunResult::Crashed).filter_map(|run| run.title.as_deref())
    }
}
