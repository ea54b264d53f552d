//! Where bytes come from: files, stdin, memory maps, compressed streams, mail, growing files.
//!
//! * `open` turns a [`Source`] (a path or `-`) into an [`Input`]: in memory or mapped when it is a plain file, a stream
//!   otherwise. Compression (gz, xz, zst, bz2, lz4) is recognised by content, never by name.
//! * [`Input::feed`] gives the bytes to an engine, in one piece or in chunks of [`CHUNK`].
//! * [`Pieces`] gives a stream piece by piece, unpacked in a thread of its own where there are some.
//! * [`Follow`] reads a growing file through rotation and truncation.
//! * [`Decoder`] makes UTF-16 and texts with a byte order mark plain.
//! * `landmark` says what a line is to a report by its beginning.
//! * [`read_mail`] takes kernel text out of mails: quoting, encodings, lines that a mailer wrapped; [`page`] out of web pages.
//!
//! What can go wrong while reading is [`Damage`], a value: everything that could be read has been given out before.
//! Only what cannot be opened at all is an [`InputError`], and concerns that one file.

mod ahead;
mod character;
mod follow;
mod form;
mod html;
mod inside;
mod landmark;
mod lines;
mod mail;
mod open;
mod part;
mod small;
mod source;
mod stream;
mod wide;

pub use ahead::{Piece, Pieces};
pub(crate) use character::character;
#[cfg(feature = "net")]
pub(crate) use character::named;
pub use follow::{Begin, Follow, Step, Stopper};
#[cfg(feature = "vm")]
pub(crate) use form::has_form;
pub use html::{begins_page, page};
pub use inside::Inside;
pub use landmark::{Landmark, landmark};
pub(crate) use lines::lines;
pub use mail::{read_mail, read_wrapped, unquote_mail};
pub use open::{Input, MAPPED_FROM, Mapping, Whole, open, open_reader, open_with};
pub use part::part;
pub use small::read_small;
pub use source::{InputError, Source};
pub use stream::{CHUNK, Damage, Stream};
pub use wide::{Decoder, Encoding};
