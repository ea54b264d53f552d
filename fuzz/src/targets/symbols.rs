//! Symbol files: ELF, System.map, kallsyms, caches; look-ups in what was read.

use super::{Scrap, choice};
use kanalyze::symbols::{
    Binary, Cache, Elf, Kernel, Kind, LogDecoder, LogOptions, SymbolTable, View, demangled, find_banner, spots,
};
use std::path::Path;

/// Tries one file.
pub fn check(data: &[u8]) {
    let choice = choice(data);
    if data.starts_with(b"\x7fELF") {
        elf(data, choice);
    }
    for table in [SymbolTable::of_text(data), SymbolTable::of_module_text(data)] {
        tried(&table, choice);
        let bytes = table.to_bytes();
        let again = SymbolTable::of_bytes(&bytes).expect("a table that was written can be read");
        assert_eq!(again.len(), table.len(), "a table loses rows in the cache");
    }
    // A cache has a checksum: a forged one may lose symbols, but neither panics nor reads astray.
    if let Some(table) = SymbolTable::of_bytes(data) {
        for symbol in table.iter().take(20) {
            assert!(table.covering(symbol.address).is_some(), "{:#x} is nowhere", symbol.address);
            let _ = table.named(symbol.name).count();
        }
        asked(&table, choice);
    }
    if choice.is_multiple_of(8) {
        cache(data);
    }
    let _ = find_banner(data);
    for line in data.split(|byte| *byte == b'\n').take(50) {
        for spot in spots(line) {
            assert!(spot.range.end <= line.len(), "a place is beyond its line");
        }
        if let Ok(name) = std::str::from_utf8(line) {
            let _ = demangled(name);
        }
    }
}

fn tried(table: &SymbolTable, choice: u64) {
    for symbol in table.iter().take(20) {
        assert!(table.named(symbol.name).any(|found| found.address == symbol.address), "{:?} is lost", symbol.name);
        assert!(table.covering(symbol.address).is_some(), "{:#x} is nowhere", symbol.address);
    }
    asked(table, choice);
}

fn asked(table: &SymbolTable, choice: u64) {
    let _ = (table.covering(choice), table.covering(0), table.covering(u64::MAX));
    let _ = table.beginning("a").take(3).count();
}

fn elf(data: &[u8], choice: u64) {
    let Ok(elf) = Elf::of(View::owned(data.to_vec()), Path::new("vmlinux")) else { return };
    for section in &elf.sections {
        assert!(elf.contents(section).len() <= data.len(), "a section is longer than its file");
        let _ = elf.at(section.address, 16);
        let _ = elf.at(section.address.wrapping_add(section.size), 1);
    }
    let binary = Binary::of(elf, None);
    tried(binary.symbols(), choice);
    let addresses: Vec<u64> = binary.symbols().iter().take(8).map(|symbol| symbol.address).collect();
    binary.prepare(&addresses);
    for address in addresses.iter().chain(&[0, choice, u64::MAX]) {
        for place in binary.places(*address) {
            let _ = format!("{place:?}");
        }
    }
    let _ = (binary.prepare_all(), binary.banner());
    let Ok(elf) = Elf::of(View::owned(data.to_vec()), Path::new("vmlinux")) else { return };
    let kernel = Kernel::of_elf(elf, None);
    let _ = (kernel.release(), kernel.shortcoming(), kernel.build_folder());
    let mut decoder = LogDecoder::new(&kernel, LogOptions { force: choice & 1 == 0, offset: Some(choice) });
    for line in [
        " kernel_init+0x10/0x40",
        " schedule+0xffffffffffffffff/0x1 [widget 0123456789abcdef0123456789abcdef01234567]",
        "RIP: 0010:[<ffffffff81000010>] main+0x0/0x0",
    ] {
        for one in decoder.line(line.as_bytes()) {
            assert!(one.spot.range.end <= line.len(), "a place is beyond its line");
        }
    }
}

fn cache(data: &[u8]) {
    let file = Scrap::new(data, ".piece");
    let folder = file.0.with_extension("folder");
    if std::fs::create_dir(&folder).is_err() {
        return;
    }
    let _ = std::fs::copy(&file.0, folder.join("0"));
    let cache = Cache::open(&folder);
    for key in [0, 1, u64::MAX] {
        let _ = (cache.get(Kind::Symbols, key), cache.get(Kind::Banner, key));
    }
    let _ = std::fs::remove_dir_all(&folder);
}
