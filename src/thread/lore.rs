//! Threads from a public-inbox archive such as lore.kernel.org: by the id of a message, by a search.

use crate::input::{self, Source};
use crate::markup::percent_encoded;
use crate::net::{Client, HttpError, Site};
use std::io::Cursor;

/// Where the kernel's lists are kept.
pub const LORE: &str = "https://lore.kernel.org";

/// The index over all lists of an archive.
pub const ALL_LISTS: &str = "all";

/// A packed mailbox is not larger, bytes.
const LARGEST_PACKED: u64 = 64 << 20;
/// An unpacked one is not, bytes.
const LARGEST: usize = 512 << 20;

/// Why no thread came.
#[derive(Debug, thiserror::Error)]
pub enum LoreError {
    /// The network.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The archive does not know the message.
    #[error("{url}: the archive knows no message {id} (mistyped, too new, or on a list that it does not keep)")]
    Unknown {
        /// The address that was asked.
        url: String,
        /// The message.
        id: String,
    },
    /// A page came where a mailbox was asked for.
    #[error(
        "{url}: a web page came instead of a mailbox (a challenge for browsers?); try again later, or save the thread's t.mbox.gz and give it to --mbox"
    )]
    Page {
        /// The address that was asked.
        url: String,
    },
    /// The mailbox cannot be unpacked.
    #[error("{url}: {reason}")]
    Damaged {
        /// The address that was asked.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// A list's name is none.
    #[error("{0:?} is not the name of a list: give it as the archive's address has it, such as netdev")]
    List(String),
}

/// A message's id as a part of an address: what may be misunderstood there is escaped, `/` above all.
#[must_use]
pub fn escaped(text: &str) -> String {
    percent_encoded(text.as_bytes(), b"-._~@+=$")
}

/// The same for a query, where `+` is a blank.
fn escaped_query(text: &str) -> String {
    escaped(text).replace('+', "%2B").replace('=', "%3D")
}

fn list_name(list: &str) -> Result<&str, LoreError> {
    let fine =
        !list.is_empty() && list.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    if fine && !list.starts_with('.') { Ok(list) } else { Err(LoreError::List(list.to_owned())) }
}

/// The address of a message's page.
#[must_use]
pub fn message_address(site: &Site, list: &str, id: &str) -> String {
    site.page(&format!("/{list}/{}/", escaped(id)))
}

/// The address that a search is posted to: whole threads as a mailbox.
#[must_use]
pub fn search_address(site: &Site, list: &str, query: &str) -> String {
    site.page(&format!("/{list}/?x=m&t=1&q={}", escaped_query(query)))
}

/// The mailbox of the thread that a message is in.
///
/// # Errors
/// [`LoreError`].
pub fn thread_mailbox(client: &Client, site: &Site, list: &str, id: &str) -> Result<Vec<u8>, LoreError> {
    let url = format!("{}t.mbox.gz", message_address(site, list_name(list)?, id));
    match client.get(&url, LARGEST_PACKED) {
        Ok(page) => unpacked(&url, page.body),
        Err(HttpError::Status { status: 300 | 404, .. }) => Err(LoreError::Unknown { url, id: id.to_owned() }),
        Err(error) => Err(error.into()),
    }
}

/// The mailbox of all threads in which a message fits a query of the archive's; `None` if none does. The form is posted: an
/// archive answers a plain request for a mailbox with a page.
///
/// # Errors
/// [`LoreError`].
pub fn search(client: &Client, site: &Site, list: &str, query: &str) -> Result<Option<Vec<u8>>, LoreError> {
    let url = search_address(site, list_name(list)?, query);
    match client.post(&url, "", LARGEST_PACKED) {
        Ok(page) => unpacked(&url, page.body).map(Some),
        Err(HttpError::Status { status: 404, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The query for what was said of a bug of syzbot's.
#[must_use]
pub fn bug_query(extid: &str) -> String {
    let address = format!("syzbot+{extid}@syzkaller.appspotmail.com");
    format!("a:\"{address}\" OR b:\"{address}\"")
}

/// The query for mails with a title in their subject.
#[must_use]
pub fn title_query(title: &str) -> String {
    format!("s:\"{}\"", title.replace('"', " "))
}

/// Unpacks a mailbox. Whatever is not gzip is a page, whatever the server calls it.
fn unpacked(url: &str, body: Vec<u8>) -> Result<Vec<u8>, LoreError> {
    if !body.starts_with(&[0x1f, 0x8b]) {
        return Err(LoreError::Page { url: url.to_owned() });
    }
    let damaged = |reason: String| LoreError::Damaged { url: url.to_owned(), reason };
    let source = Source::Stdin;
    let input = input::open_reader(Box::new(Cursor::new(body)), &source).map_err(|error| damaged(error.to_string()))?;
    match input.gathered(LARGEST) {
        None => Err(damaged("more than 512 MiB when unpacked".to_owned())),
        Some((_, Some(damage))) => Err(damaged(damage.to_string())),
        Some((bytes, None)) => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_escaped_for_a_path() {
        assert_eq!(escaped("a/b+c%d?e@x"), "a%2Fb+c%25d%3Fe@x");
        assert_eq!(escaped_query("s:\"a + b\""), "s%3A%22a%20%2B%20b%22");
        let site: Site = "https://lore.example.org".parse().expect("an address");
        assert_eq!(message_address(&site, "all", "a/b@x"), "https://lore.example.org/all/a%2Fb@x/");
    }

    #[test]
    fn a_list_is_a_name() {
        for bad in ["", "../x", "a/b", "a b", ".git"] {
            assert!(list_name(bad).is_err(), "{bad}");
        }
        assert!(list_name("linux-kernel").is_ok());
    }
}
