//! Action units of the Facial Action Coding System, and the face units (names as in Apple's ARKit) that show them.

/// An action unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Au {
    InnerBrowRaiser,
    OuterBrowRaiser,
    BrowLowerer,
    UpperLidRaiser,
    CheekRaiser,
    LidTightener,
    NoseWrinkler,
    UpperLipRaiser,
    LipCornerPuller,
    Dimpler,
    LipCornerDepressor,
    LowerLipDepressor,
    ChinRaiser,
    LipPuckerer,
    LipStretcher,
    LipFunneler,
    LipTightener,
    LipPressor,
    LipsPart,
    JawDrop,
    EyesClosed,
}

impl Au {
    pub const ALL: [Au; 21] = [
        Au::InnerBrowRaiser,
        Au::OuterBrowRaiser,
        Au::BrowLowerer,
        Au::UpperLidRaiser,
        Au::CheekRaiser,
        Au::LidTightener,
        Au::NoseWrinkler,
        Au::UpperLipRaiser,
        Au::LipCornerPuller,
        Au::Dimpler,
        Au::LipCornerDepressor,
        Au::LowerLipDepressor,
        Au::ChinRaiser,
        Au::LipPuckerer,
        Au::LipStretcher,
        Au::LipFunneler,
        Au::LipTightener,
        Au::LipPressor,
        Au::LipsPart,
        Au::JawDrop,
        Au::EyesClosed,
    ];

    /// FACS's number.
    pub fn number(self) -> u8 {
        [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 22, 23, 24, 25, 26, 43][self as usize]
    }

    /// The face units that show it at full intensity, each with its share. A unit with sides is named without them
    /// (`mouthSmile` for `mouthSmileLeft` and `mouthSmileRight`).
    pub fn face_units(self) -> &'static [(&'static str, f32)] {
        match self {
            Au::InnerBrowRaiser => &[("browInnerUp", 1.0)],
            Au::OuterBrowRaiser => &[("browOuterUp", 1.0)],
            Au::BrowLowerer => &[("browDown", 1.0)],
            Au::UpperLidRaiser => &[("eyeWide", 1.0)],
            Au::CheekRaiser => &[("cheekSquint", 1.0), ("eyeSquint", 0.4)],
            Au::LidTightener => &[("eyeSquint", 0.9)],
            Au::NoseWrinkler => &[("noseSneer", 1.0)],
            Au::UpperLipRaiser => &[("mouthUpperUp", 1.0)],
            Au::LipCornerPuller => &[("mouthSmile", 1.0)],
            Au::Dimpler => &[("mouthDimple", 1.0)],
            Au::LipCornerDepressor => &[("mouthFrown", 1.0)],
            Au::LowerLipDepressor => &[("mouthLowerDown", 1.0)],
            Au::ChinRaiser => &[("mouthShrugLower", 1.0), ("mouthShrugUpper", 0.3)],
            Au::LipPuckerer => &[("mouthPucker", 1.0)],
            Au::LipStretcher => &[("mouthStretch", 1.0)],
            Au::LipFunneler => &[("mouthFunnel", 1.0)],
            Au::LipTightener => &[("mouthRollUpper", 0.6), ("mouthRollLower", 0.6), ("mouthPress", 0.1)],
            Au::LipPressor => &[("mouthRollUpper", 0.5), ("mouthRollLower", 0.5), ("mouthPress", 0.3)],
            Au::LipsPart => &[("mouthLowerDown", 0.35), ("mouthUpperUp", 0.25)],
            Au::JawDrop => &[("jawOpen", 0.7)],
            Au::EyesClosed => &[("eyeBlink", 1.0)],
        }
    }
}

/// How strongly each action unit is shown, on the subject's left and right: 0 not at all, 1 at its maximum.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Intensities([[f32; 2]; Au::ALL.len()]);

impl Intensities {
    /// Left and right.
    pub fn get(&self, au: Au) -> [f32; 2] {
        self.0[au as usize]
    }

    /// Sets both sides; values are kept within [0, 1].
    pub fn set(&mut self, au: Au, sides: [f32; 2]) {
        self.0[au as usize] = sides.map(|side| side.clamp(0.0, 1.0));
    }

    /// The sum over all units and both sides.
    pub fn total(&self) -> f32 {
        Au::ALL.iter().flat_map(|&au| self.get(au)).sum()
    }

    /// The face units to apply, with the subject's side: (`mouthSmileLeft`, 0.4). A unit without sides takes the mean.
    /// Weights of several action units on one face unit add up.
    pub fn face_units(&self) -> Vec<(String, f32)> {
        let mut units: Vec<(String, f32)> = vec![];
        let mut add = |name: String, weight: f32| {
            if weight != 0.0 {
                match units.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum += weight,
                    None => units.push((name, weight)),
                }
            }
        };
        for au in Au::ALL {
            let [left, right] = self.get(au);
            for &(unit, share) in au.face_units() {
                if SIDELESS.contains(&unit) {
                    add(unit.to_string(), share * (left + right) / 2.0);
                } else {
                    add(format!("{unit}Left"), share * left);
                    add(format!("{unit}Right"), share * right);
                }
            }
        }
        units
    }
}

/// Face units that exist once, not once a side.
const SIDELESS: [&str; 9] = [
    "browInnerUp",
    "jawOpen",
    "mouthFunnel",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthClose",
];
