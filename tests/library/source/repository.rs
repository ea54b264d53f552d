//! A git repository that a test makes: commits with authors and days of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository in a temporary folder.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    day: std::cell::Cell<i64>,
}

/// 2026-01-01, 12:00 UTC; every commit is one day later than the one before.
const FIRST_DAY: i64 = 1_767_268_800;

impl Repository {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let repository = Self { folder, day: std::cell::Cell::new(0) };
        repository.git(&["init", "-q", "-b", "master"]);
        repository
    }

    /// One that begins with a commit of nothing: what a history begins with says nothing of who wrote it.
    pub(crate) fn begun() -> Self {
        let repository = Self::new();
        repository.commit("the beginning");
        repository.day.set(0);
        repository
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs git; fails with what it says.
    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        self.git_as(arguments, "Ann Author", "ann@example.org")
    }

    fn git_as(&self, arguments: &[&str], name: &str, mail: &str) -> String {
        let path = self.path();
        std::fs::create_dir_all(&path).expect("a folder");
        let date = format!("{} +0000", FIRST_DAY + self.day.get() * 86_400);
        let output = Command::new("git")
            .current_dir(path)
            .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgSign=false"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", name), ("GIT_AUTHOR_EMAIL", mail), ("GIT_AUTHOR_DATE", &date)])
            .envs([("GIT_COMMITTER_NAME", name), ("GIT_COMMITTER_EMAIL", mail), ("GIT_COMMITTER_DATE", &date)])
            .stdin(Stdio::null())
            .output()
            .expect("git is there");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// Writes a file.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Commits all that was changed, one day after the commit before; answers its id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.commit_by("Ann Author", "ann@example.org", message)
    }

    pub(crate) fn commit_by(&self, name: &str, mail: &str, message: &str) -> String {
        self.day.set(self.day.get() + 1);
        self.git(&["add", "-A"]);
        self.git_as(&["commit", "-q", "--allow-empty", "-m", message], name, mail);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Lets days pass without a commit.
    pub(crate) fn rest(&self, days: i64) {
        self.day.set(self.day.get() + days);
    }

    /// Another clone of it, made with some options.
    pub(crate) fn cloned(&self, name: &str, options: &[&str]) -> PathBuf {
        let to = self.beside(name);
        let from = format!("file://{}", self.path().display());
        let mut arguments = vec!["clone", "-q"];
        arguments.extend_from_slice(options);
        let shown = to.display().to_string();
        arguments.extend([from.as_str(), shown.as_str()]);
        self.git(&arguments);
        to
    }
}

/// A crash in `function` at a place, as a kernel of that release would print it and a decoder would decode it.
pub(crate) fn oops(release: &str, function: &str, place: &str) -> String {
    format!(
        "[   10.000001][   T77] BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
         [   10.000002][   T77] #PF: supervisor read access in kernel mode\n\
         [   10.000003][   T77] #PF: error_code(0x0000) - not-present page\n\
         [   10.000004][   T77] Oops: Oops: 0000 [#1] PREEMPT SMP\n\
         [   10.000005][   T77] CPU: 0 UID: 0 PID: 77 Comm: boxer Not tainted {release} #1\n\
         [   10.000006][   T77] RIP: 0010:{function}+0x13/0x40{place}\n\
         [   10.000007][   T77] Call Trace:\n\
         [   10.000008][   T77]  <TASK>\n\
         [   10.000009][   T77]  use_box+0x23/0x40 drivers/box/use.c:8\n\
         [   10.000010][   T77]  </TASK>\n"
    )
}

/// The repository's folder as an argument.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
