//! Arrow streams and tables that no library wrote: damaged, cut, with lengths and places that are not theirs. Each gives what can be
//! read, or an error; none a panic, none more memory than its bytes call for.

use super::allocs::memory;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, BinaryArray, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use kanalyze::table::{LogStream, causes};
use std::io::Cursor;
use std::sync::Arc;

/// So many damaged inputs of each form.
const DAMAGED: u64 = 250;
/// No reader may hold more, bytes: the library of Arrow takes up to 64 MiB for a message before it has come, and copies it once.
const BOUND: isize = 192 << 20;
/// Numbers that lengths and places are not.
const NUMBERS: [i64; 8] = [0, 1, -1, i64::MIN, i64::MAX, 1 << 31, 1 << 40, 1 << 62];

/// A sequence of numbers that is the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("below")
    }
}

/// The bytes cut, with other bytes, or with numbers where lengths and places stand.
fn damaged(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15 ^ (seed + 1));
    numbers.below(2);
    let mut bytes = whole.to_vec();
    match seed % 4 {
        0 => bytes.truncate(numbers.below(whole.len())),
        1 => (0..1 + numbers.below(16)).for_each(|_| bytes[numbers.below(whole.len())] = numbers.below(256) as u8),
        2 => {
            let at = numbers.below(whole.len() / 8) * 8;
            let number = NUMBERS[numbers.below(NUMBERS.len())];
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        _ => {
            let at = numbers.below(whole.len() / 4) * 4;
            let number = NUMBERS[numbers.below(NUMBERS.len())] as i32;
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

fn written(compression: Option<CompressionType>) -> IpcWriteOptions {
    IpcWriteOptions::default().try_with_compression(compression).expect("zstd is built in")
}

/// Logs with a column of words that are kept in a dictionary.
fn logs(compression: Option<CompressionType>) -> Vec<u8> {
    let names: Vec<String> = (0..40).map(|at| format!("{at}.log")).collect();
    let tags: DictionaryArray<Int32Type> = (0..40).map(|at| ["a", "b", "c"][at % 3]).collect();
    let contents = names.iter().map(|name| format!("[    1.000000] {name}: all is well\n").repeat(9));
    let contents: Vec<Vec<u8>> = contents.map(String::into_bytes).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("path", Arc::new(StringArray::from_iter_values(&names))),
        ("content", Arc::new(BinaryArray::from_iter_values(&contents))),
        ("tag", Arc::new(tags)),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let mut bytes = Vec::new();
    let mut writer =
        StreamWriter::try_new_with_options(&mut bytes, &batch.schema(), written(compression)).expect("a stream");
    for at in [0, 20] {
        writer.write(&batch.slice(at, 20)).expect("written");
    }
    writer.finish().expect("written");
    drop(writer);
    bytes
}

/// Reads every name and every byte; how many logs there were, or why there are no more.
fn read(bytes: Vec<u8>) -> Result<usize, String> {
    let mut stream = LogStream::open(Box::new(Cursor::new(bytes))).map_err(|error| error.to_string())?;
    let mut count = 0;
    while let Some(batch) = stream.next_batch().map_err(|error| error.to_string())? {
        for at in 0..batch.len() {
            std::hint::black_box((batch.name(at).len(), batch.content(at).map(<[u8]>::len)));
        }
        count += batch.len();
    }
    Ok(count)
}

/// An error in one line that says whose it is.
fn is_a_sentence(error: &str) {
    assert!(!error.contains('\n') && error.contains(": ") && error.len() < 400, "{error:?}");
}

#[test]
fn damaged_streams_of_logs_end_with_a_sentence() {
    for compression in [None, Some(CompressionType::ZSTD)] {
        let whole = logs(compression);
        assert_eq!(read(whole.clone()), Ok(40));
        let mut refused = 0;
        for seed in 0..DAMAGED {
            let bytes = damaged(&whole, seed);
            let (done, _, most) = memory(|| read(bytes));
            assert!(most < BOUND, "{compression:?}, seed {seed}: {most} bytes");
            if let Err(error) = done {
                is_a_sentence(&error);
                refused += 1;
            }
        }
        assert!(refused > DAMAGED / 4, "{refused}");
    }
}

#[test]
fn damaged_tables_of_causes_end_with_a_sentence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let texts = |text: &'static str| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..30).map(|_| text))) };
    let lists = || -> ArrayRef {
        let list = |at: usize| Some((0..at % 4).map(|at| Some(i32::try_from(at).expect("small"))).collect::<Vec<_>>());
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>((0..30).map(list)))
    };
    for compression in [None, Some(CompressionType::ZSTD)] {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("title", texts("KASAN: use-after-free in widget_put")),
            ("log", texts("a.log")),
            ("index", Arc::new(Int64Array::from_iter_values(0..30))),
            ("cause_id", texts("0123456789abcdef")),
            ("cause_stack", lists()),
            ("cause_locks", lists()),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let mut whole = Vec::new();
        let mut writer =
            FileWriter::try_new_with_options(&mut whole, &batch.schema(), written(compression)).expect("a table");
        writer.write(&batch).expect("written");
        writer.finish().expect("written");
        drop(writer);
        let path = folder.path().join("table.arrow");
        std::fs::write(&path, &whole).expect("written");
        assert_eq!(causes(&path).expect("causes").len(), 30);
        for seed in 0..DAMAGED {
            std::fs::write(&path, damaged(&whole, seed)).expect("written");
            let (done, _, most) = memory(|| causes(&path));
            assert!(most < BOUND, "{compression:?}, seed {seed}: {most} bytes");
            if let Err(error) = done {
                is_a_sentence(&error.to_string());
            }
        }
    }
}
