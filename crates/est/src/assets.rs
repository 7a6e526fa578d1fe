//! Files that est needs beside itself, and where it looks for them.

use std::path::{Path, PathBuf};

use crate::error::EstError;

/// A file that est needs: what it is for people, and its name on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    pub what: &'static str,
    pub file: &'static str,
    /// Of the file that was tested, where it is one that the set-up fetches.
    pub sha256: Option<&'static str>,
}

/// The face detector's weights under the name that the set-up gives them.
pub const DETECTOR: Asset = Asset {
    what: "the face detector's weights",
    file: "retinaface_mobilenet0.25.pth",
    sha256: Some("2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220"),
};

/// The trained weights that are used when none are given: `weights/` in the repository has them, with their model card. The
/// file holds the hash of its own tensors.
pub const WEIGHTS: Asset = Asset { what: "the default weights", file: "est-default.est", sha256: None };

impl Asset {
    /// Where it may lie, in the order in which it is looked for: `EST_HOME`, the user's data, beside the program and in the
    /// repository that it was built in, the current folder's `downloads` and `weights`.
    pub fn places(&self) -> Vec<PathBuf> {
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
        folders.into_iter().map(|folder| folder.join(self.file)).collect()
    }

    /// The file that was given, or the first that is there.
    ///
    /// # Errors
    /// When it is in none of its places.
    pub fn find(&self, given: Option<&Path>) -> Result<PathBuf, EstError> {
        let Asset { what, file, .. } = *self;
        let found = given.map(Path::to_owned).or_else(|| self.places().into_iter().find(|path| path.is_file()));
        found.ok_or(EstError::NotInstalled { what, file })
    }
}

/// One of the user's folders: what the variable names, or where it is below the home.
pub fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    // Set to nothing it counts as not set.
    let set = std::env::var_os(variable).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    set.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(below_home)))
}
