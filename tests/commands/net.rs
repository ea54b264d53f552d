//! The HTTP client before a server that drips, keeps still, changes nothing, and takes forms.

use super::loopback::{self, Answer, File, Server, client, client_with};
use kanalyze::net::{Client, HttpError, Manners};
use std::sync::Arc;
use std::time::Duration;

const LIMIT: u64 = 1 << 20;

fn keeping(folder: &std::path::Path, manners: Manners) -> Client {
    Client::new(manners, Arc::new(loopback::PatientClock::default())).keeping(folder.to_owned())
}

#[test]
fn a_server_that_drips_does_not_hold_us() {
    let server = Server::start();
    server.put("/drip", [Answer::Drip]);
    let url = format!("{}/drip", server.url);
    let slow = Manners { silence: Duration::from_millis(300), ..Manners::default() };
    let error = client_with(slow).0.get(&url, LIMIT).expect_err("too slow");
    assert!(matches!(error, HttpError::Slow { received: 1.., .. }), "{error}");
    assert_eq!(server.requests().len(), 1, "a drip is not asked for again");
    let late = Manners { page: Duration::from_millis(300), trickle: 0, ..Manners::default() };
    let error = client_with(late).0.get(&url, LIMIT).expect_err("a page has a time of its own");
    assert!(matches!(error, HttpError::Slow { .. }), "{error}");
}

#[test]
fn a_kept_page_is_asked_for_again_only_by_its_tag() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
    server.put("/page", [Answer::Unchanged(File::new("one"))]);
    let url = format!("{}/page", server.url);
    let client = keeping(folder.path(), Manners::default());
    let first = client.get(&url, LIMIT).expect("a page");
    let second = client.get(&url, LIMIT).expect("the same page");
    assert_eq!((&first.body[..], &second.body[..]), (&b"one"[..], &b"one"[..]));
    assert_eq!(server.requests().len(), 2, "the server was asked whether it holds");
    assert!(second.checked > first.checked, "and said so, a polite second later");
    let changed = File { etag: Some("\"two\""), ..File::new("two") };
    server.put("/page", [Answer::Unchanged(changed)]);
    assert_eq!(client.get(&url, LIMIT).expect("a page").body, b"two");
}

#[test]
fn a_fresh_page_is_not_asked_for_at_all() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
    server.file("/page", "one");
    let url = format!("{}/page", server.url);
    let client = keeping(folder.path(), Manners { fresh: Duration::from_secs(600), ..Manners::default() });
    for _ in 0..3 {
        assert_eq!(client.get(&url, LIMIT).expect("a page").body, b"one");
    }
    assert_eq!(server.requests().len(), 1);
    client.pause(Duration::from_secs(601));
    client.get(&url, LIMIT).expect("a page");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn offline_only_what_is_kept_answers() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
    server.file("/page", "one");
    let url = format!("{}/page", server.url);
    let page = keeping(folder.path(), Manners::default()).get(&url, LIMIT).expect("a page");
    let offline = keeping(folder.path(), Manners::default()).offline(true);
    let kept = offline.get(&url, LIMIT).expect("kept");
    assert_eq!((kept.body, kept.checked), (page.body, page.checked), "and says of when it is");
    let error = offline.get(&format!("{url}2"), LIMIT).expect_err("not kept");
    assert!(matches!(error, HttpError::Offline { .. }) && error.to_string().contains("--offline"), "{error}");
    assert!(matches!(offline.open(&url, &[]), Err(HttpError::Offline { .. })));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_form_is_posted_and_kept_by_what_it_says() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
    let moved = Answer::Status(303, vec![("Location", "/result".to_owned())], String::new());
    server.file("/search", "found").put("/moved", [moved]).file("/result", "elsewhere");
    let client = keeping(folder.path(), Manners { fresh: Duration::from_secs(600), ..Manners::default() });
    let url = format!("{}/search", server.url);
    for form in ["x=m&q=a", "x=m&q=b", "x=m&q=a"] {
        assert_eq!(client.post(&url, form, LIMIT).expect("an answer").body, b"found");
    }
    let seen = server.requests();
    let told: Vec<_> = seen.iter().map(|request| (request.method.as_str(), request.body.as_str())).collect();
    assert_eq!(told, [("POST", "x=m&q=a"), ("POST", "x=m&q=b")]);
    let page = client.post(&format!("{}/moved", server.url), "x=m", LIMIT).expect("an answer");
    assert_eq!(page.body, b"elsewhere");
    assert_eq!(page.url, format!("{}/result", server.url));
    assert_eq!(server.requests_for("/result")[0].method, "GET");
}

#[test]
fn a_page_that_is_too_large_is_not_kept() {
    let (server, folder) = (Server::start(), tempfile::tempdir().expect("a temporary folder"));
    server.file("/page", vec![b'x'; 2000]);
    let url = format!("{}/page", server.url);
    let client = keeping(folder.path(), Manners::default());
    assert!(matches!(client.get(&url, 1999), Err(HttpError::TooLarge { limit: 1999, .. })));
    assert!(loopback::names(folder.path()).is_empty());
    assert_eq!(client.get(&url, 2000).expect("a page").body.len(), 2000);
}

#[test]
fn two_hosts_are_not_one() {
    let (server, (client, clock)) = (Server::start(), client());
    server.file("/a", "a");
    let other = server.url.replace("127.0.0.1", "localhost");
    client.get(&format!("{}/a", server.url), LIMIT).expect("a page");
    client.get(&format!("{other}/a"), LIMIT).expect("a page");
    assert!(clock.waits.lock().expect("no panic").is_empty(), "each host has its own second");
    client.get(&format!("{other}/a"), LIMIT).expect("a page");
    assert_eq!(clock.waits.lock().expect("no panic").len(), 1);
}
