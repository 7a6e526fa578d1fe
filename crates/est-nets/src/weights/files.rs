//! Which files a checkpoint is: one, or the parts of one with an index beside them, as Hugging Face's libraries save what
//! is large (`model.safetensors.index.json`, `model-00001-of-00003.safetensors`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::error::{WeightsError, clip};
use super::sniff::{Container, sniff};

/// How the name of an index ends.
const INDEX: &str = ".index.json";
/// The longest index read; that of a network of a thousand tensors is under 100 kB.
const MAX_INDEX: u64 = 8 << 20;
/// The most parts of one checkpoint.
const MAX_PARTS: usize = 4096;
/// What the files of weights are called; in a folder, others are not looked into.
const EXTENSIONS: [&str; 5] = ["safetensors", "pth", "pt", "ckpt", "bin"];

/// The files of one checkpoint, and what each is.
#[derive(Debug)]
pub(super) struct Files {
    pub parts: Vec<(PathBuf, Container)>,
    /// By name of a tensor, the part that must have it.
    pub places: BTreeMap<String, usize>,
}

/// The files that `path` stands for: itself, all parts of which it is the index or one, or what a folder holds.
///
/// # Errors
/// When a part is missing, a folder holds none or several checkpoints, or a file is no weights.
pub(super) fn files(path: &Path) -> Result<Files, WeightsError> {
    let metadata = fs::metadata(path).map_err(|source| WeightsError::io(path, source))?;
    if metadata.is_dir() {
        return files(&of_folder(path)?);
    }
    if metadata.is_file()
        && let Some(index) = index_at(path)?
    {
        return of_index(path, index);
    }
    let container = sniff(path)?;
    let alone = |path: &Path| Files { parts: vec![(path.to_owned(), container)], places: BTreeMap::new() };
    let Some((_, count)) = place_of(path) else { return Ok(alone(path)) };
    match index_beside(path)? {
        Some((at, index)) => of_index(&at, index),
        None if count == 1 => Ok(alone(path)),
        None => numbered(path, count),
    }
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The index that a file is, if it is one.
fn index_at(path: &Path) -> Result<Option<Index>, WeightsError> {
    let is_named_so = path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(".json"));
    if !is_named_so {
        return Ok(None);
    }
    let failed = |source| WeightsError::io(path, source);
    if fs::metadata(path).map_err(failed)?.len() > MAX_INDEX {
        return Err(WeightsError::unsupported(path, format!("an index of more than {} MiB", MAX_INDEX >> 20)));
    }
    let text = fs::read(path).map_err(failed)?;
    Ok(serde_json::from_slice(&text).ok())
}

/// The index in the same folder that names this part.
fn index_beside(path: &Path) -> Result<Option<(PathBuf, Index)>, WeightsError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for beside in entries(folder_of(path))? {
        if ends_with(&beside, INDEX)
            && let Some(index) = index_at(&beside)?
            && index.weight_map.values().any(|part| *part == name)
        {
            return Ok(Some((beside, index)));
        }
    }
    Ok(None)
}

fn of_index(path: &Path, index: Index) -> Result<Files, WeightsError> {
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if names.is_empty() {
        return Err(WeightsError::unsupported(path, "an index that names no tensors; download it again"));
    }
    if names.len() > MAX_PARTS {
        return Err(WeightsError::unsupported(path, format!("an index of more than {MAX_PARTS} files")));
    }
    let mut parts = vec![];
    for &name in &names {
        // A part lies beside its index. What else it names is no business of a weight file.
        if Path::new(name).file_name().is_none_or(|file| file != name.as_str()) {
            let detail = format!("an index that names `{}`, which is not in its folder", clip(name));
            return Err(WeightsError::unsupported(path, detail));
        }
        parts.push(part(folder_of(path).join(name), names.len())?);
    }
    let place = |name: &String| names.iter().position(|part| *part == name).expect("collected from these");
    let places = index.weight_map.iter().map(|(tensor, name)| (tensor.clone(), place(name))).collect();
    Ok(Files { parts, places })
}

/// All parts by the numbers in their names.
fn numbered(path: &Path, count: usize) -> Result<Files, WeightsError> {
    if count > MAX_PARTS {
        return Err(WeightsError::unsupported(path, format!("one of more than {MAX_PARTS} parts")));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (start, digits) = number_in(&name).map(|(range, _)| (range.start, range.len())).expect("the caller saw it");
    let part_name = |number: usize| format!("{}{number:0digits$}{}", &name[..start], &name[start + digits..]);
    let parts = (1..=count).map(|number| part(folder_of(path).join(part_name(number)), count));
    Ok(Files { parts: parts.collect::<Result<_, _>>()?, places: BTreeMap::new() })
}

fn part(path: PathBuf, count: usize) -> Result<(PathBuf, Container), WeightsError> {
    if !path.exists() {
        let detail = format!("missing, one of the {count} parts of a checkpoint; put all of them into one folder");
        return Err(WeightsError::unsupported(&path, detail));
    }
    sniff(&path).map(|container| (path, container))
}

/// Where `00002` stands in `model-00002-of-00003.safetensors`, and the 3.
fn number_in(name: &str) -> Option<(std::ops::Range<usize>, usize)> {
    let of = name.rfind("-of-")?;
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let start = name[..of].rfind('-')? + 1;
    let behind = &name[of + 4..];
    let count = behind[..digits(behind)].parse().ok().filter(|&count| count > 0)?;
    (start < of && digits(&name[start..of]) == of - start).then_some((start..of, count))
}

/// The number and the count of a part, by its name.
fn place_of(path: &Path) -> Option<(usize, usize)> {
    let name = path.file_name()?.to_string_lossy();
    let (range, count) = number_in(&name)?;
    let part = name[range].parse().ok()?;
    (1..=count).contains(&part).then_some((part, count))
}

/// The one checkpoint of a folder: an index before single files, safetensors before pickles of the same.
fn of_folder(folder: &Path) -> Result<PathBuf, WeightsError> {
    let entries = entries(folder)?;
    let safe = |path: &&PathBuf| ends_with(path, ".safetensors") || ends_with(path, ".safetensors.index.json");
    let is_weights = |path: &&PathBuf| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        EXTENSIONS.contains(&extension.as_str()) && place_of(path).is_none_or(|(part, _)| part == 1)
    };
    let indexes: Vec<&PathBuf> = entries.iter().filter(|path| ends_with(path, INDEX)).collect();
    let single: Vec<&PathBuf> = entries.iter().filter(is_weights).collect();
    for kind in [&indexes, &single] {
        let safe: Vec<&PathBuf> = kind.iter().copied().filter(safe).collect();
        match if safe.is_empty() { &kind[..] } else { &safe[..] } {
            [] => {}
            [one] => return Ok((*one).clone()),
            several => {
                let names: Vec<String> = several.iter().map(|path| name_of(path)).collect();
                return Err(WeightsError::NotWeights {
                    path: folder.to_owned(),
                    found: format!("a folder of several ({})", super::error::first_of(&names)),
                    remedy: "give one of them".into(),
                });
            }
        }
    }
    let is_distributed = entries.iter().any(|path| ends_with(path, ".distcp"));
    let (found, remedy) = match is_distributed {
        true => (
            "a folder of PyTorch's distributed checkpoints",
            "make one file of it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE",
        ),
        false => ("a folder without any", "give the weight file"),
    };
    Err(WeightsError::NotWeights { path: folder.to_owned(), found: found.into(), remedy: remedy.into() })
}

/// The files of a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    let failed = |source| WeightsError::io(folder, source);
    let entries = fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.retain(|path| path.is_file());
    paths.sort();
    Ok(paths)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn ends_with(path: &Path, end: &str) -> bool {
    name_of(path).ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_their_names() {
        let place = |name: &str| place_of(Path::new(name));
        assert_eq!(place("a/model-00002-of-00003.safetensors"), Some((2, 3)));
        assert_eq!(place("pytorch_model-1-of-12.bin"), Some((1, 12)));
        for other in ["model.safetensors", "model-of-3.pt", "a-4-of-3.pt", "a-x-of-3.pt", "a-1-of-0.pt", "a-1-of-x.pt"]
        {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
