//! Which way up a still picture is: the camera's note in every format that has one.

use est_media::{Image, MediaError, Video};

use crate::decode_clips::{Clips, near, pixel};

const COLOURS: [[u8; 3]; 4] = [[200, 40, 40], [40, 160, 60], [40, 60, 180], [128, 128, 128]];
/// For each value from 1 on, which of the colours (in reading order as stored) is shown top left, top right, bottom left, bottom
/// right: as EXIF's standard puts the first row and column.
const SHOWN: [[usize; 4]; 8] =
    [[0, 1, 2, 3], [1, 0, 3, 2], [3, 2, 1, 0], [2, 3, 0, 1], [0, 2, 1, 3], [2, 0, 3, 1], [3, 1, 2, 0], [1, 3, 0, 2]];

/// 64 x 32 pixels, a colour in each quarter.
fn pixels() -> Vec<u8> {
    (0..64 * 32).flat_map(|i| COLOURS[(i / 64 / 16) * 2 + i % 64 / 32]).collect()
}

fn seen(image: &Image) -> [usize; 4] {
    let (w, h) = (image.width, image.height);
    [(w / 4, h / 4), (3 * w / 4, h / 4), (w / 4, 3 * h / 4), (3 * w / 4, 3 * h / 4)].map(|(x, y)| {
        let seen = pixel(image, x, y);
        // JPEG and WebP are lossy by some levels; the colours are a hundred apart.
        COLOURS.iter().position(|colour| near(*colour, seen, 24)).unwrap_or_else(|| panic!("{seen:?} is none of them"))
    })
}

#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn two(self, value: u16) -> [u8; 2] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    fn four(self, value: u32) -> [u8; 4] {
        match self {
            Order::Little => value.to_le_bytes(),
            Order::Big => value.to_be_bytes(),
        }
    }

    /// A TIFF file of one directory; short values stand in their entry's first half.
    fn tiff(self, entries: &[(u16, u16, u32, u32)], rest: &[u8]) -> Vec<u8> {
        let mut bytes = match self {
            Order::Little => b"II".to_vec(),
            Order::Big => b"MM".to_vec(),
        };
        bytes.extend([&self.two(42)[..], &self.four(8), &self.two(entries.len() as u16)].concat());
        for &(tag, kind, count, value) in entries {
            bytes.extend([&self.two(tag)[..], &self.two(kind), &self.four(count)].concat());
            match (kind, count) {
                (3, 1) => bytes.extend([self.two(value as u16), [0; 2]].concat()),
                _ => bytes.extend(self.four(value)),
            }
        }
        bytes.extend(self.four(0));
        bytes.extend(rest);
        bytes
    }

    fn exif(self, value: u32) -> Vec<u8> {
        self.tiff(&[(0x0112, 3, 1, value)], &[])
    }

    /// The picture itself, without compression.
    fn picture(self, value: u32) -> Vec<u8> {
        let strip = 8 + 2 + 12 * 10 + 4;
        let entries = [
            (256, 3, 1, 64),
            (257, 3, 1, 32),
            (258, 3, 3, strip + 64 * 32 * 3),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (273, 4, 1, strip),
            (274, 3, 1, value),
            (277, 3, 1, 3),
            (278, 3, 1, 32),
            (279, 4, 1, 64 * 32 * 3),
        ];
        self.tiff(&entries, &[pixels(), [8; 3].map(|bits| self.two(bits)).concat()].concat())
    }
}

fn in_jpeg(plain: &[u8], exif: &[u8]) -> Vec<u8> {
    let length = (8 + exif.len() as u16).to_be_bytes();
    [&plain[..2], b"\xff\xe1", &length, b"Exif\0\0", exif, &plain[2..]].concat()
}

/// Before the pixels, or behind them.
fn in_png(plain: &[u8], exif: &[u8], behind: bool) -> Vec<u8> {
    let body = [b"eXIf", exif].concat();
    let chunk = [&(exif.len() as u32).to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat();
    // Behind the header's 25 bytes, or before the last chunk's 12.
    let place = if behind { plain.len() - 12 } else { 8 + 25 };
    [&plain[..place], &chunk, &plain[place..]].concat()
}

fn in_webp(plain: &[u8], exif: &[u8]) -> Vec<u8> {
    let mut body = b"WEBPVP8X\x0a\0\0\0\x08\0\0\0\x3f\0\0\x1f\0\0".to_vec();
    body.extend(&plain[12..]);
    body.extend([b"EXIF", &(exif.len() as u32).to_le_bytes()[..], exif].concat());
    body.resize(body.len().next_multiple_of(2), 0);
    [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
}

#[test]
fn every_value_in_every_format_and_byte_order() {
    let clips = Clips::new();
    clips.write("raw", &pixels());
    let from = "-f rawvideo -pix_fmt rgb24 -s 64x32 -i raw -frames:v 1";
    clips.ffmpeg(&format!("{from} -pix_fmt yuvj444p -q:v 2 plain.jpg {from} plain.png {from} -lossless 1 plain.webp"));
    let [jpeg, png, webp] = ["plain.jpg", "plain.png", "plain.webp"].map(|name| clips.read(name));
    for order in [Order::Little, Order::Big] {
        for value in 0..=10 {
            let exif = order.exif(value);
            // An invalid one is none.
            let want = SHOWN[if (1..=8).contains(&value) { value as usize - 1 } else { 0 }];
            for (name, bytes) in [
                ("a.jpg", in_jpeg(&jpeg, &exif)),
                ("a.png", in_png(&png, &exif, false)),
                ("b.png", in_png(&png, &exif, true)),
                ("a.webp", in_webp(&webp, &exif)),
                ("b.webp", in_webp(&webp, &[b"Exif\0\0", &exif[..]].concat())),
                ("a.tif", order.picture(value)),
            ] {
                clips.write(name, &bytes);
                let clip = clips.decode(name);
                assert_eq!(seen(&clip.frames[0].image), want, "{name}: {value}");
                let size = if (5..=8).contains(&value) { (32, 64) } else { (64, 32) };
                assert_eq!((clip.info.width, clip.info.height), size, "{name}: {value}");
                let facts = (clip.info.rotation, clip.info.mirrored);
                let said = [
                    (0, false),
                    (0, true),
                    (180, false),
                    (180, true),
                    (270, true),
                    (90, false),
                    (90, true),
                    (270, false),
                ];
                assert_eq!(
                    facts,
                    said[if (1..=8).contains(&value) { value as usize - 1 } else { 0 }],
                    "{name}: {value}"
                );
            }
        }
    }
    // Cut within the note: no note, and a picture where the decoder still takes the file.
    let whole = in_webp(&webp, &Order::Big.exif(6));
    for end in whole.len() - 30..whole.len() {
        clips.write("cut.webp", &whole[..end]);
        if let Ok(mut video) = Video::open(&clips.path("cut.webp"), &Default::default()) {
            let frame = video.next_frame().unwrap().unwrap();
            assert!([SHOWN[0], SHOWN[5]].contains(&seen(&frame.image)), "{end}");
        }
    }
}

/// In a box of its own before that of the pixels.
fn in_jpeg_2000(plain: &[u8], exif: &[u8]) -> Vec<u8> {
    let pixels = plain.windows(4).position(|kind| kind == b"jp2c").unwrap() - 4;
    let length = (24 + exif.len() as u32).to_be_bytes();
    [&plain[..pixels], &length, b"uuidJpgTiffExif->JP2", exif, &plain[pixels..]].concat()
}

/// FFmpeg opens these as videos of one frame or more.
#[test]
fn pictures_that_are_opened_as_videos() {
    let clips = Clips::new();
    clips.write("raw", &[pixels(), pixels()].concat());
    let from = "-f rawvideo -pix_fmt rgb24 -s 64x32 -i raw";
    clips.ffmpeg(&format!("{from} -f apng plain.apng {from} -frames:v 1 -c:v jpeg2000 -pix_fmt rgb24 plain.jp2"));
    clips.ffmpeg(&format!(
        "{from} -frames:v 1 -pix_fmt yuvj444p -q:v 2 plain.jpg {from} -frames:v 1 plain.png {from} -frames:v 1 -lossless 1 \
         plain.webp"
    ));
    let [animated, jpeg_2000] = ["plain.apng", "plain.jp2"].map(|name| clips.read(name));
    let [jpeg, png, webp] = ["plain.jpg", "plain.png", "plain.webp"].map(|name| clips.read(name));
    for value in 1..=8 {
        let exif = Order::Big.exif(value);
        for (name, bytes, frames) in [
            ("a.apng", in_png(&animated, &exif, false), 2),
            ("animated.png", in_png(&animated, &exif, false), 2),
            ("a.jp2", in_jpeg_2000(&jpeg_2000, &exif), 1),
            ("jpeg", in_jpeg(&jpeg, &exif), 1),
            ("png", in_png(&png, &exif, true), 1),
            ("webp", in_webp(&webp, &exif), 1),
            ("tiff", Order::Big.picture(value), 1),
        ] {
            clips.write(name, &bytes);
            let clip = clips.decode(name);
            assert_eq!(clip.frames.len(), frames, "{name}");
            for frame in &clip.frames {
                assert_eq!(seen(&frame.image), SHOWN[value as usize - 1], "{name}: {value}");
            }
        }
    }
}

/// AVIF's note is a property of the picture, not EXIF. FFmpeg writes none, so one of its other properties is made it.
#[test]
fn avif_is_turned_by_its_properties() {
    let clips = Clips::new();
    clips.write("raw", &pixels());
    let from = "-f rawvideo -pix_fmt rgb24 -s 64x32 -i raw -frames:v 1";
    clips.ffmpeg(&format!("{from} -c:v libaom-av1 -still-picture 1 -crf 10 -pix_fmt yuv444p -f avif plain.avif"));
    let plain = clips.read("plain.avif");
    let place = |kind: &[u8; 4]| plain.windows(4).position(|four| four == kind).unwrap();
    let with = |properties: &[(&[u8; 4], &[u8; 4], u8)]| {
        let mut bytes = plain.clone();
        for (before, kind, value) in properties {
            let at = place(before);
            bytes[at..at + 4].copy_from_slice(*kind);
            bytes[at + 4] = *value;
        }
        clips.write("a.avif", &bytes);
        seen(&clips.decode("a.avif").frames[0].image)
    };
    assert_eq!(with(&[]), SHOWN[0]);
    for (quarters, exif) in [(0, 1), (1, 8), (2, 3), (3, 6)] {
        assert_eq!(with(&[(b"pixi", b"irot", quarters)]), SHOWN[exif - 1], "{quarters} quarters against the clock");
    }
    // Mirrored after it is turned: 0 exchanges top and bottom, 1 left and right.
    for (turn, axis, exif) in [(1, 0, 5), (3, 0, 7), (0, 0, 4), (0, 1, 2)] {
        let properties: [(&[u8; 4], &[u8; 4], u8); 2] = [(b"pixi", b"irot", turn), (b"colr", b"imir", axis)];
        assert_eq!(with(&properties), SHOWN[exif - 1], "{turn} {axis}");
    }
}

#[test]
fn an_animated_webp_says_what_to_do() {
    let clips = Clips::new();
    clips.ffmpeg("-f lavfi -i testsrc=s=32x32:r=5 -frames:v 3 -c:v libwebp_anim a.webp");
    std::fs::copy(clips.path("a.webp"), clips.path("a.gif")).unwrap();
    for name in ["a.webp", "a.gif"] {
        // Where this FFmpeg reads it, nothing is to be said.
        match Video::open(&clips.path(name), &Default::default()) {
            Ok(_) => {}
            Err(error) => {
                assert!(matches!(error, MediaError::AnimatedWebp { .. }), "{error}");
                assert!(error.to_string().contains(name) && error.to_string().contains("convert it"), "{error}");
            }
        }
    }
    // Among pictures it is left out, and its neighbours are read.
    let folder = clips.path("pictures");
    std::fs::create_dir(&folder).unwrap();
    clips.ffmpeg("-f lavfi -i testsrc=s=32x32 -frames:v 2 pictures/%d.png");
    std::fs::rename(clips.path("a.webp"), folder.join("3.webp")).unwrap();
    let clip = crate::decode_clips::decode(&folder);
    assert_eq!((clip.frames.len(), clip.report.damaged), (2, 1));
    assert!(clip.report.warnings[0].contains("animated WebP"), "{:?}", clip.report.warnings);
}
