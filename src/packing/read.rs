//! Packed bytes that are asked for: a reader of the unpacked ones.

use super::magic::LZ4_OLD;
use super::zstandard::{self, ZstdError};
use super::{Packing, XZ_MEMORY};
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How much is read at once, bytes.
const CHUNK: usize = 256 << 10;

/// How many packed bytes were taken so far, for whoever judges whether too much comes out.
#[derive(Debug, Clone, Default)]
pub struct Packed(Arc<AtomicU64>);

impl Packed {
    /// Bytes taken.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether an error says that unpacking wants more memory than is given (192 MiB for xz, windows of 128 MiB for zstd).
#[must_use]
pub fn wants_memory(error: &io::Error) -> bool {
    let Some(inner) = error.get_ref() else { return false };
    matches!(inner.downcast_ref(), Some(liblzma::stream::Error::MemLimit))
        || inner.downcast_ref::<ZstdError>().is_some_and(|error| error.wants_memory())
}

/// Unpacks what begins with the packing's magic: all members, streams or frames of it.
///
/// # Errors
/// The first bytes cannot be read, or nothing of this packing is read piece by piece (lzma, lzop).
pub fn reader(packing: Packing, packed: Box<dyn Read + Send>) -> io::Result<(Box<dyn Read + Send>, Packed)> {
    let taken = Packed::default();
    let mut counted =
        Counted { inner: BufReader::with_capacity(CHUNK, packed), packed: taken.clone(), tail: [0xff; 8] };
    let unpacked: Box<dyn Read + Send> = match packing {
        Packing::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        Packing::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(counted)),
        Packing::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(counted, stream))
        }
        Packing::Zstd => Box::new(zstandard::Frames::new(counted, false)?),
        Packing::Lz4 => {
            let old = counted.fill_buf()?.starts_with(&LZ4_OLD);
            Box::new(Frames { decoder: lz4_flex::frame::FrameDecoder::new(counted), old })
        }
        Packing::Lzma | Packing::Lzo => return Err(io::ErrorKind::Unsupported.into()),
    };
    Ok((unpacked, taken))
}

/// Counts what the decompressor takes, and keeps the last bytes of it.
struct Counted<R> {
    inner: BufReader<R>,
    packed: Packed,
    tail: [u8; 8],
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let got = available.len().min(buffer.len());
        buffer[..got].copy_from_slice(&available[..got]);
        self.consume(got);
        Ok(got)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        let taken = &self.inner.buffer()[..amount];
        let kept = amount.min(8);
        self.tail.rotate_left(kept);
        self.tail[8 - kept..].copy_from_slice(&taken[amount - kept..]);
        self.packed.0.fetch_add(amount as u64, Ordering::Relaxed);
        self.inner.consume(amount);
    }
}

/// LZ4 frames one after the other; the crate stops after each, and takes an end between two blocks for a good one.
struct Frames<R: Read> {
    decoder: lz4_flex::frame::FrameDecoder<Counted<R>>,
    old: bool,
}

/// How many bytes a frame has that carries no data.
fn skippable(error: &io::Error) -> Option<u32> {
    match error.get_ref()?.downcast_ref::<lz4_flex::frame::Error>()? {
        lz4_flex::frame::Error::SkippableFrame(length) => Some(*length),
        _ => None,
    }
}

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match self.decoder.read(buffer) {
                Ok(0) => {}
                Err(error) => {
                    let Some(skip) = skippable(&error) else { return Err(error) };
                    io::copy(&mut self.decoder.get_mut().take(u64::from(skip)), &mut io::sink())?;
                }
                done => return done,
            }
            let source = self.decoder.get_mut();
            if source.fill_buf()?.is_empty() {
                // A frame ends with four zero bytes and perhaps a checksum of four more. The old form has no end.
                let ended = source.tail[4..] == [0; 4] || source.tail[..4] == [0; 4];
                return if ended || self.old { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}
