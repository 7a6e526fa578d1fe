//! What a training says while it goes.

use std::path::Path;
use std::time::{Duration, Instant};

use est_train::{Entry, Event, TrainConfig};
use serde_json::{Value, json};

use crate::log::Log;

/// What the config file says, or the paper; what will be slow here is warned of.
pub fn config(path: Option<&Path>, log: Log) -> anyhow::Result<TrainConfig> {
    let config = path.map_or(Ok(TrainConfig::PAPER), TrainConfig::read)?;
    if !config.precision.is_fast(config.device) {
        log.warning(
            "this processor has no AVX-512, and without it bf16 is many times slower than f32; set precision = \"f32\"",
        );
    }
    Ok(config)
}

/// Tells people every few seconds and machines everything.
pub struct Teller {
    log: Log,
    json: bool,
    /// Of the run, where there are several.
    run: String,
    said: Option<Instant>,
}

impl Teller {
    pub fn new(log: Log, json: bool) -> Self {
        Teller { log, json, run: String::new(), said: None }
    }

    /// What is told from here on is of the run called `run`.
    pub fn begin(&mut self, run: String) {
        (self.run, self.said) = (run, None);
    }

    fn say(&self, event: &str, text: &str, mut details: Value) {
        if self.run.is_empty() {
            return self.log.tell(event, text, details);
        }
        details["run"] = self.run.clone().into();
        self.log.tell(event, &format!("{}: {text}", self.run), details);
    }

    pub fn tell(&mut self, event: Event) {
        match event {
            Event::Begins { parts, updates, done } => {
                let text = format!(
                    "{}: {} training clips, {} validation, {} test; {updates} updates, {done} done",
                    parts.name,
                    parts.train.len(),
                    parts.validation.len(),
                    parts.test.len()
                );
                let details = json!({ "train": parts.train.len(), "validation": parts.validation.len(), "test": parts.test.len(),
                    "without_frames": parts.without_frames, "updates": updates, "done": done });
                self.say("train", &text, details);
                if parts.without_frames > 0 {
                    let text = format!(
                        "{} training clips have no frames and are left out; clips.csv says why",
                        parts.without_frames
                    );
                    self.log.warning(&text);
                }
            }
            Event::Features { done, clips } => {
                if done == clips || self.due() {
                    self.say("features", &format!("{done}/{clips} clips"), json!({ "done": done, "clips": clips }));
                }
            }
            Event::Update { entry, epochs, updates, left } => {
                if self.json || self.due() || entry.updates() == updates {
                    self.say("update", &update(&entry, epochs, updates, left), details(&entry));
                }
            }
            Event::Validated(entry) => self.say("validation", &validated(&entry), details(&entry)),
        }
    }

    fn due(&mut self) -> bool {
        let due = self.said.is_none_or(|said| said.elapsed() > Duration::from_secs(5));
        if due {
            self.said = Some(Instant::now());
        }
        due
    }
}

fn details(entry: &Entry) -> Value {
    serde_json::to_value(entry).expect("an entry is plain data")
}

fn update(entry: &Entry, epochs: u32, all: u64, left: Duration) -> String {
    let Entry::Update { epoch, updates, loss, order_accuracy, rate, images_per_s, .. } = entry else {
        unreachable!("an update is told as one")
    };
    let minutes = left.as_secs() / 60;
    let left = format!("{}:{:02}:{:02}", minutes / 60, minutes % 60, left.as_secs() % 60);
    format!(
        "epoch {}/{epochs}  {updates}/{all}  loss {loss:.4}  rate {rate:.2e}  orders {:.0} %  {images_per_s:.0} images/s  \
         {left} left",
        epoch + 1,
        100.0 * order_accuracy
    )
}

fn validated(entry: &Entry) -> String {
    let Entry::Validation { epoch, clips, war, uar, loss, .. } = entry else {
        unreachable!("a validation is told as one")
    };
    format!(
        "epoch {}: {:.2} % of {clips} clips right (mean recall {:.2} %), loss {loss:.4}",
        epoch + 1,
        100.0 * war,
        100.0 * uar
    )
}
