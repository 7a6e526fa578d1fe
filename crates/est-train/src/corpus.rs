//! The clips of a prepared set as windows, decoded when they are asked for.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use est::centre_window;
use est_data::set::{PreparedSet, Recrop};
use est_nets::{Crop, Values};

use crate::augment::Change;
use crate::config::TrainConfig;
use crate::error::TrainError;
use crate::sampler::Draw;
use crate::targets::FrameTargets;

/// What the network reads of one clip.
#[derive(Debug, Clone, PartialEq)]
pub enum Frames {
    /// RGB pictures of the set's size, one behind the other.
    Pixels(Vec<u8>),
    /// Features of the frame encoder, one row a frame.
    Features(Vec<f32>),
}

impl Default for Frames {
    /// None yet, of either kind.
    fn default() -> Self {
        Frames::Pixels(vec![])
    }
}

impl Frames {
    /// Those of another clip behind these. All clips of a corpus give the same kind.
    pub fn add(&mut self, more: Frames) {
        match (self, more) {
            (Frames::Pixels(all), Frames::Pixels(more)) => all.extend(more),
            (Frames::Features(all), Frames::Features(more)) => all.extend(more),
            (all, more) => *all = more,
        }
    }

    /// As a network takes them.
    pub fn values(&self) -> Values<'_> {
        match self {
            Frames::Pixels(pixels) => Values::Pixels(pixels.into()),
            Frames::Features(features) => Values::Numbers(features.into()),
        }
    }
}

/// One clip's window: for each place, the frame of the clip that stands there.
pub(crate) type Window = Vec<u64>;

/// Clips of a set, each cut to one window at the model's rate: stretched if shorter, its middle if longer (SPEC section
/// 1, "length").
pub struct Corpus {
    set: PreparedSet,
    size: usize,
    crop: Crop,
    recrop: Recrop,
    windows: Vec<Option<Window>>,
    /// Clips whose bytes were compared with the manifest's hash.
    verified: Vec<AtomicBool>,
    features: Option<Features>,
    targets: Option<FrameTargets>,
}

/// Features of the frames that windows show, by clip and then by frame.
pub(crate) struct Features {
    pub rows: Vec<BTreeMap<u64, Vec<f32>>>,
}

impl Corpus {
    /// `config` tells which windows, and how tightly cropped.
    ///
    /// # Errors
    /// When the set does not tell the size of its pictures, or they show less than the network is to read.
    pub fn new(set: PreparedSet, config: &TrainConfig) -> Result<Self, TrainError> {
        let size = set.record().settings.get("size").and_then(|size| size.as_u64());
        let size = size.ok_or_else(|| {
            TrainError::input(set.folder().join("set.json"), "does not tell the size of its pictures; prepare it again")
        })?;
        let size = size as usize;
        let crop = config.crop_margin.map_or(set.crop(), |margin| Crop::Square { margin });
        let recrop = set.recrop(crop, size)?;
        let windows = set
            .clips()
            .iter()
            .map(|clip| Some(centre_window(config.rate, config.sampling.window, &set.times(clip))?.crops))
            .collect();
        let verified = set.clips().iter().map(|_| AtomicBool::new(false)).collect();
        Ok(Corpus { set, size, crop, recrop, windows, verified, features: None, targets: None })
    }

    pub fn set(&self) -> &PreparedSet {
        &self.set
    }

    /// Side of the pictures in pixels.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How tightly the network sees the faces.
    pub fn crop(&self) -> Crop {
        self.crop
    }

    /// Index of the class.
    pub fn label(&self, clip: usize) -> usize {
        self.set.clips()[clip].label.expect("parts have labelled clips only")
    }

    pub(crate) fn window(&self, clip: usize) -> &Window {
        self.windows[clip].as_ref().expect("parts have clips with frames only")
    }

    /// From now on frames are features.
    pub(crate) fn set_features(&mut self, features: Features) {
        self.features = Some(features);
    }

    pub(crate) fn set_targets(&mut self, targets: FrameTargets) {
        self.targets = Some(targets);
    }

    /// Those of the frames that the targets list of `clip` to which `places` ([`Draw::Listed`]) point; what is right for
    /// them is added to `shares`.
    ///
    /// # Errors
    /// As [`Corpus::frames`].
    pub fn listed(
        &self,
        clip: usize,
        places: &[usize],
        change: &Change,
        shares: &mut Vec<f32>,
    ) -> Result<Frames, TrainError> {
        let rows = self.targets.as_ref().expect("set before frames are drawn from them").of(clip);
        let rows: Vec<_> = places.iter().map(|place| &rows[place * rows.len() / Draw::OF_LISTED]).collect();
        shares.extend(rows.iter().flat_map(|row| &row.shares));
        self.pictures(clip, rows.iter().map(|row| row.frame), change)
    }

    /// What the targets, if there are any, say of a clip as a whole.
    pub fn target(&self, clip: usize) -> Option<Vec<f32>> {
        self.targets.as_ref().map(|targets| targets.of_whole(clip))
    }

    /// The frames at `places` of a clip's window. The first time that a clip is read, its bytes are compared with the
    /// manifest's hash.
    ///
    /// # Errors
    /// When the shard is damaged, or a picture of another size than the set's.
    pub fn frames(&self, clip: usize, places: &[usize], change: &Change) -> Result<Frames, TrainError> {
        let window = self.window(clip);
        if let Some(Features { rows }) = &self.features {
            let row = |place: &usize| &rows[clip][&window[*place]][..];
            return Ok(Frames::Features(places.iter().flat_map(row).copied().collect()));
        }
        self.pictures(clip, places.iter().map(|&place| window[place]), change)
    }

    fn pictures(
        &self,
        clip: usize,
        frames: impl ExactSizeIterator<Item = u64>,
        change: &Change,
    ) -> Result<Frames, TrainError> {
        let row = &self.set.clips()[clip];
        if !self.verified[clip].load(Ordering::Relaxed) {
            self.set.verify(row)?;
            self.verified[clip].store(true, Ordering::Relaxed);
        }
        let len = self.size * self.size * 3;
        let mut pixels = Vec::with_capacity(frames.len() * len);
        // A stretched clip shows some frames twice.
        let mut decoded: BTreeMap<u64, usize> = BTreeMap::new();
        for frame in frames {
            if let Some(&at) = decoded.get(&frame) {
                pixels.extend_from_within(at..at + len);
                continue;
            }
            let mut image = self.set.image(row, frame)?;
            if (image.width, image.height) != (self.size, self.size) {
                let (clip, size) = (&row.clip, self.size);
                let problem = format!(
                    "frame {frame} of clip {clip} is {} x {}, not {size} x {size} as set.json says; prepare the set again",
                    image.width, image.height
                );
                return Err(TrainError::input(self.set.folder(), problem));
            }
            image = self.recrop.apply(image);
            change.apply(&mut image);
            decoded.insert(frame, pixels.len());
            pixels.extend_from_slice(&image.data);
        }
        Ok(Frames::Pixels(pixels))
    }
}
