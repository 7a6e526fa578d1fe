//! What goes to standard error: progress and problems, for people or as JSON lines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use est::report::Summary;
use est::{Progress, Stage, Timings};
use est_data::set::BuildProgress;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::hints;

/// One line an event.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    json: bool,
    /// Errors only.
    quiet: bool,
}

/// Which of a run's videos is read, from 1, and since when the first was.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    pub number: usize,
    pub of: usize,
    pub since: Instant,
}

impl Turn {
    /// In front of a video's name; nothing where it is the only one.
    fn text(self) -> String {
        let Turn { number, of, since } = self;
        match (of, number) {
            (..=1, _) => String::new(),
            (_, ..=1) => format!("{number}/{of} "),
            // As long as those before took, each.
            _ => {
                let left = since.elapsed().mul_f64((of + 1 - number) as f64 / (number - 1) as f64);
                format!("{number}/{of}, all in {} ", indicatif::HumanDuration(left))
            }
        }
    }
}

impl Log {
    pub fn plain() -> Self {
        Log { json: false, quiet: false }
    }

    pub fn new(json: bool) -> Self {
        Log { json, quiet: false }
    }

    pub fn quiet(self, quiet: bool) -> Self {
        Log { quiet, ..self }
    }

    /// Whether results go to standard output as text for people.
    pub fn prints(self) -> bool {
        !self.json && !self.quiet
    }

    pub fn error(self, error: &anyhow::Error) {
        self.problem(&text_of(error));
    }

    pub fn warning(self, text: &str) {
        self.say("warning", text, json!({}));
    }

    /// An error that has its whole text.
    pub fn problem(self, text: &str) {
        self.say("error", text, json!({}));
    }

    /// The last word of a run of which a part failed: its lines have said so before.
    pub fn failures(self, text: &str, reasons: &[String]) {
        self.say("warning", text, json!({ "failed": reasons }));
    }

    /// Something worth knowing that is no problem.
    pub fn note(self, text: &str, details: Value) {
        self.say("note", text, details);
    }

    fn say(self, event: &str, text: &str, details: Value) {
        if self.quiet && event != "error" {
            return;
        }
        if self.json {
            let mut line = json!({ "event": event, "message": text });
            if let (Some(line), Value::Object(details)) = (line.as_object_mut(), details) {
                line.extend(details);
            }
            eprintln!("{line}");
        } else {
            eprintln!("{event}: {text}");
        }
    }

    /// Where the time of a video went: `loading` the model, once a run; `elapsed` over the video, and what each stage of
    /// it was busy for. Stages run beside each other.
    pub fn timing(self, summary: &Summary, loading: Duration, elapsed: Duration, timings: &Timings) {
        let seconds = elapsed.as_secs_f64();
        let rate = summary.frames_decoded as f64 / seconds;
        let busy = Stage::ALL.map(|stage| (stage.name(), timings.busy(stage).as_secs_f64()));
        let stages: Vec<String> =
            busy.iter().map(|(name, busy)| format!("{name} {busy:.3} s ({:.0} %)", 100.0 * busy / seconds)).collect();
        let text = format!(
            "{}: model ready in {:.3} s, video read in {seconds:.3} s, {rate:.1} frames/s; busy: {}",
            summary.video_id,
            loading.as_secs_f64(),
            stages.join(", ")
        );
        let details = json!({
            "video_id": summary.video_id,
            "loading_s": loading.as_secs_f64(),
            "elapsed_s": seconds,
            "frames": summary.frames_decoded,
            "busy_s": busy.into_iter().map(|(name, busy)| (name.to_string(), busy.into())).collect::<Map<_, _>>(),
        });
        self.say("timing", &text, details);
    }

    /// Something that happened.
    #[cfg(feature = "train")]
    pub fn tell(self, event: &str, text: &str, details: Value) {
        self.say(event, text, details);
    }

    /// Progress of the clips of the set called `name`.
    pub fn clips(self, name: &str) -> ClipsProgress {
        let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = "{msg} {wide_bar} {pos}/{len} clips  {per_sec}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is ours"));
        bar.enable_steady_tick(Duration::from_millis(200));
        ClipsProgress { log: self, name: name.to_string(), bar, said: Mutex::new(Instant::now()) }
    }

    /// Progress of scoring `name`, a clip at a time.
    pub fn scoring(self, name: &str) -> ScoringProgress {
        let bar = if self.json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let style = "{msg} {wide_bar} {pos}/{len} clips  {per_sec}  {eta} left";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is ours"));
        bar.set_message(name.to_string());
        bar.enable_steady_tick(Duration::from_millis(200));
        ScoringProgress { log: self, name: name.to_string(), bar, said: Instant::now() }
    }

    /// Progress of one video of `frames` frames, where that is known; `turn` is its place among the run's.
    pub fn progress(self, name: &str, frames: Option<u64>, turn: Turn) -> VideoProgress {
        let bar = if self.json || self.quiet {
            ProgressBar::hidden()
        } else {
            let bar = ProgressBar::new(frames.unwrap_or(0));
            let style = match frames {
                Some(_) => "{msg} {wide_bar} {pos}/{len} frames  {per_sec}  {eta} left",
                None => "{msg} {spinner} {pos} frames  {per_sec}  {elapsed}",
            };
            bar.set_style(ProgressStyle::with_template(style).expect("the template is ours"));
            bar.set_message(format!("{}{name}", turn.text()));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        };
        VideoProgress { log: self, name: name.to_string(), turn, bar, said: Instant::now() }
    }
}

/// An error with its causes, in one line.
pub fn text_of(error: &anyhow::Error) -> String {
    let mut text = error.downcast_ref().map_or_else(|| error.to_string(), hints::said);
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Many messages quote their cause already.
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// The progress of a set of clips. Gone from the terminal when dropped.
pub struct ClipsProgress {
    log: Log,
    name: String,
    bar: ProgressBar,
    said: Mutex<Instant>,
}

impl ClipsProgress {
    pub fn at(&self, progress: BuildProgress) {
        let BuildProgress { done, resumed, total, frames } = progress;
        if self.bar.length() == Some(0) {
            self.bar.set_length(total as u64);
            // What an earlier run did says nothing about the speed of this one.
            self.bar.set_position(resumed as u64);
            self.bar.reset_eta();
        }
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{} ({frames} crops)", self.name));
        let mut said = self.said.lock().expect("nothing panics with it");
        if self.log.json && said.elapsed() > Duration::from_secs(2) {
            *said = Instant::now();
            let details = json!({ "done": done, "resumed": resumed, "total": total, "crops": frames });
            self.log.say("progress", "clips done", details);
        }
    }
}

impl Drop for ClipsProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of an evaluation. Gone from the terminal when dropped.
pub struct ScoringProgress {
    log: Log,
    name: String,
    bar: ProgressBar,
    said: Instant,
}

impl ScoringProgress {
    pub fn at(&mut self, progress: est_eval::Progress) {
        let est_eval::Progress { done, total } = progress;
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        if self.log.json && self.said.elapsed() > Duration::from_secs(2) {
            self.said = Instant::now();
            let details = json!({ "set": self.name, "done": done, "total": total });
            self.log.say("progress", "clips scored", details);
        }
    }
}

impl Drop for ScoringProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The progress of one video. Gone from the terminal when dropped.
pub struct VideoProgress {
    log: Log,
    name: String,
    turn: Turn,
    bar: ProgressBar,
    said: Instant,
}

impl VideoProgress {
    pub fn at(&mut self, progress: Progress) {
        self.bar.set_position(progress.frames);
        if self.log.json && self.said.elapsed() > Duration::from_secs(2) {
            self.said = Instant::now();
            let details = json!({
                "video_id": self.name, "frames": progress.frames, "pts_s": progress.pts_s,
                "number": self.turn.number, "of": self.turn.of,
            });
            self.log.say("progress", "frames read", details);
        }
    }
}

impl Drop for VideoProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
