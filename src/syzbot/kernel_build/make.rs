//! `make`: started, waited for, ended when somebody asks for it.

use super::asked::{Build, Step};
use super::error::{BuildError, at};
use crate::architecture::Architecture;
use crate::vm::command::Leash;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

/// How much of a failed build's log is shown.
const TAIL: u64 = 4 << 10;

/// How often a build that takes long says how it goes.
const PROGRESS: Duration = Duration::from_secs(30);

/// How often `make` is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// `make`, with everything that all its calls have in common.
pub(super) struct Make<'a> {
    pub(super) build: &'a Build<'a>,
    pub(super) arch: Architecture,
    pub(super) output: PathBuf,
    pub(super) log: PathBuf,
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

    pub(super) fn run(&self, arguments: &[String], tell: &mut dyn FnMut(Step<'_>)) -> Result<(), BuildError> {
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
    pub(super) fn ask(&self, target: &str) -> Option<String> {
        let output = self.command(&["-s", "--no-print-directory", target]).stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty() && text.len() < 200).then_some(text)
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
