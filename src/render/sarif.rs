//! SARIF 2.1.0, a claim at a time: a log may hold a million crashes, and a tree of JSON values takes a hundred times their text.

use super::safe;
use crate::markup::percent_encoded;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One result: what is wrong, and where.
pub(super) struct Claim<'a> {
    rule: &'static str,
    level: &'static str,
    text: Cow<'a, str>,
    /// A log and a 1-based line; 0 is the log as a whole.
    place: Option<(&'a str, u64)>,
    /// Why it is excused.
    known: Option<&'a str>,
}

impl<'a> Claim<'a> {
    pub(super) fn new(
        rule: &'static str,
        level: &'static str,
        text: Cow<'a, str>,
        place: Option<(&'a str, u64)>,
        known: Option<&'a str>,
    ) -> Self {
        Self { rule, level, text, place, known }
    }
}

/// A whole document, the keys of each object in the order of the alphabet.
#[derive(Serialize)]
pub(super) struct Sarif<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    runs: [Run<'a>; 1],
    version: &'static str,
}

#[derive(Serialize)]
struct Run<'a> {
    results: Vec<Claim<'a>>,
    tool: Tool,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    rules: Vec<Rule>,
    version: &'static str,
}

#[derive(Serialize)]
struct Rule {
    id: &'static str,
}

impl<'a> Sarif<'a> {
    pub(super) fn of(results: Vec<Claim<'a>>) -> Self {
        let ids: BTreeSet<&'static str> = results.iter().map(|claim| claim.rule).collect();
        let rules = ids.into_iter().map(|id| Rule { id }).collect();
        let driver = Driver { name: "kanalyze", rules, version: env!("CARGO_PKG_VERSION") };
        Self {
            schema: "https://json.schemastore.org/sarif-2.1.0.json",
            runs: [Run { results, tool: Tool { driver } }],
            version: "2.1.0",
        }
    }
}

impl Serialize for Claim<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let location = |(log, line): (&str, u64)| {
            // Everything that is not a plain character of a path is percent-encoded: it is a reference of a URI.
            let artifact_location = Artifact { uri: percent_encoded(log.as_bytes(), b"/-._~") };
            let region = (line > 0).then_some(Region { start_line: line });
            [Location { physical_location: Physical { artifact_location, region } }]
        };
        let suppression = |known| [Suppression { justification: safe(known), kind: "external" }];
        Written {
            level: self.level,
            locations: self.place.map(location),
            message: Message { text: safe(&self.text) },
            rule_id: self.rule,
            suppressions: self.known.map(suppression),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locations: Option<[Location; 1]>,
    message: Message<'a>,
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<[Suppression<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Physical,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u64,
}

#[derive(Serialize)]
struct Message<'a> {
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Suppression<'a> {
    justification: Cow<'a, str>,
    kind: &'static str,
}
