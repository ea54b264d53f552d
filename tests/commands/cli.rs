//! The program as its users meet it: exit statuses, sentences, pipes, schemas.

use super::fed::{fed, kanalyze};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

fn piped(arguments: &[&str], input: &[u8]) -> Output {
    fed(Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(arguments), input)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> String {
    let path: PathBuf = folder.path().join(name);
    std::fs::write(&path, bytes).expect("a temporary folder can be written");
    path.display().to_string()
}

const CRASH: &[u8] = b"[    9.340494][   T57] ==================================================================\n\
[    9.340501][   T57] BUG: KASAN: slab-use-after-free in ring_read+0x43/0x50\n\
[    9.340512][   T57] Read of size 4 at addr ffff888012345678 by task reader/57\n\
[    9.340520][   T57] \n\
[    9.340525][   T57] CPU: 0 UID: 0 PID: 57 Comm: reader Not tainted 6.12.9-kanalyze #1\n\
[    9.340531][   T57] Call Trace:\n\
[    9.340537][   T57]  <TASK>\n\
[    9.340541][   T57]  dump_stack_lvl+0x66/0x90\n\
[    9.340547][   T57]  ring_read+0x43/0x50\n\
[    9.340552][   T57]  vfs_read+0x233/0x1220\n\
[    9.340557][   T57]  do_syscall_64+0x58/0xf0\n\
[    9.340560][   T57]  </TASK>\n";

#[test]
fn a_log_in_reverse_order_is_read_from_its_end() {
    let reversed: Vec<u8> = CRASH.split_inclusive(|byte| *byte == b'\n').rev().flatten().copied().collect();
    let told = |log: &[u8]| text(&piped(&["parse"], log).stdout).contains("newest lines stand first");
    assert!(told(&reversed) && !told(CRASH));
    let titles = |log: &[u8]| text(&piped(&["parse", "--brief"], log).stdout).lines().next().map(str::to_owned);
    assert_eq!(titles(&reversed), titles(CRASH));
}

#[test]
fn one_picture_is_drawn() {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/logs/hang_chain.log");
    let drawn = piped(&["locks", "--svg", log, log.replace("chain", "fan").as_str()], b"");
    assert_eq!(text(&drawn.stdout).matches("<svg ").count(), 1);
    assert!(text(&drawn.stderr).contains("--svg draws one log") && drawn.status.code() == Some(2));
}

#[test]
fn only_in_place_of_a_verb_a_log_may_be_missing() {
    let tips = |arguments: &[&str]| text(&piped(arguments, b"").stderr).contains("if this is a log");
    assert!(tips(&["nosuch"]) && !tips(&["syzbot", "nosuch"]));
}

/// The place of a fault is a fact, whatever is to blame; the first function of a cut stack is a guess.
#[test]
fn the_place_of_a_fault_is_told_from_a_guess() {
    let fault = "[    5.0] BUG: unable to handle page fault for address: ffff888000000000\n[    5.0] RIP: 0010:memset_erms+0x9/0x10\n";
    let warning =
        "[    5.0] WARNING: CPU: 0 PID: 7 at lib/lamp.c:7\n[    5.0] Call Trace:\n[    5.0]  lamp_dim+0x9/0x10\n";
    for (log, heading) in [
        (fault, "BUG: unable to handle kernel paging request in corrupted; at memset_erms\n"),
        (warning, "WARNING: CPU: NUM PID: NUM at lib/lamp.c:LINE; probably lamp_dim\n"),
    ] {
        let shown = piped(&["parse"], log.as_bytes()).stdout;
        assert!(shown.starts_with(heading.as_bytes()), "{}", String::from_utf8_lossy(&shown));
    }
}

#[test]
fn a_crash_is_named_and_the_exit_status_is_1() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = file(&folder, "crash.log", CRASH);
    let output = kanalyze(&["parse", &log]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("KASAN: slab-use-after-free Read in ring_read\n"), "{shown}");
    assert!(shown.contains("> ring_read+0x43/0x50"), "{shown}");
    assert!(!shown.contains('\u{1b}'), "no colour in a pipe: {shown}");
    assert!(shown.lines().all(|line| line.chars().count() <= 80 || line.contains(&log)), "{shown}");
}

#[test]
fn the_file_alone_is_short_for_parse() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = file(&folder, "crash.log", CRASH);
    assert_eq!(kanalyze(&[&log]).stdout, kanalyze(&["parse", &log]).stdout);
}

#[test]
fn a_log_without_a_crash_exits_with_0() {
    let output = piped(&["parse", "-"], b"[    0.000000] Linux version 6.12.9 (x) #1\n[    1.0] all is well\n");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), "-: no crash\n"));
}

#[test]
fn bad_inputs_are_reported_in_one_sentence_each_and_do_not_stop_the_others() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (log, empty) = (file(&folder, "crash.log", CRASH), file(&folder, "empty.log", b""));
    let missing = folder.path().join("missing.log").display().to_string();
    let directory = folder.path().join("none");
    std::fs::create_dir(&directory).expect("a temporary folder");
    let directory = directory.display().to_string();
    let output = kanalyze(&["parse", "--format", "jsonl", &missing, &directory, &empty, &log]);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert_eq!(told.lines().count(), 3, "{told}");
    assert!(told.contains("missing.log: no such file"), "{told}");
    assert!(told.contains("none: no log is here"), "{told}");
    assert!(told.contains("empty.log: is empty"), "{told}");
    assert_eq!(text(&output.stdout).lines().count(), 1);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = file(&folder, "many.log", &CRASH.repeat(600));
    let mut child = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["parse", "--format", "jsonl", &log])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn json_is_the_same_records_as_jsonl_in_one_array() {
    let lines = piped(&["parse", "--format", "jsonl"], CRASH);
    let array = piped(&["parse", "--format", "json"], CRASH);
    let records: Vec<serde_json::Value> =
        text(&lines.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let listed: Vec<serde_json::Value> = serde_json::from_slice(&array.stdout).expect("a JSON array");
    assert_eq!((records.len(), &records), (1, &listed));
    assert_eq!(piped(&["parse", "--format", "json"], b"").stdout, b"[]\n");
}

#[test]
fn records_fit_their_schemas() {
    let schemas: serde_json::Value = serde_json::from_slice(&kanalyze(&["generate", "schema"]).stdout).expect("JSON");
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/corpus");
    let mut logs = Vec::new();
    collect(corpus.as_ref(), &mut logs);
    let mut arguments = vec!["parse", "--all", "--format", "jsonl"];
    arguments.extend(logs.iter().map(String::as_str));
    let output = kanalyze(&arguments);
    let mut checked = std::collections::BTreeMap::new();
    for line in text(&output.stdout).lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let name = record["schema"].as_str().expect("a record names its schema").to_owned();
        let validator = checked
            .entry(name.clone())
            .or_insert_with(|| (jsonschema::validator_for(&schemas[&name]).expect("a schema of its own"), 0));
        validator.1 += 1;
        let faults: Vec<String> = validator.0.iter_errors(&record).map(|fault| fault.to_string()).collect();
        assert!(faults.is_empty(), "{name}: {faults:?}: {record}");
    }
    assert!(checked.get("kanalyze.report/1").is_some_and(|(_, count)| *count > 50), "the corpus holds reports");
    assert!(checked.get("kanalyze.event/1").is_some_and(|(_, count)| *count > 50), "the corpus holds events");
}

fn collect(folder: &std::path::Path, logs: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("corpus/ is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, logs);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            logs.push(path.display().to_string());
        }
    }
    logs.sort();
}

#[test]
fn hostile_text_does_not_reach_the_terminal() {
    let hostile = b"[    1.0][    T1] BUG: KASAN: \x1b]0;owned\x07 in \x1b[31mdo_it+0x1/0x2\n[    1.0][    T1] CPU: 0 PID: 1 Comm: \x1b[2Jx Not tainted 6.1 #1\n";
    for arguments in [&["parse"][..], &["parse", "--all"], &["parse", "--format", "jsonl"]] {
        let output = piped(arguments, hostile);
        assert!(
            !output.stdout.iter().any(|byte| *byte == 0x1b || *byte == 7),
            "{arguments:?}: {}",
            text(&output.stdout)
        );
    }
}

#[test]
fn a_grammar_of_ones_own_takes_the_same_road() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let entry = "[[event]]\nid = \"ring-stuck\"\ntrigger = \"mydrv: ring\"\npattern = 'mydrv: ring (?P<ring>[a-z]+) stuck'\ntitle = \"mydrv: ring {ring} stuck\"\ncrash = true\nsamples = [{ log = \"[  1.0] mydrv: ring rx stuck\", title = \"mydrv: ring rx stuck\" }]\n";
    let good = file(&folder, "good.toml", entry.as_bytes());
    let output = piped(&["parse", "--grammar", &good], b"[    2.0][   T1] mydrv: ring tx stuck\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).starts_with("mydrv: ring tx stuck\n"));
    for (fault, words) in [
        (entry.replace("rx stuck\", title", "rx gone\", title"), "a sample of 'ring-stuck'"),
        (entry.replace("(?P<ring>", "(?P<ring"), "does not compile"),
        (entry.replace("samples", "sampels"), "unknown field"),
        (entry.replace("mydrv: ring\"\n", "my\"\n"), "trigger"),
    ] {
        let bad = file(&folder, "bad.toml", fault.as_bytes());
        let output = piped(&["parse", "--grammar", &bad], b"");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("bad.toml:") && told.contains(words), "{words}: {told}");
    }
}

#[test]
fn a_corpus_is_checked_and_accepted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    file(&folder, "crash.log", CRASH);
    let path = folder.path().display().to_string();
    assert_eq!(kanalyze(&["corpus", "check", &path]).status.code(), Some(1), "there is no snapshot yet");
    assert_eq!(kanalyze(&["corpus", "accept", &path]).status.code(), Some(0));
    assert_eq!(kanalyze(&["corpus", "check", &path]).status.code(), Some(0));
    file(&folder, "crash.log", &text(CRASH).replace("ring_read", "ring_write").into_bytes());
    let output = kanalyze(&["corpus", "check", &path]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains("-report 0 kasan-access: KASAN: slab-use-after-free Read in ring_read"), "{shown}");
    assert!(shown.contains("+report 0 kasan-access: KASAN: slab-use-after-free Read in ring_write"), "{shown}");
}

#[test]
fn a_wrapped_log_gives_the_titles_of_the_bare_one() {
    let titles = |log: &[u8]| -> Vec<(String, u64)> {
        text(&piped(&["parse", "--format", "jsonl"], log).stdout)
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|record| {
                (record["title"].as_str().unwrap_or_default().to_owned(), record["line"].as_u64().unwrap_or_default())
            })
            .collect()
    };
    let bare = titles(CRASH);
    assert_eq!(bare, [("KASAN: slab-use-after-free Read in ring_read".to_owned(), 2)]);
    let lines: Vec<String> = text(CRASH).lines().map(str::to_owned).collect();
    let message = |line: &str| line.split_once("] ").map_or(String::new(), |(_, message)| message.to_owned());
    type Wrap<'a> = (&'a str, Box<dyn Fn(&str) -> String>);
    let wraps: Vec<Wrap<'_>> = vec![
        ("syslog", Box::new(|line| format!("Nov 21 07:55:11 host kernel: {line}"))),
        ("syslog without a stamp", Box::new(move |line| format!("Nov 21 07:55:11 host kernel: {}", message(line)))),
        ("ISO", Box::new(|line| format!("2026-11-21T07:55:11.123456+00:00 host kernel: {line}"))),
        ("dmesg -T", Box::new(move |line| format!("[Sat Nov 21 07:55:11 2026] {}", message(line)))),
        ("dmesg -x", Box::new(|line| format!("kern  :alert : {line}"))),
        ("a mail", Box::new(|line| format!("> {line}"))),
        ("CI", Box::new(|line| format!("2026-11-21T07:55:11.123Z {line}"))),
        ("CRLF", Box::new(|line| format!("{line}\r"))),
        ("kmsg", Box::new(move |line| format!("1,339,9340494,-,caller=T57;{}", message(line)))),
    ];
    for (name, wrap) in wraps {
        let log: String = lines.iter().map(|line| wrap(line) + "\n").collect();
        assert_eq!(titles(log.as_bytes()), bare, "{name}:\n{log}");
    }
}

#[test]
fn help_and_errors_of_the_command_line_are_plain() {
    let output = kanalyze(&["parse", "--format", "xml", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("possible values: text, json, jsonl"));
    assert!(text(&kanalyze(&["--version"]).stdout).contains(env!("CARGO_PKG_VERSION")));
    assert!(text(&kanalyze(&["parse", "--help"]).stdout).contains("Examples:"));
    let output = kanalyze(&["grammar", "explain", "kasan"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean"), "{}", text(&output.stderr));
}

#[cfg(not(feature = "mcp"))]
#[test]
fn a_build_without_the_server_for_agents_says_how_to_get_it() {
    let done = kanalyze(&["mcp", "--root", "/"]);
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(2));
    assert!(said.contains("--features mcp") && said.lines().count() == 1, "{said}");
}
