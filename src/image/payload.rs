//! A kernel image as it is booted → the kernel in it: boot headers taken off, layers of packing undone.

use crate::architecture::{Architecture, BootBody};
use crate::packing::{Packing, UnpackError, unpack};
use crate::symbols::View;
use std::path::{Path, PathBuf};

/// No kernel unpacks to more than this many bytes.
const LIMIT: usize = 1 << 30;
/// `vmlinux` in a `bzImage` in an `.xz` is three layers; more are an attack.
const LAYERS: usize = 5;

/// Why an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The system's word.
    #[error("{path}: {error}", path = .0.display(), error = .1)]
    Open(PathBuf, #[source] std::io::Error),
    /// Neither ELF nor a boot image nor anything packed.
    #[error("{path}: not a recognised kernel image (vmlinux, bzImage, Image of arm64 or riscv, EFI zboot, or one of these packed)", path = .0.display())]
    Unknown(PathBuf),
    /// A layer that does not unpack.
    #[error("{path}: {layer}: {error}", path = .0.display(), layer = .1, error = .2)]
    Packed(PathBuf, String, #[source] UnpackError),
    /// A header that contradicts the file.
    #[error("{path}: {what}", path = .0.display(), what = .1)]
    Damaged(PathBuf, String),
}

/// What form the kernel itself has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An ELF file.
    Elf,
    /// Bytes as they lie in memory, from `_text` on (arm64, riscv).
    Flat(Architecture),
}

/// An image with everything taken off.
#[derive(Debug)]
pub struct Payload {
    /// What was taken off, from the outside in: `bzImage 2.15`, `Zstd` …
    pub layers: Vec<String>,
    /// The kernel.
    pub bytes: View,
    /// Its form.
    pub shape: Shape,
    /// The release that a bzImage's header states.
    pub release: Option<String>,
}

/// Whose boot image some bytes are, and what stands behind its header.
fn booted(bytes: &[u8]) -> Option<(Architecture, BootBody)> {
    let architecture = Architecture::of_boot_image(bytes)?;
    Some((architecture, architecture.boot_header()?.body))
}

/// The form of a kernel with nothing left to take off.
fn shape_of(bytes: &[u8]) -> Option<Shape> {
    if bytes.starts_with(b"\x7fELF") {
        return Some(Shape::Elf);
    }
    booted(bytes).filter(|(_, body)| *body == BootBody::Flat).map(|(architecture, _)| Shape::Flat(architecture))
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

/// Takes an image apart.
///
/// # Errors
/// [`ImageError`].
pub fn open_payload(path: &Path) -> Result<Payload, ImageError> {
    let view = View::open(path).map_err(|error| ImageError::Open(path.to_owned(), error))?;
    payload_of(view, path)
}

/// The same for bytes; `path` is their name in messages.
///
/// # Errors
/// [`ImageError`].
pub fn payload_of(view: View, path: &Path) -> Result<Payload, ImageError> {
    let mut bytes = view;
    let mut layers = Vec::new();
    let mut release = None;
    for _ in 0..LAYERS {
        if let Some(shape) = shape_of(&bytes) {
            return Ok(Payload { layers, bytes, shape, release });
        }
        let inner = if booted(&bytes).is_some_and(|(_, body)| body == BootBody::Packed) {
            release = release.or_else(|| release_of_setup(&bytes));
            let version = (bytes.get(0x207).copied().unwrap_or(0), bytes.get(0x206).copied().unwrap_or(0));
            layers.push(format!("bzImage, boot protocol {}.{:02}", version.0, version.1));
            of_setup(&bytes, version).ok_or_else(|| {
                ImageError::Damaged(path.to_owned(), "the bzImage's header points outside of the file".into())
            })?
        } else if bytes.get(4..8) == Some(b"zimg") {
            layers.push("EFI zboot".to_owned());
            let range = word(&bytes, 8).zip(word(&bytes, 12));
            range.and_then(|(from, length)| bytes.get(from..from.checked_add(length)?)).ok_or_else(|| {
                ImageError::Damaged(path.to_owned(), "the zboot header points outside of the file".into())
            })?
        } else {
            &bytes
        };
        let (packing, packed) = match Packing::of(inner) {
            Some(packing) => (packing, inner),
            None => search(inner).ok_or_else(|| ImageError::Unknown(path.to_owned()))?,
        };
        layers.push(format!("{packing:?}"));
        let unpacked = unpack(packing, packed, LIMIT);
        let unpacked = unpacked.map_err(|error| ImageError::Packed(path.to_owned(), layers.join(", "), error))?;
        bytes = View::owned(unpacked);
    }
    Err(ImageError::Damaged(path.to_owned(), format!("more than {LAYERS} layers of packing")))
}

/// The payload of a bzImage: since boot protocol 2.08 the header says where it is (Documentation/arch/x86/boot.rst).
fn of_setup(bytes: &[u8], version: (u8, u8)) -> Option<&[u8]> {
    let sectors = match bytes.get(0x1f1)? {
        0 => 4,
        sectors => usize::from(*sectors),
    };
    let code = (sectors + 1) * 512;
    if version < (2, 8) {
        return bytes.get(code..);
    }
    let from = code.checked_add(word(bytes, 0x248)?)?;
    bytes.get(from..from.checked_add(word(bytes, 0x24c)?)?)
}

fn release_of_setup(bytes: &[u8]) -> Option<String> {
    let at = usize::from(u16::from_le_bytes(bytes.get(0x20e..0x210)?.try_into().ok()?));
    let text = bytes.get(at.checked_add(0x200)?..)?;
    let end = text.iter().take(512).position(|byte| matches!(byte, 0 | b' '))?;
    std::str::from_utf8(&text[..end]).ok().filter(|release| !release.is_empty()).map(str::to_owned)
}

/// The first packed stream in some bytes that unpacks to a kernel: for zImages and headers that are not known.
fn search(bytes: &[u8]) -> Option<(Packing, &[u8])> {
    Packing::places(bytes, 8).into_iter().find_map(|(at, packing)| {
        let rest = &bytes[at..];
        let kernel = unpack(packing, rest, LIMIT).ok()?;
        shape_of(&kernel).map(|_| (packing, rest))
    })
}

/// Whether bytes begin like a boot image, so that [`open_payload`] is the way to read them.
#[must_use]
pub fn is_boot_image(bytes: &[u8]) -> bool {
    booted(bytes).is_some_and(|(_, body)| body != BootBody::Searched) || bytes.get(4..8) == Some(b"zimg")
}
