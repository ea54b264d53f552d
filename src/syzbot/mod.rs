//! syzbot's dashboard, bundles and programs.

pub mod adopt;
pub mod bug;
pub mod bundle;
pub mod content;
pub mod dashboard;
pub mod download;
pub mod fetch;
#[cfg(feature = "cli")]
pub mod kernel_build;
pub mod kernel_config;
#[cfg(feature = "cli")]
mod kernel_patch;
pub mod link;
pub mod listing;
pub mod manifest;
pub mod page;
pub mod plan;
pub mod rank;
pub mod repro;
pub mod unpack;

pub use bundle::Bundle;
