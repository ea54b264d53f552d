//! Zstandard frames, with its errors as values: the usual wrapper gives words, and a log that wants memory is distinguished from a damaged one.

use super::ZSTD_WINDOW;
use std::io::{self, BufRead, Read};
use zstd::zstd_safe::{self, DCtx, DParameter, InBuffer, OutBuffer};

/// What the library answers when a frame's window is larger than [`ZSTD_WINDOW`] (`ZSTD_error_frameParameter_windowTooLarge`).
const WINDOW_TOO_LARGE: usize = 16;

/// An error of the library, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", zstd_safe::get_error_name(.0.wrapping_neg()))]
pub(super) struct ZstdError(usize);

impl ZstdError {
    pub(super) fn wants_memory(self) -> bool {
        self.0 == WINDOW_TOO_LARGE
    }

    fn of(code: usize) -> io::Error {
        io::Error::other(Self(code.wrapping_neg()))
    }
}

/// Unpacks frames one after the other, or only the first.
pub(super) struct Frames<R> {
    context: DCtx<'static>,
    source: R,
    single: bool,
    /// A frame has begun and not ended.
    within: bool,
    done: bool,
}

impl<R: BufRead> Frames<R> {
    pub(super) fn new(source: R, single: bool) -> io::Result<Self> {
        let mut context = DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
        context.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW)).map_err(ZstdError::of)?;
        Ok(Self { context, source, single, within: false, done: false })
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.done && !buffer.is_empty() {
            let bytes = self.source.fill_buf()?;
            let ended = bytes.is_empty();
            if ended && !self.within {
                self.done = true;
                break;
            }
            let mut input = InBuffer::around(bytes);
            let mut output = OutBuffer::around(buffer);
            let hint = self.context.decompress_stream(&mut output, &mut input).map_err(ZstdError::of)?;
            let (taken, given) = (input.pos(), output.pos());
            self.source.consume(taken);
            self.within = hint != 0;
            self.done = self.single && hint == 0;
            if given > 0 {
                return Ok(given);
            }
            if ended && self.within {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "incomplete frame"));
            }
        }
        Ok(0)
    }
}
