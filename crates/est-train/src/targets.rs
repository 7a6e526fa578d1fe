//! What is right for single frames, or by their mean for a clip, where it is more than the class of the clip.

use std::collections::BTreeMap;
use std::path::Path;

use est::report::Columns;
use est_data::set::PreparedSet;

use crate::error::TrainError;

/// How far a row's sum may lie from 1: what is printed with four digits.
const TOLERANCE: f32 = 5e-3;

/// One frame of a clip and its distribution over the set's classes, in their order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FrameTarget {
    pub frame: u64,
    pub shares: Vec<f32>,
}

/// The frames that a file lists, by clip.
#[derive(Debug)]
pub(crate) struct FrameTargets {
    rows: BTreeMap<usize, Vec<FrameTarget>>,
}

impl FrameTargets {
    /// Reads a CSV file with the columns `clip`, `frame` (counted from 0) and `p_CLASS` of every class. `train` are the
    /// clips, by place, that need rows; rows of clips that the set does not have are passed over, so that one file may
    /// serve a set and its parts.
    ///
    /// # Errors
    /// With file and line: a missing column, a frame that the clip does not have, numbers that are no distribution; a clip
    /// without a row.
    pub fn read(path: &Path, set: &PreparedSet, train: &[usize]) -> Result<Self, TrainError> {
        let wrong = |line: u64, problem: String| TrainError::input(path, format!("line {line}: {problem}"));
        let broken = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(error) => TrainError::read(path)(error),
            kind => TrainError::input(path, format!("not a table of targets ({kind:?})")),
        };
        let mut reader = csv::Reader::from_path(path).map_err(broken)?;
        let header = reader.headers().map_err(broken)?.clone();
        let column = |name: &str| {
            let missing = || TrainError::input(path, format!("no column `{name}`; it needs clip, frame and p_CLASS"));
            header.iter().position(|other| other == name).ok_or_else(missing)
        };
        let (clip, frame) = (column("clip")?, column("frame")?);
        let classes: Vec<usize> =
            set.record().classes.iter().map(|class| column(&Columns::probability(class))).collect::<Result<_, _>>()?;
        let places: BTreeMap<&str, usize> =
            set.clips().iter().enumerate().map(|(place, row)| (row.clip.as_str(), place)).collect();
        let mut rows: BTreeMap<usize, Vec<FrameTarget>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.map_err(broken)?;
            let line = record.position().map_or(0, csv::Position::line);
            let Some(&place) = places.get(&record[clip]) else { continue };
            let frames = set.clips()[place].frames;
            let number = record[frame].parse().ok().filter(|&number: &u64| number < frames);
            let number = number.ok_or_else(|| {
                wrong(line, format!("frame {} of clip {}, which has {frames}", &record[frame], &record[clip]))
            })?;
            let shares: Option<Vec<f32>> = classes.iter().map(|&column| record[column].parse().ok()).collect();
            let fine = |shares: &Vec<f32>| {
                shares.iter().all(|&share| share >= 0.0) && (shares.iter().sum::<f32>() - 1.0).abs() <= TOLERANCE
            };
            let shares = shares
                .filter(fine)
                .ok_or_else(|| wrong(line, "its p_CLASS are no probabilities that sum to 1".to_string()))?;
            rows.entry(place).or_default().push(FrameTarget { frame: number, shares });
        }
        match train.iter().find(|place| !rows.contains_key(place)) {
            Some(&place) => {
                let problem = format!("no row of the training clip {}; add it", set.clips()[place].clip);
                Err(TrainError::input(path, problem))
            }
            None => Ok(FrameTargets { rows }),
        }
    }

    pub fn of(&self, clip: usize) -> &[FrameTarget] {
        &self.rows[&clip]
    }

    /// The mean of the rows of a clip.
    pub fn of_whole(&self, clip: usize) -> Vec<f32> {
        let rows = self.of(clip);
        let mean = |k: usize| rows.iter().map(|row| row.shares[k]).sum::<f32>() / rows.len() as f32;
        (0..rows[0].shares.len()).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use set::two_clips;

    mod set {
        use est_data::set::{ClipMaker, ClipRow, ClipStatus, MadeClip, PreparedSet, Scratch, SetPlan, build};
        use est_data::{ClipEntry, DataError};

        struct Maker;

        impl ClipMaker for Maker {
            fn make(&mut self, _: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
                let mut frames = scratch.frames();
                (0..4).for_each(|k| frames.push(f64::from(k), b"no JPEG").unwrap());
                let (status, details) = (ClipStatus::Ok, serde_json::json!({}));
                Ok(MadeClip { status, frames: Some(frames), decoded: 4, tracks: 1, note: None, details })
            }
        }

        /// Two clips, `a` and `b`, of four frames, with the classes happy and sad.
        pub fn two_clips(folder: &std::path::Path) -> PreparedSet {
            let classes = ["happy", "sad"].map(String::from).to_vec();
            let row = |id: &str| {
                let entry = ClipEntry {
                    id: id.to_string(),
                    source: est::Source::File(id.into()),
                    label: Some(0),
                    subject: None,
                    part: None,
                    note: None,
                };
                ClipRow::new(&entry, &classes, String::new())
            };
            let clips = ["a", "b"].map(row).to_vec();
            let settings = serde_json::json!({ "size": 8 });
            let plan =
                SetPlan { name: "t".into(), classes: classes.clone(), settings, clips, split: None, shard_clips: 9 };
            build(&plan, folder, 1, || Ok(Maker), |_| ()).unwrap()
        }
    }

    #[test]
    fn a_table_is_read_and_its_faults_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let set = two_clips(&folder.path().join("set"));
        let path = folder.path().join("targets.csv");
        let read = |text: &str, train: &[usize]| {
            std::fs::write(&path, text).unwrap();
            FrameTargets::read(&path, &set, train).map_err(|error| error.to_string())
        };
        let good = "p_sad,clip,frame,p_happy\n0.25,a,3,0.75\n1,other,99,0\n0,a,0,1\n";
        let targets = read(good, &[0]).unwrap();
        let rows: Vec<(u64, &[f32])> = targets.of(0).iter().map(|row| (row.frame, &row.shares[..])).collect();
        assert_eq!(rows, [(3, &[0.75, 0.25][..]), (0, &[1.0, 0.0])]);
        assert_eq!(targets.of_whole(0), [0.875, 0.125]);
        for (text, train, problem) in [
            (good, &[0, 1][..], "no row of the training clip b"),
            ("clip,frame,p_happy\n", &[], "no column `p_sad`"),
            ("clip,frame,p_happy,p_sad\na,4,1,0\n", &[], "line 2: frame 4 of clip a, which has 4"),
            ("clip,frame,p_happy,p_sad\na,0,1,0.5\n", &[], "line 2: its p_CLASS"),
            ("clip,frame,p_happy,p_sad\na,0,1\n", &[], "not a table"),
        ] {
            let error = read(text, train).unwrap_err();
            assert!(error.contains("targets.csv") && error.contains(problem), "{text}: {error}");
        }
    }
}
