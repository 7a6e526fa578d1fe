//! Joins the folders that the shards of a run wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::MANIFEST;
use super::claim::Claim;
use super::folder::{self, OutputFolder};
use super::gaps::{self, Gap};
use super::manifest::Entry;
use crate::error::EstError;

/// The folders that are to be joined.
pub struct Merge {
    out: OutputFolder,
    shards: Vec<OutputFolder>,
}

/// What was joined.
#[derive(Debug, Default)]
pub struct Merged {
    pub videos: usize,
    /// They were there from an earlier call.
    pub up_to_date: usize,
    pub failed: usize,
    pub files: usize,
}

impl Merge {
    /// Looks at what is in `shards`, and in `out` from an earlier call.
    ///
    /// # Errors
    /// Shards that were made with different settings, or have different videos of one name.
    pub fn plan(out: &Path, shards: &[PathBuf]) -> Result<Self, EstError> {
        let shards = shards.iter().map(|path| OutputFolder::existing(path)).collect::<Result<Vec<_>, _>>()?;
        let merge = Merge { out: OutputFolder::look(out)?, shards };
        choose(&merge.out, &merge.shards)?;
        Ok(merge)
    }

    /// What is missing for these to be all parts of their runs, and where that cannot be told.
    pub fn gaps(&self) -> Result<Vec<Gap>, EstError> {
        gaps::find(&self.out, &self.shards)
    }

    /// Videos that are there and in no list of the parts: from a run over an earlier list. They are joined as well.
    pub fn strays(&self) -> Result<Vec<String>, EstError> {
        gaps::strays(&self.shards)
    }

    /// Copies the results into `out`, with their manifests, run logs and parts, and writes the table of all.
    pub fn go(self) -> Result<Merged, EstError> {
        let shards = self.shards;
        let mut out = OutputFolder::open(self.out.path())?;
        let chosen = choose(&out, &shards)?;
        let mut merged = Merged::default();
        for (entry, from) in chosen.into_values() {
            merged.videos += 1;
            merged.failed += usize::from(entry.failure.is_some());
            let there = out.entries().get(&entry.video_id).filter(|there| out.has_files(there));
            if there.is_some_and(|there| there.failure.is_none() || there.failure == entry.failure) {
                merged.up_to_date += 1;
                continue;
            }
            merged.files += copy(&mut out, entry, from.path())?;
        }
        let mut known: Vec<_> = out.runs().all()?;
        for shard in &shards {
            for line in shard.runs().all()? {
                if !known.contains(&line) {
                    out.runs().add(&line)?;
                    known.push(line);
                }
            }
            for part in shard.parts().all()? {
                out.parts().note(&part)?;
            }
        }
        out.write_table()?;
        Ok(merged)
    }
}

/// By name, each with the folder that it is in.
type Chosen<'a> = BTreeMap<String, (&'a Entry, &'a OutputFolder)>;

/// One entry for each video: a result before a failure.
fn choose<'a>(out: &OutputFolder, shards: &'a [OutputFolder]) -> Result<Chosen<'a>, EstError> {
    check_settings(shards.iter().chain([out]))?;
    let mut chosen: Chosen = BTreeMap::new();
    for folder in shards {
        for entry in folder.entries().values() {
            let others = chosen.get(&entry.video_id).map(|(other, of)| (*other, of.path()));
            let there = out.entries().get(&entry.video_id).map(|other| (other, out.path()));
            for (other, of) in others.into_iter().chain(there) {
                let both = other.failure.is_none() && entry.failure.is_none();
                if both && other.content_sha256 != entry.content_sha256 {
                    let problem = format!(
                        "`{}` is another video ({}) than in {} ({}); give one of them another name and run it again",
                        entry.video_id,
                        entry.source,
                        of.display(),
                        other.source
                    );
                    return Err(wrong(folder, problem));
                }
            }
            if others.is_none_or(|(other, _)| other.failure.is_some()) {
                chosen.insert(entry.video_id.clone(), (entry, folder));
            }
        }
    }
    Ok(chosen)
}

/// Results of different settings are not one set.
fn check_settings<'a>(folders: impl Iterator<Item = &'a OutputFolder>) -> Result<(), EstError> {
    let mut all = folders.flat_map(|folder| folder.entries().values().map(move |entry| (folder, entry)));
    let Some((first, of_first)) = all.next() else { return Ok(()) };
    match all.find(|(_, entry)| entry.config_sha256 != of_first.config_sha256) {
        Some((other, of_other)) => Err(different(first, of_first, other, of_other)),
        None => Ok(()),
    }
}

fn wrong(folder: &OutputFolder, problem: String) -> EstError {
    EstError::Source { pattern: folder.path().display().to_string(), problem }
}

fn different(a: &OutputFolder, of_a: &Entry, b: &OutputFolder, of_b: &Entry) -> EstError {
    let config = |folder: &OutputFolder, entry: &Entry| {
        let lines = folder.runs().all().unwrap_or_default();
        let line = lines.into_iter().rev().find(|line| line.config_sha256.as_ref() == Some(&entry.config_sha256));
        line.map_or(Value::Null, |line| line.config)
    };
    let mut differences = vec![];
    compare("", &config(a, of_a), &config(b, of_b), &mut differences);
    differences.truncate(4);
    let what = if differences.is_empty() { String::new() } else { format!(" ({})", differences.join("; ")) };
    let problem = format!(
        "`{}` was made with other settings than `{}` in {}{what}; run all shards with the same command, then merge",
        of_b.video_id,
        of_a.video_id,
        a.path().display()
    );
    wrong(b, problem)
}

/// Names what two settings differ in, `path: old, new`.
fn compare(path: &str, a: &Value, b: &Value, differences: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let mut keys: Vec<&String> = x.keys().chain(y.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                compare(&path, &a[key], &b[key], differences);
            }
        }
        _ if a != b => differences.push(format!("{path}: {b}, there {a}")),
        _ => {}
    }
}

fn copy(out: &mut OutputFolder, entry: &Entry, from: &Path) -> Result<usize, EstError> {
    let written = |path: &Path| {
        let path = path.to_owned();
        move |error| EstError::Output { path, error }
    };
    let claim = Claim::wait(out.path(), &entry.video_id).map_err(written(out.path()))?;
    let work = claim.work_folder().map_err(written(out.path()))?;
    for file in &entry.files {
        let leads_out = || EstError::Source {
            pattern: from.display().to_string(),
            problem: format!("its manifest names `{file}`, which is not in the folder; run that shard again"),
        };
        let (source, to) = (folder::below(from, file).ok_or_else(leads_out)?, work.join(file));
        fs::create_dir_all(to.parent().expect("files are in folders")).map_err(written(&to))?;
        fs::copy(&source, &to).and_then(|_| fs::File::open(&to)?.sync_all()).map_err(|error| {
            let lost = !source.exists();
            EstError::Source {
                pattern: source.display().to_string(),
                problem: match lost {
                    true => format!("is gone, though its folder's {MANIFEST} names it; run that shard again"),
                    false => format!("cannot be copied to {} ({error})", to.display()),
                },
            }
        })?;
    }
    let files = out.place(work)?;
    out.add(entry.clone())?;
    Ok(files.len())
}
