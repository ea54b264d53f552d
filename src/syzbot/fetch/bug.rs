//! What the dashboard says of a bug: its JSON and its page, kept in the folder.

use super::super::dashboard::{Bug, BugName, parse_bug};
use super::super::download::DownloadError;
use super::super::manifest::{FileRecord, Manifest, Role};
use super::super::page::{BugPage, parse_page};
use super::super::{content, unpack};
use super::{Event, FetchError, Request};
use crate::files::replace;
use crate::net::{Client, HttpError};
use sha2::{Digest, Sha256};
use std::fs;

/// The most that the bug's JSON or page may have: 280 crashes take well under one MiB.
const PAGE_LIMIT: u64 = 16 << 20;

/// The bug's JSON and page, from the folder if an earlier call left them there.
pub(super) fn read_bug(
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

pub(super) fn remember(manifest: &mut Manifest, record: FileRecord) {
    manifest.files.retain(|file| file.path != record.path);
    manifest.files.push(record);
    manifest.files.sort_by(|one, other| one.path.cmp(&other.path));
}
