//! Reports of one cause, grouped: out of logs, out of tables, and into clusters that are known.

use super::Arguments;
use super::listed::Listed;
use crate::cli::logs::tell;
use crate::cli::manners::note;
use crate::cli::output::{Format, JsonArray, Output};
use crate::cli::progress::Progress;
use crate::diff::cluster::{Cluster, Known, Sample, clusters_into, sample};
use crate::engine::Options;
use crate::input::Source;
use crate::intake::{Trouble, silence, wholes};
use crate::render;
use crate::table::{Form, causes, is_table, known_clusters, write_clusters};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

/// Groups the reports of the logs and tables that the command line names.
pub(super) fn run(mut arguments: Arguments, options: &Options) -> anyhow::Result<ExitCode> {
    let known = known(&arguments)?;
    let (samples, only_tables) = of_tables(&mut arguments)?;
    let mut gathered = Gathered { samples, ..Gathered::default() };
    let mut fine = true;
    if !only_tables {
        fine = each_source(&arguments, |sources| Ok(of_logs(&sources, options, &mut gathered)))?;
        fine &= !gathered.tell_silence();
    }
    let found = clusters_into(known, gathered.samples);
    let (clusters, known): (Vec<Cluster>, Vec<Known>) = found.into_iter().unzip();
    keep(&arguments, &known)?;
    if clusters.is_empty() && fine {
        note("no crash in what was read, so there is nothing to group");
    }
    write(&clusters, arguments.into.is_some(), &arguments.output)?;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// What was taken out of logs.
#[derive(Debug, Default)]
struct Gathered {
    samples: Vec<Sample>,
    /// What is to be said of logs without a line of the kernel's, as long as all are such ones.
    silent: Vec<Trouble>,
    /// Whether the kernel speaks in one of them.
    spoken: bool,
}

impl Gathered {
    /// Tells of logs of which none holds a line of the kernel's; says whether there was something to tell.
    fn tell_silence(&self) -> bool {
        let told: &[Trouble] = if self.spoken { &[] } else { &self.silent };
        told.iter().for_each(|trouble| {
            tell(Some(trouble));
        });
        !told.is_empty()
    }
}

/// Adds what clustering needs of the reports of logs; says whether every log could be read.
fn of_logs(sources: &[Source], options: &Options, gathered: &mut Gathered) -> bool {
    let mut options = options.clone();
    let progress = Progress::of(sources, &mut options);
    let results = wholes(sources, &options, |found| {
        let (reports, _) = found.settled();
        reports.iter().filter(|report| report.cause.is_none() && !report.suppressed).map(sample).collect::<Vec<_>>()
    });
    drop(progress);
    let mut fine = true;
    if !gathered.spoken {
        let silent = silence(&results);
        gathered.spoken = silent.is_empty();
        gathered.silent.extend(silent);
    }
    for log in results {
        tell(log.trouble.as_ref());
        // What was read in part may have more members of a cluster.
        fine &= log.trouble.is_none();
        gathered.samples.extend(log.found.unwrap_or_default());
    }
    fine
}

/// Takes the tables out of the arguments; gives their causes, and whether nothing else is named.
fn of_tables(arguments: &mut Arguments) -> anyhow::Result<(Vec<Sample>, bool)> {
    let mut samples = Vec::new();
    let named = std::mem::take(&mut arguments.logs.logs);
    let (tables, logs): (Vec<_>, Vec<_>) = named.into_iter().partition(|name| {
        let path = Path::new(name);
        path.exists() && is_table(path)
    });
    // Read as a log, a table would give reports of its own making.
    if let Some(name) = logs.iter().find(|name| Form::of(Path::new(name)) == Some(Form::Csv)) {
        let shown = render::safe(&name.to_string_lossy()).into_owned();
        anyhow::bail!("{shown}: clusters are made of logs, and of tables in Parquet and Arrow");
    }
    for table in &tables {
        samples.extend(causes(Path::new(table))?);
    }
    arguments.logs.logs = logs;
    let only = !tables.is_empty() && arguments.logs.logs.is_empty() && arguments.files_from.is_none();
    Ok((samples, only))
}

/// Hands over the logs that are named, some at a time; says whether all was well.
fn each_source(
    arguments: &Arguments,
    mut take: impl FnMut(Vec<Source>) -> anyhow::Result<bool>,
) -> anyhow::Result<bool> {
    let mut listed = Listed::of(arguments)?;
    let mut fine = listed.named;
    loop {
        let sources = listed.next_sources()?;
        if sources.is_empty() {
            return Ok(fine);
        }
        fine &= take(sources)?;
    }
}

/// The clusters of the file that --into names.
fn known(arguments: &Arguments) -> anyhow::Result<Vec<Known>> {
    let Some(path) = &arguments.into else { return Ok(Vec::new()) };
    let shown = render::safe(&path.display().to_string()).into_owned();
    anyhow::ensure!(Form::of(path) == Some(Form::Parquet), "{shown}: --into takes a file NAME.parquet");
    Ok(known_clusters(path)?)
}

/// Writes the clusters to the file that --into names.
fn keep(arguments: &Arguments, clusters: &[Known]) -> anyhow::Result<()> {
    if let Some(path) = &arguments.into {
        write_clusters(path, clusters)?;
    }
    Ok(())
}

fn write(found: &[Cluster], marked: bool, output: &Output) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut array = JsonArray::new();
    for cluster in found {
        if output.format == Format::Text {
            out.write_all(render::cluster_text(cluster, marked, &output.palette()).as_bytes())?;
            continue;
        }
        let line = render::json_line(cluster)?;
        if output.format == Format::Json { array.write(&mut out, &line)? } else { out.write_all(&line)? }
    }
    if output.format == Format::Json {
        array.end(&mut out)?;
    }
    out.flush()?;
    Ok(())
}
