//! What one kernel is to run.

use crate::vm::Settings;
use std::collections::BTreeMap;

/// One kernel's runs.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// All settings.
    pub settings: Settings,
    /// What is not as it should be.
    pub warnings: Vec<String>,
    /// `head` and `uncommitted` of a kernel that was built here.
    pub local_kernel: BTreeMap<String, String>,
    /// The tag of the run that is repeated.
    pub tag: Option<String>,
    /// The syz program, where it is another one than its file holds: each run writes it into its folder.
    pub program: Option<Vec<u8>>,
}

impl Job {
    /// Of settings about which there is nothing to say.
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, warnings: Vec::new(), local_kernel: BTreeMap::new(), tag: None, program: None }
    }
}
