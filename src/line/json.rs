//! Just enough JSON: the fields of an object on one line, without building it.

/// A field's value, still escaped: offsets into the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A string, without its quotes.
    Text(usize, usize),
    /// A number, a word, an object or an array, as it stands.
    Raw(usize, usize),
}

impl Value {
    /// What it says, quotes taken off.
    pub(super) fn bytes(self, line: &[u8]) -> &[u8] {
        let (Self::Text(start, end) | Self::Raw(start, end)) = self;
        line.get(start..end).unwrap_or_default()
    }
}

/// Walks over the fields of the object whose first field begins at `at`; stops at the first damage.
pub(super) fn fields(line: &[u8], at: usize) -> Fields<'_> {
    Fields { line, at }
}

/// See [`fields`].
pub(super) struct Fields<'line> {
    line: &'line [u8],
    at: usize,
}

impl Fields<'_> {
    fn skip(&mut self, blanks: &[u8]) {
        while self.line.get(self.at).is_some_and(|byte| blanks.contains(byte)) {
            self.at += 1;
        }
    }

    fn text(&mut self) -> Option<(usize, usize)> {
        if self.line.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = start + string_len(self.line.get(start..)?);
        self.at = end + 1;
        (end < self.line.len()).then_some((start, end))
    }

    /// A number or word, or a nested value up to the bracket that closes it.
    fn raw(&mut self) -> Option<(usize, usize)> {
        let start = self.at;
        let mut depth = 0usize;
        while let Some(&byte) = self.line.get(self.at) {
            match byte {
                b'"' => {
                    self.text()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' if depth == 0 => break,
                b']' | b'}' => depth -= 1,
                b',' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        Some((start, self.at))
    }
}

impl Iterator for Fields<'_> {
    type Item = ((usize, usize), Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.skip(b" \t,");
        let key = self.text()?;
        self.skip(b" \t:");
        let value = match self.line.get(self.at)? {
            b'"' => self.text().map(|(start, end)| Value::Text(start, end))?,
            _ => self.raw().map(|(start, end)| Value::Raw(start, end))?,
        };
        Some((key, value))
    }
}

/// How long a string is up to the quote that closes it, or to the end of the line.
pub(super) fn string_len(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|tail| memchr::memchr2(b'"', b'\\', tail)) {
        at += found;
        if rest[at] == b'"' {
            return at;
        }
        at += 2;
    }
    rest.len()
}

/// A JSON string's content, escapes decoded. Damaged escapes stay as they are.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let Some(found) = memchr::memchr(b'\\', &text[at..]) else {
            out.extend_from_slice(&text[at..]);
            break;
        };
        out.extend_from_slice(&text[at..at + found]);
        at += found;
        let (decoded, used) = match text.get(at + 1) {
            Some(b'n') => ('\n', 2),
            Some(b't') => ('\t', 2),
            Some(b'r') => ('\r', 2),
            Some(b'b') => ('\u{8}', 2),
            Some(b'f') => ('\u{c}', 2),
            Some(&byte @ (b'"' | b'\\' | b'/')) => (char::from(byte), 2),
            Some(b'u') => code_point(&text[at..]).unwrap_or(('\\', 1)),
            _ => ('\\', 1),
        };
        out.extend_from_slice(decoded.encode_utf8(&mut [0; 4]).as_bytes());
        at += used;
    }
    out
}

/// `\u00e9`, or two of them that are one surrogate pair; with the bytes used.
fn code_point(text: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| -> Option<u32> {
        let escape = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        escape.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
    };
    let first = unit(0)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(second) = unit(6).filter(|second| (0xdc00..0xe000).contains(second))
    {
        return Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 12));
    }
    Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6))
}

/// The bytes of `[72, 101, …]`, the journal's form of a message that is not UTF-8.
pub(super) fn byte_array(array: &[u8]) -> Option<Vec<u8>> {
    let inner = array.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
    inner
        .split(|&byte| byte == b',')
        .map(|number| std::str::from_utf8(number.trim_ascii()).ok()?.parse::<u8>().ok())
        .collect()
}
