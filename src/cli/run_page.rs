//! The page of a run: made from its folder, and written anew into it while the run lives.

use super::findings::told_dumps;
use crate::engine::{Item, Options};
use crate::files;
use crate::input::Source;
use crate::intake::{Found, each_log, found_in};
use crate::locks::Dump;
use crate::render::LogView;
use crate::render::page::{LogPage, RunPage, Share, run_page};
use crate::runs::Manifest;
use crate::runs::state::{State, state_of};
use crate::vm::record::{EVENTS, SERIAL_LOG};
use crate::vm::story::Story;
use anyhow::Context as _;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The page in a run's folder.
pub(super) const PAGE: &str = "page.html";

/// How much of the serial log's end is shown while the run lives, bytes.
const TAIL: u64 = 6 << 10;
/// So much of `events.jsonl` is read at a time, bytes.
const EVENTS_READ: u64 = 16 << 20;
/// The page is not written more often, seconds.
const OFTEN: f64 = 2.0;

/// The page of a run as its folder has it now; one that is over has its whole log.
///
/// # Errors
/// The folder is not a run's.
pub(super) fn of_folder(folder: &Path, options: &Options, share: Option<Share>) -> anyhow::Result<String> {
    let manifest = Manifest::read(folder).with_context(|| folder.display().to_string())?;
    let state = state_of(&manifest);
    let mut reader = Reader::default();
    reader.advance(&folder.join(EVENTS));
    let story = &reader.story;
    let page = RunPage {
        manifest: &manifest,
        lives: state == State::Working,
        state: state.word(),
        story,
        hang: None,
        tail: "",
        log: None,
    };
    if page.lives {
        let tail = tail(&folder.join(SERIAL_LOG));
        return Ok(run_page(&RunPage { tail: &tail, ..page }));
    }
    let mut made = None;
    each_log(&Source::Path(folder.join(SERIAL_LOG)), &mut |log| {
        let whole = log.content.and_then(|content| content.gathered(SERIAL_LOG));
        let Ok((text, _)) = whole else { return ControlFlow::Break(()) };
        let found = found_in(SERIAL_LOG, &text, options);
        let summary = found.summary.clone();
        let view = view(found);
        let dumps = told_dumps(&view);
        let log = LogPage {
            name: SERIAL_LOG,
            view: &view,
            summary: &summary,
            dumps: &dumps,
            sources: &[],
            text: &text,
            silence: None,
            share,
        };
        made = Some(run_page(&RunPage { log: Some(&log), ..page }));
        ControlFlow::Break(())
    });
    Ok(made.unwrap_or_else(|| run_page(&page)))
}

/// What was found, with the lines of the file.
pub(super) fn view(found: Found<'_>) -> LogView {
    let (reports, events) = found.settled();
    let mut view = LogView::default();
    reports.into_iter().for_each(|report| view.take(Item::Closed(Box::new(report))));
    events.into_iter().for_each(|event| view.take(Item::Event(Box::new(event))));
    view
}

/// The end of a log that grows, from the beginning of a line.
fn tail(path: &Path) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        if length > TAIL {
            let first = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            bytes.drain(..first);
        }
        Ok(bytes)
    };
    // What cannot be read yet has no end.
    String::from_utf8_lossy(&read().unwrap_or_default()).replace('\r', "")
}

/// Reads on in `events.jsonl`.
#[derive(Debug, Default)]
struct Reader {
    story: Story,
    read: u64,
}

impl Reader {
    fn advance(&mut self, path: &Path) {
        loop {
            let mut bytes = Vec::new();
            let from = self.read;
            let read = File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::Start(from))?;
                file.take(EVENTS_READ).read_to_end(&mut bytes)
            });
            // The last line may have come in part: it is read when it is whole.
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            if read.is_err() || whole == 0 {
                return;
            }
            self.story.take(&bytes[..whole]);
            self.read += whole as u64;
        }
    }
}

/// The page of a run that lives.
#[derive(Debug)]
pub(super) struct LivePage {
    folder: PathBuf,
    reader: Reader,
    hang: Option<Dump>,
    written: f64,
    failed: bool,
}

impl LivePage {
    /// Of the run in a folder.
    #[must_use]
    pub(super) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), reader: Reader::default(), hang: None, written: f64::MIN, failed: false }
    }

    /// Takes the newest graph of who waits for whom.
    pub(super) fn hang(&mut self, dump: &Dump) {
        self.hang = Some(dump.clone());
    }

    /// Writes the page anew, unless that was done just now; `at` are seconds of the run. A page that cannot be written is reported
    /// once and never in the run's way.
    pub(super) fn refresh(&mut self, at: f64) -> Option<String> {
        if self.failed || at - self.written < OFTEN {
            return None;
        }
        self.written = at;
        self.reader.advance(&self.folder.join(EVENTS));
        let manifest = Manifest::read(&self.folder).ok()?;
        let tail = tail(&self.folder.join(SERIAL_LOG));
        let page = RunPage {
            manifest: &manifest,
            lives: true,
            state: "working",
            story: &self.reader.story,
            hang: self.hang.as_ref(),
            tail: &tail,
            log: None,
        };
        self.put(&run_page(&page))
    }

    /// Writes the page for the last time, with the whole log.
    pub(super) fn close(mut self) -> Option<String> {
        let options = Options { gaps: true, kept: LogView::kept(true), ..Options::named(SERIAL_LOG).with_events() };
        match of_folder(&self.folder, &options, None) {
            Ok(page) => self.put(&page),
            Err(error) => Some(format!("{error:#}")),
        }
    }

    fn put(&mut self, page: &str) -> Option<String> {
        let path = self.folder.join(PAGE);
        let failed = files::replace(&path, page.as_bytes()).err()?;
        self.failed = true;
        Some(format!("{}: the page cannot be written: {failed}", path.display()))
    }
}
