//! Tables of text that users write, as spreadsheet programs save them: CSV in UTF-8 or UTF-16, with `,`, `;` or a tab between
//! its fields, perhaps with Excel's line `sep=;` before it, with rows that are blank and rows that end early.

use std::borrow::Cow;
use std::fmt;

/// Names of the columns, and the fields of each row that has any, with its line from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextTable {
    pub columns: Vec<String>,
    pub rows: Vec<(u64, Vec<String>)>,
}

/// What is wrong with a table, to be said behind its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableProblem {
    pub line: Option<u64>,
    pub problem: String,
}

impl fmt::Display for TableProblem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line} {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

impl TextTable {
    /// Blank rows are left out. Fields that a row lacks at its end are empty: Excel leaves such out after some rows. Surplus
    /// ones must be.
    pub fn parse(bytes: &[u8]) -> Result<TextTable, TableProblem> {
        let text = decoded(bytes)?;
        let (delimiter, mut counted) = layout(&text);
        let mut line = 1 + line_ends(&text[..counted]);
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(delimiter);
        let table = &text[counted..];
        let base = counted;
        let mut found: Option<TextTable> = None;
        for record in reader.from_reader(table.as_bytes()).records() {
            let of_all = |problem: String| TableProblem { line: None, problem };
            let record = record.map_err(|error| of_all(format!("is no CSV table ({error}); correct it")))?;
            // The reader's own count of lines takes a row's for that of the blank lines, or half a Windows end of line, that
            // come before it.
            let before = base + record.position().map_or(0, |at| at.byte() as usize);
            let start = text.len() - text[before..].trim_start_matches(['\r', '\n']).len();
            line += line_ends(&text[counted..start]);
            counted = start;
            let mut fields: Vec<String> = record.iter().map(|field| field.trim().to_string()).collect();
            if fields.iter().all(String::is_empty) {
                continue;
            }
            let Some(TextTable { columns, rows }) = &mut found else {
                let named = fields.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
                fields.truncate(named);
                found = Some(TextTable { columns: fields, rows: vec![] });
                continue;
            };
            if let Some(surplus) = fields.iter().skip(columns.len()).rposition(|field| !field.is_empty()) {
                let (fields, names) = (columns.len() + surplus + 1, columns.len());
                let problem =
                    format!("has {fields} fields, the first line has {names}; put a field that holds commas in quotes");
                return Err(TableProblem { line: Some(line), problem });
            }
            fields.resize(columns.len(), String::new());
            rows.push((line, fields));
        }
        Ok(found.unwrap_or(TextTable { columns: vec![], rows: vec![] }))
    }

    /// Of a table that is no text. Its lines count as those of one whose first line names the columns; blank rows are left
    /// out.
    pub fn of(columns: Vec<String>, rows: Vec<Vec<String>>) -> TextTable {
        let rows = (2..).zip(rows).filter(|(_, fields)| !fields.iter().all(String::is_empty)).collect();
        TextTable { columns, rows }
    }

    /// Where the column `name` is, in any case.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))
    }
}

/// As UTF-8, or UTF-16 where a mark says so (Excel's "Unicode text").
fn decoded(bytes: &[u8]) -> Result<Cow<'_, str>, TableProblem> {
    let of_all = |problem: String| TableProblem { line: None, problem };
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.as_chunks::<2>().0.iter().map(|&two| unit(two));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map(Cow::Owned).map_err(|_| of_all("is not UTF-16 text, as its first bytes say; save it as UTF-8".into()))
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        _ => Cow::Borrowed(str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            of_all(format!("is not UTF-8 text (from byte {at} on); save it as UTF-8"))
        })?),
    };
    if text.contains('\0') {
        return Err(of_all("holds zeros, as UTF-16 without a mark does; save it as UTF-8".into()));
    }
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => Cow::Owned(rest.to_string()),
        None => text,
    })
}

/// What stands between fields, and where the table begins. Excel writes `sep=;` in a line of its own.
fn layout(text: &str) -> (u8, usize) {
    let end = text.find(['\r', '\n']).unwrap_or(text.len());
    let first = text[..end].trim_start_matches('"').as_bytes();
    let said = first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep="));
    let begin = if said { end } else { 0 };
    let named = first.get(4).copied().filter(|delimiter| said && delimiter.is_ascii() && *delimiter != b'"');
    let blank =
        |line: &&str| line.trim_matches(|c: char| c == '"' || c.is_whitespace() || c == ',' || c == ';').is_empty();
    let header = text[begin..].split(['\r', '\n']).find(|line| !blank(line)).unwrap_or("");
    // Outside quotes.
    let count = |delimiter: u8| {
        let parts = header.split('"').step_by(2);
        parts.map(|part| part.bytes().filter(|&byte| byte == delimiter).count()).sum::<usize>()
    };
    // The first of those that come equally often.
    let usual = DELIMITERS.into_iter().rev().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',');
    (named.unwrap_or(usual), begin)
}

/// Lines that end in `text`, as any system ends them.
fn line_ends(text: &str) -> u64 {
    let pairs = text.matches("\r\n").count();
    (text.matches(['\r', '\n']).count() - pairs) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u64, String)> {
        let table = TextTable::parse(text.as_bytes()).unwrap();
        assert_eq!(table.columns, ["path", "who"], "{text:?}");
        table.rows.into_iter().map(|(line, fields)| (line, fields.join("|"))).collect()
    }

    fn expect(text: &str, found: &[(u64, &str)]) {
        let found: Vec<(u64, String)> = found.iter().map(|&(line, fields)| (line, fields.to_string())).collect();
        assert_eq!(rows(text), found, "{text:?}");
    }

    #[test]
    fn what_spreadsheet_programs_write() {
        let plain = [(2, "a|x"), (3, "b|y")];
        for delimiter in [",", ";", "\t"] {
            expect(&format!("path{delimiter}who\r\na{delimiter}x\r\nb{delimiter}y\r\n"), &plain);
            for said in ["sep=", "SEP=", "\"sep="] {
                let text = format!("\u{feff}{said}{delimiter}\r\npath{delimiter}who\na{delimiter}x\nb{delimiter}y");
                expect(&text, &[(3, "a|x"), (4, "b|y")]);
            }
        }
        // An old Mac's line ends, blank rows of all kinds, columns without a name, rows that end early.
        expect("path,who\ra,x\rb,y", &plain);
        expect("\n;;\npath;who;;\n\n;;;\na;x;;\n  ; ;\nb\n", &[(6, "a|x"), (8, "b|")]);
        expect("path,who\n\"a\nb\",\"x, \"\"y\"\"\"\r\n\r\nc,z\n", &[(2, "a\nb|x, \"y\""), (5, "c|z")]);
        expect("\"path\";\"who\"\n\"a;1,2,3\";x\n", &[(2, "a;1,2,3|x")]);
        assert_eq!(TextTable::parse(b"\n \n").unwrap().columns, [""; 0]);
    }

    #[test]
    fn utf16_with_a_mark() {
        let text = "\u{feff}path\twho\r\nä.mp4\t😀\r\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little, &big] {
            let table = TextTable::parse(bytes).unwrap();
            assert_eq!(table.rows, [(2, vec!["ä.mp4".to_string(), "😀".to_string()])]);
        }
        let says = |bytes: &[u8]| TextTable::parse(bytes).unwrap_err().to_string();
        assert!(says(&little[2..]).contains("UTF-16 without a mark") || says(&little[2..]).contains("UTF-8"));
        assert!(says(b"p\0a\0").contains("UTF-16 without a mark"));
        assert!(says(&[0xff, 0xfe, 0, 0xd8, 0, 0]).contains("is not UTF-16"));
        assert!(says(b"path\n\xe4.mp4\n").contains("(from byte 5 on)"));
    }

    #[test]
    fn a_surplus_field_names_its_line() {
        let says = |text: &str| TextTable::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(says("sep=,\npath,who\n\na,x\nb,y,z\n").starts_with("line 5 has 3 fields, the first line has 2"));
    }
}
