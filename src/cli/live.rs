//! How `run` and `watch` speak: lines or JSON on stdout, asides and the status line on stderr; and how they are stopped.

use super::output::{Format, JsonArray, Output};
use super::run_page::LivePage;
use super::stderr;
use super::tree::{TreeArguments, told};
use crate::locks::Dump;
use crate::render::{
    Look, Palette, Weight, hang_text, live_line, locks_svg, locks_text, safe, source_text, status_line,
};
use crate::report::Report;
use crate::source::{Hints, PageOptions, Tree, blame_page};
use crate::vm::Happening;
use crate::vm::happening::{Audience, LockPictures, Status, json_line};
use crate::vm::record::SERIAL_LOG;
use crate::vm::session::Interrupt;
use crate::vm::settings::Image;
use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Where source lines come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Source lines")]
pub struct ImageArguments {
    /// The vmlinux of the kernel that prints: reports name source lines [default of a run: the bundle's, or the one in the
    /// build tree of --kernel].
    #[arg(short = 'k', long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,
    /// A folder with that kernel's modules, searched with all below it. May be repeated.
    #[arg(long, value_name = "DIR")]
    modules: Vec<PathBuf>,
}

impl ImageArguments {
    /// The image that the user named.
    ///
    /// # Errors
    /// It is not there, or there are modules without it.
    pub fn given(&self) -> anyhow::Result<Option<Image>> {
        if let Some(path) = &self.vmlinux {
            anyhow::ensure!(path.is_file(), "--vmlinux {}: no such file", path.display());
        }
        self.of(None)
    }

    /// The image that the user named, else `usual`, with the modules.
    ///
    /// # Errors
    /// There are modules without an image, or a path cannot be made absolute.
    pub fn of(&self, usual: Option<&Path>) -> anyhow::Result<Option<Image>> {
        let Some(path) = self.vmlinux.as_deref().or(usual) else {
            anyhow::ensure!(self.modules.is_empty(), "--modules: say --vmlinux, too");
            return Ok(None);
        };
        let absolute = |path: &Path| std::path::absolute(path).with_context(|| path.display().to_string());
        let modules = self.modules.iter().map(|folder| absolute(folder)).collect::<anyhow::Result<_>>()?;
        Ok(Some(Image { vmlinux: absolute(path)?, modules }))
    }
}

/// Speaks to the user, each line at once.
#[derive(Debug)]
pub struct Speaker {
    format: Format,
    palette: Palette,
    array: JsonArray,
    terminal: bool,
    status_shown: bool,
    /// When a line on the progress was last written for those who have no status line, seconds of the run.
    progress_told: f64,
    /// Events of each kind so far.
    events: BTreeMap<String, usize>,
    /// Those that were counted instead of shown, since the last line.
    folded: BTreeMap<String, usize>,
    /// The kernel tree that is asked when the runs have ended.
    tree: Option<(Tree, TreeArguments)>,
    /// The folder of the run that goes on.
    folder: Option<String>,
    /// Crashes that are asked about, of each title the first, with what is known of their kernels.
    asked: Vec<(Report, Hints)>,
    /// The page of the run that goes on, if it has a folder.
    page: RefCell<Option<LivePage>>,
}

/// So many events of a kind are shown, the others are counted.
const EVENTS_SHOWN: usize = 3;
/// About so many crashes the kernel tree is asked.
const ASKED: usize = 4;
/// How often progress is told without a terminal, seconds.
const PROGRESS: f64 = 60.0;
/// Columns of such a line.
const PROGRESS_WIDTH: usize = 160;

impl Speaker {
    /// As the user wants it.
    #[must_use]
    pub fn new(output: Output) -> Self {
        Self {
            format: output.format,
            palette: output.palette(),
            array: JsonArray::new(),
            terminal: stderr::is_terminal() && output.format == Format::Text,
            status_shown: false,
            progress_told: 0.0,
            events: BTreeMap::new(),
            folded: BTreeMap::new(),
            tree: None,
            folder: None,
            asked: Vec::new(),
            page: RefCell::new(None),
        }
    }

    /// The page of the run before is written for the last time, and that of a new one begun.
    fn turn_page(&mut self, folder: Option<&str>) {
        let before = self.page.replace(folder.map(|folder| LivePage::new(Path::new(folder))));
        if let Some(trouble) = before.and_then(LivePage::close) {
            self.aside(&trouble);
        }
    }

    /// Tells at the end what a kernel tree says of the crashes.
    ///
    /// # Errors
    /// The folder that the user names is no tree.
    pub fn with_tree(mut self, arguments: &TreeArguments) -> anyhow::Result<Self> {
        let wanted = self.format == Format::Text || arguments.tree.is_some();
        let tree = if wanted { arguments.open()? } else { None };
        self.tree = tree.map(|tree| (tree, arguments.clone()));
        Ok(self)
    }

    /// Keeps a crash for the tree: what git has to read takes longer than a live log waits.
    fn ask_later(&mut self, report: &Report) {
        let Some((_, arguments)) = &self.tree else { return };
        if self.asked.len() < ASKED && !self.asked.iter().any(|(known, _)| known.title == report.title) {
            let log = self.folder.as_ref().map(|folder| format!("{folder}/{SERIAL_LOG}"));
            self.asked.push((report.clone(), arguments.hints(log.as_deref().unwrap_or_default(), None)));
        }
    }

    fn tell_sources(&mut self) -> io::Result<()> {
        let Some((tree, _)) = &self.tree else { return Ok(()) };
        let mut out = io::stdout().lock();
        let look = Look { palette: self.palette, ..Look::default() };
        for (report, hints) in std::mem::take(&mut self.asked) {
            let page = match blame_page(tree, &report, &PageOptions { hints, ..PageOptions::default() }) {
                Ok(page) => page,
                Err(error) => {
                    stderr::say(&error.to_string());
                    continue;
                }
            };
            told();
            if self.format == Format::Text {
                write!(out, "\n{}\n{}", safe(&page.title), source_text(&page, &look))?;
                continue;
            }
            let mut line = serde_json::to_vec(&page)?;
            line.push(b'\n');
            if self.format == Format::Json { self.array.write(&mut out, &line)? } else { out.write_all(&line)? }
        }
        out.flush()
    }

    fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            stderr::status("");
        }
    }

    /// Whether this event is one of many of its kind and only counted.
    fn folds(&mut self, kind: &str) -> bool {
        let seen = self.events.entry(kind.to_owned()).or_default();
        *seen += 1;
        if *seen <= EVENTS_SHOWN {
            return false;
        }
        *self.folded.entry(kind.to_owned()).or_default() += 1;
        true
    }

    fn tell_folded(&mut self) {
        let folded = std::mem::take(&mut self.folded);
        let words: Vec<String> = folded.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !words.is_empty() {
            self.aside(&format!("          events like these: {} (all are in events.jsonl)", words.join(", ")));
        }
    }

    /// Says something that is no happening of a run, on stderr.
    pub fn aside(&mut self, text: &str) {
        self.clear_status();
        stderr::line(text);
    }

    /// Says what the form needs at its end.
    ///
    /// # Errors
    /// Stdout is closed.
    pub fn finish(&mut self) -> io::Result<()> {
        self.turn_page(None);
        self.tell_folded();
        self.clear_status();
        self.tell_sources()?;
        if self.format == Format::Json { self.array.end(&mut io::stdout().lock()) } else { Ok(()) }
    }
}

impl Audience for Speaker {
    fn hear(&mut self, at: f64, happening: &Happening) -> io::Result<()> {
        match happening {
            Happening::Begun { folder, .. } => {
                self.turn_page(folder.as_deref());
                self.folder.clone_from(folder);
            }
            Happening::Closed { report, sought: true, .. } if report.cause.is_none() => self.ask_later(report),
            _ => {}
        }
        let mut out = io::stdout().lock();
        match self.format {
            Format::Jsonl => out.write_all(&json_line(at, happening))?,
            Format::Json => self.array.write(&mut out, &json_line(at, happening))?,
            Format::Text => {
                match happening {
                    Happening::Event { event } if self.folds(&event.kind) => return Ok(()),
                    Happening::Event { .. } => {}
                    Happening::Begun { .. } => {
                        self.events.clear();
                        self.progress_told = 0.0;
                    }
                    _ => self.tell_folded(),
                }
                let Some((weight, mut line)) = live_line(at, happening, &self.palette) else { return Ok(()) };
                line.push('\n');
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

    fn glance(&mut self, status: &Status) {
        let trouble = self.page.get_mut().as_mut().and_then(|page| page.refresh(status.at));
        if let Some(trouble) = trouble {
            self.aside(&trouble);
        }
        if self.terminal {
            let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(columns, _)| usize::from(columns.0));
            let line = status_line(status, width.saturating_sub(1));
            stderr::status(&line);
            self.status_shown = true;
        } else if self.format == Format::Text && status.at - self.progress_told >= PROGRESS {
            self.progress_told = status.at;
            stderr::line(&status_line(status, PROGRESS_WIDTH));
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

/// Notes the first signal that asks this program to end; the second one ends it as the system would.
///
/// # Errors
/// The system refuses.
pub fn interrupt() -> io::Result<Interrupt> {
    let interrupt = Interrupt::default();
    let (noted, mut signals) = (interrupt.clone(), Signals::new([SIGINT, SIGTERM, SIGHUP])?);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            if noted.swap(signal, Ordering::Relaxed) != 0 {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
        }
    });
    Ok(interrupt)
}
