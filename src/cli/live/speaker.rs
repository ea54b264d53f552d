//! The one mouth of a command, and the voices of the runs that speak through it, several at once if need be.

use super::folds::Folds;
use super::sources::Sources;
use crate::cli::output::{Format, JsonArray, Output};
use crate::cli::run_page::LivePage;
use crate::cli::stderr;
use crate::cli::tree::TreeArguments;
use crate::locks::Dump;
use crate::render::{
    Look, Palette, Weight, hang_text, live_line, locks_svg, locks_text, safe, status_line, statuses_line,
};
use crate::vm::Happening;
use crate::vm::happening::{Audience, LockPictures, Status, json_line};
use crate::vm::record::SERIAL_LOG;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Speaks to the user, each line at once.
#[derive(Debug)]
pub(crate) struct Speaker {
    format: Format,
    palette: Palette,
    array: JsonArray,
    terminal: bool,
    status_shown: bool,
    /// How the runs stand that go on at the same time.
    statuses: BTreeMap<usize, Status>,
    /// The kernel tree that is asked when the runs have ended.
    sources: Option<Sources>,
}

/// One run that speaks: the only one, or one of several, whose lines bear its number.
#[derive(Debug)]
pub(crate) struct Voice<'a> {
    speaker: &'a Mutex<Speaker>,
    number: Option<usize>,
    /// The folder of the run.
    folder: Option<String>,
    /// The page of the run that goes on, if it has a folder.
    page: RefCell<Option<LivePage>>,
    folds: Folds,
    /// When a line on the progress was last written for those who have no status line, seconds of the run.
    progress_told: f64,
}

/// How often progress is reported without a terminal, seconds.
const PROGRESS: f64 = 60.0;
/// Columns of such a line.
const PROGRESS_WIDTH: usize = 160;

impl Speaker {
    /// As the user wants it.
    #[must_use]
    pub(crate) fn new(output: Output) -> Self {
        Self {
            format: output.format,
            palette: output.palette(),
            array: JsonArray::new(),
            terminal: stderr::is_terminal() && output.format == Format::Text,
            status_shown: false,
            statuses: BTreeMap::new(),
            sources: None,
        }
    }

    /// Tells at the end what a kernel tree says of the crashes.
    ///
    /// # Errors
    /// The folder that the user names is not a tree.
    pub(crate) fn with_tree(mut self, arguments: &TreeArguments) -> anyhow::Result<Self> {
        if self.format == Format::Text || arguments.tree.is_some() {
            self.sources = Sources::open(arguments)?;
        }
        Ok(self)
    }

    fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            stderr::status("");
        }
    }

    /// Says something that is not a happening of a run, on stderr.
    pub(crate) fn aside(&mut self, text: &str) {
        self.clear_status();
        stderr::line(text);
    }

    /// Says a result that is not a happening of a run: lines on stdout, or a record.
    ///
    /// # Errors
    /// Stdout is closed.
    pub(crate) fn result(&mut self, text: &str, record: &[u8]) -> io::Result<()> {
        self.clear_status();
        let mut out = io::stdout().lock();
        match self.format {
            Format::Text => writeln!(out, "{text}")?,
            Format::Jsonl => out.write_all(record)?,
            Format::Json => self.array.write(&mut out, record)?,
        }
        out.flush()
    }

    /// Says what the form needs at its end.
    ///
    /// # Errors
    /// Stdout is closed.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.clear_status();
        let look = Look { palette: self.palette, ..Look::default() };
        let answers = self.sources.as_mut().map(|sources| sources.answers(&look)).unwrap_or_default();
        for (text, record) in answers {
            self.result(&text, &record)?;
        }
        if self.format == Format::Json { self.array.end(&mut io::stdout().lock()) } else { Ok(()) }
    }

    fn hear(&mut self, at: f64, happening: &Happening, number: Option<usize>, folder: Option<&str>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Jsonl => out.write_all(&json_line(at, happening, folder))?,
            Format::Json => self.array.write(&mut out, &json_line(at, happening, folder))?,
            Format::Text => {
                let Some((weight, mut line)) = live_line(at, happening, &self.palette) else { return Ok(()) };
                line.push('\n');
                let line = number.map_or_else(|| line.clone(), |number| format!("[{number}] {line}"));
                self.clear_status();
                match weight {
                    Weight::Result => out.write_all(line.as_bytes())?,
                    // Nobody has to listen to asides.
                    Weight::Aside => stderr::coloured(&line),
                }
            }
        }
        out.flush()
    }

    fn glance(&mut self, status: &Status, number: Option<usize>) {
        let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(columns, _)| usize::from(columns.0));
        let width = width.saturating_sub(1);
        let line = match number {
            None => status_line(status, width),
            Some(number) => {
                self.statuses.insert(number, status.clone());
                statuses_line(self.statuses.values(), width)
            }
        };
        stderr::status(&line);
        self.status_shown = true;
    }
}

impl<'a> Voice<'a> {
    /// Of the only run, or of one with a number.
    #[must_use]
    pub(crate) fn new(speaker: &'a Mutex<Speaker>, number: Option<usize>) -> Self {
        Self { speaker, number, folder: None, page: RefCell::new(None), folds: Folds::new(), progress_told: 0.0 }
    }

    fn speaker(&self) -> MutexGuard<'a, Speaker> {
        self.speaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says something that is not a happening, on stderr.
    pub(crate) fn aside(&self, text: &str) {
        let label = self.number.map_or_else(String::new, |number| format!("[{number}] "));
        self.speaker().aside(&format!("{label}{text}"));
    }

    /// Whether those without a status line are to hear how it goes.
    fn is_due(&mut self, at: f64) -> bool {
        let due = at - self.progress_told >= PROGRESS;
        if due {
            self.progress_told = at;
        }
        due
    }

    /// The page of the run before is written for the last time, and that of a new one begun.
    fn turn_page(&self, speaker: &mut Speaker, folder: Option<&str>) {
        let before = self.page.replace(folder.map(|folder| LivePage::new(Path::new(folder))));
        if let Some(trouble) = before.and_then(LivePage::close) {
            speaker.aside(&trouble);
        }
    }

    fn tell_folded(&mut self, speaker: &mut Speaker) {
        if let Some(words) = self.folds.take() {
            let label = self.number.map_or_else(String::new, |number| format!("[{number}] "));
            speaker.aside(&format!("{label}          {} (all are in events.jsonl)", safe(&words)));
        }
    }
}

impl Audience for Voice<'_> {
    fn hear(&mut self, at: f64, happening: &Happening) -> io::Result<()> {
        let mut speaker = self.speaker();
        if let Happening::Begun { folder, .. } = happening {
            self.folds = Folds::new();
            self.progress_told = 0.0;
            self.turn_page(&mut speaker, folder.as_deref());
            self.folder.clone_from(folder);
        }
        if speaker.format == Format::Text {
            match happening {
                Happening::Event { event, .. } if self.folds.takes(event) => return Ok(()),
                Happening::Event { .. } => {}
                _ => self.tell_folded(&mut speaker),
            }
        }
        if let (Happening::Ended { .. }, Some(number)) = (happening, self.number) {
            speaker.statuses.remove(&number);
        }
        if let (Happening::Closed { report, sought: true, .. }, Some(sources)) = (happening, &mut speaker.sources)
            && report.cause.is_none()
        {
            sources.ask_later(report, self.folder.as_deref());
        }
        // JSON of several runs says which run it is.
        speaker.hear(at, happening, self.number, self.number.and(self.folder.as_deref()))
    }

    fn glance(&mut self, status: &Status) {
        let trouble = self.page.get_mut().as_mut().and_then(|page| page.refresh(status.at));
        let mut speaker = self.speaker();
        if let Some(trouble) = trouble {
            speaker.aside(&trouble);
        }
        if speaker.terminal {
            speaker.glance(status, self.number);
        } else if speaker.format == Format::Text && self.is_due(status.at) {
            let label = self.number.map_or_else(String::new, |number| format!("[{number}] "));
            stderr::line(&format!("{label}{}", status_line(status, PROGRESS_WIDTH)));
        }
    }

    fn lock_pictures(&self, dumps: &[Dump], newest: usize) -> Option<LockPictures> {
        let (plain, dump) = (Look::default(), dumps.get(newest)?);
        if let Some(page) = self.page.borrow_mut().as_mut() {
            page.hang(dump);
        }
        Some(LockPictures {
            newest: hang_text(dump, &plain),
            text: locks_text(SERIAL_LOG, dumps, &plain),
            svg: locks_svg(dump),
        })
    }
}

impl Drop for Voice<'_> {
    fn drop(&mut self) {
        let mut speaker = self.speaker();
        self.turn_page(&mut speaker, None);
        self.tell_folded(&mut speaker);
    }
}

/// Lets one run speak, and ends what was said.
///
/// # Errors
/// What the run answers; there is no such tree; stdout is closed.
pub(crate) fn with_voice<T>(
    output: Output,
    tree: &TreeArguments,
    run: impl FnOnce(&mut Voice<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let speaker = Mutex::new(Speaker::new(output).with_tree(tree)?);
    let done = run(&mut Voice::new(&speaker, None))?;
    speaker.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::output::Colour;

    #[test]
    fn without_a_terminal_progress_is_reported_once_a_minute() {
        let speaker = Mutex::new(Speaker::new(Output { format: Format::Text, colour: Colour::Never }));
        let mut voice = Voice::new(&speaker, Some(2));
        let told: Vec<u32> = (0..200).filter(|second| voice.is_due(f64::from(*second))).collect();
        assert_eq!(told, [60, 120, 180]);
        let begun = Happening::Begun { folder: Some("runs/x".to_owned()), machine: "tcg".to_owned() };
        voice.hear(0.0, &begun).expect("stdout is open");
        assert!(!voice.is_due(59.0) && voice.is_due(60.0), "each run begins anew");
    }
}
