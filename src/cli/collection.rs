//! A folder of logs and bisection transcripts, and what is said about each as text that can be reviewed and compared.

use crate::bisect;
use crate::engine::{Item, Options, read_items};
use crate::input::Source;
use crate::intake::{Outcome, each_log, each_machine, files_below, read_log};
use crate::render::{self, Look, Width, snapshot};
use std::ffi::OsStr;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Endings of packed files.
const PACKED: [&str; 6] = ["", ".gz", ".xz", ".zst", ".bz2", ".lz4"];
/// Columns of the view of a bisection.
const COLUMNS: usize = 80;

/// How a member is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// `NAME.log`: a console log.
    Log,
    /// `NAME.txt`: a transcript, if there is a bisection in it.
    Transcript,
}

/// A file of a collection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The file.
    pub path: PathBuf,
    /// How it is read.
    pub form: Form,
    /// Where what is said about it is kept.
    pub snapshot: PathBuf,
}

/// The members below a folder, in the order of their paths; links to folders are not followed.
///
/// # Errors
/// The folder cannot be listed.
pub fn members(folder: &Path) -> io::Result<Vec<Member>> {
    let is_member = |name: &OsStr| member(PathBuf::from(name)).is_some();
    Ok(files_below(folder, is_member)?.into_iter().filter_map(member).collect())
}

fn member(path: PathBuf) -> Option<Member> {
    let name = path.file_name()?.to_str()?;
    let stem = |end: &str| PACKED.iter().find_map(|packed| name.strip_suffix(&format!("{end}{packed}")));
    let (form, snapshot) = match (stem(".log"), stem(".txt")) {
        (Some(stem), _) => (Form::Log, format!("{stem}.snap")),
        // A log and a transcript may have one name.
        (None, Some(stem)) => (Form::Transcript, format!("{stem}.bisection.snap")),
        (None, None) => return None,
    };
    Some(Member { snapshot: path.with_file_name(snapshot), path, form })
}

/// All that is said about a member, as text; no text if it is nothing that belongs to a collection.
#[must_use]
pub fn said(member: &Member, options: &Options) -> (Option<String>, Outcome) {
    match member.form {
        Form::Log => {
            let (text, outcome) = said_of_log(&member.path, options);
            (Some(text), outcome)
        }
        Form::Transcript => (said_of_transcript(&member.path, options), Outcome::default()),
    }
}

fn said_of_log(log: &Path, options: &Options) -> (String, Outcome) {
    let mut records = Vec::new();
    let mut outcome = Outcome::default();
    let options = Options { threads: 1, ..options.clone() };
    each_machine(&Source::Path(log.to_owned()), &mut |log| {
        outcome = read_log(log, &options, |items| {
            records.extend(items.into_iter().filter_map(|item| match item {
                Item::Closed(report) => serde_json::to_value(report).ok(),
                Item::Event(event) => serde_json::to_value(event).ok(),
                Item::Opened { .. } => None,
            }));
            ControlFlow::Continue(())
        });
        ControlFlow::Continue(())
    });
    (snapshot(&records), outcome)
}

/// What people see of each bisection, and below it its record.
fn said_of_transcript(path: &Path, options: &Options) -> Option<String> {
    let mut said = String::new();
    let name = path.file_name()?.to_string_lossy();
    let look = Look { width: Width(COLUMNS), ..Look::default() };
    each_log(&Source::Path(path.to_owned()), &mut |log| {
        // A text that cannot be read is not a transcript.
        let Ok((text, _)) = log.content.and_then(|content| content.gathered(&name)) else {
            return ControlFlow::Continue(());
        };
        let reports = |crash: &[u8]| {
            let items = read_items(Options { threads: 1, log: name.clone().into_owned(), ..options.clone() }, crash);
            items.into_iter().filter_map(|item| if let Item::Closed(one) = item { Some(*one) } else { None }).collect()
        };
        for found in bisect::read(&name, &text.transcript(), &reports) {
            let mut view = Vec::new();
            let _ = render::bisect::write(&found, &look, &mut view);
            said.push_str(&String::from_utf8_lossy(&view));
            said.push('\n');
            said.push_str(&snapshot(&[serde_json::to_value(&found).unwrap_or_default()]));
        }
        ControlFlow::Continue(())
    });
    (!said.is_empty()).then_some(said)
}
