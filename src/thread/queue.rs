//! What the scripts of those who keep a tree or a queue of patches write: a patch was added to it, went on into another one, was
//! dropped, or does not apply. The patch stands below for those who look, and nobody posts it here.

use super::message::{Message, one_line};
use super::place::Place;
use schemars::JsonSchema;
use serde::Serialize;

/// What became of a patch in a tree or a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was added, or went on into the tree that is named.
    Added,
    /// It was taken out.
    Dropped,
    /// It does not apply.
    Failed,
}

/// What a message says of a patch in a tree or a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Queued {
    /// The patch's title.
    pub patch: String,
    /// What became of it.
    pub fate: Fate,
    /// The tree, with its branch in brackets.
    pub tree: Option<String>,
    /// The words.
    pub words: String,
}

/// So many lines say it.
const LINES: usize = 24;
/// So many words say where.
const WORDS: usize = 40;

/// What a message says, if a script wrote it.
#[must_use]
pub(super) fn queued(message: &Message) -> Option<Queued> {
    let lines = message.own().map(|line| line.text.trim()).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.take(LINES).take_while(|line| !line.starts_with("---")).collect();
    let (first, rest) = lines.split_first()?;
    if let Some(tree) = first.strip_prefix("The patch below does not apply to ") {
        let patch = quoted(&message.subject)?.to_owned();
        return Some(Queued { patch, fate: Fate::Failed, tree: tree_of(tree), words: one_line(first) });
    }
    let (patch, told) = rest.split_first()?;
    let told = one_line(&told.join(" "));
    let patch = one_line(patch.trim_start_matches("Subject: "));
    let (fate, tree, words) = match *first {
        "This is a note to let you know that I've just added the patch titled" => {
            let place = told.strip_prefix("to ")?;
            (Fate::Added, branched(place), format!("added to {}", until(place, &[" which can be found", ". "])))
        }
        "The patch titled" | "The quilt patch titled" => of_quilt(&told)?,
        _ => return None,
    };
    Some(Queued { patch, fate, tree, words })
}

/// `has been added to the -mm tree.`, or why it is no longer there.
fn of_quilt(told: &str) -> Option<(Fate, Option<String>, String)> {
    if let Some(place) = told.strip_prefix("has been added to ") {
        return Some((Fate::Added, tree_of(place), format!("added to {}", until(place, &[". ", "."]))));
    }
    told.strip_prefix("has been removed from ")?;
    let (_, why) = told.split_once("was dropped because ")?;
    let words = format!("dropped because {why}");
    match why.strip_prefix("it was merged into ") {
        Some(place) => Some((Fate::Added, tree_of(place).or_else(|| Some(place.to_owned())), words)),
        None => Some((Fate::Dropped, None, words)),
    }
}

fn tree_of(place: &str) -> Option<String> {
    Place::of(&place.split_whitespace().take(WORDS).collect::<Vec<_>>()).tree
}

/// `my usb git tree which can be found at ADDRESS in the usb-linus branch.`
fn branched(place: &str) -> Option<String> {
    let tree = tree_of(place)?;
    let words: Vec<&str> = place.split_whitespace().take(WORDS).collect();
    let branch = words.windows(4).find(|words| words[..2] == ["in", "the"] && words[3].starts_with("branch"));
    Some(branch.map_or(tree.clone(), |words| format!("{tree} ({})", words[2])))
}

/// The text up to the first of these words that is there.
fn until<'a>(text: &'a str, ends: &[&str]) -> &'a str {
    ends.iter().find_map(|end| text.split_once(end)).map_or(text, |(before, _)| before)
}

/// What stands between the first quotation mark and the last.
fn quoted(subject: &str) -> Option<&str> {
    let (first, last) = (subject.find('"')?, subject.rfind('"')?);
    subject.get(first + 1..last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(subject: &str, text: &str) -> Option<(String, Fate, Option<String>, String)> {
        let raw = format!("From: a@b\nSubject: {subject}\n\n\n{text}\n\n---\n--- a/w.c\n+++ b/w.c\n");
        queued(&Message::read(raw.as_bytes())).map(|found| (found.patch, found.fate, found.tree, found.words))
    }

    fn said(fate: Fate, tree: &str, words: &str) -> Option<(String, Fate, Option<String>, String)> {
        Some(("w: fix".to_owned(), fate, Some(tree.to_owned()).filter(|tree| !tree.is_empty()), words.to_owned()))
    }

    #[test]
    fn a_queue_says_what_it_took() {
        let note = "This is a note to let you know that I've just added the patch titled\n\n    w: fix\n\n";
        for (place, tree, words) in [
            (
                "to the 6.1-stable tree which can be found at:\n  http://x/?p=y;a=summary",
                "6.1-stable",
                "added to the 6.1-stable tree",
            ),
            (
                "to my usb git tree which can be found at\n  git://x/usb.git\nin the usb-linus branch.",
                "usb (usb-linus)",
                "added to my usb git tree",
            ),
        ] {
            assert_eq!(read("Patch", &format!("{note}{place}")), said(Fate::Added, tree, words));
        }
        assert_eq!(
            read(
                "FAILED: patch \"w: fix\" failed to apply to 6.1-stable tree",
                "The patch below does not apply to the 6.1-stable tree.\nIf someone wants it applied there, say so."
            ),
            said(Fate::Failed, "6.1-stable", "The patch below does not apply to the 6.1-stable tree.")
        );
    }

    #[test]
    fn a_quilt_series_says_what_came_and_went() {
        let (added, removed) = (
            "The patch titled\n     Subject: w: fix\nhas been added to the -mm",
            "The quilt patch titled\n     Subject: w: fix\nhas been removed from the -mm tree.  Its filename was\n     w-fix.patch\n\nThis patch was dropped because ",
        );
        for (text, fate, tree, words) in [
            (format!("{added} tree.  Its filename is\n     w-fix.patch\n"), Fate::Added, "mm", "added to the -mm tree"),
            (
                format!("{added} mm-unstable branch.  Its filename is\n     w-fix.patch\n"),
                Fate::Added,
                "mm (mm-unstable)",
                "added to the -mm mm-unstable branch",
            ),
            (
                format!("{removed}it was merged into the mm-stable branch\nof git://x/mm\n"),
                Fate::Added,
                "git://x/mm (mm-stable)",
                "dropped because it was merged into the mm-stable branch of git://x/mm",
            ),
            (
                format!("{removed}it was merged into mainline or a subsystem tree\n"),
                Fate::Added,
                "mainline or a subsystem tree",
                "dropped because it was merged into mainline or a subsystem tree",
            ),
            (
                format!("{removed}an updated version will be merged\n"),
                Fate::Dropped,
                "",
                "dropped because an updated version will be merged",
            ),
        ] {
            assert_eq!(read("+ w-fix.patch", &text), said(fate, tree, words), "{text}");
        }
        assert_eq!(read("x", "The patch titled so\nis mine.\n\nHow?"), None);
        assert_eq!(
            read("x", "> The patch titled\n>  Subject: w: fix\n> has been added to the -mm tree.\n\nWhy?"),
            None
        );
    }
}
