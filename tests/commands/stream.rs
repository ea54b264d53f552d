//! Tables as streams: what goes through the filter that runs inside of Spark and Ray.

use super::fed::{fed, started};
use super::table::{kanalyze, lab, succeeds, temporary, text};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

const FILTER: [&str; 6] = ["table", "--from", "arrow", "--to", "arrow", "-j1"];

/// What the program answers to bytes on standard input.
fn filtered(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    fed(Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(arguments).current_dir(folder), input)
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).expect("a stream");
    // Twice two batches: the filter must hold them apart.
    let half = batch.num_rows() / 2;
    writer.write(&batch.slice(0, half)).expect("written");
    writer.write(&batch.slice(half, batch.num_rows() - half)).expect("written");
    writer.finish().expect("written");
    drop(writer);
    bytes
}

fn batches(bytes: &[u8]) -> Vec<RecordBatch> {
    let reader = StreamReader::try_new(bytes, None).expect("a stream of rows");
    reader.map(|batch| batch.expect("a batch")).collect()
}

/// The columns that say which row it is and what it says, as text.
fn rows(bytes: &[u8]) -> Vec<[String; 6]> {
    let mut all = Vec::new();
    for batch in batches(bytes) {
        let text = |name: &str| batch.column_by_name(name).expect("a column").as_string::<i32>().clone();
        let index = batch.column_by_name("index").expect("a column").as_primitive::<Int64Type>().clone();
        let damage = batch.column_by_name("damage").expect("a column").as_list::<i32>().clone();
        let (log, record, title, cause) = (text("log"), text("record"), text("title"), text("cause_id"));
        for at in 0..batch.num_rows() {
            let words = damage.value(at);
            let words: Vec<&str> = words.as_string::<i32>().iter().flatten().collect();
            let value = |of: &StringArray| of.value(at).to_owned();
            let words = words.join("; ");
            all.push([value(&log), value(&record), index.value(at).to_string(), value(&title), value(&cause), words]);
        }
    }
    all
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).expect("packed");
    encoder.finish().expect("packed")
}

#[test]
fn logs_come_in_and_rows_go_out_with_what_passes_through() {
    let folder = temporary();
    let oops = std::fs::read(lab("oops_bug.log")).expect("the lab");
    let hang = std::fs::read(lab("hang_chain.log")).expect("the lab");
    let gz = packed(&oops);
    let zeros = [0_u8; 64];
    let contents: Vec<Option<&[u8]>> =
        vec![Some(&oops), Some(&gz), Some(b""), None, Some(&hang), Some(&zeros), Some(b"PK\x03\x04 torn")];
    let names = ["a.log", "s3://bucket/b.log", "empty.log", "none.log", "hang.log", "zeros.log", "torn.zip"];
    let input = stream(vec![
        ("path", Arc::new(StringArray::from_iter_values(names))),
        ("content", Arc::new(BinaryArray::from_iter(contents))),
        ("size", Arc::new(Int64Array::from_iter_values(0..7))),
    ]);
    let done = filtered(folder.path(), &FILTER, &input);
    assert_eq!((done.status.code(), text(&done.stderr).as_str()), (Some(0), ""));
    let found = rows(&done.stdout);
    let logs: Vec<&[String; 6]> = found.iter().filter(|row| row[1] == "log").collect();
    assert_eq!(logs.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), names);
    let damaged: Vec<&str> = logs.iter().filter(|row| !row[5].is_empty()).map(|row| row[0].as_str()).collect();
    assert_eq!(damaged, ["empty.log", "none.log", "zeros.log", "torn.zip"]);
    // What is packed says the same.
    let said = |log: &str| -> Vec<Vec<String>> {
        found.iter().filter(|row| row[0] == log).map(|row| row[1..].to_vec()).collect()
    };
    assert!(said("a.log").len() > 1);
    assert_eq!(said("a.log"), said("s3://bucket/b.log"));
    let keys: BTreeSet<&[String]> = found.iter().map(|row| &row[..3]).collect();
    assert_eq!(keys.len(), found.len(), "log, record and index are a key");
    for batch in batches(&done.stdout) {
        let (log, size) = (batch.column_by_name("log"), batch.column_by_name("size"));
        let (log, size) =
            (log.expect("a column").as_string::<i32>(), size.expect("passed").as_primitive::<Int64Type>());
        for at in 0..batch.num_rows() {
            assert_eq!(names[usize::try_from(size.value(at)).expect("small")], log.value(at));
        }
    }
    // Any number of threads gives the same bytes.
    let more = [&FILTER[..5], &["-j3"]].concat();
    assert_eq!(rows(&filtered(folder.path(), &more, &input).stdout), found);
}

#[test]
fn names_give_the_rows_of_the_files() {
    let folder = temporary();
    let named = [lab("oops_bug.log"), lab("hang_chain.log"), "absent.log".to_owned()];
    let wanted = kanalyze(folder.path(), &["table", &named[0], &named[1], &named[2], "--to", "arrow"]);
    assert_eq!((wanted.status.code(), text(&wanted.stderr).as_str()), (Some(0), ""), "the rows say it");
    let wanted = rows(&wanted.stdout);
    assert!(wanted.iter().any(|row| row[0] == "absent.log" && row[5].contains("no such file")), "{wanted:?}");
    let list = named.join("\n");
    std::fs::write(folder.path().join("list"), &list).expect("written");
    let paths: ArrayRef = Arc::new(StringArray::from_iter_values(&named));
    for (arguments, input) in [
        (&["table", "--from", "paths", "--to", "arrow"][..], list.as_bytes()),
        (&["table", "--files-from", "-", "--to", "arrow"], named.join("\0").as_bytes()),
        (&["table", "--files-from", "list", "--to", "arrow", "-j1"], b""),
        (&FILTER, &stream(vec![("log", paths)])),
    ] {
        let done = filtered(folder.path(), arguments, input);
        assert!(done.status.success(), "{arguments:?}: {}", text(&done.stderr));
        assert_eq!(rows(&done.stdout), wanted, "{arguments:?}");
    }
    // A table says the same to whoever runs the command, and exits with 2.
    let done = filtered(folder.path(), &["table", "--from", "paths", "-o", "t.parquet"], list.as_bytes());
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("absent.log"), "{}", text(&done.stderr));
    assert!(folder.path().join("t.parquet").exists());
}

#[test]
fn members_of_one_name_are_logs_of_their_own() {
    let folder = temporary();
    let log = std::fs::read(lab("oops_bug.log")).expect("the lab");
    let mut archive = tar::Builder::new(Vec::new());
    for _ in 0..2 {
        let mut header = tar::Header::new_gnu();
        header.set_size(log.len() as u64);
        archive.append_data(&mut header, "console.log", &log[..]).expect("added");
    }
    let bytes = archive.into_inner().expect("an archive");
    let input = stream(vec![
        ("path", Arc::new(StringArray::from_iter_values(["logs.tar", "none.log"]))),
        ("content", Arc::new(BinaryArray::from_iter([Some(&bytes[..]), None]))),
    ]);
    let found = rows(&filtered(folder.path(), &FILTER, &input).stdout);
    let logs: Vec<&str> = found.iter().filter(|row| row[1] == "log").map(|row| row[0].as_str()).collect();
    assert_eq!(logs, ["logs.tar/console.log", "logs.tar/console.log (2)", "none.log"]);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let folder = temporary();
    let log = std::fs::read(lab("hang_chain.log")).expect("the lab");
    let many = 200;
    let input = stream(vec![
        ("path", Arc::new(StringArray::from_iter_values((0..many).map(|number| format!("{number}.log"))))),
        ("content", Arc::new(BinaryArray::from_iter_values((0..many).map(|_| &log)))),
    ]);
    let mut child = started(Command::new(env!("CARGO_BIN_EXE_kanalyze")).args(FILTER).current_dir(folder.path()));
    let mut stdin = child.stdin.take().expect("a pipe");
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let mut first = [0; 4096];
    child.stdout.take().expect("a pipe").read_exact(&mut first).expect("the schema comes at once");
    let done = child.wait_with_output().expect("it ends");
    feeding.join().expect("the feeder ends with it");
    assert_eq!((done.status.code(), text(&done.stderr).as_str()), (Some(0), ""));
}

#[test]
fn a_stream_that_is_none_gets_one_sentence() {
    let folder = temporary();
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(["a.log", "b.log"]));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values([1, 2]));
    let whole = stream(vec![("path", names.clone())]);
    let cut = &whole[..whole.len() / 2];
    for (input, expected) in [
        (&b""[..], "it is empty"),
        (b"[    1.0] BUG: a log\n", "not a stream of Arrow batches"),
        (b"ARROW1\0\0", "an Arrow file, not a stream"),
        (cut, "ends in the middle"),
        (&stream(vec![("file", names.clone())]), "no column path (or log)"),
        (&stream(vec![("path", numbers.clone())]), "its column path is Int64"),
        (&stream(vec![("path", names.clone()), ("content", numbers.clone())]), "its column content is Int64"),
        (&stream(vec![("path", names), ("title", numbers)]), "rename it"),
    ] {
        let done = filtered(folder.path(), &FILTER, input);
        let said = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{expected}: {said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{expected}: {said}");
    }
    let help = succeeds(folder.path(), &["table", "--help"]);
    assert!(help.contains("--from arrow --to arrow"), "{help}");
}
