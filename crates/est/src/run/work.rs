//! Does what a folder of results lacks, one video after the other, whatever happens to the others.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::claim::Claim;
use super::folder::OutputFolder;
use super::log::RunLine;
use super::manifest::Entry;
use super::standing::Standing;
use super::{content, now, stamp_of};
use crate::error::EstError;
use crate::source::Input;

/// The results of a video, but for the files, which lie in the folder that was given.
pub struct Made {
    /// The video's [`Summary`](crate::report::Summary).
    pub summary: Value,
    pub classes: Vec<String>,
}

/// What a run has to say on its way.
pub enum Event<'a> {
    Planned {
        up_to_date: usize,
        to_do: usize,
        taken: usize,
    },
    /// `number` of `of`, from 1.
    Begins {
        input: &'a Input,
        number: usize,
        of: usize,
    },
    Done {
        input: &'a Input,
        files: Vec<PathBuf>,
    },
    /// While this one waited, another process did it.
    DoneElsewhere {
        input: &'a Input,
    },
    Failed {
        input: &'a Input,
        reason: &'a str,
    },
    /// All that is left is in work by other processes.
    Waits {
        input: &'a Input,
    },
}

/// What makes the results of one video. A trait, so that tests need none.
pub trait Work {
    /// Writes the results of `input` into `folder`, an empty one. The error is for the user.
    fn make(&mut self, input: &Input, folder: &Path) -> Result<Made, String>;

    fn tell(&mut self, event: Event<'_>);
}

/// How a run ended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub up_to_date: usize,
    pub done: usize,
    /// Names and reasons.
    pub failed: Vec<(String, String)>,
}

/// A run over videos into one folder.
pub struct Run<'a> {
    pub folder: &'a mut OutputFolder,
    pub inputs: &'a [Input],
    /// [`config_sha256`](super::config_sha256) of the settings.
    pub config_sha256: &'a str,
    /// Does what is up to date too.
    pub again: bool,
    /// The run's line in the run log.
    pub line: RunLine,
}

impl Run<'_> {
    /// Does all videos that are not up to date; those that other processes are at come last, and are waited for.
    ///
    /// # Errors
    /// The folder cannot be written to. What goes wrong with a video is no error but an outcome.
    pub fn go(&mut self, work: &mut impl Work) -> Result<Outcome, EstError> {
        let mut outcome = Outcome::default();
        let (mut to_do, mut taken) = (vec![], vec![]);
        for input in self.inputs {
            match self.folder.standing(input, self.config_sha256, self.again) {
                Standing::UpToDate => outcome.up_to_date += 1,
                Standing::ToDo(_) => to_do.push(input),
                Standing::Taken(other) => taken.push((input, other)),
            }
        }
        work.tell(Event::Planned { up_to_date: outcome.up_to_date, to_do: to_do.len(), taken: taken.len() });
        for (input, other) in taken {
            self.refuse(input, &other, work, &mut outcome);
        }
        if to_do.is_empty() {
            // A run that was killed may not have come to it.
            self.folder.write_table()?;
            return Ok(outcome);
        }
        self.line.config_sha256 = Some(self.config_sha256.to_string());
        self.line.videos = Some(self.inputs.len());
        self.line.up_to_date = Some(outcome.up_to_date);
        self.folder.runs().add(&self.line)?;
        let of = to_do.len();
        let mut number = 0;
        let mut elsewhere = vec![];
        for input in to_do {
            match Claim::take(self.folder.path(), &input.name).map_err(|error| self.wrong(error))? {
                None => elsewhere.push(input),
                Some(claim) => {
                    number += 1;
                    work.tell(Event::Begins { input, number, of });
                    self.one(input, &claim, self.again, work, &mut outcome)?;
                }
            }
        }
        for input in elsewhere {
            work.tell(Event::Waits { input });
            let claim = Claim::wait(self.folder.path(), &input.name).map_err(|error| self.wrong(error))?;
            number += 1;
            work.tell(Event::Begins { input, number, of });
            // Its other process has done it, unless that died.
            self.one(input, &claim, false, work, &mut outcome)?;
        }
        self.folder.write_table()?;
        self.folder.runs().add(&self.line.end(outcome.done, outcome.failed.len()))?;
        Ok(outcome)
    }

    /// Leaves the results of `other` in their place.
    fn refuse(&self, input: &Input, other: &str, work: &mut impl Work, outcome: &mut Outcome) {
        let reason = format!(
            "{}: this folder has results called `{}` of another video ({other}); choose another --out, name it by a \
             list's column video_id, or replace them with --again",
            input.source.path().display(),
            input.name,
        );
        work.tell(Event::Failed { input, reason: &reason });
        outcome.failed.push((input.name.clone(), reason));
    }

    fn wrong(&self, error: std::io::Error) -> EstError {
        EstError::Output { path: self.folder.path().to_owned(), error }
    }

    fn one(
        &mut self,
        input: &Input,
        claim: &Claim,
        again: bool,
        work: &mut impl Work,
        outcome: &mut Outcome,
    ) -> Result<(), EstError> {
        self.folder.refresh()?;
        match self.folder.standing(input, self.config_sha256, again) {
            Standing::ToDo(_) => {}
            Standing::UpToDate => {
                work.tell(Event::DoneElsewhere { input });
                outcome.up_to_date += 1;
                return Ok(());
            }
            Standing::Taken(other) => {
                self.refuse(input, &other, work, outcome);
                return Ok(());
            }
        }
        let stamp = content::stamp(&input.source);
        let content = self.folder.content(input);
        let made = self.make(input, claim, work);
        let unchanged = stamp.is_some() && stamp == content::stamp(&input.source);
        let mut entry = Entry {
            video_id: input.name.clone(),
            source: input.absolute(),
            content_sha256: content.filter(|_| unchanged),
            stamp: stamp.filter(|_| unchanged),
            config_sha256: self.config_sha256.to_string(),
            at: stamp_of(now()),
            keep_until: self.line.keep_until.clone(),
            failure: None,
            files: vec![],
            classes: vec![],
            summary: Value::Null,
            columns: input.columns.clone(),
        };
        match made {
            Ok((made, files)) => {
                entry.files.clone_from(&files);
                entry.classes = made.classes;
                entry.summary = made.summary;
                self.folder.add(entry)?;
                outcome.done += 1;
                let files = files.iter().map(|file| self.folder.path().join(file)).collect();
                work.tell(Event::Done { input, files });
            }
            Err(reason) => {
                // A full disk has room for the manifest's line again.
                let _ = claim.clear();
                work.tell(Event::Failed { input, reason: &reason });
                entry.failure = Some(reason.clone());
                outcome.failed.push((input.name.clone(), reason));
                self.folder.add(entry)?;
            }
        }
        Ok(())
    }

    /// Makes the files in the claim's working folder; only a whole set of them goes to its places.
    fn make(&self, input: &Input, claim: &Claim, work: &mut impl Work) -> Result<(Made, Vec<String>), String> {
        let folder = claim.work_folder().map_err(|error| self.wrong(error).to_string())?;
        let made = work.make(input, folder)?;
        let files = self.folder.place(folder).map_err(|error| error.to_string())?;
        Ok((made, files))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Copies the video to `<name>.csv`; fails where that says "broken".
    #[derive(Default)]
    struct Copier {
        made: Vec<String>,
        said: Vec<String>,
    }

    impl Work for Copier {
        fn make(&mut self, input: &Input, folder: &Path) -> Result<Made, String> {
            let text = fs::read_to_string(input.source.path()).map_err(|error| error.to_string())?;
            let to = folder.join(format!("{}.csv", input.name));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, &text).unwrap();
            if text == "broken" {
                return Err("it is broken".to_string());
            }
            self.made.push(input.name.clone());
            let track = serde_json::json!({ "track_id": 1, "mean_probabilities": [0.25, 0.75] });
            let summary = serde_json::json!({ "rows": 4, "rows_by_status": { "ok": 3 }, "tracks": [track] });
            Ok(Made { summary, classes: vec!["happy".to_string(), "sad".to_string()] })
        }

        fn tell(&mut self, event: Event<'_>) {
            self.said.push(match event {
                Event::Planned { up_to_date, to_do, taken } => format!("{up_to_date} {to_do} {taken}"),
                Event::DoneElsewhere { input } => format!("elsewhere {}", input.name),
                _ => return,
            });
        }
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn put(&self, name: &str, text: &str) {
            let path = self.0.path().join("in").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn out(&self) -> PathBuf {
            self.0.path().join("out")
        }

        fn run(&self, config: &str, again: bool) -> (Outcome, Copier) {
            let inputs = Input::expand(&self.0.path().join("in")).unwrap();
            let mut folder = OutputFolder::open(&self.out()).unwrap();
            let line = RunLine::default();
            let mut run = Run { folder: &mut folder, inputs: &inputs, config_sha256: config, again, line };
            let mut copier = Copier::default();
            (run.go(&mut copier).unwrap(), copier)
        }
    }

    #[test]
    fn only_what_is_missing_failed_or_changed_is_done() {
        let place = Place(tempfile::tempdir().unwrap());
        for (name, text) in [("a.mp4", "a"), ("s/b.mp4", "b"), ("s/c.mp4", "broken")] {
            place.put(name, text);
        }
        let (outcome, copier) = place.run("1", false);
        assert_eq!((outcome.done, outcome.failed.len()), (2, 1));
        assert_eq!(copier.said, ["0 3 0"]);
        assert!(place.out().join("s/b.csv").is_file() && !place.out().join("s/c.csv").exists());
        let left: Vec<_> = fs::read_dir(place.out()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");

        let (_, copier) = place.run("1", false);
        assert_eq!((copier.said, copier.made.len()), (vec!["2 1 0".to_string()], 0), "the broken one is tried again");
        place.put("s/c.mp4", "mended");
        place.put("a.mp4", "a");
        assert_eq!(place.run("1", false).1.made, ["s/c"], "a new time of the same bytes is the same video");
        place.put("a.mp4", "other");
        fs::remove_file(place.out().join("s/b.csv")).unwrap();
        assert_eq!(place.run("1", false).1.made, ["a", "s/b"]);
        assert_eq!(place.run("1", false).1.said, ["3 0 0"]);
        assert_eq!(place.run("2", false).1.made.len(), 3, "other settings");
        assert_eq!(place.run("2", true).1.made.len(), 3, "asked for");

        let table = fs::read_to_string(place.out().join("summary.csv")).unwrap();
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 4, "{table}");
        assert!(lines[1].starts_with("a,") && lines[1].contains(",done,") && lines[1].contains("0.7500"), "{table}");
        assert!(lines[1].contains(",0.250000,0.750000,sad,"), "{table}");
    }

    #[test]
    fn another_video_of_the_same_name_is_not_replaced_unasked() {
        let place = Place(tempfile::tempdir().unwrap());
        place.put("a.mp4", "a");
        place.run("1", false);
        // The same video elsewhere is the same; another one is not.
        let run = |text: &str, again: bool| {
            fs::create_dir_all(place.0.path().join("moved")).unwrap();
            let path = place.0.path().join("moved/a.mp4");
            fs::write(&path, text).unwrap();
            let inputs = Input::expand(&path).unwrap();
            let mut folder = OutputFolder::open(&place.out()).unwrap();
            let line = RunLine::default();
            let mut run = Run { folder: &mut folder, inputs: &inputs, config_sha256: "1", again, line };
            run.go(&mut Copier::default()).unwrap()
        };
        assert_eq!(run("a", false).up_to_date, 1);
        let outcome = run("b", false);
        assert!(outcome.failed[0].1.contains("results called `a` of another video"), "{:?}", outcome.failed);
        assert_eq!(fs::read_to_string(place.out().join("a.csv")).unwrap(), "a");
        assert_eq!(run("b", true).done, 1);
    }
}
