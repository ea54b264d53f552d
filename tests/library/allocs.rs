//! Nothing is allocated for a line that starts nothing.

use kanalyze::engine::{Engine, Kept, Options};
use kanalyze::grammar::{Grammar, Scanner};
use kanalyze::render::LogView;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations of this thread: the other tests run beside this one.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

#[expect(unsafe_code, reason = "only an allocator can count allocations; every call is handed on as it is")]
// SAFETY: both calls are the system allocator's own, with the caller's arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the allocator's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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
    for which in 0..8 {
        let scanner = Scanner::new(&grammar, which & 1 != 0, which & 2 != 0, which & 4 != 0);
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
