//! Disks: errors while reading, full ones and read-only ones while writing, logs that are cut or replaced while they are read.

use super::{
    EDQUOT, EIO, ENOSPC, EROFS, Fault, TABLE, contents, ends_with_a_sentence, kanalyze, kernel, large_log, place, told,
    with_fault, with_fault_unnamed,
};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

#[test]
fn a_disk_that_fails_in_the_middle_of_a_file_is_reported_and_nobody_is_calmed() {
    let folder = place();
    let cases: &[&[&str]] = &[
        &["parse", "a.log"],
        &["parse", "--format", "jsonl", "a.log"],
        &["parse", "a.log", "b.log"],
        &["parse", "--grammar", "a.log", "b.log"],
        &["locks", "a.log"],
        &["bisect", "a.log"],
        &["check", "a.log"],
        &["check", "--baseline", "a.log", "b.log"],
        &["diff", "a.log", "b.log"],
        &["diff", "b.log", "a.log"],
        &["page", "a.log"],
        &["page", "a.log", "b.log", "--together"],
        &["table", "--cluster", "a.log", "b.log"],
        &["thread", "--mbox", "a.log"],
        &["note", "a.log"],
        &["corpus", "check", "."],
        &["grammar", "check", "a.log"],
        &["repro", "show", "a.log"],
    ];
    for arguments in cases {
        let output =
            with_fault(folder.path(), arguments, &Fault { kind: "read", path: "a.log", number: EIO, after: 4096 });
        ends_with_a_sentence(arguments, &output, &["Input/output error"]);
        assert!(told(&output).contains("a.log"), "{arguments:?} names the file: {}", told(&output));
        // A note is read by people, to whom it is said.
        let calm = output.status.code() == Some(0) && arguments[0] != "note";
        assert!(!calm, "{arguments:?} ends as if nothing had happened");
    }
}

/// A disk with a fault.
type On = fn(&Path, &[&str], &Fault) -> std::process::Output;

/// Verbs that write a file: what they are given, the path that fails, a file of theirs that may be there before.
pub(super) const WRITERS: [(&[&str], &str); 7] = [
    (&["page", "a.log", "-o", "out.html"], "out.html"),
    (&["check", "a.log", "--write-baseline", "out.toml"], "out.toml"),
    (&["image", "extract", "Image", "-o", "out.bin"], "out.bin"),
    (&["table", "logs", "-o", TABLE], TABLE),
    (&["corpus", "accept", "logs"], ".snap"),
    (&["corpus", "accept", "logs"], "c.snap"),
    (&["bundle", "adopt", "logs"], "bundle.json"),
];

#[test]
fn a_full_disk_leaves_what_was_there_and_nothing_half() {
    for (arguments, path) in WRITERS {
        let refused =
            [("write", ENOSPC, 0), ("write", EDQUOT, 0), ("write", EIO, 20), ("sync", EIO, 0), ("open", EROFS, 0)];
        for ((kind, number, after), on) in
            refused.iter().flat_map(|fault| [(*fault, with_fault as On), (*fault, with_fault_unnamed)])
        {
            let folder = place();
            let before = contents(folder.path());
            let output = on(folder.path(), arguments, &Fault { kind, path, number, after });
            let after = contents(folder.path());
            let words = ["No space left", "quota exceeded", "Input/output error", "Read-only file system"];
            ends_with_a_sentence(arguments, &output, &words);
            assert_eq!(output.status.code(), Some(2), "{arguments:?} {kind}: {}", told(&output));
            let names = |all: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<String> {
                all.iter().map(|(path, _)| path.display().to_string()).collect()
            };
            assert_eq!(names(&before), names(&after), "{arguments:?} {kind}: something half is left");
        }
    }
}

#[test]
fn an_old_file_survives_a_disk_that_is_full() {
    let folder = place();
    let arguments = ["page", "a.log", "-o", "out.html"];
    fs::write(folder.path().join("out.html"), "the old page").expect("a file");
    for (kind, number) in [("write", ENOSPC), ("sync", EIO), ("open", EROFS)] {
        let output = with_fault(folder.path(), &arguments, &Fault { kind, path: "out.html", number, after: 0 });
        assert_eq!(output.status.code(), Some(2), "{}", told(&output));
        assert_eq!(fs::read_to_string(folder.path().join("out.html")).expect("a file"), "the old page", "{kind}");
    }
}

#[test]
fn a_cache_that_cannot_be_written_costs_nothing_but_time() {
    let folder = kernel();
    let arguments = ["symbolize", "-k", "vmlinux", "calls.log"];
    for (kind, number) in [("write", ENOSPC), ("open", EROFS)] {
        let output = with_fault(folder.path(), &arguments, &Fault { kind, path: "/cache", number, after: 0 });
        assert!(contents(&folder.path().join("cache")).is_empty(), "{kind}: a cache was written");
        let plain = kanalyze(folder.path(), &arguments).env("XDG_CACHE_HOME", folder.path().join("other")).output();
        let plain = plain.expect("the program runs");
        let told = told(&output);
        assert_eq!((output.status, output.stdout), (plain.status, plain.stdout), "{kind}: {told}");
        assert!(!contents(&folder.path().join("other")).is_empty(), "there is no cache to fail");
    }
}

#[test]
fn a_limit_on_the_size_of_files_is_reported() {
    let folder = place();
    let script = "ulimit -f 4; exec \"$@\"";
    for (arguments, _) in [WRITERS[0], WRITERS[2]] {
        let mut command = std::process::Command::new("bash");
        command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_kanalyze")]).args(arguments).current_dir(folder.path());
        let output = command.stdin(Stdio::null()).output().expect("bash");
        ends_with_a_sentence(arguments, &output, &["File too large"]);
        assert!(contents(folder.path()).iter().all(|(path, _)| !path.display().to_string().contains("out.")), "a rest");
    }
}

/// Makes a large log that nobody has touched for a minute, so that it is mapped.
fn quiet(path: &Path) -> File {
    fs::write(path, large_log(24 << 20)).expect("a log");
    let file = File::options().write(true).open(path).expect("opens");
    file.set_modified(SystemTime::now() - Duration::from_secs(60)).expect("a time");
    file
}

/// Starts a reader that fills the pipe with its first records and waits there, in the middle of the log; then changes the log.
fn changed_meanwhile(folder: &Path, change: impl FnOnce()) -> (Option<i32>, String, String) {
    let mut child = kanalyze(folder, &["parse", "--format", "jsonl", "-j1", "log"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut records = child.stdout.take().expect("a pipe");
    let mut first = [0];
    records.read_exact(&mut first).expect("a first record");
    change();
    let mut rest = vec![first[0]];
    records.read_to_end(&mut rest).expect("records");
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("text");
    let status = child.wait().expect("it ends");
    (status.code(), String::from_utf8(rest).expect("text"), told)
}

#[test]
fn a_log_that_is_cut_while_it_is_read_gives_what_was_there_and_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = quiet(&folder.path().join("log"));
    let (code, records, told) = changed_meanwhile(folder.path(), || file.set_len(0).expect("a length"));
    assert_eq!(code, Some(1), "what was found stays found: {told}");
    assert!(told.contains("log: was cut while it was read"), "{told}");
    let whole = records.lines().filter(|line| line.ends_with('}')).count();
    assert_eq!(whole, records.lines().count(), "a record is cut");
    assert!(whole > 100, "{whole} records");
}

#[test]
fn a_log_that_is_replaced_while_it_is_read_is_read_to_its_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    drop(quiet(&folder.path().join("log")));
    let (code, records, told) = changed_meanwhile(folder.path(), || {
        fs::write(folder.path().join("new"), "another\n").expect("a file");
        fs::rename(folder.path().join("new"), folder.path().join("log")).expect("a name");
    });
    assert_eq!((code, records.lines().count(), told.as_str()), (Some(1), 3_000, ""));
}

#[test]
fn a_clock_that_goes_back_changes_no_answer() {
    let folder = place();
    for arguments in [
        &["parse", "a.log"][..],
        &["check", "a.log"],
        &["page", "a.log"],
        &["diff", "a.log", "b.log"],
        &["bundle", "adopt", "logs"],
    ] {
        let plain = kanalyze(folder.path(), arguments).output().expect("the program runs");
        let back = with_fault(folder.path(), arguments, &Fault { kind: "clock", path: "", number: 0, after: 0 });
        assert_eq!(back.status, plain.status, "{arguments:?}: {}", told(&back));
        assert_eq!(back.stdout, plain.stdout, "{arguments:?}");
    }
}
