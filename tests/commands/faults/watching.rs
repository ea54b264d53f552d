//! A log that is watched while its disk fails, and signals that somebody sends.

use super::{FAULTY, kanalyze};
use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Stdio};

/// A program that is ended with the test.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Watching {
    fn told(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().expect("a pipe")).lines()
    }
}

/// The next line that holds the words, and those before it.
fn until(lines: &mut Lines<BufReader<ChildStdout>>, words: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for line in lines {
        seen.push(line.expect("a line"));
        if seen.last().is_some_and(|line| line.contains(words)) {
            return seen;
        }
    }
    panic!("it ended without {words:?}: {seen:?}");
}

#[test]
fn a_disk_that_fails_while_a_log_is_watched_is_reported_once_and_so_is_its_return() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (log, broken) = (folder.path().join("console.log"), folder.path().join("broken"));
    std::fs::write(&log, "[    1.000000] BUG: KASAN: use-after-free in widget_put+0x1f/0x40\n").expect("written");
    std::fs::write(&broken, "").expect("written");
    let mut command = kanalyze(folder.path(), &["watch", "--format", "jsonl", "console.log"]);
    command.env("LD_PRELOAD", &FAULTY.1).env("FAULT", "read").env("FAULT_PATH", "console.log");
    command.env("FAULT_ERRNO", "5").env("FAULT_AFTER", "0").env("FAULT_WHILE", &broken);
    let mut watching = Watching(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts"));
    let mut lines = watching.told();
    until(&mut lines, "console.log cannot be read now: Input/output error (os error 5); it is tried again");
    std::fs::remove_file(&broken).expect("removed");
    let seen = until(&mut lines, "the log can be read again");
    assert_eq!(seen.len(), 1, "said once: {seen:?}");
    until(&mut lines, "use-after-free in widget_put");
}

#[test]
fn a_sigbus_that_somebody_sends_ends_the_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = kanalyze(folder.path(), &["watch", "--format", "jsonl", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut watching = Watching(command.spawn().expect("it starts"));
    let mut lines = watching.told();
    until(&mut lines, "begun");
    let pid = rustix::process::Pid::from_child(&watching.0);
    rustix::process::kill_process(pid, rustix::process::Signal::BUS).expect("sent");
    assert_eq!(watching.0.wait().expect("it ends").signal(), Some(7));
}
