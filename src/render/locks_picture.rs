//! The wait graph for graphviz and for mermaid.

use super::graph::{Node, Shape, graph};
use super::safe;
use crate::locks::{Dump, Grade};
use std::fmt::Write as _;

/// Tasks of a crowd that are named.
const NAMES: usize = 12;

/// The lines of a box: its label, and the names in a crowd.
fn lines(node: &Node) -> impl Iterator<Item = &str> {
    node.label.iter().chain(node.chips.iter().map(|(_, name)| name)).map(String::as_str)
}

/// The graph for graphviz.
#[must_use]
pub fn locks_dot(dump: &Dump) -> String {
    let graph = graph(dump, NAMES);
    let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from("digraph locks {\n  rankdir=BT;\n  node [fontname=\"sans-serif\", fontsize=10];\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let label: Vec<String> = lines(node).map(quote).collect();
        let style = match node.shape {
            Shape::Task => "shape=box",
            Shape::Root => "shape=box, style=filled, fillcolor=\"#f6c26b\"",
            Shape::Deadlocked => "shape=box, style=filled, fillcolor=\"#f08a80\"",
            Shape::Lock => "shape=ellipse, style=filled, fillcolor=\"#dfe8f2\"",
            Shape::Several => "shape=ellipse, style=\"filled,dashed\", fillcolor=\"#dfe8f2\"",
            Shape::Crowd => "shape=box, peripheries=2",
            Shape::Folded => "shape=plaintext",
        };
        let _ = writeln!(out, "  n{index} [label=\"{}\", {style}];", label.join("\\n"));
    }
    for edge in &graph.edges {
        let style = match edge.grade {
            Grade::Stated | Grade::Certain => "solid",
            Grade::Likely => "dashed",
            Grade::Possible | Grade::Unknown => "dotted",
        };
        let _ = writeln!(
            out,
            "  n{} -> n{} [style={style}, tooltip=\"{}\"];",
            edge.from,
            edge.to,
            quote(&safe(&edge.words))
        );
    }
    out.push_str("}\n");
    out
}

/// The graph for mermaid.
#[must_use]
pub fn locks_mermaid(dump: &Dump) -> String {
    let graph = graph(dump, NAMES);
    // Mermaid reads HTML entities in quoted labels.
    let quote = |text: &str| {
        let mut out = String::new();
        for char in text.chars() {
            match char {
                '"' | '<' | '>' | '&' | '#' | ';' | '`' => {
                    let _ = write!(out, "#{};", u32::from(char));
                }
                _ => out.push(char),
            }
        }
        out
    };
    let mut out = String::from("flowchart BT\n");
    for (index, node) in graph.nodes.iter().enumerate() {
        let label: Vec<String> = lines(node).map(quote).collect();
        let label = label.join("<br/>");
        let _ = match node.shape {
            Shape::Lock | Shape::Several => writeln!(out, "  n{index}([\"{label}\"])"),
            Shape::Crowd => writeln!(out, "  n{index}[[\"{label}\"]]"),
            Shape::Deadlocked => writeln!(out, "  n{index}[\"{label}\"]:::deadlocked"),
            Shape::Root => writeln!(out, "  n{index}[\"{label}\"]:::root"),
            Shape::Task | Shape::Folded => writeln!(out, "  n{index}[\"{label}\"]"),
        };
    }
    for edge in &graph.edges {
        let arrow = if edge.grade >= Grade::Certain { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{} {arrow}|{}| n{}", edge.from, edge.grade.word(), edge.to);
    }
    out.push_str("  classDef root fill:#f6c26b\n  classDef deadlocked fill:#f08a80\n");
    out
}
