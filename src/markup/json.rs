//! JSON as others read it: what would act on a terminal, or end a line for some readers, is escaped.

use super::harmful;
use serde::Serialize;
use std::io::{self, Write};

/// Adds a value in one line, without a line break at its end.
///
/// # Errors
/// A value that JSON cannot say.
pub fn write_json(out: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    let begin = out.len();
    serde_json::to_writer(&mut *out, value)?;
    // Every harmful character but DEL begins with a byte above ASCII, and most records have none.
    if !is_below_delete(&out[begin..]) {
        let line = out.split_off(begin);
        // Outside of strings JSON is plain ASCII.
        write_harmless(out, &String::from_utf8_lossy(&line), harmful).map_err(serde_json::Error::io)?;
    }
    Ok(())
}

/// The same as bytes that end with a line break: one record of JSON lines.
///
/// # Errors
/// A value that JSON cannot say.
pub fn json_line(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(256);
    write_json(&mut line, value)?;
    line.push(b'\n');
    Ok(line)
}

/// A value in indented lines, a line break at its end.
///
/// # Errors
/// A value that JSON cannot say.
pub fn json_pretty(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let text = serde_json::to_string_pretty(value)?;
    let mut out = Vec::with_capacity(text.len() + 1);
    // Outside of strings JSON is plain ASCII, and what is below a blank is escaped already.
    write_harmless(&mut out, &text, |char| char != '\n' && harmful(char)).map_err(serde_json::Error::io)?;
    out.push(b'\n');
    Ok(out)
}

/// Whether all bytes are below DEL, eight of them looked at at once.
fn is_below_delete(bytes: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (chunks, rest) = bytes.as_chunks::<8>();
    // The upper bit of each byte: of itself, or of the sum that DEL gives. A carry only leaves a byte that has it anyway.
    let upper = |chunk: &[u8; 8]| {
        let word = u64::from_ne_bytes(*chunk);
        word | word.wrapping_add(ONES)
    };
    let all = chunks.iter().fold(0, |all, chunk| all | upper(chunk));
    all & (ONES << 7) == 0 && rest.iter().all(|byte| *byte < 0x7f)
}

fn write_harmless<W: ?Sized + Write>(out: &mut W, text: &str, harmful: impl Fn(char) -> bool) -> io::Result<()> {
    let mut rest = text;
    while let Some((at, char)) = rest.char_indices().find(|(_, char)| harmful(*char)) {
        write!(out, "{}", &rest[..at])?;
        // Beyond the basic plane a character is two units.
        for unit in char.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        rest = &rest[at + char.len_utf8()..];
    }
    out.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{7f}\u{9b}31m\u{202e}b\u{2028}\u{85}\u{feff}\u{e0041}é\"\n";

    #[test]
    fn what_acts_on_a_terminal_or_ends_a_line_is_escaped_and_reads_back_the_same() {
        for written in [json_line(&[HOSTILE]).expect("written"), json_pretty(&[HOSTILE]).expect("written")] {
            let text = String::from_utf8(written).expect("text");
            assert!(!text.trim_end().replace('\n', "").contains(harmful), "{text:?}");
            assert!(
                text.contains("\\u202e")
                    && text.contains("\\u009b")
                    && text.contains("\\udb40\\udc41")
                    && text.contains('é'),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<Vec<String>>(&text).expect("read back"), [HOSTILE]);
        }
    }

    #[test]
    fn bytes_from_delete_on_are_found_wherever_they_stand() {
        for length in 0..20 {
            assert!(is_below_delete(&vec![0x7e; length]));
            for at in 0..length {
                for byte in [0x7f, 0x80, 0xff] {
                    let mut bytes = vec![0; length];
                    bytes[at] = byte;
                    assert!(!is_below_delete(&bytes), "{byte:#x} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn plain_values_are_written_as_serde_json_writes_them() {
        let value = serde_json::json!({"a": [1, 2.5, null], "b": "pläin \u{1b}"});
        assert_eq!(
            json_line(&value).expect("written"),
            (serde_json::to_string(&value).expect("text") + "\n").as_bytes()
        );
        let pretty = serde_json::to_string_pretty(&value).expect("text") + "\n";
        assert_eq!(json_pretty(&value).expect("written"), pretty.as_bytes());
    }
}
