//! `kanalyze image`: what is in a kernel image as it is booted.

use crate::architecture::Architecture;
use crate::files::write_whole;
use crate::image::{KernelImage, LockCall, disassemble, lock_calls, write_elf};
use crate::render::json_line;
use anyhow::{Context as _, bail};
use serde::Serialize;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Unpack kernel images as they are booted, recover their symbols, disassemble their functions
///
/// Takes vmlinux, bzImage (gzip, xz, zstd, lz4, lzo, lzma, bzip2), arm64 and riscv Image, EFI zboot, and all of these packed.
/// A stripped image is enough: its symbols are recovered from the kallsyms table in it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze image info /boot/vmlinuz-6.1.0-amd64
  # an ELF file with symbols, for gdb and objdump
  kanalyze image extract bzImage -o vmlinux
  kanalyze image symbols bzImage > System.map
  kanalyze image disasm vhost_worker_killed bzImage
  # which lock is taken first?
  kanalyze image disasm --locks vhost_worker_killed bzImage")]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Layers, machine, version, build id, symbols.
    Info {
        /// The image.
        image: PathBuf,
        /// Print the kernel's configuration (CONFIG_IKCONFIG) instead.
        #[arg(long)]
        config: bool,
        /// Output form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
    /// Write the kernel as an ELF file with a symbol table.
    Extract {
        /// The image.
        image: PathBuf,
        /// Where to; stdout if it is not a terminal.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print the symbols in the form of System.map.
    Symbols {
        /// The image.
        image: PathBuf,
    },
    /// Disassemble a function, calls named.
    Disasm {
        /// The function; all functions of that name are shown.
        function: String,
        /// The image.
        image: PathBuf,
        /// Only the calls that take and release locks, in the order of the code, with where the lock's address comes from.
        #[arg(long)]
        locks: bool,
        /// Output form.
        #[arg(long, value_enum, default_value = "text")]
        format: Format,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One record.
    Json,
}

/// The schema name of [`Info`].
pub(super) const SCHEMA: &str = "kanalyze.image/1";

/// What an image says about itself.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Info<'image> {
    /// [`SCHEMA`].
    schema: &'static str,
    /// The path as the user gave it.
    image: String,
    /// What was taken off, from the outside in.
    layers: &'image [String],
    /// `x86`, `arm64`, `riscv` or `other`.
    machine: &'static str,
    /// Size of the unpacked kernel.
    bytes: usize,
    /// Its release.
    release: Option<String>,
    /// The line `Linux version …`.
    banner: Option<String>,
    /// Its build id.
    build_id: Option<String>,
    /// How many symbols are known.
    symbols: usize,
    /// Where they come from.
    symbol_source: String,
    /// Whether the kernel holds its configuration.
    has_config: bool,
}

#[derive(Debug, Serialize)]
struct Function<'image> {
    function: &'image str,
    address: u64,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    locks: Option<Vec<LockCall>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Vec<Instruction>>,
}

#[derive(Debug, Serialize)]
struct Instruction {
    address: u64,
    text: String,
    calls: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// An image that cannot be read, a function that it does not have.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    match arguments.action {
        Action::Info { image, config, format } => {
            let image = KernelImage::open(&image)?;
            if config {
                let Some(config) = image.config() else {
                    bail!("{}: holds no configuration (CONFIG_IKCONFIG was off)", image.path.display());
                };
                out.write_all(config.as_bytes())?;
            } else {
                info(&image, format, &mut out)?;
            }
        }
        Action::Extract { image, output } => {
            let image = KernelImage::open(&image)?;
            match output.filter(|path| path != Path::new("-")) {
                Some(path) => {
                    write_whole(&path, |out| write_elf(&image, out)).with_context(|| path.display().to_string())?;
                }
                None if std::io::IsTerminal::is_terminal(&std::io::stdout()) => {
                    bail!("an ELF file is not text for a terminal: use -o FILE")
                }
                None => write_elf(&image, &mut out)?,
            }
        }
        Action::Symbols { image } => {
            let image = KernelImage::open(&image)?;
            if image.symbols.is_empty() {
                bail!("{}: {}", image.path.display(), image.symbol_source);
            }
            for symbol in image.symbols.iter() {
                writeln!(out, "{:016x} {} {}", symbol.address, char::from(symbol.letter), printable(symbol.name))?;
            }
        }
        Action::Disasm { function, image, locks, format } => {
            let image = KernelImage::open(&image)?;
            disasm(&image, &function, locks, format, &mut out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Names come from the image; a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '?' } else { letter }).collect()
}

fn info(image: &KernelImage, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    let record = Info {
        schema: SCHEMA,
        image: image.path.display().to_string(),
        layers: &image.layers,
        machine: image.machine.map_or("other", Architecture::folder),
        bytes: image.bytes().len(),
        release: image.release(),
        banner: image.banner(),
        build_id: image.build_id(),
        symbols: image.symbols.len(),
        symbol_source: image.symbol_source.to_string(),
        has_config: image.config().is_some(),
    };
    if format == Format::Json {
        return Ok(out.write_all(&json_line(&record)?)?);
    }
    let unknown = || "unknown".to_owned();
    writeln!(out, "layers    {}", if record.layers.is_empty() { "none".to_owned() } else { record.layers.join(", ") })?;
    writeln!(out, "machine   {}", record.machine)?;
    writeln!(out, "bytes     {}", record.bytes)?;
    writeln!(out, "release   {}", printable(&record.release.unwrap_or_else(unknown)))?;
    writeln!(out, "banner    {}", printable(&record.banner.unwrap_or_else(unknown)))?;
    writeln!(out, "build id  {}", record.build_id.unwrap_or_else(unknown))?;
    writeln!(out, "symbols   {}, {}", record.symbols, record.symbol_source)?;
    writeln!(out, "config    {}", if record.has_config { "included (--config prints it)" } else { "not included" })?;
    Ok(())
}

fn disasm(image: &KernelImage, name: &str, locks: bool, format: Format, out: &mut dyn Write) -> anyhow::Result<()> {
    // The part that the compiler moved out of the way belongs to it.
    let cold = format!("{name}.cold");
    let mut found = image.functions(name);
    if found.is_empty() {
        if image.symbols.is_empty() {
            bail!("{}: {}", image.path.display(), image.symbol_source);
        }
        bail!("{}: no function {name} with code (it may be inlined, or in a module)", image.path.display());
    }
    found.extend(image.functions(&cold));
    let mut records = Vec::new();
    for (symbol, bytes) in found {
        if format == Format::Json {
            let (locks, code) = if locks {
                (Some(lock_calls(image, symbol, bytes)), None)
            } else {
                let one = |line: crate::image::Line| Instruction {
                    address: line.address,
                    text: line.text,
                    calls: line.calls,
                };
                (None, Some(disassemble(image, symbol, bytes).into_iter().map(one).collect()))
            };
            records.push(Function { function: symbol.name, address: symbol.address, size: bytes.len(), locks, code });
            continue;
        }
        writeln!(out, "{:016x} <{}>: {} bytes", symbol.address, printable(symbol.name), bytes.len())?;
        if locks {
            let calls = lock_calls(image, symbol, bytes);
            for call in &calls {
                let action = format!("{:?}", call.action).to_lowercase();
                let lock = call.lock.as_deref().unwrap_or("(of unknown origin)");
                writeln!(
                    out,
                    "  +{:#06x}  {action:<8}{:<28}{}",
                    call.offset,
                    printable(&call.function),
                    printable(lock)
                )?;
            }
            if calls.is_empty() {
                writeln!(out, "  no calls of lock functions (inlined ones do not show)")?;
            }
            continue;
        }
        for line in disassemble(image, symbol, bytes) {
            let bytes: String = line.bytes.iter().map(|byte| format!("{byte:02x} ")).collect();
            writeln!(out, "  {:16x}:  {bytes:<32}{}", line.address, printable(&line.text))?;
        }
    }
    if format == Format::Json {
        out.write_all(&json_line(&records)?)?;
    }
    Ok(())
}
