//! Trailers: `Reviewed-by: …` and its like, under a commit message or offered in a reply.

use super::body::Line;
use schemars::JsonSchema;
use serde::Serialize;

/// One trailer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Trailer {
    /// Such as `Reviewed-by`, as written.
    pub key: String,
    /// What stands after the colon.
    pub value: String,
    /// The words above it that say what must be done first (`With that fixed,`, `If you fix it, please add`); such a tag is not given yet.
    pub condition: Option<String>,
}

impl Trailer {
    /// Whether the key is this one, in any case.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key.eq_ignore_ascii_case(key)
    }

    /// Whether somebody refuses a patch by it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.is("Nacked-by") || self.is("NAKed-by") || self.is("Objected-by") || self.is("Rejected-by")
    }
}

/// Trailers that end with no `-by`.
const OTHERS: [&str; 7] = ["Fixes", "Link", "Closes", "Cc", "Message-Id", "Depends-on", "Change-Id"];
/// More than any message has.
const MOST: usize = 200;

/// A line that is a trailer.
fn read(text: &str) -> Option<Trailer> {
    let (key, value) = text.split_once(':')?;
    let value = value.trim();
    let shaped = key.len() <= 40
        && key.starts_with(|char: char| char.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let lower = key.to_ascii_lowercase();
    let known = lower.ends_with("-by") || OTHERS.iter().any(|other| other.eq_ignore_ascii_case(key));
    (shaped && known && !value.is_empty()).then(|| Trailer {
        key: key.to_owned(),
        value: value.to_owned(),
        condition: None,
    })
}

/// The trailers in what the sender wrote. A value that the mailer wrapped is put together.
#[must_use]
pub(super) fn trailers(lines: &[Line]) -> Vec<Trailer> {
    let mut all: Vec<Trailer> = Vec::new();
    let mut open = false;
    // What the sender says directly above, quotes left out.
    let mut above: Vec<&str> = Vec::new();
    for line in lines {
        if !line.is_own() {
            open = false;
            above.clear();
            continue;
        }
        if let Some(mut trailer) = read(&line.text) {
            open = needs_more(&trailer.value);
            trailer.condition = condition(&above);
            all.push(trailer);
            if all.len() == MOST {
                break;
            }
        } else if open
            && !line.text.trim().is_empty()
            && let Some(last) = all.last_mut()
        {
            last.value.push(' ');
            last.value.push_str(line.text.trim());
            open = needs_more(&last.value);
        } else {
            open = false;
            let text = line.text.trim();
            // A blank line ends what was said, unless the tags are below it.
            if above.last().is_some_and(|last| last.is_empty()) && !text.is_empty() {
                above.clear();
            }
            above.push(text);
        }
    }
    all
}

/// Words before a condition that say nothing themselves.
const LEADS: [&str; 7] = ["so ", "but ", "and ", "then ", "anyway, ", "otherwise, ", "otherwise "];
/// Words that a condition begins with.
const CONDITIONS: [&str; 6] = ["if ", "once ", "provided", "assuming ", "when you ", "should you "];
/// What `with …` asks for, where it asks for something.
const ASKED: [&str; 16] = [
    "add", "address", "adjust", "chang", "clarif", "comment", "correct", "drop", "fix", "improv", "mov", "remov",
    "renam", "resolv", "split", "updat",
];

/// The last sentence above a tag, if it makes a condition.
fn condition(above: &[&str]) -> Option<String> {
    let said = above.join(" ");
    let said = said.trim();
    let mut starts = said.match_indices(['.', '?', '!']).map(|(at, _)| at + 1);
    let begins = |at: &usize| said[*at..].starts_with(' ') && said[*at..].trim_start().starts_with(char::is_uppercase);
    let sentence = said[starts.rfind(begins).unwrap_or(0)..].trim();
    let lower = sentence.to_lowercase();
    let mut first = lower.as_str();
    while let Some(rest) = LEADS.iter().find_map(|lead| first.strip_prefix(lead)) {
        first = rest;
    }
    // Only what stands before the comma is the condition: `with the mentioned patch, this fix looks fine`.
    let asks = |words: &str| {
        let clause = words.split([',', ':']).next().unwrap_or_default();
        matches!(clause, "that" | "this" | "those" | "these") || ASKED.iter().any(|asked| clause.contains(asked))
    };
    let conditional =
        CONDITIONS.iter().any(|words| first.starts_with(words)) || first.strip_prefix("with ").is_some_and(asks);
    conditional.then(|| super::speech::kept(sentence))
}

/// Whether a bracket or quote was opened and not closed.
fn needs_more(value: &str) -> bool {
    let count = |char: char| value.matches(char).count();
    count('(') > count(')') || count('<') > count('>') || !count('"').is_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::super::body::lines;
    use super::*;

    #[test]
    fn trailers_are_what_the_sender_wrote() {
        let text = "Looks good.\n\nReviewed-by: A B <a@b>\nFixes: 0123456789ab (\"net: a subject that\nwas wrapped\")\n> Acked-by: quoted <q@q>\nNote: no trailer\nhttp://x: y\n";
        let found = trailers(&lines(text));
        assert_eq!(found.len(), 2);
        assert!(found[0].is("reviewed-by"));
        assert_eq!(found[1].value, "0123456789ab (\"net: a subject that was wrapped\")");
    }

    #[test]
    fn a_tag_below_a_condition_is_not_given_yet() {
        for (text, conditional) in [
            ("If you fix the issue, kindly add following tag\nReported-by: A B <a@b>\n", true),
            (
                "If you fix it in a separate commit (i.e. not in a new version), please add\n\nReported-by: A B <a@b>\n",
                true,
            ),
            ("A typo above. With that fixed:\n\nReviewed-by: A B <a@b>\n", true),
            ("So with that change, you may add:\nReviewed-by: A B <a@b>\n", true),
            ("Looks good. Provided that the supply is handled,\nAcked-by: A B <a@b>\n", true),
            ("With that,\nReviewed-by: A B <a@b>\n", true),
            ("Looks good. Feel free to add:\nReviewed-by: A B <a@b>\n", false),
            ("With the mentioned patch, this fix looks fine:\nReviewed-by: A B <a@b>\n", false),
            ("If you want to know, it works.\n\nIt is fine.\n\nTested-by: A B <a@b>\n", false),
            ("> If you fix it\nReported-by: A B <a@b>\n", false),
        ] {
            let found = trailers(&lines(text));
            assert_eq!(found.iter().map(|tag| tag.condition.is_some()).collect::<Vec<_>>(), [conditional], "{text}");
        }
    }
}
