//! Logs: chunks against whole, threads against one, what is far away, places, every rendering of what was found.

use super::{choice, harmless, harmless_bytes, options, sorted};
use kanalyze::engine::{Engine, Item, Options, Summary, headless, lock_dumps, read_items};
use kanalyze::render::{Detail, LogView, Look, json_line, locks_dot, locks_mermaid, locks_svg, locks_text};
use kanalyze::report::Report;
use std::convert::Infallible;

/// Tries one log.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    let options = Options { as_syzbot: choice & 3 == 3, prose: choice & 0x1c == 0, opened: true, ..options() };
    let filled;
    let text = if choice.is_multiple_of(29) {
        filled = with_filler(data, choice);
        &filled[..]
    } else {
        data
    };
    let (items, summary) = whole(&options, text);
    same(&items, &pushed(&options, text, choice), "in chunks");
    if choice % 16 == 5 {
        same(&items, &sorted(read_items(Options { threads: 4, ..options.clone() }, text)), "four threads");
    }
    let reports: Vec<&Report> =
        items.iter().filter_map(|item| if let Item::Closed(report) = item { Some(&**report) } else { None }).collect();
    places(text, &reports, &summary);
    if let Some(report) = reports.get((choice >> 9) as usize % reports.len().max(1)) {
        // What stands above may change the answer, but never what can be asked.
        let rest = &text[report.start as usize..];
        let (again, summary) = whole(&options, rest);
        let again: Vec<&Report> = again
            .iter()
            .filter_map(|item| if let Item::Closed(report) = item { Some(&**report) } else { None })
            .collect();
        places(rest, &again, &summary);
    }
    if let Some(report) = headless(&options, data) {
        assert!(report.end <= data.len() as u64, "a crash without its first line ends beyond the log");
    }
    rendered(&items, &summary);
}

fn whole(options: &Options, text: &[u8]) -> (Vec<Item>, Summary) {
    let mut items = Vec::new();
    let Ok(summary) = Engine::read(options.clone(), text, |item| {
        items.push(item);
        Ok::<(), Infallible>(())
    });
    (sorted(items), summary)
}

/// The log with some hundred kilobytes of harmless lines within it, so that windows end between its lines.
fn with_filler(data: &[u8], choice: u64) -> Vec<u8> {
    let middle = data.len() / 2;
    let at = data[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = 1_500 + (choice >> 40) as usize % 1_500;
    let filler: String = (0..lines)
        .map(|at| format!("[ {:>4}.{:06}][    T1] usb 1-1: port {at} is used by a hub in the room\n", at / 9, at % 9))
        .collect();
    [&data[..at], filler.as_bytes(), &data[at..]].concat()
}

fn pushed(options: &Options, text: &[u8], choice: u64) -> Vec<Item> {
    const SIZES: [usize; 8] = [1, 3, 17, 64, 999, 4_096, 20_011, 70_000];
    let mut engine = Engine::new(options.clone());
    let mut items = Vec::new();
    let (mut rest, mut step) = (text, choice >> 12);
    // Byte by byte only what is short.
    let least = if text.len() > 3_000 { 3 } else { 0 };
    while !rest.is_empty() {
        let size = SIZES[least.max((step % 8) as usize)].min(rest.len());
        let (chunk, after) = rest.split_at(size);
        items.extend(engine.push(chunk));
        (rest, step) = (after, step.rotate_right(3));
    }
    items.extend(engine.finish().0);
    sorted(items)
}

/// Equal but for announcements, which a line that comes in two pieces may have taken back.
fn same(expected: &[Item], got: &[Item], how: &str) {
    let told = |items: &[Item]| -> Vec<Item> {
        items.iter().filter(|item| !matches!(item, Item::Opened { .. })).cloned().collect()
    };
    let (expected, got) = (told(expected), told(got));
    for (expected, got) in expected.iter().zip(&got) {
        assert_eq!(expected, got, "{how}");
    }
    assert_eq!(expected.len(), got.len(), "{how}: another number of items");
}

fn places(text: &[u8], reports: &[&Report], summary: &Summary) {
    assert_eq!(summary.bytes, text.len() as u64, "bytes");
    for (number, report) in reports.iter().enumerate() {
        let title = &report.title;
        assert!(report.start <= report.end && report.end <= text.len() as u64, "'{title}' ends beyond the log");
        assert!(report.text_end <= text.len() as u64, "the text of '{title}' ends beyond the log");
        assert_eq!(report.index, number, "'{title}' has another number");
        let above = text[..report.start as usize].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(report.line, above + 1, "'{title}' is on another line");
        assert_ne!(report.corrupted.as_deref(), Some(""), "'{title}' is corrupted without a reason");
        assert!(report.cause.is_none_or(|cause| cause < number), "'{title}' has a cause below it");
    }
}

fn rendered(items: &[Item], summary: &Summary) {
    let dumps = lock_dumps("log", items);
    let mut view = LogView::default();
    for item in items {
        view.take(item.clone());
        let line = match item {
            Item::Closed(report) => json_line(report),
            Item::Event(event) => json_line(event),
            _ => continue,
        };
        harmless_bytes(&line.expect("a record is JSON"), "a record");
    }
    for detail in [Detail::Brief, Detail::Usual, Detail::Full] {
        let look = Look { detail, ..Look::default() };
        harmless(&view.text("log", summary, true, &look, &dumps), "the view of a log");
        harmless(&locks_text("log", &dumps, &look), "the view of locks");
    }
    for dump in &dumps {
        harmless(&locks_svg(dump), "svg");
        harmless(&locks_dot(dump), "dot");
        harmless(&locks_mermaid(dump), "mermaid");
        harmless_bytes(&json_line(dump).expect("a dump is JSON"), "a dump");
    }
}
