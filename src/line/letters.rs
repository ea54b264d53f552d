//! Which bytes a line holds, found in one look at it, so that most questions need no search.

use serde::{Deserialize, Serialize};

/// The bytes of a text, a bit for each of 64 classes: bytes whose last six bits are equal are one class, so that capitals are
/// told from small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Letters(u64);

impl Letters {
    /// Those of a text.
    pub(crate) const fn of(text: &[u8]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < text.len() {
            bits |= 1 << (text[at] & 63);
            at += 1;
        }
        Self(bits)
    }

    /// Whether a text with these letters may hold one with the others; if not, it surely does not.
    pub(crate) const fn may_hold(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::Letters;

    #[test]
    fn a_text_may_hold_what_its_letters_spell() {
        let line = Letters::of(b" widget_put+0x1f/0x40");
        assert!(line.may_hold(Letters::of(b"put+0x")) && line.may_hold(Letters::of(b"")));
        assert!(!line.may_hold(Letters::of(b"Kernel panic")) && !line.may_hold(Letters::of(b"?")));
    }

    proptest::proptest! {
        #[test]
        fn no_part_of_a_text_is_missed(text: Vec<u8>, from: usize, to: usize) {
            let (from, to) = (from % (text.len() + 1), to % (text.len() + 1));
            let part = &text[from.min(to)..from.max(to)];
            proptest::prop_assert!(Letters::of(&text).may_hold(Letters::of(part)));
        }
    }
}
