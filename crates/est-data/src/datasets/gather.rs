//! Brings a set's clips together: labels from words or codes, identifiers unlike each other, and what is odd about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use est::Source;

use super::annotation::Place;
use super::labels::{Classes, Codes, decode, usual_word};
use super::unknown::Unknown;
use super::walk::OnDisk;
use crate::error::DataError;
use crate::listing::{ClipEntry, Listing, clip_id};

/// What is said of a clip in one place.
pub(super) struct Statement {
    /// The clip's source is what tells it from others.
    pub source: Source,
    /// Becomes its identifier.
    pub name: String,
    /// The label: the set's code, or a word in its or our spelling. Empty: the clip has none.
    pub word: String,
    pub subject: Option<String>,
    pub part: Option<String>,
    pub note: Option<String>,
    pub place: Place,
}

impl Statement {
    pub fn new(name: impl Into<String>, source: Source, word: impl Into<String>, place: Place) -> Self {
        let (name, word) = (name.into(), word.into());
        Statement { source, name, word, subject: None, part: None, note: None, place }
    }

    /// Of a clip that no list mentions: it is named by its path from `root`.
    pub fn of_file(root: &Path, source: Source, word: impl Into<String>) -> Self {
        let place = Place { path: source.path().to_owned(), line: None };
        let within = source.path().strip_prefix(root).unwrap_or(source.path()).with_file_name(source.name());
        Statement::new(within.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"), source, word, place)
    }
}

/// What was said of a clip first.
struct First {
    clip: ClipEntry,
    word: String,
    place: Place,
}

pub(super) struct Gather {
    root: PathBuf,
    classes: Classes,
    codes: Codes,
    /// Labels that the set has beside those of its classes.
    has_too: fn(&str) -> bool,
    unknown: Unknown,
    clips: Vec<First>,
    by_path: HashMap<PathBuf, usize>,
    ids: BTreeMap<String, PathBuf>,
    repeated: Vec<String>,
    not_utf8: Vec<String>,
    warnings: Vec<String>,
}

impl Gather {
    /// Of a set whose labels are words.
    pub fn new(root: &Path, classes: Classes) -> Self {
        Self::coded(root, classes, &[])
    }

    /// Of a set whose labels are `codes`.
    pub fn coded(root: &Path, classes: Classes, codes: Codes) -> Self {
        Gather {
            root: root.to_owned(),
            classes,
            codes,
            has_too: |_| false,
            unknown: Unknown::default(),
            clips: vec![],
            by_path: HashMap::new(),
            ids: BTreeMap::new(),
            repeated: vec![],
            not_utf8: vec![],
            warnings: vec![],
        }
    }

    /// Clips with labels that `has_too` knows stay, unlabelled.
    pub fn with_others(self, has_too: fn(&str) -> bool) -> Self {
        Gather { has_too, ..self }
    }

    /// Adds a clip. The same clip again, with the same label, subject and part, changes nothing.
    pub fn add(&mut self, said: Statement) -> Result<(), DataError> {
        if self.agrees(&said)? {
            let first = &self.clips[self.by_path[said.source.path()]];
            for (what, now, before) in
                [("part", &said.part, &first.clip.part), ("subject", &said.subject, &first.clip.subject)]
            {
                if now != before {
                    let [now, before] = [now, before].map(|value| value.as_deref().unwrap_or("none"));
                    return Err(said.place.problem(format!(
                        "gives clip {} the {what} {now}, {} gave it {before}; correct one of them",
                        said.name, first.place
                    )));
                }
            }
            self.repeated.push(format!("{} ({}; {})", said.name, first.place, said.place));
            return Ok(());
        }
        self.insert(said);
        Ok(())
    }

    /// Adds a clip that [`Gather::agrees`] does not know.
    pub fn insert(&mut self, said: Statement) {
        let label = self.classes.label_of(decode(self.codes, &said.word));
        let unlabelled = match (label, said.word.is_empty()) {
            (Some(_), _) => None,
            (None, true) => Some("no label".to_string()),
            (None, false) => Some(format!("label {} is none of the set's classes", said.word)),
        };
        let notes: Vec<String> = said.note.into_iter().chain(unlabelled).collect();
        let path = said.source.path().to_owned();
        let within = path.strip_prefix(&self.root).unwrap_or(&path);
        if within.to_str().is_none() {
            self.not_utf8.push(within.to_string_lossy().into_owned());
        }
        let clip = ClipEntry {
            id: self.unique_id(&said.name, &path),
            source: said.source,
            label,
            subject: said.subject,
            part: said.part,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        };
        self.by_path.insert(path, self.clips.len());
        self.clips.push(First { clip, word: said.word, place: said.place });
    }

    /// Whether the clip is known, by the same label; an error when by another one.
    pub fn agrees(&mut self, said: &Statement) -> Result<bool, DataError> {
        let labelled = self.classes.label_of(decode(self.codes, &said.word)).is_some();
        let known = labelled || said.word.is_empty() || (self.has_too)(&said.word);
        self.unknown.see(&self.root, said, known);
        let Some(&at) = self.by_path.get(said.source.path()) else {
            return Ok(false);
        };
        let first = &self.clips[at];
        let [before, now] = [&first.word, &said.word].map(|word| decode(self.codes, word));
        if usual_word(before) == usual_word(now) || !known {
            return Ok(true);
        }
        Err(said.place.problem(format!(
            "labels clip {} {now}, {} labels it {before}; correct one of them",
            said.name, first.place
        )))
    }

    /// The part of a clip that is known.
    pub fn part(&self, source: &Source) -> Option<&str> {
        self.clips[*self.by_path.get(source.path())?].clip.part.as_deref()
    }

    pub fn clips(&self) -> impl Iterator<Item = &ClipEntry> {
        self.clips.iter().map(|first| &first.clip)
    }

    pub fn has_class(&self, word: &str) -> bool {
        self.classes.label_of(word).is_some()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Nothing may be lost: where two names give one identifier, the second gets `-2`, and so on.
    fn unique_id(&mut self, name: &str, path: &Path) -> String {
        let plain = clip_id(name);
        let mut numbered = (1..).map(|k| if k == 1 { plain.clone() } else { format!("{plain}-{k}") });
        let id = numbered.find(|id| !self.ids.contains_key(id)).expect("numbers do not end");
        if id != plain {
            self.warnings.push(format!(
                "{} would have the identifier of {}, {plain}: it has {id}; see whether both are one clip.",
                path.display(),
                self.ids[&plain].display()
            ));
        }
        self.ids.insert(id.clone(), path.to_owned());
        id
    }

    /// Notes what is odd about a whole file or folder.
    pub fn note(&mut self, about: &Path, what: &str) {
        self.warnings.push(format!("{}: {what}.", about.display()));
    }

    /// Notes that `names` are odd, if there are any. `what` follows their number: `files that no list mentions`.
    pub fn warn(&mut self, about: &Path, names: &[String], what: &str) {
        if !names.is_empty() {
            self.warnings.push(format!("{}: {} {what}: {}.", about.display(), names.len(), some_of(names)));
        }
    }

    /// The same for the clips on the disk that no list has asked for. None asked for and found: the root is wrong.
    pub fn check_disk(&mut self, folder: &Path, disk: &OnDisk) -> Result<(), DataError> {
        self.unknown.check(&self.classes, self.codes)?;
        if !disk.found_any() {
            let count = self.clips.len();
            let problem = format!("holds none of the {count} clips that the lists name; unpack the clips there");
            return Err(DataError::set(folder, problem));
        }
        self.warn(folder, &disk.unlisted(), "on the disk that no list mentions");
        self.warn(folder, &disk.doubles, "of clips that have another file already");
        Ok(())
    }

    /// Clips in the order of their identifiers.
    pub fn finish(mut self) -> Result<Listing, DataError> {
        self.unknown.check(&self.classes, self.codes)?;
        if self.clips.iter().all(|first| first.clip.label.is_none()) {
            let classes = self.classes.0.join(", ");
            let problem = match self.clips.len() {
                0 => "holds no clip; check --root and unpack the set there".to_string(),
                count => {
                    format!("none of its {count} clips has a label that is one of {classes}; check the annotation")
                }
            };
            return Err(DataError::set(self.root, problem));
        }
        let root = self.root.clone();
        for (names, what) in [
            (std::mem::take(&mut self.repeated), "listed twice and taken once"),
            (std::mem::take(&mut self.not_utf8), "whose names are not UTF-8; identifiers have `_` there"),
            (self.in_two_parts(), "subjects who are in more than one part"),
        ] {
            self.warn(&root, &names, what);
        }
        let mut clips: Vec<ClipEntry> = self.clips.into_iter().map(|first| first.clip).collect();
        clips.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Listing { classes: self.classes.0, clips, warnings: self.warnings })
    }

    fn in_two_parts(&self) -> Vec<String> {
        let mut parts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for First { clip, .. } in &self.clips {
            if let (Some(subject), Some(part)) = (&clip.subject, &clip.part) {
                parts.entry(subject).or_default().insert(part);
            }
        }
        parts.into_iter().filter(|(_, parts)| parts.len() > 1).map(|(subject, _)| subject.to_string()).collect()
    }
}

/// The first few of many.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}
