//! The first line of a part of a dump that pstore keeps.

/// The reason with its count and the number of `Panic#2 Part3`, the first line of a part.
#[must_use]
pub fn part(line: &[u8]) -> Option<(&[u8], u64)> {
    let line = line.trim_ascii();
    let at = line
        .len()
        .checked_sub(4)
        .filter(|_| line.len() < 32 && line[0].is_ascii_uppercase())
        .and_then(|_| memchr::memmem::find(line, b" Part"))?;
    let (name, number) = (&line[..at], std::str::from_utf8(&line[at + 5..]).ok()?.parse().ok()?);
    let hash = memchr::memchr(b'#', name)?;
    (name[..hash].iter().all(u8::is_ascii_alphabetic) && name[hash + 1..].iter().all(u8::is_ascii_digit))
        .then_some((name, number))
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn only_a_whole_line_names_a_part() {
        assert_eq!(part(b"Panic#2 Part3\r"), Some((&b"Panic#2"[..], 3)));
        for line in ["Panic#2 Part3 of it", "Spare Part3", "Part3", "Panic#x Part1", ""] {
            assert_eq!(part(line.as_bytes()), None, "{line}");
        }
    }
}
