//! Which kernel image is read: the named one, that of a release, or the one that a log asks for.

use super::super::manners::why;
use super::Arguments;
use crate::files::cache_home;
use crate::image::{KernelImage, is_boot_image};
use crate::input::Source;
use crate::intake::each_log;
use crate::net::{Client, HttpError, Manners, SystemClock};
use crate::symbols::{
    Kernel, SymbolSource, SymbolTable, View, debuginfod, find_build_id, find_in_build_tree, find_release,
    stated_release,
};
use anyhow::{Context as _, bail};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens what the arguments name, or what the first log asks for.
pub(super) fn open_kernel(arguments: &Arguments) -> anyhow::Result<Kernel> {
    let cache = if arguments.no_cache { None } else { cache_home() };
    let path = match (&arguments.vmlinux, &arguments.release) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(release)) => match find_release(release) {
            Some(path) => Some(path),
            None => bail!("no image of release {release} in /boot, /usr/lib/debug or /lib/modules; name one with -k"),
        },
        (None, None) => find_for_logs(arguments)?,
    };
    let Some(path) = path else {
        bail!("no kernel image: name one with -k VMLINUX or -r RELEASE, or set DEBUGINFOD_URLS");
    };
    let mut kernel = open_image(&path, cache.as_deref())?;
    // A stripped image: its debug file may be on this machine or on a server.
    if kernel.binary().is_some_and(|binary| !binary.elf.has_lines())
        && let Some(build_id) = kernel.build_id().map(str::to_owned)
        && let Some(debug) = find_debug_file(&build_id)?
    {
        kernel = Kernel::open(&debug, cache.as_deref())?;
    }
    for folder in arguments.modules.iter().rev() {
        kernel.add_module_folder(folder);
    }
    kernel.compatible = arguments.compat;
    Ok(kernel)
}

/// Opens what `-k` may be; of a boot image the symbols are recovered.
pub(in crate::cli) fn open_image(path: &Path, cache: Option<&Path>) -> anyhow::Result<Kernel> {
    if !View::open(path).is_ok_and(|view| is_boot_image(&view)) {
        return Ok(Kernel::open(path, cache)?);
    }
    let image = KernelImage::open(path)?;
    if let Some(debug) = image.build_id().map(|id| find_debug_file(&id)).transpose()?.flatten() {
        return Ok(Kernel::open(&debug, cache)?);
    }
    Ok(recovered(path, &image))
}

/// A kernel of what a boot image holds: names and addresses.
pub(in crate::cli) fn recovered(path: &Path, image: &KernelImage) -> Kernel {
    let symbols = image.symbols.iter().map(|symbol| (symbol.name, symbol.address, symbol.letter));
    let table = SymbolTable::of_symbols(symbols);
    Kernel::of_symbols(path, table, SymbolSource::BootImage, image.banner(), image.build_id())
}

/// The image that the first log asks for by release or build id.
fn find_for_logs(arguments: &Arguments) -> anyhow::Result<Option<PathBuf>> {
    if let Some(missing) = arguments.files.iter().find(|path| path.as_os_str() != "-" && is_absent(path)) {
        bail!("{}: no such file (mistyped, or rotated away?)", missing.display());
    }
    if let Some(path) = find_in_build_tree() {
        why(&format!("{}: the kernel of the build tree here", path.display()));
        return Ok(Some(path));
    }
    let Some(log) = arguments.files.iter().find(|path| path.as_os_str() != "-") else { return Ok(None) };
    let (mut release, mut build_id) = (None, None);
    each_log(&Source::from(log.as_path()), &mut |log| {
        let Ok((text, _)) = log.content.and_then(|content| content.gathered(&log.name)) else {
            return ControlFlow::Continue(());
        };
        for line in text.log().split(|byte| *byte == b'\n') {
            if let Some((said, id)) = stated_release(line) {
                release.get_or_insert(said.to_owned());
                build_id = build_id.take().or(id.map(str::to_owned));
            }
        }
        if release.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let (said, id) = (release.as_deref().unwrap_or("none"), build_id.as_deref().unwrap_or("none"));
    why(&format!("{}: states the release {said}, the build id {id}", log.display()));
    if let Some(path) = release.as_deref().and_then(find_release) {
        why(&format!("{}: the kernel of this release", path.display()));
        return Ok(Some(path));
    }
    why("no kernel of this release is in ., /boot, /usr/lib/debug or /lib/modules");
    build_id.map_or(Ok(None), |id| find_debug_file(&id))
}

/// Whether a name is neither there nor a pattern.
fn is_absent(path: &Path) -> bool {
    !path.exists() && !path.to_string_lossy().contains(['*', '?', '[', ':'])
}

/// The debug file with this build id, of this machine or of a server.
fn find_debug_file(build_id: &str) -> anyhow::Result<Option<PathBuf>> {
    if let Some(path) = find_build_id(Path::new("/usr/lib/debug"), build_id) {
        return Ok(Some(path));
    }
    let servers = debuginfod::servers(&std::env::var("DEBUGINFOD_URLS").unwrap_or_default());
    match debuginfod::client_cache() {
        Some(cache) if !servers.is_empty() => debuginfod::find(build_id, &servers, &cache, &fetch)
            .with_context(|| format!("debug file of build id {build_id}")),
        _ => Ok(None),
    }
}

/// Gets a URL into a file; `false` if the server does not have it.
fn fetch(url: &str, target: &Path) -> io::Result<bool> {
    /// No debug file is larger.
    const LARGEST: u64 = 8 << 30;
    let client = Client::new(Manners::default(), Arc::new(SystemClock));
    let response = match client.open(url, &[]) {
        Ok(response) => response,
        Err(HttpError::Status { status: 404, .. }) => return Ok(false),
        Err(error) => return Err(io::Error::other(error)),
    };
    let mut file = std::fs::File::create(target)?;
    if io::copy(&mut io::Read::take(response.body, LARGEST + 1), &mut file)? > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("{url}: more than {LARGEST} bytes")));
    }
    Ok(true)
}
