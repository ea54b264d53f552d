//! UTF-16 and byte order marks, made plain while they are read; offsets stay those of the file.

use std::borrow::Cow;
use std::collections::VecDeque;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8 with a byte order mark.
    Marked,
    /// UTF-16, low byte first: what PowerShell writes.
    Little,
    /// UTF-16, high byte first.
    Big,
}

/// How many bytes are looked at for UTF-16 without a mark.
const SAMPLE: usize = 1024;
/// So many pairs of bytes must be there before zeros among them say anything.
const PAIRS: usize = 8;

impl Encoding {
    /// Bytes that are enough to decide.
    pub const ENOUGH: usize = 2 * PAIRS;

    /// How the text is written that begins like this; `None` for plain text. UTF-16 without a mark is recognised by its zeros: three
    /// quarters of the pairs are an ASCII character and a zero, always on the same side.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0xef, 0xbb, 0xbf, ..] => return Some(Self::Marked),
            [0xff, 0xfe, ..] => return Some(Self::Little),
            [0xfe, 0xff, ..] => return Some(Self::Big),
            _ => {}
        }
        let sample = &first[..first.len().min(SAMPLE)];
        memchr::memchr(0, sample)?;
        let pairs = sample.chunks_exact(2);
        let all = pairs.len();
        let readable = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        let (mut little, mut big) = (0, 0);
        for pair in pairs {
            little += usize::from(pair[1] == 0 && readable(pair[0]));
            big += usize::from(pair[0] == 0 && readable(pair[1]));
        }
        let most = |count: usize| all >= PAIRS && count * 4 >= all * 3;
        if most(little) {
            Some(Self::Little)
        } else if most(big) {
            Some(Self::Big)
        } else {
            None
        }
    }
}

/// From one place on, so many plain bytes stand for so many bytes of the file, again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    plain: u64,
    file: u64,
    per: (u8, u8),
}

/// Makes a text plain, piece by piece. Lines stay lines: only offsets need [`Decoder::origin`].
#[derive(Debug, Clone)]
pub struct Decoder {
    encoding: Encoding,
    /// Bytes of a character whose rest has not come.
    carried: Vec<u8>,
    plain: u64,
    file: u64,
    stretches: VecDeque<Stretch>,
    /// How many plain bytes behind the last one can still be asked for.
    memory: u64,
}

impl Decoder {
    /// At the beginning of a text, whose every place can be asked for afterwards.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self { encoding, carried: Vec::new(), plain: 0, file: 0, stretches: VecDeque::new(), memory: u64::MAX }
    }

    /// The same, for a text of any length: only places in the last `memory` plain bytes can be asked for.
    #[must_use]
    pub fn forgetful(self, memory: u64) -> Self {
        Self { memory, ..self }
    }

    /// The next bytes made plain; with `last`, what is carried is given out, too.
    pub fn decode<'bytes>(&mut self, bytes: &'bytes [u8], last: bool) -> Cow<'bytes, [u8]> {
        if self.encoding == Encoding::Marked {
            return Cow::Borrowed(self.unmarked(bytes));
        }
        let mut carried = std::mem::take(&mut self.carried);
        let bytes = if carried.is_empty() {
            bytes
        } else {
            carried.extend_from_slice(bytes);
            &carried
        };
        let mut out = Vec::with_capacity(bytes.len() / 2 + 4);
        let mut at = 0;
        while let Some(unit) = self.unit(bytes, at) {
            let (decoded, taken) = match unit {
                0xfeff if self.file == 0 => {
                    self.file = 2;
                    at += 2;
                    continue;
                }
                0xd800..=0xdbff => match self.unit(bytes, at + 2) {
                    Some(low @ 0xdc00..=0xdfff) => {
                        let code = 0x1_0000 + ((u32::from(unit) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                        (char::from_u32(code), 4)
                    }
                    None if !last => break,
                    _ => (None, 2),
                },
                unit => (char::from_u32(u32::from(unit)), 2),
            };
            self.put(decoded, taken, &mut out);
            at += usize::from(taken);
        }
        if last && at < bytes.len() {
            self.put(None, 1, &mut out);
        } else {
            self.carried = bytes[at..].to_vec();
        }
        Cow::Owned(out)
    }

    fn unit(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(if self.encoding == Encoding::Little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    }

    fn put(&mut self, decoded: Option<char>, taken: u8, out: &mut Vec<u8>) {
        let mut buffer = [0; 4];
        let shown = decoded.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer);
        self.stretch((shown.len() as u8, taken));
        self.plain += shown.len() as u64;
        self.file += u64::from(taken);
        out.extend_from_slice(shown.as_bytes());
    }

    fn stretch(&mut self, per: (u8, u8)) {
        if self.stretches.back().is_none_or(|last| last.per != per) {
            self.stretches.push_back(Stretch { plain: self.plain, file: self.file, per });
            let old = self.plain.saturating_sub(self.memory);
            while self.stretches.get(1).is_some_and(|next| next.plain <= old) {
                self.stretches.pop_front();
            }
        }
    }

    /// The bytes without the mark at the beginning.
    fn unmarked<'bytes>(&mut self, bytes: &'bytes [u8]) -> &'bytes [u8] {
        let mark = bytes.len().min(3usize.saturating_sub(usize::try_from(self.file).unwrap_or(3)));
        self.file += bytes.len() as u64;
        self.plain += (bytes.len() - mark) as u64;
        if self.stretches.is_empty() {
            self.stretches.push_back(Stretch { plain: 0, file: 3, per: (1, 1) });
        }
        &bytes[mark..]
    }

    /// The place in the file of a place in the plain text, both bytes.
    #[must_use]
    pub fn origin(&self, plain: u64) -> u64 {
        let after = self.stretches.partition_point(|stretch| stretch.plain <= plain);
        let Some(stretch) = after.checked_sub(1).and_then(|index| self.stretches.get(index)) else { return 0 };
        let (plain_width, file_width) = (u64::from(stretch.per.0.max(1)), u64::from(stretch.per.1));
        stretch.file + (plain - stretch.plain) / plain_width * file_width
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Marked => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            Encoding::Little => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Encoding::Big => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    #[test]
    fn utf_16_is_recognised_by_its_mark_or_by_its_zeros() {
        let line = "[    1.000000] Linux version\n";
        for encoding in [Encoding::Little, Encoding::Big] {
            assert_eq!(Encoding::of(&encoded(line, encoding)), Some(encoding));
            assert_eq!(Encoding::of(&encoded("\u{feff}x", encoding)), Some(encoding));
        }
        assert_eq!(Encoding::of(&encoded(line, Encoding::Marked)), Some(Encoding::Marked));
        for plain in [line.as_bytes(), &[0; 64][..], b"", b"[\0", b"\0\0\0\0 a line after a torn block \0\0\0\0\0\0\0"]
        {
            assert_eq!(Encoding::of(plain), None, "{plain:?}");
        }
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_text_and_places(text in "[ -~äß雪🦀\n]{0,60}", cut in 0usize..40, which in 0usize..3) {
            let encoding = [Encoding::Marked, Encoding::Little, Encoding::Big][which];
            let bytes = encoded(&text, encoding);
            let mut decoder = Decoder::new(encoding);
            let mut plain = Vec::new();
            let pieces: Vec<&[u8]> = if cut == 0 { vec![&bytes] } else { bytes.chunks(cut).collect() };
            for piece in pieces {
                plain.extend_from_slice(&decoder.decode(piece, false));
            }
            plain.extend_from_slice(&decoder.decode(b"", true));
            prop_assert_eq!(String::from_utf8_lossy(&plain), text.as_str());
            for (at, _) in text.char_indices() {
                let file = encoded(&text[..at], encoding).len() as u64;
                prop_assert_eq!(decoder.origin(at as u64), file);
            }
        }
    }
}
