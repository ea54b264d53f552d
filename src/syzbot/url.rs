//! Which addresses may be asked, and how a link on a page becomes one.

use ureq::http::Uri;
use ureq::http::uri::{Authority, Scheme};

/// Whether `text` may be fetched at all, and as what.
///
/// # Errors
/// A sentence that says what is wrong: only `https`, and `http` to this very machine, are spoken, without a password.
pub fn permitted(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("not an address: {error}"))?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() {
        return Err("an address without a host".to_owned());
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("an address with a user name in it".to_owned());
    }
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => Ok(uri),
        Some(scheme) if *scheme == Scheme::HTTP => {
            Err("only https is spoken (http would let anybody on the way swap the kernel)".to_owned())
        }
        _ => Err("only https is spoken".to_owned()),
    }
}

/// Whether a page at `from` may send us to `to`: the outside must not make us talk to this machine.
///
/// # Errors
/// As [`permitted`].
pub fn may_lead(from: &Uri, to: &str) -> Result<Uri, String> {
    let to = permitted(to)?;
    let inside = |uri: &Uri| uri.host().is_some_and(is_loopback);
    if inside(&to) && !inside(from) {
        return Err("a server outside points to this machine".to_owned());
    }
    Ok(to)
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

/// The last part of an address's path, as the server chose to call the file.
#[must_use]
pub fn file_name(text: &str) -> &str {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// The value of `key` in an address's query.
#[must_use]
pub fn query_value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let query = text.split_once('?')?.1.split('#').next()?;
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key).map(|(_, value)| value)
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
        assert_eq!(query_value("/text?tag=ReproC&x=17#a", "x"), Some("17"));
        assert_eq!(file_name("https://h.org/b/disk-12345678.raw.xz?alt=media"), "disk-12345678.raw.xz");
    }

    proptest! {
        #[test]
        fn no_link_panics(link in "\\PC{0,40}", path in "(/[a-z.]{0,4}){0,3}") {
            let base: Uri = format!("http://localhost{path}").parse().expect("an address");
            let _ = permitted(&resolve(&base, &link));
            let _ = (file_name(&link), query_value(&link, "x"));
        }
    }
}
