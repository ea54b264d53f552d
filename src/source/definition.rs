//! Where a function is defined, for logs that name no files.

use super::answers::remembered;
use super::code::{Function, function_named};
use super::git::{SourceError, words};
use super::tree::Tree;
use crate::grammar::bare_function;
use serde::{Deserialize, Serialize};

/// With more files than this that may define it, none is named.
const FILES: usize = 24;

/// The answer, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kept(Option<(String, String, u32, u32)>);

/// The file and the lines of the one function of that name at a commit; none if there is none, or several.
///
/// # Errors
/// What git says.
pub(super) fn definition_of(
    tree: &Tree,
    commit: &str,
    function: &str,
) -> Result<Option<(String, Function)>, SourceError> {
    let name = bare_function(function);
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.len() < 3 || !plain {
        return Ok(None);
    }
    let kept = remembered(tree, &["definition", commit, name], || {
        tree.tell(&format!("where {name} is defined"));
        let pattern = format!("^([A-Za-z_].*[^A-Za-z0-9_])?{name}[[:space:]]*\\(");
        let said = match tree.git.output(&words(&["grep", "-l", "-z", "-I", "-E", "-e", &pattern, commit])) {
            Ok(said) => said,
            // Nothing was found.
            Err(SourceError::Failed { words, .. }) if words.starts_with("exit status") => Vec::new(),
            Err(error) => return Err(error),
        };
        let said = String::from_utf8_lossy(&said).into_owned();
        let files = said.split('\0').filter_map(|found| found.split_once(':')).map(|(_, file)| file);
        let files: Vec<&str> =
            files.filter(|file| file.ends_with(".c") || file.ends_with(".h")).take(FILES + 1).collect();
        let mut found = Vec::new();
        for file in files.iter().take(FILES) {
            let text = tree.text(commit, file)?.unwrap_or_default();
            found.extend(function_named(&text, name).map(|function| ((*file).to_owned(), function)));
        }
        Ok(Kept(match (&found[..], files.len() > FILES) {
            ([(file, function)], false) => Some((file.clone(), function.name.clone(), function.first, function.last)),
            _ => None,
        }))
    })?;
    Ok(kept.0.map(|(file, name, first, last)| (file, Function { name, first, last })))
}
