//! The text of an HTML part of a mail, or of a page that was saved: as much of HTML as mail programs and bug trackers write.

use super::character::character;
use super::inside::Inside;
use super::lines;

/// Tags that only say how a text looks, or hold nothing that is shown.
const INLINE: [&[u8]; 43] = [
    b"a",
    b"abbr",
    b"b",
    b"body",
    b"button",
    b"code",
    b"em",
    b"font",
    b"g",
    b"head",
    b"html",
    b"i",
    b"img",
    b"input",
    b"ins",
    b"del",
    b"kbd",
    b"label",
    b"link",
    b"meta",
    b"noscript",
    b"o:p",
    b"path",
    b"s",
    b"samp",
    b"script",
    b"small",
    b"span",
    b"strike",
    b"strong",
    b"style",
    b"sub",
    b"sup",
    b"svg",
    b"tbody",
    b"template",
    b"thead",
    b"time",
    b"title",
    b"tt",
    b"u",
    b"use",
    b"wbr",
];
/// Tags that begin a line, and end one.
const BLOCKS: [&[u8]; 32] = [
    b"article",
    b"aside",
    b"blockquote",
    b"center",
    b"dd",
    b"details",
    b"div",
    b"dl",
    b"dt",
    b"figure",
    b"footer",
    b"form",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"header",
    b"hr",
    b"li",
    b"main",
    b"nav",
    b"ol",
    b"p",
    b"pre",
    b"section",
    b"summary",
    b"table",
    b"textarea",
    b"tr",
    b"ul",
];
/// Tags whose text is not shown.
const HIDDEN: [&[u8]; 3] = [b"script", b"style", b"title"];
/// Tags within which lines are lines.
const PREFORMATTED: [&[u8]; 2] = [b"pre", b"textarea"];
/// With what a page begins.
const BEGINNINGS: [&[u8]; 2] = [b"<!doctype html", b"<html"];
/// A name is no longer, bytes.
const LONGEST_NAME: usize = 10;

/// Whether a text begins as a page does.
#[must_use]
pub fn begins_page(text: &[u8]) -> bool {
    let mut begin = text.trim_ascii_start();
    if begin.starts_with(b"<?xml") {
        let Some(end) = memchr::memchr(b'>', begin) else { return false };
        begin = begin[end + 1..].trim_ascii_start();
    }
    BEGINNINGS.iter().any(|tag| begin.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag)))
}

/// What a page shows, line by line.
#[must_use]
pub fn page(text: &[u8]) -> Inside {
    let mut inside = Inside::of(text.len());
    for (line, origin) in shown(lines(text)) {
        inside.begin(origin);
        inside.text.extend_from_slice(&line);
        inside.text.push(b'\n');
    }
    inside
}

/// The lines that are shown, and where the line began that each is from. Linear in the text; a name that does not belong to a tag, `<TASK>`, is text.
pub(super) fn shown<'a>(lines: impl Iterator<Item = (&'a [u8], usize)>) -> Vec<(Vec<u8>, usize)> {
    let mut page = Page::default();
    for (line, origin) in lines {
        page.line(line, origin);
    }
    page.end_line(false);
    page.out
}

#[derive(Default)]
struct Page {
    out: Vec<(Vec<u8>, usize)>,
    /// The line that is being put together, and where it began.
    line: Vec<u8>,
    origin: Option<usize>,
    /// How many `<pre>` are open.
    preformatted: usize,
    /// The tag that hides what follows.
    hidden: Option<&'static [u8]>,
    /// Whether a blank that counts once was read last.
    blank: bool,
    /// Whether a tag goes on in the next line.
    in_tag: bool,
}

impl Page {
    fn line(&mut self, line: &[u8], origin: usize) {
        let mut at = 0;
        while at < line.len() {
            let rest = &line[at..];
            if self.in_tag {
                let Some(end) = memchr::memchr(b'>', rest) else { return };
                self.in_tag = false;
                at += end + 1;
                continue;
            }
            if rest[0] == b'<'
                && let Some(name) = Tag::of(rest)
            {
                self.tag(&name, origin);
                self.in_tag = true;
                at += 1;
                continue;
            }
            let end = 1 + memchr::memchr(b'<', &rest[1..]).unwrap_or(rest.len() - 1);
            self.text(&rest[..end], origin);
            at += end;
        }
        if self.preformatted > 0 {
            self.end_line(true);
        } else if !self.in_tag {
            self.text(b" ", origin);
        }
    }

    fn tag(&mut self, tag: &Tag, origin: usize) {
        if let Some(hidden) = self.hidden {
            if tag.ends && tag.is(hidden) {
                self.hidden = None;
            }
            return;
        }
        if !tag.ends {
            self.hidden = HIDDEN.into_iter().find(|name| tag.is(name));
        }
        if tag.is(b"br") {
            self.end_line(true);
        } else if tag.is(b"td") || tag.is(b"th") {
            self.text(b" ", origin);
        } else if BLOCKS.iter().any(|name| tag.is(name)) {
            self.end_line(false);
            if PREFORMATTED.iter().any(|name| tag.is(name)) {
                self.preformatted =
                    if tag.ends { self.preformatted.saturating_sub(1) } else { self.preformatted.saturating_add(1) };
            }
        }
    }

    fn text(&mut self, text: &[u8], origin: usize) {
        if self.hidden.is_some() {
            return;
        }
        let mut at = 0;
        while at < text.len() {
            let (byte, length, kept) = match text[at] {
                b'&' => character(&text[at..]).map_or((b'&', 1, true), |(byte, length)| (byte, length, true)),
                blank if blank.is_ascii_whitespace() && self.preformatted == 0 => (b' ', 1, false),
                byte => (byte, 1, true),
            };
            // Blanks that are not preformatted are one, and none begins a line.
            if kept || !self.line.is_empty() && !self.blank {
                self.origin.get_or_insert(origin);
                self.line.push(byte);
            }
            self.blank = !kept;
            at += length;
        }
    }

    /// Ends the line; an empty one counts only if it is `shown`.
    fn end_line(&mut self, shown: bool) {
        let mut line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.blank) && line.last() == Some(&b' ') {
            line.pop();
        }
        let origin = self.origin.take().or_else(|| self.out.last().map(|(_, origin)| *origin)).unwrap_or(0);
        if shown || !line.trim_ascii().is_empty() {
            self.out.push((line, origin));
        }
    }
}

/// A tag's name, small letters or not.
struct Tag<'a> {
    name: &'a [u8],
    ends: bool,
}

impl<'a> Tag<'a> {
    /// The tag at the beginning of a text, or a comment.
    fn of(text: &'a [u8]) -> Option<Self> {
        let rest = text.strip_prefix(b"<")?;
        if rest.starts_with(b"!") {
            return Some(Self { name: b"!", ends: false });
        }
        let (rest, ends) = rest.strip_prefix(b"/").map_or((rest, false), |rest| (rest, true));
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b':';
        let length = rest.iter().take(LONGEST_NAME + 1).take_while(|byte| is_name(byte)).count();
        let tag = Self { name: &rest[..length], ends };
        let closed = matches!(rest.get(length), None | Some(b'>' | b'/' | b' ' | b'\t' | b'\r'));
        let known = [&b"br"[..], b"td", b"th"];
        let is_known = || known.iter().chain(&INLINE).chain(&BLOCKS).any(|name| tag.is(name));
        (closed && is_known()).then_some(tag)
    }

    fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines;
    use super::{begins_page, shown};

    fn text(html: &str) -> Vec<String> {
        shown(lines(html.as_bytes())).into_iter().map(|(line, _)| String::from_utf8_lossy(&line).into_owned()).collect()
    }

    #[test]
    fn what_a_mail_program_writes_is_read() {
        let html = "<html><head><style>p { x > y }\n</style></head><body><div>Hi &amp; hello\nthere</div>\n\
            <div><br></div><p class=\"a\"\n id=b>[ &nbsp; 1.0] BUG: &lt;x&gt;<br>[    2.0] &#60;TASK&#x3e; <TASK></p></body></html>";
        assert_eq!(text(html), ["Hi & hello there", "", "[   1.0] BUG: <x>", "[ 2.0] <TASK> <TASK>"]);
    }

    #[test]
    fn preformatted_lines_stay() {
        assert_eq!(text("<pre>[    1.0] a\n\n   b<b>c</b>\n</pre>d"), ["[    1.0] a", "", "   bc", "d"]);
    }

    #[test]
    fn lines_know_where_they_stood() {
        let html = "<div>a</div>\n<div>b &lt;</div>";
        let found = shown(lines(html.as_bytes()));
        assert_eq!(found.iter().map(|(_, origin)| *origin).collect::<Vec<_>>(), [0, 13]);
    }

    #[test]
    fn a_page_is_known_by_its_beginning() {
        for page in ["<!DOCTYPE html>\n", "\n<html lang=en>", "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC>"] {
            assert!(begins_page(page.as_bytes()), "{page}");
        }
        for other in ["", "<htm", "<?xml", "[    1.000000] <html>", "<TASK>"] {
            assert!(!begins_page(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_field_of_a_form_holds_lines() {
        assert_eq!(text("<section>x<textarea rows=9>a\nb  c</textarea>"), ["x", "a", "b  c"]);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(html in "[<>/a-c!&#;x0-9 \\n]{0,120}|(<pre>|</pre>|<br|<p>|&lt;|\\n| |>|<!){0,40}") {
            let _ = text(&html);
        }
    }
}
