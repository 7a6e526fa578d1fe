//! Which action units make up each class: the prototypes of EMFACS, each with variants. Shares scale the clip's
//! intensity.

use super::facs::Au;

/// The action units of one way to show a class.
pub type Prototype = &'static [(Au, f32)];

/// The seven classes in the recogniser's usual order (`est::usual_classes(7)`), each with its prototype first and then its
/// variants: fewer units, or a mouth that is open or closed.
pub const PROTOTYPES: [(&str, &[Prototype]); 7] = [
    (
        "angry",
        &[
            &[(Au::BrowLowerer, 1.0), (Au::UpperLidRaiser, 0.3), (Au::LidTightener, 0.8), (Au::LipTightener, 0.9)],
            &[(Au::BrowLowerer, 1.0), (Au::LidTightener, 0.8), (Au::LipPressor, 0.9), (Au::ChinRaiser, 0.5)],
            &[
                (Au::BrowLowerer, 1.0),
                (Au::UpperLidRaiser, 0.3),
                (Au::LidTightener, 0.8),
                (Au::UpperLipRaiser, 0.7),
                (Au::LowerLipDepressor, 0.6),
                (Au::LipsPart, 0.5),
            ],
            // A shout, a glare, and a chin pushed up below closed lips.
            &[
                (Au::BrowLowerer, 1.0),
                (Au::LidTightener, 0.7),
                (Au::UpperLipRaiser, 0.5),
                (Au::LowerLipDepressor, 0.8),
                (Au::JawDrop, 0.6),
            ],
            &[(Au::BrowLowerer, 1.0), (Au::UpperLidRaiser, 0.6), (Au::LidTightener, 0.4), (Au::LipPressor, 0.4)],
            &[(Au::BrowLowerer, 1.0), (Au::LidTightener, 0.8), (Au::LipTightener, 0.5), (Au::ChinRaiser, 0.9)],
        ],
    ),
    (
        "disgust",
        &[
            &[(Au::NoseWrinkler, 1.0), (Au::LipCornerDepressor, 0.4), (Au::LowerLipDepressor, 0.5)],
            &[(Au::NoseWrinkler, 1.0), (Au::UpperLipRaiser, 0.9), (Au::ChinRaiser, 0.5), (Au::LidTightener, 0.5)],
            &[(Au::NoseWrinkler, 1.0), (Au::UpperLipRaiser, 0.9), (Au::LipsPart, 0.6), (Au::LidTightener, 0.4)],
            // With the whole face drawn together, by the lip alone, and with an open mouth.
            &[
                (Au::NoseWrinkler, 1.0),
                (Au::BrowLowerer, 0.7),
                (Au::CheekRaiser, 0.6),
                (Au::LidTightener, 0.7),
                (Au::UpperLipRaiser, 0.6),
                (Au::ChinRaiser, 0.5),
            ],
            &[
                (Au::UpperLipRaiser, 1.0),
                (Au::LipCornerDepressor, 0.5),
                (Au::BrowLowerer, 0.4),
                (Au::LidTightener, 0.5),
            ],
            &[(Au::NoseWrinkler, 0.9), (Au::UpperLipRaiser, 0.9), (Au::LowerLipDepressor, 0.5), (Au::JawDrop, 0.4)],
        ],
    ),
    (
        "fear",
        &[
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::OuterBrowRaiser, 0.6),
                (Au::BrowLowerer, 0.5),
                (Au::UpperLidRaiser, 1.0),
                (Au::LidTightener, 0.4),
                (Au::LipStretcher, 1.0),
                (Au::JawDrop, 0.5),
            ],
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::OuterBrowRaiser, 0.4),
                (Au::BrowLowerer, 0.5),
                (Au::UpperLidRaiser, 1.0),
                (Au::LidTightener, 0.4),
                (Au::LipStretcher, 1.0),
                (Au::LipsPart, 1.0),
            ],
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::BrowLowerer, 0.5),
                (Au::UpperLidRaiser, 1.0),
                (Au::LipStretcher, 0.9),
                (Au::JawDrop, 0.55),
            ],
            // With lids that are hardly raised, and near to surprise.
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::BrowLowerer, 0.7),
                (Au::UpperLidRaiser, 0.4),
                (Au::LipStretcher, 1.0),
                (Au::LipsPart, 0.8),
            ],
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::OuterBrowRaiser, 0.9),
                (Au::BrowLowerer, 0.4),
                (Au::UpperLidRaiser, 1.0),
                (Au::LipStretcher, 0.5),
                (Au::LipsPart, 0.5),
                (Au::JawDrop, 0.5),
            ],
        ],
    ),
    (
        "happy",
        &[
            &[(Au::CheekRaiser, 0.9), (Au::LipCornerPuller, 1.0)],
            &[(Au::CheekRaiser, 1.0), (Au::LipCornerPuller, 1.0), (Au::LipsPart, 0.8)],
            &[(Au::CheekRaiser, 1.0), (Au::LipCornerPuller, 1.0), (Au::LipsPart, 0.9), (Au::JawDrop, 0.35)],
            // A laugh that closes the eyes: what tells it from crying is the brows and the corners of the mouth.
            &[
                (Au::CheekRaiser, 1.0),
                (Au::LipCornerPuller, 1.0),
                (Au::LipsPart, 0.9),
                (Au::JawDrop, 0.4),
                (Au::EyesClosed, 0.8),
            ],
        ],
    ),
    ("neutral", &[&[]]),
    (
        "sad",
        &[
            &[(Au::InnerBrowRaiser, 1.0), (Au::BrowLowerer, 0.7), (Au::LipCornerDepressor, 1.0)],
            &[(Au::InnerBrowRaiser, 1.0), (Au::BrowLowerer, 0.6), (Au::LipCornerDepressor, 0.9), (Au::ChinRaiser, 0.7)],
            &[(Au::InnerBrowRaiser, 0.9), (Au::LipCornerDepressor, 1.0), (Au::EyesClosed, 0.25)],
            // A pout: brows that only draw together.
            &[(Au::BrowLowerer, 0.5), (Au::LipCornerDepressor, 1.0), (Au::ChinRaiser, 0.9)],
            // Crying, with a closed mouth and with an open one: raised cheeks too, as in a smile.
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::BrowLowerer, 0.8),
                (Au::CheekRaiser, 0.7),
                (Au::LidTightener, 0.6),
                (Au::LipCornerDepressor, 0.9),
                (Au::ChinRaiser, 0.6),
                (Au::EyesClosed, 0.9),
            ],
            &[
                (Au::InnerBrowRaiser, 1.0),
                (Au::BrowLowerer, 0.9),
                (Au::CheekRaiser, 0.9),
                (Au::LidTightener, 0.6),
                (Au::LipCornerDepressor, 0.7),
                (Au::LipStretcher, 0.9),
                (Au::LipsPart, 0.7),
                (Au::JawDrop, 0.25),
                (Au::EyesClosed, 0.9),
            ],
            // The same with lips drawn wide and pressed together, whose corners may even point up.
            &[
                (Au::InnerBrowRaiser, 0.9),
                (Au::BrowLowerer, 1.0),
                (Au::CheekRaiser, 0.9),
                (Au::LidTightener, 0.7),
                (Au::LipStretcher, 0.9),
                (Au::LipCornerPuller, 0.35),
                (Au::LipPressor, 0.5),
                (Au::ChinRaiser, 0.8),
                (Au::EyesClosed, 1.0),
            ],
            // The brows alone.
            &[(Au::InnerBrowRaiser, 1.0), (Au::BrowLowerer, 0.8), (Au::LipCornerDepressor, 0.4)],
        ],
    ),
    (
        "surprise",
        &[
            &[(Au::InnerBrowRaiser, 1.0), (Au::OuterBrowRaiser, 1.0), (Au::UpperLidRaiser, 0.8), (Au::JawDrop, 0.9)],
            &[(Au::InnerBrowRaiser, 1.0), (Au::OuterBrowRaiser, 1.0), (Au::JawDrop, 1.0)],
            &[(Au::InnerBrowRaiser, 0.9), (Au::OuterBrowRaiser, 1.0), (Au::UpperLidRaiser, 1.0), (Au::LipsPart, 0.8)],
            // A round mouth, and a closed one.
            &[(Au::InnerBrowRaiser, 0.8), (Au::OuterBrowRaiser, 0.9), (Au::LipFunneler, 0.4), (Au::JawDrop, 1.0)],
            &[(Au::InnerBrowRaiser, 1.0), (Au::OuterBrowRaiser, 1.0), (Au::UpperLidRaiser, 1.0)],
        ],
    ),
];
