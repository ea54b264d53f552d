//! A run's `events.jsonl` read back, a line at a time: how it goes, for those who were not there.

use serde_json::Value;

/// Lines of the story that are kept.
const LINES: usize = 400;
/// Counts of programs that are kept; of more every second one goes.
const COUNTS: usize = 600;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Seconds since the run began.
    pub at: f64,
    /// What kind of thing, in one word.
    pub word: &'static str,
    /// In words.
    pub text: String,
}

/// A report of the run.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Seconds since the run began.
    pub at: f64,
    /// Its title.
    pub title: String,
    /// 1-based line of the serial log.
    pub line: u64,
    /// Whether such a crash is sought.
    pub sought: bool,
}

/// What the happenings of a run come to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Story {
    /// What was reported, the newest last.
    pub told: Vec<Told>,
    /// Reports, in order.
    pub reports: Vec<Seen>,
    /// Programs executed: seconds of the run, and how many so far.
    pub counts: Vec<(f64, f64)>,
    /// Programs per second, as last reported.
    pub rate: Option<f64>,
    /// Seconds of the run at the last happening.
    pub last: f64,
    /// Whether the run has said that it is over.
    pub over: bool,
}

impl Story {
    /// Takes lines of `events.jsonl`, each whole; what is not a happening is left out.
    pub fn take(&mut self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if let Ok(record) = serde_json::from_slice::<Value>(line) {
                self.happening(&record);
            }
        }
        if self.told.len() > LINES {
            self.told.drain(..self.told.len() - LINES);
        }
        if self.counts.len() > COUNTS {
            let last = self.counts.len() - 1;
            let thinned = self.counts.iter().enumerate().filter(|(at, _)| at % 2 == 0 || *at == last);
            self.counts = thinned.map(|(_, count)| *count).collect();
        }
    }

    fn happening(&mut self, record: &Value) {
        let at = record["at"].as_f64().unwrap_or(self.last);
        self.last = at;
        let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
        let (word, words) = match record["happening"].as_str().unwrap_or_default() {
            "begun" => ("begun", text("machine")),
            "step" => ("step", text("text")),
            "warning" => ("warning", text("text")),
            "opened" => ("opened", text("text")),
            "closed" => {
                let report = &record["report"];
                let title = report["title"].as_str().unwrap_or_default().to_owned();
                let sought = record["sought"].as_bool().unwrap_or_default();
                let line = report["line"].as_u64().unwrap_or_default();
                self.reports.push(Seen { at, title: title.clone(), line, sought });
                (if sought { "crash" } else { "report" }, title)
            }
            "event" => ("event", record["event"]["title"].as_str().unwrap_or_default().to_owned()),
            "line" => ("line", text("text")),
            "blocker" => ("blocker", format!("{}: {}", text("meaning"), text("remedy"))),
            "said" => ("said", text("text")),
            "progress" => {
                self.rate = record["rate"].as_f64().or(self.rate);
                self.counts.extend(record["executed"].as_f64().map(|count| (at, count)));
                return;
            }
            "dump" => ("dump", format!("sysrq {} by {}", text("answered"), text("by"))),
            "locks" => ("locks", "who waits for whom is known".to_owned()),
            "archived" => ("kept", format!("{}: {}", text("folder"), text("title"))),
            "ended" => {
                self.over = true;
                ("ended", record["outcome"]["reason"].as_str().unwrap_or_default().to_owned())
            }
            _ => return,
        };
        self.told.push(Told { at, word, text: words });
    }

    /// Programs a second between each two counts: seconds of the run, and the rate.
    #[must_use]
    pub fn rates(&self) -> Vec<(f64, f64)> {
        let pairs = self.counts.windows(2).filter_map(|pair| match pair {
            // A fuzzer that begins anew counts from 0.
            [(from, before), (to, after)] if to > from => Some((*to, (after - before).max(0.0) / (to - from))),
            _ => None,
        });
        pairs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::happening::{Happening, json_line};

    #[test]
    fn what_a_run_wrote_is_read_back() {
        let mut story = Story::default();
        story.take(&json_line(0.5, &Happening::Begun { folder: None, machine: "kvm".to_owned() }, None));
        for (at, executed) in [(10.0, 0), (20.0, 50), (30.0, 250)] {
            story.take(&json_line(at, &Happening::Progress { parsed: None, executed, rate: None }, None));
        }
        story.take(b"no JSON\n{\"happening\":\"of another time\"}\n");
        assert_eq!(story.told, [Told { at: 0.5, word: "begun", text: "kvm".to_owned() }]);
        assert_eq!(story.rates(), [(20.0, 5.0), (30.0, 20.0)]);
        assert!(!story.over);
    }
}
