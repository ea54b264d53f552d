//! Why nothing came from the network.

use super::address::AddressError;
use std::path::PathBuf;
use std::time::Duration;

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// We do not go there.
    #[error("{url:?}: refused: {reason}")]
    Refused {
        /// The address, or what was to be one.
        url: String,
        /// Why.
        reason: AddressError,
    },
    /// A server sent us where we do not go.
    #[error("{url:?}: refused: {from} redirects there, and {reason}")]
    Misled {
        /// Where it sent us.
        url: String,
        /// The address that we asked.
        from: String,
        /// Why we do not go.
        reason: AddressError,
    },
    /// The server said no.
    #[error("{url}: the server answers {status}{}", words(*.status))]
    Status {
        /// The address.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// The server wants us to wait longer than we are willing to.
    #[error("{url}: the server asks for a pause of {} s (too many requests); try again then", .wait.as_secs())]
    Busy {
        /// The address.
        url: String,
        /// How long it asks for.
        wait: Duration,
    },
    /// The server's certificate is not one that we trust.
    #[error("{url}: {reason}; SSL_CERT_FILE may name a file of further certificates to trust")]
    Untrusted {
        /// The address.
        url: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The line is broken.
    #[error("{url}: {reason}")]
    Line {
        /// The address.
        url: String,
        /// What the connection said.
        reason: String,
    },
    /// The server sends, but so slowly that it would never end.
    #[error("{url}: too slow: {received} bytes in {} s; try again later", .after.as_secs())]
    Slow {
        /// The address.
        url: String,
        /// Bytes that came.
        received: u64,
        /// Within which time.
        after: Duration,
    },
    /// More than we take.
    #[error("{url}: more than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The bound.
        limit: u64,
    },
    /// The network is not to be used, and nothing is kept of this address.
    #[error("{url}: not kept from an earlier run, and --offline forbids asking for it")]
    Offline {
        /// The address.
        url: String,
    },
    /// The folder of kept pages.
    #[error("{}: {source}", path.display())]
    Cache {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn words(status: u16) -> &'static str {
    match status {
        400 => " (malformed request)",
        401 | 403 => " (not public)",
        404 => " (not found)",
        410 => " (gone)",
        429 => " (too many requests)",
        500..=599 => " (its own trouble; try again later)",
        _ => "",
    }
}
