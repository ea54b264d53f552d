//! Entries of the systemd journal, from `journalctl -o json` or `-o export` text that comes in any pieces.
//!
//! The formats: <https://systemd.io/JOURNAL_EXPORT_FORMATS/>.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest line or field that is kept, bytes; what is longer is passed over.
const LONGEST: usize = 1 << 20;

/// One entry, as far as it says something of a boot.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    /// Which boot, 32 hexadecimal digits.
    pub boot_id: String,
    /// When the journal got it, microseconds since 1970.
    pub realtime: Option<u64>,
    /// The same since the start of the boot, microseconds.
    pub monotonic: Option<u64>,
    /// The kernel's own stamp, microseconds since the start of the boot.
    pub printed: Option<u64>,
    /// Whether it came from the kernel's log.
    pub kernel: bool,
    /// Who says it: `kernel`, `systemd`.
    pub identifier: String,
    /// What it says; several lines are possible.
    pub message: Vec<u8>,
    /// In which line of the text it begins, from 1.
    pub line: u64,
}

impl Entry {
    fn of(fields: &BTreeMap<String, Vec<u8>>, line: u64) -> Option<Self> {
        let text = |name: &str| fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
        let number = |name: &str| text(name)?.trim().parse().ok();
        let boot_id =
            text("_BOOT_ID").filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(Self {
            boot_id: boot_id.to_ascii_lowercase(),
            realtime: number("__REALTIME_TIMESTAMP"),
            monotonic: number("__MONOTONIC_TIMESTAMP"),
            printed: number("_SOURCE_MONOTONIC_TIMESTAMP"),
            kernel: text("_TRANSPORT") == Some("kernel"),
            identifier: text("SYSLOG_IDENTIFIER").unwrap_or_default().to_owned(),
            message: fields.get("MESSAGE").cloned().unwrap_or_default(),
            line,
        })
    }
}

/// How the entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object per line.
    Json,
    /// `KEY=value` lines, an empty line after each entry.
    Export,
}

impl Form {
    /// Which of them a text is that begins so.
    #[must_use]
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        let line = first.trim_ascii_start().split(|byte| *byte == b'\n').next()?;
        if line.starts_with(b"{\"") && memchr::memmem::find(line, b"\"__CURSOR\"").is_some() {
            return Some(Self::Json);
        }
        line.starts_with(b"__CURSOR=").then_some(Self::Export)
    }
}

/// A part of a text that was read.
#[derive(Debug)]
enum State {
    /// At the start of a line.
    Line,
    /// Of a field with a binary length the length is read, then so many bytes and a line break.
    Length(String),
    Bytes(String, u64, Vec<u8>),
}

/// Reads entries. Feed it with [`Reader::push`], end with [`Reader::finish`].
#[derive(Debug)]
pub(super) struct Reader {
    form: Form,
    state: State,
    rest: Vec<u8>,
    /// Whether the rest of an overlong line is passed over.
    skipping: bool,
    fields: BTreeMap<String, Vec<u8>>,
    line: u64,
    began: u64,
    /// Entries that could not be understood.
    pub damaged: u64,
}

/// A JSON entry; fields that are of no use here are passed over without being built.
#[derive(Deserialize)]
struct Object {
    #[serde(rename = "_BOOT_ID")]
    boot_id: Option<Value>,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    realtime: Option<Value>,
    #[serde(rename = "__MONOTONIC_TIMESTAMP")]
    monotonic: Option<Value>,
    #[serde(rename = "_SOURCE_MONOTONIC_TIMESTAMP")]
    printed: Option<Value>,
    #[serde(rename = "_TRANSPORT")]
    transport: Option<Value>,
    #[serde(rename = "SYSLOG_IDENTIFIER")]
    identifier: Option<Value>,
    #[serde(rename = "MESSAGE")]
    message: Option<Value>,
}

/// A field's bytes: a text, a list of numbers where it is not UTF-8, the first of several values.
fn bytes_of(value: Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.into_bytes(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::Array(values) => {
            let numbers: Option<Vec<u8>> =
                values.iter().map(|value| value.as_u64().and_then(|number| u8::try_from(number).ok())).collect();
            numbers.unwrap_or_else(|| values.into_iter().next().map(bytes_of).unwrap_or_default())
        }
        _ => Vec::new(),
    }
}

impl Reader {
    /// At the beginning of a text.
    #[must_use]
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            state: State::Line,
            rest: Vec::new(),
            skipping: false,
            fields: BTreeMap::new(),
            line: 0,
            began: 1,
            damaged: 0,
        }
    }

    /// Takes more of the text.
    pub(super) fn push(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(Entry)) {
        while !bytes.is_empty() {
            bytes = match &mut self.state {
                State::Line => self.lines(bytes, take),
                State::Length(name) => {
                    let wanted = (8 - self.rest.len()).min(bytes.len());
                    self.rest.extend_from_slice(&bytes[..wanted]);
                    if let Ok(length) = <[u8; 8]>::try_from(&self.rest[..]) {
                        self.state = State::Bytes(std::mem::take(name), u64::from_le_bytes(length), Vec::new());
                        self.rest.clear();
                    }
                    &bytes[wanted..]
                }
                State::Bytes(name, left, value) => {
                    let wanted = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    let kept = wanted.min(LONGEST.saturating_sub(value.len()));
                    value.extend_from_slice(&bytes[..kept]);
                    self.line += memchr::memchr_iter(b'\n', &bytes[..wanted]).count() as u64;
                    *left -= wanted as u64;
                    if *left == 0 {
                        self.fields.insert(std::mem::take(name), std::mem::take(value));
                        // The line break behind it ends an empty rest of a line, which is not an empty line.
                        self.state = State::Line;
                        self.skipping = true;
                    }
                    &bytes[wanted..]
                }
            };
        }
    }

    /// Takes what comes up to the next line's end; the rest is for the next round.
    fn lines<'b>(&mut self, bytes: &'b [u8], take: &mut dyn FnMut(Entry)) -> &'b [u8] {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            if self.rest.len() + bytes.len() > LONGEST {
                self.rest.clear();
                self.damaged += u64::from(!self.skipping);
                self.skipping = true;
            } else if !self.skipping {
                self.rest.extend_from_slice(bytes);
            }
            return &[];
        };
        self.line += 1;
        if std::mem::take(&mut self.skipping) {
            self.rest.clear();
        } else if self.rest.is_empty() {
            self.line_of(&bytes[..end], take);
        } else {
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(&bytes[..end]);
            self.line_of(&line, take);
        }
        &bytes[end + 1..]
    }

    fn line_of(&mut self, line: &[u8], take: &mut dyn FnMut(Entry)) {
        if self.form == Form::Json {
            if line.trim_ascii().is_empty() {
                return;
            }
            match serde_json::from_slice::<Object>(line) {
                Ok(object) => {
                    let named = [
                        ("_BOOT_ID", object.boot_id),
                        ("__REALTIME_TIMESTAMP", object.realtime),
                        ("__MONOTONIC_TIMESTAMP", object.monotonic),
                        ("_SOURCE_MONOTONIC_TIMESTAMP", object.printed),
                        ("_TRANSPORT", object.transport),
                        ("SYSLOG_IDENTIFIER", object.identifier),
                        ("MESSAGE", object.message),
                    ];
                    self.fields = named
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), bytes_of(value?))))
                        .collect();
                    self.began = self.line;
                    self.end(take);
                }
                Err(_) => self.damaged += 1,
            }
            return;
        }
        if line.is_empty() {
            return self.end(take);
        }
        if self.fields.is_empty() {
            self.began = self.line;
        }
        match memchr::memchr(b'=', line) {
            Some(at) => {
                let name = String::from_utf8_lossy(&line[..at]).into_owned();
                self.fields.insert(name, line[at + 1..].to_vec());
            }
            None => self.state = State::Length(String::from_utf8_lossy(line).into_owned()),
        }
    }

    fn end(&mut self, take: &mut dyn FnMut(Entry)) {
        let fields = std::mem::take(&mut self.fields);
        if fields.is_empty() {
            return;
        }
        match Entry::of(&fields, self.began) {
            Some(entry) => take(entry),
            None => self.damaged += 1,
        }
    }

    /// Ends the text.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(Entry)) {
        if !self.rest.is_empty() && matches!(self.state, State::Line) {
            self.push(b"\n", take);
        }
        self.end(take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn read(form: Form, text: &[u8], chunk: usize) -> (Vec<Entry>, u64) {
        let (mut reader, mut found) = (Reader::new(form), Vec::new());
        for piece in text.chunks(chunk) {
            reader.push(piece, &mut |entry| found.push(entry));
        }
        reader.finish(&mut |entry| found.push(entry));
        (found, reader.damaged)
    }

    #[test]
    fn json_and_export_say_the_same_in_any_pieces() {
        let json = format!(
            "{{\"__CURSOR\":\"s=1\",\"_BOOT_ID\":\"{ID}\",\"__REALTIME_TIMESTAMP\":\"1795249976000000\",\"_TRANSPORT\":\"kernel\",\"SYSLOG_IDENTIFIER\":\"kernel\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"5123456\",\"MESSAGE\":[104,105,255]}}\nnonsense\n{{\"_BOOT_ID\":\"{ID}\",\"MESSAGE\":\"a\\nb\"}}"
        );
        let mut export = format!(
            "__CURSOR=s=1\n_BOOT_ID={ID}\n__REALTIME_TIMESTAMP=1795249976000000\n_TRANSPORT=kernel\nSYSLOG_IDENTIFIER=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=5123456\nMESSAGE\n"
        )
        .into_bytes();
        export.extend_from_slice(&3u64.to_le_bytes());
        export.extend_from_slice(b"hi\xff\n\nX=no boot\n\n");
        export.extend_from_slice(format!("_BOOT_ID={ID}\nMESSAGE\n").as_bytes());
        export.extend_from_slice(&3u64.to_le_bytes());
        export.extend_from_slice(b"a\nb\n");
        for chunk in [1, 7, 4096] {
            let (from_json, bad) = read(Form::Json, json.as_bytes(), chunk);
            assert_eq!((from_json.len(), bad), (2, 1), "in pieces of {chunk}");
            assert_eq!(from_json[0].message, b"hi\xff");
            assert_eq!((from_json[0].printed, from_json[0].kernel), (Some(5_123_456), true));
            let (from_export, bad) = read(Form::Export, &export, chunk);
            assert_eq!((from_export.len(), bad), (2, 1), "in pieces of {chunk}");
            let without_line = |entry: &Entry| Entry { line: 0, ..entry.clone() };
            for (one, other) in from_json.iter().zip(&from_export) {
                assert_eq!(without_line(one), without_line(other));
            }
            assert_eq!((from_export[0].line, from_json[1].line), (1, 3));
        }
    }

    #[test]
    fn the_form_is_known_by_the_first_line() {
        assert_eq!(Form::of(b"{\"__CURSOR\":\"s\",\"X\":1}\n"), Some(Form::Json));
        assert_eq!(Form::of(b"__CURSOR=s=1\n"), Some(Form::Export));
        assert_eq!(Form::of(b"Nov 21 07:55:11 host kernel: hi\n"), None);
    }
}
