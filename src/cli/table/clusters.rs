//! Reports of one cause, grouped.

use super::Arguments;
use crate::cli::logs::tell;
use crate::cli::output::{Format, JsonArray, Output};
use crate::diff::cluster::{Cluster, clusters, sample};
use crate::engine::Options;
use crate::intake::wholes;
use crate::render;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// Groups the reports of the logs that the command line names.
pub(super) fn run(arguments: &Arguments, options: &Options) -> anyhow::Result<ExitCode> {
    let (all, named) = arguments.logs.sources()?;
    let results = wholes(&all, options, |found| {
        let (reports, _) = found.settled();
        reports.iter().filter(|report| report.cause.is_none() && !report.suppressed).map(sample).collect::<Vec<_>>()
    });
    let (mut samples, mut fatal) = (Vec::new(), !named);
    for log in results {
        fatal |= tell(log.trouble.as_ref());
        samples.extend(log.found.unwrap_or_default());
    }
    write(&clusters(samples), &arguments.output)?;
    Ok(if fatal { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn write(found: &[Cluster], output: &Output) -> anyhow::Result<()> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut array = JsonArray::new();
    for cluster in found {
        if output.format == Format::Text {
            out.write_all(render::cluster_text(cluster, &output.palette()).as_bytes())?;
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
