//! Run folders: what a run of a virtual machine leaves behind, and who still works on it.
//!
//! A folder `runs/<time>[-tag]/` is made with one `mkdir`, so that two runs never share one. Its [`Manifest`] is replaced
//! as a whole (written beside it, then renamed) and its logs only grow: whoever ends the program at whatever moment
//! leaves a folder that can be read.

pub mod archive;
pub mod clock;
pub mod folder;
pub mod journal;
pub mod manifest;
pub mod process;
pub mod state;
pub mod tally;

pub use folder::RunFolder;
pub use manifest::{Hit, Manifest, Outcome, Phase, Verdict};
