//! One training run, from a prepared set and a config to a weights file, in a folder of its own:
//!
//! ```text
//! config.toml                 the config, resolved
//! checkpoint.est              the run as it stood last; `resume` goes on from it
//! log.jsonl                   a line an update and validation; the same curves in events.out.tfevents.0.est
//! weights.est                 for prediction: the selected epoch's, or the last's
//! features-*.est              of a frozen encoder; a series of runs has one for all
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use est_data::protocol::Selection;
use est_data::set::PreparedSet;
use est_nets::{Clips, Graph, Network, Tensor, weights, whole_file};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::autodiff::{AdamStep, CLASS, Learner, LearnerOptions, Losses, ORDER, Targets};
use crate::checkpoint::{self, CHECKPOINT, CheckpointError, Record};
use crate::config::{Stage, TrainConfig};
use crate::corpus::Corpus;
use crate::encoder;
use crate::error::TrainError;
use crate::journal::{Entry, Journal};
use crate::loader::{Batch, Loader};
use crate::network;
use crate::objective::Objective;
use crate::parts::{Parts, labelled};
use crate::sampler::{Draw, Sampler, orders};
use crate::targets::FrameTargets;
use crate::validation::{Validation, validate};

/// Name of the weights file in the run's folder.
pub const WEIGHTS: &str = "weights.est";

/// What happens while a run goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The set is read; updates in all, and those done by an earlier run.
    Begins {
        parts: Parts,
        updates: u64,
        done: u64,
    },
    /// Features of a frozen encoder: clips done, of how many.
    Features {
        done: usize,
        clips: usize,
    },
    /// An update is done; `left`: the time that the rest takes at the pace of the last minutes, validations aside.
    Update {
        entry: Entry,
        epochs: u32,
        updates: u64,
        left: Duration,
    },
    Validated(Entry),
}

/// A finished run.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub weights: PathBuf,
    /// Of the weights, counted from 0, and its share of right validation clips.
    pub best: Option<(u32, f64)>,
}

/// Runs `config` on the prepared set in `data`, in the folder `out`; `resume` goes on with the run that is there.
///
/// # Errors
/// What is wrong with config, set or folder; damage, a full disk, numbers that run away: the last good checkpoint stays
/// and is named.
pub fn fit(
    config: &TrainConfig,
    data: &Path,
    out: &Path,
    resume: bool,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome, TrainError> {
    fit_sharing(config, data, out, resume, None, tell)
}

/// As [`fit`]; the features of a frozen encoder are those of all the set's clips, kept in the folder `shared` for other
/// runs to read, and not only those of this run's clips, kept in its own.
pub(crate) fn fit_sharing(
    config: &TrainConfig,
    data: &Path,
    out: &Path,
    resume: bool,
    shared: Option<&Path>,
    tell: &mut dyn FnMut(Event),
) -> Result<Outcome, TrainError> {
    let set = PreparedSet::open(data)?;
    let parts = Parts::of(&set, config)?;
    let mut record = Record::new(config, set.record().hash(), data);
    record.initial_sha256 = config.initial.as_deref().map(weights::sha256).transpose()?;
    record.targets_sha256 = config.targets.as_deref().map(weights::file::sha256).transpose()?;
    let mut corpus = Corpus::new(set, config)?;
    if let Some(path) = &config.targets {
        let targets = FrameTargets::read(path, corpus.set(), &parts.train)?;
        corpus.set_targets(targets);
    }
    let network = network::network(config, &corpus);
    if let Some(problem) = network.problem() {
        return Err(TrainError::input(data, format!("its pictures or classes fit no network: {problem}")));
    }
    let graph =
        network::graph(config, &network).map_err(|problem| TrainError::input(out.join("config.toml"), problem))?;
    let base = network::initial(config, &graph, &network)?;

    let checkpoint = out.join(CHECKPOINT);
    let _lock = begin(config, out, resume)?;
    let options = LearnerOptions {
        device: config.device,
        precision: config.precision,
        threads: config.threads,
        frozen: config.frozen.clone(),
        mean: config.mean,
        std: config.std,
    };
    let learner = if checkpoint.exists() {
        let stored = checkpoint::read(&checkpoint, &graph)?;
        stored.record.check(&checkpoint, &record, data)?;
        let mut learner = Learner::new(&graph, &stored.weights, &options)?;
        learner.remember(&stored.memory)?;
        record = stored.record;
        learner
    } else {
        Learner::new(&graph, &base, &options)?
    };
    if config.stage == Stage::Frozen {
        let (folder, clips) = match shared {
            Some(folder) => (folder, labelled(corpus.set())),
            None => (out, [&parts.train[..], &parts.validation].concat()),
        };
        let mut progress = |done| tell(Event::Features { done, clips: clips.len() });
        let features = encoder::features(&corpus, config, &base, &clips, folder, &mut progress)?;
        corpus.set_features(features);
    }
    let journal = Journal::open(out, record.updates).map_err(|(path, error)| TrainError::Write {
        path,
        error,
        kept: "make room".to_string(),
    })?;
    let saved = (record.updates > 0).then_some(record.updates);
    let objective = config.objective.for_counts(&parts.counts);
    let corpus = Arc::new(corpus);
    let run =
        Run { config, out, network, graph, options, base, objective, corpus, parts, learner, record, journal, saved };
    run.go(tell)
}

/// Takes the folder for this run.
fn begin(config: &TrainConfig, out: &Path, resume: bool) -> Result<File, TrainError> {
    std::fs::create_dir_all(out).map_err(TrainError::write(out))?;
    let path = out.join(".lock");
    let lock = File::create(&path).map_err(TrainError::write(&path))?;
    if lock.try_lock().is_err() {
        return Err(TrainError::input(out, "another run is at work here; wait for it, or choose another --out"));
    }
    whole_file::sweep(out).map_err(TrainError::read(out))?;
    let path = out.join("config.toml");
    if !path.exists() {
        let write = || -> std::io::Result<()> {
            let mut file = whole_file::begin(&path)?;
            file.write_all(config.to_toml().as_bytes())?;
            whole_file::place(file, &path)
        };
        write().map_err(TrainError::write(&path))?;
    } else if !resume {
        return Err(TrainError::input(out, "holds a run already; --resume goes on with it, or choose another --out"));
    }
    Ok(lock)
}

struct Run<'a> {
    config: &'a TrainConfig,
    out: &'a Path,
    network: Network,
    graph: Graph,
    options: LearnerOptions,
    /// What the run began with.
    base: BTreeMap<String, Tensor>,
    objective: Objective,
    corpus: Arc<Corpus>,
    parts: Parts,
    learner: Learner,
    record: Record,
    journal: Journal,
    /// Updates in the checkpoint that is there.
    saved: Option<u64>,
}

impl Run<'_> {
    fn go(mut self, tell: &mut dyn FnMut(Event)) -> Result<Outcome, TrainError> {
        let optimiser = &self.config.optimiser;
        let per_epoch = self.parts.train.len() / (optimiser.batch * optimiser.accumulate);
        let updates = per_epoch as u64 * u64::from(optimiser.epochs);
        let done = self.record.updates;
        tell(Event::Begins { parts: self.parts.clone(), updates, done });
        let batches = [done, updates].map(|updates| updates * optimiser.accumulate as u64);
        let sizes = [optimiser.batch, per_epoch * optimiser.accumulate];
        let sampler = self.sampler()?;
        let mut loader = Loader::new(self.corpus.clone(), sampler, self.parts.train.clone(), sizes, batches);
        let mut pace = Pace::new();
        for update in done..updates {
            let epoch = (update / per_epoch as u64) as u32;
            let entry = self.update(update, epoch, &mut loader, &mut pace)?;
            let left = pace.left(updates - update - 1);
            tell(Event::Update { entry, epochs: optimiser.epochs, updates, left });
            let ends_epoch = (update + 1).is_multiple_of(per_epoch as u64);
            if ends_epoch && !self.parts.validation.is_empty() {
                let entry = self.validate(epoch)?;
                tell(Event::Validated(entry));
                pace.pause();
            }
            let every = self.config.checkpoint_every;
            if ends_epoch || (every > 0 && (update + 1).is_multiple_of(every)) {
                self.save(epoch)?;
                pace.pause();
            }
        }
        let weights = self.out.join(WEIGHTS);
        if self.parts.validation.is_empty() {
            self.hand_out(&[("epoch", json!(optimiser.epochs))])?;
        }
        Ok(Outcome { weights, best: self.record.best })
    }

    fn sampler(&self) -> Result<Sampler, TrainError> {
        let config = self.config;
        let [snippets, frames] = self.network.layout();
        let orders = orders(snippets, self.network.orders(), config.seed);
        Ok(Sampler {
            seed: config.seed,
            clips: self.parts.train.len(),
            sampling: config.sampling,
            snippets,
            frames,
            draw: match (config.stage, &config.targets) {
                (Stage::Frames, None) => Draw::Frames(config.frames_per_clip),
                (Stage::Frames, Some(_)) => Draw::Listed(config.frames_per_clip),
                _ => Draw::Snippets,
            },
            orders: orders.map_err(|problem| TrainError::input(self.out.join("config.toml"), problem))?,
            augment: config.augment.clone(),
        })
    }

    fn update(&mut self, update: u64, epoch: u32, loader: &mut Loader, pace: &mut Pace) -> Result<Entry, TrainError> {
        let optimiser = &self.config.optimiser;
        let mut sum = Losses::default();
        let (mut rows, mut images, mut waited) = (0, 0, Duration::ZERO);
        for pass in 0..optimiser.accumulate as u64 {
            let asked = Instant::now();
            let batch = loader.take()?;
            waited += asked.elapsed();
            let seed = pass_seed(self.config.seed, update * optimiser.accumulate as u64 + pass);
            let share = 1.0 / optimiser.accumulate as f64;
            let (clips, targets) = reading(&batch, self.config);
            let inputs = clips.feed(&self.graph).expect("a batch gives what its network takes");
            let losses = self.learner.accumulate(clips.count, &inputs, &targets, &self.objective, share, seed)?;
            if !losses.total.is_finite() {
                return Err(self.not_finite(epoch, update, "the loss".to_string()));
            }
            rows += targets.classes.len();
            images += batch.len * frames_of(self.config);
            sum.total += losses.total * share;
            for (name, value) in losses.terms {
                *sum.terms.entry(name).or_default() += value * share;
            }
            sum.classes_right += losses.classes_right;
            sum.orders_right += losses.orders_right;
        }
        let rate = optimiser.rate(epoch);
        self.learner.update(&AdamStep {
            step: update + 1,
            rate,
            betas: optimiser.betas,
            eps: optimiser.eps,
            weight_decay: optimiser.weight_decay,
            rate_factors: optimiser.rate_factors.iter().map(|(prefix, &factor)| (prefix.clone(), factor)).collect(),
            average: optimiser.average,
        })?;
        self.record.updates = update + 1;
        let share = |right: usize| right as f64 / rows as f64;
        let entry = Entry::Update {
            epoch,
            updates: update + 1,
            loss: sum.total,
            class_loss: sum.terms.remove(CLASS).unwrap_or_default(),
            order_loss: sum.terms.remove(ORDER).unwrap_or_default(),
            terms: sum.terms,
            class_accuracy: share(sum.classes_right),
            order_accuracy: share(sum.orders_right),
            rate,
            images_per_s: pace.images(images),
            waited_s: waited.as_secs_f64(),
        };
        self.log(&entry)?;
        Ok(entry)
    }

    fn validate(&mut self, epoch: u32) -> Result<Entry, TrainError> {
        let averaged;
        let averages = self.config.optimiser.average > 0.0;
        let learner = if averages {
            averaged = Learner::new(&self.graph, &self.learner.averaged()?, &self.options)?;
            &averaged
        } else {
            &self.learner
        };
        let Validation { war, uar, loss } =
            validate(learner, self.config, &self.network, &self.corpus, &self.parts.validation)?;
        let updates = self.record.updates;
        let entry = Entry::Validation { epoch, updates, clips: self.parts.validation.len(), war, uar, loss };
        self.log(&entry)?;
        // Of equals the earlier.
        if self.record.best.is_none_or(|(_, best)| war > best) {
            self.record.best = Some((epoch, war));
            let name = match self.config.selection {
                Selection::BestOnTest => "test_war_selected_on",
                _ => "validation_war",
            };
            self.hand_out(&[
                ("epoch", json!(epoch + 1)),
                (name, json!(war)),
                ("validation_clips", json!(self.parts.validation.len())),
            ])?;
        }
        Ok(entry)
    }

    fn hand_out(&mut self, scores: &[(&str, serde_json::Value)]) -> Result<(), TrainError> {
        let path = self.out.join(WEIGHTS);
        let tensors = self.learner.averaged()?;
        if let Some(name) = checkpoint::not_finite(&tensors) {
            let (epoch, update) = (self.config.optimiser.epochs, self.record.updates);
            return Err(self.not_finite(epoch, update, format!("weight `{name}`")));
        }
        network::write_weights(&path, self.config, &self.corpus, &self.base, tensors, scores)
            .map_err(|error| self.named(error))
    }

    fn save(&mut self, epoch: u32) -> Result<(), TrainError> {
        let path = self.out.join(CHECKPOINT);
        checkpoint::write(&path, &self.learner, &self.record).map_err(|error| match error {
            CheckpointError::NotFinite(name) => self.not_finite(epoch, self.record.updates, format!("weight `{name}`")),
            CheckpointError::Train(error) => self.named(error),
            CheckpointError::Weights(error) => self.named(error.into()),
        })?;
        self.saved = Some(self.record.updates);
        Ok(())
    }

    fn log(&mut self, entry: &Entry) -> Result<(), TrainError> {
        self.journal.add(entry).map_err(|error| {
            let path = self.journal.path().to_owned();
            TrainError::Write { path, error, kept: self.kept() }
        })
    }

    fn not_finite(&self, epoch: u32, step: u64, what: String) -> TrainError {
        TrainError::NotFinite { epoch, step, what, kept: self.kept() }
    }

    /// An error of writing with what is left of the run.
    fn named(&self, error: TrainError) -> TrainError {
        use weights::WeightsError::Io;
        match error {
            TrainError::Weights(Io { path, source }) | TrainError::Est(est::EstError::Weights(Io { path, source })) => {
                TrainError::Write { path, error: source, kept: self.kept() }
            }
            other => other,
        }
    }

    fn kept(&self) -> String {
        let path = self.out.join(CHECKPOINT);
        match self.saved {
            Some(updates) => {
                format!("the last good checkpoint is {} ({updates} updates); --resume goes on from it", path.display())
            }
            None => "no checkpoint was written yet".to_string(),
        }
    }
}

/// What the network reads of a batch, and what is right for it.
fn reading<'a>(batch: &'a Batch, config: &TrainConfig) -> (Clips<'a>, Targets) {
    let rows = if config.stage == Stage::Frames { config.frames_per_clip } else { 1 };
    let of = |&class: &i64| std::iter::repeat_n(class, rows);
    let classes = match &batch.shares[..] {
        [] => batch.classes.iter().flat_map(of).collect(),
        shares => {
            let each = shares.chunks(shares.len() / (batch.len * rows));
            each.map(|shares| est::largest(shares) as i64).collect()
        }
    };
    let targets = Targets { classes, shares: batch.shares.clone(), orders: batch.orders.clone() };
    (Clips { count: batch.len * rows, frames: batch.frames.values(), order: Some(&batch.order) }, targets)
}

fn frames_of(config: &TrainConfig) -> usize {
    if config.stage == Stage::Frames { config.frames_per_clip } else { config.network.clip_frames() }
}

/// The seed of pass `number` of a run: nothing of the generator's state has to be stored.
fn pass_seed(seed: u64, number: u64) -> u64 {
    let hash = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(number.to_le_bytes()).finalize();
    u64::from_le_bytes(hash[..8].try_into().expect("eight bytes"))
}

/// How fast it goes: a mean over the last updates, halved in weight every ten.
struct Pace {
    last: Instant,
    seconds: Option<f64>,
}

impl Pace {
    fn new() -> Self {
        Pace { last: Instant::now(), seconds: None }
    }

    /// What was done since the last update was none.
    fn pause(&mut self) {
        self.last = Instant::now();
    }

    /// An update of so many images is done: images per second.
    fn images(&mut self, images: usize) -> f64 {
        let seconds = self.last.elapsed().as_secs_f64().max(1e-9);
        self.last = Instant::now();
        let mean = self.seconds.map_or(seconds, |mean| mean * 0.93 + seconds * 0.07);
        self.seconds = Some(mean);
        images as f64 / seconds
    }

    fn left(&self, updates: u64) -> Duration {
        Duration::from_secs_f64(self.seconds.unwrap_or(0.0) * updates as f64)
    }
}
