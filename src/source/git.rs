//! The `git` command on somebody's repository: read-only, offline, and deaf to what its settings ask to be run.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// More than this is not taken from one answer of git, bytes.
const MOST: u64 = 256 << 20;

/// Settings of the repository and of the user that would change an answer or run a program.
const SETTINGS: [&str; 14] = [
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.quotePath=false",
    "color.ui=false",
    "log.showSignature=false",
    "log.mailmap=true",
    "log.follow=false",
    "blame.coloring=none",
    "blame.blankBoundary=false",
    "blame.showRoot=false",
    "diff.renames=true",
    "grep.patternType=default",
    "i18n.logOutputEncoding=UTF-8",
    "versionsort.suffix=-rc",
];

/// What keeps a tree from being read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no git.
    #[error("git cannot be started ({0}): install git, or leave --tree out")]
    NoGit(std::io::Error),
    /// Not a repository.
    #[error("{}: this is not a git repository: --tree wants a clone of the kernel's tree", .0.display())]
    NotARepository(PathBuf),
    /// It belongs to somebody else.
    #[error(
        "{}: git refuses a repository that belongs to somebody else: `git config --global --add safe.directory {}` allows it",
        .0.display(), .0.display()
    )]
    Foreign(PathBuf),
    /// A repository without a commit.
    #[error("{}: the repository has no commit yet", .0.display())]
    Empty(PathBuf),
    /// A name that git does not know.
    #[error("{}: there is no commit '{name}' in this tree", .tree.display())]
    NoCommit {
        /// The tree.
        tree: PathBuf,
        /// What was asked for.
        name: String,
    },
    /// Anything else that git says.
    #[error("git {verb}: {words}")]
    Failed {
        /// The command of git.
        verb: String,
        /// Its first line on stderr.
        words: String,
    },
    /// A file that could not be read or written.
    #[error("{}: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

impl SourceError {
    /// Whether an object is missing that a full clone would have.
    #[must_use]
    pub fn is_missing_object(&self) -> bool {
        let signs = ["missing", "bad object", "unable to read", "lazy fetching disabled", "promisor", "not allowed"];
        matches!(self, Self::Failed { words, .. } if signs.iter().any(|sign| words.contains(sign)))
    }
}

/// The command `git` with nothing inherited that could point it to another repository, and deaf to hooks and monitors that a
/// repository names.
#[must_use]
pub fn plain_git() -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GIT_")) {
        command.env_remove(name);
    }
    command.envs([("LC_ALL", "C"), ("GIT_TERMINAL_PROMPT", "0")]);
    command.args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command
}

/// Runs git in one repository.
#[derive(Debug, Clone)]
pub struct Git {
    folder: PathBuf,
}

impl Git {
    /// Of a folder in which git finds a repository.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// A command of git, with nothing inherited that could point it elsewhere.
    fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = plain_git();
        command
            .envs([
                ("TZ", "UTC"),
                ("GIT_PAGER", "cat"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_NO_REPLACE_OBJECTS", "1"),
                ("GIT_LITERAL_PATHSPECS", "1"),
                ("GIT_ATTR_NOSYSTEM", "1"),
                // Both keep a partial clone from fetching; the second one also before git 2.44.
                ("GIT_NO_LAZY_FETCH", "1"),
                ("GIT_ALLOW_PROTOCOL", "none"),
            ])
            .arg("--no-pager")
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .arg("-C")
            .arg(&self.folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What git prints.
    ///
    /// # Errors
    /// Git cannot be started or says that it failed.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Vec<u8>, SourceError> {
        self.output_for(arguments, b"")
    }

    /// What git prints when it reads `input`.
    ///
    /// # Errors
    /// As [`Git::output`].
    pub fn output_for<S: AsRef<OsStr>>(&self, arguments: &[S], input: &[u8]) -> Result<Vec<u8>, SourceError> {
        let mut answer = Vec::new();
        self.read(arguments, input, |stdout| {
            stdout.take(MOST).read_to_end(&mut answer).map(|length| length as u64 == MOST)
        })?;
        Ok(answer)
    }

    /// Hands over what git prints, record by record, each ending in `end`, which is taken off. `record` ends the reading by
    /// answering false.
    ///
    /// # Errors
    /// As [`Git::output`].
    pub fn records<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        end: u8,
        record: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), SourceError> {
        self.records_for(arguments, b"", end, record)
    }

    /// The same of a git that reads `input`.
    ///
    /// # Errors
    /// As [`Git::output`].
    pub fn records_for<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: &[u8],
        end: u8,
        mut record: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), SourceError> {
        self.read(arguments, input, |stdout| {
            let mut buffer = Vec::new();
            loop {
                buffer.clear();
                // A record beyond the limit ends there: none of a kernel tree comes near it.
                if stdout.by_ref().take(MOST).read_until(end, &mut buffer)? == 0 {
                    return Ok(false);
                }
                if !record(buffer.strip_suffix(&[end]).unwrap_or(&buffer)) {
                    return Ok(true);
                }
            }
        })
    }

    /// Runs git and lets `take` read its answer; it says whether it has left before the end.
    fn read<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        input: &[u8],
        take: impl FnOnce(&mut BufReader<std::process::ChildStdout>) -> std::io::Result<bool>,
    ) -> Result<(), SourceError> {
        let mut command = self.command(arguments);
        if !input.is_empty() {
            command.stdin(Stdio::piped());
        }
        let mut child = command.spawn().map_err(SourceError::NoGit)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (taken, words) = std::thread::scope(|scope| {
            let writer = stdin.map(|mut stdin| scope.spawn(move || stdin.write_all(input)));
            let listener = stderr.map(|stderr| {
                scope.spawn(move || {
                    let mut words = Vec::new();
                    let mut stderr = stderr;
                    let _ = (&mut stderr).take(1 << 16).read_to_end(&mut words);
                    let _ = std::io::copy(&mut stderr, &mut std::io::sink());
                    words
                })
            });
            // The end of the pipe closes here: a git that has more to say ends by it.
            let taken = stdout.map(|stdout| take(&mut BufReader::with_capacity(1 << 16, stdout)));
            drop(writer.map(std::thread::ScopedJoinHandle::join));
            (taken, listener.and_then(|listener| listener.join().ok()).unwrap_or_default())
        });
        let status = child.wait().map_err(SourceError::NoGit)?;
        let verb = || arguments.first().map_or_else(String::new, |verb| verb.as_ref().to_string_lossy().into_owned());
        let left_early = taken
            .unwrap_or(Ok(false))
            .map_err(|cause| SourceError::Failed { verb: verb(), words: cause.to_string() })?;
        if status.success() || left_early {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&words);
        // git has no status of its own for it; its words are those of the C locale.
        if words.contains("dubious ownership") {
            return Err(SourceError::Foreign(self.folder.clone()));
        }
        let telling = words.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
        let words = telling.or(words.lines().next()).map_or_else(|| format!("{status}"), str::to_owned);
        Err(SourceError::Failed { verb: verb(), words })
    }

    /// What each name (`COMMIT:path`, `HASH^{commit}`) stands for: object id, kind and size in bytes; none where there is none.
    /// A name with a line break stands for nothing.
    ///
    /// # Errors
    /// As [`Git::output`].
    pub fn look_up(&self, names: &[String]) -> Result<Vec<Option<Object>>, SourceError> {
        let plain: Vec<&String> = names.iter().filter(|name| !name.contains(['\n', '\0'])).collect();
        if plain.is_empty() {
            return Ok(vec![None; names.len()]);
        }
        let input: String = plain.iter().map(|name| format!("{name}\n")).collect();
        let answer = self.output_for(&["cat-file", "--batch-check"], input.as_bytes())?;
        let mut lines = answer.split(|byte| *byte == b'\n').map(|line| {
            let line = String::from_utf8_lossy(line).into_owned();
            let mut words = line.split(' ');
            let (id, kind, size) = (words.next()?, words.next()?, words.next()?.parse().ok()?);
            (words.next().is_none() && is_hash(id)).then(|| Object { id: id.into(), kind: kind.into(), size })
        });
        Ok(names.iter().map(|name| if name.contains(['\n', '\0']) { None } else { lines.next().flatten() }).collect())
    }
}

/// An object of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its id, hex.
    pub id: String,
    /// `blob`, `tree`, `commit`, `tag`.
    pub kind: String,
    /// Bytes.
    pub size: u64,
}

/// Whether a text is the full id of an object.
#[must_use]
pub(super) fn is_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hex(text)
}

/// Whether a text consists of hex digits in lower case.
#[must_use]
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Arguments of different kinds in one list.
#[must_use]
pub(super) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
