//! What folders lack to be all parts of a run.
//!
//! Each part says which of how many it is, of which list of videos ([`Part`]). The run that was begun last is the one that
//! is to be whole; parts of other runs are told, unless those are whole as well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use super::folder::OutputFolder;
use super::part::{Part, hash_of};
use super::shard::Shard;
use crate::error::EstError;

/// Something that is missing, or that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub problem: String,
    /// What makes it, of so many the first few.
    pub commands: Vec<String>,
}

/// Names and commands that are told of many.
const TOLD: usize = 4;

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.problem)?;
        if !self.commands.is_empty() {
            write!(f, "; to make it:")?;
        }
        self.commands.iter().try_for_each(|command| write!(f, "\n  {command}"))
    }
}

/// A part and the folder that it is in.
#[derive(Clone, Copy)]
struct Placed<'a> {
    part: &'a Part,
    folder: &'a Path,
}

/// Parts of one run over one list, by their numbers.
type Run<'a> = BTreeMap<u64, Placed<'a>>;

/// What `shards` and `out`, which holds what was joined before, lack.
pub(super) fn find(out: &OutputFolder, shards: &[OutputFolder]) -> Result<Vec<Gap>, EstError> {
    let mut gaps = vec![];
    let mut parts: Vec<(Vec<Part>, &Path)> = vec![];
    for folder in shards.iter().chain([out]) {
        let of_folder = folder.parts().all()?;
        let is_out = std::ptr::eq(folder, out);
        if of_folder.is_empty() && !is_out && !is_whole(folder)? {
            gaps.push(Gap {
                problem: format!(
                    "{} does not say which part of which videos it is (an earlier est made it), so whether all are there \
                     cannot be checked; run its command again, which does no video twice, or join what is there with \
                     --partial",
                    folder.path().display()
                ),
                commands: vec![],
            });
        }
        parts.push((of_folder, folder.path()));
    }
    let mut runs: BTreeMap<(u64, &str), Run> = BTreeMap::new();
    for (parts, folder) in &parts {
        for part in parts {
            runs.entry(part.run()).or_default().entry(part.part).or_insert(Placed { part, folder });
        }
    }
    let newest =
        runs.iter().max_by_key(|(key, run)| (run.values().map(|placed| &placed.part.at).max(), run.len(), **key));
    let Some((&key, newest)) = newest else { return Ok(gaps) };
    let there: BTreeSet<&str> =
        shards.iter().chain([out]).flat_map(|folder| folder.entries().keys().map(String::as_str)).collect();
    gaps.extend(missing_parts(newest, &runs));
    gaps.extend(of_a_run(newest, &there));
    for (_, run) in runs.iter().filter(|(other, _)| **other != key) {
        if missing(run).is_empty() {
            gaps.extend(of_a_run(run, &there));
        } else {
            gaps.push(of_another_run(run, newest));
        }
    }
    Ok(gaps)
}

/// Videos of folders with parts that no part has.
pub(super) fn strays(shards: &[OutputFolder]) -> Result<Vec<String>, EstError> {
    let mut listed: BTreeSet<String> = BTreeSet::new();
    let mut there: BTreeSet<&String> = BTreeSet::new();
    for folder in shards {
        let parts = folder.parts().all()?;
        if !parts.is_empty() && !is_whole(folder)? {
            there.extend(folder.entries().keys());
        }
        listed.extend(parts.into_iter().flat_map(|part| part.names));
    }
    Ok(there.into_iter().filter(|name| !listed.contains(*name)).cloned().collect())
}

/// Whether a folder without parts was made without `--shard`: then it is all of its run.
fn is_whole(folder: &OutputFolder) -> Result<bool, EstError> {
    let runs = folder.runs().all()?;
    let commands: Vec<&Vec<String>> = runs.iter().map(|run| &run.command).filter(|words| !words.is_empty()).collect();
    let in_parts = |words: &Vec<String>| words.iter().any(|word| word == "--shard" || word.starts_with("--shard="));
    Ok(!commands.is_empty() && !commands.into_iter().any(in_parts))
}

/// The parts of a run that are not there, as ranges: there may be very many.
fn missing(run: &Run) -> Vec<(u64, u64)> {
    let of = run.values().next().map_or(0, |placed| placed.part.of);
    let mut ranges = vec![];
    let mut next = 1;
    for &part in run.keys() {
        if part > next {
            ranges.push((next, part - 1));
        }
        next = part.saturating_add(1);
    }
    if next <= of && !run.contains_key(&of) {
        ranges.push((next, of));
    }
    ranges
}

fn missing_parts(run: &Run, runs: &BTreeMap<(u64, &str), Run>) -> Option<Gap> {
    let ranges = missing(run);
    let placed = run.values().next().filter(|_| !ranges.is_empty())?;
    let part = placed.part;
    let words: Vec<String> = ranges
        .iter()
        .map(|&(first, last)| if first == last { first.to_string() } else { format!("{first}-{last}") })
        .collect();
    let one = matches!(ranges[..], [(first, last)] if first == last);
    let known: usize = run.values().map(|placed| placed.part.names.len()).sum();
    let first_few = ranges.iter().flat_map(|&(first, last)| first..=last).take(TOLD);
    let commands = first_few.map(|number| {
        // Where an earlier list's part is, this one's goes.
        let before = runs.values().flat_map(|run| run.get(&number)).find(|before| before.part.of == part.of);
        match before {
            Some(before) => command(before.part, number, Some(before.folder.to_owned())),
            None => command(part, number, guessed_folder(run, number)),
        }
    });
    Some(Gap {
        problem: format!(
            "{} {} of {} {} missing, with {} of {} videos",
            if one { "part" } else { "parts" },
            shortened(&words),
            part.of,
            if one { "is" } else { "are" },
            part.videos.saturating_sub(known),
            part.videos
        ),
        commands: commands.collect(),
    })
}

/// What is wrong with the parts of a run that are there.
fn of_a_run(run: &Run, there: &BTreeSet<&str>) -> Vec<Gap> {
    let mut gaps = vec![];
    let mut parts_of: BTreeMap<&str, &Placed> = BTreeMap::new();
    for placed in run.values() {
        let Placed { part, folder } = placed;
        let lacking: Vec<String> =
            part.names.iter().filter(|name| !there.contains(name.as_str())).map(String::from).collect();
        if !lacking.is_empty() {
            gaps.push(Gap {
                problem: format!(
                    "part {} of {} ({}) lacks {} of its {} videos: {}",
                    part.part,
                    part.of,
                    folder.display(),
                    lacking.len(),
                    part.names.len(),
                    shortened(&lacking)
                ),
                commands: vec![command(part, part.part, Some(folder.to_path_buf()))],
            });
        }
        for name in &part.names {
            if let Some(other) = parts_of.insert(name, placed) {
                gaps.push(Gap {
                    problem: format!(
                        "`{name}` is in part {} ({}) and in part {} ({}) of {}; make both again with one version of est",
                        other.part.part,
                        other.folder.display(),
                        part.part,
                        folder.display(),
                        part.of
                    ),
                    commands: vec![],
                });
                return gaps;
            }
        }
    }
    let names: Vec<&str> = parts_of.into_keys().collect();
    let adds_up = run.values().all(|placed| placed.part.list_sha256 == hash_of(&names));
    if missing(run).is_empty() && !adds_up {
        let of = run.len();
        let problem =
            format!("the {of} parts have other videos than their list, which est does not write; make them again");
        gaps.push(Gap { problem, commands: vec![] });
    }
    gaps
}

/// Names the folders that hold parts of `run` though `newest` is wanted.
fn of_another_run(run: &Run, newest: &Run) -> Gap {
    let words = |run: &Run| {
        let (count, of, videos) = run.values().next().map_or((0, 0, 0), |p| (run.len(), p.part.of, p.part.videos));
        format!("{count} of {of} parts of {videos} videos")
    };
    let folders: Vec<String> = run
        .values()
        .map(|placed| format!("{} (part {}, begun {})", placed.folder.display(), placed.part.part, placed.part.at))
        .collect();
    let same_count = run.values().zip(newest.values()).all(|(a, b)| a.part.of == b.part.of);
    let what = if same_count { "another list of videos" } else { "another run" };
    let advice = if same_count { "make them again, all with the same videos" } else { "leave them out" };
    Gap {
        problem: format!(
            "{} {} of {what}: {} are there, and {} of the last one; {advice}",
            shortened(&folders),
            if folders.len() == 1 { "is" } else { "are" },
            words(run),
            words(newest)
        ),
        commands: vec![],
    }
}

fn shortened(words: &[String]) -> String {
    let told = words.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if words.len() > TOLD { format!("{told} and {} more", words.len() - TOLD) } else { told }
}

/// The command that `part` was made with, for part `number` into `folder`.
fn command(part: &Part, number: u64, folder: Option<PathBuf>) -> String {
    let shard = Shard::new(number, part.of).map_or(String::new(), |shard| shard.to_string());
    let folder = folder.map_or_else(|| format!("part-{number}"), |folder| folder.display().to_string());
    let mut words = vec!["est".to_string()];
    let mut given = part.command.iter().skip(1);
    while let Some(word) = given.next() {
        if word == "--shard" || word == "--out" {
            given.next();
        } else if !word.starts_with("--shard=") && !word.starts_with("--out=") {
            words.push(word.clone());
        }
    }
    if words.len() == 1 {
        words.extend(["predict", "VIDEOS"].map(String::from));
    }
    words.extend(["--out".to_string(), folder, "--shard".to_string(), shard]);
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// The `--out` of a command.
fn out_of(part: &Part) -> Option<PathBuf> {
    let words = &part.command;
    let place = words.iter().position(|word| word == "--out");
    let after = place.and_then(|place| words.get(place + 1)).map(String::as_str);
    after.or_else(|| words.iter().find_map(|word| word.strip_prefix("--out="))).map(PathBuf::from)
}

/// Where part `number` of a run most likely goes, by where the others are: `part-3` beside `part-1`, the same folder where
/// several are in one. None where they do not tell.
fn guessed_folder(run: &Run, number: u64) -> Option<PathBuf> {
    let folders: BTreeSet<PathBuf> = run.values().filter_map(|placed| out_of(placed.part)).collect();
    if run.len() > 1 && folders.len() == 1 {
        return folders.into_iter().next();
    }
    run.values().find_map(|placed| {
        let part = placed.part;
        let own = out_of(part)?;
        let name = own.file_name()?.to_str()?.to_string();
        let digits = |c: char| c.is_ascii_digit();
        let start = name.rfind(digits).map(|end| name[..end].rfind(|c| !digits(c)).map_or(0, |at| at + 1))?;
        let end = start + name[start..].find(|c| !digits(c)).unwrap_or(name.len() - start);
        let written: u64 = name[start..end].parse().ok()?;
        // Folders are called after the parts or after the tasks.
        let by_task = part.numbering.filter(|numbering| numbering.task(part.part) == Some(written));
        let number = match by_task {
            Some(numbering) => numbering.task(number)?,
            None if written == part.part => number,
            None => return None,
        };
        let width = end - start;
        Some(own.with_file_name(format!("{}{number:0width$}{}", &name[..start], &name[end..])))
    })
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_string()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Numbering;

    fn part(number: u64, of: u64, names: [&[&str]; 4], at: &str) -> Part {
        let mut all = names.concat();
        all.sort_unstable();
        let out = format!("out/p{:02}", number - 1);
        Part {
            part: number,
            of,
            list_sha256: hash_of(&all),
            videos: all.len(),
            names: names[number as usize - 1].iter().map(|name| name.to_string()).collect(),
            numbering: Some(Numbering { first: 0, step: 1 }),
            at: at.to_string(),
            command: ["/bin/est", "predict", "my videos", "--shard", "auto/4", "--out", &out]
                .map(String::from)
                .to_vec(),
        }
    }

    const NAMES: [&[&str]; 4] = [&["a", "b"], &["c"], &["d", "e", "f"], &[]];

    /// What is found in a folder for each part, with `entries` in all.
    fn found(parts: &[Part], entries: &[&str]) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let folders: Vec<OutputFolder> = parts
            .iter()
            .map(|part| {
                let path = place.path().join(format!("{}-{}", part.part, part.of));
                std::fs::create_dir_all(&path).unwrap();
                crate::run::Parts::new(&path).note(part).unwrap();
                let mut manifest = String::new();
                for name in part.names.iter().filter(|name| entries.contains(&name.as_str())) {
                    let line = serde_json::json!({
                        "video_id": name, "source": "/x", "config_sha256": "0", "at": "", "files": [],
                    });
                    manifest += &format!("{line}\n");
                }
                std::fs::write(path.join(crate::run::MANIFEST), manifest).unwrap();
                OutputFolder::existing(&path).unwrap()
            })
            .collect();
        let out = OutputFolder::look(&place.path().join("out")).unwrap();
        let root = format!("{}/", place.path().display());
        find(&out, &folders).unwrap().iter().map(|gap| gap.to_string().replace(&root, "")).collect()
    }

    #[test]
    fn parts_and_videos_that_are_missing_are_named_with_their_commands() {
        let all = ["a", "b", "c", "d", "e", "f"];
        let parts: Vec<Part> = (1..=4).map(|number| part(number, 4, NAMES, "1")).collect();
        assert!(found(&parts, &all).is_empty());
        let [first, second, _, fourth] = &parts[..] else { unreachable!() };
        let three = [first.clone(), second.clone(), fourth.clone()];
        let command = "est predict 'my videos' --out out/p02 --shard 3/4";
        assert_eq!(
            found(&three, &all),
            [format!("part 3 of 4 is missing, with 3 of 6 videos; to make it:\n  {command}")]
        );
        let gaps = found(&parts, &["a", "b", "c", "e"]);
        let command = "est predict 'my videos' --out 3-4 --shard 3/4";
        assert_eq!(gaps, [format!("part 3 of 4 (3-4) lacks 2 of its 3 videos: d, f; to make it:\n  {command}")],);
        let alone = found(&parts[1..2], &all).join("\n");
        assert!(alone.contains("parts 1, 3-4 of 4 are missing, with 5 of 6 videos"), "{alone}");
    }

    #[test]
    fn parts_of_another_list_are_named() {
        let all = ["a", "b", "c", "d", "e", "f", "g"];
        let mut parts: Vec<Part> = (1..=4).map(|number| part(number, 4, NAMES, "1")).collect();
        parts[1] = part(2, 4, [NAMES[0], &["c", "g"], NAMES[2], NAMES[3]], "2");
        let gaps = found(&parts, &all);
        assert!(gaps[0].starts_with("parts 1, 3-4 of 4 are missing, with 5 of 7 videos"), "{gaps:?}");
        assert!(gaps[0].contains("--out 1-4 --shard 1/4"), "{gaps:?}");
        assert!(gaps[1].contains("3-4 (part 3, begun 1)") && gaps[1].contains("another list of videos"), "{gaps:?}");
        // Of another number of parts; two whole runs are no gap.
        let mut parts: Vec<Part> = (1..=4).map(|number| part(number, 4, NAMES, "2")).collect();
        parts.push(part(1, 2, [&["x"], &["y"], &[], &[]], "1"));
        let gaps = found(&parts, &[&all[..], &["x", "y"]].concat());
        assert!(gaps.len() == 1 && gaps[0].contains("1-2 (part 1") && gaps[0].contains("leave them out"), "{gaps:?}");
        parts.push(part(2, 2, [&["x"], &["y"], &[], &[]], "1"));
        assert!(found(&parts, &[&all[..], &["x", "y"]].concat()).is_empty());
    }

    #[test]
    fn parts_that_no_est_writes_neither_hang_nor_pass() {
        let mut wild = part(1, 4, NAMES, "1");
        wild.of = u64::MAX;
        let gaps = found(&[wild], &["a", "b"]);
        assert!(gaps[0].contains(&format!("parts 2-{} of", u64::MAX)), "{gaps:?}");
        let mut parts: Vec<Part> = (1..=4).map(|number| part(number, 4, NAMES, "1")).collect();
        parts[1].names = vec!["a".to_string()];
        assert!(found(&parts, &["a", "b", "d", "e", "f"])[0].contains("`a` is in part 1"));
        parts[1].names = vec![];
        assert!(found(&parts, &["a", "b", "d", "e", "f"])[0].contains("other videos than their list"));
    }
}
