//! A body that must come at a bearable pace.

use std::error::Error;
use std::fmt::{Display, Formatter};
use std::io::{self, Read};
use std::time::{Duration, Instant};

/// That a body came too slowly; inside an [`io::Error`] of kind `TimedOut`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooSlow {
    /// Bytes that came.
    pub received: u64,
    /// Within which time.
    pub after: Duration,
}

impl Display for TooSlow {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "too slow: {} bytes in {} s", self.received, self.after.as_secs())
    }
}

impl Error for TooSlow {}

/// Counts what comes in each stretch of `silence`; only the time within `read` counts, since a reader may take its own.
pub(super) struct Paced<R> {
    inner: R,
    silence: Duration,
    trickle: u64,
    waited: Duration,
    received: u64,
}

impl<R> Paced<R> {
    pub(super) fn new(inner: R, silence: Duration, trickle: u64) -> Self {
        Self { inner, silence, trickle, waited: Duration::ZERO, received: 0 }
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let start = Instant::now();
        let count = self.inner.read(buffer)?;
        self.waited += start.elapsed();
        self.received += count as u64;
        if self.waited >= self.silence {
            if count > 0 && self.received < self.trickle {
                let slow = TooSlow { received: self.received, after: self.waited };
                return Err(io::Error::new(io::ErrorKind::TimedOut, slow));
            }
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drip_is_cut_and_a_stream_is_not() {
        // No time has to pass: with no patience at all every read ends a stretch.
        let mut drip = Paced::new(&b"abcdef"[..], Duration::ZERO, 4);
        let error = drip.read(&mut [0; 1]).expect_err("one byte a stretch");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let slow = error.get_ref().and_then(|inner| inner.downcast_ref::<TooSlow>());
        assert_eq!(slow.map(|slow| slow.received), Some(1));
        let mut whole = Vec::new();
        Paced::new(&b"abcdef"[..], Duration::ZERO, 4).read_to_end(&mut whole).expect("six bytes a stretch");
        assert_eq!(whole, b"abcdef");
        whole.clear();
        Paced::new(&b"abcdef"[..], Duration::from_secs(3600), 1 << 20).read_to_end(&mut whole).expect("within an hour");
    }
}
