//! Logs that a mail program filled like prose: what git wrote at the beginning of a line stands anywhere in a paragraph.

use super::line::{self, Line};

/// Paragraphs that are longer stay as they are.
const LONGEST: usize = 256 << 10;
/// How many digits the hashes of a log have.
const WHOLE: usize = 40;

/// A line without what stood before it, and its length before that.
#[derive(Debug)]
pub(super) struct Peeled {
    /// 1-based number in the file.
    pub number: u64,
    pub content: Vec<u8>,
    /// Columns as written.
    pub width: usize,
}

/// Gives comments and commands of git that stand within a line, or on two, a line of their own, wherever a paragraph was filled.
#[must_use]
pub(super) fn unfilled(lines: Vec<Peeled>) -> Vec<Peeled> {
    let mut plain = Vec::with_capacity(lines.len());
    let mut paragraph: Vec<Peeled> = Vec::new();
    for line in commands_whole(lines) {
        if line.content.trim_ascii().is_empty() {
            plain.extend(of_paragraph(std::mem::take(&mut paragraph)));
            plain.push(line);
        } else {
            paragraph.push(line);
        }
    }
    plain.extend(of_paragraph(paragraph));
    plain
}

/// Puts commands together that were broken because a long prompt stands before them.
fn commands_whole(lines: Vec<Peeled>) -> Vec<Peeled> {
    let mut whole: Vec<Peeled> = Vec::with_capacity(lines.len());
    for line in lines {
        if let Some(before) = whole.last_mut().filter(|before| is_cut_command(&before.content, &line.content)) {
            join(&mut before.content, &line.content);
        } else {
            whole.push(line);
        }
    }
    whole
}

/// Whether a prompt and the beginning of a command end a line, and the next one has the rest of the command and no more.
fn is_cut_command(before: &[u8], next: &[u8]) -> bool {
    let (before, next) = (before.trim_ascii(), next.trim_ascii());
    let cut = before.ends_with(b" git") || before.ends_with(b" git bisect");
    if !cut || next.is_empty() || next.split(|byte| *byte == b' ').count() > SHORT {
        return false;
    }
    let mut both = before.to_vec();
    join(&mut both, next);
    let command = line::typed(&both);
    command.len() < both.len() && matches!(line::read(command), Line::Command { .. })
}

/// A command has no more words than this.
const SHORT: usize = 4;

fn of_paragraph(lines: Vec<Peeled>) -> Vec<Peeled> {
    let Some(first) = lines.iter().position(|line| begins(&line.content).any(|_| true)) else { return lines };
    let rest = &lines[first..];
    if !(0..rest.len()).any(|at| is_filled(&rest[at], rest.get(at + 1))) {
        return lines;
    }
    // What follows the last line with a commit is somebody's text.
    let last = lines.iter().rposition(|line| has_commit(&line.content)).unwrap_or(first).max(first);
    let (mut text, mut starts) = (Vec::new(), Vec::new());
    for line in &lines[first..=last] {
        starts.push((text.len(), line.number));
        join(&mut text, &line.content);
    }
    if text.len() > LONGEST {
        return lines;
    }
    let mut cuts: Vec<usize> = begins(&text).collect();
    if cuts.first() != Some(&0) {
        cuts.insert(0, 0);
    }
    let ends = cuts.iter().skip(1).copied().chain([text.len()]);
    let pieces = cuts.iter().zip(ends).map(|(&start, end)| {
        let at = starts.partition_point(|(begin, _)| *begin <= start).saturating_sub(1);
        let content = text[start..end].trim_ascii().to_vec();
        Peeled { number: starts[at].1, width: content.len(), content }
    });
    let pieces: Vec<Peeled> = pieces.filter(|piece| !piece.content.is_empty()).collect();
    let mut lines = lines;
    lines.splice(first..=last, pieces);
    lines
}

/// Appends a line to those before it; a path or a name that was cut behind its hyphen or slash is whole again.
pub(super) fn join(text: &mut Vec<u8>, line: &[u8]) {
    let cut = matches!(&text[..], [.., letter, b'-' | b'/'] if letter.is_ascii_alphanumeric());
    if !cut && !text.is_empty() && text.last() != Some(&b' ') {
        text.push(b' ');
    }
    text.extend_from_slice(line.trim_ascii());
}

/// Where git's comments and commands begin in `text`.
fn begins(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    memchr::memchr2_iter(b'#', b'g', text).filter(|&at| is_begin(&text[at..]))
}

fn is_begin(text: &[u8]) -> bool {
    let word = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    if let Some(rest) = text.strip_prefix(b"git bisect ") {
        let after = &rest[word(rest)..];
        let start = rest.starts_with(b"start '");
        return start || after.strip_prefix(b" ").is_some_and(|commit| line::hash_length(commit) >= WHOLE);
    }
    let Some(rest) = text.strip_prefix(b"# ") else { return false };
    let rest = rest.strip_prefix(b"possible ").unwrap_or(rest);
    let rest = rest.strip_prefix(b"first ").map_or(rest, |rest| {
        let after = &rest[word(rest)..];
        if after.starts_with(b" commit: [") { &after[7..] } else { rest }
    });
    let commit = rest[word(rest)..].strip_prefix(b": [");
    commit.is_some_and(|commit| line::hash_length(commit) >= WHOLE)
}

/// Whether a line was filled: git's words stand behind others, or are cut, and the next line goes on with them. A prompt before a
/// command is none of these, nor what Outlook does, which joins whole lines.
fn is_filled(line: &Peeled, next: Option<&Peeled>) -> bool {
    let content = line::typed(&line.content);
    let next = next.map_or(&b""[..], |next| next.content.trim_ascii());
    let goes_on = |end: &[u8]| match end {
        b" git" => next.starts_with(b"bisect "),
        b"git bisect" => [&b"start"[..], b"good", b"bad", b"skip"].iter().any(|word| next.starts_with(word)),
        // git's answer is no commit that somebody names.
        _ => line::hash_length(next) >= WHOLE && !matches!(line::read(next), Line::GitFirst(_)),
    };
    let cut = [&b" git"[..], b"git bisect", b"git bisect good", b"git bisect bad", b"git bisect skip"];
    let is_log =
        matches!(line::read(content), Line::Given { .. } | Line::Position { .. } | Line::Unknown | Line::Hash(_));
    (is_log && !content.starts_with(b"git ") && cut.iter().any(|end| content.ends_with(end) && goes_on(end)))
        || (content.starts_with(b"# ") && begins(content).count() > 1)
}

fn has_commit(content: &[u8]) -> bool {
    content.split(|byte| !byte.is_ascii_hexdigit()).any(|word| word.len() >= WHOLE)
}
