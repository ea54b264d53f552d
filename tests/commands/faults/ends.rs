//! The process is ended right before each change that it makes to the disk: what lies there is the old or the new, and the next
//! call does the whole work.

use super::disk::WRITERS;
use super::{Fault, HANG, TABLE, contents, kanalyze, place, told, with_fault, with_fault_unnamed};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

const SIGINT: i32 = 2;
const SIGKILL: i32 = 9;
const SIGTERM: i32 = 15;
/// No verb makes more changes than this to the few files here.
const MOST: usize = 200;

/// Ends the command before its first change, its second, and so on, until it comes to its end; how many steps there were.
fn at_each_step(
    arguments: &[&str],
    path: &'static str,
    signal: i32,
    prepare: &dyn Fn(&Path),
    sound: &dyn Fn(&Path),
) -> usize {
    for after in 1..MOST {
        let folder = place();
        prepare(folder.path());
        let output = with_fault(folder.path(), arguments, &Fault { kind: "kill", path, number: signal, after });
        sound(folder.path());
        if output.status.signal().is_none() {
            assert!(output.status.code().is_some_and(|code| code < 2), "{arguments:?}: {}", told(&output));
            return after - 1;
        }
        // Once more, undisturbed, over what the dead process left.
        let again = kanalyze(folder.path(), arguments).output().expect("the program runs");
        assert!(again.status.code().is_some_and(|code| code < 2), "{arguments:?} after a kill: {}", told(&again));
        sound(folder.path());
    }
    panic!("{arguments:?} makes more than {MOST} changes");
}

fn file(folder: &Path, name: &str) -> Option<Vec<u8>> {
    std::fs::read(folder.join(name)).ok()
}

#[test]
fn a_page_is_the_old_one_or_the_new_one_wherever_its_writer_dies() {
    let old = |folder: &Path| std::fs::write(folder.join("out.html"), "the old page").expect("a file");
    let sound = |folder: &Path| {
        let page = file(folder, "out.html").expect("a page");
        assert!(page == b"the old page" || page.trim_ascii_end().ends_with(b"</html>"), "half a page");
    };
    for signal in [SIGINT, SIGTERM, SIGKILL] {
        let steps = at_each_step(&["page", "a.log", "-o", "out.html"], "out.html", signal, &old, &sound);
        assert!(steps >= 3, "{steps} steps");
    }
}

#[test]
fn snapshots_are_whole_wherever_their_writer_dies() {
    let whole = {
        let folder = place();
        kanalyze(folder.path(), &["corpus", "accept", "logs"]).output().expect("the program runs");
        file(folder.path(), "logs/c.snap").expect("a snapshot")
    };
    let old = |folder: &Path| std::fs::write(folder.join("logs/c.snap"), "old\n").expect("a file");
    let sound = |folder: &Path| {
        for name in ["logs/c.snap", "logs/d.snap"] {
            let snapshot = file(folder, name).unwrap_or_default();
            let fine = snapshot == whole
                || (name == "logs/c.snap" && snapshot == b"old\n")
                || (name == "logs/d.snap" && snapshot.is_empty());
            assert!(fine, "{name} is half: {}", String::from_utf8_lossy(&snapshot));
        }
    };
    for signal in [SIGTERM, SIGKILL] {
        let steps = at_each_step(&["corpus", "accept", "logs"], ".snap", signal, &old, &sound);
        assert!(steps >= 6, "{steps} steps");
    }
}

#[test]
fn a_baseline_and_a_bundle_are_whole_wherever_their_writers_die() {
    let none = |_: &Path| {};
    let baseline = |folder: &Path| {
        if let Some(text) = file(folder, "out.toml") {
            assert!(text.starts_with(b"#") || text.starts_with(b"version"), "half a baseline");
            assert!(text.ends_with(b"\n"), "half a baseline");
        }
    };
    // A baseline is not written over, so that the second call is refused where the first had come to its end.
    let bundle = |folder: &Path| {
        if let Some(text) = file(folder, "logs/bundle.json") {
            assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok(), "half a manifest");
        }
    };
    for signal in [SIGTERM, SIGKILL] {
        let steps = at_each_step(&["bundle", "adopt", "logs"], "bundle.json", signal, &none, &bundle);
        assert!(steps >= 2, "{steps} steps");
    }
    for after in 1..MOST {
        let folder = place();
        let arguments = ["check", "a.log", "--write-baseline", "out.toml"];
        let output =
            with_fault(folder.path(), &arguments, &Fault { kind: "kill", path: "out.toml", number: SIGKILL, after });
        baseline(folder.path());
        if output.status.signal().is_none() {
            return;
        }
    }
    panic!("a baseline takes more than {MOST} changes");
}

#[test]
fn an_extracted_image_is_whole_wherever_its_writer_dies() {
    let arguments = ["image", "extract", "Image", "-o", "out.bin"];
    let whole = {
        let folder = place();
        kanalyze(folder.path(), &arguments).output().expect("the program runs");
        file(folder.path(), "out.bin").expect("an image")
    };
    let sound = |folder: &Path| {
        assert!(file(folder, "out.bin").is_none_or(|bytes| bytes == whole), "half an image");
    };
    let steps = at_each_step(&arguments, "out.bin", SIGKILL, &|_| {}, &sound);
    assert!(steps >= 3, "{steps} steps");
}

#[test]
fn a_table_is_whole_wherever_its_writer_dies() {
    let sound = |folder: &Path| {
        let whole = |bytes: Vec<u8>| match TABLE.ends_with(".parquet") {
            true => bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"),
            false => bytes.starts_with(b"schema,") && bytes.ends_with(b"\n"),
        };
        assert!(file(folder, TABLE).is_none_or(whole), "half a table");
    };
    let steps = at_each_step(&["table", "logs", "-o", TABLE], TABLE, SIGKILL, &|_| {}, &sound);
    assert!(steps >= 3, "{steps} steps");
}

#[test]
fn a_dead_process_leaves_drafts_only() {
    let folder = place();
    let before = contents(folder.path());
    let arguments = ["page", "a.log", "-o", "out.html"];
    let fault = Fault { kind: "kill", path: "out.html", number: SIGKILL, after: 2 };
    assert!(with_fault(folder.path(), &arguments, &fault).status.signal().is_some(), "it is killed");
    let left: Vec<String> = contents(folder.path())
        .into_iter()
        .filter(|one| !before.contains(one))
        .map(|(path, _)| path.display().to_string())
        .collect();
    assert!(left.iter().all(|name| name.starts_with(".out.html.") && name.ends_with(".part")), "{left:?}");
}

#[test]
fn a_dead_process_leaves_nothing_where_files_may_be_without_a_name() {
    for (arguments, path) in WRITERS {
        let mut ends = 0;
        for after in 1..MOST {
            let folder = place();
            let before = contents(folder.path());
            let fault = Fault { kind: "kill", path, number: SIGINT, after };
            let output = with_fault_unnamed(folder.path(), arguments, &fault);
            if output.status.signal().is_none() {
                break;
            }
            ends += 1;
            let left = contents(folder.path()).into_iter().filter(|one| !before.contains(one));
            let left: Vec<String> = left.map(|(path, _)| path.display().to_string()).collect();
            assert!(left.iter().all(|name| !name.ends_with(".part")), "{arguments:?}, step {after}: {left:?}");
        }
        assert!(ends >= 2, "{arguments:?}: {ends} steps");
    }
}

/// What lies in the folder of runs: each manifest is whole, each log a beginning of what was played, each event a record, and the
/// folder of a hit has its name only when it is whole. The phases of the manifests.
fn sound_runs(folder: &Path, played: &[u8]) -> Vec<String> {
    let json = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text);
    let runs = std::fs::read_dir(folder.join("runs")).into_iter().flatten().flatten().map(|run| run.path());
    let mut phases = Vec::new();
    for run in runs.filter(|run| run.is_dir()) {
        if let Some(text) = file(&run, "manifest.json") {
            let manifest = json(&text).unwrap_or_else(|error| panic!("half a manifest: {error}"));
            phases.push(manifest["phase"].as_str().expect("a phase").to_owned());
        }
        let log = file(&run, "serial.log").unwrap_or_default();
        assert!(played.starts_with(&log), "its log is not what was played");
        let events = file(&run, "events.jsonl").unwrap_or_default();
        let whole = events.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        whole.for_each(|line| assert!(json(line).is_ok(), "half an event: {}", String::from_utf8_lossy(line)));
        if run.join("hit-1").is_dir() {
            let kept = file(&run, "hit-1/serial.log").expect("a hit has the log of its moment");
            assert!(!kept.is_empty() && played.starts_with(&kept), "a hit has half of its log");
        }
    }
    phases
}

#[test]
fn a_run_is_whole_wherever_it_dies() {
    let played = std::fs::read(HANG).expect("a log of the lab");
    let arguments = ["run", "--replay", "a.log", "--runs", "runs"];
    let mut last = MOST;
    for signal in [SIGKILL, SIGTERM, SIGINT] {
        // Fewer of the steps the further they are.
        let (mut after, mut next, mut ends) = (1, 2, 0);
        while after < last {
            let folder = place();
            let output =
                with_fault(folder.path(), &arguments, &Fault { kind: "kill", path: "runs/", number: signal, after });
            let phases = sound_runs(folder.path(), &played);
            let killed = output.status.signal().is_some();
            if signal == SIGKILL && !killed {
                assert_eq!(output.status.code(), Some(1), "{}", told(&output));
                last = after;
                break;
            }
            // One that is asked to end closes its run; before there is one, it just ends.
            assert!(killed || phases.iter().all(|phase| phase == "ended"), "{phases:?} after {}", told(&output));
            let listed = kanalyze(folder.path(), &["runs", "list"]).output().expect("the program runs");
            assert!(listed.status.success() && !told(&listed).contains("cannot be read"), "{}", told(&listed));
            let again = kanalyze(folder.path(), &arguments).output().expect("the program runs");
            assert_eq!(again.status.code(), Some(1), "after a signal: {}", told(&again));
            assert!(sound_runs(folder.path(), &played).contains(&"ended".to_owned()), "the next run ends");
            let cleaned = kanalyze(folder.path(), &["runs", "clean", "--hits"]).output().expect("the program runs");
            assert!(cleaned.status.success(), "{}", told(&cleaned));
            ends += 1;
            (after, next) = (next, after + next);
        }
        assert!(ends >= 5, "{ends} steps");
    }
}
