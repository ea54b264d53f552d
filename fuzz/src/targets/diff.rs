//! Two logs compared, and reports put together by cause.

use super::{choice, harmless, harmless_bytes};
use kanalyze::diff::baseline::Baseline;
use kanalyze::diff::cluster::{clusters, sample};
use kanalyze::diff::{Area, Group, compare, reduce};
use kanalyze::engine::{Item, Options, read_items};
use kanalyze::render::page::diff_page;
use kanalyze::render::{Look, diff_markdown, diff_text, json_line};
use kanalyze::report::{Event, Report};

/// Tries the two halves of one text as the two sides.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    let middle = match data.windows(6).position(|window| window == b"\n====\n") {
        Some(at) => at + 6,
        None => data[..data.len() / 2].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
    };
    let (left, right) = data.split_at(middle);
    let (a, mut reports) = side("a", left);
    let (b, more) = side("b", right);
    reports.extend(more);
    let difference = compare(&a, &b);
    harmless(&diff_text(&difference, &Look::default()), "the view of a comparison");
    harmless(&diff_markdown(&difference), "Markdown");
    harmless_bytes(&json_line(&difference).expect("a comparison is JSON"), "a comparison");
    if choice.is_multiple_of(4) {
        harmless(&diff_page(&difference, &a, &b), "the page of a comparison");
    }
    let itself = compare(&a, &a);
    assert!(
        !itself.findings.iter().any(|one| one.verdict.is_claim()),
        "a run differs from itself: {:?}",
        itself.findings
    );
    let forward = clusters(reports.iter().map(sample).collect());
    let backward = clusters(reports.iter().rev().map(sample).collect());
    assert_eq!(forward, backward, "the order of reports changes their clusters");
    if let Ok(text) = std::str::from_utf8(right)
        && let Ok(baseline) = Baseline::parse(text)
    {
        let _ = baseline.excuse(Area::Crash, std::iter::once("KASAN: use-after-free in do_it"), "2026-11-21");
    }
}

fn side(name: &str, text: &[u8]) -> (Group, Vec<Report>) {
    let options = Options { events: true, ..Options::named(name) };
    let (mut reports, mut events): (Vec<Report>, Vec<Event>) = Default::default();
    for item in read_items(options, text) {
        match item {
            Item::Closed(report) => reports.push(*report),
            Item::Event(event) => events.push(*event),
            _ => {}
        }
    }
    let run = reduce(name, text, &reports, &events);
    (Group { name: name.to_owned(), runs: vec![run] }, reports)
}
