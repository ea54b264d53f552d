//! Hyperlinks for terminals (OSC 8): `file:line` of a log leads to the file, source lines to wherever the user says.
//!
//! The links are laid around text that is written already: what a log says was made harmless before, so that every escape sequence
//! here is ours. See <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>.

use crate::markup::percent_encoded;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// The variable with the URL of a line of a file: `{path}`, `{line}`, `{host}`; `none` for no links.
const LINKS: &str = "KANALYZE_LINKS";
/// The variable with the URL of a source line: `{file}`, `{line}`.
const SOURCE_LINKS: &str = "KANALYZE_SOURCE_LINKS";
/// Where nothing is said: terminals open it with the program for such files.
const USUAL: &str = "file://{host}{path}#{line}";
/// Endings of source files.
const SOURCES: [&str; 5] = [".c", ".h", ".S", ".rs", ".s"];
/// A longer line is passed on as it is, bytes.
const LONGEST: usize = 64 << 10;

/// Where places lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Links {
    file: String,
    source: Option<String>,
    host: String,
    folder: PathBuf,
}

impl Links {
    /// As the environment says; none if it wants none, or the terminal shows none.
    pub(super) fn of_environment() -> Option<Self> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = set(LINKS).unwrap_or_else(|| USUAL.to_owned());
        let plain = set("TERM").is_some_and(|term| term == "dumb" || term == "linux");
        if file == "none" || plain {
            return None;
        }
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        Some(Self { file, source: set(SOURCE_LINKS), host, folder: std::env::current_dir().ok()? })
    }

    /// The line with its places as links.
    fn linked(&self, line: &str) -> String {
        let mut out = String::with_capacity(line.len());
        let mut done = 0;
        for (colon, _) in line.match_indices(':') {
            let digits = line[colon + 1..].bytes().take_while(u8::is_ascii_digit).count();
            let begin = line[..colon]
                .rfind(is_edge)
                .map_or(0, |edge| edge + line[edge..].chars().next().map_or(1, char::len_utf8));
            let begin = after_style(line, begin, colon);
            if digits == 0 || digits > 9 || begin < done || begin == colon {
                continue;
            }
            let end = colon + 1 + digits;
            let Some(address) = self.address(&line[begin..colon], &line[colon + 1..end]) else { continue };
            out.push_str(&line[done..begin]);
            out.push_str(&format!("\x1b]8;;{address}\x1b\\{}\x1b]8;;\x1b\\", &line[begin..end]));
            done = end;
        }
        out.push_str(&line[done..]);
        out
    }

    /// Where a place leads, if it is a file that is there or a source line.
    fn address(&self, name: &str, line: &str) -> Option<String> {
        if !name.contains(['/', '.']) {
            return None;
        }
        let path = self.folder.join(name);
        if path.is_file() {
            let path = encoded(&path);
            return Some(self.file.replace("{host}", &self.host).replace("{path}", &path).replace("{line}", line));
        }
        let source = self.source.as_ref().filter(|_| SOURCES.iter().any(|ending| name.ends_with(ending)))?;
        Some(source.replace("{file}", &encoded(Path::new(name.trim_start_matches("./")))).replace("{line}", line))
    }
}

/// What ends a name on its left.
fn is_edge(char: char) -> bool {
    char.is_whitespace() || matches!(char, '(' | '[' | '“' | '"' | '\'' | '=' | '→')
}

/// Where a name begins behind colours that touch it.
fn after_style(line: &str, begin: usize, end: usize) -> usize {
    let style = line.as_bytes()[begin..end].iter().rposition(|byte| *byte == 0x1b);
    let from = style.map_or(begin, |escape| begin + escape);
    match style.and_then(|_| line[from..end].find('m')) {
        Some(letter) => from + letter + 1,
        // `[` of an escape is an edge: its parameters follow.
        None if begin > 1 && line.as_bytes()[begin - 1] == b'[' && line.as_bytes()[begin - 2] == 0x1b => {
            line[begin..end].find('m').map_or(end, |letter| begin + letter + 1)
        }
        None => begin,
    }
}

/// A path in a URL.
fn encoded(path: &Path) -> String {
    percent_encoded(path.as_os_str().as_bytes(), b"/-._~+")
}

/// Lays links around the places in whole lines on their way.
pub(super) struct Linker<W> {
    links: Links,
    line: Vec<u8>,
    out: W,
}

impl<W: Write> Linker<W> {
    /// On the way to `out`.
    pub(super) fn new(links: Links, out: W) -> Self {
        Self { links, line: Vec::new(), out }
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        match std::str::from_utf8(&line) {
            Ok(text) if line.len() <= LONGEST => self.out.write_all(self.links.linked(text).as_bytes()),
            _ => self.out.write_all(&line),
        }
    }
}

impl<W: Write> Write for Linker<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() > LONGEST {
                self.hand_on()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_links_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("a b.log"), "").expect("written");
        std::fs::write(folder.path().join("x.log"), "").expect("written");
        let links = Links {
            file: "edit://{path}:{line}".to_owned(),
            source: Some("https://src/{file}#L{line}".to_owned()),
            host: "here".to_owned(),
            folder: folder.path().to_owned(),
        };
        let at = folder.path().display();
        let link = |address: &str, text: &str| format!("\x1b]8;;{address}\x1b\\{text}\x1b]8;;\x1b\\");
        assert_eq!(
            links.linked("  x.log:12 · 3:45\n"),
            format!("  {} · 3:45\n", link(&format!("edit://{at}/x.log:12"), "x.log:12"))
        );
        assert_eq!(
            links.linked("\x1b[2mx.log:7\x1b[0m f net/core/dev.c:88"),
            format!(
                "\x1b[2m{}\x1b[0m f {}",
                link(&format!("edit://{at}/x.log:7"), "x.log:7"),
                link("https://src/net/core/dev.c#L88", "net/core/dev.c:88")
            )
        );
        for text in ["nosuch.log:3\n", "12:30:59\n", "INFO: task x:77 blocked\n", "a:\n", ":5\n"] {
            assert_eq!(links.linked(text), text);
        }
        let mut out = Vec::new();
        let mut linker = Linker::new(links, &mut out);
        linker
            .write_all(b"x.lo")
            .and_then(|()| linker.write_all(b"g:1 \xff\n"))
            .and_then(|()| linker.flush())
            .expect("written");
        drop(linker);
        assert_eq!(out, b"x.log:1 \xff\n", "what is not text stays");
    }
}
