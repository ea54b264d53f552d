//! Pages of the book that the program writes about itself: commands, kinds, JSON fields, the model behind `bisect`'s confidence.

use crate::bisect::{BOUNDS, INTERCEPT, Model, model};
use crate::grammar::Grammar;
use crate::markup::{cell, code};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

/// Writes all pages into a folder, which is made.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|cause| anyhow::anyhow!("{}: cannot make this folder: {cause}", folder.display()))?;
    for (name, text) in [
        ("commands.md", commands()?),
        ("kinds.md", kinds(&Grammar::built_in())?),
        ("json.md", json()?),
        ("bisect-model.md", bisect_model(model())?),
    ] {
        let path = folder.join(name);
        std::fs::write(&path, text)
            .map_err(|cause| anyhow::anyhow!("{}: cannot write this page: {cause}", path.display()))?;
    }
    Ok(())
}

/// The help of every command, in the order of `--help`.
fn commands() -> Result<String, std::fmt::Error> {
    let mut page = "# Commands\n\nWhat `--help` says, command by command.\n".to_owned();
    let mut command = super::command().term_width(96);
    command.build();
    page_of(&mut page, &mut command, "kanalyze", 2)?;
    Ok(page)
}

fn page_of(page: &mut String, command: &mut clap::Command, name: &str, level: usize) -> std::fmt::Result {
    let help = command.clone().bin_name(name).render_long_help();
    writeln!(page, "\n{} {name}\n\n```text\n{}\n```", "#".repeat(level), help.to_string().trim_end())?;
    let below: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in below.iter().filter(|verb| *verb != "help") {
        if let Some(command) = command.find_subcommand_mut(verb) {
            page_of(page, command, &format!("{name} {verb}"), (level + 1).min(4))?;
        }
    }
    Ok(())
}

/// Every kind of report and event, with its title and what to do about it.
fn kinds(grammar: &Grammar) -> Result<String, std::fmt::Error> {
    let mut page = "# Kinds of reports and events\n\n\
        `kanalyze grammar explain ID` says more of each: its patterns, the functions that its title passes over, a sample. In \
        titles `{F1}` is the function that the title names; other words in braces are read from the line.\n\n\
        ## Reports\n\n| id | severity | title | what it is, what to do |\n|---|---|---|---|\n"
        .to_owned();
    for (header, kind) in grammar.all_kinds() {
        let own = if header.syzbot { "" } else { " (a title of kanalyze's own; syzbot does not know this kind)" };
        writeln!(
            page,
            "| {} | {} | {} | {}{own} |",
            code(&kind.id),
            kind.severity.word(),
            code(&kind.title),
            prose(&sentences(&kind.about, &kind.advice))
        )?;
    }
    page.push_str(
        "\n## Events\n\nNotable lines that syzbot does not call a crash; `--all` shows them. They never change an exit status.\n\n\
         | id | severity | title | what it is, what to do |\n|---|---|---|---|\n",
    );
    for event in &grammar.events {
        writeln!(
            page,
            "| {} | {} | {} | {} |",
            code(&event.id),
            event.severity.word(),
            code(&event.title),
            prose(&sentences(&event.about, &event.advice))
        )?;
    }
    Ok(page)
}

/// `a task sleeps for too long. Look for its holder.`
fn sentences(about: &str, advice: &str) -> String {
    [about.trim_end_matches('.'), advice.trim_end_matches('.')]
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| format!("{text}."))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Every field of every record, from the schemas.
fn json() -> Result<String, std::fmt::Error> {
    let mut page = "# JSON fields\n\n\
        Every record carries its name and version as `schema`. Within a version fields are only added and none changes its \
        meaning. `kanalyze generate schema NAME` prints the JSON Schema from which this page is made.\n"
        .to_owned();
    for (name, schema) in super::schemas::schemas() {
        writeln!(page, "\n## {name}\n\n{}", description(&schema))?;
        fields(&mut page, &schema)?;
        for (part, schema) in schema["$defs"].as_object().into_iter().flatten() {
            let words: Vec<&str> = words_of(schema);
            if schema.get("properties").is_none() && words.is_empty() {
                continue;
            }
            writeln!(page, "\n### {part} of {name}\n\n{}", description(schema))?;
            if !words.is_empty() {
                let words: Vec<String> = words.iter().map(|word| code(word)).collect();
                writeln!(page, "\nOne of {}.", words.join(", "))?;
            }
            fields(&mut page, schema)?;
        }
    }
    Ok(page)
}

/// A table of a schema's properties, if it has any.
fn fields(page: &mut String, schema: &Value) -> std::fmt::Result {
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty()) else {
        return Ok(());
    };
    page.push_str("\n| field | type | what |\n|---|---|---|\n");
    for (name, property) in properties {
        writeln!(
            page,
            "| {} | {} | {} |",
            code(name),
            cell(&shape(property)),
            description(property).replace('\n', " ")
        )?;
    }
    Ok(())
}

/// The description of a schema, as Markdown.
fn description(schema: &Value) -> String {
    prose(schema["description"].as_str().unwrap_or_default())
}

/// Sentences as Markdown: their code spans stay, everything else is text.
fn prose(text: &str) -> String {
    let mut parts = text.split('`');
    let mut out = cell(parts.next().unwrap_or_default());
    while let Some(span) = parts.next() {
        out.push_str(&code(span));
        out.push_str(&cell(parts.next().unwrap_or_default()));
    }
    out
}

/// `string or null`, `list of Task`.
fn shape(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            let mut shapes: Vec<String> = choices.iter().map(shape).collect();
            shapes.dedup();
            return shapes.join(" or ");
        }
    }
    if let Some(constant) = schema.get("const") {
        return constant.to_string();
    }
    let one = |kind: &str| match kind {
        "array" if schema.get("items").is_some() => format!("list of {}", shape(&schema["items"])),
        kind => kind.to_owned(),
    };
    match &schema["type"] {
        Value::String(kind) => one(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(one).collect::<Vec<_>>().join(" or "),
        _ => "any".to_owned(),
    }
}

/// The values of a closed set of words.
fn words_of(schema: &Value) -> Vec<&str> {
    let listed = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let described = schema["oneOf"].as_array().into_iter().flatten();
    let described = described.flat_map(|choice| {
        let listed = choice["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        choice["const"].as_str().into_iter().chain(listed)
    });
    listed.chain(described).collect()
}

/// Weights, data and calibration of the model behind `bisect`'s confidence.
fn bisect_model(model: &Model) -> Result<String, std::fmt::Error> {
    let from = &model.provenance;
    let mut page = format!(
        "# The model behind a bisection's confidence\n\n\
         Fitted {} on {} transcripts with a known truth, of which {} named the right commit: {}.\n\n\
         In five-fold cross-validation, split by bug: area under the ROC curve {:.3} (lowest split {:.3}), calibration {:.3} (1 less \
         the mean distance between what was said and what came true).\n\n",
        from.date,
        from.logs,
        from.right,
        cell(&from.data),
        from.auc_cross_validated,
        from.auc_lowest_split,
        from.calibration_cross_validated,
    );
    if !model.calibration.is_empty() {
        page.push_str(
            "## Calibration\n\nWhat the model said of transcripts that it was not fitted on, and how many of them were right.\n\n\
             | it said | on average | transcripts | were right |\n|---|---|---|---|\n",
        );
        for bin in &model.calibration {
            writeln!(
                page,
                "| {:.0}–{:.0} % | {:.0} % | {} | {} ({:.0} %) |",
                bin.from * 100.0,
                bin.to * 100.0,
                bin.said * 100.0,
                bin.of,
                bin.right,
                100.0 * f64::from(bin.right) / f64::from(bin.of.max(1))
            )?;
        }
    }
    writeln!(
        page,
        "\n## Weights\n\nThe log odds begin at {:+.3} ({}). Each sign adds its weight for each unit by which its value is above the \
         average. The confidence is 1 / (1 + e^−odds), and never below {:.0} % or above {:.0} %, because the known truth is itself \
         wrong now and then.\n\n| sign | average | weight |\n|---|---|---|",
        model.intercept,
        code(INTERCEPT),
        BOUNDS.0 * 100.0,
        BOUNDS.1 * 100.0
    )?;
    for term in &model.sign {
        writeln!(page, "| {} | {:.3} | {:+.3} |", code(&term.id), term.mean, term.weight)?;
    }
    Ok(page)
}
