//! The logs of a table: those that the command line names, or those of a list that is read bit by bit.

use super::{Arguments, is_standard_input};
use crate::input::Source;
use anyhow::Context as _;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

/// So many names of a list are read at once.
const AT_ONCE: usize = 4096;
/// A longer name is not a name: Linux takes 4096 bytes.
const LONGEST: usize = 64 << 10;

/// Logs that are named, some at a time.
pub(in crate::cli) struct Listed {
    /// How many there are, if that is known.
    pub(super) total: Option<u64>,
    /// Whether every argument stood for a log.
    pub(super) named: bool,
    rest: Rest,
}

enum Rest {
    Known(Vec<Source>),
    List { reader: Box<dyn BufRead>, shown: String, end: Option<u8> },
}

impl Listed {
    /// These logs.
    pub(in crate::cli) fn known(sources: Vec<Source>, named: bool) -> Self {
        Self { total: Some(sources.len() as u64), named, rest: Rest::Known(sources) }
    }

    /// The logs that the command line asks for.
    ///
    /// # Errors
    /// No log is named, or the list cannot be opened.
    pub(super) fn of(arguments: &Arguments) -> anyhow::Result<Self> {
        let Some(path) = &arguments.files_from else {
            let (sources, named) = arguments.logs.sources()?;
            return Ok(Self::known(sources, named));
        };
        let shown = path.display().to_string();
        let reader: Box<dyn BufRead> = if is_standard_input(path) {
            Box::new(BufReader::new(std::io::stdin()))
        } else {
            Box::new(BufReader::new(File::open(path).with_context(|| format!("{shown}: the list cannot be opened"))?))
        };
        Ok(Self { total: None, named: true, rest: Rest::List { reader, shown, end: None } })
    }

    /// The next logs; none at the end.
    ///
    /// # Errors
    /// The list cannot be read on.
    pub(super) fn next_sources(&mut self) -> anyhow::Result<Vec<Source>> {
        let (reader, shown, end) = match &mut self.rest {
            Rest::Known(sources) => return Ok(std::mem::take(sources)),
            Rest::List { reader, shown, end } => (reader, shown, end),
        };
        let mut sources = Vec::new();
        while sources.len() < AT_ONCE {
            let end = match *end {
                Some(end) => end,
                None => {
                    let first = reader.fill_buf().with_context(|| shown.clone())?;
                    *end.insert(if first.contains(&0) { 0 } else { b'\n' })
                }
            };
            let mut name = Vec::new();
            let mut limited = std::io::Read::take(&mut *reader, LONGEST as u64);
            if limited.read_until(end, &mut name).with_context(|| format!("{shown}: the list cannot be read"))? == 0 {
                break;
            }
            let name = name.strip_suffix(&[end]).unwrap_or(&name);
            let name = if end == b'\n' { name.strip_suffix(b"\r").unwrap_or(name) } else { name };
            anyhow::ensure!(
                name.len() < LONGEST - 2,
                "{shown}: this is not a list of names: a line has {LONGEST} bytes"
            );
            if !name.is_empty() {
                sources.push(Source::Path(PathBuf::from(OsStr::from_bytes(name))));
            }
        }
        Ok(sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn names(list: &'static [u8]) -> Vec<String> {
        let rest = Rest::List { reader: Box::new(Cursor::new(list)), shown: "list".to_owned(), end: None };
        let mut listed = Listed { total: None, named: true, rest };
        listed.next_sources().expect("names").iter().map(Source::to_string).collect()
    }

    #[test]
    fn a_list_has_a_name_on_each_line_or_zeros_between() {
        assert_eq!(names(b"a.log\r\n\nb c.log\n-"), ["a.log", "b c.log", "-"]);
        assert_eq!(names(b"a\nb.log\0c.log\0"), ["a\nb.log", "c.log"]);
        assert!(names(b"").is_empty());
    }
}
