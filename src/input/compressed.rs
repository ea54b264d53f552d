//! gz, xz, zst, bz2 and lz4, recognised by their first bytes and unpacked within bounds.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::stream::{CHUNK, Stream};

/// A compressed form that logs come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compression {
    /// gzip, of any number of members.
    Gzip,
    /// xz, of any number of streams.
    Xz,
    /// Zstandard, of any number of frames.
    Zstd,
    /// bzip2, of any number of streams.
    Bzip2,
    /// LZ4 frames, the old form of `lz4 -l` included.
    Lz4,
}

impl fmt::Display for Compression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
        })
    }
}

/// Nothing is called a bomb before so much has come out, bytes: it is read in a fraction of a second.
const BOMB_FROM: u64 = 64 << 20;

/// No compressed log is longer, bytes, whatever its ratio.
const LONGEST: u64 = 64 << 30;

/// Memory that xz may ask for, bytes: `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 192 << 20;

/// How the old form of LZ4 begins.
const LZ4_OLD: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

/// The largest window of zstd, as a power of two: `zstd --long`.
const ZSTD_WINDOW: u32 = 27;

impl Compression {
    /// Bytes that are enough to recognise every form.
    pub const MAGIC: usize = 10;

    /// How the data is compressed that begins like this.
    #[must_use]
    pub fn of(first: &[u8]) -> Option<Self> {
        match first {
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            // A block's or the end's magic must follow: `BZh9` alone could be text.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Self::Bzip2),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    /// Whether data that begins like this, with fewer than [`Compression::MAGIC`] bytes, may turn out to be compressed.
    pub(super) fn may_be(first: &[u8]) -> bool {
        const BEGINNINGS: [&[u8]; 6] = [
            &[0x1f, 0x8b, 8],
            &[0xfd, b'7', b'z', b'X', b'Z', 0],
            &[0x28, 0xb5, 0x2f, 0xfd],
            b"BZh",
            &[0x04, 0x22, 0x4d, 0x18],
            &LZ4_OLD,
        ];
        let agrees = |magic: &[u8], first: &[u8]| magic.iter().zip(first).all(|(one, other)| one == other);
        BEGINNINGS.iter().any(|magic| agrees(magic, first))
            || matches!(first, [0x50..=0x5f, rest @ ..] if agrees(&[0x2a, 0x4d, 0x18], rest))
    }

    /// The policy: after 64 MiB, more than 200 (gzip, lz4) or 1,000 (the others) times what went in; or more than 64 GiB.
    ///
    /// Logs with times in them shrink 10 to 60 times. Zeros shrink 1,030 times in gzip, 250 in lz4, 7,000 and more in
    /// the others. Memory is bounded in any case; this bounds the time.
    pub(super) fn is_bomb(self, packed: u64, unpacked: u64) -> bool {
        let most = match self {
            Self::Gzip | Self::Lz4 => 200,
            Self::Xz | Self::Zstd | Self::Bzip2 => 1_000,
        };
        unpacked > LONGEST || (unpacked > BOMB_FROM && unpacked / most > packed)
    }

    /// Whether an error says that the memory limit was reached.
    pub(super) fn wants_memory(self, error: &io::Error) -> bool {
        match self {
            Self::Xz => error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<liblzma::stream::Error>())
                .is_some_and(|inner| *inner == liblzma::stream::Error::MemLimit),
            Self::Zstd => error.to_string().contains("too much memory"),
            _ => false,
        }
    }
}

/// Unpacks a stream that begins with the compression's magic.
pub(super) fn stream(compression: Compression, reader: Box<dyn Read + Send>) -> io::Result<Stream> {
    let packed = Arc::new(AtomicU64::new(0));
    let mut counted =
        Counted { inner: BufReader::with_capacity(CHUNK, reader), packed: Arc::clone(&packed), tail: [0xff; 8] };
    let unpacked: Box<dyn Read + Send> = match compression {
        Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
        Compression::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(counted)),
        Compression::Xz => {
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, liblzma::stream::CONCATENATED)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(counted, stream))
        }
        Compression::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(counted)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        Compression::Lz4 => {
            let old = counted.fill_buf()?.starts_with(&LZ4_OLD);
            Box::new(Frames { decoder: lz4_flex::frame::FrameDecoder::new(counted), old })
        }
    };
    Ok(Stream::decompressing(compression, unpacked, packed))
}

/// Counts what the decompressor takes, and keeps the last bytes of it.
struct Counted<R> {
    inner: BufReader<R>,
    packed: Arc<AtomicU64>,
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
        self.packed.fetch_add(amount as u64, Ordering::Relaxed);
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
