//! One layer of a dressing: how it is taken off a line.

use super::super::plain::plain;
use super::super::stamp::core;
use super::super::{Wrapper, json, lex, unwrap};
use super::shape::Shape;
use super::tag::Tag;
use super::{message, stamp_at};
use std::borrow::Cow;

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layer {
    /// Characters that a page or a mail program changed.
    Plain,
    /// A wrapper that the lexer knows.
    Known(Wrapper),
    /// Anything before the printk stamp, and what lines without a stamp have there, too, if it is the same in most lines.
    BeforeStamp(Option<Vec<u8>>),
    /// A prefix of one shape.
    Shape(Shape),
    /// What a vendor prints behind the stamp.
    Tag(Tag),
    /// No blank behind the stamp: `[   12.345678]text`.
    Touching,
    /// The core within the stamp: `[   12.345678@0] `.
    Core,
    /// So many blanks, or tabs.
    Indent(usize),
    /// What stands behind every message: a quote, a table's bar, a closing tag.
    Suffix(Vec<u8>),
    /// What is written with backslashes in messages that stood between quotation marks.
    Quoted,
}

impl Layer {
    /// The line without this layer, if that changes it; whether the line had it.
    pub(super) fn off(&self, line: &[u8]) -> (Option<Vec<u8>>, bool) {
        match self {
            Self::Plain => match plain(line) {
                Cow::Owned(text) => (Some(text), true),
                Cow::Borrowed(text) => ((text.len() < line.len()).then(|| text.to_vec()), true),
            },
            Self::Known(wrapper) => {
                let own = lex(line);
                let had = own.wrapper == *wrapper || (own.wrapper != Wrapper::None && !wrapper.has_tag());
                match unwrap(line) {
                    Cow::Owned(text) => (Some(text), had),
                    Cow::Borrowed(text) => ((text.len() < line.len()).then(|| text.to_vec()), had),
                }
            }
            Self::BeforeStamp(shared) => match stamp_at(line) {
                Some(0) => (None, true),
                Some(at) => (Some(line[at..].to_vec()), true),
                None => (shared.as_ref().and_then(|shared| line.strip_prefix(&shared[..])).map(<[u8]>::to_vec), false),
            },
            Self::Shape(shape) => match shape.length(line) {
                Some(length) => (Some(line[length..].to_vec()), true),
                None => (None, false),
            },
            Self::Tag(tag) => {
                let from = line.len() - message(line, true).len();
                match tag.length(&line[from..]) {
                    0 => (None, true),
                    length => {
                        let rest = &line[from + length..];
                        // The tag may touch the stamp, the message may not.
                        let touches = line[..from].ends_with(b"]") && !rest.starts_with(b" ");
                        (Some([&line[..from], if touches { b" " } else { b"" }, rest].concat()), true)
                    }
                }
            }
            Self::Touching => match touching(line) {
                Some(close) => (Some([&line[..=close], b" ", &line[close + 1..]].concat()), true),
                None => (None, true),
            },
            Self::Core => match core(line).zip(memchr::memchr(b']', line)) {
                Some((mark, close)) => (Some([&line[..mark], &line[close..]].concat()), true),
                None => (None, true),
            },
            // A line that was cut has lost it.
            Self::Suffix(end) => (line.strip_suffix(&end[..]).map(<[u8]>::to_vec), true),
            Self::Quoted => (memchr::memchr(b'\\', line).map(|_| json::unescape(line)), true),
            Self::Indent(width) => {
                let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count().min(*width);
                ((blanks > 0).then(|| line[blanks..].to_vec()), blanks == *width)
            }
        }
    }
}

/// Where the bracket of a stamp stands that the message touches.
pub(super) fn touching(line: &[u8]) -> Option<usize> {
    stamp_at(line).filter(|at| *at == 0)?;
    let close = memchr::memchr(b']', line)?;
    let next = line.get(close + 1)?;
    (next.is_ascii_graphic() && (*next != b'[' || lex(line).caller.is_none())).then_some(close)
}
