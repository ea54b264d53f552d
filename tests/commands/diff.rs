//! `kanalyze diff`, `check` and `table --cluster` over the lab's logs and over logs that are written here.

use super::fed::kanalyze;
use super::{contract, python};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn lab(name: &str) -> String {
    format!("{}/corpus/lab/logs/{name}.log", env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The record of a comparison, checked against its schema, and the exit status.
fn diff(arguments: &[&str]) -> (Value, Option<i32>) {
    let output = kanalyze(&[&["diff", "--format", "jsonl"], arguments].concat());
    let record: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
    contract::assert_valid(&record);
    (record, output.status.code())
}

/// `area verdict name` of all findings.
fn findings(record: &Value) -> Vec<String> {
    let word = |finding: &Value, key: &str| finding[key].as_str().expect("text").to_owned();
    let mut found: Vec<String> = record["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| format!("{} {} {}", word(finding, "area"), word(finding, "verdict"), word(finding, "name")))
        .collect();
    found.sort();
    found
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path: PathBuf = folder.join(name);
    std::fs::write(&path, text).expect("a temporary folder can be written");
    path.display().to_string()
}

/// A log with a use after free of the given way to `ring_read`.
fn crash(callers: &[&str], access: &str) -> String {
    let ruler = "=".repeat(66);
    let mut log = format!(
        "[    9.34][   T57] {ruler}\n[    9.34][   T57] BUG: KASAN: slab-use-after-free in ring_read+0x43/0x50\n\
[    9.34][   T57] {access} of size 4 at addr ffff888012345678 by task reader/57\n[    9.34][   T57] \n\
[    9.34][   T57] CPU: 0 UID: 0 PID: 57 Comm: reader Not tainted 6.12.9-kanalyze #1\n[    9.34][   T57] Call Trace:\n\
[    9.34][   T57]  <TASK>\n[    9.34][   T57]  dump_stack_lvl+0x66/0x90\n[    9.34][   T57]  ring_read+0x43/0x50\n"
    );
    for caller in callers {
        log.push_str(&format!("[    9.34][   T57]  {caller}+0x1/0x20\n"));
    }
    log.push_str(&format!("[    9.34][   T57]  </TASK>\n[    9.34][   T57] {ruler}\n"));
    log
}

#[test]
fn clean_boots_of_one_kernel_differ_in_nothing() {
    let boots = [lab("clean"), lab("clean.run2"), lab("clean.run3")];
    for one in &boots {
        for other in &boots {
            let (record, status) = diff(&[one, other]);
            assert_eq!(findings(&record), Vec::<String>::new(), "{one} {other}");
            assert_eq!(status, Some(0));
        }
    }
}

/// The log as a host would have it that makes everything take `factor` times as long, and that halts for some seconds at `station`.
fn slowed(log: &str, factor: f64, station: Option<(&str, f64)>) -> String {
    let (mut later, mut out) = (0.0, String::new());
    for line in log.lines() {
        let stamp = line.find("[ ").and_then(|at| {
            let end = at + line[at..].find(']')?;
            Some((at, end, line[at + 1..end].trim().parse::<f64>().ok()?))
        });
        if let Some((name, seconds)) = station.filter(|(name, _)| line.contains(name))
            && later == 0.0
        {
            assert!(!name.is_empty());
            later = seconds;
        }
        match stamp {
            Some((at, end, time)) => {
                out.push_str(&format!("{}[{:12.6}{}\n", &line[..at], time * factor + later, &line[end..]));
            }
            None => out.push_str(&format!("{line}\n")),
        }
    }
    out
}

#[test]
fn a_busier_host_is_reported_once_and_only_what_stands_out_against_it_differs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let quiet = String::from_utf8_lossy(&std::fs::read(lab("clean")).expect("it is there")).into_owned();
    let busy = written(folder.path(), "busy.log", &slowed(&quiet, 2.5, None));
    for (one, other, words) in
        [(&lab("clean"), &busy, "took 2.5 times as long in B"), (&busy, &lab("clean"), "took 2.5 times as long in A")]
    {
        let (record, status) = diff(&[one, other]);
        assert_eq!((findings(&record), status), (vec!["milestone note everything".to_owned()], Some(0)));
        assert!(record["findings"][0]["words"].as_str().is_some_and(|said| said.starts_with(words)), "{record:#}");
    }
    let halted = slowed(&quiet, 2.5, Some(("Unpacking initramfs", 20.0)));
    let halted = written(folder.path(), "halted.log", &halted);
    let (record, status) = diff(&[&lab("clean"), &halted]);
    assert_eq!(findings(&record), ["milestone note everything", "milestone slower initramfs"]);
    assert_eq!(status, Some(1));
}

#[test]
fn another_command_line_is_shown_with_what_it_does_to_the_machine() {
    for boot in ["clean", "clean.run2", "clean.run3"] {
        let (record, status) = diff(&[&lab(boot), &lab("clean_cmdline")]);
        let expected = [
            "command-line new maxcpus",
            "command-line new mem",
            "command-line new nokaslr",
            "machine changed CPUs",
            "machine changed memory",
        ];
        assert_eq!(findings(&record), expected);
        assert_eq!(status, Some(1));
    }
}

#[test]
fn a_driver_that_complains_is_all_that_differs() {
    let noise = [
        "command-line new lab.module",
        "command-line new lab.scenario",
        "message new lab_noisy: device found at slot N",
        "message new lab_noisy: giving up, the device stays off",
        "message new lab_noisy: resetting the link (speed N)",
        "message new lab_noisy: transfer N timed out, error -110",
        "module new lab_noisy",
        "taint new O",
    ];
    let (record, _) = diff(&[&lab("clean.run3"), &lab("noisy")]);
    assert_eq!(findings(&record), noise);
    let mut with_warning = noise.map(str::to_owned).to_vec();
    with_warning.push("crash new WARNING in complains_and_warns".into());
    with_warning.push("message new lab_noisy: state machine in state N".into());
    with_warning.sort();
    let (record, _) = diff(&[&lab("clean"), &lab("noisy_warn")]);
    assert_eq!(findings(&record), with_warning);
}

/// The 95 % Clopper–Pearson interval of k of ten, k from 0.
const OF_TEN: [(f64, f64); 11] = [
    (0.0, 0.3085),
    (0.0025, 0.4450),
    (0.0252, 0.5561),
    (0.0667, 0.6525),
    (0.1216, 0.7376),
    (0.1871, 0.8129),
    (0.2624, 0.8784),
    (0.3475, 0.9333),
    (0.4439, 0.9748),
    (0.5550, 0.9975),
    (0.6915, 1.0),
];

#[test]
fn ten_lucky_runs_have_exact_intervals_and_no_false_claim() {
    // How often each came is the boots' luck and stands in their truth files; the intervals are those of published tables.
    let lucks: Vec<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus/lab/truth"))
        .expect("the lab has truth files")
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("flaky"))
        .filter_map(|entry| {
            let truth: Value = serde_json::from_slice(&std::fs::read(entry.path()).expect("readable")).expect("JSON");
            truth["expected_title_by_design"].as_str().map(str::to_owned)
        })
        .collect();
    let flaky = lab("flaky").replace(".log", "*.log");
    let (record, status) = diff(&["--a", &flaky, "--b", &flaky]);
    assert_eq!((findings(&record).len(), status), (0, Some(0)));
    let (record, _) = diff(&["--a", &lab("clean*"), "--b", &flaky]);
    let all = record["findings"].as_array().expect("findings");
    let of = |name: &str| all.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("no {name}"));
    for title in ["KASAN: slab-use-after-free Read in loses_race", "WARNING in notices_race"] {
        let runs = lucks.iter().filter(|luck| *luck == title).count();
        let finding = of(title);
        // Against three clean boots no rate below 10 of 10 can be told from none.
        assert_eq!(finding["verdict"], "unclear", "{finding:#}");
        let rate = &finding["b"];
        assert_eq!((rate["runs"].as_u64(), rate["of"].as_u64()), (Some(runs as u64), Some(10)));
        let (low, high) = OF_TEN[runs];
        let near = |key: &str, value: f64| (rate[key].as_f64().expect("a number") - value).abs() < 5e-5;
        assert!(near("low", low) && near("high", high), "{finding:#}");
        assert!(finding["runs_more"].as_u64().is_some_and(|runs| (3..100).contains(&runs)), "{finding:#}");
    }
    assert_eq!(of("lab_noisy: asking the device")["verdict"], "new");
}

#[test]
fn three_of_ten_against_one_of_ten_is_undecided() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (side, crashes) in [("a", 3), ("b", 1)] {
        std::fs::create_dir(folder.path().join(side)).expect("made");
        for run in 0..10 {
            let log = if run < crashes { crash(&["vfs_read"], "Read") } else { "[    1.0] hello\n".into() };
            written(folder.path(), &format!("{side}/{run}.log"), &log);
        }
    }
    let at = |side: &str| folder.path().join(side).display().to_string();
    let output = kanalyze(&["diff", &at("a"), &at("b")]);
    let shown = text(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        shown.contains("3 of 10 (7–65 %) against 1 of 10 (0–45 %), p = 0.58; you need about 62 runs more"),
        "{shown}"
    );
    assert_eq!(output.status.code(), Some(0), "{shown}");
}

#[test]
fn one_title_with_another_stack_is_another_cause() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let one = written(folder.path(), "1.log", &crash(&["ring_copy", "vfs_read", "ksys_read", "do_syscall_64"], "Read"));
    let same = written(folder.path(), "2.log", &crash(&["ring_copy", "vfs_read", "ksys_read"], "Read"));
    let other = written(
        folder.path(),
        "3.log",
        &crash(&["ring_poll", "ep_item_poll", "ep_send_events", "do_epoll_wait"], "Read"),
    );
    assert_eq!(findings(&diff(&[&one, &same]).0), Vec::<String>::new());
    let (record, status) = diff(&[&one, &other]);
    assert_eq!(findings(&record), ["crash changed KASAN: slab-use-after-free Read in ring_read"]);
    assert_eq!(status, Some(1));
    assert_eq!(record["findings"][0]["causes"]["because"], "another stack");
    insta::assert_snapshot!(
        text(&kanalyze(&["diff", &one, &other]).stdout).replace(&folder.path().display().to_string(), "FOLDER")
    );
}

#[test]
fn every_form_holds_the_same_difference_and_no_markup_of_the_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let before = written(folder.path(), "1.log", "[    1.0] fine\n");
    let after = written(folder.path(), "2.log", "[    1.0] <b>failed</b> | & \u{1b}[31m`x`\n");
    let form = |form: &str| text(&kanalyze(&["diff", &before, &after, "--format", form]).stdout);
    assert!(!form("text").contains('\u{1b}'));
    assert!(form("markdown").contains("`` <b>failed</b> \\| & "), "{}", form("markdown"));
    let junit = form("junit");
    assert!(junit.contains("name=\"&lt;b&gt;failed&lt;/b&gt; | &amp; \\u{1b}["), "{junit}");
    assert!(junit.contains("failures=\"1\"") && junit.contains("tests=\"1\""));
    let sarif: Value = serde_json::from_str(&form("sarif")).expect("JSON");
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&Value::from("message"), &Value::from("error")));
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
    let array: Value = serde_json::from_str(&form("json")).expect("JSON");
    contract::assert_valid(&array[0]);
}

#[test]
fn what_the_baseline_knows_does_not_count_until_it_expires() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let clean = written(folder.path(), "clean.log", "[    1.0] fine\n");
    let bad = written(folder.path(), "bad.log", &crash(&["vfs_read"], "Read"));
    let known = "version = 1\n[[known]]\ntitle = 'KASAN: * in ring_read'\nuntil = 2026-12-31\nreason = 'bug 7'\n";
    let baseline = written(folder.path(), "known.toml", known);
    let (record, status) = diff(&[&clean, &bad, "--baseline", &baseline, "--today", "2026-12-31"]);
    assert_eq!((record["findings"][0]["known"].as_str(), status), (Some("bug 7"), Some(0)));
    let (record, status) = diff(&[&clean, &bad, "--baseline", &baseline, "--today", "2027-01-01"]);
    assert_eq!(status, Some(1));
    assert!(
        record["findings"][0]["words"].as_str().is_some_and(|words| words.ends_with("was excused until 2026-12-31"))
    );

    let check = |arguments: &[&str]| kanalyze(&[&["check", &bad], arguments].concat());
    assert_eq!(check(&[]).status.code(), Some(1));
    assert_eq!(check(&["--baseline", &baseline, "--today", "2026-12-31"]).status.code(), Some(0));
    assert_eq!(check(&["--baseline", &baseline, "--today", "2027-01-01"]).status.code(), Some(1));
    for form in ["text", "junit", "sarif"] {
        assert!(text(&check(&["--format", form]).stdout).contains("in ring_read"), "{form}");
    }
    let record: Value = serde_json::from_slice(&check(&["--format", "jsonl"]).stdout).expect("JSON");
    contract::assert_valid(&record);
    // What is written as known passes from then on, and no baseline is overwritten.
    let fresh = folder.path().join("fresh.toml").display().to_string();
    assert_eq!(check(&["--write-baseline", &fresh]).status.code(), Some(0));
    assert_eq!(check(&["--baseline", &fresh]).status.code(), Some(0));
    assert_eq!(check(&["--write-baseline", &fresh]).status.code(), Some(2));
}

#[test]
fn trouble_is_2_and_says_what_to_do() {
    let absent = kanalyze(&["diff", "/nowhere/a.log", "/nowhere/b.log"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("/nowhere/a.log: no such file"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let empty = folder.path().display().to_string();
    let output = kanalyze(&["diff", &empty, &lab("clean")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no log is here"));
}

#[test]
fn the_text_is_folded_and_nothing_of_it_is_lost() {
    let sides: [(&str, &str); 2] = [("clean*", "flaky*"), ("hang_chain", "oops_many")];
    for (a, b) in sides {
        let (a, b) = (lab(a), lab(b));
        let arguments = ["diff", "--color", "always", "--a", &a, "--b", &b];
        let coloured = text(&kanalyze(&arguments).stdout);
        let shown = text(&kanalyze(&["diff", "--a", &a, "--b", &b]).stdout);
        let word = |line: &str| line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
        let long: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 75 && word(line) + 30 < 75).collect();
        // Two stacks beside each other are cut on a terminal only.
        assert!(long.iter().all(|line| [" = ", " < ", " > "].iter().any(|mark| line.contains(mark))), "{long:#?}");
        let plain = coloured.split('\u{1b}').enumerate().map(|(at, part)| match part.split_once('m') {
            Some((_, rest)) if at > 0 => rest,
            _ => part,
        });
        assert_eq!(plain.collect::<String>(), shown, "colours change nothing else");
        let record: Value =
            serde_json::from_slice(&kanalyze(&["diff", "--format", "jsonl", "--a", &a, "--b", &b]).stdout)
                .expect("a record");
        let one = |text: &str| text.split_whitespace().collect::<String>();
        for finding in record["findings"].as_array().expect("findings").iter().take(20) {
            let words = finding["words"].as_str().expect("words");
            assert!(one(&shown).contains(&one(words)), "{words} is not in\n{shown}");
        }
    }
}

#[test]
fn the_rules_are_listed() {
    let shown = text(&kanalyze(&["diff", "--explain"]).stdout);
    for rule in ["frames", "clock", "boot-chatter", "settings"] {
        assert!(shown.lines().any(|line| line.starts_with(rule)), "{rule}");
    }
}

#[test]
fn clusters_do_not_depend_on_the_order_of_the_logs() {
    let logs: Vec<String> =
        ["flaky", "flaky.run5", "flaky.run8", "flaky.run9", "flaky.run10", "noisy_warn"].map(lab).to_vec();
    let mut back = logs.clone();
    back.reverse();
    let run = |logs: &[String]| {
        let names: Vec<&str> = logs.iter().map(String::as_str).collect();
        kanalyze(&[&["table", "--cluster", "--format", "jsonl"], &names[..]].concat()).stdout
    };
    let found = run(&logs);
    assert_eq!(found, run(&back));
    let sizes: Vec<(u64, String)> = text(&found)
        .lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).expect("JSON");
            contract::assert_valid(&record);
            (record["size"].as_u64().expect("a number"), record["title"].as_str().expect("text").to_owned())
        })
        .collect();
    let expected = [
        (3, "KASAN: slab-use-after-free Read in loses_race"),
        (2, "WARNING in notices_race"),
        (1, "WARNING in complains_and_warns"),
    ];
    assert_eq!(sizes, expected.map(|(size, title)| (size, title.to_owned())));
}

#[test]
#[cfg(not(feature = "tables"))]
fn a_build_without_sql_says_how_to_get_it() {
    let output = kanalyze(&["query", "top", "x.parquet"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--features tables"), "{}", text(&output.stderr));
}

#[test]
fn the_statistics_are_those_of_scipy() {
    let Some(python) = python::python("scipy") else { return };
    use kanalyze::diff::statistics::{clopper_pearson, fisher, rank_sum};
    let mut script = String::from(
        "from scipy.stats import binomtest, fisher_exact, mannwhitneyu\n\
def ci(k, n):\n    c = binomtest(k, n).proportion_ci(0.95, 'exact'); print(repr(float(c.low)), repr(float(c.high)))\n\
def fe(a, n, b, m):\n    print(repr(float(fisher_exact([[a, n - a], [b, m - b]]).pvalue)))\n\
def mw(a, b):\n    print(repr(float(mannwhitneyu(a, b, method='exact').pvalue)))\n",
    );
    let mut own = Vec::new();
    for n in [1, 2, 7, 10, 33, 200, 1000] {
        for k in [0, 1, n / 3, n / 2, n - 1, n] {
            script.push_str(&format!("ci({k}, {n})\n"));
            let (low, high) = clopper_pearson(k, n, 0.95);
            own.extend([low, high]);
        }
    }
    for (a, n, b, m) in
        [(3, 10, 1, 10), (0, 4, 10, 10), (5, 10, 5, 10), (7, 30, 19, 41), (1, 200, 12, 150), (0, 3, 0, 9)]
    {
        script.push_str(&format!("fe({a}, {n}, {b}, {m})\n"));
        own.push(fisher(a, n, b, m));
    }
    for (a, b) in
        [(vec![1.0, 4.0, 6.5], vec![2.0, 8.0, 9.0, 11.0]), (vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0, 0.5])]
    {
        script.push_str(&format!("mw({a:?}, {b:?})\n"));
        own.push(rank_sum(&a, &b));
    }
    let output = Command::new(python).args(["-c", &script]).output().expect("python runs");
    let theirs: Vec<f64> =
        text(&output.stdout).split_whitespace().map(|word| word.parse().expect("a number")).collect();
    assert_eq!(theirs.len(), own.len(), "{}", text(&output.stderr));
    for (at, (one, other)) in own.iter().zip(&theirs).enumerate() {
        assert!((one - other).abs() < 1e-9 + 1e-7 * other.abs(), "value {at}: {one} here, {other} there");
    }
}
