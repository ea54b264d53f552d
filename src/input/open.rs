//! From a name to bytes: what is read, what is mapped, what is streamed.

use super::source::{InputError, Source};
use super::stream::{CHUNK, Damage, Stream};
use crate::files::Map;
use crate::packing::Packing;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::ops::{ControlFlow, Deref};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

/// Plain files from this size on are mapped, smaller ones are read: that is as fast, and nobody can take the bytes away.
pub const MAPPED_FROM: u64 = 8 << 20;

/// All bytes of a plain file.
#[derive(Debug)]
pub struct Whole(Bytes);

#[derive(Debug)]
enum Bytes {
    Read(Vec<u8>),
    Mapped(Map),
}

impl Whole {
    /// Whether the bytes are mapped.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(self.0, Bytes::Mapped(_))
    }

    /// Gives the memory of the first bytes back, if they are mapped ([`Map::give_back`]).
    pub fn give_back(&self, bytes: usize) {
        if let Bytes::Mapped(map) = &self.0 {
            map.give_back(bytes);
        }
    }

    /// [`Damage::Cut`], if bytes were gone when they were asked for: to be asked when all has been read.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        matches!(&self.0, Bytes::Mapped(map) if map.is_cut()).then_some(Damage::Cut)
    }
}

impl Deref for Whole {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::Read(bytes) => bytes,
            Bytes::Mapped(map) => map,
        }
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

/// An opened source.
#[derive(Debug)]
pub enum Input {
    /// A plain file, all of it.
    Whole(Whole),
    /// A pipe, FIFO, device or compressed file.
    Stream(Stream),
}

impl Input {
    /// Bytes that are in memory, unpacked if the first of them say that they are compressed; `source` is named where they cannot be.
    ///
    /// # Errors
    ///
    /// They are compressed in a way that this build does not know.
    pub fn in_memory(bytes: Vec<u8>, source: &Source) -> Result<Self, InputError> {
        match Packing::of_log(&bytes) {
            None => Ok(Self::Whole(Whole(Bytes::Read(bytes)))),
            Some(packing) => Stream::unpacking(packing, Box::new(Cursor::new(bytes)))
                .map(Self::Stream)
                .map_err(|error| InputError::new(source, error)),
        }
    }

    /// All bytes, and what was wrong with them; `None` if there are more than `most`.
    #[must_use]
    pub fn gathered(self, most: usize) -> Option<(Vec<u8>, Option<Damage>)> {
        let (mut bytes, mut large) = (Vec::new(), false);
        let damage = self.feed(|piece| {
            large = bytes.len() + piece.len() > most;
            if large {
                return ControlFlow::Break(());
            }
            bytes.extend_from_slice(piece);
            ControlFlow::Continue(())
        });
        (!large).then_some((bytes, damage))
    }

    /// Gives all bytes out: in one piece if they are in memory, else in chunks of at most [`CHUNK`]. Ends early if `take`
    /// breaks. Returns what was wrong with the bytes, if anything; all that could be read was given out before.
    pub fn feed(self, mut take: impl FnMut(&[u8]) -> ControlFlow<()>) -> Option<Damage> {
        match self {
            Self::Whole(bytes) if bytes.is_empty() => Some(Damage::Empty),
            Self::Whole(bytes) => {
                let _ = take(&bytes);
                bytes.damage()
            }
            Self::Stream(mut stream) => {
                let mut chunk = vec![0; CHUNK];
                let mut any = false;
                loop {
                    let filled = stream.fill(&mut chunk);
                    if filled == 0 {
                        return stream.damage().cloned().or((!any).then_some(Damage::Empty));
                    }
                    any = true;
                    if take(&chunk[..filled]).is_break() {
                        return None;
                    }
                }
            }
        }
    }
}

/// Whether large plain files may be mapped.
///
/// **The danger of a map.** If somebody truncates a file while it is mapped, touching the pages that are gone raises
/// SIGBUS. Rotation by renaming or deleting is harmless; `copytruncate` and `> log` are not. Therefore a file that was
/// written to within the last two seconds (a log in use) is streamed even with [`Mapping::Large`], and feeders of living
/// logs use [`Mapping::Never`]. What remains is a file that was quiet until now and is truncated in the fraction of a
/// second during which it is read: the program reads zeros there and says so ([`Damage::Cut`]); a library that has not
/// called `files::outlive_faults` dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mapping {
    /// Files of at least [`MAPPED_FROM`] bytes that nobody is writing to.
    #[default]
    Large,
    /// Never: everything large is streamed.
    Never,
}

/// A file that changed this recently (seconds) is a log in use.
const IN_USE: u64 = 2;

/// Opens a source, mapping large quiet files.
///
/// # Errors
///
/// [`InputError`], if nothing can be read from it.
pub fn open(source: &Source) -> Result<Input, InputError> {
    open_with(source, Mapping::Large)
}

/// Opens a source.
///
/// # Errors
///
/// [`InputError`], if nothing can be read from it.
pub fn open_with(source: &Source, mapping: Mapping) -> Result<Input, InputError> {
    let file = match source {
        Source::Stdin => {
            io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(|error| InputError::new(source, error))?
        }
        Source::Path(path) => File::open(path).map_err(|error| InputError::new(source, error))?,
    };
    from_file(file, source, mapping)
}

fn from_file(mut file: File, source: &Source, mapping: Mapping) -> Result<Input, InputError> {
    let metadata = file.metadata().map_err(|error| InputError::new(source, error))?;
    if metadata.is_dir() {
        return Err(InputError::Directory(source.clone()));
    }
    if !metadata.is_file() {
        if metadata.file_type().is_char_device() && *source != Source::Stdin {
            // /dev/kmsg and serial ports never end: what they hold now is what is read.
            let flags = rustix::fs::fcntl_getfl(&file).map_err(|error| InputError::new(source, error.into()))?;
            rustix::fs::fcntl_setfl(&file, flags | rustix::fs::OFlags::NONBLOCK)
                .map_err(|error| InputError::new(source, error.into()))?;
        }
        return sniffed(Box::new(file), source);
    }
    // Stdin may be a file that somebody has read a part of: what counts is what is left.
    let at = match source {
        Source::Stdin => file.stream_position().map_err(|error| InputError::new(source, error))?,
        Source::Path(_) => 0,
    };
    let left = metadata.len().saturating_sub(at);
    if left < MAPPED_FROM {
        // Files of /proc and /sys say 0, growing ones too little: read up to the limit, stream what exceeds it.
        let mut bytes = Vec::new();
        match read_all(&mut file, left, &mut bytes) {
            Err(error) if bytes.is_empty() => return Err(InputError::new(source, error)),
            // What was read is given out, then the stream meets the error again, and says so.
            Err(_) => return Ok(Input::Stream(Stream::plain(Box::new(Cursor::new(bytes).chain(file))))),
            Ok(()) => {}
        }
        if let Some(compression) = Packing::of_log(&bytes) {
            return Stream::unpacking(compression, Box::new(Cursor::new(bytes).chain(file)))
                .map(Input::Stream)
                .map_err(|error| InputError::new(source, error));
        }
        if (bytes.len() as u64) < MAPPED_FROM {
            return Ok(Input::Whole(Whole(Bytes::Read(bytes))));
        }
        return Ok(Input::Stream(Stream::plain(Box::new(Cursor::new(bytes).chain(file)))));
    }
    let quiet =
        metadata.modified().ok().and_then(|time| time.elapsed().ok()).is_some_and(|age| age.as_secs() >= IN_USE);
    if mapping == Mapping::Never || !quiet || at != 0 || head(&mut file, source)?.is_some() {
        return sniffed(Box::new(file), source);
    }
    match Map::of(&file) {
        Ok(map) => Ok(Input::Whole(Whole(Bytes::Mapped(map)))),
        // Some file systems cannot map.
        Err(_) => sniffed(Box::new(file), source),
    }
}

/// All of a plain file that says to have `left` bytes left, up to the limit. One that gives just these when asked for one more is at its
/// end, and is not asked again: of a short log that is a part of the work. Of one that says to have none more may come, at once or never.
fn read_all(file: &mut File, left: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut got = 0;
    if left > 0 {
        let mut first = vec![0; usize::try_from(left).unwrap_or(0) + 1];
        got = match file.read(&mut first) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            got => got?,
        };
        first.truncate(got);
        *bytes = first;
        if got as u64 == left {
            return Ok(());
        }
    }
    file.take(MAPPED_FROM - got as u64).read_to_end(bytes).map(|_| ())
}

/// What a reader gives, unpacked if its first bytes say that it is compressed; `source` is named where it cannot be.
///
/// # Errors
///
/// [`InputError`], if nothing can be read from it.
pub fn open_reader(reader: Box<dyn Read + Send>, source: &Source) -> Result<Input, InputError> {
    sniffed(reader, source)
}

/// How the file is compressed; it stands at its start afterwards.
fn head(file: &mut File, source: &Source) -> Result<Option<Packing>, InputError> {
    let mut magic = Vec::with_capacity(Packing::MAGIC);
    (&mut *file)
        .take(Packing::MAGIC as u64)
        .read_to_end(&mut magic)
        .and_then(|_| file.rewind())
        .map_err(|error| InputError::new(source, error))?;
    Ok(Packing::of_log(&magic))
}

/// A stream whose first bytes decide whether it is compressed.
fn sniffed(mut reader: Box<dyn Read + Send>, source: &Source) -> Result<Input, InputError> {
    // One read, as records of /dev/kmsg come whole or not at all; more only while what came may be the beginning of a magic, since
    // somebody may wait for the answer to a short line.
    let mut first = vec![0; CHUNK];
    let mut filled = 0;
    while filled < Packing::MAGIC && Packing::may_be(&first[..filled]) {
        match reader.read(&mut first[filled..]) {
            Ok(0) => break,
            Ok(got) => filled += got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if filled == 0 => return Err(InputError::new(source, error)),
            Err(_) => break,
        }
    }
    first.truncate(filled);
    let compression = Packing::of_log(&first);
    let reader = Box::new(Cursor::new(first).chain(reader));
    match compression {
        Some(compression) => {
            Stream::unpacking(compression, reader).map(Input::Stream).map_err(|error| InputError::new(source, error))
        }
        None => Ok(Input::Stream(Stream::plain(reader))),
    }
}
