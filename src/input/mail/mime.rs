//! A mail's headers, parts and encodings: as much of MIME as it takes to get at the text.

use super::super::html;
use super::{Line, printable, unquoted};

/// What `format=` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flowed {
    /// Lines are lines.
    No,
    /// A blank at a line's end means that the next belongs to it.
    Yes,
    /// The same, and the blank is not text.
    DeleteSpace,
}

/// Parts may contain parts, but not without end.
const DEEPEST: usize = 8;

/// Headers that make a text a mail.
const KNOWN: [&[u8]; 16] = [
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"received",
    b"return-path",
    b"delivered-to",
    b"in-reply-to",
    b"references",
    b"mime-version",
    b"content-type",
    b"reply-to",
    b"list-id",
    b"x-mailer",
];

/// How many lines the header takes, the empty line after it included; `None` if the text does not begin with a mail's
/// header (two known fields at least).
pub(super) fn header_length<'a>(lines: impl Iterator<Item = (&'a [u8], usize)>) -> Option<usize> {
    let mut known = 0;
    for (index, (line, _)) in lines.enumerate() {
        if line.is_empty() {
            return (known >= 2).then_some(index + 1);
        }
        if index > 0 && matches!(line[0], b' ' | b'\t') {
            continue;
        }
        let name = field_name(line)?;
        known += usize::from(KNOWN.iter().any(|field| field.eq_ignore_ascii_case(name)));
    }
    None
}

fn field_name(line: &[u8]) -> Option<&[u8]> {
    let colon = memchr::memchr(b':', &line[..line.len().min(80)])?;
    let name = &line[..colon];
    (!name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')))
        .then_some(name)
}

/// A field's value, folded lines joined.
fn field(header: &[(&[u8], usize)], name: &str) -> Option<String> {
    let start = header
        .iter()
        .position(|(line, _)| field_name(line).is_some_and(|field| field.eq_ignore_ascii_case(name.as_bytes())))?;
    let mut value = header[start].0[name.len() + 1..].to_vec();
    for (line, _) in header[start + 1..].iter().take_while(|(line, _)| matches!(line.first(), Some(b' ' | b'\t'))) {
        value.push(b' ');
        value.extend_from_slice(line.trim_ascii());
    }
    Some(String::from_utf8_lossy(value.trim_ascii()).into_owned())
}

/// `boundary="…"` and the like.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The header of a message or part, and what follows.
fn split_header<'p, 'a>(part: &'p [(&'a [u8], usize)], depth: usize) -> (Lines<'p, 'a>, Lines<'p, 'a>) {
    let skip = if depth == 0 {
        header_length(part.iter().copied())
    } else {
        part.iter().position(|(line, _)| line.is_empty()).map(|at| at + 1)
    };
    part.split_at(skip.unwrap_or(0))
}

/// `Content-Type`, and the first word of it in small letters.
fn media_of(header: &[(&[u8], usize)]) -> (String, String) {
    let kind = field(header, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (kind, media)
}

/// Adds the text lines of a message or part, header first; those of HTML only where nothing says the same in plain text.
pub(super) fn read_part(part: &[(&[u8], usize)], depth: usize, plain: bool, lines: &mut Vec<Line>) {
    let (header, body) = split_header(part, depth);
    let (kind, media) = media_of(header);
    if media.starts_with("multipart/")
        && depth < DEEPEST
        && let Some(boundary) = parameter(&kind, "boundary").filter(|boundary| !boundary.is_empty())
    {
        return read_parts(body, &format!("--{boundary}"), depth, plain, lines);
    }
    if media == "message/rfc822" && depth < DEEPEST {
        return read_part(body, depth + 1, false, lines);
    }
    let is_page = media == "text/html" && !plain;
    if !is_page && !is_text(&media, &kind, header) {
        return;
    }
    let before = lines.len();
    let flowed = match parameter(&kind, "format") {
        Some(format) if format.eq_ignore_ascii_case("flowed") => {
            let delete = parameter(&kind, "delsp").is_some_and(|delete| delete.eq_ignore_ascii_case("yes"));
            if delete { Flowed::DeleteSpace } else { Flowed::Yes }
        }
        _ => Flowed::No,
    };
    // What looks like quoting in a page is not.
    let make = |text: Vec<u8>, origin| match is_page {
        true => Line { width: text.len(), text, origin, depth: 0, flows: false },
        false => unquoted(text, origin, flowed),
    };
    match field(header, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "quoted-printable" => printable::decode(body, &make, lines),
        "" if printable::is_encoded(body.iter().copied()) => printable::decode(body, &make, lines),
        "base64" => {
            let origin = body.first().map_or(0, |&(_, origin)| origin);
            let decoded = base64(body);
            let text = decoded.strip_suffix(b"\n").unwrap_or(&decoded);
            for line in text.split(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                lines.push(Line { origin, ..make(line.to_vec(), origin) });
            }
        }
        _ => lines.extend(body.iter().map(|&(line, origin)| make(line.to_vec(), origin))),
    }
    if is_page {
        let page: Vec<Line> = lines.drain(before..).collect();
        let shown = html::shown(page.iter().map(|line| (&line.text[..], line.origin)));
        lines.extend(shown.into_iter().map(|(text, origin)| unquoted(text, origin, Flowed::No)));
    }
}

/// Whether a part is a text for us: plain text, patches, and attachments that are called a log.
fn is_text(media: &str, kind: &str, header: &[(&[u8], usize)]) -> bool {
    if media.starts_with("text/") {
        return media != "text/html" && media != "text/calendar";
    }
    let disposition = field(header, "Content-Disposition").unwrap_or_default();
    let name = parameter(&disposition, "filename").or_else(|| parameter(kind, "name")).unwrap_or_default();
    let name = name.to_ascii_lowercase();
    [".log", ".txt", ".dmesg", "dmesg"].iter().any(|end| name.ends_with(end))
}

/// Lines, and where they begin.
type Lines<'p, 'a> = &'p [(&'a [u8], usize)];

fn read_parts(body: &[(&[u8], usize)], boundary: &str, depth: usize, plain: bool, lines: &mut Vec<Line>) {
    let parts = parts_of(body, boundary);
    let is_plain = |part: &&[(&[u8], usize)]| {
        let (header, _) = split_header(part, depth + 1);
        let (kind, media) = media_of(header);
        media.starts_with("text/") && is_text(&media, &kind, header)
    };
    let plain = plain || parts.iter().any(is_plain);
    parts.into_iter().for_each(|part| read_part(part, depth + 1, plain, lines));
}

/// The parts between the boundaries.
fn parts_of<'p, 'a>(body: Lines<'p, 'a>, boundary: &str) -> Vec<Lines<'p, 'a>> {
    let mut parts = Vec::new();
    let mut start = None;
    for (index, (line, _)) in body.iter().enumerate() {
        let Some(rest) = line.strip_prefix(boundary.as_bytes()) else { continue };
        let rest = rest.trim_ascii();
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        if let Some(start) = start.take() {
            parts.push(&body[start..index]);
        }
        if rest == b"--" {
            return parts;
        }
        start = Some(index + 1);
    }
    // A part that is never closed: the mail was cut.
    if let Some(start) = start {
        parts.push(&body[start..]);
    }
    parts
}

/// Decodes what is base64 and leaves the rest out.
fn base64(body: &[(&[u8], usize)]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for byte in body.iter().flat_map(|(line, _)| line.iter()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}
