//! MMI: `Sessions/<n>/` with `session.xml` (the view), `S001-001.avi` and `S001-001.xml` (the label). Most sessions of
//! the whole database show single action units and have no label; the protocol's 205 are those with one of six.

use std::path::Path;

use est::Source;
use roxmltree::{Document, Node};

use super::annotation::{Place, read_text};
use super::gather::{Gather, Statement};
use super::labels::{Classes, Codes};
use super::walk::{check_root, inside, name};
use super::{DataSet, Protocol, Published, Request};
use crate::error::DataError;
use crate::listing::Listing;

pub(super) const SET: DataSet = DataSet {
    name: "mmi",
    title: "MMI",
    published: &[Published::Clips(205), Published::Subjects(30)],
    protocol: Protocol::FoldsBySubject(10),
    fps: None,
    list,
};

const SESSIONS: &str = "Sessions";
const LABELS: Codes =
    &[("1", "angry"), ("2", "disgust"), ("3", "fear"), ("4", "happy"), ("5", "sad"), ("6", "surprise")];
const FRONT: &str = "0";
const DUAL: &str = "2";

fn list(request: &Request) -> Result<Listing, DataError> {
    let root = request.root;
    check_root(root, "folder Sessions", |root| root.join(SESSIONS).is_dir())?;
    // The whole database has further ones, and the protocol has not.
    let has_too = |code: &str| code.parse::<usize>().is_ok_and(|code| code > LABELS.len());
    let mut gather = Gather::coded(root, Classes::usual(6), LABELS).with_others(has_too);
    let mut without_video = vec![];
    for session in inside(&root.join(SESSIONS))?.folders {
        let videos = inside(&session)?.videos;
        if videos.is_empty() {
            without_video.push(name(&session));
        }
        for video in videos {
            gather.add(statement(&session, Source::File(video))?)?;
        }
    }
    gather.warn(&root.join(SESSIONS), &without_video, "sessions without a video, passed over");
    gather.finish()
}

fn statement(session: &Path, video: Source) -> Result<Statement, DataError> {
    let stem = video.name();
    let view = view(&session.join("session.xml"), &stem)?;
    let annotation = session.join(format!("{stem}.xml"));
    let code = match annotation.is_file() {
        true => emotion(&annotation)?,
        false => None,
    };
    let (word, note) = match (view.as_str(), code) {
        (FRONT, Some(code)) => (code, None),
        (DUAL, Some(code)) => (code, Some("front and profile in one picture".to_string())),
        (FRONT | DUAL, None) => (String::new(), None),
        // Neither does the paper use them, nor can a network of front faces.
        (other, _) => (String::new(), Some(format!("view {other}, not from the front"))),
    };
    let place = Place { path: annotation, line: None };
    let subject = stem.split_once('-').map(|(subject, _)| subject.to_string());
    Ok(Statement { subject, note, ..Statement::new(stem, video, word, place) })
}

/// `track@view` of the track that names the video, or of the first.
fn view(path: &Path, stem: &str) -> Result<String, DataError> {
    parse(path, |root| {
        let tracks: Vec<Node> = root.descendants().filter(|node| node.has_tag_name("track")).collect();
        let is_video = |file: &str| Path::new(file).file_stem().is_some_and(|name| name == stem);
        let names = |track: &&Node| track.attributes().any(|attribute| is_video(attribute.value()));
        let track = tracks.iter().find(names).or(tracks.first());
        track.and_then(|track| track.attribute("view")).map(String::from)
    })?
    .ok_or_else(|| {
        DataError::set(path, "has no `track` with a `view`, so nobody knows from where the face is seen; get it anew")
    })
}

/// `Value` of `<Metatag Name="Emotion" Value="1"/>`.
fn emotion(path: &Path) -> Result<Option<String>, DataError> {
    parse(path, |root| {
        let is_emotion = |node: &Node| node.has_tag_name("Metatag") && node.attribute("Name") == Some("Emotion");
        root.descendants()
            .find(is_emotion)
            .and_then(|node| node.attribute("Value"))
            .map(|value| value.trim().to_string())
    })
}

fn parse<T>(path: &Path, read: impl FnOnce(Node) -> T) -> Result<T, DataError> {
    let text = read_text(path)?;
    let document = Document::parse(&text)
        .map_err(|error| DataError::set(path, format!("is no XML document ({error}); get it anew")))?;
    Ok(read(document.root()))
}
