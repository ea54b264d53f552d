//! A kernel image, opened: its code by address, its symbols, what it says about itself.

use super::kallsyms::{AddressForm, Kallsyms, recover};
use super::payload::{ImageError, Payload, Shape, open_payload, payload_of};
use crate::architecture::{Architecture, BootHeader};
use crate::packing::{self, Packing};
use crate::symbols::{Elf, Symbol, SymbolTable, View, find_banner, hexadecimal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An opened image.
#[derive(Debug)]
pub struct KernelImage {
    /// The file.
    pub path: PathBuf,
    /// What was taken off, from the outside in.
    pub layers: Vec<String>,
    /// The processor, if its images are taken apart here; else there are only symbols.
    pub machine: Option<Architecture>,
    /// The symbols, from the ELF symbol table or recovered.
    pub symbols: Arc<SymbolTable>,
    /// Where the symbols come from.
    pub symbol_source: ImageSymbols,
    body: Body,
    release: Option<String>,
}

/// Where the symbols of an image come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSymbols {
    /// The symbol table of the ELF file.
    Elf,
    /// The kernel's own table, recovered.
    Kallsyms {
        /// How the addresses are stored in it.
        form: AddressForm,
        /// Whether it says where the kernel is linked; else addresses begin at 0.
        based: bool,
    },
    /// It has neither.
    None,
}

impl std::fmt::Display for ImageSymbols {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Elf => out.write_str("ELF symbol table"),
            Self::Kallsyms { form, based: true } => write!(out, "kallsyms of the image, {}", form.words()),
            Self::Kallsyms { form, based: false } => {
                let form = form.words();
                write!(out, "kallsyms of the image, {form}; the link address is not in it, addresses begin at 0")
            }
            Self::None => {
                out.write_str("none: the image has neither a symbol table nor a kallsyms table that is known")
            }
        }
    }
}

#[derive(Debug)]
enum Body {
    Elf(Box<Elf>),
    /// Bytes as they lie in memory from an address on.
    Flat {
        bytes: View,
        base: u64,
    },
}

impl KernelImage {
    /// Opens an image of any kind, `vmlinux` included.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        Self::of(open_payload(path)?, path)
    }

    /// The same for bytes in memory; `path` is their name in messages.
    ///
    /// # Errors
    /// [`ImageError`].
    pub fn of_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, ImageError> {
        Self::of(payload_of(View::owned(bytes), path)?, path)
    }

    fn of(payload: Payload, path: &Path) -> Result<Self, ImageError> {
        let Payload { layers, bytes, shape, release } = payload;
        let done = |machine, symbols, symbol_source, body| Self {
            path: path.to_owned(),
            layers,
            machine,
            symbols: Arc::new(symbols),
            symbol_source,
            body,
            release,
        };
        match shape {
            Shape::Elf => {
                let elf =
                    Elf::of(bytes, path).map_err(|error| ImageError::Damaged(path.to_owned(), error.to_string()))?;
                let machine =
                    elf.architecture.filter(|known| known.boot_header().is_some_and(BootHeader::is_taken_off));
                let own = SymbolTable::of_elf(&elf);
                let (symbols, source) = if own.is_empty() {
                    let found = recover(elf.bytes());
                    (table_of(found.as_ref()), source_of(found.as_ref()))
                } else {
                    (own, ImageSymbols::Elf)
                };
                Ok(done(machine, symbols, source, Body::Elf(Box::new(elf))))
            }
            Shape::Flat(architecture) => {
                let found = recover(&bytes);
                let symbols = table_of(found.as_ref());
                let named = |name: &str| symbols.named(name).next().map(|symbol| symbol.address);
                // The image begins at _text; riscv calls it _start.
                let base = named("_text").or_else(|| named("_start")).unwrap_or(0);
                Ok(done(Some(architecture), symbols, source_of(found.as_ref()), Body::Flat { bytes, base }))
            }
        }
    }

    /// The bytes of the kernel with everything taken off.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Elf(elf) => elf.bytes(),
            Body::Flat { bytes, .. } => bytes,
        }
    }

    /// The ELF file, if the kernel is one.
    #[must_use]
    pub fn elf(&self) -> Option<&Elf> {
        match &self.body {
            Body::Elf(elf) => Some(elf),
            Body::Flat { .. } => None,
        }
    }

    /// The address of a flat image's first byte.
    #[must_use]
    pub fn base(&self) -> u64 {
        match &self.body {
            Body::Elf(_) => 0,
            Body::Flat { base, .. } => *base,
        }
    }

    /// Up to `length` bytes from an address on; `None` outside of the image.
    #[must_use]
    pub fn at(&self, address: u64, length: usize) -> Option<&[u8]> {
        match &self.body {
            Body::Elf(elf) => elf.at(address, length),
            Body::Flat { bytes, base } => {
                let from = usize::try_from(address.checked_sub(*base)?).ok()?;
                bytes.get(from..bytes.len().min(from.checked_add(length)?))
            }
        }
    }

    /// The functions of a name, with their bytes. Several static functions may share one.
    #[must_use]
    pub fn functions(&self, name: &str) -> Vec<(Symbol<'_>, &[u8])> {
        /// No function is longer; the last symbol of a section has no end.
        const LONGEST: u64 = 1 << 20;
        let found = self.symbols.named(name).filter_map(|symbol| {
            let length = if symbol.size > 0 { symbol.size } else { symbol.span };
            let bytes = self.at(symbol.address, usize::try_from(length.min(LONGEST)).ok()?)?;
            Some((symbol, bytes))
        });
        found.collect()
    }

    /// The banner.
    #[must_use]
    pub fn banner(&self) -> Option<String> {
        find_banner(self.bytes())
    }

    /// The release: of the banner, else of the boot header.
    #[must_use]
    pub fn release(&self) -> Option<String> {
        let banner = self.banner();
        banner.as_deref().and_then(crate::symbols::release_of).map(str::to_owned).or_else(|| self.release.clone())
    }

    /// The build id.
    #[must_use]
    pub fn build_id(&self) -> Option<String> {
        if let Some(id) = self.elf().and_then(|elf| elf.build_id.clone()) {
            return Some(id);
        }
        // The note: length of the name, length of the id, type 3, "GNU".
        let note = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
        let at = memchr::memmem::find(self.bytes(), note)? + note.len();
        self.bytes().get(at..at + 20).map(hexadecimal)
    }

    /// The configuration, if the kernel holds it (`CONFIG_IKCONFIG`).
    #[must_use]
    pub fn config(&self) -> Option<String> {
        const LIMIT: usize = 16 << 20;
        let bytes = self.bytes();
        memchr::memmem::find_iter(bytes, b"IKCFG_ST").find_map(|at| {
            let packed = bytes.get(at + 8..)?;
            let text = packing::unpack(Packing::of(packed)?, packed, LIMIT).ok()?;
            String::from_utf8(text).ok()
        })
    }
}

fn table_of(found: Option<&Kallsyms>) -> SymbolTable {
    let symbols = found.map(|found| found.symbols.as_slice()).unwrap_or_default();
    SymbolTable::of_symbols(symbols.iter().map(|symbol| (symbol.name.as_str(), symbol.address, symbol.letter)))
}

fn source_of(found: Option<&Kallsyms>) -> ImageSymbols {
    found.map_or(ImageSymbols::None, |found| ImageSymbols::Kallsyms { form: found.form, based: found.based })
}
