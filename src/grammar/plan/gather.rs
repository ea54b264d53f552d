//! Reads grammar files and joins their entries.

use super::expression::escape;
use super::order::ordered;
use super::rarity::Rarity;
use super::shape::required_literal;
use super::sought::{Marks, Signs, Sought, rarest_demanded, signs, sought};
use super::source::{self, File};
use super::words::Vocabulary;
use super::{Fault, Place};
use serde::{Deserialize, Serialize};

/// The entries of all files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// In the order in which they are tried: syzbot's, those of this grammar, a user's.
    pub(crate) headers: Vec<(Place, source::Header)>,
    /// By header, and for each in the order in which they are tried.
    pub(crate) kinds: Vec<(Place, source::Kind)>,
    /// In the order of the files, each with its triggers and its pattern.
    pub(crate) events: Vec<(Place, source::Event, Signs)>,
    pub(crate) recipes: Vec<source::Recipe>,
    /// The longest beginnings first.
    pub(crate) types: Vec<(String, String)>,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) skip: Vec<String>,
    pub(crate) anchors: Vec<String>,
    pub(crate) hung: source::Hung,
    pub(crate) prefixes: Vec<String>,
    pub(crate) output: source::Output,
    /// For each pattern of `output.suppressed`, the text by which its lines are searched for.
    pub(crate) suppressed: Vec<String>,
    pub(crate) blame: source::Blame,
}

impl Plan {
    /// Takes the entries of one file, each with what its file says of all.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn take(&mut self, path: &str, text: &str, rarity: Rarity<'_>) -> Result<(), Fault> {
        let file: File = toml::from_str(text).map_err(|error| Fault {
            place: Place { file: path.to_owned(), line: error.span().map_or(1, |span| line_of(text, span.start)) },
            message: not_a_grammar(text).unwrap_or_default() + &remedied(error.message()),
        })?;
        let place = |offset: usize| Place { file: path.to_owned(), line: line_of(text, offset) };
        self.headers.extend(file.header.into_iter().map(|header| (place(header.span().start), header.into_inner())));
        for kind in file.kind {
            let at = place(kind.span().start);
            let mut kind = kind.into_inner();
            kind.severity = kind.severity.or(file.defaults.severity);
            if kind.advice.is_empty() {
                kind.advice.clone_from(&file.defaults.advice);
            }
            self.kinds.push((at, kind));
        }
        for event in file.event {
            let at = place(event.span().start);
            let mut event = event.into_inner();
            event.severity = event.severity.or(file.defaults.severity);
            if event.advice.is_empty() {
                event.advice.clone_from(&file.defaults.advice);
            }
            // Each stands for the other where it is missing.
            if event.trigger.is_empty() {
                event.trigger = vec![required_literal(&event.pattern)];
            } else if event.pattern.is_empty() {
                event.pattern = event.trigger.iter().map(|text| escape(text)).collect::<Vec<_>>().join("|");
            }
            if event.crash {
                // A user's crash entry is a header with one kind.
                let (header, kind) = crash_of(event);
                self.headers.push((at.clone(), header));
                self.kinds.push((at, kind));
            } else {
                let signs = signs(&event, rarity);
                self.events.push((at, event, signs));
            }
        }
        self.recipes.extend(file.recipe);
        for row in file.r#type {
            self.types.extend(row.titles.into_iter().map(|beginning| (beginning, row.name.clone())));
        }
        self.vocabulary.add(file.word.into_iter().map(|word| (place(word.span().start), word.into_inner())))?;
        self.skip.extend(file.skip.into_iter().flat_map(|skip| skip.patterns));
        self.anchors.extend(file.anchors.patterns);
        self.hung.patterns.extend(file.hung.patterns);
        self.hung.at_once.extend(file.hung.at_once);
        self.prefixes.extend(file.syscalls.prefixes);
        self.suppressed.extend(file.output.suppressed.iter().map(|source| rarest_demanded(source, rarity)));
        append(&mut self.output, file.output);
        self.blame.ignored_files.extend(file.blame.ignored_files);
        self.blame.ignored_lines.extend(file.blame.ignored_lines);
        Ok(())
    }

    /// Puts all entries into the order in which they are tried, once all files are taken.
    ///
    /// # Errors
    /// A kind without its header, an order that cannot be, a word that is another one's.
    pub(crate) fn arrange(&mut self) -> Result<(), Fault> {
        // syzbot's headers are tried first, so that its title stays where a line holds several.
        self.headers.sort_by_key(|(_, header)| !header.syzbot);
        let ids: Vec<&str> = self.headers.iter().map(|(_, header)| header.id.as_str()).collect();
        let mut by_header: Vec<Vec<(Place, source::Kind)>> = ids.iter().map(|_| Vec::new()).collect();
        for (place, kind) in std::mem::take(&mut self.kinds) {
            let Some(at) = ids.iter().position(|id| *id == kind.header) else {
                let message = format!(
                    "kind '{}' names the header '{}', which no file defines; add a [[header]] with that id or name one of: {}",
                    kind.id,
                    kind.header,
                    ids.join(", ")
                );
                return Err(Fault { place, message });
            };
            by_header[at].push((place, kind));
        }
        for below in by_header {
            self.kinds.extend(ordered(below)?);
        }
        self.types.sort_by_key(|(beginning, _)| std::cmp::Reverse(beginning.len()));
        self.vocabulary.arrange();
        self.vocabulary.check()
    }

    /// All texts that any search looks for.
    pub(crate) fn sought(&self, marks: Marks<'_>) -> Vec<Sought> {
        let headers = self.headers.iter().map(|(_, header)| header);
        let events = self.events.iter().map(|(_, event, signs)| (event, signs));
        sought(headers, &self.output, &self.suppressed, events, marks)
    }
}

/// What is said of a text that holds not one entry, and is not in TOML either.
fn not_a_grammar(text: &str) -> Option<String> {
    let is_entry = |line: &str| line.trim_start().starts_with("[[");
    (!text.lines().any(is_entry))
        .then(|| "this is not a grammar file, which `kanalyze grammar --help` shows: ".to_owned())
}

/// The TOML reader's words, and what to do where they do not say it.
fn remedied(message: &str) -> String {
    match message.strip_prefix("unknown field `rank`, expected ") {
        Some(_) => {
            "`rank` is gone: a kind for what no other kind fits says `fallback = true`, one that must be tried behind \
             another says `after = \"its id\"`"
                .to_owned()
        }
        None => message.trim().to_owned(),
    }
}

fn crash_of(event: source::Event) -> (source::Header, source::Kind) {
    let header = source::Header {
        id: event.id.clone(),
        text: event.trigger,
        only: Some(event.pattern.clone()),
        unless: Vec::new(),
        part: Vec::new(),
        carries_on: Vec::new(),
        introduces: Vec::new(),
        ends_log: false,
        syzbot: false,
        programs: true,
        severity: event.severity,
    };
    let kind = source::Kind {
        gate: event.pattern,
        header: event.id.clone(),
        id: event.id,
        about: event.about,
        advice: event.advice,
        severity: event.severity,
        fallback: false,
        after: None,
        body: None,
        then: String::new(),
        below: Vec::new(),
        title: event.title,
        nameless: None,
        alt: Vec::new(),
        frames: source::Frames::default(),
        skip: Vec::new(),
        choose: source::Choice::First,
        stackless: true,
        damaged: false,
        common: false,
        interrupted: false,
        causes: Vec::new(),
        causes_at_once: Vec::new(),
        samples: event.samples,
    };
    (header, kind)
}

fn append(all: &mut source::Output, more: source::Output) {
    all.suppressed.extend(more.suppressed);
    all.panicked.extend(more.panicked);
    all.disconnected.extend(more.disconnected);
    all.replayed.extend(more.replayed);
    all.never_second.extend(more.never_second);
    all.always_second.extend(more.always_second);
    all.follows.extend(more.follows);
    all.follows_oops.extend(more.follows_oops);
    all.follows_init.extend(more.follows_init);
    all.ends.extend(more.ends);
    all.noise.extend(more.noise);
    all.goes_on.extend(more.goes_on);
    all.faults.extend(more.faults);
    all.findings.extend(more.findings);
    all.limits.extend(more.limits);
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
