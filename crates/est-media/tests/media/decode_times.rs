//! Every frame once, in order, at its true time.

use crate::decode_clips::Clips;
use est_media::{DecodeOptions, Numbering, Video};

#[test]
fn constant_rate() {
    let clips = Clips::new();
    clips.ffmpeg("-f lavfi -i testsrc=s=64x48:r=30000/1001 -frames:v 40 -c:v libx264 -preset ultrafast a.mp4");
    let clip = clips.decode("a.mp4");
    // The container counts in 1/30000 s: the times are the doubles nearest to the true ones.
    let want: Vec<f64> = (0..40).map(|n| f64::from(n * 1001) / 30000.0).collect();
    assert_eq!(clip.times(), want);
    assert_eq!(clip.frames.iter().map(|frame| frame.index).collect::<Vec<_>>(), (0..40).collect::<Vec<u64>>());
    assert_eq!((clip.info.width, clip.info.height), (64, 48));
    assert_eq!((clip.info.frames, clip.info.codec.as_str()), (Some(40), "h264"));
    assert!((clip.info.fps.unwrap() - 30000.0 / 1001.0).abs() < 1e-9);
    assert!((clip.info.duration_s.unwrap() - 40.0 * 1001.0 / 30000.0).abs() < 1e-9);
    assert_eq!((clip.report.damaged, clip.report.dropped), (0, 0));
    assert!(clip.report.warnings.is_empty(), "{:?}", clip.report.warnings);
}

#[test]
fn variable_rate() {
    let clips = Clips::new();
    let output = "-vf settb=1/1000,setpts=N*N/100/TB -vsync vfr -enc_time_base 1:1000 -video_track_timescale 1000";
    clips.counting(20, &format!("{output} -c:v libx264 -preset ultrafast a.mp4"));
    clips.ffmpeg("-i a.mp4 -c copy a.mkv");
    for name in ["a.mp4", "a.mkv"] {
        let clip = clips.decode(name);
        assert_eq!(clip.times(), (0..20).map(|n| f64::from(n * n) / 100.0).collect::<Vec<_>>(), "{name}");
        assert_eq!(clip.numbers(), (0..20).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn b_frames_come_in_the_order_of_showing() {
    let clips = Clips::new();
    for output in
        ["-c:v libx264 -bf 3 -b_strategy 0 a.mp4", "-c:v libx264 -bf 3 -b_strategy 0 a.ts", "-c:v mpeg4 -bf 2 a.avi"]
    {
        let name = output.rsplit(' ').next().unwrap();
        clips.counting(50, &format!("-g 20 {output}"));
        let kinds = clips.run("ffprobe", &format!("-v error -show_entries frame=pict_type -of csv=p=0 {name}"));
        assert!(kinds.contains('B'), "{name} has no B-frames: {kinds}");
        let clip = clips.decode(name);
        assert_eq!(clip.numbers(), (0..50).collect::<Vec<_>>(), "{name}");
        // AVI has no times of showing; FFmpeg starts them one frame late, where the first frame is decoded.
        let start = if name == "a.avi" { 0.04 } else { 0.0 };
        for (n, time) in clip.times().into_iter().enumerate() {
            // Ticks of 1/90000 s and of 1/25 s are exact to rounding.
            assert!((time - start - n as f64 / 25.0).abs() < 1e-9, "{name}: frame {n} at {time}");
        }
    }
}

#[test]
fn zero_is_the_start_of_picture_or_sound() {
    let clips = Clips::new();
    clips.counting(10, "-c:v libx264 -preset ultrafast v.mp4");
    clips.ffmpeg("-i v.mp4 -c copy -output_ts_offset 7.5 late.mkv");
    let late = clips.decode("late.mkv");
    assert_eq!(late.times()[..2], [0.0, 0.04]);
    // Its duration counts from the container's zero: nothing is missing.
    assert!(late.report.warnings.is_empty(), "{:?}", late.report.warnings);
    // The picture starts half a second after the sound, as players show it.
    clips.ffmpeg("-f lavfi -t 1 -i sine -itsoffset 0.5 -i v.mp4 -map 0:a -map 1:v -c:v copy -c:a flac sound.mkv");
    assert_eq!(clips.decode("sound.mkv").times()[..2], [0.5, 0.54]);
}

#[test]
fn an_edit_list_hides_its_frames() {
    let clips = Clips::new();
    clips.counting(50, "-c:v libx264 -g 25 -bf 2 all.mp4");
    // Copying from 0.6 s keeps the packets from the key frame at 0 on and hides what is before 0.6 s.
    clips.ffmpeg("-ss 0.6 -i all.mp4 -c copy part.mp4");
    let clip = clips.decode("part.mp4");
    assert_eq!(clip.numbers(), (15..50).collect::<Vec<_>>());
    assert!((clip.times()[34] - 34.0 / 25.0).abs() < 1e-9, "{:?}", clip.times());
    assert!(clip.report.warnings.is_empty(), "{:?}", clip.report.warnings);
}

#[test]
fn streams_without_times() {
    let clips = Clips::new();
    clips.counting(30, "-c:v libx264 -bf 2 a.h264");
    let clip = clips.decode("a.h264");
    assert_eq!(clip.numbers(), (0..30).collect::<Vec<_>>());
    for (n, time) in clip.times().into_iter().enumerate() {
        assert!((time - n as f64 / 25.0).abs() < 1e-4, "frame {n} at {time}");
    }
    assert!(clip.report.warnings.is_empty(), "{:?}", clip.report.warnings);
}

#[test]
fn a_clock_that_is_set_back_runs_on() {
    let clips = Clips::new();
    clips.counting(50, "-c:v libx264 -preset ultrafast a.ts");
    let once = clips.read("a.ts");
    clips.write("twice.ts", &[once.clone(), once].concat());
    let clip = clips.decode("twice.ts");
    assert_eq!(clip.frames.len(), 100);
    for (n, time) in clip.times().into_iter().enumerate() {
        assert!((time - n as f64 / 25.0).abs() < 1e-9, "frame {n} at {time}");
    }
    assert_eq!(clip.report.dropped, 0);
    assert!(clip.report.warnings[0].contains("set back at 2.0"), "{:?}", clip.report.warnings);
}

#[test]
fn one_frame() {
    let clips = Clips::new();
    clips.counting(1, "-c:v libx264 a.mp4");
    let clip = clips.decode("a.mp4");
    assert_eq!((clip.times(), clip.info.frames), (vec![0.0], Some(1)));
}

#[test]
fn images_take_the_given_rate_in_natural_order() {
    let clips = Clips::new();
    clips.counting(12, "-start_number 1 shot%d.png");
    // Passed over: hidden, no image, a folder.
    std::fs::copy(clips.path("shot1.png"), clips.path(".shot0.png")).unwrap();
    clips.write("notes.txt", b"shot list");
    std::fs::create_dir(clips.path("old.png")).unwrap();
    let folder = clips.path("shot1.png").parent().unwrap().to_owned();
    let mut video = Video::open(&folder, &DecodeOptions { fps: 10.0, ..DecodeOptions::default() }).unwrap();
    assert_eq!((video.info().frames, video.info().duration_s), (Some(12), Some(1.2)));
    assert_eq!(video.report().decoded, 0);
    let mut levels = Vec::new();
    while let Some(frame) = video.next_frame().unwrap() {
        assert_eq!(frame.pts_s, frame.index as f64 / 10.0);
        assert_eq!(frame.index, levels.len() as u64);
        levels.push(frame.image.data[0]);
    }
    assert_eq!(levels.len(), 12);
    assert!(levels.is_sorted_by(|a, b| a < b), "{levels:?}");
}

#[test]
fn images_follow_the_numbers_in_their_names() {
    let clips = Clips::new();
    clips.counting(15, "-start_number 1 frame_%d.png");
    for number in 5..10 {
        std::fs::remove_file(clips.path(&format!("frame_{number}.png"))).unwrap();
    }
    // One that cannot be read is none that is missing.
    clips.write("frame_12.png", b"no picture");
    let folder = clips.path("frame_1.png").parent().unwrap().to_owned();
    let read = |numbering: Numbering| {
        let mut video = Video::open(&folder, &DecodeOptions { numbering, ..DecodeOptions::default() }).unwrap();
        let mut frames = vec![];
        while let Some(frame) = video.next_frame().unwrap() {
            let picture = frame.picture.unwrap();
            frames.push((frame.index, (25.0 * frame.pts_s).round() as u64, picture.file.to_string(), picture.missing));
        }
        (frames, video.report().warnings, video.info().duration_s)
    };
    let (frames, warnings, duration_s) = read(Numbering::Auto);
    let numbers: Vec<u64> = (1..=15).filter(|k| !(5..10).contains(k) && *k != 12).collect();
    let named = |k: &u64| (k - 1, format!("frame_{k}.png"), if *k == 10 { 5 } else { 0 });
    let found = |(_, time, file, missing): &(u64, u64, String, u64)| (*time, file.clone(), *missing);
    assert_eq!(frames.iter().map(found).collect::<Vec<_>>(), numbers.iter().map(named).collect::<Vec<_>>());
    assert_eq!(
        frames.iter().map(|frame| frame.0).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 7, 8, 9],
        "places in the list"
    );
    assert_eq!(duration_s, Some(0.6));
    assert!(warnings[0].contains("5 of 15 numbers are missing") && warnings[0].contains("(5-9)"), "{warnings:?}");
    let (frames, warnings, _) = read(Numbering::Order);
    assert_eq!((frames[4].1, &*frames[4].2, frames[4].3), (4, "frame_10.png", 0));
    assert_eq!(warnings.len(), 1, "that of the damaged one: {warnings:?}");
    let milliseconds = read(Numbering::Ms).0;
    assert_eq!(milliseconds[8].1, 0, "14 ms");
    clips.write("frame_0001.png", &clips.read("frame_1.png"));
    let error = Video::open(&folder, &DecodeOptions { numbering: Numbering::Numbers, ..DecodeOptions::default() });
    let error = error.err().unwrap().to_string();
    assert!(error.contains("1 comes twice") && error.contains(folder.to_str().unwrap()), "{error}");
}

#[test]
fn images_of_several_folders_keep_them_in_their_names() {
    let clips = Clips::new();
    clips.counting(2, "shot%d.png");
    for folder in ["a", "b"] {
        std::fs::create_dir(clips.path(folder)).unwrap();
        std::fs::copy(clips.path("shot1.png"), clips.path(&format!("{folder}/1.png"))).unwrap();
    }
    let paths = ["a/1.png", "b/1.png"].map(|name| clips.path(name)).to_vec();
    let mut video = Video::images(paths, &DecodeOptions::default()).unwrap();
    let mut files = vec![];
    while let Some(frame) = video.next_frame().unwrap() {
        files.push((frame.picture.unwrap().file.to_string(), frame.pts_s));
    }
    assert_eq!(files, [("a/1.png".to_string(), 0.0), ("b/1.png".to_string(), 0.04)]);
}

#[test]
fn decoding_can_move_to_a_thread() {
    fn sendable<T: Send>() {}
    sendable::<Video>();
}
