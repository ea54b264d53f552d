//! SARIF 2.1.0, a claim at a time: a log may hold a million crashes, and a tree of JSON values takes a hundred times their text.

use super::safe;
use crate::intake::{Container, Containers};
use crate::markup::percent_encoded;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One result: what is wrong, and where.
pub(super) struct Claim<'a> {
    rule: &'static str,
    level: &'static str,
    text: Cow<'a, str>,
    place: Option<Spot<'a>>,
    /// Why it is excused.
    known: Option<&'a str>,
}

/// A line of a log.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    log: &'a str,
    /// 1-based; 0 is the log as a whole.
    line: u64,
    /// The file that the log is a part of, and what it is called there.
    inside: Option<(&'a Container, &'a str)>,
}

impl<'a> Spot<'a> {
    pub(super) fn of(log: &'a str, line: u64, containers: &'a Containers) -> Self {
        Self { log, line, inside: containers.get(log) }
    }

    /// The file to show, and its line; 0 if that is not the log's.
    pub(super) fn shown(self) -> (&'a str, u64) {
        match self.inside {
            Some((container, _)) => (&container.file, if container.archive { 0 } else { self.line }),
            None => (self.log, self.line),
        }
    }

    /// What the log is called in the file, and its line where that is not the file's.
    pub(super) fn beside(self) -> Option<(&'a str, Option<u64>)> {
        self.inside.map(|(container, name)| (name, (container.archive && self.line > 0).then_some(self.line)))
    }

    fn location(self) -> Location<'a> {
        let (file, line) = self.shown();
        // Everything that is not a plain character of a path is percent-encoded: it is a reference of a URI.
        let artifact_location = Artifact { uri: percent_encoded(file.as_bytes(), b"/-._~") };
        let region = (line > 0).then_some(Region { start_line: line });
        let logical = self.inside.map(|(container, name)| {
            let kind = if container.archive { "archive member" } else { "machine" };
            [Logical { fully_qualified_name: safe(self.log), kind, name: safe(name) }]
        });
        let own = self.beside().and_then(|(_, line)| line).map(|line| Own { line });
        Location {
            logical_locations: logical,
            physical_location: Physical { artifact_location, region },
            properties: own,
        }
    }
}

impl<'a> Claim<'a> {
    pub(super) fn new(
        rule: &'static str,
        level: &'static str,
        text: Cow<'a, str>,
        place: Option<Spot<'a>>,
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
        let suppression = |known| [Suppression { justification: safe(known), kind: "external" }];
        Written {
            level: self.level,
            locations: self.place.map(|place| [place.location()]),
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
    locations: Option<[Location<'a>; 1]>,
    message: Message<'a>,
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppressions: Option<[Suppression<'a>; 1]>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    logical_locations: Option<[Logical<'a>; 1]>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Own>,
}

/// The machine or the member of an archive that the log is of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical<'a> {
    fully_qualified_name: Cow<'a, str>,
    kind: &'static str,
    name: Cow<'a, str>,
}

/// The line of a member of an archive: the archive has no lines.
#[derive(Serialize)]
struct Own {
    line: u64,
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
