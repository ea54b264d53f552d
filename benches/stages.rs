//! How long each stage takes, its answer checked: `cargo bench --bench stages`.
//!
//! `KANALYZE_BENCH_MIB=1,64,4096` sets the sizes of logs, `KANALYZE_BENCH_REPORTS=1,100000` the numbers of reports.

#[path = "written/sizes.rs"]
mod sizes;
mod written;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use kanalyze::engine::{Engine, Item, Options, lock_dumps, read_items, read_reports};
use kanalyze::grammar::{Events, Grammar};
use kanalyze::render::{LogView, Look};
use kanalyze::{bisect, diff, input, line, report};
use sizes::sizes;
use std::io::{Cursor, Read, Write};

fn main() {
    divan::main();
}

fn mib() -> Vec<usize> {
    sizes("KANALYZE_BENCH_MIB", &[1, 16])
}

fn counts() -> Vec<usize> {
    sizes("KANALYZE_BENCH_REPORTS", &[1, 100, 1000])
}

/// The scale of all others: newlines counted.
#[divan::bench(args = mib())]
fn newlines(bencher: Bencher, mib: usize) {
    let text = written::boring(mib << 20);
    bencher.counter(BytesCount::new(text.len())).bench(|| memchr::memchr_iter(b'\n', black_box(&text)).count());
}

#[divan::bench(args = mib())]
fn input_packed(bencher: Bencher, mib: usize) {
    let text = written::boring(mib << 20);
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(&text).expect("memory takes all");
    let packed = packer.finish().expect("memory takes all");
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let opened = input::open_reader(Box::new(Cursor::new(packed.clone())), &input::Source::Stdin);
        let Ok(input::Input::Stream(mut stream)) = opened else { panic!("it is packed") };
        let mut chunk = vec![0; input::CHUNK];
        let mut length = 0;
        loop {
            match stream.read(&mut chunk).expect("it is whole") {
                0 => break,
                read => length += read,
            }
        }
        assert_eq!(length, text.len());
    });
}

#[divan::bench(args = mib())]
fn lines(bencher: Bencher, mib: usize) {
    let text = written::boring(mib << 20);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let stamped = |line: &[u8]| line::lex(line).time.is_some();
        let found = text.split(|byte| *byte == b'\n').filter(|line| stamped(line)).count();
        assert_eq!(found, memchr::memchr_iter(b'\n', &text).count());
    });
}

/// The search for crashes alone, and for events, too.
#[divan::bench(args = mib(), consts = [0, 1])]
fn scan<const EVENTS: usize>(bencher: Bencher, mib: usize) {
    let (text, grammar) = (written::boring(mib << 20), Grammar::built_in());
    let scanner = grammar.scanner(if EVENTS > 0 { Events::All } else { Events::None }, EVENTS > 0, false);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        let found = scanner.scan(&grammar, black_box(&text), 0, text.len());
        assert_eq!(found.is_empty(), EVENTS == 0, "the log has events and no crash");
    });
}

/// The same with five hundred kinds of a user's.
#[divan::bench(args = mib())]
fn scan_with_500_kinds(bencher: Bencher, mib: usize) {
    let (text, grammar) = (written::boring(mib << 20), own_kinds(500));
    let scanner = grammar.scanner(Events::All, true, false);
    bencher.counter(BytesCount::new(text.len())).bench(|| {
        assert!(!scanner.scan(&grammar, black_box(&text), 0, text.len()).is_empty());
    });
}

fn own_kinds(count: usize) -> std::sync::Arc<Grammar> {
    let path = std::env::temp_dir().join(format!("kanalyze-bench-{}-{count}.toml", std::process::id()));
    std::fs::write(&path, written::kinds(count)).expect("the folder for temporary files can be written");
    let grammar = Grammar::with_files(std::slice::from_ref(&path)).unwrap_or_else(|error| panic!("{error}"));
    std::fs::remove_file(&path).expect("it was written");
    grammar
}

/// What `--grammar` costs at the start.
#[divan::bench(args = [1, 500])]
fn grammar_of_ones_own(bencher: Bencher, count: usize) {
    bencher.bench(|| {
        let grammar = own_kinds(count);
        assert!(grammar.scanner(Events::All, false, false).is_packed());
    });
}

#[divan::bench(args = counts())]
fn judge(bencher: Bencher, count: usize) {
    let (text, grammar) = (written::reports(count, 20), Grammar::built_in());
    let scanner = grammar.scanner(Events::All, true, false);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let anchors = scanner.scan(&grammar, black_box(&text), 0, text.len());
        assert_eq!(anchors.iter().filter(|anchor| anchor.header.is_some()).count(), count);
    });
}

/// Scan, reports, titles: all that `--format jsonl` needs.
#[divan::bench(args = counts())]
fn reports(bencher: Bencher, count: usize) {
    let text = written::reports(count, 20);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let found = read_reports("log", black_box(&text));
        assert_eq!(found.len(), count);
        assert!(found.iter().all(|report| report.title == "KASAN: slab-use-after-free Read in widget_ring_take"));
    });
}

/// The same, pushed as a pipe does.
#[divan::bench(args = counts())]
fn reports_pushed(bencher: Bencher, count: usize) {
    let text = written::reports(count, 20);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut engine = Engine::new(Options::named("log"));
        let pushed: usize = text.chunks(64 << 10).map(|chunk| closed(&engine.push(chunk))).sum();
        assert_eq!(pushed + closed(&engine.finish().0), count);
    });
}

fn closed(items: &[Item]) -> usize {
    items.iter().filter(|item| matches!(item, Item::Closed(_))).count()
}

#[divan::bench(args = [80, 100_000])]
fn clean_title(bencher: Bencher, length: usize) {
    let title = format!("WARNING in widget_{} ffff888108591234 12345", "x1 ".repeat(length / 3));
    bencher.counter(BytesCount::new(title.len())).bench(|| report::clean_title(black_box(title.as_bytes())));
}

#[divan::bench(args = [10, 300])]
fn locks(bencher: Bencher, count: usize) {
    let text = written::hangs(count);
    let items = read_items(Options::named("log").with_events(), &text);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let dumps = lock_dumps("log", black_box(&items));
        assert_eq!(dumps.len(), 1, "what is written is one dump");
    });
}

#[divan::bench(args = counts())]
fn compare(bencher: Bencher, count: usize) {
    let run = |between: usize| {
        let text = written::reports(count, between);
        diff::reduce("log", &text, &read_reports("log", &text), &[])
    };
    let group = |name: &str, between| diff::Group { name: name.to_owned(), runs: vec![run(between)] };
    let (a, b) = (group("a", 2), group("b", 3));
    bencher.counter(ItemsCount::new(count)).bench(|| diff::compare(black_box(&a), black_box(&b)));
}

#[divan::bench(args = [10, 1000])]
fn bisection(bencher: Bencher, commits: usize) {
    let text = written::bisection(commits);
    bencher.counter(ItemsCount::new(commits)).bench(|| {
        let found = bisect::read("log", black_box(&text), &|bytes| read_reports("log", bytes));
        assert_eq!(found.iter().map(|one| one.steps.len()).sum::<usize>(), commits);
    });
}

#[divan::bench(args = counts())]
fn render(bencher: Bencher, count: usize) {
    let text = written::reports(count, 2);
    let mut items = Vec::new();
    let options = Options { gaps: true, ..Options::named("log").with_events() };
    let read = Engine::read(options, &text, |item| {
        items.push(item);
        Ok::<(), std::convert::Infallible>(())
    });
    let Ok(summary) = read;
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut view = LogView::default();
        items.iter().cloned().for_each(|item| view.take(item));
        let shown = view.text("log", &summary, false, &Look::default(), &[]);
        assert!(shown.contains("widget_ring_take"));
    });
}
