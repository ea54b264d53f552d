//! The kernel's lines of the journal as they come, from journalctl, which ends with whoever listens.

use super::fed::Fed;
use crate::input::{Begin, CHUNK};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::SyncSender;

/// What the engine reads of an entry.
const FIELDS: &str = "MESSAGE,_HOSTNAME,_TRANSPORT,SYSLOG_IDENTIFIER,PRIORITY,_SOURCE_MONOTONIC_TIMESTAMP";
/// What is read of journalctl's complaints, bytes.
const COMPLAINTS: u64 = 4096;

/// A journalctl that runs; it ends with this value.
#[derive(Debug)]
pub(super) struct FollowedJournal {
    child: Child,
}

impl FollowedJournal {
    /// Begins to follow the journal of this boot of the machine, or all of the journal in a folder, from its first line or from now
    /// on; what it says goes to `sender`.
    ///
    /// # Errors
    /// journalctl cannot be started.
    pub(super) fn start(folder: Option<&Path>, begin: Begin, sender: SyncSender<Fed>) -> io::Result<Self> {
        let mut command = Command::new("journalctl");
        command.args(["--follow", "--output=json", "--no-pager", "--quiet", "--all"]);
        command.arg(format!("--output-fields={FIELDS}"));
        command.arg(if begin == Begin::End { "--lines=0" } else { "--no-tail" });
        match folder {
            // `-k` means this boot, which a folder of another machine knows nothing of.
            // Without `--merge`, to follow means the last boot of one machine.
            Some(folder) => command.arg("--merge").arg("--directory").arg(folder).arg("_TRANSPORT=kernel"),
            None => command.arg("--dmesg"),
        };
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Without a terminal of its own an interrupt reaches kanalyze alone, which ends it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some((lines, complaints)) = child.stdout.take().zip(child.stderr.take()) {
            std::thread::spawn(move || hand_on(lines, complaints, &sender));
        }
        Ok(Self { child })
    }
}

/// Hands on what journalctl prints until it ends or nobody listens any more.
fn hand_on(mut lines: impl Read, complaints: impl Read, sender: &SyncSender<Fed>) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match lines.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => {
                if sender.send(Fed::Bytes(buffer[..got].to_vec())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                let _ = sender.send(Fed::End(format!("what journalctl prints cannot be read: {error}")));
                return;
            }
        }
    }
    let mut words = Vec::new();
    let _ = complaints.take(COMPLAINTS).read_to_end(&mut words);
    let words = String::from_utf8_lossy(&words);
    let reason =
        words.lines().next().map_or_else(|| "journalctl ended".to_owned(), |line| format!("journalctl: {line}"));
    let _ = sender.send(Fed::End(reason));
}

impl Drop for FollowedJournal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
