//! Clips of your own: `--list` is a table, CSV or Parquet, with columns `path` (from the root; a video or a folder of
//! pictures) and `label`, and perhaps `subject` and `split`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use est::Source;

use super::annotation::{Place, Table};
use super::gather::{Gather, Statement};
use super::labels::{Classes, usual_word};
use super::walk::check_root;
use super::{DataSet, Protocol, Request, list_of};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "own",
    title: "own clips",
    published: &[],
    // Unless the list has a column `split`.
    protocol: Protocol::FoldsBySubject(5),
    fps: None,
    list,
};

const COLUMNS: [&str; 4] = ["path", "label", "subject", "split"];

fn list(request: &Request) -> Result<Listing, DataError> {
    let path = list_of(request)?;
    let table = match est::is_parquet(path) {
        true => super::parquet::table(path, &COLUMNS)?,
        false => Table::csv(path)?,
    };
    let [file, label] = [table.required("path")?, table.required("label")?];
    let [subject, split] = [table.column("subject"), table.column("split")];

    if let Some((place, _)) = table.rows.iter().find(|(_, row)| row[file].is_empty()) {
        return Err(place.problem("has no path; add it or remove the line"));
    }
    let any_there = |root: &Path| table.rows.iter().any(|(_, row)| root.join(&row[file]).exists());
    match table.rows.first() {
        Some((_, row)) => {
            check_root(request.root, &format!("clip of {} ({} ..)", path.display(), row[file]), any_there)?
        }
        None => return Err(DataError::set(path, "lists no clip; give each a line")),
    }

    let words = table.rows.iter().map(|(_, row)| row[label].as_str()).filter(|word| !word.is_empty());
    let classes = classes(words);
    let numbers = numbers(&classes).map_err(|problem| DataError::set(path, problem))?;
    let mut gather = Gather::new(request.root, classes);
    if let Some(numbers) = numbers {
        gather.note(path, &numbers);
    }
    let is_extra = |column: &&String| !COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(column));
    let extra: Vec<String> = table.columns.iter().filter(is_extra).cloned().collect();
    gather.warn(path, &extra, "columns that mean nothing here, left out");
    let given =
        |row: &[String], column: Option<usize>| column.map(|at| row[at].clone()).filter(|value| !value.is_empty());
    let mut without_part = vec![];
    for (place, row) in table.rows {
        let part = given(&row, split).map(|text| part(&text, &place)).transpose()?;
        if split.is_some() && part.is_none() {
            without_part.push(row[file].clone());
        }
        // `./a.mp4` is `a.mp4`.
        let within: PathBuf = Path::new(&row[file]).components().filter(|c| *c != Component::CurDir).collect();
        let on_disk = request.root.join(&within);
        let source = if on_disk.is_dir() { Source::Folder(on_disk) } else { Source::File(on_disk) };
        let name = within.with_file_name(source.name()).to_string_lossy().into_owned();
        let said = Statement::new(name, source, &row[label], place);
        gather.add(Statement { subject: given(&row, subject), part, ..said })?;
    }
    gather.warn(path, &without_part, "clips without a split; they are in no part");
    gather.finish()
}

/// The labels that occur: in the usual order where all are usual ones, else in that of the alphabet.
fn classes<'a>(words: impl Iterator<Item = &'a str>) -> Classes {
    let occurring: BTreeSet<String> = words.map(usual_word).collect();
    let Classes(mut seven) = Classes::usual(7);
    if occurring.iter().all(|word| seven.contains(word)) {
        seven.retain(|class| occurring.contains(class));
        return Classes(seven);
    }
    Classes(occurring.into_iter().collect())
}

/// What is to be said of labels that are numbers: which expression each stands for nobody knows but the list's author.
///
/// # Errors
/// When some are numbers and some are words, or one number is written in two ways: one class would be two.
fn numbers(Classes(classes): &Classes) -> Result<Option<String>, String> {
    let (numbers, words): (Vec<&str>, Vec<&str>) =
        classes.iter().map(String::as_str).partition(|class| class.parse::<f64>().is_ok());
    let value = |number: &&str| number.parse::<f64>().expect("a number").to_bits();
    let distinct: BTreeSet<u64> = numbers.iter().map(value).collect();
    match (numbers.is_empty(), words.is_empty()) {
        (true, _) => Ok(None),
        (false, false) => Err(format!(
            "has labels that are words ({}) and labels that are numbers ({}); write one word for each class",
            words.join(", "),
            numbers.join(", ")
        )),
        (false, true) if distinct.len() < numbers.len() => {
            Err(format!("writes a label in two ways ({}); write each in one", numbers.join(", ")))
        }
        (false, true) => Ok(Some(format!(
            "labels are numbers ({}), and so are the names of the classes; write words, such as {}, to have them \
             compared with other sets and weights",
            numbers.join(", "),
            est::CLASSES.join(", ")
        ))),
    }
}

/// `val` is `validation`, `3` is `fold-3`.
fn part(text: &str, place: &Place) -> Result<String, DataError> {
    let text = text.to_lowercase();
    let number = text.strip_prefix("fold").unwrap_or(&text).trim_start_matches(['-', '_', ' ']);
    let part = match text.as_str() {
        "train" | "training" => "train".to_string(),
        "val" | "valid" | "validation" | "dev" => "validation".to_string(),
        "test" | "testing" => "test".to_string(),
        _ => match number.parse::<u32>() {
            Ok(number) => format!("fold-{number}"),
            Err(_) => {
                return Err(
                    place.problem(format!("has split `{text}`; write train, validation, test or fold-1, fold-2 .."))
                );
            }
        },
    };
    Ok(part)
}
