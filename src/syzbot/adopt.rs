//! `bundle adopt` and `bundle verify`: files that somebody put into a folder, and whether they are still the same.

use super::content::{self, Format, HEAD};
use super::manifest::{BundleError, FileRecord, LOCK, MANIFEST, Manifest, Role, leads_out};
use super::{plan, repro, unpack};
use crate::architecture::Architecture;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// How much of a text is read to find out what it is.
const LOOK: u64 = 64 << 10;

/// What adopting did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Adoption {
    /// Files that are now in the manifest and were not before, or have changed since.
    pub taken: Vec<String>,
    /// Packed files and what they were unpacked to.
    pub unpacked: Vec<(String, String)>,
    /// Files that were left out, and why.
    pub left: Vec<(String, String)>,
}

/// How a listed file fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// As listed.
    Whole,
    /// Not there.
    Gone,
    /// Another size or hash.
    Changed {
        /// What differs.
        what: String,
    },
    /// Cannot be read.
    Unreadable {
        /// What the system said.
        why: String,
    },
}

/// Writes or extends the manifest of a folder that somebody filled. Packed files (`.xz`, `.gz`) are unpacked beside.
///
/// Whatever a manifest that is there says about the bug stays.
///
/// # Errors
/// The folder cannot be read or the manifest not be written.
pub fn adopt(directory: &Path, now: u64) -> Result<(Manifest, Adoption), BundleError> {
    let mut manifest = match Manifest::read(directory) {
        Ok(manifest) => manifest,
        Err(BundleError::NoManifest(_)) => Manifest::default(),
        Err(error) => return Err(error),
    };
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Io { path, source }
    };
    let mut adoption = Adoption::default();
    for name in file_names(directory).map_err(at(directory))? {
        let mut name = name;
        let mut head = head_of(&directory.join(&name), HEAD as u64).map_err(at(&directory.join(&name)))?;
        let packed = matches!(content::identify(&head), Format::Xz | Format::Gzip);
        if packed && guess(&name, &head) != Some(Role::Initrd) {
            match unpack_beside(directory, &name) {
                Ok(plain) => {
                    adoption.unpacked.push((name, plain.clone()));
                    name = plain;
                    head = head_of(&directory.join(&name), HEAD as u64).map_err(at(&directory.join(&name)))?;
                }
                Err(reason) => {
                    adoption.left.push((name, reason.to_string()));
                    continue;
                }
            }
        }
        let listed = manifest.files.iter().find(|file| file.path == name);
        let Some(role) = listed.map(|file| file.role).or_else(|| guess(&name, &head)) else {
            adoption.left.push((name, "nothing that a bundle knows".to_owned()));
            continue;
        };
        if let Err(reason) = content::check(role, content::identify(&head)) {
            adoption.left.push((name, reason.to_string()));
            continue;
        }
        let fresh = record(directory, &name, role).map_err(at(&directory.join(&name)))?;
        if listed.is_some_and(|file| file.sha256 == fresh.sha256) {
            continue;
        }
        manifest.files.retain(|file| file.path != name);
        manifest.missing.retain(|missing| missing.role != role);
        manifest.files.push(fresh);
        adoption.taken.push(name);
    }
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
    describe(directory, &mut manifest);
    manifest.made_at = now;
    manifest.write(directory)?;
    Ok((manifest, adoption))
}

/// Fills in what the files themselves say.
fn describe(directory: &Path, manifest: &mut Manifest) {
    let text = |role| {
        let file = manifest.file(role)?;
        let head = head_of(&directory.join(&file.path), LOOK).ok()?;
        Some(String::from_utf8_lossy(&head).into_owned())
    };
    let config = text(Role::Config).as_deref().and_then(architecture_of_config);
    let image = manifest.file(Role::Kernel).and_then(|file| Format::from_name(&file.format)?.architecture());
    let program = text(Role::ReproSyz);
    let id = program.as_deref().and_then(|text| {
        let link = text.lines().take_while(|line| line.starts_with('#')).find(|line| line.contains("/bug?id="))?;
        super::dashboard::BugName::parse(link.trim_start_matches('#')).ok()
    });
    manifest.arch = manifest.arch.or(config).or(image);
    if manifest.id.is_none() {
        manifest.id = id.map(|id| id.key().to_owned());
    }
}

/// The files of the folder itself, sorted; what we write meanwhile is not among them, nor are links that lead out.
fn file_names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let ours = name == MANIFEST || name == LOCK || name.ends_with(".part") || name.ends_with(".part.json");
        if !ours && entry.path().is_file() && !leads_out(directory, &name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn head_of(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut head)?;
    Ok(head)
}

/// What a file is for, by its bytes and, where these leave it open, by its name.
fn guess(name: &str, head: &[u8]) -> Option<Role> {
    let lower = name.to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match content::identify(head) {
        Format::Kernel(_) => Some(Role::Kernel),
        Format::Elf if any(&["execprog"]) => Some(Role::SyzExecprog),
        Format::Elf if any(&["executor"]) => Some(Role::SyzExecutor),
        Format::Elf if any(&["vmlinux", "kernel"]) => Some(Role::Vmlinux),
        Format::Cpio => Some(Role::Initrd),
        Format::Xz | Format::Gzip | Format::Zstd if any(&["initr", "cpio", "ramfs"]) => Some(Role::Initrd),
        Format::Qcow2 => Some(Role::Disk),
        Format::RawDisk | Format::Ext4 | Format::Binary if any(&["mount_", "mount-"]) => Some(Role::MountedImage),
        Format::RawDisk | Format::Ext4 => Some(Role::Disk),
        Format::Html if lower.ends_with(".html") => Some(Role::BugPage),
        Format::Html => Some(text_role(name, "").unwrap_or(Role::Report)),
        Format::Json if lower == "bug.json" => Some(Role::BugJson),
        Format::Text | Format::Binary | Format::Json => text_role(name, &String::from_utf8_lossy(head)),
        _ => None,
    }
}

fn text_role(name: &str, text: &str) -> Option<Role> {
    let lower = name.to_ascii_lowercase();
    let lines = || text.lines().take(40);
    if lower.ends_with(".syz") || lines().any(|line| line.starts_with("#{") || line.starts_with("# {Threaded")) {
        return Some(Role::ReproSyz);
    }
    if lower.ends_with(".c") {
        return Some(Role::ReproC);
    }
    if lower == "config"
        || lower == ".config"
        || lower.ends_with(".config")
        || lines().any(|line| line.starts_with("CONFIG_"))
    {
        return Some(Role::Config);
    }
    if lower.starts_with("system.map") {
        return Some(Role::SystemMap);
    }
    for (word, role) in [
        ("repro.log", Role::ReproLog),
        ("fsck", Role::FsckLog),
        ("bisect", Role::BisectLog),
        ("minfo", Role::MachineInfo),
        ("machine", Role::MachineInfo),
        ("report", Role::Report),
        ("console", Role::ConsoleLog),
        ("log", Role::ConsoleLog),
    ] {
        if lower.contains(word) {
            return Some(role);
        }
    }
    repro::Program::parse(text.as_bytes()).ok().filter(|program| program.warnings.is_empty()).map(|_| Role::ReproSyz)
}

/// `# Linux/x86_64 6.1.0 Kernel Configuration`, and on x86 whether it is the 64-bit one.
#[must_use]
pub fn architecture_of_config(config: &str) -> Option<Architecture> {
    let title =
        config.lines().take(10).find(|line| line.starts_with("# Linux/") && line.contains("Kernel Configuration"))?;
    let name = title.strip_prefix("# Linux/")?.split(' ').next()?;
    if name == "x86" && config.lines().any(|line| line == "CONFIG_X86_32=y" || line == "# CONFIG_64BIT is not set") {
        return Some(Architecture::I386);
    }
    Architecture::from_name(name)
}

/// Hashes a file of the bundle.
///
/// # Errors
/// It cannot be read.
pub fn record(directory: &Path, name: &str, role: Role) -> io::Result<FileRecord> {
    let mut file = File::open(directory.join(name))?;
    let (mut head, mut hasher, mut size) = (Vec::new(), Sha256::new(), 0);
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            break;
        }
        let room = HEAD - head.len();
        head.extend_from_slice(&piece[..room.min(count)]);
        hasher.update(&piece[..count]);
        size += count as u64;
    }
    Ok(FileRecord {
        role,
        path: name.to_owned(),
        original_name: None,
        url: None,
        size,
        sha256: unpack::hex(&hasher.finalize()),
        packed_size: None,
        format: content::identify(&head).name().to_owned(),
        revoked: false,
    })
}

/// Why a packed file stays packed.
#[derive(Debug, thiserror::Error)]
enum StaysPacked {
    /// Its place is taken.
    #[error("{0} is there already")]
    There(String),
    /// It does not unpack, or there is no room.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Unpacks `disk.raw.xz` to `disk.raw`; nothing that is there is overwritten.
fn unpack_beside(directory: &Path, name: &str) -> Result<String, StaysPacked> {
    let mut plain = name;
    while let Some(shorter) = plain.strip_suffix(".xz").or_else(|| plain.strip_suffix(".gz")) {
        plain = shorter;
    }
    let plain = if plain == name || plain.is_empty() { format!("{name}.unpacked") } else { plain.to_owned() };
    let destination = directory.join(&plain);
    if destination.symlink_metadata().is_ok() {
        return Err(StaysPacked::There(plain));
    }
    let part = directory.join(format!("{plain}.part"));
    let unpack = || -> io::Result<()> {
        let mut source = File::open(directory.join(name))?;
        let mut unpacker = unpack::Unpacker::new(File::create(&part)?, Role::Other, plan::limits(Role::Disk).1);
        let mut piece = vec![0; 1 << 20];
        loop {
            let count = source.read(&mut piece)?;
            if count == 0 {
                break;
            }
            unpacker.write_all(&piece[..count])?;
        }
        unpacker.finish()?;
        crate::files::place(&part, &destination)
    };
    unpack().map(|()| plain.clone()).map_err(|error| {
        let _ = fs::remove_file(&part);
        StaysPacked::Io(error)
    })
}

/// Compares every listed file with what the manifest says of it; `tell` is called before each, as disks are large.
pub fn verify(directory: &Path, manifest: &Manifest, tell: &mut dyn FnMut(&str)) -> Vec<(FileRecord, State)> {
    let local = manifest.local.iter().flat_map(super::manifest::LocalKernel::files);
    manifest
        .files
        .iter()
        .chain(local)
        .map(|file| {
            tell(&file.path);
            (file.clone(), state(directory, file))
        })
        .collect()
}

fn state(directory: &Path, file: &FileRecord) -> State {
    let path: PathBuf = directory.join(&file.path);
    let size = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return State::Gone,
        Err(error) => return State::Unreadable { why: error.to_string() },
    };
    if size != file.size {
        return State::Changed { what: format!("{size} bytes instead of {}", file.size) };
    }
    match record(directory, &file.path, file.role) {
        Ok(fresh) if fresh.sha256 == file.sha256 => State::Whole,
        Ok(_) => State::Changed { what: "same size, other bytes".to_owned() },
        Err(error) => State::Unreadable { why: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let put = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
        let mut kernel = vec![0; 8192];
        kernel[0x202..0x206].copy_from_slice(b"HdrS");
        put("bzImage-12345678", &kernel);
        put("poc.syz", b"# https://syzkaller.appspot.com/bug?id=0123456789abcdef0123456789abcdef01234567\n#{\"procs\":1}\ngetpid()\n");
        put(".config", b"#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.0 Kernel Configuration\n#\nCONFIG_64BIT=y\n");
        put("repro.c", b"<html>404</html>");
        put("notes.doc", b"\0\0");
        let mut disk = vec![0; 100_000];
        disk[510..512].copy_from_slice(b"\x55\xaa");
        let mut packed = Vec::new();
        liblzma::read::XzEncoder::new(&disk[..], 0).read_to_end(&mut packed).expect("memory");
        put("disk-12345678.raw.xz", &packed);
        folder
    }

    #[test]
    fn a_folder_that_somebody_filled_becomes_a_bundle() {
        let folder = filled();
        let (manifest, adoption) = adopt(folder.path(), 17).expect("a bundle");
        assert_eq!(adoption.taken, [".config", "bzImage-12345678", "disk-12345678.raw", "poc.syz"]);
        assert_eq!(adoption.unpacked, [("disk-12345678.raw.xz".to_owned(), "disk-12345678.raw".to_owned())]);
        assert_eq!(adoption.left.len(), 2, "{:?}", adoption.left);
        assert!(adoption.left.iter().any(|(name, why)| name == "repro.c" && why.contains("web page")));
        assert_eq!(manifest.arch, Some(Architecture::Amd64));
        assert_eq!(manifest.id.as_deref(), Some("0123456789abcdef0123456789abcdef01234567"));
        let bundle = crate::syzbot::Bundle::open(folder.path()).expect("a bundle");
        assert!(
            bundle.kernel.is_some() && bundle.disk.is_some() && bundle.repro_syz.is_some() && bundle.config.is_some()
        );
        let (again, adoption) = adopt(folder.path(), 17).expect("a bundle");
        assert_eq!(again, manifest);
        assert_eq!(adoption.taken, Vec::<String>::new());
    }

    #[test]
    fn a_changed_file_and_one_that_is_gone_are_reported() {
        let folder = filled();
        let (manifest, _) = adopt(folder.path(), 0).expect("a bundle");
        fs::write(folder.path().join(".config"), "CONFIG_X=y").expect("a file");
        fs::remove_file(folder.path().join("poc.syz")).expect("a file");
        let states = verify(folder.path(), &manifest, &mut |_| {});
        let state = |name: &str| &states.iter().find(|(file, _)| file.path == name).expect("listed").1;
        assert_eq!(state("poc.syz"), &State::Gone);
        assert!(matches!(state(".config"), State::Changed { .. }));
        assert_eq!(state("bzImage-12345678"), &State::Whole);
    }

    #[test]
    fn a_configuration_knows_its_processor() {
        for (config, expected) in [
            ("# Linux/x86_64 5.4.0 Kernel Configuration\n", Some(Architecture::Amd64)),
            ("# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_64BIT=y\n", Some(Architecture::Amd64)),
            ("# Linux/x86 6.1.0 Kernel Configuration\n# CONFIG_64BIT is not set\n", Some(Architecture::I386)),
            ("# Linux/arm64 6.1.0 Kernel Configuration\n", Some(Architecture::Arm64)),
            ("CONFIG_A=y\n", None),
        ] {
            assert_eq!(architecture_of_config(config), expected, "{config}");
        }
    }
}
