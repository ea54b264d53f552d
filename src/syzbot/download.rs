//! One file from the network into a folder: resumed after a cut, unpacked as it arrives, renamed when whole.
//!
//! While a file comes, three others lie beside its place: `NAME.wire.part` (the bytes as sent, so that they need not be
//! sent twice), `NAME.part` (unpacked) and `NAME.part.json` (which version of which address the bytes belong to).

use super::manifest::Role;
use super::unpack::{Unpacked, Unpacker};
use crate::files;
use crate::net::{Client, HttpError, Response, backoff};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How much is read from the network at once.
const PIECE: usize = 64 << 10;

/// A connection that brought this much before it broke was worth making.
const WORTH: u64 = 1 << 20;

/// What to fetch, and where to put it.
#[derive(Debug, Clone)]
pub struct Download<'a> {
    /// Where from.
    pub url: &'a str,
    /// Where to.
    pub destination: &'a Path,
    /// What it must turn out to be.
    pub role: Role,
    /// Replace a file that is there.
    pub force: bool,
    /// The most bytes over the wire.
    pub packed_limit: u64,
    /// The most bytes unpacked.
    pub unpacked_limit: u64,
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes over the wire so far, those of an earlier attempt included.
    pub received: u64,
    /// Bytes to come in all, if the server says.
    pub total: Option<u64>,
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The file as it now lies there.
    pub unpacked: Unpacked,
    /// Bytes over the wire, those of an earlier attempt included.
    pub packed_size: u64,
    /// How many of these an earlier attempt had left.
    pub resumed_from: u64,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Something is there already.
    #[error("{0}: is there already; --force replaces it")]
    Exists(PathBuf),
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The connection broke again and again. What came is kept for the next try.
    #[error("{url}: the connection broke after {received} bytes{}: {reason}; what came is kept, run the same command again", of(*.total))]
    Broken {
        /// Where from.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Bytes that should have come.
        total: Option<u64>,
        /// What the connection said.
        reason: String,
    },
    /// It came whole, and is not what it should be.
    #[error("{url}: {reason}")]
    Unfit {
        /// Where from.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The disk.
    #[error("{path}: {source}{}", if .source.kind() == io::ErrorKind::StorageFull { "; make room and run the same command again, what came is kept" } else { "" })]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn of(total: Option<u64>) -> String {
    total.map(|total| format!(" of {total}")).unwrap_or_default()
}

/// Which version of the file the bytes in `NAME.wire.part` belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    url: String,
    /// What is sent as `If-Range`: a strong `ETag`, or `Last-Modified`. Without it nothing is resumed.
    validator: Option<String>,
    total: Option<u64>,
}

/// The three files of a download under way.
struct Parts {
    wire: PathBuf,
    unpacked: PathBuf,
    version: PathBuf,
}

impl Parts {
    fn of(destination: &Path) -> Self {
        let beside = |suffix: &str| {
            let mut name = destination.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { wire: beside(".wire.part"), unpacked: beside(".part"), version: beside(".part.json") }
    }

    fn remove(&self) {
        for path in [&self.wire, &self.unpacked, &self.version] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Removes what a process left beside a file that it had brought whole and put in its place before it was killed. What a download
/// under way needs has both files.
pub(super) fn tidy(destination: &Path) {
    let parts = Parts::of(destination);
    if !(parts.wire.exists() && parts.unpacked.exists()) {
        parts.remove();
    }
}

/// Bytes that have come, and the unpacker that has seen them.
struct Stream {
    wire: File,
    unpacker: Unpacker,
    received: u64,
}

/// Fetches one file. `progress` is called after every piece.
///
/// The destination holds its old bytes until the new ones are whole, checked and on the disk; then it is renamed over.
///
/// # Errors
/// Any [`DownloadError`]. After [`DownloadError::Broken`] and a full disk the next call goes on where this one stopped.
pub fn download(
    client: &Client,
    what: &Download<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Fetched, DownloadError> {
    if !what.force && what.destination.symlink_metadata().is_ok() {
        return Err(DownloadError::Exists(what.destination.to_owned()));
    }
    let parts = Parts::of(what.destination);
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| DownloadError::Io { path, source }
    };
    let mut version = read_version(&parts.version, what.url);
    let mut stream = open_stream(&parts, what, version.validator.is_some())?;
    let resumed_from = stream.received;
    let mut failures = 0;
    loop {
        let before = stream.received;
        let reason = match exchange(client, what, &parts, &mut version, &mut stream, progress) {
            Ok(None) => break,
            Ok(Some(reason)) => reason,
            Err(error) => {
                // Nothing came, or there is nothing left to come.
                if stream.received == 0 || matches!(error, DownloadError::Http(HttpError::Status { .. })) {
                    parts.remove();
                }
                return Err(error);
            }
        };
        let gained = stream.received.saturating_sub(before);
        let worth = version.total.map_or(WORTH, |total| WORTH.min(total / 100)).max(1);
        failures = if version.validator.is_some() && gained >= worth { 1 } else { failures + 1 };
        if failures >= client.manners().attempts {
            let _ = stream.wire.sync_all();
            let (received, total) = (stream.received, version.total);
            return Err(DownloadError::Broken { url: what.url.to_owned(), received, total, reason });
        }
        client.pause(backoff(failures));
        if version.validator.is_none() {
            stream = open_stream(&parts, what, false)?;
        }
    }
    let packed_size = stream.received;
    let unpacked = stream.unpacker.finish().map_err(|error| spoilt(what, &parts, error))?;
    stream.wire.sync_all().map_err(at(&parts.wire))?;
    drop(stream.wire);
    let whole = if unpacked.layers == 0 { &parts.wire } else { &parts.unpacked };
    files::place(whole, what.destination).map_err(at(what.destination))?;
    parts.remove();
    Ok(Fetched { unpacked, packed_size, resumed_from })
}

fn read_version(path: &Path, url: &str) -> Version {
    let fresh = Version { url: url.to_owned(), ..Version::default() };
    let Ok(file) = File::open(path) else { return fresh };
    serde_json::from_reader(file.take(PIECE as u64))
        .ok()
        .filter(|version: &Version| version.url == url)
        .unwrap_or(fresh)
}

/// Opens the two part files, and lets the unpacker see again what has come before.
fn open_stream(parts: &Parts, what: &Download<'_>, resume: bool) -> Result<Stream, DownloadError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| DownloadError::Io { path, source }
    };
    let unpacked = File::create(&parts.unpacked).map_err(at(&parts.unpacked))?;
    let mut unpacker = Unpacker::new(unpacked, what.role, what.unpacked_limit);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(!resume);
    let mut wire = options.open(&parts.wire).map_err(at(&parts.wire))?;
    let mut received = 0;
    let mut piece = vec![0; PIECE];
    loop {
        let count = if resume { wire.read(&mut piece).map_err(at(&parts.wire))? } else { 0 };
        if count == 0 {
            return Ok(Stream { wire, unpacker, received });
        }
        if received + count as u64 > what.packed_limit {
            return open_stream(parts, what, false);
        }
        if unpacker.write_all(&piece[..count]).is_err() {
            // What an earlier attempt left is not usable; a fresh start says whether the server's bytes are any better.
            return open_stream(parts, what, false);
        }
        received += count as u64;
    }
}

/// One request: `None` when everything has come, otherwise why not.
fn exchange(
    client: &Client,
    what: &Download<'_>,
    parts: &Parts,
    version: &mut Version,
    stream: &mut Stream,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<String>, DownloadError> {
    let range = format!("bytes={}-", stream.received);
    let headers: Vec<(&str, &str)> = match &version.validator {
        Some(validator) if stream.received > 0 => vec![("range", &range), ("if-range", validator)],
        _ => Vec::new(),
    };
    let response = client.open(what.url, &headers)?;
    match goes_on(&response, stream.received, version.total) {
        Continuation::Whole => return Ok(None),
        Continuation::Here => {}
        Continuation::Senseless => {
            // The server has another version than the one whose beginning we hold, or cannot count.
            *version = Version { url: what.url.to_owned(), ..Version::default() };
            *stream = open_stream(parts, what, false)?;
            return Ok(Some("the file changed while it came".to_owned()));
        }
        Continuation::Anew => {
            if stream.received > 0 {
                *stream = open_stream(parts, what, false)?;
            }
            *version = Version { url: what.url.to_owned(), validator: validator(&response), total: response.length() };
            let bytes = serde_json::to_vec(version)
                .map_err(|error| DownloadError::Io { path: parts.version.clone(), source: error.into() })?;
            files::replace(&parts.version, &bytes)
                .map_err(|source| DownloadError::Io { path: parts.version.clone(), source })?;
        }
    }
    if let Some(total) = version.total.filter(|total| *total > what.packed_limit) {
        parts.remove();
        let reason = format!("{total} bytes, and {} is the bound for such a file", what.packed_limit);
        return Err(DownloadError::Unfit { url: what.url.to_owned(), reason });
    }
    receive(response, what, parts, version.total, stream, progress)
}

fn receive(
    mut response: Response,
    what: &Download<'_>,
    parts: &Parts,
    total: Option<u64>,
    stream: &mut Stream,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<String>, DownloadError> {
    let mut piece = vec![0; PIECE];
    loop {
        progress(Progress { received: stream.received, total });
        let count = match response.body.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Some(error.to_string())),
        };
        if stream.received + count as u64 > total.unwrap_or(what.packed_limit).min(what.packed_limit) {
            parts.remove();
            let reason = format!("more than the {} bytes that it should have", total.unwrap_or(what.packed_limit));
            return Err(DownloadError::Unfit { url: what.url.to_owned(), reason });
        }
        stream
            .wire
            .write_all(&piece[..count])
            .map_err(|source| DownloadError::Io { path: parts.wire.clone(), source })?;
        stream.received += count as u64;
        stream.unpacker.write_all(&piece[..count]).map_err(|error| spoilt(what, parts, error))?;
    }
    match total {
        Some(total) if stream.received < total => Ok(Some("it ended early".to_owned())),
        _ => Ok(None),
    }
}

/// Turns an unpacker's error into ours. What is damaged is not kept: it would be no better next time either.
fn spoilt(what: &Download<'_>, parts: &Parts, error: io::Error) -> DownloadError {
    if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::StorageFull {
        return DownloadError::Io { path: parts.unpacked.clone(), source: error };
    }
    parts.remove();
    DownloadError::Unfit { url: what.url.to_owned(), reason: error.to_string() }
}

/// What an answer means to somebody who holds `received` bytes.
#[derive(Debug, PartialEq, Eq)]
enum Continuation {
    /// The file from its beginning.
    Anew,
    /// The rest of it.
    Here,
    /// Nothing is left to come.
    Whole,
    /// A part that does not fit ours.
    Senseless,
}

fn goes_on(response: &Response, received: u64, total: Option<u64>) -> Continuation {
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
fn validator(response: &Response) -> Option<String> {
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
