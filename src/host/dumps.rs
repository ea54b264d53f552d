//! What a crash left behind: records of pstore, logs beside kernel dumps.

use super::text::{Cutter, Fault, Read, modified};
use crate::engine::Options;
use crate::intake::files_below;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where pstore is mounted and where systemd keeps what it found there, below the root.
pub(super) const PSTORE: [&str; 2] = ["sys/fs/pstore", "var/lib/systemd/pstore"];
/// Where dumps go where nothing else is said, below the root.
const DUMPS: &str = "var/crash";
/// Files that say where dumps go, and the word before the folder.
const DUMP_SETTINGS: [(&str, &str); 3] = [
    ("etc/kdump.conf", "path "),
    ("etc/default/kdump-tools", "KDUMP_COREDIR="),
    ("etc/sysconfig/kdump", "KDUMP_SAVEDIR="),
];
/// A file of settings is smaller than this, bytes.
const SETTINGS: u64 = 1 << 20;
/// The first line of a record of pstore is shorter than this, bytes.
const HEADER: usize = 64;

/// The records of pstore in a folder: of each dump the parts in order.
#[must_use]
pub(super) fn pstore(options: &Options, folder: &Path) -> Read {
    let wanted = |name: &std::ffi::OsStr| {
        let name = name.to_string_lossy();
        (name.starts_with("dmesg") || name.starts_with("console-")) && !name.ends_with(".enc.z")
    };
    let mut read = Read::default();
    // By folder and what the header says besides the part: a dump of several parts is written in small records, the last
    // lines first.
    let mut dumps: BTreeMap<(PathBuf, String), Vec<(u64, PathBuf)>> = BTreeMap::new();
    for path in files_below(folder, wanted).unwrap_or_default() {
        let (key, part) = header(&path).unwrap_or_else(|| (path.display().to_string(), 0));
        dumps.entry((path.parent().unwrap_or(folder).to_owned(), key)).or_default().push((part, path));
    }
    for mut parts in dumps.into_values() {
        parts.sort_by_key(|(part, _)| std::cmp::Reverse(*part));
        let mut cutter = Cutter::of_one_boot(options);
        for (_, path) in &parts {
            cutter.file(path);
        }
        let mut found = cutter.finish();
        let dumped = parts.iter().filter_map(|(_, path)| modified(path)).max();
        found.strands.iter_mut().for_each(|strand| strand.dumped = dumped);
        absorb(&mut read, found);
    }
    read
}

/// Records that are still packed, which only the kernel unpacks.
#[must_use]
pub(super) fn still_packed(folder: &Path) -> usize {
    files_below(folder, |name| name.to_string_lossy().ends_with(".enc.z")).map_or(0, |files| files.len())
}

/// `Panic#2 Part3`: the reason with its count, and the part.
fn header(path: &Path) -> Option<(String, u64)> {
    use std::io::Read as _;
    let mut first = Vec::new();
    std::fs::File::open(path).ok()?.take(HEADER as u64).read_to_end(&mut first).ok()?;
    let line = std::str::from_utf8(first.split(|byte| *byte == b'\n').next()?).ok()?;
    let (reason, part) = line.trim_end().rsplit_once(" Part")?;
    reason.contains('#').then_some(())?;
    Some((reason.to_owned(), part.parse().ok()?))
}

/// Adds the one reading to the other; what was read of a file is one boot unless it says otherwise.
pub(super) fn absorb(all: &mut Read, read: Read) {
    all.strands.extend(read.strands);
    all.faults.extend(read.faults);
    all.opened += read.opened;
}

/// The folders into which dumps of the kernel go, below a root: the usual one, and those that the settings of kdump name.
#[must_use]
pub(super) fn dump_folders(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.join(DUMPS)];
    for (file, word) in DUMP_SETTINGS {
        let path = root.join(file);
        if std::fs::metadata(&path).is_ok_and(|data| data.len() > SETTINGS) {
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        for line in text.lines() {
            let Some(rest) = line.trim_start().strip_prefix(word) else { continue };
            let named = rest.trim().trim_matches(['"', '\'']).trim_start_matches("file://");
            if let Some(below) = named.strip_prefix('/') {
                folders.push(root.join(below));
            }
        }
    }
    folders.sort();
    folders.dedup();
    folders
}

/// The logs beside dumps in a folder, and the dumps that have none.
#[must_use]
pub(super) fn dump_logs(options: &Options, folder: &Path) -> (Read, Vec<PathBuf>) {
    let mut read = Read::default();
    let mut bare = Vec::new();
    let is_log = |name: &str| name == "vmcore-dmesg.txt" || name == "dmesg.txt" || name.starts_with("dmesg.");
    let is_dump = |name: &str| name == "vmcore" || name.starts_with("vmcore.") || name.starts_with("dump.");
    let files = files_below(folder, |name| {
        let name = name.to_string_lossy();
        is_log(&name) || is_dump(&name)
    });
    let mut folders: BTreeMap<PathBuf, (Vec<PathBuf>, bool)> = BTreeMap::new();
    for path in files.unwrap_or_default() {
        let Some((parent, name)) = path.parent().zip(path.file_name()) else { continue };
        let known = folders.entry(parent.to_owned()).or_default();
        if is_log(&name.to_string_lossy()) {
            known.0.push(path);
        } else {
            known.1 = true;
        }
    }
    for (place, (logs, _)) in folders {
        if logs.is_empty() {
            bare.push(place);
        }
        for log in logs {
            let mut cutter = Cutter::of_one_boot(options);
            cutter.file(&log);
            let mut found = cutter.finish();
            // The memory of a crashed kernel holds one boot.
            found.strands.iter_mut().for_each(|strand| {
                strand.is_crash_dump = true;
                strand.dumped = modified(&log);
            });
            absorb(&mut read, found);
        }
    }
    (read, bare)
}

/// Whether a fault is that the user may not read the file.
#[must_use]
pub(super) fn is_denied(fault: &Fault) -> bool {
    matches!(&fault.why, super::text::Why::Closed(error) if error.is_denied())
}
