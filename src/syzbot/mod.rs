//! syzbot's dashboard, bundles and programs.

pub mod adopt;
pub mod architecture;
pub mod bundle;
pub mod content;
pub mod dashboard;
pub mod download;
pub mod fetch;
pub mod http;
pub mod kernel_build;
pub mod kernel_config;
pub mod manifest;
pub mod page;
pub mod plan;
pub mod repro;
pub mod unpack;
pub mod url;

pub use bundle::Bundle;
