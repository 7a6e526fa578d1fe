//! RAVDESS: `Actor_01/02-01-03-01-01-01-01.mp4` (modality, speech or song, label, intensity, sentence, repetition, actor).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use est::Source;

use super::gather::{Gather, Statement};
use super::labels::{Classes, Codes};
use super::walk::{check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "ravdess",
    title: "RAVDESS",
    // Spoken; those sung are not part of the protocol.
    published: &[Published::Clips(1_440), Published::Subjects(24)],
    // The set comes without folds. Papers use different ones of four actors each; ours are drawn.
    protocol: Protocol::FoldsBySubject(6),
    fps: None,
    list,
};

const LABELS: Codes = &[
    ("01", "neutral"),
    ("02", "calm"),
    ("03", "happy"),
    ("04", "sad"),
    ("05", "angry"),
    ("06", "fear"),
    ("07", "disgust"),
    ("08", "surprise"),
];
const SPEECH: &str = "01";

/// The seven fields of a file name, two digits each.
fn parse(stem: &str) -> Option<[&str; 7]> {
    let fields: [&str; 7] = stem.split('-').collect::<Vec<&str>>().try_into().ok()?;
    fields.iter().all(|field| field.len() == 2 && field.bytes().all(|b| b.is_ascii_digit())).then_some(fields)
}

/// The folders of the actors, in `root` or, as the archives unpack, in folders of its own for each.
fn actors(root: &Path) -> Result<Vec<PathBuf>, DataError> {
    let is_actor = |folder: &PathBuf| name(folder).starts_with("Actor_");
    let mut actors = vec![];
    for folder in inside(root)?.folders {
        match is_actor(&folder) {
            true => actors.push(folder),
            false => actors.extend(inside(&folder)?.folders.into_iter().filter(is_actor)),
        }
    }
    Ok(actors)
}

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    let fits = |root: &Path| actors(root).is_ok_and(|actors| !actors.is_empty());
    check_root(root, "folders Actor_01 .. Actor_24", fits)?;

    // Each clip comes twice: 02 shows pictures alone, 01 the same with sound. The former is taken, where it is there.
    let mut spoken: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let (mut sung, mut others) = (vec![], vec![]);
    for folder in actors(root)? {
        for video in inside(&folder)?.videos {
            let stem = Source::File(video.clone()).name();
            match parse(&stem) {
                Some(["01" | "02", SPEECH, ..]) => spoken.entry(stem[3..].to_string()).or_default().push(video),
                Some(["01" | "02", ..]) => sung.push(name(&video)),
                _ => others.push(name(&video)),
            }
        }
    }
    let mut gather = Gather::coded(root, Classes::usual_and(&["calm"]), LABELS);
    let mut again = vec![];
    for (_, mut videos) in spoken {
        videos.sort_by_key(|video| !name(video).starts_with("02"));
        again.extend(videos[1..].iter().map(|video| name(video)));
        let video = videos.swap_remove(0);
        let source = Source::File(video.clone());
        let stem = source.name();
        let [_, _, label, _, _, _, actor] = parse(&stem).expect("parsed before");
        let (subject, said) = (Some(actor.to_string()), Statement::of_file(root, source, label));
        gather.add(Statement { name: stem.clone(), subject, ..said })?;
    }
    gather.warn(root, &again, "videos of clips that another file shows already, passed over");
    gather.warn(root, &sung, "sung clips, which are not part of the protocol, passed over");
    gather.warn(root, &others, "videos not named like 02-01-03-01-01-01-01, passed over");
    gather.finish()
}
