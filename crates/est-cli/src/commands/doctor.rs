//! `est doctor`: what is installed, what is missing, and what to do about it.

use std::process::ExitCode;

use est::Model;
use est_engine::{Options, Session};
use est_nets::weights;
use est_nets::{EstConfig, Network, random_weights, retinaface};
use serde_json::json;

use super::table;
use crate::args::DoctorArgs;
use crate::assets::{Asset, DETECTOR, MESH, WEIGHTS};

struct Finding {
    what: &'static str,
    state: &'static str,
    details: String,
}

pub fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    if args.kernels {
        return kernels();
    }
    let findings = [
        program(),
        processor(),
        decoder(),
        asset("face detector", &DETECTOR, "missing"),
        // Only `est synth` asks for it.
        asset("head mesh", &MESH, "not there"),
        default_weights(),
    ];
    if args.json {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| json!({ "what": finding.what, "state": finding.state, "details": finding.details }))
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
    } else {
        let rows: Vec<_> = findings
            .iter()
            .map(|finding| vec![finding.what.to_string(), finding.state.to_string(), finding.details.clone()])
            .collect();
        table::print(&["part", "state", "details"], &rows);
    }
    let broken = findings.iter().any(|finding| matches!(finding.state, "missing" | "damaged"));
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn program() -> Finding {
    Finding { what: "est", state: "ok", details: format!("version {}", env!("CARGO_PKG_VERSION")) }
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Finding {
        what: "processor",
        state: "ok",
        details: format!("{}{}, {cores} cores", std::env::consts::ARCH, vector_instructions()),
    }
}

/// The widest vector instructions that the kernels can use here.
#[cfg(target_arch = "x86_64")]
fn vector_instructions() -> &'static str {
    if std::arch::is_x86_feature_detected!("avx512f") {
        " with AVX-512"
    } else if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        " with AVX2 and FMA"
    } else {
        " without AVX2: slow"
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vector_instructions() -> &'static str {
    ""
}

fn decoder() -> Finding {
    Finding { what: "video decoder", state: "ok", details: est_media::decoder_version() }
}

/// A file that the set-up fetches; `without` is what its absence is called.
fn asset(what: &'static str, asset: &Asset, without: &'static str) -> Finding {
    let (file, places) = (asset.file, asset.places());
    let Some(path) = places.iter().find(|path| path.is_file()) else {
        let looked: Vec<_> = places.iter().map(|path| path.display().to_string()).collect();
        let details = format!("run `make setup`, or put {file} into one of: {}", looked.join(", "));
        return Finding { what, state: without, details };
    };
    let (state, details) = match weights::file::sha256(path) {
        Ok(found) if asset.sha256.is_none_or(|sum| sum == found) => ("ok", path.display().to_string()),
        Ok(_) => {
            ("damaged", format!("{} is not the file that was tested; remove it, then `make setup`", path.display()))
        }
        Err(error) => ("damaged", error.to_string()),
    };
    Finding { what, state, details }
}

/// A weights file holds the hash of its own tensors, so none has to be written here.
fn default_weights() -> Finding {
    let what = "default weights";
    let path = match WEIGHTS.find(None) {
        Ok(path) => path,
        Err(problem) => return Finding { what, state: "missing", details: problem.to_string() },
    };
    match Model::open(&path) {
        Ok(model) => Finding { what, state: "ok", details: format!("{}: {}", path.display(), model.id()) },
        Err(error) => Finding { what, state: "damaged", details: format!("{error}; fetch the repository again") },
    }
}

/// The kernel chosen for each layer, of EST and of the detector at 640 x 480.
fn kernels() -> anyhow::Result<ExitCode> {
    let est = Network::Est(EstConfig::PAPER).prediction();
    for (name, graph) in [("EST, preset paper", est), ("RetinaFace, 640 x 480", retinaface::graph(480, 640))] {
        let session = Session::new(&graph, &random_weights(&graph, 1), &Options::default())?;
        println!("{name}\n{}", session.plan());
    }
    Ok(ExitCode::SUCCESS)
}
