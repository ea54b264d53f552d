//! `kanalyze symbolize`: which source lines the addresses in a log stand for.

use super::harmless::Harmless;
use super::logs::sources_of;
use super::manners::{note, why};
use super::output::{Format, Output};
use super::progress::Progress;
use super::stderr::say;
use crate::files::cache_home;
use crate::image::{KernelImage, decode_code, decode_code_as_script, is_boot_image};
use crate::input::Source;
use crate::intake::{Content, PlainStream, Text, each_log, live};
use crate::net::{Client, HttpError, Manners, SystemClock};
use crate::render::write_json;
use crate::symbols::{
    Answer, Confidence, Decoded, Kernel, LogDecoder, LogOptions, Named, Paths, Place, SymbolSource, SymbolTable, View,
    What, annotate, as_script, debuginfod, find_build_id, find_in_build_tree, find_release,
};
use anyhow::{Context as _, bail};
use schemars::JsonSchema;
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Add source files and lines to the stack frames of logs
///
/// A filter: everything that is not a place of code passes through untouched, live on a pipe too. A frame names the line of
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

/// The schema name of [`Record`].
pub(super) const SCHEMA: &str = "kanalyze.symbolized/1";

/// One place of code in a log line.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Record<'record> {
    /// [`SCHEMA`].
    schema: &'static str,
    /// The path as the user gave it; `-` for stdin.
    log: &'record str,
    /// 1-based line of the log.
    log_line: u64,
    /// What it stands for, innermost first; empty if that is unknown.
    frames: Vec<Frame<'record>>,
    /// The function as printed; for an address the one that it lies in.
    function: Option<&'record str>,
    /// Bytes into it.
    offset: Option<u64>,
    /// Its size, bytes.
    size: Option<u64>,
    /// Its module.
    module: Option<&'record str>,
    /// The address as printed.
    address: Option<String>,
    /// False for frames that the unwinder marked with `?`.
    reliable: bool,
    /// How sure the frames are; absent without any.
    confidence: Option<Confidence>,
    /// Why there are no frames, or why they are not certain.
    reason: Option<&'record str>,
}

/// A function at a place in the source.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Frame<'record> {
    /// The function.
    function: Option<&'record str>,
    /// Its file, without the folder in which the kernel was built.
    file: Option<&'record str>,
    /// The line, from 1.
    line: Option<u32>,
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
    let mut filter = Filter {
        kernel: &kernel,
        arguments: &arguments,
        paths: Paths { base },
        running: running.as_ref(),
        out: output(),
        first: true,
        refused: false,
    };
    let done = filter.all();
    kernel.save();
    done?;
    Ok(if filter.refused { ExitCode::from(2) } else { ExitCode::SUCCESS })
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

fn open_kernel(arguments: &Arguments) -> anyhow::Result<Kernel> {
    let cache = if arguments.no_cache { None } else { cache_home() };
    let path = match (&arguments.vmlinux, &arguments.release) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(release)) => match find_release(release) {
            Some(path) => Some(path),
            None => bail!("no image of release {release} in /boot, /usr/lib/debug or /lib/modules; name one with -k"),
        },
        (None, None) => find_for_logs(arguments)?,
    };
    let Some(path) = path else {
        bail!("no kernel image: name one with -k VMLINUX or -r RELEASE, or set DEBUGINFOD_URLS");
    };
    let mut kernel = open_image(&path, cache.as_deref())?;
    // A stripped image: its debug file may be on this machine or on a server.
    if kernel.binary().is_some_and(|binary| !binary.elf.has_lines())
        && let Some(build_id) = kernel.build_id().map(str::to_owned)
        && let Some(debug) = find_debug_file(&build_id)?
    {
        kernel = Kernel::open(&debug, cache.as_deref())?;
    }
    for folder in arguments.modules.iter().rev() {
        kernel.add_module_folder(folder);
    }
    kernel.compatible = arguments.compat;
    Ok(kernel)
}

/// Opens what `-k` may be; of a boot image the symbols are recovered.
pub(super) fn open_image(path: &Path, cache: Option<&Path>) -> anyhow::Result<Kernel> {
    if !View::open(path).is_ok_and(|view| is_boot_image(&view)) {
        return Ok(Kernel::open(path, cache)?);
    }
    let image = KernelImage::open(path)?;
    if let Some(debug) = image.build_id().map(|id| find_debug_file(&id)).transpose()?.flatten() {
        return Ok(Kernel::open(&debug, cache)?);
    }
    Ok(recovered(path, &image))
}

/// A kernel of what a boot image holds: names and addresses.
pub(super) fn recovered(path: &Path, image: &KernelImage) -> Kernel {
    let symbols = image.symbols.iter().map(|symbol| (symbol.name, symbol.address, symbol.letter));
    let table = SymbolTable::of_symbols(symbols);
    Kernel::of_symbols(path, table, SymbolSource::BootImage, image.banner(), image.build_id())
}

/// The image that the first log asks for by release or build id.
fn find_for_logs(arguments: &Arguments) -> anyhow::Result<Option<PathBuf>> {
    if let Some(missing) = arguments.files.iter().find(|path| path.as_os_str() != "-" && is_absent(path)) {
        bail!("{}: no such file (mistyped, or rotated away?)", missing.display());
    }
    if let Some(path) = find_in_build_tree() {
        why(&format!("{}: the kernel of the build tree here", path.display()));
        return Ok(Some(path));
    }
    let Some(log) = arguments.files.iter().find(|path| path.as_os_str() != "-") else { return Ok(None) };
    let (mut release, mut build_id) = (None, None);
    each_log(&Source::from(log.as_path()), &mut |log| {
        let Ok((text, _)) = log.content.and_then(|content| content.gathered(&log.name)) else {
            return ControlFlow::Continue(());
        };
        for line in text.log().split(|byte| *byte == b'\n') {
            if let Some((said, id)) = crate::symbols::stated_release(line) {
                release.get_or_insert(said.to_owned());
                build_id = build_id.take().or(id.map(str::to_owned));
            }
        }
        if release.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let (said, id) = (release.as_deref().unwrap_or("none"), build_id.as_deref().unwrap_or("none"));
    why(&format!("{}: states the release {said}, the build id {id}", log.display()));
    if let Some(path) = release.as_deref().and_then(find_release) {
        why(&format!("{}: the kernel of this release", path.display()));
        return Ok(Some(path));
    }
    why("no kernel of this release is in ., /boot, /usr/lib/debug or /lib/modules");
    build_id.map_or(Ok(None), |id| find_debug_file(&id))
}

/// Whether a name is neither there nor a pattern.
fn is_absent(path: &Path) -> bool {
    !path.exists() && !path.to_string_lossy().contains(['*', '?', '[', ':'])
}

fn find_debug_file(build_id: &str) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = find_build_id(Path::new("/usr/lib/debug"), build_id) {
        return Ok(Some(path));
    }
    let servers = debuginfod::servers(&std::env::var("DEBUGINFOD_URLS").unwrap_or_default());
    match debuginfod::client_cache() {
        Some(cache) if !servers.is_empty() => debuginfod::find(build_id, &servers, &cache, &fetch)
            .with_context(|| format!("debug file of build id {build_id}")),
        _ => Ok(None),
    }
}

/// Gets a URL into a file; `false` if the server does not have it.
fn fetch(url: &str, target: &Path) -> io::Result<bool> {
    /// No debug file is larger.
    const LARGEST: u64 = 8 << 30;
    let client = Client::new(Manners::default(), Arc::new(SystemClock));
    let response = match client.open(url, &[]) {
        Ok(response) => response,
        Err(HttpError::Status { status: 404, .. }) => return Ok(false),
        Err(error) => return Err(io::Error::other(error)),
    };
    let mut file = std::fs::File::create(target)?;
    if io::copy(&mut io::Read::take(response.body, LARGEST + 1), &mut file)? > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{url}: more than {LARGEST} bytes")));
    }
    Ok(true)
}

/// Stdout; on a terminal with what it would obey made visible.
fn output() -> Box<dyn Write> {
    let out = io::stdout();
    if out.is_terminal() {
        Box::new(Harmless::new(BufWriter::new(out.lock())))
    } else {
        Box::new(BufWriter::with_capacity(1 << 16, out.lock()))
    }
}

/// Reports the refusals that were not reported yet, and how many there are.
fn tell_refusals(decoder: &LogDecoder<'_>, told: usize) -> usize {
    let all = decoder.refusals();
    all[told..].iter().for_each(|reason| say(reason));
    all.len()
}

struct Filter<'run> {
    kernel: &'run Kernel,
    arguments: &'run Arguments,
    paths: Paths,
    running: Option<&'run (SymbolTable, SymbolTable)>,
    out: Box<dyn Write>,
    first: bool,
    refused: bool,
}

impl<'run> Filter<'run> {
    fn all(&mut self) -> anyhow::Result<()> {
        let json = self.arguments.output.format == Format::Json;
        if json {
            self.out.write_all(b"[")?;
        }
        if self.arguments.files.is_empty() {
            self.source(&Source::Stdin)?;
        }
        let files: Vec<OsString> = self.arguments.files.iter().map(|path| path.as_os_str().to_owned()).collect();
        let (sources, named) = sources_of(&files);
        self.refused |= !named;
        for source in &sources {
            self.source(source)?;
        }
        if json {
            self.out.write_all(b"]\n")?;
        }
        Ok(self.out.flush()?)
    }

    /// A pipe as text is handed on line by line; everything else goes the road of all logs.
    fn source(&mut self, source: &Source) -> anyhow::Result<()> {
        let filters = *source == Source::Stdin && self.arguments.output.format == Format::Text;
        if filters || self.arguments.addresses {
            let content = live(source)?;
            return self.content(&source.to_string(), content);
        }
        let mut done = Ok(());
        each_log(source, &mut |log| {
            match log.content {
                Ok(content) => done = self.content(&log.name, content),
                Err(fault) => {
                    say(&fault.to_string());
                    self.refused = true;
                }
            }
            if done.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        done
    }

    fn content(&mut self, name: &str, content: Content) -> anyhow::Result<()> {
        let damage = match content {
            content if self.arguments.addresses => {
                let (text, damage) = content.gathered(name)?;
                self.addresses(text.plain())?;
                damage.or_else(|| text.damage())
            }
            Content::Text(text, damage) => {
                self.text(name, &text)?;
                damage.or_else(|| text.damage())
            }
            // The image is chosen, and the log's kernel compared with it, before the first line is decoded: a file is looked
            // at as a whole, a pipe cannot be.
            content @ Content::Stream(_) if name != "-" => {
                let (text, damage) = content.gathered(name)?;
                self.text(name, &text)?;
                damage
            }
            Content::Stream(mut stream) => {
                self.stream(&mut stream)?;
                stream.damage().cloned()
            }
        };
        if let Some(damage) = damage {
            say(&format!("{name}: {damage}"));
        }
        Ok(())
    }

    /// Text is the file's, line by line; records are of the log, which may be a mail's.
    fn text(&mut self, name: &str, text: &Text) -> anyhow::Result<()> {
        let as_text = self.arguments.output.format == Format::Text;
        let bytes = if as_text { text.plain() } else { text.log() };
        let mut decoder = self.decoder();
        let survey = Progress::saying(&format!("looking up the addresses of {name}"));
        decoder.survey(bytes);
        drop(survey);
        let done = Arc::new(AtomicU64::new(0));
        let mut progress = Progress::of_bytes(Some(bytes.len() as u64), done.clone());
        progress.give_way();
        for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let number = if as_text { number } else { text.line(number) };
            self.line(&mut decoder, name, number, line)?;
            done.fetch_add(line.len() as u64, Ordering::Relaxed);
        }
        drop(progress);
        self.refusals(&decoder, name);
        Ok(())
    }

    /// Decodes line by line and hands on what it has whenever it might have to wait.
    fn stream(&mut self, stream: &mut PlainStream) -> anyhow::Result<()> {
        /// A line longer than this is not a log line; it is passed on in pieces.
        const LONGEST: usize = 1 << 20;
        let mut decoder = self.decoder();
        let (mut rest, mut number, mut told) = (Vec::new(), 1, 0);
        while stream.advance() {
            for piece in stream.piece().split_inclusive(|byte| *byte == b'\n') {
                rest.extend_from_slice(piece);
                let whole = piece.ends_with(b"\n");
                if whole || rest.len() > LONGEST {
                    self.line(&mut decoder, "-", number, &rest)?;
                    number += u64::from(whole);
                    rest.clear();
                }
            }
            self.out.flush()?;
            told = tell_refusals(&decoder, told);
        }
        if !rest.is_empty() {
            self.line(&mut decoder, "-", number, &rest)?;
            told = tell_refusals(&decoder, told);
        }
        self.refused |= told > 0 && !self.arguments.force;
        Ok(())
    }

    fn decoder(&self) -> LogDecoder<'run> {
        let options = LogOptions { force: self.arguments.force, offset: self.arguments.kaslr_offset };
        let mut decoder = LogDecoder::new(self.kernel, options);
        if let Some((symbols, modules)) = self.running {
            decoder.with_kallsyms(symbols, modules);
        }
        decoder
    }

    fn line(&mut self, decoder: &mut LogDecoder<'_>, log: &str, number: u64, line: &[u8]) -> anyhow::Result<()> {
        match self.arguments.output.format {
            Format::Text if self.arguments.compat => {
                let kernel = self.kernel;
                let code = if self.arguments.no_code { Vec::new() } else { decode_code_as_script(line) };
                if !code.is_empty() {
                    let text = String::from_utf8_lossy(line);
                    let words: Vec<&str> = text.split_whitespace().collect();
                    writeln!(self.out, "{}", words.join(" "))?;
                    for instruction in code {
                        writeln!(self.out, "{instruction}")?;
                    }
                    return Ok(());
                }
                as_script(&mut self.out, line, &self.paths, &mut |what| match *what {
                    What::Named { function, offset, size, module, build_id } => {
                        kernel.named(Named { function, offset, size, module, build_id, exact: true })
                    }
                    What::Raw(_) => Answer::miss("the script looks names up only"),
                })?;
            }
            Format::Text => {
                let decoded = decoder.line(line);
                annotate(&mut self.out, line, &decoded, &self.paths)?;
                if !self.arguments.no_code {
                    for instruction in decode_code(line) {
                        writeln!(self.out, "{instruction}")?;
                    }
                }
            }
            Format::Json | Format::Jsonl => {
                for found in decoder.line(line) {
                    self.record(log, number, &found)?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, log: &str, log_line: u64, found: &Decoded<'_>) -> anyhow::Result<()> {
        if self.arguments.output.format == Format::Json && !std::mem::take(&mut self.first) {
            self.out.write_all(b",")?;
        }
        write_record(&mut self.out, &self.paths, log, log_line, found)?;
        if self.arguments.output.format == Format::Jsonl {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn refusals(&mut self, decoder: &LogDecoder<'_>, log: &str) {
        for reason in decoder.refusals() {
            say(&format!("{log}: {reason}"));
            self.refused |= !self.arguments.force;
        }
    }

    /// Answers addresses of the image as addr2line does: they are taken as they are.
    fn addresses(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let Some(binary) = self.kernel.binary() else { bail!("--addresses needs an ELF file") };
        let text = String::from_utf8_lossy(bytes);
        let words: Vec<&str> = text.split_whitespace().collect();
        let addresses: Vec<Option<u64>> =
            words.iter().map(|word| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()).collect();
        binary.prepare(&addresses.iter().flatten().copied().collect::<Vec<_>>());
        for (number, address) in addresses.into_iter().enumerate() {
            let places = address.map(|address| binary.places(address)).unwrap_or_default();
            if self.arguments.output.format != Format::Text {
                let answer = Answer { places, confidence: Confidence::Certain, reason: None, within: None };
                let spot = crate::symbols::Spot::of_address(address.unwrap_or(0));
                self.record("-", number as u64 + 1, &Decoded { spot, answer })?;
                continue;
            }
            if places.is_empty() {
                self.out.write_all(b"??\n??:0\n")?;
            }
            for place in &places {
                let file = place.file.as_deref().map_or("??", |file| self.paths.shown(file));
                write!(self.out, "{}\n{file}:", place.function.as_deref().unwrap_or("??"))?;
                match place.line {
                    Some(line) => writeln!(self.out, "{line}")?,
                    None => self.out.write_all(b"?\n")?,
                }
            }
        }
        Ok(())
    }
}

/// Writes the record of one place of code, without a line break.
pub(super) fn write_record(
    out: &mut dyn Write,
    paths: &Paths,
    log: &str,
    log_line: u64,
    found: &Decoded<'_>,
) -> anyhow::Result<()> {
    let Decoded { spot, answer } = found;
    let (function, offset, size, module) = match &spot.what {
        What::Named { function, offset, size, module, .. } => (Some(*function), Some(*offset), Some(*size), *module),
        What::Raw(_) => (None, None, None, None),
    };
    let within = answer.within.as_ref();
    let frame = |place: &'_ Place| -> (Option<String>, Option<String>, Option<u32>) {
        (place.function.clone(), place.file.as_deref().map(|file| paths.shown(file).to_owned()), place.line)
    };
    let frames: Vec<_> = answer.places.iter().map(frame).collect();
    let record = Record {
        schema: SCHEMA,
        log,
        log_line,
        frames: frames
            .iter()
            .map(|(function, file, line)| Frame { function: function.as_deref(), file: file.as_deref(), line: *line })
            .collect(),
        function: function.or(within.map(|within| within.0.as_str())),
        offset: offset.or(within.map(|within| within.1)),
        size: size.or(within.map(|within| within.2)),
        module,
        address: spot.address.map(|address| format!("{address:#x}")),
        reliable: spot.reliable,
        confidence: (!answer.places.is_empty()).then_some(answer.confidence),
        reason: answer.reason.as_deref(),
    };
    Ok(write_json(out, &record)?)
}
