//! The engine's promises: chunks, threads, line ends and damage change nothing that they should not change.

use kanalyze::engine::{Engine, Item, Options, read_items};
use kanalyze::report::Report;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Logs of the project's own corpus, and of the shared one where it is.
fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    collect(&root.join("corpus"), &mut found);
    let shared = std::env::var_os("KANALYZE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let goldens = shared.join("corpora/goldens/logs");
    if goldens.is_dir() {
        collect(&goldens, &mut found);
    } else {
        eprintln!("skipped: {} is not here, so only the project's own logs are read", goldens.display());
    }
    found.sort();
    assert!(!found.is_empty(), "corpus/ holds logs");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder of logs").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            let text = std::fs::read(&path).expect("a log can be read");
            found.push((path, text));
        }
    }
}

fn options() -> Options {
    Options { events: true, gaps: true, ..Options::named("log") }
}

/// The items of a log that comes in chunks of the given sizes, over and over.
fn pushed(text: &[u8], sizes: &[usize]) -> Vec<Item> {
    let mut engine = Engine::new(options());
    let mut items = Vec::new();
    let mut rest = text;
    for size in sizes.iter().cycle() {
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        items.extend(engine.push(chunk));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    items.extend(engine.finish().0);
    items
}

/// Items in an order that does not depend on when they were finished.
fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| match item {
        Item::Opened { start, .. } => (*start, 0, 0),
        Item::Closed(report) => (report.start, 1, report.index),
        Item::Event(event) => (event.start, 2, event.index),
    });
    items
}

fn same(path: &Path, expected: &[Item], got: &[Item], how: &str) {
    assert_eq!(expected.len(), got.len(), "{}: {how}: another number of items", path.display());
    for (expected, got) in expected.iter().zip(got) {
        assert_eq!(expected, got, "{}: {how}", path.display());
    }
}

#[test]
fn chunks_of_any_size_give_the_same_reports() {
    for (path, text) in corpus() {
        let whole = sorted(read_items(options(), &text));
        for sizes in [&[4096][..], &[1, 7, 300, 65_536], &[50_021]] {
            same(&path, &whole, &sorted(pushed(&text, sizes)), "pushed in chunks");
        }
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_reports() {
    for (path, text) in corpus().into_iter().filter(|(_, text)| text.len() < 6_000) {
        let whole = sorted(read_items(options(), &text));
        same(&path, &whole, &sorted(pushed(&text, &[1])), "pushed bytewise");
    }
}

#[test]
fn many_threads_give_the_same_reports_in_a_big_log() {
    let mut big = Vec::new();
    let logs = corpus();
    while big.len() < 12 << 20 {
        for (_, text) in &logs {
            big.extend_from_slice(text);
            if !big.ends_with(b"\n") {
                big.push(b'\n');
            }
        }
    }
    let one = read_items(options(), &big);
    let many = read_items(Options { threads: 4, ..options() }, &big);
    assert!(one.len() > 1_000, "the big log holds reports");
    same(Path::new("big"), &one, &many, "four threads");
    same(Path::new("big"), &one, &pushed(&big, &[1 << 20, 77_777]), "pushed");
}

#[test]
fn line_ends_with_carriage_returns_change_only_offsets() {
    for (path, text) in corpus() {
        let bare: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\r').collect();
        let mut returned = Vec::with_capacity(bare.len() + 1024);
        for byte in &bare {
            if *byte == b'\n' {
                returned.push(b'\r');
            }
            returned.push(*byte);
        }
        let plain = |items: Vec<Item>| -> Vec<Report> {
            let reports =
                items.into_iter().filter_map(|item| if let Item::Closed(report) = item { Some(*report) } else { None });
            reports.map(|report| Report { start: 0, end: 0, text_end: 0, ..report }).collect()
        };
        let expected = plain(read_items(options(), &bare));
        assert_eq!(expected, plain(read_items(options(), &returned)), "{}", path.display());
    }
}

#[test]
fn an_announced_report_is_closed_with_the_same_start() {
    for (path, text) in corpus() {
        let items = read_items(Options { opened: true, ..options() }, &text);
        let opened: Vec<u64> = items
            .iter()
            .filter_map(|item| if let Item::Opened { start, .. } = item { Some(*start) } else { None })
            .collect();
        let closed: Vec<u64> = items
            .iter()
            // What may turn out to introduce another report is announced only by that one, and a line that another
            // program passes on is the kernel's only by what stands below it.
            .filter_map(|item| match item {
                Item::Closed(report) if report.syzbot && !is_tagged(&text, report.start) => Some(report.start),
                _ => None,
            })
            .collect();
        assert!(closed.iter().all(|start| opened.contains(start)), "{}: {opened:?} {closed:?}", path.display());
    }
}

/// Whether the line at an offset has the syslog tag of a program.
fn is_tagged(text: &[u8], start: u64) -> bool {
    let rest = &text[usize::try_from(start).expect("an offset in memory")..];
    kanalyze::line::lex(rest.split(|byte| *byte == b'\n').next().unwrap_or_default()).is_foreign()
}

#[test]
fn what_is_flushed_stays_closed() {
    let text = b"[    1.0][    T1] BUG: KASAN: use-after-free in do_it+0x1/0x2\n[    1.0][    T1] Read of size 8 at addr ffff888012345678 by task a/1\n";
    let mut engine = Engine::new(options());
    assert!(engine.push(text).is_empty(), "the window is not over yet");
    let flushed = engine.flush();
    assert_eq!(flushed.len(), 1);
    assert!(engine.flush().is_empty());
    let more = engine.push(b"[    2.0][    T1] all is well\n");
    assert!(more.is_empty());
    assert!(engine.finish().0.is_empty());
}

#[test]
fn reports_are_numbered_and_in_order() {
    for (path, text) in corpus() {
        let reports: Vec<Report> = read_items(Options::named("log"), &text)
            .into_iter()
            .filter_map(|item| if let Item::Closed(report) = item { Some(*report) } else { None })
            .collect();
        for (number, report) in reports.iter().enumerate() {
            assert_eq!(report.index, number, "{}", path.display());
            assert!(report.start <= report.end, "{}", path.display());
            assert!(report.end as usize <= text.len(), "{}", path.display());
            assert!(
                report.cause.is_none_or(|cause| cause < number && reports[cause].cause.is_none()),
                "{}",
                path.display()
            );
            assert!(report.corrupted.as_deref() != Some(""), "{}", path.display());
            let line = 1 + text[..report.start as usize].iter().filter(|byte| **byte == b'\n').count() as u64;
            assert_eq!(report.line, line, "{}", path.display());
        }
        assert!(reports.windows(2).all(|pair| pair[0].start < pair[1].start), "{}", path.display());
    }
}

#[test]
fn a_flood_of_headers_ends_soon() {
    // 20,000 reports in 120 KB: without a bound each would read 256 KiB.
    let text = b"BUG: x\n".repeat(20_000);
    let reports = read_items(Options { threads: 0, ..Options::named("flood") }, &text);
    assert_eq!(reports.len(), 20_000);
}

/// Pieces that reports are made of, so that random logs reach deep into the rules.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "BUG: KASAN: use-after-free in do_it+0x1/0x2\n",
        "Read of size 8 at addr ffff888012345678 by task a/1\n",
        "Call Trace:\n",
        " do_it+0x1/0x20 [mod]\n",
        " ? dont+0x1/0x20\n",
        "[    1.500000][    T7] ",
        "[    1.500000] ",
        "<4>[ 2.0][ C1] ",
        "\r\n",
        "WARNING: possible circular locking dependency detected\n",
        "is trying to acquire lock:\n",
        "ffff8880 (&x->lock){+.+.}-{3:3}, at: do_it+0x1/0x2\n",
        "INFO: task a:1 blocked for more than 143 seconds.\n",
        "RIP: 0010:do_it+0x1/0x2\n",
        "Kernel panic - not syncing: no\n",
        "2 locks held by a/1:\n",
        " #0: ffff8880 (&x){+.+.}-{4:4}, at: do_it+0x1/0x2\n",
        "** replaying previous printk message **\n",
        "Linux version 6.12.0 (x) #1\n",
        "-> #1 (&x){+.+.}-{3:3}:\n",
        "        CPU0                    CPU1\n",
        "> quoted\n",
        "Nov 21 07:55:11 host kernel: ",
        "{\"msg\": \"BUG: x",
        "\u{1b}[31m",
        " do_it net/x.c:12 [inline]\n",
        "backtrace (crc 0):\n",
        "Modules linked in: a b\n",
        "Code: 00 <0f> 0b\n",
        "** 12 printk messages dropped ** ",
    ]);
    prop_oneof![4 => known.prop_map(|text| text.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_the_same_whole_or_in_chunks(pieces in prop::collection::vec(piece(), 0..120), size in 1_usize..2_000) {
        let text = pieces.concat();
        let whole = sorted(read_items(options(), &text));
        prop_assert_eq!(whole, sorted(pushed(&text, &[size])));
    }
}
