//! Where a kernel was loaded: its addresses minus those of the image (KASLR), as stated, as shown, or inferred.

use super::answer::Confidence;
use super::elf::Elf;
use super::kernel::Kernel;
use super::names::SymbolTable;
use crate::architecture::Architecture;
use std::collections::BTreeSet;

/// How far a kernel lies above where it was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOffset {
    /// Bytes, modulo 2⁶⁴.
    pub offset: u64,
    /// How sure that is.
    pub confidence: Confidence,
    /// What says so.
    pub source: &'static str,
}

/// The offset that a log line states: `Kernel Offset: 0x1c000000 from 0xffffffff81000000 (…)` or `disabled`.
#[must_use]
pub(super) fn stated(line: &[u8]) -> Option<LoadOffset> {
    let at = memchr::memmem::find(line, b"Kernel Offset: ")?;
    let text = std::str::from_utf8(&line[at + 15..]).ok()?;
    let word = text.split_whitespace().next()?;
    let offset = if word == "disabled" { 0 } else { u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()? };
    Some(LoadOffset { offset, confidence: Confidence::Certain, source: "Kernel Offset" })
}

/// The offset between the image and a saved `/proc/kallsyms` of the running kernel.
#[must_use]
pub(super) fn from_kallsyms(kernel: &Kernel, running: &SymbolTable) -> Option<LoadOffset> {
    let image = kernel.symbols()?;
    let offset = ["_text", "_stext", "startup_64"].iter().find_map(|name| {
        let (here, there) = (image.named(name).next()?, running.named(name).next()?);
        (there.address != 0).then(|| there.address.wrapping_sub(here.address))
    })?;
    Some(LoadOffset { offset, confidence: Confidence::Certain, source: "kallsyms" })
}

/// The offset at which all these return addresses follow a call instruction of the image. x86-64 places a kernel at
/// one of at most 512 steps of 2 MiB; it is reported only if a single step fits at least three addresses.
#[must_use]
pub(super) fn inferred(kernel: &Kernel, returns: &BTreeSet<u64>) -> Option<LoadOffset> {
    const STEP: u64 = 2 << 20;
    const ENOUGH: usize = 3;
    let binary = kernel.binary()?;
    let elf = &binary.elf;
    // Above are modules.
    let returns: Vec<u64> =
        returns.iter().copied().filter(|address| *address < 0xffff_ffff_c000_0000).take(64).collect();
    if elf.architecture != Some(Architecture::Amd64) || returns.len() < ENOUGH {
        return None;
    }
    let table = binary.symbols();
    let mut fitting = (0..512)
        .map(|step| step * STEP)
        .filter(|offset| returns.iter().all(|address| follows_call(elf, table, address.wrapping_sub(*offset))));
    let offset = fitting.next()?;
    fitting.next().is_none().then_some(LoadOffset {
        offset,
        confidence: Confidence::Likely,
        source: "inferred from call instructions",
    })
}

/// Whether the instruction before an address is a call: a direct one to the start of a function, or an indirect one.
fn follows_call(elf: &Elf, table: &SymbolTable, address: u64) -> bool {
    if !elf.is_code(address.wrapping_sub(1)) {
        return false;
    }
    let Some([e8, target @ ..]) = elf.at(address.wrapping_sub(5), 5) else { return false };
    if *e8 == 0xe8
        && let Ok(target) = <[u8; 4]>::try_from(target)
    {
        let target = address.wrapping_add_signed(i64::from(i32::from_le_bytes(target)));
        if table.covering(target).is_some_and(|symbol| symbol.address == target) {
            return true;
        }
    }
    // call *%reg, call *disp8(%reg), call *disp32(%reg)
    let indirect = |length: u64, low: u8, high: u8| {
        elf.at(address.wrapping_sub(length), 2)
            .is_some_and(|bytes| bytes[0] == 0xff && (low..=high).contains(bytes.get(1).unwrap_or(&0)))
    };
    indirect(2, 0xd0, 0xd7) || indirect(3, 0x50, 0x57) || indirect(6, 0x90, 0x97)
}
