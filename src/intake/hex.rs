//! A log in a dump of bytes, as `xxd`, `hexdump -C` and `od -A x -t x1z` show a part of memory or of a disk.

use crate::input::{Inside, lines};

/// So many rows at the beginning of a text must be rows of a dump.
const ROWS: usize = 3;
/// A row shows no more bytes.
const MOST: usize = 32;
/// So many bytes stand before the middle of a row.
const HALF: usize = 8;
/// An offset has so many digits.
const OFFSET: std::ops::RangeInclusive<usize> = 6..=16;
/// A row like the one above, left out.
const SAME: &[u8] = b"*";

/// The bytes of a dump, each row with the place of its line; `None` if the text does not begin with one.
pub(super) fn read_hex(text: &[u8]) -> Option<Inside> {
    if !is_hex(text) {
        return None;
    }
    let mut inside = Inside::of(text.len());
    for (line, start) in lines(text) {
        if let Some(row) = Row::of(line) {
            inside.begin(start);
            inside.text.extend_from_slice(&row.bytes);
        }
    }
    Some(inside)
}

/// Whether a text begins with the rows of a dump, each where the one above ends.
pub(super) fn is_hex(text: &[u8]) -> bool {
    // Hardly a text begins with an offset.
    if !text.first().is_some_and(u8::is_ascii_hexdigit) {
        return false;
    }
    let mut next = None;
    let mut rows = lines(text).filter(|(line, _)| line.trim_ascii() != SAME).take(ROWS).map(|(line, _)| Row::of(line));
    let goes_on = |row: Option<Row>| {
        row.is_some_and(|row| {
            let end = row.offset + row.bytes.len() as u64;
            !row.bytes.is_empty() && next.replace(end).is_none_or(|next| next == row.offset)
        })
    };
    text.split(|byte| *byte == b'\n').nth(ROWS - 1).is_some() && rows.all(goes_on)
}

/// A row of a dump.
struct Row {
    offset: u64,
    bytes: Vec<u8>,
}

impl Row {
    /// `00000010: 5b20 2020 …  [   ` or `00000010  5b 20 20 20 …  |[   |`: what stands behind two blanks once more is no byte.
    fn of(line: &[u8]) -> Option<Self> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if !OFFSET.contains(&digits) {
            return None;
        }
        let (offset, rest) = line.split_at(digits);
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        let offset = u64::from_str_radix(std::str::from_utf8(offset).ok()?, 16).ok()?;
        let mut bytes = Vec::with_capacity(MOST);
        let mut blanks = 0;
        for word in rest.strip_prefix(b" ")?.trim_ascii_end().split(|byte| *byte == b' ') {
            if word.is_empty() {
                blanks += 1;
                continue;
            }
            let shown = word.len() % 2 == 0 && word.len() <= 8 && word.iter().all(u8::is_ascii_hexdigit);
            // `hexdump` puts two blanks behind the offset and in the middle.
            let is_middle = blanks == 1 && bytes.len() == HALF;
            let is_text = blanks > 0 && !bytes.is_empty() && !is_middle;
            if !shown || is_text || bytes.len() + word.len() / 2 > MOST {
                break;
            }
            bytes.extend(
                word.chunks(2).filter_map(|pair| {
                    std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
                }),
            );
            blanks = 0;
        }
        Some(Self { offset, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &[u8] = b"[    1.000000] lamp: on\n[    1.000001] abcdef 12 cafe\n[    1.000002] lamp: off\n";

    fn shown(byte: u8) -> char {
        if byte.is_ascii_graphic() || byte == b' ' { char::from(byte) } else { '.' }
    }

    fn dump(form: impl Fn(usize, &[u8], String) -> String) -> String {
        let rows = LOG.chunks(16).enumerate();
        rows.map(|(row, bytes)| form(row * 16, bytes, bytes.iter().copied().map(shown).collect()) + "\n").collect()
    }

    #[test]
    fn the_bytes_of_a_dump_are_read() {
        let pairs = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
        let xxd = dump(|at, bytes, text| {
            let words = pairs(bytes).chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join(" ");
            format!("{at:08x}: {words:39}  {text}")
        });
        let hexdump = dump(|at, bytes, text| {
            let halves: Vec<String> = pairs(bytes).chunks(8).map(|half| half.join(" ")).collect();
            format!("{at:08x}  {:48}  |{text}|", halves.join("  "))
        });
        let od = dump(|at, bytes, text| format!("{at:06x} {:47}  >{text}<", pairs(bytes).join(" ")));
        for text in [xxd, hexdump + "0000004d\n", od + "00004d\n"] {
            let inside = read_hex(text.as_bytes()).expect("a dump");
            assert_eq!(String::from_utf8_lossy(&inside.text), String::from_utf8_lossy(LOG), "{text}");
            assert!(text[inside.origin(17)..].starts_with("00"));
        }
    }

    #[test]
    fn other_texts_are_no_dump() {
        for text in [
            "00000000: one\n00000010: two\n00000020: three\n",
            "00000000: 5b20\n00000010: 5b20\n00000020: 5b20\n",
            "deadbeef is\nsaid\nhere\n",
            "00000000: 5b20\n",
            "[    1.000000] x\n",
            "",
        ] {
            assert!(read_hex(text.as_bytes()).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(0000000[0-9]: [0-9a-f ]{0,40}\n){3}[0-9a-f: *\n]{0,80}") {
            let _ = read_hex(text.as_bytes());
        }
    }
}
