//! Source lines in a live run: the image is opened while the guest boots, and asked when a report is whole.

use super::settings::Image;
use crate::files::cache_home;
use crate::symbols::{ElfError, Kernel, SourceLines};
use std::thread::{self, JoinHandle};

/// Why a run has no source lines.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// The image cannot be used.
    #[error(transparent)]
    Image(#[from] ElfError),
    /// What opens it failed itself.
    #[error("the image cannot be read")]
    Failed,
}

/// An image that is being opened, or open.
#[derive(Debug)]
pub enum LiveLines {
    /// None was given, or it cannot be used.
    None,
    /// On its way.
    Opening(JoinHandle<Result<SourceLines, LinesError>>),
    /// There.
    Open(Box<SourceLines>),
}

impl LiveLines {
    /// Begins to open the image; a machine without threads gives no lines.
    #[must_use]
    pub fn open(image: Option<&Image>) -> Self {
        let Some(image) = image.cloned() else { return Self::None };
        let open = move || {
            let kernel = Kernel::open(&image.vmlinux, cache_home().as_deref())?;
            Ok(SourceLines::new(kernel, &image.modules))
        };
        thread::Builder::new().name("image".to_owned()).spawn(open).map_or(Self::None, Self::Opening)
    }

    /// The open image; waits for it. The error comes once.
    ///
    /// # Errors
    /// [`LinesError`].
    pub fn get(&mut self) -> Result<Option<&SourceLines>, LinesError> {
        if let Self::Opening(_) = self
            && let Self::Opening(thread) = std::mem::replace(self, Self::None)
        {
            let opened = thread.join().unwrap_or_else(|_| Err(LinesError::Failed));
            *self = Self::Open(Box::new(opened?));
        }
        Ok(if let Self::Open(lines) = self { Some(lines) } else { None })
    }

    /// Keeps what was looked up in the index cache.
    pub fn save(&self) {
        if let Self::Open(lines) = self {
            lines.save();
        }
    }
}
