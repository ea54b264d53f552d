//! Transcripts of bisections: verdicts within their bounds, renderings without characters that act.

use super::{choice, harmless, harmless_bytes};
use kanalyze::bisect::judged;
use kanalyze::engine::read_reports;
use kanalyze::render::page::{BisectPage, bisect_page};
use kanalyze::render::{Detail, Look, bisect, bisect_table, json_line};

/// Tries one transcript.
pub fn check(data: &[u8]) {
    let reports = |bytes: &[u8]| read_reports("log", bytes);
    let all = judged("log", data, &reports);
    let found: Vec<_> = all.iter().map(|(found, _)| found.clone()).collect();
    for one in &found {
        assert!(one.confidence.is_none_or(|sure| (0.0..=1.0).contains(&sure)), "confidence {:?}", one.confidence);
        let record = json_line(one).expect("a record is JSON");
        harmless_bytes(&record, "a record");
    }
    for detail in [Detail::Brief, Detail::Usual, Detail::Full] {
        let look = Look { detail, ..Look::default() };
        let mut text = Vec::new();
        bisect::write_all(&found, &look, &mut text).expect("memory can be written");
        bisect_table::write_table(&found, &look, &mut text).expect("memory can be written");
        harmless_bytes(&text, "the view of a bisection");
    }
    let mut text = Vec::new();
    bisect_table::write_checks(&found, &mut text).expect("memory can be written");
    harmless_bytes(&text, "checks");
    if choice(data).is_multiple_of(4) {
        harmless(&bisect_page(&BisectPage { name: "log", found: &found, text: data }), "the page of a bisection");
    }
}
