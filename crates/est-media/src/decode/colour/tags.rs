//! What a picture is said to be, and what that asks for.

use std::fmt::{self, Display, Formatter};

use ff::color::{Primaries, Range, Space, TransferCharacteristic as Transfer};
use ff::frame::Video as Picture;
use ffmpeg_next as ff;
use serde::{Deserialize, Serialize};

use super::curves::{Curve, Gamut, Matrix3, inverse, times};

/// The colours of a source's first frame by FFmpeg's names, `None` where neither file nor stream says; and what was done.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColourInfo {
    pub transfer: Option<String>,
    pub primaries: Option<String>,
    pub matrix: Option<String>,
    pub range: Option<String>,
    pub conversion: Conversion,
}

impl Display for ColourInfo {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "untagged".into());
        let [transfer, primaries, matrix] = [&self.transfer, &self.primaries, &self.matrix].map(part);
        write!(to, "transfer {transfer}, primaries {primaries}, matrix {matrix}")
    }
}

/// What frames went through on their way to 8-bit BT.709.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conversion {
    /// Matrix and range alone: SDR of BT.709, of BT.601 or without tags.
    #[default]
    None,
    /// SDR of other primaries, or of a matrix that is not a plain one.
    Primaries,
    /// PQ, HLG or linear light.
    ToneMapped,
}

/// The tags of one picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tags {
    pub matrix: Space,
    pub transfer: Transfer,
    pub primaries: Primaries,
    pub range: Range,
    /// Black is 0.
    pub full: bool,
    pub dolby: Option<Dolby>,
}

/// What a stream's Dolby Vision configuration says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dolby {
    profile: u8,
    /// What the base layer is to players without Dolby Vision: 0 nothing, 1 and 6 HDR10, 2 SDR, 4 HLG.
    compatible: u8,
}

impl Dolby {
    /// From the configuration record that containers carry (`dvcC`, `dvvC`), as FFmpeg unpacks it.
    pub fn of(record: &[u8]) -> Option<Dolby> {
        Some(Dolby { profile: *record.get(2)?, compatible: *record.get(7)? })
    }

    /// Whether the base layer is IPT, which only the data beside it turn into colours.
    fn is_ipt(self) -> bool {
        self.profile == 5 || self.profile == 10 && self.compatible == 0
    }
}

/// How luma and chroma, -0.5 to 0.5, make three coded channels: each is luma plus what chroma adds.
pub type Chroma = [[f64; 2]; 3];

/// How a picture of other than plain SDR becomes 8-bit BT.709.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    pub chroma: Chroma,
    pub curve: Curve,
    /// The light of the three channels -> of BT.709.
    pub to_bt709: Matrix3,
    pub full: bool,
}

impl Tags {
    pub fn of(picture: &Picture, dolby: Option<Dolby>) -> Tags {
        Tags {
            matrix: picture.color_space(),
            transfer: picture.color_transfer_characteristic(),
            primaries: picture.color_primaries(),
            range: picture.color_range(),
            full: super::is_full(picture),
            dolby,
        }
    }

    pub fn info(&self) -> ColourInfo {
        let text = |name: Option<&str>| name.filter(|&name| name != "reserved").map(str::to_owned);
        ColourInfo {
            transfer: text(self.transfer.name()),
            primaries: text(self.primaries.name()),
            matrix: text(self.matrix.name()),
            range: text(self.range.name()),
            conversion: match self.plan() {
                None => Conversion::None,
                Some(Plan { curve: Curve::Pq | Curve::Hlg | Curve::Linear, .. }) => Conversion::ToneMapped,
                Some(_) => Conversion::Primaries,
            },
        }
    }

    fn is_ipt(&self) -> bool {
        self.dolby.is_some_and(Dolby::is_ipt) || self.matrix.name() == Some("ipt-c2")
    }

    fn curve(&self) -> Curve {
        match self.transfer {
            _ if self.is_ipt() => Curve::Pq,
            Transfer::SMPTE2084 => Curve::Pq,
            Transfer::ARIB_STD_B67 => Curve::Hlg,
            Transfer::Linear => Curve::Linear,
            Transfer::IEC61966_2_1 => Curve::Srgb,
            Transfer::GAMMA22 => Curve::Gamma(2.2),
            Transfer::GAMMA28 => Curve::Gamma(2.8),
            // ICtCp is of HDR alone (BT.2100).
            Transfer::Unspecified if self.matrix == Space::ICTCP => Curve::Pq,
            Transfer::Unspecified => match self.dolby.map(|dolby| dolby.compatible) {
                Some(1 | 6) => Curve::Pq,
                Some(4) => Curve::Hlg,
                _ => Curve::SDR,
            },
            _ => Curve::SDR,
        }
    }

    /// `None` for what matrix and range alone make right: SDR of BT.709 or BT.601 primaries, or untagged.
    pub fn plan(&self) -> Option<Plan> {
        let curve = self.curve();
        let hdr = matches!(curve, Curve::Pq | Curve::Hlg);
        let gamut = match self.primaries {
            Primaries::BT2020 => Gamut::BT2020,
            Primaries::SMPTE432 => Gamut::DISPLAY_P3,
            Primaries::SMPTE431 => Gamut::DCI_P3,
            Primaries::BT470M => Gamut::NTSC_1953,
            Primaries::Film => Gamut::FILM,
            Primaries::Unspecified | Primaries::Reserved | Primaries::Reserved0 if hdr => Gamut::BT2020,
            // Those of BT.601 differ little, and players that show them as they are are the usual ones.
            _ => Gamut::BT709,
        };
        let weights = |(red, blue): (f64, f64)| {
            let green = 1.0 - red - blue;
            let (cr, cb) = (2.0 * (1.0 - red), 2.0 * (1.0 - blue));
            ([[0.0, cr], [-cb * blue / green, -cr * red / green], [cb, 0.0]], false)
        };
        let (chroma, unusual) = match self.matrix {
            _ if self.is_ipt() => (chroma_of(&IPT), true),
            Space::ICTCP if curve == Curve::Hlg => (chroma_of(&ICTCP_HLG), true),
            Space::ICTCP => (chroma_of(&ICTCP_PQ), true),
            Space::YCGCO => ([[-1.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], true),
            Space::ChromaDerivedNCL | Space::ChromaDerivedCL if gamut != Gamut::BT709 => {
                let [red, _, blue] = gamut.to_xyz()[1];
                weights((red, blue))
            }
            matrix => {
                let unsaid = matches!(matrix, Space::Unspecified | Space::Reserved) && gamut == Gamut::BT2020;
                let usual = if unsaid { Space::BT2020NCL } else { Space::BT709 };
                let named = super::luma_weights(matrix).or_else(|| super::luma_weights(usual));
                weights(named.expect("both usual ones are known"))
            }
        };
        if !hdr && curve != Curve::Linear && gamut == Gamut::BT709 && !unusual {
            return None;
        }
        let to_bt709 = match self.matrix {
            _ if self.is_ipt() => times(&Gamut::BT2020.to_bt709(), &ipt_to_bt2020()),
            Space::ICTCP => times(&Gamut::BT2020.to_bt709(), &inverse(&LMS)),
            _ if gamut == Gamut::BT709 => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            _ => gamut.to_bt709(),
        };
        let full = self.full || self.is_ipt();
        Some(Plan { chroma, curve, to_bt709, full })
    }

    /// What about the tags is not done as it should be.
    pub fn trouble(&self) -> Option<String> {
        if self.is_ipt() {
            let which =
                self.dolby.map_or("Dolby Vision".into(), |dolby| format!("Dolby Vision profile {}", dolby.profile));
            return Some(format!(
                "{which}: its colours need Dolby's data beside the picture, which are not read, and are near the right \
                 ones at best: convert it to HDR10 or SDR first"
            ));
        }
        let transfer = match self.transfer {
            Transfer::Log | Transfer::LogSqrt | Transfer::SMPTE428 => self.transfer.name(),
            _ => None,
        };
        if let Some(name) = transfer {
            return Some(format!("the transfer function {name} is not converted: brightness is read as that of SDR"));
        }
        let matrix = match self.matrix {
            Space::BT2020CL | Space::ChromaDerivedCL | Space::SMPTE2085 => self.matrix.name(),
            _ => None,
        };
        Some(format!("the matrix {} is read as the nearest one that is known: strong colours are off", matrix?))
    }
}

/// BT.2100, table 6: light of BT.2020 -> of L, M, S.
const LMS: Matrix3 = over_4096([[1688.0, 2146.0, 262.0], [683.0, 2951.0, 462.0], [99.0, 309.0, 3688.0]]);
/// BT.2100, table 7: coded L, M, S -> I, Ct, Cp.
const ICTCP_PQ: Matrix3 = over_4096([[2048.0, 2048.0, 0.0], [6610.0, -13613.0, 7003.0], [17933.0, -17390.0, -543.0]]);
const ICTCP_HLG: Matrix3 = over_4096([[2048.0, 2048.0, 0.0], [3625.0, -7465.0, 3840.0], [9500.0, -9212.0, -288.0]]);
/// Ebner and Fairchild's IPT (1998): coded L, M, S -> I, P, T.
const IPT: Matrix3 = [[0.4, 0.4, 0.2], [4.4550, -4.8510, 0.3960], [0.8056, 0.3572, -1.1628]];

const fn over_4096(m: Matrix3) -> Matrix3 {
    let mut out = m;
    let mut i = 0;
    while i < 9 {
        out[i / 3][i % 3] = m[i / 3][i % 3] / 4096.0;
        i += 1;
    }
    out
}

/// Of a matrix whose inverse has ones before the luma.
fn chroma_of(coding: &Matrix3) -> Chroma {
    inverse(coding).map(|[_, first, second]| [first, second])
}

/// Light of Dolby's L, M, S, two hundredths of which are spread over the two others -> of BT.2020. L, M, S are those of
/// Hunt, Pointer and Estevez for D65.
fn ipt_to_bt2020() -> Matrix3 {
    const CROSSTALK: Matrix3 = [[0.96, 0.02, 0.02], [0.02, 0.96, 0.02], [0.02, 0.02, 0.96]];
    const HPE: Matrix3 = [[0.4002, 0.7075, -0.0807], [-0.2280, 1.1500, 0.0612], [0.0, 0.0, 0.9184]];
    inverse(&times(&CROSSTALK, &times(&HPE, &Gamut::BT2020.to_xyz())))
}

#[cfg(test)]
mod tests {
    use super::super::curves::apply;
    use super::*;

    const PLAIN: Tags = Tags {
        matrix: Space::Unspecified,
        transfer: Transfer::Unspecified,
        primaries: Primaries::Unspecified,
        range: Range::Unspecified,
        full: false,
        dolby: None,
    };

    #[test]
    fn only_what_is_not_plain_sdr_has_a_plan() {
        let plain = [
            PLAIN,
            Tags { matrix: Space::BT709, transfer: Transfer::BT709, primaries: Primaries::BT709, ..PLAIN },
            Tags { matrix: Space::SMPTE170M, transfer: Transfer::SMPTE170M, primaries: Primaries::SMPTE170M, ..PLAIN },
            Tags { matrix: Space::BT470BG, transfer: Transfer::IEC61966_2_1, primaries: Primaries::BT470BG, ..PLAIN },
            // Of a matrix alone players do not take primaries either.
            Tags { matrix: Space::BT2020NCL, range: Range::JPEG, full: true, ..PLAIN },
            Tags { dolby: Dolby::of(&[1, 0, 9, 5, 1, 0, 1, 2]), ..PLAIN },
        ];
        for tags in plain {
            assert_eq!((tags.plan(), tags.trouble()), (None, None), "{tags:?}");
            assert_eq!(tags.info().conversion, Conversion::None);
        }
        for primaries in [Primaries::BT2020, Primaries::SMPTE432, Primaries::SMPTE431, Primaries::Film] {
            let tags = Tags { primaries, transfer: Transfer::BT709, ..PLAIN };
            assert_eq!(tags.info().conversion, Conversion::Primaries, "{primaries:?}");
        }
        for transfer in [Transfer::SMPTE2084, Transfer::ARIB_STD_B67] {
            let tags = Tags { transfer, ..PLAIN };
            assert_eq!(tags.info().conversion, Conversion::ToneMapped);
            // Nothing else said: all of BT.2100.
            let said = Tags { matrix: Space::BT2020NCL, primaries: Primaries::BT2020, range: Range::MPEG, ..tags };
            assert_eq!(tags.plan(), said.plan());
        }
    }

    #[test]
    fn dolby_vision_by_its_base_layer() {
        let dolby = |profile, compatible| Dolby::of(&[1, 0, profile, 6, 1, 0, 1, compatible]);
        let curve = |tags: Tags| tags.plan().map(|plan| (plan.curve, plan.full, tags.trouble().is_some()));
        // Tags missing: what the configuration says. Tags there: those.
        for (compatible, want) in [(1, Curve::Pq), (4, Curve::Hlg), (6, Curve::Pq)] {
            assert_eq!(curve(Tags { dolby: dolby(8, compatible), ..PLAIN }), Some((want, false, false)));
        }
        assert_eq!(curve(Tags { dolby: dolby(8, 2), ..PLAIN }), None);
        let tagged = Tags { transfer: Transfer::ARIB_STD_B67, dolby: dolby(8, 1), ..PLAIN };
        assert_eq!(curve(tagged), Some((Curve::Hlg, false, false)));
        for (profile, compatible) in [(5, 0), (10, 0)] {
            let tags = Tags { dolby: dolby(profile, compatible), ..PLAIN };
            assert_eq!(curve(tags), Some((Curve::Pq, true, true)));
            assert!(tags.trouble().unwrap().contains(&format!("profile {profile}")));
        }
        assert_eq!(Dolby::of(&[1, 0, 5]), None);
    }

    #[test]
    fn gray_of_every_coding_is_gray() {
        let codings: [Tags; 5] = [
            Tags { matrix: Space::ICTCP, ..PLAIN },
            Tags { matrix: Space::ICTCP, transfer: Transfer::ARIB_STD_B67, ..PLAIN },
            Tags { dolby: Dolby::of(&[1, 0, 5, 6, 1, 0, 1, 0]), ..PLAIN },
            Tags { matrix: Space::YCGCO, ..PLAIN },
            Tags { matrix: Space::ChromaDerivedNCL, primaries: Primaries::BT2020, ..PLAIN },
        ];
        for tags in codings {
            let plan = tags.plan().unwrap();
            // Luma is the same share of every channel: its column in the inverse is ones, or `Chroma` could not say it.
            for coding in [ICTCP_PQ, ICTCP_HLG, IPT] {
                assert!(inverse(&coding).iter().all(|row| (row[0] - 1.0).abs() < 1e-9));
            }
            // The rounded numbers of the papers are a thousandth apart from gray.
            for value in apply(&plan.to_bt709, [0.5; 3]) {
                assert!((value - 0.5).abs() < 1e-3, "{tags:?}: {value}");
            }
        }
    }
}
