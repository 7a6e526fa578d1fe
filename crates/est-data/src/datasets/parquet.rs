//! Parquet tables of text and numbers.

use std::fs::File;
use std::path::Path;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::{Type, TypePtr};

use super::annotation::{Place, Table};
use crate::error::DataError;

/// The table's columns, those of `wanted` first; only these are read and have fields. The first row is line 1. A field
/// that is neither text nor a whole number reads as it prints; it is nobody's path.
pub(super) fn table(path: &Path, wanted: &[&str]) -> Result<Table, DataError> {
    let wrong = |error: ParquetError| DataError::set(path, format!("is no Parquet table ({error}); write it anew"));
    let reader = SerializedFileReader::new(File::open(path).map_err(DataError::read(path))?).map_err(wrong)?;
    let schema = reader.metadata().file_metadata().schema();
    let is_wanted = |field: &TypePtr| wanted.iter().any(|name| name.eq_ignore_ascii_case(field.name()));
    let (read, others): (Vec<TypePtr>, Vec<TypePtr>) = schema.get_fields().iter().cloned().partition(is_wanted);
    let columns = read.iter().chain(&others).map(|field| field.name().to_string()).collect();
    let projection = Type::group_type_builder(schema.name()).with_fields(read).build().map_err(wrong)?;
    let mut rows = vec![];
    for (row, number) in reader.get_row_iter(Some(projection)).map_err(wrong)?.zip(1..) {
        let place = Place { path: path.to_owned(), line: Some(number) };
        let row = row.map_err(wrong)?;
        let fields = row.get_column_iter().map(|(name, field)| match field {
            Field::Null => Ok(String::new()),
            Field::Str(text) => Ok(text.trim().to_string()),
            Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).map_err(|_| {
                place.problem(format!("holds bytes in column {name} that are no UTF-8 text; make it text"))
            }),
            other => Ok(other.to_string()),
        });
        let fields = fields.collect::<Result<Vec<String>, DataError>>()?;
        rows.push((place, fields));
    }
    Ok(Table { path: path.to_owned(), columns, rows })
}
