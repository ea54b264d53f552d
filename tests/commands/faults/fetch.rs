//! `bundle fetch` ended before a change to the disk, on a disk that is full, from a server that breaks off: what has its final name
//! is whole, and the next call fetches the rest.

use super::{ENOSPC, Fault, contents, ends_with_a_sentence, kanalyze, told, with_fault};
use crate::bundle::{EXTID, dashboard};
use crate::loopback::{Answer, File, Server, disk, xz};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};

const SIGTERM: i32 = 15;
const SIGKILL: i32 = 9;
const DISK: &str = "/assets/0a/disk-aaaaaaaa.raw.xz";

fn arguments(server: &Server) -> Vec<&str> {
    vec!["bundle", "fetch", "--extid", EXTID, "--into", "bug", "--base-url", &server.url, "--interval", "0"]
}

/// The files of the bundle by name, but for the manifest and the page, which say when and from where they came, and for drafts of
/// processes that are dead.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let own = |path: &Path| ["bundle.json", "bug.html"].iter().any(|name| path.ends_with(name));
    let files = contents(&folder.join("bug")).into_iter();
    files.filter(|(path, _)| !own(path) && !name(path).starts_with('.')).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a fetch that nothing disturbs brings.
fn whole() -> Vec<(String, Vec<u8>)> {
    let (server, folder) = (dashboard(), tempfile::tempdir().expect("a temporary folder"));
    let output = kanalyze(folder.path(), &arguments(&server)).output().expect("the program runs");
    assert!(output.status.success(), "{}", told(&output));
    files(folder.path()).into_iter().map(|(path, bytes)| (name(&path), bytes)).collect()
}

#[test]
fn a_fetched_bundle_is_whole_wherever_its_fetcher_dies() {
    let whole = whole();
    assert!(whole.len() > 8, "{} files", whole.len());
    for signal in [SIGTERM, SIGKILL] {
        // The steps are many, since a disk is long: fewer of them the further it is.
        let (mut after, mut next, mut kills) = (1, 2, 0);
        loop {
            let (server, folder) = (dashboard(), tempfile::tempdir().expect("a temporary folder"));
            let arguments = arguments(&server);
            let output =
                with_fault(folder.path(), &arguments, &Fault { kind: "kill", path: "bug/", number: signal, after });
            for (path, bytes) in files(folder.path()) {
                // A draft has another name.
                let expected = whole.iter().find(|(known, _)| *known == name(&path));
                assert!(expected.is_none_or(|(_, expected)| *expected == bytes), "{} is half", path.display());
            }
            let manifest = std::fs::read(folder.path().join("bug/bundle.json"));
            let sound = |text: Vec<u8>| serde_json::from_slice::<serde_json::Value>(&text).is_ok();
            assert!(manifest.is_ok_and(sound) || !folder.path().join("bug/bundle.json").exists(), "half a manifest");
            if output.status.signal().is_none() && output.status.success() {
                break;
            }
            kills += 1;
            let again = kanalyze(folder.path(), &arguments).output().expect("the program runs");
            assert!(again.status.success(), "after {after} changes: {}", told(&again));
            let came: Vec<(String, Vec<u8>)> =
                files(folder.path()).into_iter().map(|(path, bytes)| (name(&path), bytes)).collect();
            let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            assert_eq!(names(&came), names(&whole), "after {after} changes");
            assert!(came == whole, "after {after} changes a file is another one");
            (after, next) = (next, after + next);
        }
        assert!(kills >= 4, "{kills} kills");
    }
}

#[test]
fn a_full_disk_ends_the_fetch_with_a_sentence_and_keeps_what_came() {
    let whole = whole();
    let (server, folder) = (dashboard(), tempfile::tempdir().expect("a temporary folder"));
    let arguments = arguments(&server);
    let fault = Fault { kind: "write", path: "disk", number: ENOSPC, after: 0 };
    let output = with_fault(folder.path(), &arguments, &fault);
    ends_with_a_sentence(&arguments, &output, &["No space left"]);
    assert!(!folder.path().join("bug/disk.raw").exists(), "a disk that is not whole has the name of one");
    let again = kanalyze(folder.path(), &arguments).output().expect("the program runs");
    assert!(again.status.success(), "{}", told(&again));
    assert_eq!(files(folder.path()).len(), whole.len());
}

#[test]
fn a_server_that_breaks_off_is_asked_for_the_rest() {
    let (server, folder) = (dashboard(), tempfile::tempdir().expect("a temporary folder"));
    let file = File::new(xz(&disk()));
    server.put(DISK, [Answer::Cut(file.clone(), 100), Answer::File(file)]);
    let output = kanalyze(folder.path(), &arguments(&server)).output().expect("the program runs");
    assert!(output.status.success(), "{}", told(&output));
    assert!(std::fs::read(folder.path().join("bug/disk.raw")).expect("a disk") == disk());
    let asked = server.requests_for(DISK);
    assert_eq!(asked.last().and_then(|request| request.range.as_deref()), Some("bytes=100-"), "{asked:?}");
}
