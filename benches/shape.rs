//! That work grows with its input and no faster: four times as much takes less than eight times as long; a byte of 4 GiB, and one of
//! 100,000 reports, costs what it costs in a small log.
//!
//! A report looks at 128 KiB around it; inside of that reports cost more the more there are, so that there are more here.
//!
//! The large logs are never in memory or on a disk as a whole: they are made while they are read, and what is found in them is counted.
//! `KANALYZE_BENCH_MIB=1,64,4096` and `KANALYZE_BENCH_REPORTS=1,100000` set how large they are.
//!
//! Each case is measured in the processor time of one thread, the best of a few, within one run, so that neither the machine
//! nor its load counts. What is quadratic takes sixteen times as long. `cargo bench --bench shape`; `cargo test --benches` runs
//! it, too.

#[path = "written/sizes.rs"]
mod sizes;
mod written;

use kanalyze::engine::{Engine, Item, Kept, Options, lock_dumps, read_items, read_reports};
use kanalyze::grammar::{Events, Grammar};
use kanalyze::report::clean_title;
use rustix::time::{ClockId, clock_gettime};
use sizes::sizes;
use std::hint::black_box;

/// How many times as long four times the work may take.
const MOST: f64 = 8.0;

fn thread_time() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The least time of a few tries, seconds.
fn best(mut work: impl FnMut()) -> f64 {
    let mut try_once = || {
        let began = thread_time();
        work();
        thread_time() - began
    };
    (0..3).map(|_| try_once()).fold(f64::INFINITY, f64::min)
}

/// Compares the work at two sizes, the second four times the first.
fn grows(name: &str, small: f64, large: f64) -> bool {
    let ratio = large / small.max(1e-6);
    let fine = ratio < MOST;
    let word = if fine { "fine" } else { "too steep" };
    say(format_args!(
        "{name:24} {:9.3} ms, four times as much {:9.3} ms: {ratio:5.2} times, {word}\n",
        small * 1e3,
        large * 1e3
    ));
    fine
}

/// The one place of the benches that prints.
fn say(words: std::fmt::Arguments<'_>) {
    let _ = std::io::Write::write_fmt(&mut std::io::stdout(), words);
}

/// How many times as much a unit of a large log may cost as one of a smaller log.
const DEARER: f64 = 2.0;

/// Compares what a unit costs in logs of so many units, each larger than the one before.
fn level(name: &str, unit: &str, units: &[usize], mut work: impl FnMut(usize)) -> bool {
    let (mut least, mut fine) = (f64::INFINITY, true);
    for count in units {
        // What takes seconds is not a matter of luck.
        let once = |work: &mut dyn FnMut(usize)| {
            let began = thread_time();
            work(*count);
            thread_time() - began
        };
        let first = once(&mut work);
        let spent = if first > 1.0 { first } else { first.min(once(&mut work)).min(once(&mut work)) };
        let each = spent / *count as f64;
        let level = each < least * DEARER;
        let word = if level { "fine" } else { "too dear" };
        say(format_args!("{name:24} {count:>7} {unit}: {:10.1} ms, {:9.2} µs each, {word}\n", spent * 1e3, each * 1e6));
        (least, fine) = (least.min(each), fine && level);
    }
    fine
}

/// Pushes a log of ordinary lines with so many reports, evenly spread, through the engine while it is made; how many were found.
fn streamed(options: Options, bytes: u64, reports: usize) -> usize {
    let block = written::boring(1 << 20);
    let mut engine = Engine::new(options);
    let closed = |items: Vec<Item>| items.iter().filter(|item| matches!(item, Item::Closed(_))).count();
    let (mut found, mut pushed) = (0, 0);
    for number in 0..=reports {
        let until = bytes * (number as u64 + 1) / (reports as u64 + 1);
        while pushed < until {
            // Lines are cut where they happen to be: the next one begins anew.
            let length = block.len().min(usize::try_from(until - pushed).unwrap_or(usize::MAX));
            found += closed(engine.push(&block[..length]));
            pushed += length as u64;
        }
        if number < reports {
            found += closed(engine.push(format!("\n{}", written::report(number)).as_bytes()));
        }
    }
    found + closed(engine.finish().0)
}

/// A case by what it does to a text of so many units.
fn case(name: &str, units: usize, text: impl Fn(usize) -> Vec<u8>, work: impl Fn(&[u8])) -> bool {
    let (small, large) = (text(units), text(units * 4));
    grows(name, best(|| work(black_box(&small))), best(|| work(black_box(&large))))
}

fn main() {
    let one_thread = |name: &str| Options { threads: 1, ..Options::named(name) };
    let parse = |text: &[u8]| {
        black_box(read_items(one_thread("log"), text));
    };
    let all = |text: &[u8]| {
        black_box(read_items(one_thread("log").with_events(), text));
    };
    let fine = [
        case("ordinary lines", 1 << 18, written::boring, parse),
        case("ordinary lines, events", 1 << 18, written::boring, all),
        case("reports", 200, |count| written::reports(count, 5), parse),
        case("one long line", 1 << 18, |length| [b"BUG: KASAN: ".to_vec(), vec![b'x'; length]].concat(), parse),
        case(
            "a long title",
            1 << 14,
            |length| "ab 12 ".repeat(length / 6).into_bytes(),
            |text| {
                black_box(clean_title(text));
            },
        ),
        case("hung tasks", 300, written::hangs, |text| {
            black_box(lock_dumps("log", &read_items(one_thread("log").with_events(), text)));
        }),
        case(
            "kinds of one's own",
            125,
            |count| written::kinds(count).into_bytes(),
            |text| {
                let path = std::env::temp_dir().join(format!("kanalyze-shape-{}.toml", std::process::id()));
                std::fs::write(&path, text).expect("the folder for temporary files can be written");
                let grammar =
                    Grammar::with_files(std::slice::from_ref(&path)).unwrap_or_else(|error| panic!("{error}"));
                std::fs::remove_file(&path).expect("it was written");
                black_box(grammar.scanner(Events::All, true, false));
            },
        ),
        case("a bisection", 100, written::bisection, |text| {
            black_box(kanalyze::bisect::read("log", text, &|bytes| read_reports("log", bytes)));
        }),
    ];
    let (mib, counts) =
        (sizes("KANALYZE_BENCH_MIB", &[1, 16, 256, 4096]), sizes("KANALYZE_BENCH_REPORTS", &[1, 1000, 100_000]));
    let long = [
        level("a long log", "MiB", &mib, |mib| {
            assert_eq!(streamed(one_thread("log"), (mib as u64) << 20, 3), 3);
        }),
        level("a long log, events", "MiB", &mib, |mib| {
            let options = Options { kept: Kept::LOCKS, ..one_thread("log").with_events() };
            assert_eq!(streamed(options, (mib as u64) << 20, 3), 3);
        }),
        level("reports, 4 KiB apart", "reports", &counts, |count| {
            assert_eq!(streamed(one_thread("log"), (count as u64) << 12, count), count);
        }),
    ];
    assert!(fine.iter().chain(&long).all(|fine| *fine), "something grows faster than its input");
}
