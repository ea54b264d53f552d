//! What names a machine or a person taken out of a text that leaves the house: hosts, users, people, keys, MACs, serials.

use regex::{Captures, Regex};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What is taken out. Each thing gets a name of its own, the same wherever it stands, so that the text can still be read.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    /// Words that are known to name this machine or its people.
    words: Vec<(String, &'static str)>,
    /// What was taken out, and what stands there instead.
    names: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

/// Addresses that are public by themselves.
const PUBLIC: [&str; 6] = [
    "@syzkaller.appspotmail.com",
    "@vger.kernel.org",
    "@lists.linux.dev",
    "@kvack.org",
    "@googlegroups.com",
    "@lists.infradead.org",
];

/// Words that name nobody.
const NOBODY: [&str; 8] = ["root", "localhost", "user", "host", "none", "linux", "kernel", "syzkaller"];

/// What has a known shape: the pattern, whose first group is the name if it has one, and what it is. A test compiles all.
const SHAPES: [(&str, &str); 11] = [
    // Private keys whole, public keys by their base64.
    (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)", "key"),
    (r"\b(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/=]{20,}", "key"),
    (r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[a-z]-[A-Za-z0-9-]{10,})\b", "key"),
    (r#"(?i)\b(?:password|passwd|token|secret|api[-_]?key)\s*[=:]\s*"?([^\s"]{3,})"#, "key"),
    (r"(?i)\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b", "mac"),
    (r#"(?i)\bserial(?:[ _-]?(?:number|no\.?))?\s*[:=]\s*"?([A-Za-z0-9][A-Za-z0-9_.-]{3,})"#, "serial"),
    (r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "uuid"),
    (r"(?:\b[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)", "address"),
    (r"(?:/home|/Users|/export/home)/([A-Za-z0-9._-]+)", "user"),
    (r"\b(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)\b", "host"),
    (r"(?i)\b(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f:]*[0-9a-f]\b", "host"),
];

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> =
    LazyLock::new(|| SHAPES.iter().filter_map(|(pattern, what)| Some((Regex::new(pattern).ok()?, *what))).collect());

impl Redactor {
    /// Takes out what has a known shape, and these names of machines and users.
    #[must_use]
    pub fn new(hosts: &[String], users: &[String]) -> Self {
        let mut words: Vec<(String, &'static str)> = Vec::new();
        for (list, what) in [(hosts, "host"), (users, "user")] {
            let fine = |word: &&String| word.len() >= 3 && !NOBODY.contains(&word.to_lowercase().as_str());
            words.extend(list.iter().filter(fine).map(|word| (word.clone(), what)));
        }
        words.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
        Self { words, ..Self::default() }
    }

    /// The text without names.
    pub fn redact(&mut self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for (pattern, what) in PATTERNS.iter() {
            if !pattern.is_match(&text) {
                continue;
            }
            let replaced = pattern.replace_all(&text, |found: &Captures<'_>| {
                let whole = found.get(0).map_or("", |whole| whole.as_str());
                if *what == "address" && is_public(whole) {
                    return whole.to_owned();
                }
                match found.get(1) {
                    Some(part) => whole.replacen(part.as_str(), &self.name(part.as_str(), what), 1),
                    None => self.name(whole, what),
                }
            });
            text = Cow::Owned(replaced.into_owned());
        }
        let mut text = text.into_owned();
        for (word, what) in self.words.clone() {
            text = self.without(&text, &word, what);
        }
        text
    }

    /// The text without a word, where it stands alone.
    fn without(&mut self, text: &str, word: &str, what: &'static str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(word) {
            let inside = |char: char| char.is_alphanumeric() || char == '_';
            let alone = !rest[..at].ends_with(inside) && !rest[at + word.len()..].starts_with(inside);
            out.push_str(&rest[..at]);
            if alone {
                out.push_str(&self.name(word, what));
            } else {
                out.push_str(word);
            }
            rest = &rest[at + word.len()..];
        }
        out.push_str(rest);
        out
    }

    fn name(&mut self, original: &str, what: &'static str) -> String {
        if let Some(known) = self.names.get(original) {
            return known.clone();
        }
        let count = self.counts.entry(what).or_insert(0);
        *count += 1;
        let name = format!("[{what} {count}]");
        self.names.insert(original.to_owned(), name.clone());
        name
    }
}

/// Whether an address is a list's or syzbot's; `root@` of a prompt is a machine's.
fn is_public(address: &str) -> bool {
    PUBLIC.iter().any(|end| address.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_somebody_goes_and_the_log_stays() {
        let mut redactor = Redactor::new(&["buildbox".to_owned()], &["ann".to_owned(), "root".to_owned()]);
        let text = redactor.redact(
            "ann@buildbox:~$ cat /home/ann/x /home/ben/y\n\
             eth0: 52:54:00:12:34:56 at 192.168.1.17, again 52:54:00:12:34:56\n\
             inet6 fe80::5054:ff:fe12:3456\n\
             usb 1-1: SerialNumber: 4C530001230101\n\
             Linux version 6.99.1 (ben@other.example.org)\n\
             ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 x\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n\
             on buildbox, not buildbox2; root\n",
        );
        for gone in
            ["ann", "/home/ben", "52:54", "192.168", "fe80", "4C53", "other.example", "AAAA", "abc", "on buildbox,"]
        {
            assert!(!text.contains(gone), "{gone}: {text}");
        }
        for kept in ["buildbox2", "root", "Linux version 6.99.1", "eth0:", "SerialNumber: [serial 1]"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert_eq!(text.matches("[mac 1]").count(), 2, "the same thing has one name: {text}");
    }

    #[test]
    fn every_shape_is_a_pattern() {
        assert_eq!(PATTERNS.len(), SHAPES.len());
    }

    #[test]
    fn reports_are_left_as_they_are() {
        let text = "BUG: KASAN: use-after-free in f+0x1/0x2 net/a.c:12\nRIP: 0010:f+0x1/0x2\npci 0000:00:1f.2: x\n[   12.345678] 10:20:30\n\
                    ffff88810a1b2c00: fb fb fb fb\nReported-by: syzbot+0123456789abcdef0123@syzkaller.appspotmail.com\nCc: netdev@vger.kernel.org\n\
                    lock: ffffffff8f1b2c00 (rtnl_mutex){+.+.}-{4:4}, at: f+0x1/0x2\nCode: 48 89 c7 e8\n";
        assert_eq!(Redactor::new(&[], &[]).redact(text), text);
    }
}
