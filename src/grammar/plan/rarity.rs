//! How rare a text is in ordinary kernel lines, judged by its four-byte windows.

/// A packed search looks at so many bytes first.
pub(crate) const WINDOW: usize = 4;

/// The share of lines below which windows are not distinguished: few lines were counted.
const FLOOR: f64 = 1.0 / 8192.0;

/// Above this share of ordinary lines a trigger is common, and something rarer is looked for in the pattern.
pub(crate) const COMMON: f64 = 1.0 / 2048.0;

/// For each slot of four bytes: 0 where no line holds them, else the binary logarithm of how many of 65,536 lines do, plus
/// one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rarity<'a>(pub(crate) &'a [u8]);

impl Rarity<'_> {
    /// Share of ordinary lines, 0 to 1, that hold these four bytes.
    pub(crate) fn share(&self, four: [u8; WINDOW]) -> f64 {
        match self.0.get(slot(four)).copied().unwrap_or(0) {
            0 => FLOOR,
            level => (f64::from(1_u32 << u32::from(level - 1).min(16)) / 65536.0).max(FLOOR),
        }
    }

    /// Share of ordinary lines that hold the rarest window of a text; 1 for a text that is shorter than a window.
    pub(crate) fn rarest(&self, text: &str) -> f64 {
        windows(text.as_bytes()).map(|four| self.share(four)).fold(1.0, f64::min)
    }
}

/// Where the level of four bytes stands.
pub(crate) fn slot(four: [u8; WINDOW]) -> usize {
    (u32::from_le_bytes(four).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// All four-byte windows of a text, in order.
pub(crate) fn windows(text: &[u8]) -> impl Iterator<Item = [u8; WINDOW]> + '_ {
    text.windows(WINDOW).map(|four| [four[0], four[1], four[2], four[3]])
}
