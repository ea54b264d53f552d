//! Tables: what other programs read, what is there after a failure.

use super::python;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/logs");

pub(crate) fn kanalyze(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(arguments).current_dir(folder).output().expect("the program runs")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

pub(crate) fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let done = kanalyze(folder, arguments);
    assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
    text(&done.stdout)
}

pub(crate) fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) fn lab(pattern: &str) -> String {
    format!("{LAB}/{pattern}")
}

/// All files below a folder, without it.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below it").display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn other_programs_read_every_value_in_every_form() {
    let Some(python) = python::python("pyarrow, duckdb") else { return };
    let folder = temporary();
    let logs: Vec<String> = ["hang_[a-f]*.log", "order_*.log", "memory_h*.log", "oom*.log", "clean.log", "oops_f*.log"]
        .iter()
        .map(|pattern| lab(pattern))
        .collect();
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    let mut named: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(LAB).expect("the lab").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let begins = ["hang_a", "hang_c", "hang_d", "hang_f", "order_", "memory_h", "oom", "clean.log", "oops_f"];
        if name.ends_with(".log") && begins.iter().any(|begin| name.starts_with(begin)) {
            named.push(entry.path());
        }
    }
    let named: Vec<String> = named.iter().map(|path| path.display().to_string()).collect();
    let records = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["parse", "--all", "--format", "jsonl"])
        .args(&named)
        .output()
        .expect("the program runs");
    std::fs::write(folder.path().join("records.jsonl"), records.stdout).expect("written");
    for table in ["events.parquet", "events.arrow", "events.csv", "events"] {
        let mut arguments = [&["table"][..], &logs, &["-o", table]].concat();
        if table == "events" {
            arguments.extend(["--partition-by", "record", "--partition-by", "kind"]);
        }
        succeeds(folder.path(), &arguments);
        let read = Command::new(&python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tables.py"))
            .args([table, "records.jsonl"])
            .current_dir(folder.path())
            .output()
            .expect("Python runs");
        let said = text(&read.stdout);
        assert!(read.status.success(), "{table}: {}", text(&read.stderr));
        assert!(said.ends_with(&format!("{} logs\n", named.len())), "{table}: {said}");
    }
}

#[test]
fn what_was_not_finished_leaves_the_old_table_and_nothing_else() {
    let folder = temporary();
    succeeds(folder.path(), &["table", &lab("clean.log"), "-o", "events.parquet"]);
    let old = std::fs::read(folder.path().join("events.parquet")).expect("readable");
    // A pipe that nobody writes to: the command waits in the middle of its work.
    let pipe = folder.path().join("pipe.log");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let mut child = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["table", &lab("oops_bug.log"), "pipe.log", "-o", "events.parquet"])
        .current_dir(folder.path())
        .spawn()
        .expect("the program runs");
    // Opening for writing succeeds when the command has opened it for reading.
    let writer = std::fs::OpenOptions::new().write(true).open(&pipe).expect("the command reads it");
    child.kill().expect("killed");
    drop(writer);
    child.wait().expect("it ends");
    assert_eq!(std::fs::read(folder.path().join("events.parquet")).expect("readable"), old);
    // A draft may be left by a kill; it is not a table, and no query sees it.
    let left: Vec<String> = files(folder.path());
    assert!(
        left.iter().all(|name| name == "events.parquet" || name == "pipe.log" || name.ends_with(".part")),
        "{left:?}"
    );

    // A mistake leaves not even that.
    let other = temporary();
    let wrong = kanalyze(other.path(), &["table", &lab("clean.log"), "-o", "events"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("NAME.parquet"), "{}", text(&wrong.stderr));
    let wrong = kanalyze(other.path(), &["table", &lab("clean.log"), "-o", "t", "--partition-by", "stacks"]);
    assert!(text(&wrong.stderr).contains("--partition-by stacks: it can be one of record"), "{}", text(&wrong.stderr));
    let wrong = kanalyze(other.path(), &["table", &lab("clean.log"), "-o", "absent/t.parquet"]);
    assert!(text(&wrong.stderr).contains("absent"), "{}", text(&wrong.stderr));
    assert_eq!(files(other.path()), Vec::<String>::new());
}

/// What clusters hold: their ids, sizes and members, and whether they are new.
fn clusters(folder: &Path, arguments: &[&str]) -> Vec<(String, u64, String, bool)> {
    let said = succeeds(folder, &[&["table", "--cluster", "--format", "jsonl"][..], arguments].concat());
    let record = |line: &str| -> Value { serde_json::from_str(line).expect("JSON") };
    said.lines()
        .map(record)
        .map(|it| {
            let id = it["id"].as_str().expect("an id").to_owned();
            (id, it["size"].as_u64().expect("a size"), it["members"].to_string(), it["new"] == true)
        })
        .collect()
}

#[test]
fn clusters_of_a_table_are_those_of_its_logs_and_keep_their_names() {
    let folder = temporary();
    let (hangs, oopses, crashes) = (lab("hang_*.log"), lab("oops_*.log"), lab("[ho]*_*.log"));
    succeeds(folder.path(), &["table", &crashes, "-o", "all.parquet"]);
    succeeds(folder.path(), &["table", &crashes, "-o", "all.arrow"]);
    let parts = ["-o", "parts", "--partition-by", "record", "--partition-by", "title"];
    succeeds(folder.path(), &[&["table", &crashes][..], &parts].concat());
    let wanted = clusters(folder.path(), &[&crashes]);
    for table in ["all.parquet", "all.arrow", "parts"] {
        assert_eq!(clusters(folder.path(), &[table]), wanted, "{table}");
    }
    // One day after the other.
    let into = ["--into", "known.parquet"];
    let first = clusters(folder.path(), &[&[hangs.as_str()][..], &into].concat());
    assert!(!first.is_empty() && first.iter().all(|(_, _, _, new)| *new));
    let both = clusters(folder.path(), &[&[oopses.as_str()][..], &into].concat());
    let known = |id: &str| first.iter().any(|(other, ..)| other == id);
    assert!(first.iter().all(|(id, ..)| both.iter().any(|(other, ..)| other == id)), "ids stay");
    assert!(both.iter().all(|(id, _, _, new)| *new != known(id)), "{both:?}");
    // What is no file of clusters is refused and stays as it is.
    let before = std::fs::read(folder.path().join("all.parquet")).expect("readable");
    let wrong = kanalyze(folder.path(), &["table", "--cluster", &oopses, "--into", "all.parquet"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(text(&wrong.stderr).contains("not a table of clusters"), "{}", text(&wrong.stderr));
    assert_eq!(std::fs::read(folder.path().join("all.parquet")).expect("readable"), before);
}

/// Writes a table as the first release wrote it, from one of this release.
pub(crate) fn aged(folder: &Path, python: &Path, new: &str, old: &str) {
    let done = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/old_table.py"))
        .args([new, old])
        .current_dir(folder)
        .output()
        .expect("Python runs");
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn clusters_of_a_table_of_the_first_release_are_those_of_its_logs() {
    let Some(python) = python::python("pyarrow, duckdb") else { return };
    let folder = temporary();
    let logs = ["hang_*.log", "oops_*.log", "order_*.log", "memory_*.log", "clean.log"].map(lab);
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    succeeds(folder.path(), &[&["table", "-o", "new.parquet"][..], &logs].concat());
    aged(folder.path(), &python, "new.parquet", "old.parquet");
    let wanted = clusters(folder.path(), &logs);
    assert!(wanted.len() > 10);
    assert_eq!(clusters(folder.path(), &["old.parquet"]), wanted);
    // Both together: each report twice.
    let both = clusters(folder.path(), &["old.parquet", "new.parquet"]);
    let sizes = |all: &[(String, u64, String, bool)]| -> Vec<(String, u64)> {
        all.iter().map(|(id, size, ..)| (id.clone(), *size)).collect()
    };
    let twice: Vec<(String, u64)> = sizes(&wanted).into_iter().map(|(id, size)| (id, 2 * size)).collect();
    assert_eq!(sizes(&both), twice);
}
