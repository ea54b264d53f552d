//! One module per target; each takes any bytes and panics when a promise is broken.

pub mod bisect;
pub mod decoded;
pub mod diff;
pub mod dressing;
pub mod engine;
pub mod grammar;
pub mod image;
pub mod intake;
pub mod mail;
pub mod page;
pub mod symbols;
pub mod syzbot;
pub mod thread;

use kanalyze::engine::{Item, Options};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A target: its name, its check, and the endings of the corpus files that seed it.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const ALL: [Target; 13] = [
    ("bisect", bisect::check),
    ("decoded", decoded::check),
    ("diff", diff::check),
    ("dressing", dressing::check),
    ("engine", engine::check),
    ("grammar", grammar::check),
    ("image", image::check),
    ("intake", intake::check),
    ("mail", mail::check),
    ("page", page::check),
    ("symbols", symbols::check),
    ("syzbot", syzbot::check),
    ("thread", thread::check),
];

/// A number that the bytes decide: which of several ways one input is tried.
fn choice(data: &[u8]) -> u64 {
    let hash = data
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
    hash ^ (hash >> 29)
}

/// Everything that can be found.
fn options() -> Options {
    Options { events: true, gaps: true, ..Options::named("log") }
}

/// Items in an order that does not depend on when they were finished.
fn sorted(mut items: Vec<Item>) -> Vec<Item> {
    items.sort_by_key(|item| match item {
        Item::Opened { start, .. } => (*start, 0, 0),
        Item::Closed(report) => (report.start, 1, report.index),
        Item::Event(event) => (event.start, 2, event.index),
        _ => unreachable!("an item of a new sort"),
    });
    items
}

/// Whether a character would act on a terminal, turn the direction of writing, or end a record.
fn is_harmful(char: char) -> bool {
    matches!(
        char,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Panics if a text that people are shown holds a character that acts.
fn harmless(text: &str, what: &str) {
    if let Some(at) = text.find(is_harmful) {
        let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
        panic!("{what}: {:?}", text[from..].lines().next().unwrap_or_default());
    }
}

/// Panics if bytes that people are shown are no text, or hold a character that acts.
fn harmless_bytes(bytes: &[u8], what: &str) {
    harmless(std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}")), what);
}

/// A file that holds the bytes, in memory where the system has a place for that; gone when dropped.
struct Scrap(PathBuf);

impl Scrap {
    fn new(bytes: &[u8], ending: &str) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let shared = PathBuf::from("/dev/shm");
        let folder = if shared.is_dir() { shared } else { std::env::temp_dir() };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("kanalyze-fuzz-{}-{number}{ending}", std::process::id()));
        std::fs::write(&path, bytes).expect("a file in memory can be written");
        Self(path)
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
