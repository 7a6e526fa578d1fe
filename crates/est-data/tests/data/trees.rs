//! Small trees in the real layout of each set. `make` creates a clip at the path it is given: a video where the path has
//! an extension, else a folder of pictures. Listing opens neither, so [`empty`] does; tests that decode bring real ones.
#![allow(dead_code)] // Each test file uses some.

use std::fs;
use std::path::{Path, PathBuf};

pub type Make<'a> = &'a mut dyn FnMut(&Path);
pub type Build = fn(&Path, Make);

/// An empty file, or a folder with an empty picture.
pub fn empty(path: &Path) {
    match path.extension() {
        Some(_) => text(path, ""),
        None => text(&path.join("000.jpg"), ""),
    }
}

/// A file with its folders.
pub fn text(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn clip(path: PathBuf, make: Make) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    make(&path);
}

/// Ten subjects, two classes: 20 clips.
pub fn bu4dfe(root: &Path, make: Make) {
    for subject in ["F001", "F002", "F003", "F004", "F005", "M001", "M002", "M003", "M004", "M005"] {
        for class in ["Angry", "Surprise"] {
            clip(root.join(subject).join(class), make);
        }
    }
}

/// One session of MMI.
pub fn mmi_session(root: &Path, number: usize, stem: &str, view: &str, emotion: Option<&str>, make: Make) {
    let folder = root.join("Sessions").join(number.to_string());
    clip(folder.join(format!("{stem}.avi")), make);
    text(
        &folder.join("session.xml"),
        &format!("<session><subject id='1'/><track filename='{stem}.avi' view='{view}'/></session>"),
    );
    if let Some(emotion) = emotion {
        let coding = format!("<?xml version=\"1.0\"?><coding><Metatag Name=\"Emotion\" Value=\"{emotion}\"/></coding>");
        text(&folder.join(format!("{stem}.xml")), &coding);
    }
}

/// Ten subjects with two sessions each, anger and surprise: 20 clips.
pub fn mmi(root: &Path, make: Make) {
    for subject in 1..=10 {
        for (session, emotion) in [(1, "1"), (2, "6")] {
            let stem = format!("S{subject:03}-{session:03}");
            mmi_session(root, subject * 10 + session, &stem, "0", Some(emotion), make);
        }
    }
}

/// Two classes, two clips for training and one for validation each: 6 clips.
pub fn afew(root: &Path, make: Make) {
    for (part, ids) in [("Train_AFEW", &["000046280", "000149120"][..]), ("Val_AFEW", &["000149121"])] {
        for class in ["Angry", "Neutral"] {
            ids.iter().for_each(|id| clip(root.join(part).join(class).join(format!("{id}.avi")), make));
        }
    }
}

const FOLDS: u32 = 5;

/// Clips 1 to 10: clip n has label (n - 1) % 7 + 1 and is tested in fold (n - 1) % 5 + 1. Training lists have padded
/// numbers, test lists have not.
pub fn dfew(root: &Path, make: Make) {
    for n in 1..=10 {
        clip(root.join(format!("Clip/original/{n}.mp4")), make);
    }
    for fold in 1..=FOLDS {
        let rows = |train: bool| {
            let chosen = (1..=10).filter(|n| ((n - 1) % FOLDS + 1 == fold) != train);
            let row = |n: u32| match train {
                true => format!("{n:05},{}\n", (n - 1) % 7 + 1),
                false => format!("{n},{}\n", (n - 1) % 7 + 1),
            };
            "video_name,label\n".to_string() + &chosen.map(row).collect::<String>()
        };
        text(&dfew_list(root, "train", fold), &rows(true));
        text(&dfew_list(root, "test", fold), &rows(false));
    }
}

pub fn dfew_list(root: &Path, side: &str, fold: u32) -> PathBuf {
    root.join(format!("EmoLabel_DataSplit/{side}(single-labeled)/set_{fold}.csv"))
}

/// Two scenes, two classes, numbers 0001 (train) and 0002 (test): 8 clips.
pub fn ferv39k(root: &Path, make: Make) {
    for (number, list) in [("0001", "train_All.csv"), ("0002", "test_All.csv")] {
        let mut lines = String::new();
        for scene in ["Action", "Crime"] {
            for class in ["Angry", "Sad"] {
                let name = format!("{scene}/{class}/{number}");
                clip(root.join("2_ClipsforFaceCrop").join(&name), make);
                lines += &format!("{name} {class}\n");
            }
        }
        text(&root.join("4_setups/All_scenes").join(list), &lines);
    }
}

pub const MAFW_LABELS: [&str; 11] = [
    "anger",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
    "contempt",
    "anxiety",
    "helplessness",
    "disappointment",
];

/// Clips 1 to 11, one for each label in the order of [`MAFW_LABELS`]; clip n is tested in fold (n - 1) % 5 + 1.
pub fn mafw(root: &Path, make: Make) {
    for n in 1..=11 {
        clip(root.join(format!("clips/{n:05}.mp4")), make);
    }
    for fold in 1..=5 {
        for side in ["train", "test"] {
            let chosen = (1..=11).filter(|n| ((n - 1) % 5 + 1 == fold) == (side == "test"));
            let lines: String = chosen.map(|n| format!("{n:05}.mp4 {}\n", MAFW_LABELS[n - 1])).collect();
            text(&mafw_list(root, side, fold), &lines);
        }
    }
}

pub fn mafw_list(root: &Path, side: &str, fold: usize) -> PathBuf {
    root.join(format!("single/no_caption/set_{fold}/{side}.txt"))
}

/// Five actors, two clips each: 10 clips.
pub fn crema_d(root: &Path, make: Make) {
    for actor in 1001..=1005 {
        for end in ["DFA_ANG_XX", "IEO_SAD_HI"] {
            clip(root.join(format!("VideoFlash/{actor}_{end}.flv")), make);
        }
    }
}

/// Six actors, neutral and surprised: 12 clips.
pub fn ravdess(root: &Path, make: Make) {
    for actor in 1..=6 {
        for label in ["01", "08"] {
            clip(root.join(format!("Actor_{actor:02}/02-01-{label}-01-01-01-{actor:02}.mp4")), make);
        }
    }
}

/// Subjects 1 to 4 and 11, two classes, one sentence: 10 clips. The files of subject 11 are called `s12`, as they are.
pub fn enterface(root: &Path, make: Make) {
    for (subject, called) in [(1, 1), (2, 2), (3, 3), (4, 4), (11, 12)] {
        for class in ["anger", "happiness"] {
            let file = format!("s{called}_{}_1.avi", &class[..2]);
            clip(root.join(format!("subject {subject}/{class}/sentence 1/{file}")), make);
        }
    }
}

/// Three parts, two classes, one clip: 6 clips.
pub fn caer(root: &Path, make: Make) {
    for part in ["train", "validation", "test"] {
        for class in ["Anger", "Happy"] {
            clip(root.join(part).join(class).join("0001.avi"), make);
        }
    }
}

/// Three clips, one of them neutral; returns the list.
pub fn frames(root: &Path, make: Make) -> PathBuf {
    let list = root.join("list.txt");
    for id in ["000046280", "000149120", "s1"] {
        clip(root.join("videos").join(id), make);
    }
    text(&list, "000046280 Angry\n000149120 Neutral\ns1 Surprise\n");
    list
}

/// A video and a folder of pictures of each of five subjects: 10 clips; returns the list.
pub fn own(root: &Path, make: Make) -> PathBuf {
    let list = root.join("clips.csv");
    let mut rows = "subject,label,path\n".to_string();
    for subject in 1..=5 {
        for (word, end) in [("Happiness", "h.mp4"), ("sad", "s")] {
            clip(root.join(format!("clips/p{subject}{end}")), make);
            rows += &format!("p{subject},{word},clips/p{subject}{end}\n");
        }
    }
    text(&list, &rows);
    list
}
