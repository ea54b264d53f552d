//! The program as its users meet it: one module per command or per promise that several commands share.

#![expect(clippy::print_stderr, reason = "a test says what it skips and what it measured")]

mod bundle;
mod cli;
mod compared;
mod compiled;
mod completion;
mod contract;
mod conventions;
mod diff;
mod download;
mod faults;
mod fed;
mod host;
mod image;
mod intake;
mod kernel_build;
mod lines;
mod loopback;
#[cfg(feature = "mcp")]
mod mcp;
mod net;
mod oracle;
mod plain_table;
mod progress;
mod python;
#[cfg(feature = "tables")]
mod query;
mod repro;
mod security;
mod source;
mod stand_in;
#[cfg(feature = "arrow")]
mod stream;
mod symbolize;
#[cfg(feature = "arrow")]
mod table;
mod thread;
mod triage;
mod view;
mod watched;
