//! Finds a module's file by its name, where the kernel tree's script looks for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders with more entries than this are not searched to the end.
const ENTRIES: usize = 400_000;
/// Nor are deeper ones.
const DEPTH: usize = 24;

/// The modules below one folder, by name with `-` written `_`.
#[derive(Debug, Default)]
pub(super) struct ModuleFiles(BTreeMap<String, Vec<PathBuf>>);

impl ModuleFiles {
    /// Looks through a folder and all below it; links to folders are not followed.
    #[must_use]
    pub(super) fn below(folder: &Path) -> Self {
        let mut found = Self::default();
        let mut left = ENTRIES;
        let mut waiting = vec![(folder.to_owned(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let Some(rest) = left.checked_sub(1) else { return found.sorted() };
                left = rest;
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() && depth < DEPTH {
                    waiting.push((entry.path(), depth + 1));
                } else if let Some(name) = entry.file_name().to_str().and_then(module_name) {
                    found.0.entry(name).or_default().push(entry.path());
                }
            }
        }
        found.sorted()
    }

    fn sorted(mut self) -> Self {
        for paths in self.0.values_mut() {
            paths.sort();
        }
        self
    }

    /// The files that may be a module's.
    #[must_use]
    pub(super) fn of(&self, module: &str) -> &[PathBuf] {
        self.0.get(&module.replace('-', "_")).map_or(&[], Vec::as_slice)
    }
}

/// `lab_raw` of `lab-raw.ko`, `lab-raw.ko.xz`, `lab_raw.ko.debug`.
fn module_name(file: &str) -> Option<String> {
    let (name, rest) = file.split_once(".ko")?;
    (rest.is_empty() || rest.starts_with('.')).then(|| name.replace('-', "_"))
}

/// A `key=value` of a module's `.modinfo`.
#[must_use]
pub(super) fn module_fact<'bytes>(modinfo: &'bytes [u8], key: &str) -> Option<&'bytes str> {
    modinfo
        .split(|byte| *byte == 0)
        .filter_map(|fact| std::str::from_utf8(fact).ok()?.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_under_any_spelling_of_its_name() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let deep = folder.path().join("kernel/drivers");
        fs::create_dir_all(&deep).expect("writable");
        for name in ["snd-hda.ko.xz", "snd_hda.ko.debug", "other.ko", "snd-hda.kobold"] {
            fs::write(deep.join(name), b"").expect("writable");
        }
        let files = ModuleFiles::below(folder.path());
        assert_eq!(files.of("snd_hda").len(), 2);
        assert_eq!(files.of("snd-hda").len(), 2);
        assert_eq!(files.of("other"), [deep.join("other.ko")]);
        assert!(files.of("absent").is_empty());
    }

    #[test]
    fn facts_of_a_module_are_read() {
        let modinfo = b"license=GPL\0vermagic=6.12.1 SMP preempt mod_unload \0\0";
        assert_eq!(module_fact(modinfo, "vermagic"), Some("6.12.1 SMP preempt mod_unload "));
        assert_eq!(module_fact(modinfo, "version"), None);
    }
}
