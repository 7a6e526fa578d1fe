//! The example `own_frames`, in the workspace and as a program outside it that depends on nothing but est.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Gives `program` one second of a real face on its standard input: a row for each frame, and expressions.
fn reads_frames(program: &Path) {
    assert!(program.is_file(), "a whole `cargo test` builds the examples; `cargo build --examples` does alone");
    let repository = repository();
    let mut frames = Command::new("ffmpeg")
        .args(["-v", "error", "-i", "downloads/single_face.mp4", "-vf", "scale=320:240", "-r", "25", "-t", "1"])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .current_dir(&repository)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pipe = frames.stdout.take().unwrap();
    let out = Command::new(program).current_dir(&repository).stdin(pipe).output().unwrap();
    assert!(frames.wait().unwrap().success());
    let (said, rows) = (String::from_utf8_lossy(&out.stderr), String::from_utf8_lossy(&out.stdout));
    assert!(out.status.success(), "{said}");
    assert_eq!(rows.lines().count(), 25, "{rows}");
    assert!(rows.lines().last().unwrap().contains("pts_s: 0.96"), "{rows}");
    assert!(rows.lines().any(|row| row.contains("Scored")), "a face has probabilities: {rows}");
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is in the folder of what is built")
}

#[test]
fn the_example_reads_its_own_frames() {
    reads_frames(&target().join("debug/examples/own_frames"));
}

/// Its dependencies are built again, since a workspace unites their features: 200 s of two busy cores. For `make test-full`.
#[test]
fn a_program_outside_the_workspace_reads_its_own_frames() {
    if std::env::var_os("EST_LONG").is_none() {
        return;
    }
    let (repository, folder) = (repository(), tempfile::tempdir().unwrap());
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let manifest = std::fs::read_to_string(repository.join("Cargo.toml")).unwrap();
    // With the workspace's profiles the kernels are optimised.
    let profiles = &manifest[manifest.find("[profile.dev]").expect("the workspace has profiles")..];
    let path = repository.join("crates/est");
    let package = "[package]\nname = \"own-frames\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    put("Cargo.toml", &format!("{package}[dependencies]\nest = {{ path = {path:?} }}\n[workspace]\n{profiles}"));
    put("Cargo.lock", &std::fs::read_to_string(repository.join("Cargo.lock")).unwrap());
    std::fs::create_dir(folder.path().join("src")).unwrap();
    put("src/main.rs", include_str!("../examples/own_frames.rs"));
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--target-dir"])
        .args([target(), Path::new("--manifest-path"), &folder.path().join("Cargo.toml")])
        .status();
    assert!(built.unwrap().success());
    reads_frames(&target().join("debug/own-frames"));
}
