//! The process that decodes: one for many small sources, a new one where it is gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use est_media::{DecodeOptions, DecoderProcess, MediaError, Video};

/// The processes that run `program`.
fn running(program: &Path) -> Vec<String> {
    let runs = |entry: &fs::DirEntry| fs::read_link(entry.path().join("exe")).is_ok_and(|exe| exe == program);
    let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter(runs);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

fn frames(path: &Path, options: &DecodeOptions) -> Result<usize, MediaError> {
    let mut video = Video::open(path, options)?;
    let mut count = 0;
    while video.next_frame()?.is_some() {
        count += 1;
    }
    Ok(count)
}

#[test]
fn small_sources_share_a_process() {
    // By a path of its own, so that it is told from those of other tests.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("est");
    fs::hard_link(env!("CARGO_BIN_EXE_est"), &program).unwrap();
    let decoder = Some(DecoderProcess::new(program.clone(), vec!["decode-child".into()]));
    let options = DecodeOptions { decoder, ..DecodeOptions::default() };
    let picture = est_goldens::download("astronaut.png");

    assert_eq!(frames(&picture, &options).unwrap(), 1);
    let first = running(&program);
    assert_eq!(first.len(), 1);
    assert_eq!(frames(&picture, &options).unwrap(), 1);
    assert_eq!(running(&program), first);

    // An error ends it.
    let broken = folder.path().join("broken.png");
    fs::write(&broken, &fs::read(&picture).unwrap()[..40]).unwrap();
    let error = frames(&broken, &options).unwrap_err().to_string();
    assert!(error.contains("broken.png"), "{error}");
    assert_eq!(running(&program), [""; 0]);

    // Nobody notices that one has gone.
    assert_eq!(frames(&picture, &options).unwrap(), 1);
    let second = running(&program);
    assert!(Command::new("kill").args(["-9", &second[0]]).status().unwrap().success());
    assert_eq!(frames(&picture, &options).unwrap(), 1);
    let third = running(&program);
    assert!(third.len() == 1 && third != second, "{second:?} {third:?}");

    // Whoever is left in the middle is not asked again.
    let video = est_goldens::download("demo.mp4");
    let mut video = Video::open(&video, &options).unwrap();
    video.next_frame().unwrap();
    drop(video);
    assert_eq!(running(&program), [""; 0]);
}
