//! The source file that is to blame for a symbolized report.

use super::scan::find;
use crate::grammar::{Blame, Grammar, List};
use std::cmp::Reverse;

/// What stands behind the name of a function in a stack: its offset, or the end of its name in brackets.
const BEHIND_NAMES: [&str; 2] = ["+0x", " ("];

/// The file to blame, if the lines name any. `stall`: whether the report is about a CPU that does not get on.
pub fn guilty_file<'l>(
    grammar: &Grammar,
    lines: impl Iterator<Item = &'l [u8]> + Clone,
    stall: bool,
) -> Option<String> {
    let blame = Search { blame: &grammar.blame, root: None };
    let interrupts = if stall { interrupts(grammar) } else { Vec::new() };
    let found = blame.guilty(&interrupts, lines.clone())?;
    // Most paths begin in the tree.
    let root = if found.starts_with('/') { build_root(lines.clone()) } else { None };
    if root.is_none() { Some(found) } else { Search { root, ..blame }.guilty(&interrupts, lines) }
}

/// Stall reports begin with stacks that are not about the stall; it is what an interrupt broke into, below these texts.
fn interrupts(grammar: &Grammar) -> Vec<String> {
    let marks = grammar.vocabulary.names(List::Interrupts).into_iter();
    marks
        .flat_map(|(name, meaning)| match meaning {
            "line" => vec![name],
            "blamed" => BEHIND_NAMES.iter().map(|behind| format!("{name}{behind}")).collect(),
            _ => Vec::new(),
        })
        .collect()
}

/// What files are looked for with.
struct Search<'a> {
    blame: &'a Blame,
    /// The folder in which the kernel was built, if the paths begin with it.
    root: Option<&'a str>,
}

impl Search<'_> {
    /// The first file below one of the marks, or of all lines.
    fn guilty<'l>(&self, marks: &[String], lines: impl Iterator<Item = &'l [u8]> + Clone) -> Option<String> {
        let below = |mark: &String| {
            let mut rest = lines.clone();
            // Of the line with the mark what follows counts.
            let first = rest.find_map(|line| Some(&line[find(line, mark)?..]))?;
            self.in_lines(std::iter::once(first).chain(rest))
        };
        marks.iter().find_map(below).or_else(|| self.in_lines(lines.clone()))
    }

    fn in_lines<'l>(&self, lines: impl Iterator<Item = &'l [u8]>) -> Option<String> {
        let mut fallback: Option<String> = None;
        let mut guilty: Option<String> = None;
        for line in lines {
            let Some(file) = file_of(line) else { continue };
            let file = self.root.and_then(|root| file.strip_prefix(root)).unwrap_or(file);
            if fallback.is_none() {
                fallback = Some(file.to_owned());
            }
            if self.blame.ignored_lines.is_match(line) {
                continue;
            }
            let file = clean_path(file);
            match &guilty {
                None if !self.blame.ignored_files.contains(file.as_bytes()) => guilty = Some(file),
                None => {}
                Some(found) if is_deeper(found, &file) => guilty = Some(file),
                Some(_) => {}
            }
        }
        guilty.or(fallback)
    }
}

/// The folders at the top of a kernel tree that hold sources which a stack can name.
const TOP: [&str; 20] = [
    "arch", "block", "certs", "crypto", "drivers", "fs", "include", "init", "io_uring", "ipc", "kernel", "lib", "mm",
    "net", "rust", "samples", "security", "sound", "tools", "virt",
];

/// The folder in which a kernel was built whose lines have whole paths, with its last slash. Several files must agree on it.
fn build_root<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Option<&'l str> {
    let files: Vec<&str> = lines.filter_map(file_of).filter(|file| file.starts_with('/')).collect();
    let tops = |file: &'l str| {
        file.match_indices('/')
            .skip(1)
            .map(move |(at, _)| (&file[..at + 1], &file[at + 1..]))
            .filter(|(_, rest)| is_in_tree(rest))
    };
    let support = |root: &str| files.iter().filter(|file| file.strip_prefix(root).is_some_and(is_in_tree)).count();
    let candidates = tops(files.first()?).map(|(root, rest)| (support(root), !rest.starts_with("kernel/"), root));
    // `kernel` is a folder of most architectures, and of many home folders; of what is left, the shortest.
    let best = candidates
        .filter(|(support, ..)| *support > 1)
        .max_by_key(|(support, clear, root)| (*support, *clear, Reverse(root.len())));
    best.map(|(_, _, root)| root)
}

/// Whether a path begins with a folder of the kernel's tree.
fn is_in_tree(path: &str) -> bool {
    path.split_once('/').is_some_and(|(first, _)| TOP.contains(&first))
}

/// Whether `file` lies in a folder below the folder of `found`: a file system below the general code, for instance.
fn is_deeper(found: &str, file: &str) -> bool {
    let folder = found.rsplit_once('/').map_or("", |(folder, _)| folder);
    file.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).is_some_and(|rest| rest.contains('/'))
}

/// The first `path.c:123` or `path.h:123` of a line, without the number.
fn file_of(line: &[u8]) -> Option<&str> {
    // Few lines have a dot, and most have colons.
    memchr::memchr_iter(b'.', line).find_map(|dot| {
        let [b'c' | b'h', b':', digit, ..] = line[dot + 1..] else { return None };
        digit.is_ascii_digit().then_some(())?;
        let is_path = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./".contains(byte);
        let start = line[..dot].iter().rposition(|byte| !is_path(byte)).map_or(0, |at| at + 1);
        let colon = dot + 2;
        (colon - start > 2).then_some(())?;
        std::str::from_utf8(&line[start..colon]).ok()
    })
}

/// `./a//b/../c` → `a/c`.
fn clean_path(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let clean = parts.join("/");
    if path.starts_with('/') { format!("/{clean}") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guilty(text: &str) -> Option<String> {
        guilty_file(&Grammar::built_in(), text.lines().map(str::as_bytes), false)
    }

    #[test]
    fn general_code_is_not_to_blame() {
        assert_eq!(
            guilty(" a+0x1/0x2 lib/a.c:1\n b+0x1/0x2 net/core/dev.c:2\n c+0x1/0x2 net/foo/c.c:3\n").as_deref(),
            Some("net/foo/c.c")
        );
        assert_eq!(guilty(" a+0x1/0x2 include/linux/a.h:1\n").as_deref(), Some("include/linux/a.h"));
        assert_eq!(guilty("nothing here"), None);
    }

    #[test]
    fn a_deeper_folder_wins() {
        assert_eq!(guilty(" a+0x1/0x2 fs/inode.c:1\n b+0x1/0x2 fs/foo/super.c:2\n").as_deref(), Some("fs/foo/super.c"));
        assert_eq!(guilty(" a+0x1/0x2 net/a/x.c:1\n b+0x1/0x2 net/b/y.c:2\n").as_deref(), Some("net/a/x.c"));
    }

    #[test]
    fn the_folder_of_the_build_is_not_part_of_a_path() {
        let text = " __switch_to (/home/kernel/x/arch/arm64/kernel/process.c:7) (T)\n schedule (/home/kernel/x/kernel/sched/core.c:9)\n\
            foo (/home/kernel/x/fs/foo/bar.c:5)\n";
        assert_eq!(guilty(text).as_deref(), Some("fs/foo/bar.c"));
        // One path alone says nothing of it.
        assert_eq!(guilty(" foo (/home/x/fs/foo/bar.c:5)\n").as_deref(), Some("/home/x/fs/foo/bar.c"));
        assert_eq!(build_root("a /b/mm/c.c:1\na /b/mm/d.c:1\n".lines().map(str::as_bytes)), Some("/b/"));
        assert_eq!(build_root("a /mm/c.c:1\na /mm/d.c:1\n".lines().map(str::as_bytes)), None);
    }

    #[test]
    fn paths_are_cleaned() {
        assert_eq!(clean_path("./a//b/../c.c"), "a/c.c");
    }
}
