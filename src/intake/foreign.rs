//! What people take for a log and is none: known by its first bytes, named in one sentence with a remedy.

use super::nature::is_kernel_line;
use super::page::read_page;
use crate::input::{Damage, InputError, begins_page};
use std::fmt;

/// Something that is not the text of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// An ELF core: the memory of a crashed kernel, or of a program.
    Core,
    /// Another ELF file: a program, a module, a kernel image.
    Elf,
    /// A kernel dump as makedumpfile writes it.
    KernelDump,
    /// A file of the systemd journal.
    Journal,
    /// A PDF document.
    Pdf,
    /// A picture.
    Picture,
    /// A web page without a log in it.
    Page,
    /// An archive that is not unpacked here: 7z, rar.
    Archive,
    /// Zeros, nothing else.
    Zeros,
    /// Anything else that is not text.
    Binary,
}

/// So much of a text is looked at, bytes.
pub(super) const SAMPLE: usize = 64 << 10;
/// And so much for being binary, bytes.
const BINARY_SAMPLE: usize = 16 << 10;

/// How files begin that are not logs.
const MAGICS: [(&[u8], Foreign); 16] = [
    (b"\x7fELF", Foreign::Elf),
    (b"KDUMP   ", Foreign::KernelDump),
    (b"DISKDUMP", Foreign::KernelDump),
    (b"makedumpfile\0", Foreign::KernelDump),
    (b"LPKSHHRH", Foreign::Journal),
    (b"%PDF-", Foreign::Pdf),
    (b"\x89PNG\r\n\x1a\n", Foreign::Picture),
    (b"\xff\xd8\xff", Foreign::Picture),
    (b"GIF87a", Foreign::Picture),
    (b"GIF89a", Foreign::Picture),
    (b"II*\0", Foreign::Picture),
    (b"MM\0*", Foreign::Picture),
    (b"7z\xbc\xaf\x27\x1c", Foreign::Archive),
    (b"Rar!\x1a\x07", Foreign::Archive),
    (b"\0\0\x01\0", Foreign::Picture),
    (b"\xcf\xfa\xed\xfe", Foreign::Binary),
];

impl Foreign {
    /// What a file is whose first bytes (64 KiB are enough) these are; `None` if it is text. UTF-16 must be made plain before.
    /// `all` says that these are all its bytes: zeros may stand before a log.
    #[must_use]
    pub fn of(first: &[u8], all: bool) -> Option<Self> {
        if all && !first.is_empty() && first.iter().all(|byte| *byte == 0) {
            return Some(Self::Zeros);
        }
        // What a page shows is known at its end.
        if begins_page(first) {
            return (all && is_page(first)).then_some(Self::Page);
        }
        let first = &first[..first.len().min(SAMPLE)];
        if let Some((_, kind)) = MAGICS.iter().find(|(magic, _)| first.starts_with(magic)) {
            // e_type, in the byte order that e_ident names, is 4 for cores.
            let core = matches!(first, [_, _, _, _, _, 1, _, _, _, _, _, _, _, _, _, _, 4, 0, ..])
                || matches!(first, [_, _, _, _, _, 2, _, _, _, _, _, _, _, _, _, _, 0, 4, ..]);
            return Some(if *kind == Self::Elf && core { Self::Core } else { *kind });
        }
        if matches!(first, [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..]) {
            return Some(Self::Picture);
        }
        is_binary(first)
    }
}

/// Whether a web page shows no log, and less than half of its lines are a log's as they stand.
fn is_page(page: &[u8]) -> bool {
    let (mut kernel, mut all) = (0, 0);
    for line in page[..page.len().min(SAMPLE)].split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
    {
        all += 1;
        kernel += usize::from(is_kernel_line(line));
    }
    kernel * 2 < all && read_page(page).is_none()
}

/// Text has hardly any control characters; zeros do not count, since a crash leaves blocks of them in logs. A log whose
/// lines got torn among other bytes is a log all the same.
fn is_binary(first: &[u8]) -> Option<Foreign> {
    let first = &first[..first.len().min(BINARY_SAMPLE)];
    let mut lines = first.split(|byte| *byte == b'\n');
    // Of most logs the first line is one already.
    if lines.next().is_some_and(is_kernel_line) {
        return None;
    }
    let controls = count(first, |byte| {
        (byte.wrapping_sub(1) < 6) | (byte.wrapping_sub(0x0e) < 13) | (byte.wrapping_sub(0x1c) < 4) | (byte == 0x7f)
    });
    if controls == 0 {
        return None;
    }
    let all = count(first, |byte| byte != 0);
    let binary = controls * 20 >= all && all > 16;
    (binary && !lines.any(is_kernel_line)).then_some(Foreign::Binary)
}

/// How many bytes are such ones. Counted by few at a time in a byte, which the processor does for sixteen of them at once.
fn count(bytes: &[u8], such: impl Fn(u8) -> bool) -> usize {
    const FEW: usize = 15 * 16;
    let few = |part: &[u8]| part.iter().fold(0_u8, |count, byte| count + u8::from(such(*byte)));
    bytes.chunks(FEW).map(|part| usize::from(few(part))).sum()
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Core => {
                "is an ELF core (a dump of memory), not a log: take the kernel's log out of it, as in `vmcore-dmesg vmcore | kanalyze`"
            }
            Self::Elf => {
                "is an ELF file (a program, module or kernel), not a log: give a kernel to -k and name the log, as in `kanalyze parse -k vmlinux LOG`"
            }
            Self::KernelDump => {
                "is a kernel dump, not a log: take the log out of it, as in `makedumpfile --dump-dmesg vmcore dmesg.txt && kanalyze dmesg.txt`"
            }
            Self::Journal => {
                "is a file of the systemd journal: print its kernel lines, as in `journalctl --file FILE -k | kanalyze`"
            }
            Self::Pdf => "is a PDF document, not a log: take its text out, as in `pdftotext -layout FILE - | kanalyze`",
            Self::Picture => {
                "is a picture, not a log: copy the text (`journalctl -k -b -1`, /sys/fs/pstore, netconsole), or read it off with an OCR program"
            }
            Self::Page => "is a web page without a log in it: save the log itself (\"raw\", \"plain\"), as in `curl -L URL | kanalyze`",
            Self::Archive => "is an archive that is not read here: unpack it and name the logs in it",
            Self::Zeros => "holds zeros and nothing else: the log was lost; look for another copy (journal, pstore, serial console)",
            Self::Binary => "is mostly binary, not a log: name a text file, or print it as text first",
        })
    }
}

/// Why something that was named gives no log. One sentence with a remedy; other names are not concerned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It cannot be opened.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It is not a log.
    #[error("{0}: {1}")]
    Foreign(String, Foreign),
    /// Nothing could be read from it; it may be empty.
    #[error("{0}: {1}")]
    Damaged(String, Damage),
    /// A URL.
    #[error("{0}: nothing is downloaded here: pipe it in, as in `curl -L {0} | kanalyze`")]
    Address(String),
    /// A folder or pattern without a log.
    #[error("{0}: no log is here: a folder needs runs with a serial.log, or files that end in {1}")]
    Nowhere(String, String),
    /// An archive without a log.
    #[error("{0}: no log is among the {1} files of this archive: unpack it and name the right one")]
    NoMember(String, usize),
    /// An archive that cannot be read (on).
    #[error("{0}: the archive is damaged ({1}): copy it again, or unpack it yourself")]
    Archive(String, String),
    /// A member of an archive that is larger than what is read of one.
    #[error(
        "{0}: refused, since more than {1} MiB come out of this archive or its member: unpack it yourself if you trust it"
    )]
    TooLarge(String, u64),
    /// A pipe or device that does not end.
    #[error("{0}: more than {1} MiB came and it has not ended: cut out the part that matters, as in `head -c 100M`")]
    Endless(String, usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_log_is_known_by_its_first_bytes() {
        let core = |kind: u8| [&b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"[..], &[kind, 0, 62, 0]].concat();
        assert_eq!(Foreign::of(&core(4), true), Some(Foreign::Core));
        assert_eq!(Foreign::of(&core(1), true), Some(Foreign::Elf));
        assert_eq!(Foreign::of(b"KDUMP   \x06\0\0\0", true), Some(Foreign::KernelDump));
        assert_eq!(Foreign::of(b"%PDF-1.7\n", true), Some(Foreign::Pdf));
        assert_eq!(Foreign::of(&[0; 9000], true), Some(Foreign::Zeros));
        assert_eq!(Foreign::of(&[0; 9000], false), None, "a log may follow");
        let noise: Vec<u8> = (0..9000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(Foreign::of(&noise, true), Some(Foreign::Binary));
        let torn = [&noise[..], b"\n[    1.000000] BUG: something\n"].concat();
        assert_eq!(Foreign::of(&torn, true), None, "a log among noise");
    }

    #[test]
    fn logs_are_text() {
        let zeros = [&[0_u8; 4096][..], b"BUG: something"].concat();
        for text in [&b""[..], b"BUG: x\n", &zeros, b"\x1b[31m[    1.0] red\x1b[0m\n", "[ 1.0] ünïcode\n".as_bytes()]
        {
            assert_eq!(Foreign::of(text, true), None, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_page_is_read_if_it_shows_a_log() {
        let log = "[    1.000000] BUG: something<br>\n".repeat(9);
        assert_eq!(Foreign::of(format!("<!DOCTYPE html>\n<pre>\n{log}</pre>\n").as_bytes(), true), None);
        let words = "<p>words</p>\n".repeat(30);
        assert_eq!(Foreign::of(format!("<html>\n{words}{log}").as_bytes(), true), None);
        assert_eq!(Foreign::of(format!("<html>\n{words}").as_bytes(), true), Some(Foreign::Page));
        assert_eq!(Foreign::of(format!("<html>\n{words}").as_bytes(), false), None, "a log may follow");
    }
}
