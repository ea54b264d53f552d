//! A command as it stands in a terminal.

/// With what prompts end, those of set shells included.
const PROMPTS: [&str; 10] = ["$", "#", "%", ">", "\u{bb}", "\u{3bb}", "\u{276f}", "\u{279c}", "\u{2717}", "\u{2714}"];

/// A line without what a terminal puts before a command: blanks and a prompt, and what runs the command.
#[must_use]
pub(in crate::bisect) fn typed(content: &[u8]) -> &[u8] {
    let content = content.trim_ascii();
    let Some(at) = memchr::memmem::find(&content[..content.len().min(160)], b"git bisect ") else { return content };
    let mut prompt = content[..at].trim_ascii_end();
    for word in [&b" sudo"[..], b" time"] {
        prompt = prompt.strip_suffix(word).map_or(prompt, |rest| rest.trim_ascii_end());
    }
    // A comment that mentions the command is not a prompt; `+` is what `sh -x` shows.
    let is_prompt = prompt.len() < 80 && (prompt == b"+" || PROMPTS.iter().any(|end| prompt.ends_with(end.as_bytes())));
    if is_prompt { &content[at..] } else { content }
}
