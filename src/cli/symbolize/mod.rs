//! `kanalyze symbolize`: which source lines the addresses in a log stand for.

mod filter;
mod kernel;
mod record;

pub(super) use kernel::open_image;
#[cfg(feature = "mcp")]
pub(super) use kernel::recovered;
#[cfg(feature = "mcp")]
pub(super) use record::write_record;
pub(super) use record::{Record, SCHEMA};

use super::manners::note;
use super::output::Output;
use super::progress::Progress;
use crate::symbols::{Paths, SymbolTable, View};
use anyhow::{Context as _, bail};
use filter::Filter;
use kernel::open_kernel;
use std::path::PathBuf;
use std::process::ExitCode;

/// Add source files and lines to the stack frames of logs
///
/// A filter: everything that is not a stack frame or an address passes through unchanged, live on a pipe too. A frame names the line of
/// the call, with the functions that were inlined there. Another kernel's log is refused, not decoded wrongly.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze symbolize -k vmlinux --modules . crash.log
  dmesg -w | kanalyze symbolize -r $(uname -r)
  # as scripts/decode_stacktrace.sh
  kanalyze symbolize vmlinux auto /lib/modules/6.1.0 < crash.log
  kanalyze symbolize -k vmlinux --format jsonl crash.log | jq .frames

Without -k or -r the image is looked for by the release or build id that the
log states: $KBUILD_OUTPUT/vmlinux, ./vmlinux, /boot, /usr/lib/debug,
/lib/modules, then the servers of $DEBUGINFOD_URLS.

Exit status: 0, or 2 if something could not be read or the log is another
kernel's.")]
pub(super) struct Arguments {
    /// Logs to read, as `kanalyze parse` takes them; `-` or none is stdin. If the first is an ELF file: VMLINUX [BASE|auto [MODULES]], as the script has it.
    files: Vec<PathBuf>,
    /// The kernel: vmlinux, a .debug file, System.map or a saved /proc/kallsyms.
    #[arg(short = 'k', long, value_name = "FILE")]
    vmlinux: Option<PathBuf>,
    /// A folder with modules (searched with all below it), before those of the release.
    #[arg(long, value_name = "DIR")]
    modules: Vec<PathBuf>,
    /// Look for the image of this release.
    #[arg(short = 'r', long)]
    release: Option<String>,
    /// The folder to take off the front of paths; `auto` is where the kernel was built.
    #[arg(long, default_value = "auto", value_name = "DIR")]
    base: String,
    /// Answer and print as the kernel tree's decode_stacktrace.sh does: the line *after* the call, blanks squeezed.
    #[arg(long)]
    compat: bool,
    /// Decode even if the image is of another kernel; such frames are marked doubtful.
    #[arg(long)]
    force: bool,
    /// A saved /proc/kallsyms of the kernel that wrote the log: where it and its modules were loaded.
    #[arg(long, value_name = "FILE")]
    kallsyms: Option<PathBuf>,
    /// How far above its link address the kernel was loaded (KASLR), if the log does not say.
    #[arg(long, value_name = "HEX", value_parser = hexadecimal)]
    kaslr_offset: Option<u64>,
    /// The input is addresses of the image, one per line, as addr2line takes them; answers as `addr2line -fi` prints them.
    #[arg(long)]
    addresses: bool,
    /// Read the whole of the debug information into the index cache first.
    #[arg(long)]
    index: bool,
    /// Neither read nor write the index cache.
    #[arg(long)]
    no_cache: bool,
    /// Do not disassemble `Code:` lines.
    #[arg(long)]
    no_code: bool,
    #[command(flatten)]
    output: Output,
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text.trim_start_matches("0x"), 16)
        .map_err(|error| format!("{error}: a hexadecimal number is wanted"))
}

/// Runs the command.
///
/// # Errors
/// An image or a log that cannot be read.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let arguments = as_script_arguments(arguments)?;
    let opening = Progress::saying("reading the kernel's image and debug information");
    let kernel = open_kernel(&arguments)?;
    if let Some(shortcoming) = kernel.shortcoming() {
        note(&shortcoming);
    }
    if arguments.index
        && let Some(binary) = kernel.binary()
    {
        binary.prepare_all();
    }
    drop(opening);
    let base = match arguments.base.as_str() {
        "auto" => kernel.build_folder(),
        base => Some(base.trim_end_matches('/').to_owned()).filter(|base| !base.is_empty()),
    };
    let running = match &arguments.kallsyms {
        Some(path) => {
            let bytes = View::open(path).with_context(|| path.display().to_string())?;
            Some((SymbolTable::of_text(&bytes), SymbolTable::of_module_text(&bytes)))
        }
        None => None,
    };
    let mut filter = Filter::new(&kernel, &arguments, Paths { base }, running.as_ref());
    let done = filter.all();
    kernel.save();
    done?;
    Ok(if filter.has_refused() { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

/// The script's own arguments: `vmlinux [base|auto [modules]]`, the log on stdin.
fn as_script_arguments(mut arguments: Arguments) -> anyhow::Result<Arguments> {
    let is_elf = |path: &PathBuf| View::open(path).is_ok_and(|view| view.starts_with(b"\x7fELF"));
    if arguments.vmlinux.is_none() && arguments.release.is_none() && arguments.files.first().is_some_and(is_elf) {
        let mut files = std::mem::take(&mut arguments.files).into_iter();
        arguments.vmlinux = files.next();
        if let Some(base) = files.next() {
            arguments.base = base.display().to_string();
        }
        arguments.modules.extend(files.next());
        if let Some(more) = files.next() {
            bail!("{}: one argument too many after VMLINUX BASE MODULES; give logs with -k VMLINUX", more.display());
        }
    }
    Ok(arguments)
}
