//! The patterns of MAINTAINERS: paths with `*` and `?` as `get_maintainer.pl` understands them, and its regular expressions.

use regex::bytes::{Regex, RegexBuilder};

/// A pattern of `F:` or `X:`.
#[derive(Debug, Clone)]
pub(super) struct PathPattern {
    text: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    /// No sign of the pattern stands for anything but itself.
    Plain,
    /// What the script makes of it: everything but `.`, `*` and `?` is left to the regular expression.
    Expression(Box<Regex>),
    /// No regular expression: it matches nothing.
    Nothing,
}

impl PathPattern {
    pub(super) fn new(text: &str) -> Self {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./,".contains(&byte));
        let matcher = if plain {
            Matcher::Plain
        } else {
            let expression = text.replace('.', r"\.").replace('*', ".*").replace('?', ".");
            // `.*` runs over slashes; that is what counting them is for.
            Regex::new(&format!("^(?:{expression})"))
                .map_or(Matcher::Nothing, |regex| Matcher::Expression(Box::new(regex)))
        };
        Self { text: text.to_owned(), matcher }
    }

    /// How deep the pattern goes, if it matches: slashes, one more for a last part that names a file, -1 where it begins with `*`.
    /// `is_folder` says whether a path is a folder of the tree.
    pub(super) fn depth_in(&self, file: &str, is_folder: &dyn Fn(&str) -> bool) -> Option<i64> {
        let begins = match &self.matcher {
            Matcher::Plain => file.starts_with(&self.text),
            Matcher::Expression(regex) => regex.is_match(file.as_bytes()),
            Matcher::Nothing => false,
        };
        if !begins {
            return None;
        }
        let mut text = self.text.clone();
        // The script asks for the escaped path, which no name with a dot or a star is.
        let may_be_folder = matches!(self.matcher, Matcher::Plain) && !text.contains('.');
        if may_be_folder && !text.ends_with('/') && (file[text.len()..].starts_with('/') || is_folder(&text)) {
            text.push('/');
            if !file.starts_with(&text) {
                return None;
            }
        }
        let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
        let of_folder = text.ends_with('/');
        if !of_folder && slashes(file) != slashes(&text) {
            return None;
        }
        let depth = if text.starts_with('*') { -1 } else { slashes(&text) as i64 + i64::from(!of_folder) };
        Some(depth)
    }
}

/// A regular expression of `N:` or `K:`, blanks in it meaning nothing; none where it is not a regular expression here.
pub(super) fn expression(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).ignore_whitespace(true).unicode(false).size_limit(1 << 22).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(pattern: &str, file: &str) -> Option<i64> {
        PathPattern::new(pattern).depth_in(file, &|folder| folder == "fs/ext")
    }

    #[test]
    fn paths_match_as_the_script_has_it() {
        assert_eq!(depth("fs/ext4/", "fs/ext4/inode.c"), Some(2));
        assert_eq!(depth("fs/ext4", "fs/ext4/inode.c"), Some(2));
        assert_eq!(depth("fs/ext", "fs/ext4"), None, "a folder of that name is meant");
        assert_eq!(depth("fs/e", "fs/ext4.c"), Some(2), "the beginning of a name is enough");
        assert_eq!(depth("fs/*", "fs/inode.c"), Some(2));
        assert_eq!(depth("fs/*", "fs/ext4/inode.c"), None, "only in that folder");
        assert_eq!(depth("fs/*/", "fs/ext4/inode.c"), Some(2));
        assert_eq!(depth("drivers/net/e1000*", "drivers/net/e1000x.c"), Some(3));
        assert_eq!(depth("*/", "mm/slub.c"), Some(-1));
        assert_eq!(depth("*", "mm/slub.c"), None);
        assert_eq!(depth("*", "Makefile"), Some(-1));
        assert_eq!(depth("mm/sl?b.*", "mm/slub.c"), Some(2));
        assert_eq!(depth("mm/slab.[ch]", "mm/slab.h"), Some(2));
        assert_eq!(depth("mm/slab.c", "mm/slabxc"), None);
        assert_eq!(depth("mm/(", "mm/slab.c"), None);
    }
}
