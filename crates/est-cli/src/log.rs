//! What goes to standard error: progress and problems, for people or as JSON lines.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use est::Progress;
use est_data::set::BuildProgress;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

/// One line an event.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    json: bool,
}

impl Log {
    pub fn plain() -> Self {
        Log { json: false }
    }

    pub fn new(json: bool) -> Self {
        Log { json }
    }

    pub fn error(self, error: &anyhow::Error) {
        let mut text = error.to_string();
        for cause in error.chain().skip(1).map(ToString::to_string) {
            // Many messages quote their cause already.
            if !text.contains(&cause) {
                text = format!("{text}: {cause}");
            }
        }
        self.say("error", &text, json!({}));
    }

    pub fn warning(self, text: &str) {
        self.say("warning", text, json!({}));
    }

    fn say(self, event: &str, text: &str, details: Value) {
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

    /// Progress of one video of `frames` frames, where that is known.
    pub fn progress(self, name: &str, frames: Option<u64>) -> VideoProgress {
        let bar = if self.json {
            ProgressBar::hidden()
        } else {
            let bar = ProgressBar::new(frames.unwrap_or(0));
            let style = match frames {
                Some(_) => "{msg} {wide_bar} {pos}/{len} frames  {per_sec}  {eta} left",
                None => "{msg} {spinner} {pos} frames  {per_sec}  {elapsed}",
            };
            bar.set_style(ProgressStyle::with_template(style).expect("the template is ours"));
            bar.set_message(name.to_string());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        };
        VideoProgress { log: self, name: name.to_string(), bar, said: Instant::now() }
    }
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

/// The progress of one video. Gone from the terminal when dropped.
pub struct VideoProgress {
    log: Log,
    name: String,
    bar: ProgressBar,
    said: Instant,
}

impl VideoProgress {
    pub fn at(&mut self, progress: Progress) {
        self.bar.set_position(progress.frames);
        if self.log.json && self.said.elapsed() > Duration::from_secs(2) {
            self.said = Instant::now();
            let details = json!({ "video_id": self.name, "frames": progress.frames, "pts_s": progress.pts_s });
            self.log.say("progress", "frames read", details);
        }
    }
}

impl Drop for VideoProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
