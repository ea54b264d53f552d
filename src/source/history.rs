//! An index of a tree's whole history: for each commit its subject and what it says of other commits and of bugs.
//!
//! Searching 1.3 million messages takes git a quarter of a minute; searching this file takes a fraction of a second. It is made on
//! first use, kept by the tips of all branches and tags, and only what is new is read after a fetch.
//!
//! ```text
//! kanalyze history 1 \n cut DIGEST \n tip HASH \n … \n \n
//! HASH ' ' subject [ 0x1f letter value ]… \n        F fixes · B bug · T tested for a bug · V reverts · U copy of
//! ```

use super::answers::{hex, keep};
use super::commit::trailers;
use super::git::{SourceError, is_hash, is_hex, words};
use super::tree::Tree;
use crate::symbols::View;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::PathBuf;

const FORM: &str = "kanalyze history 1";
/// Separates what is said of a commit.
const UNIT: u8 = 0x1f;
/// How often progress is reported, commits.
const STEP: usize = 20_000;
/// More than this many commits at once are reported as work.
const MANY: usize = 50_000;

/// The index, in memory or mapped.
#[derive(Debug)]
pub(super) struct History {
    bytes: Bytes,
    records: usize,
}

#[derive(Debug)]
enum Bytes {
    Mapped(View),
    Made(Vec<u8>),
}

/// A commit in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its id.
    pub commit: String,
    /// Its subject.
    pub subject: String,
}

/// What a message may say of something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// `Fixes:` a commit.
    Fixes,
    /// `Reported-by:`, `Closes:`, `Link:` of a syzbot bug.
    Bug,
    /// `Tested-by:` of a syzbot bug.
    Tested,
    /// `This reverts commit`.
    Reverts,
    /// `commit … upstream`, `cherry picked from`.
    CopyOf,
}

impl Says {
    fn letter(self) -> u8 {
        match self {
            Self::Fixes => b'F',
            Self::Bug => b'B',
            Self::Tested => b'T',
            Self::Reverts => b'V',
            Self::CopyOf => b'U',
        }
    }
}

impl History {
    fn text(&self) -> &[u8] {
        let all: &[u8] = match &self.bytes {
            Bytes::Mapped(view) => view,
            Bytes::Made(bytes) => bytes,
        };
        all.get(self.records..).unwrap_or_default()
    }

    /// Commits that say `says` of something that begins with `value`, or of a beginning of it that is 7 and more letters long.
    pub(super) fn saying(&self, says: Says, value: &str) -> Vec<Entry> {
        let least = value.get(..7).unwrap_or(value);
        let needle = [&[UNIT, says.letter()], least.as_bytes()].concat();
        self.lines(&needle, |line| {
            line.split(|byte| *byte == UNIT).skip(1).any(|said| {
                let said = said.split_first().filter(|(letter, _)| **letter == says.letter());
                said.is_some_and(|(_, said)| value.as_bytes().starts_with(said) || said.starts_with(value.as_bytes()))
            })
        })
    }

    /// Commits whose subject holds a text.
    pub(super) fn named(&self, text: &str) -> Vec<Entry> {
        if text.len() < 8 {
            return Vec::new();
        }
        self.lines(text.as_bytes(), |line| {
            let subject = line.split(|byte| *byte == UNIT).next().unwrap_or_default();
            memchr::memmem::find(subject, text.as_bytes()).is_some()
        })
    }

    /// What a commit says of others: all values of a kind.
    pub(super) fn said_by(&self, commit: &str, says: Says) -> Vec<String> {
        let text = self.text();
        let needle = format!("{commit} ");
        let starts = memchr::memmem::find_iter(text, needle.as_bytes());
        let Some(at) = starts.into_iter().find(|at| *at == 0 || text[at - 1] == b'\n') else { return Vec::new() };
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
        let parts = text[at..end].split(|byte| *byte == UNIT).skip(1);
        let said = parts.filter_map(|part| part.split_first().filter(|(letter, _)| **letter == says.letter()));
        said.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    fn lines(&self, needle: &[u8], fits: impl Fn(&[u8]) -> bool) -> Vec<Entry> {
        let text = self.text();
        let mut found: Vec<Entry> = Vec::new();
        let mut done = 0;
        for at in memchr::memmem::find_iter(text, needle) {
            if at < done {
                continue;
            }
            let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
            let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |length| at + length);
            done = end;
            if fits(&text[start..end]) {
                found.extend(entry(&text[start..end]));
            }
        }
        found
    }
}

fn entry(line: &[u8]) -> Option<Entry> {
    let head = String::from_utf8_lossy(line.split(|byte| *byte == UNIT).next()?).into_owned();
    let (commit, subject) = head.split_once(' ')?;
    is_hash(commit).then(|| Entry { commit: commit.to_owned(), subject: subject.to_owned() })
}

/// The index of everything that branches, remotes and tags reach, made or brought up to date.
///
/// # Errors
/// What git says.
pub(super) fn history_of(tree: &Tree) -> Result<History, SourceError> {
    let tips = tips(tree)?;
    let cut = hex(&Sha256::digest(tree.cut_at.iter().flat_map(|id| id.bytes()).collect::<Vec<_>>()));
    let path = history_path(tree);
    let kept = path.as_deref().and_then(|path| View::open(path).ok()).and_then(|view| Kept::read(view, &cut));
    match kept {
        Some(kept) if kept.tips == tips => Ok(History { records: kept.records, bytes: Bytes::Mapped(kept.view) }),
        kept => made(tree, &tips, &cut, kept.as_ref()),
    }
}

fn history_path(tree: &Tree) -> Option<PathBuf> {
    let name = hex(&Sha256::digest(tree.common.as_os_str().as_encoded_bytes()));
    Some(tree.cache.as_ref()?.join("history").join(name))
}

/// The commits that branches, remotes, tags and HEAD name.
fn tips(tree: &Tree) -> Result<BTreeSet<String>, SourceError> {
    let format = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname)";
    let said = tree.git.output(&words(&["for-each-ref", format, "refs/heads", "refs/remotes", "refs/tags"]))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let commits = said.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        words.chunks(2).find(|pair| pair.first() == Some(&"commit")).and_then(|pair| pair.get(1).copied())
    });
    Ok(commits.filter(|id| is_hash(id)).map(str::to_owned).chain([tree.state.head.clone()]).collect())
}

fn made(tree: &Tree, tips: &BTreeSet<String>, cut: &str, kept: Option<&Kept>) -> Result<History, SourceError> {
    let mut head = format!("{FORM}\ncut {cut}\n");
    tips.iter().for_each(|tip| head.extend(["tip ", tip, "\n"]));
    head.push('\n');
    let mut bytes = head.into_bytes();
    let records = bytes.len();
    let asked = tips.iter().cloned().chain(kept.iter().flat_map(|kept| kept.tips.iter().map(|tip| format!("^{tip}"))));
    let asked: String = asked.map(|name| name + "\n").collect();
    let arguments = ["log", "--ignore-missing", "--format=format:%H%x00%s%x00%b%x1e", "--stdin"];
    let mut count = 0;
    tree.git.records_for(&arguments, asked.as_bytes(), 0x1e, |record| {
        index(record, &mut bytes);
        count += 1;
        if count % STEP == 0 {
            tree.tell(&format!("reading the history of {} once: {count} commits", tree.state.path));
        }
        true
    })?;
    if let Some(kept) = kept {
        bytes.extend_from_slice(kept.view.get(kept.records..).unwrap_or_default());
    }
    if let Some(path) = history_path(tree)
        && keep(&path, &bytes).is_ok()
        && count > MANY
    {
        tree.tell(&format!("{count} commits are indexed; later searches take a moment"));
    }
    Ok(History { bytes: Bytes::Made(bytes), records })
}

/// An index that was kept.
struct Kept {
    view: View,
    tips: BTreeSet<String>,
    records: usize,
}

impl Kept {
    fn read(view: View, cut: &str) -> Option<Self> {
        let records = memchr::memmem::find(&view, b"\n\n")? + 2;
        let head = std::str::from_utf8(view.get(..records)?).ok()?.to_owned();
        let mut lines = head.lines();
        if lines.next() != Some(FORM) || lines.next()?.strip_prefix("cut ")? != cut {
            return None;
        }
        let tips = lines.filter_map(|line| line.strip_prefix("tip ")).map(str::to_owned).collect();
        Some(Self { view, tips, records })
    }
}

/// Adds a commit to the index.
fn index(record: &[u8], to: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(record);
    let mut parts = text.trim_start_matches('\n').splitn(3, '\0');
    let (Some(commit), Some(subject), Some(body)) = (parts.next(), parts.next(), parts.next()) else { return };
    if !is_hash(commit) {
        return;
    }
    to.extend_from_slice(commit.as_bytes());
    to.push(b' ');
    to.extend(subject.bytes().map(|byte| if byte < b' ' { b' ' } else { byte }));
    for (says, value) in said(body) {
        to.extend_from_slice(&[UNIT, says.letter()]);
        to.extend_from_slice(value.as_bytes());
    }
    to.push(b'\n');
}

/// What a message says of other commits and of bugs.
fn said(body: &str) -> Vec<(Says, String)> {
    let mut all = Vec::new();
    for (name, value) in trailers(body) {
        match name.to_ascii_lowercase().as_str() {
            "fixes" => {
                let id = value.split(|char: char| !char.is_ascii_hexdigit()).next().unwrap_or("").to_ascii_lowercase();
                if (7..=64).contains(&id.len()) {
                    all.push((Says::Fixes, id));
                }
                // Some write the bug there.
                all.extend(bug_in(value).map(|bug| (Says::Bug, bug)));
            }
            "tested-by" => all.extend(bug_in(value).map(|bug| (Says::Tested, bug))),
            name if name.starts_with("reported") || matches!(name, "closes" | "link" | "addresses" | "syzbot") => {
                all.extend(bug_in(value).map(|bug| (Says::Bug, bug)));
            }
            _ => {}
        }
    }
    for line in body.lines() {
        let line = line.trim().trim_start_matches(['[', '(']).trim_end_matches(['.', ']', ')', ',']).trim();
        let id_after =
            |prefix: &str| line.strip_prefix(prefix).map(|rest| rest.split([' ', '.', ',']).next().unwrap_or(""));
        let id = |text: Option<&str>| text.filter(|id| id.len() >= 12 && is_hex(id)).map(str::to_owned);
        if let Some(of) = id(id_after("This reverts commit ")) {
            all.push((Says::Reverts, of));
        }
        let copy = id(id_after("Upstream commit ")).or_else(|| id(id_after("cherry picked from commit ")));
        let copy = copy.or_else(|| id(id_after("commit ").filter(|_| line.ends_with("upstream"))));
        all.extend(copy.map(|of| (Says::CopyOf, of)));
    }
    all.dedup();
    all
}

/// The extid of a syzbot bug in a trailer: `syzbot+HEX@…`, `…?extid=HEX`.
fn bug_in(value: &str) -> Option<String> {
    let after = ["syzbot+", "extid="].iter().find_map(|sign| value.split_once(sign))?.1;
    let id: String = after.chars().take_while(char::is_ascii_hexdigit).collect::<String>().to_ascii_lowercase();
    (id.len() >= 12).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read() {
        let body = "Why.\n\nThis reverts commit 0123456789abcdef0123456789abcdef01234567.\n\n\
            [ Upstream commit 89abcdef0123456789abcdef0123456789abcdef ]\n\
            Reported-and-tested-by: syzbot+00112233445566778899@syzkaller.appspotmail.com\n\
            Closes: https://syzkaller.appspot.com/bug?extid=aabbccddeeff00112233\n\
            Fixes: 1DA177E4C3F4 (\"Linux-2.6.12-rc2\")\nFixes: nothing\nTested-by: A <a@b.example>\n";
        let found = said(body);
        let expected = [
            (Says::Bug, "00112233445566778899"),
            (Says::Bug, "aabbccddeeff00112233"),
            (Says::Fixes, "1da177e4c3f4"),
            (Says::Reverts, "0123456789abcdef0123456789abcdef01234567"),
            (Says::CopyOf, "89abcdef0123456789abcdef0123456789abcdef"),
        ];
        assert_eq!(found, expected.map(|(says, value)| (says, value.to_owned())));
    }
}
