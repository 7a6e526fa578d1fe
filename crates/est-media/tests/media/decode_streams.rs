//! Files with several video streams, and the zero of their times.

use crate::decode_clips::{Clips, decode_with};
use est_media::error::MediaError;
use est_media::{DecodeOptions, Video};

fn stream(number: u32) -> DecodeOptions {
    DecodeOptions { stream: Some(number), ..DecodeOptions::default() }
}

#[test]
fn one_of_several_cameras() {
    let clips = Clips::new();
    let both = "-f lavfi -i color=red:s=64x48:r=25:d=0.4 -f lavfi -i color=blue:s=32x48:r=25:d=0.4 -map 0:v -map 1:v";
    for name in ["a.mkv", "a.mp4", "a.ts"] {
        clips.ffmpeg(&format!(
            "{both} -c:v libx264 -preset ultrafast -pix_fmt yuv420p -metadata:s:v:1 title=door {name}"
        ));
        let usual = clips.decode(name);
        let warning = &usual.report.warnings[0];
        assert!(warning.starts_with("2 video streams (1: h264 64 x 48, 2: h264 32 x 48"), "{warning}");
        assert!(warning.contains("number 1 is read") && warning.contains("--stream"), "{warning}");
        assert_eq!((usual.info.width, usual.info.stream, usual.info.streams), (64, 1, 2));
        for (number, width) in [(1, 64), (2, 32)] {
            let clip = decode_with(&clips.path(name), &stream(number));
            assert_eq!((clip.info.width, clip.info.stream, clip.info.streams), (width, number, 2));
            assert_eq!(clip.frames.len(), 10);
            assert!(clip.report.warnings.is_empty(), "who chose needs no word: {:?}", clip.report.warnings);
        }
        for number in [0, 3, u32::MAX] {
            let error = Video::open(&clips.path(name), &stream(number)).err().expect("no such stream");
            assert!(matches!(error, MediaError::NoSuchStream { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(&format!("no video stream {number}")) && text.contains("2: h264 32 x 48"), "{text}");
        }
    }
    let text = Video::open(&clips.path("a.mkv"), &stream(3)).err().unwrap().to_string();
    assert!(text.contains("`door`"), "{text}");
}

#[test]
fn covers_do_not_count() {
    let clips = Clips::new();
    clips.counting(5, "-c:v libx264 -preset ultrafast v.mp4");
    clips.ffmpeg("-f lavfi -i testsrc=s=64x64 -frames:v 1 cover.png");
    clips.ffmpeg("-i cover.png -i v.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic a.mp4");
    clips.ffmpeg("-i v.mp4 -attach cover.png -metadata:s:t mimetype=image/png -c copy a.mkv");
    for name in ["a.mp4", "a.mkv"] {
        let clip = clips.decode(name);
        assert_eq!((clip.info.stream, clip.info.streams, clip.info.codec.as_str()), (1, 1, "h264"), "{name}");
        assert!(clip.report.warnings.is_empty(), "{name}: {:?}", clip.report.warnings);
        assert!(Video::open(&clips.path(name), &stream(2)).is_err());
    }
}

#[test]
fn cameras_of_one_file_share_their_zero() {
    let clips = Clips::new();
    clips.counting(10, "-c:v libx264 -preset ultrafast v.mp4");
    clips.ffmpeg("-i v.mp4 -itsoffset 0.4 -i v.mp4 -map 0:v -map 1:v -c copy a.mkv");
    let times = |number| decode_with(&clips.path("a.mkv"), &stream(number)).times()[0];
    assert_eq!((times(1), times(2)), (0.0, 0.4));
}

#[test]
fn what_a_player_adds_to_our_times() {
    let clips = Clips::new();
    clips.counting(10, "-c:v libx264 -preset ultrafast -bf 2 v.mp4");
    clips.ffmpeg("-f lavfi -t 1 -i sine -c:a aac s.m4a");
    let mux = |input: &str, name: &str| {
        clips.ffmpeg(&format!("{input} -c copy {name}"));
        let clip = clips.decode(name);
        (clip.times()[0], clip.info.start_s, clip.info.player_offset_s())
    };
    // Times of our own, the container's where ours is 0, what players add.
    assert_eq!(mux("-itsoffset 0.4 -i v.mp4", "late.mp4"), (0.0, 0.4, 0.4));
    assert_eq!(mux("-i v.mp4 -output_ts_offset 7.5", "late.mkv"), (0.0, 7.5, 7.5));
    assert_eq!(mux("-i v.mp4", "plain.mp4"), (0.0, 0.0, 0.0));
    // The picture 0.3 s after a sound that begins at 0.5 s.
    let (first, start, adds) = mux("-itsoffset 0.8 -i v.mp4 -itsoffset 0.5 -i s.m4a -map 0 -map 1", "sound.mp4");
    assert!((first - 0.3).abs() < 0.03 && (start - 0.5).abs() < 0.03 && adds == start, "{first} {start} {adds}");
    assert!((first + adds - 0.8).abs() < 1e-3, "where the picture is in the file: {first} {adds}");
    // A clock that begins anywhere: 1.4 s is what FFmpeg's muxer makes of 0.
    let (first, start, adds) = mux("-i v.mp4", "a.ts");
    assert!(first == 0.0 && (start - 1.4).abs() < 0.1 && adds == 0.0, "{first} {start} {adds}");
    // Pictures that begin before zero.
    let (first, start, adds) = mux("-i v.mp4 -output_ts_offset -0.2 -avoid_negative_ts disabled", "early.mkv");
    assert!((first, adds) == (0.0, start) && start <= 0.0, "{first} {start} {adds}");
}
