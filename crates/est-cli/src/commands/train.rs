//! `est train`: a prepared set in, a weights file out. Built in with the feature `train` alone.

use std::process::ExitCode;

use crate::args::TrainArgs;

#[cfg(not(feature = "train"))]
pub fn run(_: &TrainArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("this est was built without training; `make train-build` builds one with it")
}

#[cfg(feature = "train")]
pub fn run(args: &TrainArgs) -> anyhow::Result<ExitCode> {
    use est_train::TrainConfig;
    use serde_json::json;

    use crate::log::Log;

    let config = match &args.config {
        Some(path) => TrainConfig::read(path)?,
        None => TrainConfig::PAPER,
    };
    let mut teller = told::Teller::new(Log::new(args.json), args.json);
    let outcome = est_train::fit(&config, &args.data, &args.out, args.resume, &mut |event| teller.tell(event))?;
    let (epoch, war) = outcome.best.unzip();
    if args.json {
        let (epoch, selection) = (epoch.map(|epoch| epoch + 1), config.selection.name());
        println!("{}", json!({ "weights": outcome.weights, "selection": selection, "epoch": epoch, "war": war }));
        return Ok(ExitCode::SUCCESS);
    }
    let score = match (epoch, war) {
        (Some(epoch), Some(war)) => format!("epoch {}, {:.2} % right", epoch + 1, 100.0 * war),
        _ => format!("epoch {}", config.optimiser.epochs),
    };
    println!("-> {} ({score}; selection: {})", outcome.weights.display(), config.selection.name());
    Ok(ExitCode::SUCCESS)
}

#[cfg(feature = "train")]
mod told {
    use std::time::{Duration, Instant};

    use est_train::{Entry, Event};
    use serde_json::{Value, json};

    use crate::log::Log;

    /// Tells people every few seconds and machines everything.
    pub struct Teller {
        log: Log,
        json: bool,
        said: Option<Instant>,
    }

    impl Teller {
        pub fn new(log: Log, json: bool) -> Self {
            Teller { log, json, said: None }
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
                    self.log.tell("train", &text, details);
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
                        self.log.tell(
                            "features",
                            &format!("{done}/{clips} clips"),
                            json!({ "done": done, "clips": clips }),
                        );
                    }
                }
                Event::Update { entry, epochs, updates, left } => {
                    if self.json || self.due() || entry.updates() == updates {
                        self.log.tell("update", &update(&entry, epochs, updates, left), details(&entry));
                    }
                }
                Event::Validated(entry) => self.log.tell("validation", &validated(&entry), details(&entry)),
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
}
