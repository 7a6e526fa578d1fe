//! What is broken is told, skipped and counted; everything else is decoded.

use std::net::TcpListener;
use std::sync::mpsc;

use crate::decode_clips::{Clips, decode};
use est_media::error::MediaError;
use est_media::{DecodeOptions, MAX_WARNINGS, Video};

/// 120 frames of moving picture, a key frame every 30.
fn moving(clips: &Clips, output: &str) {
    clips.ffmpeg(&format!("-f lavfi -i testsrc2=s=160x120:r=25 -frames:v 120 -g 30 {output}"));
}

/// Overwrites 30 bytes at each of `places`, parts of the file's length.
fn scratched(mut bytes: Vec<u8>, places: &[f64]) -> Vec<u8> {
    for place in places {
        let at = (bytes.len() as f64 * place) as usize;
        for (i, byte) in bytes[at..at + 30].iter_mut().enumerate() {
            *byte = (i * 89 + 7) as u8;
        }
    }
    bytes
}

#[test]
fn a_cut_off_mp4_gives_what_it_holds() {
    let clips = Clips::new();
    moving(&clips, "-c:v libx264 -preset veryfast -bf 2 -movflags +faststart whole.mp4");
    let bytes = clips.read("whole.mp4");
    clips.write("cut.mp4", &bytes[..bytes.len() * 2 / 5]);
    let (whole, cut) = (clips.decode("whole.mp4"), clips.decode("cut.mp4"));
    assert_eq!(whole.frames.len(), 120);
    let count = cut.frames.len();
    assert!((30..70).contains(&count), "{count} of 120 in two fifths of the bytes");
    assert_eq!((cut.report.announced, cut.report.decoded), (Some(120), count as u64));
    assert!(
        cut.report.warnings.contains(&format!("cut short: decoded {count} of 120 frames the container announces")),
        "{:?}",
        cut.report.warnings
    );
    // The frames before the cut are whole; the one the cut runs through is left out.
    for (a, b) in cut.frames.iter().zip(&whole.frames).take(count - 3) {
        assert!(a.pts_s == b.pts_s && a.image == b.image, "frame {}", a.index);
    }
}

#[test]
fn no_half_picture_at_a_cut() {
    let clips = Clips::new();
    // Its decoder fills in what is missing without a word.
    moving(&clips, "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M -movflags +faststart whole.mp4");
    let bytes = clips.read("whole.mp4");
    let whole = clips.decode("whole.mp4");
    for part in [0.5, 0.52, 0.54, 0.56] {
        clips.write("cut.mp4", &bytes[..(bytes.len() as f64 * part) as usize]);
        let cut = clips.decode("cut.mp4");
        assert_eq!(cut.report.damaged, 1, "{:?}", cut.report);
        assert!(cut.frames.iter().zip(&whole.frames).all(|(a, b)| a.image == b.image), "{part}");
    }
}

#[test]
fn other_containers_cut_off() {
    let clips = Clips::new();
    moving(&clips, "-c:v libx264 -preset veryfast whole.mkv");
    clips.ffmpeg("-i whole.mkv -c copy whole.ts").ffmpeg("-i whole.mkv -c:v mpeg4 whole.avi");
    for name in ["whole.mkv", "whole.ts", "whole.avi"] {
        assert_eq!(clips.decode(name).frames.len(), 120, "{name}");
        let bytes = clips.read(name);
        let cut = name.replace("whole", "cut");
        // Inside a transport stream's packet of 188 bytes: how many packets the encoder makes differs between machines.
        clips.write(&cut, &bytes[..bytes.len() / 2 / 188 * 188 + 94]);
        let clip = clips.decode(&cut);
        assert!((40..90).contains(&clip.frames.len()), "{cut}: {} frames", clip.frames.len());
        // A transport stream announces nothing, but packets that are all of one size end where they are cut.
        let told = clip.report.warnings.iter().any(|warning| warning.starts_with("cut short"));
        assert!(told, "{cut}: {:?}", clip.report.warnings);
    }
    let whole = clips.read("whole.ts");
    clips.write("cut.ts", &whole[..whole.len() / 2 / 188 * 188]);
    let warnings = clips.decode("cut.ts").report.warnings;
    assert!(!warnings.iter().any(|warning| warning.starts_with("cut short")), "between packets: {warnings:?}");
}

/// What is written while it is shown announces nothing: a recording that is broken off ends inside a part of it.
#[test]
fn cut_off_where_nothing_is_announced() {
    let clips = Clips::new();
    moving(&clips, "-c:v libx264 -preset veryfast -g 10 a.mkv");
    clips.ffmpeg("-i a.mkv -c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k b.webm");
    let kinds = [
        ("-i a.mkv -c copy -f matroska -live 1", "live.mkv"),
        // Clusters whose size was not known when they began, as MediaRecorder writes them.
        ("-i b.webm -c copy -f webm -live 1", "live.webm"),
        ("-i a.mkv -c copy -f mp4 -movflags frag_keyframe+empty_moov+default_base_moof", "live.mp4"),
        ("-i a.mkv -c copy -f flv -flvflags no_duration_filesize", "live.flv"),
        ("-i a.mkv -c:v libtheora -f ogg", "live.ogv"),
    ];
    for (how, name) in kinds {
        clips.pipe(how, name);
        let bytes = clips.read(name);
        let told = |name: &str| {
            let clip = clips.decode(name);
            assert!(clip.frames.len() > 20, "{name}: {} frames", clip.frames.len());
            clip.report.warnings.into_iter().find(|warning| warning.starts_with("cut short"))
        };
        assert_eq!(told(name), None, "{name} is whole");
        let cut = format!("cut-{name}");
        for part in [0.5, 0.7, 0.93] {
            clips.write(&cut, &bytes[..(bytes.len() as f64 * part) as usize]);
            let warning = told(&cut);
            assert!(
                warning.as_ref().is_some_and(|warning| warning.contains("ends inside a")),
                "{cut} {part}: {warning:?}"
            );
        }
    }
}

#[test]
fn an_mp4_without_its_index() {
    let clips = Clips::new();
    moving(&clips, "-c:v libx264 -preset veryfast a.mp4");
    let bytes = clips.read("a.mp4");
    clips.write("cut.mp4", &bytes[..bytes.len() * 2 / 5]);
    assert!(matches!(clips.error("cut.mp4"), MediaError::NoIndex { .. }));
}

#[test]
fn damaged_packets_are_counted_and_skipped_the_same_way_every_time() {
    let clips = Clips::new();
    for output in ["-c:v libx264 -preset veryfast a.mp4", "-c:v mpeg4 -q:v 4 a.avi", "-c:v mjpeg -q:v 4 a.mkv"] {
        let name = output.rsplit(' ').next().unwrap();
        moving(&clips, output);
        clips.write(name, &scratched(clips.read(name), &[0.3, 0.37, 0.44, 0.51, 0.58]));
        let clip = clips.decode(name);
        let (decoded, damaged) = (clip.report.decoded, clip.report.damaged);
        assert!((1..=8).contains(&damaged), "{name}: {:?}", clip.report);
        assert_eq!(decoded + damaged, 120, "{name}: {:?}", clip.report);
        let count = format!("{damaged} damaged packets skipped");
        assert!(clip.report.warnings[0].starts_with(&count), "{name}: {:?}", clip.report.warnings);
        for _ in 0..3 {
            let again = clips.decode(name);
            assert_eq!(again.report, clip.report, "{name}");
            assert!(again.frames.iter().zip(&clip.frames).all(|(a, b)| a.image == b.image && a.pts_s == b.pts_s));
        }
    }
}

#[test]
fn nothing_decodable() {
    let clips = Clips::new();
    moving(&clips, "-c:v libx264 -preset veryfast -movflags +faststart a.mp4");
    let mut bytes = clips.read("a.mp4");
    let start = bytes.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    bytes[start..].iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * i % 251) as u8);
    clips.write("a.mp4", &bytes);
    let error = clips.error("a.mp4");
    assert!(matches!(error, MediaError::DecodedNothing { damaged: 100.., .. }), "{error}");
}

#[test]
fn sound_only() {
    let clips = Clips::new();
    clips.ffmpeg("-f lavfi -t 1 -i sine -c:a aac a.m4a");
    let error = clips.error("a.m4a");
    assert!(matches!(&error, MediaError::NoVideo { found, .. } if found == "audio (aac)"), "{error}");
    // A cover picture is no video.
    clips.ffmpeg("-f lavfi -i testsrc=s=64x64 -frames:v 1 cover.png");
    clips.ffmpeg("-i a.m4a -i cover.png -map 0 -map 1 -c copy -disposition:v:0 attached_pic b.m4a");
    let error = clips.error("b.m4a");
    assert!(error.to_string().contains("only audio (aac), a cover picture (png)"), "{error}");
}

#[test]
fn no_media() {
    let clips = Clips::new();
    let text = "Dear diary, today I watched a video.\n".repeat(50);
    // FFmpeg would show some of these as pictures of text.
    for name in ["text.mp4", "text.txt", "text.ans", "text.nfo", "text.bin", "text", "text.png"] {
        clips.write(name, text.as_bytes());
        let error = clips.error(name);
        assert!(matches!(error, MediaError::NotMedia { .. } | MediaError::DecodedNothing { .. }), "{name}: {error}");
    }
    let error = clips.error("text.mp4");
    assert!(matches!(error, MediaError::NotMedia { .. }), "{error}");
    clips.write("empty.mp4", b"");
    assert!(matches!(clips.error("empty.mp4"), MediaError::EmptyFile { .. }));
    assert!(matches!(clips.error("missing.mp4"), MediaError::NotFound { .. }));
    // A file where a folder should be: exists for no reader, but not "not found" either.
    assert!(matches!(clips.error("text/a.mp4"), MediaError::Unreadable { .. }));
    clips.write("titles.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n");
    assert!(matches!(clips.error("titles.srt"), MediaError::NoVideo { .. }));
}

#[test]
fn a_folder_without_images() {
    let clips = Clips::new();
    std::fs::create_dir(clips.path("folder")).unwrap();
    let empty = clips.error("folder");
    assert!(matches!(empty, MediaError::EmptyFolder { .. }) && empty.to_string().contains("png"), "{empty}");
    std::fs::write(clips.path("folder/film.mp4"), b"x").unwrap();
    assert!(matches!(clips.error("folder"), MediaError::EmptyFolder { .. }));
    std::fs::write(clips.path("folder/a.png"), b"no picture").unwrap();
    let error = clips.error("folder");
    assert!(matches!(error, MediaError::DecodedNothing { damaged: 1, .. }), "{error}");
}

#[test]
fn an_unknown_codec() {
    let clips = Clips::new();
    moving(&clips, "-c:v mpeg4 a.avi");
    let mut bytes = clips.read("a.avi");
    while let Some(at) = bytes.windows(4).position(|four| four == b"FMP4") {
        bytes[at..at + 4].copy_from_slice(b"Q9Z7");
    }
    clips.write("a.avi", &bytes);
    let error = clips.error("a.avi");
    assert!(matches!(error, MediaError::UnsupportedCodec { .. }), "{error}");
}

#[test]
fn a_broken_image_keeps_its_place() {
    let clips = Clips::new();
    clips.ffmpeg("-f lavfi -i testsrc=s=64x48 -frames:v 6 s%d.png -frames:v 1 cut.jpg");
    let png = clips.read("s3.png");
    clips.write("s3.png", &png[..png.len() / 2]);
    clips.write("s5.png", b"");
    let jpeg = clips.read("cut.jpg");
    clips.write("cut.jpg", &jpeg[..jpeg.len() / 2]);
    let clip = decode(clips.path("s1.png").parent().unwrap());
    // In natural order cut.jpg is first: slot 0.
    assert_eq!(clip.times(), [1, 2, 4, 6].map(|slot| f64::from(slot) / 25.0));
    assert_eq!(clip.frames.iter().map(|frame| frame.index).collect::<Vec<_>>(), [1, 2, 4, 6]);
    assert_eq!((clip.report.announced, clip.report.decoded, clip.report.damaged), (Some(7), 4, 3));
    for (warning, name) in clip.report.warnings.iter().zip(["cut.jpg", "s3.png", "s5.png"]) {
        assert!(warning.contains(name), "{warning}");
    }
}

#[test]
fn warnings_are_bounded() {
    let clips = Clips::new();
    clips.ffmpeg("-f lavfi -i testsrc=s=16x16 -frames:v 1 ok.png");
    let paths = (0..100).map(|i| clips.path(&format!("missing{i}.png"))).chain([clips.path("ok.png")]).collect();
    let mut video = Video::images(paths, &DecodeOptions::default()).unwrap();
    assert_eq!(video.next_frame().unwrap().unwrap().index, 100);
    let report = video.report();
    assert_eq!((report.damaged, report.warnings.len()), (100, MAX_WARNINGS + 1));
    assert_eq!(report.warnings[MAX_WARNINGS], "and 80 more warnings");
}

#[test]
fn play_lists_stay_on_this_machine() {
    let clips = Clips::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let list = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://{}/a.ts\n#EXT-X-ENDLIST\n",
        listener.local_addr().unwrap()
    );
    clips.write("a.m3u8", list.as_bytes());
    let (sender, calls) = mpsc::channel();
    // Hangs up at once, so that a reader who did call does not wait.
    std::thread::spawn(move || listener.accept().map(|_| sender.send(())));
    clips.error("a.m3u8");
    assert_eq!(calls.try_recv(), Err(mpsc::TryRecvError::Empty));
}
