//! The tools: name, words for the model, schemas of what goes in and comes out, and what answers.

use super::answer::{ANSWER_SCHEMA, Answer};
use super::roots::Roots;
use super::{asked, logs, runs, symbols};
use rmcp::model::{Tool as Described, ToolAnnotations};
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// A tool.
pub(super) struct Tool {
    /// Its name.
    pub name: &'static str,
    title: &'static str,
    /// What it is for; a model reads this.
    about: &'static str,
    input: fn() -> Map<String, Value>,
    /// Names of the schemas of its records.
    records: &'static [&'static str],
    /// What it says.
    pub answer: fn(&Roots, Value) -> anyhow::Result<Answer>,
}

macro_rules! tool {
    ($name:literal, $title:literal, $asked:ty, $answer:path, $records:expr, $about:literal) => {
        Tool {
            name: $name,
            title: $title,
            about: $about,
            input: input::<$asked>,
            records: $records,
            answer: |roots, arguments| $answer(roots, taken::<$asked>($name, arguments)?),
        }
    };
}

/// All of them.
pub(super) const TOOLS: &[Tool] = &[
    tool!(
        "parse",
        "What went wrong in kernel logs",
        asked::Parse,
        logs::parse,
        &["kanalyze.report/1", "kanalyze.event/1"],
        "Name every crash, warning and hang in kernel console logs, with titles identical to syzbot's: where, when, the kernel's own \
         words, the stack around the function that is named, what followed. Start here."
    ),
    tool!(
        "locks",
        "Who blocks whom in a hang",
        asked::Locks,
        logs::locks,
        &["kanalyze.locks/1"],
        "Show who waits for which lock and who holds it in the hangs, lock dumps and lockdep reports of kernel logs: waits with a \
         grade (stated, certain, likely, possible, unknown), cycles, the root of it."
    ),
    tool!(
        "bisect",
        "What a bisection found",
        asked::Bisect,
        logs::bisect,
        &["kanalyze.bisect/1"],
        "Say what a bisection transcript (syzbot's, `git bisect log`, 0-day's) found, with the probability that the named commit is \
         right and the reasons for and against it."
    ),
    tool!(
        "symbolize",
        "Source lines of stack frames",
        asked::Symbolize,
        symbols::symbolize,
        &["kanalyze.symbolized/1"],
        "Give the source file and line, with inlined functions, of the addresses and stack frames in a kernel log, from the vmlinux \
         that printed it. The log of another kernel is refused."
    ),
    tool!(
        "diff",
        "What changed between two runs",
        asked::Diff,
        logs::diff,
        &["kanalyze.diff/1"],
        "Say what is new, gone, changed or more frequent between two kernel logs or two groups of them: crashes, hangs, locks, \
         messages, boot times, modules, configuration. Noise (times, addresses, pids) is set aside."
    ),
    tool!(
        "explain",
        "What a kind of report means",
        asked::Explain,
        logs::explain,
        &[],
        "Explain a kind of kernel report by its id or by the title of a report: what it means, what to do about it, how it is \
         recognised. Without `kind`, list all kinds."
    ),
    tool!(
        "runs",
        "Runs in virtual machines",
        asked::Runs,
        runs::runs,
        &["kanalyze.run/1"],
        "Tell of runs that `kanalyze run` made: how each ended, its crashes and troubles. With the folder of one run, what is in it; \
         its serial.log is for `parse`."
    ),
    #[cfg(feature = "tables")]
    tool!(
        "query",
        "SQL over logs and tables",
        asked::Query,
        runs::query,
        &[],
        "Run SQL over many logs, run folders or tables of events: the table is called `events`; views are top (titles by number of \
         logs), flaky, locks and timeline. Names that are words of SQL stand in double quotes."
    ),
];

impl Tool {
    /// As the protocol describes it.
    pub(super) fn described(&self) -> Described {
        let annotations = ToolAnnotations::new().read_only(true).idempotent(true).open_world(false);
        Described::new(self.name, self.about, (self.input)())
            .with_title(self.title)
            .with_raw_output_schema(std::sync::Arc::new(output(self.records)))
            .with_annotations(annotations)
    }
}

/// The arguments of a call.
fn taken<T: DeserializeOwned>(tool: &str, arguments: Value) -> anyhow::Result<T> {
    serde_json::from_value(arguments).map_err(|error| anyhow::anyhow!("{tool}: {error}: see the tool's input schema"))
}

fn input<T: JsonSchema>() -> Map<String, Value> {
    // All in one piece: some clients do not follow references.
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    object(SchemaGenerator::new(settings).into_root_schema_for::<T>().to_value())
}

/// The schema of an answer whose records have these schemas.
fn output(records: &[&str]) -> Map<String, Value> {
    let mut whole = object(schemars::schema_for!(Answer).to_value());
    let (mut parts, mut forms) = (Map::new(), Vec::new());
    for (_, schema) in super::super::schemas().into_iter().filter(|(name, _)| records.contains(&name.as_str())) {
        let mut schema = object(schema);
        schema.remove("$schema");
        if let Some(Value::Object(below)) = schema.remove("$defs") {
            parts.extend(below);
        }
        forms.push(Value::Object(schema));
    }
    if let Some(Value::Object(properties)) = whole.get_mut("properties") {
        properties.insert("schema".into(), json!({"const": ANSWER_SCHEMA}));
        if let Some(Value::Object(list)) = properties.get_mut("records") {
            match (&forms[..], records) {
                ([], []) => list.insert("items".into(), json!({"type": "object"})),
                ([one], _) => list.insert("items".into(), one.clone()),
                _ => list.insert("items".into(), json!({"anyOf": forms})),
            };
        }
    }
    if !parts.is_empty() {
        whole.insert("$defs".into(), Value::Object(parts));
    }
    whole
}

fn object(schema: Value) -> Map<String, Value> {
    match schema {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_schemas_that_hold() {
        for tool in TOOLS {
            let described = tool.described();
            let input = Value::Object(described.input_schema.as_ref().clone());
            assert_eq!(input["type"], "object", "{}", tool.name);
            assert!(!input.to_string().contains("$ref"), "{}: {input}", tool.name);
            for (name, field) in input["properties"].as_object().expect("fields") {
                assert!(field["description"].is_string(), "{}: {name} has no words", tool.name);
            }
            let output = Value::Object(described.output_schema.expect("a schema").as_ref().clone());
            jsonschema::validator_for(&output).unwrap_or_else(|error| panic!("{}: {error}", tool.name));
        }
    }
}
