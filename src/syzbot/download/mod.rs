//! One file from the network into a folder: resumed after a cut, unpacked as it arrives, renamed when whole.
//!
//! While a file comes, three others lie beside its place: `NAME.wire.part` (the bytes as sent, so that they need not be
//! sent twice), `NAME.part` (unpacked) and `NAME.part.json` (which version of which address the bytes belong to).

mod continuation;
mod error;
mod parts;

use super::manifest::Role;
use super::unpack::{Unpacked, Unpacker};
use crate::files;
use crate::net::{Client, HttpError, Response, backoff};
use continuation::{Continuation, goes_on, validator};
pub use error::DownloadError;
pub(super) use parts::tidy;
use parts::{Parts, Version, read_version};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

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
