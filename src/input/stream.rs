//! Bytes that come one after the other, and what can be wrong with them.

use std::fmt;
use std::io::{self, Read};

use crate::packing::{self, Packed, Packing};

/// How much is read at once, bytes.
pub const CHUNK: usize = 256 << 10;

/// No compressed log is longer, bytes, whatever its ratio.
const LONGEST: u64 = 64 << 30;

/// More came out than is plausible, or more than 64 GiB.
fn is_bomb(packing: Packing, packed: u64, unpacked: u64) -> bool {
    unpacked > LONGEST || unpacked > packing::most_of(packing, packed)
}

/// What was wrong with a source, found while reading it. All bytes before the damage were given out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// There is not one byte in it.
    Empty,
    /// The compressed data stops in the middle.
    Truncated {
        /// How it is compressed.
        compression: Packing,
        /// Bytes that could be read.
        read: u64,
    },
    /// The compressed data is wrong, or something else follows it.
    Corrupt {
        /// How it is compressed.
        compression: Packing,
        /// Bytes that could be read.
        read: u64,
        /// What the decompressor says.
        detail: String,
    },
    /// Far more comes out than a log can be compressed to.
    Bomb {
        /// How it is compressed.
        compression: Packing,
        /// Compressed bytes read.
        packed: u64,
        /// Bytes that came out.
        read: u64,
    },
    /// Decompressing needs more memory than a log's compression asks for.
    Memory {
        /// How it is compressed.
        compression: Packing,
    },
    /// The file became shorter while it was read, or its disk failed.
    Cut,
    /// The system could not read on.
    Unreadable {
        /// Bytes that could be read.
        read: u64,
        /// What the system says.
        detail: String,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(formatter, "is empty: nothing was logged, or the log was never copied"),
            Self::Truncated { compression, read } => {
                write!(
                    formatter,
                    "the {compression} data ends too early: only the first {read} bytes of the log were read; copy it again"
                )
            }
            Self::Corrupt { compression, read, detail } => write!(
                formatter,
                "the {compression} data is damaged ({detail}): only the first {read} bytes of the log were read; copy it again"
            ),
            Self::Bomb { compression, packed, read } => write!(
                formatter,
                "refused as a decompression bomb: {packed} bytes of {compression} data became more than {read}; \
                 if you trust it, decompress it yourself and pipe it in"
            ),
            Self::Memory { compression } => write!(
                formatter,
                "needs too much memory to decompress: if you trust it, decompress it with {compression}'s own tool and pipe it in"
            ),
            Self::Cut => write!(
                formatter,
                "was cut while it was read (or its disk failed): what it held is in this answer only in part; read a copy of it"
            ),
            Self::Unreadable { read, detail } => {
                write!(formatter, "cannot be read further than {read} bytes ({detail}): copy it again")
            }
        }
    }
}

/// A pipe, FIFO, device or compressed file. Reading never fails: what goes wrong ends the stream and is kept in
/// [`Stream::damage`].
pub struct Stream {
    reader: Box<dyn Read + Send>,
    compression: Option<Packing>,
    packed: Packed,
    read: u64,
    damage: Option<Damage>,
    ended: bool,
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Stream")
            .field("compression", &self.compression)
            .field("read", &self.read)
            .field("damage", &self.damage)
            .finish_non_exhaustive()
    }
}

impl Stream {
    /// Bytes as they are.
    #[must_use]
    pub fn plain(reader: Box<dyn Read + Send>) -> Self {
        Self { reader, compression: None, packed: Packed::default(), read: 0, damage: None, ended: false }
    }

    /// Bytes that begin with a packing's magic, unpacked.
    ///
    /// # Errors
    /// The first of them cannot be read.
    pub(super) fn unpacking(packing: Packing, reader: Box<dyn Read + Send>) -> io::Result<Self> {
        let (reader, packed) = packing::reader(packing, reader)?;
        Ok(Self { compression: Some(packing), packed, ..Self::plain(reader) })
    }

    /// How the source is compressed.
    #[must_use]
    pub fn compression(&self) -> Option<Packing> {
        self.compression
    }

    /// What ended the stream before its time; known when a read has given 0.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Fills the buffer as far as one read of the source goes. 0 at the end.
    pub fn fill(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            if self.ended || buffer.is_empty() {
                return 0;
            }
            match self.reader.read(buffer) {
                Ok(0) => self.ended = true,
                Ok(got) => {
                    self.read += got as u64;
                    self.check_bomb();
                    return got;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    // A device that has no more for now.
                    io::ErrorKind::WouldBlock if self.compression.is_none() => self.ended = true,
                    // /dev/kmsg: records were overwritten before they were read; the next read goes on after them.
                    io::ErrorKind::BrokenPipe if self.compression.is_none() => {}
                    _ => {
                        self.damage = Some(self.named(&error));
                        self.ended = true;
                    }
                },
            }
        }
    }

    fn check_bomb(&mut self) {
        let Some(compression) = self.compression else { return };
        let packed = self.packed.taken();
        if is_bomb(compression, packed, self.read) {
            self.damage = Some(Damage::Bomb { compression, packed, read: self.read });
            self.ended = true;
        }
    }

    fn named(&self, error: &io::Error) -> Damage {
        let read = self.read;
        let detail = error.to_string();
        let Some(compression) = self.compression else { return Damage::Unreadable { read, detail } };
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Damage::Truncated { compression, read }
        } else if packing::wants_memory(error) {
            Damage::Memory { compression }
        } else if error.raw_os_error().is_some() {
            Damage::Unreadable { read, detail }
        } else {
            Damage::Corrupt { compression, read, detail }
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(buffer))
    }
}
