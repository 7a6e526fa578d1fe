//! From a state to the depth of each fold of the skin.

use super::skin::{CHIN, CROWS_FEET, FOREHEAD, Folds, GLABELLA, LAYERS, NASOLABIAL, NOSE};
use crate::synth::FaceState;
use crate::synth::facs::Au;

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
