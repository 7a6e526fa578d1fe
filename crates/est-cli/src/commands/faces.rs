//! The face detector, the tracker and the crop, as the command line asks for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use est::report::DetectorRecord;
use est_media::{DetectorOptions, RetinaFace, TrackOptions};
use est_nets::{Crop, Tensor, retinaface, weights};

use crate::args::{CropArgs, CropKind, FaceArgs};
use crate::assets;

/// What finds faces, once for each thread that needs it.
pub struct FaceFinder {
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    options: DetectorOptions,
    /// What stands about it beside results.
    pub record: DetectorRecord,
}

impl FaceFinder {
    pub fn open(args: &FaceArgs) -> anyhow::Result<Self> {
        let path = assets::detector(args.detector.as_deref())?;
        let options = DetectorOptions { size: args.detect_size as usize, ..DetectorOptions::default() };
        let tracking = tracking(args);
        let record = DetectorRecord {
            name: "RetinaFace MobileNet-0.25",
            weights_sha256: weights::sha256(&path)?,
            size: options.size,
            min_score: tracking.min_score,
            detect_every: tracking.detect_every,
            max_gap_s: tracking.max_gap_s,
        };
        let tensors = weights::load(&path, &retinaface::wanted(), None)?.tensors;
        Ok(FaceFinder { tensors, path, options, record })
    }

    pub fn detector(&self, engine: &est_engine::Options) -> anyhow::Result<RetinaFace> {
        RetinaFace::new(self.tensors.clone(), self.options.clone(), engine)
            .with_context(|| self.path.display().to_string())
    }
}

/// The tracker as the arguments have it.
pub fn tracking(args: &FaceArgs) -> TrackOptions {
    let mut options = TrackOptions::default();
    if let Some(k) = args.detect_every {
        options.detect_every = k as usize;
    }
    if let Some(seconds) = args.max_gap {
        options.max_gap_s = seconds;
    }
    if let Some(score) = args.min_score {
        options.min_score = score;
    }
    options
}

/// How a face is cut out.
pub fn crop(args: &CropArgs) -> Crop {
    match args.crop {
        CropKind::Square => Crop::Square { margin: args.crop_margin },
        CropKind::Aligned => Crop::Aligned { scale: 1.0 / args.crop_margin },
    }
}
