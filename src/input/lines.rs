//! The lines of a text and where they begin.

/// The lines of a text without their line feeds, and the offset of each, bytes; behind a last line feed there is none.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], usize)> {
    let open = text.last().is_some_and(|last| *last != b'\n').then_some(text.len());
    let mut start = 0;
    memchr::memchr_iter(b'\n', text).chain(open).map(move |end| {
        let at = start;
        start = end + 1;
        (&text[at..end], at)
    })
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn every_byte_but_line_feeds_stands_in_a_line() {
        for text in ["", "\n", "a", "a\n", "\na\n\nbc", "a\r\nb\n\n"] {
            let found: Vec<(&str, usize)> = lines(text.as_bytes())
                .map(|(line, at)| (std::str::from_utf8(line).expect("cut at line feeds"), at))
                .collect();
            let wanted: Vec<&str> =
                text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line)).collect();
            assert_eq!(found.iter().map(|(line, _)| *line).collect::<Vec<_>>(), wanted);
            assert!(found.iter().all(|(line, at)| text[*at..].starts_with(line)));
        }
    }
}
