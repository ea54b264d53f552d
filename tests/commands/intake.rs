//! One road in: every verb names the same line of a log however it came, and nothing that is not a log passes for a clean one.

use super::fed::fed;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const HANG: &str = "[  243.000001][   T31] INFO: task waiter:77 blocked for more than 143 seconds.
[  243.000002][   T31]       Not tainted 6.12.9 #1
[  243.000003][   T31] \"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.
[  243.000004][   T31] task:waiter          state:D stack:28000 pid:77    tgid:77    ppid:1      flags:0x00000004
[  243.000005][   T31] Call Trace:
[  243.000006][   T31]  <TASK>
[  243.000007][   T31]  __schedule+0x1000/0x2000
[  243.000008][   T31]  schedule+0x50/0x100
[  243.000009][   T31]  schedule_preempt_disabled+0x10/0x20
[  243.000010][   T31]  __mutex_lock+0x500/0x900
[  243.000011][   T31]  drive_open+0x20/0x80
[  243.000012][   T31]  chrdev_open+0x100/0x200
[  243.000013][   T31]  do_syscall_64+0x58/0xf0
[  243.000014][   T31]  </TASK>
";

const TITLE: &str = "INFO: task hung in drive_open";

const HEADER: &str = "From: somebody@example.org\nTo: list@example.org\nSubject: it hangs\n\nHello,\n\n";

/// What a verb is given: words of the command line, and bytes on its standard input.
fn kanalyze(arguments: &[&str], folder: &Path, input: Option<&[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kanalyze"));
    command.args(arguments).current_dir(folder);
    match input {
        Some(input) => fed(&mut command, input),
        None => command.stdin(Stdio::null()).output().expect("the program runs"),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

fn records(output: &Output) -> Vec<Value> {
    let shown = text(&output.stdout);
    shown.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON: {line}"))).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    writer.write_all(bytes).expect("memory");
    writer.finish().expect("memory")
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).expect("memory");
    }
    builder.into_inner().expect("memory")
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in members {
        writer.start_file(*name, options).expect("memory");
        writer.write_all(bytes).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

fn utf_16(text: &str, mark: &[u8]) -> Vec<u8> {
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [mark, &units].concat()
}

/// The hang as people hand it over: name, bytes, the line of its header.
fn forms() -> Vec<(&'static str, Vec<u8>, u64)> {
    let plain = format!("one\ntwo\n{HANG}");
    let mail = format!("{HEADER}{HANG}");
    let separator = "From somebody@example.org Thu Jan  1 00:00:00 1970\n";
    let quoted: String = HANG.lines().map(|line| format!("> {line}\n")).collect();
    let link = |host: &str| format!("Mar  3 09:10:11 {host} kernel: [   60.000000] eth0: link is up\n");
    let central = ["alpha", "beta", "alpha", "beta", "alpha"].map(link).concat() + HANG + &link("beta");
    vec![
        ("central.log", central.clone().into_bytes(), 6),
        ("central.log.gz", gzip(central.as_bytes()), 6),
        ("plain.log", plain.clone().into_bytes(), 3),
        ("packed.log.gz", gzip(plain.as_bytes()), 3),
        ("mail.eml", mail.clone().into_bytes(), 7),
        ("list.mbox", format!("{separator}{HEADER}bye\n\n{separator}{mail}").into_bytes(), 17),
        ("quoted.txt", format!("On Tuesday somebody wrote:\n{quoted}Look at that.\n").into_bytes(), 2),
        ("packed.eml.gz", gzip(mail.as_bytes()), 7),
        ("wide.log", utf_16(&plain, b"\xff\xfe"), 3),
        ("unmarked.log", utf_16(&plain, b""), 3),
        ("marked.log", format!("\u{feff}{plain}").into_bytes(), 3),
        ("logs.zip", zip(&[("README", b"nothing"), ("a/plain.log", plain.as_bytes())]), 3),
        ("logs.tar", tar(&[("plain.log", plain.as_bytes()), ("picture.png", b"\x89PNG\r\n\x1a\n\0\0")]), 3),
        ("logs.tar.gz", gzip(&tar(&[("console.gz", &gzip(plain.as_bytes()))])), 3),
    ]
}

/// The lines at which each verb sees the hang in the log called `name`, which comes from a file or through a pipe.
fn told_lines(folder: &Path, name: &str, input: Option<&[u8]>) -> Vec<(&'static str, u64)> {
    let run = |arguments: &[&str]| kanalyze(arguments, folder, input);
    let line = |value: &Value| value.as_u64().unwrap_or_default();
    let mut told = Vec::new();
    let parsed = records(&run(&["parse", "--format", "jsonl", name]));
    assert_eq!(parsed.iter().map(|record| record["title"].as_str()).collect::<Vec<_>>(), [Some(TITLE)], "{name}");
    told.push(("parse", line(&parsed[0]["line"])));
    let shown = text(&run(&["parse", name]).stdout);
    let place = shown.lines().nth(1).and_then(|line| line.split(" · ").next()?.rsplit(':').next()?.trim().parse().ok());
    told.push(("parse, as text", place.unwrap_or_default()));
    told.push(("locks", line(&records(&run(&["locks", "--format", "jsonl", name]))[0]["line"])));
    let checked: Value = serde_json::from_slice(&run(&["check", "--format", "sarif", name]).stdout).expect("SARIF");
    let location = &checked["runs"][0]["results"][0]["locations"][0];
    // An archive has no lines: that of its member stands beside it.
    let region = &location["physicalLocation"]["region"]["startLine"];
    told.push(("check", line(if region.is_null() { &location["properties"]["line"] } else { region })));
    let compared = records(&run(&["diff", "--format", "jsonl", "clean.log", name]));
    let crash = compared[0]["findings"].as_array().expect("findings").iter().find(|one| one["area"] == "crash");
    told.push(("diff", line(&crash.expect("a crash")["place"]["line"])));
    let symbolized = records(&run(&["symbolize", "-k", "System.map", "--format", "jsonl", name]));
    // The first frame is six lines below the header.
    told.push(("symbolize", line(&symbolized[0]["log_line"]) - 6));
    let replayed = records(&run(&["run", "--replay", name, "--format", "jsonl"]));
    let closed = replayed.iter().find(|record| record["happening"] == "closed");
    told.push(("run --replay", line(&closed.expect("a report")["report"]["line"])));
    told
}

#[test]
fn every_verb_names_the_same_line_however_the_log_came() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    written(folder, "clean.log", b"[    1.000000] all is well\n");
    written(
        folder,
        "System.map",
        b"ffffffff81000000 T _text\nffffffff81000100 T drive_open\nffffffff81000200 T chrdev_open\nffffffff81000400 T _end\n",
    );
    for (name, bytes, right) in forms() {
        written(folder, name, &bytes);
        for (way, name, input) in [("file", name, None), ("pipe", "-", Some(&bytes[..]))] {
            let told = told_lines(folder, name, input);
            assert!(told.iter().all(|(_, line)| *line == right), "{name} by {way}: {right} is right: {told:?}");
        }
    }
}

/// A viewer opens the file that it is told: a machine and a member of an archive have none.
#[test]
fn code_hosts_and_editors_are_told_a_file_that_exists() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    for (name, bytes, right) in forms() {
        written(folder, name, &bytes);
        for verb in [&["check", "--format", "sarif", name][..], &["diff", "--format", "sarif", "clean.log", name]] {
            written(folder, "clean.log", b"[    1.000000] all is well\n");
            let shown: Value = serde_json::from_slice(&kanalyze(verb, folder, None).stdout).expect("SARIF");
            let Some(location) = shown["runs"][0]["results"][0]["locations"].get(0) else { continue };
            assert_eq!(location["physicalLocation"]["artifactLocation"]["uri"], name, "{verb:?}");
            let machine = name.starts_with("central");
            let archive = name.starts_with("logs");
            let inside = location["logicalLocations"][0]["fullyQualifiedName"].as_str().unwrap_or_default();
            assert_eq!(inside.starts_with(&format!("{name}/")), machine || archive, "{verb:?}: {inside}");
            let lines = &location["physicalLocation"]["region"]["startLine"];
            assert_eq!(lines.is_null(), archive, "{verb:?}");
        }
        written(folder, name, &bytes);
        let shown = text(&kanalyze(&["check", "--format", "github", name], folder, None).stdout);
        assert!(shown.starts_with(&format!("::error file={name},")), "{shown}");
        let listed = text(&kanalyze(&["check", "--format", "quickfix", name], folder, None).stdout);
        assert!(name.starts_with("logs") || listed.starts_with(&format!("{name}:{right}: ")), "{listed}");
    }
}

#[test]
fn offsets_are_those_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes, _) in forms() {
        if name.contains("gz") || name.starts_with("logs") {
            continue;
        }
        let path = written(folder.path(), name, &bytes);
        let found =
            records(&kanalyze(&["parse", "--format", "jsonl", &path.display().to_string()], folder.path(), None));
        let at = |field: &str| usize::try_from(found[0][field].as_u64().unwrap_or_default()).expect("an offset");
        let line: Vec<u8> = bytes[at("start")..at("end")].iter().copied().filter(|byte| *byte != 0).collect();
        let line = text(&line);
        assert!(line.starts_with("[  243.000001]") && line.trim_end().ends_with("143 seconds."), "{name}: {line:?}");
    }
}

#[test]
fn a_log_whose_newest_line_stands_first_keeps_its_lines_and_offsets() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log: String = HANG.lines().rev().map(|line| format!("{line}\n")).collect();
    for (name, bytes, right) in [("up.log", log.clone().into_bytes(), 14), ("wide.log", utf_16(&log, b"\xff\xfe"), 14)]
    {
        written(folder.path(), name, &bytes);
        let found = records(&kanalyze(&["parse", "--format", "jsonl", name], folder.path(), None));
        let number = |field: &str| found[0][field].as_u64().unwrap_or_default();
        let at = |field: &str| usize::try_from(number(field)).expect("an offset");
        let header: Vec<u8> = bytes[at("start")..at("end")].iter().copied().filter(|byte| *byte != 0).collect();
        assert_eq!(text(&header).trim_end(), HANG.lines().next().unwrap_or_default(), "{name}");
        assert_eq!((found[0]["title"].as_str(), number("line")), (Some(TITLE), right), "{name}");
        assert!(at("text_end") >= at("end"), "{name}");
        // drive_open stands in the eleventh line of the log, fourth in the file.
        let frames = found[0]["stacks"][0]["frames"].as_array().expect("frames");
        let drive = frames.iter().find(|frame| frame["function"] == "drive_open").expect("a frame");
        assert_eq!(drive["log_line"].as_u64(), Some(4), "{name}");
        let shown = text(&kanalyze(&["parse", name], folder.path(), None).stdout);
        assert!(shown.contains("newest lines stand first"), "{shown}");
    }
}

#[test]
fn a_stream_of_utf_16_has_the_lines_and_offsets_of_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let filler: String = (0..20_000).map(|at| format!("[{at:5}.000000] käse is made, 奶酪\n")).collect();
    let log = utf_16(&format!("{filler}{HANG}{filler}"), b"");
    let found = records(&kanalyze(&["parse", "--format", "jsonl"], folder.path(), Some(&log)));
    let start = found[0]["start"].as_u64().expect("an offset");
    assert_eq!(found[0]["line"], 20_001);
    assert_eq!(start, utf_16(&filler, b"").len() as u64);
}

#[test]
fn a_live_pipe_reports_a_crash_before_it_ends() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["parse", "--format", "jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    let filler: String = (300..10_300).map(|at| format!("[{at:5}.000000][    T1] all is well, again\n")).collect();
    stdin.write_all(HANG.as_bytes()).and_then(|()| stdin.write_all(filler.as_bytes())).expect("it reads");
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
    std::io::BufRead::read_line(&mut stdout, &mut line).expect("it answers");
    assert!(line.contains(TITLE), "{line}");
    drop(stdin);
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
}

#[test]
fn a_bisection_gives_one_answer_however_it_came() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (good, bad) = ("1111111111111111111111111111111111111111", "2222222222222222222222222222222222222222");
    let log = format!(
        "git bisect start\n# good: [{good}] one\ngit bisect good {good}\n# bad: [{bad}] two\ngit bisect bad {bad}\n# first bad commit: [{bad}] two\n"
    );
    let quoted: String = log.lines().map(|line| format!("> {line}\n")).collect();
    let forms = [
        ("plain", log.clone().into_bytes()),
        ("gz", gzip(log.as_bytes())),
        ("mail", format!("{HEADER}{log}").into_bytes()),
        ("quoted", quoted.into_bytes()),
        ("utf16", utf_16(&log, b"\xff\xfe")),
        ("zip", zip(&[("bisect.txt", log.as_bytes())])),
    ];
    for (name, bytes) in forms {
        written(folder.path(), name, &bytes);
        for (name, input) in [(name, None), ("-", Some(&bytes[..]))] {
            let output = kanalyze(&["bisect", "--format", "jsonl", name], folder.path(), input);
            assert_eq!(records(&output)[0]["commits"][0], bad, "{name}");
        }
    }
}

/// Everything that is not a log: bytes, and words of the sentence.
fn no_logs() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let core = [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x04\0\x3e\0"[..], &[0; 400]].concat();
    let noise: Vec<u8> = (0..20_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    vec![
        ("empty.log", Vec::new(), "is empty"),
        ("zeros.log", vec![0; 5000], "zeros"),
        ("vmcore", core, "vmcore-dmesg vmcore | kanalyze"),
        ("module.ko", [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\x3e\0"[..], &[0; 99]].concat(), "-k"),
        ("dump", [&b"KDUMP   \x06\0\0\0"[..], &[0; 99]].concat(), "makedumpfile --dump-dmesg"),
        ("paper.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec(), "pdftotext"),
        ("screen.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec(), "picture"),
        ("page.html", b"<!DOCTYPE html>\n<html>\n<p>Kernel panic</p>\n<p>bye</p>\n</html>\n".to_vec(), "curl -L"),
        ("system.journal", b"LPKSHHRH\0\0\0\0".to_vec(), "journalctl --file"),
        ("noise.bin", noise.clone(), "mostly binary"),
        ("packed.gz", gzip(&noise), "mostly binary"),
        ("pictures.zip", zip(&[("a.png", b"\x89PNG\r\n\x1a\n\0\0")]), "no log is among the 1 files"),
        ("pictures.tar.gz", gzip(&tar(&[("a.png", b"\x89PNG\r\n\x1a\n\0\0")])), "no log is among the 1 files"),
        ("walk.txt", b"git bisect start\n# bad: [2222222222222222] two\n".to_vec(), "kanalyze bisect"),
    ]
}

#[test]
fn nothing_that_is_no_log_passes_for_a_clean_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "clean.log", b"[    1.000000] all is well\n");
    for (name, bytes, words) in no_logs() {
        written(folder.path(), name, &bytes);
        let verbs: [&[&str]; 8] = [
            &["parse"],
            &["parse", "--format", "jsonl"],
            &["locks"],
            &["check"],
            &["diff", "clean.log"],
            &["table", "--cluster"],
            &["note"],
            &["run", "--replay"],
        ];
        for verb in verbs {
            for (name, input) in [(name, None), ("-", Some(&bytes[..]))] {
                let output = kanalyze(&[verb, &[name]].concat(), folder.path(), input);
                let told = text(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{verb:?} {name}: {told}");
                assert!(told.contains(words) && told.lines().count() == 1, "{verb:?} {name}: {words}: {told}");
            }
        }
    }
}

#[test]
fn a_damaged_archive_gives_what_could_be_read_and_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let noise: String = (0..40_000_u32).map(|at| format!("{:x}\n", at.wrapping_mul(2_654_435_761))).collect();
    let mut packed = gzip(&tar(&[("a.log", HANG.as_bytes()), ("b.log", noise.as_bytes())]));
    packed.truncate(packed.len() / 2);
    written(folder.path(), "cut.tar.gz", &packed);
    let output = kanalyze(&["parse", "cut.tar.gz"], folder.path(), None);
    let (shown, told) = (text(&output.stdout), text(&output.stderr));
    assert!(shown.starts_with(TITLE) && told.contains("cut.tar.gz"), "{shown}{told}");
    assert_eq!(output.status.code(), Some(2), "{told}");
    let mut broken = zip(&[("a.log", HANG.as_bytes())]);
    broken.truncate(broken.len() - 30);
    written(folder.path(), "cut.zip", &broken);
    let output = kanalyze(&["parse", "cut.zip"], folder.path(), None);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("cut.zip: the archive is damaged"), "{}", text(&output.stderr));
    let bomb = zip(&[("a.log", &vec![b'\n'; 80 << 20])]);
    written(folder.path(), "bomb.zip", &bomb);
    let output = kanalyze(&["parse", "bomb.zip"], folder.path(), None);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("bomb.zip/a.log: refused"), "{}", text(&output.stderr));
}

#[test]
fn a_log_that_ends_too_early_is_no_all_clear() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log: String =
        (0..40_000_u32).map(|at| format!("[{at:5}.000000] {:x}\n", at.wrapping_mul(2_654_435_761))).collect();
    let mut packed = gzip(log.as_bytes());
    packed.truncate(packed.len() / 2);
    written(folder.path(), "cut.log.gz", &packed);
    for verb in ["parse", "locks"] {
        let output = kanalyze(&[verb, "cut.log.gz"], folder.path(), None);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert!(text(&output.stderr).contains("ends too early"), "{}", text(&output.stderr));
    }
}

#[test]
fn a_text_without_the_kernel_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "passwd", b"root:x:0:0:root:/root:/bin/bash\n");
    let output = kanalyze(&["parse", "passwd"], folder.path(), None);
    assert_eq!((output.status.code(), &*text(&output.stdout)), (Some(0), "passwd: no kernel line in it\n"));
    let output = kanalyze(&["parse", "--format", "jsonl", "passwd"], folder.path(), None);
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("no kernel line in it"));
    let output = kanalyze(&["parse", "-q", "passwd"], folder.path(), None);
    assert!(output.stdout.is_empty() && text(&output.stderr).contains("no kernel line in it"));
    for verb in [&["check"][..], &["diff", "passwd"], &["table", "--cluster"], &["run", "--replay"], &["note"]] {
        let output = kanalyze(&[verb, &["passwd"]].concat(), folder.path(), None);
        assert_eq!(output.status.code(), Some(2), "{verb:?} does not pass what is not a log");
        assert!(text(&output.stderr).contains("no kernel line in it"), "{}", text(&output.stderr));
    }
    // Beside a kernel log it is a note that lies there.
    written(folder.path(), "clean.log", b"[    1.000000] all is well\n");
    for verb in [&["check"][..], &["table", "--cluster"]] {
        let output = kanalyze(&[verb, &["passwd", "clean.log"]].concat(), folder.path(), None);
        assert_eq!(output.status.code(), Some(0), "{verb:?}");
    }
    let output = kanalyze(&["table", "--cluster", "clean.log"], folder.path(), None);
    assert!(text(&output.stderr).contains("no crash in what was read"), "{}", text(&output.stderr));
}

#[test]
fn a_line_of_which_locks_makes_nothing_is_the_kernels() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = b"usb 2-1: USB disconnect, device number 4\n";
    written(folder.path(), "usb.log", line);
    written(folder.path(), "bisected.txt", &[&line[..], b"git bisect bad d2ccc5c15263\n"].concat());
    for name in ["usb.log", "bisected.txt"] {
        let told = format!("{name}: no hang and no lock dump in this log\n");
        let output = kanalyze(&["locks", name], folder.path(), None);
        assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), told, "".into()));
        let log = std::fs::read(folder.path().join(name)).expect("it was written");
        let output = kanalyze(&["locks", "-"], folder.path(), Some(&log));
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "".into()), "{name}");
    }
}

#[test]
fn events_that_are_passed_over_are_the_kernels() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "usb.log", b"usb 2-1: USB disconnect, device number 4\n");
    written(folder.path(), "logcat.txt", b"03-07 12:12:41.086     0     0 E kernel  : random: crng init done\n");
    for name in ["usb.log", "logcat.txt"] {
        let output = kanalyze(&["parse", "--format", "jsonl", name], folder.path(), None);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), "".into()), "{name}");
    }
}

#[test]
fn a_log_given_to_bisect_names_the_right_verb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "console.log", HANG.as_bytes());
    written(folder.path(), "passwd", b"root:x:0:0:root:/root:/bin/bash\n");
    written(folder.path(), "repro.syz", b"r0 = socket$inet(0x2, 0x1, 0x0)\n");
    for (name, words) in [
        ("console.log", "kanalyze parse"),
        ("passwd", "no bisection in this text"),
        ("repro.syz", "is a syz program, not a bisection: `kanalyze repro show` reads it"),
    ] {
        let output = kanalyze(&["bisect", name], folder.path(), None);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    }
}

#[test]
fn notable_lines_are_reported_where_there_is_no_crash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = "[    1.000000] Linux version 6.12.9 (x)\n[    9.000000] Out of memory: Killed process 12 (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:1kB oom_score_adj:0\n";
    written(folder.path(), "oom.log", log.as_bytes());
    let shown = text(&kanalyze(&["parse", "oom.log"], folder.path(), None).stdout);
    assert!(shown.contains("no crash; 1 notable line (") && shown.contains("): --all"), "{shown}");
    let shown = text(&kanalyze(&["parse", "--all", "oom.log"], folder.path(), None).stdout);
    assert!(!shown.contains("notable"), "{shown}");
}

#[test]
fn words_without_a_verb_do_what_their_author_meant() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "console.log", HANG.as_bytes());
    let right = kanalyze(&["parse", "console.log"], folder.path(), None);
    assert_eq!(kanalyze(&["console.log"], folder.path(), None).stdout, right.stdout);
    let all = kanalyze(&["--all", "console.log"], folder.path(), None);
    assert_eq!((all.status.code(), text(&all.stdout).starts_with(TITLE)), (Some(1), true));
    let piped = kanalyze(&[], folder.path(), Some(HANG.as_bytes()));
    assert_eq!((piped.status.code(), text(&piped.stdout).starts_with(TITLE)), (Some(1), true));
    let folder_of_logs = kanalyze(&["."], folder.path(), None);
    assert!(text(&folder_of_logs.stdout).starts_with(TITLE));
    for (words, told) in [
        ("nosuch.log", "nosuch.log: no such file"),
        ("https://example.org/log.txt", "curl -L https://example.org/log.txt | kanalyze"),
        ("*.dmesg", "no log is here"),
        ("pasre", "'parse'"),
    ] {
        let output = kanalyze(&[words], folder.path(), None);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(text(&output.stderr).contains(told), "{words}: {}", text(&output.stderr));
    }
}

#[test]
fn a_grammar_that_is_no_good_is_refused_by_every_verb() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    written(folder.path(), "console.log", HANG.as_bytes());
    let grammar = "[[event]]\nid = \"ring\"\ntrigger = \"mydrv: ring\"\npattern = 'mydrv: ring (?P<ring>[a-z]+) stuck'\ntitle = \"ring {ring}\"\nsamples = [{ log = \"[  1.0] mydrv: ring rx gone\", title = \"ring rx\" }]\n";
    written(folder.path(), "bad.toml", grammar.as_bytes());
    let verbs: [&[&str]; 7] = [
        &["parse", "console.log"],
        &["locks", "console.log"],
        &["check", "console.log"],
        &["diff", "console.log", "console.log"],
        &["table", "--cluster", "console.log"],
        &["bisect", "console.log"],
        &["corpus", "check", "."],
    ];
    for verb in verbs {
        let output = kanalyze(&[verb, &["--grammar", "bad.toml"]].concat(), folder.path(), None);
        assert_eq!(output.status.code(), Some(2), "{verb:?}");
        assert!(text(&output.stderr).contains("bad.toml:"), "{verb:?}: {}", text(&output.stderr));
    }
}
