//! `kanalyze kernel`: a kernel of one's own into a bundle.

use super::output::{Format, Output};
use super::records::write_records;
use crate::architecture::Architecture;
use crate::render::safe;
use crate::syzbot::Bundle;
use crate::syzbot::kernel_build::{Build, BuildError, Step, build};
use crate::syzbot::manifest::{LocalKernel, RefusedOption};
use anyhow::Context as _;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many options that did not take are reported one by one.
const TOLD: usize = 20;

/// Build kernels into bundles
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    Build(BuildArguments),
}

/// Build a kernel outside its tree; put bzImage, vmlinux, System.map and config into a bundle
///
/// `kanalyze run --kernel local` then boots it. Fragments are laid over the configuration as scripts/kconfig/merge_config.sh
/// does, and options that did not take are reported. A second call compiles only what has changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # with the configuration of the bundle
  kanalyze kernel build --source ~/linux --into ppp
  kanalyze kernel build --source ~/linux --config my.config \\
      --fragment lockdep.config --into ppp -M LLVM=1
  kanalyze kernel build --source ~/linux --patch fix.patch --into ppp && \\
      kanalyze run --bundle ppp --ab bundle local --times 10
  echo '# CONFIG_JUMP_LABEL is not set' > quiet.config && \\
      kanalyze kernel build --source . --fragment quiet.config --into ppp \\
      --strict")]
struct BuildArguments {
    /// The kernel tree.
    #[arg(long, value_name = "DIR")]
    source: PathBuf,
    /// The configuration [default: the bundle's].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Options laid over the configuration. May be repeated; the last one wins.
    #[arg(long = "fragment", value_name = "FILE")]
    fragments: Vec<PathBuf>,
    /// A patch on top of the tree's HEAD, as `git apply` takes it; in a tree of its own inside the bundle. May be repeated.
    #[arg(long = "patch", value_name = "FILE")]
    patches: Vec<PathBuf>,
    /// The bundle's folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// The processor [default: the configuration's].
    #[arg(long, value_name = "ARCH")]
    arch: Option<Architecture>,
    /// Compilers at once [default: as many as there are processors].
    #[arg(short, long, value_name = "N")]
    jobs: Option<usize>,
    /// A further argument of make: LLVM=1, CC=gcc-12. May be repeated.
    #[arg(short = 'M', long = "make", value_name = "NAME=VALUE")]
    make_arguments: Vec<String>,
    /// Stop before compiling if an option of a fragment did not take.
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: Output,
}

/// What `schema` says in the record of `kernel build`.
pub(super) const SCHEMA: &str = "kanalyze.local-kernel/1";

/// `kernel build --format jsonl`.
#[derive(serde::Serialize, schemars::JsonSchema)]
pub(super) struct Built<'a> {
    schema: &'static str,
    directory: String,
    #[serde(flatten)]
    kernel: &'a LocalKernel,
}

/// Runs the command.
///
/// # Errors
/// What did not build.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Verb::Build(arguments) = arguments.verb;
    let config = match &arguments.config {
        Some(config) => config.clone(),
        None => Bundle::open(&arguments.into)
            .context("without --config the bundle's is taken")?
            .config
            .context("the bundle has no configuration; --config names one")?,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let interrupt = super::live::interrupt()?;
    let what = Build {
        source: &arguments.source,
        config: &config,
        fragments: &arguments.fragments,
        patches: &arguments.patches,
        directory: &arguments.into,
        arch: arguments.arch,
        jobs: arguments.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        make_arguments: &arguments.make_arguments,
        strict: arguments.strict,
        interrupt: &interrupt,
    };
    let mut tell = |step: Step<'_>| match step {
        Step::Runs(words) => super::stderr::line(words),
        Step::Goes(words) => super::stderr::line(&words),
        Step::Note(words) => super::stderr::line(&format!("note: {words}")),
    };
    let kernel = build(&what, now, &mut tell).map_err(|error| match error {
        BuildError::Failed { command, status, log, tail } => {
            BuildError::Failed { command, status, log, tail: tail.lines().map(safe).collect::<Vec<_>>().join("\n") }
        }
        other => other,
    })?;
    let of_base = |option: &&RefusedOption| option.asked_by == config.display().to_string();
    let (base, fragments): (Vec<_>, Vec<_>) = kernel.refused_options.iter().partition(of_base);
    for option in fragments.into_iter().chain(base).take(TOLD) {
        let got = option.got.as_deref().unwrap_or("absent");
        tell(Step::Note(format!(
            "{}: {} was asked for ({}), {got} came out",
            option.name, option.wanted, option.asked_by
        )));
    }
    if kernel.refused_options.len() > TOLD {
        tell(Step::Note(format!("and {} more; bundle.json lists all", kernel.refused_options.len() - TOLD)));
    }
    let mut out = BufWriter::new(std::io::stdout().lock());
    if arguments.output.format == Format::Text {
        writeln!(out, "{}", safe(kernel.release.as_deref().unwrap_or("a kernel")))?;
        for file in kernel.files() {
            writeln!(out, "  {} {}", arguments.into.join(&file.path).display(), indicatif::HumanBytes(file.size))?;
        }
    } else {
        let directory = arguments.into.display().to_string();
        let built = Built { schema: SCHEMA, directory, kernel: &kernel };
        write_records(&mut out, arguments.output.format, &[built])?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}
