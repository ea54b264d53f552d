//! What the text of a link says, without asking anybody.

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
    fn a_link_names_its_file_and_its_keys() {
        assert_eq!(query_value("/text?tag=ReproC&x=17#a", "x"), Some("17"));
        assert_eq!(file_name("https://h.org/b/disk-12345678.raw.xz?alt=media"), "disk-12345678.raw.xz");
    }

    proptest! {
        #[test]
        fn no_link_panics(link in "\\PC{0,40}") {
            let _ = (file_name(&link), query_value(&link, "x"));
        }
    }
}
