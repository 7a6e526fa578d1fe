//! From a state to the strength of each face unit on the mesh, and of each fold of the skin.

use super::skin::{CHIN, CROWS_FEET, FOREHEAD, Folds, GLABELLA, LAYERS, NASOLABIAL, NOSE};
use crate::synth::FaceState;
use crate::synth::facs::Au;

/// How much stronger than the mesh has it a unit is shown, where the mesh's is weak.
const GAINS: [(&str, f32); 13] = [
    ("browInnerUp", 1.8),
    ("browOuterUp", 1.8),
    ("browDown", 1.8),
    ("eyeWide", 1.5),
    ("mouthFrown", 1.6),
    ("noseSneer", 2.0),
    ("mouthUpperUp", 1.5),
    ("mouthLowerDown", 1.2),
    ("mouthStretch", 1.7),
    ("eyeSquint", 1.3),
    ("cheekSquint", 1.4),
    ("mouthSmile", 1.2),
    ("mouthShrugLower", 1.3),
];

/// What the tissue drags along and the mesh's units leave out: a mouth narrows as the jaw drops, a broad smile and a
/// wrinkled nose lift the upper lip.
const DRAGGED: [(&str, &str, f32); 5] = [
    ("jawOpen", "mouthFunnel", 0.30),
    ("mouthSmileLeft", "mouthUpperUpLeft", 0.30),
    ("mouthSmileRight", "mouthUpperUpRight", 0.30),
    ("noseSneerLeft", "mouthUpperUpLeft", 0.35),
    ("noseSneerRight", "mouthUpperUpRight", 0.35),
];

/// The most that several action units together make of one face unit.
const MOST: f32 = 1.15;

/// The face units of a state with their strengths on the mesh.
pub(super) fn units(state: &FaceState) -> Vec<(String, f32)> {
    let mut units = state.aus.face_units();
    let closed = state.aus.get(Au::EyesClosed);
    for (name, weight) in &mut units {
        // A lid that is closed is neither wide nor narrowed.
        if name.starts_with("eyeWide") || name.starts_with("eyeSquint") {
            *weight *= 1.0 - closed[usize::from(name.ends_with("Right"))];
        }
        let gain = GAINS.iter().find(|(unit, _)| name.starts_with(unit)).map_or(1.0, |(_, gain)| *gain);
        *weight = weight.min(MOST) * gain;
    }
    for (name, other, share) in DRAGGED {
        if let Some(weight) = units.iter().find(|(unit, _)| unit == name).map(|(_, weight)| *weight) {
            match units.iter_mut().find(|(unit, _)| unit == other) {
                Some((_, known)) => *known += share * weight,
                None => units.push((other.to_string(), share * weight)),
            }
        }
    }
    let [across, up] = state.gaze.map(|degrees| (degrees / 30.0).clamp(-1.0, 1.0));
    for (side, out, lid) in [("Left", across, 1.0 - closed[0]), ("Right", -across, 1.0 - closed[1])] {
        for (unit, weight) in [("Out", out), ("In", -out), ("Up", up), ("Down", -up)] {
            if weight * lid > 0.0 {
                units.push((format!("eyeLook{unit}{side}"), weight * lid));
            }
        }
    }
    units
}

/// The depth of each fold on the subject's left and right.
pub(super) fn folds(state: &FaceState) -> [Folds; 2] {
    [0, 1].map(|side| {
        let au = |au: Au| state.aus.get(au)[side];
        let mut folds = [0.0; LAYERS];
        folds[FOREHEAD] = au(Au::InnerBrowRaiser).max(au(Au::OuterBrowRaiser)) - 0.3 * au(Au::BrowLowerer);
        folds[GLABELLA] = au(Au::BrowLowerer) + 0.3 * au(Au::NoseWrinkler);
        folds[NOSE] = au(Au::NoseWrinkler);
        folds[NASOLABIAL] = 0.8 * au(Au::LipCornerPuller) + 0.5 * au(Au::UpperLipRaiser) + 0.7 * au(Au::NoseWrinkler);
        folds[CROWS_FEET] = au(Au::CheekRaiser);
        folds[CHIN] = au(Au::ChinRaiser);
        folds.map(|fold| fold.clamp(0.0, 1.0))
    })
}
