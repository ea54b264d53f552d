//! A stream that is unpacked in a thread of its own, while what came before is worked on.

use super::stream::{CHUNK, Damage, Stream};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// So many pieces wait at most: a thread that is ahead by more gains nothing and takes memory.
const WAITING: usize = 4;

/// Bytes of a stream, in room that is used again.
#[derive(Debug)]
pub struct Piece {
    room: Vec<u8>,
    filled: usize,
}

impl Piece {
    /// Bytes that were read already.
    #[must_use]
    pub fn of(bytes: Vec<u8>) -> Self {
        Self { filled: bytes.len(), room: bytes }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.room[..self.filled]
    }

    /// Reads once; false at the end.
    fn fill(&mut self, stream: &mut Stream) -> bool {
        // Zeros are written once, not before each read.
        if self.room.len() < CHUNK {
            self.room.resize(CHUNK, 0);
        }
        self.filled = stream.fill(&mut self.room);
        self.filled > 0
    }
}

/// A stream, read here or ahead of whoever takes its pieces.
#[derive(Debug)]
pub enum Pieces {
    /// Each piece is read when it is asked for.
    Here(Stream),
    /// By a thread that lives as long as somebody takes what it reads.
    Ahead {
        /// What it reads.
        read: Receiver<Piece>,
        /// Where room goes back to it.
        emptied: Sender<Piece>,
        /// What it says when it has come to the end, until it was asked.
        ended: Option<Receiver<Option<Damage>>>,
        /// What it said.
        damage: Option<Damage>,
        /// Bytes that were taken so far.
        taken: u64,
    },
}

impl Pieces {
    /// Reads a stream ahead, if a thread can be had.
    #[must_use]
    pub fn ahead(stream: Stream) -> Self {
        let (give, read) = sync_channel(WAITING);
        let (emptied, room) = channel();
        let (say, ended) = sync_channel(1);
        // Where there is no thread the stream must not be gone.
        let (hand_over, take) = sync_channel::<Stream>(1);
        let work = move || {
            if let Ok(stream) = take.recv() {
                read_all(stream, &give, &room, &say);
            }
        };
        match std::thread::Builder::new().name("unpack".to_owned()).spawn(work) {
            Ok(_) => match hand_over.send(stream) {
                Ok(()) => Self::Ahead { read, emptied, ended: Some(ended), damage: None, taken: 0 },
                Err(back) => Self::Here(back.0),
            },
            Err(_) => Self::Here(stream),
        }
    }

    /// Goes on to the next piece, as far as one read of the source goes; false at the end.
    pub fn advance(&mut self, piece: &mut Piece) -> bool {
        match self {
            Self::Here(stream) => piece.fill(stream),
            Self::Ahead { read, emptied, ended, damage, taken } => match read.recv() {
                Ok(next) => {
                    *taken += next.filled as u64;
                    // Who reads no more needs no room.
                    let _ = emptied.send(std::mem::replace(piece, next));
                    true
                }
                Err(_) => {
                    if let Some(ended) = ended.take() {
                        // One that fell over has said nothing: what is missing must not pass for an end.
                        let fell = || Damage::Unreadable { read: *taken, detail: "what unpacks it failed".to_owned() };
                        *damage = ended.try_recv().unwrap_or_else(|_| Some(fell()));
                    }
                    piece.filled = 0;
                    false
                }
            },
        }
    }

    /// What ended the stream before its time; known when [`Pieces::advance`] has said that it has ended.
    #[must_use]
    pub fn damage(&self) -> Option<&Damage> {
        match self {
            Self::Here(stream) => stream.damage(),
            Self::Ahead { damage, .. } => damage.as_ref(),
        }
    }
}

/// What the thread does. That it has ended is known when `give` is gone, which is the last thing that happens.
fn read_all(mut stream: Stream, give: &SyncSender<Piece>, room: &Receiver<Piece>, say: &SyncSender<Option<Damage>>) {
    loop {
        let mut piece = room.try_recv().unwrap_or_else(|_| Piece::of(Vec::new()));
        if !piece.fill(&mut stream) {
            break;
        }
        if give.send(piece).is_err() {
            return;
        }
    }
    // Nobody asks any more, or there is room for the one answer.
    let _ = say.send(stream.damage().cloned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Cursor, Read};

    /// Gives some bytes, then an error.
    struct Failing(Cursor<Vec<u8>>);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the disk is gone")),
                got => Ok(got),
            }
        }
    }

    fn all(mut pieces: Pieces) -> (Vec<u8>, Option<Damage>) {
        let (mut piece, mut bytes) = (Piece::of(Vec::new()), Vec::new());
        while pieces.advance(&mut piece) {
            bytes.extend_from_slice(piece.bytes());
        }
        assert!(!pieces.advance(&mut piece) && piece.bytes().is_empty(), "an end stays one");
        (bytes, pieces.damage().cloned())
    }

    #[test]
    fn what_is_read_ahead_is_what_is_read_here() {
        let text: Vec<u8> = (0..CHUNK * 9 / 2).map(|at| (at % 251) as u8).collect();
        let whole = || Stream::plain(Box::new(Cursor::new(text.clone())));
        assert_eq!(all(Pieces::ahead(whole())), (text.clone(), None));
        assert_eq!(all(Pieces::Here(whole())), (text.clone(), None));
        let cut = || Stream::plain(Box::new(Failing(Cursor::new(text.clone()))));
        let (bytes, damage) = all(Pieces::ahead(cut()));
        assert_eq!((bytes, damage), all(Pieces::Here(cut())));
    }

    #[test]
    fn an_unpacker_that_falls_over_is_no_end() {
        struct Falling;
        impl Read for Falling {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("a decoder's own fault, for a test")
            }
        }
        let (bytes, damage) = all(Pieces::ahead(Stream::plain(Box::new(Falling))));
        assert!(bytes.is_empty() && matches!(damage, Some(Damage::Unreadable { read: 0, .. })), "{damage:?}");
    }

    #[test]
    fn whoever_stops_early_leaves_nobody_waiting() {
        /// Says when it is gone.
        struct Watched(std::sync::mpsc::Sender<()>);
        impl Read for Watched {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Ok(buffer.len())
            }
        }
        impl Drop for Watched {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (say, gone) = channel();
        let mut pieces = Pieces::ahead(Stream::plain(Box::new(Watched(say))));
        assert!(pieces.advance(&mut Piece::of(Vec::new())));
        drop(pieces);
        gone.recv_timeout(std::time::Duration::from_secs(60)).expect("the thread ends");
    }
}
