//! A name of 128 bits for what is equal: FNV-1a, the same on every machine and in every release.

use std::fmt;

/// Gathers texts into 128 bits. Each text counts with its length, so that `ab`, `c` and `a`, `bc` differ.
///
/// FNV-1a keeps apart what differs by chance (of 10^9 causes two meet with a probability of 10^-21). Somebody who writes logs
/// for it can make two causes meet: nothing that must be safe may rest on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u128);

/// The constants of FNV for 128 bits (draft-eastlake-fnv).
const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

impl Default for Fingerprint {
    fn default() -> Self {
        Self(BASIS)
    }
}

impl Fingerprint {
    /// With one more text.
    #[must_use]
    pub fn with(self, text: &[u8]) -> Self {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.bytes(&length.to_le_bytes()).bytes(text)
    }

    /// With one more list of texts.
    #[must_use]
    pub fn with_all(self, texts: &[String]) -> Self {
        let count = u64::try_from(texts.len()).unwrap_or(u64::MAX);
        texts.iter().fold(self.bytes(&count.to_le_bytes()), |so_far, text| so_far.with(text.as_bytes()))
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(self.0, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME)))
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_and_keeps_texts_apart() {
        let of = |text: &str| Fingerprint::default().bytes(text.as_bytes()).to_string();
        assert_eq!(of(""), "6c62272e07bb014262b821756295c58d");
        assert_eq!(of("a"), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(of("foobar"), "343e1662793c64bf6f0d3597ba446f18");
        let texts = |texts: &[&str]| texts.iter().fold(Fingerprint::default(), |it, text| it.with(text.as_bytes()));
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let (one, two) = (list(&["a"]), list(&["a", "b"]));
        let id = |stack: &[String], locks: &[String]| Fingerprint::default().with_all(stack).with_all(locks);
        assert_ne!(id(&one, &list(&["b"])), id(&two, &list(&[])));
    }
}
