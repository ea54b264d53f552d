//! `kanalyze image` on images that are made for the test: every packing, every layout of kallsyms, damage.

use super::compiled::{compile, has_gcc};
use kanalyze::architecture::Architecture;
use kanalyze::image::{ImageSymbols, KernelImage, Recovered, lock_calls, payload_of, recover, write_elf};
use kanalyze::symbols::View;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// How a kernel stores its symbol table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Up to 4.5: 64-bit addresses, 64-bit markers.
    Absolute,
    /// 4.6 to 4.19: offsets before the names, 64-bit count and markers.
    Relative,
    /// To 6.1: the same with 32-bit ones.
    Compact,
    /// 6.2 and stable kernels of then: the order by name between markers and tokens.
    Ordered,
    /// Since 6.4: offsets, base and order behind.
    Behind,
}

const LAYOUTS: [Layout; 5] = [Layout::Absolute, Layout::Relative, Layout::Compact, Layout::Ordered, Layout::Behind];
const BASE: u64 = 0xffff_ffff_8100_0000;

/// Symbols as a kernel has them: per-CPU ones at low addresses first, then code and data, a long name among them.
fn symbols(count: usize, percpu: bool) -> Vec<Recovered> {
    let name = |number: usize| match number % 7 {
        0 => format!("do_something_{number}"),
        1 => format!("__x64_sys_call{number}.isra.0"),
        2 => format!("mutex_{number}.cold"),
        3 if number % 5 == 3 => format!("_RNvMs_{}_{number}", "very_long_rust_name".repeat(8)),
        _ => format!("f{number}"),
    };
    (0..count)
        .map(|number| {
            let low = percpu && number < 20;
            let address = if low { number as u64 * 64 } else { BASE + number as u64 * 48 };
            Recovered { name: name(number), address, letter: if low { b'A' } else { b"tTdDrR"[number % 6] } }
        })
        .collect()
}

/// Writes tables as `scripts/kallsyms.c` lays them out. Tokens are single characters and a few pairs.
fn tables(symbols: &[Recovered], layout: Layout, percpu: bool) -> Vec<u8> {
    let mut tokens: Vec<Vec<u8>> =
        (0..=255_u8).map(|byte| if byte.is_ascii_graphic() { vec![byte] } else { Vec::new() }).collect();
    for (number, pair) in ["do_", "some", "mutex_", "thing", "_name", "Tdo_"].iter().enumerate() {
        tokens[number + 1] = pair.as_bytes().to_vec();
    }
    let packed: Vec<Vec<u8>> = symbols
        .iter()
        .map(|symbol| {
            let text = [&[symbol.letter], symbol.name.as_bytes()].concat();
            let (mut out, mut at) = (Vec::new(), 0);
            while at < text.len() {
                let best = (0..256)
                    .filter(|token| !tokens[*token].is_empty() && text[at..].starts_with(&tokens[*token]))
                    .max_by_key(|token| tokens[*token].len())
                    .expect("every character is a token");
                out.push(best as u8);
                at += tokens[best].len();
            }
            out
        })
        .collect();
    let mut out = vec![0xee; 4096];
    let align = |out: &mut Vec<u8>| out.resize(out.len().next_multiple_of(8), 0);
    let addresses = |out: &mut Vec<u8>| {
        align(out);
        if layout == Layout::Absolute {
            out.extend(symbols.iter().flat_map(|symbol| symbol.address.to_le_bytes()));
            return;
        }
        for symbol in symbols {
            let offset = match (percpu, symbol.address < BASE) {
                (true, true) => symbol.address,
                (true, false) => BASE.wrapping_sub(symbol.address).wrapping_sub(1),
                (false, _) => symbol.address - BASE,
            };
            out.extend_from_slice(&(offset as u32).to_le_bytes());
        }
        align(out);
        out.extend_from_slice(&BASE.to_le_bytes());
    };
    if layout != Layout::Behind {
        addresses(&mut out);
    }
    align(&mut out);
    out.extend_from_slice(&(symbols.len() as u64).to_le_bytes());
    let (from, mut markers) = (out.len(), Vec::new());
    for (number, name) in packed.iter().enumerate() {
        if number % 256 == 0 {
            markers.push((out.len() - from) as u64);
        }
        if name.len() > 127 {
            out.push(name.len() as u8 & 0x7f | 0x80);
            out.push((name.len() >> 7) as u8);
        } else {
            out.push(name.len() as u8);
        }
        out.extend_from_slice(name);
    }
    align(&mut out);
    let wide = matches!(layout, Layout::Absolute | Layout::Relative);
    for marker in markers {
        out.extend_from_slice(&marker.to_le_bytes()[..if wide { 8 } else { 4 }]);
    }
    align(&mut out);
    if layout == Layout::Ordered {
        out.extend((0..symbols.len()).flat_map(|number| [(number >> 16) as u8, (number >> 8) as u8, number as u8]));
        align(&mut out);
    }
    let mut offsets = Vec::new();
    let from = out.len();
    for token in &tokens {
        offsets.extend_from_slice(&((out.len() - from) as u16).to_le_bytes());
        out.extend_from_slice(token);
        out.push(0);
    }
    align(&mut out);
    out.extend_from_slice(&offsets);
    if layout == Layout::Behind {
        addresses(&mut out);
        out.extend((0..symbols.len()).flat_map(|number| [(number >> 16) as u8, (number >> 8) as u8, number as u8]));
    }
    out.extend_from_slice(&[0xdd; 4096]);
    out
}

#[test]
fn every_layout_of_the_symbol_table_is_recovered_whole() {
    for layout in LAYOUTS {
        for count in [1000, 2048, 5001] {
            for percpu in [false, true] {
                let wanted = symbols(count, percpu);
                let found = recover(&tables(&wanted, layout, percpu))
                    .unwrap_or_else(|| panic!("{layout:?} {count} {percpu}: nothing"));
                assert!(found.symbols == wanted, "{layout:?} {count} {percpu}");
                assert!(found.based);
            }
        }
    }
}

#[test]
fn damaged_symbol_tables_give_nothing_or_little_and_no_panic() {
    let mut seed = 5_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for layout in LAYOUTS {
        let good = tables(&symbols(600, true), layout, true);
        for round in 0..200 {
            let mut bytes = good.clone();
            if round % 4 == 0 {
                bytes.truncate(next() % good.len());
            }
            for _ in 0..next() % 4 {
                if let Some(length) = (!bytes.is_empty()).then_some(bytes.len()) {
                    let at = next() % length;
                    bytes[at] ^= 1 << (next() % 8);
                }
            }
            if let Some(found) = recover(&bytes) {
                assert!(found.symbols.len() <= 600 * 2, "{layout:?}: {} symbols", found.symbols.len());
            }
        }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0x21, 0x4c, 0x18];
    for block in bytes.chunks(8 << 20) {
        let packed = lz4_flex::block::compress(block);
        out.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

/// An lzop file whose block is stored, as lzop does with what does not shrink.
fn lzop(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x89, b'L', b'Z', b'O', 0, 0x0d, 0x0a, 0x1a, 0x0a, 0x10, 0x30, 0x20, 0xa0, 0x09, 0x40, 1, 5];
    out.extend_from_slice(&[0, 0, 0, 1]);
    out.extend_from_slice(&[0; 12]);
    out.extend_from_slice(&[0, 0, 0, 0, 0]);
    for block in bytes.chunks(256 << 10) {
        out.extend_from_slice(&(block.len() as u32).to_be_bytes());
        out.extend_from_slice(&(block.len() as u32).to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&[0; 4]);
    out
}

fn xz(bytes: &[u8], stream: liblzma::stream::Stream) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn packings(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut bzip = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip.write_all(bytes).expect("memory");
    let options = liblzma::stream::LzmaOptions::new_preset(1).expect("a preset");
    vec![
        ("Gzip", gzip(bytes)),
        (
            "Xz",
            xz(bytes, liblzma::stream::Stream::new_easy_encoder(1, liblzma::stream::Check::Crc32).expect("a preset")),
        ),
        ("Lzma", xz(bytes, liblzma::stream::Stream::new_lzma_encoder(&options).expect("a preset"))),
        ("Zstd", zstd::encode_all(bytes, 1).expect("memory")),
        ("Bzip2", bzip.finish().expect("memory")),
        ("Lz4", lz4(bytes)),
        ("Lzo", lzop(bytes)),
    ]
}

/// A bzImage: boot sector and setup code, then what unpacks itself, with the payload where the header says.
fn boot_image(payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 512 * 4];
    out[0x1f1] = 3;
    out[0x202..0x206].copy_from_slice(b"HdrS");
    out[0x206..0x208].copy_from_slice(&[0x0f, 2]);
    out[0x20e..0x210].copy_from_slice(&0x400_u16.to_le_bytes());
    out[0x600..0x610].copy_from_slice(b"6.99.1-test (x) ");
    out[0x248..0x24c].copy_from_slice(&0x123_u32.to_le_bytes());
    out[0x24c..0x250].copy_from_slice(&(payload.len() as u32 + 4).to_le_bytes());
    out.extend_from_slice(&[0x90; 0x123]);
    out.extend_from_slice(payload);
    out.extend_from_slice(&[1, 2, 3, 4]);
    out
}

#[test]
fn a_boot_image_of_every_packing_is_taken_apart() {
    let mut kernel = b"\x7fELF".to_vec();
    kernel.extend((0..300_000_u32).flat_map(|number| (number / 7).to_le_bytes()));
    for (name, packed) in packings(&kernel) {
        for (bytes, layers) in [(boot_image(&packed), 2), (gzip(&boot_image(&packed)), 3), (packed.clone(), 1)] {
            let payload =
                payload_of(View::owned(bytes), Path::new(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(payload.bytes[..] == kernel[..], "{name}");
            assert_eq!(payload.layers.len(), layers, "{name}: {:?}", payload.layers);
            assert_eq!(payload.layers.last().map(String::as_str), Some(name));
        }
    }
}

#[test]
fn damaged_boot_images_give_errors_and_no_panic() {
    let kernel = [b"\x7fELF".to_vec(), vec![7; 50_000]].concat();
    let mut seed = 3_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    for (name, packed) in packings(&kernel) {
        let good = boot_image(&packed);
        for round in 0..60 {
            let mut bytes = good.clone();
            if round % 2 == 0 {
                bytes.truncate(next() % good.len());
            }
            for _ in 0..3 {
                if !bytes.is_empty() {
                    let at = next() % bytes.len();
                    bytes[at] ^= 1 << (next() % 8);
                }
            }
            let _ = KernelImage::of_bytes(bytes, Path::new(name));
        }
    }
}

#[test]
fn a_flat_arm64_image_becomes_an_elf_file_with_its_symbols() {
    let wanted: Vec<Recovered> = (0..600_u64)
        .map(|number| {
            let name = if number == 0 { "_text".to_owned() } else { format!("function_{number}") };
            Recovered { name, address: BASE + number * 16, letter: b'T' }
        })
        .collect();
    let mut bytes = vec![0; 0x4000];
    bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
    // function_2 calls function_5.
    bytes[32..36].copy_from_slice(&(0x9400_0000_u32 | 12).to_le_bytes());
    bytes.extend_from_slice(&tables(&wanted, Layout::Behind, false));
    let image = KernelImage::of_bytes(gzip(&bytes), Path::new("Image.gz")).expect("an image");
    assert_eq!((image.machine, image.base(), image.symbols.len()), (Some(Architecture::Arm64), BASE, 600));
    let found = image.functions("function_2");
    let lines = kanalyze::image::disassemble(&image, found[0].0, found[0].1);
    assert_eq!(lines[0].calls.as_deref(), Some("function_5"));
    let mut elf = Vec::new();
    write_elf(&image, &mut elf).expect("memory");
    let again = KernelImage::of_bytes(elf, Path::new("vmlinux")).expect("an ELF file of our own making");
    assert_eq!(again.symbol_source, ImageSymbols::Elf);
    assert_eq!(again.symbols.named("function_2").next().map(|symbol| symbol.address), Some(BASE + 32));
    assert_eq!(again.at(BASE + 32, 4), Some(&(0x9400_0000_u32 | 12).to_le_bytes()[..]));
}

#[test]
fn an_arm64_image_whose_base_is_left_to_a_relocation_is_based() {
    let wanted: Vec<Recovered> = (0..600_u64)
        .map(|number| Recovered {
            name: if number == 0 { "_text".to_owned() } else { format!("f{number}") },
            address: BASE + number * 16,
            letter: b'T',
        })
        .collect();
    let mut bytes = vec![0; 0x4000];
    bytes[0x38..0x3c].copy_from_slice(b"ARM\x64");
    bytes.extend_from_slice(&tables(&wanted, Layout::Behind, false));
    let at = memchr::memmem::find(&bytes, &BASE.to_le_bytes()).expect("the base");
    bytes[at..at + 8].fill(0);
    let unrelocated = recover(&bytes).expect("a table");
    assert!(!unrelocated.based);
    let record = [(BASE + at as u64).to_le_bytes(), 0x403_u64.to_le_bytes(), BASE.to_le_bytes()].concat();
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend_from_slice(&record);
    let found = recover(&bytes).expect("a table");
    assert!(found.based && found.symbols == wanted);
}

#[test]
fn locks_are_listed_in_order_with_where_they_come_from() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(
        folder.path().join("locks.c"),
        "struct mutex { long state[4]; };\nstruct queue { long pad[13]; struct mutex mutex; };\n\
         struct worker { struct queue *queue; long pad; struct mutex mutex; };\nstruct mutex global_mutex = {{1}};\n\
         __attribute__((noinline)) void mutex_lock(struct mutex *lock) { lock->state[0]++; __asm__ volatile(\"\" ::: \"memory\"); }\n\
         __attribute__((noinline)) void mutex_unlock(struct mutex *lock) { lock->state[0]--; __asm__ volatile(\"\" ::: \"memory\"); }\n\
         void killed(struct worker *worker)\n{\n mutex_lock(&worker->mutex);\n mutex_lock(&worker->queue->mutex);\n mutex_lock(&global_mutex);\n\
         mutex_unlock(&global_mutex);\n mutex_unlock(&worker->queue->mutex);\n mutex_unlock(&worker->mutex);\n}\nvoid _start(void) { killed(0); for (;;); }\n",
    )
    .expect("writable");
    let done = Command::new("gcc")
        .current_dir(folder.path())
        .args([
            "-O2",
            "-ffreestanding",
            "-fno-pie",
            "-no-pie",
            "-nostdlib",
            "-static",
            "-mcmodel=kernel",
            "-fcf-protection=none",
        ])
        .args([
            "-fno-ipa-cp",
            "-fno-ipa-sra",
            "-fno-ipa-icf",
            "-fno-ipa-ra",
            "-fno-inline",
            "-Wl,-Ttext=0xffffffff81000000",
            "-Wl,--build-id",
            "locks.c",
            "-o",
            "vmlinux",
        ])
        .status();
    assert!(done.is_ok_and(|done| done.success()));
    let image = KernelImage::open(&folder.path().join("vmlinux")).expect("an image");
    let found = image.functions("killed");
    let calls: Vec<String> = lock_calls(&image, found[0].0, found[0].1)
        .iter()
        .map(|call| format!("{:?} {}", call.action, call.lock.as_deref().unwrap_or("?")))
        .collect();
    assert_eq!(
        calls,
        [
            "Take arg0+0x10",
            "Take [arg0]+0x68",
            "Take &global_mutex",
            "Release &global_mutex",
            "Release [arg0]+0x68",
            "Release arg0+0x10"
        ]
    );
}

#[test]
fn a_stripped_program_says_what_it_is_and_a_stranger_is_refused() {
    if !has_gcc() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    compile(folder.path(), &["-s"]);
    let bytes = std::fs::read(folder.path().join("vmlinux")).expect("readable");
    std::fs::write(folder.path().join("bzImage"), boot_image(&zstd::encode_all(&bytes[..], 1).expect("memory")))
        .expect("writable");
    std::fs::write(folder.path().join("text"), "no image").expect("writable");
    let run = |arguments: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_kanalyze"))
            .arg("image")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        (
            done.status.code(),
            String::from_utf8_lossy(&done.stdout).into_owned(),
            String::from_utf8_lossy(&done.stderr).into_owned(),
        )
    };
    let (status, out, _) = run(&["info", "bzImage"]);
    assert_eq!(status, Some(0));
    for wanted in [
        "bzImage, boot protocol 2.15, Zstd",
        "machine   x86",
        "Linux version 6.99.1-test",
        "not included",
        "symbols   0, none",
    ] {
        assert!(out.contains(wanted), "{wanted}: {out}");
    }
    let (status, out, _) = run(&["info", "--format", "json", "bzImage"]);
    let record: serde_json::Value = serde_json::from_str(&out).expect("a record");
    assert_eq!((status, record["release"].as_str()), (Some(0), Some("6.99.1-test")));
    assert!(record["build_id"].as_str().is_some_and(|id| id.len() == 40));
    let (status, _, error) = run(&["info", "text"]);
    assert!(status == Some(2) && error.contains("not a recognised kernel image"), "{error}");
    let (status, _, error) = run(&["disasm", "nothing", "bzImage"]);
    assert!(status == Some(2) && error.contains("neither a symbol table nor a kallsyms table"), "{error}");
}
