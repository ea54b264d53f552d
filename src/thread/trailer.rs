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
    (shaped && known && !value.is_empty()).then(|| Trailer { key: key.to_owned(), value: value.to_owned() })
}

/// The trailers in what the sender wrote. A value that the mailer wrapped is put together.
#[must_use]
pub(super) fn trailers(lines: &[Line]) -> Vec<Trailer> {
    let mut all: Vec<Trailer> = Vec::new();
    let mut open = false;
    for line in lines {
        if !line.is_own() {
            open = false;
            continue;
        }
        if let Some(trailer) = read(&line.text) {
            open = needs_more(&trailer.value);
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
        }
    }
    all
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
}
