//! Machine code → lines of assembly with calls named: x86-64 whole, of arm64 the branches.

use super::kernel_image::KernelImage;
use crate::architecture::Architecture;
use crate::symbols::{Symbol, SymbolTable};
use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Formatter, GasFormatter, Instruction, SymbolResolver, SymbolResult,
};
use std::sync::Arc;

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it is.
    pub address: u64,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// As AT&T syntax has it.
    pub text: String,
    /// The function that it calls or jumps to, if that is another one.
    pub calls: Option<String>,
}

/// Names addresses by a symbol table.
struct Namer {
    symbols: Arc<SymbolTable>,
}

impl SymbolResolver for Namer {
    fn symbol(
        &mut self,
        instruction: &Instruction,
        _operand: u32,
        _instruction_operand: Option<u32>,
        address: u64,
        _address_size: u32,
    ) -> Option<SymbolResult<'_>> {
        // Constants are not addresses, unless the kernel lies there.
        let branch = instruction.is_call_near()
            || instruction.is_jmp_near()
            || instruction.is_jmp_short()
            || instruction.is_jcc_short_or_near();
        if !branch && address < 1 << 32 {
            return None;
        }
        let symbol =
            self.symbols.covering(address).filter(|symbol| address - symbol.address < symbol.span.min(1 << 24))?;
        Some(SymbolResult::with_string(symbol.address, symbol.name.to_owned()))
    }
}

/// A formatter in the syntax of objdump; with symbols, it names targets.
#[must_use]
pub(super) fn formatter(symbols: Option<Arc<SymbolTable>>) -> GasFormatter {
    let namer = symbols.map(|symbols| Box::new(Namer { symbols }) as Box<dyn SymbolResolver>);
    let mut formatter = GasFormatter::with_options(namer, None);
    let options = formatter.options_mut();
    options.set_uppercase_hex(false);
    options.set_branch_leading_zeros(false);
    options.set_show_symbol_address(false);
    options.set_first_operand_char_index(7);
    options.set_small_hex_numbers_in_decimal(false);
    options.set_space_after_operand_separator(false);
    options.set_rip_relative_addresses(true);
    formatter
}

/// Decodes x86-64 code.
#[must_use]
pub(super) fn decode_x86(bytes: &[u8], address: u64) -> Vec<Instruction> {
    Decoder::with_ip(64, bytes, address, DecoderOptions::NONE).into_iter().collect()
}

/// The function that an instruction leaves its own one for.
#[must_use]
pub(super) fn callee(instruction: &Instruction, symbols: &SymbolTable, function: Symbol<'_>) -> Option<String> {
    let direct = instruction.is_call_near()
        || instruction.is_jmp_near()
        || instruction.is_jmp_short()
        || instruction.is_jcc_short_or_near();
    if !direct || matches!(instruction.flow_control(), FlowControl::IndirectBranch | FlowControl::IndirectCall) {
        return None;
    }
    let target = instruction.near_branch_target();
    let own = target >= function.address && target - function.address < function.span;
    if own && !instruction.is_call_near() {
        return None;
    }
    let symbol = symbols.covering(target)?;
    Some(if symbol.address == target {
        symbol.name.to_owned()
    } else {
        format!("{}+{:#x}", symbol.name, target - symbol.address)
    })
}

/// The instructions of a function, without the padding behind it.
#[must_use]
pub fn disassemble(image: &KernelImage, function: Symbol<'_>, bytes: &[u8]) -> Vec<Line> {
    match image.machine {
        Some(Architecture::Amd64) => x86(image, function, bytes),
        Some(Architecture::Arm64) => arm64(image, function, bytes),
        _ => Vec::new(),
    }
}

fn x86(image: &KernelImage, function: Symbol<'_>, bytes: &[u8]) -> Vec<Line> {
    let mut formatter = formatter(Some(Arc::clone(&image.symbols)));
    let mut lines: Vec<Line> = decode_x86(bytes, function.address)
        .iter()
        .map(|instruction| {
            let mut text = String::new();
            formatter.format(instruction, &mut text);
            let from = usize::try_from(instruction.ip() - function.address).unwrap_or(0);
            Line {
                address: instruction.ip(),
                bytes: bytes.get(from..from + instruction.len()).unwrap_or_default().to_vec(),
                text,
                calls: callee(instruction, &image.symbols, function),
            }
        })
        .collect();
    let padding = |line: &Line| {
        line.text.starts_with("nop")
            || line.text.starts_with("int3")
            || line.text.starts_with("data16")
            || line.text.starts_with("cs nop")
    };
    while lines.len() > 1 && lines.last().is_some_and(padding) {
        lines.pop();
    }
    lines
}

/// No arm64 decoder is worth its weight here; what is asked for is who is called.
fn arm64(image: &KernelImage, function: Symbol<'_>, bytes: &[u8]) -> Vec<Line> {
    let words = bytes.chunks_exact(4).filter_map(|word| word.try_into().ok()).map(u32::from_le_bytes);
    words
        .zip((function.address..).step_by(4))
        .map(|(word, address)| {
            let target = address.wrapping_add_signed(i64::from((word << 6).cast_signed() >> 6) * 4);
            let own = target >= function.address && target - function.address < function.span;
            let name = |target: u64| {
                image.symbols.covering(target).map_or_else(
                    || format!("{target:#x}"),
                    |symbol| match target - symbol.address {
                        0 => symbol.name.to_owned(),
                        offset => format!("{}+{offset:#x}", symbol.name),
                    },
                )
            };
            let (text, calls) = match word >> 26 {
                0b10_0101 => (format!("bl     {}", name(target)), Some(name(target))),
                0b00_0101 => (format!("b      {}", name(target)), (!own).then(|| name(target))),
                _ if word == 0xd65f_03c0 => ("ret".to_owned(), None),
                _ => (format!(".inst  0x{word:08x}"), None),
            };
            Line { address, bytes: word.to_le_bytes().to_vec(), text, calls }
        })
        .collect()
}
