//! One test per log of the corpus, named by its path: its snapshot, the kind that its folder names, and the promises that
//! hold for any log. The same promises for the shared corpora, whose tests are shown as ignored where they are missing.
//!
//! A single log: `cargo test --test corpus -- stalls/hung-task`. A snapshot that is right now: `kanalyze corpus accept corpus`.

mod clusters;
mod corpora;
mod promises;

mod snapshots;

use libtest_mimic::Arguments;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = snapshots::trials().into_iter().chain(corpora::trials()).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The folder of the project.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The logs below a folder, in the order of their paths.
fn logs_below(folder: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "log") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
