//! What the sources of a machine give, and what is said of each: read, in part, or why not.

use super::clock::Moment;
use super::entries::{self, Gathered, JOURNAL, JournalError};
use super::record::{SOURCE_SCHEMA, SourceRead, State};
use super::strand::Strand;
use super::text::{self, Cutter, Read};
use super::{Question, dumps};
use crate::engine::Options;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The kernel's log of the machine that runs.
const KMSG: &str = "/dev/kmsg";

/// Where the journal's files are, below a root.
const JOURNAL_FOLDERS: [&str; 2] = ["var/log/journal", "run/log/journal"];

/// Where logging daemons write, below a root.
const LOG_FOLDER: &str = "var/log";

/// What to do where the user may not read.
const AS_ROOT: &str = "run it as root, as in `sudo kanalyze host`";

/// What was looked at so far.
#[derive(Default)]
pub(super) struct Looked {
    pub(super) sources: Vec<SourceRead>,
    pub(super) strands: Vec<Strand>,
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

    pub(super) fn journal(&mut self, name: &str, gathered: Result<Gathered, JournalError>) {
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

    pub(super) fn machine_journal(&mut self, question: &Question<'_>, is_here: bool) {
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

    pub(super) fn kmsg(&mut self, options: &Options, running: Option<&str>) {
        let mut cutter = Cutter::new(options);
        cutter.file(Path::new(KMSG));
        let mut read = cutter.finish();
        for strand in &mut read.strands {
            strand.boot_id = running.map(str::to_owned);
            (strand.start, strand.first) = (boot_time(), boot_time());
        }
        self.files(KMSG.to_owned(), read, false);
    }

    pub(super) fn daemons(&mut self, question: &Question<'_>) {
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

    pub(super) fn pstore(&mut self, question: &Question<'_>, folder: &Path) {
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

    pub(super) fn kdump(&mut self, question: &Question<'_>, folder: &Path) {
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

/// When the machine that runs began, by its own clock.
fn boot_time() -> Option<Moment> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
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
