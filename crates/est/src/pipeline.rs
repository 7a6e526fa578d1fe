//! The whole path as one object: model, detector and options, made once for any number of videos.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use est_engine::Precision;
use est_media::{DecodeOptions, DetectorOptions, RetinaFace, TrackOptions};
use est_nets::{Preprocessing, retinaface, weights};

use crate::assets::{DETECTOR, WEIGHTS};
use crate::error::EstError;
use crate::frames::IntoFrames;
use crate::model::Model;
use crate::reader::{OpenVideo, Reader};
use crate::recogniser::{Recogniser, RecogniserOptions};
use crate::report::{DetectorRecord, Format, Job, ModelRecord, Pictures, Reports, RunRecord, Summary, write_record};
use crate::rows::{RowStream, Rows};
use crate::signal::SignalOptions;
use crate::source::Source;
use crate::timings::Timings;

/// Which weights are read.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Weights {
    /// Those that come with est ([`crate::assets::WEIGHTS`]).
    #[default]
    Installed,
    /// A weights file of ours.
    File(PathBuf),
    /// None: an untrained network of the preset `paper`, a function of the seed.
    Untrained(u64),
}

impl Weights {
    /// The file, where it is one.
    fn path(&self) -> Result<Option<PathBuf>, EstError> {
        match self {
            Weights::Installed => WEIGHTS.find(None).map(Some),
            Weights::File(path) => Ok(Some(path.clone())),
            Weights::Untrained(_) => Ok(None),
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// When the file is not there or not whole.
    pub fn open(&self) -> Result<Model, EstError> {
        match (self.path()?, self) {
            (Some(path), _) => Model::open(&path),
            (None, Weights::Untrained(seed)) => Ok(Model::random(*seed)),
            (None, _) => unreachable!("the others have a path"),
        }
    }

    /// How pictures are made for the model that [`Weights::open`] will give, known at once.
    ///
    /// # Errors
    /// When the file is not there, or its head is none.
    pub fn preprocessing(&self) -> Result<Preprocessing, EstError> {
        self.path()?.map_or(Ok(Preprocessing::PAPER), |path| Model::preprocessing(&path))
    }
}

/// What is written of the rows, beside the rows themselves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportOptions {
    pub signal: SignalOptions,
    /// Length of the stretches that a line of a table is over, in seconds; None for a line a frame.
    pub every_s: Option<f64>,
    pub pictures: Pictures,
    /// Whether lines have the five points of a face.
    pub points: bool,
}

/// A face detector that is ready, and what stands about it beside results.
pub struct FaceDetector {
    pub network: RetinaFace,
    pub record: DetectorRecord,
}

impl FaceDetector {
    /// Reads the detector's weights: the file that is given, or the installed one.
    ///
    /// # Errors
    /// When the file is not there or is another network's.
    pub fn open(
        path: Option<&Path>,
        options: DetectorOptions,
        tracking: &TrackOptions,
        engine: &est_engine::Options,
    ) -> Result<Self, EstError> {
        let path = DETECTOR.find(path)?;
        let record = DetectorRecord {
            name: "RetinaFace MobileNet-0.25",
            weights_sha256: weights::sha256(&path)?,
            size: options.size,
            min_score: tracking.min_score,
            detect_every: tracking.detect_every,
            max_gap_s: tracking.max_gap_s,
        };
        let tensors = weights::load(&path, &retinaface::wanted(), None)?.tensors;
        let network = RetinaFace::new(tensors, options, engine);
        let network = network.map_err(|error| EstError::Detector { path, problem: error.to_string() })?;
        Ok(FaceDetector { network, record })
    }
}

/// What a [`Pipeline`] is made of. Every part has the default of `est predict`.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct PipelineBuilder {
    weights: Weights,
    detector: Option<PathBuf>,
    face_crops: bool,
    detection: DetectorOptions,
    tracking: TrackOptions,
    decoding: DecodeOptions,
    image_fps: Option<f64>,
    recogniser: RecogniserOptions,
    report: ReportOptions,
}

impl PipelineBuilder {
    /// A weights file of ours instead of the installed weights.
    pub fn weights(self, path: impl Into<PathBuf>) -> Self {
        self.which_weights(Weights::File(path.into()))
    }

    /// As [`PipelineBuilder::weights`], or an untrained network.
    pub fn which_weights(self, weights: Weights) -> Self {
        PipelineBuilder { weights, ..self }
    }

    /// The detector's weights, instead of the installed ones.
    pub fn detector(self, path: impl Into<PathBuf>) -> Self {
        PipelineBuilder { detector: Some(path.into()), ..self }
    }

    /// The frames are face crops of the model's size already: nothing is detected.
    pub fn face_crops(self) -> Self {
        PipelineBuilder { face_crops: true, ..self }
    }

    /// How faces are looked for in a frame.
    pub fn detection(self, detection: DetectorOptions) -> Self {
        PipelineBuilder { detection, ..self }
    }

    /// How faces are followed from frame to frame.
    pub fn tracking(self, tracking: TrackOptions) -> Self {
        PipelineBuilder { tracking, ..self }
    }

    /// How videos are decoded. Its rate of pictures, which have no clock, is [`PipelineBuilder::image_fps`].
    pub fn decoding(self, decoding: DecodeOptions) -> Self {
        PipelineBuilder { decoding, ..self }
    }

    /// Frames per second given to pictures; the model's own rate unless given.
    pub fn image_fps(self, fps: f64) -> Self {
        PipelineBuilder { image_fps: Some(fps), ..self }
    }

    /// Threads of the arithmetic, shared by all videos; 0: as many as the machine runs at once.
    pub fn threads(mut self, threads: usize) -> Self {
        self.recogniser.engine.threads = threads;
        self
    }

    /// Of the frame encoder.
    pub fn precision(mut self, precision: Precision) -> Self {
        self.recogniser.engine.precision = precision;
        self
    }

    /// How windows are laid over a track and what is asked of them. Its engine options are those of the detector too.
    pub fn recogniser(self, recogniser: RecogniserOptions) -> Self {
        PipelineBuilder { recogniser, ..self }
    }

    /// What is written by [`Pipeline::report`].
    pub fn report_options(self, report: ReportOptions) -> Self {
        PipelineBuilder { report, ..self }
    }

    /// Reads detector and model.
    ///
    /// # Errors
    /// What is not installed, damaged or another network's.
    pub fn build(self) -> Result<Pipeline, EstError> {
        self.start()?.finish()
    }

    /// Reads the detector, and the model in a thread of its own: a video can be opened meanwhile.
    ///
    /// # Errors
    /// As [`PipelineBuilder::build`], of the detector and the first bytes of the model.
    pub fn start(self) -> Result<StartingPipeline, EstError> {
        let PipelineBuilder {
            weights,
            detector,
            face_crops,
            detection,
            tracking,
            decoding,
            image_fps,
            recogniser,
            report,
        } = self;
        let preprocessing = weights.preprocessing()?;
        let detector = (!face_crops)
            .then(|| FaceDetector::open(detector.as_deref(), detection, &tracking, &recogniser.engine))
            .transpose()?;
        let (network, record) = detector.map_or((None, None), |found| (Some(found.network), Some(found.record)));
        let options = recogniser.clone();
        let model = std::thread::spawn(move || {
            let model = weights.open()?;
            Ok((ModelRecord::of(&model), Recogniser::new(model, options)?))
        });
        let decoding = DecodeOptions { fps: image_fps.unwrap_or(preprocessing.rate), ..decoding };
        let reader = Reader::new(preprocessing, network, tracking, decoding);
        Ok(StartingPipeline { reader, detector: record, options: recogniser, report, model })
    }
}

/// A pipeline whose model is on its way.
pub struct StartingPipeline {
    reader: Reader,
    detector: Option<DetectorRecord>,
    options: RecogniserOptions,
    report: ReportOptions,
    model: JoinHandle<Result<(ModelRecord, Recogniser), EstError>>,
}

impl StartingPipeline {
    /// Opens a video and begins to find its faces.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(&self, frames: impl IntoFrames) -> Result<OpenVideo, EstError> {
        self.reader.open(frames)
    }

    /// Waits for the model.
    ///
    /// # Errors
    /// When its file is damaged or cannot be run.
    pub fn finish(self) -> Result<Pipeline, EstError> {
        let StartingPipeline { reader, detector, options, report, model } = self;
        let (model, recogniser) = model.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let decoding = reader.decoding();
        let record = RunRecord {
            est_version: env!("CARGO_PKG_VERSION"),
            notice: RunRecord::NOTICE,
            model,
            encoder_arithmetic: recogniser.encoder_arithmetic(),
            detector,
            hop: options.hop,
            low_quality: options.low_quality,
            signal: report.signal,
            every_s: report.every_s,
            pictures: report.pictures,
            points: report.points,
            image_fps: decoding.fps,
            start_s: decoding.range.start_s,
            end_s: decoding.range.end_s,
            stream: decoding.stream,
            image_numbering: decoding.numbering,
        };
        Ok(Pipeline { reader, recogniser, record })
    }
}

/// Video in, rows out. Made once, it reads any number of videos, also side by side from several threads: they share the
/// weights and the threads of the arithmetic.
pub struct Pipeline {
    reader: Reader,
    recogniser: Recogniser,
    record: RunRecord,
}

/// A video whose results are written.
#[derive(Debug, Clone)]
pub struct Reported {
    pub summary: Summary,
    /// In the order of the formats; the run's record last.
    pub files: Vec<PathBuf>,
}

impl Pipeline {
    /// The parts of a pipeline, with the defaults of `est predict`.
    pub fn builder() -> PipelineBuilder {
        PipelineBuilder::default()
    }

    /// The model without its tensors, which are in the engine.
    pub fn model(&self) -> &Model {
        self.recogniser.model()
    }

    /// What stands beside every result: weights, options, version.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// What opens videos and finds their faces.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The networks, for the steps by themselves: crops to features, features to emotions.
    pub fn recogniser(&mut self) -> &mut Recogniser {
        &mut self.recogniser
    }

    /// The rows of a video (a path, a [`Source`]) or of a caller's own frames ([`crate::OwnFrames`]), one by one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn rows(&self, frames: impl IntoFrames) -> Result<Rows, EstError> {
        let video = self.reader.open(frames)?;
        let name = video.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(video.rows(self.recogniser.clone(), &name))
    }

    /// Takes frames one at a time and gives rows as soon as they are final; messages and the summary call them `name`.
    pub fn stream(&self, name: &str) -> RowStream {
        let step = self.reader.face_step(Path::new(name), Timings::default());
        RowStream::new(name, step, self.recogniser.prompt())
    }

    /// Reads a video and writes its results into `folder`, called `name`, in each of `formats`, and the record of the run
    /// beside them.
    ///
    /// # Errors
    /// When the video cannot be read, or a file not be written.
    pub fn report(&self, source: &Source, name: &str, folder: &Path, formats: &[Format]) -> Result<Reported, EstError> {
        let video = self.reader.open(source)?;
        let job = Job {
            folder,
            home: folder,
            name,
            source,
            files: video.info().is_pictures(),
            decoding: self.reader.decoding(),
            record: &self.record,
        };
        let mut reports = Reports::create(formats, &job)?;
        let mut rows = video.rows(self.recogniser.clone(), name);
        rows.try_for_each(|row| reports.row(row?))?;
        let mut summary = rows.summary().clone();
        let mut files = reports.finish(&mut summary)?;
        files.push(write_record(&record_path(folder, name), &self.record, &summary)?);
        Ok(Reported { summary, files })
    }
}

/// Where the record of the run stands beside the results called `name`.
pub fn record_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.run.json"))
}
