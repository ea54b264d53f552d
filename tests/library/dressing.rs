//! What stands around a log does not change what is said of it.

use kanalyze::engine::{Item, Options, read_items, read_reports};
use kanalyze::input::Source;
use kanalyze::intake::wholes;
use kanalyze::report::{Report, Speaker};
use std::path::{Path, PathBuf};

/// What must survive of a report; a dressing may take callers away.
#[derive(Debug, PartialEq)]
struct Facts {
    title: String,
    corrupted: bool,
    task: Option<String>,
    cpu: Option<u32>,
    kernel_version: Option<String>,
    taint: Option<String>,
    cause: Option<usize>,
    frames: Vec<Vec<(Option<String>, Option<u64>)>>,
    locks: Vec<Vec<String>>,
}

fn facts(report: &Report) -> Facts {
    Facts {
        title: report.title.clone(),
        corrupted: report.corrupted.is_some(),
        task: report.task.as_ref().map(|task| format!("{}/{}", task.comm, task.pid)),
        cpu: report.cpu,
        kernel_version: report.kernel_version.clone(),
        taint: report.taint.clone(),
        cause: report.cause,
        frames: report
            .stacks
            .iter()
            .map(|stack| stack.frames.iter().map(|frame| (frame.function.clone(), frame.offset)).collect())
            .collect(),
        locks: report
            .held_locks
            .iter()
            .map(|list| list.locks.iter().map(|lock| lock.class.clone()).collect())
            .collect(),
    }
}

fn all(log: &str) -> Vec<Facts> {
    read_reports("log", log.as_bytes()).iter().map(facts).collect()
}

/// A line of a console log with callers: stamp, caller, message.
fn parts(line: &str) -> Option<(&str, &str, &str)> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once("][")?;
    let (caller, message) = rest.split_once("] ").or_else(|| Some((rest.strip_suffix(']')?, "")))?;
    (!caller.contains(' ') || caller.trim_start().len() < caller.len()).then_some((stamp, caller, message))
}

fn lab(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/lab/logs").join(name).with_extension("log");
    String::from_utf8_lossy(&std::fs::read(path).expect("a log of the lab")).replace('\r', "")
}

type Dress = fn(usize, &str, &str) -> String;

/// Dressings of lines with a stamp.
const STAMPED: [(&str, Dress); 19] = [
    ("four blanks", |_, stamp, text| format!("    [{stamp}] {text}")),
    ("quoted by a bar", |_, stamp, text| format!("| [{stamp}] {text}")),
    ("numbers", |at, stamp, text| format!("{:>7}\t[{stamp}] {text}", at + 1)),
    ("grep", |at, stamp, text| format!("boot-3/dmesg:{}:[{stamp}] {text}", at + 1)),
    ("guest", |_, stamp, text| format!("{{node-2}} [{stamp}] {text}")),
    ("container", |_, stamp, text| format!("guest_11 | [{stamp}] {text}")),
    ("vendor", |at, stamp, text| {
        format!("<4>[{stamp}] {}({})[{:>5}:worker/1:2]{text}", ["-", " "][at % 2], at % 4, at)
    }),
    ("second clock", |at, stamp, text| format!("[{stamp}] (cpu{}) [{stamp}] {text}", at % 4)),
    ("runner", |at, stamp, text| {
        format!("Nov  5 10:{:02}:{:02} ci vm-runner[77]: [{stamp}] {text}", at / 60 % 60, at % 60)
    }),
    ("escaped", |_, stamp, text| {
        format!("[{stamp}] {}<br/>", text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
    }),
    ("no-break blanks", |_, stamp, text| format!("[{stamp}]\u{a0}{}", text.replace("  ", "\u{a0} "))),
    ("container json", |_, stamp, text| {
        let text = serde_json::Value::String(format!("[{stamp}] {text}\n"));
        format!("{{\"log\":{text},\"stream\":\"stdout\",\"time\":\"2026-01-27T10:00:00Z\"}}")
    }),
    ("json of a service", |at, stamp, text| {
        let text = serde_json::Value::String(format!("[{stamp}] {text}"));
        format!("{{\"insertId\": \"{at}\", \"payload\": {text}, \"severity\": \"DEFAULT\"}}")
    }),
    ("object in an object", |at, stamp, text| {
        let text = serde_json::Value::String(format!("[{stamp}] {text}"));
        format!("{{\"_index\": \"console\", \"_source\": {{\"offset\": {at}, \"message\": {text}}}}}")
    }),
    ("table", |_, stamp, text| format!("| [{stamp}] {text} |")),
    ("ends made visible", |_, stamp, text| format!("[{stamp}] {text}$")),
    ("cleared to its end", |_, stamp, text| format!("[{stamp}] {text}\u{1b}[K")),
    ("logger", |_, stamp, text| format!("WARNING:serial:[{stamp}] {text}")),
    ("touching", |_, stamp, text| format!("[{}]{text}", stamp.trim_start())),
];

/// Dressings of lines without one.
const BARE: [(&str, Dress); 6] = [
    ("tab", |_, _, text| format!("\t{text}")),
    ("level", |at, _, text| format!("<{}>{text}", at % 7)),
    ("plus", |_, _, text| format!("+{text}")),
    ("journal in Polish", |at, _, text| format!("paź {:02} 10:11:{:02} biurko kernel: {text}", 9, at % 60)),
    ("dmesg -T in Spanish", |at, _, text| format!("[mié may  4 10:{:02}:{:02} 2026] {text}", at / 60 % 60, at % 60)),
    ("log of a cluster", |at, _, text| {
        format!("node-17/kmsg: {} ({}): {text}", ["info", "warning", "err"][at % 3], 1_000_000 + at)
    }),
];

const LOGS: [&str; 6] =
    ["memory_heap_read", "hang_cycle2", "oops_null_read", "order_circle3", "stall_spin", "hang_rwsem_writer"];

/// Where a stamped line has no message, a blank ends it.
fn dressed(log: &str, dress: Dress) -> String {
    let lines = log.lines().filter_map(parts).enumerate();
    lines.map(|(at, (stamp, _, text))| dress(at, stamp, text) + "\n").collect()
}

#[test]
fn a_dressing_is_no_news() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for name in LOGS {
        let log = lab(name);
        let stamped = all(&dressed(&log, |_, stamp, text| format!("[{stamp}] {text}")));
        let bare = all(&dressed(&log, |_, _, text| text.to_owned()));
        assert!(!stamped.is_empty() && !bare.is_empty(), "{name} has a report");
        let forms = STAMPED.iter().map(|form| (form, &stamped)).chain(BARE.iter().map(|form| (form, &bare)));
        for ((form, dress), wanted) in forms {
            tried += 1;
            if all(&dressed(&log, *dress)) != **wanted {
                wrong.push(format!("{name}: {form}"));
            }
        }
    }
    assert_eq!(tried, LOGS.len() * (STAMPED.len() + BARE.len()));
    assert!(wrong.is_empty(), "these change the answer: {wrong:#?}");
}

#[test]
fn every_log_of_the_dressing_family_has_the_same_answer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/dressing");
    let mut logs: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(&root).expect("the family").flatten() {
        let files = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|file| file.path());
        logs.extend(files.filter(|path| path.extension().is_some_and(|ending| ending == "log")));
    }
    assert!(logs.len() > 15);
    for path in logs {
        let name = path.display().to_string();
        let read = wholes(&[Source::Path(path)], &Options::named(""), |found| found.settled().0);
        let found: Vec<Report> = read.into_iter().filter_map(|log| log.found).flatten().collect();
        assert_eq!(found.len(), 1, "{name}: {:?}", found.iter().map(|report| &report.title).collect::<Vec<_>>());
        let circular = name.contains("several-lines");
        let (title, task) = if circular {
            ("possible deadlock in porter_lift", "porter/77")
        } else {
            ("WARNING in lamp_dim", "dimmer/411")
        };
        assert_eq!(found[0].title, title, "{name}");
        assert_eq!(
            found[0].task.as_ref().map(|task| format!("{}/{}", task.comm, task.pid)).as_deref(),
            Some(task),
            "{name}"
        );
        assert_eq!(found[0].kernel_version.as_deref(), Some("6.9.0-lab"), "{name}");
        assert!(found[0].damage.is_empty(), "{name}: {:?}", found[0].damage);
    }
}

#[test]
fn only_the_kernel_is_reported() {
    let read = |path: &str, as_syzbot| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/speakers").join(path);
        let text = std::fs::read(path).expect("a log");
        let items = read_items(Options { as_syzbot, ..Options::named("log").with_events() }, &text);
        let mut reports = Vec::new();
        let mut others = Vec::new();
        for item in items {
            match item {
                Item::Closed(report) => reports.push(report.title),
                Item::Event(event) if event.speaker != Speaker::Kernel => others.push(event.speaker),
                _ => {}
            }
        }
        (reports, others)
    };
    let (reports, others) = read("program/syslog-tags.log", false);
    assert_eq!((reports.len(), others), (0, vec![Speaker::Program; 3]));
    assert_eq!(read("program/syslog-tags.log", true).0.len(), 4, "syzbot opens all of them");
    assert_eq!(read("program/stamped-init-message.log", false), (Vec::new(), vec![Speaker::Program]));
    assert_eq!(read("program/unstamped-among-stamped.log", false), (Vec::new(), vec![Speaker::Program]));
    let (reports, others) = read("firmware/before-a-kernel-that-panics.log", false);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(others, vec![Speaker::Firmware; 2]);
}
