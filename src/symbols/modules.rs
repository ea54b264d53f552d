//! The modules of a kernel: their files found by name, checked to be the kernel's, opened once.

use super::binary::Binary;
use super::elf::{Elf, ElfError};
use super::module::{ModuleFiles, module_fact};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Why a module has no file that can be asked.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum NoModule {
    /// No file has its name.
    #[error("no file {0}.ko in the module folders (--modules DIR)")]
    NoFile(String),
    /// A file that is not one of ELF.
    #[error(transparent)]
    Unreadable(Arc<ElfError>),
    /// A file of another build.
    #[error("{path}: has build id {own}, the log says {wanted}", path = .path.display())]
    OtherBuild {
        /// The file.
        path: PathBuf,
        /// Its build id.
        own: String,
        /// The log's.
        wanted: String,
    },
    /// A file for another kernel.
    #[error("{path}: is a module of kernel {made_for}, not of {release}", path = .path.display())]
    OtherKernel {
        /// The file.
        path: PathBuf,
        /// The release in its `vermagic`.
        made_for: String,
        /// The kernel's release.
        release: String,
    },
    /// A file without lines.
    #[error("{path}: has no debug information", path = .0.display())]
    NoLines(PathBuf),
    /// Another thread failed while it looked.
    #[error("a look-up failed")]
    Failed,
}

/// What a module must fit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'kernel> {
    /// Its build id, where the log has it.
    pub(super) build_id: Option<&'kernel str>,
    /// The kernel's release, where it is known.
    pub(super) release: Option<&'kernel str>,
    /// Whether any file of its name will do.
    pub(super) any: bool,
}

/// The modules in some folders.
#[derive(Debug)]
pub(super) struct Modules {
    folders: Vec<PathBuf>,
    listed: Mutex<BTreeMap<PathBuf, Arc<ModuleFiles>>>,
    opened: Mutex<BTreeMap<String, Result<Arc<Binary>, NoModule>>>,
    cache_home: Option<PathBuf>,
}

impl Modules {
    /// Those in these folders, the first one first.
    pub(super) fn new(folders: Vec<PathBuf>, cache_home: Option<&Path>) -> Self {
        let cache_home = cache_home.map(Path::to_owned);
        Self { folders, listed: Mutex::default(), opened: Mutex::default(), cache_home }
    }

    /// Looks in this folder before all others.
    pub(super) fn add_folder(&mut self, folder: &Path) {
        self.folders.insert(0, folder.to_owned());
    }

    /// Looks in these folders and no longer in others.
    pub(super) fn only_folders(&mut self, folders: &[PathBuf]) {
        self.folders = folders.to_vec();
    }

    /// A module's file: the first one of that name that has lines and belongs to the kernel.
    pub(super) fn get(&self, name: &str, wanted: Wanted<'_>) -> Result<Arc<Binary>, NoModule> {
        let key = name.replace('-', "_");
        if let Some(known) = self.opened.lock().map_err(|_| NoModule::Failed)?.get(&key) {
            return known.clone();
        }
        let found = self.find(&key, wanted);
        self.opened.lock().map_err(|_| NoModule::Failed)?.insert(key, found.clone());
        found
    }

    fn find(&self, name: &str, wanted: Wanted<'_>) -> Result<Arc<Binary>, NoModule> {
        let mut reason = None;
        for folder in &self.folders {
            for path in self.files(folder)?.of(name) {
                let elf = match Elf::open(path) {
                    Ok(elf) => elf,
                    Err(error) => {
                        reason = Some(NoModule::Unreadable(Arc::new(error)));
                        continue;
                    }
                };
                if let Some(misfit) = misfit(path, &elf, wanted) {
                    reason = Some(misfit);
                    continue;
                }
                if !elf.has_lines() {
                    reason.get_or_insert_with(|| NoModule::NoLines(path.clone()));
                    continue;
                }
                return Ok(Arc::new(Binary::of(elf, self.cache_home.as_deref())));
            }
        }
        Err(reason.unwrap_or_else(|| NoModule::NoFile(name.to_owned())))
    }

    fn files(&self, folder: &Path) -> Result<Arc<ModuleFiles>, NoModule> {
        if let Some(known) = self.listed.lock().map_err(|_| NoModule::Failed)?.get(folder) {
            return Ok(Arc::clone(known));
        }
        let files = Arc::new(ModuleFiles::below(folder));
        self.listed.lock().map_err(|_| NoModule::Failed)?.insert(folder.to_owned(), Arc::clone(&files));
        Ok(files)
    }

    /// Keeps what was read in the index cache.
    pub(super) fn save(&self) {
        if let Ok(opened) = self.opened.lock() {
            for binary in opened.values().flatten() {
                binary.save();
            }
        }
    }
}

/// Why a file is not the kernel's module, if it is not.
fn misfit(path: &Path, elf: &Elf, wanted: Wanted<'_>) -> Option<NoModule> {
    if wanted.any {
        return None;
    }
    if let (Some(own), Some(build_id)) = (elf.build_id.as_deref(), wanted.build_id)
        && own != build_id
    {
        return Some(NoModule::OtherBuild { path: path.to_owned(), own: own.to_owned(), wanted: build_id.to_owned() });
    }
    let modinfo = elf.section(".modinfo").map(|section| elf.contents(section)).unwrap_or_default();
    let made_for = module_fact(modinfo, "vermagic").and_then(|magic| magic.split(' ').next());
    match (made_for, wanted.release) {
        (Some(made_for), Some(release)) if made_for != release => Some(NoModule::OtherKernel {
            path: path.to_owned(),
            made_for: made_for.to_owned(),
            release: release.to_owned(),
        }),
        _ => None,
    }
}
