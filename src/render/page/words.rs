//! Words and sentences as a page shows them.

use super::with_links;
use maud::{Markup, html};

/// A word for a shell, quoted where it must be.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+,:=@".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Sentences that mention lines.
pub(super) fn story(text: &str) -> Markup {
    html! { pre { (with_links(text)) } }
}
