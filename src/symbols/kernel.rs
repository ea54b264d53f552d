//! A kernel and its modules: function and offset, or an address, → places in the source, or why there are none.

use super::answer::{Answer, Confidence, Named, SymbolSource};
use super::binary::Binary;
use super::elf::{Elf, ElfError};
use super::modules::{Modules, NoModule, Wanted};
use super::names::SymbolTable;
use super::place::{Place, demangled};
use super::placed::{address, between_functions, compatible_address};
use crate::packing::Packing;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where symbols come from.
#[derive(Debug)]
enum Image {
    Binary(Box<Binary>),
    Symbols { table: SymbolTable, source: SymbolSource },
    None,
}

/// A kernel, opened for look-ups.
#[derive(Debug)]
#[non_exhaustive]
pub struct Kernel {
    image: Image,
    path: PathBuf,
    banner: Option<String>,
    build_id: Option<String>,
    modules: Modules,
    /// Answer as the kernel tree's decode_stacktrace.sh does: the first function of a name, the address itself.
    pub compatible: bool,
}

impl Kernel {
    /// Opens the kernel's image: an ELF file, `System.map` or a saved `/proc/kallsyms`.
    ///
    /// # Errors
    /// [`ElfError`], if it is none of these.
    pub fn open(path: &Path, cache_home: Option<&Path>) -> Result<Self, ElfError> {
        let view = super::map::View::open(path).map_err(|error| ElfError::Open(path.to_owned(), error))?;
        if !view.starts_with(b"\x7fELF") && Packing::of(&view).is_none() {
            let table = SymbolTable::of_text(&view);
            if !table.is_empty() {
                let kallsyms =
                    view.windows(5).take(1 << 16).any(|window| window == b"\t[bpf") || path.ends_with("kallsyms");
                let source = if kallsyms { SymbolSource::Kallsyms } else { SymbolSource::SystemMap };
                return Ok(Self::of_symbols(path, table, source, None, None));
            }
        }
        drop(view);
        Ok(Self::of_elf(Elf::open(path)?, cache_home))
    }

    /// A kernel whose ELF file is open.
    #[must_use]
    pub fn of_elf(elf: Elf, cache_home: Option<&Path>) -> Self {
        let binary = Binary::of(elf, cache_home);
        let (path, build_id) = (binary.elf.path.clone(), binary.elf.build_id.clone());
        let banner = binary.banner().map(str::to_owned);
        Self::new(Image::Binary(Box::new(binary)), &path, banner, build_id, cache_home)
    }

    /// A kernel of which only symbols are known.
    #[must_use]
    pub fn of_symbols(
        path: &Path,
        table: SymbolTable,
        source: SymbolSource,
        banner: Option<String>,
        build_id: Option<String>,
    ) -> Self {
        Self::new(Image::Symbols { table, source }, path, banner, build_id, None)
    }

    /// No kernel at all: modules only.
    #[must_use]
    pub fn none(cache_home: Option<&Path>) -> Self {
        Self::new(Image::None, Path::new(""), None, None, cache_home)
    }

    fn new(
        image: Image,
        path: &Path,
        banner: Option<String>,
        build_id: Option<String>,
        cache_home: Option<&Path>,
    ) -> Self {
        let mut folders = Vec::new();
        if let Some(folder) = path.parent().filter(|_| !matches!(image, Image::None)) {
            folders.push(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
        }
        if let Some(release) = banner.as_deref().and_then(release_of) {
            folders.push(Path::new("/usr/lib/debug/lib/modules").join(release));
            folders.push(Path::new("/lib/modules").join(release));
        }
        Self {
            image,
            path: path.to_owned(),
            banner,
            build_id,
            modules: Modules::new(folders, cache_home),
            compatible: false,
        }
    }

    /// Looks for modules in this folder before all others.
    pub fn add_module_folder(&mut self, folder: &Path) {
        self.modules.add_folder(folder);
    }

    /// Looks for modules in these folders and nowhere else: not beside the image, not where the system keeps those of its release.
    pub fn only_module_folders(&mut self, folders: &[PathBuf]) {
        self.modules.only_folders(folders);
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The banner that it prints first, if it is in the file.
    #[must_use]
    pub fn banner(&self) -> Option<&str> {
        self.banner.as_deref()
    }

    /// Its build id.
    #[must_use]
    pub fn build_id(&self) -> Option<&str> {
        self.build_id.as_deref()
    }

    /// Its release, such as `6.12.1-lab`.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.banner().and_then(release_of)
    }

    /// What its file can give, as a sentence; nothing if it gives everything.
    #[must_use]
    pub fn shortcoming(&self) -> Option<String> {
        let path = self.path.display();
        match &self.image {
            Image::Binary(binary) if binary.elf.has_lines() => None,
            Image::Binary(_) => Some(format!(
                "{path}: has a symbol table but no debug information: functions for addresses, no files and lines"
            )),
            Image::Symbols { source, .. } => Some(format!(
                "{path}: {} has names and addresses only: functions for addresses, no files and lines",
                source.words()
            )),
            Image::None => None,
        }
    }

    /// The symbols of the kernel itself.
    #[must_use]
    pub fn symbols(&self) -> Option<&SymbolTable> {
        match &self.image {
            Image::Binary(binary) => Some(binary.symbols()),
            Image::Symbols { table, .. } => Some(table),
            Image::None => None,
        }
    }

    /// The ELF file, where there is one.
    #[must_use]
    pub fn binary(&self) -> Option<&Binary> {
        match &self.image {
            Image::Binary(binary) => Some(binary),
            _ => None,
        }
    }

    fn module(&self, name: &str, build_id: Option<&str>) -> Result<Arc<Binary>, NoModule> {
        self.modules.get(name, Wanted { build_id, release: self.release(), any: self.compatible })
    }

    /// The places that a function and an offset stand for.
    #[must_use]
    pub fn named(&self, named: Named<'_>) -> Answer {
        let module;
        let (binary, table) = match (named.module, &self.image) {
            (Some(name), _) => match self.module(name, named.build_id) {
                Ok(found) => {
                    module = found;
                    (Some(&*module), module.symbols())
                }
                Err(reason) => return Answer::miss(reason.to_string()),
            },
            (None, Image::Binary(binary)) => (Some(&**binary), binary.symbols()),
            (None, Image::Symbols { table, .. }) => (None, table),
            (None, Image::None) => return Answer::miss("no kernel image was given"),
        };
        match address(self.compatible, binary, table, named) {
            Err(reason) => Answer::miss(reason.to_string()),
            Ok((address, confidence, reason)) => match binary {
                Some(binary) => {
                    let address = if self.compatible { compatible_address(binary, address) } else { address };
                    let places = self.places(binary, address);
                    if named.offset == named.size && !self.compatible && between_functions(table, address) {
                        return Answer::miss(
                            "between two functions: the address of the second, not one to which a call returns",
                        );
                    }
                    let missing = places.iter().all(|place| place.file.is_none());
                    let reason = if missing { Some("no debug information for this code".to_owned()) } else { reason };
                    Answer { places, confidence, reason, within: None }
                }
                None => Answer {
                    places: vec![Place { function: Some(demangled(named.function)), ..Place::default() }],
                    confidence,
                    reason: self.shortcoming(),
                    within: None,
                },
            },
        }
    }

    /// The places that an address of the image (its load offset taken off) stands for. `exact` as in [`Named`].
    #[must_use]
    pub fn linked(&self, address: u64, exact: bool, confidence: Confidence) -> Answer {
        let looked_up = address.wrapping_sub(u64::from(!exact && !self.compatible));
        let Some(table) = self.symbols() else { return Answer::miss("no kernel image was given") };
        if let Image::Binary(binary) = &self.image
            && !binary.elf.is_code(looked_up)
        {
            return Answer::miss("not in the kernel's code: a module's, a BPF program's or generated code");
        }
        let Some(symbol) = table.covering(looked_up) else { return Answer::miss("below the kernel's first symbol") };
        let within = Some((symbol.name.to_owned(), address.wrapping_sub(symbol.address), symbol.span));
        let places = match &self.image {
            Image::Binary(binary) => self.places(binary, looked_up),
            _ => vec![Place { function: Some(demangled(symbol.name)), ..Place::default() }],
        };
        Answer { places, confidence, reason: None, within }
    }

    /// The script prints discriminators, nothing else does.
    fn places(&self, binary: &Binary, address: u64) -> Vec<Place> {
        if self.compatible { binary.places_with_discriminators(address) } else { binary.places(address) }
    }

    /// Reads what look-ups of these functions will need, on all processors.
    pub fn prepare(&self, all: &[Named<'_>]) {
        let mut addresses: BTreeMap<Option<String>, Vec<u64>> = BTreeMap::new();
        for named in all {
            let module = named.module.and_then(|name| self.module(name, named.build_id).ok());
            let binary = match (&module, named.module, &self.image) {
                (Some(module), ..) => &**module,
                (None, None, Image::Binary(binary)) => &**binary,
                _ => continue,
            };
            if let Ok((address, ..)) = address(self.compatible, Some(binary), binary.symbols(), *named) {
                addresses.entry(named.module.map(str::to_owned)).or_default().push(address);
            }
        }
        for (module, addresses) in addresses {
            match (module, &self.image) {
                (Some(name), _) => {
                    if let Ok(binary) = self.module(&name, None) {
                        binary.prepare(&addresses);
                    }
                }
                (None, Image::Binary(binary)) => binary.prepare(&addresses),
                _ => {}
            }
        }
    }

    /// Keeps what was read in the index cache.
    pub fn save(&self) {
        if let Image::Binary(binary) = &self.image {
            binary.save();
        }
        self.modules.save();
    }

    /// The folder in which the kernel was built, which the paths of its files begin with.
    #[must_use]
    pub fn build_folder(&self) -> Option<String> {
        let Image::Binary(binary) = &self.image else { return None };
        let symbol = binary.symbols().named("kernel_init").next()?;
        let places = binary.places(symbol.address);
        let file = places.last()?.file.as_deref()?;
        file.strip_suffix("/init/main.c").map(|folder| folder.strip_suffix("/.").unwrap_or(folder).to_owned())
    }
}

/// The release in a banner `Linux version RELEASE (…`.
#[must_use]
pub fn release_of(banner: &str) -> Option<&str> {
    banner.strip_prefix("Linux version ")?.split(' ').next().filter(|release| !release.is_empty())
}
