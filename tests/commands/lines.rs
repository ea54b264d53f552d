//! Source lines outside of `symbolize`: in `parse -k`, in a run that is replayed, in `watch`.

use super::compiled::{compile, has_gcc, line_of, return_frame};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const BANNER: &str =
    "[    0.000000][    T0] Linux version 6.99.1-test (builder@host) (gcc 12) #7 SMP Mon Jan 1 00:00:00 UTC 2026";

fn kanalyze(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.env_remove("DEBUGINFOD_URLS").env_remove("KBUILD_OUTPUT").output().expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// A folder with the compiled kernel and `x.log`, a log that says `banner` and then warns in `outer`.
fn scene(banner: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let vmlinux = compile(folder.path(), &["-g"]);
    let (at, _) = return_frame(&vmlinux, "outer", "leaf");
    let (above, _) = return_frame(&vmlinux, "kernel_init", "outer");
    let release = banner.split(' ').find(|word| word.contains("-test")).expect("a release");
    let body = [
        "------------[ cut here ]------------".to_owned(),
        format!("WARNING: CPU: 0 PID: 12 at init/main.c:20 {at}"),
        format!("CPU: 0 PID: 12 Comm: widgetd Not tainted {release} #7"),
        "Call Trace:".to_owned(),
        " <TASK>".to_owned(),
        format!(" {at}"),
        format!(" {above}"),
        " </TASK>".to_owned(),
        "---[ end trace 0000000000000000 ]---".to_owned(),
    ];
    let lines: String = body.iter().map(|line| format!("[    1.000000][   T12] {line}\n")).collect();
    std::fs::write(folder.path().join("x.log"), format!("{banner}\n{lines}")).expect("written");
    folder
}

/// `function file:line` of the frames of a report's crash stack that have a line.
fn places(report: &Value) -> Vec<String> {
    let stacks = report["stacks"].as_array().expect("stacks");
    let frames = stacks.iter().flat_map(|stack| stack["frames"].as_array().expect("frames"));
    let shown = frames.filter(|frame| frame["file"].is_string());
    shown
        .map(|frame| {
            format!(
                "{} {}:{}",
                frame["function"].as_str().unwrap_or("-"),
                frame["file"].as_str().unwrap_or("-"),
                frame["line"]
            )
        })
        .collect()
}

fn expected() -> Vec<String> {
    let marks = [("inner", "inner"), ("middle", "middle"), ("outer", "outer"), ("kernel_init", "init")];
    marks.iter().map(|(name, mark)| format!("{name} init/main.c:{}", line_of(mark))).collect()
}

#[test]
fn parse_names_lines_with_what_was_inlined_there() {
    if !has_gcc() {
        return;
    }
    let folder = scene(BANNER);
    let done = kanalyze(folder.path(), &["parse", "-k", "vmlinux", "--format", "jsonl", "x.log"]);
    let report: Value = serde_json::from_slice(&done.stdout).expect("one record");
    assert_eq!(report["title"], "WARNING in outer");
    assert_eq!(places(&report), expected(), "{}", text(&done.stderr));
    let plain = kanalyze(folder.path(), &["parse", "--format", "jsonl", "x.log"]);
    assert_eq!(places(&serde_json::from_slice(&plain.stdout).expect("one record")), Vec::<String>::new());
    let shown = text(&kanalyze(folder.path(), &["parse", "-k", "vmlinux", "x.log"]).stdout);
    assert!(shown.contains(&format!("init/main.c:{}", line_of("outer"))), "{shown}");
}

#[test]
fn parse_refuses_the_image_of_another_release() {
    if !has_gcc() {
        return;
    }
    let folder = scene(&BANNER.replace("6.99.1-test", "6.98.0-test"));
    let done = kanalyze(folder.path(), &["parse", "-k", "vmlinux", "--format", "jsonl", "x.log"]);
    let report: Value = serde_json::from_slice(&done.stdout).expect("one record");
    assert_eq!(places(&report), Vec::<String>::new());
    let words = text(&done.stderr);
    assert!(words.contains("this image is of 6.99.1-test, the log of 6.98.0-test"), "{words}");
    assert_eq!(done.status.code(), Some(1));
}

#[test]
fn parse_refuses_the_image_of_another_build_of_the_release() {
    if !has_gcc() {
        return;
    }
    let folder = scene(BANNER);
    let log = std::fs::read_to_string(folder.path().join("x.log")).expect("read");
    std::fs::write(folder.path().join("x.log"), log.replace("-test #7", "-test #8")).expect("written");
    let done = kanalyze(folder.path(), &["parse", "-k", "vmlinux", "--format", "jsonl", "x.log"]);
    let report: Value = serde_json::from_slice(&done.stdout).expect("one record");
    assert_eq!(places(&report), Vec::<String>::new());
    let words = text(&done.stderr);
    assert!(words.contains("the log says 6.99.1-test #8") && words.contains("no source lines are named"), "{words}");
}

#[test]
fn a_run_names_lines_live_and_keeps_them_with_the_hit() {
    if !has_gcc() {
        return;
    }
    let folder = scene(BANNER);
    let run = ["run", "--replay", "x.log", "-k", "vmlinux", "--runs", "runs", "--format", "jsonl"];
    let done = kanalyze(folder.path(), &run);
    let records: Vec<Value> =
        text(&done.stdout).lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    let closed = records.iter().find(|record| record["happening"] == "closed").expect("a report was closed");
    assert_eq!(places(&closed["report"]), expected(), "{}", text(&done.stderr));

    let runs: Vec<_> = std::fs::read_dir(folder.path().join("runs")).expect("runs").flatten().collect();
    let hit = runs[0].path().join("hit-1");
    let kept: Value = serde_json::from_slice(&std::fs::read(hit.join("report.json")).expect("kept")).expect("JSON");
    assert_eq!(places(&kept), expected());
    let annotated = std::fs::read_to_string(hit.join("report-lines.txt")).expect("kept");
    assert!(annotated.contains(&format!("init/main.c:{} [inline]", line_of("inner"))), "{annotated}");
    assert!(!std::fs::read_to_string(hit.join("report.txt")).expect("kept").contains("[inline]"));

    let told = text(&kanalyze(folder.path(), &["run", "--replay", "x.log", "-k", "vmlinux"]).stdout);
    assert!(told.contains(&format!("WARNING in outer (warning; line 3; init/main.c:{}", line_of("outer"))), "{told}");
}

#[test]
fn a_run_whose_kernel_is_another_build_says_so_once_and_names_nothing() {
    if !has_gcc() {
        return;
    }
    // The same release, built again: only the banner differs.
    let folder = scene(&BANNER.replace("#7 SMP Mon", "#8 SMP Tue"));
    let log = std::fs::read(folder.path().join("x.log")).expect("read");
    let twice = [log.as_slice(), &log[log.iter().position(|byte| *byte == b'\n').expect("a line") + 1..]].concat();
    std::fs::write(folder.path().join("x.log"), twice).expect("written");
    let done = kanalyze(folder.path(), &["watch", "-k", "vmlinux", "--format", "jsonl", "--max-time", "2s", "x.log"]);
    let shown = text(&done.stdout);
    assert_eq!(shown.matches("no source lines").count(), 1, "{shown}{}", text(&done.stderr));
    // The line that the header itself names stays.
    let without_header = shown.replace("\"source\":{\"file\":\"init", "");
    assert!(shown.contains("\"closed\"") && !without_header.contains("\"file\":\"init"), "{shown}");
}

#[test]
fn an_image_that_is_not_there_is_a_mistake_and_one_that_is_none_is_reported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("x.log"), "[    1.0][   T1] BUG: x\n").expect("written");
    let absent = kanalyze(folder.path(), &["run", "--replay", "x.log", "-k", "vmlinux"]);
    assert_eq!(absent.status.code(), Some(2));
    assert!(text(&absent.stderr).contains("--vmlinux vmlinux: no such file"), "{}", text(&absent.stderr));
    std::fs::write(folder.path().join("vmlinux"), "no image").expect("written");
    let wrong = kanalyze(folder.path(), &["run", "--replay", "x.log", "-k", "vmlinux"]);
    let said = text(&wrong.stdout) + &text(&wrong.stderr);
    assert!(said.contains("no source lines: "), "{said}");
}
