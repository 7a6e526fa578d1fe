//! A table of videos: column `path`, perhaps `video_id`, and whatever else is known of them.

use std::collections::BTreeSet;
use std::path::Path;

use est_nets::StandIn;
use serde_json::{Map, Value};

use super::{Input, Source, below};
use crate::error::EstError;
use crate::parquet_table::{ParquetTable, is_parquet, read_parquet};
use crate::text_table::TextTable;

const PATH: &str = "path";
const VIDEO_ID: &str = "video_id";

/// Reads a list: Parquet, or a CSV table as spreadsheet programs save it. Paths count from the list's own folder. Columns that
/// mean nothing here stay with their video.
pub fn read_list(list: &Path) -> Result<Vec<Input>, EstError> {
    let wrong = |problem: String| EstError::Source { pattern: list.display().to_string(), problem };
    if let Some(what) = StandIn::at(list) {
        return Err(wrong(format!("is not the list itself but {what}; {}", what.remedy())));
    }
    let table = match is_parquet(list) {
        true => {
            let ParquetTable { columns, rows } = read_parquet(list, |_| true).map_err(wrong)?;
            TextTable::of(columns, rows)
        }
        false => {
            let unreadable = |error| wrong(format!("cannot be read ({error}); check the path"));
            TextTable::parse(&std::fs::read(list).map_err(unreadable)?).map_err(|problem| wrong(problem.to_string()))?
        }
    };
    let Some(path) = table.column(PATH) else {
        let found = table.columns.join(", ");
        return Err(wrong(format!("no column `{PATH}` among its columns ({found}); name it so in the first line")));
    };
    let video_id = table.column(VIDEO_ID);

    let folder = list.parent().unwrap_or(Path::new(""));
    let mut inputs = vec![];
    let mut names = BTreeSet::new();
    let columns = table.columns;
    for (line, record) in table.rows {
        let wrong = |problem: String| wrong(format!("line {line}: {problem}"));
        if record[path].is_empty() {
            return Err(wrong("has no path; add it or remove the line".to_string()));
        }
        let mut input = one(folder, &record[path]).map_err(wrong)?;
        if let Some(id) = video_id.map(|at| record[at].as_str()).filter(|id| !id.is_empty()) {
            if let Some(problem) = bad_name(id) {
                return Err(wrong(format!("`{id}` cannot be a video_id: {problem}; choose another")));
            }
            if !names.insert(id.to_string()) {
                return Err(wrong(format!("the video_id `{id}` comes again; give each video its own")));
            }
            input.name = id.to_string();
        }
        let of_video = |at: &usize| *at != path && Some(*at) != video_id && !columns[*at].is_empty();
        let others = columns.iter().zip(&record).enumerate().filter(|(at, _)| of_video(at));
        input.columns =
            others.map(|(_, (name, cell))| (name.clone(), Value::from(cell.as_str()))).collect::<Map<_, _>>();
        inputs.push(input);
    }
    if inputs.is_empty() {
        return Err(wrong("lists no video; give each a line".to_string()));
    }
    Ok(inputs)
}

/// The one video that a cell names.
fn one(folder: &Path, cell: &str) -> Result<Input, String> {
    let path = folder.join(cell);
    if path.is_dir() {
        let found = Input::expand(&path).map_err(|error| error.to_string())?;
        return match <[Input; 1]>::try_from(found) {
            Ok([input]) => Ok(input),
            Err(found) => Err(format!("{cell} is a folder of {} videos; give each a line", found.len())),
        };
    }
    let source = Source::File(path.clone());
    // A path from the list's folder is a name that tells folders apart; others may lead anywhere.
    let plain = Path::new(cell).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    Ok(if plain { below(folder, path) } else { Input::of(source) })
}

/// Why results cannot be called so: names become paths below the folder of results.
fn bad_name(name: &str) -> Option<&'static str> {
    let part_is_bad = |part: &str| part.is_empty() || part.starts_with('.');
    if name.chars().any(|c| c.is_control() || c == '\\') {
        Some("it holds a control character or a backslash")
    } else if name.len() > 200 {
        Some("it is longer than 200 bytes")
    } else if name.split('/').any(part_is_bad) {
        Some("a part of it is empty or begins with a dot")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use ::parquet::basic::Compression;

    use super::*;
    use crate::parquet_table::tests::list;

    fn read(text: &str) -> Result<Vec<Input>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("videos.csv");
        std::fs::write(&path, text).unwrap();
        read_list(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn lists_name_videos_and_keep_their_columns() {
        let inputs = read("\u{feff}participant;path;video_id\np1;a/x.mp4;\np2;b/x.mp4;second\n").unwrap();
        let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["a/x", "second"]);
        assert_eq!(inputs[1].columns["participant"], "p2");
        assert!(inputs[0].source.path().ends_with("a/x.mp4"));
        // As Excel has it, with a blank row and a column that has no name.
        let inputs = read("sep=;\r\npath;;participant;\r\na.mp4;;p1;\r\n;;;\r\nb.mp4\r\n").unwrap();
        assert_eq!(inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(serde_json::to_string(&inputs[0].columns).unwrap(), r#"{"participant":"p1"}"#);
        // A path out of the list's folder has the file's own name.
        assert_eq!(read("path\n../elsewhere/x.mp4\n").unwrap()[0].name, "x");
    }

    fn parquet(path: &Path, codec: Compression) {
        std::fs::write(path, list(codec, &[("a/x.mp4", Some(31)), ("b,c.mp4", None)])).unwrap();
    }

    #[test]
    fn parquet_lists_by_every_codec_or_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let zstd = Compression::ZSTD(Default::default());
        let gzip = Compression::GZIP(Default::default());
        for codec in
            [Compression::UNCOMPRESSED, Compression::SNAPPY, gzip, zstd, Compression::LZ4, Compression::LZ4_RAW]
        {
            // By its name, and by its first bytes.
            for name in ["videos.parquet", "videos.lst"] {
                let path = folder.path().join(name);
                parquet(&path, codec);
                let inputs = read_list(&path).unwrap();
                let names: Vec<_> = inputs.iter().map(|input| input.name.as_str()).collect();
                assert_eq!(names, ["a/x", "b,c"], "{codec:?}");
                assert_eq!([&inputs[0].columns["age"], &inputs[1].columns["age"]], ["31", ""], "{codec:?}");
            }
        }
        // Written without compression and then said to be by another codec, which no writer here knows: the number stands
        // in the chunk's metadata, after its path, as an integer of field 4.
        let path = folder.path().join("brotli.parquet");
        for (codec, name) in [(4, "Brotli"), (3, "LZO")] {
            parquet(&path, Compression::UNCOMPRESSED);
            let mut bytes = std::fs::read(&path).unwrap();
            let at =
                bytes.windows(6).rposition(|window| window == b"path\x15\x00").expect("the codec after the path") + 5;
            bytes[at] = codec * 2;
            std::fs::write(&path, bytes).unwrap();
            let error = read_list(&path).unwrap_err().to_string();
            assert!(error.contains("brotli.parquet: column `path` is compressed with"), "{error}");
            assert!(error.contains(name) && error.contains("zstd"), "{error}");
        }
    }

    #[test]
    fn errors_name_the_line() {
        for (text, expected) in [
            ("file\nx.mp4\n", "no column `path`"),
            ("path,who\nx.mp4,a\ny.mp4,a,b\n", "line 3 has 3 fields, the first line has 2"),
            ("path,who\nx.mp4,a\n,b\n", "line 3: has no path"),
            ("sep=;\npath;who\n;;\n\nx.mp4;a\n;b\n", "line 6: has no path"),
            ("path,video_id\nx.mp4,../up\n", "line 2: `../up` cannot be a video_id"),
            ("path,video_id\nx.mp4,a\ny.mp4,a\n", "line 3: the video_id `a` comes again"),
            ("path\n", "lists no video"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected) && error.contains("videos.csv"), "{error}");
        }
    }
}
