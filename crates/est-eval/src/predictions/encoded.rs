//! Features that several models have in common: those of one frame encoder, which a series of trainings left as it was.

use std::collections::BTreeMap;

use est::{CropId, Model};
use est_data::set::PreparedSet;
use est_nets::Role;
use sha2::{Digest, Sha256};

/// Features of a set's crops by one frame encoder. A crop's features depend on nothing else, so a score is the same with
/// and without it.
#[derive(Debug, Default)]
pub struct Encoded {
    encoder: [u8; 32],
    /// By the clip's identifier.
    pub(super) clips: BTreeMap<String, EncodedClip>,
}

#[derive(Debug, Default)]
pub(super) struct EncodedClip {
    pub features: BTreeMap<CropId, Vec<f32>>,
    /// Side of the set's crops and of the model's, where they differ.
    pub resized: Option<(usize, usize)>,
}

impl Encoded {
    /// Forgets everything unless the frame encoder of `model` is the one that it was made by, to the bit, and the set and
    /// what becomes of a crop before the encoder are the same. All recognisers must have the same options. Of networks
    /// without a frame encoder nothing is kept.
    pub fn begin(&mut self, model: &Model, set: &PreparedSet) {
        self.begin_with(model, &set.record().hash());
    }

    fn begin_with(&mut self, model: &Model, set: &str) {
        let mut hash = Sha256::new();
        hash.update(set);
        hash.update(serde_json::to_vec(&model.preprocessing).expect("settings are plain data"));
        let specs = model.config.encoder().map_or(vec![], |encoder| encoder.parameters()).into_iter();
        for spec in specs.filter(|spec| spec.role != Role::Counter) {
            hash.update(&spec.name);
            let data = model.tensors.get(&spec.name).map_or(&[][..], |tensor| &tensor.data);
            data.iter().for_each(|value| hash.update(value.to_le_bytes()));
        }
        let encoder: [u8; 32] = hash.finalize().into();
        if encoder != self.encoder {
            *self = Encoded { encoder, clips: BTreeMap::new() };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_encoder_is_another_and_another_head_is_not() {
        let mut model = Model::random(1);
        let mut encoded = Encoded::default();
        let mut kept = |model: &Model, set: &str| {
            encoded.begin_with(model, set);
            let kept = !encoded.clips.is_empty();
            encoded.clips.insert("clip".to_string(), EncodedClip::default());
            kept
        };
        assert!(!kept(&model, "set"));
        assert!(kept(&model, "set"));
        assert!(!kept(&model, "other"));
        assert!(!kept(&model, "set"));
        model.tensors.get_mut("classifier.0.weight").unwrap().data[0] += 1.0;
        assert!(kept(&model, "set"));
        model.tensors.get_mut("layer1.0.conv1.weight").unwrap().data[0] += 1.0;
        assert!(!kept(&model, "set"));
        model.preprocessing.mean[0] = 0.5;
        assert!(!kept(&model, "set"));
    }
}
