//! Pixels that are not square, in every place where a file may say so, against what FFmpeg's own program makes of it.

use crate::decode_clips::{Clips, Decoded, near, pixel};

/// A white ring on black that is a circle 80 wide and high where the picture is shown 160 x 120, stored as `size`.
fn circle(clips: &Clips, size: &str, output: &str) {
    let ring = "color=black:s=160x120:r=25,format=gray,geq=lum=if(lt(hypot(X-79.5\\,Y-59.5)\\,40)\\,255\\,0)";
    clips.ffmpeg(&format!("-f lavfi -i {ring} -frames:v 3 -vf scale={size}:flags=bicubic,format=yuv420p,{output}"));
}

/// Width and height of what is bright.
fn extent(clip: &Decoded) -> (usize, usize) {
    let image = &clip.frames[0].image;
    let bright = |x: usize, y: usize| pixel(image, x, y)[1] > 127;
    let columns = (0..image.width).filter(|&x| (0..image.height).any(|y| bright(x, y))).count();
    let rows = (0..image.height).filter(|&y| (0..image.width).any(|x| bright(x, y))).count();
    (columns, rows)
}

#[track_caller]
fn is_round(clip: &Decoded, name: &str) {
    let (wide, high) = extent(clip);
    // An edge may be a pixel off each way after two scalings.
    assert!(wide.abs_diff(high) <= 2 && wide >= 36, "{name}: {wide} x {high}");
}

/// What players show: the container's shape, or else the picture's, as ffprobe says.
fn players_shape(clips: &Clips, name: &str) -> f64 {
    let entries = "-select_streams v:0 -show_entries stream=sample_aspect_ratio -of csv=p=0";
    let said = clips.run("ffprobe", &format!("-v error {entries} {name}"));
    // Of a transport stream it says it twice.
    let ratio = said
        .lines()
        .next()
        .and_then(|line| line.split_once(':'))
        .and_then(|(wide, high)| Some(wide.parse::<f64>().ok()? / high.trim_end_matches(',').parse::<f64>().ok()?));
    ratio.filter(|ratio| ratio.is_finite() && *ratio > 0.0).unwrap_or(1.0)
}

#[test]
fn a_circle_is_round_whatever_says_so() {
    let clips = Clips::new();
    // Stored 80 wide: pixels twice as wide as high; or 60 high: half as wide.
    let x264 = "-c:v libx264 -preset ultrafast -qp 10";
    let cases = [
        ("80:120", "2/1", x264, "bitstream.ts"),
        ("80:120", "2/1", x264, "both.mp4"),
        ("160:60", "1/2", x264, "tall.mkv"),
        ("80:120", "2/1", "-c:v libvpx -deadline realtime -crf 10 -b:v 1M", "container.webm"),
        ("80:120", "2/1", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20 -b:v 1M", "container.mp4"),
        ("80:120", "2/1", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", "container.mov"),
        ("160:60", "1/2", "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p", "vprp.avi"),
        ("80:120", "2/1", "-c:v mpeg2video -q:v 2 -aspect 4:3", "dar.mpg"),
        ("80:120", "2/1", "-pix_fmt yuv420p", "header.y4m"),
        ("80:120", "2/1", "-c:v ffv1 -level 3", "a.nut"),
    ];
    for (size, shape, codec, name) in cases {
        circle(&clips, size, &format!("setsar={shape} {codec} {name}"));
        let clip = clips.decode(name);
        is_round(&clip, name);
        assert_eq!((clip.info.width, clip.info.height), (160, 120), "{name}");
        assert_eq!(clip.info.stored_width, if shape == "2/1" { 80 } else { 160 }, "{name}");
        assert_eq!(clip.info.pixel_aspect, if shape == "2/1" { 2.0 } else { 0.5 }, "{name}");
        assert!(clip.report.warnings.is_empty(), "{name}: {:?}", clip.report.warnings);
        let apart = clip.info.pixel_aspect / players_shape(&clips, name) - 1.0;
        assert!(apart.abs() < 0.01, "{name}: players show {}", players_shape(&clips, name));
    }
    // Square ones keep every byte, and so do those that only rounding made uneven.
    circle(&clips, "160:120", &format!("setsar=1 {x264} square.mp4"));
    circle(&clips, "160:120", &format!("setsar=1280/1281 {x264} rounded.mp4"));
    let [square, rounded] = ["square.mp4", "rounded.mp4"].map(|name| clips.decode(name));
    assert_eq!(square.frames[0].image, rounded.frames[0].image);
    assert_eq!((rounded.info.pixel_aspect, rounded.info.stored_height), (1.0, 120));
}

#[test]
fn the_container_goes_before_the_bitstream() {
    let clips = Clips::new();
    circle(&clips, "80:120", "setsar=4/3 -c:v libx264 -preset ultrafast -qp 10 wrong.mp4");
    for name in ["right.mp4", "right.mkv"] {
        clips.ffmpeg(&format!("-i wrong.mp4 -c copy -aspect 4:3 {name}"));
        let clip = clips.decode(name);
        is_round(&clip, name);
        assert_eq!(clip.info.pixel_aspect, players_shape(&clips, name), "{name}");
    }
    // Without `pasp` the track's matrix, and its size.
    circle(&clips, "80:120", "setsar=0 -c:v libx264 -preset ultrafast -qp 10 nothing.mp4");
    let bytes = clips.read("nothing.mp4");
    let head = bytes.windows(4).position(|four| four == b"tkhd").expect("a track") + 4;
    for (at, number, name) in [(40, 2u32 << 16, "matrix.mp4"), (76, 160 << 16, "size.mp4")] {
        let mut bytes = bytes.clone();
        bytes[head + at..head + at + 4].copy_from_slice(&number.to_be_bytes());
        clips.write(name, &bytes);
        let clip = clips.decode(name);
        is_round(&clip, name);
        assert_eq!(clip.info.pixel_aspect, players_shape(&clips, name), "{name}");
    }
    // Fragmented, and with the index behind everything.
    clips.ffmpeg("-i right.mkv -c copy -movflags frag_keyframe+empty_moov fragments.mp4");
    is_round(&clips.decode("fragments.mp4"), "fragments.mp4");
    // The second track has its own.
    clips.ffmpeg("-i wrong.mp4 -i right.mp4 -map 0:v -map 1:v -c copy two.mp4");
    let options = est_media::DecodeOptions { stream: Some(2), ..Default::default() };
    is_round(&crate::decode_clips::decode_with(&clips.path("two.mp4"), &options), "two.mp4");
    // A name that is no text is opened another way.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let odd = clips.path("x").with_file_name(std::ffi::OsStr::from_bytes(b"\xff.mkv"));
        std::fs::copy(clips.path("right.mkv"), &odd).unwrap();
        is_round(&crate::decode_clips::decode(&odd), "odd name");
    }
}

#[test]
fn turned_pictures_swap_the_axes() {
    let clips = Clips::new();
    for (rotation, name) in [(90, "a.mp4"), (270, "b.mp4"), (180, "c.mp4")] {
        circle(&clips, "80:120", "setsar=2/1 -c:v libx264 -preset ultrafast -qp 10 plain.mp4");
        clips.ffmpeg(&format!("-i plain.mp4 -c copy -metadata:s:v rotate={rotation} {name}"));
        let clip = clips.decode(name);
        is_round(&clip, name);
        let size = if rotation == 180 { (160, 120) } else { (120, 160) };
        // FFmpeg's word counts the other way round.
        assert_eq!(((clip.info.width, clip.info.height), clip.info.rotation), (size, 360 - rotation));
        assert_eq!((clip.info.stored_width, clip.info.stored_height, clip.info.pixel_aspect), (80, 120, 2.0));
    }
}

#[test]
fn a_shape_may_change_on_the_way() {
    let clips = Clips::new();
    // A broadcast goes from 4:3 to 16:9 at the same stored size.
    for (shape, name) in [("1/1", "a.ts"), ("2/1", "b.ts")] {
        circle(&clips, "80:120", &format!("setsar={shape} -c:v mpeg2video -q:v 2 {name}"));
    }
    clips.write("both.ts", &["a.ts", "b.ts"].map(|name| clips.read(name)).concat());
    let clip = clips.decode("both.ts");
    let sizes: Vec<(usize, usize)> = clip.frames.iter().map(|frame| (frame.image.width, frame.image.height)).collect();
    assert_eq!((sizes[0], *sizes.last().unwrap()), ((80, 120), (160, 120)), "{sizes:?}");
    let told = clip.report.warnings.iter().any(|warning| warning.contains("on pixels are 2.000 times as wide as high"));
    assert!(told, "{:?}", clip.report.warnings);
}

#[test]
fn shapes_that_make_no_sense_are_told_and_ignored() {
    let clips = Clips::new();
    circle(&clips, "160:120", "setsar=100/1 -c:v libx264 -preset ultrafast bitstream.ts");
    circle(&clips, "160:120", "setsar=2/1 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 a.mp4");
    let mut bytes = clips.read("a.mp4");
    let at = bytes.windows(4).position(|four| four == b"pasp").expect("a shape") + 4;
    for shape in [[0, 1], [1, 0], [0, 0], [900, 2], [u32::MAX, u32::MAX - 1]] {
        bytes[at..at + 8].copy_from_slice(&shape.map(u32::to_be_bytes).concat());
        clips.write("pasp.mp4", &bytes);
        let clip = clips.decode("pasp.mp4");
        assert_eq!((clip.info.width, clip.info.height, clip.info.pixel_aspect), (160, 120, 1.0), "{shape:?}");
        let told = clip.report.warnings.iter().any(|warning| warning.contains("make no sense"));
        assert_eq!(told, shape[0] != u32::MAX, "{shape:?}: {:?}", clip.report.warnings);
    }
    let clip = clips.decode("bitstream.ts");
    assert_eq!((clip.info.width, clip.report.warnings.len()), (160, 1), "{:?}", clip.report.warnings);
    assert!(clip.report.warnings[0].contains("100:1"), "{:?}", clip.report.warnings);
}

#[test]
fn the_largest_side_is_kept() {
    let clips = Clips::new();
    clips
        .ffmpeg("-f lavfi -i color=white:s=12000x64,format=yuv420p,setsar=2/1 -frames:v 1 -c:v ffv1 -level 3 wide.mkv");
    let clip = clips.decode("wide.mkv");
    assert_eq!((clip.info.width, clip.info.height), (12_000, 32));
    assert!(near(pixel(&clip.frames[0].image, 6000, 16), [255; 3], 1));
}

#[test]
fn frames_written_by_ffmpeg_as_pictures_keep_their_shape() {
    let clips = Clips::new();
    for (output, name) in [("", "a.png"), ("-pix_fmt yuvj420p -q:v 2", "a.jpg"), ("", "a.tif")] {
        circle(&clips, "80:120", &format!("setsar=2/1 -frames:v 1 {output} {name}"));
        let clip = clips.decode(name);
        is_round(&clip, name);
        assert_eq!((clip.info.width, clip.info.stored_width, clip.info.pixel_aspect), (160, 80, 2.0), "{name}");
    }
    // Dots per metre or inch are for printers.
    let mut png = clips.read("a.png");
    let at = png.windows(4).position(|four| four == b"pHYs").unwrap();
    png[at + 12] = 1;
    let sum = crc32fast::hash(&png[at..at + 13]);
    png[at + 13..at + 17].copy_from_slice(&sum.to_be_bytes());
    clips.write("metre.png", &png);
    let mut jpeg = clips.read("a.jpg");
    jpeg[13] = 1;
    clips.write("inch.jpg", &jpeg);
    for name in ["metre.png", "inch.jpg"] {
        let clip = clips.decode(name);
        assert_eq!((clip.info.width, clip.info.pixel_aspect), (80, 1.0), "{name}: {:?}", clip.report.warnings);
    }
}
