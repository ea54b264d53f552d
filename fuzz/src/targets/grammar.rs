//! What a user writes: grammar files, patterns, sets of names, templates, baselines.

use super::{Scrap, choice};
use kanalyze::diff::baseline::Baseline;
use kanalyze::engine::{Options, read_items};
use kanalyze::grammar::{Grammar, NameSet, Pattern, fill, placeholders};

/// Tries one text.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = Baseline::parse(&text);
    for line in text.lines().take(20) {
        pattern(line, data);
        let names = NameSet::new(line.split_whitespace().map(str::to_owned).collect());
        if names.check().is_ok() {
            for word in ["", "schedule", "__x64_sys_open", line] {
                let _ = names.contains(word.as_bytes());
            }
        }
        let _ = (fill(line, |_| None), placeholders(line));
    }
    // Laying out the built-in grammar with one more file takes a tenth of a second.
    if choice(data).is_multiple_of(16) && text.contains('=') {
        whole(data);
    }
}

fn pattern(source: &str, data: &[u8]) {
    let pattern = Pattern::new(source);
    if pattern.check().is_err() {
        return;
    }
    for text in [&b""[..], b"BUG: KASAN: use-after-free in do_it+0x1/0x2", &data[..data.len().min(2_000)]] {
        let found = pattern.find_at(text, 0);
        assert_eq!(found.is_some(), pattern.is_match(text), "a match and a place of {source:?}");
        assert!(found.is_none_or(|range| range.start <= range.end && range.end <= text.len()), "{source:?}");
        let _ = (pattern.captures(text), pattern.fits(text));
    }
    let _ = pattern.groups();
}

fn whole(data: &[u8]) {
    let file = Scrap::new(data, ".toml");
    match Grammar::with_files(std::slice::from_ref(&file.0)) {
        Ok(grammar) => {
            let log = b"[    1.0][    T1] BUG: KASAN: use-after-free in do_it+0x1/0x2\n[    1.0][    T1] frobnicated: widget 7\n";
            let _ = read_items(Options { grammar, events: true, ..Options::named("log") }, log);
        }
        Err(error) => assert!(error.to_string().len() < 100_000, "a complaint of {} bytes", error.to_string().len()),
    }
}
