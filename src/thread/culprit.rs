//! Commits that somebody names as the cause: by a bisection whose steps are not here, or to regzbot. Said, not verified.

use super::body::{Role, sentences};
use super::message::{Message, one_line};
use super::speech::kept;

/// Verbs by which a bisection ends at a commit.
const ENDS: [&str; 13] = [
    "bisected",
    "points",
    "pointed",
    "landed",
    "lands",
    "leads",
    "led ",
    "identified",
    "found",
    "shows",
    "showed",
    "blames",
    "first bad commit",
];
/// Words by which a sentence says that nobody found anything yet.
const NOT: [&str; 8] = ["please", "could you", "can you", " not ", "n't ", "if you", "inconclusive", "failed"];

/// What a message's sender says of the commit that broke something.
#[must_use]
pub(super) fn culprits(message: &Message) -> Vec<String> {
    let own = message.lines.iter().filter(|line| line.role != Role::Quoted);
    let told = own.filter_map(|line| line.text.strip_prefix("#regzbot ")).filter_map(|rest| {
        let range = rest.trim_start_matches('^').strip_prefix("introduced")?.trim_start_matches(':').trim();
        (!range.is_empty()).then(|| one_line(&format!("tells regzbot: introduced {range}")))
    });
    let all = sentences(&message.lines);
    let said = all.iter().enumerate().filter_map(|(at, sentence)| {
        let lower = sentence.to_lowercase();
        let ended = lower.contains("bisect") && ENDS.iter().any(|word| lower.contains(word));
        if !ended || lower.ends_with('?') || NOT.iter().any(|word| lower.contains(word)) {
            return None;
        }
        // `… to the following commit:`, and the commit below.
        let next = all.get(at + 1).filter(|_| lower.ends_with(':'));
        let whole = next.map_or_else(|| sentence.clone(), |next| format!("{sentence} {next}"));
        names_commit(&whole).then(|| format!("says: \"{}\"", kept(&whole)))
    });
    told.chain(said).collect()
}

/// Whether a word is a commit's hash.
fn names_commit(text: &str) -> bool {
    text.split(|char: char| !char.is_ascii_alphanumeric()).any(|word| {
        (7..=40).contains(&word.len())
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && word.bytes().any(|byte| byte.is_ascii_digit())
            && word.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_commit_is_told_as_said() {
        for (text, count) in [
            ("I bisected it to 0123456789ab (\"widget: break it\").\n", 1),
            ("Bisect points to commit 0123456789ab (\"w\").\n", 1),
            (
                "A git bisect identified the following commit as the first bad commit:\n\n  0123456789ab widget: break it\n",
                1,
            ),
            ("#regzbot introduced: v6.1.69..v6.1.76\n", 1),
            ("#regzbot ^introduced 0123456789ab\n#regzbot title: it hangs\n", 1),
            ("> I bisected it to 0123456789ab.\nThanks!\n", 0),
            ("Could you bisect it? The last good one is 0123456789ab.\n", 0),
            ("I could not bisect it to 0123456789ab alone.\n", 0),
            ("I bisected it, see below.\n", 0),
        ] {
            let message = Message::read(format!("From: a@b\n\n{text}").as_bytes());
            assert_eq!(culprits(&message).len(), count, "{text}: {:?}", culprits(&message));
        }
    }
}
