//! What people write below the log of a bisection: only what they say of a revert concerns the answer.

use super::record::{Revert, RevertResult};

/// How many sentences are kept, and how much of each.
const KEPT: usize = 4;
const LENGTH: usize = 240;

/// A sentence about a revert, while it is read: it may go on in the next lines.
#[derive(Debug, Default)]
pub(super) struct Reader {
    kept: usize,
    paragraph: Option<(u64, String)>,
}

impl Reader {
    /// Takes a line of text; gives what the paragraph before it says of a revert, when it ends here.
    pub(super) fn line(&mut self, number: u64, text: &str) -> Option<Revert> {
        let text = text.trim();
        // A signature, a trailer, a rule and a comment end a paragraph.
        let ends = text.is_empty() || text.starts_with(['#', '-', '=', '>', '|', '[']);
        if !ends && !is_trailer(text) {
            let (_, paragraph) = self.paragraph.get_or_insert_with(|| (number, String::new()));
            if paragraph.len() < 4 * LENGTH {
                paragraph.push(' ');
                paragraph.push_str(text);
            }
            return None;
        }
        self.end()
    }

    /// What the last paragraph says of a revert.
    pub(super) fn end(&mut self) -> Option<Revert> {
        let (line, paragraph) = self.paragraph.take()?;
        if self.kept >= KEPT {
            return None;
        }
        let sentence = sentences(&paragraph).find(|sentence| is_about_a_revert(sentence))?;
        self.kept += 1;
        let words: String = sentence.chars().take(LENGTH).collect();
        Some(Revert { line, result: result(&words), words })
    }
}

/// `Reported-by: …`, `Link: …`.
fn is_trailer(text: &str) -> bool {
    text.split_once(": ").is_some_and(|(name, _)| {
        name.contains('-') && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
    })
}

fn sentences(paragraph: &str) -> impl Iterator<Item = &str> {
    paragraph.split_inclusive(". ").map(str::trim).filter(|sentence| !sentence.is_empty())
}

fn is_about_a_revert(sentence: &str) -> bool {
    sentence
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .any(|word| ["revert", "reverts", "reverted", "reverting"].iter().any(|known| word.eq_ignore_ascii_case(known)))
}

/// A machine's line says how it ended (`… revert … passed!`); what a person means is for the reader to decide.
fn result(sentence: &str) -> RevertResult {
    let words: Vec<String> = sentence.split_whitespace().map(str::to_ascii_lowercase).collect();
    let last = words.last().map(|word| word.trim_end_matches(['!', '.'])).unwrap_or_default();
    match last {
        "passed" | "pass" => RevertResult::Passed,
        "failed" | "fail" => RevertResult::Failed,
        _ => RevertResult::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(RevertResult, String)> {
        let mut reader = Reader::default();
        let mut found: Vec<Revert> =
            (1..).zip(text.lines()).filter_map(|(number, line)| reader.line(number, line)).collect();
        found.extend(reader.end());
        found.into_iter().map(|revert| (revert.result, revert.words)).collect()
    }

    #[test]
    fn a_sentence_about_a_revert_is_quoted_and_not_judged() {
        let text = "Hi,\n\nreverting it on top of v6.2\ndoes not help. I am lost.\n\nRegards\n";
        assert_eq!(said(text), [(RevertResult::Unknown, "reverting it on top of v6.2 does not help.".to_owned())]);
    }

    #[test]
    fn a_machine_says_how_it_ended() {
        assert_eq!(said("bad: revert of 0123 on HEAD passed!\n")[0].0, RevertResult::Passed);
        assert_eq!(said("Reported-by: revert <a@b>\nThanks\n"), []);
    }
}
