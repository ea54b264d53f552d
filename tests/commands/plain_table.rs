//! Tables that every build writes: CSV; and what a build without Arrow says of all others.

use std::path::Path;
use std::process::{Command, Output};

const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/logs");

fn kanalyze(folder: &Path, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_kanalyze");
    Command::new(program).args(arguments).current_dir(folder).stdin(std::process::Stdio::null()).output().expect("runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// The rows of a CSV file (RFC 4180).
fn rows(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = csv.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '"' if quoted && rest.peek() == Some(&'"') => field.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    assert!(row.is_empty() && field.is_empty(), "the last line ends");
    rows
}

#[test]
fn a_csv_table_has_a_row_for_each_log_report_and_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let awkward = "[    1.0][   T1] Kernel panic - not syncing: a \"b\", c\n";
    std::fs::write(folder.path().join("awkward, \"log\".log"), awkward).expect("written");
    let list = format!("{LAB}/hang_chain.log\nawkward, \"log\".log\nabsent.log\n");
    std::fs::write(folder.path().join("list"), list).expect("written");
    let done = kanalyze(folder.path(), &["table", "--files-from", "list", "-o", "events.csv"]);
    // One log is not there: the row and the status say so.
    assert_eq!(done.status.code(), Some(2), "{}", text(&done.stderr));
    let rows = rows(&std::fs::read_to_string(folder.path().join("events.csv")).expect("a table"));
    let columns = text(&kanalyze(folder.path(), &["table", "--columns", "--format", "jsonl"]).stdout);
    let name = |line: &str| {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        super::contract::assert_valid(&record);
        record["name"].clone()
    };
    let columns: Vec<String> = columns.lines().map(|line| name(line).as_str().expect("a name").to_owned()).collect();
    assert_eq!(rows[0], columns);
    let at = |name: &str| columns.iter().position(|column| column == name).expect("a column");
    let of = |record: &str| rows.iter().filter(|row| row[at("record")] == record).count();
    let records = |options: &[&str]| {
        let log = format!("{LAB}/hang_chain.log");
        let all = [&["parse", "--format", "jsonl"][..], options, &[log.as_str()]].concat();
        text(&kanalyze(folder.path(), &all).stdout).lines().count()
    };
    assert_eq!((of("log"), of("report") + of("event")), (3, records(&["--all"]) + 1));
    assert!(rows.iter().all(|row| row.len() == columns.len()));
    let panic = rows.iter().find(|row| row[at("log")] == "awkward, \"log\".log" && row[at("record")] == "report");
    let panic = panic.expect("its report");
    assert_eq!((&*panic[at("title")], &*panic[at("line")]), ("kernel panic: a \"b\", c", "1"));
    assert_eq!((&*panic[at("suppressed")], &*panic[at("cpu")]), ("false", ""));
    assert_eq!(panic[at("caller")], "T1");
    let absent = rows.iter().find(|row| row[at("log")] == "absent.log").expect("its row");
    assert!(absent[at("damage")].contains("no such file"), "{absent:?}");
    let held = rows.iter().skip(1).find(|row| row[at("held_locks")].len() > 2).expect("lists of locks");
    let lists: serde_json::Value = serde_json::from_str(&held[at("held_locks")]).expect("JSON in a field");
    assert!(lists[0]["locks"][0]["class"].is_string(), "{lists}");
}

#[test]
fn clusters_are_not_made_of_what_a_csv_table_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = kanalyze(folder.path(), &["table", "--cluster", "events.csv"]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("Parquet and Arrow"), "{}", text(&done.stderr));
}

#[test]
#[cfg(not(feature = "arrow"))]
fn what_takes_arrow_says_how_to_get_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("known.parquet"), "PAR1").expect("written");
    let log = format!("{LAB}/clean.log");
    for arguments in [
        &["table", &log, "-o", "events.parquet"][..],
        &["table", &log, "-o", "events.arrow"],
        &["table", &log, "-o", "events", "--partition-by", "kind"],
        &["table", &log, "--to", "arrow"],
        &["table", "--from", "arrow", "--to", "arrow"],
        &["table", "known.parquet", "--cluster"],
        &["table", &log, "--cluster", "--into", "known.parquet"],
    ] {
        let done = kanalyze(folder.path(), arguments);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("cargo install --path . --features arrow"), "{arguments:?}: {said}");
        assert_eq!((said.lines().count(), done.stdout.len()), (1, 0), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is written");
}
