//! Where files with settings are: in a folder and those above it, and the user's own.

use super::NAME;
use super::file::File;
use super::trust::{is_trusted, stranger};
use crate::cli::stderr::say;
use crate::render::safe;
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};

/// The file of the user.
pub(super) fn user_file() -> Option<PathBuf> {
    let home = crate::files::absolute("XDG_CONFIG_HOME")
        .or_else(|| crate::files::absolute("HOME").map(|home| home.join(".config")))?;
    Some(home.join("kanalyze").join(NAME))
}

/// Whether the user's own file trusts the folder, or one above it.
///
/// # Errors
/// The user's file is wrong.
pub(in crate::cli) fn trusts(folder: &Path) -> anyhow::Result<bool> {
    let own = user_file().filter(|path| path.is_file()).map(|path| File::read(&path)).transpose()?;
    Ok(is_trusted(&folder.join(NAME), own.as_ref()))
}

/// What the user's own file is called.
pub(in crate::cli) fn own_file_name() -> String {
    user_file().map_or_else(|| format!("~/.config/kanalyze/{NAME}"), |path| path.display().to_string())
}

/// The files that say something in a folder: those of the project, the nearest first, then the user's.
pub(super) fn files_for(folder: &Path) -> anyhow::Result<Vec<File>> {
    let own = user_file().filter(|path| path.is_file());
    let own = own.map(|path| File::read(&path)).transpose()?;
    let mut files = files_above(folder, own.as_ref())?;
    files.extend(own.map(|own| own.trusting(true)));
    Ok(files)
}

/// The files of folders that say something here, the nearest first; `own` is the user's.
fn files_above(folder: &Path, own: Option<&File>) -> anyhow::Result<Vec<File>> {
    let folder = std::path::absolute(folder).with_context(|| folder.display().to_string())?;
    let mut files = Vec::new();
    for folder in folder.ancestors() {
        let path = folder.join(NAME);
        if !path.is_file() || own.is_some_and(|own| own.path == path) {
            continue;
        }
        let is_trusted = is_trusted(&path, own);
        if let Some(owner) = stranger(&path).filter(|_| !is_trusted) {
            let shown = path.display().to_string();
            say(&format!("{}: it belongs to another user ({owner}) and is left out", safe(&shown)));
            continue;
        }
        let file = File::read(&path)?.trusting(is_trusted);
        if !file.trusted.is_empty() {
            bail!("{}: 'trusted' is for the file of the user, not for that of a folder", path.display());
        }
        files.push(file);
    }
    Ok(files)
}
