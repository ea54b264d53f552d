//! The journal with all fields of each record: as `journalctl -o verbose` writes it, a line that begins the record, then its fields, indented;
//! as `-o export` writes it, a field in each line, and records parted by an empty line.

use super::exported::Exported;
use crate::input::lines;
use crate::line::is_host_name;

/// So many lines at the beginning of a text are looked at: a note of journalctl's may stand there.
const LOOKED_AT: usize = 4;
/// What stands before each field.
const INDENT: &[u8] = b"    ";
/// The first field of a record for other programs.
const CURSOR: &[u8] = b"__CURSOR=";
/// A count is so long, bytes.
const COUNT: usize = size_of::<u64>();

/// The messages of the records, the kernel's with their stamps; `None` if the text is none of the journal.
pub(super) fn read_verbose(text: &[u8]) -> Option<Exported> {
    let form = Form::of(text)?;
    let mut exported = Exported::of(text.len());
    let (mut record, mut counted) = (Record::default(), 0);
    for (line, start) in lines(text) {
        if start < counted {
            continue;
        }
        if form.begins(line) {
            record.write(&mut exported);
            record = Record::default();
        } else if form == Form::Export && is_name(line) {
            let start = start + line.len() + 1;
            let Some(value) = counted_bytes(text.get(start..).unwrap_or_default()) else { continue };
            counted = start + COUNT + value.len();
            record.set(line, value, start + COUNT);
        } else if let Some(field) = line.strip_prefix(form.indent()) {
            record.take(field, start + form.indent().len());
        }
    }
    record.write(&mut exported);
    Some(exported)
}

/// Whether a text begins with a record of one of these forms.
pub(super) fn is_verbose(text: &[u8]) -> bool {
    Form::of(text).is_some()
}

/// For whom the records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For people.
    Verbose,
    /// For other programs.
    Export,
}

impl Form {
    fn of(text: &[u8]) -> Option<Self> {
        let forms = [Self::Verbose, Self::Export];
        lines(text).take(LOOKED_AT).find_map(|(line, _)| forms.into_iter().find(|form| form.begins(line)))
    }

    /// Whether a line begins a record.
    fn begins(self, line: &[u8]) -> bool {
        match self {
            Self::Verbose => begins_record(line),
            Self::Export => line.starts_with(CURSOR),
        }
    }

    /// What stands before a field.
    fn indent(self) -> &'static [u8] {
        match self {
            Self::Verbose => INDENT,
            Self::Export => b"",
        }
    }
}

/// Whether a line is the name of a field whose bytes are counted: they may hold line breaks.
fn is_name(line: &[u8]) -> bool {
    !line.is_empty() && line.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_')
}

/// The bytes behind their count.
fn counted_bytes(text: &[u8]) -> Option<&[u8]> {
    let count = u64::from_le_bytes(*text.first_chunk::<COUNT>()?);
    text.get(COUNT..)?.get(..usize::try_from(count).ok()?)
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
    /// The name of the machine.
    host: Option<&'a [u8]>,
}

impl<'a> Record<'a> {
    fn take(&mut self, field: &'a [u8], start: usize) {
        if let Some(equals) = memchr::memchr(b'=', field) {
            self.set(&field[..equals], &field[equals + 1..], start + equals + 1);
        }
    }

    fn set(&mut self, name: &[u8], value: &'a [u8], start: usize) {
        let moment = || std::str::from_utf8(value).ok().and_then(|digits| digits.trim().parse().ok());
        match name {
            b"MESSAGE" => self.message = Some((value, start)),
            b"SYSLOG_IDENTIFIER" => self.tag = value,
            b"_HOSTNAME" => self.host = Some(value).filter(|name| is_host_name(name)),
            b"_TRANSPORT" => self.is_kernels = value == b"kernel",
            b"_SOURCE_MONOTONIC_TIMESTAMP" => self.stamp = moment(),
            b"__MONOTONIC_TIMESTAMP" => self.stamp = self.stamp.or_else(moment),
            _ => {}
        }
    }

    fn write(&self, exported: &mut Exported) {
        let Some((message, start)) = self.message else { return };
        if let Some(host) = self.host {
            exported.begin_host(host);
        }
        let inside = &mut exported.inside;
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
            _HOSTNAME=desk\n    MESSAGE=Call Trace:\n    _SOURCE_MONOTONIC_TIMESTAMP=10180210\n\
            Tue 2026-11-03 10:00:10.180211 CET [s=ab;i=2;b=cd;m=9;t=1;x=2]\n    _TRANSPORT=stdout\n    \
            SYSLOG_IDENTIFIER=lampd\n    MESSAGE=on\n\
            Tue 2026-11-03 10:00:10.180212 CET [s=ab;i=3;b=cd;m=9;t=1;x=2]\n    MESSAGE= a+0x1/0x2\n    _TRANSPORT=kernel\n";
        let Exported { inside, hosts, .. } = read_verbose(text).expect("a journal");
        assert_eq!(hosts, [(0, b"desk".to_vec())]);
        let shown = String::from_utf8_lossy(&inside.text);
        assert_eq!(shown, "[   10.180210] Call Trace:\nlampd: on\n a+0x1/0x2\n");
        let origin = inside.origin(shown.find("Call").expect("there"));
        assert!(text[origin..].starts_with(b"Call Trace:"));
        assert!(read_verbose(b"[    1.000000] lamp: on\n").is_none());
    }

    #[test]
    fn messages_come_out_of_an_export() {
        let text = b"__CURSOR=s=ab;i=1\n__MONOTONIC_TIMESTAMP=10180299\n_TRANSPORT=kernel\nMESSAGE=Call Trace:\n\
            _SOURCE_MONOTONIC_TIMESTAMP=10180210\n\n\
            __CURSOR=s=ab;i=2\n__MONOTONIC_TIMESTAMP=10180211\n_TRANSPORT=kernel\nMESSAGE\n\
            \x10\0\0\0\0\0\0\0 a+0x1/0x2\n\nMORE\nPRIORITY=6\n\n\
            __CURSOR=s=ab;i=3\n_TRANSPORT=stdout\nSYSLOG_IDENTIFIER=lampd\nMESSAGE=on\n";
        let inside = read_verbose(text).expect("a journal").inside;
        let shown = String::from_utf8_lossy(&inside.text);
        assert_eq!(shown, "[   10.180210] Call Trace:\n[   10.180211]  a+0x1/0x2\n\nMORE\nlampd: on\n");
    }
}
