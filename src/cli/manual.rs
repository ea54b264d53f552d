//! Man pages: one per verb and per verb below it, with EXAMPLES and EXIT STATUS whose lines stay as they are, and one for what
//! all verbs have in common.

use super::topics::{Topic, sections};
use clap::Command;
use clap_mangen::Man;
use std::path::Path;

/// Writes all pages into a folder.
///
/// # Errors
/// A page cannot be written; its path.
pub(super) fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| anyhow::anyhow!("{}: cannot make this folder: {cause}", folder.display()))?;
    let mut command = super::command();
    command.build();
    pages(folder, &command, "kanalyze")?;
    place(folder, "kanalyze.7", &common(&command))
}

fn pages(folder: &Path, command: &Command, name: &str) -> anyhow::Result<()> {
    place(folder, &format!("{name}.1"), &page(command, name)?)?;
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        pages(folder, verb, &format!("{name}-{}", verb.get_name()))?;
    }
    Ok(())
}

/// The page of a verb.
///
/// # Errors
/// None that a buffer in memory gives.
pub(super) fn page(command: &Command, name: &str) -> std::io::Result<Vec<u8>> {
    let parts = sections(command);
    let plain = command.clone().after_help("").after_long_help("");
    let man = Man::new(plain).title(name.to_uppercase()).manual("kanalyze");
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    man.render_synopsis_section(&mut out)?;
    man.render_description_section(&mut out)?;
    man.render_options_section(&mut out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut out)?;
    }
    if !parts.rest.is_empty() {
        out.extend_from_slice(b".SH NOTES\n");
        out.extend_from_slice(verbatim(&parts.rest).as_bytes());
    }
    if !parts.examples.is_empty() {
        out.extend_from_slice(b".SH EXAMPLES\n");
        out.extend_from_slice(verbatim(&parts.examples).as_bytes());
    }
    let exit = parts.exit.unwrap_or_else(|| "0, or 2 if something went wrong.".to_owned());
    out.extend_from_slice(format!(".SH EXIT STATUS\n{}\n", escaped(&exit)).as_bytes());
    out.extend_from_slice(b".SH SEE ALSO\n.BR kanalyze (1),\n.BR kanalyze (7)\n");
    Ok(out)
}

/// What all verbs have in common.
fn common(command: &Command) -> Vec<u8> {
    let version = command.get_version().unwrap_or_default();
    let mut out = format!(
        ".TH KANALYZE 7 \"\" \"kanalyze {}\" kanalyze\n.SH NAME\nkanalyze \\- exit statuses, environment and files of all verbs\n",
        escaped(version)
    );
    for topic in Topic::ALL {
        out.push_str(&format!(".SH {}\n", topic.heading()));
        for (name, meaning) in topic.entries(command) {
            out.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", escaped(&name), escaped(&meaning)));
        }
    }
    out.push_str(".SH SEE ALSO\n.BR kanalyze (1)\n");
    out.into_bytes()
}

/// Lines that stay as they are.
fn verbatim(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    format!(".nf\n{}\n.fi\n", lines.join("\n").trim_end())
}

/// Text that roff reads as text: no escapes, no requests.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if line.starts_with('.') { format!("\\&{line}") } else { line }
}

fn place(folder: &Path, name: &str, page: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    crate::files::replace(&path, page)
        .map_err(|cause| anyhow::anyhow!("{}: cannot write this page: {cause}", path.display()))
}
