//! What was once found out of a history, kept by the commit that it was asked about: a commit's past does not change.

use super::git::SourceError;
use super::tree::Tree;
use crate::files::Draft;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The number changes with the form of what is kept.
const FORM: &str = "kanalyze source 1";
/// When more answers than this are kept, the oldest half goes.
const MOST: usize = 4_000;

/// The answer to a question about a commit's past: the kept one, else what `find` says.
///
/// # Errors
/// What `find` says. A cache that cannot be read or written is a cache that is not there.
pub(super) fn remembered<T: Serialize + DeserializeOwned>(
    tree: &Tree,
    question: &[&str],
    find: impl FnOnce() -> Result<T, SourceError>,
) -> Result<T, SourceError> {
    let Some(path) = answer_path(tree, question) else { return find() };
    if let Some(kept) = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(kept);
    }
    let answer = find()?;
    if let Ok(bytes) = serde_json::to_vec(&answer) {
        let _ = keep(&path, &bytes);
    }
    Ok(answer)
}

fn answer_path(tree: &Tree, question: &[&str]) -> Option<PathBuf> {
    let mut digest = Sha256::new();
    digest.update(FORM);
    // A clone that ends early answers otherwise than a whole one.
    for part in question.iter().copied().chain(tree.cut_at.iter().map(String::as_str)) {
        digest.update([0]);
        digest.update(part);
    }
    Some(tree.cache.as_ref()?.join("answers").join(format!("{}.json", hex(&digest.finalize()))))
}

/// Bytes in hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Keeps a file whole; one that is lost is made again.
pub(super) fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or_else(|| std::io::Error::other("no folder"))?;
    fs::create_dir_all(folder)?;
    prune(folder);
    let mut draft = Draft::beside(path)?;
    draft.write_all(bytes)?;
    draft.place_unsynced()
}

fn prune(folder: &Path) {
    let Ok(files) = fs::read_dir(folder) else { return };
    let mut files: Vec<PathBuf> = files.filter_map(|file| file.ok().map(|file| file.path())).collect();
    if files.len() < MOST {
        return;
    }
    let age = |path: &PathBuf| fs::metadata(path).and_then(|about| about.modified()).ok();
    files.sort_by_cached_key(age);
    for file in &files[..files.len() / 2] {
        let _ = fs::remove_file(file);
    }
}
