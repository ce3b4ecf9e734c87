//! Rows in streams and files.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, Write},
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use arrow_array::RecordBatch;
use arrow_ipc::{reader::StreamReader, writer::StreamWriter};
use arrow_schema::ArrowError;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};

use super::{
    Partial,
    batch::{self, Filling},
};
use crate::error::Error;

/// What a Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";
/// What a stream ends with: without it, it was cut off.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/// Writes all rows as an Arrow IPC stream.
pub fn write_stream(partial: &Partial, to: impl Write) -> Result<(), Error> {
    let mut writer = StreamWriter::try_new(to, &batch::schema()).map_err(unwritten)?;
    rows(partial, &mut |batch| writer.write(&batch))?;
    writer.finish().map_err(unwritten)?;
    writer.get_mut().flush().map_err(|e| unwritten(e.into()))
}

/// Writes all rows as Parquet: the same rows, the same bytes.
pub fn write_parquet(partial: &Partial, to: impl Write + Send) -> Result<(), Error> {
    let packing = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
    let made = ArrowWriter::try_new(to, Arc::new(batch::schema()), Some(packing));
    let mut writer = made.map_err(|e| unwritten(arrow(e)))?;
    rows(partial, &mut |batch| writer.write(&batch).map_err(arrow))?;
    writer.close().map(drop).map_err(|e| unwritten(arrow(e)))
}

/// Folds in all rows of a file or stream called `name`: Parquet, or Arrow IPC streams one after the other. After an error
/// the ledger holds some of them.
pub fn read(partial: &mut Partial, name: &str, from: Source) -> Result<(), Error> {
    // Arrow panics over some buffers whose lengths somebody made up; that ends the reading, not the program.
    let read = panic::catch_unwind(AssertUnwindSafe(|| read_rows(partial, name, from)));
    read.unwrap_or_else(|_| {
        Err(Error::Data { name: name.to_owned(), cause: "is no intact ledger: its columns make no sense".to_owned() })
    })
}

fn read_rows(partial: &mut Partial, name: &str, from: Source) -> Result<(), Error> {
    let wrong = |cause: String| Error::Data { name: name.to_owned(), cause };
    let unread = |e: io::Error| Error::Read { path: name.into(), cause: e };
    let mut take = |batch: &RecordBatch| batch::each(batch, &mut |row| partial.take(row)).map_err(wrong);
    let mut stream: Box<dyn BufRead> = match from {
        Source::File(mut file) => {
            let mut magic = [0; 4];
            let n = file.read(&mut magic).map_err(unread)?;
            file.rewind().map_err(unread)?;
            if &magic[..n] == PARQUET {
                let broken = |e: String| wrong(format!("is no intact Parquet file: {e}"));
                let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| broken(e.to_string()))?;
                for batch in reader.build().map_err(|e| broken(e.to_string()))? {
                    take(&batch.map_err(|e| broken(e.to_string()))?)?;
                }
                return Ok(());
            }
            Box::new(BufReader::with_capacity(1 << 20, file))
        }
        Source::Stream(stream) => stream,
    };
    if stream.fill_buf().map_err(unread)?.is_empty() {
        return Err(wrong("is empty: no ledger was written there".to_owned()));
    }
    while !stream.fill_buf().map_err(unread)?.is_empty() {
        let mut watched = Watched { inner: &mut *stream, last: [0; 8] };
        let broken = |e: ArrowError| wrong(format!("is no intact ledger stream: {e}"));
        for batch in StreamReader::try_new(&mut watched, None).map_err(broken)? {
            take(&batch.map_err(broken)?)?;
        }
        if watched.last != END {
            return Err(wrong("breaks off before its end".to_owned()));
        }
    }
    Ok(())
}

/// Where rows are read from.
pub enum Source {
    /// A file of either form.
    File(File),
    /// Arrow IPC streams.
    Stream(Box<dyn BufRead>),
}

fn rows(partial: &Partial, write: &mut dyn FnMut(RecordBatch) -> Result<(), ArrowError>) -> Result<(), Error> {
    let mut filling = Filling::default();
    partial.rows(&mut |row| match filling.push(row).map_err(unwritten)? {
        Some(batch) => write(batch).map_err(unwritten),
        None => Ok(()),
    })?;
    filling.finish().map_err(unwritten)?.map_or(Ok(()), |batch| write(batch).map_err(unwritten))
}

/// The caller knows the path and names it.
fn unwritten(error: ArrowError) -> Error {
    let cause = match error {
        ArrowError::IoError(_, cause) => cause,
        other => io::Error::other(other.to_string()),
    };
    Error::Write { path: "ledger".into(), cause }
}

fn arrow(error: ParquetError) -> ArrowError {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => ArrowError::IoError(cause.to_string(), *cause),
            Err(cause) => ArrowError::ParquetError(cause.to_string()),
        },
        other => ArrowError::ParquetError(other.to_string()),
    }
}

/// Remembers the last bytes read.
struct Watched<R> {
    inner: R,
    last: [u8; 8],
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        let kept = n.min(END.len());
        self.last.rotate_left(kept);
        self.last[END.len() - kept..].copy_from_slice(&to[n - kept..n]);
        Ok(n)
    }
}
