//! A boot image → an ELF file with a symbol table, for gdb, objdump and everything else that reads `vmlinux`.

use super::kernel_image::{ImageSymbols, KernelImage};
use crate::architecture::Architecture;
use object::elf::{self, FileHeader64};
use object::pod::{from_bytes, from_bytes_mut};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::write::elf::{FileHeader, ProgramHeader, SectionHeader, SinglePhaseWriter, Sym};
use object::{Endianness, LittleEndian};
use std::io::{self, Write};

type Header = FileHeader64<LittleEndian>;

/// Writes an image as an ELF file. One that has a symbol table already is written as it is; else the recovered symbols
/// are added behind.
///
/// # Errors
/// Those of the writer.
pub fn write_elf(image: &KernelImage, out: &mut dyn Write) -> io::Result<()> {
    let plain = image.symbol_source == ImageSymbols::Elf || image.symbols.is_empty();
    match image.elf() {
        Some(_) if plain => out.write_all(image.bytes()),
        Some(_) => match with_symbols(image) {
            Some(bytes) => out.write_all(&bytes),
            // An unusual section table: better without symbols than damaged.
            None => out.write_all(image.bytes()),
        },
        None => out.write_all(&wrapped(image).map_err(io::Error::other)?),
    }
}

/// Writes `.symtab` and `.strtab`; `section` gives the section of an address. Answers how many symbols are local.
fn write_symbols<'image>(
    writer: &mut SinglePhaseWriter<'image>,
    image: &'image KernelImage,
    section: impl Fn(u64) -> elf::SymbolSection,
) -> object::write::Result<u32> {
    writer.write_null_symbol();
    let mut locals = 1;
    // Local symbols come first, as the format demands.
    for global in [false, true] {
        for symbol in image.symbols.iter().filter(|symbol| symbol.letter.is_ascii_uppercase() == global) {
            let function = matches!(symbol.letter, b't' | b'T' | b'w' | b'W');
            let kind = match symbol.letter {
                _ if function => elf::STT_FUNC,
                b'A' | b'a' => elf::STT_NOTYPE,
                _ => elf::STT_OBJECT,
            };
            let binding = if global { elf::STB_GLOBAL } else { elf::STB_LOCAL };
            let size = if symbol.size > 0 { symbol.size } else { symbol.span };
            let name = writer.add_string(symbol.name.as_bytes());
            writer.write_symbol(&Sym {
                section: None,
                st_name: writer.string_offset(Some(name)),
                st_info: elf::SymbolInfo::new(binding, kind),
                st_other: elf::SymbolOther::default(),
                st_shndx: section(symbol.address),
                st_value: symbol.address,
                st_size: if function && size < 1 << 24 { size } else { 0 },
            });
            locals += u32::from(!global);
        }
    }
    writer.write_strtab()?;
    Ok(locals)
}

/// Adds `.symtab` and `.strtab` to a 64-bit ELF file: new tables behind its end, a new section table behind them.
fn with_symbols(image: &KernelImage) -> Option<Vec<u8>> {
    let file = image.elf()?;
    let bytes = image.bytes();
    let header = Header::parse(bytes).ok()?;
    let sections = header.sections(LittleEndian, bytes).ok().filter(|sections| !sections.is_empty())?;
    let names_row = header.shstrndx(LittleEndian, bytes).ok()?;
    let section = |address: u64| {
        let found = file.sections.iter().find(|section| section.contains(address));
        found.and_then(|section| u16::try_from(section.index).ok()).map_or(elf::SHN_ABS, elf::SymbolSection)
    };
    let mut out = Vec::new();
    let mut writer = SinglePhaseWriter::new_single_phase(Endianness::Little, true, &mut out);
    writer.write_file_header(&file_header(header.e_machine(LittleEndian))).ok()?;
    writer.write(bytes.get(size_of::<Header>()..)?);
    let locals = write_symbols(&mut writer, image, section).ok()?;
    let names: Vec<_> = sections
        .iter()
        .map(|row| Some(writer.add_section_name(sections.section_name(LittleEndian, row).ok()?)))
        .collect();
    // Names of symtab and strtab are known to the writer once their headers are; it wants them before the table of names.
    writer.write_shstrtab().ok()?;
    writer.write_null_section_header();
    for ((row, name), index) in sections.iter().zip(names).zip(0..).skip(1) {
        if index == names_row {
            writer.write_shstrtab_section_header();
            continue;
        }
        writer.write_section_header(&SectionHeader {
            sh_name: writer.section_name_offset(name),
            sh_type: row.sh_type(LittleEndian),
            sh_flags: row.sh_flags(LittleEndian),
            sh_addr: row.sh_addr(LittleEndian),
            sh_offset: row.sh_offset(LittleEndian),
            sh_size: row.sh_size(LittleEndian),
            sh_link: row.sh_link(LittleEndian),
            sh_info: row.sh_info(LittleEndian),
            sh_addralign: row.sh_addralign(LittleEndian),
            sh_entsize: row.sh_entsize(LittleEndian),
        });
    }
    writer.write_strtab_section_header();
    writer.write_symtab_section_header(locals);
    let mut written = Vec::new();
    writer.write_file_header_to(&mut written).ok()?;
    // All else in the header stays: where the segments are, the entry, the flags.
    out.get_mut(..size_of::<Header>())?.copy_from_slice(bytes.get(..size_of::<Header>())?);
    let (written, _) = from_bytes::<Header>(&written).ok()?;
    let (own, _) = from_bytes_mut::<Header>(&mut out).ok()?;
    (own.e_shoff, own.e_shnum, own.e_shstrndx) = (written.e_shoff, written.e_shnum, written.e_shstrndx);
    Some(out)
}

fn file_header(machine: elf::Machine) -> FileHeader {
    FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_EXEC,
        e_machine: machine,
        e_entry: 0,
        e_flags: elf::FileFlags::default(),
    }
}

/// Wraps a flat image: one segment, `.text` all of it, and the symbols.
fn wrapped(image: &KernelImage) -> object::write::Result<Vec<u8>> {
    const PAGE: u64 = 0x1000;
    let (base, body) = (image.base(), image.bytes());
    let size = body.len() as u64;
    let mut out = Vec::new();
    let mut writer = SinglePhaseWriter::new_single_phase(Endianness::Little, true, &mut out);
    let machine = image.machine.map_or(0, Architecture::elf_machine);
    writer.write_file_header(&FileHeader { e_entry: base, ..file_header(elf::Machine(machine)) })?;
    writer.write_program_headers_placeholder(1);
    let offset = writer.write_align(PAGE);
    writer.write(body);
    // `.text` is the first section.
    let section = |address| if image.at(address, 1).is_some() { elf::SymbolSection(1) } else { elf::SHN_ABS };
    let locals = write_symbols(&mut writer, image, section)?;
    let text = writer.add_section_name(b".text");
    writer.write_shstrtab()?;
    writer.write_null_section_header();
    writer.write_section_header(&SectionHeader {
        sh_name: writer.section_name_offset(Some(text)),
        sh_type: elf::SHT_PROGBITS,
        sh_flags: elf::SHF_WRITE | elf::SHF_ALLOC | elf::SHF_EXECINSTR,
        sh_addr: base,
        sh_offset: offset,
        sh_size: size,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: PAGE,
        sh_entsize: 0,
    });
    writer.write_strtab_section_header();
    writer.write_symtab_section_header(locals);
    writer.write_shstrtab_section_header();
    let segment = ProgramHeader {
        p_type: elf::PT_LOAD,
        p_flags: elf::PF_R | elf::PF_W | elf::PF_X,
        p_offset: offset,
        p_vaddr: base,
        p_paddr: base,
        p_filesz: size,
        p_memsz: size,
        p_align: PAGE,
    };
    let mut headers = Vec::new();
    writer.write_headers_to(&mut headers, &[segment])?;
    if let Some(begin) = out.get_mut(..headers.len()) {
        begin.copy_from_slice(&headers);
    }
    Ok(out)
}
