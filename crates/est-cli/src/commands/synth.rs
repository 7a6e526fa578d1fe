//! `est synth`: labelled expression video out of a seed.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use est_data::set::{self, PreparedSet};
use est_data::synth::prototypes::PROTOTYPES;
use est_data::synth::script::Profile;
use est_data::synth::{self, Heads, Portraits, ScriptMaker, Source, SynthOptions};
use serde_json::json;

use crate::args::SynthArgs;
use crate::assets;
use crate::log::Log;

/// Rows of classes on a contact sheet.
const SHEET_SUBJECTS: usize = 8;

pub fn run(args: &SynthArgs) -> anyhow::Result<ExitCode> {
    let log = Log::new(args.json);
    let profile = profile(args)?;
    let mesh = assets::MESH.find(args.mesh.as_deref())?;
    let source: Box<dyn Source> = match &args.portraits {
        None => Box::new(Heads::open(&mesh)?),
        Some(folder) if args.blends => Box::new(Portraits::open(folder, &mesh)?.with_blends()),
        Some(folder) => Box::new(Portraits::open(folder, &mesh)?),
    };
    if let Some(path) = &args.preview {
        let subjects = SHEET_SUBJECTS.min(args.subjects as usize);
        synth::write_contact_sheet(path, source.as_ref(), &profile, args.seed, subjects)?;
        println!("-> {} (columns: {})", path.display(), PROTOTYPES.map(|(class, _)| class).join(", "));
    }
    let Some(out) = &args.out else {
        return Ok(ExitCode::SUCCESS);
    };
    let options = SynthOptions {
        profile,
        subjects: args.subjects as usize,
        clips_per_subject: args.clips_per_subject as usize,
        seed: args.seed,
        size: args.size as usize,
        folds: args.folds.map_or(10.min(args.subjects as usize), |folds| folds as usize),
        shard_clips: args.shard_clips as usize,
        stills: args.stills,
        videos: args.videos.then(|| out.join("videos")),
    };
    let plan = synth::plan(source.as_ref(), &options)?;
    let progress = log.clips("synth");
    let started = std::time::Instant::now();
    let maker = || Ok(ScriptMaker::new(source.as_ref(), &options, &plan));
    let set = set::build(&plan, out, args.threads.unwrap_or(0), maker, |at| progress.at(at))?;
    drop(progress);
    tell(args, out, &set, started.elapsed().as_secs_f64());
    Ok(ExitCode::SUCCESS)
}

/// The named profile with the knobs that were turned.
fn profile(args: &SynthArgs) -> anyhow::Result<Profile> {
    let profile = Profile::named(&args.profile).expect("the parser knows the profiles");
    let mut knobs = serde_json::to_value(profile)?;
    for knob in &args.knob {
        let Some((name, value)) = knob.split_once('=') else {
            bail!("--knob {knob}: write NAME=VALUE");
        };
        let value = serde_json::from_str(value).with_context(|| format!("--knob {knob}: not a value"))?;
        knobs.as_object_mut().expect("a struct is an object").insert(name.to_string(), value);
    }
    let profile: Profile = serde_json::from_value(knobs).context("--knob")?;
    match profile.problem() {
        Some(problem) => bail!("--knob: {problem}"),
        None => Ok(profile),
    }
}

fn tell(args: &SynthArgs, out: &Path, set: &PreparedSet, seconds: f64) {
    let frames = set.frames();
    if args.json {
        println!("{}", json!({ "out": out, "clips": set.clips().len(), "frames": frames, "seconds": seconds }));
        return;
    }
    println!("{} clips of {} subjects, {frames} frames, in {seconds:.1} s", set.clips().len(), args.subjects);
    for (name, hash) in &set.record().splits {
        println!("split {name}: {hash}");
    }
    println!("-> {}", out.display());
}
