//! Sets whose folders and file names tell the labels.

use std::fs;
use std::path::Path;

use crate::listings::{assert_warns, class, clip};
use crate::trees;
use est::Source;
use est_data::datasets::{Request, find};
use est_data::{DataError, Listing};
use tempfile::tempdir;

fn list(set: &str, root: &Path) -> Result<Listing, DataError> {
    (find(set).unwrap().list)(&Request { root, list: None })
}

fn error(set: &str, root: &Path) -> String {
    list(set, root).unwrap_err().to_string()
}

#[test]
fn clean_trees_list_without_a_warning() {
    let sets: &[(&str, trees::Build, usize, usize, usize)] = &[
        // Clips, classes and subjects, as `trees` counts them.
        ("bu-4dfe", trees::bu4dfe, 20, 6, 10),
        ("mmi", trees::mmi, 20, 6, 10),
        ("afew", trees::afew, 6, 7, 0),
        ("crema-d", trees::crema_d, 10, 6, 5),
        ("ravdess", trees::ravdess, 12, 8, 6),
        ("enterface", trees::enterface, 10, 6, 5),
        ("caer", trees::caer, 6, 7, 0),
    ];
    for (set, tree, clips, classes, subjects) in sets {
        let root = tempdir().unwrap();
        tree(root.path(), &mut trees::empty);
        let listing = list(set, root.path()).unwrap();
        assert_eq!((listing.clips.len(), listing.classes.len()), (*clips, *classes), "{set}");
        assert_eq!(listing.warnings, [""; 0], "{set}");
        let known: std::collections::BTreeSet<_> =
            listing.clips.iter().filter_map(|clip| clip.subject.clone()).collect();
        assert_eq!(known.len(), *subjects, "{set}");
        let mut ids: Vec<&str> = listing.clips.iter().map(|clip| clip.id.as_str()).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| est_data::clip_id(id) == *id), "{set}: {ids:?}");
        ids.dedup();
        assert_eq!(ids.len(), *clips, "{set}");
        for clip in &listing.clips {
            assert!(clip.source.path().exists() && clip.label.is_some() && clip.note.is_none(), "{set}: {clip:?}");
        }
    }
}

#[test]
fn a_root_one_level_off_is_told() {
    let sets: &[(&str, trees::Build, &str)] = &[
        ("bu-4dfe", trees::bu4dfe, "F001"),
        ("mmi", trees::mmi, "Sessions"),
        ("afew", trees::afew, "Train_AFEW"),
        ("dfew", trees::dfew, "Clip"),
        ("ferv39k", trees::ferv39k, "4_setups"),
        ("mafw", trees::mafw, "clips"),
        ("enterface", trees::enterface, "subject 1"),
        ("caer", trees::caer, "train"),
        ("ravdess", trees::ravdess, "Actor_01"),
    ];
    for (set, tree, below) in sets {
        // Two levels of our own: the folder of temporary files may hold anything, a folder `train` for one.
        let temporary = tempdir().unwrap();
        let above = temporary.path().join("above");
        let root = above.join("set");
        tree(&root, &mut trees::empty);
        let hint = "set looks right: use it as --root";
        assert!(error(set, &root.join(below)).contains(hint), "{set}: {}", error(set, &root.join(below)));
        // RAVDESS unpacks into folders of its own, so one level too high is fine.
        if *set != "ravdess" {
            assert!(error(set, &above).contains(hint), "{set}: {}", error(set, &above));
        }
        assert!(error(set, &root.join("nowhere")).contains("no such folder"), "{set}");
        let bare = temporary.path().join("around").join("bare");
        std::fs::create_dir_all(&bare).unwrap();
        assert!(error(set, &bare).contains("into which the set was unpacked"), "{set}");
    }
}

#[test]
fn bu4dfe_labels_and_what_is_beside() {
    let root = tempdir().unwrap();
    trees::bu4dfe(root.path(), &mut trees::empty);
    trees::empty(&root.path().join("F006/Happy.avi"));
    trees::text(&root.path().join("readme.txt"), "");
    let listing = list("bu-4dfe", root.path()).unwrap();
    assert_eq!(listing.classes, ["angry", "disgust", "fear", "happy", "sad", "surprise"]);
    assert_eq!(class(&listing, "M005_Surprise"), Some("surprise"));
    assert_eq!(clip(&listing, "M005_Surprise").subject.as_deref(), Some("M005"));
    assert_eq!(clip(&listing, "M005_Surprise").source, Source::Folder(root.path().join("M005/Surprise")));
    assert_eq!(class(&listing, "F006_Happy"), Some("happy"));
    assert_warns(&listing, &["1 files and folders that are no subject", "readme.txt"]);
}

#[test]
fn mmi_views_and_labels() {
    let root = tempdir().unwrap();
    let root = root.path();
    trees::mmi(root, &mut trees::empty);
    for (number, stem, view, emotion) in [
        (900, "S050-001", "2", Some("4")),
        (901, "S050-002", "1", Some("4")),
        (902, "S050-003", "0", Some("11")),
        (903, "S050-004", "0", None),
    ] {
        trees::mmi_session(root, number, stem, view, emotion, &mut trees::empty);
    }
    fs::create_dir(root.join("Sessions/904")).unwrap();
    let listing = list("mmi", root).unwrap();
    let told = |id: &str| (class(&listing, id), clip(&listing, id).note.clone().unwrap_or_default());
    assert_eq!(told("S001-002"), (Some("surprise"), String::new()));
    assert_eq!(told("S050-001"), (Some("happy"), "front and profile in one picture".to_string()));
    assert_eq!(told("S050-002").0, None);
    assert!(told("S050-002").1.starts_with("view 1, not from the front"));
    assert_eq!(told("S050-003"), (None, "label 11 is none of the set's classes".to_string()));
    assert_eq!(told("S050-004"), (None, "no label".to_string()));
    assert_eq!(clip(&listing, "S050-001").subject.as_deref(), Some("S050"));
    assert_warns(&listing, &["sessions without a video", "904"]);

    let session = root.join("Sessions/900/session.xml");
    trees::text(&session, "<session><track filename='S050-001.avi'/></session>");
    assert!(error("mmi", root).contains("no `track` with a `view`"));
    trees::text(&session, "<session><track");
    assert!(error("mmi", root).contains("900/session.xml: is no XML document"));
    fs::write(&session, b"<session name='\xff'/>").unwrap();
    assert!(error("mmi", root).contains("not UTF-8 text (from byte 15 on)"));
    fs::remove_file(&session).unwrap();
    assert!(error("mmi", root).contains("900/session.xml: is missing"));
}

#[test]
fn parts_of_afew_and_caer() {
    let root = tempdir().unwrap();
    let root = root.path();
    trees::afew(root, &mut trees::empty);
    // Landmarks that come with the set, and a file that is no video.
    trees::empty(&root.join("Train_AFEW/AlignedFaces_LBPTOP_Points/Faces"));
    trees::text(&root.join("Train_AFEW/Angry/notes.txt"), "");
    let listing = list("afew", root).unwrap();
    assert_eq!(class(&listing, "Train_AFEW_Neutral_000046280"), Some("neutral"));
    assert_eq!(clip(&listing, "Val_AFEW_Angry_000149121").part.as_deref(), Some("validation"));
    assert_eq!(listing.clips.len(), 6);
    assert_warns(&listing, &["Train_AFEW: 2 ", "AlignedFaces_LBPTOP_Points", "Angry/notes.txt"]);
    fs::remove_dir_all(root.join("Val_AFEW")).unwrap();
    assert!(error("afew", root).contains("Val_AFEW: is missing"));

    let root = tempdir().unwrap();
    let root = root.path();
    trees::caer(root, &mut trees::empty);
    trees::empty(&root.join("test/Anger/0001.mp4"));
    let listing = list("caer", root).unwrap();
    assert_eq!(
        (class(&listing, "test_Anger_0001"), class(&listing, "test_Anger_0001-2")),
        (Some("angry"), Some("angry"))
    );
    assert_warns(&listing, &["0001.mp4", "0001.avi", "test_Anger_0001-2"]);
    for part in ["train", "validation", "test"] {
        fs::remove_dir_all(root.join(part)).unwrap();
        fs::create_dir(root.join(part)).unwrap();
    }
    assert!(error("caer", root).contains("holds no clip"));
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf8_is_kept() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempdir().unwrap();
    trees::caer(root.path(), &mut trees::empty);
    let folder = root.path().join("train/Happy");
    for name in [b"caf\xe9.avi", b"caf\xe8.avi"] {
        trees::empty(&folder.join(std::ffi::OsStr::from_bytes(name)));
    }
    let listing = list("caer", root.path()).unwrap();
    for id in ["train_Happy_caf_", "train_Happy_caf_-2"] {
        assert!(clip(&listing, id).source.path().exists());
        assert_eq!(class(&listing, id), Some("happy"));
    }
    assert_warns(&listing, &["2 whose names are not UTF-8"]);
}

#[test]
fn crema_d_names() {
    let root = tempdir().unwrap();
    let root = root.path();
    trees::crema_d(root, &mut trees::empty);
    trees::empty(&root.join("VideoMP4/1001_DFA_ANG_XX.mp4"));
    trees::empty(&root.join("VideoFlash/trailer.mp4"));
    let listing = list("crema-d", root).unwrap();
    // Usual order without surprise.
    assert_eq!(listing.classes, ["angry", "disgust", "fear", "happy", "neutral", "sad"]);
    assert_eq!(listing.clips.len(), 10);
    let first = clip(&listing, "1001_DFA_ANG_XX");
    assert_eq!((first.label, first.subject.as_deref()), (Some(0), Some("1001")));
    assert_eq!(first.source.path(), root.join("VideoFlash/1001_DFA_ANG_XX.flv"));
    assert_eq!(class(&listing, "1005_IEO_SAD_HI"), Some("sad"));
    assert_warns(&listing, &["another file shows already", "VideoMP4/1001_DFA_ANG_XX.mp4"]);
    assert_warns(&listing, &["not named like", "trailer.mp4"]);
}

#[test]
fn ravdess_modalities_and_songs() {
    let root = tempdir().unwrap();
    let root = root.path();
    trees::ravdess(root, &mut trees::empty);
    trees::empty(&root.join("Actor_01/01-01-08-01-01-01-01.mp4")); // The same with sound.
    trees::empty(&root.join("Actor_01/01-01-06-01-01-01-01.mp4")); // Only with sound.
    trees::empty(&root.join("Actor_01/02-02-04-01-01-01-01.mp4")); // Sung.
    trees::empty(&root.join("Video_Speech_Actor_07/Actor_07/02-01-02-01-01-01-07.mp4"));
    let listing = list("ravdess", root).unwrap();
    assert_eq!(listing.classes[..7], est::CLASSES);
    assert_eq!(listing.classes[7], "calm");
    assert_eq!(listing.clips.len(), 12 + 2);
    assert_eq!(class(&listing, "02-01-08-01-01-01-01"), Some("surprise"));
    assert_eq!(class(&listing, "01-01-06-01-01-01-01"), Some("fear"));
    assert_eq!(class(&listing, "02-01-02-01-01-01-07"), Some("calm"));
    assert_eq!(clip(&listing, "02-01-02-01-01-01-07").subject.as_deref(), Some("07"));
    assert_warns(&listing, &["1 videos of clips that another file shows", "01-01-08-01-01-01-01.mp4"]);
    assert_warns(&listing, &["1 sung clips", "02-02-04-01-01-01-01.mp4"]);
}

#[test]
fn enterface_goes_by_its_folders() {
    let root = tempdir().unwrap();
    let root = root.path();
    trees::enterface(root, &mut trees::empty);
    trees::empty(&root.join("subject 6/anger/s6_an.avi")); // A whole session.
    trees::empty(&root.join("subject_7/sadness/s7_sa_1.avi")); // Without folders of sentences.
    trees::empty(&root.join("subject_7/sadness/s7_sa_2.avi"));
    trees::text(&root.join("subject 1/anger/sentence 1/Thumbs.db"), "");
    let listing = list("enterface", root).unwrap();
    let misnamed = clip(&listing, "subject_11_anger_sentence_1_s12_an_1");
    assert_eq!(misnamed.subject.as_deref(), Some("subject 11"));
    assert_eq!(class(&listing, "subject_11_happiness_sentence_1_s12_ha_1"), Some("happy"));
    assert_eq!(class(&listing, "subject_7_sadness_s7_sa_2"), Some("sad"));
    let session = clip(&listing, "subject_6_anger_s6_an");
    assert_eq!(session.label, None);
    assert!(session.note.as_ref().unwrap().contains("whole session of anger"));
    assert_warns(&listing, &["subject 1/anger/sentence 1/Thumbs.db"]);
}

#[test]
fn labels_of_no_class_are_refused() {
    // The clip, and what is said of it.
    let sets: [(&str, trees::Build, &str, &[&str]); 8] = [
        ("bu-4dfe", trees::bu4dfe, "F001/Contempt", &["F001/Contempt", "angry, disgust, fear, happy, sad, surprise"]),
        (
            "afew",
            trees::afew,
            "Train_AFEW/0/1.avi",
            &["label 0 of 1 clip (the first: Train_AFEW/0/1.avi) is", "write the words"],
        ),
        (
            "afew",
            trees::afew,
            "Val_AFEW/Contempt/1.avi",
            &["label Contempt of 1 clip", "seen are Angry, Contempt, Neutral"],
        ),
        ("caer", trees::caer, "test/Contempt/1.avi", &["test/Contempt/1.avi"]),
        ("crema-d", trees::crema_d, "VideoFlash/1040_ITH_ZZZ_X.flv", &["ZZZ", "ANG angry", "seen are ANG, SAD, ZZZ"]),
        ("ravdess", trees::ravdess, "Actor_01/02-01-00-01-01-01-01.mp4", &["label 00", "01 neutral", "add 1 to all"]),
        ("ravdess", trees::ravdess, "Actor_01/02-01-09-01-01-01-01.mp4", &["label 09", "08 surprise", "Correct them"]),
        (
            "enterface",
            trees::enterface,
            "subject 2/boredom/sentence 1/s2_bo_1.avi",
            &["label boredom", "subject 2/boredom"],
        ),
    ];
    for (set, tree, path, expected) in sets {
        let root = tempdir().unwrap();
        tree(root.path(), &mut trees::empty);
        trees::empty(&root.path().join(path));
        let message = error(set, root.path());
        for part in expected {
            assert!(message.contains(part), "{set}, {path}: {part:?} in {message}");
        }
        assert!(message.starts_with(root.path().to_str().unwrap()), "{message}");
    }
    let root = tempdir().unwrap();
    trees::mmi(root.path(), &mut trees::empty);
    trees::mmi_session(root.path(), 900, "S050-001", "0", Some("0"), &mut trees::empty);
    let message = error("mmi", root.path());
    assert!(
        message.contains("label 0 of 1 clip") && message.contains("S050-001.xml") && message.contains("1 angry"),
        "{message}"
    );
}
