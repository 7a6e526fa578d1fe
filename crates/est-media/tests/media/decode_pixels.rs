//! The right pixels, the right way up, in the right colours.

use crate::decode_clips::{Clips, decode, near, pixel};
use est_media::error::MediaError;
use est_media::{DecodeOptions, Video};

/// Bytes without a pattern that a filter or rounding could keep by chance.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn png_is_exact() {
    let clips = Clips::new();
    let (w, h) = (37, 23);
    let rgb = noise(w * h * 3);
    clips.write("rgb", &rgb);
    let raw = format!("-f rawvideo -s {w}x{h} -pix_fmt");
    clips.ffmpeg(&format!("{raw} rgb24 -i rgb a.png"));
    let clip = clips.decode("a.png");
    assert_eq!((clip.times(), clip.info.frames, clip.info.codec.as_str()), (vec![0.0], Some(1), "png"));
    assert_eq!((clip.info.width, clip.info.height), (w, h));
    assert_eq!(clip.frames[0].image.data, rgb);

    // Alpha is left away, 16 bits lose the lower 8, gray becomes three equal channels.
    let rgba: Vec<u8> = rgb.chunks(3).zip(noise(w * h)).flat_map(|(rgb, a)| [rgb[0], rgb[1], rgb[2], a]).collect();
    clips.write("rgba", &rgba);
    clips.ffmpeg(&format!("{raw} rgba -i rgba b.png"));
    assert_eq!(clips.decode("b.png").frames[0].image.data, rgb);
    let deep: Vec<u8> = rgb.iter().zip(noise(w * h * 3)).flat_map(|(&high, low)| [high, low]).collect();
    clips.write("deep", &deep);
    clips.ffmpeg(&format!("{raw} rgb48be -i deep c.png"));
    assert_eq!(clips.decode("c.png").frames[0].image.data, rgb);
    clips.write("gray", &rgb[..w * h]);
    clips.ffmpeg(&format!("{raw} gray -i gray d.png"));
    let gray = rgb[..w * h].iter().flat_map(|&v| [v, v, v]).collect::<Vec<u8>>();
    assert_eq!(clips.decode("d.png").frames[0].image.data, gray);
}

#[test]
fn images_of_any_kind_and_size() {
    let clips = Clips::new();
    for (i, name) in ["1.bmp", "2.ppm", "3.tif", "4.png", "5.pgm"].iter().enumerate() {
        clips.ffmpeg(&format!("-f lavfi -i color=red:s={}x{},format=rgb24 -frames:v 1 {name}", 20 + i, 30 - i));
    }
    clips.ffmpeg("-f lavfi -i color=red:s=25x25,format=rgb24 -frames:v 1 -pix_fmt yuvj420p 6.jpg");
    // Extensions lie: this is a JPEG.
    std::fs::copy(clips.path("6.jpg"), clips.path("7.PNG")).unwrap();
    let folder = clips.path("1.bmp").parent().unwrap().to_owned();
    let clip = decode(&folder);
    assert_eq!(clip.frames.len(), 7, "{:?}", clip.report);
    for (i, frame) in clip.frames.iter().enumerate() {
        let size = if i < 5 { (20 + i, 30 - i) } else { (25, 25) };
        assert_eq!((frame.image.width, frame.image.height), size);
        // Red becomes gray 76 (0.299 of 255) in a PGM; JPEG rounds.
        let want = if i == 4 { [76; 3] } else { [254, 0, 0] };
        let got = pixel(&frame.image, 10, 10);
        assert!(near(got, want, 2), "{i}: {got:?}");
    }
}

/// Four patches; 8-bit YCbCr can be two levels off RGB (half a level of each, times at most 2.1), and the conversion
/// one more.
const COLOURS: [[u8; 3]; 4] = [[200, 50, 40], [30, 160, 70], [40, 60, 210], [128, 128, 128]];
const COLOUR_TOLERANCE: u8 = 3;

#[test]
fn matrix_range_and_depth_are_honoured() {
    let clips = Clips::new();
    let patches: Vec<u8> = (0..64 * 64).flat_map(|i| COLOURS[(i / 64 / 32) * 2 + i % 64 / 32]).collect();
    clips.write("rgb", &patches);
    let lossless = "-c:v ffv1 -level 3";
    let check = |matrix: &str, tag: &str, range: &str, format: &str| {
        let scale = format!("scale=out_color_matrix={matrix}:out_range={range}:flags=accurate_rnd,format={format}");
        let tags = format!("-colorspace {tag} -color_range {range}");
        clips.ffmpeg(&format!("-f rawvideo -pix_fmt rgb24 -s 64x64 -i rgb -vf {scale} {lossless} {tags} a.mkv"));
        let clip = clips.decode("a.mkv");
        for (i, want) in COLOURS.into_iter().enumerate() {
            let got = pixel(&clip.frames[0].image, 16 + i % 2 * 32, 16 + i / 2 * 32);
            assert!(near(got, want, COLOUR_TOLERANCE), "{matrix} {range} {format}: {got:?} for {want:?}");
        }
    };
    for (matrix, tag) in [("bt601", "smpte170m"), ("bt709", "bt709"), ("bt2020", "bt2020nc")] {
        for range in ["tv", "pc"] {
            check(matrix, tag, range, "yuv420p");
            check(matrix, tag, range, "yuv444p10le");
        }
    }
    for format in ["yuv422p", "yuv440p", "yuv411p", "yuv410p", "yuva420p", "yuv420p16le"] {
        check("bt709", "bt709", "tv", format);
    }
    for format in ["gbrp", "bgra", "gbrp10le", "rgb48le"] {
        clips.ffmpeg(&format!("-f rawvideo -pix_fmt rgb24 -s 64x64 -i rgb -pix_fmt {format} {lossless} a.mkv"));
        let data = &clips.decode("a.mkv").frames[0].image.data;
        // swscale takes 10-bit GBR through its own arithmetic: one level.
        let apart = data.iter().zip(&patches).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(apart <= Some(if format == "gbrp10le" { 1 } else { 0 }), "{format}: {apart:?}");
    }
    clips.ffmpeg("-f rawvideo -pix_fmt rgb24 -s 64x64 -i rgb -pix_fmt gray10le -c:v ffv1 -level 3 a.mkv");
    let image = &clips.decode("a.mkv").frames[0].image;
    assert!(near(pixel(image, 50, 50), [128; 3], 1), "{:?}", pixel(image, 50, 50));
    // Bottom-up rows, packed YCbCr.
    clips.ffmpeg("-f rawvideo -pix_fmt rgb24 -s 64x64 -i rgb -pix_fmt bgr24 -c:v rawvideo a.avi");
    assert_eq!(clips.decode("a.avi").frames[0].image.data, patches);
    clips.ffmpeg("-f rawvideo -pix_fmt rgb24 -s 64x64 -i rgb -pix_fmt uyvy422 -c:v rawvideo a.avi");
    let image = &clips.decode("a.avi").frames[0].image;
    assert!(near(pixel(image, 16, 16), COLOURS[0], COLOUR_TOLERANCE), "{:?}", pixel(image, 16, 16));
}

#[test]
fn unnamed_colours_are_bt709_from_720_lines_on() {
    let clips = Clips::new();
    for (size, matrix) in [("64x48", "bt601"), ("1280x720", "bt709")] {
        let scale = format!("scale=out_color_matrix={matrix}:out_range=tv,format=yuv420p");
        let source = format!("-f lavfi -i color=0xC83228:s={size},format=rgb24 -frames:v 1 -vf {scale}");
        clips.ffmpeg(&format!("{source} -c:v libx264 -preset ultrafast -qp 0 a.h264"));
        let got = pixel(&clips.decode("a.h264").frames[0].image, 30, 30);
        assert!(near(got, COLOURS[0], COLOUR_TOLERANCE), "{size}: {got:?}");
    }
}

/// Red, green, blue, gray from top left to bottom right, 64 x 32 pixels.
fn corners(clips: &Clips, output: &str) {
    let pixels: Vec<u8> = (0..64 * 32).flat_map(|i| COLOURS[(i / 64 / 16) * 2 + i % 64 / 32]).collect();
    clips.write("corners", &pixels);
    clips.ffmpeg(&format!("-f rawvideo -pix_fmt rgb24 -s 64x32 -i corners -frames:v 1 {output}"));
}

/// Which colour is top left, top right, bottom left, bottom right.
fn seen(image: &est_media::Image) -> Vec<usize> {
    let (w, h) = (image.width, image.height);
    let spots = [(w / 4, h / 4), (3 * w / 4, h / 4), (w / 4, 3 * h / 4), (3 * w / 4, 3 * h / 4)];
    // Lossy by a few levels; the colours are a hundred apart.
    let colour = |(x, y)| COLOURS.iter().position(|colour| near(*colour, pixel(image, x, y), 16));
    spots.into_iter().map(|spot| colour(spot).expect("one of the colours")).collect()
}

/// Writes `a b c d` into the display matrix of an MP4's only track.
fn with_matrix(mp4: &[u8], [a, b, c, d]: [i32; 4]) -> Vec<u8> {
    let mut mp4 = mp4.to_vec();
    let header = mp4.windows(4).position(|four| four == b"tkhd").expect("a track header");
    // 40 bytes of version, flags, times, id, duration, layer and volume lie between the box's name and its matrix.
    let matrix = header + 4 + 40;
    for (i, value) in [a, b, 0, c, d].into_iter().enumerate() {
        mp4[matrix + 4 * i..][..4].copy_from_slice(&(value << 16).to_be_bytes());
    }
    mp4
}

#[test]
fn rotation_and_mirroring_are_applied() {
    let clips = Clips::new();
    corners(&clips, "-c:v libx264 -pix_fmt yuv420p -qp 4 upright.mp4");
    let upright = clips.read("upright.mp4");
    // What phones write: x right, y down, x' = a x + c y, y' = b x + d y.
    let cases = [
        ([1, 0, 0, 1], 0, false, [0, 1, 2, 3]),
        ([0, 1, -1, 0], 90, false, [2, 0, 3, 1]),
        ([-1, 0, 0, -1], 180, false, [3, 2, 1, 0]),
        ([0, -1, 1, 0], 270, false, [1, 3, 0, 2]),
        ([-1, 0, 0, 1], 0, true, [1, 0, 3, 2]),
        ([1, 0, 0, -1], 180, true, [2, 3, 0, 1]),
    ];
    for (matrix, rotation, mirrored, want) in cases {
        clips.write("turned.mp4", &with_matrix(&upright, matrix));
        let clip = clips.decode("turned.mp4");
        assert_eq!((clip.info.rotation, clip.info.mirrored), (rotation, mirrored), "{matrix:?}");
        let size = if rotation % 180 == 0 { (64, 32) } else { (32, 64) };
        assert_eq!((clip.info.width, clip.info.height), size);
        let image = &clip.frames[0].image;
        assert_eq!((image.width, image.height), size);
        assert_eq!(seen(image), want, "{matrix:?}");
        // ffmpeg, which turns as players do, agrees; its older versions do not mirror.
        if !mirrored {
            clips.ffmpeg("-i turned.mp4 -pix_fmt rgb24 -f rawvideo shown");
            assert_eq!(seen(&est_media::Image::new(size.0, size.1, clips.read("shown"))), want, "{matrix:?}");
        }
    }
    clips.write("slanted.mp4", &with_matrix(&upright, [2, 1, -1, 2]));
    let clip = clips.decode("slanted.mp4");
    assert_eq!(seen(&clip.frames[0].image), [0, 1, 2, 3]);
    assert!(clip.report.warnings[0].contains("26.6 degrees"), "{:?}", clip.report.warnings);
}

#[test]
fn the_orientation_a_camera_noted_is_applied() {
    let clips = Clips::new();
    corners(&clips, "-pix_fmt yuvj444p -q:v 2 plain.jpg");
    let plain = clips.read("plain.jpg");
    // Values of the EXIF tag, in its standard's order: as stored, mirrored, 180, ..., 90 clockwise, ..., 270.
    let cases = [(1, [0, 1, 2, 3]), (2, [1, 0, 3, 2]), (3, [3, 2, 1, 0]), (6, [2, 0, 3, 1]), (8, [1, 3, 0, 2])];
    for (value, want) in cases {
        let mut tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        tiff.extend([value, 0, 0, 0, 0, 0, 0]);
        let mut jpeg = plain[..2].to_vec();
        jpeg.extend([0xff, 0xe1, 0, 8 + tiff.len() as u8]);
        jpeg.extend(b"Exif\0\0");
        jpeg.extend(tiff);
        jpeg.extend(&plain[2..]);
        clips.write("noted.jpg", &jpeg);
        assert_eq!(seen(&clips.decode("noted.jpg").frames[0].image), want, "{value}");
    }
}

#[test]
fn a_change_of_size_keeps_each_frames_own() {
    let clips = Clips::new();
    for (size, name) in [("64x48", "a.ts"), ("96x80", "b.ts")] {
        clips.ffmpeg(&format!("-f lavfi -i testsrc=s={size}:r=25 -frames:v 10 -c:v libx264 -preset ultrafast {name}"));
    }
    let joined = [clips.read("a.ts"), clips.read("b.ts")].concat();
    clips.write("c.ts", &joined);
    let clip = clips.decode("c.ts");
    let sizes: Vec<_> = clip.frames.iter().map(|frame| (frame.image.width, frame.image.height)).collect();
    assert_eq!(sizes, [vec![(64, 48); 10], vec![(96, 80); 10]].concat());
    assert!(clip.report.warnings.iter().any(|w| w.contains("changes to 96 x 80")), "{:?}", clip.report.warnings);
}

#[test]
fn extreme_sizes() {
    let clips = Clips::new();
    clips.ffmpeg(
        "-f lavfi -i testsrc=s=10000x16:r=25 -frames:v 3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p wide.mp4",
    );
    let clip = clips.decode("wide.mp4");
    assert_eq!((clip.frames.len(), clip.info.width, clip.info.height), (3, 10_000, 16));
    for size in ["1x1", "2x2", "3x1", "1x7"] {
        clips.ffmpeg(&format!("-f lavfi -i color=red:s={size},format=rgb24 -frames:v 1 tiny.png"));
        assert!(near(pixel(&clips.decode("tiny.png").frames[0].image, 0, 0), [254, 0, 0], 1));
        clips.ffmpeg("-i tiny.png -pix_fmt yuv420p -c:v ffv1 tiny.mkv");
        assert_eq!(clips.decode("tiny.mkv").frames.len(), 1);
    }
    clips.ffmpeg("-f lavfi -i color=s=16400x2,format=gray -frames:v 1 -c:v ffv1 huge.mkv");
    let error = clips.error("huge.mkv");
    assert!(matches!(error, MediaError::TooLarge { width: 16_400, height: 2, .. }), "{error}");
    clips.ffmpeg("-f lavfi -i color=s=16400x2,format=gray -frames:v 1 huge.png");
    assert!(clips.error("huge.png").to_string().contains("too large"));
}

#[test]
fn a_list_keeps_its_order() {
    let clips = Clips::new();
    clips.counting(3, "s%d.png");
    let paths = ["s3.png", "s1.png", "s2.png"].map(|name| clips.path(name)).to_vec();
    let mut video = Video::images(paths, &DecodeOptions::default()).unwrap();
    let mut levels = Vec::new();
    while let Some(frame) = video.next_frame().unwrap() {
        levels.push(frame.image.data[0]);
    }
    assert!(levels[1] < levels[2] && levels[2] < levels[0], "{levels:?}");
    let error = Video::images(vec![clips.path("s1.png")], &DecodeOptions { fps: 0.0, ..DecodeOptions::default() })
        .err()
        .unwrap();
    assert!(matches!(error, MediaError::BadRate { .. }));
}
