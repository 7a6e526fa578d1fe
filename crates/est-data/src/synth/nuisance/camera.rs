//! What lens and sensor do: blur, exposure and colour, noise.

use est_media::Image;
use est_nets::Noise;

/// Gaussian blur, separable, with standard deviations in pixels along x and y; below 0.3 nothing is done.
pub(super) fn blur(image: &mut Image, deviation: [f32; 2]) {
    let (width, height) = (image.width, image.height);
    if deviation[0] >= 0.3 {
        let weights = weights(deviation[0]);
        let reach = weights.len() / 2;
        let mut padded = vec![0u8; (width + 2 * reach) * 3];
        for row in image.data.chunks_exact_mut(width * 3) {
            padded[reach * 3..][..width * 3].copy_from_slice(row);
            for k in 0..reach {
                padded.copy_within(reach * 3..reach * 3 + 3, k * 3);
                padded.copy_within((reach + width - 1) * 3..(reach + width) * 3, (reach + width + k) * 3);
            }
            let taps = weights.iter().enumerate().map(|(k, &weight)| (weight, &padded[k * 3..][..width * 3]));
            weighted(taps, row);
        }
    }
    if deviation[1] >= 0.3 {
        let weights = weights(deviation[1]);
        let (reach, source) = (weights.len() / 2, image.data.clone());
        for (y, row) in image.data.chunks_exact_mut(width * 3).enumerate() {
            let taps = weights.iter().enumerate().map(|(k, &weight)| {
                let from = (y + k).saturating_sub(reach).min(height - 1);
                (weight, &source[from * width * 3..][..width * 3])
            });
            weighted(taps, row);
        }
    }
}

/// A Gaussian out to two and a half deviations, in units of 1/256 that sum to 256: each the difference of two rounded
/// cumulative sums, so a plain area keeps its value whatever was rounded.
fn weights(deviation: f32) -> Vec<u16> {
    let reach = (2.5 * deviation).ceil() as i32;
    let value = |k: i32| (-0.5 * (k as f32 / deviation).powi(2)).exp();
    let total: f32 = (-reach..=reach).map(value).sum();
    let (mut sum, mut given) = (0.0, 0);
    let weight = |k| {
        sum += value(k);
        let upto = (256.0 * sum / total).round() as u16;
        upto - std::mem::replace(&mut given, upto)
    };
    (-reach..=reach).map(weight).collect()
}

/// The sum of the taps; 255 * 256 + 128 still fits 16 bits.
fn weighted<'a>(taps: impl Iterator<Item = (u16, &'a [u8])>, out: &mut [u8]) {
    let mut sums = vec![128u16; out.len()];
    for (weight, tap) in taps {
        for (sum, &value) in sums.iter_mut().zip(tap) {
            *sum += weight * u16::from(value);
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = (sum >> 8) as u8;
    }
}

/// Each channel times its gain, then contrast around mid grey.
pub(super) fn expose(image: &mut Image, gains: [f32; 3], contrast: f32) {
    let tables = gains.map(|gain| -> [u8; 256] {
        std::array::from_fn(|value| ((value as f32 * gain - 128.0) * contrast + 128.5).clamp(0.0, 255.0) as u8)
    });
    for pixel in image.data.chunks_exact_mut(3) {
        for (value, table) in pixel.iter_mut().zip(&tables) {
            *value = table[*value as usize];
        }
    }
}

/// Noise whose standard deviation is `deviation` (of 255) in mid grey: half of the variance is the sensor's own, half
/// grows with the signal (photon noise). One hash a pixel gives all three channels a triangular distribution.
pub(super) fn sense(image: &mut Image, deviation: f32, noise: Noise, frame: usize) {
    // The sum of two uniform numbers of 10 bits has a standard deviation of 1024 / sqrt(6) = 418.
    let scale = 65536.0 * deviation / 418.0;
    let scales: [i32; 256] = std::array::from_fn(|value| (scale * (0.5 + value as f32 / 256.0).sqrt()) as i32);
    let seed = ((noise.unit(2 * frame as u64) * (1u64 << 24) as f64) as u64) << 32
        | (noise.unit(2 * frame as u64 + 1) * (1u64 << 24) as f64) as u64;
    for (index, pixel) in image.data.chunks_exact_mut(3).enumerate() {
        let mut hash = (seed ^ index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        hash ^= hash >> 29;
        for (channel, value) in pixel.iter_mut().enumerate() {
            let bits = (hash >> (20 * channel)) as i32;
            let around = (bits & 1023) + ((bits >> 10) & 1023) - 1023;
            let shifted = i32::from(*value) + ((around * scales[*value as usize] + 32768) >> 16);
            *value = shifted.clamp(0, 255) as u8;
        }
    }
}
