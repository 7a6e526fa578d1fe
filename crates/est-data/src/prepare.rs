//! Videos of a data set into crops, by the path that prediction takes: decode, detect, track, align, crop.

use std::collections::BTreeMap;
use std::path::Path;

use est::report::DetectorRecord;
use est::{CroppedFrame, Decoding, EstError, FaceFinder, FaceSource, FaceStep, Faces, FrameSource};
use est_media::{
    DecodeOptions, DecodeReport, DecoderProcess, Face, Frame, JpegColour, Numbering, Rect, RetinaFace, TrackId,
    TrackOptions, crop,
};
use est_nets::{Crop, Preprocessing, StandIn};
use serde_json::{Value, json};

use crate::datasets::{DataSet, Protocol};
use crate::error::DataError;
use crate::listing::{ClipEntry, Listing};
use crate::protocol::{Clip, Split};
use crate::set::{ClipMaker, ClipRow, ClipStatus, Frames, MadeClip, Scratch, SetPlan};

/// JPEG quality of the crops: at 95 without chroma subsampling a crop of 224 pixels differs from its original by less
/// than a grey level in the mean.
const QUALITY: u8 = 95;

/// How a set is prepared.
#[derive(Debug, Clone)]
pub struct PrepareOptions {
    pub preprocessing: Preprocessing,
    pub tracking: TrackOptions,
    /// Frames per second of clips that are folders of pictures.
    pub fps: f64,
    /// What finds faces; None: every picture already is a face crop and only resized.
    pub detector: Option<DetectorRecord>,
    /// Who decodes: another process, or without one this one. The clips are the same.
    pub decoder: Option<DecoderProcess>,
    /// Which video stream of files with several, from 1.
    pub stream: Option<u32>,
    pub shard_clips: usize,
}

/// What is to be made of a listing. Sources are named relative to `root`.
pub fn plan(set: &DataSet, listing: &Listing, root: &Path, split: Option<Split>, options: &PrepareOptions) -> SetPlan {
    let Preprocessing { crop, size, upright_beyond, .. } = &options.preprocessing;
    let mut settings = json!({
        "set": set.title, "crop": crop, "size": size, "jpeg_quality": QUALITY, "image_fps": options.fps,
        "detector": options.detector, "decoder": est_media::decoder_version(),
    });
    if let Some(stream) = options.stream {
        settings["stream"] = stream.into();
    }
    // Left out where crops are not turned: sets that were made before there was this choice stay the same sets.
    if let Some(degrees) = upright_beyond {
        settings["upright_beyond"] = json!(degrees);
    }
    SetPlan {
        name: set.name.to_string(),
        classes: listing.classes.clone(),
        settings,
        clips: rows_in(listing, root, split.as_ref()),
        split,
        shard_clips: options.shard_clips,
    }
}

/// The set's own split, or `folds` folds by subject under `seed`. None where the set gives neither parts nor subjects to
/// draw folds by.
///
/// # Errors
/// When `folds` cannot be drawn: a clip has no subject, or there are fewer subjects.
pub fn split(set: &DataSet, listing: &Listing, folds: Option<usize>, seed: u64) -> Result<Option<Split>, DataError> {
    let clips = Clip::of(listing);
    if let Some(folds) = folds {
        return Split::by_subject(set.name, &clips, folds, seed).map(Some);
    }
    let drawn = matches!(set.protocol, Protocol::FoldsBySubject(_));
    let nothing = match drawn {
        true => clips.iter().any(|clip| clip.part.is_none() && clip.subject.is_none()),
        false => clips.iter().all(|clip| clip.part.is_none()),
    };
    if nothing {
        return Ok(None);
    }
    Split::of(set.name, set.protocol, &clips, seed).map(Some)
}

/// The rows of a listing before anything is decoded: which clips are there (their status is `ok`), and which are not.
pub fn look(listing: &Listing, root: &Path) -> Vec<ClipRow> {
    let row = |entry: &ClipEntry| {
        let status = match entry.label {
            None => ClipStatus::Unlabelled,
            Some(_) if StandIn::at(entry.source.path()).is_some() => ClipStatus::Unreadable,
            Some(_) if !entry.source.path().exists() => ClipStatus::Missing,
            Some(_) => ClipStatus::Ok,
        };
        ClipRow { status, ..ClipRow::new(entry, &listing.classes, source(entry, root)) }
    };
    listing.clips.iter().map(row).collect()
}

/// What is to be said of clips whose content version control has not brought here, if there are any, and whether that is all
/// of them.
pub fn stand_ins(listing: &Listing) -> Option<(String, bool)> {
    let path = |entry: &ClipEntry| entry.source.path().to_owned();
    let mut found = listing.clips.iter().map(path).filter_map(|path| StandIn::at(&path).map(|what| (path, what)));
    let (first, what) = found.next()?;
    let more = found.count();
    let others = if more == 0 { String::new() } else { format!(", and so are {more} more clips") };
    Some((format!("{} is {what}{others}; {}", first.display(), what.remedy()), more + 1 == listing.clips.len()))
}

/// What is known of the clips beforehand; a clip's part is its fold where folds were drawn.
fn rows_in(listing: &Listing, root: &Path, split: Option<&Split>) -> Vec<ClipRow> {
    let row = |entry: &ClipEntry| {
        let row = ClipRow::new(entry, &listing.classes, source(entry, root));
        let part = split.and_then(|split| split.assignment.get(&entry.id)).cloned();
        ClipRow { part: part.or(row.part), ..row }
    };
    listing.clips.iter().map(row).collect()
}

fn source(entry: &ClipEntry, root: &Path) -> String {
    let path = entry.source.path();
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

/// Makes the clips of a listing.
pub struct VideoMaker<'a> {
    pub entries: &'a [ClipEntry],
    pub options: &'a PrepareOptions,
    /// Of `options.detector`.
    pub detector: Option<RetinaFace>,
}

impl ClipMaker for VideoMaker<'_> {
    fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
        let entry = &self.entries[number];
        if entry.label.is_none() {
            return Ok(MadeClip::without(ClipStatus::Unlabelled, None));
        }
        if !entry.source.path().exists() && StandIn::at(entry.source.path()).is_none() {
            return Ok(MadeClip::without(ClipStatus::Missing, None));
        }
        let PrepareOptions { fps, decoder, stream, .. } = self.options;
        let decoding = DecodeOptions {
            fps: *fps,
            // The sets' frames follow each other, whatever their numbers mean.
            numbering: Numbering::Order,
            decoder: decoder.clone(),
            stream: *stream,
            ..DecodeOptions::default()
        };
        let unreadable = |error: EstError| MadeClip::without(ClipStatus::Unreadable, Some(error.to_string()));
        let video = match Decoding::open(&entry.source, &decoding) {
            Ok(video) => video,
            Err(error) => return Ok(unreadable(error)),
        };
        let preprocessing = self.options.preprocessing.clone();
        let mut tracks = Tracks { scratch, tracks: BTreeMap::new(), decoded: 0 };
        let (stopped, report) = match &mut self.detector {
            Some(detector) => {
                let (tracking, timings) = (self.options.tracking.clone(), video.timings());
                let mut faces = Faces::new(video, FaceFinder::new(detector, tracking, preprocessing, timings));
                (tracks.follow(&mut faces)?, faces.report())
            }
            None => {
                let mut faces = Faces::new(video, WholePictures { preprocessing });
                (tracks.follow(&mut faces)?, faces.report())
            }
        };
        Ok(match stopped {
            Some(error) if tracks.decoded == 0 => unreadable(error),
            stopped => tracks.largest(stopped.map(|error| format!("stopped early: {error}")), &report),
        })
    }
}

/// Frames that are face crops already, of any size: the whole picture, made square by its longer side.
struct WholePictures {
    preprocessing: Preprocessing,
}

impl FaceStep for WholePictures {
    fn push(&mut self, frame: Option<Frame>) -> Result<Vec<CroppedFrame>, EstError> {
        let Some(Frame { index, pts_s, image, picture }) = frame else { return Ok(vec![]) };
        let face = Face {
            track: 1,
            rect: Rect { x: 0.0, y: 0.0, w: image.width as f32, h: image.height as f32 },
            landmarks: [[f32::NAN; 2]; 5],
            score: 1.0,
            quality: 1.0,
            interpolated: false,
        };
        let whole = Preprocessing { crop: Crop::Square { margin: 1.0 }, ..self.preprocessing.clone() };
        let crops = vec![crop(&image, &face, &whole)];
        let file = picture.map(|picture| picture.file);
        Ok(vec![CroppedFrame { index, pts_s, file, faces: vec![face], crops, ended: vec![] }])
    }
}

/// The faces of one clip, each with its crops.
struct Tracks<'a> {
    scratch: &'a Scratch,
    tracks: BTreeMap<TrackId, Track>,
    decoded: u64,
}

struct Track {
    crops: Frames,
    /// Frame number, and what is known of the face in it.
    faces: Vec<(u64, Face)>,
    /// Of all its boxes, in square pixels.
    area: f64,
}

impl Tracks<'_> {
    /// Takes every frame. Returns what ended the video before its end, if anything did.
    fn follow(&mut self, source: &mut impl FaceSource) -> Result<Option<EstError>, DataError> {
        loop {
            match source.next_frames() {
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error)),
                Ok(Some(frames)) => frames.into_iter().try_for_each(|frame| self.add(frame))?,
            }
        }
    }

    fn add(&mut self, frame: CroppedFrame) -> Result<(), DataError> {
        self.decoded += 1;
        for (face, crop) in frame.faces.into_iter().zip(&frame.crops) {
            let scratch = self.scratch;
            let new = || Track { crops: scratch.frames(), faces: vec![], area: 0.0 };
            let track = self.tracks.entry(face.track).or_insert_with(new);
            track
                .crops
                .push(frame.pts_s, &crop.to_jpeg(QUALITY, JpegColour::Full))
                .map_err(DataError::write(scratch.folder()))?;
            track.area += f64::from(face.rect.area());
            track.faces.push((frame.index, face));
        }
        Ok(())
    }

    /// The face that a label is most likely about: the one with the largest area over time, the earlier one of equals.
    fn largest(self, stopped: Option<String>, report: &DecodeReport) -> MadeClip {
        let Tracks { tracks, decoded, .. } = self;
        let found = tracks.len();
        let mut notes: Vec<String> = stopped.into_iter().chain(report.warnings.iter().cloned()).collect();
        notes.dedup();
        let note = (!notes.is_empty()).then(|| notes.join("; "));
        let larger = |a: Track, b: Track| if b.area > a.area { b } else { a };
        let Some(track) = tracks.into_values().reduce(larger) else {
            return MadeClip { decoded, ..MadeClip::without(ClipStatus::NoFace, note) };
        };
        let details = json!({ "faces": track.faces.iter().map(face_details).collect::<Vec<_>>() });
        MadeClip { status: ClipStatus::Ok, frames: Some(track.crops), decoded, tracks: found, note, details }
    }
}

/// A face as it stands in a clip's JSON: places in pixels of the frame, rounded to hundredths.
fn face_details((frame, face): &(u64, Face)) -> Value {
    let round = |value: f32| (f64::from(value) * 100.0).round() / 100.0;
    let Rect { x, y, w, h } = face.rect;
    let (rect, landmarks) = ([x, y, w, h].map(round), face.landmarks.map(|point| point.map(round)));
    let (score, quality) = (round(face.score), round(face.quality));
    json!({ "frame": frame, "box": rect, "landmarks": landmarks, "score": score, "quality": quality })
}
