//! The bytes of a `Code:` line, disassembled, the instruction at which the processor stood marked.

use super::disassemble::formatter;
use iced_x86::{Decoder, DecoderOptions, Formatter};

/// The bytes of a `Code:` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBytes {
    /// All of them.
    pub bytes: Vec<u8>,
    /// Which one the program counter pointed at.
    pub mark: usize,
    /// Whether they are printed as 32-bit words (arm64, riscv).
    pub words: bool,
}

/// Reads `Code: 0f 1f <0f> 0b` or `Code: aa1303e0 (b9400001)`. `None` if the line has no mark or no bytes.
#[must_use]
pub fn code_bytes(line: &[u8]) -> Option<CodeBytes> {
    let at = memchr::memmem::find(line, b"Code: ")?;
    let text = std::str::from_utf8(&line[at + 6..]).ok()?;
    let (mut bytes, mut mark, mut words) = (Vec::new(), None, false);
    for word in text.split_whitespace().take(256) {
        let inner = word.trim_matches(['<', '>', '(', ')']);
        if inner.len() != word.len() {
            mark = Some(bytes.len());
        }
        match inner.len() {
            2 => bytes.push(u8::from_str_radix(inner, 16).ok()?),
            8 => {
                words = true;
                bytes.extend_from_slice(&u32::from_str_radix(inner, 16).ok()?.to_le_bytes());
            }
            _ => return None,
        }
    }
    Some(CodeBytes { mark: mark?, bytes, words })
}

/// The instructions of a `Code:` line of an x86-64 kernel, one per line, in the form of the kernel's `decodecode`. Empty for
/// other machines.
#[must_use]
pub fn decode_code(line: &[u8]) -> Vec<String> {
    let Some(code) = code_bytes(line).filter(|code| !code.words) else { return Vec::new() };
    // The first byte may be in the middle of an instruction: begin where a boundary falls on the marked one.
    let start =
        (0..=code.mark.min(15)).find(|start| reaches(&code.bytes[*start..], code.mark - start)).unwrap_or(code.mark);
    lines_from(&code, start, 0)
}

/// The same in the words of the kernel's `decodecode`, which `decode_stacktrace.sh` calls: all code, then once more from
/// the marked instruction on. Empty if there is no code.
#[must_use]
pub fn decode_code_as_script(line: &[u8]) -> Vec<String> {
    let all = decode_code(line);
    let Some(code) = code_bytes(line).filter(|_| !all.is_empty()) else { return Vec::new() };
    let mut lines = vec!["All code".to_owned(), "========".to_owned()];
    lines.extend(all);
    lines.push(String::new());
    lines.push("Code starting with the faulting instruction".to_owned());
    lines.push("===========================================".to_owned());
    lines.extend(lines_from(&code, code.mark, code.mark));
    lines
}

/// Disassembles from a byte on; offsets count from `zero`.
fn lines_from(code: &CodeBytes, start: usize, zero: usize) -> Vec<String> {
    let mut formatter = formatter(None);
    let mut decoder = Decoder::with_ip(64, &code.bytes[start..], (start - zero) as u64, DecoderOptions::NONE);
    let mut lines = Vec::new();
    while decoder.can_decode() {
        let instruction = decoder.decode();
        let offset = usize::try_from(instruction.ip()).unwrap_or(0);
        let from = offset + zero;
        let marked = from == code.mark && zero == 0;
        let mut text = String::new();
        if instruction.is_invalid() {
            text.push_str("(cut)");
        } else {
            formatter.format(&instruction, &mut text);
        }
        let bytes: Vec<String> =
            code.bytes[from..from + instruction.len()].iter().map(|byte| format!("{byte:02x}")).collect();
        let end = if marked { "\t\t<-- trapping instruction" } else { "" };
        lines.push(format!("{offset:4x}:{}\t{:<21}\t{text}{end}", if marked { "*" } else { "" }, bytes.join(" ")));
    }
    lines
}

fn reaches(bytes: &[u8], mark: usize) -> bool {
    let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
    while decoder.can_decode() && decoder.position() < mark {
        if decoder.decode().is_invalid() {
            return false;
        }
    }
    decoder.position() == mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trapping_instruction_is_marked_and_boundaries_meet_it() {
        let lines = decode_code(b"[ 1.0] Code: 00 48 8b 45 00 48 89 c7 <0f> 0b c3\r\n");
        let marked: Vec<&String> = lines.iter().filter(|line| line.contains("trapping")).collect();
        assert_eq!(marked.len(), 1);
        assert!(marked[0].contains("ud2"), "{lines:?}");
        assert!(
            lines.iter().any(|line| line.contains("mov     (%rbp),%rax")
                || line.contains("mov     0(%rbp),%rax")
                || line.contains("%rbp")),
            "{lines:?}"
        );
    }

    #[test]
    fn lines_without_code_give_nothing() {
        for line in [
            "Code: Unable to access opcode bytes at 0x1.",
            "Code: Bad RIP value.",
            "Code: 0f 0b",
            "Code: aa1303e0 (b9400001)",
            "Code: 0g <0f>",
        ] {
            assert!(decode_code(line.as_bytes()).is_empty(), "{line}");
        }
        assert_eq!(code_bytes(b"Code: aa1303e0 (b9400001)").map(|code| (code.mark, code.words)), Some((4, true)));
    }
}
