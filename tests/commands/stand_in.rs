//! The stand-ins that other tests use must behave like what they stand in for.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const EXECPROG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/assets/stand-in-syz-execprog");

fn execprog(program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (Output, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("repro.syz");
    fs::write(&path, program).expect("a file");
    let output = Command::new("sh")
        .arg(EXECPROG)
        .args(arguments)
        .arg(&path)
        .envs(settings.iter().copied())
        .output()
        .expect("sh");
    assert!(output.stdout.is_empty(), "everything goes to stderr");
    let lines = String::from_utf8(output.stderr.clone()).expect("text").lines().map(str::to_owned).collect();
    (output, lines)
}

/// Takes the Go logger's prefix off, which must be there.
fn message(line: &str) -> &str {
    let (prefix, message) = line.split_at_checked(20).unwrap_or_else(|| panic!("no prefix: {line:?}"));
    let shape: String = prefix.chars().map(|each| if each.is_ascii_digit() { '0' } else { each }).collect();
    assert_eq!(shape, "0000/00/00 00:00:00 ", "{line:?}");
    message
}

const PROGRAM: &str = "# https://example.org/bug?id=1\n#{\"procs\":1}\nr0 = openat$ppp(0x0)\nsync() (async)\n";

#[test]
fn the_stand_in_counts_as_execprog_does() {
    let arguments = [
        "-repeat=40",
        "-procs",
        "2",
        "-sandbox=none",
        "-threaded=true",
        "-collide=false",
        "-optional=slowdown=1:sandbox_arg=0",
    ];
    let (output, lines) = execprog(PROGRAM, &arguments, &[("STAND_IN_INTERVAL", "0"), ("STAND_IN_TICK", "0.01")]);
    let messages: Vec<&str> = lines.iter().map(|line| message(line)).collect();
    assert_eq!(
        messages,
        [
            "parsed 1 programs",
            "executed programs: 0",
            "executed programs: 10",
            "executed programs: 20",
            "executed programs: 30",
            "executed programs: 40",
        ]
    );
    assert!(output.status.success());
}

#[test]
fn no_program_is_said_as_execprog_says_it() {
    for text in ["", "<!DOCTYPE html><html>Not Found</html>\n", "# only a comment\n"] {
        let (output, lines) = execprog(text, &[], &[]);
        assert_eq!(message(&lines[0]), "parsed 0 programs");
        assert!(lines[1].starts_with("usage: execprog"), "{lines:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn an_unknown_flag_ends_with_status_two() {
    let (output, lines) = execprog(PROGRAM, &["-fault_call=1"], &[]);
    assert_eq!(lines[0], "flag provided but not defined: -fault_call");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_stand_in_can_do_and_say_something_after_a_while() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mark = folder.path().join("mark");
    let command = format!("touch {}", mark.display());
    let quick = [("STAND_IN_TICK", "0.01"), ("STAND_IN_AFTER", "20")];
    execprog(PROGRAM, &["-repeat=30"], &[quick[0], quick[1], ("STAND_IN_DO", &command)]);
    assert!(mark.exists());
    let last = "SYZFAIL: failed to recv rpc (errno 104: Connection reset by peer)";
    let (output, lines) = execprog(PROGRAM, &["-repeat=0"], &[quick[0], quick[1], ("STAND_IN_LAST", last)]);
    assert_eq!((lines.last().map(String::as_str), output.status.code()), (Some(last), Some(1)));
}

#[test]
fn busybox_runs_the_stand_in_too() {
    let Some(busybox) = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists()) else {
        assert!(std::env::var_os("CI").is_none(), "no busybox: see tests/all.sh");
        eprintln!("skipped: no busybox here");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("repro.syz");
    fs::write(&path, PROGRAM).expect("a file");
    let output = Command::new(busybox).args(["sh", EXECPROG, "-repeat=1"]).arg(&path).output().expect("busybox");
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success() && text.contains("parsed 1 programs"), "{text}");
}

#[test]
fn the_flags_of_kanalyze_are_flags_of_execprog() {
    use kanalyze::architecture::Architecture;
    use kanalyze::syzbot::repro::{FlagSettings, Program, flags_for};
    let text = PROGRAM.replace("\"procs\":1", "\"procs\":1,\"slowdown\":1,\"wifi\":false");
    let program = Program::parse(text.as_bytes()).expect("a program");
    let settings = FlagSettings {
        arch: Some(Architecture::Amd64),
        executor: Some("/syz-executor".to_owned()),
        machine: Some("qemu".to_owned()),
        ..FlagSettings::default()
    };
    let flags = flags_for(&program, &settings).flags;
    let (output, lines) =
        execprog(&text, &flags.iter().map(String::as_str).collect::<Vec<_>>(), &[("STAND_IN_TICK", "0")]);
    assert!(output.status.success() && message(&lines[0]) == "parsed 1 programs", "{lines:?}");
}
