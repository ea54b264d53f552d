//! How `run` and `watch` speak: lines or JSON on stdout, asides and the status line on stderr; and how they are stopped.

mod folds;
mod sources;
mod speaker;

pub(super) use speaker::{Speaker, Voice, with_voice};

use crate::vm::session::Interrupt;
use crate::vm::settings::Image;
use anyhow::Context as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// Where source lines come from.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Source lines")]
pub(super) struct ImageArguments {
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
    pub(super) fn given(&self) -> anyhow::Result<Option<Image>> {
        if let Some(path) = &self.vmlinux {
            anyhow::ensure!(path.is_file(), "--vmlinux {}: no such file", path.display());
        }
        self.of(None)
    }

    /// The image that the user named, else `usual`, with the modules.
    ///
    /// # Errors
    /// There are modules without an image, or a path cannot be made absolute.
    pub(super) fn of(&self, usual: Option<&Path>) -> anyhow::Result<Option<Image>> {
        let Some(path) = self.vmlinux.as_deref().or(usual) else {
            anyhow::ensure!(self.modules.is_empty(), "--modules: say --vmlinux, too");
            return Ok(None);
        };
        let absolute = |path: &Path| std::path::absolute(path).with_context(|| path.display().to_string());
        let modules = self.modules.iter().map(|folder| absolute(folder)).collect::<anyhow::Result<_>>()?;
        Ok(Some(Image { vmlinux: absolute(path)?, modules }))
    }
}

/// Notes the first signal that asks this program to end; the second one ends it as the system would.
///
/// # Errors
/// The system refuses.
pub(super) fn interrupt() -> io::Result<Interrupt> {
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
