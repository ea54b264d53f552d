//! `bundle fetch`: a bug of the dashboard → a folder that holds what its reproduction needs.

mod bug;

use super::dashboard::BugName;
use super::download::{Download, DownloadError, Progress, download, tidy};
use super::manifest::{BundleError, FileRecord, LOCK, Manifest, Missing, Role};
use super::plan::{self, Candidate, Item};
use super::{adopt, content, link, repro};
use crate::architecture::Architecture;
use crate::files::{Lock, LockError};
use crate::net::{AddressError, Client, HttpError, Site};
use bug::{read_bug, remember};
use std::fs;
use std::path::{Path, PathBuf};

/// What to fetch, and where to put it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The dashboard, or a mirror of it.
    pub base_url: &'a str,
    /// The bug.
    pub bug: &'a BugName,
    /// Which of its crashes, counted from 0; `None` lets us choose.
    pub crash: Option<usize>,
    /// The bundle's folder, made if need be.
    pub directory: &'a Path,
    /// Fetch again what is there already.
    pub force: bool,
    /// What not to fetch.
    pub without: &'a [Role],
}

/// What happens meanwhile.
#[derive(Debug)]
pub enum Event<'a> {
    /// A file begins to come.
    Begins(&'a Item),
    /// More of it is there.
    Comes(Progress),
    /// It is there, whole.
    Came(&'a FileRecord),
    /// It was there already.
    Kept(&'a FileRecord),
    /// It will not come.
    Missed(&'a Missing),
    /// Something that the user should know.
    Note(String),
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// A file, so that nothing more can be done.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The manifest.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A folder or file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process fetches into the folder.
    #[error("{}: {} is fetching into this folder; try again when it has ended", directory.display(), holder.map_or("another process".to_owned(), |pid| format!("process {pid}")))]
    Busy {
        /// The folder.
        directory: PathBuf,
        /// That process, if it says so.
        holder: Option<u32>,
    },
    /// The dashboard's answer makes no sense, or the request does not.
    #[error("{0}")]
    Senseless(String),
}

/// Fetches what is not there yet, one file after the other; the manifest is right after each of them.
///
/// # Errors
/// The bug cannot be read, the folder cannot be written, or holds another bug. A file that cannot be had is not an error but
/// is in the manifest's `missing`, with the reason.
pub fn fetch(client: &Client, request: &Request<'_>, tell: &mut dyn FnMut(Event<'_>)) -> Result<Manifest, FetchError> {
    let directory = request.directory;
    fs::create_dir_all(directory).map_err(|source| FetchError::Io { path: directory.to_owned(), source })?;
    let _lock = lock(directory)?;
    let mut manifest = match Manifest::read(directory) {
        Ok(manifest) => manifest,
        Err(BundleError::NoManifest(_)) => Manifest::default(),
        Err(error) => return Err(error.into()),
    };
    let (bug, page) = read_bug(client, request, &mut manifest, tell)?;
    manifest.write(directory)?;
    let candidates = plan::candidates(&bug, &page);
    let wanted = request.crash.or(manifest.crash_index.filter(|_| !request.force));
    let chosen = match wanted {
        Some(index) => candidates.get(index).ok_or_else(|| {
            FetchError::Senseless(format!(
                "the bug has {} crashes, counted from 0; there is no crash {index}",
                candidates.len()
            ))
        })?,
        None => plan::best(&candidates)
            .ok_or_else(|| FetchError::Senseless("the dashboard lists no crash of this bug".to_owned()))?,
    };
    if manifest.crash_index.is_some_and(|index| index != chosen.index) && !request.force {
        return Err(FetchError::Senseless(format!(
            "{} holds another crash of this bug; --force replaces it, --into names another folder",
            directory.display()
        )));
    }
    describe(&mut manifest, chosen);
    manifest.missing.clear();
    manifest.write(directory)?;
    for item in chosen.items.iter().filter(|item| !request.without.contains(&item.role)) {
        obtain(client, request, item, chosen, &mut manifest, tell)?;
    }
    for role in [Role::Kernel, Role::Vmlinux, Role::Disk, Role::ReproSyz, Role::ReproC] {
        let sought = request.without.contains(&role) || chosen.items.iter().any(|item| item.role == role);
        if !sought && manifest.file(role).is_none() {
            let missing = Missing { role, url: None, reason: absent(role, chosen) };
            tell(Event::Missed(&missing));
            manifest.missing.push(missing);
        }
    }
    manifest.made_at = client.now();
    settle_architecture(directory, &mut manifest);
    manifest.write(directory)?;
    Ok(manifest)
}

fn absent(role: Role, candidate: &Candidate) -> String {
    match role {
        Role::ReproSyz | Role::ReproC => "syzbot has none for this crash".to_owned(),
        _ => format!(
            "the bug's page lists none (there are none of before 2022-07-15, and syzbot deletes those of bugs that are closed); {}",
            plan::remedy(role, candidate)
        ),
    }
}

fn describe(manifest: &mut Manifest, chosen: &Candidate) {
    let own = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    manifest.crash_title = own(&chosen.title);
    manifest.crash_index = Some(chosen.index);
    manifest.kernel_repository = own(&chosen.kernel_repository);
    manifest.kernel_commit.clone_from(&chosen.kernel_commit);
    manifest.syzkaller_commit.clone_from(&chosen.syzkaller_commit);
    manifest.compiler = own(&chosen.compiler);
    manifest.manager = own(&chosen.manager);
    manifest.disk_boots = chosen.disk_boots;
}

/// One file: kept, fetched, or missed. Only what would stop all others too is an error.
fn obtain(
    client: &Client,
    request: &Request<'_>,
    item: &Item,
    chosen: &Candidate,
    manifest: &mut Manifest,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(), FetchError> {
    let destination = request.directory.join(&item.path);
    if !request.force && destination.symlink_metadata().is_ok() {
        let known = manifest.files.iter().find(|file| file.path == item.path).cloned();
        let record = match known {
            Some(record) => record,
            None => {
                tell(Event::Note(format!(
                    "{} was there before and is kept; --force replaces it",
                    destination.display()
                )));
                adopt::record(request.directory, &item.path, item.role)
                    .map_err(|source| FetchError::Io { path: destination.clone(), source })?
            }
        };
        tidy(&destination);
        tell(Event::Kept(&record));
        remember(manifest, record);
        return Ok(());
    }
    let (address, outcome) = match address(request.base_url, &item.link) {
        Err(refused) => (item.link.clone(), Err(refused.to_string())),
        Ok(address) => {
            tell(Event::Begins(item));
            let outcome = one_file(client, request, item, &address, &destination, tell);
            (address, outcome?.map_err(|error| reason(&error, item.role, chosen)))
        }
    };
    match outcome {
        Ok(record) => {
            tell(Event::Came(&record));
            remember(manifest, record);
        }
        Err(reason) => {
            let missing = Missing { role: item.role, url: Some(address), reason };
            tell(Event::Missed(&missing));
            manifest.missing.push(missing);
        }
    }
    manifest.write(request.directory)?;
    Ok(())
}

/// The outer error stops everything, the inner one is of this file alone.
fn one_file(
    client: &Client,
    request: &Request<'_>,
    item: &Item,
    address: &str,
    destination: &Path,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<Result<FileRecord, DownloadError>, FetchError> {
    let (packed_limit, unpacked_limit) = plan::limits(item.role);
    let what =
        Download { url: address, destination, role: item.role, force: request.force, packed_limit, unpacked_limit };
    let fetched = match download(client, &what, &mut |progress| tell(Event::Comes(progress))) {
        Ok(fetched) => fetched,
        Err(error @ (DownloadError::Io { .. } | DownloadError::Http(HttpError::Busy { .. }))) => {
            return Err(error.into());
        }
        Err(error) => return Ok(Err(error)),
    };
    if item.role == Role::ReproSyz
        && let Some(reason) = fs::read(destination).ok().and_then(|text| repro::Program::parse(&text).err())
    {
        let _ = fs::remove_file(destination);
        return Ok(Err(DownloadError::Unfit { url: address.to_owned(), reason: reason.to_string() }));
    }
    let name = sanitise(link::file_name(address));
    Ok(Ok(FileRecord {
        role: item.role,
        path: item.path.clone(),
        original_name: Some(name).filter(|name| !name.is_empty() && *name != item.path),
        url: Some(address.to_owned()),
        size: fetched.unpacked.size,
        sha256: fetched.unpacked.sha256,
        packed_size: (fetched.unpacked.layers > 0).then_some(fetched.packed_size),
        format: fetched.unpacked.format.name().to_owned(),
        revoked: item.revoked,
    }))
}

fn reason(error: &DownloadError, role: Role, chosen: &Candidate) -> String {
    match error {
        DownloadError::Http(HttpError::Status { status: 404 | 410, .. }) => plan::farewell(role, chosen),
        other => other.to_string(),
    }
}

/// A link of the dashboard that leads where we may not go.
#[derive(Debug, thiserror::Error)]
#[error("{link:?}: refused: {reason}")]
struct RefusedLink {
    link: String,
    reason: AddressError,
}

/// Where a link of the dashboard leads, if we may go there.
fn address(base_url: &str, link: &str) -> Result<String, RefusedLink> {
    let full = base_url.parse::<Site>().and_then(|site| site.link(link));
    full.map_err(|reason| RefusedLink { link: link.to_owned(), reason })
}

/// A server's file name as something that can be shown and stored: no path, no control bytes, not hidden, not long.
#[must_use]
pub fn sanitise(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|each| if each.is_ascii_alphanumeric() || matches!(each, '.' | '-' | '_' | '+') { each } else { '_' })
        .take(120)
        .collect();
    plain.trim_start_matches('.').to_owned()
}

/// The configuration knows the processor, then the kernel image does; the instance's name knows that of the programs.
fn settle_architecture(directory: &Path, manifest: &mut Manifest) {
    let config = manifest.file(Role::Config).and_then(|file| fs::read_to_string(directory.join(&file.path)).ok());
    let image = manifest.file(Role::Kernel).and_then(|file| content::Format::from_name(&file.format)?.architecture());
    manifest.arch = config.as_deref().and_then(adopt::architecture_of_config).or(image).or(manifest.arch);
    let on_386 = manifest.manager.as_deref().is_some_and(|manager| manager.split('-').any(|word| word == "386"));
    manifest.userspace_arch = (on_386 && manifest.arch == Some(Architecture::Amd64)).then_some(Architecture::I386);
}

/// One fetch at a time in a folder.
fn lock(directory: &Path) -> Result<Lock, FetchError> {
    Lock::take(&directory.join(LOCK)).map_err(|error| match error {
        LockError::Held { holder, .. } => FetchError::Busy { directory: directory.to_owned(), holder },
        LockError::Io { path, source } => FetchError::Io { path, source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_file_name_is_harmless() {
        for (name, expected) in [
            ("disk-12345678.raw.xz", "disk-12345678.raw.xz"),
            ("../../etc/passwd", "passwd"),
            ("..", ""),
            (".bashrc", "bashrc"),
            ("a\x1b[31m\nb", "a__31m_b"),
            ("%2e%2e%2fx", "_2e_2e_2fx"),
            ("C:\\x\\y", "y"),
        ] {
            assert_eq!(sanitise(name), expected, "{name:?}");
        }
        assert_eq!(sanitise(&"x".repeat(1000)).len(), 120);
    }

    #[test]
    fn two_fetches_do_not_share_a_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let held = lock(folder.path()).expect("the first");
        assert!(matches!(lock(folder.path()), Err(FetchError::Busy { .. })));
        drop(held);
        fs::write(folder.path().join(LOCK), "4294967294").expect("a file");
        assert!(lock(folder.path()).is_ok(), "its process is gone");
    }
}
