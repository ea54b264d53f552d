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
mod looked;
mod record;
mod sign;
mod strand;
mod text;
mod told;

pub use entries::{JOURNAL, JournalError};
pub use record::{BOOT_SCHEMA, Boot, Ending, Evidence, Host, How, SOURCE_SCHEMA, SourceRead, State, Trouble};
pub use sign::Left;

use crate::engine::Options;
use ending::Around;
use join::joined;
use looked::Looked;
use std::path::{Path, PathBuf};
use told::boot_record;

/// Where the boot id of the machine that runs is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

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
    let mut looked = Looked::default();
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
