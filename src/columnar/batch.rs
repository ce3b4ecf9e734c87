//! Rows ⇄ Arrow's record batches. With `file.rs` the only place that knows Arrow.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    builder::{Int32Builder, Int64Builder, StringBuilder},
};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::row::{LARGES, Row, SMALLS, TEXTS, Table};

/// Rows of a batch: large enough that its overhead is nothing, small enough that memory does not notice.
const ROWS: usize = 1 << 15;
/// Bytes of text in a batch, whose offsets have 31 bits.
const BYTES: usize = 64 << 20;

pub(super) fn schema() -> Schema {
    let column = |name: &&'static str, kind| Field::new(*name, kind, true);
    let mut fields = vec![Field::new("table", DataType::Utf8, false), Field::new("shard_key", DataType::Int32, false)];
    fields.extend(TEXTS.iter().map(|name| column(name, DataType::Utf8)));
    fields.extend(SMALLS.iter().map(|name| column(name, DataType::Int32)));
    fields.extend(LARGES.iter().map(|name| column(name, DataType::Int64)));
    Schema::new(fields)
}

/// Rows on their way into a batch.
#[derive(Default)]
pub(super) struct Filling {
    table: StringBuilder,
    shard_key: Int32Builder,
    texts: [StringBuilder; TEXTS.len()],
    smalls: [Int32Builder; SMALLS.len()],
    larges: [Int64Builder; LARGES.len()],
    rows: usize,
    bytes: usize,
}

impl Filling {
    /// Takes in a row; a batch, once there are enough.
    pub(super) fn push(&mut self, row: &Row<'_>) -> Result<Option<RecordBatch>, ArrowError> {
        self.table.append_value(row.table.name());
        self.shard_key.append_value(row.shard_key());
        for (column, text) in self.texts.iter_mut().zip(row.texts) {
            self.bytes += text.map_or(0, str::len);
            column.append_option(text);
        }
        self.smalls.iter_mut().zip(row.smalls).for_each(|(column, n)| column.append_option(n));
        self.larges.iter_mut().zip(row.larges).for_each(|(column, n)| column.append_option(n));
        self.rows += 1;
        if self.rows < ROWS && self.bytes < BYTES { Ok(None) } else { self.finish() }
    }

    /// What is left.
    pub(super) fn finish(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        (self.rows, self.bytes) = (0, 0);
        let mut columns: Vec<ArrayRef> = vec![Arc::new(self.table.finish()), Arc::new(self.shard_key.finish())];
        columns.extend(self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.smalls.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        columns.extend(self.larges.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
        RecordBatch::try_new(Arc::new(schema()), columns).map(Some)
    }
}

/// Calls `each` with every row. Columns are known by their names; those of other names are passed over.
pub(super) fn each(batch: &RecordBatch, each: &mut dyn FnMut(&Row<'_>) -> Result<(), String>) -> Result<(), String> {
    let find = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("has no column {name}"));
    let table = Strings::of("table", find("table")?)?;
    let texts = TEXTS.iter().map(|name| Strings::of(name, find(name)?)).collect::<Result<Vec<_>, _>>()?;
    let smalls = SMALLS.iter().map(|name| typed::<Int32Array>(name, find(name)?)).collect::<Result<Vec<_>, _>>()?;
    let larges = LARGES.iter().map(|name| typed::<Int64Array>(name, find(name)?)).collect::<Result<Vec<_>, _>>()?;
    for n in 0..batch.num_rows() {
        let name = table.at(n).ok_or("has a row without table")?;
        let mut row = Row::new(Table::parse(name).ok_or_else(|| format!("has a row of the unknown table {name}"))?);
        for (value, column) in row.texts.iter_mut().zip(&texts) {
            *value = column.at(n);
        }
        for (value, column) in row.smalls.iter_mut().zip(&smalls) {
            *value = column.is_valid(n).then(|| column.value(n));
        }
        for (value, column) in row.larges.iter_mut().zip(&larges) {
            *value = column.is_valid(n).then(|| column.value(n));
        }
        each(&row).map_err(|cause| format!("has a {name} row that {cause}"))?;
    }
    Ok(())
}

/// A column of text, however the engine in between wrote it.
enum Strings<'c> {
    Usual(&'c StringArray),
    Large(&'c LargeStringArray),
}

impl<'c> Strings<'c> {
    fn of(name: &str, column: &'c ArrayRef) -> Result<Self, String> {
        match column.data_type() {
            DataType::LargeUtf8 => typed(name, column).map(Strings::Large),
            _ => typed(name, column).map(Strings::Usual),
        }
    }

    fn at(&self, n: usize) -> Option<&'c str> {
        match self {
            Strings::Usual(column) => column.is_valid(n).then(|| column.value(n)),
            Strings::Large(column) => column.is_valid(n).then(|| column.value(n)),
        }
    }
}

fn typed<'c, A: Array + 'static>(name: &str, column: &'c ArrayRef) -> Result<&'c A, String> {
    let found = column.as_any().downcast_ref();
    found.ok_or_else(|| format!("has the column {name} as {}, which is not how a ledger has it", column.data_type()))
}
