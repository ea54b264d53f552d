//! One message: who wrote it to whom and when, what it answers, and its text decoded.

use super::body::{self, Line};
use mail_parser::{Address, DateTime, HeaderName, MessageParser, MessagePart, MimeHeaders, PartType};
use schemars::JsonSchema;
use serde::Serialize;

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, JsonSchema)]
pub struct Person {
    /// The name as written; empty where there is only an address.
    pub name: String,
    /// The address, lower case.
    pub address: String,
    /// Whether it is a program: its name or address says so (`syzbot`, `… robot`, `…-bot`, `noreply`).
    pub bot: bool,
}

impl Person {
    fn new(name: &str, address: &str) -> Self {
        let (name, address) = (one_line(name), one_line(address).to_ascii_lowercase());
        let bot = [&name, &address].iter().any(|text| says_bot(text));
        Self { name, address, bot }
    }

    /// The name, or the address where there is no name.
    #[must_use]
    pub fn shown(&self) -> &str {
        match (self.name.is_empty(), self.address.is_empty()) {
            (false, _) => &self.name,
            (true, false) => &self.address,
            (true, true) => "somebody unnamed",
        }
    }
}

fn says_bot(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let local = lower.split('@').next().unwrap_or_default();
    let words = |word: &str| matches!(word, "bot" | "robot" | "syzbot" | "noreply");
    let mut parts = local.split(|char: char| !char.is_alphanumeric());
    local.contains("no-reply") || parts.any(|word| words(word.trim_end_matches(|char: char| char.is_ascii_digit())))
}

/// A file that came with a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Attachment {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its media type, such as `text/x-log`.
    pub media: String,
    /// Its size when decoded, bytes.
    pub size: usize,
    /// Its text, if it is one.
    #[serde(skip)]
    pub text: Option<String>,
}

/// A message as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// `Message-ID` without its brackets; empty if it has none.
    pub id: String,
    /// Ids of what it answers, the likeliest first: `In-Reply-To`, its last first, then `References`, its last first.
    pub answers: Vec<String>,
    /// Who wrote it.
    pub from: Person,
    /// To whom.
    pub to: Vec<Person>,
    /// And to whom else.
    pub cc: Vec<Person>,
    /// `Date` as RFC 3339; nothing if it has none that can be read.
    pub date: Option<String>,
    /// The same in seconds since 1970.
    pub time: Option<i64>,
    /// The subject on one line.
    pub subject: String,
    /// The list that this copy came over, from `List-Id`; empty if none.
    pub list: String,
    /// The text with its quotes.
    pub text: String,
    /// The lines of the text, and what they are.
    pub lines: Vec<Line>,
    /// What came with it.
    pub attachments: Vec<Attachment>,
    /// The message's size, bytes.
    pub size: usize,
}

/// Parts in parts in parts are left to the project's own reader, which stops somewhere.
const NESTED: usize = 50;
/// People that are kept of `To` and `Cc`, each.
const PEOPLE: usize = 500;
/// Ids that are kept of `References`.
const REFERENCES: usize = 1000;

impl Message {
    /// Whether it says who wrote it or about what. Another text says neither; a date is in what `git log` prints, too.
    #[must_use]
    pub fn is_mail(&self) -> bool {
        !self.from.address.is_empty() || !self.from.name.is_empty() || !self.subject.is_empty()
    }

    /// Reads a message: headers, an empty line, the body. What cannot be read stays empty.
    #[must_use]
    pub fn read(raw: &[u8]) -> Self {
        let nested = memchr::memmem::find_iter(&raw.to_ascii_lowercase(), b"message/").take(NESTED + 1).count();
        let parsed = if nested > NESTED { None } else { MessageParser::default().parse(raw) };
        let mut message = Self { size: raw.len(), ..Self::default() };
        let Some(parsed) = parsed else {
            let text = crate::input::unquote_mail(raw).unwrap_or_else(|| raw.to_vec());
            return message.with_text(&String::from_utf8_lossy(&text), false);
        };
        let ids = |name: HeaderName<'static>| ids_of(parsed.header_raw(name).unwrap_or_default());
        message.id = ids(HeaderName::MessageId).pop().unwrap_or_else(|| bare_id(parsed.message_id()));
        message.answers = ids(HeaderName::InReplyTo).into_iter().rev().collect();
        message.answers.extend(ids(HeaderName::References).into_iter().rev());
        message.answers.retain(|id| *id != message.id);
        let mut seen = std::collections::BTreeSet::new();
        message.answers.retain(|id| seen.insert(id.clone()));
        message.from = people(parsed.from()).into_iter().next().unwrap_or_default();
        message.to = people(parsed.to());
        message.cc = people(parsed.cc());
        if let Some(date) = parsed.date().filter(|date| date.is_valid()) {
            message.date = Some(date.to_rfc3339());
            message.time = Some(date.to_timestamp());
        }
        message.subject = one_line(parsed.subject().unwrap_or_default());
        message.list = list_of(parsed.header_raw(HeaderName::ListId).unwrap_or_default());
        let mut text = String::new();
        let mut flowed = false;
        for (at, part) in parsed.text_bodies().enumerate() {
            let written = match &part.body {
                PartType::Html(_) => parsed.body_text(at).unwrap_or_default().into_owned(),
                _ => part.text_contents().unwrap_or_default().to_owned(),
            };
            if at > 0 && part.attachment_name().is_some() {
                message.attachments.push(attachment(part, Some(written)));
                continue;
            }
            flowed |= is_flowed(part);
            text.push_str(&written);
            if !text.ends_with('\n') {
                text.push('\n');
            }
        }
        message.attachments.extend(parsed.attachments().map(|part| {
            let text = match &part.body {
                PartType::Text(text) => Some(text.to_string()),
                PartType::Message(inner) => inner.body_text(0).map(std::borrow::Cow::into_owned),
                _ => None,
            };
            attachment(part, text)
        }));
        message.with_text(&text, flowed)
    }

    fn with_text(mut self, text: &str, flowed: bool) -> Self {
        let text = text.replace("\r\n", "\n");
        self.text = if flowed { body::unflowed(&text) } else { text };
        self.lines = body::lines(&self.text);
        self
    }

    /// The lines that its writer wrote: no quotes, no signature.
    pub fn own(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| line.is_own())
    }

    /// The day, as `2026-11-26`, or `undated`.
    #[must_use]
    pub fn day(&self) -> &str {
        self.date.as_deref().and_then(|date| date.get(..10)).unwrap_or("undated")
    }
}

/// A time in seconds since 1970 as RFC 3339.
#[must_use]
pub fn rfc3339(time: i64) -> String {
    DateTime::from_timestamp(time).to_rfc3339()
}

/// Seconds since 1970 of an RFC 3339 time.
#[must_use]
pub fn seconds_of(rfc3339: &str) -> Option<i64> {
    DateTime::parse_rfc3339(rfc3339).filter(DateTime::is_valid).map(|date| date.to_timestamp())
}

fn attachment(part: &MessagePart<'_>, text: Option<String>) -> Attachment {
    let media = part.content_type().map_or_else(
        || "text/plain".to_owned(),
        |kind| format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or("plain")).to_ascii_lowercase(),
    );
    Attachment {
        name: one_line(part.attachment_name().unwrap_or_default()),
        media: one_line(&media),
        size: text.as_ref().map_or_else(|| part.len(), String::len),
        text: text.map(|text| text.replace("\r\n", "\n")),
    }
}

fn is_flowed(part: &MessagePart<'_>) -> bool {
    let format = part.content_type().and_then(|kind| kind.attribute("format"));
    format.is_some_and(|format| format.eq_ignore_ascii_case("flowed"))
}

fn people(addresses: Option<&Address<'_>>) -> Vec<Person> {
    addresses
        .into_iter()
        .flat_map(Address::iter)
        .take(PEOPLE)
        .map(|person| {
            Person::new(person.name.as_deref().unwrap_or_default(), person.address.as_deref().unwrap_or_default())
        })
        .filter(|person| !person.address.is_empty() || !person.name.is_empty())
        .collect()
}

/// The ids of a header: everything in `<>` with an `@` or without, comments left out by that.
fn ids_of(value: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((id, after)) = after.split_once('>') else { break };
        // A bracket that was never closed does not swallow the next id.
        let id = id.rsplit('<').next().unwrap_or_default();
        let id: String = id.chars().filter(|char| !char.is_whitespace()).collect();
        if !id.is_empty() && ids.len() < REFERENCES {
            ids.push(id);
        }
        rest = after;
    }
    ids
}

fn bare_id(id: Option<&str>) -> String {
    id.unwrap_or_default().chars().filter(|char| !char.is_whitespace()).collect()
}

/// `Linux Kernel <linux-kernel.vger.kernel.org>` → `linux-kernel.vger.kernel.org`.
fn list_of(value: &str) -> String {
    let bare = value.rsplit_once('<').map_or(value, |(_, rest)| rest.split('>').next().unwrap_or_default());
    one_line(bare).to_ascii_lowercase()
}

/// Text on one line with single blanks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> Message {
        Message::read(raw.as_bytes())
    }

    #[test]
    fn several_ids_comments_and_none_are_understood_in_what_is_answered() {
        let message = read(
            "From: a@b\nMessage-ID: <own@x>\nIn-Reply-To: <one@x> (somebody's message of Monday) <two@x>\nReferences: <zero@x>\n <one@x>\n\nx\n",
        );
        assert_eq!(message.id, "own@x");
        assert_eq!(message.answers, ["two@x", "one@x", "zero@x"]);
        assert!(read("From: a@b\nSubject: x\n\nx\n").answers.is_empty());
    }

    #[test]
    fn encoded_names_and_subjects_are_decoded() {
        let message = read(
            "From: =?utf-8?q?J=C3=B6rg_M?= <J@Example.ORG>\nSubject: =?iso-8859-1?q?a_caf=E9?=\n and more\nDate: Thu, 26 Nov 2026 01:02:03 +0100\n\nx\n",
        );
        assert_eq!((&*message.from.name, &*message.from.address), ("Jörg M", "j@example.org"));
        assert_eq!(message.subject, "a café and more");
        assert_eq!(message.day(), "2026-11-26");
        assert_eq!(message.time, seconds_of("2026-11-26T00:02:03Z"));
    }

    #[test]
    fn a_charset_that_lies_or_is_unknown_costs_no_line() {
        for charset in ["utf-8", "us-ascii", "x-nonsense", "koi8-r"] {
            let raw = [
                format!("From: a@b\nContent-Type: text/plain; charset={charset}\n\none\n").as_bytes(),
                b"\xe9\xff bytes\nlast\n",
            ]
            .concat();
            let message = Message::read(&raw);
            assert_eq!(message.text.lines().count(), 3, "{charset}: {:?}", message.text);
            assert!(message.text.ends_with("last\n"));
        }
    }

    #[test]
    fn encodings_and_flowed_text_are_undone() {
        let quoted = read("From: a@b\nContent-Transfer-Encoding: quoted-printable\n\na=3Db c=\nd\n");
        assert_eq!(quoted.text, "a=b cd\n");
        let base64 = read("From: a@b\nContent-Transfer-Encoding: base64\n\naGVsbG8NCndvcmxkCg==\n");
        assert_eq!(base64.text, "hello\nworld\n");
        let flowed = read("From: a@b\nContent-Type: text/plain; format=flowed\n\none \ntwo\n> q \n> r\n-- \nme\n");
        assert_eq!(flowed.text, "one two\n> q r\n-- \nme\n");
    }

    #[test]
    fn parts_are_body_or_attachment() {
        let message = read(
            "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain\n\nplain\n--c\nContent-Type: text/html\n\n<p>rich</p>\n--c--\n--b\nContent-Type: text/x-log; name=\"dmesg.log\"\nContent-Disposition: attachment\n\n[    1.0] x\n--b\nContent-Type: application/pgp-signature\n\nxyz\n--b--\n",
        );
        assert_eq!(message.text.trim(), "plain");
        let log = message.attachments.iter().find(|file| file.name == "dmesg.log").expect("the log");
        assert_eq!(log.text.as_deref().map(str::trim), Some("[    1.0] x"));
        let only_html = read("From: a@b\nContent-Type: text/html\n\n<p>one</p><p>two &amp; three</p>\n");
        assert!(only_html.text.contains("two & three"), "{:?}", only_html.text);
    }

    #[test]
    fn programs_are_distinguished_from_people() {
        for (name, address, bot) in [
            ("syzbot", "syzbot+0123@syzkaller.appspotmail.com", true),
            ("kernel test robot", "lkp@intel.com", true),
            ("", "patchwork-bot+netdevbpf@kernel.org", true),
            ("Greg Abbott", "robotics@example.org", false),
            ("Bot Fan", "x@bot.example.org", true),
            ("tip-bot2 for Ann Example", "tip-bot2@example.org", true),
        ] {
            assert_eq!(Person::new(name, address).bot, bot, "{name} {address}");
        }
    }

    #[test]
    fn messages_in_messages_without_end_are_read() {
        let mut raw = String::from("From: a@b\n");
        for _ in 0..20_000 {
            raw.push_str("Content-Type: message/rfc822\n\nFrom: a@b\n");
        }
        assert_eq!(read(&raw).size, raw.len());
    }
}
