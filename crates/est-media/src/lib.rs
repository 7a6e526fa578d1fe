//! From a video to followed and cropped faces: decode -> detect -> track -> align -> crop.
#![forbid(unsafe_code)]

mod align;
mod covered;
mod crop;
mod cut;
mod decode;
mod detect;
pub mod error;
mod face;
mod image;
mod pose;
mod quality;
mod resample;
mod track;
mod upright;

pub use crop::{crop, middle, resize, resize_bilinear};
pub use cut::CutDetector;
#[cfg(fuzzing)]
pub use decode::fuzzing;
pub use decode::{
    ColourInfo, Conversion, DecodeOptions, DecodeReport, DecoderProcess, IMAGE_EXTENSIONS, Live, LiveOptions,
    MAX_PIXELS, MAX_SIDE, MAX_WARNINGS, Numbering, Stop, TimeRange, Video, VideoInfo, decode_child, decoder_license,
    decoder_version, images_of_folder, natural_order,
};
pub use detect::{Detector, DetectorOptions, RetinaFace};
pub use error::MediaError;
pub use face::{Detection, Face, Landmarks, Rect, TrackId};
pub use image::{Frame, Image, JpegColour, Picture};
pub use pose::HeadPose;
pub use quality::{LOW_QUALITY, Quality, quality, uprightness};
pub use track::{FaceTracker, FrameFaces, TrackOptions};
pub use upright::Upright;
