//! `kanalyze host` on made-up machines: boots, how each ended, what was not read; and on the machine that runs the test.

use super::contract::assert_valid;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::BufRead as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const MACHINE: &str = "0123456789abcdef0123456789abcdef";
/// Seconds since 1970 at which the boots begin: 2026-11-20T10:00:00Z and later.
const STARTS: [u64; 4] = [1_795_168_800, 1_795_170_800, 1_795_171_100, 1_795_176_100];
/// What programs write to the kernel's log is not the kernel's own in the journal.
const JOURNALD: &str = "systemd-journald";

fn host(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .arg("host")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The boots and the sources of the answer.
fn told(output: &Output) -> (Vec<Value>, Vec<Value>) {
    let records: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("JSON: {line}")))
        .collect();
    records.iter().for_each(assert_valid);
    records.into_iter().partition(|record| record["schema"] == "kanalyze.boot/1")
}

fn endings(boots: &[Value]) -> Vec<&str> {
    boots.iter().map(|boot| boot["ending"]["how"].as_str().expect("a word")).collect()
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("it has one")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// Stamped lines of one boot's kernel; the stamps of each boot are its own.
fn kernel_lines(boot: usize) -> Vec<(f64, String)> {
    let late = boot as f64 * 0.000_111;
    vec![
        (0.0, "Linux version 6.12.48 (me@here) #1".to_owned()),
        (0.512_345 + late, "ACPI: Core revision 20240827".to_owned()),
        (1.234_567 + late, "EXT4-fs (vda1): mounted filesystem".to_owned()),
        (2.345_679 + late, "random: crng init done".to_owned()),
    ]
}

fn crash_lines(at: f64) -> Vec<(f64, String)> {
    let lines = [
        "BUG: kernel NULL pointer dereference, address: 0000000000000000",
        "#PF: supervisor write access in kernel mode",
        "Oops: 0002 [#1] PREEMPT SMP",
        "CPU: 0 PID: 99 Comm: insmod Tainted: G           O       6.12.48 #1",
        "RIP: 0010:widget_put+0x1f/0x40 [widget]",
        "Call Trace:",
        " <TASK>",
        " widget_release+0x2c/0x50 [widget]",
        " </TASK>",
        "Kernel panic - not syncing: Fatal exception",
    ];
    lines.iter().enumerate().map(|(number, line)| (at + number as f64 * 1e-6, (*line).to_owned())).collect()
}

fn console(lines: &[(f64, String)]) -> String {
    lines.iter().map(|(time, words)| format!("[{time:12.6}] {words}\n")).collect()
}

/// One entry of the journal: boot, seconds since its start, transport, speaker, words.
type Entry = (usize, f64, &'static str, &'static str, String);

fn journal(with_others: bool) -> Vec<Entry> {
    let mut entries = Vec::new();
    let ends: [&[(f64, &str, &str, &str)]; 4] = [
        &[
            (900.0, "journal", "systemd", "Reached target reboot.target - System Reboot."),
            (901.2, "driver", JOURNALD, "Received SIGTERM from PID 1 (systemd-shutdow)."),
            (901.3, "driver", JOURNALD, "Journal stopped"),
        ],
        &[(60.0, "journal", "systemd", "Started cron.service.")],
        &[
            (
                3.9,
                "driver",
                JOURNALD,
                "File /var/log/journal/0/system.journal corrupted or uncleanly shut down, renaming and replacing.",
            ),
            (400.0, "journal", "systemd-logind", "System is powering down."),
        ],
        &[(30.0, "journal", "systemd", "Started cron.service.")],
    ];
    for (boot, end) in ends.iter().enumerate() {
        entries.extend(kernel_lines(boot).into_iter().map(|(time, words)| (boot, time, "kernel", "kernel", words)));
        let others = end.iter().filter(|_| with_others);
        entries.extend(
            others.map(|(time, transport, speaker, words)| (boot, *time, *transport, *speaker, (*words).to_owned())),
        );
    }
    entries
}

fn fields((boot, time, transport, speaker, words): &Entry) -> Vec<(&'static str, String)> {
    let micros = (time * 1e6).round() as u64;
    let mut fields = vec![
        ("__CURSOR", format!("s={boot};i={micros}")),
        ("__REALTIME_TIMESTAMP", (STARTS[*boot] * 1_000_000 + micros).to_string()),
        ("__MONOTONIC_TIMESTAMP", micros.to_string()),
        ("_BOOT_ID", format!("{:032x}", boot + 0xb007)),
        ("_MACHINE_ID", MACHINE.to_owned()),
        ("_TRANSPORT", (*transport).to_owned()),
        ("SYSLOG_IDENTIFIER", (*speaker).to_owned()),
        ("PRIORITY", "6".to_owned()),
        ("MESSAGE", words.clone()),
    ];
    match *transport {
        "kernel" => fields.push(("_SOURCE_MONOTONIC_TIMESTAMP", micros.to_string())),
        _ if *speaker == "systemd" => fields.push(("_PID", "1".to_owned())),
        _ => {}
    }
    fields
}

fn export(entries: &[Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        for (name, value) in fields(entry) {
            let _ = writeln!(out, "{name}={value}");
        }
        out.push('\n');
    }
    out
}

fn json(entries: &[Entry]) -> String {
    let object = |entry| -> serde_json::Map<String, Value> {
        fields(entry).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect()
    };
    entries.iter().map(|entry| format!("{}\n", Value::from(object(entry)))).collect()
}

#[test]
fn an_exported_journal_says_how_each_boot_ended() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    write(Path::new(&at("export")), &export(&journal(true)));
    write(Path::new(&at("json")), &json(&journal(true)));
    let output = host(&["--journal", &at("export"), "--format", "jsonl"]);
    assert_eq!(output.status.code(), Some(1), "a silent reset is something");
    let (boots, sources) = told(&output);
    assert_eq!(endings(&boots), ["unknown", "shutdown-begun", "silent-reset", "clean"]);
    let clean = &boots[3];
    assert_eq!(
        clean["ending"]["evidence"][0]["text"],
        "systemd-journald: Received SIGTERM from PID 1 (systemd-shutdow)."
    );
    assert_eq!((&clean["ending"]["left"], &clean["first"]), (&"reboot".into(), &"2026-11-20T10:00:00Z".into()));
    let line = clean["ending"]["evidence"][0]["line"].as_u64().expect("a line");
    let exported = export(&journal(true));
    let entry = exported.lines().skip(line as usize - 1).take_while(|line| !line.is_empty());
    assert!(entry.clone().any(|line| line.starts_with("MESSAGE=Received SIGTERM")), "the entry begins there");
    let lines: Vec<&str> = boots[2]["ending"]["evidence"]
        .as_array()
        .expect("lines")
        .iter()
        .filter_map(|line| line["text"].as_str())
        .collect();
    assert_eq!(lines[0], "systemd: Started cron.service.");
    assert!(lines[1].contains("uncleanly shut down"), "{lines:?}");
    assert_eq!(sources[0]["boots"], 4);
    // The same from JSON, besides the lines.
    let without_places = |boots: &[Value]| -> Vec<String> {
        boots
            .iter()
            .map(|boot| format!("{} {} {} {}", boot["boot_id"], boot["first"], boot["last"], boot["ending"]["how"]))
            .collect()
    };
    let (from_json, _) = told(&host(&["--journal", &at("json"), "--format", "jsonl"]));
    assert_eq!(without_places(&from_json), without_places(&boots));
    // Of kernel lines alone nobody knows how a boot ended, but where the next one found traces of it.
    write(Path::new(&at("kernel")), &export(&journal(false)));
    let (boots, _) = told(&host(&["--journal", &at("kernel"), "--format", "jsonl"]));
    assert_eq!(endings(&boots), ["unknown"; 4]);
    let shown = text(&host(&["--journal", &at("kernel")]).stdout);
    assert!(shown.replace("\n  ", " ").contains("a shutdown would not be seen"), "{shown}");
    assert!(!shown.contains("cleanly"), "{shown}");
}

/// Writes entries into the journal below a folder, or adds them to it, by way of an export.
fn journal_file(place: &Path, exported: &Path, entries: &[Entry]) {
    write(exported, &export(entries));
    let made = Command::new("/lib/systemd/systemd-journal-remote")
        .arg("--output")
        .arg(place.join("system.journal"))
        .arg(exported)
        .output()
        .expect("Debian's systemd-journal-remote makes the journal");
    assert!(made.status.success(), "{}", text(&made.stderr));
}

#[test]
fn a_real_journal_is_read_by_journalctl() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join("var/log/journal").join(MACHINE);
    std::fs::create_dir_all(&place).expect("made");
    let exported = folder.path().join("export");
    journal_file(&place, &exported, &journal(true));
    let root = folder.path().display().to_string();
    let output = host(&["--root", &root, "--format", "jsonl"]);
    let (boots, sources) = told(&output);
    assert_eq!(endings(&boots), ["unknown", "shutdown-begun", "silent-reset", "clean"], "{sources:?}");
    assert_eq!(output.status.code(), Some(1));
    let named = host(&["--journal", &place.join("system.journal").display().to_string(), "--brief"]);
    assert!(
        text(&named.stdout)
            .contains("boot -3  2026-11-20 10:00:00 → 10:15:01 UTC · 6.12.48 · shut down cleanly, restarted")
    );
}

#[test]
fn a_journal_that_breaks_off_is_read_in_part() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(&folder.path().join("entries"), &json(&journal(true)));
    // A stand-in, since no journal can be damaged so that the real one fails behind some entries in each of its releases.
    let stand_in = folder.path().join("bin/journalctl");
    write(&stand_in, "#!/bin/sh\ncat entries\necho 'Failed to iterate through journal: Bad message' >&2\nexit 1\n");
    std::fs::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).expect("it may run");
    let path = format!("{}:{}", folder.path().join("bin").display(), std::env::var("PATH").expect("a PATH"));
    let output = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["host", "--journal", ".", "--format", "jsonl"])
        .current_dir(folder.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    let (boots, sources) = told(&output);
    assert_eq!(boots.len(), 4, "what came is shown: {sources:?}");
    assert_eq!(sources[0]["state"], "partly", "{sources:?}");
    assert_eq!(sources[0]["note"], "journalctl: Failed to iterate through journal: Bad message");
}

#[test]
fn a_journal_that_grows_is_watched() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = folder.path().join(MACHINE);
    std::fs::create_dir_all(&place).expect("made");
    let exported = folder.path().join("export");
    let add = |entries: &[Entry]| journal_file(&place, &exported, entries);
    add(&journal(false));
    let mut watcher = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
        .args(["watch", "--stop-on-hit", "--settle", "1s", "--max-time", "60s", "--format", "jsonl"])
        .arg(format!("--journal={}", folder.path().display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut lines = std::io::BufReader::new(watcher.stdout.take().expect("it is piped")).lines();
    let begun = lines.next().expect("it begins").expect("text");
    assert!(begun.contains("\"journal\""), "{begun}");
    add(&crash_lines(99.000_001)
        .into_iter()
        .map(|(time, words)| (3, time, "kernel", "kernel", words))
        .collect::<Vec<_>>());
    let told: Vec<String> = lines.map_while(Result::ok).collect();
    let status = watcher.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{told:#?}");
    assert!(told.iter().any(|line| line.contains("NULL pointer dereference in widget_put")), "{told:#?}");
    let opened: Vec<&String> = told.iter().filter(|line| line.contains("\"happening\":\"opened\"")).collect();
    assert!(!opened.is_empty() && opened.iter().all(|line| !line.contains("_TRANSPORT")), "{told:#?}");
}

/// A root with syslog written an hour east of UTC, a record of pstore of the second boot, a dump of a boot that no log has.
fn root(folder: &Path) {
    let mut logs = [String::new(), String::new()];
    for (boot, start) in STARTS.iter().enumerate() {
        // 2026-11-20 11:00 there.
        let clock = |seconds: u64| {
            let of_day = (start + seconds + 3600) % 86_400;
            format!("Nov 20 {:02}:{:02}:{:02} vm ", of_day / 3600, of_day / 60 % 60, of_day % 60)
        };
        // Of a boot some services are heard before its kernel.
        logs[1] += &format!("{}systemd-modules-load[211]: Inserted module 'loop'\n", clock(2));
        for line in console(&kernel_lines(boot)).lines() {
            logs.iter_mut().for_each(|log| *log += &format!("{}kernel: {line}\n", clock(3)));
        }
        let words = match boot {
            0 => "rsyslogd: exiting on signal 15.\n",
            2 => "systemd[1]: Shutting down.\n",
            _ => "systemd[1]: Started cron.service.\n",
        };
        logs[1] += &format!("{}{words}", clock(50));
    }
    let (kernel_log, syslog) = (folder.join("var/log/kern.log"), folder.join("var/log/syslog"));
    write(&kernel_log, &logs[0]);
    write(&syslog, &logs[1]);
    for (path, written) in [(&kernel_log, 4), (&syslog, 51)] {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(STARTS[3] + written);
        std::fs::File::options().append(true).open(path).and_then(|file| file.set_modified(time)).expect("a time");
    }
    let with_crash = |boot, at| console(&[kernel_lines(boot), crash_lines(at)].concat());
    let record = format!("Panic#1 Part1\n{}", with_crash(1, 55.123_457));
    write(&folder.join("var/lib/systemd/pstore/1795170855/dmesg.txt"), &record);
    write(&folder.join("var/crash/127.0.0.1-2026-10-01-09:00:00/vmcore-dmesg.txt"), &with_crash(7, 77.000_001));
}

#[test]
fn one_boot_in_several_sources_is_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    root(folder.path());
    let root = folder.path().display().to_string();
    let output = host(&["--root", &root, "--format", "jsonl"]);
    let (boots, sources) = told(&output);
    assert_eq!(boots.len(), 5, "{boots:#?}");
    // A syslog knows seconds.
    let of = |first: &str| {
        boots
            .iter()
            .find(|boot| boot["first"].as_str().is_some_and(|at| at.starts_with(first)))
            .unwrap_or_else(|| panic!("{first}: {boots:#?}"))
    };
    let crashed = of("2026-11-20T10:33:");
    assert_eq!(crashed["ending"]["how"], "panic");
    assert_eq!(crashed["crashes"][0]["title"], "BUG: unable to handle kernel NULL pointer dereference in widget_put");
    assert_eq!(crashed["crashes"][0]["count"], 1);
    assert_eq!(crashed["sources"].as_array().map(Vec::len), Some(3), "both logs and pstore");
    assert_eq!(of("2026-11-20T10:38:")["ending"]["how"], "shutdown-begun");
    // rsyslog ends when it is restarted, too: alone it says nothing of the machine.
    assert_eq!(of("2026-11-20T10:00:")["ending"]["how"], "unknown");
    assert!(
        of("2026-11-20T10:38:")["last"].as_str() < Some("2026-11-20T10:40"),
        "the next boot's lines are not its own"
    );
    let dumped = boots.iter().find(|boot| boot["first"].is_null()).expect("the boot of the dump");
    assert_eq!((&dumped["ending"]["how"], dumped["dumped"].is_string()), (&"panic".into(), true));
    let absent: Vec<&str> = sources
        .iter()
        .filter(|source| source["state"] == "absent")
        .filter_map(|source| source["source"].as_str())
        .collect();
    assert!(absent.contains(&"journal"), "{absent:?}");
    let shown = text(&host(&["--root", &root]).stdout);
    assert!(shown.contains("“Kernel panic - not syncing: Fatal exception”"), "{shown}");
}

#[test]
fn what_is_not_read_is_reported_with_its_remedy() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    write(&at("sys/fs/pstore/dmesg-ramoops-0.enc.z"), "packed");
    write(&at("var/crash/202611200900/vmcore"), "KDUMP   ");
    write(&at("etc/kdump.conf"), "# here\npath /srv/dumps\n");
    write(&at("srv/dumps/1/vmcore-dmesg.txt"), &console(&kernel_lines(1)));
    let root = folder.path().display().to_string();
    let output = host(&["--root", &root]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    for words in
        ["makedumpfile --dump-dmesg", "(*.enc.z) are still packed", "was saved by the kernel that starts after a crash"]
    {
        assert!(shown.replace("\n  ", " ").contains(words), "{words}: {shown}");
    }
    write(&at("notes"), "no journal\n");
    let output = host(&["--journal", &at("notes").display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stdout).contains("not a journal"), "{}", text(&output.stdout));
    let output = host(&["--root", &at("nowhere").display().to_string()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not a folder; name the one where the machine's / is mounted"));
}

#[test]
fn terminals_obey_nothing_that_a_journal_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("json");
    let mut entries = journal(true);
    for entry in &mut entries {
        entry.4.push_str("\u{1b}]0;evil\u{7}");
    }
    write(&path, &json(&entries));
    let shown = host(&["--journal", &path.display().to_string(), "-v"]).stdout;
    assert!(!shown.contains(&0x1b) && !shown.contains(&7), "{}", text(&shown));
}

#[test]
fn the_machine_that_runs_is_reported() {
    let output = host(&["--format", "jsonl"]);
    let (boots, sources) = told(&output);
    assert!(sources.iter().any(|source| source["source"] == "/dev/kmsg"));
    if let Some(boot) = boots.iter().find(|boot| boot["ending"]["how"] == "running") {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("Linux has it").replace('-', "");
        assert_eq!(boot["boot_id"], id.trim());
    }
    let unread = sources.iter().any(|source| source["state"] == "unreadable");
    assert!(boots.is_empty() == (output.status.code() == Some(2)) || unread, "{boots:?} {sources:?}");
}
