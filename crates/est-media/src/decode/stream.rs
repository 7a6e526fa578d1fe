//! A container file: packets -> decoder -> upright RGB frames with their times.
//!
//! The decoder runs on one thread. FFmpeg's frame threads give different pixels from run to run once a packet is
//! damaged, and with some codecs stop the whole process; a caller who wants decoding beside other work calls it from
//! a thread of its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::mem::take;
use std::path::{Path, PathBuf};

use ff::codec::packet::side_data::Type as StreamData;
use ff::error::EAGAIN;
use ff::format::context::{Input, StreamIo};
use ff::format::stream::Disposition;
use ff::frame::side_data::Type as FrameData;
use ff::media::Type as Medium;
use ff::{Packet, Rational};
use ffmpeg_next as ff;

use super::clock::{Clock, Reading};
use super::colour::to_rgb;
use super::live::{self, Feeder, Live, LiveOptions, Opened, Watch};
use super::turn::Turn;
use super::{DecodeReport, MAX_SIDE, VideoInfo, too_large};
use crate::error::MediaError;
use crate::{Frame, Image};

/// Read errors in a row after which the rest of a file is given up: a demuxer that never reaches the end.
const MAX_READ_ERRORS: u64 = 1000;
/// Demuxers that show text or any bytes as a picture.
const NOT_VIDEO: [&str; 5] = ["tty", "bin", "xbin", "adf", "idf"];
/// FFmpeg calls a lower score of its format guess a reason to retry.
const DOUBTFUL_SCORE: i32 = 25;
/// A start of another stream further away than this belongs to another clock.
const SAME_CLOCK_S: f64 = 60.0;
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
    pub fn open(path: &Path) -> Result<Stream, MediaError> {
        let input = open_input(path).map_err(|reason| not_media(path, reason))?;
        Stream::of(path, input)
    }

    /// A source without an end.
    pub fn watch(live: &Live, options: &LiveOptions) -> Result<Stream, MediaError> {
        let Opened { input, feeder, watch } = live::open(live, options)?;
        let mut stream = Stream::of(&live.path(), input)?;
        stream.announced_s = None;
        (stream.feeder, stream.watch) = (feeder, Some(watch));
        Ok(stream)
    }

    fn of(path: &Path, input: Input) -> Result<Stream, MediaError> {
        let index = video_stream(path, &input)?;
        let stream = input.stream(index).expect("the index is one of the file's streams");
        let unsupported = |codec: &str, reason: ff::Error| MediaError::UnsupportedCodec {
            path: path.into(),
            codec: codec.into(),
            reason: reason.to_string(),
        };
        let parameters = stream.parameters();
        let codec = parameters.id().name();
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
        let info = VideoInfo {
            width: 0,
            height: 0,
            frames,
            duration_s: stream_s.or(container_s),
            container,
            codec: codec.into(),
            rotation: 0,
            mirrored: false,
            fps,
            pixel_aspect: 1.0,
        };
        Ok(Stream {
            path: path.into(),
            index,
            decoder,
            picture: ff::frame::Video::empty(),
            spare: Vec::new(),
            clock,
            turn,
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
        })
    }

    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        while self.phase != Phase::Done {
            match self.decoder.receive_frame(&mut self.picture) {
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

    /// The decoded picture as a frame, unless it is damaged or late.
    fn finished_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        let reading = self.clock.read(self.picture.timestamp(), self.picture.packet().duration);
        // A missing reference alone is common in streams that play well.
        let errors = self.picture.decode_error_flags().difference(ff::frame::DecodeError::MISSING_REFERENCE);
        if self.picture.is_corrupt() || !errors.is_empty() {
            self.damaged("parts of a picture could not be decoded");
            return Ok(None);
        }
        let pts_s = match reading {
            Reading::Late => {
                self.report.dropped += 1;
                return Ok(None);
            }
            Reading::At(time) => time,
            Reading::Reset { time, since } => {
                self.report.warn(format!("the stream's clock is set back at {since:.3} s; times run on from there"));
                time
            }
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
        let (image, turn) = self.upright()?;
        if self.report.decoded == 0 {
            self.info.width = image.width;
            self.info.height = image.height;
            self.info.rotation = turn.clockwise();
            self.info.mirrored = turn.mirrored();
            self.info.pixel_aspect = positive(self.picture.aspect_ratio()).unwrap_or(1.0);
            self.report.warn_of_aspect(self.info.pixel_aspect);
        }
        let index = self.report.decoded;
        self.report.decoded += 1;
        Ok(Some(Frame { index, pts_s, image }))
    }

    fn upright(&mut self) -> Result<(Image, Turn), MediaError> {
        let image = to_rgb(&self.picture, take(&mut self.spare)).map_err(|error| MediaError::UnsupportedCodec {
            path: self.path.clone(),
            codec: format!("{} with pixel format {:?}", self.info.codec, self.picture.format()),
            reason: error.to_string(),
        })?;
        // The bitstream's own matrix, where it has one, describes this very picture.
        let matrix = self.picture.side_data(FrameData::DisplayMatrix);
        let own = matrix.and_then(|data| Turn::of_matrix(data.data()));
        let turn = own.and_then(Result::ok).unwrap_or(self.turn);
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
        if self.suspect.take().is_some() {
            self.damaged("the file ends within a packet");
        }
        let damaged = self.report.damaged;
        if damaged > 0 {
            let reason = self.reason.as_deref().unwrap_or("unreadable packets");
            let warning = format!("{damaged} damaged packets skipped ({reason})");
            self.report.conclude(warning);
        }
        if let Some(found) = self.cut_short() {
            self.report.conclude(format!("cut short: {found} the container announces"));
        }
    }

    /// How much of what the container announces was found before the file ended too early.
    fn cut_short(&self) -> Option<String> {
        let end_s = self.clock.end_s();
        let missing_s = self.announced_s.map(|announced| announced - end_s);
        let Some(announced) = self.info.frames else {
            let missing_s = missing_s.filter(|&missing| missing > SHORT_S)?;
            return Some(format!("ends at {end_s:.3} s of {:.3} s", end_s + missing_s));
        };
        let decoded = self.report.decoded;
        // A file may announce frames that its edit list leaves out: then nothing is missing at the end.
        let slack_s = 1.5 / self.info.fps.unwrap_or(25.0);
        let fewer = decoded + self.report.damaged + self.report.dropped < announced;
        let short = fewer && missing_s.is_none_or(|missing| missing > slack_s);
        short.then(|| format!("decoded {decoded} of {announced} frames"))
    }
}

/// `None` for 0/n, n/0 and the like, which FFmpeg uses for "unknown".
fn positive(ratio: Rational) -> Option<f64> {
    let (over, under) = (ratio.numerator(), ratio.denominator());
    (over > 0 && under > 0).then(|| f64::from(over) / f64::from(under))
}

fn open_input(path: &Path) -> Result<Input, ff::Error> {
    let options = || {
        [
            // A name like `shot_%03d.png` is one file.
            ("pattern_type", "none"),
            // A play list must not reach for the network.
            ("protocol_whitelist", "file,crypto,data"),
        ]
        .into_iter()
        .collect::<ff::Dictionary>()
    };
    match path.to_str() {
        // With the scheme a colon in the name starts no other one.
        Some(name) => ff::format::input_with_dictionary(&format!("file:{name}"), options()),
        None => {
            let file = File::open(path).map_err(|_| ff::Error::Unknown)?;
            ff::format::input_from_stream(StreamIo::from_read_seek(file)?, None, Some(options()))
        }
    }
}

fn not_media(path: &Path, reason: ff::Error) -> MediaError {
    let path = path.to_owned();
    match movie_without_index(&path) {
        Some(true) => MediaError::NoIndex { path },
        _ => MediaError::NotMedia { path, reason: reason.to_string() },
    }
}

/// Whether an MP4 or MOV file lacks its `moov` box, without which no sample can be found; `None` for other files.
fn movie_without_index(path: &Path) -> Option<bool> {
    let mut file = File::open(path).ok()?;
    let mut at = 0u64;
    loop {
        let mut head = [0u8; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        let got = file.by_ref().take(16).read(&mut head).ok()?;
        if got < 8 {
            return (at > 0).then_some(true);
        }
        match &head[4..8] {
            b"moov" => return Some(false),
            b"ftyp" | b"mdat" | b"free" | b"skip" | b"wide" | b"pnot" | b"uuid" => {}
            _ => return (at > 0).then_some(true),
        }
        let size = u64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
        let long = u64::from_be_bytes([head[8], head[9], head[10], head[11], head[12], head[13], head[14], head[15]]);
        at = match size {
            0 => return Some(true),
            1 => at.checked_add(long.max(16))?,
            _ => at + size.max(8),
        };
    }
}

/// The stream to decode: FFmpeg's choice, or the first that is no attached picture.
fn video_stream(path: &Path, input: &Input) -> Result<usize, MediaError> {
    let usable = |stream: &ff::Stream| {
        let attached = stream.disposition().contains(Disposition::ATTACHED_PIC);
        stream.parameters().medium() == Medium::Video && !attached
    };
    let format = input.format().name().to_owned();
    let best = input.streams().best(Medium::Video).filter(usable);
    match best.or_else(|| input.streams().find(usable)) {
        Some(stream) if !NOT_VIDEO.contains(&format.as_str()) => Ok(stream.index()),
        None if input.probe_score() > DOUBTFUL_SCORE => {
            let mut found: Vec<String> = input.streams().map(|stream| describe(&stream)).collect();
            found.dedup();
            Err(MediaError::NoVideo { path: path.into(), found: found.join(", ") })
        }
        _ => Err(MediaError::NotMedia { path: path.into(), reason: format!("it looks like {format}") }),
    }
}

fn describe(stream: &ff::Stream) -> String {
    let parameters = stream.parameters();
    let kind = match parameters.medium() {
        Medium::Video => "a cover picture",
        Medium::Audio => "audio",
        Medium::Subtitle => "subtitles",
        _ => "data",
    };
    format!("{kind} ({})", parameters.id().name())
}

/// The earliest start of sound and picture, in ticks of stream `index`: the zero of players.
fn container_start(input: &Input, index: usize) -> Option<i64> {
    let start = |stream: &ff::Stream| Some(stream.start_time()).filter(|&start| start != i64::MIN);
    let video = input.stream(index)?;
    let own = start(&video)?;
    let tick = f64::from(video.time_base());
    let others = input.streams().filter(|stream| stream.parameters().medium() == Medium::Audio);
    let starts = others.filter_map(|stream| Some(start(&stream)? as f64 * f64::from(stream.time_base()) / tick));
    let earliest = starts.filter(|start| (start - own as f64).abs() * tick < SAME_CLOCK_S).map(|s| s.round() as i64);
    earliest.chain([own]).min()
}
