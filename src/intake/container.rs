//! The file that a log is a part of: a member of an archive and the lines of one machine have names of their own, but no file.

use super::archive::Form;
use super::content::more;
use crate::input::{Input, Source, open};
use std::collections::HashMap;
use std::path::Path;

/// So much of a file shows whether it is an archive, bytes.
const HEAD: usize = 512;

/// A file with several logs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub file: String,
    /// Whether it is an archive: lines are those of the member. The lines of a machine are those of the file.
    pub archive: bool,
}

/// The files of logs that are parts of one, by the names of the logs.
#[derive(Debug, Default)]
pub struct Containers(HashMap<String, Container>);

impl Containers {
    /// Looks for those of some logs.
    pub fn of<'a>(logs: impl Iterator<Item = &'a str>) -> Self {
        let mut files: HashMap<String, bool> = HashMap::new();
        let found = logs.filter_map(|log| {
            let file = file_of(log)?;
            let archive = *files.entry(file.to_owned()).or_insert_with(|| is_archive(file));
            Some((log.to_owned(), Container { file: file.to_owned(), archive }))
        });
        Self(found.collect())
    }

    /// That of a log, and what the log is called in it; nothing if the log is a file.
    #[must_use]
    pub fn get<'a>(&'a self, log: &'a str) -> Option<(&'a Container, &'a str)> {
        let container = self.0.get(log)?;
        Some((container, log.strip_prefix(container.file.as_str())?.trim_start_matches('/')))
    }
}

/// Nothing lies below a file, so what a name begins with and is one holds the log.
fn file_of(log: &str) -> Option<&str> {
    if Path::new(log).exists() {
        return None;
    }
    let mut parts = log.rmatch_indices('/').map(|(at, _)| &log[..at]);
    parts.find(|part| !part.is_empty() && Path::new(part).exists()).filter(|part| Path::new(part).is_file())
}

fn is_archive(file: &str) -> bool {
    match open(&Source::Path(file.into())) {
        Err(_) => false,
        Ok(Input::Whole(bytes)) => Form::of(&bytes).is_some(),
        Ok(Input::Stream(mut stream)) => {
            let mut head = Vec::new();
            while head.len() < HEAD && more(&mut stream, &mut head) {}
            Form::of(&head).is_some()
        }
    }
}
