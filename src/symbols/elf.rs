//! An ELF file as symbolization needs it: where its code lies, what its build is called, its debug sections.

use super::map::View;
use super::relocate::relocate;
use crate::architecture::Architecture;
use crate::packing::{self, Packing};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A packed file, and all debug sections that must be unpacked together, take at most this many bytes.
const UNPACKED_LIMIT: usize = 2 << 30;
/// The debug sections that are read, without what begins or ends their names.
const DEBUG_SECTIONS: [&str; 12] = [
    "info",
    "abbrev",
    "line",
    "str",
    "line_str",
    "aranges",
    "ranges",
    "rnglists",
    "addr",
    "str_offsets",
    "cu_index",
    "tu_index",
];

/// Why a symbol file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// The system's word.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Open(PathBuf, #[source] std::io::Error),
    /// For a big-endian machine.
    #[error("{path}: this is for a big-endian machine: only little-endian images are read", path = .0.display())]
    BigEndian(PathBuf),
    /// Another file, such as a log.
    #[error("{path}: not an ELF file: a vmlinux or a module is wanted here", path = .0.display())]
    NotElf(PathBuf),
    /// Damaged.
    #[error("{path}: not a usable ELF file: {error}", path = .0.display(), error = .1)]
    Damaged(PathBuf, String),
    /// A packed file that does not unpack.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Packed(PathBuf, #[source] packing::UnpackError),
}

/// One section that is loaded with the program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// Its name, such as `.text`.
    pub name: String,
    /// Where it is linked; in a module, where we lay it out.
    pub address: u64,
    /// Bytes.
    pub size: u64,
    /// Where its bytes are in the file; empty for `.bss` and in files that hold debug information only.
    pub file: Range<usize>,
    /// Whether it holds instructions.
    pub executable: bool,
    /// Its number in the file.
    pub index: usize,
}

impl Section {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.size
    }
}

/// An opened ELF file.
#[derive(Debug)]
#[non_exhaustive]
pub struct Elf {
    /// Where it was found.
    pub path: PathBuf,
    /// The sections that are loaded, in file order.
    pub sections: Vec<Section>,
    /// Whether it is a relocatable object (a module); its addresses are then a layout of ours.
    pub relocatable: bool,
    /// The machine it is for.
    pub architecture: Option<Architecture>,
    /// The build id, lower-case hexadecimal.
    pub build_id: Option<String>,
    /// A number that differs between files of one build id (stripped, with debug information).
    pub fingerprint: u32,
    view: View,
    layout: BTreeMap<usize, u64>,
    debug: BTreeMap<String, DebugBytes>,
}

#[derive(Debug, Clone)]
enum DebugBytes {
    InFile(Range<usize>),
    Unpacked(Vec<u8>),
}

impl Elf {
    /// Opens a file; packed ones (`.ko.xz`, `.ko.zst`, `.ko.gz`) are unpacked into memory.
    ///
    /// # Errors
    /// [`ElfError`].
    pub fn open(path: &Path) -> Result<Self, ElfError> {
        let view = View::open(path).map_err(|error| ElfError::Open(path.to_owned(), error))?;
        let view = match Packing::of(&view) {
            Some(packing) => View::owned(
                packing::unpack(packing, &view, UNPACKED_LIMIT)
                    .map_err(|error| ElfError::Packed(path.to_owned(), error))?,
            ),
            None => view,
        };
        Self::of(view, path)
    }

    /// Reads an ELF file that is in memory or mapped; `path` is its name in messages.
    ///
    /// # Errors
    /// [`ElfError::NotElf`], [`ElfError::BigEndian`], [`ElfError::Damaged`].
    pub fn of(view: View, path: &Path) -> Result<Self, ElfError> {
        let damaged = |error: object::Error| ElfError::Damaged(path.to_owned(), error.to_string());
        if !view.starts_with(&object::elf::ELFMAG) {
            return Err(ElfError::NotElf(path.to_owned()));
        }
        let file = object::File::parse(&view[..]).map_err(damaged)?;
        if !file.is_little_endian() {
            return Err(ElfError::BigEndian(path.to_owned()));
        }
        let relocatable = file.kind() == object::ObjectKind::Relocatable;
        let mut sections = Vec::new();
        let mut layout = BTreeMap::new();
        let mut debug = BTreeMap::new();
        let mut packed = Vec::new();
        let mut fingerprint = crc32fast::Hasher::new();
        fingerprint.update(&(view.len() as u64).to_le_bytes());
        // A module's sections all start at 0; they get addresses of their own, as a loader would give them.
        let mut next = 0x1_0000_u64;
        for section in file.sections() {
            let name = section.name().unwrap_or("").to_owned();
            fingerprint.update(name.as_bytes());
            fingerprint.update(&section.size().to_le_bytes());
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if sh_flags.0 & object::elf::SHF_ALLOC.0 != 0 {
                let address = if relocatable {
                    let address = next.checked_next_multiple_of(section.align().clamp(16, 1 << 16)).unwrap_or(u64::MAX);
                    next = address.saturating_add(section.size()).saturating_add(0x1000);
                    address
                } else {
                    section.address()
                };
                layout.insert(section.index().0, address);
                sections.push(Section {
                    name,
                    address,
                    size: section.size(),
                    file: in_file(&section, view.len()),
                    executable: sh_flags.0 & object::elf::SHF_EXECINSTR.0 != 0,
                    index: section.index().0,
                });
            } else if let Some(kind) = debug_name(&name) {
                let Ok(compressed) = section.compressed_file_range() else { continue };
                if compressed.format == object::CompressionFormat::None && !relocatable {
                    debug.insert(kind, DebugBytes::InFile(in_file(&section, view.len())));
                } else {
                    packed.push((kind, section.index()));
                }
            }
        }
        let mut left = UNPACKED_LIMIT;
        for (kind, index) in packed {
            if let Some(bytes) = unpacked_section(&file, index, relocatable, &layout, left) {
                left = left.saturating_sub(bytes.len());
                debug.insert(kind, DebugBytes::Unpacked(bytes));
            }
        }
        let build_id = file.build_id().ok().flatten().map(hexadecimal);
        let architecture = Architecture::of_elf(&view);
        drop(file);
        let fingerprint = fingerprint.finalize();
        Ok(Self {
            path: path.to_owned(),
            sections,
            relocatable,
            architecture,
            build_id,
            fingerprint,
            view,
            layout,
            debug,
        })
    }

    /// The bytes of the whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.view
    }

    /// The bytes of a debug section (`.debug_info`); empty when there is none.
    #[must_use]
    pub fn debug_section(&self, name: &str) -> &[u8] {
        match self.debug.get(name) {
            Some(DebugBytes::InFile(range)) => self.view.get(range.clone()).unwrap_or_default(),
            Some(DebugBytes::Unpacked(bytes)) => bytes,
            None => &[],
        }
    }

    /// Whether it can name lines of code.
    #[must_use]
    pub fn has_lines(&self) -> bool {
        !self.debug_section(".debug_info").is_empty() && !self.debug_section(".debug_line").is_empty()
    }

    /// The bytes of a loaded section.
    #[must_use]
    pub fn contents(&self, section: &Section) -> &[u8] {
        self.view.get(section.file.clone()).unwrap_or_default()
    }

    /// The loaded section of that name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// The section in which code at an address lies.
    #[must_use]
    pub fn code_section(&self, address: u64) -> Option<&Section> {
        self.sections.iter().find(|section| section.executable && section.contains(address))
    }

    /// Whether code may lie at an address.
    #[must_use]
    pub fn is_code(&self, address: u64) -> bool {
        self.code_section(address).is_some()
    }

    /// Up to `length` bytes of the loaded image from an address on; fewer at the end of a section.
    #[must_use]
    pub fn at(&self, address: u64, length: usize) -> Option<&[u8]> {
        let section = self.sections.iter().find(|section| section.contains(address))?;
        let bytes = self.contents(section);
        let from = usize::try_from(address - section.address).ok()?;
        bytes.get(from..bytes.len().min(from.saturating_add(length)))
    }

    /// Walks the symbols: `(number in the table, name, address, size, nm's letter)`. Sections and files are left out.
    pub fn each_symbol(&self, mut take: impl FnMut(usize, &[u8], u64, u64, u8)) {
        let Ok(file) = object::File::parse(&self.view[..]) else { return };
        for symbol in file.symbols() {
            let Ok(name) = symbol.name_bytes() else { continue };
            let object::SymbolFlags::Elf { st_info, .. } = symbol.flags() else { continue };
            let kind = st_info.0 & 15;
            // STT_SECTION and STT_FILE
            if name.is_empty() || kind == 3 || kind == 4 || symbol.is_undefined() {
                continue;
            }
            let section = symbol.section_index().map(|index| index.0);
            let base = match section {
                Some(index) if self.relocatable => self.layout.get(&index).copied().unwrap_or(0),
                _ => 0,
            };
            let executable = section
                .and_then(|index| self.sections.iter().find(|section| section.index == index))
                .is_some_and(|section| section.executable);
            let letter = match (st_info.0 >> 4, executable, section) {
                (2, true, _) => b'W',
                (0, true, _) => b't',
                (_, true, _) => b'T',
                (_, false, None) => b'a',
                (0, false, _) => b'd',
                (_, false, _) => b'D',
            };
            take(symbol.index().0, name, base.wrapping_add(symbol.address()), symbol.size(), letter);
        }
    }

    /// The banner `Linux version …` that the kernel prints first, without its line end.
    #[must_use]
    pub fn banner(&self) -> Option<String> {
        self.sections
            .iter()
            .filter(|section| !section.executable)
            .find_map(|section| find_banner(self.contents(section)))
    }
}

/// The banner `Linux version N…` in some bytes, up to its line end. Since 6.1 a kernel holds it twice, once without
/// the number and date of the build; the complete one counts.
#[must_use]
pub fn find_banner(bytes: &[u8]) -> Option<String> {
    let finder = memchr::memmem::Finder::new(b"Linux version ");
    let mut found: Option<String> = None;
    for at in finder.find_iter(bytes) {
        let text = &bytes[at..bytes.len().min(at + 1024)];
        let end = text.iter().position(|byte| matches!(byte, 0 | b'\n')).unwrap_or(text.len());
        if text.get(14).is_some_and(u8::is_ascii_digit) {
            let text = String::from_utf8_lossy(&text[..end]).trim_end().to_owned();
            let complete =
                text.match_indices(" #").any(|(at, _)| text.as_bytes().get(at + 2).is_some_and(u8::is_ascii_digit));
            if complete {
                return Some(text);
            }
            found.get_or_insert(text);
        }
    }
    found
}

/// `.debug_info` of `.debug_info` and `.zdebug_info`, `.debug_info.dwo` of itself; nothing for sections that are not read.
fn debug_name(name: &str) -> Option<String> {
    let rest = name.strip_prefix(".debug_").or_else(|| name.strip_prefix(".zdebug_"))?;
    let plain = rest.strip_suffix(".dwo").unwrap_or(rest);
    DEBUG_SECTIONS.contains(&plain).then(|| format!(".debug_{rest}"))
}

fn in_file<'data>(section: &impl ObjectSection<'data>, length: usize) -> Range<usize> {
    let Some((from, size)) = section.file_range() else { return 0..0 };
    match (usize::try_from(from), usize::try_from(from.saturating_add(size))) {
        (Ok(from), Ok(end)) if from <= end && end <= length => from..end,
        _ => 0..0,
    }
}

fn unpacked_section(
    file: &object::File<'_>,
    index: SectionIndex,
    relocatable: bool,
    layout: &BTreeMap<usize, u64>,
    limit: usize,
) -> Option<Vec<u8>> {
    let section = file.section_by_index(index).ok()?;
    let compressed = section.compressed_data().ok()?;
    let bytes = match compressed.format {
        object::CompressionFormat::None if compressed.data.len() > limit => return None,
        object::CompressionFormat::None => Cow::Borrowed(compressed.data),
        object::CompressionFormat::Zlib => Cow::Owned(packing::zlib(compressed.data, limit).ok()?),
        object::CompressionFormat::Zstandard => {
            Cow::Owned(packing::unpack(Packing::Zstd, compressed.data, limit).ok()?)
        }
        _ => return None,
    };
    let mut bytes = bytes.into_owned();
    if relocatable {
        relocate(file, &section, &mut bytes, layout);
    }
    Some(bytes)
}

/// Bytes as lower-case hexadecimal.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}
