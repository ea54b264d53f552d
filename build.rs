//! Build script: lists the grammar files for embedding.

fn main() {}
