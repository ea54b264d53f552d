//! Several processes at once: on one cache, one corpus, one page, one bundle, one run.

use super::{contents, kanalyze, kernel, place};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn started(folder: &Path, arguments: &[&str]) -> Child {
    kanalyze(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// The answers of four processes that were started together.
fn four(folder: &Path, arguments: &[&str]) -> Vec<Output> {
    let children: Vec<Child> = (0..4).map(|_| started(folder, arguments)).collect();
    children.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect()
}

#[test]
fn four_that_share_a_cache_say_the_same() {
    let folder = kernel();
    let arguments = ["symbolize", "-k", "vmlinux", "calls.log"];
    let alone = kanalyze(folder.path(), &arguments).output().expect("the program runs");
    for output in four(folder.path(), &arguments) {
        assert_eq!((output.status, output.stdout), (alone.status, alone.stdout.clone()));
    }
}

#[test]
fn four_that_write_one_file_leave_a_whole_one() {
    let folder = place();
    for output in four(folder.path(), &["page", "a.log", "-o", "out.html"]) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for output in four(folder.path(), &["corpus", "accept", "logs"]) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let left = contents(folder.path());
    let page = left.iter().find(|(path, _)| path.ends_with("out.html")).expect("a page");
    assert!(page.1.trim_ascii_end().ends_with(b"</html>"), "half a page");
    assert!(!left.iter().any(|(path, _)| path.extension().is_some_and(|ending| ending == "part")), "a draft is left");
    let checked = kanalyze(folder.path(), &["corpus", "check", "logs"]).output().expect("the program runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn of_four_that_adopt_one_bundle_each_succeeds_or_says_who_is_at_it() {
    let folder = place();
    for output in four(folder.path(), &["bundle", "adopt", "logs"]) {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() || told.contains("another"), "{}: {told}", output.status);
    }
    let manifest = std::fs::read(folder.path().join("logs/bundle.json")).expect("a manifest");
    assert!(serde_json::from_slice::<serde_json::Value>(&manifest).is_ok(), "half a manifest");
}

#[test]
fn four_runs_at_once_have_a_folder_each() {
    let folder = place();
    let arguments = ["run", "--replay", "a.log", "--runs", "runs"];
    for output in four(folder.path(), &arguments) {
        assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let runs: Vec<_> = std::fs::read_dir(folder.path().join("runs")).expect("runs").flatten().collect();
    let runs: Vec<_> = runs.iter().filter(|run| run.path().join("manifest.json").is_file()).collect();
    assert_eq!(runs.len(), 4, "each run has a folder of its own");
    for run in runs {
        let manifest = std::fs::read(run.path().join("manifest.json")).expect("a manifest");
        assert!(serde_json::from_slice::<serde_json::Value>(&manifest).is_ok(), "half a manifest");
        let console = std::fs::read(run.path().join("serial.log")).expect("what was played");
        assert_eq!(console, std::fs::read(folder.path().join("a.log")).expect("a log"));
    }
}

/// A run that watches what comes through a pipe: it goes on until the pipe is closed.
struct Run {
    child: Child,
    input: ChildStdin,
    records: Receiver<String>,
}

/// No record takes so long, seconds.
const PATIENCE: Duration = Duration::from_secs(120);

impl Run {
    fn start(folder: &Path) -> Self {
        let mut command = kanalyze(folder, &["watch", "-", "--runs", "runs", "--format", "jsonl"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program runs");
        let (input, output) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let (sender, records) = channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, input, records }
    }

    /// One that has told of its first crash and goes on.
    fn crashed(folder: &Path) -> Self {
        let mut run = Self::start(folder);
        run.print(crash(0).as_bytes());
        run.tells("use-after-free in widget_0");
        run
    }

    /// Gives the run a part of its log.
    fn print(&mut self, text: &[u8]) {
        self.input.write_all(text).and_then(|()| self.input.flush()).expect("it reads");
    }

    /// Waits until it has told something.
    fn tells(&self, word: &str) {
        while !self.records.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no {word}: {error}")).contains(word) {
        }
    }

    /// Closes the pipe and waits for the end.
    fn end(mut self) -> ExitStatus {
        drop(self.input);
        while self.records.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("it ends")
    }
}

/// A crash whose report is closed by what follows.
fn crash(at: usize) -> String {
    format!(
        "[   1{at}.000000][   T42] BUG: KASAN: use-after-free in widget_{at}+0x1f/0x40\n[   1{at}.000000][   T42] Call Trace:\n\
         [   1{at}.000000][   T42]  widget_{at}+0x1f/0x40\n[   2{at}.000000][    T1] usb 1-1: all is well\n"
    )
}

#[test]
fn a_run_is_read_listed_and_left_alone_by_all_while_it_is_written() {
    let folder = place();
    let mut run = Run::crashed(folder.path());
    let runs: Vec<_> = std::fs::read_dir(folder.path().join("runs")).expect("runs").flatten().collect();
    let name = runs[0].file_name().into_string().expect("a name");
    let (log, place) = (format!("runs/{name}/serial.log"), format!("runs/{name}"));
    // Each four times at once, on what is there so far; the status is what it is where nobody writes.
    let verbs: [(&[&str], i32); 9] = [
        (&["parse", &log], 1),
        (&["page", &log, "-o", "out.html"], 0),
        (&["page", &place, "-o", "folder.html"], 0),
        (&["diff", &place, &place], 0),
        (&["runs", "list", "--format", "jsonl"], 0),
        (&["runs", "status", &name], 1),
        (&["runs", "show", &name], 0),
        (&["runs", "page"], 0),
        (&["runs", "clean", "--hits"], 0),
    ];
    for (at, (arguments, status)) in verbs.into_iter().enumerate() {
        // The run goes on meanwhile.
        run.print(crash(at + 1).as_bytes());
        for output in four(folder.path(), arguments) {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(status), "{arguments:?}: {told}");
            assert!(!told.contains("cannot be read") && !told.contains("panicked"), "{arguments:?}: {told}");
            if arguments[1] == "show" {
                assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok(), "half a manifest");
            }
            assert!(arguments[1] != "clean" || output.stdout.is_empty(), "a run that works is forgotten");
        }
    }
    run.tells("use-after-free in widget_8");
    for page in ["out.html", "folder.html", "runs/index.html"] {
        let text = std::fs::read(folder.path().join(page)).expect("a page");
        assert!(text.trim_ascii_end().ends_with(b"</html>"), "{page} is half");
    }
    assert_eq!(run.end().code(), Some(1));
    let console = std::fs::read(folder.path().join(&log)).expect("what was played");
    assert_eq!(console, (0..10).map(crash).collect::<String>().into_bytes(), "its log has all of it");
}

#[test]
fn of_four_that_forget_the_same_runs_each_ends_well_and_one_says_it() {
    let folder = place();
    for _ in 0..3 {
        kanalyze(folder.path(), &["run", "--replay", "a.log", "--runs", "runs"]).output().expect("the program runs");
    }
    let running = Run::crashed(folder.path());
    let mut said = Vec::new();
    for output in four(folder.path(), &["runs", "clean", "--hits"]) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        said.extend(String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned));
    }
    said.sort();
    let told = said.len();
    said.dedup();
    assert!(told >= 3 && said.len() == 3, "{told} lines: {said:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path().join("runs")).expect("runs").flatten().collect();
    assert!(left.len() == 1 && left[0].file_name().to_string_lossy().contains("watch"), "{left:?}");
    assert_eq!(running.end().code(), Some(1));
}

#[test]
fn a_run_without_a_machine_is_not_repeated_also_while_it_works() {
    let folder = place();
    let run = Run::crashed(folder.path());
    for output in four(folder.path(), &["run", "--again", "last", "--runs", "runs"]) {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.lines().count() == 1 && told.contains("there is no machine to start again"), "{told}");
    }
    assert_eq!(run.end().code(), Some(1));
}
