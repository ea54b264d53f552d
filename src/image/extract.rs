//! A boot image → an ELF file with a symbol table, for gdb, objdump and everything else that reads `vmlinux`.

use super::kernel_image::{ImageSymbols, KernelImage};
use crate::architecture::Architecture;
use std::io::{self, Write};

const HEADER: usize = 64;
const SECTION: usize = 64;
const SYMBOL: usize = 24;

/// Writes an image as an ELF file. One that has a symbol table already is written as it is; else the recovered symbols
/// are added behind.
///
/// # Errors
/// Those of the writer.
pub fn write_elf(image: &KernelImage, out: &mut dyn Write) -> io::Result<()> {
    let plain = image.symbol_source == ImageSymbols::Elf || image.symbols.is_empty();
    match image.elf() {
        Some(_) if plain => out.write_all(image.bytes()),
        Some(_) => match with_symbols(image) {
            Some(bytes) => out.write_all(&bytes),
            // An unusual section table: better without symbols than damaged.
            None => out.write_all(image.bytes()),
        },
        None => out.write_all(&wrapped(image)),
    }
}

fn get(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let mut wide = [0; 8];
    wide[..width].copy_from_slice(bytes.get(at..at.checked_add(width)?)?);
    Some(u64::from_le_bytes(wide))
}

fn set(bytes: &mut [u8], at: usize, value: u64, width: usize) {
    if let Some(place) = bytes.get_mut(at..at + width) {
        place.copy_from_slice(&value.to_le_bytes()[..width]);
    }
}

/// The symbols as `.symtab` and `.strtab`; `section` gives the section of an address.
fn tables(image: &KernelImage, section: impl Fn(u64) -> u16) -> (Vec<u8>, Vec<u8>, u32) {
    let (mut symbols, mut strings) = (vec![0; SYMBOL], vec![0]);
    let mut locals = 1;
    // Local symbols come first, as the format demands.
    for global in [false, true] {
        for symbol in image.symbols.iter() {
            if symbol.letter.is_ascii_uppercase() != global {
                continue;
            }
            let function = matches!(symbol.letter, b't' | b'T' | b'w' | b'W');
            let mut entry = [0; SYMBOL];
            set(&mut entry, 0, strings.len() as u64, 4);
            entry[4] = u8::from(global) << 4
                | if function { 2 } else { u8::from(symbol.letter != b'A' && symbol.letter != b'a') };
            set(&mut entry, 6, u64::from(section(symbol.address)), 2);
            set(&mut entry, 8, symbol.address, 8);
            let size = if symbol.size > 0 { symbol.size } else { symbol.span };
            set(&mut entry, 16, if function && size < 1 << 24 { size } else { 0 }, 8);
            symbols.extend_from_slice(&entry);
            strings.extend_from_slice(symbol.name.as_bytes());
            strings.push(0);
            locals += u32::from(!global);
        }
    }
    (symbols, strings, locals)
}

struct Row {
    name: u64,
    kind: u64,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u64,
    info: u64,
    align: u64,
    entry: u64,
}

impl Row {
    fn bytes(&self) -> [u8; SECTION] {
        let mut bytes = [0; SECTION];
        set(&mut bytes, 0, self.name, 4);
        set(&mut bytes, 4, self.kind, 4);
        for (at, value) in [(8, self.flags), (16, self.address), (24, self.offset), (32, self.size)] {
            set(&mut bytes, at, value, 8);
        }
        set(&mut bytes, 40, self.link, 4);
        set(&mut bytes, 44, self.info, 4);
        set(&mut bytes, 48, self.align, 8);
        set(&mut bytes, 56, self.entry, 8);
        bytes
    }
}

/// Adds `.symtab` and `.strtab` to a 64-bit ELF file: new tables behind its end, a new section table behind them.
fn with_symbols(image: &KernelImage) -> Option<Vec<u8>> {
    let elf = image.elf()?;
    let mut bytes = image.bytes().to_vec();
    if bytes.get(4) != Some(&2) || get(&bytes, 0x3a, 2)? != SECTION as u64 {
        return None;
    }
    let (from, count, names) = (get(&bytes, 0x28, 8)?, get(&bytes, 0x3c, 2)?, get(&bytes, 0x3e, 2)?);
    let from = usize::try_from(from).ok()?;
    let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
    let mut rows = bytes.get(from..from.checked_add(count * SECTION)?)?.to_vec();
    let names_row = usize::try_from(names).ok()? * SECTION;
    let (names_at, names_size) = (get(&rows, names_row + 24, 8)?, get(&rows, names_row + 32, 8)?);
    let names_at = usize::try_from(names_at).ok()?;
    let mut names_text = bytes.get(names_at..names_at.checked_add(usize::try_from(names_size).ok()?)?)?.to_vec();
    let name_of_symbols = names_text.len() as u64;
    names_text.extend_from_slice(b".symtab\0.strtab\0");

    let section = |address: u64| {
        let found = elf.sections.iter().find(|section| section.contains(address));
        found.and_then(|section| u16::try_from(section.index).ok()).unwrap_or(0xfff1)
    };
    let (symbols, strings, locals) = tables(image, section);
    let mut append = |data: &[u8]| {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let at = bytes.len() as u64;
        bytes.extend_from_slice(data);
        at
    };
    let (symbols_at, strings_at, names_at) = (append(&symbols), append(&strings), append(&names_text));
    set(&mut rows, names_row + 24, names_at, 8);
    set(&mut rows, names_row + 32, names_text.len() as u64, 8);
    let plain =
        Row { name: 0, kind: 3, flags: 0, address: 0, offset: 0, size: 0, link: 0, info: 0, align: 1, entry: 0 };
    rows.extend_from_slice(
        &Row {
            name: name_of_symbols,
            kind: 2,
            offset: symbols_at,
            size: symbols.len() as u64,
            link: count as u64 + 1,
            info: u64::from(locals),
            align: 8,
            entry: SYMBOL as u64,
            ..plain
        }
        .bytes(),
    );
    rows.extend_from_slice(
        &Row { name: name_of_symbols + 8, kind: 3, offset: strings_at, size: strings.len() as u64, ..plain }.bytes(),
    );
    let rows_at = append(&rows);
    set(&mut bytes, 0x28, rows_at, 8);
    set(&mut bytes, 0x3c, count as u64 + 2, 2);
    Some(bytes)
}

/// Wraps a flat image: one segment, `.text` all of it, and the symbols.
fn wrapped(image: &KernelImage) -> Vec<u8> {
    const PAGE: usize = 0x1000;
    let names = b"\0.text\0.symtab\0.strtab\0.shstrtab\0";
    let (symbols, strings, locals) = tables(image, |address| if image.at(address, 1).is_some() { 1 } else { 0xfff1 });
    let body = image.bytes();
    let machine = image.machine.map_or(0, Architecture::elf_machine);
    let mut out = vec![0; PAGE];
    out[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    for (at, value, width) in [
        (0x10, 2, 2),
        (0x12, u64::from(machine), 2),
        (0x14, 1, 4),
        (0x18, image.base(), 8),
        (0x20, HEADER as u64, 8),
        (0x34, HEADER as u64, 2),
        (0x36, 56, 2),
        (0x38, 1, 2),
        (0x3a, SECTION as u64, 2),
        (0x3c, 5, 2),
        (0x3e, 4, 2),
        // The one segment: PT_LOAD, readable, writable, executable.
        (0x40, 1, 4),
        (0x44, 7, 4),
        (0x48, PAGE as u64, 8),
        (0x50, image.base(), 8),
        (0x58, image.base(), 8),
        (0x60, body.len() as u64, 8),
        (0x68, body.len() as u64, 8),
        (0x70, PAGE as u64, 8),
    ] {
        set(&mut out, at, value, width);
    }
    let mut append = |data: &[u8]| {
        out.resize(out.len().next_multiple_of(8), 0);
        let at = out.len() as u64;
        out.extend_from_slice(data);
        at
    };
    let (body_at, symbols_at, strings_at, names_at) = (append(body), append(&symbols), append(&strings), append(names));
    let plain =
        Row { name: 0, kind: 0, flags: 0, address: 0, offset: 0, size: 0, link: 0, info: 0, align: 1, entry: 0 };
    let rows: Vec<u8> = [
        Row { ..plain },
        Row {
            name: 1,
            kind: 1,
            flags: 7,
            address: image.base(),
            offset: body_at,
            size: body.len() as u64,
            align: PAGE as u64,
            ..plain
        },
        Row {
            name: 7,
            kind: 2,
            offset: symbols_at,
            size: symbols.len() as u64,
            link: 3,
            info: u64::from(locals),
            align: 8,
            entry: SYMBOL as u64,
            ..plain
        },
        Row { name: 15, kind: 3, offset: strings_at, size: strings.len() as u64, ..plain },
        Row { name: 23, kind: 3, offset: names_at, size: names.len() as u64, ..plain },
    ]
    .iter()
    .flat_map(Row::bytes)
    .collect();
    let rows_at = append(&rows);
    set(&mut out, 0x28, rows_at, 8);
    out
}
