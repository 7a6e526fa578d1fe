//! `est predict`: videos in, rows out.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use est::report::{DetectorRecord, Format, Job, ModelRecord, Reports, RunRecord, Summary, write_record};
use est::{Decoding, EstError, OpenVideo, Reader, Recogniser, RecogniserOptions, Source, unique_names};
use est_engine::Precision;
use est_media::DecodeOptions;
use serde_json::json;

use super::faces::{self, FaceFinder};
use super::{model, table};
use crate::args::{PrecisionKind, PredictArgs};
use crate::log::Log;

pub fn run(args: &PredictArgs) -> ExitCode {
    let log = Log::new(args.json);
    match predict(args, log) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            log.warning(&format!("{failed} of the sources failed, see above; what else there was is done"));
            ExitCode::FAILURE
        }
        Err(error) => {
            log.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Does every source, whatever happens to the others. Returns the number that failed.
fn predict(args: &PredictArgs, log: Log) -> anyhow::Result<usize> {
    args.output.formats().into_iter().try_for_each(Format::check)?;
    let mut failed = 0;
    let mut sources = vec![];
    for argument in &args.sources {
        match Source::expand(argument) {
            Ok(found) => sources.extend(found),
            Err(error) => {
                failed += 1;
                log.error(&error.into());
            }
        }
    }
    if !args.dry_run {
        // Before anything slow: a folder that cannot be written to.
        std::fs::create_dir_all(&args.out)
            .and_then(|()| est::report::probe_folder(&args.out))
            .with_context(|| format!("{}: cannot be written to; choose another --out", args.out.display()))?;
    }
    let start = Start::new(args, log)?;
    // The first video's faces are looked for while the model is read.
    let mut first = sources.first().filter(|_| !args.dry_run).map(|source| start.open(source));
    let mut run = start.finish()?;
    for (source, name) in sources.iter().zip(unique_names(&sources)) {
        let video = first.take();
        let done = if args.dry_run { run.describe(source, &name) } else { run.one(source, &name, video) };
        if let Err(error) = done {
            failed += 1;
            log.error(&error);
        }
    }
    Ok(failed)
}

/// A run whose model is on its way.
struct Start<'a> {
    args: &'a PredictArgs,
    log: Log,
    began: Instant,
    reader: Reader,
    decoding: DecodeOptions,
    detector: Option<DetectorRecord>,
    options: RecogniserOptions,
    model: JoinHandle<anyhow::Result<(ModelRecord, Recogniser)>>,
}

/// A video that was opened, and when that began.
type Opened = (Instant, Result<OpenVideo, EstError>);

impl<'a> Start<'a> {
    fn new(args: &'a PredictArgs, log: Log) -> anyhow::Result<Self> {
        let began = Instant::now();
        let options = RecogniserOptions {
            hop: args.hop as usize,
            attention: args.output.formats().contains(&Format::Html),
            engine: est_engine::Options {
                threads: args.threads.unwrap_or(0),
                precision: match args.precision {
                    PrecisionKind::Exact => Precision::Exact,
                    PrecisionKind::Default => Precision::Default,
                },
            },
            ..RecogniserOptions::default()
        };
        let preprocessing = model::preprocessing(args.weights.as_deref())?;
        let finder = if args.crops { None } else { Some(FaceFinder::open(&args.faces)?) };
        let detector = finder.as_ref().map(|finder| finder.detector(&options.engine)).transpose()?;
        let model = {
            let (weights, options) = (args.weights.clone(), options.clone());
            std::thread::spawn(move || {
                let model = model::open(weights.as_deref(), log)?;
                Ok((ModelRecord::of(&model), Recogniser::new(model, options)?))
            })
        };
        let decoding = DecodeOptions { fps: args.fps.unwrap_or(preprocessing.rate) };
        let reader = Reader::new(preprocessing, detector, faces::tracking(&args.faces), decoding.clone());
        let detector = finder.map(|finder| finder.record);
        Ok(Start { args, log, began, reader, decoding, detector, options, model })
    }

    fn open(&self, source: &Source) -> Opened {
        (Instant::now(), self.reader.open(source))
    }

    /// Waits for the model.
    fn finish(self) -> anyhow::Result<Run<'a>> {
        let Start { args, log, began, reader, decoding, detector, options, model } = self;
        let (model, recogniser) = model.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let record = RunRecord {
            est_version: env!("CARGO_PKG_VERSION"),
            notice: RunRecord::NOTICE,
            model,
            encoder_arithmetic: recogniser.encoder_arithmetic(),
            detector,
            hop: options.hop,
            low_quality: options.low_quality,
            signal: args.output.signal(),
            image_fps: decoding.fps,
        };
        Ok(Run { args, log, record, reader, decoding, recogniser, loading: began.elapsed() })
    }
}

/// What all videos of a run share.
struct Run<'a> {
    args: &'a PredictArgs,
    log: Log,
    record: RunRecord,
    reader: Reader,
    decoding: DecodeOptions,
    recogniser: Recogniser,
    /// From the start until the model was ready.
    loading: Duration,
}

impl Run<'_> {
    /// What would be done, for --dry-run.
    fn describe(&self, source: &Source, name: &str) -> anyhow::Result<()> {
        let video = Decoding::open(source, &self.decoding)?;
        let info = video.info();
        let outputs: Vec<String> = outputs(self.args, name).iter().map(|path| path.display().to_string()).collect();
        if self.args.json {
            let line = json!({
                "source": source.path(), "codec": info.codec, "width": info.width, "height": info.height,
                "frames": info.frames, "outputs": outputs,
            });
            println!("{line}");
        } else {
            let frames = info.frames.map_or("unknown number of".to_string(), |frames| frames.to_string());
            println!(
                "{}: {} {} x {}, {frames} frames -> {}",
                source.path().display(),
                info.codec,
                info.width,
                info.height,
                outputs.join(" ")
            );
        }
        Ok(())
    }

    /// `opened`: the video, if it was opened before.
    fn one(&mut self, source: &Source, name: &str, opened: Option<Opened>) -> anyhow::Result<()> {
        let (start, video) = opened.unwrap_or_else(|| (Instant::now(), self.reader.open(source)));
        let video = video?;
        let timings = video.timings().clone();
        let job =
            Job { folder: &self.args.out, name, source, record: &self.record, pictures: self.args.output.pictures() };
        let mut reports = Reports::create(&self.args.output.formats(), &job)?;
        let mut progress = self.log.progress(name, video.info().frames);
        let mut sink = |row| reports.row(row);
        let mut summary = video.read(&mut self.recogniser, name, &mut sink, &mut |at| progress.at(at))?;
        drop(progress);
        let mut written = reports.finish(&mut summary)?;
        written.push(write_record(&record_path(self.args, name), &self.record, &summary)?);
        self.tell(&summary, &written);
        if self.args.timing {
            self.log.timing(&summary, self.loading, start.elapsed(), &timings);
        }
        Ok(())
    }

    /// The table of one video, or its JSON line.
    fn tell(&self, summary: &Summary, written: &[PathBuf]) {
        for warning in &summary.warnings {
            self.log.warning(&format!("{}: {warning}", summary.source));
        }
        if self.args.json {
            println!("{}", json!({ "video": summary, "outputs": written }));
            return;
        }
        let model = self.recogniser.model();
        let untrained = if model.provenance.trained { "" } else { "  (untrained)" };
        let container = summary.frames_container.map_or(String::new(), |frames| format!(" of {frames}"));
        let faces = if summary.tracks.len() == 1 { "track" } else { "tracks" };
        println!(
            "{}: {}{container} frames decoded, {} rows, {} {faces}{untrained}",
            summary.video_id,
            summary.frames_decoded,
            summary.rows,
            summary.tracks.len()
        );
        let classes: Vec<String> = model.classes.iter().map(|class| format!("p_{class}")).collect();
        let mut header = vec!["track", "from s", "to s", "faces", "quality"];
        header.extend(classes.iter().map(String::as_str));
        let rows: Vec<Vec<String>> = summary
            .tracks
            .iter()
            .map(|track| {
                let mut cells = vec![track.track_id.to_string()];
                cells.extend([track.first_s, track.last_s].map(|time| format!("{time:.2}")));
                cells.push(track.faces.to_string());
                cells.push(format!("{:.2}", track.mean_quality));
                cells.extend(track.mean_probabilities.iter().map(|p| format!("{p:.3}")));
                cells
            })
            .collect();
        if !rows.is_empty() {
            table::print(&header, &rows);
        }
        for path in written {
            println!("-> {}", path.display());
        }
    }
}

fn record_path(args: &PredictArgs, name: &str) -> PathBuf {
    args.out.join(format!("{name}.run.json"))
}

/// The files that a video called `name` gets.
fn outputs(args: &PredictArgs, name: &str) -> Vec<PathBuf> {
    let results = args.output.formats().into_iter().flat_map(|format| format.paths(&args.out, name));
    results.chain([record_path(args, name)]).collect()
}
