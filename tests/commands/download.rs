//! Downloads from a server that cuts, throttles, lies and redirects.

use super::loopback::{Answer, File, Server, client, client_with, disk, gzip, kernel, names, noise, xz};
use kanalyze::net::{Client, HttpError, Manners};
use kanalyze::syzbot::download::{Download, DownloadError, Fetched, Progress, download};
use kanalyze::syzbot::manifest::Role;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn get(client: &Client, url: &str, to: &Path, role: Role, force: bool) -> Result<Fetched, DownloadError> {
    let (packed_limit, unpacked_limit) = (4 << 20, 16 << 20);
    let what = Download { url, destination: to, role, force, packed_limit, unpacked_limit };
    download(client, &what, &mut |_| {})
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("disk.raw");
    (folder, path)
}

#[test]
fn a_disk_arrives_unpacked_and_alone() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    let packed = xz(&disk());
    server.put("/disk.raw.xz", [Answer::Slow(File::new(packed.clone()), 1000)]);
    let mut steps: Vec<Progress> = Vec::new();
    let url = format!("{}/disk.raw.xz", server.url);
    let what = Download {
        url: &url,
        destination: &path,
        role: Role::Disk,
        force: false,
        packed_limit: 4 << 20,
        unpacked_limit: 16 << 20,
    };
    let fetched = download(&client, &what, &mut |progress| steps.push(progress)).expect("a disk");
    assert!(fs::read(&path).expect("a file") == disk());
    assert_eq!((fetched.packed_size, fetched.unpacked.size), (packed.len() as u64, 3 << 20));
    assert_eq!(names(folder.path()), ["disk.raw"]);
    assert!(steps.len() > 2 && steps.is_sorted_by_key(|step| step.received), "{steps:?}");
    assert_eq!(steps.last(), Some(&Progress { received: packed.len() as u64, total: Some(packed.len() as u64) }));
}

#[test]
fn a_download_that_is_cut_goes_on_where_it_stopped() {
    let (server, (client, clock), (folder, path)) = (Server::start(), client(), place());
    let packed = xz(&disk());
    let file = File::new(packed.clone());
    let cut = |after| Answer::Cut(file.clone(), after);
    server.put("/d", [cut(50_000), cut(50_000), cut(1), cut(0), Answer::File(file.clone())]);
    let fetched = get(&client, &format!("{}/d", server.url), &path, Role::Disk, false).expect("a disk");
    assert!(fs::read(&path).expect("a file") == disk());
    assert_eq!((fetched.packed_size, fetched.resumed_from), (packed.len() as u64, 0));
    let ranges: Vec<_> = server.requests().into_iter().map(|request| request.range).collect();
    let from = |start: u32| Some(format!("bytes={start}-"));
    assert_eq!(ranges, [None, from(50_000), from(100_000), from(100_001), from(100_001)]);
    assert!(clock.waits.lock().expect("no panic").iter().all(|wait| *wait <= Duration::from_secs(4)));
    assert_eq!(names(folder.path()), ["disk.raw"]);
}

#[test]
fn the_next_call_goes_on_where_a_broken_one_stopped() {
    let (server, (_folder, path)) = (Server::start(), place());
    let (client, _) = client_with(Manners { attempts: 1, ..Manners::default() });
    let file = File::new(xz(&disk()));
    server.put("/d", [Answer::Cut(file.clone(), 70_000), Answer::File(file)]);
    let url = format!("{}/d", server.url);
    let error = get(&client, &url, &path, Role::Disk, false).expect_err("cut");
    assert!(matches!(error, DownloadError::Broken { received: 70_000, .. }), "{error}");
    assert!(error.to_string().contains("run the same command again"), "{error}");
    assert!(!path.exists());
    let fetched = get(&client, &url, &path, Role::Disk, false).expect("a disk");
    assert_eq!(fetched.resumed_from, 70_000);
    assert!(fs::read(&path).expect("a file") == disk());
}

#[test]
fn an_interrupted_replacement_leaves_the_old_file() {
    let (server, (_folder, path)) = (Server::start(), place());
    let (client, _) = client_with(Manners { attempts: 1, ..Manners::default() });
    fs::write(&path, "old").expect("a file");
    let file = File::new(xz(&disk()));
    server.put("/d", [Answer::Cut(file.clone(), 70_000), Answer::File(file)]);
    let url = format!("{}/d", server.url);
    assert!(matches!(get(&client, &url, &path, Role::Disk, false), Err(DownloadError::Exists(_))));
    assert_eq!(server.requests().len(), 0, "nothing is asked for that may not be kept");
    get(&client, &url, &path, Role::Disk, true).expect_err("cut");
    assert_eq!(fs::read(&path).expect("a file"), b"old");
    get(&client, &url, &path, Role::Disk, true).expect("a disk");
    assert!(fs::read(&path).expect("a file") == disk());
}

#[test]
fn a_file_that_changes_meanwhile_is_fetched_anew() {
    let (server, (client, _), (_folder, path)) = (Server::start(), client(), place());
    let old = File::new(xz(&noise(100_000)));
    let new = File { etag: Some("\"two\""), ..File::new(xz(&disk())) };
    server.put("/d", [Answer::Cut(old, 40_000), Answer::File(new)]);
    get(&client, &format!("{}/d", server.url), &path, Role::Disk, false).expect("a disk");
    assert!(fs::read(&path).expect("a file") == disk());
}

#[test]
fn a_server_without_ranges_sends_the_whole_again() {
    let (server, (client, _), (_folder, path)) = (Server::start(), client(), place());
    for file in [
        File { ranges: false, ..File::new(xz(&disk())) },
        File { etag: None, ..File::new(xz(&disk())) },
        File { etag: Some("W/\"weak\""), ..File::new(xz(&disk())) },
    ] {
        server.put("/d", [Answer::Cut(file.clone(), 40_000), Answer::File(file)]);
        get(&client, &format!("{}/d", server.url), &path, Role::Disk, true).expect("a disk");
        assert!(fs::read(&path).expect("a file") == disk());
    }
}

#[test]
fn what_came_whole_before_the_kill_is_not_sent_again() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    let packed = xz(&disk());
    server.file("/d", packed.clone());
    let url = format!("{}/d", server.url);
    // As a kill between the last byte and the renaming leaves it.
    fs::write(folder.path().join("disk.raw.wire.part"), &packed).expect("a file");
    let version = format!(r#"{{"url":"{url}","validator":"\"one\"","total":{}}}"#, packed.len());
    fs::write(folder.path().join("disk.raw.part.json"), version).expect("a file");
    let fetched = get(&client, &url, &path, Role::Disk, false).expect("a disk");
    assert_eq!(fetched.resumed_from, packed.len() as u64);
    assert!(fs::read(&path).expect("a file") == disk());
}

#[test]
fn a_truncated_xz_is_no_disk_and_leaves_nothing() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    let packed = xz(&disk());
    for bytes in [&packed[..packed.len() - 10], &packed[..packed.len() / 2], &gzip(&disk())[..3000]] {
        server.file("/d", bytes);
        let error = get(&client, &format!("{}/d", server.url), &path, Role::Disk, false).expect_err("truncated");
        assert!(error.to_string().contains("ends in the middle"), "{error}");
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }
}

#[test]
fn a_damaged_xz_is_no_disk() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    let mut packed = xz(&disk());
    packed[100_000] ^= 1;
    server.file("/d", packed);
    let error = get(&client, &format!("{}/d", server.url), &path, Role::Disk, false).expect_err("damaged");
    assert!(matches!(error, DownloadError::Unfit { .. }), "{error}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn the_doubly_packed_image_of_arm64_is_unpacked_twice() {
    let (server, (client, _), (_folder, path)) = (Server::start(), client(), place());
    let mut image = noise(50_000);
    image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    server.file("/Image-12345678.gz.xz", xz(&gzip(&image)));
    let url = format!("{}/Image-12345678.gz.xz", server.url);
    let fetched = get(&client, &url, &path, Role::Kernel, false).expect("an image");
    assert_eq!(fetched.unpacked.format.name(), "arm64-image");
    assert!(fs::read(&path).expect("a file") == image);
}

#[test]
fn bombs_and_giants_are_refused() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    server.file("/bomb", xz(&vec![0; 17 << 20])).file("/giant", noise((4 << 20) + 1));
    let bomb = get(&client, &format!("{}/bomb", server.url), &path, Role::Disk, false).expect_err("a bomb");
    assert!(bomb.to_string().contains("unpacks to more than"), "{bomb}");
    let giant = get(&client, &format!("{}/giant", server.url), &path, Role::Disk, false).expect_err("a giant");
    assert!(giant.to_string().contains("is the bound for such a file"), "{giant}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn an_error_page_is_no_reproducer() {
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    server.put(
        "/r",
        [Answer::File(File { content_type: "text/html", ..File::new("<!doctype html><title>Sign in</title>") })],
    );
    let error = get(&client, &format!("{}/r", server.url), &path, Role::ReproSyz, false).expect_err("a page");
    assert!(error.to_string().contains("web page"), "{error}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

#[test]
fn a_server_that_asks_for_a_pause_gets_it() {
    let (server, (client, clock), (_folder, path)) = (Server::start(), client(), place());
    let busy = |header: Option<&str>, words: &str| {
        let headers = header.map(|value| ("Retry-After", value.to_owned())).into_iter().collect();
        Answer::Status(429, headers, words.to_owned())
    };
    server.put(
        "/k",
        [
            busy(Some("7"), ""),
            busy(None, "Allowed rate is 60 requests per 45 seconds."),
            // The clock of the test begins 2023-11-14 22:13:20.
            busy(Some("Tue, 14 Nov 2023 22:16:00 GMT"), ""),
            Answer::Status(503, vec![("Retry-After", "3".to_owned())], String::new()),
            Answer::File(File::new(kernel())),
        ],
    );
    get(&client, &format!("{}/k", server.url), &path, Role::Kernel, false).expect("a kernel");
    let waits: Vec<u64> = clock.waits.lock().expect("no panic").iter().map(Duration::as_secs).collect();
    assert_eq!(waits, [7, 45, 108, 3], "and no second is added after such a pause");
}

#[test]
fn a_pause_beyond_our_patience_is_reported() {
    let (server, (client, clock), (_folder, path)) = (Server::start(), client(), place());
    server.put("/k", [Answer::Status(429, vec![("Retry-After", "86400".to_owned())], String::new())]);
    let error = get(&client, &format!("{}/k", server.url), &path, Role::Kernel, false).expect_err("busy");
    assert!(matches!(&error, DownloadError::Http(HttpError::Busy { wait, .. }) if wait.as_secs() == 86400), "{error}");
    assert!(clock.waits.lock().expect("no panic").is_empty());
}

#[test]
fn one_request_a_second_is_sent() {
    let (server, (client, clock)) = (Server::start(), client());
    server.file("/a", "a").file("/b", "b");
    for path in ["/a", "/b", "/a"] {
        client.get(&format!("{}{path}", server.url), 10).expect("a page");
    }
    let waits = clock.waits.lock().expect("no panic").clone();
    assert_eq!(waits, [Duration::from_secs(1), Duration::from_secs(1)]);
}

#[test]
fn redirects_are_looked_at_before_they_are_followed() {
    let (server, (client, _)) = (Server::start(), client());
    let other = Server::start();
    other.file("/there", "here");
    let to = |location: String| [Answer::Status(302, vec![("Location", location)], String::new())];
    server.put("/good", to(format!("{}/there", other.url)));
    assert_eq!(client.get(&format!("{}/good", server.url), 10).expect("a page").body, b"here");
    server.put("/near", to("/nearer?a=b".to_owned())).file("/nearer?a=b", "near");
    assert_eq!(client.get(&format!("{}/near", server.url), 10).expect("a page").body, b"near");
    for bad in [
        "http://example.org/x",
        "file:///etc/passwd",
        "ftp://example.org/",
        "//user:word@example.org/",
        "javascript:x",
        "http://[::",
    ] {
        server.put("/bad", to(bad.to_owned()));
        let error = client.get(&format!("{}/bad", server.url), 10).expect_err(bad);
        assert!(matches!(error, HttpError::Refused { .. } | HttpError::Misled { .. }), "{bad}: {error}");
    }
    server.put("/loop", to("/loop".to_owned()));
    let error = client.get(&format!("{}/loop", server.url), 10).expect_err("a loop");
    assert!(error.to_string().contains("more than 5 redirects"), "{error}");
}

#[test]
fn a_silent_server_does_not_hold_us_for_ever() {
    let server = Server::start();
    let (client, _) = client_with(Manners { silence: Duration::from_millis(100), attempts: 2, ..Manners::default() });
    server.put("/s", [Answer::Silence]);
    let error = client.get(&format!("{}/s", server.url), 10).expect_err("silence");
    assert!(matches!(error, HttpError::Line { .. }), "{error}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_that_is_not_there_is_reported() {
    let server = Server::start();
    let url = server.url.clone();
    drop(server);
    let (client, clock) = client();
    let error = client.get(&url, 10).expect_err("nobody");
    assert!(matches!(error, HttpError::Line { .. }), "{error}");
    assert!(clock.waits.lock().expect("no panic").len() >= 4, "it was tried again");
}

#[test]
fn a_full_disk_is_reported_and_what_came_is_kept() {
    // The kernel's own full disk, `/dev/full`.
    let (server, (client, _), (folder, path)) = (Server::start(), client(), place());
    server.file("/d", xz(&disk()));
    std::os::unix::fs::symlink("/dev/full", folder.path().join("disk.raw.wire.part")).expect("a link");
    let error = get(&client, &format!("{}/d", server.url), &path, Role::Disk, false).expect_err("full");
    assert!(matches!(error, DownloadError::Io { .. }), "{error}");
    assert!(error.to_string().contains("make room"), "{error}");
    assert!(!path.exists());
}
