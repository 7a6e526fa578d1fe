//! From a state to the strength of each face unit on the mesh: the same for heads and portraits, which one mesh moves.

use super::FaceState;
use super::facs::Au;

/// How much stronger than the mesh has it a unit is shown, where the mesh's is weak.
const GAINS: [(&str, f32); 15] = [
    ("mouthRoll", 1.4),
    ("mouthPress", 1.4),
    ("browInnerUp", 2.0),
    ("browOuterUp", 1.5),
    ("browDown", 1.8),
    ("eyeWide", 1.6),
    ("mouthFrown", 1.5),
    ("noseSneer", 2.4),
    ("mouthUpperUp", 1.5),
    ("mouthLowerDown", 1.2),
    ("mouthStretch", 2.2),
    ("eyeSquint", 1.5),
    ("cheekSquint", 1.4),
    ("mouthSmile", 1.5),
    ("mouthShrugLower", 1.3),
];

/// What the tissue drags along and the mesh's units leave out: a mouth narrows as the jaw drops, a broad smile and a
/// wrinkled nose lift the upper lip, and the muscle that lowers the brow draws its inner end down and in.
const DRAGGED: [(&str, &str, f32); 7] = [
    ("jawOpen", "mouthFunnel", 0.30),
    ("mouthSmileLeft", "mouthUpperUpLeft", 0.45),
    ("mouthSmileRight", "mouthUpperUpRight", 0.45),
    ("noseSneerLeft", "mouthUpperUpLeft", 0.8),
    ("noseSneerRight", "mouthUpperUpRight", 0.8),
    ("browDownLeft", "corrugatorLeft", 0.9),
    ("browDownRight", "corrugatorRight", 0.9),
];

/// Degrees of gaze at which the units `eyeLook..` have their full strength.
const FULL_LOOK: f32 = 30.0;

/// The most that several action units together make of one face unit.
const MOST: f32 = 1.15;

/// The face units of a state with their strengths on the mesh.
pub(super) fn face_units(state: &FaceState) -> Vec<(String, f32)> {
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
    // Against the frontalis (AU1) the corrugator wins nothing: the inner brows rise.
    let raised = state.aus.get(Au::InnerBrowRaiser);
    for (name, weight) in units.iter_mut().filter(|(name, _)| name.starts_with("corrugator")) {
        *weight *= 1.0 - 0.85 * raised[usize::from(name.ends_with("Right"))];
    }
    let [across, up] = state.gaze.map(|degrees| (degrees / FULL_LOOK).clamp(-1.0, 1.0));
    for (side, out, lid) in [("Left", across, 1.0 - closed[0]), ("Right", -across, 1.0 - closed[1])] {
        for (unit, weight) in [("Out", out), ("In", -out), ("Up", up), ("Down", -up)] {
            if weight * lid > 0.0 {
                units.push((format!("eyeLook{unit}{side}"), weight * lid));
            }
        }
    }
    units
}
