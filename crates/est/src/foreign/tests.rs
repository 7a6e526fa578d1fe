//! Tables in each layout, made here.

use super::*;

fn import(peer: Peer, table: &str, fps: Option<f64>) -> Result<Vec<BTreeMap<String, String>>, EstError> {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from.csv", "to.csv"].map(|name| folder.path().join(name));
    std::fs::write(&from, table).unwrap();
    peer.import(&from, &to, "a", fps)?;
    let mut read = csv::Reader::from_path(&to).unwrap();
    let header = read.headers().unwrap().clone();
    let row = |record: csv::StringRecord| header.iter().zip(&record).map(|(a, b)| (a.into(), b.into())).collect();
    Ok(read.records().map(|record| row(record.unwrap())).collect())
}

/// The user's table is not to be lost, by whatever name it is called.
#[test]
fn a_table_is_not_written_over_itself() {
    let folder = tempfile::tempdir().unwrap();
    let from = folder.path().join("fex.csv");
    let table = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,anger,disgust,fear,happiness,sadness,surprise,neutral\n";
    std::fs::write(&from, table).unwrap();
    let to = folder.path().join(".").join("fex.csv");
    let error = Peer::PyFeat.import(&from, &to, "a", Some(25.0)).unwrap_err().to_string();
    assert!(error.contains("name another file"), "{error}");
    assert_eq!(std::fs::read_to_string(&from).unwrap(), table);
}

#[test]
fn openface_gets_times_boxes_and_keeps_its_units() {
    let points = |axis: &str| (0..68).map(|k| format!(", {axis}_{k}")).collect::<String>();
    let values = |from: f64| (0..68).map(|k| format!(", {}", from + f64::from(k))).collect::<String>();
    let table = format!(
        "frame, face_id, timestamp, confidence, success{}{}, AU01_r\n1, 2, 0.000, 0.98, 1{}{}, 1.25\n2, 2, 0.040, 0.1, 0{}{}, 0\n",
        points("x"),
        points("y"),
        values(10.0),
        values(20.5),
        values(0.0),
        values(0.0)
    );
    let rows = import(Peer::OpenFace, &table, None).unwrap();
    let first = &rows[0];
    for (name, value) in [
        ("video_id", "a"),
        ("frame", "0"),
        ("pts_s", "0.000000"),
        ("track_id", "2"),
        ("status", "ok"),
        ("det_score", "0.9800"),
        ("x", "10.00"),
        ("y", "20.50"),
        ("w", "67.00"),
        ("label", ""),
        ("model_id", "openface"),
        ("openface_AU01_r", "1.25"),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert_eq!([&rows[1]["status"], &rows[1]["det_score"], &rows[1]["pts_s"]], ["no_face", "", "0.040000"]);
    assert!(!first.contains_key("p_happy"));
}

#[test]
fn pyfeat_gets_times_and_our_classes() {
    let header = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,AU01,anger,disgust,fear,happiness,sadness,surprise,neutral";
    let table = format!("{header}\n0.0,1,2,30,40,0.99,0.5,0.1,0,0,0.6,0.1,0,0.2\n50,,,,,,,,,,,,,\n");
    let rows = import(Peer::PyFeat, &table, Some(25.0)).unwrap();
    let first = &rows[0];
    for (name, value) in [
        ("pts_s", "0.000000"),
        ("p_happy", "0.600000"),
        ("p_sad", "0.100000"),
        ("p_neutral", "0.200000"),
        ("label", "happy"),
        ("w", "30.00"),
        ("pyfeat_AU01", "0.5"),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert_eq!([&rows[1]["status"], &rows[1]["pts_s"], &rows[1]["p_happy"]], ["no_face", "2.000000", ""]);
    let without = import(Peer::PyFeat, &table, None).unwrap_err().to_string();
    assert!(without.contains("--fps"), "{without}");
}

#[test]
fn another_table_is_told_with_line_and_column() {
    let told = |peer, table: &str| import(peer, table, Some(25.0)).unwrap_err().to_string();
    assert!(told(Peer::OpenFace, "a,b\n1,2\n").contains("no column `frame`"));
    let bad = told(Peer::OpenFace, "frame,timestamp,confidence,success\n1,0,1,0\n2,later,1,0\n");
    assert!(bad.contains("line 3") && bad.contains("`timestamp` is `later`"), "{bad}");
    let bad = told(Peer::OpenFace, "frame,timestamp,confidence,success\n1,0,1\n");
    assert!(bad.contains("from.csv"), "{bad}");
}

/// A table of py-feat with one face, whose expressions have the given columns and values.
fn fex(expressions: &str, values: &str) -> Result<Vec<BTreeMap<String, String>>, EstError> {
    let header = "input,frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,Pitch,Roll,Yaw,valence";
    import(Peer::PyFeat, &format!("{header}{expressions}\na.mp4,50,1,2,30,40,0.99,0,0,0,-0.5{values}\n"), Some(25.0))
}

#[test]
fn pyfeat_in_the_words_of_each_detector() {
    // Detectorv2 of py-feat 2.1, in its own order; then with the eighth class of older weights.
    let second = ",Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger";
    let rows = fex(second, ",0.1,0.5,0.05,0.05,0.1,0.1,0.1").unwrap();
    for (name, value) in [
        ("pts_s", "2.000000"),
        ("p_happy", "0.500000"),
        ("p_angry", "0.100000"),
        ("p_sad", "0.050000"),
        ("label", "happy"),
        ("pyfeat_valence", "-0.5"),
        ("pyfeat_Pitch", "0"),
    ] {
        assert_eq!(rows[0][name], value, "{name}");
    }
    assert!(!rows[0].keys().any(|name| name.contains("Happy") || name.contains("contempt")), "{:?}", rows[0]);
    let rows = fex(&format!("{second},Contempt"), ",0.1,0.1,0.05,0.05,0.1,0.05,0.05,0.5").unwrap();
    assert_eq!(
        [&rows[0]["p_contempt"], &rows[0]["label"], &rows[0]["p_neutral"]],
        ["0.500000", "contempt", "0.100000"]
    );
    // With the detector of expressions switched off.
    let rows = fex("", "").unwrap();
    assert_eq!((rows[0]["status"].as_str(), rows[0]["label"].as_str()), ("ok", ""));
    assert!(!rows[0].contains_key("p_happy"));
    // Neither vocabulary, a mixture, one too few, one too many, twice.
    for (columns, seen) in [
        (",Neutral,happiness,Sad,Surprise,Fear,Disgust,Anger", "Neutral, happiness, Sad"),
        (",NEUTRAL,HAPPY", "NEUTRAL, HAPPY"),
        (",Neutral,Happy,Sad,Surprise,Fear,Disgust", "Disgust, which no detector"),
        (",Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger,joy", "Anger, joy, which"),
        (",anger,disgust,fear,happiness,sadness,surprise,neutral,Happy", "neutral, Happy, which"),
        (",Happy,Neutral,Happy,Sad,Surprise,Fear,Disgust,Anger", "Happy, Neutral, Happy"),
    ] {
        let error = fex(columns, &",0.1".repeat(columns.matches(',').count())).unwrap_err().to_string();
        assert!(error.contains(seen) && error.contains("from.csv") && error.contains("happiness, neutral"), "{error}");
    }
}

#[test]
fn openface_3_has_a_box_and_a_label() {
    let table = "timestamp,video_path,frame_index,face_id,face_detection,landmarks,emotion,gaze_yaw,gaze_pitch,action_units\n\
                 2026-11-30 10:00:00,a.mp4,50,0,\"[10.5, 20.0, 40.5, 60.0, 0.99, 1.0, 2.0]\",\"[[1.0, 2.0]]\",1.0,0.1,-0.2,\"[[0.1]]\"\n\
                 2026-11-30 10:00:01,a.mp4,51,,,,,,,\n";
    let rows = import(Peer::OpenFace, table, Some(25.0)).unwrap();
    for (name, value) in [
        ("frame", "50"),
        ("pts_s", "2.000000"),
        ("track_id", ""),
        ("det_score", "0.9900"),
        ("x", "10.50"),
        ("w", "30.00"),
        ("h", "40.00"),
        ("label", "happy"),
        ("openface_gaze_yaw", "0.1"),
        ("openface_face_id", "0"),
    ] {
        assert_eq!(rows[0][name], value, "{name}");
    }
    assert_eq!([&rows[1]["status"], &rows[1]["label"], &rows[1]["pts_s"]], ["no_face", "", "2.040000"]);
    let told = |table: &str, fps| import(Peer::OpenFace, table, fps).unwrap_err().to_string();
    assert!(told(table, None).contains("--fps"));
    assert!(told(&table.replace("1.0,0.1", "8,0.1"), Some(25.0)).contains("line 2: `emotion` is 8, not 0 to 7"));
    assert!(told(&table.replace("[10.5", "[left"), Some(25.0)).contains("not a box"));
    // Of one picture.
    let table =
        table.replace("frame_index,", "").replace("video_path", "image_path").replace(",50,", ",").replace(",51,", ",");
    assert_eq!(import(Peer::OpenFace, &table, None).unwrap()[0]["label"], "happy");
}

/// Opened and saved again by a spreadsheet program.
#[test]
fn other_delimiters() {
    let table = "frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight,FaceScore,anger,disgust,fear,happiness,sadness,surprise,neutral\n\
                 0,1,2,3,4,0.9,0,0,0,1,0,0,0\n";
    let plain = import(Peer::PyFeat, table, Some(25.0)).unwrap();
    assert_eq!(plain[0]["p_happy"], "1.000000");
    for delimiter in [";", "\t"] {
        let table = format!("\u{feff}{}", table.replace(',', delimiter));
        assert_eq!(import(Peer::PyFeat, &table, Some(25.0)).unwrap(), plain, "{delimiter:?}");
    }
}

#[test]
fn a_pointer_is_no_table() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n";
    let error = import(Peer::PyFeat, pointer, Some(25.0)).unwrap_err().to_string();
    assert!(error.contains("git lfs pull") && error.contains("from.csv"), "{error}");
}
