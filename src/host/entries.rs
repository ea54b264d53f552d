//! The journal's entries, from journalctl or from a text that it wrote, gathered into boots.

use super::clock::Moment;
use super::gatherer::{Gatherer, Place};
use super::journal::{Entry, Form, Reader};
use super::sign::KERNEL;
use super::strand::Strand;
use crate::engine::Options;
use crate::input::{CHUNK, InputError, Mapping, Source, open_with};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};

/// How the journal of the machine is called.
pub const JOURNAL: &str = "journal";
/// So many boots are gathered at a time; the journal gives one after the other.
const OPEN: usize = 16;
/// What is read of a program's complaints, bytes.
const COMPLAINTS: u64 = 4096;

/// Which entries say something of the kernel or of the end of a boot: the kernel's, journald's own, those of systemd and of
/// whoever shuts the machine down.
const MATCHES: [&str; 11] = [
    "_TRANSPORT=kernel",
    "+",
    "_TRANSPORT=driver",
    "+",
    "_PID=1",
    "+",
    "SYSLOG_IDENTIFIER=systemd-shutdown",
    "+",
    "SYSLOG_IDENTIFIER=systemd-logind",
    "+",
    "SYSLOG_IDENTIFIER=shutdown",
];
/// The fields that are asked for.
const FIELDS: &str = "MESSAGE,_TRANSPORT,SYSLOG_IDENTIFIER,_SOURCE_MONOTONIC_TIMESTAMP";

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// journalctl cannot be started.
    #[error("journalctl cannot be started: {0}")]
    NoProgram(std::io::Error),
    /// journalctl failed, in its own words.
    #[error("journalctl: {0}")]
    Failed(String),
    /// A file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A file is not what it is said to be.
    #[error("not a journal, nor what `journalctl -o json` or `-o export` writes")]
    Foreign,
}

/// What came of a journal.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Its boots in the order of their first entries.
    pub strands: Vec<Strand>,
    /// Entries that could not be understood.
    pub damaged: u64,
    /// What ended it before its time, in words.
    pub damage: Option<String>,
}

/// Gathers boots from entries.
#[derive(Debug)]
struct Boots<'a> {
    options: &'a Options,
    source: String,
    /// Whether the numbers of the text's lines mean something to somebody who has that text.
    has_lines: bool,
    /// In the order of their first entries: number and gatherer of those that are open, by boot id.
    open: BTreeMap<String, (usize, Gatherer)>,
    done: BTreeMap<usize, Strand>,
    count: usize,
}

impl Boots<'_> {
    fn take(&mut self, entry: &Entry) {
        if !self.open.contains_key(&entry.boot_id) {
            if self.open.len() >= OPEN {
                let oldest = self.open.iter().min_by_key(|(_, (number, _))| *number).map(|(id, _)| id.clone());
                if let Some((number, gatherer)) = oldest.and_then(|id| self.open.remove(&id)) {
                    self.done.insert(number, gatherer.finish());
                }
            }
            let mut gatherer = Gatherer::new(self.options);
            gatherer.source(&self.source);
            gatherer.strand().boot_id = Some(entry.boot_id.clone());
            gatherer.strand().is_zoned();
            self.open.insert(entry.boot_id.clone(), (self.count, gatherer));
            self.count += 1;
        }
        let Some((_, gatherer)) = self.open.get_mut(&entry.boot_id) else { return };
        let at = entry.realtime.and_then(|micros| Moment::try_from(micros / 1_000_000).ok());
        let start = entry
            .realtime
            .zip(entry.monotonic)
            .and_then(|(now, since)| Moment::try_from(now.checked_sub(since)? / 1_000_000).ok());
        let place = Place { source: 0, line: if self.has_lines { entry.line } else { 0 }, at, start };
        let by_kernel = entry.kernel && (entry.identifier.is_empty() || entry.identifier == KERNEL);
        let speaker = if by_kernel { KERNEL } else { &entry.identifier };
        let stamp = if entry.kernel { entry.printed.or(entry.monotonic) } else { entry.monotonic };
        let time = stamp.map(|micros| micros as f64 / 1e6);
        for line in entry.message.split(|byte| *byte == b'\n') {
            gatherer.message(speaker, line, time, place);
        }
    }

    fn finish(mut self) -> Vec<Strand> {
        for (number, gatherer) in std::mem::take(&mut self.open).into_values() {
            self.done.insert(number, gatherer.finish());
        }
        // A boot whose entries came in several rounds is several strands of one id, which are joined later.
        self.done.into_values().collect()
    }
}

fn boots<'a>(options: &'a Options, source: &str, has_lines: bool) -> Boots<'a> {
    Boots { options, source: source.to_owned(), has_lines, open: BTreeMap::new(), done: BTreeMap::new(), count: 0 }
}

/// Asks journalctl: for the machine's journal, or with `arguments` (`--directory=…`, `--file=…`) for another one, called `name`.
///
/// # Errors
/// journalctl is not here or fails.
pub(super) fn ask(options: &Options, name: &str, arguments: &[String]) -> Result<Gathered, JournalError> {
    let mut child = Command::new("journalctl")
        .args(["--output=json", "--no-pager", "--quiet", "--all"])
        .arg(format!("--output-fields={FIELDS}"))
        .args(arguments)
        .args(MATCHES)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(JournalError::NoProgram)?;
    let complaints = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut words = Vec::new();
            let _ = (&mut stderr).take(COMPLAINTS).read_to_end(&mut words);
            let _ = std::io::copy(&mut stderr, &mut std::io::sink());
            String::from_utf8_lossy(&words).into_owned()
        })
    });
    let mut boots = boots(options, name, false);
    let mut reader = Reader::new(Form::Json);
    let mut buffer = vec![0; CHUNK];
    if let Some(mut stdout) = child.stdout.take() {
        while let Ok(got @ 1..) = stdout.read(&mut buffer) {
            reader.push(&buffer[..got], &mut |entry| boots.take(&entry));
        }
    }
    reader.finish(&mut |entry| boots.take(&entry));
    let status = child.wait().map_err(JournalError::NoProgram)?;
    let words = complaints.and_then(|thread| thread.join().ok()).unwrap_or_default();
    let strands = boots.finish();
    // Without entries its status is 1 and it says nothing, being quiet.
    let complaint = words.trim().lines().next().filter(|_| !status.success());
    let failed = complaint.map(|words| JournalError::Failed(words.to_owned()));
    match failed {
        Some(failed) if strands.is_empty() => Err(failed),
        // What it gave before it failed is not all there is.
        failed => Ok(Gathered { strands, damaged: reader.damaged, damage: failed.map(|failed| failed.to_string()) }),
    }
}

/// Reads a text that journalctl wrote, packed or not, or `-`; asks journalctl if it is a journal file or a folder of them.
///
/// # Errors
/// It cannot be read, or is nothing of this.
pub(super) fn read(options: &Options, path: &Path) -> Result<Gathered, JournalError> {
    let name = path.display().to_string();
    if path.is_dir() {
        return ask(options, &name, &[format!("--directory={name}")]);
    }
    let source = Source::new(path.as_os_str());
    let input = open_with(&source, Mapping::Never)?;
    let mut boots = boots(options, &name, true);
    let (mut reader, mut first, mut foreign) = (None, Vec::new(), false);
    let mut native = false;
    let damage = input.feed(|piece| {
        if reader.is_none() {
            first.extend_from_slice(piece);
            native = first.starts_with(b"LPKSHHRH");
            match Form::of(&first) {
                Some(form) => {
                    let reader = reader.insert(Reader::new(form));
                    reader.push(&std::mem::take(&mut first), &mut |entry| boots.take(&entry));
                }
                None => foreign = native || first.len() > CHUNK,
            }
        } else if let Some(reader) = &mut reader {
            reader.push(piece, &mut |entry| boots.take(&entry));
        }
        if foreign { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    if native {
        return ask(options, &name, &[format!("--file={name}")]);
    }
    let Some(mut reader) = reader else { return Err(JournalError::Foreign) };
    reader.finish(&mut |entry| boots.take(&entry));
    let damage = damage.map(|damage| damage.to_string());
    Ok(Gathered { strands: boots.finish(), damaged: reader.damaged, damage })
}
