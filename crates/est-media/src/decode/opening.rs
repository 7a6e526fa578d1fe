//! From a path to an open container and the one of its video streams that is meant.

use std::fs::File;
use std::path::Path;

use ff::format::context::{Input, StreamIo};
use ff::format::stream::Disposition;
use ff::media::Type as Medium;
use ffmpeg_next as ff;

use super::container::movie_without_index;
use crate::error::MediaError;

/// Demuxers that show text or any bytes as a picture.
const NOT_VIDEO: [&str; 5] = ["tty", "bin", "xbin", "adf", "idf"];
/// FFmpeg calls a lower score of its format guess a reason to retry.
const DOUBTFUL_SCORE: i32 = 25;
/// A start of another stream further away than this belongs to another clock.
const SAME_CLOCK_S: f64 = 60.0;

/// One of a file's video streams.
pub struct Picked {
    /// Among all streams, as FFmpeg counts them.
    pub index: usize,
    /// Among its video streams, from 1.
    pub number: u32,
    /// Video streams in all.
    pub of: u32,
}

impl Picked {
    /// What to say where nobody chose.
    pub fn note(&self, input: &Input) -> Option<String> {
        (self.of > 1).then(|| {
            let (of, number) = (self.of, self.number);
            let found = videos(input).join(", ");
            format!(
                "{of} video streams ({found}): number {number} is read; --stream N chooses one, --stream all reads each"
            )
        })
    }
}

pub fn open_input(path: &Path) -> Result<Input, ff::Error> {
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

pub fn not_media(path: &Path, reason: ff::Error) -> MediaError {
    let path = path.to_owned();
    match movie_without_index(&path) {
        Some(true) => MediaError::NoIndex { path },
        _ => MediaError::NotMedia { path, reason: reason.to_string() },
    }
}

/// Whether a stream shows moving pictures: an attached picture is a cover.
fn is_video(stream: &ff::Stream) -> bool {
    let attached = stream.disposition().contains(Disposition::ATTACHED_PIC);
    stream.parameters().medium() == Medium::Video && !attached
}

/// The stream to decode: number `wanted`, or without one FFmpeg's choice, or the first.
///
/// # Errors
/// There is none, or no such number; the message says what there is.
pub fn video_stream(path: &Path, input: &Input, wanted: Option<u32>) -> Result<Picked, MediaError> {
    let format = input.format().name().to_owned();
    let usable: Vec<usize> = input.streams().filter(is_video).map(|stream| stream.index()).collect();
    if usable.is_empty() && input.probe_score() > DOUBTFUL_SCORE {
        let mut found: Vec<String> = input.streams().map(|stream| describe(&stream)).collect();
        found.dedup();
        return Err(MediaError::NoVideo { path: path.into(), found: found.join(", ") });
    }
    if usable.is_empty() || NOT_VIDEO.contains(&format.as_str()) {
        return Err(MediaError::NotMedia { path: path.into(), reason: format!("it looks like {format}") });
    }
    let best = input.streams().best(Medium::Video).filter(is_video).map(|stream| stream.index());
    let place = match wanted {
        Some(wanted) => (wanted as usize).checked_sub(1).filter(|&place| place < usable.len()),
        None => Some(usable.iter().position(|&index| Some(index) == best).unwrap_or(0)),
    };
    let Some(place) = place else {
        let found = videos(input).join(", ");
        return Err(MediaError::NoSuchStream { path: path.into(), wanted: wanted.unwrap_or(0), found });
    };
    Ok(Picked { index: usable[place], number: place as u32 + 1, of: usable.len() as u32 })
}

/// Each video stream in a few words: `1: h264 640 x 360`.
fn videos(input: &Input) -> Vec<String> {
    let say = |(number, stream): (usize, ff::Stream)| {
        let context = ff::codec::Context::from_parameters(stream.parameters());
        let decoder = context.and_then(|context| context.decoder().video());
        let size = decoder.map_or(String::new(), |decoder| format!(" {} x {}", decoder.width(), decoder.height()));
        let title = stream.metadata().get("title").map_or(String::new(), |title| format!(" `{title}`"));
        format!("{number}: {}{size}{title}", stream.parameters().id().name())
    };
    (1..).zip(input.streams().filter(is_video)).map(say).collect()
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

/// The earliest start of any sound and picture, in ticks of stream `index`: the zero of players, and one for all cameras of
/// a file.
pub fn container_start(input: &Input, index: usize) -> Option<i64> {
    let start = |stream: &ff::Stream| Some(stream.start_time()).filter(|&start| start != i64::MIN);
    let video = input.stream(index)?;
    let own = start(&video)?;
    let tick = f64::from(video.time_base());
    let others = input.streams().filter(|stream| stream.parameters().medium() == Medium::Audio || is_video(stream));
    let starts = others.filter_map(|stream| Some(start(&stream)? as f64 * f64::from(stream.time_base()) / tick));
    let earliest = starts.filter(|start| (start - own as f64).abs() * tick < SAME_CLOCK_S).map(|s| s.round() as i64);
    earliest.chain([own]).min()
}
