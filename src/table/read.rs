//! Causes out of tables: those of rows, those that an engine has counted, and those of clusters that were found before.

use super::cell;
use super::form::{Form, parquet_files};
use super::guarded::{guarded, sentence};
use super::old;
use super::sound::{DAMAGED, ends_well, unreadable};
use super::{LIST_ELEMENT, TableError};
use crate::diff::cause::Cause;
use crate::diff::cluster::{Known, Member, Sample};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, ListArray, RecordBatch, RecordBatchReader, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

/// Columns that a table of causes must have; rows of the first release have the first three.
const NEEDED: [&str; 6] = ["title", "log", "index", "cause_id", "cause_stack", "cause_locks"];
/// Columns that are looked at if they are there.
const FURTHER: [&str; 10] =
    ["type", "frame", "corrupted", "damaged", "record", "cause", "suppressed", "count", "cluster_id", "founder"];

/// Types of whole numbers that engines write.
const NUMBERS: [DataType; 5] =
    [DataType::Int64, DataType::Int32, DataType::UInt32, DataType::UInt64, DataType::Float64];

/// The causes of the reports in a table: in a table of rows those of every report that follows from no other and is not
/// suppressed; in a table of counted causes (`GROUP BY cause_id`, with a column `count`) each with its count.
///
/// # Errors
/// It cannot be read, or has not the columns that causes need.
pub fn causes(path: &Path) -> Result<Vec<Sample>, TableError> {
    let mut found = Vec::new();
    each_row(path, &mut |row| {
        found.extend(row.cause());
        Ok(())
    })?;
    Ok(found)
}

/// The clusters that [`write_clusters`] wrote; none if there is no such file.
///
/// # Errors
/// It cannot be read, or is another table.
pub fn known_clusters(path: &Path) -> Result<Vec<Known>, TableError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut found: Vec<Known> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    each_row(path, &mut |row| {
        let (Some(id), Some(cause)) = (row.text("cluster_id"), row.cause()) else {
            return Err(refused(path, "this is not a table of clusters: --into writes one, so name a new file"));
        };
        let place = *places.entry(id.clone()).or_insert(found.len());
        if place == found.len() {
            found.push(Known::new(id, Vec::new()));
        }
        let causes = &mut found[place].causes;
        let at = if row.flag("founder") == Some(true) { 0 } else { causes.len() };
        causes.insert(at, cause);
        Ok(())
    })?;
    Ok(found)
}

/// Writes clusters for [`known_clusters`]: a row for each cause, the founder's marked. The file is replaced whole.
///
/// # Errors
/// What the system says.
pub fn write_clusters(path: &Path, clusters: &[Known]) -> Result<(), TableError> {
    let rows: Vec<(&Known, &Sample, bool)> = clusters
        .iter()
        .flat_map(|cluster| cluster.causes.iter().enumerate().map(move |(at, cause)| (cluster, cause, at == 0)))
        .collect();
    let text = |of: fn(&Sample) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, cause, _)| of(cause))))
    };
    let lists = |of: fn(&Sample) -> &[String]| -> Result<ArrayRef, ArrowError> {
        let values = StringArray::from_iter_values(rows.iter().flat_map(|(_, cause, _)| of(cause)));
        let offsets = OffsetBuffer::from_lengths(rows.iter().map(|(_, cause, _)| of(cause).len()));
        let field = Arc::new(Field::new(LIST_ELEMENT, DataType::Utf8, true));
        Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(values), None)?))
    };
    let number = |of: fn(&Sample) -> i64| -> ArrayRef {
        Arc::new(rows.iter().map(|(_, cause, _)| Some(of(cause))).collect::<Int64Array>())
    };
    let flag = |of: fn(&(&Known, &Sample, bool)) -> bool| -> ArrayRef {
        Arc::new(rows.iter().map(|row| Some(of(row))).collect::<BooleanArray>())
    };
    let ids = StringArray::from_iter_values(rows.iter().map(|(cluster, _, _)| &cluster.id));
    let causes = StringArray::from_iter_values(rows.iter().map(|(_, cause, _)| cause.cause_id().to_string()));
    let build = || -> Result<RecordBatch, ArrowError> {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("cluster_id", Arc::new(ids)),
            ("founder", flag(|row| row.2)),
            ("cause_id", Arc::new(causes)),
            ("title", text(|cause| &cause.member.title)),
            ("type", text(|cause| &cause.r#type)),
            ("damaged", flag(|row| row.1.damaged)),
            ("cause_stack", lists(|cause| &cause.cause.stack)?),
            ("cause_locks", lists(|cause| &cause.cause.locks)?),
            ("count", number(|cause| i64::try_from(cause.count).unwrap_or(i64::MAX))),
            ("log", text(|cause| &cause.member.log)),
            ("index", number(|cause| i64::try_from(cause.member.index).unwrap_or(i64::MAX))),
        ];
        let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), false);
        let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
        RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect())
    };
    let batch = build().map_err(|error| refused(path, &error.to_string()))?;
    let failed = |source: std::io::Error| TableError::File { path: path.display().to_string(), source };
    crate::files::write_whole(path, |out| {
        let write = || -> Result<Vec<u8>, parquet::errors::ParquetError> {
            let properties =
                WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
            let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
            writer.write(&batch)?;
            writer.into_inner()
        };
        out.write_all(&write().map_err(std::io::Error::other)?)
    })
    .map_err(failed)
}

fn refused(path: &Path, what: &str) -> TableError {
    TableError::Request(format!("{}: {what}", path.display()))
}

/// Hands over the rows of a table.
fn each_row(path: &Path, take: &mut dyn FnMut(&TableRow<'_>) -> Result<(), TableError>) -> Result<(), TableError> {
    let files = if path.is_dir() { parquet_files(path) } else { vec![path.to_owned()] };
    for file in files {
        let named = parts_of(path, &file);
        each_batch(&file, &named, &mut |batch| {
            (0..batch.num_rows()).try_for_each(|at| take(&TableRow { batch, at, named: &named }))
        })?;
    }
    Ok(())
}

/// The columns that stand in the names of the folders between a table and one of its files.
fn parts_of(table: &Path, file: &Path) -> BTreeMap<String, Option<String>> {
    let below = file.strip_prefix(table).unwrap_or(file).parent().into_iter().flat_map(Path::components);
    let mut named = BTreeMap::new();
    for part in below {
        if let Some((name, value)) = part.as_os_str().to_string_lossy().split_once('=') {
            let value = (value != super::NOTHING).then(|| plain(value));
            named.insert(name.to_owned(), value);
        }
    }
    named
}

/// A percent-encoded value.
fn plain(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = (*first == b'%').then(|| behind.get(..2).and_then(|two| std::str::from_utf8(two).ok())).flatten();
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads the batches of a file, those columns alone that causes need.
fn each_batch(
    path: &Path,
    named: &BTreeMap<String, Option<String>>,
    take: &mut dyn FnMut(&RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let failed = |source: std::io::Error| TableError::File { path: path.display().to_string(), source };
    let because = |error: &dyn std::fmt::Display| unreadable(path, &sentence(error));
    let damaged = || unreadable(path, DAMAGED);
    ends_well(path)?;
    let file = File::open(path).map_err(failed)?;
    // A table without causes has what they are made of; nobody else needs that.
    let made = |schema: &Schema| schema.field_with_name("cause_id").is_err() && !named.contains_key("cause_id");
    let wanted = |schema: &Schema, at: usize| {
        let name = schema.field(at).name().as_str();
        NEEDED.contains(&name) || FURTHER.contains(&name) || (made(schema) && old::MADE_OF.contains(&name))
    };
    let open = || -> Result<Box<dyn RecordBatchReader>, TableError> {
        if Form::of(path) != Some(Form::Arrow) {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| because(&error))?;
            let schema = builder.schema().clone();
            let roots: Vec<usize> = (0..schema.fields().len()).filter(|at| wanted(&schema, *at)).collect();
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            return Ok(Box::new(builder.with_projection(mask).build().map_err(|error| because(&error))?));
        }
        let whole = FileReader::try_new(BufReader::new(file), None).map_err(|error| because(&error))?;
        let fields = whole.schema();
        let places: Vec<usize> = (0..fields.fields().len()).filter(|at| wanted(&fields, *at)).collect();
        let file = File::open(path).map_err(failed)?;
        Ok(Box::new(FileReader::try_new(BufReader::new(file), Some(places)).map_err(|error| because(&error))?))
    };
    let mut reader = guarded(open).unwrap_or_else(|| Err(damaged()))?;
    let schema = reader.schema();
    let there = |name: &str| schema.field_with_name(name).is_ok() || named.contains_key(name);
    let needed = if made(&schema) && there("stacks") && there("record") { &NEEDED[..3] } else { &NEEDED[..] };
    if let Some(missing) = needed.iter().find(|name| !there(name)) {
        return Err(refused(
            path,
            &format!(
                "it has no column {missing}, so that its causes are not known: write it with this kanalyze, or GROUP BY cause_id \
                 and keep title, type, frame, corrupted, cause_stack, cause_locks, log, \"index\" and the count"
            ),
        ));
    }
    // A number that is not understood would count as one.
    for name in ["index", "count"] {
        let unfit = schema.field_with_name(name).ok().filter(|field| !NUMBERS.contains(field.data_type()));
        if let Some(field) = unfit {
            return Err(refused(path, &format!("its column {name} is {}: CAST it to BIGINT", field.data_type())));
        }
    }
    while let Some(batch) = guarded(|| reader.next()).ok_or_else(damaged)? {
        take(&batch.map_err(|error| because(&error))?)?;
    }
    Ok(())
}

/// A row of a table that somebody wrote: kanalyze, Spark, duckdb, polars.
struct TableRow<'b> {
    batch: &'b RecordBatch,
    at: usize,
    named: &'b BTreeMap<String, Option<String>>,
}

impl TableRow<'_> {
    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name).filter(|column| !column.is_null(self.at))
    }

    /// Whether the table says what causes are: those of the first release do not.
    fn names_causes(&self) -> bool {
        self.batch.column_by_name("cause_id").is_some() || self.named.contains_key("cause_id")
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.column(name) {
            Some(column) => cell::text(column, self.at),
            None => self.named.get(name)?.clone(),
        }
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.column(name).map_or(Vec::new(), |column| cell::texts(column, self.at))
    }

    fn number(&self, name: &str) -> Option<i64> {
        let at = self.at;
        let Some(column) = self.column(name) else { return self.named.get(name)?.as_deref()?.parse().ok() };
        match column.data_type() {
            DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(at)),
            DataType::Int32 => Some(column.as_primitive::<Int32Type>().value(at).into()),
            DataType::UInt32 => Some(column.as_primitive::<UInt32Type>().value(at).into()),
            DataType::UInt64 => i64::try_from(column.as_primitive::<UInt64Type>().value(at)).ok(),
            // What duckdb makes of a sum of counts.
            DataType::Float64 => format!("{:.0}", column.as_primitive::<Float64Type>().value(at)).parse().ok(),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.column(name) {
            Some(column) => (*column.data_type() == DataType::Boolean).then(|| column.as_boolean().value(self.at)),
            None => self.named.get(name)?.as_deref().map(|value| value == "true"),
        }
    }

    /// The cause of the row; none if it is not a report, follows from another, or is suppressed.
    fn cause(&self) -> Option<Sample> {
        let other = self.text("record").is_some_and(|record| record != "report");
        if other || self.number("cause").is_some() || self.flag("suppressed") == Some(true) {
            return None;
        }
        if self.names_causes() {
            self.text("cause_id")?;
        }
        let log = self.text("log")?;
        let index = usize::try_from(self.number("index")?).ok()?;
        let member = Member { log, index, title: self.text("title")? };
        let frame = self.text("frame").unwrap_or_default();
        let nameless = || self.text("corrupted").is_some() || frame.is_empty();
        let damaged = self.flag("damaged").unwrap_or_else(nameless);
        let cause = if self.names_causes() {
            Cause { stack: self.texts("cause_stack"), locks: self.texts("cause_locks"), ..Cause::default() }
        } else {
            old::cause(self.batch, self.at, &frame)
        };
        let count = self.number("count").map_or(1, |count| u64::try_from(count).unwrap_or(0));
        Some(Sample { count, ..Sample::new(member, self.text("type").unwrap_or_default(), damaged, cause) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::cluster::clusters_into;

    #[test]
    fn clusters_come_back_as_they_were() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("clusters.parquet");
        assert_eq!(known_clusters(&path).expect("none yet"), []);
        let sample = |log: &str, title: &str, stack: &[&str]| {
            let member = Member { log: log.to_owned(), index: 3, title: title.to_owned() };
            let stack: Vec<String> = stack.iter().map(|name| (*name).to_owned()).collect();
            let damaged = stack.is_empty();
            Sample::new(
                member,
                "BUG".to_owned(),
                damaged,
                Cause { stack, locks: vec!["&a".into()], ..Cause::default() },
            )
        };
        let all = vec![sample("a", "BUG in f", &["f", "g"]), sample("b", "BUG in f", &["f"]), sample("c", "BUG", &[])];
        let found: Vec<Known> = clusters_into(Vec::new(), all).into_iter().map(|(_, known)| known).collect();
        write_clusters(&path, &found).expect("written");
        assert_eq!(known_clusters(&path).expect("readable"), found);
        assert_eq!(causes(&path).expect("a table of causes, too").len(), 3);
    }

    #[test]
    fn values_in_names_of_folders_are_read() {
        assert_eq!(plain("a%3A b%zz%"), "a: b%zz%");
        let named =
            parts_of(Path::new("t"), Path::new("t/record=report/corrupted=__HIVE_DEFAULT_PARTITION__/x.parquet"));
        assert_eq!(named["record"].as_deref(), Some("report"));
        assert_eq!(named["corrupted"], None);
    }
}
