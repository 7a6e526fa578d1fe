//! `est weights`: import and show.

use std::collections::BTreeMap;
use std::process::ExitCode;

use est::report::ModelRecord;
use est::{ImportOptions, Model};
use est_nets::Preprocessing;
use est_nets::weights::Origin;
use serde::Serialize;

use super::complexity::named;
use super::{faces, table};
use crate::args::{ImportArgs, ShowArgs, ShrinkArgs, WeightsArgs, WeightsCommand};

/// ImageNet's mean and deviation per RGB channel, on the [0, 1] scale.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

pub fn run(args: &WeightsArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        WeightsCommand::Import(args) => import(args),
        WeightsCommand::Show(args) => show(args),
        WeightsCommand::Shrink(args) => shrink(args),
    }
}

fn import(args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let (mean, std) = if args.imagenet_normalisation { IMAGENET } else { ([0.0; 3], [1.0; 3]) };
    let options = ImportOptions {
        config: args.preset.as_deref().map(named).transpose()?.map(|preset| preset.config.clone()),
        classes: args.classes.clone(),
        preprocessing: Preprocessing {
            crop: faces::crop(&args.crop),
            rate: args.rate,
            mean,
            std,
            upright_beyond: args.crop.upright_beyond,
            ..Preprocessing::PAPER
        },
        note: args.note.clone().unwrap_or_default(),
        prefix: args.prefix.clone(),
    };
    let (mut model, origin) = Model::import(&args.input, options)?;
    model.save(&args.output)?;
    println!("{}: {} ({})", args.output.display(), model.id(), model.sha256);
    println!("classes: {}", model.classes.join(" "));
    for line in told(&origin, model.tensors.len()) {
        println!("{line}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Where in a checkpoint the network was and what else the checkpoint holds, as far as that is not plain.
fn told(origin: &Origin, tensors: usize) -> Vec<String> {
    const SHOWN: usize = 8;
    let mut lines = vec![];
    if origin.files.len() > 1 {
        lines.push(format!("files: {}", origin.files.len()));
    }
    if !origin.prefix.is_empty() {
        lines.push(format!("prefix: {} ({tensors} tensors)", origin.prefix.escape_debug()));
    }
    if !origin.wrappers.is_empty() {
        lines.push(format!("left out inside names: {}", origin.wrappers.join(" ").escape_debug()));
    }
    if !origin.ignored.is_empty() {
        let parts = origin.ignored_parts();
        let part = |(name, count): &(String, usize)| {
            let name: String = name.chars().take(80).flat_map(char::escape_debug).collect();
            if *count == 1 { name } else { format!("{name} ({count})") }
        };
        let more = if parts.len() > SHOWN { ", ..." } else { "" };
        let parts: Vec<String> = parts.iter().take(SHOWN).map(part).collect();
        lines.push(format!("ignored: {} other tensors: {}{more}", origin.ignored.len(), parts.join(", ")));
    }
    lines
}

fn shrink(args: &ShrinkArgs) -> anyhow::Result<ExitCode> {
    let mut model = Model::open(&args.input)?.shrunk();
    if args.upright_beyond.is_some() {
        model.preprocessing.upright_beyond = args.upright_beyond;
    }
    model.save(&args.output)?;
    let bytes = std::fs::metadata(&args.output)?.len();
    println!("{}: {} ({}), {:.1} MB", args.output.display(), model.id(), model.sha256, bytes as f64 / 1e6);
    Ok(ExitCode::SUCCESS)
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    model: &'a ModelRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    tensors: Option<BTreeMap<&'a String, &'a Vec<usize>>>,
}

fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let model = Model::open(&args.file)?;
    let record = ModelRecord::of(&model);
    if args.json {
        let shapes = model.tensors.iter().map(|(name, tensor)| (name, &tensor.shape)).collect();
        let shown = Shown { model: &record, tensors: args.tensors.then_some(shapes) };
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::SUCCESS);
    }
    let preprocessing = &record.preprocessing;
    let numbers: usize = model.tensors.values().map(|tensor| tensor.data.len()).sum();
    let upright =
        preprocessing.upright_beyond.map_or(String::new(), |beyond| format!(", upright beyond {beyond} degrees"));
    let rows = [
        ("id", record.id),
        ("sha256", record.weights_sha256),
        ("trained", if record.trained { "yes" } else { "no" }.to_string()),
        ("source", model.provenance.source.clone()),
        ("note", model.provenance.note.clone()),
        ("created by", model.provenance.created_by.clone()),
        ("checkpoint", serde_json::to_string(&model.provenance.scalars)?),
        ("classes", record.classes.join(" ")),
        ("temperature", record.temperature.to_string()),
        ("network", serde_json::to_string(&record.config)?),
        ("crop", preprocessing.crop.to_string() + &upright),
        ("rate", format!("{} frames per second", preprocessing.rate)),
        ("normalisation", format!("mean {:?}, deviation {:?}", preprocessing.mean, preprocessing.std)),
        ("tensors", format!("{} with {numbers} numbers", model.tensors.len())),
    ];
    table::print(&["what", "value"], &rows.map(|(what, value)| vec![what.to_string(), value]));
    if args.tensors {
        println!();
        let rows = model.tensors.iter().map(|(name, tensor)| vec![name.clone(), format!("{:?}", tensor.shape)]);
        table::print(&["tensor", "shape"], &rows.collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}
