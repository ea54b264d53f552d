//! `kanalyze config`: which settings hold here, and where each comes from.

use super::{Laid, NAME, Verb, environment, files_for, leaf, settle, user_file};
use crate::cli::output::{Format, Output, Reader};
use crate::cli::pager::Page;
use crate::cli::records::write_records;
use crate::render::safe;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// The schema name of [`Shown`].
pub(crate) const SETTING_SCHEMA: &str = "kanalyze.setting/1";

/// Show which settings hold here, and where each comes from
///
/// What you would type each time goes into `kanalyze.toml` of a project's folder or one above it, or into
/// `~/.config/kanalyze/kanalyze.toml`: a table per verb whose keys are its long options, and `[all]` for options of every verb
/// that has them. `KANALYZE_OPTION` in the environment sets an option, too. The command line wins, then the environment, then
/// the nearer file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  kanalyze config show               what files and the environment say
  kanalyze config show parse         every option of parse, with its default

A file:
  [all]
  color = \"never\"
  [parse]
  grammar = [\"mine.toml\"]
  [run]
  memory = 4096

In the environment: KANALYZE_COLOR=never, KANALYZE_THREADS=4.

A file that came with a folder starts no program (qemu, kernel build), opens
no guest (share, open-network, persist), names no tree and no server, and
writes only below its folder. If the folders are yours, say so at the top of
~/.config/kanalyze/kanalyze.toml:
  trusted = [\"~/src/linux\"]

Exit status: 0, or 2 if a file is wrong.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verbs,
}

#[derive(Debug, clap::Subcommand)]
enum Verbs {
    /// What holds in this folder
    Show {
        /// Only of this verb, with defaults
        verb: Option<String>,
        #[command(flatten)]
        output: Output,
    },
}

/// One option and what it is set to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Shown {
    /// [`SETTING_SCHEMA`].
    schema: &'static str,
    /// The verb.
    verb: String,
    /// The long option.
    option: String,
    /// What it is set to; `true` for a switch, empty where nothing sets it.
    values: Vec<String>,
    /// A file, a variable of the environment, or `default`.
    origin: String,
    /// 1-based line, in a file.
    line: Option<usize>,
}

/// Runs the command.
///
/// # Errors
/// A file is wrong, there is no such verb, stdout is closed.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Verbs::Show { verb, output } = arguments.verb;
    let command = crate::cli::command();
    let known: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    if let Some(verb) = &verb
        && !known.contains(&verb.as_str())
    {
        anyhow::bail!("there is no verb '{verb}'; there are {}", known.join(", "));
    }
    let files = files_for(Path::new("."))?;
    let mut shown = Vec::new();
    for name in known.iter().filter(|name| verb.as_deref().is_none_or(|verb| verb == **name)) {
        for path in leaves(&command, name) {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let asked = Verb { path: &words, table: name, refused: &[] };
            let options = leaf(&command, &words)?;
            let laid = settle(&options, &asked, &files, BTreeSet::new(), None, Path::new("."))?;
            let title = path.join(" ");
            shown.extend(laid.iter().map(|laid| of_laid(&title, laid)));
            if verb.is_some() {
                shown.extend(defaults(&title, &options, &laid));
            }
        }
    }
    let mut out = Page::open(Reader::default(), output.format == Format::Text);
    if output.format != Format::Text {
        write_records(&mut out, output.format, &shown)?;
        out.close()?;
        return Ok(ExitCode::SUCCESS);
    }
    let palette = output.palette();
    let mut title = "";
    for setting in &shown {
        if setting.verb != title {
            title = &setting.verb;
            writeln!(out, "{}[{title}]{:#}", palette.blame, palette.blame)?;
        }
        let place = setting.line.map_or_else(|| setting.origin.clone(), |line| format!("{}:{line}", setting.origin));
        let quiet = palette.quiet;
        writeln!(out, "  {} = {}  {quiet}{}{quiet:#}", setting.option, safe(&setting.values.join(", ")), safe(&place))?;
    }
    if shown.is_empty() {
        writeln!(out, "nothing is set")?;
    }
    let read: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    if read.is_empty() {
        let usual = user_file().map_or_else(String::new, |path| format!(" and no {}", path.display()));
        writeln!(out, "read: no {NAME} here or above{}", safe(&usual))?;
    } else {
        writeln!(out, "read: {}", safe(&read.join(", ")))?;
    }
    let variables: Vec<String> = environment().into_iter().map(|(name, _)| name).collect();
    if !variables.is_empty() {
        writeln!(out, "environment: {}", safe(&variables.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The verb, or each verb below it.
fn leaves(command: &clap::Command, name: &str) -> Vec<Vec<String>> {
    let own = |below: &clap::Command| vec![name.to_owned(), below.get_name().to_owned()];
    match command.find_subcommand(name) {
        Some(verb) if verb.has_subcommands() => verb.get_subcommands().map(own).collect(),
        _ => vec![vec![name.to_owned()]],
    }
}

fn of_laid(verb: &str, laid: &Laid) -> Shown {
    let option =
        laid.words.first().map_or("", |word| word.trim_start_matches("--").split('=').next().unwrap_or_default());
    let value = |word: &String| word.split_once('=').map_or_else(|| "true".to_owned(), |(_, value)| value.to_owned());
    Shown {
        schema: SETTING_SCHEMA,
        verb: verb.to_owned(),
        option: option.to_owned(),
        values: laid.words.iter().map(value).collect(),
        origin: laid.file.display().to_string(),
        line: (laid.line > 0).then_some(laid.line),
    }
}

fn defaults<'a>(verb: &'a str, options: &'a clap::Command, laid: &'a [Laid]) -> impl Iterator<Item = Shown> + 'a {
    let is_laid = |long: &str| {
        laid.iter()
            .any(|laid| laid.words.iter().any(|word| word.trim_start_matches("--").split('=').next() == Some(long)))
    };
    options.get_arguments().filter(|option| !option.is_hide_set()).filter_map(move |option| {
        let long = option.get_long().filter(|long| *long != "help" && *long != "json" && !is_laid(long))?;
        let values = option.get_default_values().iter().map(|value| value.to_string_lossy().into_owned());
        Some(Shown {
            schema: SETTING_SCHEMA,
            verb: verb.to_owned(),
            option: long.to_owned(),
            values: values.collect(),
            origin: "default".to_owned(),
            line: None,
        })
    })
}
