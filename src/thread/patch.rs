//! Patches in messages: version and place in the series, what they touch, their trailers.

use super::body::{Line, Role};
use super::message::{Message, one_line};
use super::trailer::{Trailer, trailers};
use schemars::JsonSchema;
use serde::Serialize;

/// How seriously a diff is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Its subject says `[PATCH]`.
    Posted,
    /// Its subject says `[RFC]`.
    Rfc,
    /// A request to pull from a tree.
    Pull,
    /// A diff in a reply, or given to syzbot to be tested.
    Inline,
}

/// A patch, or the cover letter of a series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Patch {
    /// How seriously it is meant.
    pub posting: Posting,
    /// 1 where no version is written.
    pub version: u32,
    /// Its number in the series; 0 is the cover letter.
    pub number: u32,
    /// How many the series has.
    pub total: u32,
    /// The other words in the brackets, such as the tree it is for: `net-next`, `RESEND`.
    pub tags: Vec<String>,
    /// The subject without brackets: the commit's title.
    pub title: String,
    /// Files that the diff touches, in its order.
    pub files: Vec<String>,
    /// Lines that it adds.
    pub insertions: usize,
    /// Lines that it takes away.
    pub deletions: usize,
    /// Trailers of the commit message.
    pub trailers: Vec<Trailer>,
}

impl Patch {
    /// Whether it is only the letter that goes before a series.
    #[must_use]
    pub fn is_cover(&self) -> bool {
        self.total > 0 && self.number == 0
    }
}

/// Files of one patch that are kept.
const FILES: usize = 1000;

/// The patch in a message, if there is one: a diff of the sender's, or a cover letter.
#[must_use]
pub(super) fn patch(message: &Message) -> Option<Patch> {
    let (heads, title) = brackets(&message.subject);
    let mut found = Patch {
        posting: Posting::Inline,
        version: 1,
        number: 1,
        total: 1,
        tags: Vec::new(),
        title: title.to_owned(),
        files: Vec::new(),
        insertions: 0,
        deletions: 0,
        trailers: Vec::new(),
    };
    let mut numbered = false;
    let (mut says_patch, mut says_rfc, mut says_pull) = (false, false, false);
    for word in heads.iter().flat_map(|head| head.split([' ', ','])).filter(|word| !word.is_empty()) {
        let lower = word.to_ascii_lowercase();
        let rest = lower.strip_prefix("patch").inspect(|_| says_patch = true).unwrap_or(&lower);
        if let Some(version) = rest.strip_prefix('v').and_then(|digits| digits.parse().ok()) {
            found.version = version;
        } else if let Some((number, total)) =
            rest.split_once('/').and_then(|(one, all)| Some((one.parse().ok()?, all.parse().ok()?)))
        {
            (found.number, found.total, numbered) = (number, total, true);
        } else if rest == "rfc" {
            says_rfc = true;
        } else if rest == "pull" {
            says_pull = true;
        } else if !rest.is_empty() {
            found.tags.push(word.to_owned());
        }
    }
    stat(&message.lines, &mut found);
    for file in message.attachments.iter().filter_map(|file| file.text.as_deref()) {
        if found.files.is_empty() {
            stat(&super::body::lines(file), &mut found);
        }
    }
    let reply = is_reply(&message.subject);
    if !reply && (says_pull || title.starts_with("GIT PULL")) && asks_to_pull(&message.lines) {
        found.posting = Posting::Pull;
        return Some(found);
    }
    // Some mail programs and archives take the word away and leave the number.
    let series = says_patch || numbered;
    if found.files.is_empty() && (reply || !series || found.number != 0) {
        return None;
    }
    if series && !reply {
        found.posting = if says_rfc { Posting::Rfc } else { Posting::Posted };
    } else {
        (found.number, found.total, found.version) = (1, 1, 1);
        found.tags.clear();
    }
    let letter = message.lines.iter().position(|line| line.text.trim_end() == "---").unwrap_or(message.lines.len());
    found.trailers = trailers(&message.lines[..letter]);
    Some(found)
}

/// Whether the sender names a tree to pull from, as `git request-pull` words it.
fn asks_to_pull(lines: &[Line]) -> bool {
    let own = |line: &&Line| line.role != Role::Quoted;
    lines.iter().filter(own).any(|line| {
        line.text.starts_with("are available in the ") || line.text.starts_with("for you to fetch changes up to ")
    })
}

/// The groups in brackets at the start of a subject, and what follows them.
fn brackets(subject: &str) -> (Vec<&str>, &str) {
    let mut heads = Vec::new();
    let mut rest = bare_subject(subject);
    while let Some((head, after)) = rest.strip_prefix('[').and_then(|inside| inside.split_once(']')) {
        heads.push(head);
        rest = after.trim_start();
    }
    (heads, rest)
}

/// Whether a subject begins with `Re:` or what other languages' mail programs put there.
fn is_reply(subject: &str) -> bool {
    bare_subject(subject).len() < subject.trim_start().len()
}

/// A subject without `Re: ` and the like.
#[must_use]
pub fn bare_subject(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    while let Some((word, after)) = rest.split_once(':') {
        if !["re", "aw", "sv", "fwd", "fw", "antw", "forwarded"]
            .iter()
            .any(|known| word.trim().eq_ignore_ascii_case(known))
        {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// A subject without replies' marks and brackets, lower case: what a series keeps from version to version.
#[must_use]
pub(super) fn plain_title(subject: &str) -> String {
    one_line(brackets(subject).1).to_lowercase()
}

/// Counts what a diff changes. Inside a hunk `--- x` is a line that went; its lengths say where it ends.
fn stat(lines: &[Line], found: &mut Patch) {
    let (mut old_left, mut new_left) = (0u64, 0u64);
    for line in lines.iter().filter(|line| line.role == Role::Diff) {
        let text = line.text.as_str();
        if old_left > 0 || new_left > 0 {
            match text.as_bytes().first() {
                Some(b'+') => {
                    found.insertions += 1;
                    new_left = new_left.saturating_sub(1);
                }
                Some(b'-') => {
                    found.deletions += 1;
                    old_left = old_left.saturating_sub(1);
                }
                Some(b'\\') => {}
                _ => {
                    old_left = old_left.saturating_sub(1);
                    new_left = new_left.saturating_sub(1);
                }
            }
        } else if let Some(ranges) = text.strip_prefix("@@ ") {
            let length = |mark: char| -> Option<u64> {
                let range = ranges.split(' ').find_map(|word| word.strip_prefix(mark))?;
                range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok())
            };
            (old_left, new_left) = (length('-').unwrap_or(0), length('+').unwrap_or(0));
        } else if let Some(path) = text.strip_prefix("+++ ").or_else(|| text.strip_prefix("--- ")) {
            let path = path.split('\t').next().unwrap_or_default().trim_end();
            let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
            if path != "/dev/null" && found.files.len() < FILES && found.files.last().is_none_or(|last| last != path) {
                found.files.push(path.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "diff --git a/net/x.c b/net/x.c\nindex 1..2 100644\n--- a/net/x.c\n+++ b/net/x.c\n@@ -1,3 +1,3 @@ int f(void)\n one\n--- two\n+++ three\n four\n-- \n2.50\n";

    fn read(subject: &str, body: &str) -> Option<Patch> {
        patch(&Message::read(format!("From: a@b\nSubject: {subject}\n\n{body}").as_bytes()))
    }

    #[test]
    fn a_patch_has_version_number_and_counts() {
        let body = format!(
            "Why.\n\nFixes: 0123456789ab (\"x\")\nSigned-off-by: A <a@b>\n---\n net/x.c | 2 +-\nCc: not@this\n\n{DIFF}"
        );
        let patch = read("[PATCH net-next v3 2/5] net: fix it", &body).expect("a patch");
        assert_eq!((patch.posting, patch.version, patch.number, patch.total), (Posting::Posted, 3, 2, 5));
        assert_eq!((patch.title.as_str(), patch.tags), ("net: fix it", vec!["net-next".to_owned()]));
        assert_eq!((patch.insertions, patch.deletions, patch.files), (1, 1, vec!["net/x.c".to_owned()]));
        assert_eq!(patch.trailers.len(), 2);
    }

    #[test]
    fn prefixes_come_in_many_shapes() {
        for (subject, version, number, total) in [
            ("[PATCHv2] x", 2, 1, 1),
            ("[PATCH V4 0/2] x", 4, 0, 2),
            ("[RFC RESEND v2 02/13] x", 2, 2, 13),
            ("[PATCH 5.10 1/2 v3] x", 3, 1, 2),
        ] {
            let patch = read(subject, DIFF).unwrap_or_else(|| panic!("{subject}"));
            assert_eq!((patch.version, patch.number, patch.total), (version, number, total), "{subject}");
        }
    }

    #[test]
    fn a_reply_to_a_patch_is_none_and_a_diff_in_a_reply_is_inline() {
        assert_eq!(read("Re: [PATCH v2] net: fix it", "> diff --git a/x b/x\nlooks good\n"), None);
        assert_eq!(read("[syzbot] [net?] WARNING in f", "no diff\n"), None);
        let inline = read("Re: [syzbot] [net?] WARNING in f", DIFF).expect("a diff");
        assert_eq!((inline.posting, inline.version), (Posting::Inline, 1));
        assert!(read("[PATCH 0/2] series", "letter\n").expect("a cover letter").is_cover());
    }
}
