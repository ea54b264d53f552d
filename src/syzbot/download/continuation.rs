//! What a server's answer means to somebody who has a part of the file.

use crate::net::Response;

/// What an answer means to somebody who holds `received` bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Continuation {
    /// The file from its beginning.
    Anew,
    /// The rest of it.
    Here,
    /// Nothing is left to come.
    Whole,
    /// A part that does not fit ours.
    Senseless,
}

pub(super) fn goes_on(response: &Response, received: u64, total: Option<u64>) -> Continuation {
    let range = response.header("content-range").and_then(parse_content_range);
    match (response.status, range) {
        (200, _) => Continuation::Anew,
        (206, Some((Some(start), whole))) if start == received && (whole.is_none() || whole == total) => {
            Continuation::Here
        }
        (416, Some((None, Some(whole)))) if whole == received => Continuation::Whole,
        _ => Continuation::Senseless,
    }
}

/// `bytes 100-199/200`, `bytes 100-199/*`, `bytes */200` → where it starts, how long the whole is.
fn parse_content_range(text: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let start = if range == "*" { None } else { Some(range.split_once('-')?.0.parse().ok()?) };
    Some((start, whole.parse().ok()))
}

/// A weak `ETag` promises no equal bytes, so it is none for us.
pub(super) fn validator(response: &Response) -> Option<String> {
    response
        .header("etag")
        .filter(|tag| tag.starts_with('"'))
        .or_else(|| response.header("last-modified"))
        .map(str::to_owned)
        .filter(|text| text.len() < 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_says_where_and_how_much() {
        assert_eq!(parse_content_range("bytes 100-199/200"), Some((Some(100), Some(200))));
        assert_eq!(parse_content_range("bytes 100-199/*"), Some((Some(100), None)));
        assert_eq!(parse_content_range("bytes */200"), Some((None, Some(200))));
        assert_eq!(parse_content_range("lines 1-2/3"), None);
        assert_eq!(parse_content_range("bytes x-2/3"), None);
    }
}
