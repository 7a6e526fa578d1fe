//! Where a head points, coarsely, from the five points of its face.

use crate::Landmarks;
use crate::align::Similarity;

/// Degrees, as the viewer of the picture sees it: `yaw` above 0 turns the face to the picture's right, `pitch` above 0 lifts
/// it, `roll` above 0 tilts it clockwise. (sin yaw cos pitch, sin pitch) is where the nose points before the roll, to the
/// right and up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadPose {
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
}

/// Eyes, nose tip and mouth corners of a mean head that faces the camera, in eye distances: right, down and towards the
/// camera. Right and down of eyes and mouth are the template's of [`crate::align`]; the rest are those that fit best what the
/// detector finds on 160 generated heads of known pose.
const HEAD: [[f64; 3]; 5] =
    [[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.6, NOSE], [-0.414, 1.155, MOUTH], [0.414, 1.155, MOUTH]];
const NOSE: f64 = 0.6;
const MOUTH: f64 = 0.05;

/// How far one person's points are from the mean head's, in eye distances, and how far heads turn and nod, in degrees
/// (standard deviations): without the latter a long or short nose would pass for a nod of 30 degrees.
const SPREAD: f64 = 0.03;
const LIKELY: [f64; 2] = [40.0, 15.0];
/// What the search tries first: every so many degrees up to these of yaw and pitch.
const COARSE: f64 = 15.0;
const WIDEST: [i32; 2] = [6, 4];
/// Then the steps are halved so often: to 0.12 degrees, far below what five points can tell.
const HALVINGS: usize = 7;

/// The mean head laid over five points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fitted {
    pub pose: HeadPose,
    /// The head's eye distance in the picture, in pixels, as if it faced the camera.
    pub eyes: f32,
    /// Root of the mean square of the distances that are left, in eye distances.
    pub error: f32,
}

impl HeadPose {
    /// The pose of [`HeadPose::fit`].
    pub fn of(landmarks: &Landmarks) -> Option<HeadPose> {
        Self::fit(landmarks).map(|fit| fit.pose)
    }

    /// The pose in which the mean head, seen from afar (all of its depth equally large), comes nearest to the points. None
    /// where they say nothing: not finite, or all in one place.
    pub(crate) fn fit(landmarks: &Landmarks) -> Option<Fitted> {
        let points = landmarks.map(|point| point.map(f64::from));
        // What size, place and roll fit best follows in one step, so only two angles are searched. A grid, since the error
        // has a second minimum at the mirrored yaw of a face with flat depth.
        let at = |yaw: f64, pitch: f64| {
            let (fit, error) = Similarity::fit_with_error(&seen(yaw, pitch), &points)?;
            let left = error / fit.scale().powi(2);
            let unlikely = (yaw / LIKELY[0]).powi(2) + (pitch / LIKELY[1]).powi(2);
            Some(Answer { cost: left / SPREAD.powi(2) + unlikely, left, yaw, pitch, fit })
        };
        let better = |a: Answer, b: Answer| if b.cost < a.cost { b } else { a };
        let [yaws, pitches] = WIDEST.map(|widest| (-widest..=widest).map(|k| COARSE * f64::from(k)));
        let grid = yaws.flat_map(|yaw| pitches.clone().map(move |pitch| (yaw, pitch)));
        let mut best = grid.filter_map(|(yaw, pitch)| at(yaw, pitch)).reduce(better)?;
        let mut step = COARSE;
        for _ in 0..HALVINGS {
            step /= 2.0;
            let Answer { yaw, pitch, .. } = best;
            for (i, j) in [-1.0, 0.0, 1.0].into_iter().flat_map(|i| [-1.0, 0.0, 1.0].map(|j| (i, j))) {
                best = at(yaw + i * step, pitch + j * step).map_or(best, |other| better(best, other));
            }
        }
        let Answer { cost, left, yaw, pitch, fit } = best;
        let pose = HeadPose { yaw: yaw as f32, pitch: pitch as f32, roll: fit.degrees() as f32 };
        cost.is_finite().then_some(Fitted { pose, eyes: fit.scale() as f32, error: (left / 5.0).sqrt() as f32 })
    }
}

/// How well one pose fits.
#[derive(Clone, Copy)]
struct Answer {
    cost: f64,
    /// Sum of the squared distances, in squared eye distances.
    left: f64,
    yaw: f64,
    pitch: f64,
    fit: Similarity,
}

/// The head's points from afar, without roll: pitched about the axis through its ears, then turned about the picture's
/// vertical axis.
fn seen(yaw: f64, pitch: f64) -> [[f64; 2]; 5] {
    let ((yaw_sin, yaw_cos), (pitch_sin, pitch_cos)) = (yaw.to_radians().sin_cos(), pitch.to_radians().sin_cos());
    HEAD.map(|[x, y, z]| {
        let (y, z) = (y * pitch_cos - z * pitch_sin, y * pitch_sin + z * pitch_cos);
        [x * yaw_cos + z * yaw_sin, y]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean head itself, somewhere in a picture.
    fn points(yaw: f64, pitch: f64, roll: f64) -> Landmarks {
        let (sin, cos) = roll.to_radians().sin_cos();
        seen(yaw, pitch)
            .map(|[x, y]| [300.0 + 70.0 * (x * cos - y * sin), 200.0 + 70.0 * (x * sin + y * cos)].map(|v| v as f32))
    }

    #[test]
    fn the_pose_of_the_mean_head_is_found_again() {
        for (yaw, pitch, roll) in [
            (0.0, 0.0, 0.0),
            (30.0, 0.0, 0.0),
            (-45.0, 20.0, 10.0),
            (10.0, -25.0, 90.0),
            (20.0, 10.0, 179.0),
            (-70.0, 5.0, -120.0),
        ] {
            let pose = HeadPose::of(&points(yaw, pitch, roll)).unwrap();
            for (got, want) in [(pose.yaw, yaw), (pose.pitch, pitch), (pose.roll, roll)] {
                // How likely a pose is pulls it towards the front: by 0.9 degrees at a pitch of 20, least where points are exact.
                assert!((f64::from(got) - want).abs() < 2.0, "{pose:?} is not {yaw} {pitch} {roll}");
            }
        }
    }

    #[test]
    fn signs_are_the_viewers() {
        let mut face = points(0.0, 0.0, 0.0);
        face[2][0] += 15.0;
        assert!(HeadPose::of(&face).unwrap().yaw > 10.0, "the nose is to the picture's right");
        let mut face = points(0.0, 0.0, 0.0);
        face[2][1] -= 10.0;
        assert!(HeadPose::of(&face).unwrap().pitch > 5.0, "the nose is up");
        let mut face = points(0.0, 0.0, 0.0);
        (face[1][1], face[4][1]) = (face[1][1] + 20.0, face[4][1] + 20.0);
        assert!(HeadPose::of(&face).unwrap().roll > 5.0, "the eye at the right is lower");
    }

    #[test]
    fn points_that_say_nothing_have_no_pose() {
        assert_eq!(HeadPose::of(&[[f32::NAN; 2]; 5]), None);
        assert_eq!(HeadPose::of(&[[7.0; 2]; 5]), None);
        let mut wide = points(0.0, 0.0, 0.0);
        wide[3][0] = f32::INFINITY;
        assert_eq!(HeadPose::of(&wide), None);
    }
}
