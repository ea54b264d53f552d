//! The table of magics: how each way of packing begins.

use std::fmt;

/// A way of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Packing {
    /// gzip, of any number of members.
    Gzip,
    /// xz, of any number of streams.
    Xz,
    /// Zstandard, of any number of frames.
    Zstd,
    /// bzip2, of any number of streams.
    Bzip2,
    /// LZMA alone (`.lzma`), which has no magic number but usual parameters.
    Lzma,
    /// LZ4: frames, and the old form of `lz4 -l` and of kernels.
    Lz4,
    /// lzop.
    Lzo,
}

impl fmt::Display for Packing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
            Self::Lzo => "lzop",
        })
    }
}

/// The lowest and the highest value of each byte.
type Magic = &'static [(u8, u8)];

/// One byte that is always the same.
const fn is(byte: u8) -> (u8, u8) {
    (byte, byte)
}

/// How each packing begins. A gzip of the only method with reserved flags clear; a block's or the end's magic follows bzip2's
/// own, since `BZh9` alone could be text.
const MAGICS: [(Packing, Magic); 10] = [
    (Packing::Gzip, &[is(0x1f), is(0x8b), is(8), (0, 0x1f)]),
    (Packing::Xz, &[is(0xfd), is(b'7'), is(b'z'), is(b'X'), is(b'Z'), is(0)]),
    (Packing::Zstd, &[is(0x28), is(0xb5), is(0x2f), is(0xfd)]),
    // A frame that carries no data.
    (Packing::Zstd, &[(0x50, 0x5f), is(0x2a), is(0x4d), is(0x18)]),
    (
        Packing::Bzip2,
        &[is(b'B'), is(b'Z'), is(b'h'), (b'1', b'9'), is(0x31), is(0x41), is(0x59), is(0x26), is(0x53), is(0x59)],
    ),
    (
        Packing::Bzip2,
        &[is(b'B'), is(b'Z'), is(b'h'), (b'1', b'9'), is(0x17), is(0x72), is(0x45), is(0x38), is(0x50), is(0x90)],
    ),
    (Packing::Lz4, &[is(0x04), is(0x22), is(0x4d), is(0x18)]),
    (Packing::Lz4, &[is(0x02), is(0x21), is(0x4c), is(0x18)]),
    (Packing::Lzo, &[is(0x89), is(b'L'), is(b'Z'), is(b'O'), is(0), is(0x0d), is(0x0a), is(0x1a), is(0x0a)]),
    (Packing::Lzma, &[is(0x5d), is(0), is(0)]),
];

/// How the old form of LZ4 begins.
#[cfg(feature = "unpack")]
pub(super) const LZ4_OLD: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// Whether as many bytes as both have agree.
fn agree(magic: Magic, bytes: &[u8]) -> bool {
    magic.iter().zip(bytes).all(|((low, high), byte)| (low..=high).contains(&byte))
}

fn begins(magic: Magic, bytes: &[u8]) -> bool {
    bytes.len() >= magic.len() && agree(magic, bytes)
}

impl Packing {
    /// Bytes that are enough to recognise every form.
    pub const MAGIC: usize = 10;

    /// How the data is packed that begins like this.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        MAGICS.into_iter().find(|(_, magic)| begins(magic, first)).map(|(packing, _)| packing)
    }

    /// The same for a log: in the other forms, whose beginnings prove less, logs do not come.
    #[must_use]
    pub fn of_log(first: &[u8]) -> Option<Self> {
        Self::of(first).filter(|packing| packing.streams())
    }

    /// Whether a log that begins like this, with fewer than [`Packing::MAGIC`] bytes, may turn out to be packed.
    #[must_use]
    pub fn may_be(first: &[u8]) -> bool {
        MAGICS.iter().any(|(packing, magic)| packing.streams() && agree(magic, first))
    }

    /// Whether [`super::reader`] undoes it.
    pub(super) fn streams(self) -> bool {
        !matches!(self, Self::Lzma | Self::Lzo)
    }

    /// Where packed data may begin within other bytes, in ascending order: at most `most` places of each form with a true magic.
    #[must_use]
    pub fn places(bytes: &[u8], most: usize) -> Vec<(usize, Self)> {
        let mut places = Vec::new();
        for (packing, magic) in MAGICS {
            let fixed: Vec<u8> = magic.iter().take_while(|(low, high)| low == high).map(|(low, _)| *low).collect();
            if packing == Self::Lzma || fixed.is_empty() {
                continue;
            }
            let here = memchr::memmem::find_iter(bytes, &fixed).filter(|at| begins(magic, &bytes[*at..]));
            places.extend(here.take(most).map(|at| (at, packing)));
        }
        places.sort_unstable();
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_taken_for_packed_data() {
        for text in
            [&b"BZh9 is how bzip2 begins"[..], b"", b"[    0.000000] Linux", b"7zXZ", b"\x1f\x8b\x08\xff", b"P*M"]
        {
            assert_eq!(Packing::of(text), None, "{text:?}");
        }
        assert_eq!(Packing::of(b"\x5d\0\0\x80\0"), Some(Packing::Lzma));
        assert_eq!(Packing::of_log(b"\x5d\0\0\x80\0"), None);
    }

    #[test]
    fn a_beginning_may_become_a_magic() {
        for (_, magic) in MAGICS.iter().filter(|(packing, _)| packing.streams()) {
            let bytes: Vec<u8> = magic.iter().map(|(low, _)| *low).collect();
            assert!((0..bytes.len()).all(|end| Packing::may_be(&bytes[..end])), "{bytes:?}");
            assert!(Packing::of_log(&bytes).is_some() && bytes.len() <= Packing::MAGIC);
        }
        assert!(!Packing::may_be(b"A") && !Packing::may_be(b"BZx"));
    }

    #[test]
    fn packed_data_is_found_within_other_bytes() {
        let bytes = [&b"head\x1f\x8b\x08\0...BZh9.."[..], b"\x28\xb5\x2f\xfd\x1f\x8b\x08\xff"].concat();
        assert_eq!(Packing::places(&bytes, 8), [(4, Packing::Gzip), (17, Packing::Zstd)]);
    }
}
