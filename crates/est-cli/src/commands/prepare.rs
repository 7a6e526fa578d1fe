//! `est prepare`: a data set's videos in, a prepared set out.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::bail;
use est_data::datasets::{self, DataSet, Published, Request};
use est_data::prepare::{self, PrepareOptions, VideoMaker};
use est_data::set::{self, ClipRow, ClipStatus, PreparedSet, SPLITS};
use est_data::{DataError, Listing};
use est_nets::Preprocessing;
use serde_json::json;

use super::decoder;
use super::faces;
use super::table;
use crate::args::PrepareArgs;
use crate::log::Log;

pub fn run(args: &PrepareArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let set = datasets::find(&args.set).expect("the parser knows the sets");
    if set.needs_list() && args.list.is_none() {
        bail!("est prepare {} needs --list FILE", set.name);
    }
    let listing = (set.list)(&Request { root: &args.root, list: args.list.as_deref() })?;
    for warning in &listing.warnings {
        log.warning(warning);
    }
    let stand_ins = prepare::stand_ins(&listing);
    if let Some((what, _)) = &stand_ins {
        log.warning(what);
    }
    let split = match (prepare::split(set, &listing, args.folds.map(|folds| folds as usize), args.seed), stand_ins) {
        // Why it cannot be split does not matter then.
        (Err(_), Some((what, true))) => bail!("no clip can be prepared: {what}"),
        (split, _) => split?,
    };
    if split.is_none() {
        log.warning("no split was made: there are neither parts nor subjects for all clips");
    }
    // Clips are what runs side by side, so each detector has one thread.
    let engine = est_engine::Options { threads: 1, ..Default::default() };
    let detector = if args.crops { None } else { Some(faces::detector(&args.faces, &engine)?) };
    let options = PrepareOptions {
        preprocessing: Preprocessing {
            crop: faces::crop(&args.crop),
            size: args.size as usize,
            upright_beyond: args.crop.upright_beyond,
            ..Preprocessing::PAPER
        },
        tracking: faces::tracking(&args.faces),
        fps: args.fps.or(set.fps).unwrap_or(Preprocessing::PAPER.rate),
        detector: detector.as_ref().map(|detector| detector.record.clone()),
        decoder: decoder::process(&args.decoder)?,
        stream: args.stream,
        shard_clips: args.shard_clips as usize,
    };
    if args.dry_run {
        tell(set, &listing, &prepare::look(&listing, &args.root), args, None);
        return Ok(ExitCode::SUCCESS);
    }
    let plan = prepare::plan(set, &listing, &args.root, split, &options);
    let maker = || -> Result<VideoMaker<'_>, DataError> {
        let detector = detector.as_ref().map(|detector| detector.network.clone());
        Ok(VideoMaker { entries: &listing.clips, options: &options, detector })
    };
    let progress = log.clips(&args.set);
    let prepared = set::build(&plan, &args.out, args.threads.unwrap_or(0), maker, |at| progress.at(at))?;
    drop(progress);
    let noted: Vec<(&ClipRow, &String)> = prepared
        .clips()
        .iter()
        .filter(|row| row.status == ClipStatus::Ok)
        .filter_map(|row| Some((row, row.note.as_ref()?)))
        .collect();
    if let Some((row, note)) = noted.first() {
        let clips = if noted.len() == 1 { "1 clip is".to_string() } else { format!("{} clips are", noted.len()) };
        log.warning(&format!(
            "{clips} prepared with a note in the set's table of clips, which may mean that pictures are left out; of `{}`: {note}",
            row.clip
        ));
    }
    tell(set, &listing, prepared.clips(), args, Some(&prepared));
    Ok(ExitCode::SUCCESS)
}

/// What is there, class by class, beside what the set's authors publish.
fn tell(set: &DataSet, listing: &Listing, rows: &[ClipRow], args: &PrepareArgs, prepared: Option<&PreparedSet>) {
    let published = compare(set, rows);
    if args.json {
        let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for row in rows {
            *counts.entry(class_of(row)).or_default().entry(row.status.name()).or_default() += 1;
        }
        let line = json!({
            "set": set.name, "clips": rows.len(), "classes": counts,
            "published": published.iter().map(|(what, published, found)| json!({
                "what": what, "published": published, "found": found,
            })).collect::<Vec<_>>(),
            "splits": prepared.map(|set| &set.record().splits),
        });
        println!("{line}");
        return;
    }
    println!("{}: {} clips", set.title, rows.len());
    let mut header = vec!["class", "listed"];
    header.extend(ClipStatus::ALL.map(ClipStatus::name));
    let line = |name: &str, rows: Vec<&ClipRow>| {
        let mut cells = vec![name.to_string(), rows.len().to_string()];
        let count = |status| rows.iter().filter(|row| row.status == status).count().to_string();
        cells.extend(ClipStatus::ALL.map(count));
        cells
    };
    let mut lines: Vec<Vec<String>> = listing
        .classes
        .iter()
        .map(|class| line(class, rows.iter().filter(|row| row.class.as_ref() == Some(class)).collect()))
        .collect();
    let unlabelled: Vec<&ClipRow> = rows.iter().filter(|row| row.class.is_none()).collect();
    if !unlabelled.is_empty() {
        lines.push(line("(none)", unlabelled));
    }
    lines.push(line("all", rows.iter().collect()));
    table::print(&header, &lines);
    for (what, published, found) in &published {
        let verdict = if published == found { "as published" } else { "NOT as published" };
        println!("{what}: {found} found, {published} published: {verdict}");
    }
    if let Some(prepared) = prepared {
        for (name, hash) in &prepared.record().splits {
            println!("split {name}: {hash}");
        }
        println!("{} crops", prepared.frames());
        println!("-> {} (splits in {SPLITS}/)", args.out.display());
    }
}

fn class_of(row: &ClipRow) -> &str {
    row.class.as_deref().unwrap_or("(none)")
}

/// Each published figure beside the one that was found.
fn compare(set: &DataSet, rows: &[ClipRow]) -> Vec<(String, usize, usize)> {
    let labelled = || rows.iter().filter(|row| row.label.is_some());
    let figure = |published: &Published| match *published {
        Published::Clips(count) => ("clips".to_string(), count, labelled().count()),
        Published::Subjects(count) => {
            let subjects: std::collections::BTreeSet<&String> =
                labelled().filter_map(|row| row.subject.as_ref()).collect();
            ("subjects".to_string(), count, subjects.len())
        }
        Published::Part(part, count) => {
            (format!("part {part}"), count, labelled().filter(|row| row.part.as_deref() == Some(part)).count())
        }
    };
    set.published.iter().map(figure).collect()
}
