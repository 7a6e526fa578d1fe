//! CREMA-D: `1001_DFA_ANG_XX.flv` (actor, sentence, label, intensity), in the root or a folder such as `VideoFlash`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use est::Source;

use super::gather::{Gather, Statement};
use super::labels::{Classes, Codes};
use super::walk::{check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "crema-d",
    title: "CREMA-D",
    published: &[Published::Clips(7_442), Published::Subjects(91)],
    protocol: Protocol::FoldsBySubject(5),
    fps: None,
    list,
};

const LABELS: Codes =
    &[("ANG", "angry"), ("DIS", "disgust"), ("FEA", "fear"), ("HAP", "happy"), ("NEU", "neutral"), ("SAD", "sad")];

/// Actor and label of a file name.
fn parse(stem: &str) -> Option<(&str, &str)> {
    let fields: Vec<&str> = stem.split('_').collect();
    let [actor, _sentence, label, _intensity] = fields[..] else {
        return None;
    };
    (actor.len() == 4 && actor.bytes().all(|b| b.is_ascii_digit())).then_some((actor, label))
}

/// The videos in `root`, then those in its folders.
fn videos(root: &Path) -> Result<Vec<PathBuf>, DataError> {
    let here = inside(root)?;
    let mut videos = here.videos;
    for folder in here.folders {
        videos.extend(inside(&folder)?.videos);
    }
    Ok(videos)
}

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    let named = |video: &PathBuf| parse(&Source::File(video.clone()).name()).is_some();
    let fits = |root: &Path| inside(root).is_ok_and(|inside| inside.videos.iter().any(named));
    let holds = |root: &Path| fits(root) || inside(root).is_ok_and(|inside| inside.folders.iter().any(|f| fits(f)));
    check_root(root, "videos like VideoFlash/1001_DFA_ANG_XX.flv", holds)?;

    // Usual order; nobody acts surprise here.
    let classes = Classes(LABELS.iter().map(|(_, word)| word.to_string()).collect());
    let mut gather = Gather::coded(root, classes, LABELS);
    let mut seen = BTreeSet::new();
    let (mut again, mut others) = (vec![], vec![]);
    for video in videos(root)? {
        let source = Source::File(video.clone());
        let stem = source.name();
        let Some((actor, label)) = parse(&stem) else {
            others.push(name(&video));
            continue;
        };
        if !seen.insert(stem.clone()) {
            again.push(video.strip_prefix(root).unwrap_or(&video).display().to_string());
            continue;
        }
        let (subject, said) = (Some(actor.to_string()), Statement::of_file(root, source, label));
        gather.add(Statement { name: stem.clone(), subject, ..said })?;
    }
    gather.warn(root, &again, "videos of clips that another file shows already, passed over");
    gather.warn(root, &others, "videos not named like 1001_DFA_ANG_XX, passed over");
    gather.finish()
}
