//! Nothing is allocated for a line that starts nothing, and what a long list of locks takes is bounded for each of them.

use kanalyze::engine::{Engine, Kept, Options, gather_locks, read_items};
use kanalyze::grammar::{Events, Grammar, Scanner};
use kanalyze::locks::{Gathered, dumps_of};
use kanalyze::render::LogView;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

thread_local! {
    /// Allocations of this thread: the other tests run beside this one.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Bytes that this thread has ever allocated.
    static BYTES: Cell<usize> = const { Cell::new(0) };
    /// Bytes that this thread holds, and the most that it held.
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// What the work gives, the bytes that stay allocated for it, and the most that were while it went on.
pub(crate) fn memory<T>(work: impl FnOnce() -> T) -> (T, isize, isize) {
    let before = HELD.get();
    MOST.set(before);
    let done = work();
    (done, HELD.get() - before, MOST.get() - before)
}

/// How often the work allocates in this thread, and how many bytes in all, copies of what grows included.
pub(crate) fn allocated(work: impl FnOnce()) -> (usize, usize) {
    let (count, bytes) = (ALLOCATIONS.get(), BYTES.get());
    work();
    (ALLOCATIONS.get() - count, BYTES.get() - bytes)
}

fn hold(bytes: isize) {
    // Where a thread ends there is nothing to count for any longer.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
    let _ = HELD.try_with(|held| MOST.try_with(|most| most.set(most.get().max(held.get()))));
}

/// The system's allocator, counting.
struct Counting;

#[expect(unsafe_code, reason = "only an allocator can count allocations; every call is handed on as it is")]
// SAFETY: both calls are the system allocator's own, with the caller's arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        BYTES.with(|bytes| bytes.set(bytes.get() + layout.size()));
        hold(layout.size().cast_signed());
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-layout.size().cast_signed());
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Lines that begin nothing.
fn lines(count: usize) -> Vec<u8> {
    let words = [
        "usb 1-1: New USB device found, idVendor=1d6b, idProduct=0002, bcdDevice= 6.01",
        "ACPI: PCI Root Bridge [PCI0] (domain 0000 [bus 00-ff])",
        "e1000e: eth0 NIC Link is Up 1000 Mbps Full Duplex, Flow Control: Rx/Tx",
        "pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]",
        "loop0: detected capacity change from 0 to 32768",
        // Texts for which events are looked for, in lines that are none.
        "mydrv 0000:00:03.0: no error: 0x00000000, timeout, usb off, reset done",
        "mydrv: attempt to not fail, event: none ... done",
    ];
    (0..count)
        .flat_map(|at| format!("[{:5}.{:06}][ T{at}] {}\n", at / 100, at % 1000, words[at % words.len()]).into_bytes())
        .collect()
}

#[test]
fn a_line_that_starts_nothing_costs_no_allocation() {
    let grammar = Grammar::built_in();
    let (few, many) = (lines(5_000), lines(50_000));
    for which in 0..4 * Events::ALL.len() {
        let events = Events::ALL[which / 4];
        let scanner = Scanner::new(&grammar, events, which & 1 != 0, which & 2 != 0);
        let count = |text: &[u8]| {
            let before = ALLOCATIONS.get();
            let anchors = scanner.scan(&grammar, text, 0, text.len());
            assert!(anchors.is_empty(), "{anchors:?}");
            ALLOCATIONS.get() - before
        };
        count(&few);
        assert_eq!(count(&few), count(&many), "search {which}");
    }
}

/// What the verbs ask of the engine.
fn asked() -> [(&'static str, Options); 4] {
    let named = || Options::named("log");
    [
        ("jsonl", named()),
        ("text", Options { gaps: true, kept: LogView::kept(false), ..named().with_events() }),
        ("text with events", Options { gaps: true, kept: LogView::kept(true), ..named().with_events() }),
        ("locks", Options { kept: Kept::LOCKS, ..named().with_events() }),
    ]
}

#[test]
fn a_stream_of_lines_that_start_nothing_allocates_nothing() {
    // Chunks as pipes give them: they end in the middle of lines.
    let (warm, text) = (lines(20_000), lines(50_000));
    for (verb, options) in asked() {
        let mut engine = Engine::new(options);
        for chunk in warm.chunks(60_000) {
            assert!(engine.push(chunk).is_empty(), "{verb}");
        }
        let before = ALLOCATIONS.get();
        for chunk in text.chunks(60_000) {
            assert!(engine.push(chunk).is_empty(), "{verb}");
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{verb}");
        let (items, summary) = engine.finish();
        assert_eq!((items.len(), summary.bytes), (0, (warm.len() + text.len()) as u64), "{verb}");
    }
}

/// A dump in which each of so many tasks lists one lock, or two and waits for the next task in a circle.
fn listed(count: usize, circle: bool) -> String {
    let mut out = String::new();
    for pid in (1..=count).take_while(|pid| circle || *pid == 1) {
        let next = pid % count + 1;
        let _ = write!(
            out,
            "[  143.000000] INFO: task t{pid}:{pid} blocked for more than 143 seconds.\n[  143.000000] task:t{pid} state:D stack:0 \
             pid:{pid} tgid:{pid} ppid:2 flags:0x00004000\n[  143.000000] Call Trace:\n[  143.000000]  <TASK>\n\
             [  143.000000]  __schedule+0x1/0x2\n[  143.000000]  __mutex_lock+0x1/0x2\n[  143.000000]  widget_get+0x1/0x2\n\
             [  143.000000]  </TASK>\n[  143.000000] INFO: task t{pid}:{pid} is blocked on a mutex likely owned by task \
             t{next}:{next}.\n"
        );
    }
    out += "[  143.000000] Showing all locks held in the system:\n";
    for pid in 1..=count {
        let _ = writeln!(out, "[  143.000000] {} locks held by t{pid}/{pid}:", 1 + usize::from(circle));
        for (at, lock) in [pid, pid % count + 1].iter().take(1 + usize::from(circle)).enumerate() {
            let _ = writeln!(
                out,
                "[  143.000000]  #{at}: ffff8880{lock:08x} (&widget->lock){{+.+.}}-{{4:4}}, at: widget_get+0x1/0x2"
            );
        }
    }
    out
}

#[test]
fn a_listed_lock_takes_a_few_hundred_bytes_until_the_end_of_its_log() {
    for (circle, kept, most) in [(false, KEPT, MOST_KEPT), (true, KEPT_IN_CIRCLE, MOST_IN_CIRCLE)] {
        let measured = [1_000, 2_000].map(|count| {
            let options = Options { threads: 1, ..Options::named("log") }.with_events();
            let items = read_items(options, listed(count, circle).as_bytes());
            let gather = || {
                let mut gathered = Gathered::default();
                items.iter().for_each(|item| gather_locks(&mut gathered, item));
                gathered
            };
            let (gathered, bytes, _) = memory(gather);
            let (dumps, _, more) = memory(|| dumps_of("log", &gathered));
            assert_eq!(dumps[0].tasks.len(), count);
            (bytes, more)
        });
        let [(few, few_more), (many, many_more)] = measured;
        let (bytes, more) = ((many - few) / 1_000, (many_more - few_more) / 1_000);
        assert!(
            bytes < kept && more < most,
            "circle {circle}: {bytes} bytes a task are kept, {more} more are worked with"
        );
    }
}

/// Bytes a task, doubling of vectors included.
const KEPT: isize = 500;
const MOST_KEPT: isize = 1_500;
const KEPT_IN_CIRCLE: isize = 3_400;
const MOST_IN_CIRCLE: isize = 2_000;

/// What a log of so many records holds, and how many bytes of memory each of them may keep: the records of a log are held
/// together where a page, a table or a comparison is made of it.
type Records = (&'static str, String, usize, isize);

#[test]
fn a_record_keeps_little_more_than_what_it_says() {
    let mut headers = String::new();
    for at in 0..1_000 {
        let _ = writeln!(headers, "[    1.000000] BUG: KASAN: slab-out-of-bounds in widget_{at}+0x1/0x2");
    }
    let all: [Records; 3] = [
        ("reports of one line", headers, 1_000, 1_600),
        // A report, and three events: on the task, on its holder, on its locks.
        ("tasks of a circle", listed(1_000, true), 1_000, 9_000),
        ("lists of one lock", listed(1_000, false), 1_000, 2_200),
    ];
    for (what, text, count, bytes) in all {
        let options = Options { threads: 1, ..Options::named("a-folder/a.log") }.with_events();
        let (items, kept, _) = memory(|| read_items(options, text.as_bytes()));
        assert!(items.len() >= count, "{} records", items.len());
        let each = kept / count.cast_signed();
        assert!(each < bytes, "{each} bytes for each of {count} {what}");
    }
}
