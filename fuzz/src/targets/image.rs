//! Kernel images: boot headers, layers of packing, the symbol table within, disassembly.

use super::choice;
use kanalyze::image::{KernelImage, disassemble, lock_calls, recover, write_elf};
use kanalyze::packing::{Packing, unpack, zlib};
use std::path::Path;

/// Nothing is unpacked to more here, bytes.
const LIMIT: usize = 4 << 20;

/// Tries one image.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    for packing in [Packing::of(data), Packing::of_log(data)].into_iter().flatten() {
        if let Ok(bytes) = unpack(packing, data, LIMIT) {
            assert!(bytes.len() <= LIMIT, "more than the limit came out");
        }
    }
    let _ = zlib(data, LIMIT);
    if let Some(found) = recover(data) {
        assert!(found.symbols.len() <= data.len(), "more symbols than bytes");
    }
    // A payload that unpacks to a gigabyte is no fault, but costs the campaign its time.
    if is_large(data) {
        return;
    }
    let Ok(image) = KernelImage::of_bytes(data.to_vec(), Path::new("bzImage")) else { return };
    let _ = (image.banner(), image.release(), image.build_id(), image.config());
    let _ = (image.at(image.base(), 16), image.at(choice, 1), image.at(u64::MAX, usize::MAX));
    let mut out = Vec::new();
    write_elf(&image, &mut out).expect("memory can be written");
    let names: Vec<String> = image.symbols.iter().take(4).map(|symbol| symbol.name.to_owned()).collect();
    for name in names.iter().map(String::as_str).chain(["schedule"]) {
        for (function, bytes) in image.functions(name).into_iter().take(2) {
            let bytes = &bytes[..bytes.len().min(4_096)];
            let _ = disassemble(&image, function, bytes);
            let _ = lock_calls(&image, function, bytes);
        }
    }
}

/// Whether what is packed in it unpacks to more than the limit.
fn is_large(data: &[u8]) -> bool {
    Packing::places(data, 8)
        .into_iter()
        .any(|(at, packing)| unpack(packing, &data[at..], LIMIT).is_ok_and(|out| out.len() >= LIMIT / 2))
}
