//! Which addresses may be asked, and how a link on a page becomes one.

use std::fmt::{Display, Formatter};
use std::str::FromStr;
use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

/// Why an address is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("not an address")]
    Malformed,
    /// It names no machine.
    #[error("an address without a host")]
    NoHost,
    /// It carries a name, perhaps a password.
    #[error("an address with a user name in it")]
    UserName,
    /// `http` to another machine.
    #[error("only https is spoken (http would let anybody on the way swap the kernel)")]
    Plain,
    /// Another scheme, or none.
    #[error("only https is spoken")]
    Scheme,
    /// A server on another machine must not make us talk to this one.
    #[error("a server outside points to this machine")]
    Inward,
    /// Redirected again and again.
    #[error("more than {0} redirects")]
    Loop(usize),
}

/// Whether `text` may be fetched at all, and as what: only `https`, and `http` to this very machine, are spoken, without a
/// password.
///
/// # Errors
/// What is wrong with it.
pub fn permitted(text: &str) -> Result<Uri, AddressError> {
    let uri: Uri = text.parse().map_err(|_| AddressError::Malformed)?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(AddressError::UserName);
    }
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP => Err(AddressError::Plain),
        _ => Err(AddressError::Scheme),
    }
}

/// Whether a page at `from` may send us to `to`: the outside must not make us talk to this machine.
///
/// # Errors
/// As [`permitted`].
pub fn may_lead(from: &Uri, to: &str) -> Result<Uri, AddressError> {
    let to = permitted(to)?;
    let inside = |uri: &Uri| uri.host().is_some_and(is_loopback);
    if inside(&to) && !inside(from) {
        return Err(AddressError::Inward);
    }
    Ok(to)
}

/// Where a service is, the dashboard or a mirror of it: what `--base-url` names.
///
/// ```
/// use kanalyze::net::Site;
///
/// let site: Site = "https://mirror.example/syzbot/".parse()?;
/// assert_eq!(site.page("/bug?extid=1"), "https://mirror.example/syzbot/bug?extid=1");
/// // A link with a path of its own is looked up on the mirror too; one with a host goes there, if it may.
/// assert_eq!(site.link("/x/log.txt?x=1")?, "https://mirror.example/syzbot/x/log.txt?x=1");
/// assert!(site.link("http://127.0.0.1/").is_err());
/// # Ok::<(), kanalyze::net::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    base: Uri,
    text: String,
}

impl FromStr for Site {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_end_matches('/');
        Ok(Self { base: permitted(text)?, text: text.to_owned() })
    }
}

impl Display for Site {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.text)
    }
}

impl Site {
    /// The address of a page of ours there; `path` begins with `/` and may have a query.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// The address of a link that the site gave us.
    ///
    /// # Errors
    /// It leads where we may not go.
    pub fn link(&self, link: &str) -> Result<String, AddressError> {
        let full =
            if link.starts_with('/') && !link.starts_with("//") { self.page(link) } else { resolve(&self.base, link) };
        may_lead(&self.base, &full).map(|_| full)
    }
}

/// Whether `host` is this very machine.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The address of `link` as it stands on the page `base`.
#[must_use]
pub fn resolve(base: &Uri, link: &str) -> String {
    let link = link.trim().split('#').next().unwrap_or_default();
    let scheme = base.scheme_str().unwrap_or("https");
    let authority = base.authority().map_or("", Authority::as_str);
    if has_scheme(link) {
        return link.to_owned();
    }
    if let Some(rest) = link.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    if link.starts_with('/') {
        return format!("{scheme}://{authority}{link}");
    }
    let path = base.path();
    if link.starts_with('?') || link.is_empty() {
        return format!("{scheme}://{authority}{path}{link}");
    }
    let folder = &path[..=path.rfind('/').unwrap_or(0).min(path.len().saturating_sub(1))];
    format!("{scheme}://{authority}{folder}{link}")
}

/// Whether `link` begins with `letters:`, as `https:` and `javascript:` do.
fn has_scheme(link: &str) -> bool {
    let Some(colon) = link.find([':', '/', '?']) else { return false };
    link.as_bytes()[colon] == b':'
        && link.starts_with(|first: char| first.is_ascii_alphabetic())
        && link[..colon].bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_https_and_this_machine_are_spoken_to() {
        for good in [
            "https://syzkaller.appspot.com/bug?extid=1",
            "http://127.0.0.1:80/",
            "http://[::1]:9/x",
            "http://localhost/",
        ] {
            assert!(permitted(good).is_ok(), "{good}");
        }
        for bad in [
            "http://syzkaller.appspot.com/",
            "ftp://example.org/",
            "file:///etc/passwd",
            "/bug",
            "",
            "https://user@example.org/",
            "http://127.0.0.1@example.org/",
            "http://127.0.0.1.example.org/",
            "http://10.0.0.1/",
            "https://a b/",
        ] {
            assert!(permitted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_outside_cannot_send_us_to_this_machine() {
        let outside: Uri = "https://example.org/".parse().expect("an address");
        let inside: Uri = "http://127.0.0.1:8/".parse().expect("an address");
        assert!(may_lead(&outside, "http://127.0.0.1:8/").is_err());
        assert!(may_lead(&outside, "https://localhost/").is_err());
        assert!(may_lead(&outside, "https://example.com/").is_ok());
        assert!(may_lead(&inside, "http://127.0.0.1:9/").is_ok());
        assert!(may_lead(&inside, "https://example.com/").is_ok());
    }

    #[test]
    fn links_resolve_as_in_a_browser() {
        let base: Uri = "https://h.org/a/bug?extid=1".parse().expect("an address");
        for (link, expected) in [
            ("/x/log.txt?x=1", "https://h.org/x/log.txt?x=1"),
            ("https://o.org/y", "https://o.org/y"),
            ("//o.org/y", "https://o.org/y"),
            ("log.txt", "https://h.org/a/log.txt"),
            ("?x=1", "https://h.org/a/bug?x=1"),
            ("/text?u=http://z/#top", "https://h.org/text?u=http://z/"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ] {
            assert_eq!(resolve(&base, link), expected);
        }
    }

    #[test]
    fn links_lead_only_where_they_may() {
        let site = |text: &str| text.parse::<Site>().expect("a site");
        let base = site("http://127.0.0.1:5/mirror/");
        assert_eq!(base.link("/x/log.txt?x=1").as_deref(), Ok("http://127.0.0.1:5/mirror/x/log.txt?x=1"));
        assert_eq!(base.link("https://a.org/b").as_deref(), Ok("https://a.org/b"));
        for bad in ["file:///etc/passwd", "//user@h/x", "http://h/x", "javascript:1"] {
            assert!(base.link(bad).is_err(), "{bad}");
        }
        assert_eq!(site("https://a.org").link("http://127.0.0.1/x"), Err(AddressError::Inward));
    }

    proptest! {
        #[test]
        fn no_link_panics(link in "\\PC{0,40}", path in "(/[a-z.]{0,4}){0,3}") {
            let base: Uri = format!("http://localhost{path}").parse().expect("an address");
            let _ = permitted(&resolve(&base, &link));
        }
    }
}
