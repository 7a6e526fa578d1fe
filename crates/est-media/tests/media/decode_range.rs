//! A part of a source: the frames of the whole, with their own times and pixels.

use crate::decode_clips::{Clips, decode_with};
use est_media::error::MediaError;
use est_media::{DecodeOptions, TimeRange, Video};

fn part(start_s: impl Into<Option<f64>>, end_s: impl Into<Option<f64>>) -> DecodeOptions {
    let range = TimeRange { start_s: start_s.into(), end_s: end_s.into() };
    DecodeOptions { range, ..DecodeOptions::default() }
}

/// All kinds of order and key frames: what is decoded from a later place must be what the whole run gives.
#[test]
fn a_part_has_the_frames_of_the_whole() {
    let clips = Clips::new();
    let picture = "-f lavfi -i testsrc2=s=128x96:r=25 -frames:v 150 -pix_fmt yuv420p";
    let kinds = [
        "-c:v libx264 -preset veryfast -bf 3 -g 30 closed.mp4",
        "-c:v libx264 -preset veryfast -bf 3 -g 30 -x264-params open-gop=1:bframes=3:b-pyramid=normal open.mkv",
        "-c:v libx264 -preset veryfast -g 40 -x264-params intra-refresh=1 refresh.mp4",
        "-c:v libx265 -preset ultrafast -x265-params log-level=error:open-gop=1:keyint=30:bframes=4 hevc.mp4",
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 40 -auto-alt-ref 1 -lag-in-frames 10 vp9.webm",
        "-c:v mpeg4 -bf 2 -g 25 asp.mp4",
        "-c:v mpeg4 -bf 2 -g 25 asp.avi",
        "-c:v mpeg2video -bf 2 -g 15 mpeg2.mkv",
        "-c:v mpeg2video -bf 2 -g 15 mpeg2.ts",
        "-c:v mjpeg -q:v 5 -pix_fmt yuvj420p each.mov",
        "-c:v libx264 -preset veryfast -g 25 -movflags frag_keyframe+empty_moov fragments.mp4",
        "-c:v libx264 -preset veryfast -bf 2 -g 25 -output_ts_offset 3.3 late.mkv",
    ];
    for kind in kinds {
        clips.ffmpeg(&format!("{picture} {kind}"));
    }
    // An edit list that begins between key frames; one key frame in all.
    clips.ffmpeg("-ss 0.6 -i closed.mp4 -c copy edited.mp4");
    clips.ffmpeg(&format!("{picture} -c:v libx264 -preset veryfast -g 1000 once.mp4"));
    let names = kinds.iter().map(|kind| kind.rsplit(' ').next().unwrap()).chain(["edited.mp4", "once.mp4"]);
    for name in names {
        let whole = clips.decode(name);
        for (from, to) in [(3.0, 3.3), (4.17, 4.4), (2.02, 2.11), (0.3, 0.5), (5.3, 100.0)] {
            let clip = decode_with(&clips.path(name), &part(from, to));
            let want: Vec<_> = whole.frames.iter().filter(|frame| frame.pts_s >= from && frame.pts_s < to).collect();
            let times = |frames: &[f64]| format!("{:?}..{:?}", frames.first(), frames.last());
            let (got, expected) = (clip.times(), want.iter().map(|frame| frame.pts_s).collect::<Vec<_>>());
            assert_eq!(got, expected, "{name} {from}: {} for {}", times(&got), times(&expected));
            for (k, (a, b)) in clip.frames.iter().zip(want).enumerate() {
                assert!(a.image == b.image, "{name}: frame at {} s differs", a.pts_s);
                assert_eq!(a.index, k as u64, "counted within the part");
            }
            assert_eq!((clip.report.damaged, clip.report.dropped), (0, 0), "{name} {from}: {:?}", clip.report);
            let told = &clip.report.warnings;
            assert!(!told.iter().any(|warning| warning.starts_with("cut short")), "{name} {from}: {told:?}");
        }
    }
}

#[test]
fn a_part_costs_a_part() {
    let clips = Clips::new();
    clips.ffmpeg(
        "-f lavfi -i testsrc2=s=320x180:r=25 -frames:v 1500 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 50 a.mp4",
    );
    let time = |options: &DecodeOptions| {
        let began = std::time::Instant::now();
        (decode_with(&clips.path("a.mp4"), options).frames.len(), began.elapsed())
    };
    let (all, whole) = time(&DecodeOptions::default());
    let (some, end) = time(&part(59.0, None));
    assert_eq!((all, some), (1500, 25));
    assert!(end * 5 < whole, "{end:?} for the last second of a minute that takes {whole:?}");
}

#[test]
fn ends_that_are_open_or_nowhere() {
    let clips = Clips::new();
    clips.counting(50, "-c:v libx264 -preset ultrafast -g 10 a.mp4");
    let frames = |options: &DecodeOptions| decode_with(&clips.path("a.mp4"), options).numbers();
    assert_eq!(frames(&part(None, 0.2)), (0..5).collect::<Vec<_>>());
    assert_eq!(frames(&part(1.8, None)), (45..50).collect::<Vec<_>>());
    assert_eq!(frames(&part(0.0, None)), (0..50).collect::<Vec<_>>());
    let error = |start, end| Video::open(&clips.path("a.mp4"), &part(start, end)).err().expect("nothing there");
    for start in [2.0, 2.5, 1e9] {
        let error = error(start, None);
        assert!(matches!(error, MediaError::BeyondEnd { .. }), "{error}");
        assert!(error.to_string().contains("beyond its end, 2.000 s"), "{error}");
    }
    let error = error(1.001, Some(1.002));
    assert!(matches!(error, MediaError::NoFrameBetween { .. }) && error.to_string().contains("1.001"), "{error}");
}

#[test]
fn of_pictures() {
    let clips = Clips::new();
    clips.counting(12, "-start_number 1 shot%d.png");
    let folder = clips.path("shot1.png").parent().unwrap().to_owned();
    let options = DecodeOptions { fps: 10.0, ..part(0.25, 0.6) };
    let clip = decode_with(&folder, &options);
    assert_eq!(clip.times(), [0.3, 0.4, 0.5]);
    assert_eq!(clip.frames.iter().map(|frame| frame.index).collect::<Vec<_>>(), [3, 4, 5], "the place in the list");
    let options = DecodeOptions { fps: 10.0, ..part(1.2, None) };
    let error = Video::open(&folder, &options).err().unwrap();
    assert!(matches!(error, MediaError::BeyondEnd { .. }), "{error}");
}
