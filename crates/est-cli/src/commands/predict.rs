//! `est predict`: videos in, rows out.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::ensure;
use est::report::{Columns, Format, Job, Reports, RunRecord, STANDARD_OUTPUT, Summary, Table, write_record};
use est::run::{Event, Made, OutputFolder, RunLine, Standing, Work, config_sha256};
use est::{
    DecodeOptions, Decoding, EngineOptions, EstError, FrameSource, Input, OpenVideo, Pipeline, Precision, Progress,
    RecogniserOptions, ReportOptions, Row, StartingPipeline, record_path,
};
use est_media::{Live, LiveOptions, Numbering};
use serde_json::json;

use super::faces;
use super::result_names::{check_names, one_to_a_file};
use super::{decoder, model, table};
use crate::args::{NumberingKind, PrecisionKind, PredictArgs, StreamChoice};
use crate::hints;
use crate::live::{self, GrowingRows, View};
use crate::log::{Log, Turn, text_of};
use crate::notice;
use crate::stdio::CLOSED;

mod sources;
mod stream;

use sources::{command_line, inputs, live_of, part, the_live};

/// Some videos failed, the others are done.
const PARTLY: u8 = 3;

pub fn run(args: &PredictArgs) -> ExitCode {
    let log = Log::new(args.json).quiet(args.run.quiet);
    if log.prints() {
        notice::once();
    }
    match predict(args, log) {
        Ok(ended) => ended.tell(log),
        Err(error) => {
            log.error(&error);
            ExitCode::FAILURE
        }
    }
}

/// Does every source, whatever happens to the others.
fn predict(args: &PredictArgs, log: Log) -> anyhow::Result<Ended> {
    args.output.formats().into_iter().try_for_each(Format::check)?;
    let mut ended = Ended::default();
    let mut inputs = inputs(args, log, &mut ended);
    // Before anything slow: a folder that cannot be written to.
    stream::check(args)?;
    if args.output.every.is_some() && !args.output.formats().into_iter().any(Format::is_table) {
        log.warning("--every makes tables coarser, and --format names none");
    }
    let keeps = !args.dry_run && !args.to_standard_output();
    let folder = if keeps { OutputFolder::open(&args.out) } else { OutputFolder::look(&args.out) };
    let folder = &mut folder?;
    // Results that lie among the videos.
    inputs.retain(|input| !folder.wrote(input.source.path()));
    let range = args.part.range()?;
    if let Some(live) = the_live(&mut inputs, args)? {
        ensure!(range.is_whole(), "{live}: --start and --end are for what has an end; --seconds ends a live source");
        ensure!(args.part.stream != Some(StreamChoice::All), "{live}: a live source is read once; choose a --stream");
        live::consent(&live, args.live.consent || args.dry_run)?;
    }
    if args.run.pseudonyms {
        for input in &mut inputs {
            // The folder remembers what it has read: the run asks it again.
            input.pseudonymise(folder.content(input));
        }
    }
    if args.part.stream == Some(StreamChoice::All) {
        let decoding = DecodeOptions { decoder: decoder::process(&args.run.decoder)?, ..DecodeOptions::default() };
        inputs = inputs.into_iter().flat_map(|input| input.each_stream(&decoding)).collect();
    }
    est::tell_apart(&mut inputs);
    for problem in one_to_a_file(&mut inputs, folder, &args.output.formats()) {
        ended.failed(log, &problem);
    }
    if let Some(choice) = &args.run.shard {
        let part = part(choice, args, &inputs)?;
        inputs.retain(|input| part.names.binary_search(&input.name).is_ok());
        if keeps {
            folder.parts().note(&part)?;
        }
        if inputs.is_empty() {
            log.note("no video is in this part", json!({}));
            if keeps {
                // `est merge` finds a folder of results.
                folder.write_table()?;
            }
            return Ok(ended);
        }
    }
    let is_live = inputs.iter().any(|input| live_of(input).is_some());
    let start = Start::new(args, is_live, log)?;
    if is_live {
        live::stop_at_interrupt(&start.live.stop)?;
    }
    // The first video's faces are looked for while the model is read.
    let to_do = |input: &&Input| !args.dry_run && (args.run.again || !folder.seems_done(input));
    let first = inputs.iter().find(to_do).map(|input| (input.name.clone(), start.open(input)));
    let mut run = start.finish(first)?;
    let (record, formats) = (run.record().clone(), &args.output.formats());
    let config_sha256 = &config_sha256(&record, formats);
    if args.dry_run {
        for input in &inputs {
            match run.describe(input, &folder.standing(input, config_sha256, args.run.again)) {
                Ok(()) => ended.right += 1,
                Err(error) => ended.failed(log, &text_of(&error)),
            }
        }
        return Ok(ended);
    }
    if args.to_standard_output() {
        stream::go(&mut run, &inputs, &mut ended);
        return Ok(ended);
    }
    let line = RunLine::begin(command_line(), args.run.purpose.clone(), args.run.retain, &record, formats);
    let outcome = est::run::Run { folder, inputs: &inputs, config_sha256, again: args.run.again, line }.go(&mut run)?;
    ended.right += outcome.up_to_date + outcome.done;
    ended.reasons.extend(outcome.failed.into_iter().map(|(_, reason)| reason));
    Ok(ended)
}

/// How it went, for the last words and the exit code.
#[derive(Default)]
struct Ended {
    /// Done, or up to date.
    right: usize,
    reasons: Vec<String>,
    /// Nobody reads the rows any more.
    unread: bool,
}

impl Ended {
    fn failed(&mut self, log: Log, reason: &str) {
        log.problem(reason);
        self.reasons.push(reason.to_string());
    }

    fn tell(&self, log: Log) -> ExitCode {
        if self.unread {
            return ExitCode::from(CLOSED);
        }
        let failed = self.reasons.len();
        if failed == 0 {
            return ExitCode::SUCCESS;
        }
        if failed + self.right > 1 {
            let reasons: String = self.reasons.iter().map(|reason| format!("\n  {reason}")).collect();
            let rest = if self.right > 0 { ", the rest is done" } else { "" };
            let text = format!("{failed} of {} failed{rest}; in short:{reasons}", failed + self.right);
            log.failures(&text, &self.reasons);
        }
        if self.right > 0 { ExitCode::from(PARTLY) } else { ExitCode::FAILURE }
    }
}

/// A run whose model is on its way.
struct Start<'a> {
    args: &'a PredictArgs,
    log: Log,
    began: Instant,
    live: LiveOptions,
    pipeline: StartingPipeline,
}

/// A video that was opened, and when that began.
type Opened = (Instant, Result<OpenVideo, EstError>);

impl<'a> Start<'a> {
    fn new(args: &'a PredictArgs, is_live: bool, log: Log) -> anyhow::Result<Self> {
        let began = Instant::now();
        let recogniser = RecogniserOptions {
            hop: args.hop as usize,
            attention: args.output.formats().contains(&Format::Html),
            prompt: is_live,
            engine: EngineOptions {
                threads: args.threads.unwrap_or(0),
                precision: match args.precision {
                    PrecisionKind::Exact => Precision::Exact,
                    PrecisionKind::Default => Precision::Default,
                },
            },
            ..RecogniserOptions::default()
        };
        let numbering = match args.numbering {
            NumberingKind::Auto => Numbering::Auto,
            NumberingKind::Order => Numbering::Order,
            NumberingKind::Numbers => Numbering::Numbers,
            NumberingKind::Ms => Numbering::Ms,
        };
        let decoding = DecodeOptions {
            numbering,
            decoder: decoder::process(&args.run.decoder)?,
            live: args.live.options(),
            range: args.part.range()?,
            stream: args.part.number(),
            ..DecodeOptions::default()
        };
        let live = decoding.live.clone();
        let mut builder = Pipeline::builder()
            .which_weights(model::which(args.weights.as_deref())?)
            .detection(faces::detection(&args.faces))
            .tracking(faces::tracking(&args.faces))
            .decoding(decoding)
            .recogniser(recogniser)
            .report_options(ReportOptions {
                signal: args.output.signal(),
                every_s: args.output.every,
                pictures: args.output.pictures(),
                points: args.output.points,
            });
        if let Some(path) = &args.faces.detector {
            builder = builder.detector(path);
        }
        if args.crops {
            builder = builder.face_crops();
        }
        if let Some(fps) = args.fps {
            builder = builder.image_fps(fps);
        }
        Ok(Start { args, log, began, live, pipeline: builder.start()? })
    }

    fn open(&self, input: &Input) -> Opened {
        (Instant::now(), self.pipeline.open(&input.source))
    }

    /// Waits for the model. `first` is a video that was opened, by its name.
    fn finish(self, first: Option<(String, Opened)>) -> anyhow::Result<Run<'a>> {
        let Start { args, log, began, pipeline, .. } = self;
        let pipeline = pipeline.finish()?;
        model::warn_untrained(pipeline.model().provenance.trained, log);
        let turn = Turn { number: 1, of: 1, since: Instant::now() };
        Ok(Run { args, log, pipeline, loading: began.elapsed(), first, turn, made: None })
    }
}

/// What all videos of a run share.
struct Run<'a> {
    args: &'a PredictArgs,
    log: Log,
    pipeline: Pipeline,
    /// From the start until the model was ready.
    loading: Duration,
    first: Option<(String, Opened)>,
    turn: Turn,
    /// What was made last.
    made: Option<Summary>,
}

impl Work for Run<'_> {
    fn make(&mut self, input: &Input, folder: &Path) -> Result<Made, String> {
        let opened = self.opened(input);
        let summary = self.one(input, Some(folder), opened).map_err(|error| hints::said(&error))?;
        let made = Made {
            summary: serde_json::to_value(&summary).expect("summaries are plain data"),
            classes: self.pipeline.model().classes.clone(),
        };
        self.made = Some(summary);
        Ok(made)
    }

    fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Planned { up_to_date, to_do, taken } => {
                let details = json!({ "up_to_date": up_to_date, "to_do": to_do, "failed": taken });
                if to_do == 0 && taken == 0 && up_to_date > 0 {
                    let out = self.args.out.display();
                    self.log.note(
                        &format!("{up_to_date} up to date in {out}, nothing to do; --again does it anew"),
                        details,
                    );
                } else if up_to_date + to_do > 1 {
                    self.log.note(&format!("{up_to_date} up to date, {to_do} to do"), details);
                }
            }
            Event::Begins { number, of, .. } => {
                let since = if number == 1 { Instant::now() } else { self.turn.since };
                self.turn = Turn { number, of, since };
            }
            Event::Done { files, .. } => {
                if let Some(summary) = self.made.take() {
                    self.print(&summary, &files);
                }
            }
            Event::DoneElsewhere { input } => {
                self.log.note(&format!("{}: another est has done it", input.name), json!({ "video_id": input.name }));
            }
            Event::Failed { reason, .. } => self.log.problem(reason),
            Event::Waits { input } => {
                let text = format!("{}: another est is at it; waiting", input.name);
                self.log.note(&text, json!({ "video_id": input.name }));
            }
        }
    }
}

impl Run<'_> {
    /// What stands beside every result.
    fn record(&self) -> &RunRecord {
        self.pipeline.record()
    }

    fn decoding(&self) -> &DecodeOptions {
        self.pipeline.reader().decoding()
    }

    /// The video that was opened before, if it is `input`: another est may have been faster with it.
    fn opened(&mut self, input: &Input) -> Option<Opened> {
        self.first.take().filter(|(name, _)| *name == input.name).map(|(_, opened)| opened)
    }

    /// What would be done, for --dry-run.
    fn describe(&self, input: &Input, standing: &Standing) -> anyhow::Result<()> {
        check_names(input, &self.args.output.formats())?;
        let source = &input.source;
        let video = Decoding::open(source, self.decoding())?;
        let info = video.info();
        let outputs =
            self.args.output.formats().into_iter().flat_map(|format| format.paths(&self.args.out, &input.name));
        let outputs = outputs.chain([record_path(&self.args.out, &input.name)]);
        let outputs: Vec<String> = if self.args.to_standard_output() {
            vec![STANDARD_OUTPUT.to_string()]
        } else {
            outputs.map(|path| path.display().to_string()).collect()
        };
        if self.args.json {
            let line = json!({
                "source": source.path(), "standing": standing.name(), "codec": info.codec, "width": info.width,
                "height": info.height, "frames": info.frames, "outputs": outputs,
            });
            println!("{line}");
        } else if self.log.prints() {
            let frames = info.frames.map_or("unknown number of".to_string(), |frames| frames.to_string());
            println!(
                "{}: {}: {} {} x {}, {frames} frames -> {}",
                source.path().display(),
                standing.name(),
                info.codec,
                info.width,
                info.height,
                outputs.join(" ")
            );
        }
        Ok(())
    }

    /// Writes the results of one video into `folder`, or its rows to standard output. `opened`: the video, if it was opened
    /// before.
    fn one(&mut self, input: &Input, folder: Option<&Path>, opened: Option<Opened>) -> Result<Summary, EstError> {
        let (start, video) = opened.unwrap_or_else(|| (Instant::now(), self.pipeline.reader().open(&input.source)));
        check_names(input, &self.args.output.formats())?;
        let (video, name) = (video?, &input.name);
        let timings = video.timings().clone();
        let record = folder.map(|folder| record_path(folder, name));
        if let Some(parent) = record.as_deref().and_then(Path::parent) {
            std::fs::create_dir_all(parent).map_err(|error| EstError::Output { path: parent.to_owned(), error })?;
        }
        // Names that pseudonyms are to hide.
        let files = video.info().is_pictures() && !self.args.run.pseudonyms;
        let mut reports = match folder {
            None => Reports::stream(Box::new(std::io::stdout()), name, files, self.record()),
            Some(folder) => {
                let job = Job {
                    folder,
                    home: &self.args.out,
                    name,
                    source: &input.source,
                    files,
                    decoding: self.decoding(),
                    record: self.record(),
                };
                Reports::create(&self.args.output.formats(), &job)?
            }
        };
        let mut summary = match live_of(input) {
            Some(live) => self.watch(live, name, video, &mut reports)?,
            None => {
                // How many frames a part has is not known.
                let frames = video.info().frames.filter(|_| self.decoding().range.is_whole());
                let mut progress = self.log.progress(name, frames, self.turn);
                let mut sink = |row| reports.row(row);
                video.read(self.pipeline.recogniser(), name, &mut sink, &mut |at| progress.at(at))?
            }
        };
        if self.args.run.pseudonyms {
            summary.source.clone_from(name);
        }
        reports.finish(&mut summary)?;
        if let Some(record) = record {
            write_record(&record, self.record(), &summary)?;
        }
        if self.args.timing {
            self.log.timing(&summary, self.loading, start.elapsed(), &timings);
        }
        Ok(summary)
    }

    /// Reads a live source to its end, or until it is stopped. Its rows grow in the folder of results meanwhile.
    fn watch(&mut self, live: &Live, name: &str, video: OpenVideo, reports: &mut Reports) -> Result<Summary, EstError> {
        let stays = !self.args.to_standard_output();
        let formats = self.args.output.formats();
        let growing = formats.iter().filter(|_| stays).map(|&format| {
            let path = format.paths(&self.args.out, name).remove(0);
            GrowingRows::create(format, path, Table::new(name, false, self.record()))
        });
        let mut growing: Vec<GrowingRows> = growing.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let elsewhere = if stays { self.args.out.as_path() } else { Path::new(STANDARD_OUTPUT) };
        let to = growing.first().map_or(elsewhere, GrowingRows::path);
        let mut view = View::new(live, to, &self.pipeline.model().classes, self.log.prints());
        let stop = self.decoding().live.stop.clone();
        let limit = self.args.live.seconds.unwrap_or(f64::INFINITY);
        let seen = RefCell::new(&mut view);
        let mut also = |row: &Row| {
            seen.borrow_mut().row(row);
            growing.iter_mut().try_for_each(|growing| growing.row(row))
        };
        let mut sink = |row: Row| reports.row_and(row, &mut also);
        let mut progress = |at: Progress| {
            seen.borrow_mut().frame(at.pts_s);
            if at.pts_s >= limit {
                stop.stop();
            }
        };
        let summary = video.read(self.pipeline.recogniser(), name, &mut sink, &mut progress)?;
        if let Some([median, largest]) = view.end() {
            let text = format!("{live}: rows came {median:.2} s after their frames (median), {largest:.2} s at most");
            self.log.note(&text, json!({ "delay_median_s": median, "delay_largest_s": largest }));
        }
        Ok(summary)
    }

    fn warn(&self, summary: &Summary) {
        for warning in &summary.warnings {
            self.log.warning(&format!("{}: {warning}", summary.source));
        }
    }

    /// The table of one video, or its JSON line.
    fn print(&self, summary: &Summary, written: &[PathBuf]) {
        self.warn(summary);
        if self.args.json {
            println!("{}", json!({ "video": summary, "outputs": written }));
        }
        if !self.log.prints() {
            return;
        }
        let model = self.pipeline.model();
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
        let classes: Vec<String> = model.classes.iter().map(|class| Columns::probability(class)).collect();
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
