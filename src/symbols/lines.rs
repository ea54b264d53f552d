//! Source lines for what an engine yields: one image, opened once and asked for each record.

use super::identity::{Statement, difference, fits, statement};
use super::{Kernel, LogDecoder, LogOptions, Paths, annotate, locate_event, locate_report};
use crate::report::{Event, Report};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Mutex;

/// The image of the kernel that prints a log.
#[derive(Debug)]
pub struct SourceLines {
    kernel: Kernel,
    paths: Paths,
    refusals: Mutex<BTreeSet<String>>,
    /// Why the log is of another kernel, once its banner says so: from then on nothing is named.
    foreign: Mutex<Option<String>>,
}

impl SourceLines {
    /// An open image and the folders in which its modules lie, the first of them searched first.
    #[must_use]
    pub fn new(mut kernel: Kernel, module_folders: &[PathBuf]) -> Self {
        module_folders.iter().rev().for_each(|folder| kernel.add_module_folder(folder));
        let paths = Paths { base: kernel.build_folder() };
        Self { kernel, paths, refusals: Mutex::default(), foreign: Mutex::default() }
    }

    /// The release of the kernel that the image is.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.kernel.release()
    }

    /// Hears a kernel's banner. Says why nothing will be named, if it is another kernel's.
    pub fn hear_banner(&self, line: &[u8]) -> Option<String> {
        let said = statement(line).filter(|said| matches!(said, Statement::Banner(_)))?;
        let words = (fits(&self.kernel, said) == Some(false)).then(|| difference(&self.kernel, said));
        if let Ok(mut foreign) = self.foreign.lock() {
            foreign.clone_from(&words);
        }
        words
    }

    fn is_foreign(&self) -> bool {
        self.foreign.lock().is_ok_and(|foreign| foreign.is_some())
    }

    /// Gives the frames of a report their lines and the functions inlined there. A report of another release stays as it
    /// is, and [`SourceLines::refusals`] says which.
    pub fn report(&self, report: &mut Report) {
        if self.is_foreign() {
            return;
        }
        if let Err(refusal) = locate_report(&self.kernel, &self.paths, report)
            && let Ok(mut refusals) = self.refusals.lock()
        {
            refusals.insert(refusal.to_string());
        }
    }

    /// The same for an event.
    pub fn event(&self, event: &mut Event) {
        if !self.is_foreign() {
            locate_event(&self.kernel, &self.paths, event);
        }
    }

    /// A piece of a log with the lines written into it, as `kanalyze symbolize` does; nothing for another kernel's log.
    #[must_use]
    pub fn annotated(&self, text: &[u8]) -> Option<Vec<u8>> {
        if self.is_foreign() {
            return None;
        }
        let mut decoder = LogDecoder::new(&self.kernel, LogOptions::default());
        decoder.survey(text);
        let mut out = Vec::with_capacity(text.len() * 2);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let decoded = decoder.line(line);
            // A vector takes everything.
            annotate(&mut out, line, &decoded, &self.paths).ok()?;
        }
        decoder.refusals().is_empty().then_some(out)
    }

    /// Why reports were left alone, each reason once.
    #[must_use]
    pub fn refusals(&self) -> Vec<String> {
        self.refusals.lock().map(|refusals| refusals.iter().cloned().collect()).unwrap_or_default()
    }

    /// Keeps what was looked up in the index cache.
    pub fn save(&self) {
        self.kernel.save();
    }
}
