//! Console form of logs whose records take several lines: `dmesg -J`, the journal's export form, `/dev/kmsg`, netconsole.

use std::borrow::Cow;

use super::lex::number;
use super::unwrap::{console, render};
use super::{Prefix, Wrapper, lex, trim_end};

/// The longest record that is put together from fragments.
const LONGEST: usize = 1 << 20;

/// Turns a wrapped log into what the console would have shown, line by line. Feed every line to [`Unwrapper::line`] in
/// order, then call [`Unwrapper::finish`].
///
/// More than `super::unwrap` it knows what the lines around a line say: the time and caller of a `dmesg -J` record
/// stand on lines of their own, netconsole cuts records into fragments, the journal's export form writes messages of
/// several lines with a binary length. Lines that carry no message (brackets, fields) give nothing.
#[derive(Debug, Default)]
pub struct Unwrapper {
    level: Option<u8>,
    time: Option<f64>,
    caller: Vec<u8>,
    fragment: Option<Fragment>,
    binary: Option<Binary>,
    record: bool,
    export: bool,
}

/// A netconsole record of which not all fragments have come.
#[derive(Debug)]
struct Fragment {
    /// The record's number, microseconds and caller.
    header: (Option<u8>, Option<f64>, Vec<u8>),
    sequence: u64,
    total: u64,
    text: Vec<u8>,
}

/// An export field with a binary length.
#[derive(Debug)]
struct Binary {
    wanted: bool,
    length: Vec<u8>,
    text: Vec<u8>,
}

impl Unwrapper {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The console form of one more line (given with its line end), nothing if it carries no message.
    pub fn line<'line>(&mut self, line: &'line [u8]) -> Option<Cow<'line, [u8]>> {
        if self.binary.is_some() {
            return self.binary_line(line).map(Cow::Owned);
        }
        let prefix = lex(line);
        let after_record =
            std::mem::replace(&mut self.record, matches!(prefix.wrapper, Wrapper::Kmsg | Wrapper::Netconsole));
        match prefix.wrapper {
            Wrapper::Kmsg if prefix.message == trim_end(line).len() && line.starts_with(b" ") => {
                self.record = true;
                None
            }
            Wrapper::Netconsole => self.fragment(line, &prefix),
            Wrapper::DmesgJson if prefix.time.is_none() && !trim_end(line).ends_with(b"}") => {
                let whole = Prefix { time: self.time, level: self.level, caller: caller(&self.caller), ..prefix };
                let out = Cow::Owned(render(line, &whole).into_owned());
                (self.time, self.level) = (None, None);
                self.caller.clear();
                Some(out)
            }
            Wrapper::JournalExport => {
                let whole = Prefix { time: self.time, ..prefix };
                Some(console(&whole, prefix.text(line), line))
            }
            Wrapper::None if after_record && is_dictionary(line) => {
                self.record = true;
                None
            }
            Wrapper::None if self.field(line) => None,
            Wrapper::Pstore => None,
            _ => Some(render(line, &prefix)),
        }
    }

    /// What was still held back: a record of which fragments are missing.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        self.fragment.take().map(Fragment::finish)
    }

    /// Takes the fields of `dmesg -J` and of the export form; false if the line is neither.
    fn field(&mut self, line: &[u8]) -> bool {
        let text = trim_end(line);
        let json = text.trim_ascii();
        if let Some(rest) = json.strip_prefix(b"\"")
            && text.starts_with(b"      ")
            && let Some(colon) = memchr::memmem::find(rest, b"\":")
        {
            let value = bare(&rest[colon + 2..]);
            match &rest[..colon] {
                b"pri" => self.level = number(value).map(|priority| (priority & 7) as u8),
                b"time" => self.time = std::str::from_utf8(value).ok().and_then(|time| time.parse().ok()),
                b"caller" => self.caller = value.to_vec(),
                b"fac" => {}
                _ => return false,
            }
            return true;
        }
        // A field of `journalctl -o json-pretty`; its times stand anywhere, so its messages have none.
        if text.starts_with(b"\t\"") && memchr::memmem::find(text, b"\" : ").is_some() {
            return true;
        }
        if matches!(json, b"{" | b"}" | b"},{" | b"]" | b"}," | b"\"dmesg\": [") {
            return true;
        }
        if text.starts_with(b"__CURSOR=") {
            (self.export, self.time) = (true, None);
        }
        if !self.export {
            return false;
        }
        if let Some(value) = text.strip_prefix(b"_SOURCE_MONOTONIC_TIMESTAMP=") {
            self.time = number(value).map(|microseconds| microseconds as f64 / 1e6);
        } else if let Some(value) = text.strip_prefix(b"__MONOTONIC_TIMESTAMP=") {
            self.time = self.time.or(number(value).map(|microseconds| microseconds as f64 / 1e6));
        }
        let name =
            text.iter().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b'_').count();
        if name > 0 && name == text.len() {
            self.binary = Some(Binary { wanted: text == b"MESSAGE", length: Vec::new(), text: Vec::new() });
        }
        text.is_empty() || (name > 0 && matches!(text.get(name), None | Some(b'=')))
    }

    /// One more line of a binary field: eight bytes of length, little endian, the bytes, LF.
    fn binary_line(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let mut binary = self.binary.take()?;
        let head = (8 - binary.length.len()).min(line.len());
        binary.length.extend_from_slice(&line[..head]);
        binary.text.extend_from_slice(&line[head..]);
        let Ok(length) = <[u8; 8]>::try_from(binary.length.as_slice()) else {
            self.binary = Some(binary);
            return None;
        };
        let length = u64::from_le_bytes(length);
        if (binary.text.len() as u64) <= length && binary.text.len() < LONGEST {
            self.binary = Some(binary);
            return None;
        }
        binary.text.truncate(usize::try_from(length).unwrap_or(LONGEST));
        let prefix = Prefix { time: self.time, ..Prefix::default() };
        binary.wanted.then(|| console(&prefix, &binary.text, b"\n").into_owned())
    }

    /// Keeps a fragment until its record is whole.
    fn fragment<'line>(&mut self, line: &'line [u8], prefix: &Prefix<'line>) -> Option<Cow<'line, [u8]>> {
        let header = &line[..prefix.wrapper_len];
        let Some((offset, total)) = fragment_position(header) else { return Some(render(line, prefix)) };
        let release =
            usize::from(memchr::memchr(b'.', header.split(|&byte| byte == b',').next().unwrap_or_default()).is_some());
        let sequence = header.split(|&byte| byte == b',').nth(1 + release).and_then(number).unwrap_or(0);
        let mut before = None;
        if let Some(held) = self.fragment.as_mut() {
            if held.sequence == sequence && offset == held.text.len() as u64 && held.text.len() < LONGEST {
                held.text.extend_from_slice(prefix.text(line));
            } else {
                before = self.fragment.take().map(Fragment::finish);
            }
        }
        let held = self.fragment.get_or_insert_with(|| Fragment {
            header: (prefix.level, prefix.time, prefix.caller.unwrap_or_default().to_vec()),
            sequence,
            total,
            text: prefix.text(line).to_vec(),
        });
        if held.text.len() as u64 >= held.total {
            let whole = self.fragment.take().map(Fragment::finish).unwrap_or_default();
            before = Some([before.unwrap_or_default(), whole].concat());
        }
        before.map(Cow::Owned)
    }
}

impl Fragment {
    fn finish(self) -> Vec<u8> {
        let (level, time, name) = self.header;
        let prefix = Prefix { level, time, caller: caller(&name), ..Prefix::default() };
        console(&prefix, &self.text, b"\n").into_owned()
    }
}

/// `ncfrag=0/33` of a record's header: offset and total, bytes.
fn fragment_position(header: &[u8]) -> Option<(u64, u64)> {
    let at = memchr::memmem::find(header, b"ncfrag=")?;
    let rest = &header[at + 7..];
    let slash = memchr::memchr(b'/', rest)?;
    Some((number(&rest[..slash])?, number(&rest[slash + 1..])?))
}

/// Whether a line is ` KEY=value`, which follows a kmsg record.
fn is_dictionary(line: &[u8]) -> bool {
    line.strip_prefix(b" ").is_some_and(|rest| {
        let key = rest.iter().take_while(|byte| byte.is_ascii_uppercase() || **byte == b'_').count();
        key > 0 && rest.get(key) == Some(&b'=')
    })
}

fn caller(name: &[u8]) -> Option<&[u8]> {
    (!name.is_empty()).then_some(name)
}

/// A JSON value as `dmesg -J` writes it: without the comma, blanks and quotes around it.
fn bare(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let value = value.strip_suffix(b",").unwrap_or(value).trim_ascii();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    value.strip_suffix(b"\"").unwrap_or(value).trim_ascii()
}
