//! The tool `symbolize`: source lines from a kernel's image inside of the roots; nothing is fetched, no cache is written.

use super::super::symbolize::{recovered, write_record};
use super::answer::{Answer, Draft};
use super::asked;
use super::logs::each;
use super::roots::{Place, Roots};
use crate::image::{KernelImage, is_boot_image};
use crate::intake::files_below;
use crate::intake::{Content, each_log_in};
use crate::symbols::{Kernel, LogDecoder, LogOptions, Paths, View, annotate};
use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::PathBuf;

/// `symbolize`.
pub(super) fn symbolize(roots: &Roots, asked: asked::Symbolize) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    let image = roots.file(&asked.vmlinux)?;
    let mut kernel = opened(&image)?;
    kernel.only_module_folders(&folders(roots, &image, &asked.modules)?);
    if let Some(shortcoming) = kernel.shortcoming() {
        draft.trouble(&shortcoming);
    }
    let paths = Paths { base: kernel.build_folder() };
    draft.found(false);
    each(roots, &asked.logs, asked.text, &mut draft, |draft, name, bytes| {
        let mut done = Ok(());
        each_log_in(name, bytes, &mut |log| {
            match log.content.and_then(|content: Content| content.gathered(&log.name)) {
                Ok((text, damage)) => {
                    if let Some(damage) = damage.or_else(|| text.damage()) {
                        draft.trouble(&format!("{}: {damage}", log.name));
                    }
                    done = decode(&kernel, &paths, asked.all, draft, &log.name, text.log());
                }
                Err(fault) => draft.trouble(&fault.to_string()),
            }
            if done.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        done
    })?;
    Ok(draft.finish())
}

/// The lines of a log with their places of code.
fn decode(kernel: &Kernel, paths: &Paths, all: bool, draft: &mut Draft, name: &str, log: &[u8]) -> anyhow::Result<()> {
    let mut decoder = LogDecoder::new(kernel, LogOptions { force: false, offset: None });
    decoder.survey(log);
    for (number, line) in (1_u64..).zip(log.split_inclusive(|byte| *byte == b'\n')) {
        let found = decoder.line(line);
        draft.found(found.iter().any(|one| !one.answer.places.is_empty()));
        if draft.is_text() {
            if all || !found.is_empty() {
                let mut text = Vec::new();
                annotate(&mut text, line, &found, paths)?;
                let text = String::from_utf8_lossy(&text);
                draft.text(&if all { text.into_owned() } else { format!("{name}:{number}: {}", text.trim_end()) });
            }
            continue;
        }
        for one in &found {
            let mut record = Vec::new();
            write_record(&mut record, paths, name, number, one)?;
            draft.record(&serde_json::from_slice::<serde_json::Value>(&record)?);
        }
    }
    decoder.refusals().iter().for_each(|reason| draft.trouble(&format!("{name}: {reason}")));
    Ok(())
}

fn opened(image: &Place) -> anyhow::Result<Kernel> {
    if View::open(&image.path).is_ok_and(|view| is_boot_image(&view)) {
        return Ok(recovered(&image.path, &KernelImage::open(&image.path)?));
    }
    Ok(Kernel::open(&image.path, None)?)
}

/// The folders in which modules are looked for: those that are named, else the image's own; none of their modules leads out.
fn folders(roots: &Roots, image: &Place, named: &[String]) -> anyhow::Result<Vec<PathBuf>> {
    let folders = match named {
        [] => image.path.parent().map(|folder| vec![folder.to_owned()]).unwrap_or_default(),
        named => named.iter().map(|name| Ok(roots.folder(name)?.path)).collect::<anyhow::Result<Vec<_>>>()?,
    };
    let is_module = |name: &OsStr| name.to_string_lossy().contains(".ko");
    for folder in &folders {
        for module in files_below(folder, is_module)? {
            if module.is_symlink() {
                roots.inside(&module)?;
            }
        }
    }
    Ok(folders)
}
