//! A module's debug sections refer to its other sections by relocations; this applies them to a copy.

use object::{Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationKind, RelocationTarget};
use std::collections::BTreeMap;

/// Applies the relocations of one debug section. `layout` says where each loaded section lies; sections that are not
/// loaded lie at 0, so that a reference between debug sections is an offset. What cannot be applied is left as it is.
pub(super) fn relocate(
    file: &object::File<'_>,
    section: &object::Section<'_, '_>,
    bytes: &mut [u8],
    layout: &BTreeMap<usize, u64>,
) {
    for (offset, relocation) in section.relocations() {
        let RelocationTarget::Symbol(index) = relocation.target() else { continue };
        let Ok(symbol) = file.symbol_by_index(index) else { continue };
        let base = symbol.section_index().and_then(|index| layout.get(&index.0)).copied().unwrap_or(0);
        let value = base.wrapping_add(symbol.address()).wrapping_add_signed(relocation.addend());
        let Ok(at) = usize::try_from(offset) else { continue };
        let action = match relocation.kind() {
            RelocationKind::Absolute => Some((Action::Set, relocation.size())),
            _ => match relocation.flags() {
                RelocationFlags::Elf { r_type } if file.architecture() == object::Architecture::Riscv64 => {
                    riscv(r_type.0)
                }
                _ => None,
            },
        };
        let Some((action, bits)) = action else { continue };
        let width = usize::from(bits.div_ceil(8));
        let Some(place) = bytes.get_mut(at..at.saturating_add(width)) else { continue };
        let mut old = [0; 8];
        old[..width].copy_from_slice(place);
        let old = u64::from_le_bytes(old);
        let implicit = if relocation.has_implicit_addend() { old } else { 0 };
        let new = match action {
            Action::Set => value.wrapping_add(implicit),
            Action::Add => old.wrapping_add(value),
            Action::Subtract => old.wrapping_sub(value),
            Action::SetSix => old & !0x3f | value & 0x3f,
            Action::SubtractSix => old & !0x3f | old.wrapping_sub(value) & 0x3f,
        };
        place.copy_from_slice(&new.to_le_bytes()[..width]);
    }
}

enum Action {
    Set,
    Add,
    Subtract,
    SetSix,
    SubtractSix,
}

/// RISC-V computes differences at link time because its linker shortens code: pairs of ADD and SUB.
/// Numbers from the RISC-V ELF psABI, chapter "Relocations".
fn riscv(kind: u32) -> Option<(Action, u8)> {
    Some(match kind {
        33 => (Action::Add, 8),
        34 => (Action::Add, 16),
        35 => (Action::Add, 32),
        36 => (Action::Add, 64),
        37 => (Action::Subtract, 8),
        38 => (Action::Subtract, 16),
        39 => (Action::Subtract, 32),
        40 => (Action::Subtract, 64),
        52 => (Action::SubtractSix, 8),
        53 => (Action::SetSix, 8),
        54 => (Action::Set, 8),
        55 => (Action::Set, 16),
        56 => (Action::Set, 32),
        _ => return None,
    })
}
