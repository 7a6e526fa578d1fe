//! What the files of a video are called, and where that cannot be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est::report::Format;
use est::run::OutputFolder;
use est::{EstError, Input};

use est::record_path;

/// Bytes that the name of a file may have on any usual file system.
const NAME_MOST: usize = 255;

/// Whether file systems take the names of the results.
pub fn check_names(input: &Input, formats: &[Format]) -> Result<(), EstError> {
    let (here, name) = (Path::new(""), &input.name);
    let paths = formats.iter().flat_map(|format| format.paths(here, name)).chain([record_path(here, name)]);
    let longest = paths.map(|path| path.file_name().map_or(0, |name| name.len())).max().unwrap_or(0);
    if longest <= NAME_MOST {
        return Ok(());
    }
    Err(EstError::Source {
        pattern: input.source.path().display().to_string(),
        problem: format!(
            "the names of its results would have {longest} bytes, and file systems take {NAME_MOST}; rename it, give it a \
             shorter video_id in a --list, or say --pseudonyms"
        ),
    })
}

/// Leaves out inputs that would write a file of another video, and says why: events of BIDS are named by all of a name but its
/// end.
pub fn one_to_a_file(inputs: &mut Vec<Input>, folder: &OutputFolder, formats: &[Format]) -> Vec<String> {
    let mut problems = vec![];
    if !formats.contains(&Format::Bids) {
        return problems;
    }
    let mut owners: BTreeMap<PathBuf, String> = BTreeMap::new();
    for (name, entry) in folder.entries() {
        owners.extend(entry.files.iter().map(|file| (PathBuf::from(file), name.clone())));
    }
    inputs.retain(|input| {
        let path = Format::Bids.paths(Path::new(""), &input.name).remove(0);
        let owner = owners.entry(path.clone()).or_insert_with(|| input.name.clone());
        if *owner != input.name {
            let (source, path) = (input.source.path().display(), path.display());
            problems.push(format!(
                "{source}: its BIDS events would be {path}, which are those of {owner}; tell the videos apart by an entity such as \
                 acq-: sub-01_task-talk_acq-left_video"
            ));
        }
        *owner == input.name
    });
    problems
}
