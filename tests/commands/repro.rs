//! `kanalyze repro` on programs of every age.

use super::contract;
use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

const PROGRAM: &str = "# https://syzkaller.appspot.com/bug?id=1\n# See https://goo.gl/kgGztJ for information about syzkaller reproducers.\n#{\"threaded\":true,\"repeat\":true,\"procs\":6,\"slowdown\":1,\"sandbox\":\"none\",\"sandbox_arg\":0,\"tun\":true,\"close_fds\":true}\nr0 = openat$ppp(0xffffffffffffff9c, &(0x7f0000000000), 0x0, 0x0)\nioctl$PPPIOCNEWUNIT(r0, 0xc004743e, &(0x7f0000000040)) (async)\nsync() (fail_nth: 3)\n";

fn repro(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .arg("repro")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kanalyze");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("a reader");
    child.wait_with_output().expect("kanalyze")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_programs_calls_and_options_are_shown() {
    let output = repro(&["show", "-"], PROGRAM);
    insta::assert_snapshot!(out(&output), @r#"
    options: threaded=true repeat=true procs=6 slowdown=1 sandbox="none" sandbox_arg=0 tun=true close_fds=true
    3 calls:
         4  r0 = openat$ppp
         5  ioctl$PPPIOCNEWUNIT (async)
         6  sync (fail_nth: 3)
    "#);
    let output = repro(&["show", "-", "--format", "jsonl"], PROGRAM);
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a record");
    contract::assert_valid(&record);
    assert_eq!(record["schema"], "kanalyze.repro/1");
    assert_eq!((&record["options"]["procs"], &record["calls"][2]["fail_nth"]), (&6.into(), &3.into()));
}

#[test]
fn an_option_is_turned_off_without_touching_the_program() {
    let output = repro(&["edit", "-", "--set", "wifi=false", "--unset", "tun"], PROGRAM);
    assert_eq!(out(&output), PROGRAM.replace("\"tun\":true,\"close_fds\":true}", "\"close_fds\":true,\"wifi\":false}"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("repro.syz");
    fs::write(&path, PROGRAM).expect("a file");
    let name = path.display().to_string();
    assert!(repro(&["edit", &name, "--set", "procs=1", "--in-place"], "").status.success());
    assert_eq!(fs::read_to_string(&path).expect("text"), PROGRAM.replace("\"procs\":6", "\"procs\":1"));
}

#[test]
fn the_flags_say_what_execprog_would_not_read() {
    let output = repro(&["flags", "-", "--arch", "x86_64", "--set", "wifi=false", "--set", "cgroups=false"], PROGRAM);
    assert_eq!(
        out(&output),
        "-arch=amd64 -sandbox=none -procs=6 -repeat=0 -threaded=true -collide=false -disable=cgroups,wifi -optional=slowdown=1:sandbox_arg=0\n"
    );
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("warning: cgroups: syz-execprog cannot turn it off"), "{told}");
    let output = repro(&["flags", "-", "--features", "listed", "--format", "jsonl"], PROGRAM);
    let record: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a record");
    contract::assert_valid(&record);
    assert!(record["flags"].as_array().expect("flags").contains(&"-enable=tun,close_fds".into()), "{record}");
}

#[test]
fn what_is_no_program_ends_with_status_two() {
    for (input, words) in [("<html>", "web page"), ("", "parsed 0 programs"), ("#include <x.h>\n", "a C program")] {
        let output = repro(&["flags", "-"], input);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(words), "{output:?}");
    }
    let output = repro(&["edit", "-", "--set", "wiffi=false"], PROGRAM);
    assert!(String::from_utf8_lossy(&output.stderr).contains("no option \"wiffi\""), "{output:?}");
}
