//! syzbot's dashboard, bundles and programs.

pub mod bundle;

pub use bundle::Bundle;
