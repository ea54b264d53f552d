//! No character of a log acts on a terminal, turns the direction of writing or ends a record: all renderings of logs into whose
//! words such characters were put.

use kanalyze::engine::{Engine, Item, Options, lock_dumps};
use kanalyze::render::{Detail, LogView, Look, json_line, locks_dot, locks_mermaid, locks_svg, locks_text, snapshot};
use std::convert::Infallible;
use std::path::{Path, PathBuf};

/// Terminal escapes, a bell, DEL, a C1 introducer, an override of the direction, a line separator, a mark without width.
const HOSTILE: [&str; 7] = ["\u{1b}[31m", "\u{7}", "\u{7f}", "\u{9b}2J", "\u{202e}", "\u{2028}", "\u{feff}"];
/// So many logs of the corpus are tried.
const TRIED: usize = 120;

fn logs(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the corpus").flatten() {
        let path = entry.path();
        if path.is_dir() {
            logs(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "log") {
            found.push(path);
        }
    }
}

/// A hostile text within about one word of nine, at a place that the bytes before it decide.
fn spoiled(text: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = String::with_capacity(text.len() * 2);
    for word in text.split_inclusive([' ', '\n', '=', ':', '/']) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(word.len() as u64 + 1);
        let random = (state >> 33) as usize;
        let middle = word.char_indices().nth(word.chars().count() / 2).map_or(0, |(at, _)| at);
        match random % 9 {
            0 => {
                out.push_str(&word[..middle]);
                out.push_str(HOSTILE[random / 9 % HOSTILE.len()]);
                out.push_str(&word[middle..]);
            }
            _ => out.push_str(word),
        }
    }
    out
}

fn is_harmful(char: char) -> bool {
    char != '\n' && (char.is_control() || HOSTILE.iter().any(|hostile| hostile.starts_with(char)))
}

#[test]
fn no_rendering_lets_a_character_of_a_log_act() {
    let mut found = Vec::new();
    logs(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")), &mut found);
    found.sort();
    let (mut reports, mut dumps_seen) = (0, 0);
    for (number, path) in found.iter().step_by(found.len().div_ceil(TRIED)).enumerate() {
        let text = spoiled(&String::from_utf8_lossy(&std::fs::read(path).expect("a log")), number as u64);
        let (mut view, mut items) = (LogView::default(), Vec::new());
        let Ok(summary) = Engine::read(Options::named("x.log").with_events(), text.as_bytes(), |item| {
            view.take(item.clone());
            items.push(item);
            Ok::<(), Infallible>(())
        });
        let dumps = lock_dumps("x.log", &items);
        let look = Look { detail: Detail::Full, ..Look::default() };
        let mut shown = vec![view.text("x.log", &summary, true, &look, &dumps), locks_text("x.log", &dumps, &look)];
        for dump in &dumps {
            shown.extend([locks_svg(dump), locks_dot(dump), locks_mermaid(dump)]);
        }
        for item in &items {
            let (line, value) = match item {
                Item::Closed(report) => (json_line(report), serde_json::to_value(report)),
                Item::Event(event) => (json_line(event), serde_json::to_value(event)),
                _ => continue,
            };
            reports += 1;
            shown.push(String::from_utf8(line.expect("a record")).expect("text"));
            shown.push(snapshot(&[value.expect("a record")]));
        }
        dumps_seen += dumps.len();
        for text in shown {
            if let Some(at) = text.find(is_harmful) {
                let from = text[..at].rfind('\n').map_or(0, |at| at + 1);
                panic!("{}: {:?}", path.display(), text[from..].lines().next().unwrap_or_default());
            }
        }
    }
    assert!(reports > 100 && dumps_seen > 3, "{reports} records and {dumps_seen} dumps were shown");
}
