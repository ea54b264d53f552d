//! `kanalyze repro minimize`: the smallest syz program with which the crash still comes.

use super::job::Job;
use super::series::{Work, check_memory, shelves};
use super::{settings, workload};
use crate::cli::live::{Speaker, interrupt};
use crate::files;
use crate::runs::{Manifest, Outcome, Verdict, folder};
use crate::syzbot::repro::Program;
use crate::syzbot::repro::minimize::{Count, Ledger, minimize};
use crate::vm::session::Interrupt;
use crate::vm::settings::Workload;
use crate::vm::snapshot::Shelf;
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

/// Drop calls and options of a syz program as long as the crash still comes
///
/// Runs the whole program first and measures how often it crashes. Then leaves out calls (halves, quarters, single ones, from
/// the end), properties of calls and options. A shorter program that crashes once, with one of the titles that the whole one
/// had, is kept; one that does not is run so often that it would have crashed at the measured rate. Every program that was
/// tried lies in the folder minimize of the bundle; the same command goes on from there. The guest is booted once and saved,
/// if QEMU can. All options of `kanalyze run` apply.
#[derive(Debug, clap::Args)]
// The flattened arguments have the group of this name.
#[group(skip)]
#[command(after_help = "Examples:
  kanalyze repro minimize --bundle ppp --max-time 2m
  kanalyze repro minimize --bundle ppp --hit 'KASAN: .* in ppp_' --jobs 4 \\
      --risk 0.01
  kanalyze repro minimize --kernel bzImage --disk disk.raw --repro repro.syz \\
      --syz-bin bin --work smaller

Exit status: 0 the smallest program is found, 1 the whole program does not
crash, 2 error.")]
pub(crate) struct Arguments {
    /// So many runs of the whole program measure how often it crashes.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    base_runs: u32,
    /// How likely it may be that a call is kept which is not needed: the smaller, the more runs a step takes.
    #[arg(long, value_name = "P", default_value_t = 0.05, value_parser = probability)]
    risk: f64,
    /// The folder of the programs that are tried [default: minimize in the bundle, or here].
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
    /// Boot the guest anew for each run.
    #[arg(long, conflicts_with = "snapshot")]
    no_snapshot: bool,
    #[command(flatten)]
    pub(in crate::cli) run: super::Arguments,
}

fn probability(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("a number between 0 and 1, such as 0.05".to_owned()),
    }
}

/// The file that a broken-off search goes on from.
const LEDGER: &str = "minimize.json";
/// What came out.
const SMALLEST: &str = "smallest.syz";
/// So many runs in turn that say nothing end the search.
const MOST_FAILURES: u32 = 3;

/// A search.
struct Search<'a> {
    arguments: &'a Arguments,
    job: Job,
    shelves: Vec<Option<Shelf>>,
    work: PathBuf,
    runs: PathBuf,
    speaker: &'a Mutex<Speaker>,
    interrupt: &'a Interrupt,
    ledger: Ledger,
}

/// Runs the command.
///
/// # Errors
/// There is no syz program; the guest does not come up; a file cannot be written.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let run = &arguments.run;
    let keep = &run.keep;
    for (option, given) in [
        ("--replay", run.source.replay.is_some()),
        ("--ab", keep.ab.is_some()),
        ("--detach", keep.detach),
        ("--dry-run", keep.dry_run),
        ("--git-bisect", keep.git_bisect),
        ("--times", keep.times > 1),
        ("--keep-going", keep.keep_going),
    ] {
        ensure!(!given, "{option} makes no sense here: the number of runs follows from what they show");
    }
    let mut job = super::jobs::jobs(run)?.into_iter().next().context("one kernel")?;
    job.settings.check()?;
    let Workload::Syz { program: path, .. } = &job.settings.workload else {
        bail!("there is no syz program to make smaller: give a bundle that has one, or --repro FILE");
    };
    let text = match &job.program {
        Some(text) => text.clone(),
        None => fs::read(path).with_context(|| path.display().to_string())?,
    };
    let program = Program::parse(&text).with_context(|| path.display().to_string())?;
    job.settings.stop_on_hit = true;
    let base = settings::bundle_folder(&run.source);
    let work = arguments.work.clone().unwrap_or_else(|| base.unwrap_or_default().join("minimize"));
    fs::create_dir_all(&work).with_context(|| work.display().to_string())?;
    let runs = run.keep.runs.clone().unwrap_or_else(|| work.join("runs"));
    check_memory(std::slice::from_ref(&job), keep.jobs)?;
    let shelves = shelves(std::slice::from_ref(&job), &runs, !arguments.no_snapshot)?;
    let speaker = Mutex::new(Speaker::new(run.output));
    let interrupt = interrupt()?;
    let ledger = read_ledger(&work, &program)?;
    let mut search = Search { arguments, job, shelves, work, runs, speaker: &speaker, interrupt: &interrupt, ledger };
    let status = search.go(&program)?;
    drop(search);
    speaker.into_inner().unwrap_or_else(PoisonError::into_inner).finish()?;
    Ok(status)
}

/// What an earlier call found out of this program.
fn read_ledger(work: &Path, program: &Program) -> anyhow::Result<Ledger> {
    let path = work.join(LEDGER);
    let fresh = Ledger::new(program);
    if !path.is_file() {
        return Ok(fresh);
    }
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let ledger: Ledger = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    ensure!(
        (&ledger.schema, &ledger.program) == (&fresh.schema, &fresh.program),
        "{}: is about another program; name another folder with --work, or remove this one",
        work.display()
    );
    Ok(ledger)
}

impl Search<'_> {
    fn say(&self, text: &str) {
        self.speaker.lock().unwrap_or_else(PoisonError::into_inner).aside(text);
    }

    fn save(&self) -> anyhow::Result<()> {
        let path = self.work.join(LEDGER);
        let mut text = serde_json::to_vec_pretty(&self.ledger)?;
        text.push(b'\n');
        files::replace(&path, &text).with_context(|| path.display().to_string())
    }

    fn go(&mut self, program: &Program) -> anyhow::Result<ExitCode> {
        self.measure(program)?;
        let base = self.ledger.base;
        if base.hits == 0 {
            self.say(&format!(
                "the whole program did not crash in {} runs: --base-runs or --max-time gives it more",
                base.runs
            ));
            return Ok(ExitCode::from(1));
        }
        self.job.settings.hits = self.ledger.titles.iter().map(|title| format!("^{}$", regex::escape(title))).collect();
        let needed = base.runs_needed(self.arguments.risk);
        self.say(&format!(
            "the whole program, {} calls, crashed in {} of {} runs: a shorter one that does not in {needed} is taken back",
            program.calls.len(),
            base.hits,
            base.runs
        ));
        let smallest = minimize(program, |program, cut| self.crashes(program, cut, needed))?;
        let path = self.work.join(SMALLEST);
        files::replace(&path, &smallest.to_bytes()).with_context(|| path.display().to_string())?;
        let text = format!(
            "{} of {} calls are left, {} programs were tried: {}",
            smallest.calls.len(),
            program.calls.len(),
            self.ledger.steps.len(),
            path.display()
        );
        let mut record = serde_json::to_vec(&self.ledger)?;
        record.push(b'\n');
        self.speaker.lock().unwrap_or_else(PoisonError::into_inner).result(&text, &record)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Runs the whole program until it is known how often it crashes.
    fn measure(&mut self, program: &Program) -> anyhow::Result<()> {
        let mut titles: BTreeSet<String> = self.ledger.titles.iter().cloned().collect();
        let mut failures = 0;
        while self.ledger.base.runs < self.arguments.base_runs {
            let before = self.ledger.base.runs;
            let left = self.arguments.base_runs - before;
            for outcome in self.tries(program, left, true)? {
                count(&mut self.ledger.base, &outcome);
                titles.extend(outcome.title.filter(|_| outcome.verdict == Verdict::Hit));
            }
            failures = if self.ledger.base.runs > before { 0 } else { failures + 1 };
            ensure!(failures < MOST_FAILURES, "the runs of the whole program say nothing; see {}", self.runs.display());
            titles.extend(self.other_titles(&titles)?);
            self.ledger.titles = titles.iter().cloned().collect();
            self.save()?;
        }
        Ok(())
    }

    /// The alternative titles of the hits so far: syzbot takes them for the same crash.
    fn other_titles(&self, titles: &BTreeSet<String>) -> anyhow::Result<BTreeSet<String>> {
        let mut others = BTreeSet::new();
        for run in folder::list(&self.runs)? {
            let Ok(manifest) = Manifest::read(&run) else { continue };
            for hit in manifest.hits.iter().filter(|hit| titles.contains(&hit.title)) {
                let Ok(text) = fs::read(run.join(&hit.folder).join("report.json")) else { continue };
                let report: AltTitles = serde_json::from_slice(&text).unwrap_or_default();
                others.extend(report.alt_titles);
            }
        }
        Ok(others)
    }

    /// Whether a program crashes: what is known of it, and as many runs as are missing.
    fn crashes(&mut self, program: &Program, cut: &str, needed: u32) -> anyhow::Result<bool> {
        let step = self.ledger.step(program, cut).clone();
        if let Some(crashes) = step.crashes {
            return Ok(crashes);
        }
        let path = self.work.join(&step.file);
        files::replace(&path, &program.to_bytes()).with_context(|| path.display().to_string())?;
        let (mut all, mut failures) = (step.count, 0);
        while all.hits == 0 && all.runs < needed && failures < MOST_FAILURES {
            let before = all.runs;
            for outcome in self.tries(program, needed - all.runs, false)? {
                count(&mut all, &outcome);
                if outcome.verdict == Verdict::BootFailure || outcome.verdict == Verdict::Trouble {
                    bail!("{}: {}", outcome.verdict.words(), outcome.reason);
                }
            }
            failures = if all.runs > before { 0 } else { failures + 1 };
            self.ledger.step(program, cut).count = all;
            self.save()?;
        }
        let crashes = all.hits > 0;
        self.ledger.step(program, cut).crashes = Some(crashes);
        self.save()?;
        let how = match (crashes, failures) {
            (true, _) => "still crashes".to_owned(),
            (false, 0) => format!("no crash in {} runs", all.runs),
            (false, _) => "cannot be run".to_owned(),
        };
        self.say(&format!("{} ({cut}, {} calls): {how}", step.file, program.calls.len()));
        Ok(crashes)
    }

    /// Runs a program; until its first crash, unless all runs are wanted.
    fn tries(&self, program: &Program, times: u32, all: bool) -> anyhow::Result<Vec<Outcome>> {
        let mut job = self.job.clone();
        workload::set_program(&mut job, program, false)?;
        let work = Work {
            arguments: &self.arguments.run,
            jobs: std::slice::from_ref(&job),
            shelves: &self.shelves,
            runs: &self.runs,
            speaker: self.speaker,
            interrupt: self.interrupt,
            times,
            keep_going: all,
        };
        let done = work.all()?;
        let signal = self.interrupt.load(Ordering::Relaxed);
        ensure!(signal == 0, "stopped by signal {signal}; the same command goes on from here");
        Ok(done.into_iter().map(|(_, outcome)| outcome).collect())
    }
}

/// Adds a run; one that was disturbed says nothing, one whose crash is another one says that this one did not come.
fn count(count: &mut Count, outcome: &Outcome) {
    match outcome.verdict {
        Verdict::Hit => (count.runs, count.hits) = (count.runs + 1, count.hits + 1),
        Verdict::Clean | Verdict::OtherCrash | Verdict::Hang => count.runs += 1,
        Verdict::Unseen
        | Verdict::BootFailure
        | Verdict::MachineLost
        | Verdict::WorkloadFailure
        | Verdict::Stopped
        | Verdict::Trouble => {}
    }
}

/// The part of a report that is asked for.
#[derive(Default, serde::Deserialize)]
struct AltTitles {
    alt_titles: Vec<String>,
}
