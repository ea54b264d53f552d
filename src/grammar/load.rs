//! From grammar files to a [`Grammar`].

use super::error::GrammarError;
use super::plan::Plan;
use super::plan::rarity::Rarity;
use super::plan::sought::{Marks, Variant};
use super::plan::windows::Layout;
use super::{Grammar, compile};
use crate::input::read_small;
use crate::line::{BOOT_ANCHORS, EXECUTOR_ANCHOR, GAP_ANCHORS, KERNEL_BOOT_ANCHORS};
use std::path::PathBuf;

/// A larger file is not a grammar: ours all together have a third of a megabyte.
const LARGEST: u64 = 16 << 20;

/// The plan of the files of `grammars/`, as the build script left it.
pub(super) static BUILT_IN: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/grammar.bin"));

/// By which bytes each search of that plan looks for its texts, a blob for each.
static LAYOUTS: [&[u8]; Variant::COUNT] = include!(concat!(env!("OUT_DIR"), "/layouts.rs"));

/// Levels of four bytes, counted when the program was built.
static LEVELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rarity.bin"));

/// Texts of lines that no grammar file names.
const MARKS: Marks<'static> =
    Marks { kernel_boots: KERNEL_BOOT_ANCHORS, boots: BOOT_ANCHORS, gaps: GAP_ANCHORS, executor: EXECUTOR_ANCHOR };

/// How rare texts are in ordinary lines.
pub(super) const RARITY: Rarity<'static> = Rarity(LEVELS);

fn plan() -> Plan {
    postcard::from_bytes(BUILT_IN).expect("the build script wrote it")
}

/// By which bytes a search of the built-in grammar looks for its texts.
pub(super) fn layout(variant: usize) -> Option<Layout> {
    postcard::from_bytes(LAYOUTS.get(variant)?).ok()
}

pub(super) fn built_in() -> Result<Grammar, GrammarError> {
    compile::grammar(plan(), MARKS)
}

pub(super) fn with_files(paths: &[PathBuf]) -> Result<Grammar, GrammarError> {
    let mut plan = plan();
    let mut texts = Vec::with_capacity(paths.len());
    for path in paths {
        let shown = path.display().to_string();
        let text =
            read_small(path, LARGEST).map_err(|cause| GrammarError::Unreadable { path: shown.clone(), cause })?;
        plan.take(&shown, &text, RARITY)?;
        texts.push((shown, text));
    }
    plan.arrange()?;
    let mut grammar = compile::grammar(plan, MARKS)?;
    grammar.own_files = texts.iter().map(|(path, _)| path.clone()).collect();
    match super::complaints(&grammar).into_iter().next() {
        Some(complaint) => {
            let text = texts.iter().find(|(path, _)| *path == complaint.place.file).map_or("", |(_, text)| text);
            Err(GrammarError::Invalid {
                line: line_of_quote(text, complaint.place.line, complaint.quote.as_deref()),
                path: complaint.place.file,
                message: complaint.message,
            })
        }
        None => {
            grammar.own_texts = texts.into_iter().map(|(_, text)| text).collect();
            Ok(grammar)
        }
    }
}

/// The line of an entry that holds the quoted text; the entry's own line where none does.
fn line_of_quote(text: &str, from: usize, quote: Option<&str>) -> usize {
    let Some(first) = quote.and_then(|quote| quote.lines().next()).filter(|first| !first.is_empty()) else {
        return from;
    };
    let below = text.lines().skip(from.saturating_sub(1)).position(|line| line.contains(first));
    from + below.unwrap_or(0)
}
