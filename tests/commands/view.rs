//! What a person reads of a log: snapshots of the text views, of logs of the lab and of some written here.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A disk that fails, the panic that it leads to, and what others wrote.
const SEVERAL: &str = "\
U-Boot 2023.01
[    0.000000] Linux version 6.12.9 (builder@host) #1 SMP
[    1.000000] pci 0000:00:1f.0: probed
[   20.100000] WARNING: CPU: 1 PID: 77 at drivers/widget/core.c:310 widget_probe+0x21/0x90
[   20.100100] CPU: 1 UID: 0 PID: 77 Comm: modprobe Not tainted 6.12.9 #1
[   20.100150] Hardware name: ACME Board, BIOS 1.0 01/01/2024
[   20.100200] RIP: 0010:widget_probe+0x21/0x90
[   20.100300] Call Trace:
[   20.100400]  <TASK>
[   20.100500]  really_probe+0x101/0x390
[   20.100600]  __driver_attach+0xd2/0x1c0
[   20.100700]  do_syscall_64+0x58/0xf0
[   20.100750]  entry_SYSCALL_64_after_hwframe+0x76/0x7e
[   20.100800]  </TASK>
[   20.100900] ---[ end trace 0000000000000000 ]---
[   31.000000] md/raid1:md0: Disk failure on vdb1, disabling device.
[   31.500000] I/O error, dev vda, sector 2048 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2
[   31.500100] I/O error, dev vda, sector 2056 op 0x1:(WRITE) flags 0x800 phys_seg 1 prio class 2
[   32.000000] BUG: kernel NULL pointer dereference, address: 0000000000000010
[   32.000100] #PF: supervisor read access in kernel mode
[   32.000200] #PF: error_code(0x0000) - not-present page
[   32.000300] Oops: Oops: 0000 [#1] PREEMPT SMP
[   32.000400] CPU: 0 UID: 0 PID: 88 Comm: flush Tainted: G        W          6.12.9 #1
[   32.000450] Hardware name: ACME Board, BIOS 1.0 01/01/2024
[   32.000500] RIP: 0010:widget_flush+0x14/0x40
[   32.000600] Call Trace:
[   32.000700]  <TASK>
[   32.000800]  widget_write+0x44/0x80
[   32.000900]  vfs_write+0x233/0x1220
[   32.001000]  ksys_write+0x70/0xf0
[   32.001100]  do_syscall_64+0x58/0xf0
[   32.001150]  entry_SYSCALL_64_after_hwframe+0x76/0x7e
[   32.001200]  </TASK>
[   32.001300] ---[ end trace 0000000000000000 ]---
[   32.100000] Kernel panic - not syncing: Fatal exception
[   32.100100] ---[ end Kernel panic - not syncing: Fatal exception ]---
";

/// Runs the program in a folder.
fn kanalyze(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).output().expect("the program runs")
}

/// What it writes.
fn shown(folder: &Path, arguments: &[&str]) -> String {
    String::from_utf8(kanalyze(folder, arguments).stdout).expect("it writes UTF-8")
}

/// The logs of the lab.
fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lab/logs")
}

/// A folder with one log in it, `x.log`.
fn folder(log: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("x.log"), log).expect("it can be written");
    folder
}

#[test]
fn a_hang_is_one_block_and_a_second_dump_of_the_same_one_line() {
    insta::assert_snapshot!("hang", shown(&lab(), &["parse", "hang_chain.log"]));
}

/// A mail quotes the mail that it answers: what happened once is told once, and where its lines stand again.
#[test]
fn what_is_quoted_below_happened_once() {
    let hang = std::fs::read_to_string(lab().join("hang_chain.log")).expect("a log of the lab");
    let quoted = |text: &str| text.lines().map(|line| format!("> {line}\n")).collect::<String>();
    // A kernel's first lines would begin another boot.
    let (_, several) = SEVERAL.split_once("probed\n").expect("a line of it");
    for log in [hang.as_str(), several] {
        let mail = format!("From: a@b.c\nSubject: it again\n\n{log}\nSomebody wrote:\n{}", quoted(log));
        let (once, twice) = (folder(log), folder(&mail));
        let told = shown(twice.path(), &["parse", "x.log"]);
        assert!(told.contains("the same lines, copied: :"), "{told}");
        let count = |text: &str| text.lines().find(|line| line.starts_with("x.log: ")).map(str::to_owned);
        assert_eq!(count(&told), count(&shown(once.path(), &["parse", "x.log"])));
        let dumps = |folder: &Path| shown(folder, &["locks", "--format", "jsonl", "x.log"]).lines().count();
        assert_eq!(dumps(twice.path()), dumps(once.path()));
    }
}

#[test]
fn a_cycle_comes_first() {
    insta::assert_snapshot!("cycle", shown(&lab(), &["parse", "hang_cycle2.log"]));
}

#[test]
fn lockdep_comes_down_to_what_takes_locks() {
    insta::assert_snapshot!("lockdep", shown(&lab(), &["parse", "hang_cycle2_lockdep.log"]));
}

#[test]
fn a_sanitizer_is_quoted_in_its_own_words() {
    insta::assert_snapshot!("sanitizer", shown(&lab(), &["parse", "memory_heap_read.log"]));
}

#[test]
fn nothing_found_is_one_line() {
    insta::assert_snapshot!("nothing", shown(&lab(), &["parse", "clean.log"]));
}

#[test]
fn several_titles_have_an_overview_and_what_came_before() {
    let folder = folder(SEVERAL);
    insta::assert_snapshot!("several", shown(folder.path(), &["parse", "x.log"]));
    insta::assert_snapshot!("brief", shown(folder.path(), &["parse", "--brief", "x.log"]));
    insta::assert_snapshot!("full", shown(folder.path(), &["parse", "--full", "x.log"]));
}

#[test]
fn locks_are_reported_in_brief_too() {
    insta::assert_snapshot!("locks-brief", shown(&lab(), &["locks", "--brief", "hang_chain.log", "hang_cycle2.log"]));
}

#[test]
fn a_pipe_gets_every_title_and_place_whole() {
    let long = "widget_with_a_very_long_name_".repeat(2);
    let log =
        SEVERAL.replace("widget_flush", &long).replace("really_probe", "another_very_long_function_name_that_probes");
    let folder = folder(&log);
    let rows = shown(folder.path(), &["parse", "--brief", "x.log"]);
    assert!(rows.lines().any(|line| line.ends_with(&format!("dereference in {long}"))), "{rows}");
    let usual = shown(folder.path(), &["parse", "x.log"]);
    assert!(!usual.contains("…") || usual.contains("… "), "frames are folded, never cut: {usual}");
    assert!(usual.contains(&long) && usual.contains("drivers/widget/core.c:310"), "{usual}");
}

#[test]
fn quiet_answers_with_the_status_alone() {
    for arguments in [&["parse", "-q", "hang_chain.log"][..], &["locks", "--quiet", "hang_chain.log"]] {
        let output = kanalyze(&lab(), arguments);
        assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(1), 0, 0), "{arguments:?}");
    }
    let same = kanalyze(&lab(), &["diff", "-q", "clean.log", "clean.log"]);
    assert_eq!((same.status.code(), same.stdout.len()), (Some(0), 0));
    let check = kanalyze(&lab(), &["check", "-q", "hang_chain.log"]);
    assert_eq!((check.status.code(), check.stdout.len()), (Some(1), 0));
}
