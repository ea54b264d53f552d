//! Which partition of a disk image holds the root file system: the partition table and the file systems' magic numbers.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes of a sector; images with others are not booted by anybody here.
const SECTOR: u64 = 512;

/// What was found in an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Layout {
    /// No partition table: the whole disk is one file system.
    Whole(&'static str),
    /// Partitions in the order of their numbers.
    Partitions(Vec<Partition>),
    /// Neither.
    Unknown,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// From 1, as in `/dev/vda1`.
    pub number: u32,
    /// First byte.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// Its file system, if known.
    pub filesystem: Option<&'static str>,
    /// Whether the table says that it holds a Linux file system.
    pub linux: bool,
}

/// Reads the layout of a raw image.
///
/// # Errors
/// The image cannot be read. A damaged table is [`Layout::Unknown`].
pub fn layout(image: &Path) -> io::Result<Layout> {
    read_layout(&mut File::open(image)?)
}

/// What else than the image itself a guest sees through a qcow2 image: a backing file, which may be any file or server, or a file
/// with the data. Nothing for other images.
///
/// # Errors
/// The image cannot be read.
pub fn leads_to(image: &Path) -> io::Result<Option<String>> {
    /// No name is longer; QEMU refuses more than 1,023 bytes.
    const LONGEST: u32 = 1_023;
    let mut file = File::open(image)?;
    let head = read_at(&mut file, 0, 80)?;
    if !head.starts_with(b"QFI\xfb") {
        return Ok(None);
    }
    let word = |at: usize| head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes);
    let long = |at: usize| u64::from(word(at)) << 32 | u64::from(word(at + 4));
    let (place, length) = (long(8), word(16));
    if place != 0 {
        let name = read_at(&mut file, place, length.min(LONGEST) as usize)?;
        return Ok(Some(format!("'{}'", String::from_utf8_lossy(&name))));
    }
    let outside = word(4) >= 3 && long(72) & 1 << 2 != 0;
    Ok(outside.then(|| "a file of its own for the data".to_owned()))
}

/// The partition to mount as root: the largest Linux file system; 0 is the whole disk.
#[must_use]
pub fn root_partition(layout: &Layout) -> Option<u32> {
    match layout {
        Layout::Whole(_) => Some(0),
        Layout::Unknown => None,
        Layout::Partitions(partitions) => {
            let rank = |partition: &&Partition| {
                let root = partition.filesystem.is_some_and(|name| ROOT_FILESYSTEMS.contains(&name));
                (root, partition.linux, partition.size)
            };
            partitions
                .iter()
                .filter(|partition| rank(partition).0 || (partition.linux && partition.filesystem.is_none()))
                .max_by_key(rank)
                .map(|partition| partition.number)
        }
    }
}

const ROOT_FILESYSTEMS: [&str; 6] = ["ext", "xfs", "btrfs", "f2fs", "squashfs", "erofs"];

/// Where a file system keeps which bytes (offset, bytes, name).
const MAGICS: [(u64, &[u8], &str); 8] = [
    (0x438, &[0x53, 0xef], "ext"),
    (0, b"XFSB", "xfs"),
    (0x1_0040, b"_BHRfS_M", "btrfs"),
    (0x400, &[0x10, 0x20, 0xf5, 0xf2], "f2fs"),
    (0, b"hsqs", "squashfs"),
    (0x400, &[0xe2, 0xe1, 0xf5, 0xe0], "erofs"),
    (0x52, b"FAT32   ", "vfat"),
    (0x36, b"FAT16   ", "vfat"),
];

fn read_layout(image: &mut (impl Read + Seek)) -> io::Result<Layout> {
    let head = read_at(image, 0, 2 * 512)?;
    let partitions = if head.len() == 1024 && &head[512..520] == b"EFI PART" {
        read_gpt(image, &head[512..])?
    } else if head.len() >= 512 && head[510..512] == [0x55, 0xaa] {
        read_mbr(image, &head[..512])?
    } else {
        Vec::new()
    };
    if !partitions.is_empty() {
        return Ok(Layout::Partitions(partitions));
    }
    Ok(filesystem_at(image, 0)?.map_or(Layout::Unknown, Layout::Whole))
}

fn read_mbr(image: &mut (impl Read + Seek), sector: &[u8]) -> io::Result<Vec<Partition>> {
    let mut partitions = Vec::new();
    for (number, entry) in (1..).zip(sector[446..510].chunks_exact(16)) {
        let (status, kind) = (entry[0], entry[4]);
        let (start, sectors) = (u64::from(word(entry, 8)), u64::from(word(entry, 12)));
        // A FAT boot sector ends in 55 aa too; its bytes here are code.
        if status & 0x7f != 0 {
            return Ok(Vec::new());
        }
        if kind == 0 || sectors == 0 || kind == 0xee {
            continue;
        }
        partitions.push(Partition {
            number,
            start: start * SECTOR,
            size: sectors * SECTOR,
            filesystem: filesystem_at(image, start * SECTOR)?,
            linux: kind == 0x83,
        });
    }
    Ok(partitions)
}

fn read_gpt(image: &mut (impl Read + Seek), header: &[u8]) -> io::Result<Vec<Partition>> {
    let (table, count, size) = (long(header, 72), word(header, 80), word(header, 84));
    if !(128..=4096).contains(&size) || count > 1024 {
        return Ok(Vec::new());
    }
    let entries = read_at(image, table.saturating_mul(SECTOR), count as usize * size as usize)?;
    let mut partitions = Vec::new();
    for (number, entry) in (1..).zip(entries.chunks_exact(size as usize)) {
        if entry[..16] == [0; 16] {
            continue;
        }
        let (first, last) = (long(entry, 32), long(entry, 40));
        let start = first.saturating_mul(SECTOR);
        partitions.push(Partition {
            number,
            start,
            size: last.saturating_sub(first).saturating_add(1).saturating_mul(SECTOR),
            filesystem: filesystem_at(image, start)?,
            // 0FC63DAF-…: Linux data; 4F68BCE3-…: root of x86_64; B921B045-…: root of arm64.
            linux: matches!(entry[..4], [0xaf, 0x3d, 0xc6, 0x0f] | [0xe3, 0xbc, 0x68, 0x4f] | [0x45, 0xb0, 0x21, 0xb9]),
        });
    }
    Ok(partitions)
}

fn filesystem_at(image: &mut (impl Read + Seek), start: u64) -> io::Result<Option<&'static str>> {
    for (offset, magic, name) in MAGICS {
        if read_at(image, start.saturating_add(offset), magic.len())? == magic {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// As many of the bytes as the image has.
fn read_at(image: &mut (impl Read + Seek), offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if i64::try_from(offset).is_ok() {
        image.seek(SeekFrom::Start(offset))?;
        image.take(length as u64).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from(word(bytes, at)) | u64::from(word(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
        image[at..at + bytes.len()].copy_from_slice(bytes);
    }

    #[test]
    fn an_image_that_shows_the_guest_another_file_is_known() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("disk.qcow2");
        let led = |version: u8, backing: &[u8], external: bool| {
            let mut image = vec![0; 512];
            put(&mut image, 0, b"QFI\xfb");
            image[7] = version;
            if !backing.is_empty() {
                image[15] = 104;
                image[19] = u8::try_from(backing.len()).expect("a short name");
                put(&mut image, 104, backing);
            }
            image[79] = u8::from(external) << 2;
            std::fs::write(&path, image).expect("an image");
            leads_to(&path).expect("read")
        };
        assert_eq!(led(3, b"", false), None);
        assert_eq!(led(2, b"/etc/shadow", false).as_deref(), Some("'/etc/shadow'"));
        assert_eq!(led(3, b"nbd://example.org/x", false).as_deref(), Some("'nbd://example.org/x'"));
        assert!(led(3, b"", true).is_some());
        assert_eq!(led(2, b"", true), None, "version 2 has no such field");
        std::fs::write(&path, "raw").expect("an image");
        assert_eq!(leads_to(&path).expect("read"), None);
    }

    #[test]
    fn an_unpartitioned_file_system_is_the_whole_disk() {
        let mut image = vec![0; 4096];
        put(&mut image, 0x438, &[0x53, 0xef]);
        let layout = read_layout(&mut Cursor::new(image)).expect("read");
        assert_eq!(layout, Layout::Whole("ext"));
        assert_eq!(root_partition(&layout), Some(0));
    }

    #[test]
    fn the_linux_partition_of_a_pc_table_is_found() {
        let mut image = vec![0; 64 << 10];
        put(&mut image, 510, &[0x55, 0xaa]);
        // vfat at sector 8, ext at sector 64.
        put(&mut image, 446 + 4, &[0x0c, 0, 0, 0, 8, 0, 0, 0, 56, 0, 0, 0]);
        put(&mut image, 446 + 16 + 4, &[0x83, 0, 0, 0, 64, 0, 0, 0, 64, 0, 0, 0]);
        put(&mut image, 8 * 512 + 0x52, b"FAT32   ");
        put(&mut image, 64 * 512 + 0x438, &[0x53, 0xef]);
        let layout = read_layout(&mut Cursor::new(image)).expect("read");
        assert_eq!(root_partition(&layout), Some(2));
    }

    #[test]
    fn a_gpt_counts_by_entry_and_not_by_presence() {
        let mut image = vec![0; 64 << 10];
        put(&mut image, 510, &[0x55, 0xaa]);
        put(&mut image, 446 + 4, &[0xee, 0, 0, 0, 1, 0, 0, 0, 127, 0, 0, 0]);
        put(&mut image, 512, b"EFI PART");
        put(&mut image, 512 + 72, &[2]);
        put(&mut image, 512 + 80, &[16]);
        put(&mut image, 512 + 84, &[128]);
        let entry = 1024 + 2 * 128;
        put(&mut image, entry, &[0xaf, 0x3d, 0xc6, 0x0f]);
        put(&mut image, entry + 32, &[40]);
        put(&mut image, entry + 40, &[100]);
        put(&mut image, 40 * 512, b"XFSB");
        let layout = read_layout(&mut Cursor::new(image)).expect("read");
        assert_eq!(root_partition(&layout), Some(3), "{layout:?}");
    }

    #[test]
    fn hostile_tables_and_short_images_are_unknown() {
        for image in [vec![], vec![0x55; 100], vec![0xff; 4096], vec![0; 512]] {
            let layout = read_layout(&mut Cursor::new(image)).expect("read");
            assert_eq!(root_partition(&layout), None);
        }
        let mut image = vec![0xff; 2048];
        put(&mut image, 512, b"EFI PART");
        put(&mut image, 512 + 80, &[16, 0, 0, 0]);
        put(&mut image, 512 + 84, &[128, 0, 0, 0]);
        assert_eq!(root_partition(&read_layout(&mut Cursor::new(image)).expect("read")), None);
    }
}
