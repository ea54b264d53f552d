//! A bundle: one folder with everything that a reproduction needs.

use super::content::Format;
pub use super::manifest::{
    BundleError, FileRecord, LocalKernel, MANIFEST, Manifest, Missing, RefusedOption, Role, SCHEMA,
};
use crate::architecture::Architecture;
use crate::files::DiskFormat;
use std::path::{Path, PathBuf};

/// An opened bundle: the manifest's facts, with paths that can be opened.
///
/// A path is `Some` only if the file is there. Whether its bytes are still those of the manifest is what
/// `crate::syzbot::verify` answers; opening hashes nothing, since a disk has gigabytes.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The folder.
    pub directory: PathBuf,
    /// The kernel image that came with the bug.
    pub kernel: Option<PathBuf>,
    /// The disk image.
    pub disk: Option<PathBuf>,
    /// The disk image's format.
    pub disk_format: DiskFormat,
    /// True if the disk holds a boot loader and a kernel of its own.
    pub disk_boots: bool,
    /// The initramfs.
    pub initrd: Option<PathBuf>,
    /// The kernel's ELF file.
    pub vmlinux: Option<PathBuf>,
    /// `System.map`.
    pub system_map: Option<PathBuf>,
    /// `.config`.
    pub config: Option<PathBuf>,
    /// The syz program.
    pub repro_syz: Option<PathBuf>,
    /// The C program.
    pub repro_c: Option<PathBuf>,
    /// The console log of syzbot's crash.
    pub console_log: Option<PathBuf>,
    /// syzbot's report of the crash.
    pub report: Option<PathBuf>,
    /// Filesystem images that the program mounts.
    pub mounted_images: Vec<PathBuf>,
    /// `syz-execprog`, if somebody put it there.
    pub syz_execprog: Option<PathBuf>,
    /// `syz-executor`, if somebody put it there.
    pub syz_executor: Option<PathBuf>,
    /// The bug's title.
    pub title: Option<String>,
    /// The crash's title, which is the one to look for in a log.
    pub crash_title: Option<String>,
    /// The processor.
    pub arch: Option<Architecture>,
    /// The processor for `syz-execprog -arch=`: `arch`, or 386 on an amd64 kernel.
    pub program_arch: Option<Architecture>,
    /// The commit that syzbot tested.
    pub kernel_commit: Option<String>,
    /// The syzkaller revision whose execprog understands the program.
    pub syzkaller_commit: Option<String>,
    /// A kernel built by `kanalyze kernel build`: `--kernel local`.
    pub local: Option<LocalPaths>,
    /// Everything that the manifest says.
    pub manifest: Manifest,
}

/// Where a locally built kernel lies.
#[derive(Debug, Clone)]
pub struct LocalPaths {
    /// For QEMU's `-kernel`.
    pub image: PathBuf,
    /// The ELF file.
    pub vmlinux: Option<PathBuf>,
    /// `System.map`.
    pub system_map: Option<PathBuf>,
    /// The configuration.
    pub config: Option<PathBuf>,
    /// The source tree's HEAD.
    pub head: Option<String>,
    /// The tree's uncommitted changes.
    pub uncommitted: Option<PathBuf>,
}

impl Bundle {
    /// Opens the bundle in `directory`.
    ///
    /// # Errors
    /// No manifest, one that cannot be read, one of another schema, or one whose paths lead out of the folder.
    pub fn open(directory: &Path) -> Result<Self, BundleError> {
        let manifest = Manifest::read(directory)?;
        Ok(Self::with_manifest(directory, manifest))
    }

    fn with_manifest(directory: &Path, manifest: Manifest) -> Self {
        let all = |role| {
            manifest
                .files
                .iter()
                .filter(move |file: &&FileRecord| file.role == role)
                .map(|file| directory.join(&file.path))
                .filter(|path| path.exists())
        };
        let one = |role| all(role).next();
        let disk_record = manifest.files.iter().find(|file| file.role == Role::Disk);
        let local = manifest.local.as_ref().and_then(|local| LocalPaths::of(directory, local));
        Self {
            kernel: one(Role::Kernel),
            disk: one(Role::Disk),
            disk_format: if disk_record.is_some_and(|file| file.format == Format::Qcow2.name()) {
                DiskFormat::Qcow2
            } else {
                DiskFormat::Raw
            },
            disk_boots: manifest.disk_boots.unwrap_or(false),
            initrd: one(Role::Initrd),
            vmlinux: one(Role::Vmlinux),
            system_map: one(Role::SystemMap),
            config: one(Role::Config),
            repro_syz: one(Role::ReproSyz),
            repro_c: one(Role::ReproC),
            console_log: one(Role::ConsoleLog),
            report: one(Role::Report),
            mounted_images: all(Role::MountedImage).collect(),
            syz_execprog: one(Role::SyzExecprog),
            syz_executor: one(Role::SyzExecutor),
            title: manifest.title.clone(),
            crash_title: manifest.crash_title.clone(),
            arch: manifest.arch,
            program_arch: manifest.userspace_arch.or(manifest.arch),
            kernel_commit: manifest.kernel_commit.clone(),
            syzkaller_commit: manifest.syzkaller_commit.clone(),
            local,
            directory: directory.to_owned(),
            manifest,
        }
    }
}

impl LocalPaths {
    fn of(directory: &Path, local: &LocalKernel) -> Option<Self> {
        let there = |file: &Option<FileRecord>| {
            file.as_ref().map(|file| directory.join(&file.path)).filter(|path| path.exists())
        };
        Some(Self {
            image: there(&local.image)?,
            vmlinux: there(&local.vmlinux),
            system_map: there(&local.system_map),
            config: there(&local.config),
            head: local.head.clone(),
            uncommitted: there(&local.uncommitted),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn record(role: Role, path: &str) -> FileRecord {
        FileRecord {
            role,
            path: path.to_owned(),
            original_name: None,
            url: None,
            size: 1,
            sha256: "0".repeat(64),
            packed_size: None,
            format: "text".to_owned(),
            revoked: false,
        }
    }

    #[test]
    fn a_bundle_opens_with_the_paths_that_exist() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("repro.syz"), "x").expect("a file");
        let manifest = Manifest {
            title: Some("possible deadlock in f".to_owned()),
            arch: Some(Architecture::Amd64),
            files: vec![record(Role::ReproSyz, "repro.syz"), record(Role::Kernel, "bzImage")],
            ..Manifest::default()
        };
        manifest.write(folder.path()).expect("a manifest");
        let bundle = Bundle::open(folder.path()).expect("a bundle");
        assert_eq!(bundle.repro_syz, Some(folder.path().join("repro.syz")));
        assert_eq!(bundle.kernel, None, "listed but gone");
        assert_eq!(bundle.manifest, manifest);
        assert!(!folder.path().join("bundle.json.part").exists());
    }

    #[test]
    fn a_manifest_whose_path_leads_out_is_refused() {
        for path in ["../evil", "/etc/passwd", "a/../../b", ""] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let manifest = Manifest { files: vec![record(Role::Kernel, path)], ..Manifest::default() };
            manifest.write(folder.path()).expect("a manifest");
            let error = Bundle::open(folder.path()).expect_err(path);
            assert!(matches!(error, BundleError::Malformed { .. }), "{path}: {error}");
        }
    }

    #[test]
    fn a_link_out_of_the_folder_is_refused_and_one_within_it_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("disk-of-yesterday.raw"), "x").expect("a file");
        let manifest = Manifest { files: vec![record(Role::Disk, "disk.raw")], ..Manifest::default() };
        manifest.write(folder.path()).expect("a manifest");
        let link = folder.path().join("disk.raw");
        std::os::unix::fs::symlink("disk-of-yesterday.raw", &link).expect("a link");
        assert_eq!(Bundle::open(folder.path()).expect("a bundle").disk, Some(link.clone()));
        fs::remove_file(&link).expect("a link");
        std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link");
        let error = Bundle::open(folder.path()).expect_err("a link out").to_string();
        assert!(error.contains("\"disk.raw\" is a link out of the folder"), "{error}");
    }

    #[test]
    fn a_folder_without_manifest_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let error = Bundle::open(folder.path()).expect_err("no manifest").to_string();
        assert!(error.contains("kanalyze bundle adopt"), "{error}");
    }

    #[test]
    fn fields_of_a_newer_manifest_survive() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Manifest::default().write(folder.path()).expect("a manifest");
        let path = folder.path().join(MANIFEST);
        let mut value: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).expect("bytes")).expect("a manifest is JSON");
        value["tomorrow"] = 17.into();
        fs::write(&path, value.to_string()).expect("a file");
        let manifest = Manifest::read(folder.path()).expect("a manifest");
        manifest.write(folder.path()).expect("a manifest");
        assert!(fs::read_to_string(&path).expect("text").contains("\"tomorrow\": 17"));
    }
}
