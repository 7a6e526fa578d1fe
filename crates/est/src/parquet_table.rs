//! Parquet tables of text and numbers, as lists are.

use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use ::parquet::schema::types::{Type, TypePtr};

/// The first bytes of every Parquet file.
const MAGIC: &[u8; 4] = b"PAR1";

/// The names of a table's columns, and the fields of each row: those of the columns that were asked for, which come first.
pub struct ParquetTable {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Whether a file is a Parquet table, by its name or its first bytes.
pub fn is_parquet(path: &Path) -> bool {
    let mut head = [0; MAGIC.len()];
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        || File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == *MAGIC
}

/// Reads the columns that are `wanted`. An empty field is one without a value; one that is neither text nor a number reads
/// as it prints.
///
/// # Errors
/// What is wrong with the file, without its name: no Parquet, damaged, or compressed by a codec that is not read.
pub fn read_parquet(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<ParquetTable, String> {
    guarded(|| read(path, wanted))
}

/// The crate parquet 60 asserts what it expects of some metadata in place of returning an error.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("is a damaged Parquet table; write it anew".to_string()))
}

fn read(path: &Path, wanted: impl Fn(&str) -> bool) -> Result<ParquetTable, String> {
    let wrong = |error: ParquetError| format!("is no Parquet table ({error}); write it anew");
    let file = File::open(path).map_err(|error| format!("cannot be read ({error}); check the path"))?;
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let schema = reader.metadata().file_metadata().schema();
    let (read, others): (Vec<TypePtr>, Vec<TypePtr>) =
        schema.get_fields().iter().cloned().partition(|field| wanted(field.name()));
    let columns = read.iter().chain(&others).map(|field| field.name().to_string()).collect();
    for chunk in reader.metadata().row_groups().iter().flat_map(|group| group.columns()) {
        let is_read = chunk.column_path().parts().first().is_some_and(|name| wanted(name));
        if let (true, Some(codec)) = (is_read, not_read(chunk.compression())) {
            let name = chunk.column_path().string();
            return Err(format!(
                "column `{name}` is compressed with {codec}, which est does not read; write the table with Zstandard \
                 (pandas: to_parquet(.., compression=\"zstd\")) or without compression"
            ));
        }
    }
    let projection = Type::group_type_builder(schema.name()).with_fields(read).build().map_err(wrong)?;
    let mut rows = vec![];
    for (row, number) in reader.get_row_iter(Some(projection)).map_err(wrong)?.zip(1..) {
        let row = row.map_err(wrong)?;
        let fields = row.get_column_iter().map(|(name, field)| match field {
            Field::Null => Ok(String::new()),
            Field::Str(text) => Ok(text.trim().to_string()),
            Field::Bytes(bytes) => String::from_utf8(bytes.data().to_vec()).map_err(|_| {
                format!("line {number} holds bytes in column {name} that are no UTF-8 text; make it text")
            }),
            other => Ok(other.to_string()),
        });
        rows.push(fields.collect::<Result<_, String>>()?);
    }
    Ok(ParquetTable { columns, rows })
}

/// The name of a codec that is not read. Brotli would bring a decoder of some 20,000 lines for tables that hardly anybody
/// writes; nobody has written LZO since parquet-mr left it out.
fn not_read(codec: Compression) -> Option<&'static str> {
    match codec {
        Compression::BROTLI(_) => Some("Brotli"),
        Compression::LZO => Some("LZO"),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use ::parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;

    use super::*;

    /// A list as pandas writes it, by whatever codec.
    pub(crate) fn list(codec: Compression, videos: &[(&str, Option<i64>)]) -> Vec<u8> {
        let schema = "message list { required binary path (UTF8); optional int64 age; }";
        let properties = WriterProperties::builder().set_compression(codec).build();
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let mut bytes = vec![];
        let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
        let mut rows = writer.next_row_group().unwrap();
        let mut column = rows.next_column().unwrap().unwrap();
        let names: Vec<ByteArray> = videos.iter().map(|(name, _)| ByteArray::from(*name)).collect();
        column.typed::<ByteArrayType>().write_batch(&names, None, None).unwrap();
        column.close().unwrap();
        let mut column = rows.next_column().unwrap().unwrap();
        let ages: Vec<i64> = videos.iter().filter_map(|(_, age)| *age).collect();
        let defined: Vec<i16> = videos.iter().map(|(_, age)| i16::from(age.is_some())).collect();
        column.typed::<Int64Type>().write_batch(&ages, Some(&defined), None).unwrap();
        column.close().unwrap();
        rows.close().unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn tables_that_are_cut_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_parquet(&path, |_| true)
        };
        for codec in [Compression::UNCOMPRESSED, Compression::LZ4_RAW] {
            let whole = list(codec, &[("a.mp4", Some(31)), ("b.mp4", None), ("a.mp4", Some(4))]);
            assert_eq!(read(&whole).unwrap().rows, [["a.mp4", "31"], ["b.mp4", ""], ["a.mp4", "4"]]);
            for at in 0..whole.len() {
                assert!(read(&whole[..at]).is_err(), "cut at {at}");
            }
        }
    }

    #[test]
    fn what_the_crate_does_not_expect_is_an_error() {
        assert_eq!(guarded(|| Ok(1)), Ok(1));
        let asserted: Result<u8, String> = guarded(|| panic!("as the crate does"));
        assert!(asserted.unwrap_err().contains("damaged"));
    }
}
