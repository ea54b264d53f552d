//! `kernel build`: a kernel tree and a configuration → a kernel in the bundle's `local/`, built outside the tree.

mod asked;
mod error;
mod make;
mod tree;

use super::kernel_config::{Merged, merge, refused, runs_something};
use super::manifest::{BundleError, FileRecord, LocalKernel, Manifest, Role};
use super::{adopt, content, dashboard};
use crate::architecture::Architecture;
pub use asked::{Build, Step};
pub use error::BuildError;
use error::at;
use make::Make;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tree::{FOLDER, git, patch_files, uncommitted, with_patches};

/// Configures and builds the kernel, and puts its four files and the manifest into the bundle.
///
/// A later call goes on from what an earlier one compiled.
///
/// # Errors
/// Any [`BuildError`]. What the bundle had before is then untouched.
pub fn build(build: &Build<'_>, now: u64, tell: &mut dyn FnMut(Step<'_>)) -> Result<LocalKernel, BuildError> {
    if !build.source.join("Makefile").is_file() || !build.source.join("Kconfig").is_file() {
        return Err(BuildError::NoTree(build.source.to_owned()));
    }
    let source = build.source.canonicalize().map_err(at(build.source))?;
    let local = build.directory.join(FOLDER);
    let output = local.join("build");
    fs::create_dir_all(&output).map_err(at(&output))?;
    let output = output.canonicalize().map_err(at(&output))?;
    let tree = if build.patches.is_empty() { source.clone() } else { with_patches(build, &source, &local, tell)? };
    let build = &Build { source: &tree, ..build.clone() };
    let mut manifest = match Manifest::read(build.directory) {
        Ok(manifest) => manifest,
        Err(BundleError::NoManifest(_)) => Manifest { made_at: now, ..Manifest::default() },
        Err(error) => return Err(error.into()),
    };
    let merged = merge(&read_all(build)?);
    if let Some(name) = runs_something(&merged) {
        return Err(BuildError::Runs(name.to_owned()));
    }
    let arch = build
        .arch
        .or_else(|| adopt::architecture_of_config(&merged.text))
        .or(manifest.arch)
        .unwrap_or(Architecture::Amd64);
    note_compiler(build, &merged, tell);
    for each in &merged.redefined {
        tell(Step::Note(format!("{}: {} instead of {} ({})", each.name, each.new, each.old, each.by)));
    }
    let config = output.join(".config");
    fs::write(&config, &merged.text).map_err(at(&config))?;
    let log = local.join("build.log");
    File::create(&log).map_err(at(&log))?;
    let make = Make { build, arch, output, log };
    make.run(&["olddefconfig".to_owned()], tell)?;
    let outcome = fs::read_to_string(&config).map_err(at(&config))?;
    let refused = refused(&merged, &outcome);
    let base = build.config.display().to_string();
    let mut of_fragments = refused.iter().filter(|option| option.asked_by != base);
    if let Some(first) = of_fragments.next().filter(|_| build.strict) {
        return Err(BuildError::Refused { count: of_fragments.count() + 1, first: first.name.clone() });
    }

    let image = arch.image_path();
    let target = image.rsplit('/').next().unwrap_or(image);
    make.run(&[format!("-j{}", build.jobs.max(1)), "vmlinux".to_owned(), target.to_owned()], tell)?;
    let stage = |from: &Path, name: &str, role| -> Result<_, BuildError> {
        let path = format!("{FOLDER}/{name}");
        let part = build.directory.join(format!("{path}.part"));
        fs::copy(from, &part).map_err(at(from))?;
        let checked = adopt::record(build.directory, &format!("{path}.part"), role).map_err(at(&part))?;
        let format = content::Format::from_name(&checked.format).unwrap_or(content::Format::Binary);
        content::check(role, format).map_err(|reason| at(from)(io::Error::other(reason)))?;
        Ok((part, FileRecord { path, ..checked }))
    };
    // All four are there and are what they should be before the first one takes its place.
    let mut staged = vec![
        // Where the ELF file is the image too, it lies there twice, as QEMU's and as the debugger's.
        stage(&make.output.join(image), if image == "vmlinux" { "kernel" } else { target }, Role::Kernel)?,
        stage(&make.output.join("vmlinux"), "vmlinux", Role::Vmlinux)?,
        stage(&make.output.join("System.map"), "System.map", Role::SystemMap)?,
        stage(&config, "config", Role::Config)?,
    ];
    let uncommitted = uncommitted(build, &local)?;
    staged.extend(uncommitted);
    for (part, record) in &staged {
        let place = build.directory.join(&record.path);
        crate::files::place(part, &place).map_err(at(&place))?;
    }
    let mut records = staged.into_iter().map(|(_, record)| record);
    let kernel = LocalKernel {
        image: records.next(),
        vmlinux: records.next(),
        system_map: records.next(),
        config: records.next(),
        uncommitted: records.next(),
        source: source.display().to_string(),
        patches: patch_files(build.patches)?,
        build_id: build_id(&make.output.join("vmlinux")),
        head: git(build.source, &["rev-parse", "HEAD"]).and_then(|text| dashboard::commit_hash(&text)),
        release: make.ask("kernelrelease"),
        refused_options: refused,
    };
    manifest.arch = manifest.arch.or(Some(arch));
    manifest.local = Some(kernel.clone());
    manifest.write(build.directory)?;
    Ok(kernel)
}

fn read_all(build: &Build<'_>) -> Result<Vec<(String, String)>, BuildError> {
    [build.config]
        .into_iter()
        .chain(build.fragments.iter().map(PathBuf::as_path))
        .map(|path| {
            let text = fs::read_to_string(path).map_err(at(path))?;
            Ok((path.display().to_string(), text))
        })
        .collect()
}

/// syzbot builds with clang as often as with gcc, and `make` does not look into the configuration for that.
fn note_compiler(build: &Build<'_>, merged: &Merged, tell: &mut dyn FnMut(Step<'_>)) {
    let clang = merged.wishes.get("CONFIG_CC_IS_CLANG").is_some_and(|(value, _)| value == "y");
    let chosen = |argument: &String| argument.starts_with("LLVM=") || argument.starts_with("CC=");
    if clang && !build.make_arguments.iter().any(chosen) {
        tell(Step::Note("the configuration is one of clang, make will take gcc; -M LLVM=1 takes clang".to_owned()));
    }
}

/// The build id of a kernel, if it has one.
fn build_id(vmlinux: &Path) -> Option<String> {
    crate::image::KernelImage::open(vmlinux).ok()?.build_id()
}
