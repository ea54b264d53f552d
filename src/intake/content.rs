//! What is in a log: all of its text, or a stream that is made plain bit by bit.

use super::document::begins_document;
use super::foreign::{Foreign, SAMPLE, Unreadable};
use super::hex::is_hex;
use super::joined::is_joined;
use super::logcat::is_logcat;
use super::machines::are_several;
use super::nature::nature;
use super::rich_text::is_rich_text;
use super::rows::begins_table;
use super::text::{LARGEST_MAIL, LARGEST_SHARED, Text};
use super::verbose::is_verbose;
use super::written::is_written;
use crate::input::{Damage, Decoder, Encoding, Piece, Pieces, Stream, begins_page, read_mail};
use std::borrow::Cow;

/// One log.
#[derive(Debug)]
pub struct Log {
    /// The name to show: the argument's, that of a file in the folder it names, or `archive.zip/member`.
    pub name: String,
    /// What is in it.
    pub content: Result<Content, Unreadable>,
}

/// A log that can be read.
#[derive(Debug)]
pub enum Content {
    /// All of it, and what was wrong with its bytes.
    Text(Box<Text>, Option<Damage>),
    /// It comes bit by bit: it is long, or still being written.
    Stream(PlainStream),
}

/// The most of a stream that is held in memory for a command that needs all of it, bytes.
const WHOLE: usize = 512 << 20;

impl Content {
    /// Whether the kernel speaks in it, or it is a bisection, as far as was looked.
    #[must_use]
    pub fn is_log(&self) -> bool {
        let nature = match self {
            Self::Text(text, _) => nature(text.log()),
            Self::Stream(stream) => nature(stream.piece()),
        };
        nature.kernel || nature.bisection
    }

    /// Why it is not a log, where all of it can be looked at.
    #[must_use]
    pub fn why_no_log(&self) -> Option<&'static str> {
        let Self::Text(text, _) = self else { return None };
        let nature = nature(text.log()).or_kin(text.plain());
        if nature.partly { None } else { nature.why_no_log() }
    }

    /// Whether lines of several machines are read as if one had printed them: they are too many to be held in memory.
    #[must_use]
    pub(super) fn mixes_machines(&self) -> bool {
        match self {
            Self::Text(text, _) => text.mixes_machines(),
            Self::Stream(stream) => are_several(stream.piece()),
        }
    }

    /// All of it in memory, and what was wrong with its bytes.
    ///
    /// # Errors
    /// A stream that does not end within [`WHOLE`] bytes.
    pub fn gathered(self, name: &str) -> Result<(Box<Text>, Option<Damage>), Unreadable> {
        match self {
            Self::Text(text, damage) => Ok((text, damage)),
            Self::Stream(mut stream) => {
                stream.decoder = stream.decoder.map(|decoder| decoder.forgetful(u64::MAX));
                let mut plain = Vec::new();
                while stream.advance() {
                    plain.extend_from_slice(stream.piece());
                    if plain.len() > WHOLE {
                        return Err(Unreadable::Endless(name.to_owned(), WHOLE >> 20));
                    }
                }
                let damage = stream.damage().cloned();
                Ok((Box::new(Text::of_plain(plain, stream.decoder)), damage))
            }
        }
    }
}

/// A log that comes bit by bit, made plain. Lines are those of the file; offsets go through [`PlainStream::origin`].
#[derive(Debug)]
pub struct PlainStream {
    /// The latest bytes; at first what was read to see what it is.
    piece: Piece,
    /// Whether nobody has seen them.
    fresh: bool,
    pieces: Pieces,
    decoder: Option<Decoder>,
}

/// So many plain bytes back the offset in an UTF-16 stream is remembered: more than the engine ever looks back.
const REMEMBERED: u64 = 8 << 20;

impl PlainStream {
    /// A stream from its first byte, for a filter that hands each line on at once. Only its first bytes are waited for.
    #[must_use]
    pub(super) fn live(mut stream: Stream) -> Self {
        let mut head = Vec::new();
        // A mark may have come in part, and zeros can be UTF-16 or torn text; a short line of anything else is handed on at once.
        let open = |head: &[u8]| match head {
            [] => true,
            [only] => *only != b'\n',
            [0xef | 0xfe | 0xff, _] => true,
            _ => head.len() < Encoding::ENOUGH && head.contains(&0),
        };
        while open(&head) && more(&mut stream, &mut head) {}
        Self::after(head, stream)
    }

    /// A stream of which the first bytes were read.
    fn after(head: Vec<u8>, stream: Stream) -> Self {
        let mut decoder = Encoding::of(&head).map(|encoding| Decoder::new(encoding).forgetful(REMEMBERED));
        let piece = match &mut decoder {
            None => head,
            Some(decoder) => decoder.decode(&head, false).into_owned(),
        };
        Self { piece: Piece::of(piece), fresh: true, pieces: Pieces::Here(stream), decoder }
    }

    /// The same with a thread that unpacks what comes next meanwhile, if it is packed.
    #[must_use]
    pub(super) fn ahead(self) -> Self {
        let pieces = match self.pieces {
            Pieces::Here(stream) if stream.compression().is_some() => Pieces::ahead(stream),
            pieces => pieces,
        };
        Self { pieces, ..self }
    }

    /// Goes on to the next bytes, as far as one read of the source goes; false at the end.
    pub fn advance(&mut self) -> bool {
        if std::mem::take(&mut self.fresh) && !self.piece().is_empty() {
            return true;
        }
        loop {
            let more = self.pieces.advance(&mut self.piece);
            if let Some(decoder) = &mut self.decoder {
                self.piece = Piece::of(decoder.decode(self.piece.bytes(), !more).into_owned());
            }
            if !more || !self.piece().is_empty() {
                return !self.piece().is_empty();
            }
        }
    }

    /// The bytes that [`PlainStream::advance`] went to.
    #[must_use]
    pub fn piece(&self) -> &[u8] {
        self.piece.bytes()
    }

    /// The place in the (unpacked) file of a place in the plain text, both bytes; of UTF-16 only the last 8 MiB are known.
    #[must_use]
    pub fn origin(&self, plain: u64) -> u64 {
        self.decoder.as_ref().map_or(plain, |decoder| decoder.origin(plain))
    }

    /// What ended the stream before its time, when it has ended.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        self.pieces.damage()
    }
}

/// Reads once more into `head`; false at the end.
pub(super) fn more(stream: &mut Stream, head: &mut Vec<u8>) -> bool {
    let from = head.len();
    head.resize(from + SAMPLE, 0);
    let filled = stream.fill(&mut head[from..]);
    head.truncate(from + filled);
    filled > 0
}

/// Bytes of a member that are in memory.
pub(super) fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<Content, Unreadable> {
    content_of(name, &bytes, true)?;
    Ok(Content::Text(Box::new(Text::of_bytes(bytes)), None))
}

/// What a compressed member gives.
pub(super) fn of_compressed(name: &str, mut stream: Stream) -> Result<Content, Unreadable> {
    let (mut head, mut ended) = (Vec::new(), false);
    while head.len() < SAMPLE && !ended {
        ended = !more(&mut stream, &mut head);
    }
    of_stream(name, head, ended, stream)
}

/// Whether these bytes, the first or all of them, can be a log's.
pub(super) fn content_of(name: &str, first: &[u8], all: bool) -> Result<(), Unreadable> {
    if first.is_empty() {
        return Err(Unreadable::Damaged(name.to_owned(), Damage::Empty));
    }
    let plain = match Encoding::of(first) {
        None => Cow::Borrowed(first),
        Some(encoding) => {
            Cow::Owned(Decoder::new(encoding).decode(&first[..first.len().min(SAMPLE)], false).into_owned())
        }
    };
    match Foreign::of(&plain, all) {
        Some(foreign) => Err(Unreadable::Foreign(name.to_owned(), foreign)),
        None => Ok(()),
    }
}

/// Whether a text must be known as a whole before its log can be read.
fn begins_whole(head: &[u8]) -> bool {
    let first = || head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    begins_mail(head)
        || begins_page(head)
        || begins_document(head)
        || is_rich_text(head)
        || is_hex(head)
        || is_logcat(head)
        || is_verbose(head)
        || begins_table(head)
        || is_joined(first())
        || are_several(head)
        || is_written(head)
}

/// A stream of which the first bytes were read: a text if it is short, a mail or a document.
pub(super) fn of_stream(
    name: &str,
    mut head: Vec<u8>,
    mut ended: bool,
    mut stream: Stream,
) -> Result<Content, Unreadable> {
    if head.is_empty() {
        return Err(Unreadable::Damaged(name.to_owned(), stream.damage().cloned().unwrap_or(Damage::Empty)));
    }
    content_of(name, &head, ended)?;
    if !ended && Encoding::of(&head).is_none() && begins_whole(&head) {
        // What is packed does not come live.
        let most = if stream.compression().is_some() { LARGEST_SHARED } else { LARGEST_MAIL };
        while head.len() <= most && !ended {
            ended = !more(&mut stream, &mut head);
        }
    }
    if ended {
        if begins_page(&head) {
            content_of(name, &head, true)?;
        }
        return Ok(Content::Text(Box::new(Text::of_bytes(head)), stream.damage().cloned()));
    }
    Ok(Content::Stream(PlainStream::after(head, stream)))
}

/// Whether the first 64 KiB are those of a mail: it begins with an mbox separator or a header, or much of it is quoted. The
/// last line may be cut. A header that is longer than that counts, too.
fn begins_mail(head: &[u8]) -> bool {
    let whole = memchr::memrchr(b'\n', head).map_or(head, |end| &head[..=end]);
    read_mail(&[whole, b"\n"].concat()).is_some()
}
