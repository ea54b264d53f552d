//! What a file's first bytes say that it is, and whether that is what was asked for.

use super::manifest::Role;
use crate::architecture::Architecture;
use crate::packing::Packing;

/// How many of a file's first bytes are looked at.
pub const HEAD: usize = 4 << 10;

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Nothing at all.
    Empty,
    /// A web page.
    Html,
    /// JSON, by its first byte.
    Json,
    /// Other text.
    Text,
    /// A kernel for a boot loader, recognised by its header.
    Kernel(Architecture),
    /// An ELF file.
    Elf,
    /// A disk with a partition table.
    RawDisk,
    /// QEMU's own disk format.
    Qcow2,
    /// A filesystem without a partition table around it.
    Ext4,
    /// An initramfs, unpacked.
    Cpio,
    /// xz.
    Xz,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// None of these.
    Binary,
}

impl Format {
    /// The name in a manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Html => "html",
            Self::Json => "json",
            Self::Text => "text",
            Self::Kernel(architecture) => architecture.boot_header().map_or("binary", |header| header.format),
            Self::Elf => "elf",
            Self::RawDisk => "raw-disk",
            Self::Qcow2 => "qcow2",
            Self::Ext4 => "ext4",
            Self::Cpio => "cpio",
            Self::Xz => "xz",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Binary => "binary",
        }
    }

    /// The format with this name in a manifest.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Empty,
            Self::Html,
            Self::Json,
            Self::Text,
            Self::Elf,
            Self::RawDisk,
            Self::Qcow2,
            Self::Ext4,
            Self::Cpio,
            Self::Xz,
            Self::Gzip,
            Self::Zstd,
            Self::Binary,
        ]
        .into_iter()
        .chain(Architecture::ALL.into_iter().filter(|known| known.boot_header().is_some()).map(Self::Kernel))
        .find(|format| format.name() == name)
    }

    /// The processor that a kernel image is for, where its format says so.
    #[must_use]
    pub fn architecture(self) -> Option<Architecture> {
        match self {
            Self::Kernel(architecture) => Some(architecture),
            _ => None,
        }
    }
}

/// Identifies a file by its first bytes, of which [`HEAD`] suffice.
#[must_use]
pub fn identify(head: &[u8]) -> Format {
    let at = |offset: usize, magic: &[u8]| head.get(offset..offset + magic.len()) == Some(magic);
    if head.is_empty() {
        return Format::Empty;
    }
    if at(0, b"\x7fELF") {
        return Format::Elf;
    }
    // A bzImage has the boot sector's 55 aa as well, an EFI stub makes any kernel look like a Windows program.
    let kernel = Architecture::of_boot_image(head).map(Format::Kernel);
    let others: [(usize, &[u8], Format); 8] = [
        (0, b"QFI\xfb", Format::Qcow2),
        (0, b"070701", Format::Cpio),
        (0, b"070702", Format::Cpio),
        (512, b"EFI PART", Format::RawDisk),
        (4096 - 8, b"EFI PART", Format::RawDisk),
        (0x438, b"\x53\xef", Format::Ext4),
        (510, b"\x55\xaa", Format::RawDisk),
        (0, b"\xef\xbb\xbf<", Format::Html),
    ];
    let other = || others.iter().find(|(offset, magic, _)| at(*offset, magic)).map(|(.., format)| *format);
    let packed = || match Packing::of(head)? {
        Packing::Xz => Some(Format::Xz),
        Packing::Gzip => Some(Format::Gzip),
        Packing::Zstd => Some(Format::Zstd),
        Packing::Bzip2 | Packing::Lzma | Packing::Lz4 | Packing::Lzo => None,
    };
    if let Some(format) = kernel.or_else(packed).or_else(other) {
        return format;
    }
    if !is_text(head) {
        return Format::Binary;
    }
    let start = head.trim_ascii_start();
    if begins_as_page(head) {
        Format::Html
    } else if start.starts_with(b"{") || start.starts_with(b"[{") {
        Format::Json
    } else {
        Format::Text
    }
}

/// Whether the first bytes are those of a web page, whatever comes behind them.
#[must_use]
pub fn begins_as_page(head: &[u8]) -> bool {
    let start = head.trim_ascii_start();
    let begins = |word: &[u8]| start.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    head.starts_with(b"\xef\xbb\xbf<")
        || [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<title", b"<!--", b"<?xml"].into_iter().any(begins)
}

/// Text has no NUL and few control bytes; kernel logs may hold escape sequences and broken UTF-8.
fn is_text(head: &[u8]) -> bool {
    let odd = head.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).count();
    !head.contains(&0) && odd * 20 <= head.len()
}

/// A file is of another kind than the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what came is {what}, not {}", wanted(*role))]
pub struct ContentError {
    role: Role,
    what: &'static str,
}

/// Whether a file that was asked for as `role` may be of this `format`.
///
/// # Errors
/// [`ContentError`], if not.
pub fn check(role: Role, format: Format) -> Result<(), ContentError> {
    use Format as F;
    let right = match role {
        Role::Kernel => {
            matches!(format, F::Kernel(_) | F::Elf)
        }
        Role::Vmlinux | Role::SyzExecprog | Role::SyzExecutor => format == F::Elf,
        Role::Disk => matches!(format, F::RawDisk | F::Qcow2 | F::Ext4 | F::Binary),
        Role::Initrd => matches!(format, F::Cpio | F::Gzip | F::Xz | F::Zstd),
        Role::MountedImage => !matches!(format, F::Empty | F::Html),
        Role::BugPage => format == F::Html,
        Role::BugJson => format == F::Json,
        Role::Config | Role::ReproSyz | Role::ReproC | Role::SystemMap => format == F::Text,
        Role::ReproLog | Role::ConsoleLog | Role::Report | Role::MachineInfo | Role::FsckLog | Role::BisectLog => {
            matches!(format, F::Text | F::Binary | F::Json)
        }
        Role::Other => true,
    };
    if right {
        return Ok(());
    }
    let what = match format {
        F::Html => "a web page (an error, a login or a robot check)",
        F::Empty => "empty",
        other => other.name(),
    };
    Err(ContentError { role, what })
}

fn wanted(role: Role) -> &'static str {
    match role {
        Role::Kernel => "a kernel image",
        Role::Disk => "a disk image",
        Role::Initrd => "an initramfs",
        Role::Vmlinux => "a vmlinux (ELF)",
        Role::SyzExecprog | Role::SyzExecutor => "a program (ELF)",
        Role::SystemMap => "a System.map",
        Role::Config => "a kernel configuration",
        Role::ReproSyz => "a syz program",
        Role::ReproC => "a C program",
        Role::MountedImage => "a filesystem image",
        Role::BugJson => "the bug as JSON",
        Role::BugPage => "the bug's page",
        Role::ReproLog | Role::ConsoleLog | Role::FsckLog | Role::BisectLog => "a log",
        Role::Report => "a crash report",
        Role::MachineInfo => "a machine's description",
        Role::Other => "a file",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(offset: usize, magic: &[u8]) -> Vec<u8> {
        let mut head = vec![0; HEAD];
        head[offset..offset + magic.len()].copy_from_slice(magic);
        head
    }

    #[test]
    fn a_kernel_is_no_disk_although_it_has_a_boot_sector() {
        let mut head = with(0x202, b"HdrS");
        head[510..512].copy_from_slice(b"\x55\xaa");
        assert_eq!(identify(&head), Format::Kernel(Architecture::Amd64));
        assert_eq!(identify(&with(510, b"\x55\xaa")), Format::RawDisk);
        assert_eq!(identify(&with(0x438, b"\x53\xef")), Format::Ext4);
        assert_eq!(identify(&with(0x38, b"ARM\x64")), Format::Kernel(Architecture::Arm64));
        for format in [Format::Kernel(Architecture::Riscv64), Format::Kernel(Architecture::Arm), Format::Qcow2] {
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
    }

    #[test]
    fn an_error_page_is_nothing_that_a_bundle_wants() {
        let page = identify(b"\n <!DOCTYPE HTML><title>404</title>");
        assert_eq!(page, Format::Html);
        for role in
            [Role::Kernel, Role::ReproSyz, Role::ReproC, Role::ConsoleLog, Role::Config, Role::Disk, Role::BugJson]
        {
            let words = check(role, page).expect_err("a page is refused").to_string();
            assert!(words.contains("web page"), "{words}");
        }
    }

    #[test]
    fn programs_and_logs_are_text() {
        assert_eq!(identify(b"# https://x/bug?id=1\n#{\"procs\":6}\nopenat(0x0)\n"), Format::Text);
        assert_eq!(identify(b"[    0.0] \x1b[1mhello\xff\xfe\r\n and so on and so forth"), Format::Text);
        assert_eq!(identify(b"{\"version\":1}"), Format::Json);
        assert_eq!(identify(b""), Format::Empty);
        assert_eq!(identify(b"a\0b"), Format::Binary);
        assert!(check(Role::ReproSyz, Format::Empty).is_err());
    }
}
