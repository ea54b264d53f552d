//! How rare a text is in ordinary kernel lines, told by its four-byte windows.

/// A packed search looks at so many bytes first.
pub(super) const WINDOW: usize = 4;

/// Levels of all slots, counted when the program was built (see build.rs).
static LEVELS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/rarity.bin"));

/// The share of lines below which windows are not told apart: the lines that were counted are few.
const FLOOR: f64 = 1.0 / 8192.0;

/// Share of ordinary lines, 0 to 1, that hold these four bytes.
pub(super) fn share(four: [u8; WINDOW]) -> f64 {
    match LEVELS.get(slot(four)).copied().unwrap_or(0) {
        0 => FLOOR,
        level => (f64::from(1_u32 << u32::from(level - 1).min(16)) / 65536.0).max(FLOOR),
    }
}

/// Where the level of four bytes stands.
fn slot(four: [u8; WINDOW]) -> usize {
    (u32::from_le_bytes(four).wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// All four-byte windows of a text, in order.
pub(super) fn windows(text: &str) -> impl Iterator<Item = [u8; WINDOW]> + '_ {
    text.as_bytes().windows(WINDOW).map(|four| [four[0], four[1], four[2], four[3]])
}

/// Share of ordinary lines that hold the rarest window of a text; 1 for a text that is shorter than a window.
pub(super) fn rarest(text: &str) -> f64 {
    windows(text).map(share).fold(1.0, f64::min)
}

#[cfg(test)]
mod tests {
    use super::rarest;

    #[test]
    fn what_ordinary_lines_hold_is_not_rare() {
        for (common, rare) in [("usb ", "unable to enumerate"), (" 0x0000", "BUG: "), ("ACPI", "KASAN")] {
            assert!(rarest(common) > rarest(rare) * 2.0, "{common} {} {rare} {}", rarest(common), rarest(rare));
        }
    }
}
