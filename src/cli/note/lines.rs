//! Lines that notes have in common: a command as a shell takes it, the trailers of a bug.

use crate::render::Note;

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let plain =
        !word.is_empty() && word.chars().all(|char| char.is_ascii_alphanumeric() || "-_./=:,+@%".contains(char));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

pub(super) fn trailers(note: &mut Note, extid: Option<&str>) {
    let Some(extid) = extid else { return };
    note.trailers.push(format!("Reported-by: syzbot+{extid}@syzkaller.appspotmail.com"));
    note.trailers.push(format!("Closes: https://syzkaller.appspot.com/bug?extid={extid}"));
}
