//! The kernel tree that is built: with its patches, and what of it is not committed.

use super::super::adopt;
use super::super::kernel_patch::patched_tree;
use super::super::manifest::{FileRecord, PatchFile, Role};
use super::asked::{Build, Step};
use super::error::{BuildError, at};
use crate::source::Git;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// The folder inside the bundle.
pub(super) const FOLDER: &str = "local";

/// The folder in it with the patched tree.
const TREE: &str = "tree";

/// The most that is kept of a tree's uncommitted changes.
const DIFF: u64 = 64 << 20;

/// How git is asked for them; programs that the tree's attributes name are not run.
const CHANGES: [&str; 5] = ["diff", "--binary", "--no-ext-diff", "--no-textconv", "HEAD"];

/// The tree with the patches, in the bundle.
pub(super) fn with_patches(
    build: &Build<'_>,
    source: &Path,
    local: &Path,
    tell: &mut dyn FnMut(Step<'_>),
) -> Result<PathBuf, BuildError> {
    if git(source, &["diff", "--quiet", "--no-ext-diff", "--no-textconv", "HEAD"]).is_none() {
        let words = "the tree's uncommitted changes are not in the patched kernel, which is HEAD and the patches";
        tell(Step::Note(words.to_owned()));
    }
    let tree = local.join(TREE);
    patched_tree(source, build.patches, &std::path::absolute(&tree).map_err(at(&tree))?)?;
    tree.canonicalize().map_err(at(&tree))
}

/// The patches as the manifest names them.
pub(super) fn patch_files(patches: &[PathBuf]) -> Result<Vec<PatchFile>, BuildError> {
    let describe = |path: &PathBuf| {
        let text = fs::read(path).map_err(at(path))?;
        Ok(PatchFile { path: path.display().to_string(), sha256: crate::syzbot::repro::minimize::digest(&text) })
    };
    patches.iter().map(describe).collect()
}

/// What git says of the tree; nothing if the tree only lies somewhere inside another repository.
pub(super) fn git(tree: &Path, arguments: &[&str]) -> Option<String> {
    let git = Git::new(tree);
    if !git.output(&["rev-parse", "--show-prefix"]).ok()?.trim_ascii().is_empty() {
        return None;
    }
    Some(String::from_utf8_lossy(&git.output(arguments).ok()?).into_owned())
}

/// The tree's uncommitted changes as a file beside the kernel: without them, HEAD is only half of what was built.
pub(super) fn uncommitted(build: &Build<'_>, local: &Path) -> Result<Option<(PathBuf, FileRecord)>, BuildError> {
    let name = "uncommitted.diff";
    let part = local.join(format!("{name}.part"));
    if git(build.source, &["rev-parse", "HEAD"]).is_none() {
        return Ok(None);
    }
    let mut file = BufWriter::new(File::create(&part).map_err(at(&part))?);
    let (mut left, mut written) = (DIFF, Ok(()));
    // Of one that is longer than the bound the beginning is worth keeping, and so it is where git fails in its midst.
    let _ = Git::new(build.source).records(&CHANGES, b'\n', |line| {
        let Some(rest) = left.checked_sub(line.len() as u64 + 1) else { return false };
        left = rest;
        written = file.write_all(line).and_then(|()| file.write_all(b"\n"));
        written.is_ok()
    });
    written.map_err(at(&part))?;
    let file = file.into_inner().map_err(|error| at(&part)(error.into_error()))?;
    if file.metadata().map_err(at(&part))?.len() == 0 {
        let _ = fs::remove_file(&part);
        let _ = fs::remove_file(local.join(name));
        return Ok(None);
    }
    let path = format!("{FOLDER}/{name}");
    let record = adopt::record(build.directory, &format!("{path}.part"), Role::Other).map_err(at(&part))?;
    Ok(Some((part, FileRecord { path, ..record })))
}
