//! The wall-clock time that stands in a line's prefix, as it is written there.

/// No prefix is longer, bytes.
const REACH: usize = 160;
/// A month or a weekday is no longer than this, bytes.
const NAME: usize = 12;
/// A date with its year has so many digits at least.
const YEAR: usize = 5;

/// The wall-clock time in the part of a line before its message: `Nov 21 07:55:11`, `2026-11-21T07:55:11.123+01:00`,
/// `Mon Jul 19 16:33:09 2021`, with the date as far as it is there.
#[must_use]
pub fn wall_clock(prefix: &[u8]) -> Option<&[u8]> {
    let text = &prefix[..prefix.len().min(REACH)];
    let clock = (0..text.len()).find(|at| is_clock(&text[*at..]) && (*at == 0 || !text[at - 1].is_ascii_digit()))?;
    let is_edge = |byte: u8| memchr::memchr(byte, b" \t[]()<>\"|`*'").is_some();
    // The word that holds the clock: a date may be glued to it, a fraction and a zone follow.
    let mut start = text[..clock].iter().rposition(|byte| is_edge(*byte)).map_or(0, |edge| edge + 1);
    start += marks(&text[start..clock]);
    let behind = text[clock..].iter().take_while(|byte| !is_edge(**byte)).count();
    // The next cell of a table is no part of it, a fraction behind a comma is.
    let cell = |at: &usize| text.get(at + 1).is_none_or(|next| !next.is_ascii_digit());
    let comma = memchr::memchr_iter(b',', &text[clock..clock + behind]).map(|at| clock + at).find(cell);
    let mut end = comma.unwrap_or(clock + behind);
    while end > clock + 8 && matches!(text[end - 1], b':' | b',' | b'.') {
        end -= 1;
    }
    // Parts of a date before it: `Mon Jul 19`, `2024-01-27`, `1月 27`.
    let glued = start < clock;
    for _ in 0..if glued { 0 } else { 3 } {
        let before = &text[..start];
        let word_end = before.len() - before.iter().rev().take_while(|byte| **byte == b' ').count();
        if word_end == start {
            break;
        }
        let is_start = |byte: u8| is_edge(byte) || byte == b',';
        let word_start = before[..word_end].iter().rposition(|byte| is_start(*byte)).map_or(0, |edge| edge + 1);
        let word = &before[word_start..word_end];
        let marks = marks(word);
        if !is_date(&word[marks..]) {
            break;
        }
        start = word_start + marks;
        if marks > 0 {
            break;
        }
    }
    // A year or a zone behind it: `2021`, `CET`. Where the date has no year, the word is the name of the host.
    let word = |from: usize| {
        let rest = text.get(from..).and_then(|rest| rest.strip_prefix(b" ")).unwrap_or_default();
        &rest[..rest.iter().take_while(|byte| !is_edge(**byte)).count()]
    };
    let is_year = |word: &[u8]| word.len() == 4 && word.iter().all(u8::is_ascii_digit);
    let next = word(end);
    let zone = (2..=5).contains(&next.len()) && next.iter().all(u8::is_ascii_uppercase);
    let year_behind = zone && is_year(word(end + 1 + next.len()));
    let year_before = || text[start..clock].iter().filter(|byte| byte.is_ascii_digit()).count() >= YEAR;
    if is_year(next) || year_behind || (zone && year_before()) {
        end += 1 + next.len();
    }
    if year_behind {
        end += 1 + word(end).len();
    }
    Some(&text[start..end])
}

/// How many marks somebody left in front of a date, as the one of a command to search with: `/Nov 21`.
fn marks(word: &[u8]) -> usize {
    word.iter().take_while(|byte| byte.is_ascii_punctuation()).count()
}

/// `07:55:11` at the start.
fn is_clock(text: &[u8]) -> bool {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let ends = text.get(8).is_none_or(|byte| !byte.is_ascii_alphanumeric() || *byte == b'Z');
    [0, 1, 3, 4, 6, 7].into_iter().all(digit) && text[2] == b':' && text[5] == b':' && ends
}

/// A month or weekday in any language, a day, a date of digits.
fn is_date(word: &[u8]) -> bool {
    let letters = word.iter().all(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80 || *byte == b'.');
    let day = word.len() <= 2 && word.iter().all(u8::is_ascii_digit);
    let mixed = word.iter().any(|byte| *byte >= 0x80);
    let date = word.len() >= 8
        && word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'.'))
        && word.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6;
    day || date || (word.len() <= NAME && (letters || mixed))
}

#[cfg(test)]
mod tests {
    use super::wall_clock;

    #[test]
    fn the_time_is_told_as_it_is_written() {
        for (prefix, want) in [
            ("Nov 21 07:55:11 host kernel: ", Some("Nov 21 07:55:11")),
            ("Mar  5 22:39:31 host kernel: ", Some("Mar  5 22:39:31")),
            ("Mär 27 16:33:09 host1 kernel: ", Some("Mär 27 16:33:09")),
            ("1月 27 16:33:09 host1 kernel: ", Some("1月 27 16:33:09")),
            ("2016-03-26T20:52:22.526425+00:00 host kernel: ", Some("2016-03-26T20:52:22.526425+00:00")),
            ("10.1.1.2: kern: warning: [2021-01-28T16:41:56.354430804Z]: ", Some("2021-01-28T16:41:56.354430804Z")),
            ("[Mon Jul 19 16:33:09 2021] ", Some("Mon Jul 19 16:33:09 2021")),
            ("Sat 2024-01-27 16:33:09 CET host1 kernel: ", Some("Sat 2024-01-27 16:33:09 CET")),
            ("[   12.345678] ", None),
            ("`Sep  3 04:35:13 host kernel: ", Some("Sep  3 04:35:13")),
            ("**Sep 13 04:35:13** host kernel: ", Some("Sep 13 04:35:13")),
            ("/Nov 21 07:55:11 host kernel: ", Some("Nov 21 07:55:11")),
            ("lug 08 14:05:04 LAMP kernel: ", Some("lug 08 14:05:04")),
            ("[Fri Mar  5 10:00:00 UTC 2021] ", Some("Fri Mar  5 10:00:00 UTC 2021")),
            ("host kernel: ", None),
        ] {
            let got = wall_clock(prefix.as_bytes()).map(|text| String::from_utf8_lossy(text).into_owned());
            assert_eq!(got.as_deref(), want, "{prefix}");
        }
    }
}
