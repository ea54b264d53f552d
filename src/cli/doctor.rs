//! `kanalyze doctor`: what a reproduction needs, what is here and what is missing.

use super::output::{Format, JsonArray, Output};
use crate::render::{json_line, wrap_into};
use crate::syzbot::bundle::Bundle;
use crate::vm::doctor::{Health, Question, examine};
use anyhow::Context as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Check what reproductions need: QEMU, KVM, ssh, space, programs
///
/// One line each, with the remedy for what is missing. KVM is tested by booting a tiny guest; /dev/kvm alone proves nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit status: 0 all that a run needs is here, 1 something that it needs
is missing, 2 error.")]
pub(super) struct Arguments {
    /// A bundle, or the folder where bundles and runs are to go.
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// The folder with syz-execprog and syz-executor.
    #[arg(long, value_name = "DIR")]
    syz_bin: Option<PathBuf>,

    #[command(flatten)]
    output: Output,
}

/// Columns before what was found.
const INDENT: usize = 29;

/// Runs the command.
///
/// # Errors
/// The folder is not there; stdout is closed.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let about = std::fs::metadata(&arguments.folder).with_context(|| arguments.folder.display().to_string())?;
    anyhow::ensure!(about.is_dir(), "{}: is a file, and a folder is wanted", arguments.folder.display());
    let vmlinux = arguments.folder.join("vmlinux");
    // A folder that is not a bundle knows no revision, and needs none.
    let bundle = Bundle::open(&arguments.folder).ok();
    let of_bundle = bundle.as_ref().and_then(|bundle| bundle.syz_execprog.as_deref()?.parent());
    let checks = examine(&Question {
        folder: &arguments.folder,
        vmlinux: Some(&vmlinux),
        syz_bin: arguments.syz_bin.as_deref().or(of_bundle),
        revision: bundle.as_ref().and_then(|bundle| bundle.syzkaller_commit.as_deref()),
    });
    let mut out = std::io::stdout().lock();
    match arguments.output.format {
        Format::Text => {
            let (palette, width) = (arguments.output.palette(), super::output::width());
            for check in &checks {
                let (style, word) = match check.health {
                    Health::Good => (palette.good, "ok     "),
                    Health::Weak => (palette.doubt, "without"),
                    Health::Missing => (palette.title, "missing"),
                };
                let remedy = check.remedy.as_ref().map_or_else(String::new, |remedy| format!(" → {remedy}"));
                let mut line = String::new();
                // In a file each check stays on its line.
                let first = format!("{word} {:<20} ", check.name);
                wrap_into(&mut line, &first, INDENT, &format!("{}{remedy}", check.found), width.0);
                write!(out, "{style}{word}{style:#}{}", &line[word.len()..])?;
            }
        }
        form => {
            let mut array = JsonArray::new();
            for check in &checks {
                let line = json_line(check)?;
                match form {
                    Format::Json => array.write(&mut out, &line)?,
                    _ => out.write_all(&line)?,
                }
            }
            if form == Format::Json {
                array.end(&mut out)?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(checks.iter().any(|check| check.health == Health::Missing))))
}
