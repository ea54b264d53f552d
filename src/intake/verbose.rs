//! The journal with all fields of each record, as `journalctl -o verbose` writes it: a line that begins the record, then its fields,
//! indented.

use crate::input::{Inside, lines};

/// So many lines at the beginning of a text are looked at: a note of journalctl's may stand there.
const LOOKED_AT: usize = 4;
/// What stands before each field.
const INDENT: &[u8] = b"    ";

/// The messages of the records, the kernel's with their stamps; `None` if the text is none of the journal.
pub(super) fn read_verbose(text: &[u8]) -> Option<Inside> {
    if !is_verbose(text) {
        return None;
    }
    let mut inside = Inside::of(text.len());
    let mut record = Record::default();
    for (line, start) in lines(text) {
        if begins_record(line) {
            record.write(&mut inside);
            record = Record::default();
        } else if let Some(field) = line.strip_prefix(INDENT) {
            record.take(field, start + INDENT.len());
        }
    }
    record.write(&mut inside);
    Some(inside)
}

/// Whether a text begins with a record of that form.
pub(super) fn is_verbose(text: &[u8]) -> bool {
    lines(text).take(LOOKED_AT).any(|(line, _)| begins_record(line))
}

/// `Tue 2026-11-03 10:00:10.180210 CET [s=4f…;i=1a;b=…;m=…;t=…;x=…]`.
fn begins_record(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    line.ends_with(b"]") && memchr::memmem::find(line, b" [s=").is_some_and(|at| line[at..].contains(&b';'))
}

/// What is known of a record.
#[derive(Debug, Default)]
struct Record<'a> {
    /// The message, and where it stands.
    message: Option<(&'a [u8], usize)>,
    /// Who says it.
    tag: &'a [u8],
    is_kernels: bool,
    /// When the kernel printed it, microseconds.
    stamp: Option<u64>,
}

impl<'a> Record<'a> {
    fn take(&mut self, field: &'a [u8], start: usize) {
        let Some(equals) = memchr::memchr(b'=', field) else { return };
        let (name, value) = (&field[..equals], &field[equals + 1..]);
        match name {
            b"MESSAGE" => self.message = Some((value, start + equals + 1)),
            b"SYSLOG_IDENTIFIER" => self.tag = value,
            b"_TRANSPORT" => self.is_kernels = value == b"kernel",
            b"_SOURCE_MONOTONIC_TIMESTAMP" => {
                self.stamp = std::str::from_utf8(value).ok().and_then(|digits| digits.trim().parse().ok());
            }
            _ => {}
        }
    }

    fn write(&self, inside: &mut Inside) {
        let Some((message, start)) = self.message else { return };
        inside.begin(start);
        match self.stamp.filter(|_| self.is_kernels) {
            Some(stamp) => {
                let stamp = format!("[{:5}.{:06}] ", stamp / 1_000_000, stamp % 1_000_000);
                inside.text.extend_from_slice(stamp.as_bytes());
            }
            None if self.is_kernels || self.tag.is_empty() => {}
            None => inside.text.extend_from_slice(&[self.tag, b": "].concat()),
        }
        inside.begin(start);
        inside.text.extend_from_slice(message);
        inside.text.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_of_their_records() {
        let text = b"-- Boot 0123456789abcdef --\n\
            Tue 2026-11-03 10:00:10.180210 CET [s=ab;i=1;b=cd;m=9;t=1;x=2]\n    _TRANSPORT=kernel\n    \
            MESSAGE=Call Trace:\n    _SOURCE_MONOTONIC_TIMESTAMP=10180210\n\
            Tue 2026-11-03 10:00:10.180211 CET [s=ab;i=2;b=cd;m=9;t=1;x=2]\n    _TRANSPORT=stdout\n    \
            SYSLOG_IDENTIFIER=lampd\n    MESSAGE=on\n\
            Tue 2026-11-03 10:00:10.180212 CET [s=ab;i=3;b=cd;m=9;t=1;x=2]\n    MESSAGE= a+0x1/0x2\n    _TRANSPORT=kernel\n";
        let inside = read_verbose(text).expect("a journal");
        let shown = String::from_utf8_lossy(&inside.text);
        assert_eq!(shown, "[   10.180210] Call Trace:\nlampd: on\n a+0x1/0x2\n");
        let origin = inside.origin(shown.find("Call").expect("there"));
        assert!(text[origin..].starts_with(b"Call Trace:"));
        assert_eq!(read_verbose(b"[    1.000000] lamp: on\n"), None);
    }
}
