//! The shape of a head: a random mix of MakeHuman's adult head shapes and of single features, within ranges that stay
//! plausible.

use est_nets::Noise;

use super::rig::Rig;

/// Pairs of endings that name the two directions of one feature.
const OPPOSITES: [(&str, &str); 7] = [
    ("-decr", "-incr"),
    ("-down", "-up"),
    ("-in", "-out"),
    ("-backward", "-forward"),
    ("-concave", "-convex"),
    ("-compress", "-uncompress"),
    ("-1", "-2"),
];

/// Features left as they are: they move the face sideways or off its place, or leave the range of adults.
const LEFT_OUT: [&str; 12] = [
    "head-trans",
    "mouth-trans-in",
    "mouth-trans-out",
    "nose-trans-in",
    "nose-trans-out",
    "head-age",
    "jaw-drop",
    "pointed",
    "ear-shape",
    "head-back",
    "dimples",
    "laugh-lines",
];

/// The places of a head's vertices at rest, moved so that the middle between the eyes lies where the base mesh has it.
pub(super) fn shaped(rig: &Rig, seed: u64, id: &str) -> Vec<[f32; 3]> {
    let draw = |name: &str| Noise::new(seed, &format!("{id}/shape/{name}"));
    let mut places = rig.places[..rig.skin].to_vec();
    let mut apply = |name: &str, weight: f32| {
        if let Some(moves) = rig.targets.get(name).filter(|_| weight != 0.0) {
            for (vertex, by) in moves {
                let place = &mut places[*vertex as usize];
                (0..3).for_each(|k| place[k] += weight * by[k]);
            }
        }
    };
    for (name, weight) in head_shapes(draw("macro")) {
        apply(&name, weight);
    }
    for name in rig.targets.keys().filter(|name| !name.starts_with("macrodetails")) {
        if LEFT_OUT.iter().any(|out| name.contains(out)) {
            continue;
        }
        let (stem, sign) = OPPOSITES
            .iter()
            .find_map(|(low, high)| {
                let low = name.strip_suffix(low).map(|stem| (stem, -1.0));
                low.or_else(|| name.strip_suffix(high).map(|stem| (stem, 1.0)))
            })
            .unwrap_or((name, 1.0));
        // The two sides of a face go together; `asym` is what tells them apart.
        let stem = stem.replace("/l-", "/").replace("/r-", "/");
        let spread = match name.split('/').next() {
            Some("asym") => 0.15,
            Some("head" | "cheek") => 0.20,
            Some("eyes" | "ears") => 0.22,
            _ => 0.25,
        };
        let weight = (spread * draw(&stem).normal(0)).clamp(-2.0 * spread, 2.0 * spread);
        apply(name, (sign * weight).max(0.0));
    }
    let eyes: Vec<[f32; 3]> = rig.eyes.iter().map(|eye| mean(&places, eye)).collect();
    let was: Vec<[f32; 3]> = rig.eyes.iter().map(|eye| mean(&rig.places, eye)).collect();
    let shift: [f32; 3] = std::array::from_fn(|k| (was[0][k] + was[1][k] - eyes[0][k] - eyes[1][k]) / 2.0);
    for place in &mut places {
        (0..3).for_each(|k| place[k] += shift[k]);
    }
    places
}

/// The middle of some vertices.
pub(super) fn mean(places: &[[f32; 3]], vertices: &[u32]) -> [f32; 3] {
    std::array::from_fn(|k| vertices.iter().map(|v| places[*v as usize][k]).sum::<f32>() / vertices.len() as f32)
}

/// Weights of the macro targets, as MakeHuman mixes them: every factor's shares sum to 1.
fn head_shapes(noise: Noise) -> Vec<(String, f32)> {
    let origin: [f32; 3] = std::array::from_fn(|k| noise.uniform(k as u64, 0.0, 1.0).powi(2) + 0.02);
    let total: f32 = origin.iter().sum();
    let share = |i: u64, low: f64, high: f64| noise.uniform(i, low, high);
    let male = if share(3, 0.0, 1.0) < 0.5 { share(4, 0.0, 0.3) } else { share(4, 0.7, 1.0) };
    let old = share(5, 0.0, 1.0).powi(2) * 0.7;
    let around = |value: f32| [(-value).max(0.0), 1.0 - value.abs(), value.max(0.0)];
    let (muscle, weight) = (around(share(6, -0.5, 0.5)), around(share(7, -0.5, 0.4)));
    let mut weights = vec![];
    for (sex, by_sex) in [("female", 1.0 - male), ("male", male)] {
        for (age, by_age) in [("young", 1.0 - old), ("old", old)] {
            for (name, part) in ["african", "asian", "caucasian"].iter().zip(origin) {
                weights.push((format!("macrodetails/{name}-{sex}-{age}"), by_sex * by_age * part / total));
            }
            for (i, m) in ["minmuscle", "averagemuscle", "maxmuscle"].iter().enumerate() {
                for (j, w) in ["minweight", "averageweight", "maxweight"].iter().enumerate() {
                    let share = by_sex * by_age * muscle[i] * weight[j];
                    weights.push((format!("macrodetails/universal-{sex}-{age}-{m}-{w}"), share));
                }
            }
        }
    }
    weights
}
