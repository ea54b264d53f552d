//! Why there is no file.

use crate::net::HttpError;
use std::io;
use std::path::PathBuf;

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
