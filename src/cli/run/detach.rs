//! Runs in the background: one supervisor, which this program starts as a copy of itself.

use anyhow::Context as _;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// What the supervisor writes first, before a run's folder.
pub(super) const FOLDER_MARK: &str = "run folder: ";

/// Starts the supervisor and waits until it has a run's folder, or has said why not.
///
/// # Errors
/// It cannot be started, or failed at once: its own words.
pub(super) fn detach(runs: &Path) -> anyhow::Result<ExitCode> {
    fs::create_dir_all(runs).with_context(|| runs.display().to_string())?;
    let stamp = crate::calendar::folder_stamp(std::time::SystemTime::now());
    let log = runs.join(format!("supervisor-{stamp}-{}.log", std::process::id()));
    let file = File::create(&log).with_context(|| log.display().to_string())?;
    let mut arguments: Vec<_> = std::env::args_os().skip(1).filter(|word| word != "--detach").collect();
    arguments.push("--detached".into());
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()
        .context("the supervisor cannot be started")?;
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let mut text = String::new();
        let _ = File::open(&log).and_then(|mut log| log.read_to_string(&mut text));
        if let Some(folder) = text.lines().find_map(|line| line.strip_prefix(FOLDER_MARK)) {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{folder}\nsupervisor {}, its words in {}", child.id(), log.display())?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(status) = child.try_wait()? {
            let _ = fs::remove_file(&log);
            anyhow::bail!("the supervisor ended at once ({status}): {}", text.trim());
        }
        anyhow::ensure!(
            Instant::now() < deadline,
            "the supervisor made no run folder; its words are in {}",
            log.display()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Leaves the session of the terminal, so that its end is not this program's.
pub(super) fn leave_terminal() {
    // It fails for the leader of a process group, which a shell's background job is; then only SIGHUP is left to fear.
    let _ = rustix::process::setsid();
}
