//! The logs in zip and tar archives, one after the other, within bounds; nothing is written to disk.

use super::content::{Content, Log, of_bytes, of_compressed};
use super::foreign::Unreadable;
use super::names::is_log;
use crate::input::{Input, Source, Stream, open_reader};
use crate::packing::Packing;
use std::ffi::OsStr;
use std::io::{Cursor, Read, Seek};
use std::ops::ControlFlow;
use std::path::PathBuf;

/// An archive that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// zip, deflated or stored.
    Zip,
    /// tar of any age.
    Tar,
}

/// No member is read that is longer, MiB.
const LARGEST_MEMBER: u64 = 512;
/// A zip archive that comes through a pipe is gathered up to this size, MiB.
const LARGEST_PIPED: u64 = 1024;
/// So much may come out of one archive, MiB: at 1 GB/s that is a few seconds.
const LARGEST_ARCHIVE: u64 = 8 << 10;
/// No archive of logs has more members.
const MOST_MEMBERS: usize = 100_000;
/// No more is shown of what a library says, characters.
const MOST_WORDS: usize = 160;
/// From this size on, MiB, a zip member that grew more than so many times is a bomb: the policy for gzip, whose method it is.
const BOMB_FROM: u64 = 64;
const BOMB_RATIO: u64 = 200;
const MIB: u64 = 1 << 20;

impl Form {
    /// What begins like this (512 bytes are enough).
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        match first {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Self::Zip),
            _ => is_tar(first).then_some(Self::Tar),
        }
    }
}

/// Whether a file is an archive.
#[must_use]
pub fn is_archive(bytes: &[u8]) -> bool {
    Form::of(bytes).is_some()
}

/// A tar header has its own checksum: the sum of its bytes, those of the checksum taken as blanks.
fn is_tar(first: &[u8]) -> bool {
    let Some(header) = first.get(..512) else { return false };
    let field = &header[148..156];
    // What most texts are recognised by.
    if !field.iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0)) {
        return false;
    }
    let digits: Vec<u8> = field.iter().copied().filter(u8::is_ascii_digit).collect();
    let stated = std::str::from_utf8(&digits).ok().and_then(|digits| u32::from_str_radix(digits, 8).ok());
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        - field.iter().map(|byte| u32::from(*byte)).sum::<u32>()
        + 8 * u32::from(b' ');
    header[0] != 0 && stated == Some(sum)
}

/// What a library says of a damaged archive, in one line: it may quote what it could not read.
fn damaged(name: String, words: &dyn std::fmt::Display) -> Unreadable {
    let words = words.to_string();
    let line: Vec<&str> = words.split_whitespace().collect();
    Unreadable::Archive(name, line.join(" ").chars().take(MOST_WORDS).collect())
}

/// What has become of an archive so far.
struct Reading<'a> {
    archive: &'a str,
    take: &'a mut dyn FnMut(Log) -> ControlFlow<()>,
    files: usize,
    logs: usize,
    left: u64,
}

impl Reading<'_> {
    fn fault(&mut self, name: String, fault: Unreadable) -> ControlFlow<()> {
        self.logs += 1;
        (self.take)(Log { name, content: Err(fault) })
    }

    fn archive_fault(&mut self, words: &dyn std::fmt::Display) -> ControlFlow<()> {
        let name = self.archive.to_owned();
        self.fault(name.clone(), damaged(name, words))
    }

    /// Takes one member: reads it up to `most` bytes, looks whether it is a log, hands it over.
    fn member(&mut self, inside: &str, reader: &mut dyn Read, most: u64) -> ControlFlow<()> {
        let name = format!("{}/{inside}", self.archive);
        self.files += 1;
        if self.files > MOST_MEMBERS {
            self.archive_fault(&format!("it has more than {MOST_MEMBERS} members"))?;
            return ControlFlow::Break(());
        }
        let most = most.min(LARGEST_MEMBER * MIB).min(self.left);
        let mut bytes = Vec::new();
        let read = reader.take(most + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > most {
            self.fault(name.clone(), Unreadable::TooLarge(name, most / MIB))?;
            return if most == self.left { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        }
        self.left -= bytes.len() as u64;
        let read = read.map_err(|error| damaged(name.clone(), &error));
        let content = if Packing::of_log(&bytes).is_some() { unpacked(&name, bytes) } else { of_bytes(&name, bytes) };
        match (read, content) {
            (Err(fault), _) => self.fault(name, fault),
            // Pictures, programs, notes: an archive may hold anything.
            (Ok(_), Err(_)) => ControlFlow::Continue(()),
            (Ok(_), Ok(content)) => {
                if !is_log(OsStr::new(inside)) && !content.is_log() {
                    return ControlFlow::Continue(());
                }
                self.logs += 1;
                (self.take)(Log { name, content: Ok(content) })
            }
        }
    }

    fn end(mut self) {
        if self.logs == 0 {
            let name = self.archive.to_owned();
            let _ = self.fault(name.clone(), Unreadable::NoMember(name, self.files));
        }
    }
}

fn unpacked(name: &str, bytes: Vec<u8>) -> Result<Content, Unreadable> {
    match open_reader(Box::new(Cursor::new(bytes)), &Source::Path(PathBuf::from(name)))? {
        Input::Stream(stream) => of_compressed(name, stream),
        Input::Whole(whole) => of_bytes(name, whole.to_vec()),
    }
}

/// The logs of an archive that is in memory.
pub(super) fn each_member(name: &str, form: Form, bytes: &[u8], take: &mut dyn FnMut(Log) -> ControlFlow<()>) {
    let mut reading = Reading { archive: name, take, files: 0, logs: 0, left: LARGEST_ARCHIVE * MIB };
    let done = match form {
        Form::Zip => each_of_zip(&mut reading, Cursor::new(bytes)),
        Form::Tar => each_of_tar(&mut reading, &mut &bytes[..]),
    };
    if done.is_continue() {
        reading.end();
    }
}

/// The logs of an archive that comes as a stream, of which `head` was read.
pub(super) fn each_streamed(
    name: &str,
    form: Form,
    head: Vec<u8>,
    mut stream: Stream,
    take: &mut dyn FnMut(Log) -> ControlFlow<()>,
) {
    if form == Form::Zip {
        // Its table of contents is at the end.
        let mut bytes = head;
        let most = LARGEST_PIPED * MIB;
        let read = (&mut stream).take(most.saturating_sub(bytes.len() as u64)).read_to_end(&mut bytes);
        return if read.is_ok() && (bytes.len() as u64) < most {
            each_member(name, form, &bytes, take)
        } else {
            let _ =
                take(Log { name: name.to_owned(), content: Err(Unreadable::TooLarge(name.to_owned(), LARGEST_PIPED)) });
        };
    }
    let mut reading = Reading { archive: name, take, files: 0, logs: 0, left: LARGEST_ARCHIVE * MIB };
    let mut done = each_of_tar(&mut reading, &mut Cursor::new(head).chain(&mut stream));
    if let Some(damage) = stream.damage().cloned() {
        done = reading.fault(name.to_owned(), Unreadable::Damaged(name.to_owned(), damage));
    }
    if done.is_continue() {
        reading.end();
    }
}

fn each_of_zip(reading: &mut Reading<'_>, reader: impl Read + Seek) -> ControlFlow<()> {
    let mut archive = match zip::ZipArchive::new(reader) {
        Ok(archive) => archive,
        Err(error) => return reading.archive_fault(&error),
    };
    for index in 0..archive.len() {
        match archive.by_index(index) {
            Ok(member) if !member.is_file() => {}
            Ok(mut member) => {
                let name = member.name().map_or_else(|_| format!("member {}", index + 1), |name| name.into_owned());
                let most = (member.compressed_size().saturating_mul(BOMB_RATIO)).max(BOMB_FROM * MIB);
                reading.member(&name, &mut member, most)?;
            }
            Err(error) => {
                let name = format!("{}/member {}", reading.archive, index + 1);
                reading.fault(name.clone(), damaged(name, &error))?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn each_of_tar(reading: &mut Reading<'_>, reader: &mut dyn Read) -> ControlFlow<()> {
    let mut archive = tar::Archive::new(reader);
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => return reading.archive_fault(&error),
    };
    for entry in entries {
        let mut entry = match entry {
            Ok(entry) => entry,
            Err(error) => return reading.archive_fault(&error),
        };
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            reading.member(&name, &mut entry, u64::MAX - 1)?;
        }
    }
    ControlFlow::Continue(())
}
