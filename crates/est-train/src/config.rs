//! What a training is. Presets are constants that cite their source; a TOML file holds what differs from one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est_data::protocol::Selection;
use est_nets::{EstConfig, Network, PRESETS, Preset, Sampling};
use serde::{Deserialize, Serialize};

use crate::augment::Augment;
use crate::autodiff::{Device, Precision};
use crate::error::TrainError;
use crate::objective::Objective;
use crate::sampler::most_orders;

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The whole network on clips.
    Clips,
    /// First of two stages: the frame encoder alone, with a linear head, on single frames that carry their clip's label.
    Frames,
    /// All but the frame encoder, whose features est-engine computes once.
    Frozen,
}

/// Adam and its schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Optimiser {
    /// Of an epoch e: rate (1 + cos(pi e / epochs)) / 2 min(1, (e + 1) / warmup).
    pub rate: f64,
    pub epochs: u32,
    /// Epochs in which the rate grows; 1 or less: none.
    pub warmup: u32,
    pub betas: [f64; 2],
    pub eps: f64,
    /// L2, added to the gradient.
    pub weight_decay: f64,
    /// Clips that pass the network at once; batch norm sees this many.
    pub batch: usize,
    /// Batches whose gradients make one update.
    pub accumulate: usize,
    /// Share of the old in a moving average of the weights, which then is what is validated and handed out; 0: none.
    pub average: f64,
    /// Factors of the rate by prefix of a parameter's name, like `layer1 = 0.1`; the longest that fits counts.
    pub rate_factors: BTreeMap<String, f64>,
}

impl Optimiser {
    /// The rate in `epoch`, counted from 0 (SPEC section 3, row "schedule").
    pub fn rate(&self, epoch: u32) -> f64 {
        let cosine = (1.0 + (std::f64::consts::PI * f64::from(epoch) / f64::from(self.epochs)).cos()) / 2.0;
        self.rate * cosine * (f64::from(epoch + 1) / f64::from(self.warmup.max(1))).min(1.0)
    }
}

/// A whole training run. Two runs of one config on one set and machine give the same weights to the bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    pub seed: u64,
    pub stage: Stage,
    pub precision: Precision,
    pub device: Device,
    /// Threads of the arithmetic; 0: all cores. The last bits of the result may depend on it.
    pub threads: usize,
    /// Weights to begin with, of any format: tensors of a fitting name are taken, and those of the frame encoder must
    /// all be there. None: random ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial: Option<PathBuf>,
    /// What stands before the names of the tensors in `initial` that are meant, where it holds several networks (`ema.`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initial_prefix: Option<String>,
    /// CSV with what is right for single frames, columns `clip`, `frame` and `p_CLASS` of every class (a distribution:
    /// from a teacher, or between a class and `neutral`). The stage `frames` reads the frames that it lists and no others;
    /// the other stages read windows, for which the mean of the clip's rows is right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<PathBuf>,
    /// Parts that are not trained, by prefix of their names (`conv1`, `bn1`, `layer1`); their batch norms keep their
    /// statistics.
    pub frozen: Vec<String>,
    /// Which epoch is handed out.
    pub selection: Selection,
    /// Share of the training subjects that validates, where the split has no validation part.
    pub validation_share: f64,
    /// Train although a subject is in two of the training, validation and test parts, as in some official splits.
    pub allow_shared_subjects: bool,
    /// The round of the set's split that is trained: `fold-1`, `official`; None: all of the set but what validates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub round: Option<String>,
    /// Updates from one checkpoint to the next; 0: at the end of each epoch only.
    pub checkpoint_every: u64,
    /// Frames of a clip and step in the stage `frames`.
    pub frames_per_clip: usize,
    /// Margin of the square crop that the network reads, where the set's is wider: the middle is cut out; None: the set's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_margin: Option<f32>,
    /// Per RGB channel on the [0, 1] scale.
    pub mean: [f32; 3],
    pub std: [f32; 3],
    /// Frames per second of presentation time at which frames enter a window.
    pub rate: f64,
    pub sampling: Sampling,
    pub optimiser: Optimiser,
    pub objective: Objective,
    pub augment: Augment,
    /// `classes` and `size` are the set's.
    pub network: Network,
}

impl TrainConfig {
    /// SPEC section 3. What neither the paper nor its release fixes is the safest choice: selection on training subjects.
    pub const PAPER: TrainConfig = TrainConfig {
        seed: 1,
        stage: Stage::Clips,
        precision: Precision::F32,
        device: Device::Cpu,
        threads: 0,
        initial: None,
        initial_prefix: None,
        targets: None,
        frozen: vec![],
        selection: Selection::InnerValidation,
        validation_share: 0.125,
        allow_shared_subjects: false,
        round: None,
        checkpoint_every: 0,
        frames_per_clip: 5,
        crop_margin: None,
        mean: [0.0; 3],
        std: [1.0; 3],
        rate: 25.0,
        sampling: Sampling::PAPER,
        optimiser: Optimiser {
            rate: 1e-4,
            epochs: 160,
            warmup: 10,
            betas: [0.9, 0.999],
            eps: 1e-8,
            weight_decay: 1e-4,
            batch: 8,
            accumulate: 1,
            average: 0.0,
            rate_factors: BTreeMap::new(),
        },
        objective: Objective::PAPER,
        augment: Augment::PAPER,
        network: Network::Est(EstConfig::PAPER),
    };

    /// Reads overrides of a preset: TOML in the shape of this struct, any part of it, and `preset`, a name of
    /// `est complexity` (default `paper`) that chooses the network and how clips are sampled for it.
    ///
    /// # Errors
    /// When the file cannot be read, names a field that is not there, or asks for what cannot be done.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(TrainError::read(path))?;
        Self::parse(&text).map_err(|problem| TrainError::input(path, problem))
    }

    /// As [`TrainConfig::read`], from text.
    ///
    /// # Errors
    /// In words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut overrides: toml::Table = text.parse().map_err(|error| format!("not TOML ({error})"))?;
        let mut config = TrainConfig::PAPER;
        let tag = overrides.get("network").and_then(|network| network.get("architecture")).cloned();
        match (overrides.remove("preset"), tag.as_ref().and_then(toml::Value::as_str)) {
            (None, None) => {}
            (None, Some(tag)) => {
                let preset = PRESETS.iter().find(|preset| preset.config.tag() == tag);
                let known = || format!("no network is called `{tag}`; there are {}", Network::TAGS.join(", "));
                config.network = preset.ok_or_else(known)?.config.clone();
                config.sampling = config.network.sampling();
            }
            (Some(toml::Value::String(name)), _) => {
                let preset = Preset::named(&name);
                let preset = preset.ok_or_else(|| format!("no preset called {name}; `est complexity` lists them"))?;
                config.network = preset.config.clone();
                config.sampling = config.network.sampling();
            }
            (Some(_), _) => return Err("`preset` is a name in quotes".to_string()),
        }
        for name in ["classes", "size"] {
            if overrides.get("network").is_some_and(|network| network.get(name).is_some()) {
                return Err(format!("network.{name} is the prepared set's; leave it out"));
            }
        }
        if let Some(tag) = tag
            && tag.as_str() != Some(config.network.tag())
        {
            let of = config.network.tag();
            return Err(format!("network.architecture is {tag}, the preset's is \"{of}\"; choose another `preset`"));
        }
        let mut table = toml::Table::try_from(&config).expect("a config is TOML");
        merge(&mut table, overrides);
        let config: TrainConfig = table.try_into().map_err(|error: toml::de::Error| error.message().to_string())?;
        match config.problem() {
            None => Ok(config),
            Some(problem) => Err(problem),
        }
    }

    /// All of it as TOML, so that [`TrainConfig::read`] of the file gives this config again.
    pub fn to_toml(&self) -> String {
        // By way of text, where an f32 of 0.1 is 0.1.
        let text = toml::to_string(self).expect("a config is TOML");
        let mut table: toml::Table = text.parse().expect("just written");
        if let Some(network) = table.get_mut("network").and_then(toml::Value::as_table_mut) {
            network.remove("classes");
            network.remove("size");
        }
        toml::to_string_pretty(&table).expect("a config is TOML")
    }

    /// What cannot be done as configured, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        let Optimiser { rate, epochs, betas, eps, weight_decay, batch, accumulate, average, rate_factors, .. } =
            &self.optimiser;
        if let Some(problem) = self.network.problem() {
            return Some(format!("network: {problem}"));
        }
        let layout = self.network.layout();
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let checks = [
            (positive(*rate), "optimiser.rate must be positive"),
            (*epochs > 0, "optimiser.epochs is 0"),
            (*batch > 1, "optimiser.batch must be 2 or more: batch norm needs several clips"),
            (*accumulate > 0, "optimiser.accumulate is 0"),
            (betas.iter().all(|beta| (0.0..1.0).contains(beta)), "optimiser.betas must be from 0 to below 1"),
            (positive(*eps) && *weight_decay >= 0.0, "optimiser.eps must be positive, weight_decay not negative"),
            ((0.0..1.0).contains(average), "optimiser.average must be from 0 to below 1"),
            (rate_factors.values().all(|&factor| factor >= 0.0 && factor.is_finite()), "a rate factor is negative"),
            (
                self.validation_share > 0.0 && self.validation_share <= 0.5,
                "validation_share must be above 0, at most 0.5",
            ),
            (
                self.selection != Selection::Unstated,
                "selection must be \"inner-validation\", \"last-epoch\" or \"best-on-test\"",
            ),
            (positive(self.rate), "rate (frames per second) must be positive"),
            (self.frames_per_clip > 0, "frames_per_clip is 0"),
            (
                self.crop_margin.is_none_or(|margin| (0.1..=10.0).contains(&margin)),
                "crop_margin must be from 0.1 to 10",
            ),
            (
                self.network.orders() <= most_orders(layout[0]),
                "network.orders is more than its snippets have besides their own",
            ),
            (
                self.stage == Stage::Clips || self.network.encoder().is_some(),
                "the network has no frame encoder, so the stage must be \"clips\"",
            ),
            (
                self.stage != Stage::Frozen || self.initial.is_some(),
                "stage \"frozen\" needs weights of the encoder: set `initial`",
            ),
            (
                self.stage != Stage::Frozen || self.augment.is_off(),
                "stage \"frozen\" computes features once: no `augment`",
            ),
            (
                self.stage != Stage::Frames || self.frozen.is_empty() || !self.frozen.iter().any(String::is_empty),
                "`frozen` has an empty name",
            ),
        ];
        let wrong = checks.iter().find(|(fine, _)| !fine).map(|(_, problem)| problem.to_string());
        wrong
            .or_else(|| self.objective.problem())
            .or_else(|| self.augment.problem())
            .or_else(|| est::test_places(self.sampling, layout).err())
    }
}

fn merge(into: &mut toml::Table, from: toml::Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(toml::Value::Table(into)), toml::Value::Table(from)) => merge(into, from),
            (_, value) => _ = into.insert(key, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overrides_change_what_they_name() {
        let config = TrainConfig::parse(
            "preset = \"transformer\"\nseed = 7\n[optimiser]\nrate = 3e-4\n[optimiser.rate_factors]\nlayer1 = 0.1\n\
             [network]\nframes = 3",
        )
        .unwrap();
        assert_eq!((config.seed, config.optimiser.rate, config.optimiser.batch), (7, 3e-4, 8));
        let network = config.network.est().unwrap();
        assert_eq!((network.frames, network.orders), (3, 0));
        assert_eq!(config.optimiser.rate_factors["layer1"], 0.1);
        let again = TrainConfig::parse(&config.to_toml()).unwrap();
        assert_eq!(again, config);
        assert_eq!(TrainConfig::parse("").unwrap(), TrainConfig::PAPER);
        let other = TrainConfig::parse("preset = \"tiny3d\"\n[network]\nframes = 8").unwrap();
        assert_eq!((other.network.layout(), other.sampling.window), ([1, 8], 64));
        assert_eq!(TrainConfig::parse(&other.to_toml()).unwrap(), other);
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        for (text, problem) in [
            ("sead = 7", "unknown field `sead`"),
            ("[optimiser]\nrate = -1.0", "optimiser.rate"),
            ("[optimiser]\nbatch = 1", "batch norm"),
            ("[network]\narchitecture = \"papr\"", "no network is called `papr`; there are est, tiny3d"),
            ("[network]\narchitecture = 3", "network.architecture is 3"),
            ("preset = \"paper\"\n[network]\narchitecture = \"tiny3d\"", "choose another `preset`"),
            ("preset = \"tiny3d\"\nstage = \"frames\"", "no frame encoder"),
            ("preset = \"papr\"", "no preset called papr"),
            ("[network]\nclasses = 5", "network.classes"),
            ("[network]\nsnippets = 11", "need 115 frames"),
            ("[network]\nsnippets = 3", "network.orders"),
            ("crop_margin = -1.0", "crop_margin"),
            ("stage = \"frozen\"", "initial"),
            ("stage = \"frozen\"\ninitial = \"a\"\n[augment]\nflip = 0.5", "augment"),
            ("selection = \"best\"", "unknown variant `best`"),
            ("selection = \"unstated\"", "selection must be"),
            ("[augment]\nflip = 2.0", "augment.flip"),
            ("seed = ", "not TOML"),
        ] {
            let error = TrainConfig::parse(text).unwrap_err();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    proptest! {
        /// A file that was cut, spliced and scribbled into is read or refused; what was read can be written and read again.
        #[test]
        fn any_file_is_read_or_refused(text in est_goldens::scribbled(&TrainConfig::PAPER.to_toml())) {
            if let Ok(config) = TrainConfig::parse(&text) {
                prop_assert_eq!(TrainConfig::parse(&config.to_toml()).unwrap(), config);
            }
        }
    }

    /// SPEC section 3: lr = 1e-4 (1 + cos(pi e / 160)) / 2 min(1, (e + 1) / 10).
    #[test]
    fn the_papers_schedule() {
        let optimiser = TrainConfig::PAPER.optimiser;
        let close = |epoch, rate: f64| assert!((optimiser.rate(epoch) - rate).abs() < 1e-12, "epoch {epoch}");
        close(0, 1e-5);
        close(9, 9.922132840449459e-05);
        close(80, 5e-5);
        close(159, 9.637975896759077e-09);
    }
}
