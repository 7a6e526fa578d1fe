//! How the pictures of a clip are spoiled after drawing, in the order in which it happens: something comes before the
//! face, lens and motion blur, exposure and colour, sensor noise, fewer pixels, compression. Independent of the class;
//! every effect follows from profile, seed, subject, clip and frame, and has its own random numbers.

mod camera;
mod occlusion;
mod recording;
#[cfg(test)]
mod tests;

use est_media::Image;
use est_nets::Noise;

use super::script::{Profile, plateau, stream, wander};
use occlusion::Occlusion;

/// What is done to the pictures of one clip. An effect that is off is None.
#[derive(Debug, Clone)]
pub struct PictureNuisance {
    occlusion: Option<Occlusion>,
    blur: Option<Blur>,
    exposure: Option<(f32, Noise)>,
    /// Standard deviation in mid grey, of 255.
    noise: Option<(f32, Noise)>,
    /// How many times fewer pixels a side.
    coarseness: Option<f32>,
    /// JPEG quality.
    quality: Option<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Blur {
    /// Standard deviation of the defocus, in pixels of a picture of 224.
    defocus: f32,
    /// The stretch of frames in which the motion is quick, its standard deviation in the same unit, and its axis.
    span: [f32; 2],
    motion: f32,
    axis: usize,
    noise: Noise,
}

impl Blur {
    fn new(knob: f32, noise: Noise) -> Self {
        let start = noise.uniform(2, -10.0, 150.0);
        Blur {
            // Squared: most clips are nearly sharp.
            defocus: knob * 1.5 * noise.unit(0).powi(2) as f32,
            motion: if noise.unit(1) < 0.4 { knob * noise.uniform(4, 0.5, 2.5) } else { 0.0 },
            span: [start, start + noise.uniform(3, 8.0, 25.0)],
            axis: usize::from(noise.unit(5) < 0.3),
            noise,
        }
    }

    /// Standard deviations along x and y. Above 8 pixels there is no face left.
    fn at(&self, t: f32) -> [f32; 2] {
        let defocus = self.defocus * (1.0 + 0.25 * wander(self.noise, 0, t, 40.0));
        let mut deviation = [defocus; 2];
        deviation[self.axis] = defocus.hypot(self.motion * plateau(t, self.span, 4.0, 4.0));
        deviation.map(|pixels| pixels.min(8.0))
    }
}

impl PictureNuisance {
    pub fn new(profile: &Profile, seed: u64, subject: usize, clip: usize) -> Self {
        let stream = |knob: &str| stream(knob, seed, subject, clip);
        let on = |knob: f32| (knob > 0.0).then_some(knob);
        PictureNuisance {
            occlusion: Occlusion::new(profile.occlusion, stream("occlusion")),
            blur: on(profile.blur).map(|knob| Blur::new(knob, stream("blur"))),
            exposure: on(profile.exposure).map(|knob| (knob, stream("exposure"))),
            noise: on(profile.noise).map(|knob| {
                let noise = stream("noise");
                (knob * noise.uniform(1_000_000, 1.0, 6.0), noise)
            }),
            coarseness: on(profile.resolution).map(|knob| 1.0 + knob * stream("resolution").unit(0).powi(2) as f32),
            quality: on(profile.compression).map(|knob| {
                let loss = knob * stream("compression").uniform(0, 10.0, 60.0);
                (100.0 - loss).clamp(5.0, 100.0) as u8
            }),
        }
    }

    /// Spoils frame `frame` of the clip; the size stays.
    pub fn apply(&self, frame: usize, image: &mut Image) {
        let t = frame as f32;
        if let Some(occlusion) = &self.occlusion {
            occlusion.apply(t, image);
        }
        if let Some(blur) = &self.blur {
            let pixels = image.width.min(image.height) as f32 / 224.0;
            camera::blur(image, blur.at(t).map(|deviation| pixels * deviation));
        }
        if let Some((knob, noise)) = self.exposure {
            let value = |k: u64, spread: f32| {
                let level = noise.uniform(k, -0.75, 0.75) + 0.25 * wander(noise, k, t, 50.0);
                1.0 + (knob * spread * level).clamp(-0.6, 0.6)
            };
            // Red against blue; green stays.
            let (exposure, contrast, balance) = (value(0, 0.2), value(1, 0.2), value(2, 0.1));
            camera::expose(image, [exposure * balance, exposure, exposure / balance], contrast);
        }
        if let Some((deviation, noise)) = self.noise {
            camera::sense(image, deviation, noise, frame);
        }
        if let Some(factor) = self.coarseness {
            recording::coarsen(image, factor);
        }
        if let Some(quality) = self.quality {
            recording::compress(image, quality);
        }
    }
}
