//! `blame`, `fixed`, and `--tree` of the other verbs, as their users meet them.

#[path = "../library/source/repository.rs"]
mod repository;

use super::contract::assert_valid;
use repository::{Repository, oops, shown};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const BOX: &str = "int open_box(struct box *box)\n{\n\treturn box->depth;\n}\n";
const BUG: &str = "00112233445566778899";

/// A tree with a crash in it, and its log beside it.
fn made() -> (Repository, String) {
    let repository = Repository::begun();
    repository.write(
        "MAINTAINERS",
        "BOXES\nM:\tMia <mia@example.org>\nL:\tboxes@example.org\nS:\tMaintained\nF:\tdrivers/box/\n",
    );
    repository.write("drivers/box/box.c", BOX);
    repository.commit_by("Ben", "ben@example.org", "box: add boxes");
    repository.rest(11);
    repository.write("README", "Boxes");
    repository.commit("readme");
    repository.git(&["tag", "v6.12"]);
    let log = repository.beside("crash.log");
    std::fs::write(&log, oops("6.12.0", "open_box", " drivers/box/box.c:3")).expect("a log");
    let log = shown(&log);
    (repository, log)
}

fn run(repository: &Repository, arguments: &[&str], tree: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command
        .args(arguments)
        .stdin(Stdio::null())
        .env("XDG_CACHE_HOME", repository.beside("cache"))
        .env_remove("KANALYZE_TREE");
    if let Some(tree) = tree {
        command.env("KANALYZE_TREE", tree);
    }
    command.output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The records of an array or of lines, each valid.
fn records(bytes: &[u8]) -> Vec<Value> {
    let all = text(bytes);
    let records: Vec<Value> = match serde_json::from_str::<Value>(&all) {
        Ok(Value::Array(records)) => records,
        _ => all.lines().map(|line| serde_json::from_str(line).expect("a record per line")).collect(),
    };
    records.iter().for_each(assert_valid);
    records
}

#[test]
fn blame_prints_a_page_for_a_mail() {
    let (repository, log) = made();
    let tree = shown(&repository.path());
    let output = run(&repository, &["blame", "--tree", &tree, &log], None);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let expected = [
        "BUG: unable to handle kernel NULL pointer dereference in open_box\n",
        "    open_box+0x13/0x40 drivers/box/box.c:3\n",
        "  blamed drivers/box/box.c:3 in open_box :6\n",
        "  >     3 |         return box->depth;\n",
        "(\"box: add boxes\") by Ben, 2026-01-02\n",
        "    open_box (lines 1 to 4): changed last 12 days before this kernel\n",
        "fixed?  not in this tree, which ends at 2026-01-14\n",
        "Cc: Mia <mia@example.org>\nCc: Ben <ben@example.org>\nCc: boxes@example.org\n",
    ];
    for part in expected {
        assert!(shown.contains(part), "{part:?} is not in\n{shown}");
    }
    assert_eq!(text(&output.stderr), "");
    let bare = repository.cloned("bare.git", &["--bare"]);
    let of_bare = run(&repository, &["blame", "--tree", &bare.display().to_string(), &log], None);
    assert_eq!(text(&of_bare.stdout), shown);
    let page = records(&run(&repository, &["blame", "--tree", &tree, "--format", "json", &log], None).stdout);
    assert_eq!(page.len(), 1);
    assert_eq!(page[0]["places"][0]["code"].as_array().map(Vec::len), Some(4));
    assert_eq!(page[0]["base"]["kind"], "tag");
}

#[test]
fn blame_says_what_is_missing() {
    let (repository, log) = made();
    let tree = shown(&repository.path());
    let told = |arguments: &[&str]| {
        let output = run(&repository, arguments, None);
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(
        told(&["blame", &log]),
        (Some(2), "kanalyze: which kernel tree? --tree DIR names a clone of it, or KANALYZE_TREE does\n".into())
    );
    let (status, words) = told(&["blame", "--tree", "/nowhere", &log]);
    assert!(status == Some(2) && words.contains("/nowhere: this is not a git repository"), "{words}");
    let (status, words) = told(&["blame", "--tree", &tree, "--commit", "v9", &log]);
    assert!(status == Some(2) && words.contains("there is no commit 'v9' in this tree"), "{words}");
    let (status, words) = told(&["blame", "--tree", &tree, "--index", "7", &log]);
    assert!(status == Some(2) && words.contains("there is no report 7; there are 1"), "{words}");
    let (status, words) = told(&["blame", "--tree", &tree, "--range", "v6.12", &log]);
    assert!(status == Some(2) && words.contains("v6.12..v6.13"), "{words}");
    let clean = shown(&repository.beside("clean.log"));
    std::fs::write(&clean, "[    1.000000] Linux version 6.12.0\n[    1.100000] all is well\n").expect("a log");
    let (status, words) = told(&["blame", "--tree", &tree, &clean]);
    assert!(status == Some(1) && words.contains("no crash"), "{words}");
}

#[test]
fn fixed_answers_with_its_exit_status() {
    let (repository, log) = made();
    let tree = shown(&repository.path());
    let status =
        |arguments: &[&str]| run(&repository, &[&["fixed", "--tree", &tree], arguments].concat(), None).status.code();
    assert_eq!(status(&["--extid", BUG]), Some(1));
    assert_eq!(status(&[&log]), Some(1));
    repository.write("drivers/box/box.c", &BOX.replace("box->depth", "0"));
    let title = "BUG: unable to handle kernel NULL pointer dereference in open_box";
    repository.commit(&format!("box: fix it\n\nCloses: https://syzkaller.appspot.com/bug?extid={BUG}"));
    assert_eq!(status(&["--extid", BUG]), Some(0));
    assert_eq!(status(&["--extid", &format!("https://syzkaller.appspot.com/bug?extid={BUG}")]), Some(0));
    assert_eq!(status(&["--title", title]), Some(1));
    assert_eq!(status(&[&log]), Some(1), "a later change of the function is only possible");
    assert_eq!(status(&["--extid", BUG, &log]), Some(0));
    assert_eq!(status(&["--introduced-by", "v6.12"]), Some(1));
    assert_eq!(status(&["/nowhere.log"]), Some(2));
    repository.write("x", "");
    repository.commit(&format!("x: {title}"));
    assert_eq!(status(&["--title", title]), Some(0));
    assert_eq!(status(&[&log]), Some(0));
    let found =
        records(&run(&repository, &["fixed", "--tree", &tree, "--extid", BUG, "--format", "jsonl"], None).stdout);
    assert_eq!((&found[0]["fixed"], &found[0]["fixes"][0]["grade"]), (&Value::Bool(true), &Value::from("stated")));
}

#[test]
fn parse_shows_the_source_and_gives_records_only_if_asked() {
    let (repository, log) = made();
    let path = repository.path();
    let tree = shown(&path);
    let code = "  >     3 |         return box->depth;\n";
    let with = run(&repository, &["parse", "--tree", &tree, &log], None);
    assert_eq!(with.status.code(), Some(1));
    assert!(text(&with.stdout).contains(code), "{}", text(&with.stdout));
    let by_environment = run(&repository, &["parse", &log], Some(&path));
    assert_eq!(text(&by_environment.stdout), text(&with.stdout));
    assert!(!text(&run(&repository, &["parse", &log], None).stdout).contains(code));
    assert!(!text(&run(&repository, &["parse", "--brief", "--tree", &tree, &log], None).stdout).contains(code));
    let schemas = |output: Output| -> Vec<String> {
        records(&output.stdout).iter().map(|record| record["schema"].as_str().expect("a schema").to_owned()).collect()
    };
    assert_eq!(schemas(run(&repository, &["parse", "--format", "jsonl", &log], Some(&path))), ["kanalyze.report/1"]);
    let both = ["kanalyze.report/1", "kanalyze.blame/1"];
    assert_eq!(schemas(run(&repository, &["parse", "--format", "jsonl", "--tree", &tree, &log], None)), both);
    assert_eq!(schemas(run(&repository, &["parse", "--format", "json", "--tree", &tree, &log], None)), both);
    // A tree that only the environment names and that is none is reported, and the log is read.
    let wrong = run(&repository, &["parse", &log], Some(Path::new("/nowhere")));
    assert!(
        wrong.status.code() == Some(1) && text(&wrong.stderr).contains("KANALYZE_TREE: /nowhere"),
        "{}",
        text(&wrong.stderr)
    );
}

#[test]
fn locks_show_the_line_that_holds_beside_the_line_that_waits() {
    let repository = Repository::begun();
    let file = |name: &str| {
        format!("void {name}(struct box *box)\n{{\n\tmutex_lock(&box->lid);\n\tmutex_lock(&box->key);\n}}\n")
    };
    repository.write("drivers/box/a.c", &file("lid_then_key"));
    repository.write("drivers/box/b.c", &file("key_then_lid"));
    repository.commit("box: locks");
    repository.git(&["tag", "v6.12"]);
    let log = repository.beside("deadlock.log");
    std::fs::write(
        &log,
        "[    9.000001][   T57] ======================================================\n\
         [    9.000002][   T57] WARNING: possible circular locking dependency detected\n\
         [    9.000003][   T57] 6.12.0 #1 Not tainted\n\
         [    9.000004][   T57] ------------------------------------------------------\n\
         [    9.000005][   T57] boxer/57 is trying to acquire lock:\n\
         [    9.000006][   T57] ffff888012345678 (&box->key){+.+.}-{4:4}, at: lid_then_key+0x23/0x40 drivers/box/a.c:4\n\
         [    9.000007][   T57] \n\
         [    9.000008][   T57] but task is already holding lock:\n\
         [    9.000009][   T57] ffff888012345700 (&box->lid){+.+.}-{4:4}, at: lid_then_key+0x13/0x40 drivers/box/a.c:3\n\
         [    9.000010][   T57] \n\
         [    9.000011][   T57] which lock already depends on the new lock.\n\
         [    9.000012][   T57] \n\
         [    9.000013][   T57] stack backtrace:\n\
         [    9.000014][   T57] CPU: 0 UID: 0 PID: 57 Comm: boxer Not tainted 6.12.0 #1\n\
         [    9.000015][   T57] Call Trace:\n\
         [    9.000016][   T57]  <TASK>\n\
         [    9.000017][   T57]  lid_then_key+0x23/0x40 drivers/box/a.c:4\n\
         [    9.000018][   T57]  </TASK>\n",
    )
    .expect("a log");
    let output = run(&repository, &["blame", "--tree", &shown(&repository.path()), &shown(&log)], None);
    let page = text(&output.stdout);
    let line = page.lines().find(|line| line.contains("holds &box->lid")).unwrap_or_else(|| panic!("{page}"));
    assert!(line.contains("  waits &box->key"), "{line}");
    assert!(page.lines().any(|line| line.matches("in lid_then_key").count() == 2), "{page}");
    let code = page.lines().find(|line| line.contains(">     3 |")).expect("the marked line");
    assert!(code.contains("mutex_lock(&box->lid);") && code.matches(" | ").count() == 2, "{code}");
}

#[test]
fn a_replayed_run_shows_the_source_at_its_end() {
    let (repository, log) = made();
    let tree = shown(&repository.path());
    let output = run(&repository, &["run", "--replay", &log, "--tree", &tree], None);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("  >     3 |         return box->depth;\n"), "{}", text(&output.stdout));
    let lines = run(&repository, &["run", "--replay", &log, "--tree", &tree, "--format", "jsonl"], None);
    let last = text(&lines.stdout).lines().last().map(str::to_owned).expect("records");
    assert_eq!(serde_json::from_str::<Value>(&last).expect("JSON")["schema"], "kanalyze.blame/1");
}

#[test]
fn a_bisections_commit_is_looked_up() {
    let (repository, _) = made();
    repository.write("drivers/box/box.c", &BOX.replace("depth", "height"));
    let culprit = repository.commit("box: height");
    repository.write("drivers/box/box.c", BOX);
    repository.commit(&format!("box: depth again\n\nFixes: {} (\"box: height\")", &culprit[..12]));
    let log = repository.beside("bisect.txt");
    let good = repository.git(&["rev-parse", "v6.12"]);
    std::fs::write(
        &log,
        format!(
            "git bisect start\n# good: [{good}] box: add boxes\ngit bisect good {good}\n# bad: [{culprit}] box: height\n\
             git bisect bad {culprit}\n# first bad commit: [{culprit}] box: height\n"
        ),
    )
    .expect("a log");
    let output = run(&repository, &["bisect", "--tree", &shown(&repository.path()), &shown(&log)], None);
    let told = text(&output.stdout);
    for part in [
        "(\"box: height\") by Ann",
        "fixed?  yes\n  likely ",
        "(\"box: depth again\") by Ann",
        "Cc: Mia <mia@example.org>",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
}
