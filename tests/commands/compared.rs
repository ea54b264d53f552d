//! What a comparison, a gate and a note make of texts that are not what they should be: cut, dressed otherwise, or no logs at all.

use super::contract;
use super::fed::kanalyze;
use serde_json::Value;
use std::path::Path;

fn lab(name: &str) -> String {
    format!("{}/corpus/lab/logs/{name}.log", env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a temporary folder can be written");
    path.display().to_string()
}

fn read(name: &str) -> String {
    text(&std::fs::read(lab(name)).expect("it is there"))
}

/// `area verdict name: words` of the findings of one area, or of all, and the exit status.
fn found(a: &str, b: &str, area: &str) -> (Vec<String>, Option<i32>) {
    let output = kanalyze(&["diff", a, b, "--format", "jsonl"]);
    let record: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    contract::assert_valid(&record);
    let findings = record["findings"].as_array().expect("findings").iter();
    let wanted = findings.filter(|one| area.is_empty() || one["area"] == area);
    let word = |one: &Value, key: &str| one[key].as_str().expect("text").to_owned();
    let shown = wanted.map(|one| format!("{} {}: {}", word(one, "verdict"), word(one, "name"), word(one, "words")));
    (shown.collect(), output.status.code())
}

#[test]
fn what_comes_after_the_end_of_a_log_is_not_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = read("noisy_warn");
    let cut = log.find("Freeing unused kernel image (initmem)").expect("a station");
    let cut = written(folder.path(), "cut.log", &log[..log[..cut].rfind('\n').expect("lines") + 1]);
    let (crash, _) = found(&lab("noisy_warn"), &cut, "crash");
    assert!(crash[0].starts_with("unclear WARNING in complains_and_warns: once in A at "), "{crash:?}");
    assert!(crash[0].contains(" s, not in B, whose log ends at "), "{crash:?}");
    // The station that is not reached says where the boot ends; what would come after it is its consequence.
    let (stations, status) = found(&lab("noisy_warn"), &cut, "milestone");
    let of = |verdict: &str| stations.iter().filter(|one| one.starts_with(verdict)).count();
    assert_eq!((of("gone kernel ready"), of("gone"), status), (1, 1, Some(1)), "{stations:?}");
    assert!(of("unclear") > 0, "{stations:?}");
    // A crash that only B has is news whatever A's log lacks, and it is said what it lacks.
    let (crash, status) = found(&cut, &lab("noisy_warn"), "crash");
    assert!(crash[0].starts_with("new WARNING in complains_and_warns: once in B at "), "{crash:?}");
    assert!(crash[0].contains("not in A, whose log ends at ") && status == Some(1), "{crash:?}");
}

#[test]
fn one_log_in_other_dressings_differs_in_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = read("noisy_warn");
    let bare = |line: &str| -> Option<String> {
        let end = line.strip_prefix('[')?.find(']')? + 2;
        let rest = &line[end..];
        let rest = if rest.starts_with("[ ") { &rest[rest.find(']')? + 1..] } else { rest };
        Some(rest.strip_prefix(' ').unwrap_or(rest).to_owned())
    };
    // Without stamps nobody can say what of the first line is the firmware's.
    let log = &log[log.find("[    0.000000]").expect("the kernel's first line")..];
    let lines = || log.lines().map(|line| line.trim_end_matches('\r'));
    let untimed: String = lines().map(|line| format!("{}\n", bare(line).unwrap_or_else(|| line.to_owned()))).collect();
    let strange: String = lines().map(|line| format!("job-7 step.console |  {line}\n")).collect();
    let whole = written(folder.path(), "whole.log", log);
    for (name, dressed) in [("untimed.log", untimed), ("strange.log", strange)] {
        let dressed = written(folder.path(), name, &dressed);
        for (a, b) in [(&whole, &dressed), (&dressed, &whole)] {
            assert_eq!(found(a, b, ""), (Vec::new(), Some(0)), "{a} {b}");
        }
    }
}

#[test]
fn what_kanalyze_wrote_is_no_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (clean, bad) = (lab("clean"), lab("noisy_warn"));
    let of = |arguments: &[&str]| text(&kanalyze(arguments).stdout);
    let texts = [
        ("note.txt", of(&["note", &bad])),
        ("mail.txt", of(&["note", &bad, "--as", "mail"])),
        ("records.txt", of(&["parse", &bad, "--format", "jsonl"])),
        ("answer.txt", of(&["parse", &bad])),
        ("gate.txt", of(&["check", &bad])),
        ("comparison.txt", of(&["diff", &clean, &bad])),
    ];
    for (name, own) in &texts {
        let own = written(folder.path(), name, own);
        let beside = kanalyze(&["check", &clean, &own]);
        let shown = text(&beside.stdout);
        assert!(shown.contains("not judged: ") && shown.ends_with("1 of 1 log passes\n"), "{name}: {shown}");
        assert_eq!(beside.status.code(), Some(0), "{name}");
        let alone = kanalyze(&["check", &own]);
        assert_eq!(alone.status.code(), Some(2), "{name}");
        assert!(text(&alone.stderr).contains("that kanalyze wrote, not a log: name the log"), "{name}: {alone:?}");
        let compared = kanalyze(&["diff", &clean, &own]);
        assert_eq!((compared.status.code(), text(&compared.stdout)), (Some(2), String::new()), "{name}");
        let noted = kanalyze(&["note", &own]);
        assert_eq!(noted.status.code(), Some(2), "{name}");
    }
    // Among logs they are no runs, nor is a text without a line of the kernel's.
    written(folder.path(), "README.txt", "How these logs were made\n");
    written(folder.path(), "console.log", &read("clean"));
    let side = folder.path().display().to_string();
    let output = kanalyze(&["diff", &clean, &side]);
    assert!(text(&output.stdout).contains(" (1 run)\nno difference\n"), "{output:?}");
    assert!(
        text(&output.stderr).contains("README.txt: no kernel line in it; it is not counted as a run"),
        "{output:?}"
    );
    let output = kanalyze(&["check", &side, "--format", "jsonl"]);
    let records: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    records.iter().for_each(contract::assert_valid);
    let passing: Vec<&Value> = records.iter().filter(|one| one["passes"] == true).collect();
    assert_eq!((passing.len(), passing[0]["silence"].is_null(), output.status.code()), (1, true, Some(0)));
    assert!(text(&kanalyze(&["check", &side, "--format", "junit"]).stdout).contains("failures=\"0\" skipped=\"7\""));
}

#[test]
fn standard_input_is_one_side() {
    let output = kanalyze(&["diff", "-", "-"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("standard input can be read once"), "{output:?}");
}

#[test]
fn a_gate_says_each_title_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for number in 1..=8 {
        written(folder.path(), &format!("{number}.log"), &read("noisy_warn"));
    }
    let shown = text(&kanalyze(&["check", &folder.path().display().to_string()]).stdout);
    assert_eq!(shown.matches("WARNING in complains_and_warns").count(), 1, "{shown}");
    assert!(shown.contains("  … and 3 more times, in 3 logs\n0 of 8 logs pass\n"), "{shown}");
}

#[test]
fn a_note_shows_the_whole_stack_and_what_else_the_log_holds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = "\
[    5.000000] BUG: kernel NULL pointer dereference, address: 0000000000000050
[    5.000001] #PF: supervisor write access in kernel mode
[    5.000002] Oops: Oops: 0002 [#1] PREEMPT SMP
[    5.000003] CPU: 0 UID: 0 PID: 57 Comm: filler Not tainted 6.12.9 #2
[    5.000004] RIP: 0010:pond_fill+0x5/0x10
[    5.000005] RSP: 0018:ffffc90000517cc0 EFLAGS: 00000282
[    5.000006] Call Trace:
[    5.000007]  <TASK>
[    5.000008]  pond_write+0x33/0x40
[    5.000009]  vfs_write+0x233/0x1220
[    5.000010]  </TASK>
[    5.000011] ---[ end trace 0000000000000000 ]---
[  205.000000] ------------[ cut here ]------------
[  205.000001] WARNING: CPU: 1 PID: 58 at mm/pond.c:77 pond_drain+0x1f/0x40
[  205.000002] CPU: 1 UID: 0 PID: 58 Comm: drainer Not tainted 6.12.9 #2
[  205.000003] RIP: 0010:pond_drain+0x1f/0x40
[  205.000004] Call Trace:
[  205.000005]  <TASK>
[  205.000006]  pond_close+0x2c/0x50
[  205.000007]  </TASK>
[  205.000008] ---[ end trace 0000000000000000 ]---
";
    let log = written(folder.path(), "pond.log", log);
    let note = text(&kanalyze(&["note", &log]).stdout);
    assert!(note.contains("pond_fill+0x5/0x10\npond_write+0x33/0x40\nvfs_write+0x233/0x1220\n"), "{note}");
    assert!(note.contains("## Also in this log\n\n* WARNING in pond\\_drain, line 14\n"), "{note}");
    let mail = text(&kanalyze(&["note", &log, "--as", "mail"]).stdout);
    assert!(mail.contains("The same log also has:\n\n  WARNING in pond_drain, line 14\n"), "{mail}");
    let quiet = text(&kanalyze(&["note", &lab("clean"), "--as", "mail"]).stdout);
    assert!(quiet.contains("The log holds no crash."), "{quiet}");
    // Tasks that wait are told also where nothing says that they hang.
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/events/dump-task/two-writers-of-crash.log");
    let waits = text(&kanalyze(&["note", &corpus.to_string_lossy()]).stdout);
    assert!(waits.contains(" waits for ") && !waits.contains("Nothing about locks"), "{waits}");
}

/// A log with an access out of bounds to an object that somebody else had freed before.
fn out_of_bounds(freed: &str, type_of: &str) -> String {
    let ruler = "=".repeat(66);
    format!(
        "[    9.34] {ruler}\n[    9.34] BUG: KASAN: {type_of} in ring_read+0x43/0x50\n\
[    9.34] Read of size 4 at addr ffff888012345678 by task reader/57\n[    9.34] \n\
[    9.34] CPU: 0 UID: 0 PID: 57 Comm: reader Not tainted 6.12.9-kanalyze #1\n[    9.34] Call Trace:\n\
[    9.34]  <TASK>\n[    9.34]  dump_stack_lvl+0x66/0x90\n[    9.34]  ring_read+0x43/0x50\n[    9.34]  vfs_read+0x1/0x2\n\
[    9.34]  </TASK>\n[    9.34] \n[    9.34] Freed by task 41:\n[    9.34]  kasan_save_stack+0x24/0x50\n[    9.34]  kfree+0x1/0x2\n\
[    9.34]  {freed}_drop+0x1/0x2\n[    9.34]  {freed}_close+0x1/0x2\n[    9.34] \n[    9.34] {ruler}\n"
    )
}

#[test]
fn who_had_freed_what_was_read_out_of_bounds_is_by_chance() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (type_of, changed) in [("slab-out-of-bounds", 0), ("slab-use-after-free", 1)] {
        let [a, b] = ["pond", "lake"]
            .map(|freed| written(folder.path(), &format!("{freed}-{type_of}.log"), &out_of_bounds(freed, type_of)));
        assert_eq!(found(&a, &b, "crash").0.len(), changed, "{type_of}");
    }
}

#[test]
fn a_reader_sees_trouble_then_the_kernel_then_some_of_the_messages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = |release: &str, rest: &str| {
        format!(
            "[    0.000000] Linux version {release} (a@b) #1 SMP\n[    1.000000] Run /init as init process\n{rest}[   20.000000] reboot: Power down\n"
        )
    };
    let messages: String = ('a'..='z').map(|letter| format!("[    2.000000] pond_{letter}: full\n")).collect();
    let before = written(folder.path(), "before.log", &log("6.12.1", "INFO:    firmware entry point\n"));
    let after = log("6.12.2", &format!("{messages}{}", out_of_bounds("pond", "slab-out-of-bounds")));
    let after = written(folder.path(), "after.log", &after);
    let shown = text(&kanalyze(&["diff", &before, &after]).stdout);
    let at = |words: &str| shown.find(words).unwrap_or_else(|| panic!("no {words} in {shown}"));
    assert!(at("crash: KASAN") < at("kernel: release") && at("kernel: release") < at("message: pond_a"), "{shown}");
    assert!(shown.contains("… and more (6 message): --format json has them") && !shown.contains("firmware"), "{shown}");
    assert_eq!(found(&before, &after, "message").0.len(), 26, "a program gets all");
}

#[test]
fn boots_that_hang_are_told_and_what_they_do_not_reach_is_not_gone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = read("noisy_warn");
    let cut = &log[..log.find("Freeing unused kernel image (initmem)").expect("a station")];
    for (side, log) in [("whole", &log[..]), ("hangs", &cut[..=cut.rfind('\n').expect("lines")])] {
        std::fs::create_dir(folder.path().join(side)).expect("made");
        for run in 0..10 {
            written(folder.path(), &format!("{side}/{run}.log"), log);
        }
    }
    let at = |side: &str| folder.path().join(side).display().to_string();
    let (stations, status) = found(&at("whole"), &at("hangs"), "milestone");
    assert!(stations.iter().any(|one| one.starts_with("gone kernel ready: 10 of 10 ")), "{stations:?}");
    assert_eq!(status, Some(1));
    let (crash, _) = found(&at("whole"), &at("hangs"), "crash");
    let words = "in 10 of 10 runs of A, none of B, of which no log reaches that far";
    assert_eq!(crash, [format!("unclear WARNING in complains_and_warns: {words}")]);
}
