//! Debug files from a debuginfod server, by build id, kept in the cache folder that elfutils uses too.
//!
//! The transfer itself is a function that the caller gives: this layer knows no network.

use crate::files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Gets a URL into a new file. `Ok(false)` means that the server does not have it.
pub type Fetch<'fetch> = &'fetch dyn Fn(&str, &Path) -> io::Result<bool>;

/// The servers of `DEBUGINFOD_URLS`, separated by blanks. None are asked unless the user named them.
#[must_use]
pub fn servers(variable: &str) -> Vec<String> {
    let web = |url: &&str| url.starts_with("http://") || url.starts_with("https://");
    variable.split_whitespace().filter(web).map(|url| url.trim_end_matches('/').to_owned()).collect()
}

/// The folder of the cache: `DEBUGINFOD_CACHE_PATH`, else `debuginfod_client` below the user's cache folder.
#[must_use]
pub fn client_cache() -> Option<PathBuf> {
    files::absolute("DEBUGINFOD_CACHE_PATH").or_else(|| Some(files::user_caches()?.join("debuginfod_client")))
}

/// The debug file of a build id: from the cache, else from the first server that has it. `None` if no one has.
///
/// # Errors
/// What went wrong with the last server, if none gave an answer; a build id that is none.
pub fn find(build_id: &str, servers: &[String], cache: &Path, fetch: Fetch<'_>) -> io::Result<Option<PathBuf>> {
    if build_id.len() < 8 || !build_id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("'{build_id}' is not a build id")));
    }
    let build_id = build_id.to_ascii_lowercase();
    let folder = cache.join(&build_id);
    let target = folder.join("debuginfo");
    if fs::metadata(&target).is_ok_and(|facts| facts.len() > 0) {
        return Ok(Some(target));
    }
    let mut trouble = None;
    for server in servers {
        fs::create_dir_all(&folder)?;
        let draft = folder.join(format!("debuginfo.{}.part", std::process::id()));
        match fetch(&format!("{server}/buildid/{build_id}/debuginfo"), &draft) {
            Ok(true) => {
                files::place(&draft, &target)?;
                return Ok(Some(target));
            }
            Ok(false) => {}
            Err(error) => trouble = Some(io::Error::new(error.kind(), format!("{server}: {error}"))),
        }
        let _ = fs::remove_file(&draft);
    }
    trouble.map_or(Ok(None), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_what_the_user_named() {
        assert_eq!(servers(" https://a.example/  ftp://b http://c"), ["https://a.example", "http://c"]);
        assert!(servers("").is_empty());
    }

    #[test]
    fn a_file_is_fetched_once_and_a_failed_transfer_leaves_nothing() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let asked = std::cell::RefCell::new(Vec::new());
        let fetch = |url: &str, target: &Path| {
            asked.borrow_mut().push(url.to_owned());
            if url.starts_with("http://bad") {
                fs::write(target, b"half")?;
                return Err(io::Error::other("connection lost"));
            }
            fs::write(target, b"\x7fELF")?;
            Ok(true)
        };
        let servers = ["http://bad".to_owned(), "http://good".to_owned()];
        let found = find("ABCDEF0123", &servers, cache.path(), &fetch).expect("an answer").expect("a file");
        assert_eq!(fs::read(&found).expect("readable"), b"\x7fELF");
        assert_eq!(
            *asked.borrow(),
            ["http://bad/buildid/abcdef0123/debuginfo", "http://good/buildid/abcdef0123/debuginfo"]
        );
        assert!(
            find("abcdef0123", &servers, cache.path(), &|_, _| panic!("asked again")).expect("an answer").is_some()
        );
        assert_eq!(fs::read_dir(cache.path().join("abcdef0123")).expect("the folder").count(), 1);
        assert!(find("abcdef0124", &servers[..1], cache.path(), &fetch).is_err());
        assert!(find("../../etc", &servers, cache.path(), &fetch).is_err());
    }
}
