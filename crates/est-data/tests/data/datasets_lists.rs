//! Sets whose labels are in lists.

use std::fs;
use std::path::{Path, PathBuf};

use crate::listings::{assert_warns, class, clip};
use crate::trees;
use est::Source;
use est_data::datasets::{DATA_SETS, Request, find};
use est_data::{DataError, Listing};
use tempfile::{TempDir, tempdir};

fn list(set: &str, root: &Path, list: Option<&Path>) -> Result<Listing, DataError> {
    (find(set).unwrap().list)(&Request { root, list })
}

fn error(set: &str, root: &Path, file: Option<&Path>) -> String {
    list(set, root, file).unwrap_err().to_string()
}

fn tree(build: impl FnOnce(&Path, trees::Make)) -> (TempDir, PathBuf) {
    let root = tempdir().unwrap();
    build(root.path(), &mut trees::empty);
    let path = root.path().to_owned();
    (root, path)
}

/// Replaces text in a file that has it.
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from:?} in {text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn all_sets_have_names_of_their_own() {
    let names = "bu-4dfe mmi afew dfew ferv39k mafw crema-d ravdess enterface caer frames own";
    assert_eq!(DATA_SETS.iter().map(|set| set.name).collect::<Vec<_>>().join(" "), names);
    assert!(find("affectnet").is_none());
}

#[test]
fn dfew_folds() {
    let (_keep, root) = tree(trees::dfew);
    let listing = list("dfew", &root, None).unwrap();
    assert_eq!(listing.warnings, [""; 0]);
    assert_eq!(listing.classes, est::CLASSES);
    let labels: Vec<_> = (1..=7).map(|n| class(&listing, &format!("{n:05}")).unwrap()).collect();
    // SPEC section 4: 1 Happy 2 Sad 3 Neutral 4 Angry 5 Surprise 6 Disgust 7 Fear.
    assert_eq!(labels, ["happy", "sad", "neutral", "angry", "surprise", "disgust", "fear"]);
    assert_eq!(listing.clips.len(), 10);
    for (n, entry) in (1..).zip(&listing.clips) {
        assert_eq!(entry.part.as_deref(), Some(format!("fold-{}", (n - 1) % 5 + 1).as_str()));
        assert_eq!(entry.source, Source::File(root.join(format!("Clip/original/{n}.mp4"))));
    }
}

#[test]
fn dfew_spellings_of_a_list() {
    let (_keep, root) = tree(trees::dfew);
    let expected = list("dfew", &root, None).unwrap();
    let path = trees::dfew_list(&root, "test", 1);
    // A byte order mark, ends of line as of Windows, columns the other way round, padding, extensions.
    fs::write(&path, "\u{feff}label,video_name\r\n1,00001\r\n6 , 6.mp4\r\n").unwrap();
    assert_eq!(list("dfew", &root, None).unwrap(), expected);
}

#[test]
fn dfew_pictures_instead_of_videos() {
    let (_keep, root) = tree(trees::dfew);
    fs::remove_dir_all(root.join("Clip")).unwrap();
    for n in 1..=9 {
        trees::text(&root.join(format!("Clip/clip_224x224/{n:05}/{n:05}_00001.jpg")), "");
    }
    let listing = list("dfew", &root, None).unwrap();
    assert_eq!(clip(&listing, "00003").source, Source::Folder(root.join("Clip/clip_224x224/00003")));
    // Listed, not there: it stays, and points where it would be.
    assert_eq!(clip(&listing, "00010").source, Source::Folder(root.join("Clip/clip_224x224/00010")));
    assert_eq!(listing.clips.len(), 10);
}

#[test]
fn dfew_odd_lists_warn() {
    let (_keep, root) = tree(trees::dfew);
    for n in 11..=17 {
        trees::empty(&root.join(format!("Clip/original/{n}.mp4")));
    }
    trees::empty(&root.join("Clip/original/00002.mp4"));
    let [train, test] = ["train", "test"].map(|side| trees::dfew_list(&root, side, 1));
    edit(&test, "1,1\n", "1,1\n00001,1\n");
    edit(&train, "00002,2\n", "00001,1\n00011,7\n");
    let listing = list("dfew", &root, None).unwrap();
    assert_warns(&listing, &["Clip/original: 6 on the disk that no list mentions: 00012", "00016 and 1 more"]);
    assert_warns(&listing, &["1 of clips that have another file already", "2.mp4"]);
    assert_warns(&listing, &["1 listed twice", "set_1.csv, line 2", "set_1.csv, line 3"]);
    assert_warns(&listing, &["train(single-labeled)/set_1.csv: 1 clips that the same fold tests", "00001"]);
    assert_warns(
        &listing,
        &["train(single-labeled)/set_1.csv: 1 clips of other folds that this list leaves out", "00002"],
    );
    assert_warns(&listing, &["1 clips that no fold tests", "00011"]);
    let untested = clip(&listing, "00011");
    assert_eq!((class(&listing, "00011"), untested.part.as_deref()), (Some("fear"), None));
}

/// A clip is tested once: else a score would count it twice.
#[test]
fn dfew_folds_that_test_a_clip_twice() {
    let (_keep, root) = tree(trees::dfew);
    edit(&trees::dfew_list(&root, "test", 2), "2,2\n", "2,2\n1,1\n");
    let listing = list("dfew", &root, None).unwrap();
    let warned = "test(single-labeled)/set_2.csv: 1 clips that an earlier fold tests";
    assert_warns(&listing, &[warned, "not the official folds", "00001"]);
    assert_eq!(clip(&listing, "00001").part.as_deref(), Some("fold-1"));
}

#[test]
fn dfew_in_the_folders_of_its_readme() {
    for (folder, nested) in
        [("Clip/clip_original", ""), ("clip_original", ""), ("Clip/clip_224x224_16f", "clip_224x224_16f/")]
    {
        let (_keep, root) = tree(trees::dfew);
        fs::remove_dir_all(root.join("Clip")).unwrap();
        let pictures = folder.contains("224");
        for n in 1..=10 {
            let name = if pictures { format!("{n:05}/00001.png") } else { format!("{n:05}.mp4") };
            trees::text(&root.join(folder).join(nested).join(name), "");
        }
        let listing = list("dfew", &root, None).unwrap();
        let within = root.join(folder).join(nested).join(if pictures { "00003" } else { "00003.mp4" });
        assert_eq!(clip(&listing, "00003").source.path(), within, "{folder}");
        assert_eq!(listing.warnings.len(), usize::from(pictures));
        if pictures {
            assert_warns(&listing, &["clip_224x224_16f", "16 pictures of each clip", "--fps"]);
        }
    }
    // Several at once: videos before pictures, all pictures before 16 of them.
    let (_keep, root) = tree(trees::dfew);
    for folder in ["clip_224x224_16f", "clip_224x224"] {
        (1..=10).for_each(|n| trees::text(&root.join(format!("Clip/{folder}/{n:05}/00001.png")), ""));
    }
    let listing = list("dfew", &root, None).unwrap();
    assert_eq!(listing.warnings.len(), 1);
    assert_warns(&listing, &["read from Clip/original; ", "Clip/clip_224x224, Clip/clip_224x224_16f"]);
    fs::remove_dir_all(root.join("Clip/original")).unwrap();
    let listing = list("dfew", &root, None).unwrap();
    assert_warns(&listing, &["read from Clip/clip_224x224; ", "Clip/clip_224x224_16f"]);
}

#[test]
fn labels_of_no_class_are_refused() {
    // 0 to 6 in the place of 1 to 7, in every list.
    let (_keep, root) = tree(trees::dfew);
    for (side, fold) in ["train", "test"].into_iter().flat_map(|side| (1..=5).map(move |fold| (side, fold))) {
        let path = trees::dfew_list(&root, side, fold);
        let text = fs::read_to_string(&path).unwrap();
        let lower = |line: &str| match line.split_once(',') {
            Some((name, label)) => label.parse::<u32>().map_or(line.to_string(), |n| format!("{name},{}", n - 1)),
            None => line.to_string(),
        };
        fs::write(&path, text.lines().map(|line| lower(line) + "\n").collect::<String>()).unwrap();
    }
    let message = error("dfew", &root, None);
    for part in [
        "set_1.csv: label 0 of 1 clip (",
        "the first: clip 00001 in line 2",
        "1 happy, 2 sad",
        "seen are 0, 5",
        "add 1 to all",
    ] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    // In one list of training clips alone, of a clip that others know.
    let (_keep, root) = tree(trees::dfew);
    edit(&trees::dfew_list(&root, "train", 2), "00001,1", "00001,8");
    let message = error("dfew", &root, None);
    assert!(message.contains("train(single-labeled)/set_2.csv: label 8 of 1 clip (the first: clip 00001"), "{message}");
    assert!(message.contains("Correct them"), "{message}");

    let (_keep, root) = tree(trees::ferv39k);
    edit(&root.join("4_setups/All_scenes/test_All.csv"), "Action/Sad/0002 Sad", "Action/Sad/0002 5");
    let message = error("ferv39k", &root, None);
    assert!(
        message.contains("test_All.csv: label 5 of 1 clip") && message.contains("seen are 5, Angry, Sad"),
        "{message}"
    );
    let (_keep, root) = tree(trees::mafw);
    for (side, fold) in ["train", "test"].into_iter().flat_map(|side| (1..=5).map(move |fold| (side, fold))) {
        let path = trees::mafw_list(&root, side, fold);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("00003.mp4 fear", "00003.mp4 boredom")).unwrap();
    }
    let message = error("mafw", &root, None);
    assert!(message.contains(".txt: label boredom") && message.contains("disappointment"), "{message}");
}

#[test]
fn lists_that_are_pointers() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    let (_keep, root) = tree(trees::dfew);
    fs::write(trees::dfew_list(&root, "test", 2), pointer).unwrap();
    let message = error("dfew", &root, None);
    assert!(
        message.contains("test(single-labeled)/set_2.csv: is not the file itself but a git-lfs pointer"),
        "{message}"
    );
    assert!(message.contains("git lfs pull"), "{message}");
    for name in ["clips.csv", "clips.parquet"] {
        let file = root.join(name);
        fs::write(&file, pointer).unwrap();
        assert!(error("own", &root, Some(&file)).contains("git lfs pull"));
        assert!(error("frames", &root, Some(&file)).contains("git lfs pull"));
    }
}

#[test]
fn dfew_errors() {
    let broken = |change: &dyn Fn(&Path)| {
        let (_keep, root) = tree(trees::dfew);
        change(&root);
        error("dfew", &root, None)
    };
    let test = |root: &Path, fold| trees::dfew_list(root, "test", fold);
    let message = broken(&|root| edit(&test(root, 1), "1,1\n", "1,1\n00001,2\n"));
    assert!(message.contains("set_1.csv: line 3 labels clip 00001 sad") && message.contains("line 2 labels it happy"));
    let message = broken(&|root| edit(&trees::dfew_list(root, "train", 2), "00001,1", "00001,7"));
    assert!(message.contains("train(single-labeled)/set_2.csv: line 2 labels clip 00001 fear"), "{message}");
    let message = broken(&|root| edit(&test(root, 3), "video_name,label", "id,label"));
    assert!(message.contains("set_3.csv: has no column `video_name` (its first line is `id, label`)"), "{message}");
    let message = broken(&|root| fs::remove_file(test(root, 4)).unwrap());
    assert!(message.contains("set_4.csv: is missing"), "{message}");
    let message = broken(&|root| fs::write(test(root, 4), b"video_name,label\n4,\xff\n").unwrap());
    assert!(message.contains("set_4.csv: is not UTF-8 text (from byte 19 on)"), "{message}");
    let message = broken(&|root| fs::write(test(root, 4), "video_name,label\n4,4,4\n").unwrap());
    assert!(message.contains("set_4.csv: line 2 has 3 fields, the first line has 2"), "{message}");
    let message =
        broken(&|root| fs::write(test(root, 4), "\u{feff}video_name,label\r\n\r\n4,4\r\n\r\n4,5\r\n").unwrap());
    assert!(message.contains("set_4.csv: line 5 ") && message.contains("set_4.csv, line 3 "), "{message}");
    let message = broken(&|root| fs::write(test(root, 5), "video_name,label\n").unwrap());
    assert!(message.contains("set_5.csv: lists no clip"), "{message}");
    let message = broken(&|root| fs::remove_dir_all(root.join("Clip")).unwrap());
    assert!(message.contains("holds no clips in Clip/original or"), "{message}");
    let message = broken(&|root| {
        fs::remove_dir_all(root.join("Clip")).unwrap();
        fs::write(root.join("Clip.zip"), "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n").unwrap();
    });
    assert!(message.contains("Clip.zip") && message.contains("git lfs pull"), "{message}");
    let message = broken(&|root| {
        fs::remove_dir_all(root.join("Clip")).unwrap();
        trees::empty(&root.join("Clip/original/99.mp4"));
    });
    assert!(message.contains("holds none of the 10 clips that the lists name"), "{message}");
}

#[test]
fn ferv39k_parts() {
    let (_keep, root) = tree(trees::ferv39k);
    let listing = list("ferv39k", &root, None).unwrap();
    assert_eq!(listing.warnings, [""; 0]);
    assert_eq!(listing.clips.len(), 8);
    let entry = clip(&listing, "Crime_Sad_0002");
    assert_eq!((class(&listing, "Crime_Sad_0002"), entry.part.as_deref()), (Some("sad"), Some("test")));
    assert_eq!(entry.source, Source::Folder(root.join("2_ClipsforFaceCrop/Crime/Sad/0002")));

    let train = root.join("4_setups/All_scenes/train_All.csv");
    edit(&train, "Action/Sad/0001 Sad\n", "Action/Sad/0001 Sadness\r\n\r\nAction/Sad/0003 Sad\r\n");
    fs::remove_dir_all(root.join("2_ClipsforFaceCrop/Crime/Angry/0001")).unwrap();
    trees::empty(&root.join("2_ClipsforFaceCrop/School/Happy/0009"));
    let listing = list("ferv39k", &root, None).unwrap();
    assert_eq!(class(&listing, "Action_Sad_0001"), Some("sad"));
    for missing in ["Action_Sad_0003", "Crime_Angry_0001"] {
        assert!(!clip(&listing, missing).source.path().exists());
    }
    assert_warns(&listing, &["1 on the disk that no list mentions: School/Happy/0009"]);

    edit(&train, "Action/Sad/0003 Sad", "Action/Sad/0002 Sad");
    let message = error("ferv39k", &root, None);
    assert!(message.contains("test_All.csv: line 2 gives clip Action/Sad/0002 the part test"), "{message}");
    edit(&train, "Action/Sad/0002 Sad", "0002 Sad");
    assert!(error("ferv39k", &root, None).contains("train_All.csv: line 4 names clip `0002`"));
    edit(&train, "0002 Sad", "Action/Sad/0002");
    assert!(error("ferv39k", &root, None).contains("line 4 is `Action/Sad/0002`, expected `<clip> <label>`"));
    fs::remove_file(&train).unwrap();
    assert!(error("ferv39k", &root, None).contains("train_All.csv: is missing"));
}

#[test]
fn mafw_folds() {
    let (_keep, root) = tree(trees::mafw);
    let listing = list("mafw", &root, None).unwrap();
    assert_eq!(listing.warnings, [""; 0]);
    assert_eq!(listing.classes[..7], est::CLASSES);
    assert_eq!(listing.classes[7..], trees::MAFW_LABELS[7..]);
    // The set's own order is ours, but for the spelling.
    assert!(listing.clips.iter().enumerate().all(|(at, entry)| entry.label == Some(at)));
    assert_eq!(clip(&listing, "00011").part.as_deref(), Some("fold-1"));

    // As the archive unpacks.
    fs::create_dir_all(root.join("Train & Test Set")).unwrap();
    fs::create_dir_all(root.join("data")).unwrap();
    fs::rename(root.join("single"), root.join("Train & Test Set/single")).unwrap();
    fs::rename(root.join("clips"), root.join("data/clips")).unwrap();
    assert_eq!(list("mafw", &root, None).unwrap().clips[4].source.path(), root.join("data/clips/00005.mp4"));

    let (_keep, root) = tree(trees::mafw);
    edit(&trees::mafw_list(&root, "test", 2), "00002.mp4 disgust", "2.mp4 sadness");
    let message = error("mafw", &root, None);
    assert!(
        message.contains("train.txt: line 1 labels clip 00002 disgust") && message.contains("sadness"),
        "{message}"
    );
    fs::remove_file(trees::mafw_list(&root, "train", 5)).unwrap();
    edit(&trees::mafw_list(&root, "test", 2), "2.mp4 sadness", "00002.mp4 disgust");
    assert!(error("mafw", &root, None).contains("set_5/train.txt: is missing"));
}

#[test]
fn frames_lists() {
    let root = tempdir().unwrap();
    let root = root.path();
    let file = trees::frames(root, &mut trees::empty);
    let listing = list("frames", root, Some(&file)).unwrap();
    assert_eq!((&listing.classes[..], listing.warnings.len()), (&est::CLASSES.map(String::from)[..], 0));
    assert_eq!(class(&listing, "s1"), Some("surprise"));
    assert_eq!(clip(&listing, "s1").source, Source::Folder(root.join("videos/s1")));

    // Pictures right under the root, ids with folders, no neutral: the six classes of BU-4DFE and MMI.
    let root = root.join("videos");
    trees::empty(&root.join("F001/Fear"));
    trees::text(&file, "F001/Fear Fear\ns1 Angry\n");
    let listing = list("frames", &root, Some(&file)).unwrap();
    assert_eq!(listing.classes.len(), 6);
    assert_eq!(clip(&listing, "F001_Fear").source, Source::Folder(root.join("F001/Fear")));
    assert_warns(&listing, &["2 on the disk that no list mentions: 000046280, 000149120"]);

    assert!(error("frames", &root, None).contains("name it with --list"));
    assert!(error("frames", &root, Some(&root.join("no.txt"))).contains("no.txt: is missing"));
    assert!(error("frames", &root.join("s1"), Some(&file)).contains("videos looks right: use it as --root"));
    trees::text(&file, "s1 Bored\n");
    let message = error("frames", &root, Some(&file));
    assert!(message.contains("list.txt: label Bored of 1 clip (the first: clip s1 in line 1) is none"), "{message}");
    trees::text(&file, "s1 3\n");
    assert!(error("frames", &root, Some(&file)).contains("these are numbers: write the words"));
    trees::text(&file, "\n");
    assert!(error("frames", &root, Some(&file)).contains("list.txt: lists no clip"));
}

#[test]
fn own_lists() {
    let root = tempdir().unwrap();
    let root = root.path();
    let file = trees::own(root, &mut trees::empty);
    let listing = list("own", root, Some(&file)).unwrap();
    assert_eq!((&listing.classes[..], listing.warnings.len()), (&["happy".to_string(), "sad".to_string()][..], 0));
    assert_eq!(clip(&listing, "clips_p1h").source, Source::File(root.join("clips/p1h.mp4")));
    assert_eq!(clip(&listing, "clips_p1s").source, Source::Folder(root.join("clips/p1s")));
    assert_eq!(clip(&listing, "clips_p1s").subject.as_deref(), Some("p1"));

    let own = |text: &str| {
        trees::empty(&root.join("a.mp4"));
        trees::text(&file, text);
        list("own", root, Some(&file))
    };
    let listing =
        own("Path,LABEL,split,age\na.mp4,bored,train,1\n./a.mp4,Bored,train,1\nb.mp4,Anger,val,1\n\"c,d.mp4\",,3,1\n");
    // A fold among parts is for the protocol to refuse.
    let listing = listing.unwrap();
    assert_eq!(listing.classes, ["angry", "bored"]);
    let parts: Vec<_> = listing.clips.iter().map(|clip| (clip.id.as_str(), clip.part.as_deref().unwrap())).collect();
    assert_eq!(parts, [("a", "train"), ("b", "validation"), ("c_d", "fold-3")]);
    assert_eq!((clip(&listing, "c_d").label, clip(&listing, "c_d").note.as_deref()), (None, Some("no label")));
    assert_warns(&listing, &["1 columns that mean nothing here", "age"]);
    assert_warns(&listing, &["1 listed twice", "line 2", "line 3"]);

    let listing = own("path,label,subject,split\na.mp4,sad,p1,train\nb.mp4,sad,p1,test\nc.mp4,sad,p2,\n").unwrap();
    assert_warns(&listing, &["1 subjects who are in more than one part", "p1"]);
    assert_warns(&listing, &["1 clips without a split", "c.mp4"]);

    let listing = own("path,label\na.mp4,0\nb.mp4,6\n").unwrap();
    assert_eq!(listing.classes, ["0", "6"]);
    assert_warns(&listing, &["labels are numbers (0, 6)"]);

    for (text, expected) in [
        ("file,label\na.mp4,sad\n", "has no column `path` (its first line is `file, label`)"),
        ("path,label\n,sad\n", "line 2 has no path"),
        ("path,label\na.mp4,sad\na.mp4,fear\n", "line 3 labels clip a fear"),
        ("path,label,split\na.mp4,sad,later\n", "line 2 has split `later`"),
        ("path,label,subject\na.mp4,sad,1\na.mp4,sad,2\n", "line 3 gives clip a the subject 2"),
        ("path,label\n", "clips.csv: lists no clip"),
        ("path,label\nno.mp4,sad\n", "clips.csv (no.mp4 ..)"),
        ("path,label\na.mp4,\n", "none of its 1 clips has a label"),
        ("", "has no column `path`"),
        ("path,label\na.mp4,sad\nb.mp4,3\n", "labels that are words (sad) and labels that are numbers (3)"),
        ("path,label\na.mp4,1\nb.mp4,1.0\n", "writes a label in two ways (1, 1.0)"),
    ] {
        let message = own(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn own_parquet() {
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type};
    let root = tempdir().unwrap();
    trees::empty(&root.path().join("b.mp4"));
    let path = root.path().join("clips.parquet");
    let schema = "message clips { required binary picture; optional int32 subject; required binary label (UTF8); \
                  required binary path (UTF8); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    let file = fs::File::create(&path).unwrap();
    let mut writer = parquet::file::writer::SerializedFileWriter::new(file, schema, Default::default()).unwrap();
    let mut rows = writer.next_row_group().unwrap();
    // A column that means nothing here is not read, whatever it holds.
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[vec![0xff], vec![0xfe]].map(ByteArray::from), None, None).unwrap();
    column.close().unwrap();
    let mut column = rows.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[7], Some(&[1, 0]), None).unwrap();
    column.close().unwrap();
    for texts in [["anger", "sad"], ["a.mp4", "b.mp4"]] {
        let mut column = rows.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&texts.map(ByteArray::from), None, None).unwrap();
        column.close().unwrap();
    }
    rows.close().unwrap();
    writer.close().unwrap();

    let listing = list("own", root.path(), Some(&path)).unwrap();
    assert_eq!((class(&listing, "a"), clip(&listing, "a").subject.as_deref()), (Some("angry"), Some("7")));
    assert_eq!((class(&listing, "b"), clip(&listing, "b").subject.as_deref()), (Some("sad"), None));
    assert_warns(&listing, &["1 columns that mean nothing here", "picture"]);
    fs::write(&path, "path,label\na.mp4,sad\n").unwrap();
    assert!(error("own", root.path(), Some(&path)).contains("clips.parquet: is no Parquet table"));
}
