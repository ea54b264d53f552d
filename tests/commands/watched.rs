//! `watch` on the log of a log server, in which several machines write.

use super::fed::fed;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// Two machines that crash at the same time.
const CENTRAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/examples/central.log");

fn watched(arguments: &[&str], folder: &Path) -> Output {
    let log = std::fs::read(CENTRAL).expect("it is there");
    let mut watch = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    fed(watch.arg("watch").args(arguments).arg("-").current_dir(folder), &log)
}

#[test]
fn machines_of_a_log_server_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = watched(&["--format", "jsonl", "--runs", "runs"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let closed: Vec<String> = (told.iter().filter(|record| record["happening"] == "closed"))
        .map(|record| format!("{} {} {}", record["host"], record["report"]["title"], record["report"]["cause"]))
        .collect();
    assert_eq!(
        closed,
        [
            r#""alpha" "BUG: unable to handle kernel NULL pointer dereference in lamp_dim" null"#,
            r#""beta" "WARNING in door_open" null"#,
            r#""beta" "kernel panic: kernel: panic_on_warn set ..." 0"#,
        ],
    );
    // What is kept of a hit is its own machine's.
    let run = folder.path().join(told[0]["folder"].as_str().expect("it begins in a folder"));
    let kept = told.iter().filter(|record| record["happening"] == "archived");
    let hits = kept.map(|record| run.join(record["folder"].as_str().expect("a folder")));
    let mut texts: Vec<String> =
        hits.map(|hit| std::fs::read_to_string(hit.join("report.txt")).expect("it is text")).collect();
    texts.sort();
    assert_eq!(texts.len(), 2, "{texts:?}");
    for (text, (own, other)) in texts.iter().zip([("alpha kernel", "beta"), ("beta kernel", "alpha")]) {
        assert!(text.contains(own) && !text.contains(other) && text.lines().count() > 5, "{text}");
    }
}

#[test]
fn people_see_which_machine_crashed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = watched(&[], folder.path());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        text.contains(" crash alpha: BUG: unable to handle kernel NULL pointer dereference in lamp_dim ("),
        "{text}"
    );
    assert!(text.contains(" crash beta: WARNING in door_open ("), "{text}");
    let asides = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(asides.contains("the log holds the lines of several machines: each is read by itself"), "{asides}");
}
