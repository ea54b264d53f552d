//! Several runs in turn: until a hit, or two kernels against each other.

use super::Arguments;
use super::settings::Job;
use crate::cli::live::Speaker;
use crate::runs::archive::{forget, forgettable};
use crate::runs::{Outcome, RunFolder, Verdict};
use crate::vm::session::{self, Interrupt};
use std::io::Write;
use std::path::Path;

/// Runs the jobs in turn, `--times` each; one kernel alone ends with its first hit.
///
/// # Errors
/// A run's folder cannot be made.
pub(super) fn run(
    arguments: &Arguments,
    jobs: &[Job],
    runs: &Path,
    speaker: &mut Speaker,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<Outcome>> {
    let mut outcomes: Vec<(usize, Outcome)> = Vec::new();
    'rounds: for round in 1..=arguments.keep.times {
        for (number, job) in jobs.iter().enumerate() {
            if round == 1 {
                for warning in &job.warnings {
                    speaker.aside(&format!("warning: {warning}"));
                }
            }
            let outcome = one(arguments, job, runs, speaker, interrupt)?;
            let verdict = outcome.verdict;
            outcomes.push((number, outcome));
            if arguments.keep.times > 1 || jobs.len() > 1 {
                speaker.aside(&format!(
                    "run {round} of {}{}: {}",
                    arguments.keep.times,
                    if jobs.len() > 1 { format!(", kernel {}", job.settings.kernel_name) } else { String::new() },
                    verdict.words()
                ));
            }
            // A host in trouble is in trouble the next time too.
            let hit_alone = verdict == Verdict::Hit && jobs.len() == 1;
            if hit_alone || matches!(verdict, Verdict::Stopped | Verdict::Trouble) {
                break 'rounds;
            }
        }
    }
    if jobs.len() > 1 {
        for (number, job) in jobs.iter().enumerate() {
            let of_job = |outcome: &&(usize, Outcome)| outcome.0 == number;
            let all = outcomes.iter().filter(of_job).count();
            let hits = outcomes.iter().filter(of_job).filter(|(_, outcome)| outcome.verdict == Verdict::Hit).count();
            speaker.aside(&format!("{}: {hits} of {all} runs hit", job.settings.kernel_name));
        }
    }
    if let Some(keep) = arguments.keep.keep {
        for path in forgettable(runs, keep, false)? {
            match forget(&path) {
                Ok(()) => speaker.aside(&format!("removed {}", path.display())),
                Err(error) => speaker.aside(&format!("{}: {error}", path.display())),
            }
        }
    }
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn one(
    arguments: &Arguments,
    job: &Job,
    runs: &Path,
    speaker: &mut Speaker,
    interrupt: &Interrupt,
) -> anyhow::Result<Outcome> {
    let mut folder = RunFolder::create(runs, arguments.keep.tag.as_deref())?;
    if arguments.keep.detached {
        let path = std::fs::canonicalize(folder.path())?;
        writeln!(std::io::stdout().lock(), "{}{}", super::detach::FOLDER_MARK, path.display())?;
    }
    let shown = |word: std::ffi::OsString| word.to_string_lossy().into_owned();
    folder.manifest.arguments = std::env::args_os().map(shown).collect();
    // A password is nobody's business who gets this folder.
    hide_password(&mut folder.manifest.arguments);
    folder.manifest.local_kernel.clone_from(&job.local_kernel);
    folder.manifest.troubles.clone_from(&job.warnings);
    folder.save()?;
    session::run(&job.settings, folder, speaker, interrupt).map_err(anyhow::Error::msg)
}

fn hide_password(words: &mut [String]) {
    let mut next = false;
    for word in words {
        if next {
            "***".clone_into(word);
        }
        next = word == "--password";
        if word.starts_with("--password=") {
            "--password=***".clone_into(word);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_are_not_written_down() {
        let mut words = ["run", "--password", "secret", "--password=secret", "--user", "root"].map(str::to_owned);
        super::hide_password(&mut words);
        assert_eq!(words, ["run", "--password", "***", "--password=***", "--user", "root"]);
    }
}
