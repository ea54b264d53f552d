//! How `run` and `watch` speak: lines or JSON on stdout, asides and the status line on stderr; and how they are stopped.

use super::output::{Format, JsonArray, Output};
use super::stderr;
use crate::render::{Palette, Weight, live_line, status_line};
use crate::vm::Happening;
use crate::vm::happening::{Audience, Status, json_line};
use crate::vm::session::Interrupt;
use crate::vm::settings::Image;
use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
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
}

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
        }
    }

    fn clear_status(&mut self) {
        if std::mem::take(&mut self.status_shown) {
            stderr::status("");
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
        self.clear_status();
        if self.format == Format::Json { self.array.end(&mut io::stdout().lock()) } else { Ok(()) }
    }
}

impl Audience for Speaker {
    fn hear(&mut self, at: f64, happening: &Happening) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match self.format {
            Format::Jsonl => out.write_all(&json_line(at, happening))?,
            Format::Json => self.array.write(&mut out, &json_line(at, happening))?,
            Format::Text => {
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
        if self.terminal {
            let width = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(columns, _)| usize::from(columns.0));
            let line = status_line(status, width.saturating_sub(1));
            stderr::status(&line);
            self.status_shown = true;
        }
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
