//! What a kernel tree says of the crashes of live runs, reported when they have ended: what git has to read takes longer than a
//! live log waits.

use crate::cli::stderr;
use crate::cli::tree::{TreeArguments, told};
use crate::render::{Look, safe, source_text};
use crate::report::Report;
use crate::source::{Hints, PageOptions, Tree, blame_page};
use crate::vm::record::SERIAL_LOG;

/// About so many crashes the kernel tree is asked.
const ASKED: usize = 4;

/// A kernel tree and the crashes that it is asked about.
#[derive(Debug)]
pub(super) struct Sources {
    tree: Tree,
    arguments: TreeArguments,
    /// Of each title the first, with what is known of their kernels.
    asked: Vec<(Report, Hints)>,
}

impl Sources {
    /// Of the tree that the arguments name, or in which this program stands; none without one.
    ///
    /// # Errors
    /// The folder that the user names is not a tree.
    pub(super) fn open(arguments: &TreeArguments) -> anyhow::Result<Option<Self>> {
        Ok(arguments.open()?.map(|tree| Self { tree, arguments: arguments.clone(), asked: Vec::new() }))
    }

    /// Keeps a crash of the run in `folder` for the end.
    pub(super) fn ask_later(&mut self, report: &Report, folder: Option<&str>) {
        if self.asked.len() < ASKED && !self.asked.iter().any(|(known, _)| known.title == report.title) {
            let log = folder.map(|folder| format!("{folder}/{SERIAL_LOG}"));
            self.asked.push((report.clone(), self.arguments.hints(log.as_deref().unwrap_or_default(), None)));
        }
    }

    /// The answers: each as text and as a record with its line break.
    pub(super) fn answers(&mut self, look: &Look) -> Vec<(String, Vec<u8>)> {
        let mut answers = Vec::new();
        for (report, hints) in std::mem::take(&mut self.asked) {
            let page = match blame_page(&self.tree, &report, &PageOptions { hints, ..PageOptions::default() }) {
                Ok(page) => page,
                Err(error) => {
                    stderr::say(&error.to_string());
                    continue;
                }
            };
            told();
            let mut record = serde_json::to_vec(&page).expect("records hold only what JSON can say");
            record.push(b'\n');
            answers.push((format!("\n{}\n{}", safe(&page.title), source_text(&page, look)), record));
        }
        answers
    }
}
