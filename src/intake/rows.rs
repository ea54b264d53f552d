//! A log in a table: exports of log servers have a row for each line, with its message in one column and its time in another.

use super::exported::Exported;
use super::place::{Place, names_kernel};
use crate::input::{has_form, lines};
use crate::line::{is_host_name, names_host};
use csv::{ByteRecord, ReaderBuilder};

/// What stands between columns.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];
/// The name of a column is no longer, bytes.
const LONGEST_NAME: usize = 40;
/// So many of a hundred rows have as many fields as the heading: a message with the delimiter in it has no quotes in some exports.
const FITTING: usize = 95;

/// The log with a line per row, or `None` if the text is no table with a heading, or no column of it, or several, are a log.
pub(super) fn read_rows(text: &[u8]) -> Option<Exported> {
    let names = heading(text)?;
    let delimiter = names.delimiter;
    let columns = columns_of(text, &names)?;
    let mut exported = Exported::of(text.len());
    each_row(text, delimiter, |row| write(row, &columns, &mut exported))?;
    Some(exported)
}

/// What stands between the columns of a table, how many there are, and which of them names a machine.
struct Heading {
    delimiter: u8,
    columns: usize,
    host: Option<usize>,
}

/// The columns of messages, of their times and of their machines.
struct Columns {
    message: usize,
    moment: Option<usize>,
    host: Option<usize>,
}

/// Hands over the rows one by one: a table may have a million of them. `None` if it cannot be read to its end.
fn each_row(text: &[u8], delimiter: u8, mut take: impl FnMut(&ByteRecord)) -> Option<()> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
    let mut row = ByteRecord::new();
    while reader.read_byte_record(&mut row).ok()? {
        take(&row);
    }
    Some(())
}

fn columns_of(text: &[u8], heading: &Heading) -> Option<Columns> {
    let Heading { delimiter, columns, host } = *heading;
    let mut places: Vec<Place> = Vec::new();
    places.resize_with(columns, Place::default);
    let (mut rows, mut fitting, mut moment) = (0_usize, 0, None);
    each_row(text, delimiter, |row| {
        rows += 1;
        moment = moment.or_else(|| row.iter().position(is_moment));
        if row.len() == columns {
            fitting += 1;
            for (place, field) in places.iter_mut().zip(row) {
                place.add(lines(field).map(|(line, _)| line));
            }
        }
    })?;
    let mut logs = (0..columns).filter(|column| places[*column].is_log());
    let (Some(message), None) = (logs.next(), logs.next()) else { return None };
    let other = |column: &usize| *column != message;
    let columns = Columns { message, moment: moment.filter(other), host: host.filter(other) };
    (fitting * 100 >= rows * FITTING).then_some(columns)
}

/// Writes the lines of a row; the first one behind its time, unless it has one by itself.
fn write(row: &ByteRecord, columns: &Columns, exported: &mut Exported) {
    let origin = row.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX));
    let field = row.get(columns.message).unwrap_or_default();
    if let Some(host) = columns.host.and_then(|column| row.get(column)).filter(|host| is_host_name(host)) {
        exported.begin_host(host);
    }
    let inside = &mut exported.inside;
    for (number, (line, _)) in lines(field).enumerate() {
        inside.begin(origin);
        if number == 0
            && !names_kernel(line)
            && let Some(moment) = columns.moment.and_then(|column| row.get(column)).filter(|moment| is_moment(moment))
        {
            inside.text.extend_from_slice(&[moment, b" "].concat());
        }
        inside.text.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        inside.text.push(b'\n');
    }
}

/// Whether a text begins with the heading of a table and a row that fits it.
pub(super) fn begins_table(text: &[u8]) -> bool {
    let second = text.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
    let fits = |names: Heading| memchr::memchr_iter(names.delimiter, second).count() + 1 >= names.columns;
    heading(text).is_some_and(fits)
}

/// The heading of a table, if a text begins with one.
fn heading(text: &[u8]) -> Option<Heading> {
    let first = text.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    let names = |delimiter: u8| first.split(move |byte| *byte == delimiter);
    let fits = |delimiter: &u8| names(*delimiter).nth(1).is_some() && names(*delimiter).all(is_name);
    let delimiter = *DELIMITERS.iter().find(|delimiter| fits(delimiter))?;
    let host = names(delimiter).position(|name| names_host(unquoted(name)));
    Some(Heading { delimiter, columns: names(delimiter).count(), host })
}

fn unquoted(field: &[u8]) -> &[u8] {
    field.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(field)
}

/// Whether a field may be the name of a column: `@timestamp`, `"host.name"`, `_raw`.
fn is_name(field: &[u8]) -> bool {
    let name = unquoted(field);
    let begins = matches!(name.first(), Some(b'@' | b'_')) || name.first().is_some_and(u8::is_ascii_alphabetic);
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.@- ()".contains(byte);
    begins && name.len() <= LONGEST_NAME && name.iter().all(fits)
}

/// Whether a field is a time, as ISO 8601 writes it, with the clock.
fn is_moment(field: &[u8]) -> bool {
    [&b"0000-00-00T00:00:00"[..], b"0000-00-00 00:00:00"].iter().any(|form| has_form(field, form))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(table: &str) -> Option<String> {
        read_rows(table.as_bytes()).map(|exported| String::from_utf8(exported.inside.text).expect("UTF-8"))
    }

    #[test]
    fn the_column_of_messages_is_the_log() {
        let table = "\"@timestamp\",\"host.name\",\"message\"\n\
            \"2026-11-03T10:00:10.180Z\",\"desk\",\"Call Trace:\"\n\
            \"2026-11-03T10:00:10.181Z\",\"desk\",\" lamp_dim+0x1/0x2, \"\"warm\"\"\"\n\
            \"2026-11-03T10:00:10.182Z\",\"desk\",\" vfs_write+0x1/0x2\"\n";
        let wanted = "2026-11-03T10:00:10.180Z Call Trace:\n2026-11-03T10:00:10.181Z  lamp_dim+0x1/0x2, \"warm\"\n\
            2026-11-03T10:00:10.182Z  vfs_write+0x1/0x2\n";
        assert_eq!(log(table).as_deref(), Some(wanted));
        let Exported { inside, hosts, .. } = read_rows(table.as_bytes()).expect("a log");
        assert_eq!(hosts, [(0, b"desk".to_vec())]);
        let second = inside.text.iter().position(|byte| *byte == b'\n').expect("lines") + 1;
        assert!(table[inside.origin(second)..].starts_with("\"2026-11-03T10:00:10.181Z\""));
        let stamped =
            "_raw;_time\n[    1.000000] a;2026-11-03T10:00:10\n\"[    1.000001] b\nmore\";2026-11-03T10:00:10\n";
        assert_eq!(log(stamped).as_deref(), Some("[    1.000000] a\n[    1.000001] b\nmore\n"));
    }

    #[test]
    fn other_tables_and_texts_are_left_alone() {
        for text in [
            "title,count\nBUG: a,1\nBUG: b,2\nBUG: c,3\n",
            "Hello, all\n[    1.0] a\n[    2.0] b\n",
            "one,two\n[    1.0] a,[    1.0] a\n[    2.0] b,[    2.0] b\n",
            "[    1.0] pci, one\n[    2.0] pci, two\n",
            "a,b\n",
            "",
        ] {
            assert_eq!(log(text), None, "{text}");
        }
    }
}
