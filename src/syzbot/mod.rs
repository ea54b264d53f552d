//! syzbot's dashboard, bundles and programs.

pub mod bundle;
pub mod http;
pub mod url;

pub use bundle::Bundle;
