//! How results look: text, JSON, HTML, SVG.

pub mod plain;
