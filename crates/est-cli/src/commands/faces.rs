//! The face detector, the tracker and the crop, as the command line asks for them.

use est::{DetectorOptions, EstError, FaceDetector, TrackOptions};
use est_nets::Crop;

use crate::args::{CropArgs, CropKind, FaceArgs};

/// The detector as the arguments have it, ready to run by `engine`.
pub fn detector(args: &FaceArgs, engine: &est_engine::Options) -> Result<FaceDetector, EstError> {
    FaceDetector::open(args.detector.as_deref(), detection(args), &tracking(args), engine)
}

pub fn detection(args: &FaceArgs) -> DetectorOptions {
    DetectorOptions { size: args.detect_size as usize, ..DetectorOptions::default() }
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
