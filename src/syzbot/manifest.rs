//! `bundle.json`: what a bundle holds, where it came from, how large it is and what its hash is.

use crate::architecture::Architecture;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The manifest's name inside the folder.
pub const MANIFEST: &str = "bundle.json";
/// The file that a fetch locks in its folder.
pub(super) const LOCK: &str = ".fetch.lock";

/// What `schema` says in a manifest that this program writes.
pub const SCHEMA: &str = "kanalyze.bundle/1";

/// A manifest larger than this is not read: ours are a few kilobytes.
const MANIFEST_LIMIT: u64 = 4 << 20;

/// What a file of a bundle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Something that QEMU's `-kernel` takes: bzImage, Image.
    Kernel,
    /// A raw disk image (qcow2 if its `format` says so).
    Disk,
    /// An initramfs.
    Initrd,
    /// The kernel's ELF file, with debug info unless it was stripped.
    Vmlinux,
    /// `System.map`.
    SystemMap,
    /// `.config`.
    Config,
    /// The syz program.
    ReproSyz,
    /// The C program.
    ReproC,
    /// The log of the reproduction's own making (`repro.log`).
    ReproLog,
    /// The console log of the crash.
    ConsoleLog,
    /// The crash report.
    Report,
    /// `/proc/cpuinfo` and the like of the machine that crashed.
    MachineInfo,
    /// A filesystem image that the program mounts.
    MountedImage,
    /// The log of `fsck` on such an image.
    FsckLog,
    /// A bisection's log.
    BisectLog,
    /// The bug's JSON as the dashboard sent it.
    BugJson,
    /// The bug's page as the dashboard sent it.
    BugPage,
    /// `syz-execprog`.
    SyzExecprog,
    /// `syz-executor`.
    SyzExecutor,
    /// Anything else.
    Other,
}

/// One file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FileRecord {
    /// What it is for.
    pub role: Role,
    /// Its path, relative to the bundle's folder, with `/` between the parts and no `..` among them.
    pub path: String,
    /// What it was called where it came from, if that was another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_name: Option<String>,
    /// Where it was fetched; `None` for a file that somebody put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Bytes as they lie in the folder, unpacked; holes count.
    pub size: u64,
    /// SHA-256 of these bytes, 64 lower-case hex digits.
    pub sha256: String,
    /// How many bytes came over the wire, where that differs (`.xz`, `.gz`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed_size: Option<u64>,
    /// What its first bytes say that it is: `bzimage`, `elf`, `raw-disk`, `qcow2`, `ext4`, `text` …
    pub format: String,
    /// The dashboard struck this reproducer through: it no longer works on HEAD.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// Something that the bug has or had, and the bundle has not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Missing {
    /// What it would have been for.
    pub role: Role,
    /// Where it was sought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Why it is not there, in words for people.
    pub reason: String,
}

/// A kernel that `kanalyze kernel build` built into the bundle. Its files lie in `local/`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LocalKernel {
    /// The image for QEMU's `-kernel`, relative like every path of the manifest.
    pub image: Option<FileRecord>,
    /// The ELF file.
    pub vmlinux: Option<FileRecord>,
    /// `System.map`.
    pub system_map: Option<FileRecord>,
    /// The configuration as `make olddefconfig` left it.
    pub config: Option<FileRecord>,
    /// The source tree.
    pub source: String,
    /// The tree's HEAD, 40 hex digits, if it is a git tree.
    pub head: Option<String>,
    /// What was built beside HEAD, kept as `local/uncommitted.diff`: the tree's uncommitted changes, or the patches.
    pub uncommitted: Option<FileRecord>,
    /// The patches on top of HEAD, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<PatchFile>,
    /// The build id that the linker gave it, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_id: Option<String>,
    /// `make kernelrelease`.
    pub release: Option<String>,
    /// What a fragment or the configuration asked for and the kernel's Kconfig did not grant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_options: Vec<RefusedOption>,
}

/// A patch that a local kernel was built with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct PatchFile {
    /// As it was given.
    pub path: String,
    /// SHA-256 of its text, hex.
    pub sha256: String,
}

/// One option that did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RefusedOption {
    /// `CONFIG_…`.
    pub name: String,
    /// What was asked for: `y`, `m`, `n`, `"text"`, `17`.
    pub wanted: String,
    /// What came out; `None` if the option is unknown or its dependencies are not met.
    pub got: Option<String>,
    /// The file that asked for it.
    #[serde(default)]
    pub asked_by: String,
}

/// `bundle.json`: where everything came from, how large it is, what its hash is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// The bug's title on the dashboard (with ` (2)` and the like).
    pub title: Option<String>,
    /// The bug's key: 40 hex digits.
    pub id: Option<String>,
    /// The key of the reporting stage that was asked for: 20 hex digits.
    pub extid: Option<String>,
    /// The dashboard's words: `upstream: reported C repro on …`.
    pub status: Option<String>,
    /// The bug's page.
    pub url: Option<String>,
    /// The title of the crash that the files belong to.
    pub crash_title: Option<String>,
    /// Which crash of the bug, counted from 0 as the dashboard lists them.
    pub crash_index: Option<usize>,
    /// The processor.
    pub arch: Option<Architecture>,
    /// The processor that the program was built for, where it is another one: 386 on amd64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userspace_arch: Option<Architecture>,
    /// The tree that was tested, for `git clone`.
    pub kernel_repository: Option<String>,
    /// The commit that was tested, 40 hex digits.
    pub kernel_commit: Option<String>,
    /// The revision of syzkaller that made the reproducer, 40 hex digits.
    pub syzkaller_commit: Option<String>,
    /// The compiler as the dashboard names it.
    pub compiler: Option<String>,
    /// The instance that crashed: `ci-upstream-kasan-gce-root` …
    pub manager: Option<String>,
    /// True if the disk holds a kernel and boots by itself; false for a `non_bootable_disk`.
    pub disk_boots: Option<bool>,
    /// When it was fetched or adopted: seconds since 1970.
    pub made_at: u64,
    /// What is there, sorted by path.
    pub files: Vec<FileRecord>,
    /// What is not there, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Missing>,
    /// A kernel built here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalKernel>,
    /// What a newer kanalyze wrote and this one does not know: kept when the manifest is rewritten.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            title: None,
            id: None,
            extid: None,
            status: None,
            url: None,
            crash_title: None,
            crash_index: None,
            arch: None,
            userspace_arch: None,
            kernel_repository: None,
            kernel_commit: None,
            syzkaller_commit: None,
            compiler: None,
            manager: None,
            disk_boots: None,
            made_at: 0,
            files: Vec::new(),
            missing: Vec::new(),
            local: None,
            unknown: BTreeMap::new(),
        }
    }
}

/// Why a bundle could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The folder has no manifest.
    #[error(
        "{0}: no bundle.json here: fetch the bug into it, or write one for files that are there with `kanalyze bundle adopt`"
    )]
    NoManifest(PathBuf),
    /// The manifest cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The manifest is not JSON, or not of our shape.
    #[error("{path}: not a bundle's manifest: {reason}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl Manifest {
    /// Reads the manifest of `directory`.
    ///
    /// # Errors
    /// As [`Bundle::open`].
    pub fn read(directory: &Path) -> Result<Self, BundleError> {
        let path = directory.join(MANIFEST);
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BundleError::NoManifest(directory.to_owned()));
            }
            Err(source) => return Err(BundleError::Io { path, source }),
        };
        let malformed = |reason: String| BundleError::Malformed { path: path.clone(), reason };
        if length > MANIFEST_LIMIT {
            return Err(malformed(format!("{length} bytes long")));
        }
        let bytes = fs::read(&path).map_err(|source| BundleError::Io { path: path.clone(), source })?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if manifest.schema != SCHEMA {
            return Err(malformed(format!("its schema is {:?}, this kanalyze reads {SCHEMA:?}", manifest.schema)));
        }
        let local = manifest.local.iter().flat_map(LocalKernel::files);
        if let Some(stray) = manifest.files.iter().chain(local).find(|file| !stays_inside(&file.path)) {
            return Err(malformed(format!("the path {:?} leads out of the folder", stray.path)));
        }
        let local = manifest.local.iter().flat_map(LocalKernel::files);
        if let Some(stray) = manifest.files.iter().chain(local).find(|file| leads_out(directory, &file.path)) {
            return Err(malformed(format!("{:?} is a link out of the folder: put the file itself there", stray.path)));
        }
        Ok(manifest)
    }

    /// Writes the manifest into `directory`, whole or not at all.
    ///
    /// # Errors
    /// What the system said.
    pub fn write(&self, directory: &Path) -> Result<(), BundleError> {
        let path = directory.join(MANIFEST);
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|error| BundleError::Malformed { path: path.clone(), reason: error.to_string() })?;
        bytes.push(b'\n');
        crate::files::replace(&path, &bytes).map_err(|source| BundleError::Io { path, source })
    }

    /// The record of the first file with `role`.
    #[must_use]
    pub fn file(&self, role: Role) -> Option<&FileRecord> {
        self.files.iter().find(|file| file.role == role)
    }
}

impl LocalKernel {
    /// Every file of the kernel.
    pub fn files(&self) -> impl Iterator<Item = &FileRecord> {
        [&self.image, &self.vmlinux, &self.system_map, &self.config, &self.uncommitted].into_iter().flatten()
    }
}

/// Whether a file of the folder is a link out of it: QEMU, and whoever reads the bundle, would be given another file of this machine.
pub(super) fn leads_out(directory: &Path, name: &str) -> bool {
    match (directory.canonicalize(), directory.join(name).canonicalize()) {
        (Ok(folder), Ok(file)) => !file.starts_with(folder),
        _ => false,
    }
}

/// Whether a manifest's path names something inside the folder: relative, and no `..` in it.
fn stays_inside(path: &str) -> bool {
    let mut components = Path::new(path).components().peekable();
    components.peek().is_some() && components.all(|component| matches!(component, Component::Normal(_)))
}
