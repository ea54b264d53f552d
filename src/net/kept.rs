//! Pages kept from earlier runs, so that a server is asked only whether they still hold.

use super::error::HttpError;
use crate::files;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// The first line of a kept page's file: what is known of it. The body follows, so that one file is replaced whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    /// What was asked for: the address, and what was sent with it. Another request that leads to the same file name is recognised as another.
    pub asked: String,
    /// Where it came from, after redirects.
    pub url: String,
    /// `Content-Type`, as sent.
    pub content_type: String,
    /// `ETag`, weak ones included: that the page says the same is enough here.
    pub etag: Option<String>,
    /// `Last-Modified`, as sent.
    pub last_modified: Option<String>,
    /// When the server last said that it holds, in seconds since 1970.
    pub checked: u64,
    /// How long the body is.
    pub length: u64,
}

/// The folder of kept pages.
#[derive(Debug, Clone)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn path(&self, asked: &str) -> PathBuf {
        let digest = Sha256::digest(asked.as_bytes());
        let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.0.join(name)
    }

    /// What is kept of `asked`. A file that cannot be read, or is damaged, is as good as none.
    pub(super) fn find(&self, asked: &str, limit: u64) -> Option<(Facts, Vec<u8>)> {
        let path = self.path(asked);
        if fs::metadata(&path).ok()?.len() > limit.saturating_add(1 << 16) {
            return None;
        }
        let mut bytes = fs::read(path).ok()?;
        let end = memchr::memchr(b'\n', &bytes)?;
        let facts: Facts = serde_json::from_slice(&bytes[..end]).ok()?;
        bytes.drain(..=end);
        (facts.asked == asked && facts.length == bytes.len() as u64 && facts.length <= limit).then_some((facts, bytes))
    }

    /// Keeps a page.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub(super) fn keep(&self, facts: &Facts, body: &[u8]) -> Result<(), HttpError> {
        let path = self.path(&facts.asked);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| HttpError::Cache { path, source }
        };
        fs::create_dir_all(&self.0).map_err(at(&self.0))?;
        let mut bytes = serde_json::to_vec(facts).map_err(|error| at(&path)(error.into()))?;
        bytes.push(b'\n');
        bytes.extend_from_slice(body);
        files::replace(&path, &bytes).map_err(at(&path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_found_and_damage_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let kept = Kept::new(folder.path().join("pages"));
        let facts = Facts {
            asked: "https://h.org/a".to_owned(),
            url: "https://h.org/b".to_owned(),
            content_type: "text/html".to_owned(),
            etag: Some("W/\"1\"".to_owned()),
            last_modified: None,
            checked: 1_700_000_000,
            length: 5,
        };
        assert!(kept.find(&facts.asked, 100).is_none());
        kept.keep(&facts, b"a\nb\nc").expect("kept");
        assert_eq!(kept.find(&facts.asked, 100), Some((facts.clone(), b"a\nb\nc".to_vec())));
        assert!(kept.find(&facts.asked, 4).is_none(), "larger than what is taken");
        assert!(kept.find("https://h.org/other", 100).is_none());
        let path = kept.path(&facts.asked);
        for damaged in [&b""[..], b"{}\nabc", b"\xff\xfe", &fs::read(&path).expect("readable")[..40]] {
            fs::write(&path, damaged).expect("written");
            assert!(kept.find(&facts.asked, 100).is_none());
        }
    }
}
