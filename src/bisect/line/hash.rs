//! Commits in a line: hex digits at its beginning.

/// How many digits a whole commit hash has.
pub(super) const WHOLE: usize = 40;

/// Whether `word` is a whole commit hash or kernel signature.
#[must_use]
pub(in crate::bisect) fn is_hash(word: &[u8]) -> bool {
    matches!(word.len(), 40 | 64) && hash_length(word) == word.len()
}

/// Number of hex digits at the beginning of `content` that end in a blank, a bracket or the end; else 0.
#[must_use]
pub(in crate::bisect) fn hash_length(content: &[u8]) -> usize {
    let digits = content.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).count();
    let ends = content
        .get(digits)
        .is_none_or(|next| !next.is_ascii_alphanumeric() && *next != b'_' && *next != b'/' && *next != b'.');
    if (7..=64).contains(&digits) && ends { digits } else { 0 }
}

/// The commit at the beginning of `content` and what follows it, trimmed.
#[must_use]
pub(in crate::bisect) fn split_commit(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = hash_length(content);
    (length > 0).then(|| (&content[..length], content[length..].trim_ascii()))
}
