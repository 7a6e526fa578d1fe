//! What comments cite of docs/spec.md is there.

use std::path::Path;

use crate::docs::ROOT;

/// In two, for this file is read too.
const CITES: &str = concat!("SPEC ", "section ");

/// Sections and rows that `source` cites and `spec` lacks; how many citations there are.
fn lacking(source: &str, spec: &str) -> (Vec<String>, usize) {
    // A citation may go over the end of a comment's line.
    let words = source.lines().map(|line| line.trim_start().trim_start_matches(['/', '!']).trim());
    let text = words.collect::<Vec<_>>().join(" ");
    let (mut missing, mut count) = (vec![], 0);
    for cited in text.split(CITES).skip(1) {
        count += 1;
        let end = cited.find(|c: char| !c.is_ascii_digit()).unwrap_or(cited.len());
        let (number, rest) = cited.split_at(end);
        let mut sections = spec.split("\n## ");
        let Some(section) = sections.find(|text| !number.is_empty() && text.starts_with(&format!("{number}. "))) else {
            missing.push(format!("section {number}"));
            continue;
        };
        let rest = rest.strip_prefix(", ").unwrap_or_default();
        let row = rest.strip_prefix("row ").unwrap_or(rest).strip_prefix('"').and_then(|rest| rest.split_once('"'));
        if let Some((row, _)) = row.filter(|(row, _)| !section.contains(&format!("**{row}**"))) {
            missing.push(format!("section {number}, {row}"));
        }
    }
    (missing, count)
}

/// Every Rust file below `folder`.
fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_cited_section_is_written() {
    let spec = std::fs::read_to_string(Path::new(ROOT).join("docs/spec.md")).unwrap();
    let mut files = vec![];
    ["crates", "goldens"].iter().for_each(|folder| sources(&Path::new(ROOT).join(folder), &mut files));
    let mut cited = 0;
    for file in files {
        let (missing, count) = lacking(&std::fs::read_to_string(&file).unwrap(), &spec);
        assert!(missing.is_empty(), "{} cites what docs/spec.md lacks: {missing:?}", file.display());
        cited += count;
    }
    assert!(cited >= 25, "{cited} citations found");
}

#[test]
fn a_section_or_row_that_is_not_written_is_found() {
    let spec = "# Title\n\n## 1. Frames\n- **length**: 105\n\n## 12. More\n";
    let of = |citation: &str| lacking(&citation.replace('@', CITES), spec).0.join("; ");
    assert_eq!(of("/// One (@1, \"length\"), two (@12).\n"), "");
    assert_eq!(of("/// Over the end (@\n    /// 1, \"length\")."), "");
    assert_eq!(of("/// @2: another."), "section 2");
    assert_eq!(of("/// (@1, row \"width\")"), "section 1, width");
    assert_eq!(of("/// (@12, \"length\")"), "section 12, length");
    assert_eq!(of("/// @one"), "section ");
}
