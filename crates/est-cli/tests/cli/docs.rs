//! The commands of README and docs/: every one is a command line that est takes, and those of the pages for users are run,
//! one after the other, in a folder that has the files which they name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::ffmpeg;

pub const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Pages whose commands are run, beside README.
const RUN: [&str; 8] = ["use", "folders", "live", "configure", "import", "columns", "responsible-use", "signal"];

/// What is not here: licensed data, cameras, networks; or takes minutes, or was made by such a command. These are parsed
/// alone.
const NOT_HERE: [&str; 14] = [
    "dfew",
    "crema-d",
    "prepared/",
    "london",
    "rtsp://",
    "http://",
    "cam:",
    "synth",
    "train ",
    "calibrate",
    "explain",
    "scores/",
    "downloads/demo.mp4",
    "eval ",
];

/// The commands of a page's code blocks, without their comments, in order.
fn commands(page: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let mut inside = false;
    let mut found = vec![];
    for line in text.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside && (line.starts_with("est ") || line.contains("| est ")) {
            let end = line.find(" #").unwrap_or(line.len());
            found.push(line[..end].trim().to_string());
        }
    }
    found
}

fn pages() -> BTreeMap<String, PathBuf> {
    let docs = std::fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let named = pages.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_string(), path));
    named.chain([("README".to_string(), Path::new(ROOT).join("README.md"))]).collect()
}

/// `sh` in `folder`, with est on its path and nothing of the user's.
fn shell(folder: &Path, command: &str) -> std::process::Output {
    let est = Path::new(env!("CARGO_BIN_EXE_est")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let paths = std::iter::once(est.to_owned()).chain(std::env::split_paths(&path));
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("PATH", std::env::join_paths(paths).unwrap());
    for home in ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        shell.env(home, folder);
    }
    shell
        .env("EST_HOME", folder)
        .env("SLURM_ARRAY_TASK_ID", "1")
        .env("SLURM_ARRAY_TASK_COUNT", "2")
        .env("SLURM_ARRAY_TASK_MIN", "1")
        .env("SLURM_ARRAY_TASK_MAX", "2");
    shell.env("JOB_COMPLETION_INDEX", "2").output().expect("sh starts")
}

#[test]
fn every_command_is_one_that_est_takes() {
    let folder = tempfile::tempdir().unwrap();
    let mut count = 0;
    for (name, page) in pages() {
        for command in commands(&page) {
            // Dots stand for what the page has said before; words in capitals for the user's own.
            if command.contains("...") {
                continue;
            }
            let words = command
                .split("| ")
                .find(|stage| stage.starts_with("est "))
                .unwrap()
                .replace("$SLURM_ARRAY_TASK_ID", "1")
                .replace("$JOB_COMPLETION_INDEX", "1");
            let output = shell(folder.path(), &format!("EST_PARSE_ONLY=1 {words}"));
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {command}\n{told}");
            count += 1;
        }
    }
    assert!(count >= 40, "{count} commands found");
}

/// The files that the pages name.
fn fixtures(folder: &Path) {
    let put = |from: &str, to: &str| {
        let to = folder.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(Path::new(ROOT).join(from), to).unwrap();
    };
    put("weights/est-default.est", "est-default.est");
    put("weights/est-default.est", "model.est");
    put("downloads/retinaface_mobilenet0.25.pth", "retinaface_mobilenet0.25.pth");
    put("goldens/authors_tiny.pth", "checkpoint.pth");
    let demo = format!("{ROOT}/downloads/demo.mp4");
    let video = |start: &str, to: &str| {
        let to = folder.join(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let coded = ["-t", "1.5", "-vf", "scale=320:180", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"];
        ffmpeg(&[&["-ss", start, "-i", &demo][..], &coded, &[to.to_str().unwrap()]].concat());
    };
    video("12", "interview.mp4");
    video("8", "a.mp4");
    video("12", "VIDEOS/a/x.mp4");
    video("9", "VIDEOS/b/x.mp4");
    let clips = folder.join("clips");
    std::fs::create_dir_all(&clips).unwrap();
    let crops = clips.join("%03d.png");
    ffmpeg(&[
        "-ss",
        "12",
        "-i",
        &demo,
        "-frames:v",
        "30",
        "-vf",
        "crop=200:200:220:60,scale=112:112",
        crops.to_str().unwrap(),
    ]);
    std::fs::write(
        folder.join("openface.csv"),
        "frame, timestamp, confidence, success, AU12_r\n1, 0.0, 0.98, 1, 2.5\n",
    )
    .unwrap();
    let pyfeat = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,anger,disgust,fear,happiness,sadness,surprise,neutral";
    std::fs::write(folder.join("fex.csv"), format!("{pyfeat}\n0,1,2,30,40,0.99,0.1,0,0,0.7,0.1,0,0.1\n")).unwrap();
    std::fs::write(folder.join("videos.csv"), "path,participant\ninterview.mp4,p1\na.mp4,p2\n").unwrap();
}

#[test]
fn the_users_pages_can_be_followed() {
    let pages = pages();
    let mut count = 0;
    for name in std::iter::once("README").chain(RUN) {
        let Some(page) = pages.get(name) else { continue };
        // Each page by itself, as a reader begins with it.
        let folder = tempfile::tempdir().unwrap();
        fixtures(folder.path());
        for command in commands(page) {
            if command.contains("...") || NOT_HERE.iter().any(|what| command.contains(what)) {
                continue;
            }
            let output = shell(folder.path(), &command);
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{name}: {command}\n{told}");
            count += 1;
        }
    }
    assert!(count >= 15, "{count} commands run");
}

/// The page shows the network and the list as they are, and the network is short enough to be an example.
#[test]
fn the_page_about_networks_shows_the_sources() {
    let read = |path: &str| std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    let (page, example) = (read("docs/add-a-network.md"), read("crates/est-nets/src/zoo/tiny3d.rs"));
    assert!(page.contains(&format!("```rust\n{example}```")), "docs/add-a-network.md shows another zoo/tiny3d.rs");
    assert!(example.lines().count() <= 60, "{} lines", example.lines().count());
    let list = read("crates/est-nets/src/network.rs");
    let list = &list[list.find("\nnetworks! {").expect("the list")..];
    let list = &list[..list.find("\n}\n").expect("its end") + 3];
    assert!(page.contains(&format!("```rust{list}```")), "docs/add-a-network.md shows another list than network.rs");
}
