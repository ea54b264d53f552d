//! The address that a function and an offset stand for, among functions of one name and builds of other sizes.

use super::answer::{Confidence, Named};
use super::binary::Binary;
use super::names::{Symbol, SymbolTable};

/// Why a named place has no address in a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPlace {
    #[error("no function {0}")]
    NoFunction(String),
    #[error("offset {offset:#x} is beyond the size {size:#x}: a damaged line")]
    Beyond { offset: u64, size: u64 },
    #[error("{function} has {sizes} bytes in the image, the log says {size:#x}: another build")]
    OtherBuild { function: String, sizes: String, size: u64 },
}

/// The address that a named place stands for in its file, and how sure that is. `compatible` is [`super::Kernel::compatible`].
pub(super) fn address(
    compatible: bool,
    binary: Option<&Binary>,
    table: &SymbolTable,
    named: Named<'_>,
) -> Result<(u64, Confidence, Option<String>), NoPlace> {
    let Named { function, offset, size, .. } = named;
    if compatible {
        let first = table.named(function).find(|symbol| matches!(symbol.letter, b't' | b'T'));
        let symbol = first.ok_or_else(|| NoPlace::NoFunction(function.to_owned()))?;
        return Ok((symbol.address.wrapping_add(offset), Confidence::Certain, None));
    }
    if offset > size {
        return Err(NoPlace::Beyond { offset, size });
    }
    let mut all: Vec<Symbol<'_>> =
        table.named(function).filter(|symbol| binary.is_none_or(|binary| binary.elf.is_code(symbol.address))).collect();
    if all.is_empty() {
        // The kernel cuts what link-time optimization appends.
        all = table.beginning(&format!("{function}.llvm.")).collect();
    }
    if all.is_empty() {
        return Err(NoPlace::NoFunction(function.to_owned()));
    }
    let fits = |symbol: &&Symbol<'_>| symbol.span == size || symbol.size == size || is_last(binary, symbol, size);
    let mut fitting: Vec<Symbol<'_>> = all.iter().filter(fits).copied().collect();
    fitting.dedup_by_key(|symbol| symbol.address);
    let minus = u64::from(!named.exact);
    match fitting.as_slice() {
        [] => {
            let sizes: Vec<String> = all
                .iter()
                .map(|symbol| format!("{:#x}", if symbol.size > 0 { symbol.size } else { symbol.span }))
                .collect();
            Err(NoPlace::OtherBuild { function: function.to_owned(), sizes: sizes.join(" or "), size })
        }
        [one] => Ok((one.address.wrapping_add(offset) - minus, Confidence::Certain, None)),
        [one, rest @ ..] => Ok((
            one.address.wrapping_add(offset) - minus,
            Confidence::Doubtful,
            Some(format!("{} functions {function} of this size", rest.len() + 1)),
        )),
    }
}

/// Whether an address lies in the padding after a function. A call that does not return is within it.
pub(super) fn between_functions(table: &SymbolTable, address: u64) -> bool {
    table.covering(address).is_some_and(|symbol| symbol.size > 0 && address - symbol.address >= symbol.size)
}

/// The last function of a section of a module reaches up to where the loader put the next section.
fn is_last(binary: Option<&Binary>, symbol: &Symbol<'_>, size: u64) -> bool {
    let Some(section) =
        binary.filter(|binary| binary.elf.relocatable).and_then(|binary| binary.elf.code_section(symbol.address))
    else {
        return false;
    };
    let left = section.address + section.size - symbol.address;
    symbol.span > left && size >= symbol.size && size < symbol.size.saturating_add(0x1000).max(left)
}

/// binutils' addr2line takes a number in a module for an offset in whichever section first has a line for it.
pub(super) fn compatible_address(binary: &Binary, address: u64) -> u64 {
    if !binary.elf.relocatable {
        return address;
    }
    let Some(own) = binary.elf.code_section(address) else { return address };
    let offset = address - own.address;
    let fitting = binary.elf.sections.iter().filter(|section| offset < section.size && section.executable);
    fitting.map(|section| section.address + offset).find(|address| binary.has_line(*address)).unwrap_or(address)
}
