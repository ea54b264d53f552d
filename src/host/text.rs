//! Text logs, cut into boots where a boot begins: syslog files with their rotated ones, dumps, /dev/kmsg.

use super::clock::{Moment, seconds, zone_of};
use super::gatherer::{Gatherer, LONGEST, Place};
use super::strand::{Strand, written};
use crate::engine::Options;
use crate::input::{Damage, InputError, Mapping, Source, open_with};
use crate::line::{BootMark, Wrapper, begins_boot, boot_mark, lex};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What came of reading files.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The boots, the oldest first.
    pub strands: Vec<Strand>,
    /// Files that could not be read, or not to their end, with the reason.
    pub faults: Vec<Fault>,
    /// How many files were opened.
    pub opened: usize,
}

/// A file that could not be read.
#[derive(Debug)]
pub(super) struct Fault {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Why a file could not be read.
#[derive(Debug)]
pub(super) enum Why {
    /// It was not opened.
    Closed(InputError),
    /// It was read in part.
    Damaged(Damage),
}

/// Reads files that follow one another, the oldest first, as one log.
#[derive(Debug)]
pub(super) struct Cutter<'a> {
    options: &'a Options,
    gatherer: Option<Gatherer>,
    read: Read,
    last_mark: Option<BootMark>,
    /// Whether no stamped line of the kernel's came since the last mark.
    quiet: bool,
    zone: Option<i64>,
    /// Whether it is the log of one boot, whatever it says.
    whole: bool,
}

impl<'a> Cutter<'a> {
    /// Nothing read yet.
    #[must_use]
    pub(super) fn new(options: &'a Options) -> Self {
        Self { options, gatherer: None, read: Read::default(), last_mark: None, quiet: true, zone: None, whole: false }
    }

    /// Of files that hold one boot: what memory kept of it.
    #[must_use]
    pub(super) fn of_one_boot(options: &'a Options) -> Self {
        Self { whole: true, ..Self::new(options) }
    }

    /// Reads one more file.
    pub(super) fn file(&mut self, path: &Path) {
        let input = match open_with(&Source::Path(path.to_owned()), Mapping::Never) {
            Ok(input) => input,
            Err(error) => return self.read.faults.push(Fault { path: path.to_owned(), why: Why::Closed(error) }),
        };
        self.read.opened += 1;
        let modified = std::fs::metadata(path).and_then(|data| data.modified()).unwrap_or_else(|_| SystemTime::now());
        let (name, mut number, mut last) = (path.display().to_string(), 0, None);
        let (mut rest, mut skipping) = (Vec::new(), false);
        let damage = input.feed(|mut piece| {
            while let Some(end) = memchr::memchr(b'\n', piece) {
                number += 1;
                if !std::mem::take(&mut skipping) {
                    rest.extend_from_slice(&piece[..end]);
                    self.line(&rest, &name, number, modified, &mut last);
                }
                rest.clear();
                piece = &piece[end + 1..];
            }
            // The head of an overlong line says all that matters.
            if rest.len() + piece.len() > LONGEST {
                if !skipping {
                    rest.extend_from_slice(&piece[..LONGEST - rest.len()]);
                    self.line(&rest, &name, number + 1, modified, &mut last);
                }
                rest.clear();
                skipping = true;
            } else if !skipping {
                rest.extend_from_slice(piece);
            }
            ControlFlow::Continue(())
        });
        if !rest.is_empty() {
            self.line(&rest, &name, number + 1, modified, &mut last);
        }
        // The newest file whose time belongs to its last line decides.
        self.zone = last.and_then(|last| zone_of(last, modified)).or(self.zone);
        if let Some(damage) = damage.filter(|damage| !matches!(damage, Damage::Empty)) {
            self.read.faults.push(Fault { path: path.to_owned(), why: Why::Damaged(damage) });
        }
    }

    fn line(&mut self, line: &[u8], name: &str, number: u64, modified: SystemTime, last: &mut Option<Moment>) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = &line[..line.len().min(LONGEST)];
        if line.is_empty() {
            return;
        }
        if let Some(mark) = boot_mark(line).filter(|_| !self.whole) {
            if self.last_mark.is_none() || begins_boot(self.last_mark, mark, self.quiet) {
                self.cut();
            }
            (self.last_mark, self.quiet) = (Some(mark), true);
        }
        let prefix = lex(line);
        self.quiet &= prefix.time.is_none();
        if prefix.wrapper == Wrapper::Kmsg && prefix.message == line.len() {
            // A ` KEY=value` line of /dev/kmsg.
            return;
        }
        let moment = written(line, &prefix, modified);
        let gatherer = self.gatherer.get_or_insert_with(|| Gatherer::new(self.options));
        let source = gatherer.source(name);
        let at = moment.map(|(at, zoned)| {
            if zoned {
                gatherer.strand().is_zoned();
            }
            *last = if zoned { None } else { Some(at) };
            at
        });
        gatherer.file_line(line, &prefix, Place { source, line: number, at, start: None });
    }

    /// Ends the boot that is being gathered.
    fn cut(&mut self) {
        self.read.strands.extend(self.gatherer.take().map(Gatherer::finish));
        self.last_mark = None;
        self.quiet = true;
    }

    /// Everything that was read.
    #[must_use]
    pub(super) fn finish(mut self) -> Read {
        self.cut();
        for strand in &mut self.read.strands {
            strand.put_right(self.zone);
        }
        for at in 1..self.read.strands.len() {
            if let [.., before, next] = &mut self.read.strands[..=at] {
                before.part_from(next);
            }
        }
        // Nothing but first words of the next boot.
        self.read.strands.retain(|strand| strand.lines > 0);
        self.read
    }
}

/// Log files that a logging daemon writes, below /var/log.
const DAEMON_LOGS: [&str; 3] = ["kern.log", "messages", "syslog"];

/// Each log with its rotated ones, the oldest first, of those that are in a folder.
#[must_use]
pub(super) fn families(folder: &Path) -> Vec<(String, Vec<PathBuf>)> {
    let names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    let mut families = Vec::new();
    for base in DAEMON_LOGS {
        let mut found: Vec<(Age, &String)> =
            names.iter().filter_map(|name| Some((Age::of(name.strip_prefix(base)?)?, name))).collect();
        found.sort();
        if !found.is_empty() {
            families.push((base.to_owned(), found.into_iter().map(|(_, name)| folder.join(name)).collect()));
        }
    }
    families
}

/// How old a rotated file is, by what follows the log's name; the oldest is the least.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Age {
    /// `-20240501`, possibly with a time.
    Dated(u64),
    /// `.3`: counted from the newest.
    Counted(std::cmp::Reverse<u64>),
    /// The log itself.
    Newest,
}

impl Age {
    fn of(rest: &str) -> Option<Self> {
        if rest.is_empty() {
            return Some(Self::Newest);
        }
        let number =
            [".gz", ".xz", ".zst", ".bz2", ".lz4"].iter().find_map(|ending| rest.strip_suffix(ending)).unwrap_or(rest);
        if let Some(count) = number.strip_prefix('.') {
            return Some(Self::Counted(std::cmp::Reverse(count.parse().ok()?)));
        }
        let digits: String = number.strip_prefix('-')?.chars().filter(char::is_ascii_digit).collect();
        (digits.len() >= 8).then(|| digits.parse().ok().map(Self::Dated)).flatten()
    }
}

/// How long ago a file was written, at most: for those without any moment of their own.
#[must_use]
pub(super) fn modified(path: &Path) -> Option<Moment> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    (time > SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).then(|| seconds(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_come_oldest_first() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in [
            "kern.log",
            "kern.log.1",
            "kern.log.10.gz",
            "kern.log.2.gz",
            "kern.log.old",
            "messages",
            "messages-20240501",
            "messages-20240424.xz",
            "messages.txt",
        ] {
            std::fs::write(folder.path().join(name), "x").expect("written");
        }
        let told: Vec<(String, Vec<String>)> = families(folder.path())
            .into_iter()
            .map(|(name, files)| {
                let names = files.iter().filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()));
                (name, names.collect())
            })
            .collect();
        let want = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            told[0],
            ("kern.log".to_owned(), want(&["kern.log.10.gz", "kern.log.2.gz", "kern.log.1", "kern.log"]))
        );
        assert_eq!(told[1], ("messages".to_owned(), want(&["messages-20240424.xz", "messages-20240501", "messages"])));
    }
}
