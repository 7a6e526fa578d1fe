//! `est complexity`: what the networks cost, beside what the paper prints.

use std::process::ExitCode;

use anyhow::anyhow;
use est_nets::{Convention, PRESETS, Preset, Role, macs};
use serde_json::json;

use super::table;
use crate::args::ComplexityArgs;

pub fn run(args: &ComplexityArgs) -> anyhow::Result<ExitCode> {
    let chosen: Vec<&Preset> = match &args.preset {
        None => PRESETS.iter().collect(),
        Some(name) => vec![named(name)?],
    };
    if args.json {
        let rows: Vec<_> = chosen.iter().map(|preset| row(preset)).collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = chosen.iter().map(|preset| cells(preset)).collect();
    let header =
        ["preset", "parameters", "without SSOP", "paper M", "G MACs", "G MACs b", "products G", "paper G", "where"];
    table::print(&header, &rows);
    println!(
        "\nG MACs: convolutions, 2 per batch-norm element, ReLU outputs, pool inputs, linear, attention (the paper's \
         main tables).\nG MACs b: convolutions, 2 per batch-norm element, global pool, linear (the supplement's \
         backbones).\nproducts: convolutions and matrix products alone. All for one clip.\nThe paper's 34.37 M for \
         `transformer` counts the AA-SFE that this row does not use."
    );
    if let [preset] = chosen[..] {
        println!();
        parts(preset);
    }
    Ok(ExitCode::SUCCESS)
}

/// The preset called `name`.
pub fn named(name: &str) -> anyhow::Result<&'static Preset> {
    Preset::named(name).ok_or_else(|| {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        anyhow!("no preset called `{name}`; there are {}", names.join(", "))
    })
}

fn row(preset: &Preset) -> serde_json::Value {
    let graph = preset.config.graph();
    json!({
        "preset": preset.name,
        "source": preset.source,
        "parameters": graph.parameter_count(""),
        "parameters_without_ssop": preset.config.prediction().parameter_count(""),
        "paper_parameters_millions": preset.printed_parameters,
        "macs": macs(&graph, Convention::Full),
        "macs_b": macs(&graph, Convention::Layers),
        "products": macs(&graph, Convention::Products),
        "paper_giga_macs": preset.printed_macs.map(|printed| printed.giga),
    })
}

fn cells(preset: &Preset) -> Vec<String> {
    let row = row(preset);
    let count = |key: &str| thousands(row[key].as_u64().unwrap_or(0));
    let giga = |key: &str| format!("{:.3}", row[key].as_u64().unwrap_or(0) as f64 / 1e9);
    let printed =
        |key: &str, decimals: usize| row[key].as_f64().map_or("-".into(), |value| format!("{value:.decimals$}"));
    let macs_b = preset.printed_macs.is_some_and(|printed| printed.convention == Convention::Layers);
    vec![
        preset.name.to_string(),
        count("parameters"),
        count("parameters_without_ssop"),
        printed("paper_parameters_millions", 2),
        giga("macs"),
        giga("macs_b"),
        giga("products"),
        format!("{}{}", printed("paper_giga_macs", if macs_b { 3 } else { 2 }), if macs_b { " b" } else { "" }),
        preset.source.to_string(),
    ]
}

/// The parts of EST, which are prefixes of its tensors' names; of another network what is before the first dot of a name.
const EST_PARTS: [(&str, &[&str]); 6] = [
    ("AA-SFE", &["attn", "norm1", "se."]),
    ("encoder", &["transformer.encoder"]),
    ("decoder", &["transformer.decoder"]),
    ("query", &["query_embed"]),
    ("class head", &["classifier"]),
    ("SSOP head", &["per_branch"]),
];

fn parts(preset: &Preset) {
    let graph = preset.config.graph();
    let mut parts: Vec<(String, usize)> = vec![];
    if preset.config.est().is_some() {
        let encoder = preset.config.encoder().map_or(0, |encoder| encoder.parameter_count(""));
        parts.push(("frame encoder".to_string(), encoder));
        let count = |prefixes: &[&str]| prefixes.iter().map(|prefix| graph.parameter_count(prefix)).sum();
        parts.extend(EST_PARTS.iter().map(|(part, prefixes)| (part.to_string(), count(prefixes))));
    } else {
        for spec in graph.parameters().into_iter().filter(|spec| spec.role == Role::Learned) {
            let part = spec.name.split('.').next().unwrap_or_default().to_string();
            let count: usize = spec.shape.iter().product();
            match parts.last_mut().filter(|(last, _)| *last == part) {
                Some((_, all)) => *all += count,
                None => parts.push((part, count)),
            }
        }
    }
    parts.push(("all".to_string(), graph.parameter_count("")));
    let rows: Vec<_> = parts.into_iter().map(|(part, count)| vec![part, thousands(count as u64)]).collect();
    table::print(&["part", "parameters"], &rows);
}

/// 42775761 -> 42,775,761
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
