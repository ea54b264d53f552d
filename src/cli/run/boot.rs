//! What is booted, and on what: the kernel, its vmlinux, the disk, the board.

use crate::architecture::Architecture;
use crate::syzbot::bundle::Bundle;
use crate::vm::board::{BOARDS, Board};
use crate::vm::disk::leads_to;
use crate::vm::settings::{Disk, DiskFormat};
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The kernel's path and what to call it. Without a word it is the bundle's; a disk that boots by itself needs none.
pub(super) fn choose_kernel(
    bundle: Option<&Bundle>,
    word: Option<&str>,
    local_kernel: &mut BTreeMap<String, String>,
) -> anyhow::Result<(Option<PathBuf>, String)> {
    let named = |path: &Path, name: &str| anyhow::Ok((Some(absolute(path)?), name.to_owned()));
    match (word, bundle) {
        (Some("bundle" | "local"), None) => bail!("--kernel bundle and --kernel local need --bundle or --extid"),
        (Some("bundle"), Some(bundle)) => match &bundle.kernel {
            Some(path) => named(path, "bundle"),
            None => {
                bail!("{}: the bundle has no kernel image (see `kanalyze bundle show`)", bundle.directory.display())
            }
        },
        (Some("local"), Some(bundle)) => {
            let Some(local) = &bundle.local else {
                bail!("{}: no local kernel: build one with `kanalyze kernel build`", bundle.directory.display())
            };
            local_kernel.extend(local.head.iter().map(|head| ("head".to_owned(), head.clone())));
            let diff = local.uncommitted.iter().map(|path| ("uncommitted".to_owned(), path.display().to_string()));
            local_kernel.extend(diff);
            let built = bundle.manifest.local.as_ref();
            local_kernel.extend(built.and_then(|built| Some(("build_id".to_owned(), built.build_id.clone()?))));
            let patches = built.into_iter().flat_map(|built| &built.patches).map(|patch| patch.path.as_str());
            let patches = patches.collect::<Vec<_>>().join(", ");
            if !patches.is_empty() {
                local_kernel.insert("patches".to_owned(), patches);
            }
            named(&local.image, "local")
        }
        (Some(path), _) => named(Path::new(path), path),
        (None, Some(Bundle { kernel: Some(path), .. })) => named(path, "bundle"),
        (None, _) => Ok((None, "the disk's own".to_owned())),
    }
}

/// The vmlinux that goes with a kernel: the bundle's, the local build's, or the one in the tree in which the kernel lies.
pub(super) fn usual_image(bundle: Option<&Bundle>, kernel: Option<&Path>, name: &str) -> Option<PathBuf> {
    match (name, bundle) {
        ("bundle", Some(bundle)) => bundle.vmlinux.clone(),
        ("local", Some(bundle)) => bundle.local.as_ref()?.vmlinux.clone(),
        _ => {
            let folder = kernel?.parent()?;
            // TREE/arch/x86/boot/bzImage, or a copy beside its vmlinux.
            let tree = folder.ends_with("boot").then(|| folder.ancestors().nth(3)).flatten();
            [Some(folder), tree].into_iter().flatten().map(|folder| folder.join("vmlinux")).find(|path| path.is_file())
        }
    }
}

/// The board of the architecture that the user names, else the bundle's, else this machine's.
pub(super) fn board(wished: Option<Architecture>, bundle: Option<&Bundle>) -> anyhow::Result<&'static Board> {
    let of_bundle = bundle.and_then(|bundle| bundle.arch);
    let Some(architecture) = wished.or(of_bundle) else { return Ok(Board::native()) };
    Board::of(architecture).with_context(|| {
        let name = architecture.syzkaller_name();
        let known: Vec<&str> = BOARDS.iter().map(|board| board.architecture.kernel_name()).collect();
        format!("--arch {name}: only {} guests are run", known.join(" and "))
    })
}

/// The disk in the format that the user says, that the bundle says, or that its first bytes say. What comes from elsewhere must
/// not show the guest another file of this machine: only a user who names the format takes an image with such a link.
pub(super) fn disk(path: &Path, wished: Option<DiskFormat>, bundled: Option<DiskFormat>) -> anyhow::Result<Disk> {
    let path = absolute(path)?;
    let format = match wished.or(bundled) {
        Some(format) => format,
        None => {
            let mut magic = Vec::new();
            File::open(&path)
                .and_then(|file| file.take(4).read_to_end(&mut magic))
                .with_context(|| path.display().to_string())?;
            DiskFormat::of_magic(&magic)
        }
    };
    if format == DiskFormat::Qcow2
        && wished.is_none()
        && let Some(other) = leads_to(&path).with_context(|| path.display().to_string())?
    {
        let shown = path.display();
        bail!(
            "{shown}: this image is only a part of a disk: the guest would also see {other}; if the image is your own, \
             --disk-format qcow2 takes it, else make a whole one: qemu-img convert -O qcow2 {shown} whole.qcow2"
        );
    }
    Ok(Disk { path, format })
}

pub(super) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    std::path::absolute(path).with_context(|| path.display().to_string())
}
