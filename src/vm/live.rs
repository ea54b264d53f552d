//! A guest's output as it comes: into the engine, and line by line past everything else that looks at it.

use super::blockers::{Blocker, Blockers, Source};
use super::hit::Patterns;
use super::last_words::LastWords;
use super::progress::Progress;
use crate::engine::Options;
use crate::intake::{Followed, Said};

/// Longer lines are looked at in pieces, bytes.
const LINE_LIMIT: usize = 64 << 10;

/// An ssh server that does not answer so long after the console asked for a login will hardly come, seconds.
const PROMPT_WITHOUT_SSH: f64 = 45.0;

/// How the guest says on its console that the workload is over: seen even when nobody follows the workload itself.
pub const WORKLOAD_ENDED: &str = "kanalyze: workload ended with status ";

/// What was found in new output.
#[derive(Debug, Clone)]
pub enum Finding {
    /// From the engine of a machine.
    Said(Said),
    /// A console line that is sought, and its offset.
    Line(String, u64),
    /// A known obstacle and the line that shows it.
    Blocker(Box<Blocker>, String),
    /// A count of syz-execprog, as it stood after its line: several lines may come at once.
    Counted(Progress),
    /// The workload says that it is over.
    WorkloadEnded(i32),
    /// The kernel answers a sysrq key.
    Sysrq,
    /// A kernel begins to boot; the number of boots so far.
    Boot(u32),
}

/// Reads one guest.
#[derive(Debug)]
pub struct LiveLog {
    engine: Option<Followed>,
    serial: Lines,
    workload: Lines,
    /// What is known of obstacles.
    pub blockers: Blockers,
    /// What is sought.
    pub patterns: Patterns,
    /// What syz-execprog said so far.
    pub progress: Progress,
    /// What the workload said last.
    pub last_words: LastWords,
    /// Whether the workload prints to the serial port.
    pub workload_on_serial: bool,
    /// Until the guest takes commands.
    pub booting: bool,
    /// Since when a login prompt stands on the console, seconds of the run.
    prompt: Option<f64>,
    boots: u32,
    /// The kernel's version, from its banner.
    pub kernel_version: Option<String>,
    /// The line with the banner of the latest boot.
    pub banner: Vec<u8>,
}

impl LiveLog {
    /// At the beginning of the log called `name`.
    #[must_use]
    pub fn new(name: &str, patterns: Patterns) -> Self {
        let options = Options { opened: true, events: true, ..Options::named(name) };
        Self {
            engine: Some(Followed::new(options)),
            serial: Lines::default(),
            workload: Lines::default(),
            blockers: Blockers::default(),
            patterns,
            progress: Progress::default(),
            last_words: LastWords::default(),
            workload_on_serial: false,
            booting: true,
            prompt: None,
            boots: 0,
            kernel_version: None,
            banner: Vec::new(),
        }
    }

    /// Nothing was read yet: the log called `name` is a mail, or not.
    pub fn read_prose(&mut self, name: &str, prose: bool) {
        let options = Options { opened: true, events: true, prose, ..Options::named(name) };
        self.engine = Some(Followed::new(options));
    }

    /// Nothing was read yet: the log may be a log server's.
    pub fn look_for_machines(&mut self) {
        if let Some(engine) = &mut self.engine {
            engine.look_for_machines();
        }
    }

    /// What reads the log.
    pub fn followed(&mut self) -> Option<&mut Followed> {
        self.engine.as_mut()
    }

    /// Takes bytes of the serial port at `now` seconds of the run.
    pub fn serial(&mut self, bytes: &[u8], now: f64) -> Vec<Finding> {
        // The engine first: nothing may stand between a byte and the news of a crash.
        let mut findings: Vec<Finding> = match &mut self.engine {
            Some(engine) => engine.push(bytes).into_iter().map(Finding::Said).collect(),
            None => Vec::new(),
        };
        let mut lines = std::mem::take(&mut self.serial);
        lines.push(bytes, |line, offset| self.serial_line(line, offset, now, &mut findings));
        if let Some(engine) = &mut self.engine {
            findings.extend(engine.release().into_iter().map(Finding::Said));
        }
        // Nobody ends the line of a prompt.
        if self.booting && lines.pending.trim_ascii_end().ends_with(b" login:") {
            self.prompt.get_or_insert(now);
        }
        self.serial = lines;
        findings
    }

    fn serial_line(&mut self, line: &[u8], offset: u64, now: f64, findings: &mut Vec<Finding>) {
        if let Some(engine) = &mut self.engine {
            findings.extend(engine.line(line, offset).into_iter().map(Finding::Said));
        }
        if self.patterns.seeks_line(line) {
            findings.push(Finding::Line(String::from_utf8_lossy(line).into_owned(), offset));
        }
        self.obstacle(Source::Serial, line, findings);
        if self.workload_on_serial {
            self.workload_line(line, now, findings);
            // Between the workload's lines stand the kernel's.
            if !line.starts_with(b"[") {
                self.last_words.take(line);
            }
        }
        if let Some(at) = memchr::memmem::find(line, WORKLOAD_ENDED.as_bytes()) {
            let rest = String::from_utf8_lossy(&line[at + WORKLOAD_ENDED.len()..]).into_owned();
            // The shell that types the sentence echoes it with `$?`, which is not a number.
            if let Ok(status) = rest.trim().parse() {
                findings.push(Finding::WorkloadEnded(status));
            }
        }
        if memchr::memmem::find(line, b"sysrq: ").is_some() {
            findings.push(Finding::Sysrq);
        }
        // Each of several machines boots once in a while.
        if !self.engine.as_ref().is_some_and(Followed::are_several)
            && let Some(at) = memchr::memmem::find(line, b"Linux version ")
            && (at == 0 || line[..at].ends_with(b"] "))
        {
            self.boots += 1;
            let banner = String::from_utf8_lossy(&line[at..]);
            self.kernel_version = banner.split_ascii_whitespace().nth(2).map(str::to_owned);
            self.banner = line.to_vec();
            findings.push(Finding::Boot(self.boots));
        }
    }

    /// Takes bytes of the workload's own output.
    pub fn workload(&mut self, bytes: &[u8], now: f64) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut lines = std::mem::take(&mut self.workload);
        lines.push(bytes, |line, _| {
            self.workload_line(line, now, &mut findings);
            self.last_words.take(line);
        });
        self.workload = lines;
        findings
    }

    fn workload_line(&mut self, line: &[u8], now: f64, findings: &mut Vec<Finding>) {
        if self.progress.take(line, now) {
            findings.push(Finding::Counted(self.progress.clone()));
        }
        self.obstacle(Source::Workload, line, findings);
    }

    /// Takes words of ssh or QEMU at `now` seconds of the run.
    pub fn words(&mut self, source: Source, text: &str, now: f64) -> Vec<Finding> {
        let mut findings = Vec::new();
        if source == Source::Ssh && self.prompt.is_some_and(|since| now - since >= PROMPT_WITHOUT_SSH) {
            self.obstacle(Source::Prompt, text.as_bytes(), &mut findings);
        }
        for line in text.lines() {
            self.obstacle(source, line.as_bytes(), &mut findings);
        }
        findings
    }

    fn obstacle(&mut self, source: Source, line: &[u8], findings: &mut Vec<Finding>) {
        if let Some(blocker) = self.blockers.look(source, line, self.booting) {
            let line = String::from_utf8_lossy(line).into_owned();
            if source == Source::Workload {
                self.last_words.take_telling(&line);
            }
            findings.push(Finding::Blocker(Box::new(blocker), line));
        }
    }

    /// Closes the reports that are open.
    pub fn flush(&mut self) -> Vec<Finding> {
        self.engine.as_mut().map(Followed::flush).unwrap_or_default().into_iter().map(Finding::Said).collect()
    }

    /// Ends the log.
    pub fn finish(&mut self) -> Vec<Finding> {
        let rest = std::mem::take(&mut self.serial);
        let mut findings = Vec::new();
        if !rest.pending.is_empty()
            && let Some(engine) = &mut self.engine
        {
            findings.extend(engine.line(&rest.pending, rest.offset).into_iter().map(Finding::Said));
        }
        let said = self.engine.take().map(|mut engine| engine.finish()).unwrap_or_default();
        findings.extend(said.into_iter().map(Finding::Said));
        findings
    }
}

/// Cuts bytes into lines, without their ends.
#[derive(Debug, Default)]
struct Lines {
    pending: Vec<u8>,
    /// Offset of the first pending byte.
    offset: u64,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8], u64)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest);
            let piece = &rest[..end.unwrap_or(rest.len()).min(LINE_LIMIT)];
            let whole = end == Some(piece.len());
            if whole && self.pending.is_empty() {
                each(piece.strip_suffix(b"\r").unwrap_or(piece), self.offset);
                self.offset += piece.len() as u64 + 1;
            } else {
                self.pending.extend_from_slice(piece);
                if whole || self.pending.len() >= LINE_LIMIT {
                    let line = std::mem::take(&mut self.pending);
                    each(line.strip_suffix(b"\r").unwrap_or(&line), self.offset);
                    self.offset += line.len() as u64 + u64::from(whole);
                }
            }
            rest = &rest[piece.len() + usize::from(whole)..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(lines: &[&str]) -> Patterns {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        Patterns::new(&[], &lines).expect("patterns")
    }

    fn words(findings: &[Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|finding| match finding {
                Finding::Said(_) => "item".to_owned(),
                Finding::Line(line, offset) => format!("line {offset} {line}"),
                Finding::Blocker(blocker, _) => format!("blocker {}", blocker.id),
                Finding::Counted(_) => "counted".to_owned(),
                Finding::WorkloadEnded(status) => format!("ended {status}"),
                Finding::Sysrq => "sysrq".to_owned(),
                Finding::Boot(count) => format!("boot {count}"),
            })
            .collect()
    }

    const LOG: &str = "[    0.000000] Linux version 6.1.0-56-cloud-amd64 (gcc)\r\n[    9.0] sysrq: Show Blocked State\r\n\
                       echo \"kanalyze: workload ended with status $?\"\r\n[   10.0] kanalyze: workload ended with status 3\r\n\
                       [   11.0] needle here\r\n[    0.000000] Linux version 6.1.0-56-cloud-amd64 (gcc)\r\n";

    #[test]
    fn any_chunks_give_the_same_findings() {
        let all = words(&LiveLog::new("x", patterns(&["needle"])).serial(LOG.as_bytes(), 0.0));
        let needle = LOG.find("[   11.0]").expect("it is there");
        assert_eq!(
            all.iter().filter(|word| *word != "item").cloned().collect::<Vec<_>>(),
            ["boot 1", "sysrq", "ended 3", &format!("line {needle} [   11.0] needle here"), "boot 2"]
        );
        for size in [1, 2, 7, 50] {
            let mut live = LiveLog::new("x", patterns(&["needle"]));
            let pieces: Vec<String> =
                LOG.as_bytes().chunks(size).flat_map(|chunk| words(&live.serial(chunk, 0.0))).collect();
            let sorted = |mut list: Vec<String>| {
                list.sort();
                list
            };
            assert_eq!(sorted(pieces), sorted(all.clone()), "chunks of {size}");
            assert_eq!(live.kernel_version.as_deref(), Some("6.1.0-56-cloud-amd64"));
        }
    }

    #[test]
    fn endless_lines_take_no_endless_memory() {
        let mut live = LiveLog::new("x", patterns(&[]));
        for _ in 0..64 {
            live.workload(&[b'x'; 8192], 0.0);
        }
        assert!(live.workload.pending.len() < LINE_LIMIT);
    }

    #[test]
    fn a_prompt_without_ssh_is_reported_after_a_while() {
        let refused = "ssh: connect to host 127.0.0.1 port 10022: Connection timed out";
        let mut live = LiveLog::new("x", patterns(&[]));
        live.serial(b"\r\nDebian GNU/Linux 12 syzkaller ttyS0\r\n\r\nsyzkaller login: ", 10.0);
        assert_eq!(words(&live.words(Source::Ssh, refused, 20.0)), [""; 0], "the server may still come");
        assert_eq!(words(&live.words(Source::Ssh, refused, 60.0)), ["blocker prompt-without-ssh"]);
        let mut live = LiveLog::new("x", patterns(&[]));
        live.serial(b"[    9.0] systemd[1]: Started login: x\r\n", 10.0);
        assert_eq!(words(&live.words(Source::Ssh, refused, 60.0)), [""; 0]);
    }

    #[test]
    fn execprog_on_the_serial_port_counts_only_when_it_is_there() {
        let line = b"2026/08/17 10:00:05 executed programs: 500\r\n";
        let mut live = LiveLog::new("x", patterns(&[]));
        assert_eq!(words(&live.serial(line, 1.0)), [""; 0]);
        live.workload_on_serial = true;
        assert_eq!(words(&live.serial(line, 1.0)), ["counted"]);
        assert_eq!(words(&live.workload(b"parsed 0 programs\n", 1.0)), ["blocker no-programs-parsed"]);
    }
}
