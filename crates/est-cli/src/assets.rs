//! Files that est needs beside itself, and where it looks for them.

use std::path::{Path, PathBuf};

pub use est_data::synth::mesh::{MESH_FILE, MESH_SHA256};

/// The face detector's weights under the name that the set-up gives them, and the SHA-256 of the file that was tested.
pub const DETECTOR_FILE: &str = "retinaface_mobilenet0.25.pth";
pub const DETECTOR_SHA256: &str = "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220";

/// The trained weights that are used when none are given: `weights/` in the repository has them, with their model card.
pub const WEIGHTS_FILE: &str = "est-default.est";

/// Where `file` may lie, in the order in which it is looked for.
pub fn places(file: &str) -> Vec<PathBuf> {
    let mut folders = vec![];
    if let Some(folder) = std::env::var_os("EST_HOME") {
        folders.push(PathBuf::from(folder));
    }
    if let Some(data) = user_folder("XDG_DATA_HOME", ".local/share") {
        folders.push(data.join("est"));
    }
    if let Ok(program) = std::env::current_exe()
        && let Some(folder) = program.parent()
    {
        folders.push(folder.to_owned());
        // A build in the repository: target/release/est.
        let repository = folder.ancestors().skip(1).take(2);
        folders.extend(repository.flat_map(|folder| [folder.join("downloads"), folder.join("weights")]));
    }
    folders.extend(["downloads", "weights"].map(PathBuf::from));
    folders.into_iter().map(|folder| folder.join(file)).collect()
}

/// One of the user's folders: what the variable names, or where it is below the home.
pub fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    // Set to nothing it counts as not set.
    let set = std::env::var_os(variable).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    set.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(below_home)))
}

/// The detector's weights: the file that was given, or the first that is there.
pub fn detector(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    find(DETECTOR_FILE, "the face detector's weights", "--detector", given)
}

/// The default weights.
pub fn weights() -> anyhow::Result<PathBuf> {
    find(WEIGHTS_FILE, "the default weights", "--weights", None)
}

/// The head mesh that `est synth` draws: the file that was given, or the first that is there.
pub fn mesh(given: Option<&Path>) -> anyhow::Result<PathBuf> {
    find(MESH_FILE, "the head mesh", "--mesh", given)
}

fn find(file: &str, what: &str, option: &str, given: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    places(file).into_iter().find(|path| path.is_file()).ok_or_else(|| {
        anyhow::anyhow!(
            "{what} ({file}): not installed; run `make setup` in the repository, or name the file with {option}; \
             `est doctor` lists where it is looked for"
        )
    })
}
