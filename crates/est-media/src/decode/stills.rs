//! A list of images as a video. Each file is one packet for FFmpeg's image decoders.

use std::cmp::Ordering;
use std::fs;
use std::io::Read;
use std::mem::take;
use std::path::{Path, PathBuf};

use est_nets::StandIn;
use ff::codec::Id;
use ffmpeg_next as ff;

use super::aspect::Aspect;
use super::colour::{Colours, png_codes};
use super::exif;
use super::numbering::Places;
use super::range::TimeRange;
use super::turn::Turn;
use super::{DecodeOptions, DecodeReport, MAX_SIDE, VideoInfo, density, too_large};
use crate::error::MediaError;
use crate::{Frame, Image, Picture};

/// Files of these extensions (in any case) are read from a folder.
pub const IMAGE_EXTENSIONS: [&str; 11] =
    ["bmp", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp"];

pub struct Stills {
    paths: Vec<PathBuf>,
    /// All are in it, in itself or in folders below.
    folder: PathBuf,
    places: Places,
    /// The next path to read.
    next: usize,
    /// The decoder of the last image, used again while the codec stays.
    decoder: Option<(Id, ff::decoder::Video)>,
    colours: Colours,
    /// Memory of a picture that was turned.
    spare: Vec<u8>,
    range: TimeRange,
    /// Whether there are pictures after the range.
    went_on: bool,
    reason: Option<String>,
    report: DecodeReport,
    info: VideoInfo,
}

impl Stills {
    pub fn new(paths: Vec<PathBuf>, places: Places, options: &DecodeOptions) -> Stills {
        let (fps, range) = (options.fps, options.range);
        let frames = Some(paths.len() as u64);
        let info = VideoInfo {
            frames,
            duration_s: Some(places.duration_s()),
            container: VideoInfo::IMAGES.into(),
            fps: Some(fps),
            pixel_aspect: 1.0,
            ..VideoInfo::default()
        };
        let report = DecodeReport { announced: frames, warnings: places.warnings.clone(), ..Default::default() };
        let folder = common_folder(&paths);
        Stills {
            paths,
            folder,
            places,
            next: 0,
            decoder: None,
            colours: Colours::default(),
            spare: Vec::new(),
            range,
            went_on: false,
            reason: None,
            report,
            info,
        }
    }

    /// What there is where the range is not, for an error.
    pub fn nothing(&self) -> Option<MediaError> {
        let path = self.paths[0].parent().filter(|_| self.paths.len() > 1).unwrap_or(&self.paths[0]);
        // One that could not be read is the reason then.
        let end_s = self.info.duration_s.filter(|_| self.reason.is_none());
        self.range.nothing(path, end_s.unwrap_or(0.0), self.went_on && self.reason.is_none())
    }

    pub fn next_frame(&mut self) -> Result<Option<Frame>, MediaError> {
        while let Some(path) = self.paths.get(self.next).cloned() {
            let index = self.next;
            let pts_s = self.places.time_s(index);
            if self.range.ends_by(pts_s) {
                self.went_on = true;
                break;
            }
            self.next += 1;
            if self.range.begins_after(pts_s) {
                continue;
            }
            match self.decode(&path) {
                Ok((image, turn)) => {
                    for trouble in self.colours.news() {
                        self.report.warn(format!("{}: {trouble}", path.display()));
                    }
                    if self.report.decoded == 0 {
                        self.info.colour = self.colours.info();
                        self.info.width = image.width;
                        self.info.height = image.height;
                        self.info.rotation = turn.clockwise();
                        self.info.mirrored = turn.mirrored();
                        self.info.codec = self.decoder.as_ref().map_or("", |(id, _)| id.name()).into();
                    }
                    self.report.decoded += 1;
                    let picture = Picture { file: self.name(&path).into(), missing: self.places.missing_before(index) };
                    return Ok(Some(Frame { index: index as u64, pts_s, image, picture: Some(picture) }));
                }
                Err(reason) => {
                    // A decoder that failed may hold half a picture.
                    self.decoder = None;
                    self.report.damaged += 1;
                    self.report.warn(format!("{}: left out: {reason}", path.display()));
                    self.reason.get_or_insert(reason);
                }
            }
        }
        Ok(None)
    }

    /// A picture's name below the folder of all, with `/` between its parts.
    fn name(&self, path: &Path) -> String {
        let within = path.strip_prefix(&self.folder).unwrap_or(path);
        within.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
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

    fn decode(&mut self, path: &Path) -> Result<(Image, Turn), String> {
        let stands_in = |what: StandIn| format!("{what}; {}", what.remedy());
        let bytes = fs::read(path).map_err(|error| StandIn::at(path).map_or_else(|| error.to_string(), stands_in))?;
        if bytes.is_empty() {
            return Err("the file is empty".into());
        }
        let id = codec_of(&bytes).ok_or_else(|| match StandIn::of(&bytes) {
            Some(what) => stands_in(what),
            None => "its first bytes are those of no image format that is read".to_string(),
        })?;
        if is_animated(&bytes) {
            return Err("an animated WebP; give it apart from the pictures, or convert it".into());
        }
        // Whatever FFmpeg says of it: that differs from version to version.
        let turn = exif::orientation(id, &bytes).and_then(Turn::of_exif).unwrap_or(Turn::NONE);
        if self.decoder.as_ref().is_none_or(|(last, _)| *last != id) {
            self.decoder = Some((id, open_decoder(id).map_err(|error| error.to_string())?));
        }
        let (_, decoder) = self.decoder.as_mut().expect("just opened");
        let mut picture = decode_one(decoder, &bytes).map_err(|error| error.to_string())?;
        if let Some(codes) = png_codes(&bytes) {
            codes.fill_in(&mut picture);
        }
        if picture.is_corrupt() || picture.has_decode_errors() {
            return Err("parts of the picture could not be decoded".into());
        }
        let (width, height) = (picture.width(), picture.height());
        if too_large((width, height)) {
            return Err(format!("{width} x {height} pixels are too large (at most {MAX_SIDE} a side, 2^27 in all)"));
        }
        let image = self.colours.convert(&picture, take(&mut self.spare)).map_err(|error| error.to_string())?;
        let aspect = match density::aspect(&bytes, &picture) {
            Some(Ok(aspect)) => aspect,
            None => Aspect::SQUARE,
            Some(Err((wide, high))) => {
                let name = path.display();
                self.report.warn(format!("{name}: pixels of the shape {wide}:{high} make no sense: taken for square"));
                Aspect::SQUARE
            }
        };
        if self.report.decoded == 0 {
            (self.info.stored_width, self.info.stored_height) = (width as usize, height as usize);
            self.info.pixel_aspect = aspect.ratio();
        }
        let image = aspect.apply(image, &mut self.spare);
        Ok((turn.apply(image, &mut self.spare), turn))
    }
}

fn open_decoder(id: Id) -> Result<ff::decoder::Video, ff::Error> {
    let codec = ff::decoder::find(id).ok_or(ff::Error::DecoderNotFound)?;
    let mut context = ff::codec::Context::new_with_codec(codec);
    context.set_threading(ff::threading::Config { count: 1, ..Default::default() });
    let mut decoder = context.decoder();
    // An image half of which is missing is an error, not a half-gray picture. The TIFF decoder would not take unknown
    // tags either.
    let explode = if id == Id::TIFF { ff::decoder::Check::empty() } else { ff::decoder::Check::EXPLODE };
    decoder.check(ff::decoder::Check::CRC | explode);
    decoder.video()
}

fn decode_one(decoder: &mut ff::decoder::Video, bytes: &[u8]) -> Result<ff::frame::Video, ff::Error> {
    let mut picture = ff::frame::Video::empty();
    let mut packet = ff::Packet::copy(bytes);
    // Else the PNG decoder adds the picture to the last one.
    packet.set_flags(ff::packet::Flags::KEY);
    decoder.send_packet(&packet)?;
    match decoder.receive_frame(&mut picture) {
        // A decoder that waits for the next picture: there is none.
        Err(ff::Error::Other { errno: ff::error::EAGAIN }) => {
            decoder.send_eof()?;
            let received = decoder.receive_frame(&mut picture);
            decoder.flush();
            received?;
        }
        received => received?,
    }
    Ok(picture)
}

/// By the first bytes: extensions lie.
fn codec_of(bytes: &[u8]) -> Option<Id> {
    let riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(Id::PNG),
        [0xff, 0xd8, 0xff, ..] => Some(Id::MJPEG),
        [b'B', b'M', ..] => Some(Id::BMP),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => Some(Id::TIFF),
        _ if riff => Some(Id::WEBP),
        [b'P', b'1' | b'4', b'\n' | b'\r' | b' ' | b'\t' | b'#', ..] => Some(Id::PBM),
        [b'P', b'2' | b'5', b'\n' | b'\r' | b' ' | b'\t' | b'#', ..] => Some(Id::PGM),
        [b'P', b'3' | b'6', b'\n' | b'\r' | b' ' | b'\t' | b'#', ..] => Some(Id::PPM),
        _ => None,
    }
}

/// Whether a file is one still image: by name, first bytes, and (PNG, WebP) not animated.
pub fn is_still(path: &Path) -> bool {
    let head = head(path);
    let animated = is_animated(&head) || head.windows(4).any(|four| four == b"acTL");
    named_as_image(path) && codec_of(&head).is_some() && !animated
}

/// Whether a file of any name is an animated WebP, which FFmpeg 5.1 cannot decode.
pub fn is_animated_webp(path: &Path) -> bool {
    is_animated(&head(path))
}

/// A WebP file says in its first chunk whether it moves.
fn is_animated(file: &[u8]) -> bool {
    codec_of(file) == Some(Id::WEBP)
        && file.get(12..16) == Some(b"VP8X")
        && file.get(20).is_some_and(|flags| flags & 2 != 0)
}

/// The first bytes; none where the file cannot be read.
fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    if read.is_err() { Vec::new() } else { head }
}

fn named_as_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    IMAGE_EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
}

/// The images of a folder in natural order; hidden files and folders within are passed over.
pub fn of_folder(folder: &Path) -> Result<Vec<PathBuf>, MediaError> {
    let unreadable = |source| MediaError::Unreadable { path: folder.into(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && named_as_image(&path) && (path.is_file() || StandIn::at(&path).is_some()) {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(MediaError::EmptyFolder { path: folder.into(), extensions: IMAGE_EXTENSIONS.join(", ") });
    }
    paths.sort_by(|a, b| natural_order(a, b));
    Ok(paths)
}

/// The innermost folder that holds all of `paths`, which are some.
fn common_folder(paths: &[PathBuf]) -> PathBuf {
    let parent = |path: &PathBuf| path.parent().map(Path::to_owned).unwrap_or_default();
    let mut folder = parent(&paths[0]);
    for path in paths {
        while !path.starts_with(&folder) {
            folder.pop();
        }
    }
    folder
}

/// The order of a folder's images: by name, but runs of digits compare as numbers.
pub fn natural_order(a: &Path, b: &Path) -> Ordering {
    natural(&a.to_string_lossy(), &b.to_string_lossy()).then_with(|| a.cmp(b))
}

/// Runs of digits compare as numbers: `img2` before `img10`.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |s: &str| s.len() - s.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (in_a, in_b) = (digits(a), digits(b));
        if in_a > 0 && in_b > 0 {
            let (x, y) = (a[..in_a].trim_start_matches('0'), b[..in_b].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[in_a..], &b[in_b..]);
            continue;
        }
        let (mut rest_a, mut rest_b) = (a.chars(), b.chars());
        match (rest_a.next(), rest_b.next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (rest_a.as_str(), rest_b.as_str()),
            (x, y) => return x.cmp(&y),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_numbers() {
        let mut names = ["b1", "a10", "a2", "a02x", "a", "a1b12", "a1b3", "99999999999999999999999", "100"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["100", "99999999999999999999999", "a", "a1b3", "a1b12", "a2", "a02x", "a10", "b1"]);
    }
}
