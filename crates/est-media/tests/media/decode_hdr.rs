//! HDR and wide primaries, against the standards' formulas written once more here and against zscale (zimg).

use std::process::Command;

use crate::decode_clips::{Clips, Decoded, pixel};
use est_media::{Conversion, Image};

/// Coded red, green, blue: grays, skin, saturated ones.
const CODED: [[f64; 3]; 8] = [
    [0.10, 0.10, 0.10],
    [0.58, 0.58, 0.58],
    [0.50, 0.42, 0.36],
    [0.44, 0.33, 0.28],
    [0.55, 0.30, 0.25],
    [0.30, 0.50, 0.32],
    [0.36, 0.38, 0.50],
    [0.75, 0.60, 0.50],
];
/// A patch each, side by side.
const SIDE: usize = 16;
const WIDTH: usize = SIDE * CODED.len();

/// ST 2084 in cd/m2, its inverse solved for: the standard's equation 4.1.
fn pq(code: f64) -> f64 {
    let (m1, m2, c1, c2, c3) = (0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875);
    let n = code.powf(1.0 / m2);
    10_000.0 * (f64::max(n - c1, 0.0) / (c2 - c3 * n)).powf(1.0 / m1)
}

/// BT.2100, table 5: HLG to cd/m2 of a display of 1000.
fn hlg(code: [f64; 3]) -> [f64; 3] {
    let (a, b, c) = (0.17883277, 0.28466892, 0.55991073);
    let scene = code.map(|e| if e <= 0.5 { e * e / 3.0 } else { (((e - c) / a).exp() + b) / 12.0 });
    let luminance = 0.2627 * scene[0] + 0.6780 * scene[1] + 0.0593 * scene[2];
    scene.map(|e| 1000.0 * luminance.powf(0.2) * e)
}

type M = [[f64; 3]; 3];
const IDENTITY: M = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// BT.2087.
const FROM_2020: M = [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]];
/// Display P3, from the chromaticities of SMPTE EG 432-1.
const FROM_P3: M = [[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]];

fn times(m: M, v: [f64; 3]) -> [f64; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// Levels of 255 that coded RGB should be shown as.
fn shown(transfer: &str, to_bt709: M, coded: [f64; 3]) -> [f64; 3] {
    let coded = coded.map(|value| value.clamp(0.0, 1.0));
    let light = match transfer {
        "smpte2084" => coded.map(|code| pq(code) / 203.0),
        "arib-std-b67" => hlg(coded).map(|light| light / 203.0),
        "iec61966-2-1" => coded.map(|v| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }),
        _ => coded.map(|code| code.powf(2.4)),
    };
    let light = times(to_bt709, light).map(|light| light.clamp(0.0, 1.0));
    let srgb = |l: f64| if l <= 0.0031308 { 12.92 * l } else { 1.055 * l.powf(1.0 / 2.4) - 0.055 };
    light.map(|light| 255.0 * if transfer == "iec61966-2-1" { srgb(light) } else { light.powf(1.0 / 2.4) })
}

/// Bits, log2 of the chroma's spacing; RGB where green comes first.
struct Format {
    name: &'static str,
    bits: u32,
    spacing: [usize; 2],
}

const fn format(name: &'static str, bits: u32, spacing: [usize; 2]) -> Format {
    Format { name, bits, spacing }
}

/// Samples of the patches and, from these samples as they were rounded, the coded RGB again.
fn planes(format: &Format, full: bool, (kr, kb): (f64, f64)) -> (Vec<u8>, Vec<[f64; 3]>) {
    let one = f64::from(1u32 << (format.bits - 8));
    let most = f64::from((1u32 << format.bits) - 1);
    let rgb = format.name.starts_with("gbr");
    let luma = if full || rgb { [0.0, most] } else { [16.0 * one, 219.0 * one] };
    let chroma = [128.0 * one, if full { most } else { 224.0 * one }];
    let kg = 1.0 - kr - kb;
    let mut samples: Vec<[f64; 3]> = vec![];
    let mut coded = vec![];
    for [r, g, b] in CODED {
        let y = kr * r + kg * g + kb * b;
        let (values, spans) = match rgb {
            true => ([g, b, r], [luma; 3]),
            false => ([y, (b - y) / (2.0 - 2.0 * kb), (r - y) / (2.0 - 2.0 * kr)], [luma, chroma, chroma]),
        };
        let sample: [f64; 3] = std::array::from_fn(|i| (values[i] * spans[i][1] + spans[i][0]).round());
        let [a, b, c]: [f64; 3] = std::array::from_fn(|i| (sample[i] - spans[i][0]) / spans[i][1]);
        coded.push(if rgb {
            [c, a, b]
        } else {
            let (red, blue) = (a + (2.0 - 2.0 * kr) * c, a + (2.0 - 2.0 * kb) * b);
            [red, (a - kr * red - kb * blue) / kg, blue]
        });
        samples.push(sample);
    }
    let mut bytes = vec![];
    for plane in [0, 1, 2] {
        let [wide, high] = if plane == 0 || rgb { [0, 0] } else { format.spacing };
        for _ in 0..SIDE >> high {
            for x in 0..WIDTH >> wide {
                let value = samples[(x << wide) / SIDE][plane] as u16;
                let both = value.to_le_bytes();
                bytes.extend(&both[..if format.bits > 8 { 2 } else { 1 }]);
            }
        }
    }
    (bytes, coded)
}

/// Half a level of rounding, a seventh for the 12 bits of the coded channels and a tenth for those of light; the
/// standards' rounded matrices differ by another few hundredths.
const TOLERANCE: f64 = 0.8;

fn compare(image: &Image, want: &[[f64; 3]], what: &str) {
    for (patch, want) in want.iter().enumerate() {
        let got = pixel(image, patch * SIDE + SIDE / 2, SIDE / 2);
        let near = got.iter().zip(want).all(|(&got, want)| (f64::from(got) - want).abs() <= TOLERANCE);
        assert!(near, "{what}, patch {patch}: {got:?} for {want:.2?}");
    }
}

fn tagged(clips: &Clips, format: &str, bytes: &[u8], tags: [&str; 4]) -> Decoded {
    clips.write("raw", bytes);
    let [transfer, primaries, matrix, range] = tags;
    let tags = format!("-color_trc {transfer} -color_primaries {primaries} -colorspace {matrix} -color_range {range}");
    let source = format!("-f rawvideo -pix_fmt {format} -s {WIDTH}x{SIDE} -i raw");
    clips.ffmpeg(&format!("{source} -c:v ffv1 -level 3 {tags} a.mkv"));
    clips.decode("a.mkv")
}

#[test]
fn hdr_and_wide_primaries_are_shown_as_bt709() {
    let clips = Clips::new();
    let bt2020 = ((0.2627, 0.0593), "bt2020nc");
    let bt709 = ((0.2126, 0.0722), "bt709");
    let ten = || format("yuv420p10le", 10, [1, 1]);
    let cases = [
        (ten(), "smpte2084", "bt2020", FROM_2020, bt2020, "tv"),
        (ten(), "smpte2084", "bt2020", FROM_2020, bt2020, "pc"),
        (ten(), "arib-std-b67", "bt2020", FROM_2020, bt2020, "tv"),
        (ten(), "arib-std-b67", "bt2020", FROM_2020, bt2020, "pc"),
        // Nothing said but the transfer function.
        (ten(), "smpte2084", "unknown", FROM_2020, (bt2020.0, "unknown"), "tv"),
        (ten(), "smpte2084", "smpte432", FROM_P3, bt2020, "tv"),
        (ten(), "smpte2084", "bt709", IDENTITY, bt709, "tv"),
        (format("yuv422p10le", 10, [1, 0]), "smpte2084", "bt2020", FROM_2020, bt2020, "tv"),
        (format("yuv444p10le", 10, [0, 0]), "smpte2084", "bt2020", FROM_2020, bt2020, "tv"),
        (format("yuv422p12le", 12, [1, 0]), "arib-std-b67", "bt2020", FROM_2020, bt2020, "tv"),
        (format("yuv444p16le", 16, [0, 0]), "smpte2084", "bt2020", FROM_2020, bt2020, "pc"),
        (format("yuv420p", 8, [1, 1]), "smpte2084", "bt2020", FROM_2020, bt2020, "tv"),
        (format("gbrp10le", 10, [0, 0]), "smpte2084", "bt2020", FROM_2020, (bt2020.0, "rgb"), "pc"),
        (format("gbrp12le", 12, [0, 0]), "arib-std-b67", "bt2020", FROM_2020, (bt2020.0, "rgb"), "pc"),
        (ten(), "bt2020-10", "bt2020", FROM_2020, bt2020, "tv"),
        (format("yuv420p", 8, [1, 1]), "bt709", "bt2020", FROM_2020, bt2020, "tv"),
        (format("yuv420p", 8, [1, 1]), "bt709", "smpte432", FROM_P3, bt709, "tv"),
        (ten(), "iec61966-2-1", "smpte432", FROM_P3, bt709, "pc"),
    ];
    for (format, transfer, primaries, to_bt709, (weights, matrix), range) in cases {
        let what = format!("{} {transfer} {primaries} {matrix} {range}", format.name);
        let (bytes, coded) = planes(&format, range == "pc", weights);
        let clip = tagged(&clips, format.name, &bytes, [transfer, primaries, matrix, range]);
        let want: Vec<_> = coded.into_iter().map(|coded| shown(transfer, to_bt709, coded)).collect();
        compare(&clip.frames[0].image, &want, &what);
        let hdr = ["smpte2084", "arib-std-b67"].contains(&transfer);
        let colour = &clip.info.colour;
        let conversion = if hdr { Conversion::ToneMapped } else { Conversion::Primaries };
        assert_eq!(colour.conversion, conversion, "{what}");
        assert_eq!((colour.transfer.as_deref(), colour.range.as_deref()), (Some(transfer), Some(range)), "{what}");
        // FFmpeg's options call RGB's matrix otherwise than its reports.
        let said = |name: &'static str| (name != "unknown").then_some(if name == "rgb" { "gbr" } else { name });
        assert_eq!((colour.primaries.as_deref(), colour.matrix.as_deref()), (said(primaries), said(matrix)));
        assert!(clip.report.warnings.is_empty(), "{:?}", clip.report.warnings);
    }
}

#[test]
fn ictcp_is_decoded_and_constant_luminance_is_warned_of() {
    let clips = Clips::new();
    // BT.2100, tables 6 and 7, the other way round: coded RGB of BT.2020 to ICtCp of 16 bits.
    let inverse_pq = |light: f64| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..60 {
            let middle = (low + high) / 2.0;
            *(if pq(middle) < light { &mut low } else { &mut high }) = middle;
        }
        low
    };
    let light = CODED.map(|coded| coded.map(pq));
    let lms = light.map(|rgb| {
        times([[1688.0, 2146.0, 262.0], [683.0, 2951.0, 462.0], [99.0, 309.0, 3688.0]], rgb).map(|v| v / 4096.0)
    });
    let coded = lms.map(|lms| lms.map(inverse_pq));
    let ictcp = coded.map(|[l, m, s]| {
        [
            (l + m) / 2.0,
            (6610.0 * l - 13613.0 * m + 7003.0 * s) / 4096.0,
            (17933.0 * l - 17390.0 * m - 543.0 * s) / 4096.0,
        ]
    });
    let mut bytes = vec![];
    for plane in [0, 1, 2] {
        let sample = |patch: usize| ictcp[patch][plane] * 65535.0 + if plane > 0 { 32768.0 } else { 0.0 };
        let row: Vec<u8> = (0..WIDTH).flat_map(|x| (sample(x / SIDE).round() as u16).to_le_bytes()).collect();
        (0..SIDE).for_each(|_| bytes.extend(&row));
    }
    let clip = tagged(&clips, "yuv444p16le", &bytes, ["smpte2084", "bt2020", "ictcp", "pc"]);
    compare(&clip.frames[0].image, &CODED.map(|coded| shown("smpte2084", FROM_2020, coded)), "ICtCp");
    assert!(clip.report.warnings.is_empty());

    let clip = tagged(&clips, "yuv444p16le", &bytes, ["smpte2084", "bt2020", "bt2020c", "pc"]);
    assert!(clip.report.warnings[0].contains("the matrix bt2020c"), "{:?}", clip.report.warnings);
    let clip = tagged(&clips, "yuv444p16le", &bytes, ["log100", "bt709", "bt709", "pc"]);
    assert!(clip.report.warnings[0].contains("log100 is not converted"), "{:?}", clip.report.warnings);
    assert_eq!(clip.info.colour.conversion, Conversion::None);
}

#[test]
fn sdr_by_any_other_tag_keeps_its_pixels() {
    let clips = Clips::new();
    for name in [format("yuv420p10le", 10, [1, 1]), format("yuv420p", 8, [1, 1])] {
        let (bytes, _) = planes(&name, false, (0.299, 0.114));
        let plain = tagged(&clips, name.name, &bytes, ["unknown", "unknown", "unknown", "unknown"]);
        assert_eq!(plain.info.colour.conversion, Conversion::None);
        for tags in [
            ["smpte170m", "smpte170m", "smpte170m", "tv"],
            ["iec61966-2-1", "bt709", "bt470bg", "tv"],
            ["smpte240m", "smpte240m", "smpte170m", "tv"],
        ] {
            let clip = tagged(&clips, name.name, &bytes, tags);
            assert_eq!(clip.frames[0].image, plain.frames[0].image, "{} {tags:?}", name.name);
            assert!(clip.report.warnings.is_empty());
        }
    }
}

/// Mean difference in levels, and the share of samples that are more than four levels apart.
fn apart(a: &Image, b: &Image) -> (f64, f64) {
    let differences: Vec<u8> = a.data.iter().zip(&b.data).map(|(a, b)| a.abs_diff(*b)).collect();
    let count = differences.len() as f64;
    let sum: f64 = differences.iter().map(|&d| f64::from(d)).sum();
    (sum / count, differences.iter().filter(|&&d| d > 4).count() as f64 / count)
}

#[test]
fn pictures_that_zscale_made_hdr_or_wide_look_like_their_sdr() {
    let filters = Command::new("ffmpeg").args(["-hide_banner", "-filters"]).output().expect("ffmpeg");
    if !String::from_utf8_lossy(&filters.stdout).contains(" zscale ") {
        // An FFmpeg without zimg; the formulas above are tested anyway.
        return;
    }
    let clips = Clips::new();
    // Smooth in colour, since 4:2:0 is repeated here and interpolated there; no colour at its end.
    let picture = "-f lavfi -i gradients=s=320x180:n=4:seed=3:c0=0xE0B8A0:c1=0x604030:c2=0x4060A0:c3=0xF0F0F0";
    let bt709 = "colorspace=bt709:color_primaries=bt709:color_trc=bt709";
    clips.ffmpeg(&format!("{picture} -frames:v 1 -vf format=gbrp,zscale=m=bt709:r=tv,format=yuv420p,setparams={bt709}:range=tv -c:v ffv1 sdr.mkv"));
    let sdr = clips.decode("sdr.mkv");
    assert_eq!(sdr.info.colour.conversion, Conversion::None);
    let linear = "zscale=t=linear:npl=203,format=gbrpf32le";
    let check = |zscale: &str, tags: &str, least: f64| {
        clips.ffmpeg(&format!(
            "-i sdr.mkv -vf {linear},zscale={zscale}:npl=203,format=yuv420p10le -c:v ffv1 {tags} hdr.mkv"
        ));
        let hdr = clips.decode("hdr.mkv");
        let (mean, share) = apart(&hdr.frames[0].image, &sdr.frames[0].image);
        // 8-bit YCbCr was rounded once, which is up to a level and a half of RGB, and 10-bit PQ is up to a level.
        assert!(mean < 1.0 && share < 0.001, "{zscale}: {mean} levels apart, {share} beyond four");
        // It was another picture before: read as SDR it is far off.
        clips.ffmpeg("-i hdr.mkv -vf setparams=color_trc=bt709:color_primaries=bt709 -c:v ffv1 asis.mkv");
        let (mean, _) = apart(&clips.decode("asis.mkv").frames[0].image, &sdr.frames[0].image);
        assert!(mean > least, "{zscale}: {mean} levels apart without tags");
    };
    let tags = "-color_primaries bt2020 -colorspace bt2020nc -color_range tv -color_trc";
    check("p=bt2020:t=smpte2084:m=bt2020nc:r=tv", &format!("{tags} smpte2084"), 20.0);
    // HLG is left to the formulas: zimg 3.0 takes the system gamma of each channel by itself, BT.2100 of the luminance.
    check("p=bt2020:t=2020_10:m=bt2020nc:r=tv", &format!("{tags} bt2020-10"), 3.0);
}

#[test]
fn a_change_of_colours_within_a_stream() {
    let clips = Clips::new();
    let encode = |tags: &str, name: &str| {
        let source = "-f lavfi -i color=0x808080:s=64x48:r=25 -frames:v 10 -pix_fmt yuv420p10le";
        clips.ffmpeg(&format!("{source} -c:v libx264 -preset ultrafast -qp 4 {tags} {name}"));
        clips.read(name)
    };
    let sdr = encode("-color_trc bt709 -color_primaries bt709 -colorspace bt709", "a.ts");
    let pq = encode("-color_trc smpte2084 -color_primaries bt2020 -colorspace bt2020nc", "b.ts");
    clips.write("c.ts", &[sdr.clone(), pq, sdr].concat());
    let clip = clips.decode("c.ts");
    assert_eq!((clip.frames.len(), clip.info.colour.conversion), (30, Conversion::None));
    let levels: Vec<i32> = clip.frames.iter().map(|frame| frame.image.data[0].into()).collect();
    // Luma 126 of 16 to 235 is 128; as a PQ code of 0.5 it is 92 cd/m2, which is 183.
    for (frame, &level) in levels.iter().enumerate() {
        let want = if (10..20).contains(&frame) { 183 } else { 128 };
        assert!((level - want).abs() <= 2, "{levels:?}");
    }
    let told: Vec<_> = clip.report.warnings.iter().filter(|w| w.contains("the colours change to")).collect();
    assert_eq!(told.len(), 2, "{:?}", clip.report.warnings);
    assert!(told[0].contains("smpte2084, primaries bt2020") && told[0].contains("(from "), "{told:?}");
}

/// Puts a Dolby Vision configuration into the sample description of an MP4's only track; its index must be at the end.
fn with_dolby(mp4: &[u8], sample: &[u8; 4], profile: u8, compatible: u8) -> Vec<u8> {
    let mut record = vec![1, 0, profile << 1, 6 << 3 | 0b101, compatible << 4];
    record.resize(24, 0);
    let kind = if profile > 7 { b"dvvC" } else { b"dvcC" };
    let config = [&32u32.to_be_bytes(), &kind[..], &record].concat();
    let mut mp4 = mp4.to_vec();
    let find = |mp4: &[u8], kind: &[u8]| mp4.windows(4).rposition(|four| four == kind).expect("a box") - 4;
    let path: [&[u8]; 7] = [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", sample];
    let starts: Vec<usize> = path.iter().map(|kind| find(&mp4, kind)).collect();
    let size = |mp4: &[u8], at: usize| u32::from_be_bytes(mp4[at..at + 4].try_into().unwrap());
    let end = starts[6] + size(&mp4, starts[6]) as usize;
    for &at in &starts {
        let longer = size(&mp4, at) + 32;
        mp4[at..at + 4].copy_from_slice(&longer.to_be_bytes());
    }
    mp4.splice(end..end, config);
    mp4
}

#[test]
fn dolby_vision_is_known_by_its_configuration() {
    let clips = Clips::new();
    let encoder = "-frames:v 2 -pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=error:range=full -tag:v hvc1";
    clips.ffmpeg(&format!("-f lavfi -i color=0x808080:s=64x64:r=25 {encoder} plain.mp4"));
    let plain = clips.read("plain.mp4");
    let decode = |profile, compatible| {
        clips.write("dolby.mp4", &with_dolby(&plain, b"hvc1", profile, compatible));
        clips.decode("dolby.mp4")
    };
    let clip = decode(5, 0);
    assert_eq!(clip.info.colour.conversion, Conversion::ToneMapped);
    assert!(clip.report.warnings[0].contains("Dolby Vision profile 5"), "{:?}", clip.report.warnings);
    // Base layers that stand alone, untagged: HDR10, SDR, HLG.
    for (compatible, want) in [(1, Conversion::ToneMapped), (2, Conversion::None), (4, Conversion::ToneMapped)] {
        let clip = decode(8, compatible);
        assert_eq!(clip.info.colour.conversion, want, "{compatible}");
        assert!(clip.report.warnings.is_empty(), "{:?}", clip.report.warnings);
    }
}

#[test]
fn a_png_says_its_colours() {
    let clips = Clips::new();
    let pixels: Vec<u8> = (0..WIDTH * SIDE)
        .flat_map(|i| CODED[i % WIDTH / SIDE])
        .flat_map(|value| ((value * 65535.0).round() as u16).to_be_bytes())
        .collect();
    clips.write("raw", &pixels);
    clips.ffmpeg(&format!("-f rawvideo -pix_fmt rgb48be -s {WIDTH}x{SIDE} -i raw plain.png"));
    let plain = clips.read("plain.png");
    assert_eq!(clips.decode("plain.png").info.colour.conversion, Conversion::None);
    for (transfer, name) in [(16, "smpte2084"), (18, "arib-std-b67")] {
        let mut body = b"cICP".to_vec();
        body.extend([9, transfer, 0, 1]);
        // After the header: 8 bytes of signature, 25 of IHDR.
        let chunk = [&4u32.to_be_bytes()[..], &body, &crc32fast::hash(&body).to_be_bytes()].concat();
        clips.write("hdr.png", &[&plain[..33], &chunk, &plain[33..]].concat());
        let clip = clips.decode("hdr.png");
        assert_eq!(clip.info.colour.conversion, Conversion::ToneMapped);
        compare(&clip.frames[0].image, &CODED.map(|coded| shown(name, FROM_2020, coded)), name);
    }
}
