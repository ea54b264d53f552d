//! syzbot's dashboard, bundles and programs.

pub mod architecture;
pub mod bundle;
pub mod content;
pub mod dashboard;
pub mod download;
pub mod http;
pub mod manifest;
pub mod page;
pub mod repro;
pub mod unpack;
pub mod url;

pub use bundle::Bundle;
