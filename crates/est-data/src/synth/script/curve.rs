//! The smooth curves that scripts are made of. Time is in frames.

use est_nets::Noise;

/// The stream of one knob for one clip. Every knob has its own, so that turning one leaves the others as they are.
pub(crate) fn stream(knob: &str, seed: u64, subject: usize, clip: usize) -> Noise {
    Noise::new(seed, &format!("synth.{knob}.{subject}.{clip}"))
}

/// The stream of what all clips of a subject share.
pub(crate) fn subject_stream(knob: &str, seed: u64, subject: usize) -> Noise {
    Noise::new(seed, &format!("synth.{knob}.{subject}"))
}

/// From 0 at `x <= 0` to 1 at `x >= 1` with the least jerk (Flash and Hogan 1985); the steepest slope is 1.875.
pub(crate) fn minimum_jerk(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * x * (10.0 + x * (6.0 * x - 15.0))
}

/// Rises over `rise` frames from `start` on and falls over `fall` frames until `end`; 1 between.
pub(crate) fn plateau(t: f32, [start, end]: [f32; 2], rise: f32, fall: f32) -> f32 {
    minimum_jerk((t - start) / rise).min(minimum_jerk((end - t) / fall))
}

/// Smooth noise within [-1, 1]: uniform numbers every `period` frames, joined by minimum-jerk curves, so no two
/// frames differ by more than `3.75 / period`. `channel` (below 1000) tells several from the same stream apart.
pub(crate) fn wander(noise: Noise, channel: u64, t: f32, period: f32) -> f32 {
    let x = t / period;
    let knot = x.floor();
    let at = |k: f32| noise.uniform((1 + channel) * 1_000_000 + k as u64, -1.0, 1.0);
    at(knot) + (at(knot + 1.0) - at(knot)) * minimum_jerk(x - knot)
}
