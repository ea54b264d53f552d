//! SQL over tables, and ready views.

use super::form::{Form, parquet_files};
use super::guarded::guarded_everywhere;
use super::schema::COLUMNS;
use super::sound::{ends_well, unreadable};
use super::through::first_unreadable;
use super::value::{flat, json};
use super::{Origin, TableError, arrays};
use polars::prelude::{
    CsvWriter, DataFrame, DataType, ExplodeOptions, HiveOptions, IpcReader, IpcScanOptions, LazyFrame, NULL, PlRefPath,
    PolarsError, PolarsResult, ScanArgsParquet, Schema, SerReader, SerWriter, UnifiedScanArgs, by_name, col, concat,
    concat_str, lit,
};
use polars::sql::SQLContext;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The ready views; each may use those before it.
const VIEWS: [(&str, &str); 4] = [("top", TOP), ("flaky", FLAKY), ("locks", LOCKS), ("timeline", TIMELINE)];

/// Titles that are not consequences of another report.
const TOP: &str = "SELECT title, count(DISTINCT log) AS logs, count(*) AS reports, min(time) AS first, max(time) AS last \
    FROM events WHERE record = 'report' AND cause IS NULL GROUP BY title ORDER BY logs DESC, reports DESC, title";

const FLAKY: &str = "SELECT title, logs, \"of\", round(logs * 1.0 / \"of\", 4) AS share \
    FROM top CROSS JOIN (SELECT count(DISTINCT log) AS \"of\" FROM events WHERE record = 'log') AS every \
    WHERE logs < \"of\" ORDER BY share DESC, title";

const LOCKS: &str = "SELECT class, count(*) AS held, count(DISTINCT log) AS logs, count(DISTINCT task) AS tasks \
    FROM held GROUP BY class ORDER BY held DESC, class";

const TIMELINE: &str = "SELECT log, boot, time, line, record, kind, title, caller, comm, pid \
    FROM events WHERE record <> 'log' ORDER BY log, line, record DESC";

/// What a query answers.
pub struct Answer {
    frame: DataFrame,
}

impl Answer {
    /// Names of the columns, and whether they hold numbers.
    #[must_use]
    pub fn columns(&self) -> Vec<(String, bool)> {
        let columns = self.frame.columns().iter();
        columns.map(|column| (column.name().to_string(), column.dtype().is_primitive_numeric())).collect()
    }

    /// How many rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.frame.height()
    }

    /// The values of a row, in the order of the columns.
    #[must_use]
    pub fn row(&self, at: usize) -> Vec<Value> {
        self.frame.columns().iter().map(|column| column.get(at).map_or(Value::Null, json)).collect()
    }

    /// Writes CSV with a header; nested values as JSON.
    ///
    /// # Errors
    /// The output is closed or full.
    pub fn csv(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let write = || -> PolarsResult<Vec<u8>> {
            let mut text = Vec::new();
            CsvWriter::new(&mut text).include_header(true).finish(&mut flat(&self.frame)?)?;
            Ok(text)
        };
        out.write_all(&write().map_err(std::io::Error::other)?)
    }
}

/// Asks `sql` (or the view of that name) of the tables at `paths`, which are there under the name `events`.
///
/// # Errors
/// No table, one that cannot be read, or SQL that makes no sense.
pub fn ask(sql: &str, paths: &[PathBuf]) -> Result<Answer, TableError> {
    let sentence =
        if VIEWS.iter().any(|(name, _)| *name == sql) { format!("SELECT * FROM {sql}") } else { sql.to_owned() };
    let events = open(paths)?;
    let planned = || -> PolarsResult<LazyFrame> {
        let mut context = SQLContext::new();
        context.register("held", held(&events));
        context.register("events", events);
        for (name, view) in VIEWS {
            let frame = context.execute(view)?;
            context.register(name, frame);
        }
        context.execute(&sentence)
    };
    let failed =
        |error: &PolarsError| TableError::Request(format!("the query failed: {}", first_sentence(&error.to_string())));
    let plan = guarded_everywhere(planned).unwrap_or_else(gave_up).map_err(|error| failed(&error))?;
    match guarded_everywhere(|| plan.collect()).unwrap_or_else(gave_up) {
        Ok(frame) => Ok(Answer { frame }),
        // polars does not say in which file it met what it could not read.
        Err(error) => Err(first_unreadable(&files_of(paths)).unwrap_or_else(|| failed(&error))),
    }
}

/// polars gives up with a panic on some questions, and on bytes that other readers take; for the user that is an error like others.
fn gave_up<T>() -> PolarsResult<T> {
    Err(PolarsError::ComputeError("polars cannot answer this: ask it in another way, or write the table again".into()))
}

/// The files that these tables are made of.
fn files_of(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().flat_map(|path| if path.is_dir() { parquet_files(path) } else { vec![path.clone()] }).collect()
}

/// polars adds the whole plan to some of its errors.
fn first_sentence(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end =
        lines.iter().position(|line| line.starts_with("Resolved plan") || line.starts_with("This error occurred"));
    lines[..end.unwrap_or(lines.len()).min(3)].join(" ")
}

/// Columns that the tables of all releases have.
const FIRST: [&str; 8] = ["schema", "record", "log", "index", "kind", "title", "stacks", "damage"];

fn open(paths: &[PathBuf]) -> Result<LazyFrame, TableError> {
    let whole = schema()?;
    let mut all = Vec::new();
    for path in paths {
        let files = files_of(std::slice::from_ref(path));
        files.iter().try_for_each(|file| ends_well(file))?;
        let failed = |error: PolarsError| {
            first_unreadable(&files).unwrap_or_else(|| unreadable(path, &first_sentence(&error.to_string())))
        };
        let scan = || -> PolarsResult<LazyFrame> {
            let place = PlRefPath::try_from_path(path)?;
            if path.is_dir() {
                // The files by name, not by a pattern: the folder's own name may hold brackets or an equals sign.
                let hive_start_idx = place.as_str().len();
                // A title that looks like a number is a title all the same.
                let schema = Some(Arc::new(partition_schema(path, &files, &whole)));
                let hive_options = HiveOptions { enabled: Some(true), hive_start_idx, schema, try_parse_dates: false };
                let arguments = ScanArgsParquet { hive_options, glob: false, ..ScanArgsParquet::default() };
                let files = files.iter().map(|file| PlRefPath::try_from_path(file)).collect::<PolarsResult<_>>()?;
                return LazyFrame::scan_parquet_files(files, arguments);
            }
            if Form::of(path) == Some(Form::Arrow) {
                let arguments = UnifiedScanArgs { glob: false, ..UnifiedScanArgs::default() };
                return LazyFrame::scan_ipc(place, IpcScanOptions::default(), arguments);
            }
            let hive_options = HiveOptions::new_disabled();
            LazyFrame::scan_parquet(place, ScanArgsParquet { hive_options, glob: false, ..ScanArgsParquet::default() })
        };
        let scanned = || {
            let mut frame = scan()?;
            let schema = frame.collect_schema()?;
            Ok((frame, schema))
        };
        let (frame, schema) = guarded_everywhere(scanned).unwrap_or_else(gave_up).map_err(failed)?;
        if let Some(missing) = FIRST.iter().find(|name| !schema.contains(name)) {
            return Err(TableError::Request(format!(
                "{}: this is not a table of kanalyze: it has no column {}; write one with `kanalyze table LOG… -o`",
                path.display(),
                missing
            )));
        }
        // One order of columns, whichever of them were in the names of folders; in tables of older releases some are missing,
        // and others have a type of their own.
        let order = COLUMNS.iter().map(|column| {
            let dtype = whole.get(column.name).cloned().unwrap_or(DataType::String);
            match schema.get(column.name) {
                None => lit(NULL).cast(dtype).alias(column.name),
                Some(found) if *found == dtype => col(column.name),
                Some(_) => col(column.name).cast(dtype),
            }
        });
        all.push(frame.select(order.collect::<Vec<_>>()));
    }
    if all.is_empty() {
        return Err(TableError::Request("there is no table to ask".to_owned()));
    }
    concat(all, Default::default()).map_err(|error| {
        TableError::Request(format!("these tables do not fit together: {}", first_sentence(&error.to_string())))
    })
}

/// The columns of a table in polars' types, read from an empty one.
fn schema() -> Result<Schema, TableError> {
    let failed = |error: &dyn std::fmt::Display| TableError::Request(format!("the table cannot be built: {error}"));
    let empty = arrays::batch(&[], &[], &Origin { version: "", grammar: String::new() })?;
    let mut bytes = Vec::new();
    let mut writer =
        arrow_ipc::writer::FileWriter::try_new(&mut bytes, &empty.schema()).map_err(|error| failed(&error))?;
    writer.write(&empty).and_then(|()| writer.finish()).map_err(|error| failed(&error))?;
    drop(writer);
    let frame = IpcReader::new(std::io::Cursor::new(bytes)).finish().map_err(|error| failed(&error))?;
    Ok(Schema::clone(frame.schema()))
}

/// The types of the columns that are in the names of folders.
fn partition_schema(folder: &Path, files: &[PathBuf], whole: &Schema) -> Schema {
    let mut schema = Schema::default();
    for file in files {
        let below = file.strip_prefix(folder).unwrap_or(file).parent().into_iter().flat_map(Path::components);
        for part in below {
            let part = part.as_os_str().to_string_lossy();
            let Some(name) = part.split_once('=').map(|(name, _)| name) else { continue };
            if let Some(dtype) = whole.get(name) {
                schema.insert(name.into(), dtype.clone());
            }
        }
    }
    schema
}

/// A log without locks gives no row.
const DROP_EMPTY: ExplodeOptions = ExplodeOptions { empty_as_null: false, keep_nulls: false };

/// One row for each lock that was listed as held: log, task, class.
fn held(events: &LazyFrame) -> LazyFrame {
    let named = |name: &str| col("held_locks").struct_().field_by_name(name);
    events
        .clone()
        .select([col("log"), col("held_locks")])
        .explode(by_name(["held_locks"], true, false), DROP_EMPTY)
        .select([col("log"), named("comm"), named("pid"), named("locks")])
        .explode(by_name(["locks"], true, false), DROP_EMPTY)
        .select([
            col("log"),
            concat_str([col("log"), col("comm"), col("pid")], ":", false).alias("task"),
            col("locks").struct_().field_by_name("class").alias("class"),
        ])
        .filter(col("class").is_not_null())
}
