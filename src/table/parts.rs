//! A partitioned table: a folder below folders `column=value`, to which files are added.

use super::draft::{Draft, at};
use super::form::Form;
use super::place::Place;
use super::{NOTHING, Origin, Row, TableError};
use crate::files;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Files of a partitioned table that are written to at once.
const OPEN: usize = 64;
/// Memory for the row group of each, bytes.
const GROUP: usize = 2 << 20;

/// A partitioned table: a folder below folders `column=value`.
pub(super) struct Parts {
    folder: PathBuf,
    by: Vec<String>,
    /// Files being written, by their folder below the table's; the number says when one was last written to.
    open: BTreeMap<String, (u64, Draft)>,
    /// Files that are whole and wait for their place.
    full: Vec<(String, files::Draft)>,
    turn: u64,
}

impl Parts {
    /// An addition to the table in `folder`, partitioned by these columns.
    pub(super) fn new(folder: &Path, by: &[String]) -> Self {
        Self { folder: folder.to_owned(), by: by.to_vec(), open: BTreeMap::new(), full: Vec::new(), turn: 0 }
    }

    /// Finishes the file that was longest not written to, when there are too many.
    fn make_room(&mut self) -> Result<(), TableError> {
        if self.open.len() < OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, (turn, _))| *turn).map(|(name, _)| name.clone());
        if let Some((name, (_, draft))) = oldest.and_then(|name| self.open.remove_entry(&name)) {
            let mut whole = draft.finish()?;
            // There may be more of them than a process has descriptors.
            whole.close().map_err(at(&self.folder))?;
            self.full.push((name, whole));
        }
        Ok(())
    }
}

impl Place for Parts {
    /// Writes rows, each into the file of its partition.
    fn write(&mut self, rows: &[&Row], origin: &Origin) -> Result<(), TableError> {
        let mut groups: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            let parts: Vec<String> = self
                .by
                .iter()
                .map(|column| {
                    format!("{column}={}", row.part(column).map_or(NOTHING.to_owned(), |value| escaped(&value)))
                })
                .collect();
            groups.entry(parts.join("/")).or_default().push(row);
        }
        for (name, rows) in groups {
            self.turn += 1;
            if !self.open.contains_key(&name) {
                self.make_room()?;
                let file = files::Draft::within(&self.folder);
                let draft = Draft::create(file, &self.folder, Form::Parquet, &self.by, origin, GROUP)?;
                self.open.insert(name.clone(), (self.turn, draft));
            }
            if let Some((turn, draft)) = self.open.get_mut(&name) {
                *turn = self.turn;
                draft.write(&rows, &self.by, origin)?;
            }
        }
        Ok(())
    }

    /// Puts all files in their places.
    fn finish(mut self: Box<Self>) -> Result<(), TableError> {
        for (name, (_, draft)) in std::mem::take(&mut self.open) {
            self.full.push((name, draft.finish()?));
        }
        let mut placed: Vec<PathBuf> = Vec::new();
        for (name, whole) in self.full {
            match add_to(whole, &self.folder.join(name)) {
                Ok(path) => placed.push(path),
                Err(error) => {
                    // All or nothing, as far as files can be taken back.
                    placed.iter().for_each(|path| drop(fs::remove_file(path)));
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// A file that is whole becomes the file with the next free number in `folder`.
fn add_to(mut whole: files::Draft, folder: &Path) -> Result<PathBuf, TableError> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    let mut number = fs::read_dir(folder).map_err(at(folder))?.count();
    loop {
        let target = folder.join(format!("part-{number:05}.parquet"));
        match whole.place_anew(&target) {
            Ok(()) => return Ok(target),
            Err((draft, error)) if error.kind() == io::ErrorKind::AlreadyExists => {
                (whole, number) = (draft, number + 1)
            }
            Err((_, error)) => return Err(at(&target)(error)),
        }
    }
}

impl Row {
    /// The row's value in a column of [`super::PARTITIONS`], as text.
    fn part(&self, column: &str) -> Option<String> {
        let owned = |value: &str| Some(value.to_owned());
        let report = self.report();
        match column {
            "record" => owned(self.record()),
            "log" => owned(self.log()),
            "kind" => self.shared(|report| report.kind.clone(), |event| event.kind.clone()),
            "title" => self.shared(|report| report.title.clone(), |event| event.title.clone()),
            "type" => report.map(|report| report.r#type.clone()).filter(|value| !value.is_empty()),
            "frame" => report.map(|report| report.frame.clone()).filter(|value| !value.is_empty()),
            "suppressed" => report.map(|report| report.suppressed.to_string()),
            "panicked" => report.map(|report| report.panicked.to_string()),
            "cpu" => Some(self.shared(|report| report.cpu, |event| event.cpu)??.to_string()),
            "boot" => self.shared(|report| report.boot.to_string(), |event| event.boot.to_string()),
            "taint" => report?.taint.clone(),
            "kernel_version" => report?.kernel_version.clone(),
            "corrupted" => report?.corrupted.clone(),
            _ => None,
        }
    }
}

/// A value as part of a folder's name: percent-encoded where Hive does it. A name has an end: what is too long for one is
/// cut, and bears a hash of the whole, so that different values stay apart.
fn escaped(value: &str) -> String {
    const MOST: usize = 220;
    let mut out = String::new();
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b" _-.,+@".contains(&byte);
        if plain { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    if out.len() > MOST {
        let hash = sha2::Sha256::digest(value.as_bytes());
        let room = MOST - 20;
        let mut end = 0;
        let mut length = 0;
        for (at, char) in value.char_indices() {
            // A byte takes three characters at most.
            length += 3 * char.len_utf8();
            if length > room {
                break;
            }
            end = at + char.len_utf8();
        }
        let cut = escaped(&value[..end]);
        return format!("{cut}%E2%80%A6{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]);
    }
    // `.` and `..` are not names.
    if out.is_empty() || out.bytes().all(|byte| byte == b'.') { NOTHING.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_gives_a_name_of_one_folder_and_different_values_different_names() {
        assert_eq!(escaped("KASAN: use-after-free Read in f"), "KASAN%3A use-after-free Read in f");
        assert_eq!((escaped(".."), escaped("")), (NOTHING.to_owned(), NOTHING.to_owned()));
        assert_eq!(escaped("a/b\0\u{e4}"), "a%2Fb%00%C3%A4");
        let long = ["x", "\u{e4}", "/"].map(|part| part.repeat(500));
        for value in &long {
            let other = format!("{value}!");
            let (one, two) = (escaped(value), escaped(&other));
            assert!(one.len() <= 220 && one != two && one.contains("%E2%80%A6"), "{one}");
        }
    }
}
