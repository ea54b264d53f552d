//! The words of severities in JSON schemas.

use super::Severity;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;

/// Each severity and what it means.
const MEANINGS: [(Severity, &str); 6] = [
    (Severity::Panic, "The machine is gone."),
    (Severity::Crash, "The kernel did something wrong that it cannot undo: an oops, memory corruption."),
    (Severity::Hang, "Somebody waits without end."),
    (Severity::Leak, "Memory or a reference is lost."),
    (Severity::Error, "Something failed, and the kernel went on."),
    (Severity::Note, "Worth knowing."),
];

impl JsonSchema for Severity {
    fn schema_name() -> Cow<'static, str> {
        "Severity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words = MEANINGS.map(
            |(severity, meaning)| json_schema!({ "description": meaning, "type": "string", "const": severity.word() }),
        );
        json_schema!({
            "description": "How bad a report or an event is, from worst to harmless.",
            "oneOf": words
        })
    }
}
