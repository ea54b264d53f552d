//! A kernel tree with patches, beside the user's own, which is never touched.

use crate::source::plain_git;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// Why there is no patched tree.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// Only git knows what the tree is without the user's changes.
    #[error("{0}: --patch needs a git tree of its own: git init && git add -A && git commit")]
    NoGit(PathBuf),
    /// A patch cannot be read.
    #[error("--patch {path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A patch does not fit.
    #[error("--patch {path} does not apply to {head}: {words}")]
    DoesNotApply {
        /// Which.
        path: PathBuf,
        /// The commit, abbreviated, and the patches that were applied before.
        head: String,
        /// git's words.
        words: String,
    },
    /// git fails.
    #[error("git {command} failed in {tree}: {words}")]
    Git {
        /// What it was to do.
        command: String,
        /// Where.
        tree: PathBuf,
        /// Its words.
        words: String,
    },
}

/// Makes `tree` the HEAD of the git tree `source` with `patches` on top, in this order. A tree of an earlier call is used
/// again: only what differs is written, so that only that is compiled.
///
/// # Errors
/// Any [`PatchError`]; nothing is written into `source` or its repository.
pub(super) fn patched_tree(source: &Path, patches: &[PathBuf], tree: &Path) -> Result<(), PatchError> {
    let no_git = || PatchError::NoGit(source.to_owned());
    let head = git(source, ["rev-parse", "HEAD"]).map_err(|_| no_git())?;
    let head = head.trim();
    if !git(source, ["rev-parse", "--show-prefix"]).map_err(|_| no_git())?.trim().is_empty() {
        return Err(no_git());
    }
    let patches: Vec<PathBuf> = patches
        .iter()
        .map(|path| path.canonicalize().map_err(|error| PatchError::Unreadable { path: path.clone(), source: error }))
        .collect::<Result<_, _>>()?;
    // A clone that borrows the objects, not a worktree: that would be written down in the user's repository.
    let borrows = fs::read_to_string(tree.join(".git/objects/info/alternates")).is_ok_and(|path| {
        git(source, ["rev-parse", "--git-path", "objects"])
            .is_ok_and(|own| fs::canonicalize(source.join(own.trim())).ok() == fs::canonicalize(path.trim()).ok())
    });
    if !borrows {
        let _ = fs::remove_dir_all(tree);
        let words = [OsStr::new("clone"), "--shared".as_ref(), "--no-checkout".as_ref(), "--quiet".as_ref()];
        git(source, words.into_iter().chain([OsStr::new("."), tree.as_os_str()]))?;
    }
    git(tree, ["reset", "--hard", "--quiet", head])?;
    git(tree, ["clean", "-fdxq"])?;
    for (number, path) in patches.iter().enumerate() {
        let applied = git(
            tree,
            [OsStr::new("apply"), "--index".as_ref(), "--whitespace=nowarn".as_ref(), "--".as_ref(), path.as_os_str()],
        );
        if let Err(error) = applied {
            let words = match error {
                PatchError::Git { words, .. } => words,
                other => other.to_string(),
            };
            let short = &head[..head.len().min(12)];
            let head = if number == 0 {
                short.to_owned()
            } else {
                format!("{short} with {number} {} before", if number == 1 { "patch" } else { "patches" })
            };
            return Err(PatchError::DoesNotApply { path: path.clone(), head, words });
        }
    }
    Ok(())
}

fn git<A: AsRef<OsStr>>(tree: &Path, words: impl IntoIterator<Item = A>) -> Result<String, PatchError> {
    let words: Vec<A> = words.into_iter().collect();
    let answer = plain_git().arg("-C").arg(tree).args(&words).stdin(Stdio::null()).output();
    let name = words.first().map_or_else(String::new, |verb| verb.as_ref().to_string_lossy().into_owned());
    let words = match answer {
        Ok(output) if output.status.success() => return Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let lines = text.lines().map(|line| line.trim_start_matches("error: ").trim()).take(3);
            lines.collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    };
    Err(PatchError::Git { command: name, tree: tree.to_owned(), words })
}
