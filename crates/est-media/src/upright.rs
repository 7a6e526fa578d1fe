//! Faces that lie on their side or stand on their head, found by a detector that knows upright ones.

use crate::align::{self, Similarity};
use crate::crop::box_of_tilted;
use crate::decode::Turn;
use crate::detect::Detector;
use crate::error::MediaError;
use crate::pose::HeadPose;
use crate::{Detection, Image, Rect};

/// A detector that also sees tilted faces.
///
/// RetinaFace finds faces at every angle, but beyond some 45 degrees of roll their points are wrong: the roll that they give
/// is 9 degrees off at 45, 20 at 60, 30 at 90, and anything from 105 on. So a face whose points are not those of an upright
/// one is looked at again in a cut-out, turned until they are. Where no face is found at all, the whole picture is turned,
/// but not every time: see [`Search`].
pub struct Upright<D> {
    detector: D,
    /// Degrees of roll up to which the detector's own points are taken; None: always, and nothing is turned.
    beyond: Option<f32>,
    /// A face of at least this score was found for certain.
    min_score: f32,
    search: Search,
    /// Of the faces that were looked at again at the latest look.
    known: Vec<Known>,
}

/// What came of looking at a face again.
#[derive(Debug, Clone, Copy)]
struct Known {
    rect: Rect,
    /// How the face stood; None: it could not be told, or was upright.
    roll: Option<f32>,
    /// Looks until all directions may be tried again.
    wait: usize,
}

/// Side of the cut-out around a face, in pixels (a third of the pixels of a detection at 640 x 384) and in longer sides of
/// its box.
const CUT_OUT: usize = 288;
const AROUND: f64 = 2.2;
/// A face is turned by the roll that its points give and looked at again, so often at most.
const ROUNDS: usize = 3;
/// Faces of one look for which all directions are tried: a crowd that lies down must not take seconds.
const MOST: usize = 2;
/// Looks between two such searches about one face: 12 cut-outs of a third each, a sixth more time at most.
const PATIENCE: usize = 24;
/// Two boxes that share more of their union are of one face.
const SAME: f32 = 0.3;

/// Whether points and box fit each other as those of an upright face do. On 40 upright portraits the mean head fits with an
/// error of 0.01 to 0.11 eye distances, which are 0.30 to 0.36 of the box's longer side; on the same portraits upside down
/// the error is 0.18 to 0.38, and between that and 60 degrees the roll gives it away.
fn stands(face: &Detection, beyond: f32) -> bool {
    HeadPose::fit(&face.landmarks).is_some_and(|fit| {
        let scale = fit.eyes / face.rect.w.max(face.rect.h);
        fit.pose.roll.abs() <= beyond && fit.error <= WORST_FIT && (0.26..=0.45).contains(&scale)
    })
}

const WORST_FIT: f32 = 0.13;

impl<D: Detector> Upright<D> {
    pub fn new(detector: D, beyond: Option<f32>, min_score: f32) -> Self {
        Upright { detector, beyond, min_score, search: Search::default(), known: vec![] }
    }

    /// The face in the middle of the square of `side` about `centre` that is turned clockwise by `degrees`: as it is in the
    /// cut-out, and in the picture. None where the cut-out shows no face there.
    fn look(
        &mut self,
        image: &Image,
        centre: [f32; 2],
        side: f64,
        degrees: f32,
    ) -> Result<Option<[Detection; 2]>, MediaError> {
        let to_cut_out = Similarity::upright(centre.map(f64::from), side, degrees.into(), CUT_OUT);
        let Some(cut_out) = align::transformed(image, &to_cut_out, CUT_OUT) else { return Ok(None) };
        let middle = (CUT_OUT as f64 / AROUND) as f32;
        let corner = (CUT_OUT as f32 - middle) / 2.0;
        let middle = Rect { x: corner, y: corner, w: middle, h: middle };
        let found = self.detector.detect(&cut_out)?;
        let found = found.into_iter().find(|found| found.rect.iou(&middle) > SAME);
        let back = to_cut_out.inverse();
        let place = |point: [f32; 2]| back.apply(point.map(f64::from)).map(|at| at as f32);
        Ok(found.map(|cut| {
            let (Rect { w, h, .. }, scale) = (cut.rect, back.scale() as f32);
            let rect = box_of_tilted(place(cut.rect.centre()), scale * w, scale * h, degrees);
            let face = Detection { rect, score: cut.score, landmarks: cut.landmarks.map(place) };
            [cut, face]
        }))
    }

    /// `face` as it is where it stands upright, sought from a square that is turned by `degrees` on.
    fn from(&mut self, image: &Image, face: &Detection, mut degrees: f32) -> Result<Option<Detection>, MediaError> {
        let (centre, side) = (face.rect.centre(), AROUND * f64::from(face.rect.w.max(face.rect.h)));
        for _ in 0..ROUNDS {
            let Some([cut, face]) = self.look(image, centre, side, degrees)? else { return Ok(None) };
            if cut.score >= self.min_score && stands(&cut, STANDS) {
                return Ok(Some(face));
            }
            let Some(pose) = HeadPose::of(&cut.landmarks).filter(|pose| pose.roll.abs() > STANDS) else {
                return Ok(None);
            };
            degrees += pose.roll;
        }
        Ok(None)
    }

    /// Looks again at those of `faces` that do not seem to stand upright.
    fn straighten(&mut self, image: &Image, faces: &mut [Detection], beyond: f32) -> Result<(), MediaError> {
        let before = std::mem::take(&mut self.known);
        let mut searches = 0;
        for face in faces {
            if stands(face, beyond) {
                continue;
            }
            let same = before.iter().find(|known| known.rect.iou(&face.rect) > SAME);
            let own = HeadPose::of(&face.landmarks).map(|pose| pose.roll);
            let own = own.filter(|roll| roll.abs() > beyond);
            let wait = same.map_or(0, |known| known.wait);
            // The way it stood before, or as the points say; then every other way.
            let mut starts: Vec<f32> = same.and_then(|known| known.roll).or(own).into_iter().collect();
            let mut next_wait = wait.saturating_sub(1);
            if wait == 0 && searches < MOST {
                starts.extend([180.0, 90.0, -90.0]);
                next_wait = PATIENCE;
            }
            let mut tried = 0;
            let mut better = None;
            while better.is_none() && tried < starts.len() {
                better = self.from(image, face, starts[tried])?;
                tried += 1;
            }
            searches += usize::from(tried > 1);
            let roll = better.as_ref().and_then(|face| HeadPose::of(&face.landmarks)).map(|pose| pose.roll);
            match better.zip(roll) {
                Some((better, roll)) if roll.abs() > beyond => {
                    *face = better;
                    self.known.push(Known { rect: face.rect, roll: Some(roll), wait: 0 });
                }
                _ => self.known.push(Known { rect: face.rect, roll: None, wait: next_wait }),
            }
        }
        Ok(())
    }

    /// The faces for certain of the picture turned by `quarters`, in the picture's own pixels.
    fn turned(&mut self, image: &Image, quarters: usize) -> Result<Vec<Detection>, MediaError> {
        let mut faces = vec![];
        let turned = Turn::quarters(quarters).apply(image.clone(), &mut vec![]);
        for mut face in self.detector.detect(&turned)? {
            if face.score >= self.min_score && faces.len() < MOST {
                turn_back(&mut face, quarters, [image.width as f32, image.height as f32]);
                faces.extend(self.from(image, &face, -90.0 * quarters as f32)?);
            }
        }
        Ok(faces)
    }
}

/// Degrees that a face may still be tilted by in a cut-out where it is taken for upright.
const STANDS: f32 = 12.0;

impl<D: Detector> Detector for Upright<D> {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        let mut faces = self.detector.detect(image)?;
        let Some(beyond) = self.beyond else { return Ok(faces) };
        self.straighten(image, &mut faces, beyond)?;
        if faces.iter().any(|face| face.score >= self.min_score) {
            self.search.found_without();
            faces.sort_by(|a, b| b.score.total_cmp(&a.score));
            return Ok(faces);
        }
        for quarters in self.search.turns() {
            let mut found = self.turned(image, quarters)?;
            if !found.is_empty() {
                self.search.found(quarters);
                faces.retain(|weak| found.iter().all(|face| face.rect.iou(&weak.rect) <= SAME));
                found.sort_by(|a, b| b.score.total_cmp(&a.score));
                found.extend(faces);
                return Ok(found);
            }
        }
        self.search.found_nothing();
        Ok(faces)
    }
}

/// When the whole picture is turned: at the first look that finds nothing, again after 3, 6 and 12 more, and then every 12:
/// three more detections for twelve, a quarter of the time. At three frames a look and 25 frames a second, a face that lies
/// down is found within 1.5 seconds. The turn that found a face is tried at each look until it finds none.
#[derive(Debug, Default)]
struct Search {
    /// The turn that found the latest face.
    latest: Option<usize>,
    /// Looks without a face until all turns are tried, and how many it will be then.
    wait: usize,
    next_wait: usize,
}

const SHORTEST_WAIT: usize = 3;
const LONGEST_WAIT: usize = 12;

impl Search {
    /// The turns to try now, in quarters.
    fn turns(&self) -> Vec<usize> {
        match self.latest {
            Some(latest) => vec![latest],
            None if self.wait == 0 => vec![1, 3, 2],
            None => vec![],
        }
    }

    fn found(&mut self, quarters: usize) {
        (self.latest, self.wait, self.next_wait) = (Some(quarters), 0, SHORTEST_WAIT);
    }

    fn found_without(&mut self) {
        // Most faces that vanish turn away or leave.
        (self.latest, self.wait, self.next_wait) = (None, SHORTEST_WAIT, SHORTEST_WAIT);
    }

    fn found_nothing(&mut self) {
        if self.latest.take().is_some() {
            return;
        }
        if self.wait > 0 {
            self.wait -= 1;
        } else {
            self.next_wait = self.next_wait.max(SHORTEST_WAIT);
            self.wait = self.next_wait - 1;
            self.next_wait = (2 * self.next_wait).min(LONGEST_WAIT);
        }
    }
}

/// From the pixels of a picture of `size` that was turned clockwise by `quarters` to its own. Points keep their names: the
/// left eye is the one at the left where the face stands upright.
fn turn_back(face: &mut Detection, quarters: usize, [width, height]: [f32; 2]) {
    let place = |[x, y]: [f32; 2]| match quarters % 4 {
        0 => [x, y],
        1 => [y, height - x],
        2 => [width - x, height - y],
        _ => [width - y, x],
    };
    let Rect { x, y, w, h } = face.rect;
    let [[x0, y0], [x1, y1]] = [place([x, y]), place([x + w, y + h])];
    face.rect = Rect { x: x0.min(x1), y: y0.min(y1), w: (x1 - x0).abs(), h: (y1 - y0).abs() };
    face.landmarks = face.landmarks.map(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Image {
        Image::new(3, 2, (0..18).collect())
    }

    #[test]
    fn places_turn_back_with_the_picture() {
        let image = picture();
        for quarters in 0..4 {
            let turned = Turn::quarters(quarters).apply(image.clone(), &mut vec![]);
            for (at, pixel) in turned.data.as_chunks::<3>().0.iter().enumerate() {
                let [x, y] = [at % turned.width, at / turned.width].map(|place| place as f32);
                let rect = Rect { x, y, w: 1.0, h: 1.0 };
                let mut face = Detection { rect, score: 1.0, landmarks: [[x + 0.5, y + 0.5]; 5] };
                turn_back(&mut face, quarters, [3.0, 2.0]);
                let place = (face.rect.y * 3.0 + face.rect.x) as usize;
                assert_eq!(&image.data[3 * place..][..3], pixel, "{quarters}");
                assert_eq!(face.landmarks[0], [face.rect.x + 0.5, face.rect.y + 0.5]);
            }
        }
    }

    /// Finds one upright face in pictures of one size and in cut-outs, and counts how often it looks.
    struct Knows {
        looks: usize,
        shown: Option<[usize; 2]>,
    }

    impl Detector for Knows {
        fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
            self.looks += 1;
            let size = [image.width, image.height];
            if self.shown != Some(size) && size != [CUT_OUT; 2] {
                return Ok(vec![]);
            }
            let [x, y] = if size == [CUT_OUT; 2] { [94.0, 79.0] } else { [10.0, 10.0] };
            let scale = if size == [CUT_OUT; 2] { 3.2 } else { 1.0 };
            let place = |[u, v]: [f32; 2]| [x + scale * u, y + scale * v];
            let points = [[8.5, 16.0], [21.5, 16.0], [15.0, 23.4], [9.6, 31.0], [20.4, 31.0]];
            let rect = Rect { x, y, w: 30.0 * scale, h: 40.0 * scale };
            Ok(vec![Detection { rect, score: 0.9, landmarks: points.map(place) }])
        }
    }

    fn looks(shown: Option<[usize; 2]>, pictures: usize) -> (usize, Vec<usize>) {
        let image = Image::new(80, 60, vec![0; 80 * 60 * 3]);
        let mut upright = Upright::new(Knows { looks: 0, shown }, Some(20.0), 0.6);
        let found = (0..pictures).map(|_| upright.detect(&image).unwrap().len()).collect();
        (upright.detector.looks, found)
    }

    #[test]
    fn an_empty_video_costs_a_quarter_more() {
        // 1 + 3 of the first, and three tries while waits grow, then every twelfth.
        let (looks, found) = looks(None, 1000);
        assert!(found.iter().all(|&faces| faces == 0));
        assert!((1000 + 3 * 1000 / 12..=1000 + 3 * 1000 / 12 + 9).contains(&looks), "{looks}");
    }

    #[test]
    fn faces_that_are_upright_cost_nothing() {
        assert_eq!(looks(Some([80, 60]), 100), (100, vec![1; 100]));
    }

    #[test]
    fn a_face_that_lies_is_found_at_every_look() {
        let (looks, found) = looks(Some([60, 80]), 100);
        assert_eq!(found, [1; 100]);
        // As it is, turned, and the cut-out of what the turned one shows.
        assert_eq!(looks, 300);
    }
}
