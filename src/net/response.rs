//! Answers of servers: one whose body is still to be read, and a whole one.

use std::io::Read;
use ureq::http::{HeaderMap, Uri};

/// An answer whose body is still to be read.
pub struct Response {
    /// 200, 206, 304 or 416; everything else is an error.
    pub status: u16,
    /// Where the answer came from, after redirects.
    pub url: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. A connection that ends before `Content-Length`, or that only drips, yields an error here, not an end.
    pub body: Box<dyn Read + Send>,
}

impl Response {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// `Content-Length`.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.header("content-length")?.trim().parse().ok()
    }
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it came from, after redirects.
    pub url: String,
    /// `Content-Type`, as sent.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
    /// When the server last said that the page is this one, in seconds since 1970: now, unless it was kept.
    pub checked: u64,
}
