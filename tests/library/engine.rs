//! The engine's promises: chunks, threads, line ends and damage change nothing that they should not change.

use kanalyze::engine::{Engine, Item, Kept, Options, read_items};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// The logs of the corpus.
fn corpus() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus"), &mut found);
    found.sort();
    found.into_iter().map(|(_, text)| text).collect()
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
        other => unreachable!("{other:?}"),
    });
    items
}

fn same(expected: &[Item], got: &[Item], how: &str) {
    assert_eq!(expected.len(), got.len(), "{how}: another number of items");
    for (expected, got) in expected.iter().zip(got) {
        assert_eq!(expected, got, "{how}");
    }
}

#[test]
fn many_threads_give_the_same_reports_in_a_big_log() {
    let mut big = Vec::new();
    let logs = corpus();
    // Three segments, of which each thread takes one.
    while big.len() < 9 << 20 {
        for text in &logs {
            big.extend_from_slice(text);
            if !big.ends_with(b"\n") {
                big.push(b'\n');
            }
        }
    }
    let one = read_items(options(), &big);
    let many = read_items(Options { threads: 4, ..options() }, &big);
    assert!(one.len() > 1_000, "the big log holds reports");
    same(&one, &many, "four threads");
    same(&one, &pushed(&big, &[1 << 20, 77_777]), "pushed");
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
fn a_flood_of_headers_ends_soon() {
    // 4,000 reports in 28 KB: without a bound each would read all of it. How the cost grows is held by `growth`.
    let text = b"BUG: x\n".repeat(4_000);
    let reports = read_items(Options { threads: 0, ..Options::named("flood") }, &text);
    assert_eq!(reports.len(), 4_000);
}

#[test]
fn events_beyond_those_that_are_wanted_are_counted() {
    let severe = "EXT4-fs error (device loop0): ext4_find_entry:1455: inode #2: comm cat: reading directory lblock 0";
    let text: Vec<u8> = (0..3_000)
        .flat_map(|at| {
            let words = if at % 3 == 0 { severe } else { "usb 2-1: device descriptor read/64, error -71" };
            format!("[{:5}.{:06}][   T12] {words}\n", at / 100, at % 100).into_bytes()
        })
        .collect();
    let all = read_items(options(), &text);
    assert_eq!(all.len(), 3_000);
    let is_severe = |item: &&Item| matches!(item, Item::Event(event) if event.severity.is_severe());
    for (kept, threads) in [(5, 1), (5, 4), (1_500, 1)] {
        let options = || Options { kept: Kept { severe: kept, lesser: 3, below: true }, threads, ..options() };
        let wanted: Vec<u64> = {
            let mut wanted: Vec<&Item> = all.iter().filter(is_severe).take(kept).collect();
            wanted.extend(all.iter().filter(|item| !is_severe(item)).take(3));
            let mut starts: Vec<u64> = wanted.into_iter().map(start_of).collect();
            starts.sort_unstable();
            starts
        };
        let mut items = Vec::new();
        let summary = Engine::read(options(), &text, |item| {
            items.push(item);
            Ok::<(), std::convert::Infallible>(())
        });
        let further = summary.map(|summary| summary.further).unwrap_or_default();
        assert_eq!(items.iter().map(start_of).collect::<Vec<_>>(), wanted, "{kept} {threads}");
        assert_eq!(items.len() as u64 + further, 3_000, "{kept} {threads}");
        let mut engine = Engine::new(options());
        let mut pushed: Vec<Item> = text.chunks(777).flat_map(|chunk| engine.push(chunk)).collect();
        let (last, summary) = engine.finish();
        pushed.extend(last);
        assert_eq!((pushed, summary.further), (items, further), "{kept} {threads}");
    }
}

/// Whoever only names events does not pay for their stacks; what the analysis of locks reads is read all the same.
#[test]
fn what_stands_below_countable_events_is_read_for_whoever_asks() {
    let text = "[    6.204518][   T12] sysfs: cannot create duplicate filename '/class/widget/widget0'\n\
        [    6.204519][   T12] Call Trace:\n\
        [    6.204520][   T12]  <TASK>\n\
        [    6.204521][   T12]  widget_register+0x1c/0x40\n\
        [    6.204522][   T12]  </TASK>\n\
        [    7.204518][   T12] 1 lock held by widgetd/12:\n\
        [    7.204519][   T12]  #0: ffff888100000000 (&widget->lock){+.+.}-{4:4}, at: widget_register+0x10/0x40\n";
    let read = |below: bool| {
        read_items(Options { kept: Kept { below, ..Kept::ALL }, ..options() }, text.as_bytes())
            .into_iter()
            .map(|item| match item {
                Item::Event(event) => (event.title, event.stacks.len(), event.held_locks.len()),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let title = |at: usize| read(true)[at].0.clone();
    assert_eq!(read(true), [(title(0), 1, 0), (title(1), 0, 1)]);
    assert_eq!(read(false), [(title(0), 0, 0), (title(1), 0, 1)]);
}

fn start_of(item: &Item) -> u64 {
    match item {
        Item::Opened { start, .. } => *start,
        Item::Closed(report) => report.start,
        Item::Event(event) => event.start,
        _ => panic!("an item that this test does not know"),
    }
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
