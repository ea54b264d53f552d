//! What a manifest keeps of the host and of the files that a run used.

use super::settings::Settings;
use crate::calendar;
use crate::runs::manifest::InputFile;
use std::fs;
use std::path::Path;
use std::thread::{self, JoinHandle};

/// What may matter of this host: `cpus`, `memory_mib`, `kernel`, `load`, `architecture`.
#[must_use]
pub fn host_facts() -> std::collections::BTreeMap<String, String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let memory = read("/proc/meminfo")
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or_else(String::new, |kib| (kib >> 10).to_string());
    let cpus = thread::available_parallelism().map_or(0, usize::from).to_string();
    [
        ("cpus", cpus),
        ("memory_mib", memory),
        ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
        ("load", read("/proc/loadavg").trim().to_owned()),
        ("architecture", std::env::consts::ARCH.to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Files up to this size are hashed; larger ones are recognised by size and time, and by their bundle's own hashes.
const HASH_LIMIT: u64 = 256 << 20;

/// Describes and hashes what a run uses, in a thread beside it.
pub fn hash_inputs(settings: &Settings) -> JoinHandle<Vec<InputFile>> {
    let inputs = settings.inputs();
    thread::spawn(move || inputs.iter().filter_map(|(role, path)| describe_input(role, path)).collect())
}

/// What a file is now; none if it is not there.
#[must_use]
pub fn describe_input(role: &str, path: &Path) -> Option<InputFile> {
    use sha2::{Digest, Sha256};
    let meta = fs::metadata(path).ok()?;
    let sha256 = (meta.len() <= HASH_LIMIT)
        .then(|| fs::read(path).ok())
        .flatten()
        .map(|bytes| Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    Some(InputFile {
        role: role.to_owned(),
        path: fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).display().to_string(),
        size: meta.len(),
        sha256,
        modified: meta.modified().ok().map(calendar::utc),
    })
}

/// Memory that guests could take, MiB; none where the system does not say.
#[must_use]
pub fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib >> 10)
}
