//! Entries of DWARF units: a unit with what its header refers to, and the name of an entry, whatever unit has it.

use gimli::{AttributeValue, DebugInfoOffset, EndianSlice, LittleEndian, Unit, UnitRef};

/// The bytes of a section. Kernels of big-endian machines are refused when they are opened.
pub(super) type Slice<'data> = EndianSlice<'data, LittleEndian>;

/// A unit with its line program, or nothing if it is damaged.
#[must_use]
pub(super) fn open_unit<'data>(
    dwarf: &gimli::Dwarf<Slice<'data>>,
    offset: gimli::DebugInfoOffset<usize>,
) -> Option<Unit<Slice<'data>>> {
    let header = dwarf.unit_header(offset).ok()?;
    dwarf.unit(header).ok()
}

/// The name that an abstract origin or a specification leads to, through at most `limit` steps.
#[must_use]
pub(super) fn name_of<'data>(
    reference: AttributeValue<Slice<'data>>,
    unit: UnitRef<'_, Slice<'data>>,
    limit: usize,
) -> Option<Slice<'data>> {
    let limit = limit.checked_sub(1)?;
    match reference {
        AttributeValue::UnitRef(offset) => name_at(unit, offset, limit),
        AttributeValue::DebugInfoRef(offset) => {
            if let Some(offset) = offset.to_unit_offset(&unit.header) {
                return name_at(unit, offset, limit);
            }
            // Link-time optimization refers across units.
            let header = unit_around(unit.dwarf, offset)?;
            let other = unit.dwarf.unit(header).ok()?;
            let offset = offset.to_unit_offset(&other.header)?;
            name_at(UnitRef::new(unit.dwarf, &other), offset, limit)
        }
        _ => None,
    }
}

fn name_at<'data>(
    unit: UnitRef<'_, Slice<'data>>,
    offset: gimli::UnitOffset<usize>,
    limit: usize,
) -> Option<Slice<'data>> {
    let mut entries = unit.entries_raw(Some(offset)).ok()?;
    let abbreviation = entries.read_abbreviation().ok()??;
    let (mut name, mut next) = (None, None);
    for specification in abbreviation.attributes() {
        let attribute = entries.read_attribute(*specification).ok()?;
        match attribute.name() {
            gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
                if let Ok(linkage_name) = unit.attr_string(attribute.value()) {
                    return Some(linkage_name);
                }
            }
            gimli::DW_AT_name => name = unit.attr_string(attribute.value()).ok(),
            gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => next = Some(attribute.value()),
            _ => {}
        }
    }
    name.or_else(|| name_of(next?, unit, limit))
}

/// The header of the unit that an offset in `.debug_info` lies in.
fn unit_around<'data>(
    dwarf: &gimli::Dwarf<Slice<'data>>,
    offset: DebugInfoOffset<usize>,
) -> Option<gimli::UnitHeader<Slice<'data>>> {
    let mut headers = dwarf.units();
    while let Ok(Some(header)) = headers.next() {
        if offset.to_unit_offset(&header).is_some() {
            return Some(header);
        }
    }
    None
}
