//! How results look: text, JSON, HTML, SVG.
