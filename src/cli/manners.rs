//! `-q` and `-v`, which every verb takes: how much is said besides the answer. And `--no-pager`, where an answer may be long.

use super::config::Laid;
use super::stderr;
use crate::intake::Outcome;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

static VERBOSE: AtomicBool = AtomicBool::new(false);
static NO_PAGER: AtomicBool = AtomicBool::new(false);

/// Verbs below others whose answer may be longer than a screen; those that take a [`super::output::Reader`] have the option.
const PAGED: [(&str, &str); 5] =
    [("grammar", "list"), ("grammar", "explain"), ("runs", "list"), ("runs", "show"), ("config", "show")];

/// Adds to a verb, and to the verbs below it, what they lack of these options.
pub(super) fn with_manners(command: Command) -> Command {
    below(command, "")
}

fn below(command: Command, above: &str) -> Command {
    let verbs: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    let name = command.get_name().to_owned();
    if !verbs.is_empty() {
        return verbs.iter().fold(command, |command, verb| command.mut_subcommand(verb, |verb| below(verb, &name)));
    }
    let has = |option: &str| command.get_arguments().any(|known| known.get_id() == option);
    let flag = |id: &'static str, long: &'static str| Arg::new(id).long(long).action(ArgAction::SetTrue);
    let mut added = Vec::new();
    if !has("quiet") {
        added.push(
            flag("quiet", "quiet").short('q').help("Neither progress nor notes: only the answer and what went wrong"),
        );
    }
    if !has("verbose") {
        let verbose = flag("verbose", "verbose").short('v').conflicts_with("quiet");
        added.push(verbose.help("Say on standard error what was read, how long it took, and why"));
    }
    if !has("no_pager") && PAGED.contains(&(above, name.as_str())) {
        let option = flag("no_pager", "no-pager");
        added
            .push(option.help("Do not use a pager ($PAGER, or `less -FRX`), which otherwise shows text on a terminal"));
    }
    command.args(added)
}

/// Takes what is given; and lists the files of settings that had a say, if that is wanted.
pub(super) fn take(given: &ArgMatches, laid: &[Laid]) {
    let mut leaf = given;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    let said = |id: &str| matches!(leaf.try_get_one::<bool>(id), Ok(Some(true)));
    stderr::be_quiet(said("quiet"));
    VERBOSE.store(said("verbose"), Ordering::Relaxed);
    NO_PAGER.store(said("no_pager"), Ordering::Relaxed);
    for laid in laid {
        let place = match laid.line {
            0 => laid.file.display().to_string(),
            line => format!("{}:{line}", laid.file.display()),
        };
        why(&format!("{}, by {place}", laid.words.join(" ")));
    }
}

/// Whether no pager is wanted.
pub(super) fn without_pager() -> bool {
    NO_PAGER.load(Ordering::Relaxed)
}

/// Says something that is neither the answer nor a failure, unless it is to be quiet.
pub(super) fn note(sentence: &str) {
    if !stderr::is_quiet() {
        stderr::say(sentence);
    }
}

/// Says what was done and why, if that is wanted.
pub(super) fn why(sentence: &str) {
    if VERBOSE.load(Ordering::Relaxed) {
        stderr::say(sentence);
    }
}

/// The same of a log that was read.
pub(super) fn why_read(name: &str, outcome: &Outcome) {
    let summary = &outcome.summary;
    let boots = if summary.boots > 1 { format!(", {} boots", summary.boots) } else { String::new() };
    why(&format!("{name}: read {} bytes of text{boots}", summary.bytes));
}

/// The same of all the work.
pub(super) fn why_so_long(began: Instant) {
    why(&format!("{:.3} s in all", began.elapsed().as_secs_f64()));
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use clap::Command;

    #[test]
    fn every_verb_takes_quiet_and_verbose() {
        fn check(command: &Command, name: &str) {
            let verbs: Vec<&Command> = command.get_subcommands().filter(|verb| verb.get_name() != "help").collect();
            for verb in &verbs {
                check(verb, &format!("{name} {}", verb.get_name()));
            }
            for (short, long) in [('q', "quiet"), ('v', "verbose")] {
                let has = command
                    .get_arguments()
                    .any(|option| option.get_short() == Some(short) && option.get_long() == Some(long));
                assert!(has || !verbs.is_empty(), "{name} has no -{short}, --{long}");
            }
        }
        check(&command(), "kanalyze");
    }
}
