//! `.mailmap`: the names and addresses that people go by now.

use super::address::{address_of, formatted, name_of};
use std::collections::BTreeMap;

/// The file: wrong `address` or `Name <address>` → right name, right address.
#[derive(Debug, Default)]
pub(super) struct Mailmap {
    right: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl Mailmap {
    /// Reads the file, as `get_maintainer.pl` does.
    pub(super) fn parse(text: &str) -> Self {
        let mut right: BTreeMap<String, (Option<String>, Option<String>)> = BTreeMap::new();
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("").trim();
            let parts: Vec<&str> = line.split_inclusive('>').map(str::trim).collect();
            let (first, second) = match parts[..] {
                [first] if first.ends_with('>') => (first, None),
                [first, second] if first.ends_with('>') && second.ends_with('>') => (first, Some(second)),
                _ => continue,
            };
            let (name, address) = (name_of(first), address_of(first).to_owned());
            if address.is_empty() {
                continue;
            }
            let name = Some(name).filter(|name| !name.is_empty());
            let Some(second) = second else {
                // `Name <address>`: the address stays, the name is this one.
                right.entry(address).or_default().0 = name;
                continue;
            };
            let wrong = match (name_of(second), address_of(second)) {
                (_, "") => continue,
                (wrong_name, wrong) if wrong_name.is_empty() => wrong.to_owned(),
                (wrong_name, wrong) => formatted(&wrong_name, wrong),
            };
            let entry = right.entry(wrong).or_default();
            entry.0 = name.or(entry.0.take());
            entry.1 = Some(address);
        }
        Self { right }
    }

    /// The name and the address that somebody goes by.
    pub(super) fn mapped(&self, name: &str, address: &str) -> (String, String) {
        let found = self.right.get(&formatted(name, address)).or_else(|| self.right.get(address));
        let (right_name, right_address) = found.cloned().unwrap_or_default();
        (right_name.unwrap_or_else(|| name.to_owned()), right_address.unwrap_or_else(|| address.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_line_is_read() {
        let map = Mailmap::parse(
            "# a remark\nAnn Author <ann@example.org>\n<ben@new.example> <ben@old.example>\n\
             Cat C. <cat@new.example> <cat@old.example>\nDan <dan@new.example> Dan Wrong <shared@example.org>\nnothing\n",
        );
        let mapped = |name: &str, address: &str| {
            let (name, address) = map.mapped(name, address);
            format!("{name} <{address}>")
        };
        assert_eq!(mapped("A. Author", "ann@example.org"), "Ann Author <ann@example.org>");
        assert_eq!(mapped("Ben", "ben@old.example"), "Ben <ben@new.example>");
        assert_eq!(mapped("Cat", "cat@old.example"), "Cat C. <cat@new.example>");
        assert_eq!(mapped("Dan Wrong", "shared@example.org"), "Dan <dan@new.example>");
        assert_eq!(mapped("Eve", "shared@example.org"), "Eve <shared@example.org>");
    }
}
