//! What pages and machines that read pictures do to a frame.

/// The line with the zeros that a machine read as letters: `widget_put+Ox1c/0x40`.
pub(super) fn misread(line: &[u8]) -> Option<Vec<u8>> {
    // Lines without an offset need no search.
    memchr::memchr(b'+', line)?;
    let wrong = |at: &usize| *at > 0 && matches!(line[at - 1], b'+' | b'/');
    let mut found = memchr::memmem::find_iter(line, b"Ox").filter(wrong).peekable();
    found.peek()?;
    let mut read = line.to_vec();
    found.for_each(|at| read[at] = b'0');
    Some(read)
}

/// What follows the brackets of an address that a page took for a tag or somebody cut out: `[] f+0x1/0x2`, `[...] f+0x1/0x2`.
pub(super) fn lost_address(bytes: &[u8]) -> Option<&[u8]> {
    const EMPTIED: [&str; 6] = ["[] ", "[<>] ", "[...] ", "[<...>] ", "[…] ", "[<…>] "];
    let rest = EMPTIED.iter().find_map(|mark| bytes.strip_prefix(mark.as_bytes()))?.trim_ascii_start();
    let named = rest.strip_prefix(b"? ").unwrap_or(rest);
    let at = memchr::memmem::find(named, b"+0x")?;
    (at > 0 && !named[..at].contains(&b' ')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::{lost_address, misread};

    #[test]
    fn frames_are_read_through_what_was_done_to_them() {
        assert_eq!(misread(b"widget_put+Ox1c/Ox40"), Some(b"widget_put+0x1c/0x40".to_vec()));
        assert_eq!(misread(b"Ox_put+0x1c/0x40"), None);
        assert_eq!(lost_address(b"[] ? widget_put+0x1c/0x40"), Some(&b"? widget_put+0x1c/0x40"[..]));
        assert_eq!(lost_address(b"[...] widget_put+0x1c/0x40"), Some(&b"widget_put+0x1c/0x40"[..]));
        assert_eq!(lost_address(b"[] Not tainted"), None);
    }
}
