//! The live engine without a machine: sockets, growing files, recorded logs, and arguments that make no sense.

use super::{KANALYZE, eventually, read};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A started `kanalyze watch` and its stdout, line by line with the moment of its arrival.
fn watching(arguments: &[&str]) -> (Child, Receiver<(Instant, String)>) {
    let mut child = Command::new(KANALYZE)
        .arg("watch")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kanalyze runs");
    let stdout = child.stdout.take().expect("piped");
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send((Instant::now(), line));
        }
    });
    (child, lines)
}

#[track_caller]
fn next_with(lines: &Receiver<(Instant, String)>, words: &str) -> Instant {
    loop {
        let (at, line) =
            lines.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("no line with {words:?}"));
        if line.contains(words) {
            return at;
        }
    }
}

#[test]
fn a_crash_is_reported_within_fifty_milliseconds_of_its_first_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let socket = folder.path().join("serial");
    let listener = UnixListener::bind(&socket).expect("bound");
    let (mut child, lines) = watching(&[&format!("unix:{}", socket.display()), "--settle", "1s"]);
    let (mut serial, _) = listener.accept().expect("connected");
    let mut delays = Vec::new();
    for round in 0..20 {
        write!(serial, "[  {round}.000000] ordinary line\n[  {round}.100000] BUG: unable to handle page fault for address: ffff88800000{round:04}\r\n").expect("written");
        let written = Instant::now();
        delays.push(next_with(&lines, "opened").saturating_duration_since(written));
    }
    drop(serial);
    assert_eq!(child.wait().expect("waited").code(), Some(1));
    delays.sort();
    eprintln!("opened after {:?} (median), {:?} (worst of 20)", delays[10], delays[19]);
    // One of twenty may meet a machine that does something else.
    assert!(delays[18] < Duration::from_millis(50), "{delays:?}");
}

#[test]
fn watching_a_hundred_lines_a_second_costs_next_to_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("serial.log");
    fs::write(&log, "").expect("written");
    let (mut child, _lines) = watching(&[log.to_str().expect("utf-8")]);
    let mut file = fs::File::options().append(true).open(&log).expect("opened");
    let ticks = |pid: u32| -> u64 {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
        let fields: Vec<&str> = text[text.rfind(')').expect("a name") + 1..].split_whitespace().collect();
        fields[11].parse::<u64>().expect("ticks") + fields[12].parse::<u64>().expect("ticks")
    };
    let (begun, mut before) = (Instant::now(), 0);
    for number in 0..600 {
        if number == 100 {
            // The grammar is loaded now.
            before = ticks(child.id());
        }
        writeln!(
            file,
            "[ {:5}.{:06}] usb 1-1: new high-speed USB device number {number} using dummy_hcd",
            number / 100,
            number % 100 * 10_000
        )
        .expect("written");
        std::thread::sleep(
            (begun + Duration::from_millis(10) * (number + 1)).saturating_duration_since(Instant::now()),
        );
    }
    let used = ticks(child.id()) - before;
    child.kill().expect("killed");
    child.wait().expect("waited");
    // 100 ticks a second; five seconds were measured. The build under test is not optimised.
    eprintln!("{used} ticks of 10 ms in 5 s: {:.1} % of a core", used as f64 / 5.0);
    assert!(used <= 25, "{used} ticks in 5 s");
}

#[test]
fn a_replay_needs_no_machine_and_keeps_what_it_found_when_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = "[    1.000000] Linux version 6.1.0 (x)\n[    5.100000] kernel BUG at mm/slub.c:100!\n\
               [    5.200001] RIP: 0010:kfree+0x1/0x2\n[    5.300000] Call Trace:\n[    5.300001]  vfree+0x1/0x2\n";
    fs::write(folder.path().join("console.log"), log).expect("written");
    let replay = |arguments: &[&str]| {
        let output = Command::new(KANALYZE)
            .args(["run", "--replay", "console.log"])
            .args(arguments)
            .env("PATH", "/nonexistent")
            .current_dir(folder.path())
            .output()
            .expect("kanalyze runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (status, text) = replay(&[]);
    assert_eq!(status, Some(1));
    assert!(text.contains("opened kernel BUG at mm/slub.c:100!") && text.contains("hit kernel BUG in"), "{text}");
    assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1, "nothing is kept unless asked");
    let (status, _) = replay(&["--runs", "kept", "--speed", "50", "--format", "json"]);
    assert_eq!(status, Some(1));
    let run = fs::read_dir(folder.path().join("kept")).expect("made").flatten().next().expect("a run").path();
    assert_eq!(read(&run, "serial.log"), log);
    assert!(read(&run.join("hit-1"), "report.txt").starts_with("[    5.100000] kernel BUG"));
    let (status, _) = replay(&["--hit", "KASAN", "--git-bisect"]);
    assert_eq!(status, Some(125), "another crash than the one sought");
}

#[test]
fn a_reader_that_goes_away_ends_a_watch() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("serial.log");
    fs::write(&log, "[    5.100000] kernel BUG at mm/slub.c:100!\n").expect("written");
    let mut child = Command::new(KANALYZE)
        .args(["watch", "--settle", "500ms"])
        .arg(&log)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kanalyze runs");
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_exact(&mut [0; 1]).expect("it speaks");
    drop(stdout);
    eventually("the end", || child.try_wait().expect("asked"));
}

#[test]
fn what_cannot_be_run_is_reported_in_one_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("kernel"), b"\x7fELF").expect("written");
    for (arguments, status, words) in [
        (vec!["run"], 2, "nothing to boot"),
        (vec!["run", "--kernel", "absent"], 2, "--kernel"),
        (vec!["run", "--kernel", "absent", "--git-bisect"], 125, "--kernel"),
        (vec!["run", "--kernel", "kernel", "--tag", "../x"], 2, "tag"),
        (vec!["run", "--kernel", "kernel", "--max-time", "soon"], 2, "10m"),
        (vec!["run", "--kernel", "kernel", "--qemu", "/nonexistent/qemu", "--accel", "tcg"], 2, "not installed"),
        (vec!["run", "--kernel", "kernel", "--ab"], 2, "--kernel twice"),
        (vec!["run", "--bundle", "."], 2, "no bundle.json"),
        (vec!["run", "--kernel", "local"], 2, "--bundle or --extid"),
        (vec!["run", "--nosuch", "--git-bisect"], 125, "--nosuch"),
        (vec!["watch", "unix:/nonexistent/socket"], 2, "unix:/nonexistent/socket"),
        (vec!["watch", "/nonexistent/log"], 2, "/nonexistent/log"),
        (vec!["runs", "stop", "nosuch"], 2, "no run"),
    ] {
        let output =
            Command::new(KANALYZE).args(&arguments).current_dir(folder.path()).output().expect("kanalyze runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
        assert!(text.contains(words), "{arguments:?}: {text}");
    }
}

#[test]
fn a_dry_run_prints_the_command_line_and_starts_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("kernel"), b"\x7fELF").expect("written");
    let output = Command::new(KANALYZE)
        .args(["run", "--kernel", "kernel", "--accel", "tcg", "--append", "quiet it", "--dry-run", "--exec", "true"])
        .current_dir(folder.path())
        .output()
        .expect("kanalyze runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.starts_with("qemu-system-x86_64 "), "{text}");
    assert!(text.contains("restrict=on") && text.contains("quiet it'"), "{text}");
    assert!(!folder.path().join("runs").exists());
}

#[test]
fn a_syzkaller_of_another_revision_is_reported_before_it_runs() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let bin = folder.path().join("bin");
    let bundle = folder.path().join("ppp");
    for path in [&bin, &bundle] {
        fs::create_dir(path).expect("made");
    }
    for name in ["syz-execprog", "syz-executor"] {
        fs::write(bin.join(name), "\0prog.GitRevision=475a4c203afb475a4c203afb475a4c203afb475a\0").expect("written");
    }
    fs::write(
        bundle.join("repro.syz"),
        "mmap(&(0x7f0000000000/0x1000)=nil, 0x1000, 0x0, 0x0, 0xffffffffffffffff, 0x0)\n",
    )
    .expect("written");
    let kanalyze = |arguments: &[&str]| {
        let output = Command::new(KANALYZE).args(arguments).current_dir(folder.path()).output().expect("kanalyze runs");
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    kanalyze(&["bundle", "adopt", "ppp"]);
    let mut manifest: serde_json::Value = serde_json::from_str(&read(&bundle, "bundle.json")).expect("a manifest");
    let (other, same) = ("1".repeat(40), "475a4c203afb475a4c203afb475a4c203afb475a");
    fs::write(folder.path().join("kernel"), b"\x7fELF").expect("written");
    for (revision, told) in [(other.as_str(), true), (same, false)] {
        manifest["syzkaller_commit"] = revision.into();
        fs::write(bundle.join("bundle.json"), manifest.to_string()).expect("written");
        let words = "is of syzkaller 475a4c203afb";
        let dry = ["run", "--bundle", "ppp", "--kernel", "kernel", "--accel", "tcg", "--syz-bin", "bin", "--dry-run"];
        let text = kanalyze(&dry);
        assert!(text.contains("qemu-system") && text.contains(words) == told, "{text}");
        let text = kanalyze(&["doctor", "ppp", "--syz-bin", "bin"]);
        assert!(text.contains("syz-execprog") && text.contains(words) == told, "{text}");
    }
}
