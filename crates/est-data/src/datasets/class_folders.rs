//! Sets that keep each official part in a folder, and the clips of each class in a folder within.

use est::Source;

use super::gather::{Gather, Statement};
use super::walk::{inside, name};
use crate::error::DataError;

/// Adds the clips of `parts`, each `(folder under the root, part)`. A folder in the place of a class that is none is
/// taken for an unknown label when it holds videos; the sets come with folders of landmarks and such, which are passed
/// over with a warning.
pub(super) fn add(gather: &mut Gather, parts: &[(&str, &str)]) -> Result<(), DataError> {
    for (folder, part) in parts {
        let folder = gather.root().join(folder);
        if !folder.is_dir() {
            return Err(DataError::set(folder, format!("is missing; unpack the {part} part there")));
        }
        let here = inside(&folder)?;
        let mut passed_over: Vec<String> = here.others.iter().chain(&here.videos).map(|path| name(path)).collect();
        for class in here.folders {
            let word = name(&class);
            let within = inside(&class)?;
            passed_over.extend(within.others.iter().map(|file| format!("{word}/{}", name(file))));
            let clips: Vec<Source> = match gather.has_class(&word) {
                true => within.clips().collect(),
                false => within.videos.into_iter().map(Source::File).collect(),
            };
            if clips.is_empty() {
                passed_over.push(word.clone());
            }
            for clip in clips {
                let said = Statement::of_file(gather.root(), clip, &word);
                gather.add(Statement { part: Some(part.to_string()), ..said })?;
            }
        }
        gather.warn(&folder, &passed_over, "files and folders that hold no clip of a class, passed over");
    }
    Ok(())
}
