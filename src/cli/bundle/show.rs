//! A bundle's manifest for people and for programs.

use crate::cli::output::Format;
use crate::cli::records::write_records;
use crate::render::safe;
use crate::syzbot::manifest::{FileRecord, Manifest, Role};
use std::io::{BufWriter, Write};
use std::path::Path;

pub(super) fn sizes(file: &FileRecord) -> String {
    match file.packed_size {
        Some(packed) => format!("{} ({} packed)", bytes(file.size), bytes(packed)),
        None => bytes(file.size),
    }
}

fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

pub(super) fn role_name(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn print(format: Format, directory: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if format == Format::Text {
        show(&mut out, directory, manifest)?;
    } else {
        write_records(&mut out, format, &[manifest])?;
    }
    Ok(out.flush()?)
}

fn show(out: &mut dyn Write, directory: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let title = manifest.title.as_deref().or(manifest.crash_title.as_deref()).unwrap_or("a bundle without a title");
    writeln!(out, "{}", safe(title))?;
    let arch = manifest.arch.map(|arch| arch.syzkaller_name().to_owned());
    let programs = manifest.userspace_arch.map(|arch| arch.syzkaller_name().to_owned());
    for (label, value) in [
        ("folder", &Some(directory.display().to_string())),
        ("page", &manifest.url),
        ("status", &manifest.status),
        ("crash", &manifest.crash_title),
        ("kernel", &manifest.kernel_commit),
        ("tree", &manifest.kernel_repository),
        ("syzkaller", &manifest.syzkaller_commit),
        ("compiler", &manifest.compiler),
        ("instance", &manifest.manager),
        ("processor", &arch),
        ("programs", &programs),
    ] {
        if let Some(value) = value {
            writeln!(out, "  {label:<10} {}", safe(value))?;
        }
    }
    let local = manifest.local.iter().flat_map(crate::syzbot::manifest::LocalKernel::files);
    for file in manifest.files.iter().chain(local) {
        let note = if file.revoked { " (no longer works on HEAD)" } else { "" };
        writeln!(out, "  {:<16} {:<13} {}{note}", safe(&file.path), role_name(file.role), sizes(file))?;
    }
    for missing in &manifest.missing {
        writeln!(out, "  missing {}: {}", role_name(missing.role), safe(&missing.reason))?;
    }
    Ok(())
}
