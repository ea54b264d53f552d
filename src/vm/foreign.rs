//! Logs that somebody else writes: a growing file, a socket, a pipe, and a recorded log that is played again.

use super::doing::Doing;
use super::fed::Fed;
use super::followed_journal::FollowedJournal;
use super::happening::{Audience, Happening};
use super::hit::{PatternError, Patterns};
use super::judge::{Fact, Rules};
use super::record::Recorder;
use super::replay::Recorded;
use super::session::Interrupt;
use super::settings::Image;
use super::watcher::{Watcher, Wish};
use crate::input::{Begin, Follow, Source, Step};
use crate::intake::{Text, each_log};
use crate::runs::journal::JournalError;
use crate::runs::{Outcome, RunFolder};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// Where the bytes come from.
#[derive(Debug, Clone)]
pub enum Feed {
    /// A file that grows, from its beginning or from its end.
    Growing(PathBuf, Begin),
    /// A unix socket that prints a serial port, such as QEMU's.
    Socket(PathBuf),
    /// Stdin, until it ends.
    Stdin,
    /// The kernel's lines of the journal, of this machine or in a folder of journal files, from its first one or from now on.
    Journal(Option<PathBuf>, Begin),
    /// A recorded log; with a speed, in the rhythm of its printk times.
    Recorded(Source, Option<f64>),
}

/// How to watch.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Kinds, types or title patterns; empty: any crash.
    pub hits: Vec<String>,
    /// Patterns of console lines.
    pub hit_lines: Vec<String>,
    /// End at the first hit.
    pub stop_on_hit: bool,
    /// End after so many seconds.
    pub max_time: Option<f64>,
    /// syzkaller's no-output rule, seconds.
    pub no_output: Option<f64>,
    /// How long to wait for the rest of a report, seconds.
    pub settle: f64,
    /// Where source lines come from.
    pub image: Option<Image>,
}

/// Why a log cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// A pattern.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The run's folder.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The words of whoever tried to read it, with its name.
    #[error("{0}")]
    Unreadable(String),
    /// journalctl cannot be started.
    #[error("journalctl cannot be started ({0}): it is part of systemd; `kanalyze watch FILE` follows a file")]
    NoJournal(#[source] std::io::Error),
    /// An archive without a log.
    #[error("{0}: no log is in it")]
    NoLog(String),
    /// A socket to which nobody listens.
    #[error("unix:{path}: {source}: is it the socket of a running machine's serial port?")]
    NoSocket {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// How often a growing file is looked at: a crash is to be reported within 50 ms.
const LOOK: Duration = Duration::from_millis(20);
/// How often the judge looks at its clock when nothing comes in.
const TICK: Duration = Duration::from_millis(100);
/// Pieces that may wait.
const WAITING: usize = 16;

/// Watches until the log ends, the time is up, a hit stops it, or somebody interrupts.
///
/// # Errors
/// The log cannot be opened, or the run's folder not be written.
pub fn watch(
    feed: Feed,
    options: &Options,
    folder: Option<RunFolder>,
    audience: &mut dyn Audience,
    interrupt: &Interrupt,
) -> Result<Outcome, WatchError> {
    let patterns = Patterns::new(&options.hits, &options.hit_lines)?;
    let speed = if let Feed::Recorded(_, speed) = &feed { Some(*speed) } else { None };
    let (name, machine) = match &feed {
        Feed::Growing(path, _) => (path.display().to_string(), "file"),
        Feed::Socket(path) => (path.display().to_string(), "socket"),
        Feed::Stdin => ("-".to_owned(), "stdin"),
        Feed::Journal(folder, _) => {
            (folder.as_ref().map_or_else(|| "journal".to_owned(), |folder| folder.display().to_string()), "journal")
        }
        Feed::Recorded(source, _) => (source.to_string(), "replay"),
    };
    let rules = Rules {
        boot: f64::INFINITY,
        max_time: options.max_time.unwrap_or(f64::INFINITY),
        // Whose workload it is, and what it needs, is not known here.
        needs_programs: false,
        no_output: options.no_output.unwrap_or(0.0),
        settle: match speed {
            None => options.settle,
            Some(Some(speed)) => options.settle / speed,
            // Played as fast as it can be read, only the log itself says when a report is whole.
            Some(None) => f64::INFINITY,
        },
        stop_on_hit: options.stop_on_hit,
        boot_counts: true,
        seeks_no_output: patterns.seeks_no_output(),
        can_dump: false,
    };
    let Started { inputs, text, journal: _journal } = start(feed)?;
    let folder_name = folder.as_ref().map(|folder| folder.path().display().to_string());
    let recorder = Recorder::new(folder, audience)?;
    let mut watcher = Watcher::new(&name, patterns, rules, None, recorder);
    watcher.take_lines_from(options.image.as_ref());
    // What people write between the lines of logs names no machines.
    let prose = text.as_ref().is_some_and(|text| text.is_prose());
    if let Some(text) = text {
        watcher.take_places_from(&name, text);
    }
    if !prose {
        watcher.look_for_machines();
    }
    watcher.recorder.tell(&Happening::Begun { folder: folder_name, machine: machine.to_owned() });
    watcher.workload_is_on_serial();
    watcher.fact(Fact::WorkloadStarted { counts: options.no_output.is_some() });
    watcher.doing = Doing::Watching;
    let mut ended = false;
    let outcome = loop {
        match inputs.recv_timeout(TICK) {
            Ok(Fed::Bytes(bytes)) => watcher.serial(&bytes),
            Ok(Fed::Cut(text)) => watcher.cut(text),
            Ok(Fed::Note(text)) => watcher.warn(text),
            Ok(Fed::End(reason)) => {
                ended = true;
                watcher.fact(Fact::MachineEnded { reason, expected: true });
            }
            Err(RecvTimeoutError::Disconnected) if !ended => {
                ended = true;
                watcher.fact(Fact::MachineEnded { reason: "the log ended".to_owned(), expected: true });
            }
            Err(_) => {}
        }
        let signal = interrupt.load(Ordering::Relaxed);
        if signal != 0 {
            watcher.fact(Fact::Interrupted(format!("stopped by signal {signal}")));
        }
        if let Some(outcome) = watcher.tick().into_iter().find_map(|wish| match wish {
            Wish::Finish(outcome) => Some(outcome),
            Wish::Dump => None,
        }) {
            break outcome;
        }
    };
    watcher.conclude(&outcome);
    Ok(outcome)
}

/// A log that is being read.
struct Started {
    inputs: Receiver<Fed>,
    /// All of a recorded log that is in memory.
    text: Option<Arc<Text>>,
    /// What follows the journal; dropped, it ends.
    journal: Option<FollowedJournal>,
}

/// Opens the log and starts a thread that reads it. The thread ends with the log, or at its next piece when nobody
/// listens any more. A recorded log that is in memory knows the places of its file.
fn start(feed: Feed) -> Result<Started, WatchError> {
    let (sender, inputs) = sync_channel(WAITING);
    let (mut text, mut journal) = (None, None);
    match feed {
        Feed::Growing(path, begin) => {
            let mut follow =
                Follow::new(&path, begin, LOOK).map_err(|error| WatchError::Unreadable(error.to_string()))?;
            thread::spawn(move || {
                loop {
                    let fed = match follow.next() {
                        Step::Bytes(bytes) => Fed::Bytes(bytes.to_vec()),
                        Step::Idle => continue,
                        Step::Rotated => Fed::Cut("the log was rotated: going on with the new file".to_owned()),
                        Step::Truncated => Fed::Cut("the log was truncated: going on from its start".to_owned()),
                        Step::Failing(words) => Fed::Note(format!("{words}; it is tried again")),
                        Step::Recovered => Fed::Note("the log can be read again".to_owned()),
                        Step::Stopped => break,
                    };
                    if sender.send(fed).is_err() {
                        break;
                    }
                }
            });
        }
        Feed::Socket(path) => {
            let stream =
                UnixStream::connect(&path).map_err(|source| WatchError::NoSocket { path: path.clone(), source })?;
            super::serial::read_all(stream, move |bytes| {
                let fed = if bytes.is_empty() {
                    Fed::End("the socket was closed".to_owned())
                } else {
                    Fed::Bytes(bytes.to_vec())
                };
                let _ = sender.send(fed);
            });
        }
        Feed::Stdin => super::serial::read_all(std::io::stdin(), move |bytes| {
            let fed = if bytes.is_empty() { Fed::End("stdin ended".to_owned()) } else { Fed::Bytes(bytes.to_vec()) };
            let _ = sender.send(fed);
        }),
        Feed::Journal(folder, begin) => {
            let started = FollowedJournal::start(folder.as_deref(), begin, sender);
            journal = Some(started.map_err(WatchError::NoJournal)?);
        }
        Feed::Recorded(source, speed) => {
            let mut first = None;
            each_log(&source, &mut |log| {
                first = Some(log.content);
                ControlFlow::Break(())
            });
            let content = first
                .ok_or_else(|| WatchError::NoLog(source.to_string()))?
                .map_err(|fault| WatchError::Unreadable(fault.to_string()))?;
            // "Clean" would be said of a kernel that does not speak here.
            if let Some(words) = content.why_no_log() {
                return Err(WatchError::Unreadable(format!("{source}: {words}")));
            }
            let mut recorded = Recorded::of(content);
            text = recorded.text();
            thread::spawn(move || {
                if let Some(damage) = recorded.play(speed, &sender) {
                    let _ = sender.send(Fed::Cut(format!("{source}: {damage}")));
                }
                let _ = sender.send(Fed::End("the log ended".to_owned()));
            });
        }
    }
    Ok(Started { inputs, text, journal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::happening::Status;
    use std::io::Write;

    /// Remembers what it heard.
    #[derive(Default)]
    struct Ear(Vec<String>);

    impl Audience for Ear {
        fn hear(&mut self, _: f64, happening: &Happening) -> std::io::Result<()> {
            self.0.push(match happening {
                Happening::Closed { report, sought, .. } => format!("closed {} {sought}", report.title),
                Happening::Opened { .. } => "opened".to_owned(),
                Happening::Warning { text } => format!("warning {text}"),
                Happening::Line { text, .. } => format!("line {text}"),
                _ => return Ok(()),
            });
            Ok(())
        }

        fn glance(&mut self, _: &Status) {}
    }

    const CRASH: &str = "[    1.000000] Linux version 6.1.0 (x)\n[    5.000000] all is well\n\
        [    5.100000] kernel BUG at mm/slub.c:100!\n[    5.200000] CPU: 0 PID: 7 Comm: x Not tainted 6.1.0 #1\n\
        [    5.200001] RIP: 0010:kfree+0x1/0x2\n[    5.300000] Call Trace:\n[    5.300001]  vfree+0x1/0x2\n";

    fn recorded(speed: Option<f64>, text: &str) -> (Outcome, Vec<String>) {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        let source = Source::Path(file.path().to_owned());
        let mut ear = Ear::default();
        let options = Options { settle: 10.0, ..Options::default() };
        let outcome = watch(Feed::Recorded(source, speed), &options, None, &mut ear, &Interrupt::default());
        (outcome.expect("watched"), ear.0)
    }

    #[test]
    fn a_replay_reports_the_same_at_any_speed() {
        let (outcome, fast) = recorded(None, CRASH);
        assert_eq!(outcome.exit_status(), 1, "{outcome:?}");
        assert_eq!(fast.first().map(String::as_str), Some("opened"));
        assert!(fast.iter().any(|word| word.starts_with("closed kernel BUG in")), "{fast:?}");
        let (_, slow) = recorded(Some(100.0), CRASH);
        assert_eq!(slow, fast);
        let (outcome, quiet) = recorded(None, "[    1.0] all is well\n");
        assert_eq!((outcome.exit_status(), quiet.len()), (0, 0));
    }

    #[test]
    fn rotation_and_truncation_are_survived() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("console.log");
        std::fs::write(&path, "[    1.0] one\n").expect("written");
        let interrupt = Interrupt::default();
        let mut ear = Ear::default();
        thread::scope(|scope| {
            let (path, interrupt) = (path.clone(), interrupt.clone());
            scope.spawn(move || {
                // The follower has opened the first file by then.
                thread::sleep(Duration::from_millis(1500));
                // The old file is complete before the new one takes its name, whenever the follower looks.
                let next = path.with_extension("next");
                std::fs::write(&next, CRASH).expect("written");
                std::fs::rename(&next, &path).expect("rotated");
                thread::sleep(Duration::from_millis(1500));
                let file = std::fs::File::create(&path).expect("truncated");
                thread::sleep(Duration::from_millis(1500));
                std::fs::write(&path, "[    2.0] needle\n").expect("written");
                drop(file);
                let _ = interrupt;
            });
            let options = Options {
                hit_lines: vec!["needle".to_owned()],
                stop_on_hit: true,
                settle: 0.5,
                max_time: Some(60.0),
                ..Options::default()
            };
            let outcome = watch(
                Feed::Growing(folder.path().join("console.log"), Begin::Start),
                &options,
                None,
                &mut ear,
                &Interrupt::default(),
            );
            assert_eq!(outcome.expect("watched").exit_status(), 1);
        });
        let text = ear.0.join("\n");
        assert!(text.contains("closed kernel BUG in") && text.contains("line [    2.0] needle"), "{text}");
        assert!(text.contains("rotated") && text.contains("truncated"), "{text}");
    }
}
