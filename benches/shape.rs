//! That work grows with its input and no faster: four times as much takes less than eight times as long.
//!
//! A report looks at 128 KiB around it; inside of that reports cost more the more there are, so that there are more here.
//!
//! Each case is measured in the processor time of one thread, the best of a few, within one run, so that neither the machine
//! nor its load counts. What is quadratic takes sixteen times as long. `cargo bench --bench shape`; `cargo test --benches` runs
//! it, too.

mod written;

use kanalyze::engine::{Options, lock_dumps, read_items, read_reports};
use kanalyze::grammar::Grammar;
use kanalyze::report::clean_title;
use rustix::time::{ClockId, clock_gettime};
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
    // The one place of the benches that tells.
    let _ = std::io::Write::write_fmt(
        &mut std::io::stdout(),
        format_args!(
            "{name:24} {:9.3} ms, four times as much {:9.3} ms: {ratio:5.2} times, {word}\n",
            small * 1e3,
            large * 1e3
        ),
    );
    fine
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
                black_box(grammar.scanner(true, true, false));
            },
        ),
        case("a bisection", 100, written::bisection, |text| {
            black_box(kanalyze::bisect::read("log", text, &|bytes| read_reports("log", bytes)));
        }),
    ];
    assert!(fine.iter().all(|fine| *fine), "something grows faster than its input");
}
