//! Pictures of a wait graph.
use crate::locks::Dump;
/// For graphviz.
#[must_use]
pub fn locks_dot(_dump: &Dump) -> String { String::new() }
/// Mermaid.
#[must_use]
pub fn locks_mermaid(_dump: &Dump) -> String { String::new() }
/// SVG.
#[must_use]
pub fn locks_svg(_dump: &Dump) -> String { String::new() }
