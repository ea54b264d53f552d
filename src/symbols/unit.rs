//! One DWARF unit → a [`table`](super::table) of its lines and functions.
//!
//! `addr2line` reads the same tree, but keeps it as borrowed objects that cannot be stored and walks every type on its way;
//! here types are jumped over by `DW_AT_sibling`, and what comes out are bytes for the index cache.

use super::entry::{Slice, name_of};
use super::table::Builder;
use gimli::{AttributeValue, DwTag, LineProgramHeader, UnitRef};
use std::collections::HashMap;

/// Trees deeper than this are damage.
const DEPTH_LIMIT: isize = 4096;

/// Strings of a unit by what they were made from, so that each is kept once.
#[derive(Default)]
struct Strings {
    names: HashMap<usize, Option<u32>>,
    files: HashMap<u64, Option<u32>>,
}

/// Makes the table of a unit. `lines` is the unit whose line program counts; for a split unit that is the skeleton,
/// while the tree is in `tree`. Damage ends the reading early; what was read until then is kept.
#[must_use]
pub(super) fn read_unit<'data>(lines: UnitRef<'_, Slice<'data>>, tree: UnitRef<'_, Slice<'data>>) -> Vec<u8> {
    let mut builder = Builder::default();
    let mut strings = Strings::default();
    let _ = read_lines(lines, &mut builder, &mut strings);
    // A split unit counts its files by a table of its own.
    let own = tree.line_program.is_some() && !std::ptr::eq(lines.unit, tree.unit);
    if own {
        strings.files.clear();
    }
    let _ = read_tree(tree, if own { tree } else { lines }, &mut builder, &mut strings);
    builder.finish()
}

fn read_lines<'data>(
    unit: UnitRef<'_, Slice<'data>>,
    builder: &mut Builder,
    strings: &mut Strings,
) -> gimli::Result<()> {
    let Some(program) = unit.line_program.clone() else { return Ok(()) };
    let mut rows = program.rows();
    let mut last = None;
    while let Some((header, row)) = rows.next_row()? {
        if row.end_sequence() {
            builder.end_sequence(row.address());
            last = None;
            continue;
        }
        let index = row.file_index();
        let file = match last {
            Some((known, file)) if known == index => file,
            _ => file_string(unit, header, index, builder, strings),
        };
        last = Some((index, file));
        builder.row(
            row.address(),
            file,
            row.line().map_or(0, |line| u32::try_from(line.get()).unwrap_or(0)),
            row.discriminator(),
        );
    }
    Ok(())
}

fn file_string<'data>(
    unit: UnitRef<'_, Slice<'data>>,
    header: &LineProgramHeader<Slice<'data>>,
    index: u64,
    builder: &mut Builder,
    strings: &mut Strings,
) -> Option<u32> {
    if let Some(known) = strings.files.get(&index) {
        return *known;
    }
    let path = file_path(unit, header, index);
    let number = path.map(|path| builder.string(&path));
    strings.files.insert(index, number);
    number
}

/// The path of a file of the line table: its folder joined to that of the compilation.
fn file_path<'data>(
    unit: UnitRef<'_, Slice<'data>>,
    header: &LineProgramHeader<Slice<'data>>,
    index: u64,
) -> Option<Vec<u8>> {
    let file = header.file(index)?;
    let mut path = unit.comp_dir.map(|folder| folder.slice().to_vec()).unwrap_or_default();
    let mut push = |part: &[u8]| {
        if part.first() == Some(&b'/') {
            path.clear();
        } else if !path.is_empty() && path.last() != Some(&b'/') {
            path.push(b'/');
        }
        path.extend_from_slice(part);
    };
    // Folder 0 is the folder of the compilation.
    if file.directory_index() != 0
        && let Some(folder) = file.directory(header)
        && let Ok(folder) = unit.attr_string(folder)
    {
        push(folder.slice());
    }
    push(unit.attr_string(file.path_name()).ok()?.slice());
    Some(path)
}

/// What the attributes of a function say.
#[derive(Default)]
struct Function<'data> {
    low: Option<u64>,
    high: Option<u64>,
    size: Option<u64>,
    ranges: Option<gimli::RangeListsOffset<usize>>,
    name: Option<Slice<'data>>,
    linkage_name: Option<Slice<'data>>,
    origin: Option<AttributeValue<Slice<'data>>>,
    call_file: Option<u64>,
    call_line: u32,
    sibling: Option<gimli::UnitOffset<usize>>,
}

fn read_tree<'data>(
    unit: UnitRef<'_, Slice<'data>>,
    files: UnitRef<'_, Slice<'data>>,
    builder: &mut Builder,
    strings: &mut Strings,
) -> gimli::Result<()> {
    let mut entries = unit.entries_raw(None)?;
    // A reader that was set to a sibling counts its depth anew.
    let mut bias = 0;
    let mut open: Vec<(isize, u32)> = Vec::new();
    while !entries.is_empty() {
        let depth = entries.next_depth() + bias;
        let Some(abbreviation) = entries.read_abbreviation()? else { continue };
        while open.last().is_some_and(|(at, _)| *at >= depth) {
            open.pop();
        }
        if depth > DEPTH_LIMIT {
            return Ok(());
        }
        let tag = abbreviation.tag();
        if is_scope(tag) || !abbreviation.has_children() && !is_function(tag) {
            entries.skip_attributes(abbreviation.attributes())?;
            continue;
        }
        let mut function = Function::default();
        if is_function(tag) {
            for specification in abbreviation.attributes() {
                read_attribute(&mut function, unit, entries.read_attribute_inline(*specification)?)?;
            }
            if let Some(node) =
                take_function(&function, tag, unit, files, builder, strings, open.last().map(|open| open.1))?
            {
                open.push((depth, node));
                continue;
            }
        } else {
            let mut rest = abbreviation.attributes();
            while let Some(at) = rest.iter().position(|specification| specification.name() == gimli::DW_AT_sibling) {
                entries.skip_attributes(&rest[..at])?;
                if let AttributeValue::UnitRef(offset) = entries.read_attribute(rest[at])?.value() {
                    function.sibling = Some(offset);
                }
                rest = &rest[at + 1..];
            }
            entries.skip_attributes(rest)?;
        }
        // No code in it, or a type: its children are of no interest.
        if abbreviation.has_children()
            && let Some(sibling) = function.sibling
            && sibling.0 > entries.next_offset().0
        {
            entries = unit.entries_raw(Some(sibling))?;
            bias = depth;
        }
    }
    Ok(())
}

fn is_function(tag: DwTag) -> bool {
    matches!(tag, gimli::DW_TAG_subprogram | gimli::DW_TAG_inlined_subroutine)
}

/// What may hold functions or inlined copies without being one.
fn is_scope(tag: DwTag) -> bool {
    matches!(
        tag,
        gimli::DW_TAG_compile_unit
            | gimli::DW_TAG_partial_unit
            | gimli::DW_TAG_skeleton_unit
            | gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_lexical_block
            | gimli::DW_TAG_try_block
            | gimli::DW_TAG_catch_block
    )
}

fn read_attribute<'data>(
    function: &mut Function<'data>,
    unit: UnitRef<'_, Slice<'data>>,
    attribute: gimli::Attribute<Slice<'data>>,
) -> gimli::Result<()> {
    match attribute.name() {
        gimli::DW_AT_low_pc => match attribute.value() {
            AttributeValue::Addr(address) => function.low = Some(address),
            AttributeValue::DebugAddrIndex(index) => function.low = Some(unit.address(index)?),
            _ => {}
        },
        gimli::DW_AT_high_pc => match attribute.value() {
            AttributeValue::Addr(address) => function.high = Some(address),
            AttributeValue::DebugAddrIndex(index) => function.high = Some(unit.address(index)?),
            AttributeValue::Udata(size) => function.size = Some(size),
            _ => {}
        },
        gimli::DW_AT_ranges => function.ranges = unit.attr_ranges_offset(attribute.value())?,
        gimli::DW_AT_name => function.name = unit.attr_string(attribute.value()).ok(),
        gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
            function.linkage_name = unit.attr_string(attribute.value()).ok();
        }
        gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => function.origin = Some(attribute.value()),
        gimli::DW_AT_call_file => {
            // In DWARF 5 file 0 is a file; before, it meant none.
            if let AttributeValue::FileIndex(index) = attribute.value()
                && (index > 0 || unit.header.version() >= 5)
            {
                function.call_file = Some(index);
            }
        }
        gimli::DW_AT_call_line => {
            function.call_line = attribute.udata_value().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        }
        gimli::DW_AT_sibling => {
            if let AttributeValue::UnitRef(offset) = attribute.value() {
                function.sibling = Some(offset);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Makes a node of a function that has code; `None` for declarations and abstract instances.
fn take_function<'data>(
    function: &Function<'data>,
    tag: DwTag,
    unit: UnitRef<'_, Slice<'data>>,
    files: UnitRef<'_, Slice<'data>>,
    builder: &mut Builder,
    strings: &mut Strings,
    parent: Option<u32>,
) -> gimli::Result<Option<u32>> {
    if function.ranges.is_none() && (function.low.is_none() || function.high.is_none() && function.size.is_none()) {
        return Ok(None);
    }
    let name = match (function.linkage_name, function.name, function.origin) {
        (Some(name), ..) | (None, Some(name), _) => Some(builder.string(name.slice())),
        (None, None, Some(origin)) => origin_name(origin, unit, builder, strings),
        _ => None,
    };
    let inlined = tag == gimli::DW_TAG_inlined_subroutine;
    let call_file = function.call_file.filter(|_| inlined).and_then(|index| {
        let program = files.line_program.as_ref()?;
        file_string(files, program.header(), index, builder, strings)
    });
    let node = builder.node(name, call_file, function.call_line, parent.filter(|_| inlined));
    if let Some(offset) = function.ranges {
        let mut ranges = unit.ranges(offset)?;
        while let Some(range) = ranges.next()? {
            if !builder.interval(range.begin, range.end, node) {
                break;
            }
        }
    } else if let Some(low) = function.low {
        let high = function.high.unwrap_or_else(|| low.saturating_add(function.size.unwrap_or(0)));
        builder.interval(low, high, node);
    }
    Ok(Some(node))
}

fn origin_name<'data>(
    origin: AttributeValue<Slice<'data>>,
    unit: UnitRef<'_, Slice<'data>>,
    builder: &mut Builder,
    strings: &mut Strings,
) -> Option<u32> {
    let key = match origin {
        AttributeValue::UnitRef(offset) => offset.to_debug_info_offset(&unit.header).map(|offset| offset.0),
        AttributeValue::DebugInfoRef(offset) => Some(offset.0),
        _ => None,
    };
    if let Some(known) = key.and_then(|key| strings.names.get(&key)) {
        return *known;
    }
    let number = name_of(origin, unit, 16).map(|name| builder.string(name.slice()));
    if let Some(key) = key {
        strings.names.insert(key, number);
    }
    number
}
