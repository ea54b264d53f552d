//! What a live run keeps: its logs, its events, its manifest, and each hit in a folder of its own.

use super::happening::{Audience, Happening, LockPictures, json_line};
use super::qemu::shell_line;
use crate::intake::lines_of;
use crate::locks::Dump;
use crate::report::Report;
use crate::runs::archive::{Exhibit, archive_hit};
use crate::runs::journal::{Journal, JournalError};
use crate::runs::manifest::MANIFEST;
use crate::runs::{Phase, RunFolder};
use crate::symbols::SourceLines;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The guest's console, byte for byte.
pub const SERIAL_LOG: &str = "serial.log";
/// What the workload printed.
pub const WORKLOAD_LOG: &str = "workload.log";
/// QEMU's own words.
pub const QEMU_LOG: &str = "qemu.log";
/// Everything that happened, `kanalyze.live/1`.
pub const EVENTS: &str = "events.jsonl";

/// The manifest of the run, as a hit has it: with settings, versions and hashes of what it ran with.
pub const HIT_MANIFEST: &str = "run.json";

/// The command that repeats the run.
pub const AGAIN: &str = "again.sh";

/// Larger programs are not copied, bytes.
const KEEPSAKE_LIMIT: u64 = 16 << 20;
/// A workload that prints more than this is no longer recorded, bytes.
const WORKLOAD_LIMIT: u64 = 64 << 20;
/// Reports longer than this are cut in `report.txt`, bytes.
const REPORT_LIMIT: u64 = 4 << 20;

/// The files of a run, when it keeps any.
#[derive(Debug)]
struct Files {
    folder: RunFolder,
    serial: Journal,
    workload: Journal,
    events: Journal,
}

/// Writes the files and reports to the audience. The first failure of the disk ends all writing and is kept for the judge.
pub struct Recorder<'a> {
    files: Option<Files>,
    audience: &'a mut dyn Audience,
    begun: Instant,
    trouble: Option<String>,
    told_trouble: bool,
    unheard: bool,
    /// Files of the folder that each hit gets beside the logs.
    keepsakes: Vec<String>,
}

impl std::fmt::Debug for Recorder<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Recorder").field("files", &self.files).finish_non_exhaustive()
    }
}

impl<'a> Recorder<'a> {
    /// Into a run's folder, or nowhere.
    ///
    /// # Errors
    /// The logs cannot be made.
    pub fn new(folder: Option<RunFolder>, audience: &'a mut dyn Audience) -> Result<Self, JournalError> {
        let files = match folder {
            None => None,
            Some(folder) => {
                let open = |name: &str, limit| Journal::open(folder.path().join(name), limit);
                let (serial, workload) = (open(SERIAL_LOG, u64::MAX)?, open(WORKLOAD_LOG, WORKLOAD_LIMIT)?);
                let events = open(EVENTS, u64::MAX)?;
                Some(Files { folder, serial, workload, events })
            }
        };
        Ok(Self {
            files,
            audience,
            begun: Instant::now(),
            trouble: None,
            told_trouble: false,
            unheard: false,
            keepsakes: Vec::new(),
        })
    }

    /// Seconds of the run.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.files.as_ref().map(|files| files.folder.path())
    }

    /// Whether somebody still listens.
    #[must_use]
    pub fn is_heard(&self) -> bool {
        !self.unheard
    }

    /// The first failure of the disk, once.
    pub fn take_trouble(&mut self) -> Option<String> {
        if self.told_trouble {
            return None;
        }
        self.told_trouble = self.trouble.is_some();
        self.trouble.clone()
    }

    fn note(&mut self, done: Result<bool, JournalError>) {
        if let Err(error) = done {
            self.trouble.get_or_insert(error.to_string());
            if let Some(files) = &self.files {
                files.folder.release_reserve();
            }
        }
    }

    /// Tells and records.
    pub fn tell(&mut self, happening: &Happening) {
        let at = self.now();
        self.unheard |= self.audience.hear(at, happening).is_err();
        let line = json_line(at, happening, None);
        self.write(|files| files.events.push(&line));
    }

    /// How the run stands.
    pub fn glance(&mut self, status: &super::happening::Status) {
        self.audience.glance(status);
    }

    fn write(&mut self, write: impl FnOnce(&mut Files) -> Result<bool, JournalError>) -> bool {
        if self.trouble.is_some() {
            return false;
        }
        let Some(files) = &mut self.files else { return false };
        let done = write(files);
        let first_drop = matches!(done, Ok(true));
        self.note(done);
        first_drop
    }

    /// Records bytes of the serial port.
    pub fn serial(&mut self, bytes: &[u8]) {
        self.write(|files| files.serial.push(bytes));
    }

    /// Records bytes of the workload.
    pub fn workload(&mut self, bytes: &[u8]) {
        if self.write(|files| files.workload.push(bytes)) {
            let text =
                format!("{WORKLOAD_LOG} has {} MiB: the rest of the output is counted, not kept", WORKLOAD_LIMIT >> 20);
            self.tell(&Happening::Warning { text });
        }
    }

    /// Changes the manifest and replaces it.
    pub fn manifest(&mut self, change: impl FnOnce(&mut crate::runs::Manifest)) {
        if let Some(files) = &mut self.files {
            change(&mut files.folder.manifest);
            // A manifest is small and has a reserve: it is tried even when the logs no longer fit.
            if let Err(error) = files.folder.save() {
                self.trouble.get_or_insert(error.to_string());
            }
        }
    }

    /// Nothing more will be written: the hits get what the run ran with, and the reserve goes back to the disk.
    pub fn close(&mut self) {
        if let Some(files) = &self.files {
            let folder = files.folder.path();
            for hit in &files.folder.manifest.hits {
                // The run's own is there.
                let _ = fs::copy(folder.join(MANIFEST), folder.join(&hit.folder).join(HIT_MANIFEST));
            }
            files.folder.release_reserve();
        }
    }

    /// Goes on to a phase.
    pub fn phase(&mut self, phase: Phase) {
        self.manifest(|manifest| manifest.phase = phase);
    }

    /// Writes a file of the run as a whole.
    pub fn artefact(&mut self, name: &str, bytes: &[u8]) {
        self.write(|files| {
            let path = files.folder.path().join(name);
            fs::write(&path, bytes).map(|()| false).map_err(|error| JournalError::of(&path, 0, error))
        });
    }

    /// Copies what made the run into its folder, for each of its hits: `(name, file)`, and how to run it again.
    pub fn keep(&mut self, files: &[(String, PathBuf)]) {
        for (name, path) in files {
            if fs::metadata(path).is_ok_and(|meta| meta.len() <= KEEPSAKE_LIMIT)
                && let Ok(bytes) = fs::read(path)
            {
                self.artefact(name, &bytes);
                self.keepsakes.push(name.clone());
            }
        }
        let mut arguments =
            self.files.as_ref().map(|files| files.folder.manifest.arguments.clone()).unwrap_or_default();
        // The supervisor's own word.
        arguments.retain(|word| word != "--detached");
        if let (false, Ok(folder)) = (arguments.is_empty(), std::env::current_dir()) {
            let script = format!(
                "#!/bin/sh\n# What made this run. Its program and configuration as they were lie beside this file.\ncd {} && exec {}\n",
                shell_line(&[folder.display().to_string()]),
                shell_line(&arguments)
            );
            self.artefact(AGAIN, script.as_bytes());
            self.keepsakes.push(AGAIN.to_owned());
        }
    }

    /// Lock graphs as the audience shows them.
    #[must_use]
    pub fn lock_pictures(&self, dumps: &[Dump], newest: usize) -> Option<LockPictures> {
        self.audience.lock_pictures(dumps, newest)
    }

    /// These files of the folder belong to the latest hit, and to those that come.
    pub fn add_to_hits(&mut self, names: &[String]) {
        self.keepsakes.extend(names.iter().cloned());
        if let Some(files) = &self.files
            && let Some(hit) = files.folder.manifest.hits.last()
        {
            let folder = files.folder.path();
            for name in names {
                // The run's own copy is there; a disk that is full is recognised by what is written next.
                let _ = fs::copy(folder.join(name), folder.join(&hit.folder).join(name));
            }
        }
    }

    /// Bytes of the serial log between two offsets.
    #[must_use]
    pub fn serial_text(&self, from: u64, to: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(files) = &self.files
            && let Ok(mut file) = fs::File::open(files.serial.path())
            && file.seek(SeekFrom::Start(from)).is_ok()
        {
            let _ = file.take(to.saturating_sub(from)).read_to_end(&mut bytes);
        }
        bytes
    }

    /// Bytes of the serial log so far.
    #[must_use]
    pub fn serial_length(&self) -> u64 {
        self.files.as_ref().map_or(0, |files| files.serial.written())
    }

    /// Keeps a hit at once, with source lines if there are any. Without a report, which may be that of one of several machines, it is
    /// a console line.
    pub fn archive(&mut self, title: &str, report: Option<(&Report, Option<&str>)>, lines: Option<&SourceLines>) {
        if self.files.is_none() || self.trouble.is_some() {
            return;
        }
        let mut exhibits = Vec::new();
        if let Some((report, host)) = report {
            let mut json = serde_json::to_vec_pretty(report).unwrap_or_default();
            json.push(b'\n');
            exhibits.push(Exhibit { name: "report.json".to_owned(), bytes: json });
            let all = self.serial_text(report.start, report.text_end.min(report.start + REPORT_LIMIT));
            let text = host.map_or_else(|| all.clone(), |host| lines_of(host, &all));
            if let Some(annotated) = lines.and_then(|lines| lines.annotated(&text)) {
                exhibits.push(Exhibit { name: "report-lines.txt".to_owned(), bytes: annotated });
            }
            exhibits.push(Exhibit { name: "report.txt".to_owned(), bytes: text });
        }
        let manifest = self.files.as_ref().and_then(|files| serde_json::to_vec_pretty(&files.folder.manifest).ok());
        exhibits.extend(manifest.map(|bytes| Exhibit { name: HIT_MANIFEST.to_owned(), bytes }));
        let at = self.now();
        let kind = report.map_or("line", |(report, _)| report.kind.as_str());
        let Some(files) = &mut self.files else { return };
        let mut logs = vec![SERIAL_LOG, WORKLOAD_LOG, QEMU_LOG, EVENTS];
        logs.extend(self.keepsakes.iter().map(String::as_str));
        match archive_hit(&mut files.folder, title, kind, at, &exhibits, &logs) {
            Ok(folder) => self.tell(&Happening::Archived { folder, title: title.to_owned() }),
            Err(error) => {
                self.trouble.get_or_insert(error.to_string());
            }
        }
    }
}
