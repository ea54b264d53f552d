//! The index cache: what was once read from a symbol file, so that a second run opens in milliseconds.
//!
//! A folder a file (`<cache>/symbols/<build id>-<fingerprint>/`) holds *pieces*, each a file that is written whole under a
//! name of its own and then renamed into place. Nothing is ever changed in place: writers do not meet, readers never see
//! half a file, and a damaged piece is a piece that is not there.
//!
//! ```text
//! "kanalyze index 1\n\0\0\0\0\0\0\0" · count · checksum of the directory · count × (kind, key, offset, length, checksum) · data
//! ```

use super::map::View;
use crate::files::Draft;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// First bytes of a piece; the number changes with the format of what is stored.
const MAGIC: &[u8; 24] = b"kanalyze index 1\n\0\0\0\0\0\0\0";
const ENTRY: usize = 40;
/// When there are more pieces than this, they are joined.
const PIECES: usize = 12;

/// What an entry of the cache is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A symbol table; key 0.
    Symbols = 1,
    /// Which unit covers which addresses; key 0.
    Ranges = 2,
    /// The table of the unit at the offset `key`.
    Unit = 3,
    /// The banner of the kernel; key 0.
    Banner = 4,
}

/// What is cached about one symbol file.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    pieces: Vec<(PathBuf, View)>,
    entries: BTreeMap<(u64, u64), Stored>,
}

/// Where an entry lies, and whether its bytes were found undamaged.
#[derive(Debug)]
struct Stored {
    piece: usize,
    range: Range<usize>,
    checksum: u32,
    sound: OnceLock<bool>,
}

impl Cache {
    /// Opens what there is. A folder that does not exist or holds damaged files is an empty cache.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let mut cache = Self { folder: folder.to_owned(), pieces: Vec::new(), entries: BTreeMap::new() };
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .map(|files| files.filter_map(|file| file.ok().map(|file| file.path())).collect())
            .unwrap_or_default();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "piece"));
        paths.sort();
        for path in paths {
            let Ok(view) = View::open(&path) else { continue };
            let number = cache.pieces.len();
            if let Some(entries) = directory(&view) {
                for (key, range, checksum) in entries {
                    cache.entries.insert(key, Stored { piece: number, range, checksum, sound: OnceLock::new() });
                }
            }
            cache.pieces.push((path, view));
        }
        cache
    }

    /// An entry, if it is there and undamaged.
    #[must_use]
    pub fn get(&self, kind: Kind, key: u64) -> Option<&[u8]> {
        let stored = self.entries.get(&(kind as u64, key))?;
        let bytes = self.pieces.get(stored.piece)?.1.get(stored.range.clone())?;
        stored.sound.get_or_init(|| checksum_of(bytes) == stored.checksum).then_some(bytes)
    }

    /// Adds entries. Joins the pieces when there are many; the ones that were joined are removed.
    ///
    /// # Errors
    /// Whatever the system says; the cache is as usable as before.
    pub fn add(&self, new: &[(Kind, u64, &[u8])]) -> io::Result<()> {
        if new.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        let join = self.pieces.len() >= PIECES;
        let mut all: BTreeMap<(u64, u64), &[u8]> = BTreeMap::new();
        if join {
            for key in self.entries.keys() {
                let kind = [Kind::Symbols, Kind::Ranges, Kind::Unit, Kind::Banner]
                    .into_iter()
                    .find(|kind| *kind as u64 == key.0);
                if let Some(bytes) = kind.and_then(|kind| self.get(kind, key.1)) {
                    all.insert(*key, bytes);
                }
            }
        }
        all.extend(new.iter().map(|(kind, key, bytes)| ((*kind as u64, *key), *bytes)));
        let directory = directory_bytes(&all);
        // The name says what is inside, so that two writers of the same entries write the same file.
        let name = format!("{:08x}-{}", checksum_of(&directory), all.len());
        let target = self.folder.join(format!("{name}.piece"));
        // What a crash leaves of it is found by the checksum; waiting for the disk would cost more than the index saves.
        let mut file = io::BufWriter::with_capacity(1 << 20, Draft::beside(&target)?);
        file.write_all(MAGIC)?;
        file.write_all(&(all.len() as u64).to_le_bytes())?;
        file.write_all(&u64::from(checksum_of(&directory)).to_le_bytes())?;
        file.write_all(&directory)?;
        for bytes in all.values() {
            file.write_all(bytes)?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.place_unsynced()?;
        if join {
            for (path, _) in self.pieces.iter().filter(|(path, _)| *path != target) {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }
}

fn checksum_of(bytes: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(bytes);
    sum.finalize()
}

fn directory_bytes(all: &BTreeMap<(u64, u64), &[u8]>) -> Vec<u8> {
    let mut offset = MAGIC.len() + 16 + all.len() * ENTRY;
    let mut out = Vec::with_capacity(all.len() * ENTRY);
    for ((kind, key), bytes) in all {
        for number in [*kind, *key, offset as u64, bytes.len() as u64, u64::from(checksum_of(bytes))] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        offset += bytes.len();
    }
    out
}

type Entry = ((u64, u64), Range<usize>, u32);

fn directory(bytes: &[u8]) -> Option<Vec<Entry>> {
    let number =
        |at: usize| bytes.get(at..at.checked_add(8)?).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
    if !bytes.starts_with(MAGIC) {
        return None;
    }
    let count = usize::try_from(number(MAGIC.len())?).ok()?;
    let from = MAGIC.len() + 16;
    let directory = bytes.get(from..from.checked_add(count.checked_mul(ENTRY)?)?)?;
    if u64::from(checksum_of(directory)) != number(MAGIC.len() + 8)? {
        return None;
    }
    (0..count)
        .map(|entry| {
            let at = from + entry * ENTRY;
            let (offset, length) = (usize::try_from(number(at + 16)?).ok()?, usize::try_from(number(at + 24)?).ok()?);
            let end = offset.checked_add(length).filter(|end| *end <= bytes.len())?;
            Some(((number(at)?, number(at + 8)?), offset..end, u32::try_from(number(at + 32)?).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_by_the_next_reader() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for unit in 0..40_u64 {
            let bytes = unit.to_le_bytes();
            Cache::open(folder.path()).add(&[(Kind::Unit, unit, &bytes)]).expect("a writable folder");
        }
        let cache = Cache::open(folder.path());
        assert!(cache.pieces.len() <= PIECES + 1, "{} pieces", cache.pieces.len());
        for unit in 0..40_u64 {
            assert_eq!(cache.get(Kind::Unit, unit), Some(&unit.to_le_bytes()[..]));
        }
        assert_eq!(cache.get(Kind::Symbols, 0), None);
    }

    #[test]
    fn damage_is_a_miss_and_is_written_anew() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Cache::open(folder.path()).add(&[(Kind::Symbols, 0, b"some symbols")]).expect("a writable folder");
        let path =
            fs::read_dir(folder.path()).expect("the folder").next().expect("one piece").expect("readable").path();
        let good = fs::read(&path).expect("the piece");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).expect("writable");
            let got = Cache::open(folder.path()).get(Kind::Symbols, 0).map(<[u8]>::to_vec);
            assert!(got.is_none() || got.as_deref() == Some(b"some symbols"), "byte {at}: {got:?}");
        }
        fs::write(&path, &good[..good.len() / 2]).expect("writable");
        let cache = Cache::open(folder.path());
        assert_eq!(cache.get(Kind::Symbols, 0), None);
        cache.add(&[(Kind::Symbols, 0, b"some symbols")]).expect("a writable folder");
        assert_eq!(Cache::open(folder.path()).get(Kind::Symbols, 0), Some(&b"some symbols"[..]));
    }

    #[test]
    fn writers_at_the_same_time_do_not_harm_each_other() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::thread::scope(|scope| {
            for writer in 0..8_u64 {
                let folder = folder.path();
                scope.spawn(move || {
                    for unit in 0..20 {
                        let _ = Cache::open(folder)
                            .add(&[(Kind::Unit, unit, b"table"), (Kind::Unit, 1000 + writer, b"own")]);
                    }
                });
            }
        });
        let cache = Cache::open(folder.path());
        for unit in 0..20 {
            assert_eq!(cache.get(Kind::Unit, unit).unwrap_or(b"table"), b"table");
        }
        assert!(fs::read_dir(folder.path()).expect("the folder").all(|file| {
            file.is_ok_and(|file| file.path().extension().is_some_and(|extension| extension == "piece"))
        }));
    }
}
