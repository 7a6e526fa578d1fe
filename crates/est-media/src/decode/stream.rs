//! A container file: packets -> decoder -> upright RGB frames with their times.
//!
//! The decoder runs on one thread. FFmpeg's frame threads give different pixels from run to run once a packet is
//! damaged, and with some codecs stop the whole process; a caller who wants decoding beside other work calls it from
//! a thread of its own.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::mem::take;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ff::codec::packet::side_data::Type as StreamData;
use ff::error::EAGAIN;
use ff::format::context::Input;
use ff::frame::side_data::Type as FrameData;
use ff::{Packet, Rational};
use ffmpeg_next as ff;

use super::aspect::Aspect;
use super::clock::{Clock, Reading};
use super::colour::{Colours, Dolby};
use super::container;
use super::exif;
use super::live::{self, Feeder, Live, Opened, Watch};
use super::opening::{Picked, container_start, not_media, open_input, video_stream};
use super::range::{Pulse, TimeRange};
use super::turn::Turn;
use super::{DecodeOptions, DecodeReport, MAX_SIDE, VideoInfo, too_large};
use crate::error::MediaError;
use crate::{Frame, Image};

mod jump;

/// Read errors in a row after which the rest of a file is given up: a demuxer that never reaches the end.
const MAX_READ_ERRORS: u64 = 1000;
/// Where the container states no frame count, a video this much shorter than announced counts as cut.
const SHORT_S: f64 = 1.0;

pub struct Stream {
    path: PathBuf,
    input: Input,
    index: usize,
    decoder: ff::decoder::Video,
    /// Reused for every decoded picture.
    picture: ff::frame::Video,
    /// Memory of a picture that was turned.
    spare: Vec<u8>,
    clock: Clock,
    turn: Turn,
    /// That of a picture, by its own tags: FFmpeg tells it in some versions and of some formats.
    noted: Option<Turn>,
    /// What the container says of the shape of pixels: it holds for every picture, as in players.
    stated: Option<Aspect>,
    /// That of the last picture, and the last one that makes no sense.
    aspect: Option<Aspect>,
    absurd: Option<(u64, u64)>,
    range: TimeRange,
    /// The next picture is decoded already.
    held: bool,
    /// There are frames after the range.
    went_on: bool,
    /// When the last pulse was given.
    pulse: Pulse,
    pulsed: Instant,
    colours: Colours,
    /// A packet marked as damaged, until it is known not to be the last: at the end it is the rest of a cut file.
    suspect: Option<Packet>,
    /// The packet after a suspect.
    ready: Option<Packet>,
    phase: Phase,
    read_errors: u64,
    /// Why the first damaged packet was.
    reason: Option<String>,
    size: Option<(u32, u32)>,
    /// Seconds that the container announces.
    announced_s: Option<f64>,
    report: DecodeReport,
    info: VideoInfo,
    /// Of a live source.
    watch: Option<Watch>,
    feeder: Option<Feeder>,
}

#[derive(PartialEq)]
enum Phase {
    Reading,
    Draining,
    Done,
}

impl Stream {
    pub fn open(path: &Path, options: &DecodeOptions, pulse: &Pulse) -> Result<Stream, MediaError> {
        let fresh = || {
            let input = open_input(path).map_err(|reason| not_media(path, reason))?;
            Stream::of(path, input, File::open(path).ok(), options)
        };
        let mut stream = fresh()?;
        if let Some(start_s) = options.range.start_s
            && !stream.jump(start_s)
        {
            stream = fresh()?;
        }
        stream.pulse = pulse.clone();
        Ok(stream)
    }

    /// A source without an end.
    pub fn watch(live: &Live, options: &DecodeOptions) -> Result<Stream, MediaError> {
        let Opened { input, feeder, watch, head } = live::open(live, &options.live)?;
        let options = DecodeOptions { range: TimeRange::default(), ..options.clone() };
        let mut stream = Stream::of(&live.path(), input, head.map(Cursor::new), &options)?;
        stream.announced_s = None;
        (stream.feeder, stream.watch) = (feeder, Some(watch));
        Ok(stream)
    }

    /// `bytes`: those of the container, or its first.
    fn of(
        path: &Path,
        input: Input,
        bytes: Option<impl Read + Seek>,
        options: &DecodeOptions,
    ) -> Result<Stream, MediaError> {
        let picked = video_stream(path, &input, options.stream)?;
        let Picked { index, number, of } = picked;
        let stream = input.stream(index).expect("the index is one of the file's streams");
        let unsupported = |codec: &str, reason: ff::Error| MediaError::UnsupportedCodec {
            path: path.into(),
            codec: codec.into(),
            reason: reason.to_string(),
        };
        let parameters = stream.parameters();
        let id = parameters.id();
        let codec = id.name();
        let mut context = ff::codec::Context::from_parameters(parameters).map_err(|e| unsupported(codec, e))?;
        context.set_threading(ff::threading::Config { count: 1, ..Default::default() });
        let mut decoder = context.decoder();
        decoder.set_packet_time_base(stream.time_base());
        if codec == "mjpeg" {
            // Each picture stands alone and its decoder marks no damage: it has to refuse it.
            decoder.check(ff::decoder::Check::EXPLODE);
        }
        let decoder = decoder.video().map_err(|e| unsupported(codec, e))?;

        let fps = positive(stream.avg_frame_rate());
        let tick = stream.time_base();
        let clock = Clock::new(tick, container_start(&input, index), 1.0 / fps.unwrap_or(25.0));
        let stream_s = (stream.duration() > 0).then(|| clock.seconds(stream.duration()));
        let container_s = (input.duration() > 0).then(|| input.duration() as f64 / 1e6);
        let container = input.format().name().to_owned();
        // Elsewhere FFmpeg estimates the duration from the bit rate, or it covers longer sound.
        let announced_s = stream_s.or(container_s.filter(|_| container.starts_with("matroska")));
        let frames = u64::try_from(stream.frames()).ok().filter(|&frames| frames > 0);
        let mut report = DecodeReport { announced: frames, ..Default::default() };
        let matrix = stream.side_data().find(|data| data.kind() == StreamData::DisplayMatrix);
        let turn = matrix.and_then(|data| Turn::of_matrix(data.data())).unwrap_or(Ok(Turn::NONE));
        let turn = turn.unwrap_or_else(|angle| report.warn_of_slant(angle));
        if options.stream.is_none() {
            picked.note(&input).into_iter().for_each(|note| report.warn(note));
        }
        let mut bytes = bytes;
        let tracks = bytes.as_mut().map_or(vec![], |bytes| container::tracks(bytes, &container));
        let noted = bytes.as_mut().and_then(|bytes| {
            let of_container = container::orientation(bytes, &container);
            of_container.or_else(|| exif::of_video(id, bytes, &container)).and_then(Turn::of_exif)
        });
        let own = tracks.iter().find(|track| track.id == Some(stream.id().into()));
        let own = own.or_else(|| tracks.get(number as usize - 1).filter(|track| track.id.is_none()));
        let stated = own.and_then(|track| track.aspect).map(|(wide, high)| Aspect::of(wide, high));
        let dolby = stream.side_data().find(|data| data.kind() == StreamData::DOVI_CONF);
        let colours = Colours::of_stream(dolby.and_then(|record| Dolby::of(record.data())));
        let info = VideoInfo {
            frames,
            duration_s: stream_s.or(container_s),
            container,
            codec: codec.into(),
            fps,
            pixel_aspect: 1.0,
            stream: number,
            streams: of,
            ..VideoInfo::default()
        };
        let mut stream = Stream {
            path: path.into(),
            index,
            stated: stated.and_then(Result::ok),
            aspect: None,
            absurd: None,
            range: options.range,
            held: false,
            went_on: false,
            pulse: Pulse::default(),
            pulsed: Instant::now(),
            decoder,
            picture: ff::frame::Video::empty(),
            spare: Vec::new(),
            clock,
            turn,
            noted,
            colours,
            suspect: None,
            ready: None,
            phase: Phase::Reading,
            read_errors: 0,
            reason: None,
            size: None,
            announced_s,
            report,
            info,
            input,
            watch: None,
            feeder: None,
        };
        stated.and_then(Result::err).into_iter().for_each(|shape| stream.ignore(shape));
        Ok(stream)
    }

    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        while self.phase != Phase::Done {
            let next = if take(&mut self.held) { Ok(()) } else { self.decoder.receive_frame(&mut self.picture) };
            match next {
                Ok(()) => {
                    if let Some(frame) = self.finished_frame()? {
                        return Ok(Some(frame));
                    }
                }
                Err(ff::Error::Other { errno: EAGAIN }) if self.phase == Phase::Reading => self.feed(),
                Err(ff::Error::Eof | ff::Error::Other { errno: EAGAIN }) => self.finish(),
                Err(error) => self.damaged(error),
            }
        }
        Ok(None)
    }

    pub fn info(&self) -> &VideoInfo {
        &self.info
    }

    pub fn report(&self) -> &DecodeReport {
        &self.report
    }

    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn damaged(&mut self, reason: impl std::fmt::Display) {
        self.report.damaged += 1;
        self.reason.get_or_insert_with(|| reason.to_string());
    }

    /// What there is where the range is not, for an error.
    pub fn nothing(&self) -> Option<MediaError> {
        self.range.nothing(&self.path, self.clock.end_s(), self.went_on)
    }

    /// The decoded picture as a frame, unless it is damaged, late or not asked for.
    fn finished_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        let reading = self.clock.read(self.picture.timestamp(), self.picture.packet().duration);
        if let Reading::Reset { since, .. } = reading {
            self.report.warn(format!("the stream's clock is set back at {since:.3} s; times run on from there"));
        }
        let time = match reading {
            Reading::At(time) | Reading::Reset { time, .. } => Some(time),
            Reading::Late => None,
        };
        if time.is_some_and(|time| self.range.begins_after(time)) {
            self.pass();
            return Ok(None);
        }
        if time.is_some_and(|time| self.range.ends_by(time)) {
            self.went_on = true;
            self.finish();
            return Ok(None);
        }
        // A missing reference alone is common in streams that play well.
        let errors = self.picture.decode_error_flags().difference(ff::frame::DecodeError::MISSING_REFERENCE);
        if self.picture.is_corrupt() || !errors.is_empty() {
            self.damaged("parts of a picture could not be decoded");
            return Ok(None);
        }
        let Some(pts_s) = time else {
            self.report.dropped += 1;
            return Ok(None);
        };
        let size = (self.picture.width(), self.picture.height());
        if too_large(size) {
            let ((width, height), path) = (size, self.path.clone());
            return Err(MediaError::TooLarge { path, width, height, limit: MAX_SIDE });
        }
        if self.size.replace(size).is_some_and(|last| last != size) {
            let (width, height) = size;
            self.report.warn(format!("the picture size changes to {width} x {height} at {pts_s:.3} s"));
        }
        let aspect = self.shape(pts_s);
        let (image, turn) = self.upright(aspect)?;
        for news in self.colours.news() {
            self.report.warn(format!("{news} (from {pts_s:.3} s on)"));
        }
        if self.report.decoded == 0 {
            self.info.colour = self.colours.info();
            self.info.width = image.width;
            self.info.height = image.height;
            (self.info.stored_width, self.info.stored_height) = (size.0 as usize, size.1 as usize);
            self.info.rotation = turn.clockwise();
            self.info.mirrored = turn.mirrored();
            self.info.pixel_aspect = aspect.ratio();
            self.info.start_s = self.clock.zero_s().unwrap_or(0.0);
        }
        let index = self.report.decoded;
        self.report.decoded += 1;
        Ok(Some(Frame { index, pts_s, image, picture: None }))
    }

    /// The shape of the picture's pixels, and a word where it changes.
    fn shape(&mut self, pts_s: f64) -> Aspect {
        let aspect = match self.stated.map(Ok).or_else(|| Aspect::of_rational(self.picture.aspect_ratio())) {
            Some(Ok(aspect)) => aspect,
            None => Aspect::SQUARE,
            Some(Err(shape)) => {
                self.ignore(shape);
                Aspect::SQUARE
            }
        };
        if self.aspect.replace(aspect).is_some_and(|last| last != aspect) {
            let ratio = aspect.ratio();
            self.report.warn(format!("from {pts_s:.3} s on pixels are {ratio:.3} times as wide as high"));
        }
        aspect
    }

    fn ignore(&mut self, shape: (u64, u64)) {
        if self.absurd.replace(shape) != Some(shape) {
            let (wide, high) = shape;
            self.report.warn(format!("pixels of the shape {wide}:{high} make no sense: they are taken for square"));
        }
    }

    fn upright(&mut self, aspect: Aspect) -> Result<(Image, Turn), MediaError> {
        let image = self.colours.convert(&self.picture, take(&mut self.spare));
        let image = image.map_err(|error| MediaError::UnsupportedCodec {
            path: self.path.clone(),
            codec: format!("{} with pixel format {:?}", self.info.codec, self.picture.format()),
            reason: error.to_string(),
        })?;
        // The bitstream's own matrix, where it has one, describes this very picture.
        let matrix = self.picture.side_data(FrameData::DisplayMatrix);
        let own = matrix.and_then(|data| Turn::of_matrix(data.data()));
        let turn = self.noted.or(own.and_then(Result::ok)).unwrap_or(self.turn);
        // Width and height are those of the stored picture: the turn comes after.
        let image = aspect.apply(image, &mut self.spare);
        Ok((turn.apply(image, &mut self.spare), turn))
    }

    /// Gives the decoder the next packet, or the end.
    fn feed(&mut self) {
        let sent = match self.next_packet() {
            Some(packet) => self.decoder.send_packet(&packet),
            None => {
                self.phase = Phase::Draining;
                self.decoder.send_eof()
            }
        };
        if let Err(error) = sent {
            self.damaged(error);
        }
    }

    fn next_packet(&mut self) -> Option<Packet> {
        if let Some(packet) = self.ready.take() {
            return Some(packet);
        }
        loop {
            if self.watch.as_ref().is_some_and(Watch::is_stopped) {
                return None;
            }
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) => {
                    self.watch.iter().for_each(Watch::heard);
                    self.report.damaged += take(&mut self.read_errors);
                    // FFmpeg takes a packet without bytes for the end of the stream.
                    let ours = packet.stream() == self.index && packet.size() > 0;
                    let suspect = self.suspect.take();
                    if ours && packet.is_corrupt() {
                        self.suspect = Some(packet);
                    } else if ours && suspect.is_some() {
                        self.ready = Some(packet);
                    } else if ours {
                        return Some(packet);
                    }
                    if suspect.is_some() {
                        return suspect;
                    }
                }
                Err(ff::Error::Eof) => return None,
                // Asked to end while it waited.
                Err(ff::Error::Exit) if self.watch.as_ref().is_some_and(Watch::is_stopped) => return None,
                Err(ff::Error::InvalidData) if self.read_errors < MAX_READ_ERRORS => self.read_errors += 1,
                Err(error) => {
                    let at = self.clock.end_s();
                    self.report.warn(format!("reading stopped near {at:.3} s: {error}"));
                    return None;
                }
            }
        }
    }

    /// The end: what the container announced and the file did not hold.
    fn finish(&mut self) {
        self.phase = Phase::Done;
        if self.suspect.take().is_some() && !self.went_on {
            self.damaged("the file ends within a packet");
        }
        let damaged = self.report.damaged;
        if damaged > 0 {
            let reason = self.reason.as_deref().unwrap_or("unreadable packets");
            let warning = format!("{damaged} damaged packets skipped ({reason})");
            self.report.conclude(warning);
        }
        let asked_to_end = self.went_on || self.watch.is_some();
        if let Some(found) = if asked_to_end { None } else { self.cut_short() } {
            self.report.conclude(format!("cut short: {found}"));
        }
    }

    /// How it shows that the file ended too early: by what the container announces, or by what it ends in.
    fn cut_short(&self) -> Option<String> {
        let end_s = self.clock.end_s();
        // Matroska's duration counts from its own zero where FFmpeg wrote it, and from the first frame where others did.
        let late_s = self.info.start_s.max(0.0);
        let late_s = if self.info.container.starts_with("matroska") { late_s } else { 0.0 };
        let missing_s = self.announced_s.map(|announced| announced - late_s - end_s);
        let Some(announced) = self.info.frames else {
            if let Some(missing_s) = missing_s.filter(|&missing| missing > SHORT_S) {
                return Some(format!("ends at {end_s:.3} s of {:.3} s the container announces", end_s + missing_s));
            }
            let inside = container::ends_inside(&mut File::open(&self.path).ok()?, &self.info.container)?;
            return Some(format!("the file ends inside {inside}, at {end_s:.3} s"));
        };
        let decoded = self.report.decoded;
        // A file may announce frames that its edit list leaves out: then nothing is missing at the end.
        let slack_s = 1.5 / self.info.fps.unwrap_or(25.0);
        if self.range.start_s.is_some() {
            let missing_s = missing_s.filter(|&missing| missing > SHORT_S)?;
            return Some(format!("ends at {end_s:.3} s of {:.3} s the container announces", end_s + missing_s));
        }
        let fewer = decoded + self.report.damaged + self.report.dropped < announced;
        let short = fewer && missing_s.is_none_or(|missing| missing > slack_s);
        short.then(|| format!("decoded {decoded} of {announced} frames the container announces"))
    }
}

/// `None` for 0/n, n/0 and the like, which FFmpeg uses for "unknown".
fn positive(ratio: Rational) -> Option<f64> {
    let (over, under) = (ratio.numerator(), ratio.denominator());
    (over > 0 && under > 0).then(|| f64::from(over) / f64::from(under))
}
