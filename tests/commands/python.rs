//! A Python with what a test compares against: `tests/all.sh` installs one and names it in KANALYZE_PYTHON.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A Python that has these modules (separated by commas). Where KANALYZE_PYTHON names one that lacks them, and in CI, the test
/// fails; elsewhere the answer is none.
pub(crate) fn python(modules: &str) -> Option<PathBuf> {
    let named = std::env::var_os("KANALYZE_PYTHON").map(PathBuf::from);
    let python = named.clone().unwrap_or_else(|| PathBuf::from("python3"));
    let able = Command::new(&python).args(["-c", &format!("import {modules}")]).stderr(Stdio::null()).status();
    if able.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    assert!(named.is_none(), "KANALYZE_PYTHON={}: it cannot import {modules}", python.display());
    assert!(std::env::var_os("CI").is_none(), "no Python with {modules}: see tests/all.sh");
    eprintln!("skipped: no Python with {modules} is here; tests/all.sh installs one");
    None
}
