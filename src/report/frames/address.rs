//! The address of a frame, as architectures print it.

use super::super::scan::{after, is_hex, word};
use super::name::with_offset;

/// The address of `[<c000>] `, `[c000] ` or `([<c000>] `.
pub(super) fn bracketed_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(b"(").unwrap_or(bytes);
    let bytes = bytes.strip_prefix(b"[")?;
    let (angled, bytes) = match bytes.strip_prefix(b"<") {
        Some(bytes) => (true, bytes),
        None => (false, bytes),
    };
    let end = bytes.iter().position(|byte| !byte.is_ascii_hexdigit() && !b"(ptrvalx_)".contains(byte))?;
    let (address, rest) = (&bytes[..end], &bytes[end..]);
    let rest = match angled {
        true => after(rest, ">]")?,
        false => after(rest, "]")?,
    };
    // A build id or a time in brackets is not an address: those are addresses of 32 or 64 bits.
    let plausible = if angled { !address.is_empty() } else { address.len() == 8 || address.len() == 16 };
    plausible.then_some((address, rest))
}

/// `c00000000004e1d4 ` before a name.
pub(super) fn bare_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (address, rest) = word(bytes);
    (matches!(address.len(), 8 | 16) && is_hex(address) && with_offset(rest).is_some()).then_some((address, rest))
}

/// Offsets within functions have no more digits.
const LONGEST_OFFSET: usize = 3;

/// `0xffffffff81234567`: a kernel without symbols. Behind it may be the module that lies there, `[netatop@6b7888f1+0x12000]`.
pub(super) fn raw_address(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    bytes.trim_ascii_start().starts_with(b"0x").then_some(())?;
    let (address, rest) = word(bytes);
    let digits = after(address, "0x")?;
    let alone = rest.is_empty() || (rest.starts_with(b"[") && rest.ends_with(b"]") && rest.contains(&b'@'));
    // `0x26e` is the offset of a function on the line above; NULL is none.
    let far = digits.len() > LONGEST_OFFSET || digits.iter().all(|digit| *digit == b'0');
    (is_hex(digits) && digits.len() <= 16 && alone && far).then_some((address, rest))
}
