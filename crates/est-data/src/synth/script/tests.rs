use super::*;

const SEED: u64 = 1;

fn named(name: &str) -> Profile {
    Profile::named(name).unwrap()
}

/// Scripts of `subjects` subjects with 12 clips each.
fn scripts(profile: &Profile, subjects: usize) -> Vec<ClipScript> {
    let of = |subject| (0..12).map(move |clip| ClipScript::new(profile, SEED, subject, clip));
    (0..subjects).flat_map(of).collect()
}

/// The largest difference of any side of any unit.
fn difference(a: &Intensities, b: &Intensities) -> f32 {
    let sides = Au::ALL.iter().flat_map(|&au| [0, 1].map(|side| (a.get(au)[side] - b.get(au)[side]).abs()));
    sides.fold(0.0, f32::max)
}

#[test]
fn a_clip_follows_from_its_arguments_in_any_order_of_calls() {
    let profile = named("subtle");
    let (a, b) = (ClipScript::new(&profile, 7, 3, 5), ClipScript::new(&profile, 7, 3, 5));
    assert_eq!(a.frames(), b.frames());
    let forward: Vec<_> = (0..a.frames()).map(|frame| (a.state(frame), a.truth(frame))).collect();
    for frame in (0..b.frames()).rev() {
        assert_eq!((b.state(frame), b.truth(frame)), forward[frame]);
    }
    for (seed, subject, clip) in [(8, 3, 5), (7, 4, 5), (7, 3, 6)] {
        assert_ne!(ClipScript::new(&profile, seed, subject, clip).state(20), forward[20].0);
    }
}

#[test]
fn classes_are_balanced_in_each_subject_and_orders_differ() {
    let six = Profile::default();
    let seven = Profile { neutral: true, ..Profile::default() };
    for (profile, clips, each) in [(six, 12, 2), (seven, 14, 2)] {
        let labels = |subject| -> Vec<_> {
            (0..clips).map(|clip| ClipScript::new(&profile, SEED, subject, clip).label).collect()
        };
        let mut orders = std::collections::BTreeSet::new();
        for subject in 0..20 {
            let labels = labels(subject);
            for class in profile.classes() {
                assert_eq!(labels.iter().filter(|&&label| label == class).count(), each, "{class}");
            }
            orders.insert(labels);
        }
        assert!(orders.len() >= 18, "{} orders of 20 subjects", orders.len());
    }
}

#[test]
fn curves_are_continuous() {
    for script in scripts(&Profile::default(), 20) {
        for frame in 1..script.frames() {
            let (a, b) = (script.truth(frame - 1), script.truth(frame));
            // An onset takes at least 6 frames: 1.875 / 6 a frame, and 0.02 for tremor.
            assert!(difference(&a.expression, &b.expression) < 0.335);
            // A drift of 0.9 degrees a frame at most, and nods of 5 degrees twice a second.
            for (a, b) in [(a.pose.yaw, b.pose.yaw), (a.pose.pitch, b.pose.pitch), (a.pose.roll, b.pose.roll)] {
                assert!((a - b).abs() < 4.5, "{a} {b}");
            }
            let (a, b) = (script.state(frame - 1).framing, script.state(frame).framing);
            assert!((a.shift[0] - b.shift[0]).abs() < 0.011 && (a.zoom - b.zoom).abs() < 0.016);
        }
    }
}

#[test]
fn light_is_switched_in_a_tenth_of_the_clips_and_drifts_in_the_rest() {
    let all = scripts(&Profile::default(), 40);
    let switched = all.iter().filter(|script| {
        let azimuth = |frame| script.state(frame).light.azimuth;
        // A drift moves it by 6 * 3.75 / 60 = 0.38 degrees a frame at most.
        (1..script.frames()).any(|frame| (azimuth(frame) - azimuth(frame - 1)).abs() > 0.4)
    });
    let share = switched.count() as f32 / all.len() as f32;
    // Three standard errors of 0.1 over 480 clips are 0.04.
    assert!((share - 0.1).abs() < 0.045, "{share}");
}

/// Sets one knob to 0 and brings a frame to what it would be without that knob.
type Switch = (&'static str, fn(&mut Profile), fn(&mut FaceState));

#[test]
fn a_knob_at_zero_turns_off_its_movement_and_no_other() {
    let switches: [Switch; 4] = [
        ("pose", |profile| profile.pose = 0.0, |state| state.pose = Default::default()),
        ("gaze", |profile| profile.gaze = 0.0, |state| state.gaze = [0.0; 2]),
        ("light", |profile| profile.light = 0.0, |state| state.light = Default::default()),
        ("framing", |profile| profile.framing = 0.0, |state| state.framing = Default::default()),
    ];
    for (name, off, without) in switches {
        let mut profile = Profile::default();
        off(&mut profile);
        let mut changed = false;
        for (on, off) in scripts(&Profile::default(), 2).iter().zip(scripts(&profile, 2)) {
            for frame in 0..on.frames() {
                let mut state = on.state(frame);
                without(&mut state);
                assert_eq!(state, off.state(frame), "{name}");
                changed |= on.state(frame) != off.state(frame);
            }
        }
        assert!(changed, "{name}");
    }
    // These three meet in the action units, where the rendered sum must lose exactly its part.
    let profile = Profile { resting: 0.0, speech: 0.0, blinks: 0.0, ..Profile::default() };
    for (on, off) in scripts(&Profile::default(), 5).iter().zip(scripts(&profile, 5)) {
        for frame in 0..on.frames() {
            assert_eq!(on.truth(frame).expression, off.truth(frame).expression);
            assert_eq!(off.truth(frame).expression, off.truth(frame).rendered);
            assert_eq!((on.state(frame).pose, on.state(frame).gaze), (off.state(frame).pose, off.state(frame).gaze));
        }
    }
    let silent = Profile { speech: 0.0, ..Profile::default() };
    for (on, off) in scripts(&Profile::default(), 5).iter().zip(scripts(&silent, 5)) {
        let lids = |script: &ClipScript, frame| script.truth(frame).rendered.get(Au::EyesClosed);
        assert!((0..on.frames()).all(|frame| lids(on, frame) == lids(&off, frame)));
        assert_eq!(on.truth(0).resting, off.truth(0).resting);
    }
    let steady = Profile { tremor: 0.0, asymmetry: 0.0, ..Profile::default() };
    for script in scripts(&steady, 5) {
        let apex = script.truth(script.apex_frame()).expression;
        assert!(Au::ALL.iter().all(|&au| apex.get(au)[0] == apex.get(au)[1]));
    }
}

#[test]
fn blinks_have_natural_rates_and_durations() {
    let (mut blinks, mut minutes, mut slow) = (0, 0.0, 0);
    for script in scripts(&Profile::default(), 100) {
        minutes += script.frames() as f32 / FPS / 60.0;
        for frame in 1..script.frames() {
            let closed = |frame: usize| script.blinks.at(frame as f32);
            if closed(frame - 1) == 0.0 && closed(frame) > 0.0 {
                blinks += 1;
                let length = (frame..script.frames()).take_while(|&frame| closed(frame) > 0.0).count();
                assert!(length <= 15, "{length} frames are over 600 ms");
                slow += usize::from(length > 8);
            }
        }
    }
    let rate = blinks as f32 / minutes;
    // Rates are uniform between 2 and 20: 11 on average, and 10.5 after the time that blinks themselves take.
    assert!((8.5..12.5).contains(&rate), "{rate} a minute");
    let share = slow as f32 / blinks as f32;
    assert!((0.05..0.16).contains(&share), "{share} slow");
}

type Measure = (&'static str, fn(&ClipScript, usize) -> f32);

#[test]
fn movement_does_not_tell_the_class() {
    let all = scripts(&named("subtle"), 300);
    let measures: [Measure; 7] = [
        ("yaw", |script, frame| script.state(frame).pose.yaw),
        ("pitch", |script, frame| script.state(frame).pose.pitch),
        ("gaze", |script, frame| script.state(frame).gaze[1]),
        ("blinks", |script, frame| script.blinks.at(frame as f32)),
        ("speech", |script, frame| script.speech.at(frame as f32).total()),
        ("light", |script, frame| script.state(frame).light.key),
        ("rest", |script, frame| script.truth(frame).resting.total()),
    ];
    for (name, measure) in measures {
        let clip_mean = |script: &ClipScript| {
            let values: Vec<f32> = (0..script.frames()).step_by(10).map(|frame| measure(script, frame)).collect();
            f64::from(values.iter().sum::<f32>()) / values.len() as f64
        };
        let values: Vec<(&str, f64)> = all.iter().map(|script| (script.label, clip_mean(script))).collect();
        let count = values.len() as f64;
        let mean = values.iter().map(|(_, value)| value).sum::<f64>() / count;
        let variance = values.iter().map(|(_, value)| (value - mean).powi(2)).sum::<f64>() / count;
        for class in named("subtle").classes() {
            let own: Vec<f64> = values.iter().filter(|(label, _)| *label == class).map(|(_, value)| *value).collect();
            assert_eq!(own.len(), 600);
            let off = own.iter().sum::<f64>() / 600.0 - mean;
            // 42 comparisons: four standard errors.
            assert!(off.abs() <= 4.0 * (variance / 600.0).sqrt(), "{name} {class}: {off} with variance {variance}");
        }
    }
}

#[test]
fn intensities_lie_in_the_letters_of_their_profile_and_are_never_zero() {
    for (name, low, high) in [("default", 0.05, 1.0), ("subtle", 0.05, 0.65), ("strong", 0.65, 1.0)] {
        let all = scripts(&named(name), 40);
        for script in &all {
            assert!((low..=high).contains(&script.intensity()), "{name} {}", script.intensity());
            let apex = script.truth(script.apex_frame()).expression;
            let most = Au::ALL.iter().flat_map(|&au| apex.get(au)).fold(0.0, f32::max);
            // The largest unit has a share of at least 0.9, a jitter of 0.85 to 1.15, and 5% go to tremor and choice.
            assert!((0.7 * script.intensity()..=1.15 * script.intensity()).contains(&most), "{name} {most}");
        }
        let below = all.iter().filter(|script| script.intensity() < 0.4).count() as f32 / all.len() as f32;
        let expected = named(name).letters[..2].iter().sum::<f32>();
        // Four standard errors over 480 clips are at most 0.09.
        assert!((below - expected).abs() < 0.09, "{name}: {below} below 0.4, want {expected}");
    }
}

#[test]
fn the_apex_is_the_maximum_and_phases_follow_the_curve() {
    let (mut from_apex, mut to_apex, mut twice) = (0, 0, 0);
    let all = scripts(&Profile::default(), 40);
    for script in &all {
        let truths: Vec<Truth> = (0..script.frames()).map(|frame| script.truth(frame)).collect();
        let most = truths.iter().map(|truth| truth.expression.total()).fold(0.0, f32::max);
        let apex = script.apex_frame();
        assert_eq!(truths[apex].phase, Phase::Apex);
        assert!(truths[apex].expression.total() >= 0.95 * most);
        for truth in &truths {
            let share = truth.expression.total() / most;
            // The first moment of an onset and the last of an offset round to nothing as well.
            let fits = match truth.phase {
                Phase::Neutral => share < 1e-4,
                Phase::Onset | Phase::Offset => share <= 1.0,
                Phase::Apex => share > 0.55,
            };
            assert!(fits, "{:?} with {share} of the maximum", truth.phase);
        }
        let runs = truths.chunk_by(|a, b| a.phase == b.phase).filter(|run| run[0].phase == Phase::Apex).count();
        twice += usize::from(runs == 2);
        from_apex += usize::from(truths[0].phase == Phase::Apex);
        to_apex += usize::from(truths[truths.len() - 1].phase == Phase::Apex);
        if let Some(rest) = truths.iter().find(|truth| truth.phase == Phase::Neutral) {
            assert!(most > 0.03 && rest.expression.total() < 1e-6);
        }
    }
    // A tenth each of all clips that have one burst (86%): about 41 of 480, and a quarter of the longer: about 67.
    assert!((20..70).contains(&from_apex) && (20..70).contains(&to_apex), "{from_apex} {to_apex}");
    assert!((35..105).contains(&twice), "{twice}");
}

#[test]
fn an_onset_is_faster_than_its_offset() {
    for script in scripts(&Profile { two_bursts: 0.0, cut_at_apex: 0.0, ..Profile::default() }, 20) {
        let count = |phase| (0..script.frames()).filter(|&frame| script.truth(frame).phase == phase).count();
        assert!(count(Phase::Onset) < count(Phase::Offset) + 1);
        assert!(count(Phase::Neutral) > 0 && count(Phase::Apex) >= 3);
    }
}

#[test]
fn a_neutral_clip_shows_nothing_of_its_own() {
    let profile = Profile { neutral: true, ..Profile::default() };
    let script = (0..7).map(|clip| ClipScript::new(&profile, SEED, 0, clip)).find(|script| script.label == "neutral");
    let script = script.expect("one of seven");
    assert_eq!(script.intensity(), 0.0);
    for frame in 0..script.frames() {
        assert_eq!((script.truth(frame).phase, script.truth(frame).expression.total()), (Phase::Neutral, 0.0));
    }
    assert!(script.apex_frame() < script.frames());
}

#[test]
fn resting_faces_are_as_strong_as_subtle_expressions_and_differ_between_subjects() {
    let profile = named("subtle");
    let rests: Vec<Intensities> = (0..60).map(|subject| ClipScript::new(&profile, SEED, subject, 0).resting).collect();
    for (subject, rest) in rests.iter().enumerate() {
        assert_eq!(*rest, ClipScript::new(&profile, SEED, subject, 7).resting);
        let most = Au::ALL.iter().map(|&au| rest.get(au)[0]).fold(0.0, f32::max);
        // 2 * (0.05 to 0.15), with a jitter of 0.7 to 1.
        assert!((0.06..=0.3).contains(&most), "{most}");
    }
    let strongest = |rest: &Intensities| Au::ALL.into_iter().max_by(|&a, &b| rest.get(a)[0].total_cmp(&rest.get(b)[0]));
    let kinds: std::collections::BTreeSet<_> = rests.iter().map(strongest).collect();
    assert!(kinds.len() >= 5, "{kinds:?}");
}

#[test]
fn the_apex_frame_has_open_eyes() {
    let all = scripts(&Profile::default(), 40);
    let closed = all.iter().filter(|script| script.blinks.at(script.apex_frame() as f32) > 0.1).count();
    // An apex of some frames may lie within a slow blink; that is rare.
    assert!(closed * 50 < all.len(), "{closed} of {}", all.len());
}

#[test]
fn stills_are_two_of_the_apex_one_on_the_way_and_one_at_rest() {
    let (mut apexes, mut rests) = (0, 0);
    let all = scripts(&Profile { neutral: true, cut_at_apex: 0.0, ..Profile::default() }, 20);
    for script in &all {
        let stills = script.stills();
        assert!(stills.is_sorted_by(|a, b| a < b) && stills.contains(&script.apex_frame()), "{stills:?}");
        assert_eq!(stills, script.stills());
        let shown = |frame: usize| script.truth(frame).expression.total();
        let most = shown(script.apex_frame());
        if script.label == "neutral" {
            assert_eq!(stills.len(), 2);
            continue;
        }
        let count = |fits: &dyn Fn(f32) -> bool| stills.iter().filter(|&&frame| fits(shown(frame) / most)).count();
        let [apex, way, rest] =
            [count(&|part| part >= 0.9), count(&|part| 0.0 < part && part < 0.9), count(&|part| part == 0.0)];
        assert!(apex <= 2 && way <= 1 && rest <= 1 && apex + way + rest == stills.len(), "{stills:?}");
        apexes += apex;
        rests += rest;
    }
    let shown = all.iter().filter(|script| script.label != "neutral").count();
    // Nearly every clip has all of them; a short apex may be a single frame.
    assert!(apexes * 10 > shown * 19 && rests * 10 > shown * 9, "{apexes} {rests} of {shown}");
}

#[test]
fn strays_are_weak_and_not_the_classes_own() {
    let plain = Profile { neutral: true, ..Profile::default() };
    let all = scripts(&Profile { strays: 1.0, ..plain.clone() }, 20);
    let mut seen = [0; 4];
    for (stray, script) in all.iter().zip(scripts(&plain, 20)) {
        let frame = script.apex_frame();
        let [with, without] = [&stray, &&script].map(|script| script.truth(frame).expression);
        let added: Vec<f32> =
            Au::ALL.iter().filter(|&&au| with.get(au) != without.get(au)).map(|&au| with.get(au)[0]).collect();
        // Tremor adds its 3%.
        assert!(added.iter().all(|&at| at <= 0.42 * script.intensity()), "{added:?} of {}", script.intensity());
        assert!(script.label != "neutral" || added.is_empty());
        seen[added.len()] += usize::from(script.label != "neutral");
    }
    // A quarter each of none to three draws; some fall on the class's own or on each other, most often of three.
    assert!(seen[..3].iter().all(|&clips| clips > 30) && seen[3] > 3, "{seen:?}");
}

#[test]
fn every_name_is_a_profile() {
    for name in Profile::NAMES {
        assert!(Profile::named(name).is_some(), "{name}");
    }
    assert_eq!(Profile::named("other"), None);
    let read: Profile = serde_json::from_str(r#"{"pose": 2.0}"#).unwrap();
    assert_eq!(read, Profile { pose: 2.0, ..Profile::default() });
    assert!(serde_json::from_str::<Profile>(r#"{"poses": 2.0}"#).is_err());
}
