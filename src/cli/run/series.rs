//! Several runs: in turn or several guests at once, until a hit or all of them, one kernel or two against each other.

use super::Arguments;
use super::job::Job;
use crate::cli::live::{Speaker, Voice};
use crate::render::series_text;
use crate::runs::archive::{forget, forgettable};
use crate::runs::tally::Series;
use crate::runs::{Outcome, RunFolder, Verdict};
use crate::vm::session::{self, ANOTHER_HIT, Interrupt};
use crate::vm::settings::Workload;
use crate::vm::snapshot::Shelf;
use crate::vm::workload::PROGRAM;
use anyhow::Context as _;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

/// What a guest takes beside its own memory, MiB.
const OVERHEAD: u64 = 256;

/// Runs to be done, and those that are: what the guests that work at the same time share.
pub(super) struct Work<'a> {
    /// Tag, number of guests and whether the supervisor speaks are in here.
    pub arguments: &'a Arguments,
    /// What to run, in turn.
    pub jobs: &'a [Job],
    /// Of each job.
    pub shelves: &'a [Option<Shelf>],
    /// Where the folders go.
    pub runs: &'a Path,
    /// Who speaks.
    pub speaker: &'a Mutex<Speaker>,
    /// Ends all of them.
    pub interrupt: &'a Interrupt,
    /// So many runs of each job.
    pub times: u32,
    /// Not only until the first hit.
    pub keep_going: bool,
}

/// How far the work is.
#[derive(Debug, Default)]
struct Progress {
    begun: Mutex<u32>,
    done: Mutex<Vec<(usize, Outcome)>>,
}

/// Runs the jobs in turn, `--times` each, `--jobs` at once; one kernel alone ends with its first hit unless all are wanted.
///
/// # Errors
/// A run's folder cannot be made; the host has not enough memory.
pub(super) fn run(
    arguments: &Arguments,
    jobs: &[Job],
    runs: &Path,
    speaker: &Mutex<Speaker>,
    interrupt: &Interrupt,
) -> anyhow::Result<Vec<Outcome>> {
    let keep = &arguments.keep;
    let begun = Instant::now();
    let aside = |text: &str| speaker.lock().unwrap_or_else(PoisonError::into_inner).aside(text);
    for warning in jobs.iter().flat_map(|job| &job.warnings) {
        aside(&format!("warning: {warning}"));
    }
    check_memory(jobs, keep.jobs)?;
    let shelves = shelves(jobs, runs, keep.snapshot)?;
    let keep_going = keep.keep_going || jobs.len() > 1;
    let work = Work { arguments, jobs, shelves: &shelves, runs, speaker, interrupt, times: keep.times, keep_going };
    let done = work.all()?;
    if keep.times > 1 || jobs.len() > 1 {
        let kernels: Vec<&str> = jobs.iter().map(|job| job.settings.kernel_name.as_str()).collect();
        let series = Series::new(&kernels, &done, begun.elapsed().as_secs_f64(), keep.jobs as usize);
        let mut record = serde_json::to_vec(&series)?;
        record.push(b'\n');
        speaker.lock().unwrap_or_else(PoisonError::into_inner).result(&series_text(&series), &record)?;
    }
    if let Some(keep) = keep.keep {
        for path in forgettable(runs, keep, false)? {
            match forget(&path) {
                Ok(true) => aside(&format!("removed {}", path.display())),
                // Another run was quicker.
                Ok(false) => {}
                Err(error) => aside(&format!("{}: {error}", path.display())),
            }
        }
    }
    Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Where the guests of each job are saved, if they are to be.
///
/// # Errors
/// The folder cannot be made.
pub(super) fn shelves(jobs: &[Job], runs: &Path, wanted: bool) -> anyhow::Result<Vec<Option<Shelf>>> {
    let shelf = |_: &Job| wanted.then(|| Shelf::create(runs)).transpose();
    jobs.iter().map(shelf).collect::<Result<_, _>>().with_context(|| runs.display().to_string())
}

/// Whether the host has memory for so many guests: one that swaps makes stalls of its own.
///
/// # Errors
/// It has not.
pub(super) fn check_memory(jobs: &[Job], guests: u32) -> anyhow::Result<()> {
    let largest = jobs.iter().map(|job| u64::from(job.settings.memory)).max().unwrap_or_default();
    let wanted = (largest + OVERHEAD) * u64::from(guests);
    let free = crate::vm::facts::available_memory();
    if guests > 1
        && let Some(free) = free.filter(|free| *free < wanted)
    {
        anyhow::bail!(
            "--jobs {guests}: guests of {largest} MiB each take {wanted} MiB, this host has {free} MiB free: fewer --jobs, or less --memory"
        );
    }
    Ok(())
}

impl Work<'_> {
    /// Does all of it; the outcomes come with the number of their job.
    ///
    /// # Errors
    /// A run's folder cannot be made.
    pub(super) fn all(&self) -> anyhow::Result<Vec<(usize, Outcome)>> {
        let guests = self.arguments.keep.jobs as usize;
        let numbers: Vec<Option<usize>> = if guests == 1 { vec![None] } else { (1..=guests).map(Some).collect() };
        let work = Progress::default();
        let progress = &work;
        let results: Vec<anyhow::Result<()>> = thread::scope(|scope| {
            let started: Vec<_> =
                numbers.into_iter().map(|number| scope.spawn(move || self.go_on(number, progress))).collect();
            let result = |guest: thread::ScopedJoinHandle<'_, _>| {
                guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            started.into_iter().map(result).collect()
        });
        // That one had the hit ended this work and no other.
        let _ = self.interrupt.compare_exchange(ANOTHER_HIT, 0, Ordering::Relaxed, Ordering::Relaxed);
        results.into_iter().collect::<anyhow::Result<()>>()?;
        Ok(work.done.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// One guest after the other, until nothing is left to do.
    fn go_on(&self, number: Option<usize>, progress: &Progress) -> anyhow::Result<()> {
        let kernels = u32::try_from(self.jobs.len())?;
        while self.interrupt.load(Ordering::Relaxed) == 0 {
            let turn = {
                let mut begun = progress.begun.lock().unwrap_or_else(PoisonError::into_inner);
                *begun += 1;
                *begun - 1
            };
            let (round, kernel) = (turn / kernels + 1, (turn % kernels) as usize);
            if round > self.times {
                return Ok(());
            }
            let mut voice = Voice::new(self.speaker, number);
            let job = &self.jobs[kernel];
            let outcome = self.one(job, self.shelves[kernel].as_ref(), &mut voice)?;
            let verdict = outcome.verdict;
            // Whoever was stopped because another one had the hit has nothing to say.
            if verdict == Verdict::Stopped && self.interrupt.load(Ordering::Relaxed) == ANOTHER_HIT {
                return Ok(());
            }
            if self.times > 1 || self.jobs.len() > 1 {
                let of = if kernels > 1 { format!(", kernel {}", job.settings.kernel_name) } else { String::new() };
                voice.aside(&format!("run {round} of {}{of}: {}", self.times, verdict.words()));
            }
            progress.done.lock().unwrap_or_else(PoisonError::into_inner).push((kernel, outcome));
            // A host in trouble is in trouble the next time too.
            let over = verdict == Verdict::Hit && !self.keep_going;
            if over || matches!(verdict, Verdict::Stopped | Verdict::Trouble) {
                let _ = self.interrupt.compare_exchange(0, ANOTHER_HIT, Ordering::Relaxed, Ordering::Relaxed);
                return Ok(());
            }
        }
        Ok(())
    }

    fn one(&self, job: &Job, shelf: Option<&Shelf>, voice: &mut Voice<'_>) -> anyhow::Result<Outcome> {
        let keep = &self.arguments.keep;
        let tag = keep.tag.as_deref().or(job.tag.as_deref());
        let mut folder = RunFolder::create(self.runs, tag)?;
        if keep.detached {
            let path = fs::canonicalize(folder.path())?;
            writeln!(std::io::stdout().lock(), "{}{}", super::detach::FOLDER_MARK, path.display())?;
        }
        folder.manifest.arguments = repeatable(&self.arguments.words);
        folder.manifest.local_kernel.clone_from(&job.local_kernel);
        folder.manifest.troubles.clone_from(&job.warnings);
        folder.save()?;
        let mut settings = job.settings.clone();
        if let (Some(text), Workload::Syz { program, .. }) = (&job.program, &mut settings.workload) {
            let path = std::path::absolute(folder.path().join(PROGRAM))?;
            fs::write(&path, text).with_context(|| path.display().to_string())?;
            *program = path;
        }
        Ok(session::run(&settings, folder, voice, self.interrupt, shelf)?)
    }
}

/// The command line as it may be written down and given again: files of settings are in it, a password is nobody's
/// business who gets the folder.
fn repeatable(words: &[String]) -> Vec<String> {
    let mut words = words.to_vec();
    words.retain(|word| word != "--detached" && word != "--detach");
    let mut next = false;
    for word in &mut words {
        if next {
            "***".clone_into(word);
        }
        next = word == "--password";
        if word.starts_with("--password=") {
            "--password=***".clone_into(word);
        }
    }
    let profile = words.iter().position(|word| word == "--profile");
    if let Some(at) = profile {
        words.drain(at..(at + 2).min(words.len()));
    }
    words.retain(|word| !word.starts_with("--profile="));
    if words.len() > 2 && !words.iter().any(|word| word == "--no-config" || word.starts_with("--again")) {
        words.insert(2, "--no-config".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::repeatable;

    #[test]
    fn passwords_are_not_written_down_and_files_of_settings_not_read_twice() {
        let given =
            ["kanalyze", "run", "--password", "secret", "--password=secret", "--profile", "x", "--user", "root"];
        let words = repeatable(&given.map(str::to_owned));
        assert_eq!(words, ["kanalyze", "run", "--no-config", "--password", "***", "--password=***", "--user", "root"]);
    }
}
