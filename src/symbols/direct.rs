//! Places straight from the debug information, by the crate `addr2line`: for modules and small images, for which no index is kept.

use super::elf::Elf;
use super::place::{Place, demangled};
use addr2line::Context;
use gimli::{Dwarf, EndianArcSlice, LittleEndian, SectionId};
use std::sync::{Arc, Mutex};

type Bytes = EndianArcSlice<LittleEndian>;

/// Debug information larger than this is not copied into memory; the index serves it better, bytes.
const SMALL: usize = 32 << 20;

/// The sections that are read.
const SECTIONS: [SectionId; 9] = [
    SectionId::DebugAbbrev,
    SectionId::DebugAddr,
    SectionId::DebugInfo,
    SectionId::DebugLine,
    SectionId::DebugLineStr,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
    SectionId::DebugStr,
    SectionId::DebugStrOffsets,
];

/// Debug information, read unit by unit as addresses are asked for. A context belongs to one thread at a time.
pub(super) struct Direct(Mutex<Context<Bytes>>);

impl std::fmt::Debug for Direct {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Direct")
    }
}

impl Direct {
    /// Opens the debug information of a file; `None` if it is large, damaged, or has its trees in files of their own.
    #[must_use]
    pub(super) fn of(elf: &Elf) -> Option<Self> {
        let size: usize = SECTIONS.iter().map(|section| elf.debug_section(section.name()).len()).sum();
        if size > SMALL || !elf.has_lines() {
            return None;
        }
        let bytes = |id: SectionId| if SECTIONS.contains(&id) { elf.debug_section(id.name()) } else { &[] };
        let load = |id: SectionId| Ok::<_, gimli::Error>(Bytes::new(Arc::from(bytes(id)), LittleEndian));
        let dwarf = Dwarf::load(load).ok()?;
        let mut headers = dwarf.units();
        while let Some(header) = headers.next().ok()? {
            if dwarf.unit(header).ok()?.dwo_id.is_some() {
                return None;
            }
        }
        Some(Self(Mutex::new(Context::from_dwarf(dwarf).ok()?)))
    }

    /// The places that an address stands for, the innermost inlined function first, without discriminators, which
    /// `addr2line` does not give. `None` if the debug information is damaged there or does not know the address.
    #[must_use]
    pub(super) fn places(&self, address: u64) -> Option<Vec<Place>> {
        let context = self.0.lock().ok()?;
        let mut frames = context.find_frames(address).skip_all_loads().ok()?;
        let mut places = Vec::new();
        while let Some(frame) = frames.next().ok()? {
            let function = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            let location = frame.location.as_ref();
            places.push(Place {
                function: function.map(|name| demangled(&name)),
                file: location.and_then(|location| location.file).map(str::to_owned),
                line: location.and_then(|location| location.line).filter(|line| *line > 0),
                discriminator: 0,
            });
        }
        (!places.is_empty()).then_some(places)
    }
}
