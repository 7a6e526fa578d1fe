//! The columns of the CSV with their types, in row groups that are written as they fill.

mod order;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType, ZstdLevel};
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::metadata::SortingColumn;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::types::{Type, TypePtr};

use super::columns::{Cell, Column, Kind};
use super::output::OutputFile;
use super::reports::Lines;
use super::summary::Summary;
use crate::error::EstError;

/// Rows held until they are written together: some 5 MB, enough for columns to compress, and five minutes of one face at
/// 25 frames a second, so that a question about a minute reads 2 of the 22 groups of two hours.
const GROUP: usize = 8192;
/// Rows of a page: for readers that have the page index, half a minute.
const PAGE: usize = 1024;

pub struct ParquetReport {
    values: Vec<Values>,
    rows: usize,
    path: PathBuf,
    writer: SerializedFileWriter<OutputFile>,
}

/// The values of one column, and for each row whether it has one.
struct Values {
    filled: Filled,
    /// 1 for a value, 0 for none; of use only to columns that may be empty.
    defined: Option<Vec<i16>>,
}

enum Filled {
    Text(Vec<ByteArray>),
    Integer(Vec<i64>),
    Float(Vec<f64>),
}

impl ParquetReport {
    pub fn create(path: &Path, columns: Vec<Column>) -> Result<Self, EstError> {
        let wrong = wrong(path);
        let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(&wrong)?;
        let schema = Type::group_type_builder("row").with_fields(fields).build().map_err(&wrong)?;
        let time = columns.iter().position(|column| column.name == "pts_s").expect("every table has times");
        let by_time = SortingColumn { column_idx: time as i32, descending: false, nulls_first: false };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_data_page_row_count_limit(PAGE)
            .set_sorting_columns(Some(vec![by_time]))
            .build();
        let file = OutputFile::create(path)?;
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(&wrong)?;
        let values = columns.iter().map(Values::of).collect();
        Ok(ParquetReport { values, rows: 0, path: path.to_owned(), writer })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for values in &mut self.values {
            let mut column = group.next_column()?.expect("as many columns as the schema has");
            let defined = values.defined.as_deref();
            match &values.filled {
                Filled::Text(texts) => column.typed::<ByteArrayType>().write_batch(texts, defined, None)?,
                Filled::Integer(numbers) => column.typed::<Int64Type>().write_batch(numbers, defined, None)?,
                Filled::Float(numbers) => column.typed::<DoubleType>().write_batch(numbers, defined, None)?,
            };
            column.close()?;
            values.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

impl Lines for ParquetReport {
    fn line(&mut self, cells: Vec<Cell>) -> Result<(), EstError> {
        for (values, cell) in self.values.iter_mut().zip(cells) {
            values.push(cell);
        }
        self.rows += 1;
        if self.rows == GROUP { self.write_group().map_err(wrong(&self.path)) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>, _: &Summary) -> Result<Vec<PathBuf>, EstError> {
        let wrong = wrong(&self.path);
        if self.rows > 0 {
            self.write_group().map_err(&wrong)?;
        }
        let is_float: Vec<bool> = self.values.iter().map(|values| matches!(values.filled, Filled::Float(_))).collect();
        let mut file = self.writer.into_inner().map_err(&wrong)?;
        order::by_type(&mut file, &is_float)?;
        Ok(vec![file.commit()?])
    }
}

impl Values {
    fn of(column: &Column) -> Self {
        let filled = match column.kind {
            Kind::Text => Filled::Text(vec![]),
            Kind::Integer => Filled::Integer(vec![]),
            Kind::Float => Filled::Float(vec![]),
        };
        Values { filled, defined: column.of_face.then(Vec::new) }
    }

    /// # Panics
    /// When the cell is not of the column's kind.
    fn push(&mut self, cell: Cell) {
        if let Some(defined) = &mut self.defined {
            defined.push(i16::from(cell != Cell::Empty));
        }
        match (&mut self.filled, cell) {
            (Filled::Text(texts), Cell::Text(text)) => texts.push(text.into_bytes().into()),
            (Filled::Integer(numbers), Cell::Integer(number)) => numbers.push(number as i64),
            (Filled::Float(numbers), Cell::Float(number, decimals)) => numbers.push(Cell::rounded(number, decimals)),
            (_, Cell::Empty) if self.defined.is_some() => (),
            (_, cell) => panic!("{cell:?} in a column of another kind"),
        }
    }

    fn clear(&mut self) {
        match &mut self.filled {
            Filled::Text(texts) => texts.clear(),
            Filled::Integer(numbers) => numbers.clear(),
            Filled::Float(numbers) => numbers.clear(),
        }
        if let Some(defined) = &mut self.defined {
            defined.clear();
        }
    }
}

fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let (kind, logical) = match column.kind {
        Kind::Text => (PhysicalType::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Integer => (PhysicalType::INT64, None),
        Kind::Float => (PhysicalType::DOUBLE, None),
    };
    let repetition = if column.of_face { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    let field = Type::primitive_type_builder(&column.name, kind).with_logical_type(logical);
    field.with_repetition(repetition).build().map(Arc::new)
}

fn wrong(path: &Path) -> impl Fn(ParquetError) -> EstError + use<> {
    let path = path.to_owned();
    move |error| EstError::Output { path: path.clone(), error: std::io::Error::other(error) }
}
