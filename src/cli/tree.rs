//! The kernel tree that a verb is given: where it is, which commit a log's kernel was built from.

use super::manners::note;
use super::stderr::{is_terminal, say, status};
use crate::files::cache_home;
use crate::report::Report;
use crate::runs::Manifest;
use crate::source::{Hints, SourceError, Tree};
use crate::syzbot::Bundle;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The environment's word for `--tree`.
const VARIABLE: &str = "KANALYZE_TREE";
/// What takes longer than this is reported.
const LONG: Duration = Duration::from_millis(1_500);

/// The kernel tree as an argument.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TreeArguments {
    /// The kernel's git repository (a clone, a worktree, a bare one), which is only read: the code of the blamed lines, who wrote
    /// them and when [default: $KANALYZE_TREE].
    #[arg(long, value_name = "DIR", help_heading = "Source tree")]
    pub tree: Option<PathBuf>,

    /// The commit that the kernel was built from [default: the log's -gHASH, the bundle's, the vmlinux', the release's tag, HEAD].
    #[arg(long, value_name = "REVISION", help_heading = "Source tree")]
    pub commit: Option<String>,
}

impl TreeArguments {
    /// The tree that is named, if one is. A folder that only the environment names and that is not a tree is reported and left out.
    ///
    /// # Errors
    /// The named folder is not a tree.
    pub(super) fn open(&self) -> anyhow::Result<Option<Tree>> {
        if let Some(folder) = &self.tree {
            return Ok(Some(open(folder)?));
        }
        let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else { return Ok(None) };
        match open(Path::new(&folder)) {
            Ok(tree) => Ok(Some(tree)),
            Err(error) => {
                say(&format!("{VARIABLE}: {error}"));
                Ok(None)
            }
        }
    }

    /// The tree of a verb that needs one.
    ///
    /// # Errors
    /// None is named, or it is none.
    pub(super) fn needed(&self) -> anyhow::Result<Tree> {
        let folder = self.tree.clone().or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
        match folder.filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => Ok(open(&folder)?),
            None => anyhow::bail!("which kernel tree? --tree DIR names a clone of it, or {VARIABLE} does"),
        }
    }

    /// What is known of the kernel that printed a log, besides the log itself.
    #[must_use]
    pub(super) fn hints(&self, log: &str, vmlinux: Option<&str>) -> Hints {
        let bundle = if self.commit.is_none() { commit_beside(Path::new(log)) } else { None };
        Hints { commit: self.commit.clone(), bundle, vmlinux: vmlinux.map(str::to_owned), range: None }
    }
}

/// Opens a tree whose slow steps are reported.
fn open(folder: &Path) -> Result<Tree, SourceError> {
    let began = Instant::now();
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    Ok(Tree::open(folder, cache_home().as_deref())?.with_progress(Box::new(move |words| {
        if began.elapsed() < LONG {
            return;
        }
        let Ok(mut last) = last.lock() else { return };
        if is_terminal() {
            status(&crate::render::fitted(words, 78));
        } else if last.is_none_or(|last| last.elapsed() > Duration::from_secs(10)) {
            note(words);
            *last = Some(Instant::now());
        }
    })))
}

/// The report that a page is about: the one of that number, else the first that is not a consequence.
#[must_use]
pub(super) fn chosen(reports: &[Report], index: Option<usize>) -> Option<&Report> {
    match index {
        Some(index) => reports.iter().find(|report| report.index == index),
        None => reports.iter().find(|report| report.cause.is_none()),
    }
}

/// The commit that the bundle or the run folder says in which a log lies.
fn commit_beside(log: &Path) -> Option<String> {
    let folder = if log.is_dir() { log } else { log.parent()? };
    if let Ok(bundle) = Bundle::open(folder) {
        return bundle.kernel_commit;
    }
    let run = Manifest::read(folder).ok()?;
    if let Some(head) = run.local_kernel.get("head") {
        return Some(head.clone());
    }
    let is_bundles = run.settings.get("kernel_name").and_then(|name| name.as_str()) == Some("bundle");
    let kernel = run.settings.get("kernel").and_then(|kernel| kernel.as_str()).filter(|_| is_bundles)?;
    Bundle::open(Path::new(kernel).parent()?).ok()?.kernel_commit
}

/// Takes away what was shown about a slow step.
pub(super) fn told() {
    if is_terminal() {
        status("");
    }
}
