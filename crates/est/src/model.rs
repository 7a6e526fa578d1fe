//! A network with its weights and everything that must stay with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use est_nets::weights::file::{ModelFile, Provenance};
use est_nets::weights::{self, FileKind, Origin, Shapes, Wanted, WeightsError};
use est_nets::{
    Architecture, Backbone, EstConfig, Graph, Network, Preprocessing, SnippetFeatures, Tensor, random_weights,
};

use crate::error::EstError;

/// What a weights file holds.
#[derive(Debug, Clone)]
pub struct Model {
    pub config: Network,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    pub preprocessing: Preprocessing,
    /// Logits are divided by this before the softmax; 1 unless calibrated.
    pub temperature: f32,
    pub provenance: Provenance,
    pub tensors: BTreeMap<String, Tensor>,
    /// Of the weights file; of nothing, a text that says so.
    pub sha256: String,
}

/// The class order of the authors' checkpoints (SPEC section 4); with six classes, the same without neutral.
pub const CLASSES: [&str; 7] = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

/// The usual names for `count` classes, where there are any.
pub fn usual_classes(count: usize) -> Option<Vec<String>> {
    let chosen: Vec<&str> = match count {
        7 => CLASSES.to_vec(),
        6 => CLASSES.into_iter().filter(|&class| class != "neutral").collect(),
        _ => return None,
    };
    Some(chosen.into_iter().map(String::from).collect())
}

/// What an importer has to know beside the tensors.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The architecture; None for the EST that names and shapes of the tensors fit.
    pub config: Option<Network>,
    /// In the order of the logits; None for the usual names.
    pub classes: Option<Vec<String>>,
    pub preprocessing: Preprocessing,
    pub note: String,
    /// What stands before the names of the tensors, where the file holds several networks (`ema.`).
    pub prefix: Option<String>,
}

impl Model {
    /// Reads a weights file of ours.
    pub fn open(path: &Path) -> Result<Self, EstError> {
        let file = weights::file::read(path)?;
        let problem = |problem: String| EstError::Model { id: path.display().to_string(), problem };
        let config: Network = serde_json::from_value(file.architecture)
            .map_err(|error| problem(format!("its architecture cannot be read ({error})")))?;
        if let Some(wrong) = config.problem() {
            return Err(problem(format!("its architecture cannot be built: {wrong}")));
        }
        let model = Model {
            temperature: file.temperature.unwrap_or(1.0),
            classes: file.classes,
            preprocessing: file.preprocessing,
            provenance: file.provenance,
            tensors: file.tensors,
            sha256: file.sha256,
            config,
        };
        model.check(path)?;
        Ok(model)
    }

    /// How the pictures are made for the model in a weights file, long before [`Model::open`] has read all of it. Whether
    /// it is whole only that says.
    pub fn preprocessing(path: &Path) -> Result<Preprocessing, EstError> {
        let preprocessing = weights::file::read_preprocessing(path)?;
        check_preprocessing(&preprocessing, path)?;
        Ok(preprocessing)
    }

    /// An untrained network of the preset `paper`: a function of the seed.
    pub fn random(seed: u64) -> Self {
        let config = Network::Est(EstConfig::PAPER);
        Model {
            classes: usual_classes(config.classes()).expect("the paper's classes have names"),
            preprocessing: Preprocessing::PAPER,
            temperature: 1.0,
            provenance: Provenance {
                source: format!("random:{seed}"),
                trained: false,
                note: "untrained".to_string(),
                created_by: created_by(),
                ..Provenance::default()
            },
            tensors: random_weights(&config.prediction(), seed),
            sha256: format!("untrained:random:{seed}"),
            config,
        }
    }

    /// Reads a PyTorch checkpoint or plain safetensors, and says where in it the network was. The hash is that of the file
    /// read, until it is saved.
    pub fn import(path: &Path, options: ImportOptions) -> Result<(Self, Origin), EstError> {
        let problem = |problem: String| EstError::Model { id: path.display().to_string(), problem };
        let (what, class_bias, kinds) = match &options.config {
            Some(Network::Est(_)) | None => ("EST".to_string(), CLASS_BIAS.to_string(), est_kinds()),
            Some(other) => (other.name(), format!("{}.bias", other.class_layer()), vec![other.graph()]),
        };
        let config = |shapes: &Shapes| match &options.config {
            Some(config) => {
                let mut config = config.clone();
                if let Some(classes) = class_count(shapes, &class_bias) {
                    config.set_classes(classes);
                }
                Ok(config)
            }
            None => infer(shapes).map(Network::Est),
        };
        let wanted = Wanted::any(&what, &class_bias, &kinds, |shapes| {
            let parameters = config(shapes)?.graph().parameters().into_iter();
            Ok(parameters.map(|spec| (spec.name, spec.shape)).collect())
        });
        let found = weights::load(path, &wanted, options.prefix.as_deref()).map_err(|error| match error {
            WeightsError::NoNetwork { .. } if is_encoder(path) => problem(format!(
                "it holds only a frame encoder (`{class_bias}` is missing); import a whole {what} checkpoint"
            )),
            error => error.into(),
        })?;
        if found.kind == FileKind::Est {
            return Err(problem("it is a weights file of est already".to_string()));
        }
        let shapes = found.tensors.iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone())).collect();
        let config = config(&shapes).map_err(problem)?;
        let classes = match options.classes {
            Some(classes) => classes,
            None => usual_classes(config.classes())
                .ok_or_else(|| problem(format!("it has {} classes: name them with --classes", config.classes())))?,
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let model = Model {
            classes,
            preprocessing: options.preprocessing,
            temperature: 1.0,
            provenance: Provenance {
                source: match &options.prefix {
                    Some(_) => format!("{name}, {}", found.origin.prefix),
                    None => name,
                },
                trained: true,
                note: options.note,
                created_by: created_by(),
                scalars: found.scalars,
            },
            tensors: found.tensors,
            sha256: weights::sha256(path)?,
            config,
        };
        model.check(path)?;
        Ok((model, found.origin))
    }

    /// What prediction reads and no more, its matrices and filters rounded to half precision (11 bits) where that can hold
    /// them: under half the bytes of a file that training writes.
    pub fn shrunk(mut self) -> Self {
        let read = self.read();
        self.tensors.retain(|name, _| read.contains(name));
        for tensor in self.tensors.values_mut().filter(|tensor| tensor.shape.len() > 1) {
            if let Some(halved) = tensor.halved() {
                *tensor = halved;
            }
        }
        self
    }

    /// Writes a weights file of ours and takes its hash.
    pub fn save(&mut self, path: &Path) -> Result<(), EstError> {
        // By way of text, where an f32 of 0.1 is 0.1; as a value it would be 0.10000000149011612.
        let architecture = serde_json::to_string(&self.config).expect("configurations are plain data");
        let file = ModelFile {
            architecture: serde_json::from_str(&architecture).expect("just written"),
            classes: self.classes.clone(),
            preprocessing: self.preprocessing.clone(),
            provenance: self.provenance.clone(),
            temperature: (self.temperature != 1.0).then_some(self.temperature),
            tensors: self.tensors.clone(),
            sha256: String::new(),
        };
        self.sha256 = file.write(path)?;
        Ok(())
    }

    /// A short name: the network, and `untrained` where that is what it is.
    pub fn id(&self) -> String {
        let name = format!("{}-{}", self.config.name(), self.config.classes());
        if self.provenance.trained { name } else { format!("untrained-{name}") }
    }

    fn check(&self, path: &Path) -> Result<(), EstError> {
        let problem = |problem: String| EstError::Model { id: path.display().to_string(), problem };
        if self.classes.len() != self.config.classes() {
            let (names, count) = (self.classes.len(), self.config.classes());
            return Err(problem(format!("it names {names} classes for {count} logits")));
        }
        check_preprocessing(&self.preprocessing, path)?;
        if self.preprocessing.size != self.config.size() {
            let (crop, network) = (self.preprocessing.size, self.config.size());
            return Err(problem(format!("its crops have {crop} pixels a side, its network takes {network}")));
        }
        // What only training reads is there whole, or was left out.
        let read = self.read();
        let shrunk = self.tensors.keys().all(|name| read.contains(name));
        let all = self.config.graph().parameters().into_iter();
        let expected: Vec<_> =
            all.filter(|spec| !shrunk || read.contains(&spec.name)).map(|spec| (spec.name, spec.shape)).collect();
        weights::check(&self.tensors, &expected, path)?;
        Ok(())
    }

    /// What beside the tensors makes answers that are none, in words.
    pub(crate) fn check_settings(&self) -> Result<(), String> {
        if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            return Err(format!("its temperature is {}, no positive number", self.temperature));
        }
        self.preprocessing.problem().map_or(Ok(()), |wrong| Err(format!("its preprocessing cannot be done: {wrong}")))
    }

    /// The names of the tensors that prediction reads.
    fn read(&self) -> BTreeSet<String> {
        self.config.prediction().parameters().into_iter().map(|spec| spec.name).collect()
    }
}

fn check_preprocessing(preprocessing: &Preprocessing, path: &Path) -> Result<(), EstError> {
    let problem = |wrong| format!("its preprocessing cannot be done: {wrong}");
    let error = |wrong| EstError::Model { id: path.display().to_string(), problem: problem(wrong) };
    preprocessing.problem().map_or(Ok(()), |wrong| Err(error(wrong)))
}

fn created_by() -> String {
    concat!("est ", env!("CARGO_PKG_VERSION")).to_string()
}

/// The bias of the layer that makes EST's class logits.
const CLASS_BIAS: &str = "classifier.5.0.bias";

/// One EST of each set of tensors that there is.
fn est_kinds() -> Vec<Graph> {
    let kinds = Backbone::ALL.map(|backbone| EstConfig { backbone, ..EstConfig::PAPER });
    let squeezed = EstConfig { snippet_features: SnippetFeatures::SqueezeExcite, ..EstConfig::PAPER };
    kinds.iter().chain([&squeezed]).map(EstConfig::graph).collect()
}

fn class_count(shapes: &Shapes, class_bias: &str) -> Option<usize> {
    shapes.get(class_bias).and_then(|shape| shape.first().copied())
}

/// Whether a file holds one of the frame encoders.
fn is_encoder(path: &Path) -> bool {
    let is = |backbone: Backbone| {
        let wanted = Wanted::network("frame encoder", &backbone.graph(EstConfig::PAPER.size));
        weights::load(path, &wanted, None).is_ok()
    };
    Backbone::ALL.into_iter().any(is)
}

/// The configuration whose tensors these could be. Frames per snippet leave no trace in the tensors: they are the
/// paper's.
fn infer(shapes: &Shapes) -> Result<EstConfig, String> {
    let has = |key: &str| shapes.contains_key(key);
    let rows = |key: &str| shapes.get(key).and_then(|shape| shape.first().copied());
    let layers = |part: &str| (0..).take_while(|k| has(&format!("transformer.{part}.layers.{k}.norm1.weight"))).count();
    let classes = class_count(shapes, CLASS_BIAS).ok_or_else(|| format!("`{CLASS_BIAS}` has no shape of a bias"))?;
    let backbone = if has("stage1.0.conv.weight") {
        Backbone::Separable16
    } else if has("layer1.0.conv3.weight") {
        Backbone::ResNet50
    } else if has("layer1.2.conv1.weight") {
        Backbone::ResNet34
    } else {
        Backbone::ResNet18
    };
    let snippet_features = if has("se.0.weight") {
        SnippetFeatures::SqueezeExcite
    } else if has("attn.in_proj_weight") {
        SnippetFeatures::Hierarchical
    } else {
        SnippetFeatures::Mean
    };
    let config = EstConfig {
        backbone,
        classes,
        snippet_features,
        snippets: rows("pos_enc.pos_enc.weight").unwrap_or(EstConfig::PAPER.snippets),
        orders: rows("per_branch.classifier.6.bias").unwrap_or(0),
        encoder_layers: layers("encoder"),
        decoder_layers: layers("decoder"),
        feed_forward: rows("transformer.encoder.layers.0.linear1.bias").unwrap_or(EstConfig::PAPER.feed_forward),
        ..EstConfig::PAPER
    };
    match config.problem() {
        None => Ok(config),
        Some(wrong) => Err(format!("its tensors fit no EST: {wrong}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shrunk_file_is_smaller_and_reads_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let [whole, small] = ["whole.est", "small.est"].map(|name| folder.path().join(name));
        let config = EstConfig { encoder_layers: 1, decoder_layers: 1, feed_forward: 64, ..EstConfig::PAPER };
        let config = Network::Est(config);
        let mut model = Model { tensors: random_weights(&config.graph(), 1), config, ..Model::random(1) };
        model.save(&whole).unwrap();
        let mut shrunk = Model::open(&whole).unwrap().shrunk();
        shrunk.save(&small).unwrap();
        let read = Model::open(&small).unwrap();
        assert!(read.tensors == shrunk.tensors, "halves lose nothing more at rest");
        assert!(read.tensors.keys().all(|name| !name.starts_with("per_branch.")));
        for (name, tensor) in &read.tensors {
            // Half a unit in the last of 11 bits; below 2^-14 half of 2^-24.
            let near = |(a, b): (&f32, &f32)| (a - b).abs() <= (a.abs() / 2048.0).max(3e-8);
            assert!(tensor.data.iter().zip(&model.tensors[name].data).all(near), "{name}");
        }
        let bytes = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(bytes(&small) * 2 < bytes(&whole));
        // Half of what only training reads is neither of both.
        model.tensors.remove("per_branch.classifier.0.weight");
        model.save(&whole).unwrap();
        assert!(Model::open(&whole).unwrap_err().to_string().contains("per_branch.classifier.0.weight"));
    }
}
