//! The whole path as a library: a caller's own frames, one at a time or as an iterator, from one thread or several, give the
//! rows of the file that they are of.

use std::path::Path;

use est::report::Format;
use est::{
    DecodeOptions, Decoding, EstError, FrameSource, Image, OwnFrames, Pipeline, Precision, Row, Source, TrackOptions,
};

/// The default weights and the detector, where `make setup` puts them.
fn pipeline() -> Pipeline {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let builder = Pipeline::builder()
        .weights(repository.join("weights/est-default.est"))
        .detector(repository.join("downloads/retinaface_mobilenet0.25.pth"))
        .tracking(TrackOptions { detect_every: 4, ..TrackOptions::default() })
        .precision(Precision::Exact);
    builder.build().unwrap()
}

/// One face, 4 s: shorter than a window.
fn video() -> Source {
    Source::File(est_goldens::download("single_face.mp4"))
}

fn frames(of: &Source) -> Vec<(f64, Image)> {
    let mut decoding = Decoding::open(of, &DecodeOptions::default()).unwrap();
    std::iter::from_fn(|| decoding.next_frame().unwrap()).map(|frame| (frame.pts_s, frame.image)).collect()
}

fn all(rows: impl Iterator<Item = Result<Row, EstError>>) -> Vec<Row> {
    rows.map(Result::unwrap).collect()
}

#[test]
fn own_frames_have_the_rows_of_their_file() {
    let (pipeline, demo) = (pipeline(), Source::File(est_goldens::download("demo.mp4")));
    let mut read = pipeline.rows(&demo).unwrap();
    let expected = all(read.by_ref());
    let summary = read.summary();
    assert_eq!(summary.rows, expected.len() as u64);
    let with_face = expected.iter().filter(|row| row.face.is_some()).count();
    assert!(summary.frames_decoded > 100 && with_face > 100, "{summary:?}");

    let given = frames(&demo);
    let mut own = pipeline.rows(OwnFrames::new(given.clone())).unwrap();
    assert_eq!(all(own.by_ref()), expected);
    assert_eq!(own.summary().tracks[0].mean_probabilities, summary.tracks[0].mean_probabilities);

    // Pushed one at a time: smaller batches, the same numbers, and rows before the end.
    let mut stream = pipeline.stream("camera");
    let mut pushed: Vec<Row> = vec![];
    for (pts_s, image) in given {
        pushed.extend(stream.push(pts_s, image).unwrap());
    }
    let early = pushed.len();
    let (last, summary) = stream.finish().unwrap();
    pushed.extend(last);
    assert_eq!(pushed, expected);
    assert_eq!((summary.video_id.as_str(), summary.rows), ("camera", expected.len() as u64));
    assert!(early > 0, "a window is full before the video is over");
}

#[test]
fn videos_are_read_side_by_side() {
    let pipeline = pipeline();
    let expected = all(pipeline.rows(&video()).unwrap());
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..3).map(|_| scope.spawn(|| all(pipeline.rows(OwnFrames::new(frames(&video()))).unwrap()))).collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    });
}

#[test]
fn what_is_wrong_with_a_callers_frames_is_said_and_ends_the_rows() {
    let pipeline = pipeline();
    let (pts_s, image) = frames(&video()).swap_remove(0);
    let mut rows = pipeline.rows(OwnFrames::new([(pts_s, image.clone()), (pts_s, image.clone())])).unwrap();
    let error = rows.next().unwrap().unwrap_err().to_string();
    assert!(error.starts_with("frame 1 is at") && error.contains("order of time"), "{error}");
    assert!(rows.next().is_none());
    let mut stream = pipeline.stream("camera");
    stream.push(1.0, image.clone()).unwrap();
    assert!(stream.push(0.5, image).is_err());
    assert!(pipeline.rows("no-such-video.mp4").err().unwrap().to_string().contains("no-such-video.mp4"));
}

#[test]
fn results_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let reported = pipeline().report(&video(), "one", folder.path(), &[Format::Csv, Format::Json]).unwrap();
    let names: Vec<_> = reported.files.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["one.csv", "one.json", "one.run.json"]);
    assert_eq!(reported.summary.video_id, "one");
    let lines = std::fs::read_to_string(&reported.files[0]).unwrap().lines().count() as u64;
    assert_eq!(lines, reported.summary.rows + 1);
}
