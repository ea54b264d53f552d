//! `bundle fetch`: a bug of the dashboard → a folder that holds what its reproduction needs.

use super::dashboard::{Bug, BugName, parse_bug};
use super::download::{Download, DownloadError, Progress, download, tidy};
use super::manifest::{BundleError, FileRecord, LOCK, Manifest, Missing, Role};
use super::page::{BugPage, parse_page};
use super::plan::{self, Candidate, Item};
use super::{adopt, content, link, repro, unpack};
use crate::architecture::Architecture;
use crate::files::{Lock, LockError, replace};
use crate::net::{AddressError, Client, HttpError, Site};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// The most that the bug's JSON or page may have: 280 crashes take well under one MiB.
const PAGE_LIMIT: u64 = 16 << 20;

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

/// The bug's JSON and page, from the folder if an earlier call left them there.
fn read_bug(
    client: &Client,
    request: &Request<'_>,
    manifest: &mut Manifest,
    tell: &mut dyn FnMut(Event<'_>),
) -> Result<(Bug, BugPage), FetchError> {
    let base = request.base_url.trim_end_matches('/');
    let held = manifest.extid.iter().chain(&manifest.id).any(|key| key == request.bug.key());
    let empty = manifest.extid.is_none() && manifest.id.is_none();
    let saved = |role| {
        let file = manifest.file(role).filter(|_| held && !request.force)?;
        fs::read(request.directory.join(&file.path)).ok()
    };
    let mut name = request.bug.clone();
    let (json, html) = if let (Some(json), Some(html)) = (saved(Role::BugJson), saved(Role::BugPage)) {
        (json, html)
    } else {
        let mut json = client.get(&format!("{base}/bug?{}&json=1", name.query()), PAGE_LIMIT);
        if let (BugName::Extid(key), Err(HttpError::Status { status: 404, .. })) = (&name, &json)
            && key.len() == 40
        {
            // Mails of the first years had extids as long as ids.
            name = BugName::Id(key.clone());
            json = client.get(&format!("{base}/bug?{}&json=1", name.query()), PAGE_LIMIT);
        }
        let json = json.map_err(|error| told_of_bug(error, request.bug))?;
        // A bug has an extid for each stage of its reporting, but only one id.
        let same = || parse_bug(&json.body).is_ok_and(|bug| manifest.id.as_ref() == Some(&bug.id));
        if !held && !empty && !same() {
            return Err(FetchError::Senseless(format!(
                "{} holds another bug ({}); name another folder with --into",
                request.directory.display(),
                manifest.title.as_deref().unwrap_or("without a title").escape_debug()
            )));
        }
        let address = format!("{base}/bug?{}", name.query());
        let html = client.get(&address, PAGE_LIMIT).map_or_else(
            |error| {
                tell(Event::Note(format!("the bug's page did not come, so that images and logs are unknown: {error}")));
                Vec::new()
            },
            |page| page.body,
        );
        keep_page(request, manifest, (Role::BugJson, "bug.json", &format!("{address}&json=1")), &json.body)?;
        keep_page(request, manifest, (Role::BugPage, "bug.html", &address), &html)?;
        manifest.url = Some(address);
        (json.body, html)
    };
    let bug = parse_bug(&json).or_else(|reason| {
        let what = content::check(Role::BugJson, content::identify(&json[..json.len().min(content::HEAD)]));
        let reason = what.err().map_or_else(|| reason.to_string(), |other| other.to_string());
        tell(Event::Note(format!("the bug's JSON is of no use: {reason}")));
        if html.is_empty() {
            Err(FetchError::Senseless(format!("the bug cannot be read: {reason}")))
        } else {
            Ok(Bug::default())
        }
    })?;
    let page = parse_page(&String::from_utf8_lossy(&html));
    if bug.crashes.is_empty() && page.crashes.is_empty() {
        return Err(FetchError::Senseless(
            "the dashboard lists no crash of this bug (is it public? https://syzkaller.appspot.com shows it in a browser)".to_owned(),
        ));
    }
    let own = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    manifest.title = own(&bug.title).or_else(|| own(&page.title));
    manifest.status = own(&bug.status);
    manifest.id = own(&bug.id).or_else(|| if let BugName::Id(id) = &name { Some(id.clone()) } else { None });
    if let BugName::Extid(extid) = name {
        manifest.extid = Some(extid);
    }
    Ok((bug, page))
}

fn told_of_bug(error: HttpError, bug: &BugName) -> FetchError {
    match error {
        HttpError::Status { status: 404, url } => {
            FetchError::Senseless(format!("{url}: the dashboard knows no bug {}", bug.key()))
        }
        other => other.into(),
    }
}

fn keep_page(
    request: &Request<'_>,
    manifest: &mut Manifest,
    (role, name, address): (Role, &str, &str),
    bytes: &[u8],
) -> Result<(), FetchError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let path = request.directory.join(name);
    let ours = manifest.files.iter().any(|file| file.path == name);
    // One that a killed fetch left before it came into the manifest has the same bytes.
    let same = || fs::read(&path).is_ok_and(|there| there == bytes);
    if path.exists() && !ours && !request.force && !same() {
        return Err(DownloadError::Exists(path).into());
    }
    replace(&path, bytes).map_err(|source| FetchError::Io { path, source })?;
    let format = content::identify(&bytes[..bytes.len().min(content::HEAD)]);
    remember(
        manifest,
        FileRecord {
            role,
            path: name.to_owned(),
            original_name: None,
            url: Some(address.to_owned()),
            size: bytes.len() as u64,
            sha256: unpack::hex(&Sha256::digest(bytes)),
            packed_size: None,
            format: format.name().to_owned(),
            revoked: false,
        },
    );
    Ok(())
}

fn remember(manifest: &mut Manifest, record: FileRecord) {
    manifest.files.retain(|file| file.path != record.path);
    manifest.files.push(record);
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
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
