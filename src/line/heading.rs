//! Lines above a log that somebody named it by: the fields of a tracker, the tags of a subject, the title of a page, what a mail server
//! put on top.

use super::landmarks::{CUT_HERE, is_body};
use super::{find, lex, unwrap};
use crate::input::{Landmark, landmark};

/// The fields of trackers and letters that name what a report is about.
const FIELDS: [&str; 8] =
    ["subject", "summary", "title", "synopsis", "headline", "bug title", "short description", "one-line summary"];
/// What stands in brackets before a subject.
const TAGS: [&str; 9] = ["external", "ext", "bug", "regression", "oops", "crash", "help", "question", "syzbot"];
/// With what trackers call an entry, before its number.
const ENTRIES: [&str; 6] = ["bug", "issue", "ticket", "case", "lp", "bugzilla"];
/// Between the name of a page and that of its site.
const SITE: &str = " · ";

/// Whether what stands before a report's words says that they are a title: `Summary: `, `Bug 1234 - `, `[EXTERNAL] `, `## `.
pub(super) fn names_it(before: &[u8]) -> bool {
    let words = before.trim_ascii();
    is_field(words) || is_entry(words) || is_tag(words) || is_mark(words)
}

/// `Subject:`, `Subject: Re:`, `Summary: lamp:`.
fn is_field(words: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', words) else { return false };
    FIELDS.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(words[..colon].trim_ascii_end()))
}

/// `Bug 1234 -`, `[Bug 1234] New:`, `Bug #1234:`, `#1234`.
fn is_entry(words: &[u8]) -> bool {
    let words = words.strip_prefix(b"[").unwrap_or(words);
    let name = words.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let known = |name: &[u8]| ENTRIES.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
    let behind = words[name..].strip_prefix(b":").unwrap_or(&words[name..]).trim_ascii_start();
    let number = behind.strip_prefix(b"#");
    if !(known(&words[..name]) || name == 0 && number.is_some()) {
        return false;
    }
    let number = number.unwrap_or(behind);
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = &number[digits..];
    digits > 0 && (rest.is_empty() || matches!(rest[0], b' ' | b']' | b':')) && rest.len() <= LONGEST
}

/// Between the number of an entry and its title stand no more bytes: `] [Drivers/Other] New: `.
const LONGEST: usize = 40;

/// `[EXTERNAL]`, `[syzbot] [ext4?]`.
fn is_tag(words: &[u8]) -> bool {
    let Some(inner) = words.strip_prefix(b"[").and_then(|words| words.strip_suffix(b"]")) else { return false };
    let first = inner.split(|byte| *byte == b']').next().unwrap_or_default();
    TAGS.iter().any(|tag| tag.as_bytes().eq_ignore_ascii_case(first))
}

/// A heading of Markdown; a prompt of a shell looks the same, and then the kernel goes on.
fn is_mark(words: &[u8]) -> bool {
    !words.is_empty() && words.len() <= 6 && words.iter().all(|byte| *byte == b'#')
}

/// Whether the title of a page ends so: with the number of the entry, the name of the site.
pub(super) fn ends_as_page(rest: &[u8]) -> bool {
    let last = rest.trim_ascii_end().rsplit(|byte| *byte == b' ').next().unwrap_or_default();
    let last = last.strip_prefix(b"(").and_then(|last| last.strip_suffix(b")")).unwrap_or(last);
    let is_entry = |number: &[u8]| !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    // The kernel numbers its builds so, behind its release.
    let is_build = is_body(rest);
    find(rest, SITE).is_some() || !is_build && last.strip_prefix(b"#").is_some_and(is_entry)
}

/// Whether a report begins below a line before anything that belongs to one: the line is none's. `below` are the lines below it.
pub(super) fn stands_above(below: impl Iterator<Item = impl AsRef<[u8]>>) -> bool {
    let begins = |line: &[u8]| {
        find(line, CUT_HERE).is_some()
            || line.starts_with(b"=====")
            || matches!(landmark(line), Some(Landmark::Opener | Landmark::Header | Landmark::Panic))
    };
    let first = below.into_iter().find_map(|line| {
        let line = unwrap(line.as_ref());
        let text = lex(&line).text(&line).trim_ascii();
        let own = begins(text);
        (own || is_body(text)).then_some(own)
    });
    first == Some(true)
}

#[cfg(test)]
mod tests {
    use super::{ends_as_page, names_it, stands_above};

    #[test]
    fn titles_are_known_by_what_stands_before_them() {
        for before in [
            "Summary: ",
            "subject:\t",
            "Subject: Re: ",
            "Bug 1234 - ",
            "[Bug 1234] New: ",
            "Bug #12: ",
            "#431 ",
            "LP: #2034567 ",
            "[EXTERNAL] ",
            "[syzbot] [ext4?] ",
            "Subject: [BUG] ",
            "Summary: Oops: ",
            "### ",
            "Issue 77: ",
        ] {
            assert!(names_it(before.as_bytes()), "{before}");
        }
        for before in
            ["", "Oops: ", "lamp: ", "[drm] ", "[   12.3] ", "# [", "Bug: ", "BTRFS: ", "[1234] ", "#!/", "#PF: "]
        {
            assert!(!names_it(before.as_bytes()), "{before}");
        }
    }

    #[test]
    fn titles_of_pages_end_with_their_site() {
        assert!(ends_as_page(b" at lamp.c:12! (#1234)"));
        assert!(ends_as_page(" at lamp.c:12! · Issues · lamp · Forge".as_bytes()));
        assert!(!ends_as_page(b" at lamp.c:12!"));
        assert!(!ends_as_page(b": lamp Not tainted 6.1.0 #12"));
    }

    #[test]
    fn what_stands_above_a_report_is_none() {
        assert!(stands_above(
            ["", "[    1.0] lamp: on", "[    2.0] ------------[ cut here ]------------", " lamp+0x1/0x2"].iter()
        ));
        assert!(!stands_above(["CPU: 1 PID: 7 Comm: x", "------------[ cut here ]------------"].iter()));
        assert!(!stands_above(["", "nothing"].iter()));
    }
}
