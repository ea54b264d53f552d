//! `kanalyze generate`: man pages, shell completions, JSON Schemas.

use super::schemas::schemas;
use crate::render::json_pretty;
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
    /// The book's pages of reference, as Markdown: commands, kinds, JSON fields, the model of `bisect`
    Reference {
        /// Folder for commands.md, kinds.md, json.md, bisect-model.md
        folder: PathBuf,
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
        Verb::Reference { folder } => super::reference::write(&folder)?,
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
