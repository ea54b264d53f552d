//! From a source to its logs: looks at the first bytes and decides what it is, gathers what must be whole, streams the rest.

use super::archive::{self, Form};
use super::content::{Content, Log, PlainStream, content_of, more, of_stream};
use super::foreign::{SAMPLE, Unreadable};
use super::text::{LARGEST_MAIL, Text};
use crate::input::{Encoding, Input, Source, Stream, open};
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// Opens a source and hands over its logs: one, or the members of an archive. Ends early if `take` breaks.
pub fn each_log(source: &Source, take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    let name = source.to_string();
    if is_address(&name) {
        let _ = take(Log { content: Err(Unreadable::Address(name.clone())), name });
        return;
    }
    match open(source) {
        Err(error) => {
            let _ = take(Log { name, content: Err(error.into()) });
        }
        Ok(input) => each_of_input(name, input, take),
    }
}

/// The logs in bytes that somebody hands over under a name, as [`each_log`] finds them in a file.
pub fn each_log_in(name: &str, bytes: Vec<u8>, take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    match Input::in_memory(bytes, &Source::Path(PathBuf::from(name))) {
        Err(error) => {
            let _ = take(Log { name: name.to_owned(), content: Err(error.into()) });
        }
        Ok(input) => each_of_input(name.to_owned(), input, take),
    }
}

/// As [`each_log`], but a log of several machines is one for each of them: what one says is no consequence of what another did.
pub fn each_machine(source: &Source, take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    each_log(source, &mut |log| apart(log, take));
}

/// As [`each_log_in`], for each machine.
pub fn each_machine_in(name: &str, bytes: Vec<u8>, take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    each_log_in(name, bytes, &mut |log| apart(log, take));
}

/// The log of each machine, called like a member of an archive.
fn apart(log: Log, take: &mut dyn FnMut(Log) -> ControlFlow<()>) -> ControlFlow<()> {
    let Log { name, content } = log;
    let (mut text, damage) = match content {
        Ok(Content::Text(text, damage)) => (text, damage),
        content => return take(Log { name, content }),
    };
    let machines = text.apart();
    if machines.is_empty() {
        return take(Log { name, content: Ok(Content::Text(text, damage)) });
    }
    drop(text);
    machines.into_iter().try_for_each(|(host, text)| {
        let content = Ok(Content::Text(Box::new(text), damage.clone()));
        take(Log { name: format!("{name}/{host}"), content })
    })
}

/// Opens a source for a filter, which hands every line on as soon as it comes: neither mails nor archives are undone, and
/// nothing is refused.
///
/// # Errors
/// It cannot be opened.
pub fn live(source: &Source) -> Result<Content, Unreadable> {
    Ok(match open(source)? {
        Input::Whole(bytes) => Content::Text(Box::new(Text::of_file(bytes)), None),
        Input::Stream(stream) => Content::Stream(PlainStream::live(stream)),
    })
}

/// The logs of something that was opened.
fn each_of_input(name: String, input: Input, take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    let log = match input {
        Input::Whole(bytes) => {
            if let Some(form) = Form::of(&bytes) {
                return archive::each_member(&name, form, &bytes, take);
            }
            if bytes.len() > LARGEST_MAIL && Encoding::of(&bytes).is_some() {
                // Decoded as a whole it would need memory half as large again as the file.
                let stream = Stream::plain(Box::new(Cursor::new(bytes)));
                return each_of_input(name, Input::Stream(stream), take);
            }
            content_of(&name, &bytes, true).map(|()| Content::Text(Box::new(Text::of_file(bytes)), None))
        }
        Input::Stream(mut stream) => {
            let (mut head, mut ended) = (Vec::new(), false);
            while head.len() < SAMPLE && !ended {
                ended = !more(&mut stream, &mut head);
            }
            if let Some(form) = Form::of(&head) {
                return archive::each_streamed(&name, form, head, stream, take);
            }
            of_stream(&name, head, ended, stream)
        }
    };
    let _ = take(Log { name, content: log });
}

fn is_address(name: &str) -> bool {
    name.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'))
    })
}
