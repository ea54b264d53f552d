//! Bytes as they arrive → the file that they pack: xz and gzip undone by magic, zeros left as holes, everything bounded.

use super::content::{self, Format, HEAD};
use super::manifest::Role;
use crate::packing::{Packing, Pushed};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// How many layers of packing are undone: arm64's kernel images have two (`Image-….gz.xz`).
const LAYERS: u32 = 3;

/// Holes are made of blocks of this size.
const BLOCK: usize = 4 << 10;

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Bytes after unpacking.
    pub size: u64,
    /// Their SHA-256 in hex.
    pub sha256: String,
    /// What they are.
    pub format: Format,
    /// How many layers of packing were undone; 0 means that the bytes themselves are the file.
    pub layers: u32,
}

/// A writer that takes packed bytes and leaves the unpacked ones in a file.
pub struct Unpacker {
    layer: Layer,
}

/// One layer of packing, or none any more.
enum Layer {
    /// The first bytes, until they suffice to identify the file.
    Sniffing {
        seen: Vec<u8>,
        depth: u32,
        target: Target,
    },
    Packed(Pushed<Box<Self>>),
    Plain(Box<Target>),
    /// Only while one of the others turns into another, or after an error.
    Moving,
}

/// Where the unpacked bytes go.
struct Target {
    role: Role,
    limit: u64,
    /// `None` until a layer was undone: the file of packed bytes is then the result itself.
    file: Option<File>,
    layers: u32,
    size: u64,
    hasher: Sha256,
    head: Vec<u8>,
    checked: bool,
}

impl Unpacker {
    /// Unpacks into `file`, which must be empty, at most `limit` bytes. What comes out must be what `role` wants.
    #[must_use]
    pub fn new(file: File, role: Role, limit: u64) -> Self {
        let target = Target {
            role,
            limit,
            file: Some(file),
            layers: 0,
            size: 0,
            hasher: Sha256::new(),
            head: Vec::with_capacity(HEAD),
            checked: false,
        };
        Self { layer: Layer::Sniffing { seen: Vec::new(), depth: 0, target } }
    }

    /// Says that all bytes have come.
    ///
    /// # Errors
    /// The stream ends in the middle, is damaged, or holds what it should not.
    pub fn finish(self) -> io::Result<Unpacked> {
        self.layer.finish()?.finish()
    }
}

impl Write for Unpacker {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.layer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Layer {
    /// Decides, once six bytes are there or no more will come.
    fn decide(&mut self) -> io::Result<()> {
        let Self::Sniffing { seen, depth, mut target } = std::mem::replace(self, Self::Moving) else {
            return Err(io::Error::other("unpacking after an error"));
        };
        // An initramfs stays packed: the kernel unpacks it.
        let stays = target.role == Role::Initrd || depth == LAYERS;
        let inner = |target| Box::new(Self::Sniffing { seen: Vec::new(), depth: depth + 1, target });
        *self = match Packing::of(&seen).filter(|packing| !stays && Pushed::<Box<Self>>::undoes(*packing)) {
            Some(packing) => Self::Packed(Pushed::new(packing, inner(target))?),
            None => {
                target.layers = depth;
                if depth == 0 {
                    target.file = None;
                }
                Self::Plain(Box::new(target))
            }
        };
        self.write_all(&seen)
    }

    fn finish(mut self) -> io::Result<Target> {
        if matches!(self, Self::Sniffing { .. }) {
            self.decide()?;
        }
        match self {
            Self::Packed(layer) => {
                let packing = layer.packing();
                layer.finish().map_err(|error| told(packing, error))?.finish()
            }
            Self::Plain(target) => Ok(*target),
            Self::Sniffing { .. } | Self::Moving => Err(io::Error::other("unpacking after an error")),
        }
    }
}

impl Write for Layer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Sniffing { seen, .. } => {
                seen.extend_from_slice(bytes);
                if seen.len() >= 6 {
                    self.decide()?;
                }
                Ok(bytes.len())
            }
            Self::Packed(layer) => layer.write(bytes).map_err(|error| told(layer.packing(), error)),
            Self::Plain(target) => target.write(bytes),
            Self::Moving => Err(io::Error::other("unpacking after an error")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says whose trouble it is, unless the trouble comes from further in.
fn told(packing: Packing, error: io::Error) -> io::Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Refusal>()) || error.raw_os_error().is_some() {
        return error;
    }
    io::Error::new(error.kind(), Refusal(format!("the {packing} stream is damaged or ends in the middle: {error}")))
}

/// Why the bytes are not taken, whole and in words.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

impl Target {
    fn check(&mut self) -> io::Result<()> {
        if self.checked {
            return Ok(());
        }
        self.checked = true;
        content::check(self.role, content::identify(&self.head))
            .map_err(|reason| io::Error::new(io::ErrorKind::InvalidData, Refusal(reason.to_string())))
    }

    fn finish(mut self) -> io::Result<Unpacked> {
        self.check()?;
        if let Some(file) = &mut self.file {
            file.set_len(self.size)?;
            file.sync_all()?;
        }
        Ok(Unpacked {
            size: self.size,
            sha256: hex(&self.hasher.finalize()),
            format: content::identify(&self.head),
            layers: self.layers,
        })
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.size + bytes.len() as u64 > self.limit {
            let words = format!("unpacks to more than {} bytes, the bound for such a file", self.limit);
            return Err(io::Error::new(io::ErrorKind::InvalidData, Refusal(words)));
        }
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if self.head.len() == HEAD {
            self.check()?;
        }
        self.hasher.update(bytes);
        if let Some(file) = &mut self.file {
            write_with_holes(file, self.size, bytes)?;
        }
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes `bytes` at `offset`, leaving out blocks of zeros, which the file then has as holes.
fn write_with_holes(file: &mut File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    let first = (BLOCK - (offset % BLOCK as u64) as usize).min(bytes.len());
    let mut ends = vec![first];
    while ends[ends.len() - 1] < bytes.len() {
        ends.push((ends[ends.len() - 1] + BLOCK).min(bytes.len()));
    }
    let zero = |range: std::ops::Range<usize>| bytes[range].iter().all(|byte| *byte == 0);
    let (mut start, mut run) = (0, 0..0);
    for end in ends {
        if zero(start..end) {
            put(file, offset, bytes, &run)?;
            run = end..end;
        } else {
            run.end = end;
        }
        start = end;
    }
    put(file, offset, bytes, &run)
}

fn put(file: &mut File, offset: u64, bytes: &[u8], run: &std::ops::Range<usize>) -> io::Result<()> {
    if run.is_empty() {
        return Ok(());
    }
    file.seek(SeekFrom::Start(offset + run.start as u64))?;
    file.write_all(&bytes[run.clone()])
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(bytes, 1).read_to_end(&mut packed).expect("memory");
        packed
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        flate2::read::GzEncoder::new(bytes, flate2::Compression::fast()).read_to_end(&mut packed).expect("memory");
        packed
    }

    /// Unpacks in pieces, and yields what the file then holds.
    fn unpack(packed: &[u8], role: Role, limit: u64, piece: usize) -> io::Result<(Unpacked, Vec<u8>)> {
        let mut file = tempfile::tempfile().expect("a temporary file");
        let mut unpacker = Unpacker::new(file.try_clone().expect("a handle"), role, limit);
        for piece in packed.chunks(piece) {
            unpacker.write_all(piece)?;
        }
        let unpacked = unpacker.finish()?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).expect("seek");
        file.read_to_end(&mut bytes).expect("read");
        Ok((unpacked, bytes))
    }

    fn disk() -> Vec<u8> {
        let mut disk = vec![0; 100_000];
        disk[510..512].copy_from_slice(b"\x55\xaa");
        disk[50_000..50_010].fill(7);
        disk
    }

    #[test]
    fn every_packing_gives_the_same_file() {
        let disk = disk();
        for (packed, layers) in [(xz(&disk), 1), (gzip(&disk), 1), (xz(&gzip(&disk)), 2)] {
            for piece in [1, 7, 4096, 1 << 20] {
                let (unpacked, bytes) = unpack(&packed, Role::Disk, 1 << 20, piece).expect("a disk");
                assert_eq!((unpacked.size, unpacked.layers, unpacked.format), (100_000, layers, Format::RawDisk));
                assert!(bytes == disk, "the file holds other bytes");
                assert_eq!(unpacked.sha256, hex(&Sha256::digest(&disk)));
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn zeros_take_no_room() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("disk");
        let mut disk = disk();
        disk.resize(32 << 20, 0);
        let mut unpacker = Unpacker::new(File::create(&path).expect("a file"), Role::Disk, 1 << 30);
        unpacker.write_all(&gzip(&disk)).expect("room");
        unpacker.finish().expect("a disk");
        let metadata = std::fs::metadata(&path).expect("metadata");
        assert_eq!(metadata.len(), 32 << 20);
        assert!(metadata.blocks() * 512 < 1 << 20, "{} blocks", metadata.blocks());
    }

    #[test]
    fn a_stream_that_ends_in_the_middle_is_no_file() {
        for packed in [xz(&disk()), gzip(&disk())] {
            for cut in [packed.len() - 1, packed.len() / 2, 20] {
                let error = unpack(&packed[..cut], Role::Disk, 1 << 20, 999).expect_err("cut");
                assert!(error.to_string().contains("ends in the middle"), "{error}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_the_bound() {
        let error = unpack(&xz(&vec![0; 10 << 20]), Role::Disk, 1 << 20, 4096).expect_err("a bomb");
        assert!(error.to_string().contains("more than 1048576 bytes"), "{error}");
    }

    #[test]
    fn a_page_is_refused_before_the_rest_comes() {
        let mut page = b"<html><body>Not Found".to_vec();
        page.resize(HEAD, b' ');
        let mut unpacker = Unpacker::new(tempfile::tempfile().expect("a file"), Role::ReproSyz, 1 << 20);
        let error = unpacker.write_all(&page).expect_err("a page");
        assert!(error.to_string().contains("web page"), "{error}");
    }

    #[test]
    fn plain_bytes_are_their_own_file() {
        let (unpacked, bytes) = unpack(b"CONFIG_A=y\n", Role::Config, 100, 3).expect("a configuration");
        assert_eq!((unpacked.size, unpacked.layers), (11, 0));
        assert!(bytes.is_empty(), "the packed bytes are the file");
        let error = unpack(b"", Role::Config, 100, 3).expect_err("nothing");
        assert!(error.to_string().contains("empty"), "{error}");
    }

    proptest! {
        #[test]
        fn holes_read_back_as_what_was_written(runs in prop::collection::vec((any::<u8>(), 0usize..9000), 0..12), piece in 1usize..9000) {
            let bytes: Vec<u8> = runs.iter().flat_map(|(byte, count)| [byte % 3, *byte].repeat(count / 2)).collect();
            let mut file = tempfile::tempfile().expect("a temporary file");
            let mut offset = 0;
            for piece in bytes.chunks(piece) {
                write_with_holes(&mut file, offset, piece).expect("room");
                offset += piece.len() as u64;
            }
            file.set_len(offset).expect("room");
            let mut back = Vec::new();
            file.seek(SeekFrom::Start(0)).expect("seek");
            file.read_to_end(&mut back).expect("read");
            prop_assert!(back == bytes);
        }

        #[test]
        fn noise_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), kind in 0..3) {
            let magic: &[u8] = [&b"\xfd7zXZ\0"[..], b"\x1f\x8b\x08", b""][kind as usize];
            let _ = unpack(&[magic, &noise].concat(), Role::Other, 10_000, 50);
        }
    }
}
