//! `kanalyze repro`: what a syz program holds, its options, and the flags that syz-execprog needs for them.

use super::assignment::assignment;
use super::output::{Format, Output};
use super::records::write_records;
use crate::architecture::Architecture;
use crate::render::safe;
use crate::syzbot::Bundle;
use crate::syzbot::repro::{Features, FlagSettings, Flags, LARGEST, OptionsError, Program, flags_for};
use anyhow::{Context as _, bail};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show and edit syz programs and their options
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// List a program's options and calls
    Show(Show),
    /// Set and unset options; every other byte of the program stays
    Edit(Edit),
    /// Print the flags that make syz-execprog do what the options say
    Flags(FlagArguments),
    Minimize(Box<crate::cli::run::minimize::Arguments>),
}

impl Arguments {
    /// The arguments of the runs that the verb makes, if it makes any.
    pub(super) fn run(&mut self) -> Option<&mut super::run::Arguments> {
        if let Verb::Minimize(arguments) = &mut self.verb { Some(&mut arguments.run) } else { None }
    }
}

#[derive(Debug, clap::Args)]
struct Show {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct Source {
    /// A syz program, a bundle's folder, or - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set an option, as --set wifi=false. May be repeated.
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// Remove an option, which then has its default. May be repeated.
    #[arg(long = "unset", value_name = "OPTION")]
    unset: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kanalyze repro edit repro.syz --set wifi=false --set procs=1 > quieter.syz
  kanalyze repro edit repro.syz --unset fault --in-place")]
struct Edit {
    #[command(flatten)]
    source: Source,
    /// Write here instead of stdout.
    #[arg(short, long, value_name = "FILE", conflicts_with = "in_place")]
    output: Option<PathBuf>,
    /// Write back into FILE.
    #[arg(long)]
    in_place: bool,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
syz-execprog treats the options line as a comment. Without these flags it runs
a program once, in threads, in the sandbox `none`, with every set-up that the
kernel supports, whatever the line says.

Examples:
  ./syz-execprog $(kanalyze repro flags repro.syz) repro.syz
  kanalyze repro flags repro.syz --set wifi=false --arch amd64 --format json")]
struct FlagArguments {
    #[command(flatten)]
    source: Source,
    /// For -arch=.
    #[arg(long, value_name = "ARCH")]
    arch: Option<Architecture>,
    /// For -executor=.
    #[arg(long, value_name = "PATH")]
    executor: Option<String>,
    /// For -optional=type=.
    #[arg(long = "type", value_name = "TYPE")]
    machine: Option<String>,
    /// Which set-ups to make: all but those that the line says false about (as syzbot does), exactly those that the
    /// line lists, or all.
    #[arg(long, value_enum, default_value_t)]
    features: FeatureChoice,
    /// Repeat for ever and in threads, as a bisection does.
    #[arg(long)]
    insist: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum FeatureChoice {
    #[default]
    Written,
    Listed,
    All,
}

/// Runs the command.
///
/// # Errors
/// The file is not a syz program, an option is wrong, or the result cannot be written.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.verb {
        Verb::Show(arguments) => show(&arguments)?,
        Verb::Edit(arguments) => edit(&arguments)?,
        Verb::Flags(arguments) => flags(&arguments)?,
        Verb::Minimize(arguments) => return crate::cli::run::minimize::run(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the program and applies `--set` and `--unset`.
fn program(source: &Source) -> anyhow::Result<(Program, PathBuf)> {
    let path = if source.file.is_dir() {
        let bundle = Bundle::open(&source.file)?;
        bundle.repro_syz.with_context(|| format!("{}: the bundle has no syz program", source.file.display()))?
    } else {
        source.file.clone()
    };
    let mut program = Program::parse(&read(&path)?).with_context(|| path.display().to_string())?;
    let wrong = |words: OptionsError| anyhow::anyhow!("{}: {words}", path.display());
    for key in &source.unset {
        program.unset(key).map_err(wrong)?;
    }
    for (key, value) in &source.set {
        program.set(key, value).map_err(wrong)?;
    }
    Ok((program, path))
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(path).with_context(|| path.display().to_string())?)
    };
    source.take(LARGEST + 1).read_to_end(&mut text).with_context(|| path.display().to_string())?;
    if text.len() as u64 > LARGEST {
        bail!("{}: larger than {LARGEST} bytes, no syz program is", path.display());
    }
    Ok(text)
}

fn warn(words: &[String]) {
    for words in words {
        super::stderr::line(&format!("warning: {words}"));
    }
}

/// What `schema` says in the records of `repro show`.
pub(super) const REPRO_SCHEMA: &str = "kanalyze.repro/1";

/// What `schema` says in the records of `repro flags`.
pub(super) const FLAGS_SCHEMA: &str = "kanalyze.repro-flags/1";

/// `repro show --format jsonl`.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Shown<'a> {
    schema: &'static str,
    file: String,
    options: Option<serde_json::Map<String, serde_json::Value>>,
    calls: &'a [crate::syzbot::repro::Call],
    warnings: Vec<String>,
}

fn show(arguments: &Show) -> anyhow::Result<()> {
    let (program, path) = program(&arguments.source)?;
    let mut warnings = program.warnings.clone();
    warnings.extend(program.options.iter().flat_map(crate::syzbot::repro::Options::objections));
    let mut out = BufWriter::new(std::io::stdout().lock());
    if arguments.output.format == Format::Text {
        match &program.options {
            Some(options) => {
                let words: Vec<String> = options.entries.iter().map(|(key, value)| format!("{key}={value}")).collect();
                writeln!(out, "options: {}", safe(&words.join(" ")))?;
            }
            None => writeln!(out, "options: none")?,
        }
        writeln!(out, "{} calls:", program.calls.len())?;
        for call in &program.calls {
            let result = call.result.as_ref().map(|name| format!("{name} = ")).unwrap_or_default();
            let fault = call.fail_nth.map(|nth| format!(" (fail_nth: {nth})")).unwrap_or_default();
            let again = call.rerun.map(|times| format!(" (rerun: {times})")).unwrap_or_default();
            let aside = if call.is_async { " (async)" } else { "" };
            writeln!(out, "  {:>4}  {result}{}{fault}{aside}{again}", call.line, call.name)?;
        }
        warn(&warnings);
    } else {
        let options = program.options.as_ref().map(|options| options.entries.iter().cloned().collect());
        let file = path.display().to_string();
        let shown = Shown { schema: REPRO_SCHEMA, file, options, calls: &program.calls, warnings };
        write_records(&mut out, arguments.output.format, &[shown])?;
    }
    out.flush()?;
    Ok(())
}

fn edit(arguments: &Edit) -> anyhow::Result<()> {
    let (program, path) = program(&arguments.source)?;
    warn(&program.options.iter().flat_map(crate::syzbot::repro::Options::objections).collect::<Vec<_>>());
    let bytes = program.to_bytes();
    let target = if arguments.in_place { Some(&path) } else { arguments.output.as_ref() };
    match target {
        Some(target) if target != Path::new("-") => {
            crate::files::replace(target, &bytes).with_context(|| target.display().to_string())?;
        }
        _ if arguments.in_place => bail!("--in-place needs a file, not stdin"),
        _ => std::io::stdout().lock().write_all(&bytes)?,
    }
    Ok(())
}

/// `repro flags --format jsonl`.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Told {
    schema: &'static str,
    file: String,
    #[serde(flatten)]
    flags: Flags,
}

fn flags(arguments: &FlagArguments) -> anyhow::Result<()> {
    let (program, path) = program(&arguments.source)?;
    let settings = FlagSettings {
        arch: arguments.arch,
        executor: arguments.executor.clone(),
        machine: arguments.machine.clone(),
        features: match arguments.features {
            FeatureChoice::Written => Features::Written,
            FeatureChoice::Listed => Features::Listed,
            FeatureChoice::All => Features::All,
        },
        insist: arguments.insist,
    };
    let mut flags = flags_for(&program, &settings);
    flags.warnings.splice(0..0, program.warnings.iter().cloned());
    let mut out = BufWriter::new(std::io::stdout().lock());
    if arguments.output.format == Format::Text {
        writeln!(out, "{}", safe(&flags.flags.join(" ")))?;
        warn(&flags.warnings);
    } else {
        let told = Told { schema: FLAGS_SCHEMA, file: path.display().to_string(), flags };
        write_records(&mut out, arguments.output.format, &[told])?;
    }
    out.flush()?;
    Ok(())
}
