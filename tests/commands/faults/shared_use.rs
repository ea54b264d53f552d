//! Several processes at once: on one cache, one corpus, one page, one bundle.

use super::{contents, kanalyze, kernel, place};
use std::process::{Child, Output, Stdio};

fn started(folder: &std::path::Path, arguments: &[&str]) -> Child {
    kanalyze(folder, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program runs")
}

/// The answers of four processes that were started together.
fn four(folder: &std::path::Path, arguments: &[&str]) -> Vec<Output> {
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
