//! `kanalyze generate`: man pages, shell completions, JSON Schemas.

use super::schemas::schemas;
use crate::render::json_pretty;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write man pages, shell completions or the JSON Schemas of the records
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze generate man ~/.local/share/man/man1
  kanalyze generate completions bash > /etc/bash_completion.d/kanalyze
  # in .zshrc before compinit: fpath=(~/.zfunc $fpath)
  kanalyze generate completions zsh > ~/.zfunc/_kanalyze
  kanalyze generate completions fish > ~/.config/fish/completions/kanalyze.fish
  kanalyze generate schema kanalyze.report/1")]
pub(super) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Man pages, one per verb: into a folder, or the main one to standard output
    Man {
        /// Folder for kanalyze.1, kanalyze-parse.1 …
        folder: Option<PathBuf>,
    },
    /// Completions for a shell, to standard output
    ///
    /// The shell asks this program what fits: verbs, options, kinds, runs, bundles, logs.
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
        Verb::Man { folder: None } => out.write_all(&super::manual::page(&super::command(), "kanalyze")?)?,
        Verb::Man { folder: Some(folder) } => super::manual::write(&folder)?,
        Verb::Reference { folder } => super::reference::write(&folder)?,
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            super::completion::write_script(shell, &mut text)?;
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
