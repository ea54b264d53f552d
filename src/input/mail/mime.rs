//! A mail's headers, parts and encodings: as much of MIME as it takes to get at the text.

use super::{Line, unquoted};

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

/// Adds the text lines of a message or part, header first.
pub(super) fn read_part(part: &[(&[u8], usize)], depth: usize, lines: &mut Vec<Line>) {
    let skip = if depth == 0 {
        header_length(part.iter().copied())
    } else {
        part.iter().position(|(line, _)| line.is_empty()).map(|at| at + 1)
    };
    let (header, body) = part.split_at(skip.unwrap_or(0));
    let kind = field(header, "Content-Type").unwrap_or_else(|| "text/plain".to_owned());
    let media = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media.starts_with("multipart/")
        && depth < DEEPEST
        && let Some(boundary) = parameter(&kind, "boundary").filter(|boundary| !boundary.is_empty())
    {
        return read_parts(body, &format!("--{boundary}"), depth, lines);
    }
    if media == "message/rfc822" && depth < DEEPEST {
        return read_part(body, depth + 1, lines);
    }
    if !is_text(&media, &kind, header) {
        return;
    }
    let flowed = match parameter(&kind, "format") {
        Some(format) if format.eq_ignore_ascii_case("flowed") => {
            let delete = parameter(&kind, "delsp").is_some_and(|delete| delete.eq_ignore_ascii_case("yes"));
            if delete { Flowed::DeleteSpace } else { Flowed::Yes }
        }
        _ => Flowed::No,
    };
    match field(header, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase().as_str() {
        "quoted-printable" => quoted_printable(body, flowed, lines),
        "base64" => {
            let origin = body.first().map_or(0, |&(_, origin)| origin);
            let decoded = base64(body);
            let text = decoded.strip_suffix(b"\n").unwrap_or(&decoded);
            for line in text.split(|&byte| byte == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                lines.push(Line { origin, ..unquoted(line.to_vec(), origin, flowed) });
            }
        }
        _ => lines.extend(body.iter().map(|&(line, origin)| unquoted(line.to_vec(), origin, flowed))),
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

fn read_parts(body: &[(&[u8], usize)], boundary: &str, depth: usize, lines: &mut Vec<Line>) {
    let mut start = None;
    for (index, (line, _)) in body.iter().enumerate() {
        let Some(rest) = line.strip_prefix(boundary.as_bytes()) else { continue };
        let rest = rest.trim_ascii();
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        if let Some(start) = start.take() {
            read_part(&body[start..index], depth + 1, lines);
        }
        if rest == b"--" {
            return;
        }
        start = Some(index + 1);
    }
    // A part that is never closed: the mail was cut.
    if let Some(start) = start {
        read_part(&body[start..], depth + 1, lines);
    }
}

/// `=3D`, `=20`, and `=` at a line's end, which joins it with the next.
fn quoted_printable(body: &[(&[u8], usize)], flowed: Flowed, lines: &mut Vec<Line>) {
    let mut whole: Option<(Vec<u8>, usize)> = None;
    for &(line, origin) in body {
        let line = line.trim_ascii_end();
        let (line, soft) = line.strip_suffix(b"=").map_or((line, false), |line| (line, true));
        let (text, _) = whole.get_or_insert_with(|| (Vec::new(), origin));
        decode_quoted(line, text);
        if !soft && let Some((text, origin)) = whole.take() {
            lines.push(unquoted(text, origin, flowed));
        }
    }
    if let Some((text, origin)) = whole {
        lines.push(unquoted(text, origin, flowed));
    }
}

fn decode_quoted(line: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while at < line.len() {
        let digit = |offset: usize| line.get(at + offset).and_then(|&byte| char::from(byte).to_digit(16));
        if line[at] == b'='
            && let (Some(high), Some(low)) = (digit(1), digit(2))
        {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(line[at]);
            at += 1;
        }
    }
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
