//! `kanalyze generate`: man pages, shell completions, JSON Schemas.

use crate::bisect::{Bisection, record::SCHEMA as BISECT_SCHEMA};
use crate::render::json_pretty;
use crate::report::{EVENT_SCHEMA, Event, REPORT_SCHEMA, Report};
use crate::runs::manifest::RUN_SCHEMA;
use crate::vm::doctor::DOCTOR_SCHEMA;
use crate::vm::happening::LIVE_SCHEMA;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write man pages, shell completions or the JSON Schemas of the records
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze generate man ~/.local/share/man/man1
  kanalyze generate completions bash > /etc/bash_completion.d/kanalyze
  kanalyze generate schema kanalyze.report/1")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Man pages, one per command: into a folder, or the main one to standard output
    Man {
        /// Folder for kanalyze.1, kanalyze-parse.1 …
        folder: Option<PathBuf>,
    },
    /// Completions for a shell, to standard output
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// JSON Schemas: all, or the named one
    Schema {
        /// Such as kanalyze.report/1
        name: Option<String>,
    },
}

/// Runs the command.
///
/// # Errors
/// A folder that cannot be written, an unknown schema.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match arguments.verb {
        Verb::Man { folder: None } => clap_mangen::Man::new(super::command()).render(&mut out)?,
        Verb::Man { folder: Some(folder) } => man_pages(&folder)?,
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut super::command(), "kanalyze", &mut text);
            out.write_all(&text)?;
        }
        Verb::Schema { name } => {
            let all = schemas();
            let chosen: serde_json::Value = match name {
                None => all.into_iter().collect::<serde_json::Map<_, _>>().into(),
                Some(name) => match all.iter().find(|(known, _)| *known == name) {
                    Some((_, schema)) => schema.clone(),
                    None => {
                        let known: Vec<&str> = all.iter().map(|(known, _)| known.as_str()).collect();
                        anyhow::bail!("there is no schema '{name}'; there are {}", known.join(", "))
                    }
                },
            };
            out.write_all(&json_pretty(&chosen)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The schema of every record, by name.
#[must_use]
pub fn schemas() -> Vec<(String, serde_json::Value)> {
    vec![
        (REPORT_SCHEMA.to_owned(), schemars::schema_for!(Report).to_value()),
        (EVENT_SCHEMA.to_owned(), schemars::schema_for!(Event).to_value()),
        (crate::locks::LOCKS_SCHEMA.to_owned(), schemars::schema_for!(crate::locks::Dump).to_value()),
        (RUN_SCHEMA.to_owned(), schemars::schema_for!(crate::runs::Manifest).to_value()),
        (LIVE_SCHEMA.to_owned(), schemars::schema_for!(crate::vm::happening::Record<'_>).to_value()),
        (crate::runs::tally::SERIES_SCHEMA.to_owned(), schemars::schema_for!(crate::runs::tally::Series).to_value()),
        (
            crate::syzbot::repro::minimize::MINIMIZE_SCHEMA.to_owned(),
            schemars::schema_for!(crate::syzbot::repro::minimize::Ledger).to_value(),
        ),
        (DOCTOR_SCHEMA.to_owned(), schemars::schema_for!(crate::vm::doctor::Check).to_value()),
        (
            crate::syzbot::manifest::SCHEMA.to_owned(),
            schemars::schema_for!(crate::syzbot::manifest::Manifest).to_value(),
        ),
        (super::bundle::CHECK_SCHEMA.to_owned(), schemars::schema_for!(super::bundle::Checked<'_>).to_value()),
        (super::repro::REPRO_SCHEMA.to_owned(), schemars::schema_for!(super::repro::Shown<'_>).to_value()),
        (super::repro::FLAGS_SCHEMA.to_owned(), schemars::schema_for!(super::repro::Told).to_value()),
        (super::kernel::SCHEMA.to_owned(), schemars::schema_for!(super::kernel::Built<'_>).to_value()),
        (super::symbolize::SCHEMA.to_owned(), schemars::schema_for!(super::symbolize::Record<'_>).to_value()),
        (super::image::SCHEMA.to_owned(), schemars::schema_for!(super::image::Info<'_>).to_value()),
        (crate::diff::DIFF_SCHEMA.to_owned(), schemars::schema_for!(crate::diff::Difference).to_value()),
        (
            crate::diff::cluster::CLUSTER_SCHEMA.to_owned(),
            schemars::schema_for!(crate::diff::cluster::Cluster).to_value(),
        ),
        (crate::render::CHECK_LOG_SCHEMA.to_owned(), schemars::schema_for!(crate::render::CheckedLog).to_value()),
        (crate::thread::THREAD_SCHEMA.to_owned(), schemars::schema_for!(crate::thread::Thread).to_value()),
        (crate::syzbot::rank::PICK_SCHEMA.to_owned(), schemars::schema_for!(crate::syzbot::rank::Ranked).to_value()),
        (crate::thread::work::BUG_SCHEMA.to_owned(), schemars::schema_for!(crate::thread::work::Work).to_value()),
        (crate::render::NOTE_SCHEMA.to_owned(), schemars::schema_for!(crate::render::Note).to_value()),
        (super::syzbot::LISTED_SCHEMA.to_owned(), schemars::schema_for!(super::syzbot::ListedRecord<'_>).to_value()),
        (super::syzbot::KNOWN_SCHEMA.to_owned(), schemars::schema_for!(super::syzbot::Known).to_value()),
        (crate::source::BLAME_SCHEMA.to_owned(), schemars::schema_for!(crate::source::BlamePage).to_value()),
        (crate::source::FIXED_SCHEMA.to_owned(), schemars::schema_for!(crate::source::Fixed).to_value()),
        (BISECT_SCHEMA.to_owned(), schemars::schema_for!(Bisection).to_value()),
    ]
}

fn man_pages(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| anyhow::anyhow!("{}: cannot make this folder: {cause}", folder.display()))?;
    let mut command = super::command();
    command.build();
    write_page(folder, &command, "kanalyze".to_owned())?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        write_page(folder, verb, format!("kanalyze-{}", verb.get_name()))?;
    }
    Ok(())
}

fn write_page(folder: &Path, command: &clap::Command, name: String) -> anyhow::Result<()> {
    let mut text = Vec::new();
    let path = folder.join(format!("{name}.1"));
    clap_mangen::Man::new(command.clone()).title(name).render(&mut text)?;
    std::fs::write(&path, text).map_err(|cause| anyhow::anyhow!("{}: cannot write this page: {cause}", path.display()))
}
