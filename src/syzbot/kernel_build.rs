//! `kernel build`: a kernel tree and a configuration → a kernel in the bundle's `local/`, built outside the tree.

use super::kernel_config::{Merged, merge, refused, runs_something};
use super::kernel_patch::{PatchError, patched_tree};
use super::manifest::{BundleError, LocalKernel, Manifest, PatchFile, Role};
use super::{adopt, content};
use crate::architecture::Architecture;
use crate::source::Git;
use crate::vm::command::Leash;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// The folder inside the bundle.
const FOLDER: &str = "local";

/// The folder in it with the patched tree.
const TREE: &str = "tree";

/// How much of a failed build's log is shown.
const TAIL: u64 = 4 << 10;

/// How often a build that takes long says how it goes.
const PROGRESS: Duration = Duration::from_secs(30);

/// How often `make` is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// The most that is kept of a tree's uncommitted changes.
const DIFF: u64 = 64 << 20;

/// How git is asked for them; programs that the tree's attributes name are not run.
const CHANGES: [&str; 5] = ["diff", "--binary", "--no-ext-diff", "--no-textconv", "HEAD"];

/// What to build, and how.
#[derive(Debug, Clone)]
pub struct Build<'a> {
    /// The kernel tree; nothing is written into it.
    pub source: &'a Path,
    /// The configuration to begin with.
    pub config: &'a Path,
    /// Laid over it, in this order.
    pub fragments: &'a [PathBuf],
    /// Applied to the tree's HEAD, in this order, in a tree of their own inside the bundle.
    pub patches: &'a [PathBuf],
    /// The bundle's folder, made if need be.
    pub directory: &'a Path,
    /// The processor; the configuration's own if `None`.
    pub arch: Option<Architecture>,
    /// For `make -j`.
    pub jobs: usize,
    /// Further arguments of `make`: `LLVM=1`, `CC=gcc-12`.
    pub make_arguments: &'a [String],
    /// Stop if an option of a fragment does not take, instead of reporting it and going on.
    pub strict: bool,
    /// The signal that asks for the end, 0 while there is none: `make` ends with it, and all that it started.
    pub interrupt: &'a AtomicI32,
}

/// What happens meanwhile, in words.
pub enum Step<'a> {
    /// A command begins.
    Runs(&'a str),
    /// It still works; what it does and where its log is.
    Goes(String),
    /// Something that the user should know.
    Note(String),
}

/// Why there is no kernel.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing to build.
    #[error("{0}: no kernel tree: it has no Makefile and Kconfig")]
    NoTree(PathBuf),
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `make` cannot be started.
    #[error(
        "make cannot be started ({0}); the kernel's build needs make, a compiler, flex, bison, bc, libelf and openssl headers"
    )]
    NoMake(io::Error),
    /// A step failed.
    #[error("`{command}` failed ({status}); the whole log is {log}, its end:\n{tail}", log = .log.display())]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
        /// The log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// Somebody wanted the build to end.
    #[error("stopped by signal {signal}; make and what it started are ended, the same command goes on from here")]
    Stopped {
        /// Which.
        signal: i32,
    },
    /// Options did not take, and `strict` was set.
    #[error(
        "{count} options of the fragments did not take, the first is {first}; a dependency of it is off, or this kernel has no such option"
    )]
    Refused {
        /// How many.
        count: usize,
        /// The first one.
        first: String,
    },
    /// A value that would be run.
    #[error(
        "{0}: its value holds '$' or a backtick, which the kernel's build would run: take it out of the configuration"
    )]
    Runs(String),
    /// A patch.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The manifest.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_owned();
    |source| BuildError::Io { path, source }
}

/// `make`, with everything that all its calls have in common.
struct Make<'a> {
    build: &'a Build<'a>,
    arch: Architecture,
    output: PathBuf,
    log: PathBuf,
}

/// Configures and builds the kernel, and puts its four files and the manifest into the bundle.
///
/// A later call goes on from what an earlier one compiled.
///
/// # Errors
/// Any [`BuildError`]. What the bundle had before is then untouched.
pub fn build(build: &Build<'_>, now: u64, tell: &mut dyn FnMut(Step<'_>)) -> Result<LocalKernel, BuildError> {
    if !build.source.join("Makefile").is_file() || !build.source.join("Kconfig").is_file() {
        return Err(BuildError::NoTree(build.source.to_owned()));
    }
    let source = build.source.canonicalize().map_err(at(build.source))?;
    let local = build.directory.join(FOLDER);
    let output = local.join("build");
    fs::create_dir_all(&output).map_err(at(&output))?;
    let output = output.canonicalize().map_err(at(&output))?;
    let tree = if build.patches.is_empty() { source.clone() } else { with_patches(build, &source, &local, tell)? };
    let build = &Build { source: &tree, ..build.clone() };
    let mut manifest = match Manifest::read(build.directory) {
        Ok(manifest) => manifest,
        Err(BundleError::NoManifest(_)) => Manifest { made_at: now, ..Manifest::default() },
        Err(error) => return Err(error.into()),
    };
    let merged = merge(&read_all(build)?);
    if let Some(name) = runs_something(&merged) {
        return Err(BuildError::Runs(name.to_owned()));
    }
    let arch = build
        .arch
        .or_else(|| adopt::architecture_of_config(&merged.text))
        .or(manifest.arch)
        .unwrap_or(Architecture::Amd64);
    note_compiler(build, &merged, tell);
    for each in &merged.redefined {
        tell(Step::Note(format!("{}: {} instead of {} ({})", each.name, each.new, each.old, each.by)));
    }
    let config = output.join(".config");
    fs::write(&config, &merged.text).map_err(at(&config))?;
    let log = local.join("build.log");
    File::create(&log).map_err(at(&log))?;
    let make = Make { build, arch, output, log };
    make.run(&["olddefconfig".to_owned()], tell)?;
    let outcome = fs::read_to_string(&config).map_err(at(&config))?;
    let refused = refused(&merged, &outcome);
    let base = build.config.display().to_string();
    let mut of_fragments = refused.iter().filter(|option| option.asked_by != base);
    if let Some(first) = of_fragments.next().filter(|_| build.strict) {
        return Err(BuildError::Refused { count: of_fragments.count() + 1, first: first.name.clone() });
    }

    let image = arch.image_path();
    let target = image.rsplit('/').next().unwrap_or(image);
    make.run(&[format!("-j{}", build.jobs.max(1)), "vmlinux".to_owned(), target.to_owned()], tell)?;
    let stage = |from: &Path, name: &str, role| -> Result<_, BuildError> {
        let path = format!("{FOLDER}/{name}");
        let part = build.directory.join(format!("{path}.part"));
        fs::copy(from, &part).map_err(at(from))?;
        let checked = adopt::record(build.directory, &format!("{path}.part"), role).map_err(at(&part))?;
        let format = content::Format::from_name(&checked.format).unwrap_or(content::Format::Binary);
        content::check(role, format).map_err(|reason| at(from)(io::Error::other(reason)))?;
        Ok((part, super::manifest::FileRecord { path, ..checked }))
    };
    // All four are there and are what they should be before the first one takes its place.
    let mut staged = vec![
        // Where the ELF file is the image too, it lies there twice, as QEMU's and as the debugger's.
        stage(&make.output.join(image), if image == "vmlinux" { "kernel" } else { target }, Role::Kernel)?,
        stage(&make.output.join("vmlinux"), "vmlinux", Role::Vmlinux)?,
        stage(&make.output.join("System.map"), "System.map", Role::SystemMap)?,
        stage(&config, "config", Role::Config)?,
    ];
    let uncommitted = uncommitted(build, &local)?;
    staged.extend(uncommitted);
    for (part, record) in &staged {
        let place = build.directory.join(&record.path);
        crate::files::place(part, &place).map_err(at(&place))?;
    }
    let mut records = staged.into_iter().map(|(_, record)| record);
    let kernel = LocalKernel {
        image: records.next(),
        vmlinux: records.next(),
        system_map: records.next(),
        config: records.next(),
        uncommitted: records.next(),
        source: source.display().to_string(),
        patches: patch_files(build.patches)?,
        build_id: build_id(&make.output.join("vmlinux")),
        head: git(build.source, &["rev-parse", "HEAD"]).and_then(|text| super::dashboard::commit_hash(&text)),
        release: make.ask("kernelrelease"),
        refused_options: refused,
    };
    manifest.arch = manifest.arch.or(Some(arch));
    manifest.local = Some(kernel.clone());
    manifest.write(build.directory)?;
    Ok(kernel)
}

fn read_all(build: &Build<'_>) -> Result<Vec<(String, String)>, BuildError> {
    [build.config]
        .into_iter()
        .chain(build.fragments.iter().map(PathBuf::as_path))
        .map(|path| {
            let text = fs::read_to_string(path).map_err(at(path))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

/// syzbot builds with clang as often as with gcc, and `make` does not look into the configuration for that.
fn note_compiler(build: &Build<'_>, merged: &Merged, tell: &mut dyn FnMut(Step<'_>)) {
    let clang = merged.wishes.get("CONFIG_CC_IS_CLANG").is_some_and(|(value, _)| value == "y");
    let chosen = |argument: &String| argument.starts_with("LLVM=") || argument.starts_with("CC=");
    if clang && !build.make_arguments.iter().any(chosen) {
        tell(Step::Note("the configuration is one of clang, make will take gcc; -M LLVM=1 takes clang".to_owned()));
    }
}

impl Make<'_> {
    fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new("make");
        let mut output = std::ffi::OsString::from("O=");
        output.push(&self.output);
        command.arg("-C").arg(self.build.source).arg(output);
        command.arg(format!("ARCH={}", self.arch.kernel_name())).args(self.build.make_arguments).args(arguments);
        // Our own make, if we run under one, has nothing to say to this one.
        command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[String], tell: &mut dyn FnMut(Step<'_>)) -> Result<(), BuildError> {
        let words = format!("make {}", arguments.join(" "));
        tell(Step::Runs(&words));
        let log = OpenOptions::new().append(true).open(&self.log).map_err(at(&self.log))?;
        let errors = log.try_clone().map_err(at(&self.log))?;
        let status = self.wait(self.command(arguments).stdout(log).stderr(errors), tell)?;
        if status.success() {
            return Ok(());
        }
        let tail = tail(&self.log).map_err(at(&self.log))?;
        Err(BuildError::Failed { command: words, status: status.to_string(), log: self.log.clone(), tail })
    }

    /// Waits for `make`, which is in a group of its own: it ends when this program is asked to, and says how it goes.
    fn wait(&self, command: &mut Command, tell: &mut dyn FnMut(Step<'_>)) -> Result<ExitStatus, BuildError> {
        let leash = Leash::default();
        let mut child = leash.spawn(command).map_err(BuildError::NoMake)?;
        let mut told = Instant::now();
        loop {
            if let Some(status) = child.try_wait().map_err(BuildError::NoMake)? {
                leash.release(&child);
                return Ok(status);
            }
            let signal = self.build.interrupt.load(Ordering::Relaxed);
            if signal != 0 {
                leash.end_all();
                let _ = child.wait();
                return Err(BuildError::Stopped { signal });
            }
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let end = tail(&self.log).unwrap_or_default();
                let last = end.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("make works");
                tell(Step::Goes(format!("{last} (the log is {})", self.log.display())));
            }
            thread::sleep(LOOK);
        }
    }

    /// What a silent target prints.
    fn ask(&self, target: &str) -> Option<String> {
        let output = self.command(&["-s", "--no-print-directory", target]).stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty() && text.len() < 200).then_some(text)
    }
}

/// The tree with the patches, in the bundle.
fn with_patches(
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
fn patch_files(patches: &[PathBuf]) -> Result<Vec<PatchFile>, BuildError> {
    let describe = |path: &PathBuf| {
        let text = fs::read(path).map_err(at(path))?;
        Ok(PatchFile { path: path.display().to_string(), sha256: super::repro::minimize::digest(&text) })
    };
    patches.iter().map(describe).collect()
}

/// The build id of a kernel, if it has one.
fn build_id(vmlinux: &Path) -> Option<String> {
    crate::image::KernelImage::open(vmlinux).ok()?.build_id()
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What git says of the tree; nothing if the tree only lies somewhere inside another repository.
fn git(tree: &Path, arguments: &[&str]) -> Option<String> {
    let git = Git::new(tree);
    if !git.output(&["rev-parse", "--show-prefix"]).ok()?.trim_ascii().is_empty() {
        return None;
    }
    Some(String::from_utf8_lossy(&git.output(arguments).ok()?).into_owned())
}

/// The tree's uncommitted changes as a file beside the kernel: without them, HEAD is only half of what was built.
fn uncommitted(build: &Build<'_>, local: &Path) -> Result<Option<(PathBuf, super::manifest::FileRecord)>, BuildError> {
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
    Ok(Some((part, super::manifest::FileRecord { path, ..record })))
}
