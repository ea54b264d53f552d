//! Streams of Arrow batches (IPC): logs come in, rows go out, further columns pass through.

use super::arrays::batch;
use super::draft::told;
use super::guarded::{guarded, sentence};
use super::messages::{MARK, head_of, is_in_proportion};
use super::place::Place;
use super::schema::COLUMNS;
use super::{Origin, Row, TableError};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_buffer::Buffer;
use arrow_ipc::reader::StreamDecoder;
use arrow_ipc::root_as_message;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use arrow_select::take::take;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;

/// The columns that hold the name of a log, the first that is there.
const NAMES: [&str; 2] = ["path", "log"];
/// The column that holds its bytes.
const CONTENT: &str = "content";
/// What a log without a name is called.
const NAMELESS: &str = "?";

/// Logs that come as a stream of batches.
pub struct LogStream {
    reader: Box<dyn Read + Send>,
    decoder: StreamDecoder,
    /// What was read and is not decoded: the rest of a message's head, and its body.
    piece: Buffer,
    body: Buffer,
    /// The first bytes of the next message.
    begun: Vec<u8>,
    /// The first batch, if it came with the schema.
    ready: Option<RecordBatch>,
    name: usize,
    content: Option<usize>,
    passed: Vec<usize>,
}

impl LogStream {
    /// Reads up to the schema.
    ///
    /// # Errors
    /// No Arrow stream, none with a column `path` or `log`, or one with a column of a name that rows have.
    pub fn open(reader: Box<dyn Read + Send>) -> Result<Self, TableError> {
        let (piece, body) = (Buffer::from(Vec::<u8>::new()), Buffer::from(Vec::<u8>::new()));
        let (decoder, begun, passed) = (StreamDecoder::new(), Vec::new(), Vec::new());
        let mut stream = Self { reader, decoder, piece, body, begun, ready: None, name: 0, content: None, passed };
        stream.expect_stream()?;
        stream.ready = stream.decode_until(|decoder, batch| batch.is_some() || decoder.schema().is_some())?;
        let schema = stream.decoder.schema().ok_or_else(|| {
            refused("it is empty: send a stream of Arrow batches (IPC) with the columns path and content")
        })?;
        stream.look(&schema)?;
        Ok(stream)
    }

    /// Reads the first bytes: a stream begins with a mark.
    fn expect_stream(&mut self) -> Result<(), TableError> {
        let mut head = Vec::new();
        let read = (&mut self.reader).take(MARK.len() as u64).read_to_end(&mut head);
        read.map_err(|source| TableError::File { path: INPUT.to_owned(), source })?;
        if !head.is_empty() && head != MARK {
            let what = if head == b"ARRO" { "an Arrow file, not a stream" } else { "not a stream of Arrow batches" };
            return Err(refused(&format!(
                "it is {what}: send one in the IPC format, as pyarrow.ipc.new_stream writes it"
            )));
        }
        self.begun = head;
        Ok(())
    }

    /// Reads on until there are so many bytes; whether there are. Memory is taken for what has come alone.
    fn fill(&mut self, bytes: &mut Vec<u8>, length: usize) -> Result<bool, TableError> {
        let missing = length.saturating_sub(bytes.len()) as u64;
        let read = (&mut self.reader).take(missing).read_to_end(bytes);
        read.map_err(|source| TableError::File { path: INPUT.to_owned(), source })?;
        Ok(bytes.len() >= length)
    }

    /// Reads the next message; false at the end. A batch is as large as its sender made it.
    fn read_message(&mut self) -> Result<bool, TableError> {
        let cut = || refused("it ends in the middle of a batch: its sender failed");
        let damaged = || refused("it is damaged");
        let mut head = std::mem::take(&mut self.begun);
        if !self.fill(&mut head, MARK.len())? {
            return if head.is_empty() { Ok(false) } else { Err(cut()) };
        }
        let start = head_of(&head);
        let mut body = Vec::new();
        if !self.fill(&mut head, start)? {
            return Err(cut());
        }
        let size = head[start - 4..].try_into().map_or(0, u32::from_le_bytes) as usize;
        // Nothing is the end.
        if size > 0 {
            if !self.fill(&mut head, start + size)? {
                return Err(cut());
            }
            let message = root_as_message(&head[start..]).map_err(|error| {
                refused(&format!("it is damaged or not an Arrow stream (IPC): {}", sentence(&error)))
            })?;
            let length = usize::try_from(message.bodyLength()).map_err(|_| damaged())?;
            if !self.fill(&mut body, length)? {
                return Err(cut());
            }
            let word = |place: u64| {
                let place = usize::try_from(place).ok()?;
                Some(i64::from_le_bytes(body.get(place..place.checked_add(8)?)?.try_into().ok()?))
            };
            if !is_in_proportion(&message, word) {
                return Err(damaged());
            }
        }
        (self.piece, self.body) = (Buffer::from(head), Buffer::from(body));
        Ok(true)
    }

    /// Finds the columns.
    fn look(&mut self, schema: &SchemaRef) -> Result<(), TableError> {
        let place = |name: &str| schema.fields().iter().position(|field| field.name() == name);
        let typed = |at: usize, fits: &[DataType]| {
            let field = schema.field(at);
            if fits.contains(field.data_type()) {
                return Ok(at);
            }
            Err(refused(&format!("its column {} is {}, not {}", field.name(), field.data_type(), fits[0])))
        };
        let name = NAMES.iter().find_map(|name| place(name)).ok_or_else(|| {
            let found: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            refused(&format!(
                "it has no column path (or log) with the names of the logs; its columns are {}",
                found.join(", ")
            ))
        })?;
        self.name = typed(name, &TEXTS)?;
        self.content = place(CONTENT).map(|at| typed(at, &CONTENTS)).transpose()?;
        self.passed = (0..schema.fields().len()).filter(|at| *at != self.name && Some(*at) != self.content).collect();
        for at in &self.passed {
            let name = schema.field(*at).name();
            if COLUMNS.iter().any(|column| column.name == name) {
                return Err(refused(&format!("its column {name} would meet the column {name} of the rows: rename it")));
            }
        }
        Ok(())
    }

    /// The columns that pass through.
    #[must_use]
    pub fn passed(&self) -> Vec<FieldRef> {
        let fields = self.decoder.schema().map_or_else(Vec::new, |schema| schema.fields().to_vec());
        self.passed.iter().filter_map(|at| fields.get(*at).cloned()).collect()
    }

    /// The next logs; none at the end.
    ///
    /// # Errors
    /// The stream is damaged or cut off.
    pub fn next_batch(&mut self) -> Result<Option<LogBatch>, TableError> {
        let found = match self.ready.take() {
            Some(batch) => Some(batch),
            None => self.decode_until(|_, batch| batch.is_some())?,
        };
        Ok(found.map(|batch| LogBatch {
            name: batch.column(self.name).clone(),
            content: self.content.map(|at| batch.column(at).clone()),
            passed: self.passed.iter().map(|at| batch.column(*at).clone()).collect(),
        }))
    }

    /// Reads on until there is enough, or to the end.
    fn decode_until(
        &mut self,
        enough: impl Fn(&StreamDecoder, Option<&RecordBatch>) -> bool,
    ) -> Result<Option<RecordBatch>, TableError> {
        loop {
            while !self.piece.is_empty() {
                let (decoder, piece) = (&mut self.decoder, &mut self.piece);
                let batch =
                    guarded(|| decoder.decode(piece)).ok_or_else(|| refused("it is damaged"))?.map_err(|error| {
                        refused(&format!("it is damaged or not an Arrow stream (IPC): {}", sentence(&error)))
                    })?;
                if enough(&self.decoder, batch.as_ref()) {
                    return Ok(batch);
                }
            }
            self.piece = std::mem::replace(&mut self.body, Buffer::from(Vec::<u8>::new()));
            if self.piece.is_empty() && !self.read_message()? {
                self.decoder.finish().map_err(|_| refused("it ends in the middle of a batch: its sender failed"))?;
                return Ok(None);
            }
        }
    }
}

const INPUT: &str = "standard input";
const OUTPUT: &str = "standard output";

const TEXTS: [DataType; 3] = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];
const CONTENTS: [DataType; 6] = [
    DataType::Binary,
    DataType::LargeBinary,
    DataType::BinaryView,
    DataType::Utf8,
    DataType::LargeUtf8,
    DataType::Utf8View,
];

fn refused(what: &str) -> TableError {
    TableError::Request(format!("{INPUT}: {what}"))
}

/// Some logs of a [`LogStream`].
pub struct LogBatch {
    name: ArrayRef,
    content: Option<ArrayRef>,
    passed: Vec<ArrayRef>,
}

impl LogBatch {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.name.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of one.
    #[must_use]
    pub fn name(&self, at: usize) -> &str {
        if self.name.is_null(at) {
            return NAMELESS;
        }
        match self.name.data_type() {
            DataType::LargeUtf8 => self.name.as_string::<i64>().value(at),
            DataType::Utf8View => self.name.as_string_view().value(at),
            _ => self.name.as_string::<i32>().value(at),
        }
    }

    /// The bytes of one; none where the stream holds names alone, or none for this log.
    #[must_use]
    pub fn content(&self, at: usize) -> Option<&[u8]> {
        let content = self.content.as_ref().filter(|content| !content.is_null(at))?;
        Some(match content.data_type() {
            DataType::Utf8 => content.as_string::<i32>().value(at).as_bytes(),
            DataType::LargeUtf8 => content.as_string::<i64>().value(at).as_bytes(),
            DataType::Utf8View => content.as_string_view().value(at).as_bytes(),
            DataType::LargeBinary => content.as_binary::<i64>().value(at),
            DataType::BinaryView => content.as_binary_view().value(at),
            _ => content.as_binary::<i32>().value(at),
        })
    }

    /// Whether the stream has a column of contents.
    #[must_use]
    pub fn has_contents(&self) -> bool {
        self.content.is_some()
    }
}

/// Rows that go out as a stream of batches.
pub struct RowStream {
    writer: StreamWriter<BufWriter<Box<dyn Write + Send>>>,
    schema: SchemaRef,
    origin: Origin,
}

impl RowStream {
    /// Begins a stream with the columns of rows, and the `passed` ones of a [`LogStream`] behind them.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn create(out: Box<dyn Write + Send>, passed: &[FieldRef], origin: Origin) -> Result<Self, TableError> {
        let own = batch(&[], &[], &origin)?.schema();
        let fields: Vec<FieldRef> = own.fields().iter().chain(passed).cloned().collect();
        let schema = Arc::new(Schema::new(fields));
        let out = BufWriter::with_capacity(1 << 18, out);
        let writer = StreamWriter::try_new(out, &schema).map_err(failed)?;
        let mut stream = Self { writer, schema, origin };
        stream.flush()?;
        Ok(stream)
    }

    /// Writes rows; `from` says of which logs they are, for the columns that pass through.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn write(&mut self, rows: &[&Row], from: Option<(&LogBatch, &[u32])>) -> Result<(), TableError> {
        let mut columns = batch(rows, &[], &self.origin)?.columns().to_vec();
        if let Some((logs, places)) = from {
            let places = UInt32Array::from(places.to_vec());
            for column in &logs.passed {
                columns.push(take(column, &places, None).map_err(failed)?);
            }
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns).map_err(failed)?;
        self.writer.write(&batch).map_err(failed)?;
        self.flush()
    }

    /// Hands on what was written: whoever reads may wait for it.
    fn flush(&mut self) -> Result<(), TableError> {
        self.writer.flush().map_err(failed)
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn finish(mut self) -> Result<(), TableError> {
        self.writer.finish().map_err(failed)?;
        self.flush()
    }
}

impl Place for RowStream {
    fn write(&mut self, rows: &[&Row], _: &Origin) -> Result<(), TableError> {
        Self::write(self, rows, None)
    }

    fn finish(self: Box<Self>) -> Result<(), TableError> {
        Self::finish(*self)
    }
}

fn failed(error: arrow_schema::ArrowError) -> TableError {
    told(Path::new(OUTPUT))(Box::new(error))
}
