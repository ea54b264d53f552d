//! What a thread that reads a log hands to whoever watches it.

/// What a feeder hands over.
#[derive(Debug)]
pub(super) enum Fed {
    /// More of the log.
    Bytes(Vec<u8>),
    /// The log goes on elsewhere; why.
    Cut(String),
    /// Something of the log is not as it should be, or is so again; the log goes on.
    Note(String),
    /// It has ended; why.
    End(String),
}
