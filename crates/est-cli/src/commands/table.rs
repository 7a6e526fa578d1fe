//! Plain text tables, and the numbers in them.

use est_eval::intervals::Interval;

/// A share in percent.
pub fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_string(), |share| format!("{:.2}", 100.0 * share))
}

/// An interval of a share, in percent.
pub fn between(interval: Option<Interval>) -> String {
    interval.map_or("-".to_string(), |Interval { low, high }| format!("{:.2} to {:.2}", 100.0 * low, 100.0 * high))
}

/// Columns padded to their widest cell; those that hold only numbers (and `-` for none) to the right.
pub fn print(header: &[&str], rows: &[Vec<String>]) {
    let columns = 0..header.len();
    let widths: Vec<usize> = columns
        .clone()
        .map(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([header[column].chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let numeric: Vec<bool> = columns
        .map(|column| rows.iter().all(|row| row[column].starts_with(|c: char| c.is_ascii_digit() || c == '-')))
        .collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(&widths).zip(&numeric).map(|((cell, &width), numeric)| {
            if *numeric { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    println!("{}", line(header.to_vec()));
    for row in rows {
        println!("{}", line(row.iter().map(String::as_str).collect()));
    }
}
