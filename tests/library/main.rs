//! The library: one module per part of it, with what the part promises.

mod allocs;
mod bisect;
mod dressing;
mod engine;
mod fuzz;
mod grammar;
mod growth;
mod harmless;
#[cfg(feature = "arrow")]
mod hostile_tables;
mod input;
mod lab;
mod line;
mod locks;
mod mail;
mod source;
mod thread;
mod traps;
