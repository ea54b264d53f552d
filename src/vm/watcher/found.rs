//! What the watched log shows: lines, reports with their source lines, what keeps the run from its work, and the graph of locks.

use super::super::happening::Happening;
use super::super::judge::{Fact, Verdicts};
use super::super::live::Finding;
use super::super::record::SERIAL_LOG;
use super::Watcher;
use crate::engine::{self, Item};
use crate::intake::Said;
use crate::report::Report;

/// How much of the serial log's end the lock graph is read from, bytes: more than any dump has.
const LOCKS_LIMIT: u64 = 32 << 20;

impl Watcher<'_> {
    pub(super) fn found(&mut self, findings: Vec<Finding>) {
        let now = self.now();
        for mut finding in findings {
            if let (Finding::Said(said), Some(text)) = (&mut finding, &self.text) {
                text.settle(&mut said.item);
            }
            match finding {
                Finding::Said(Said { machine, item }) => self.said(item, machine.as_deref().map(str::to_owned), now),
                Finding::Line(text, start) => {
                    self.recorder.tell(&Happening::Line { text: text.clone(), start });
                    self.hits += 1;
                    self.recorder.archive(&text, None, None);
                    self.judge.take(Fact::LineHit(text), now);
                }
                Finding::Blocker(blocker, line) => {
                    if blocker.ends_boot {
                        self.judge.take(Fact::BootStuck(blocker.meaning.clone()), now);
                    }
                    let words = format!("{}: {}", blocker.meaning, blocker.remedy);
                    self.recorder.manifest(|manifest| manifest.blockers.push(words));
                    self.recorder.tell(&Happening::Blocker {
                        id: blocker.id,
                        meaning: blocker.meaning,
                        remedy: blocker.remedy,
                        line,
                    });
                }
                Finding::Counted(progress) => self.counted(&progress, now),
                // The session that follows the workload says the same when all of the output is here.
                Finding::WorkloadEnded(status) if self.followed => {
                    self.console_end.get_or_insert((status, now));
                }
                Finding::WorkloadEnded(status) => self.workload_ended(status),
                Finding::Sysrq => self.sysrq_answers += 1,
                Finding::Boot(1) => {
                    if let Some(version) = self.live.kernel_version.clone() {
                        self.recorder.manifest(|manifest| {
                            manifest.versions.insert("guest kernel".to_owned(), version);
                        });
                    }
                }
                Finding::Boot(count) => self.warn(format!("the guest boots again (boot {count})")),
            }
        }
    }

    fn said(&mut self, item: Item, host: Option<String>, now: f64) {
        match item {
            Item::Opened { header, start, text } => {
                self.last.clone_from(&text);
                if host.is_none() {
                    self.judge.take(Fact::Opened, now);
                }
                self.recorder.tell(&Happening::Opened { header, start, text, host });
            }
            Item::Closed(report) => self.closed(report, host),
            Item::Event(event) if self.live.blockers.is_own_echo(&event.title) => {}
            Item::Event(event) => self.recorder.tell(&Happening::Event { event, host }),
        }
    }

    fn closed(&mut self, mut report: Box<Report>, host: Option<String>) {
        self.name_lines(&mut report);
        // While the guest boots a crash is the guest's own: it is reported, and it is not a hit.
        let counts = self.judge.counts_crashes();
        let fits = self.live.patterns.seeks(&report) && report.cause.is_none();
        let sought = counts && fits;
        let verdicts = Verdicts {
            title: report.title.clone(),
            sought: fits,
            panicked: report.panicked,
            hang: self.live.blockers.wants_dump(&report.r#type),
            secondary: report.cause.is_some() || (report.suppressed && !fits),
        };
        self.last.clone_from(&report.title);
        *self.titles.entry(report.title.clone()).or_default() += 1;
        let expected =
            self.expected_title.as_ref().map(|title| *title == report.title || report.alt_titles.contains(title));
        let titles = self.titles.clone();
        self.recorder.manifest(|manifest| manifest.titles = titles);
        let closed = Happening::Closed { report: report.clone(), sought, expected, host: host.clone() };
        self.recorder.tell(&closed);
        if sought {
            self.hits += 1;
            // A hang repeats itself: each title is archived once.
            if self.titles.get(&report.title) == Some(&1) {
                let lines = self.lines.get().ok().flatten();
                self.recorder.archive(&report.title, Some((&report, host.as_deref())), lines);
            }
        }
        let now = self.now();
        self.judge.take(Fact::Closed(verdicts), now);
    }

    /// Gives a report its source lines. What is wrong with the image is reported once.
    fn name_lines(&mut self, report: &mut Report) {
        let found = match self.lines.get() {
            Ok(None) => return,
            Ok(Some(lines)) => {
                let foreign = if self.compared == self.live.banner {
                    None
                } else {
                    self.compared.clone_from(&self.live.banner);
                    lines.hear_banner(&self.live.banner)
                };
                lines.report(report);
                foreign
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(words) = found {
            self.warn(format!("no source lines: {words}"));
        }
    }

    /// Keeps who waits for whom, as far as the serial log shows, as `locks-N.jsonl` (one record per dump) and as text, and
    /// the newest as picture; reports the first graph that was not reported yet.
    pub fn keep_locks(&mut self, number: usize) {
        let to = self.recorder.serial_length();
        let text = self.recorder.serial_text(to.saturating_sub(LOCKS_LIMIT), to);
        let items = engine::read_items(engine::Options::named(SERIAL_LOG).with_events(), &text);
        let mut lines = Vec::new();
        let dumps = engine::lock_dumps(SERIAL_LOG, &items);
        for dump in &dumps {
            serde_json::to_writer(&mut lines, dump).expect("records hold only what JSON can say");
            lines.push(b'\n');
        }
        let mut files = vec![format!("dump-{number}.txt"), format!("locks-{number}.jsonl")];
        self.recorder.artefact(&files[1], &lines);
        let newest = dumps.iter().position(|dump| dump.hang && dump.line > self.told_locks);
        let pictures = self.recorder.lock_pictures(&dumps, newest.unwrap_or_default());
        if let Some(pictures) = &pictures {
            for (ending, bytes) in [("txt", &pictures.text), ("svg", &pictures.svg)] {
                let name = format!("locks-{number}.{ending}");
                self.recorder.artefact(&name, bytes.as_bytes());
                files.push(name);
            }
        }
        self.told_locks = dumps.last().map_or(self.told_locks, |dump| dump.line);
        self.recorder.add_to_hits(&files);
        let text = newest.and(pictures).map(|pictures| pictures.newest);
        self.recorder.tell(&Happening::Locks { text, files });
    }
}
