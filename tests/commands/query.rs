//! Queries: what SQL and the views say over tables and over logs.

use super::table::{files, kanalyze, lab, succeeds, temporary, text};
use serde_json::Value;

#[test]
fn a_partitioned_table_is_added_to_and_never_changed() {
    let folder = temporary();
    let (clean, oops) = (lab("clean*.log"), lab("oops_bug.log"));
    let parts = ["-o", "events", "--partition-by", "record", "--partition-by", "kind"];
    succeeds(folder.path(), &[&["table", &clean, &oops][..], &parts].concat());
    let table = folder.path().join("events");
    let first = files(&table);
    assert!(first.contains(&"record=report/kind=bug-at/part-00000.parquet".to_owned()), "{first:?}");
    let bytes = |name: &String| std::fs::read(table.join(name)).expect("readable");
    let before: Vec<Vec<u8>> = first.iter().map(bytes).collect();
    succeeds(folder.path(), &[&["table", &oops][..], &parts].concat());
    assert_eq!(before, first.iter().map(bytes).collect::<Vec<_>>());
    let second = files(&table);
    assert!(second.contains(&"record=report/kind=bug-at/part-00001.parquet".to_owned()), "{second:?}");
    assert!(second.iter().all(|name| name.ends_with(".parquet")), "{second:?}");
    let count = succeeds(
        folder.path(),
        &["query", "SELECT count(*) AS n FROM events WHERE kind = 'bug-at'", "events", "--format", "csv"],
    );
    assert_eq!(count, "n\n2\n");
}

#[test]
fn values_in_names_of_folders_come_back_as_they_were() {
    let folder = temporary();
    let hostile = "[    1.0][   T1] Kernel panic - not syncing: ../../../etc/x=1 %41 \u{1b}[31m \u{fc} ?*\n";
    std::fs::write(folder.path().join("hostile.log"), hostile).expect("written");
    let logs = [lab("oops_*.log"), lab("boot_*.log"), lab("clean.log"), "hostile.log".to_owned()];
    let paths: Vec<&str> = logs.iter().map(String::as_str).collect();
    succeeds(folder.path(), &[&["table", "-o", "one.parquet"][..], &paths].concat());
    // The table's own folder may be called anything.
    let parts = "title=x [1]*";
    succeeds(folder.path(), &[&["table", "-o", parts, "--partition-by", "title"][..], &paths].concat());
    // `x=1` in the value makes no partition of its own, `/` no folder.
    let depth = files(folder.path()).iter().map(|name| name.matches('/').count()).max();
    assert_eq!(depth, Some(2), "{:?}", files(folder.path()));
    let top = |table: &str| succeeds(folder.path(), &["query", "top", table, "--format", "jsonl"]);
    assert_eq!(top(parts), top("one.parquet"));
    let columns = ["boot", "suppressed", "cpu", "kernel_version"].map(|column| ["--partition-by", column]).concat();
    succeeds(folder.path(), &[&["table", "-o", "typed"][..], &paths, &columns].concat());
    let typed = "SELECT boot + 1 AS b, NOT suppressed AS s, cpu * 2 AS c, kernel_version AS k, count(*) AS n \
                 FROM events GROUP BY b, s, c, k ORDER BY b, s, c, k";
    let ask = |table: &str| succeeds(folder.path(), &["query", typed, table]);
    assert_eq!(ask("typed"), ask("one.parquet"));
    assert!(top(parts).contains("etc/x=NUM %NUM"), "{}", top(parts));
}

#[test]
fn views_answer_alike_over_tables_and_over_logs() {
    let folder = temporary();
    let logs = lab("flaky*.log");
    succeeds(folder.path(), &["table", &logs, "-o", "flaky.parquet"]);
    succeeds(folder.path(), &["table", &logs, "-o", "flaky.arrow"]);
    for view in ["top", "flaky", "locks", "timeline"] {
        let of_logs = succeeds(folder.path(), &["query", view, &logs, "--format", "csv"]);
        assert_eq!(succeeds(folder.path(), &["query", view, "flaky.parquet", "--format", "csv"]), of_logs, "{view}");
        assert_eq!(succeeds(folder.path(), &["query", view, "flaky.arrow", "--format", "csv"]), of_logs, "{view}");
    }
    let flaky = succeeds(folder.path(), &["query", "flaky", "flaky.parquet", "--format", "jsonl"]);
    for line in flaky.lines() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let (logs, of) = (row["logs"].as_f64().expect("a number"), row["of"].as_f64().expect("a number"));
        assert!((of - 10.0).abs() < 1e-9 && logs < of, "{row}");
        assert!((row["share"].as_f64().expect("a number") - logs / of).abs() < 1e-9, "{row}");
    }
    assert!(flaky.lines().count() >= 1, "{flaky}");
}

#[test]
fn the_top_and_the_locks_are_those_of_the_logs() {
    let folder = temporary();
    let logs = [lab("hang_chain.log"), lab("hang_panic.log"), lab("oops_bug.log"), lab("clean.log")];
    let paths: Vec<&str> = logs.iter().map(String::as_str).collect();
    let top = succeeds(folder.path(), &[&["query", "SELECT title, logs FROM top LIMIT 1"][..], &paths].concat());
    assert_eq!(top, "title,logs\nINFO: task hung in chain_keeper,2\n");
    let locks = succeeds(folder.path(), &[&["query", "SELECT class FROM locks"][..], &paths].concat());
    for class in ["chain_one", "chain_two", "chain_three"] {
        assert!(locks.lines().any(|line| line == class), "{locks}");
    }
    let every = "SELECT record, count(*) AS n FROM events WHERE record = 'log' GROUP BY record";
    assert_eq!(succeeds(folder.path(), &[&["query", every][..], &paths].concat()), "record,n\nlog,4\n");
    let json = succeeds(
        folder.path(),
        &[
            &["query", "SELECT held_locks FROM events WHERE kind = 'held-locks' LIMIT 1", "--format", "json"][..],
            &paths,
        ]
        .concat(),
    );
    let rows: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(rows[0]["held_locks"][0]["locks"].as_array().map(Vec::is_empty), Some(false), "{rows}");
}

#[test]
fn a_log_that_cannot_be_read_is_a_row() {
    let folder = temporary();
    let done = kanalyze(folder.path(), &["table", &lab("clean.log"), "absent.log", "-o", "t.arrow"]);
    assert_eq!(done.status.code(), Some(2), "{}", text(&done.stderr));
    let sql = "SELECT record, damage FROM events WHERE log = 'absent.log'";
    let said = succeeds(folder.path(), &["query", sql, "t.arrow", "--format", "jsonl"]);
    let row: Value = serde_json::from_str(&said).expect("one row");
    assert!(row["damage"].to_string().contains("absent.log"), "{said}");
}

#[test]
fn a_wrong_question_gets_one_sentence() {
    let folder = temporary();
    let clean = lab("clean.log");
    for (sql, expected) in
        [("SELECT nothing FROM events", "nothing"), ("SELEKT 1", "SQL"), ("SELECT * FROM elsewhere", "elsewhere")]
    {
        let done = kanalyze(folder.path(), &["query", sql, &clean]);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{sql}");
        assert!(said.contains("the query failed") && said.contains(expected), "{sql}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    for (path, expected) in
        [("absent.parquet", "no such table"), ("x.csv", "Parquet and Arrow"), ("absent", "no such file")]
    {
        let said = text(&kanalyze(folder.path(), &["query", "top", path]).stderr);
        assert!(said.contains(path) && said.contains(expected), "{said}");
    }
    std::fs::write(folder.path().join("x.parquet"), "PAR1 not a table").expect("written");
    let done = kanalyze(folder.path(), &["query", "top", "x.parquet"]);
    assert!(text(&done.stderr).contains("x.parquet: cannot be read as a table"), "{}", text(&done.stderr));
}

/// What is said of a table that cannot be read: one line that names the file, says what is wrong and what to do.
fn refused(folder: &std::path::Path, arguments: &[&str], name: &str, why: &str) {
    let done = kanalyze(folder, arguments);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2), "{arguments:?}: {said}");
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    let expected = format!("{name}: cannot be read as a table: ");
    assert!(said.contains(&expected) && said.contains(why), "{arguments:?}: {why}: {said}");
    assert!(said.contains("write it again with `kanalyze table`"), "{arguments:?}: {said}");
    assert!(done.stdout.is_empty(), "{arguments:?} says something");
}

#[test]
fn a_table_that_is_cut_or_damaged_is_named_with_what_is_wrong_and_what_to_do() {
    let folder = temporary();
    let logs = lab("flaky*.log");
    let path = |name: &str| folder.path().join(name);
    for (whole, name) in [("whole.parquet", "x.parquet"), ("whole.arrow", "x.arrow")] {
        succeeds(folder.path(), &["table", &logs, "-o", whole]);
        let bytes = std::fs::read(path(whole)).expect("a table");
        let put = |bytes: &[u8]| std::fs::write(path(name), bytes).expect("written");
        let both = |why: &str| {
            refused(folder.path(), &["query", "top", name], name, why);
            // One that cannot be read among others that can.
            refused(folder.path(), &["query", "top", whole, name], name, why);
            refused(folder.path(), &["table", "--cluster", name], name, why);
        };
        put(b"");
        both("it is empty");
        put(b"what is this?");
        both("does not begin as");
        for keep in [12, bytes.len() / 2, bytes.len() - 1] {
            put(&bytes[..keep]);
            both("its end is missing");
        }
        let mark = if name.ends_with("arrow") { 6 } else { 4 };
        let mut wrong = bytes.clone();
        let word = wrong.len() - mark - 4;
        wrong[word..word + 4].copy_from_slice(&i32::MAX.to_le_bytes());
        put(&wrong);
        both("its end is damaged");
        // Its ends are whole, and what lies between them is not.
        let mut wrong = bytes.clone();
        let (from, to) = (wrong.len() / 8, wrong.len() / 2);
        wrong[from..to].fill(0xa5);
        put(&wrong);
        both("");
    }
    let other = |from: &str, to: &str, why: &str| {
        std::fs::copy(path(from), path(to)).expect("copied");
        refused(folder.path(), &["query", "top", to], to, why);
    };
    other("whole.arrow", "y.parquet", "it is an Arrow file");
    other("whole.parquet", "y.arrow", "it is a Parquet file");
    // The one of many in a folder.
    succeeds(folder.path(), &["table", &logs, "-o", "parts", "--partition-by", "record"]);
    let part = "parts/record=report/part-00000.parquet";
    let bytes = std::fs::read(path(part)).expect("a part");
    std::fs::write(path(part), &bytes[..bytes.len() / 2]).expect("written");
    refused(folder.path(), &["query", "top", "parts"], part, "its end is missing");
}

#[test]
fn the_columns_can_be_asked_for() {
    let folder = temporary();
    let listed: Vec<String> = succeeds(folder.path(), &["table", "--columns", "--format", "jsonl"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["name"].as_str().expect("a name").to_owned())
        .collect();
    let header =
        succeeds(folder.path(), &["query", "SELECT * FROM events LIMIT 0", &lab("clean.log"), "--format", "csv"]);
    assert_eq!(header.trim_end().split(',').collect::<Vec<_>>(), listed);
}

#[test]
fn a_table_of_the_first_release_answers_as_one_of_this() {
    let Some(python) = super::python::python("pyarrow, duckdb") else { return };
    let folder = temporary();
    let logs = ["hang_*.log", "order_*.log", "flaky*.log"].map(lab);
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    succeeds(folder.path(), &[&["table", "-o", "new.parquet"][..], &logs].concat());
    super::table::aged(folder.path(), &python, "new.parquet", "old.parquet");
    let columns = "SELECT log, \"index\", \"start\", cpu, stacks, lockdep, subject FROM events WHERE record = 'event'";
    for question in ["top", "flaky", "locks", "timeline", "SELECT count(*) AS n FROM events"] {
        let ask = |table: &str| succeeds(folder.path(), &["query", question, table]);
        assert_eq!(ask("old.parquet"), ask("new.parquet"), "{question}");
    }
    // What it does not have is missing; with others it is one table.
    assert_eq!(
        succeeds(folder.path(), &["query", columns, "old.parquet", "--format", "jsonl"]),
        succeeds(folder.path(), &["query", columns, "new.parquet", "--format", "jsonl"])
    );
    let together = "SELECT \"schema\", count(*) AS n FROM events GROUP BY \"schema\" ORDER BY \"schema\"";
    let said = succeeds(folder.path(), &["query", together, "old.parquet", "new.parquet"]);
    let counts: Vec<&str> = said.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert!(counts.len() == 2 && counts[0] == counts[1], "{said}");
}
