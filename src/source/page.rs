//! Everything that a tree says about one report, on one page.

use super::base::{Hints, base_of};
use super::blame::{blame_function, blame_line};
use super::code::{Function, excerpt, function_around, function_named};
use super::commit::of_ids;
use super::definition::definition_of;
use super::fixed::{Query, fixed};
use super::git::SourceError;
use super::people::people;
use super::place::{Wanted, places_of, places_of_dump};
use super::record::{BLAME_SCHEMA, Base, BaseKind, BlamePage, CodeLine, Commit, Place, PlaceRole};
use super::tree::{Tree, short};
use crate::grammar::bare_function;
use crate::locks::Dump;
use crate::report::{Frame, Report, StackRole};

/// How many frames are named.
const FRAMES: usize = 6;

/// What is wanted on a page.
#[derive(Debug, Clone, Default)]
pub struct PageOptions {
    /// What is known of the kernel besides the log.
    pub hints: Hints,
    /// Every frame of the stack that crashed, not only the blamed one.
    pub all_frames: bool,
    /// Whether it is fixed.
    pub fixed: bool,
    /// syzbot's id of the bug, for that question.
    pub extid: Option<String>,
    /// Whom to tell.
    pub people: bool,
}

/// A report in the light of a tree.
///
/// # Errors
/// The user names a commit that is not there; git fails. What is only missing is named on the page.
pub fn blame_page(tree: &Tree, report: &Report, options: &PageOptions) -> Result<BlamePage, SourceError> {
    let base = base_of(tree, report.kernel_version.as_deref(), &options.hints)?;
    let mut unknown = lacks(tree);
    let wanted = places_of(report, options.all_frames);
    let mut places = Vec::new();
    for one in &wanted {
        places.push(place_of(tree, &base, one, options.hints.range.as_ref())?);
    }
    if wanted.is_empty() {
        unknown.push("the report names no line and no function".into());
    }
    let blamed = places.iter().find(|place| place.file.is_some() && place.role != PlaceRole::Called);
    let wrote =
        blamed.and_then(|place| place.blame.as_ref()).filter(|blame| blame.is_telling()).map(|blame| &blame.commit);
    let found = if options.fixed {
        let mut titles = vec![report.title.clone()];
        titles.extend(report.alt_titles.iter().cloned());
        let told = |place: &Place| matches!(place.role, PlaceRole::Blamed | PlaceRole::Holds | PlaceRole::Waits);
        let mut commits: Vec<String> = places
            .iter()
            .filter(|place| told(place))
            .filter_map(|place| place.blame.as_ref().filter(|blame| blame.is_telling()))
            .map(|blame| blame.commit.commit.clone())
            .collect();
        commits.dedup();
        Some(fixed(
            tree,
            &Query {
                extid: options.extid.clone(),
                titles,
                blamed: commits,
                function: blamed.and_then(|place| Some((place.file.clone()?, place.around.as_ref()?.name.clone()))),
                // A guess is not a kernel that crashed.
                base: (base.kind != BaseKind::Head).then(|| base.clone()),
            },
        )?)
    } else {
        None
    };
    let whom = if options.people {
        Some(people(tree, &base.commit, blamed.and_then(|place| place.file.as_deref()), wrote)?)
    } else {
        None
    };
    Ok(BlamePage {
        schema: BLAME_SCHEMA,
        log: report.log.clone(),
        index: Some(report.index),
        line: Some(report.line),
        title: report.title.clone(),
        frames: first_frames(report),
        tree: tree.state.clone(),
        base,
        places,
        fixed: found,
        people: whom,
        unknown,
    })
}

/// A moment of a hang in the light of a tree: where each lock that is waited for was taken, and where it is awaited. `release` is
/// what the log says of its kernel.
///
/// # Errors
/// The user names a commit that is not there; git fails.
pub fn dump_page(tree: &Tree, dump: &Dump, release: Option<&str>, hints: &Hints) -> Result<BlamePage, SourceError> {
    let base = base_of(tree, release, hints)?;
    let places = places_of_dump(dump).iter().map(|one| place_of(tree, &base, one, None)).collect::<Result<_, _>>()?;
    let at = dump.at.map_or(String::new(), |at| format!(" at {at:.6} s"));
    Ok(BlamePage {
        schema: BLAME_SCHEMA,
        log: dump.log.clone(),
        index: None,
        line: Some(dump.line),
        title: format!("the locks of line {}{at}", dump.line),
        frames: Vec::new(),
        tree: tree.state.clone(),
        base,
        places,
        fixed: None,
        people: None,
        unknown: lacks(tree),
    })
}

/// A commit that is blamed (a bisection's culprit) in the light of a tree: itself, its fixes, whom to tell. `title` is the crash's.
///
/// # Errors
/// The commit is not in the tree; git fails.
pub fn commit_page(
    tree: &Tree,
    log: &str,
    name: &str,
    title: Option<&str>,
) -> Result<(Commit, BlamePage), SourceError> {
    let id = tree.commit(name)?;
    let unknown = || SourceError::NoCommit { tree: tree.state.path.clone().into(), name: name.to_owned() };
    let commit = of_ids(&tree.git, [id.as_str()])?.pop().ok_or_else(unknown)?;
    let base = Base {
        commit: id.clone(),
        date: commit.date.clone(),
        committed: commit.committed,
        kind: BaseKind::Given,
        words: "the blamed commit".into(),
        doubts: Vec::new(),
    };
    let query = Query {
        extid: None,
        titles: title.map(str::to_owned).into_iter().collect(),
        blamed: vec![id.clone()],
        function: None,
        base: None,
    };
    let page = BlamePage {
        schema: BLAME_SCHEMA,
        log: log.to_owned(),
        index: None,
        line: None,
        title: commit.subject.clone(),
        frames: Vec::new(),
        tree: tree.state.clone(),
        places: Vec::new(),
        fixed: Some(fixed(tree, &query)?),
        people: Some(people(tree, &base.commit, None, Some(&commit))?),
        base,
        unknown: lacks(tree),
    };
    Ok((commit, page))
}

/// What the clone lacks.
fn lacks(tree: &Tree) -> Vec<String> {
    let mut lacks = Vec::new();
    if tree.state.shallow {
        lacks.push(format!(
            "this clone is shallow, its history is cut: `git -C {} fetch --unshallow` gets the rest",
            tree.state.path
        ));
    }
    lacks
}

/// The first frames of the stack that crashed, from the one that the title names on.
fn first_frames(report: &Report) -> Vec<String> {
    let named =
        |role: StackRole| report.stacks.iter().find(move |stack| stack.role == role && !stack.frames.is_empty());
    let crash = named(StackRole::Crash).or_else(|| report.stacks.iter().find(|stack| !stack.frames.is_empty()));
    let of_crash = crash.map(|crash| crash.frames.as_slice()).unwrap_or_default();
    let pc = named(StackRole::Pc).filter(|pc| crash.is_none_or(|crash| !std::ptr::eq(*pc, crash)));
    let of_pc = pc.map(|pc| pc.frames.as_slice()).unwrap_or_default();
    let repeats = of_pc.iter().any(|frame| of_crash.first().is_some_and(|first| first.function == frame.function));
    let of_pc = if repeats { &[] } else { of_pc };
    let frames: Vec<&Frame> = of_pc.iter().chain(of_crash).filter(|frame| frame.reliable).collect();
    let blamed = report.subject.as_deref().unwrap_or(&report.frame);
    let at = frames.iter().position(|frame| frame.is_function(blamed)).unwrap_or(0);
    // What is inlined there stands before it.
    let first = frames[..at].iter().rposition(|frame| !frame.inline).map_or(0, |before| before + 1);
    frames[first..].iter().take(FRAMES).map(|frame| frame_words(frame)).collect()
}

/// `function+0x1/0x2 [module] file:line`.
fn frame_words(frame: &Frame) -> String {
    let mut words = frame.function.clone().or_else(|| frame.address.clone()).unwrap_or_else(|| "?".into());
    if let (Some(offset), Some(size)) = (frame.offset, frame.size) {
        words.push_str(&format!("+{offset:#x}/{size:#x}"));
    }
    if let Some(module) = &frame.module {
        words.push_str(&format!(" [{module}]"));
    }
    if let (Some(file), Some(line)) = (&frame.file, frame.line) {
        words.push_str(&format!(" {file}:{line}"));
    }
    if frame.inline {
        words.push_str(" [inline]");
    }
    words
}

/// A place that a log names, looked up at a commit. `range` is the last good and the first bad commit, where they are known.
///
/// # Errors
/// Git fails.
fn place_of(tree: &Tree, base: &Base, wanted: &Wanted, range: Option<&(String, String)>) -> Result<Place, SourceError> {
    let mut place = Place {
        role: wanted.role,
        of: wanted.of.clone(),
        function: wanted.function.clone(),
        said_file: wanted.at.as_ref().map(|(file, _)| file.clone()),
        file: None,
        line: wanted.at.as_ref().map(|(_, line)| *line),
        inlined: wanted.inlined.clone(),
        log_line: wanted.log_line,
        code: Vec::new(),
        blame: None,
        around: None,
        unknown: Vec::new(),
    };
    match look(tree, base, wanted, range, &mut place) {
        Err(error) if error.is_missing_object() => {
            let file = place.file.as_deref().or(place.said_file.as_deref()).unwrap_or("the file");
            place.unknown.push(if tree.state.partial {
                tree.remedy(&base.commit, file)
            } else {
                format!("{file} cannot be read at {}: the repository is damaged ({error})", short(&base.commit))
            });
            Ok(place)
        }
        answer => answer.map(|()| place),
    }
}

fn look(
    tree: &Tree,
    base: &Base,
    wanted: &Wanted,
    range: Option<&(String, String)>,
    place: &mut Place,
) -> Result<(), SourceError> {
    let at = short(&base.commit);
    let (file, function) = match &wanted.at {
        Some((said, line)) => {
            let Some(file) = tree.find_file(&base.commit, said)? else {
                place.unknown.push(format!("there is no file {said} in this tree at {at}"));
                return Ok(());
            };
            place.file = Some(file.clone());
            let text = tree.text(&base.commit, &file)?.unwrap_or_default();
            place.code = excerpt(&text, *line);
            if place.code.is_empty() {
                let lines = text.lines().count();
                place.unknown.push(format!(
                    "{file} has {lines} lines at {at}, and no line {line}: the kernel was built from another state of it"
                ));
                return Ok(());
            }
            let function = function_around(&text, *line);
            place.unknown.extend(
                wanted.function.as_deref().and_then(|name| elsewhere(name, &text, function.as_ref(), *line, at)),
            );
            (file, function)
        }
        None => {
            let Some(name) = &wanted.function else { return Ok(()) };
            let Some((file, function)) = definition_of(tree, &base.commit, name)? else {
                place.unknown.push(format!(
                    "the log names no line, and this tree has no single definition of {name} at {at}: -k vmlinux gives lines"
                ));
                return Ok(());
            };
            place.file = Some(file.clone());
            place.unknown.push("the log names no line of it: -k vmlinux gives the line".into());
            let text = tree.text(&base.commit, &file)?.unwrap_or_default();
            let lines = (function.first..).zip(text.lines().skip(function.first as usize - 1)).take(5);
            let lines = lines.take_while(|(number, _)| *number <= function.last);
            place.code =
                lines.map(|(number, text)| CodeLine { number, text: text.to_owned(), marked: false }).collect();
            (file, Some(function))
        }
    };
    if base.commit == tree.state.head && tree.is_changed(&file) == Some(true) {
        place.unknown.push(format!("{file} has uncommitted changes in this tree; the committed text is shown"));
    }
    if place.role == PlaceRole::Called {
        return Ok(());
    }
    if let Some(line) = place.line {
        place.blame = blame_line(tree, &base.commit, &file, line)?;
    }
    let told = matches!(place.role, PlaceRole::Blamed | PlaceRole::Holds | PlaceRole::Waits);
    if let Some(function) = function.filter(|_| told) {
        place.around = Some(blame_function(tree, base, &file, &function, range)?);
    }
    Ok(())
}

/// That a line is not in the function that the log names, though the file has it.
fn elsewhere(name: &str, text: &str, around: Option<&Function>, line: u32, at: &str) -> Option<String> {
    let name = bare_function(name);
    if around.is_some_and(|function| function.name == name) {
        return None;
    }
    let there = function_named(text, name)?;
    Some(format!(
        "line {line} is not in {name}, which stands in lines {} to {} at {at}: the kernel was built from another state of the file",
        there.first, there.last
    ))
}
