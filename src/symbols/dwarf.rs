//! DWARF as a whole: its sections, which unit covers an address, split units.

use super::elf::Elf;
use super::entry::{Slice, open_unit};
use super::unit::read_unit;
use gimli::{DebugInfoOffset, EndianSlice, LittleEndian, SectionId, UnitRef};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Which unit covers which addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct UnitRanges(Vec<UnitRange>);

/// A unit's offset in `.debug_info` and one stretch of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnitRange {
    /// First address.
    pub begin: u64,
    /// The address after the last.
    pub end: u64,
    /// Offset of the unit.
    pub unit: u64,
}

impl UnitRanges {
    /// Sorts ranges for look-up.
    #[must_use]
    pub(super) fn new(mut ranges: Vec<UnitRange>) -> Self {
        ranges.sort_unstable();
        ranges.dedup();
        Self(ranges)
    }

    /// The ranges, sorted.
    #[must_use]
    pub(super) fn as_slice(&self) -> &[UnitRange] {
        &self.0
    }

    /// The unit whose code lies at an address.
    #[must_use]
    pub(super) fn find(&self, address: u64) -> Option<u64> {
        let after = self.0.partition_point(|range| range.begin <= address);
        // Ranges hardly ever overlap; where they do, the one that begins last is the closest.
        self.0[..after].iter().rev().take(16).find(|range| address < range.end).map(|range| range.unit)
    }
}

/// The sections of a file, ready to be read.
#[must_use]
pub(super) fn sections(elf: &Elf) -> gimli::Dwarf<Slice<'_>> {
    let load = |id: SectionId| Ok::<_, gimli::Error>(EndianSlice::new(elf.debug_section(id.name()), LittleEndian));
    gimli::Dwarf::load(load).unwrap_or_default()
}

/// Reads which unit covers which addresses: from `.debug_aranges`, which is quick, for the units that it knows, else
/// from the units themselves (compilers write that index for all units, for some, or not at all).
#[must_use]
pub(super) fn unit_ranges(elf: &Elf) -> UnitRanges {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    let aranges = gimli::DebugAranges::new(elf.debug_section(".debug_aranges"), LittleEndian);
    let mut headers = aranges.headers();
    while let Ok(Some(header)) = headers.next() {
        let unit = header.debug_info_offset().0;
        let mut entries = header.entries();
        while let Ok(Some(entry)) = entries.next() {
            push(&mut found, elf, entry.range(), unit as u64);
            known.insert(unit);
        }
    }
    let dwarf = sections(elf);
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        let Some(offset) = header.debug_info_offset().filter(|offset| !known.contains(&offset.0)) else { continue };
        let Ok(unit) = dwarf.unit(header) else { continue };
        let Ok(mut ranges) = dwarf.unit_ranges(&unit) else { continue };
        while let Ok(Some(range)) = ranges.next() {
            push(&mut found, elf, range, offset.0 as u64);
        }
    }
    UnitRanges::new(found)
}

/// Code that the linker dropped is said to lie at 0 or at the end of the address space; only real code counts.
fn push(found: &mut Vec<UnitRange>, elf: &Elf, range: gimli::Range, unit: u64) {
    if range.begin < range.end && elf.is_code(range.begin) {
        found.push(UnitRange { begin: range.begin, end: range.end, unit });
    }
}

/// Makes the table of the unit at an offset; empty if it is damaged.
#[must_use]
pub(super) fn read_table(elf: &Elf, dwarf: &gimli::Dwarf<Slice<'_>>, offset: u64) -> Vec<u8> {
    let Some(unit) = usize::try_from(offset).ok().and_then(|offset| open_unit(dwarf, DebugInfoOffset(offset))) else {
        return Vec::new();
    };
    let lines = UnitRef::new(dwarf, &unit);
    if lines.dwo_id.is_some()
        && let Some(table) = split_table(elf, lines)
    {
        return table;
    }
    read_unit(lines, lines)
}

/// The file that holds the tree of a split unit: `vmlinux.dwp`, or the `.dwo` file where it was made, or beside the
/// image, where a copied build tree has it.
fn split_file(elf: &Elf, skeleton: UnitRef<'_, Slice<'_>>) -> Option<(Elf, bool)> {
    let mut package = elf.path.clone().into_os_string();
    package.push(".dwp");
    if let Ok(file) = Elf::open(Path::new(&package)) {
        return Some((file, true));
    }
    let name = skeleton.attr_string(skeleton.dwo_name().ok()??).ok()?;
    let name = PathBuf::from(String::from_utf8_lossy(name.slice()).into_owned());
    let folder = skeleton.comp_dir.map(|folder| PathBuf::from(String::from_utf8_lossy(folder.slice()).into_owned()));
    let here = elf.path.parent().unwrap_or(Path::new("."));
    let file = folder.map(|folder| folder.join(&name)).into_iter().chain([here.join(&name)]);
    Some((file.into_iter().find_map(|path| Elf::open(&path).ok())?, false))
}

/// The table of a unit whose tree is in a file of its own; `None` if there is no such file.
fn split_table(elf: &Elf, skeleton: UnitRef<'_, Slice<'_>>) -> Option<Vec<u8>> {
    let (file, packaged) = split_file(elf, skeleton)?;
    let load = |id: SectionId| {
        let bytes = id.dwo_name().map_or(&[][..], |name| file.debug_section(name));
        Ok::<_, gimli::Error>(EndianSlice::new(bytes, LittleEndian))
    };
    // gimli wants both files to live equally long, so that the skeleton is read again here.
    let dwarf = sections(elf);
    let unit = open_unit(&dwarf, skeleton.header.debug_info_offset()?)?;
    let skeleton = UnitRef::new(&dwarf, &unit);
    let split = if packaged {
        let package = gimli::DwarfPackage::load(load, EndianSlice::new(&[], LittleEndian)).ok()?;
        package.find_cu(skeleton.dwo_id?, &dwarf).ok()??
    } else {
        let mut split = gimli::Dwarf::load(load).ok()?;
        split.make_dwo(&dwarf);
        split
    };
    let mut headers = split.units();
    while let Ok(Some(header)) = headers.next() {
        let Ok(mut unit) = split.unit(header) else { continue };
        if unit.dwo_id == skeleton.dwo_id {
            unit.copy_relocated_attributes(skeleton.unit);
            return Some(read_unit(skeleton, UnitRef::new(&split, &unit)));
        }
    }
    None
}
