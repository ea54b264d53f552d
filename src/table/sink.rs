//! The bytes of a table file, in each of its forms.

use super::csv::{self, Written};
use super::form::Form;
use super::{Origin, Row};
use crate::files::Draft;
use std::io::BufWriter;
#[cfg(feature = "arrow")]
use {
    super::arrays::batch,
    arrow_ipc::CompressionType,
    arrow_ipc::writer::{FileWriter, IpcWriteOptions},
    parquet::arrow::ArrowWriter,
    parquet::basic::{Compression, ZstdLevel},
    parquet::file::properties::{EnabledStatistics, WriterProperties},
};

/// Rows of a row group of Parquet, if they are small: what a reader skips or reads at once.
#[cfg(feature = "arrow")]
const GROUP_ROWS: usize = 1 << 16;

/// Where the bytes go.
pub(super) type Out = BufWriter<Draft>;

/// A file that is being written.
pub(super) enum Sink {
    #[cfg(feature = "arrow")]
    Parquet(Box<ArrowWriter<Out>>),
    #[cfg(feature = "arrow")]
    Arrow(Box<FileWriter<Out>>),
    Csv(Out),
}

impl Sink {
    /// Writes what stands before the rows. A row group is gathered up to `group` bytes of memory.
    #[cfg(feature = "arrow")]
    pub(super) fn open(form: Form, mut out: Out, without: &[String], origin: &Origin, group: usize) -> Written<Self> {
        let schema = || batch(&[], without, origin).map(|batch| batch.schema());
        Ok(match form {
            Form::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                    .set_statistics_enabled(EnabledStatistics::Chunk)
                    .set_created_by(format!("kanalyze {}", env!("CARGO_PKG_VERSION")))
                    .set_max_row_group_row_count(Some(GROUP_ROWS))
                    .set_max_row_group_bytes(Some(group))
                    .build();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, schema()?, Some(properties))?))
            }
            Form::Arrow => {
                let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
                Self::Arrow(Box::new(FileWriter::try_new_with_options(out, &*schema()?, options)?))
            }
            Form::Csv => {
                csv::write_header(&mut out)?;
                Self::Csv(out)
            }
        })
    }

    /// Writes what stands before the rows. CSV is the only form of a build without the feature `arrow`.
    #[cfg(not(feature = "arrow"))]
    pub(super) fn open(_: Form, mut out: Out, _: &[String], _: &Origin, _: usize) -> Written<Self> {
        csv::write_header(&mut out)?;
        Ok(Self::Csv(out))
    }

    /// Writes rows, `without` some columns.
    #[cfg_attr(not(feature = "arrow"), expect(unused_variables, reason = "CSV has all columns"))]
    pub(super) fn write(&mut self, rows: &[&Row], without: &[String], origin: &Origin) -> Written<()> {
        match self {
            #[cfg(feature = "arrow")]
            Self::Parquet(writer) => writer.write(&batch(rows, without, origin)?)?,
            #[cfg(feature = "arrow")]
            Self::Arrow(writer) => writer.write(&batch(rows, without, origin)?)?,
            Self::Csv(out) => csv::write(out, rows, origin)?,
        }
        Ok(())
    }

    /// Writes what stands behind the rows.
    pub(super) fn finish(self) -> Written<Out> {
        Ok(match self {
            #[cfg(feature = "arrow")]
            Self::Parquet(writer) => writer.into_inner()?,
            #[cfg(feature = "arrow")]
            Self::Arrow(writer) => writer.into_inner()?,
            Self::Csv(out) => out,
        })
    }
}
