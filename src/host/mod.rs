//! The machine one sits at: its boots, how each ended and what went wrong in it, from whatever it kept. Nothing is written.
//!
//! ```text
//! journal (journalctl, export, JSON) ─► entries ─┐
//! /dev/kmsg, /var/log, pstore, kdump ─► text ────┴► strands ─► joined by boot ─► how each ended ─► records
//! ```
//!
//! A *strand* is one boot as one source has it; strands of one boot are known by the boot id, by lines that they share to the
//! microsecond, else by when the boot began.

mod clock;
mod dumps;
mod ending;
mod entries;
mod gatherer;
mod join;
mod journal;
mod record;
mod sign;
mod strand;
mod text;

pub use entries::{JOURNAL, JournalError};
pub use record::{BOOT_SCHEMA, Boot, Ending, Evidence, Host, How, SOURCE_SCHEMA, SourceRead, State, Trouble};
pub use sign::Left;

use crate::calendar::utc;
use crate::engine::Options;
use crate::grammar::Severity;
use clock::{Moment, system_time};
use ending::Around;
use entries::Gathered;
use join::{Strands, joined};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use strand::{Placed, Strand};
use text::{Cutter, Read};

/// The kernel's log of the machine that runs.
const KMSG: &str = "/dev/kmsg";
/// Where the boot id of the machine that runs is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Where the journal's files are, below a root.
const JOURNAL_FOLDERS: [&str; 2] = ["var/log/journal", "run/log/journal"];
/// Where logging daemons write, below a root.
const LOG_FOLDER: &str = "var/log";
/// What to do where the user may not read.
const AS_ROOT: &str = "run it as root, as in `sudo kanalyze host`";

/// What to look at.
#[derive(Debug)]
pub struct Question<'a> {
    /// Where the file system of the machine is mounted; `/` is the machine that runs.
    pub root: &'a Path,
    /// Journals besides those of the machine: folders and files of journald, exports, JSON of journalctl.
    pub journals: &'a [PathBuf],
    /// Whether nothing but these journals is looked at.
    pub only_journals: bool,
    /// How logs are read.
    pub options: &'a Options,
}

/// Reads everything that a machine kept.
#[must_use]
pub fn examine(question: &Question<'_>) -> Host {
    let mut looked = Looked { sources: Vec::new(), strands: Vec::new(), origin: 0 };
    let is_here = question.root == Path::new("/");
    let running = (is_here && !question.only_journals).then(running_boot).flatten();
    for path in question.journals {
        looked.journal(&path.display().to_string(), entries::read(question.options, path));
    }
    if !question.only_journals {
        if is_here {
            looked.kmsg(question.options, running.as_deref());
        }
        looked.machine_journal(question, is_here);
        looked.daemons(question);
        for folder in dumps::PSTORE {
            looked.pstore(question, &question.root.join(folder));
        }
        for folder in dumps::dump_folders(question.root) {
            looked.kdump(question, &folder);
        }
    }
    let with_others = looked.strands.iter().filter(|strand| strand.has_others).map(|strand| strand.origin).collect();
    let boots = joined(looked.strands);
    let boots = boots.iter().enumerate().map(|(back, boot)| {
        let around = Around { newer: &boots[..back], with_others: &with_others, running: running.as_deref() };
        boot_record(back, boot, &around)
    });
    Host { boots: boots.collect(), sources: looked.sources }
}

/// The boot id of the machine that runs.
fn running_boot() -> Option<String> {
    let text = std::fs::read_to_string(BOOT_ID).ok()?;
    let id: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    (id.len() == 32).then_some(id)
}

/// When the machine that runs began, by its own clock.
fn boot_time() -> Option<Moment> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

/// What was looked at so far.
struct Looked {
    sources: Vec<SourceRead>,
    strands: Vec<Strand>,
    origin: usize,
}

impl Looked {
    fn told(&mut self, source: String, state: State, boots: usize, note: Option<String>, remedy: Option<&str>) {
        let remedy = remedy.map(str::to_owned);
        self.sources.push(SourceRead { schema: SOURCE_SCHEMA, source, state, boots, note, remedy });
    }

    /// Takes strands of one reading; of dumps each is a reading of its own.
    fn take(&mut self, strands: Vec<Strand>, each: bool) {
        for (at, mut strand) in strands.into_iter().enumerate() {
            strand.origin = self.origin + if each { at } else { 0 };
            self.strands.push(strand);
        }
        self.origin = self.strands.iter().map(|strand| strand.origin + 1).max().unwrap_or(0).max(self.origin + 1);
    }

    fn journal(&mut self, name: &str, gathered: Result<Gathered, JournalError>) {
        match gathered {
            Ok(gathered) => {
                let note = match (gathered.damage, gathered.damaged) {
                    (Some(damage), _) => Some(damage),
                    (None, 0) => None,
                    (None, count) => Some(format!("{count} entries could not be understood")),
                };
                let state = if note.is_some() { State::Partly } else { State::Read };
                let boots: BTreeSet<_> = gathered.strands.iter().map(|strand| strand.boot_id.clone()).collect();
                self.told(name.to_owned(), state, boots.len(), note, None);
                self.take(gathered.strands, false);
            }
            Err(error) => {
                let remedy = match &error {
                    JournalError::NoProgram(_) => {
                        "install systemd's journalctl here, or export the journal where it is: `journalctl -o export > FILE`, then `kanalyze host --journal FILE`"
                    }
                    JournalError::Foreign => {
                        "write it with `journalctl -o export` or `-o json`; any other log is for `kanalyze parse`"
                    }
                    JournalError::Input(error) if error.is_denied() => AS_ROOT,
                    JournalError::Input(_) => "name a file that is there",
                    JournalError::Failed(_) => "try `journalctl --verify`",
                };
                self.told(name.to_owned(), State::Unreadable, 0, Some(error.to_string()), Some(remedy));
            }
        }
    }

    fn machine_journal(&mut self, question: &Question<'_>, is_here: bool) {
        let folders: Vec<PathBuf> = JOURNAL_FOLDERS
            .iter()
            .map(|folder| question.root.join(folder))
            .filter(|folder| has_journal(folder))
            .collect();
        if folders.is_empty() {
            let note = is_here.then(|| "no journal is kept here".to_owned());
            return self.told(JOURNAL.to_owned(), State::Absent, 0, note, None);
        }
        if is_here {
            let gathered = entries::ask(question.options, JOURNAL, &[]);
            // The journal of the system is hidden from users outside of its groups, without a word.
            if matches!(&gathered, Ok(gathered) if gathered.strands.is_empty()) {
                let note = Some("no line of the kernel is visible to this user".to_owned());
                let remedy = "join the group systemd-journal, or run `sudo kanalyze host`";
                return self.told(JOURNAL.to_owned(), State::Unreadable, 0, note, Some(remedy));
            }
            return self.journal(JOURNAL, gathered);
        }
        for folder in folders {
            let name = folder.display().to_string();
            self.journal(&name, entries::ask(question.options, &name, &[format!("--directory={name}")]));
        }
    }

    fn kmsg(&mut self, options: &Options, running: Option<&str>) {
        let mut cutter = Cutter::new(options);
        cutter.file(Path::new(KMSG));
        let mut read = cutter.finish();
        for strand in &mut read.strands {
            strand.boot_id = running.map(str::to_owned);
            (strand.start, strand.first) = (boot_time(), boot_time());
        }
        self.files(KMSG.to_owned(), read, false);
    }

    fn daemons(&mut self, question: &Question<'_>) {
        let folder = question.root.join(LOG_FOLDER);
        let families = text::families(&folder);
        if families.is_empty() {
            let shown = format!("{}/{{kern.log,messages,syslog}}", folder.display());
            return self.told(shown, State::Absent, 0, None, None);
        }
        for (name, files) in families {
            let mut cutter = Cutter::new(question.options);
            files.iter().for_each(|file| cutter.file(file));
            self.files(folder.join(name).display().to_string(), cutter.finish(), false);
        }
    }

    fn pstore(&mut self, question: &Question<'_>, folder: &Path) {
        let shown = folder.display().to_string();
        if !self.is_open(folder) {
            return;
        }
        let packed = dumps::still_packed(folder);
        let read = dumps::pstore(question.options, folder);
        if packed > 0 {
            let note = format!("{packed} records (*.enc.z) are still packed");
            let remedy = "boot a kernel with the same pstore compression, which unpacks them";
            self.told(shown.clone(), State::Unreadable, 0, Some(note), Some(remedy));
        }
        self.files(shown, read, true);
    }

    fn kdump(&mut self, question: &Question<'_>, folder: &Path) {
        if !self.is_open(folder) {
            return;
        }
        let (read, bare) = dumps::dump_logs(question.options, folder);
        for place in bare {
            let note = "a dump without its log".to_owned();
            let remedy = "take the log out of it: `makedumpfile --dump-dmesg vmcore vmcore-dmesg.txt`";
            self.told(place.display().to_string(), State::Unreadable, 0, Some(note), Some(remedy));
        }
        self.files(folder.display().to_string(), read, true);
    }

    /// Whether a folder can be listed; if not, that is reported.
    fn is_open(&mut self, folder: &Path) -> bool {
        let shown = folder.display().to_string();
        match std::fs::read_dir(folder) {
            Ok(_) => true,
            Err(error) => {
                match error.kind() {
                    std::io::ErrorKind::NotFound => self.told(shown, State::Absent, 0, None, None),
                    std::io::ErrorKind::PermissionDenied => {
                        self.told(shown, State::Unreadable, 0, Some("permission denied".to_owned()), Some(AS_ROOT));
                    }
                    _ => self.told(shown, State::Unreadable, 0, Some(error.to_string()), None),
                }
                false
            }
        }
    }

    /// Takes what was read from files.
    fn files(&mut self, shown: String, read: Read, each: bool) {
        let Read { strands, faults, opened } = read;
        let denied = faults.iter().any(dumps::is_denied);
        let note = faults.first().map(|fault| {
            let words = match &fault.why {
                text::Why::Closed(_) if denied => format!("{}: permission denied", fault.path.display()),
                text::Why::Closed(error) => error.to_string(),
                text::Why::Damaged(damage) => format!("{}: {damage}", fault.path.display()),
            };
            match faults.len() {
                1 => words,
                count => format!("{words} (and {} more)", count - 1),
            }
        });
        let state = match (opened, faults.is_empty()) {
            (0, false) => State::Unreadable,
            (_, false) => State::Partly,
            (_, true) => State::Read,
        };
        self.told(shown, state, strands.len(), note, denied.then_some(AS_ROOT));
        self.take(strands, each);
    }
}

/// Whether a folder holds files of the journal, or may not be looked at.
fn has_journal(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return folder.symlink_metadata().is_ok();
    };
    let is_journal = |path: &Path| path.extension().is_some_and(|ending| ending == "journal" || ending == "journal~");
    entries.flatten().any(|entry| {
        let path = entry.path();
        let below = || std::fs::read_dir(&path).map(|below| below.flatten().any(|file| is_journal(&file.path())));
        is_journal(&path) || path.is_dir() && below().unwrap_or(true)
    })
}

fn boot_record(back: usize, boot: &Strands, around: &Around<'_>) -> Boot {
    let earliest = |of: fn(&Strand) -> Option<Moment>| boot.iter().filter_map(of).min();
    let shown = |at: Option<Moment>| at.map(|at| utc(system_time(at)));
    let from_start = boot.iter().any(|strand| strand.has_banner);
    let start = earliest(|strand| strand.start).filter(|_| from_start);
    let mut sources: Vec<String> = boot.iter().flat_map(|strand| strand.sources.clone()).collect();
    sources.dedup();
    let uptime = boot.iter().filter_map(|strand| strand.uptime).max_by(f64::total_cmp);
    Boot {
        schema: BOOT_SCHEMA,
        back,
        boot_id: boot.iter().find_map(|strand| strand.boot_id.clone()),
        first: shown(start.or(earliest(|strand| strand.first))),
        last: shown(boot.iter().filter_map(|strand| strand.last).max()),
        dumped: shown(earliest(|strand| strand.dumped)),
        zone_unknown: boot.iter().all(|strand| strand.zone_unknown || strand.first.is_none())
            && boot.iter().any(|strand| strand.zone_unknown),
        uptime,
        kernel_version: boot.iter().find_map(|strand| strand.release.clone()),
        ending: ending::ending(boot, around),
        sources,
        crashes: crashes(boot),
        events: events(boot),
    }
}

/// One thing that went wrong, as one strand has it.
struct Told<'a> {
    title: &'a str,
    kind: &'a str,
    severity: Severity,
    time: Option<f64>,
    at: Option<Moment>,
    source: &'a str,
    line: u64,
    strand: usize,
}

fn crashes(boot: &Strands) -> Vec<Trouble> {
    let told = boot.iter().enumerate().flat_map(|(number, strand)| {
        strand.reports.iter().filter(|placed| !placed.record.suppressed).map(move |placed| {
            let report = &placed.record;
            told(number, strand, placed, &report.title, &report.kind, report.severity, report.time)
        })
    });
    once_each(told.collect())
}

fn events(boot: &Strands) -> Vec<Trouble> {
    let told = boot.iter().enumerate().flat_map(|(number, strand)| {
        strand.events.iter().map(move |placed| {
            let event = &placed.record;
            told(number, strand, placed, &event.title, &event.kind, event.severity, event.time)
        })
    });
    once_each(told.collect())
}

fn told<'a, T>(
    number: usize,
    strand: &'a Strand,
    placed: &'a Placed<T>,
    title: &'a str,
    kind: &'a str,
    severity: Severity,
    time: Option<f64>,
) -> Told<'a> {
    let source = strand.sources.get(placed.source).map_or("", String::as_str);
    Told { title, kind, severity, time, at: placed.at, source, line: placed.line, strand: number }
}

/// Each title once, with how often it came. What several sources have with one stamp came once; without stamps the source that
/// has most of it counts.
fn once_each(mut told: Vec<Told<'_>>) -> Vec<Trouble> {
    told.sort_by(|one, other| {
        let key = |told: &Told<'_>| told.time.unwrap_or(f64::INFINITY);
        key(one).total_cmp(&key(other)).then(one.strand.cmp(&other.strand)).then(one.line.cmp(&other.line))
    });
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut titles: BTreeSet<&str> = BTreeSet::new();
    for first in &told {
        if !titles.insert(first.title) {
            continue;
        }
        let same = || told.iter().filter(|one| one.title == first.title);
        let stamps: BTreeSet<u64> = same().filter_map(|one| Some((one.time? * 1e6) as u64)).collect();
        let strands: BTreeSet<usize> = same().map(|one| one.strand).collect();
        let unstamped = strands
            .iter()
            .map(|strand| same().filter(|one| one.strand == *strand && one.time.is_none()).count())
            .max()
            .unwrap_or(0);
        troubles.push(Trouble {
            title: first.title.to_owned(),
            kind: first.kind.to_owned(),
            severity: first.severity,
            count: stamps.len().max(unstamped).max(1),
            time: first.time,
            at: same().find_map(|one| one.at).map(|at| utc(system_time(at))),
            source: first.source.to_owned(),
            line: (first.line > 0).then_some(first.line),
        });
    }
    troubles
}
