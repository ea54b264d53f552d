//! A kernel tree: which repository it is, what it lacks, the text of a file at a commit.

use super::git::{Git, Object, SourceError, words};
use super::record::TreeState;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A file larger than this is not source, bytes.
const LARGEST: u64 = 16 << 20;

/// Told while something takes long: what is done, and how far it is.
pub(super) type Progress = Box<dyn Fn(&str) + Send + Sync>;

/// A repository of the kernel.
pub struct Tree {
    /// How git is asked.
    pub(super) git: Git,
    /// What it is and has.
    pub(super) state: TreeState,
    /// The folder with the objects, which worktrees share.
    pub(super) common: PathBuf,
    /// Commits at which a shallow clone ends.
    pub(super) cut_at: BTreeSet<String>,
    /// The newest commit of any branch.
    pub(super) tip: String,
    /// Folder for what was found out; none keeps nothing.
    pub(super) cache: Option<PathBuf>,
    /// Tags of releases, once asked for: name, and when it was made.
    pub(super) release_tags: OnceLock<Vec<(String, i64)>>,
    progress: Option<Progress>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Tree").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Tree {
    /// Opens the repository in which a folder lies: a clone, a worktree, a bare repository. `cache` is the folder for what was
    /// found out (`cache_home()`); answers are the same without.
    ///
    /// # Errors
    /// It is not a repository, belongs to somebody else, or has no commit.
    pub fn open(folder: &Path, cache: Option<&Path>) -> Result<Self, SourceError> {
        if !folder.is_dir() {
            return Err(SourceError::NotARepository(folder.to_owned()));
        }
        let git = Git::new(folder);
        let asked =
            ["rev-parse", "--is-bare-repository", "--is-shallow-repository", "--git-common-dir", "--absolute-git-dir"];
        let said = git.output(&asked).map_err(|error| match error {
            SourceError::Failed { .. } => SourceError::NotARepository(folder.to_owned()),
            other => other,
        })?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let mut lines = said.lines();
        let is_true = |line: Option<&str>| line == Some("true");
        let (bare, shallow) = (is_true(lines.next()), is_true(lines.next()));
        let common = folder.join(lines.next().unwrap_or_default());
        let common = common.canonicalize().map_err(|cause| SourceError::File { path: common, cause })?;
        let top = if bare { None } else { git.output(&["rev-parse", "--show-toplevel"]).ok() };
        let top = top.map(|top| PathBuf::from(String::from_utf8_lossy(&top).trim_end_matches('\n')));
        let git = top.as_deref().map_or(git, Git::new);
        let partial = git.output(&["config", "--get-regexp", r"^(extensions\.partialclone|remote\..*\.promisor)$"]);
        let heads = git.output(&words(&[
            "for-each-ref",
            "--sort=-committerdate",
            "--count=1",
            "--format=%(objectname) %(committerdate:format-local:%Y-%m-%d)",
            "refs/heads",
            "refs/remotes",
        ]))?;
        let heads = String::from_utf8_lossy(&heads).into_owned();
        let newest = heads.lines().next().and_then(|line| line.split_once(' '));
        let head = git.output(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]).ok();
        let head = head.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
        // A bare clone may have a HEAD that names no branch.
        let head = head.or_else(|| newest.map(|(tip, _)| tip.to_owned()));
        let head = head.ok_or_else(|| SourceError::Empty(folder.to_owned()))?;
        let cut_at = std::fs::read_to_string(common.join("shallow")).unwrap_or_default();
        let state = TreeState {
            path: top.as_deref().unwrap_or(folder).display().to_string(),
            bare,
            shallow,
            partial: partial.is_ok_and(|found| !found.is_empty()),
            head: head.clone(),
            ends: newest.map(|(_, day)| day.to_owned()),
        };
        Ok(Self {
            git,
            state,
            common,
            cut_at: cut_at.lines().map(str::to_owned).collect(),
            tip: newest.map_or(head, |(tip, _)| tip.to_owned()),
            cache: cache.map(|cache| cache.join("source")),
            release_tags: OnceLock::new(),
            progress: None,
        })
    }

    /// Tells what takes long.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Tells that something takes long.
    pub(super) fn tell(&self, words: &str) {
        if let Some(progress) = &self.progress {
            progress(words);
        }
    }

    /// What it is and has.
    #[must_use]
    pub fn state(&self) -> &TreeState {
        &self.state
    }

    /// The full id of a commit that a user or a log names: an id, its beginning, a tag, a branch.
    ///
    /// # Errors
    /// There is none, or the beginning fits several.
    pub fn commit(&self, name: &str) -> Result<String, SourceError> {
        let unknown = || SourceError::NoCommit { tree: PathBuf::from(&self.state.path), name: name.to_owned() };
        if name.starts_with('-') || name.contains(['\0', '\n']) {
            return Err(unknown());
        }
        let asked = ["rev-parse".to_owned(), "--verify".into(), "--quiet".into(), format!("{name}^{{commit}}")];
        let said = self.git.output(&asked).map_err(|_| unknown())?;
        let id = String::from_utf8_lossy(&said).trim().to_owned();
        if super::git::is_hash(&id) { Ok(id) } else { Err(unknown()) }
    }

    /// The path in the tree that a log means by `said`: the longest end of it that is a file at `commit`. Logs name files as the
    /// compiler was given them: `./include/linux/list.h`, `/build/linux/mm/slub.c`.
    ///
    /// # Errors
    /// What git says.
    pub fn find_file(&self, commit: &str, said: &str) -> Result<Option<String>, SourceError> {
        let clean = clean_path(said);
        let starts = std::iter::once(0).chain(clean.match_indices('/').map(|(at, _)| at + 1));
        let ends: Vec<&str> = starts.map(|at| &clean[at..]).filter(|end| !end.is_empty()).collect();
        let names: Vec<String> = ends.iter().map(|end| format!("{commit}:{end}")).collect();
        let found = self.git.look_up(&names)?;
        let is_file = |object: &Option<Object>| object.as_ref().is_some_and(|object| object.kind == "blob");
        let full = found.iter().position(is_file);
        // The tree of a partial clone names files whose text it lacks.
        if full.is_none() && self.state.partial {
            for end in ends {
                let listed = self.git.output(&["ls-tree", "-z", commit, "--", end])?;
                if listed.starts_with(b"100") {
                    return Ok(Some(end.to_owned()));
                }
            }
            return Ok(None);
        }
        Ok(full.map(|at| ends[at].to_owned()))
    }

    /// The text of a file at a commit, bytes that are not UTF-8 replaced; none if there is no such file or it is not source.
    ///
    /// # Errors
    /// What git says; [`SourceError::is_missing_object`] says that a partial clone lacks it.
    pub fn text(&self, commit: &str, file: &str) -> Result<Option<String>, SourceError> {
        let found = self.git.look_up(&[format!("{commit}:{file}")])?.pop().flatten();
        let object = match found {
            Some(object) => object,
            None if self.state.partial => {
                return Err(SourceError::Failed { verb: "cat-file".into(), words: format!("{file} is missing") });
            }
            None => return Ok(None),
        };
        if object.kind != "blob" || object.size > LARGEST {
            return Ok(None);
        }
        let bytes = self.git.output(&["cat-file", "blob", &object.id])?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Whether a checked-out file is another than at HEAD; none where no files are checked out.
    #[must_use]
    pub fn is_changed(&self, file: &str) -> Option<bool> {
        if self.state.bare {
            return None;
        }
        let path = Path::new(&self.state.path).join(file);
        let object = self.git.look_up(&[format!("HEAD:{file}")]).ok()?.pop().flatten()?;
        // Not `hash-object` of the path as git would add it: filters are programs that the settings name.
        let bytes = std::fs::read(&path).ok()?;
        let id = self.git.output_for(&["hash-object", "--no-filters", "--stdin"], &bytes).ok()?;
        // No input at all would leave stdin closed, which is an empty file as well.
        Some(String::from_utf8_lossy(&id).trim() != object.id)
    }

    /// Whether `older` is `newer` or before it; none where the history does not say.
    #[must_use]
    pub fn is_before(&self, older: &str, newer: &str) -> Option<bool> {
        match self.git.output(&["merge-base", "--is-ancestor", older, newer]) {
            Ok(_) => Some(true),
            // git says 1 without a word for no, and a sentence where a commit is missing.
            Err(SourceError::Failed { words, .. }) if words.starts_with("exit status") && !self.state.shallow => {
                Some(false)
            }
            Err(_) => None,
        }
    }

    /// What a file that is missing in a partial clone needs.
    pub(super) fn remedy(&self, commit: &str, file: &str) -> String {
        format!(
            "this partial clone lacks {file} at {}: `git -C {} show {}:{file}` fetches it",
            short(commit),
            self.state.path,
            short(commit)
        )
    }
}

/// A commit as people write it.
#[must_use]
pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// `./a//b/../c` → `a/c`.
fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_cleaned() {
        assert_eq!(super::clean_path("./a//b/../c.c"), "a/c.c");
        assert_eq!(super::clean_path("/build/x/mm/slub.c"), "build/x/mm/slub.c");
        assert_eq!(super::clean_path("../../../x.c"), "x.c");
    }
}
