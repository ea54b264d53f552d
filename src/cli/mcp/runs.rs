//! The tools about run folders: what is in them, and SQL over many.

use super::super::runs::{row, write_status};
use super::answer::{Answer, Draft};
use super::asked;
use super::roots::{Place, Roots};
use crate::runs::folder;
use crate::runs::manifest::{MANIFEST, Manifest, RUN_SCHEMA};

/// `runs`.
pub(super) fn runs(roots: &Roots, asked: asked::Runs) -> anyhow::Result<Answer> {
    let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
    let folders: Vec<Place> = match &asked.folder {
        Some(name) => vec![roots.folder(name)?],
        None => roots
            .folders()
            .iter()
            .flat_map(|root| [root.clone(), root.join("runs")])
            .filter_map(|path| roots.inside(&path).ok().filter(|place| place.folder))
            .collect(),
    };
    draft.found(false);
    for place in &folders {
        if place.path.join(MANIFEST).exists() {
            one(roots, place, &mut draft)?;
            continue;
        }
        for path in folder::list(&place.path)? {
            match roots.inside(&path).map_err(anyhow::Error::from).and_then(|run| Ok((manifest(roots, &run)?, run))) {
                Ok((manifest, run)) => {
                    draft.found(!manifest.hits.is_empty());
                    if draft.is_text() {
                        draft.text(&format!("{}  {}", run.shown, row(&manifest)));
                    } else {
                        draft.record(&manifest);
                    }
                }
                Err(error) => draft.trouble(&format!("{error:#}")),
            }
        }
    }
    let mut answer = draft.finish();
    if answer.count == 0 && answer.troubles.is_empty() {
        let looked: Vec<&str> = folders.iter().map(|place| place.shown.as_str()).collect();
        answer.troubles.push(format!("no run is in {}: `kanalyze run` makes them", looked.join(", ")));
    }
    Ok(answer)
}

/// One run: how it stands and where its log is.
fn one(roots: &Roots, run: &Place, draft: &mut Draft) -> anyhow::Result<()> {
    let manifest = manifest(roots, run)?;
    draft.found(!manifest.hits.is_empty());
    if !draft.is_text() {
        draft.record(&manifest);
        return Ok(());
    }
    let mut text = Vec::new();
    write_status(&run.shown, &manifest, &mut text)?;
    draft.text(&String::from_utf8_lossy(&text));
    for hit in &manifest.hits {
        draft.text(&format!("hit at {:.1} s: {}, in {}/{}", hit.at, hit.title, run.shown, hit.folder));
    }
    draft.text(&format!("arguments: {}", manifest.arguments.join(" ")));
    if run.path.join("serial.log").is_file() {
        draft.text(&format!("its log: {}/serial.log", run.shown));
    }
    Ok(())
}

/// The manifest of a run, which may be a link as any file.
fn manifest(roots: &Roots, run: &Place) -> anyhow::Result<Manifest> {
    let place = roots.inside(&run.path.join(MANIFEST))?;
    let manifest: Manifest = serde_json::from_slice(&roots.read(&place)?)
        .map_err(|error| anyhow::anyhow!("{}: is not the manifest of a run: {error}", place.shown))?;
    if manifest.schema != RUN_SCHEMA {
        anyhow::bail!("{}: its schema is {:?}, and this program reads {RUN_SCHEMA:?}", place.shown, manifest.schema);
    }
    Ok(manifest)
}

#[cfg(feature = "tables")]
pub(super) use with_tables::query;

#[cfg(feature = "tables")]
mod with_tables {
    use super::super::super::logs::Reading;
    use super::super::super::query::{answer_as_text, answered};
    use super::super::answer::{Answer, Draft};
    use super::super::asked;
    use super::super::roots::Roots;
    use crate::intake::files_below;
    use crate::render::{Palette, Width};
    use crate::table::{Form, is_table};
    use serde_json::{Map, Value};
    use std::ffi::OsString;

    /// The most rows of an answer.
    const ROWS: usize = 10_000;

    /// Functions of polars' SQL that open files of their own.
    const OPENING: [&str; 5] = ["read_csv", "read_parquet", "read_ipc", "read_json", "read_ndjson"];

    /// `query`.
    pub(in crate::cli::mcp) fn query(roots: &Roots, asked: asked::Query) -> anyhow::Result<Answer> {
        confined(&asked.sql)?;
        let mut draft = Draft::new(asked.form, asked.from, asked.bytes);
        let mut paths: Vec<OsString> = Vec::new();
        for name in &asked.paths {
            let place = roots.place(name)?;
            if Form::of(&place.path).is_some() || is_table(&place.path) {
                if place.folder {
                    files_below(&place.path, |_| true)?.iter().try_for_each(|path| roots.inside(path).map(|_| ()))?;
                }
                paths.push(place.path.into());
                continue;
            }
            let (logs, refused) = roots.logs(std::slice::from_ref(name))?;
            refused.iter().for_each(|refusal| draft.trouble(&refusal.to_string()));
            paths.extend(logs.into_iter().map(|log| log.path.into_os_string()));
        }
        let reading = Reading { grammar: Vec::new(), as_syzbot: false, threads: 0 };
        let (answer, fine) = answered(&asked.sql, &paths, &reading)?;
        let Some(answer) = answer else { anyhow::bail!("there is no table and no log to ask: name some as `paths`") };
        if !fine {
            draft.trouble("a log could not be read, or only in part: `parse` says which");
        }
        if answer.height() > ROWS {
            draft
                .trouble(&format!("only the first {ROWS} of {} rows are given: use LIMIT and OFFSET", answer.height()));
        }
        if draft.is_text() {
            draft.text(&answer_as_text(&answer, Width::UNBOUNDED, &Palette::plain(), ROWS));
        } else {
            let names: Vec<String> = answer.columns().into_iter().map(|(name, _)| name).collect();
            for at in 0..answer.height().min(ROWS) {
                let row: Map<String, Value> = names.iter().cloned().zip(answer.row(at)).collect();
                draft.record(&row);
            }
        }
        Ok(draft.finish())
    }

    /// Refuses statements that may open files which are not named as `paths`; names that are written with escapes, too.
    fn confined(sql: &str) -> anyhow::Result<()> {
        let lower = sql.to_lowercase();
        if OPENING.iter().any(|name| lower.contains(name)) || lower.contains("u&") {
            anyhow::bail!(
                "a query cannot open files (read_csv and others): name them as `paths`, they are the table `events`"
            );
        }
        Ok(())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_statement_opens_no_file() {
            for sql in [
                "SELECT * FROM read_csv('/etc/passwd')",
                "select * from \"READ_PARQUET\" ('x')",
                "SELECT * FROM U&\"re\\0061d_csv\"('/etc/passwd')",
            ] {
                assert!(confined(sql).is_err(), "{sql}");
            }
            assert!(confined("SELECT title FROM events WHERE title = 'BUG in kernel_read_file'").is_ok());
        }
    }
}
