//! One layer of packing undone as the bytes arrive: what comes out is written on at once.

use super::{Packing, XZ_MEMORY};
use std::io::{self, Write};

/// A writer that takes packed bytes and writes the unpacked ones to `W`.
pub enum Pushed<W: Write> {
    /// xz, of any number of streams.
    Xz(Box<liblzma::write::XzDecoder<W>>),
    /// gzip, of any number of members.
    Gzip(Box<flate2::write::MultiGzDecoder<W>>),
}

impl<W: Write> Pushed<W> {
    /// Undoes `packing`.
    ///
    /// # Errors
    /// Bytes in this packing are not undone as they arrive ([`Pushed::undoes`]).
    pub fn new(packing: Packing, sink: W) -> io::Result<Self> {
        match packing {
            Packing::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
                Ok(Self::Xz(Box::new(liblzma::write::XzDecoder::new_stream(sink, stream))))
            }
            Packing::Gzip => Ok(Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(sink)))),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether bytes in this packing are undone as they arrive: disks and kernels come as xz and gzip.
    #[must_use]
    pub fn undoes(packing: Packing) -> bool {
        matches!(packing, Packing::Xz | Packing::Gzip)
    }

    /// Its packing.
    #[must_use]
    pub fn packing(&self) -> Packing {
        match self {
            Self::Xz(_) => Packing::Xz,
            Self::Gzip(_) => Packing::Gzip,
        }
    }

    /// Says that all bytes have come; the sink has everything then.
    ///
    /// # Errors
    /// The packed data ends in the middle, or the sink takes no more.
    pub fn finish(self) -> io::Result<W> {
        match self {
            Self::Xz(decoder) => decoder.finish(),
            Self::Gzip(decoder) => decoder.finish(),
        }
    }
}

impl<W: Write> Write for Pushed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Xz(decoder) => decoder.write(bytes),
            Self::Gzip(decoder) => decoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Xz(decoder) => decoder.flush(),
            Self::Gzip(decoder) => decoder.flush(),
        }
    }
}
