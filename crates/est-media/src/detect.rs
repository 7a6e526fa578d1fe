//! Where the faces of a picture are: RetinaFace run by the engine, its outputs decoded and duplicates dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use est_engine::{Options, Precision, Session};
use est_nets::{Tensor, retinaface};
use fast_image_resize::FilterType;

use crate::error::MediaError;
use crate::resample::{Window, resample};
use crate::{Detection, Image, Rect};

/// Finds the faces of one picture, best score first. A trait so that the tracker can be tested without a network.
pub trait Detector {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError>;
}

impl<D: Detector + ?Sized> Detector for &mut D {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        (**self).detect(image)
    }
}

/// How [`RetinaFace`] looks at a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectorOptions {
    /// A picture whose longer side has more pixels than this is reduced to it. Of smaller ones only those of at most 256
    /// pixels are changed: see `CUT_OUT`. To enlarge others finds only faces below 15 pixels, which have no expression to
    /// read, and costs the time of a large picture.
    pub size: usize,
    /// Faces of a lower score are not reported. Not yet what a user calls a face: the tracker asks more of a new one.
    pub low_score: f32,
    /// Of two boxes that overlap by more than this (intersection over union), the better one stays.
    pub max_overlap: f32,
}

impl Default for DetectorOptions {
    fn default() -> Self {
        DetectorOptions { size: 640, low_score: 0.3, max_overlap: 0.4 }
    }
}

/// Anchors that enter the suppression of duplicates at most, the best first: noise cannot make its square large.
const MOST_CANDIDATES: usize = 1000;
/// Faces reported at most.
const MOST_FACES: usize = 100;
/// Sessions kept: a video has one frame size; others serve a source that changes it, cut-outs and turned pictures.
const SESSIONS: usize = 4;
/// The network's coarsest stride, of which both sides of its input are multiples.
const MULTIPLE: usize = retinaface::STRIDES[2];
/// Scale of the box regressions: offsets of the centre, and logarithms of the sides.
const VARIANCES: [f32; 2] = [0.1, 0.2];

/// A picture whose longer side has at most so many pixels may be a face that another program cut out, without anything
/// around it. The network was trained on faces in pictures: it finds nothing in some of those and misplaces the landmarks
/// of others, so they get a margin of half their side.
const CUT_OUT: usize = 256;
/// And are enlarged to this, if they are smaller.
const ENLARGED: usize = 160;

/// RetinaFace MobileNet-0.25 on the engine. A clone shares the weights and the plans that were made, and works beside the
/// others without a lock.
pub struct RetinaFace {
    plans: Arc<Plans>,
    options: DetectorOptions,
    /// By input height and width, the latest last.
    sessions: Vec<([usize; 2], Session)>,
    /// The network's input, kept for the next picture: 3.7 MB of 640 x 480.
    input: Vec<f32>,
}

impl RetinaFace {
    /// Boxes are computed in f32, whatever precision `engine` names: their pixels decide which crop the encoder sees.
    ///
    /// # Errors
    /// When `tensors` are not those of the network.
    pub fn new(
        tensors: BTreeMap<String, Tensor>,
        options: DetectorOptions,
        engine: &Options,
    ) -> Result<Self, MediaError> {
        // With factors in bf16 boxes move by a pixel, and crops with them.
        let engine = Options { precision: Precision::Exact, ..*engine };
        // Building a session checks the tensors; the smallest picture makes it cheap.
        let plans = Plans { tensors, engine, planned: Mutex::default() };
        plans.session([MULTIPLE; 2])?;
        Ok(RetinaFace { plans: Arc::new(plans), options, sessions: vec![], input: vec![] })
    }

    fn session(&mut self, side: [usize; 2]) -> Result<&mut Session, MediaError> {
        match self.sessions.iter().position(|(have, _)| *have == side) {
            Some(place) => self.sessions[place..].rotate_left(1),
            None => {
                let session = self.plans.session(side)?;
                if self.sessions.len() == SESSIONS {
                    self.sessions.remove(0);
                }
                self.sessions.push((side, session));
            }
        }
        let (_, session) = self.sessions.last_mut().expect("found or pushed above");
        Ok(session)
    }
}

impl Clone for RetinaFace {
    fn clone(&self) -> Self {
        RetinaFace { plans: self.plans.clone(), options: self.options.clone(), sessions: vec![], input: vec![] }
    }
}

/// The network for each size of a picture, planned once for all clones of a detector.
struct Plans {
    tensors: BTreeMap<String, Tensor>,
    engine: Options,
    /// By input height and width, the latest last. They never run, so they have no working memory.
    planned: Mutex<Vec<([usize; 2], Session)>>,
}

impl Plans {
    fn session(&self, side: [usize; 2]) -> Result<Session, MediaError> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, session)) = planned.iter().find(|(have, _)| *have == side) {
            return Ok(session.clone());
        }
        let session = Session::new(&retinaface::graph(side[0], side[1]), &self.tensors, &self.engine)?;
        if planned.len() == SESSIONS {
            planned.remove(0);
        }
        planned.push((side, session.clone()));
        Ok(session)
    }
}

impl Detector for RetinaFace {
    fn detect(&mut self, image: &Image) -> Result<Vec<Detection>, MediaError> {
        if image.width == 0 || image.height == 0 {
            return Ok(vec![]);
        }
        let fit = Fit::new(image, self.options.size);
        let mut input = std::mem::take(&mut self.input);
        fit.input(image, &mut input);
        let outputs = self.session([fit.height, fit.width])?.run(1, &[&input])?;
        self.input = input;
        let [boxes, scores, points] = &outputs[..] else {
            panic!("the graph declares three outputs, the engine gave {}", outputs.len());
        };
        let candidates = decode(boxes, scores, points, [fit.height, fit.width], self.options.low_score);
        let mut found = suppress(candidates, self.options.max_overlap);
        for face in &mut found {
            fit.restore(face);
        }
        found.retain(|face| plausible(face, image));
        Ok(found)
    }
}

/// How a picture lies in the network's input: scaled by `scale` (per axis), with `margin` at the left and the right, above
/// and below, padded further right and below.
struct Fit {
    shown: [usize; 2],
    margin: [usize; 2],
    scale: [f32; 2],
    height: usize,
    width: usize,
}

impl Fit {
    fn new(image: &Image, size: usize) -> Self {
        let longer = image.width.max(image.height);
        let cut_out = longer <= CUT_OUT.min(size);
        let wanted = if cut_out { longer.max(ENLARGED) } else { longer.min(size) };
        let scale = wanted as f64 / longer as f64;
        let shown = [image.width, image.height].map(|side| ((side as f64 * scale).round() as usize).max(1));
        let margin = if cut_out { shown.map(|side| side / 2) } else { [0; 2] };
        let side = |axis: usize| (shown[axis] + 2 * margin[axis]).next_multiple_of(MULTIPLE);
        Fit {
            shown,
            margin,
            scale: [shown[0] as f32 / image.width as f32, shown[1] as f32 / image.height as f32],
            height: side(1),
            width: side(0),
        }
    }

    /// Makes `input` [height, width, 3], blue green red minus the mean; the padding is the mean itself.
    fn input(&self, image: &Image, input: &mut Vec<f32>) {
        let [wide, high] = self.shown;
        let scaled;
        let shown = if [image.width, image.height] == self.shown {
            image
        } else {
            scaled = resample(image, Window::all(image), wide, high, FilterType::Bilinear);
            &scaled
        };
        // Only what the picture does not cover is cleared: most pictures cover nearly all.
        let [left, top] = self.margin;
        input.resize(self.height * self.width * 3, 0.0);
        let (above, rest) = input.split_at_mut(top * self.width * 3);
        let (rows, below) = rest.split_at_mut(high * self.width * 3);
        above.fill(0.0);
        below.fill(0.0);
        for (row, from) in rows.chunks_exact_mut(self.width * 3).zip(shown.data.chunks_exact(wide * 3)) {
            let (before, row) = row.split_at_mut(3 * left);
            let (to, after) = row.split_at_mut(3 * wide);
            before.fill(0.0);
            after.fill(0.0);
            for (to, from) in to.as_chunks_mut::<3>().0.iter_mut().zip(from.as_chunks::<3>().0) {
                *to = std::array::from_fn(|channel| f32::from(from[2 - channel]) - retinaface::MEAN_BGR[channel]);
            }
        }
    }

    /// From the network's pixels to the picture's.
    fn restore(&self, face: &mut Detection) {
        let [sx, sy] = self.scale;
        let place = |[x, y]: [f32; 2]| [(x - self.margin[0] as f32) / sx, (y - self.margin[1] as f32) / sy];
        let [x, y] = place([face.rect.x, face.rect.y]);
        face.rect = Rect { x, y, w: face.rect.w / sx, h: face.rect.h / sy };
        face.landmarks = face.landmarks.map(place);
    }
}

/// The anchors whose face score reaches `low_score`, as boxes and points in the pixels of a `height` x `width` input,
/// best first and at most [`MOST_CANDIDATES`]. Rows as [`retinaface::graph`] gives them. An anchor stands at the centre
/// of its cell; offsets count in tenths of its side, sides in exponents of a fifth.
fn decode(
    boxes: &[f32],
    scores: &[f32],
    points: &[f32],
    [height, width]: [usize; 2],
    low_score: f32,
) -> Vec<Detection> {
    let mut found = vec![];
    let mut anchor = 0;
    // Plain loops: of the 12,600 anchors of 640 x 480 hardly any is a face, so looking at the scores is all the work.
    for (stride, sides) in retinaface::STRIDES.into_iter().zip(retinaface::ANCHORS) {
        let centre = |cell: usize| (cell as f32 + 0.5) * stride as f32;
        for (row, column) in (0..height / stride).flat_map(|row| (0..width / stride).map(move |column| (row, column))) {
            for side in sides {
                let score = scores[anchor * 2 + 1];
                if score >= low_score {
                    let (offset, points) = (&boxes[anchor * 4..][..4], &points[anchor * 10..][..10]);
                    found.push(detection([centre(column), centre(row)], side, score, offset, points));
                }
                anchor += 1;
            }
        }
    }
    // A stable sort: equal scores stay in the order of the anchors, so two runs agree.
    found.sort_by(|a, b| b.score.total_cmp(&a.score));
    found.truncate(MOST_CANDIDATES);
    found
}

/// What the anchor of this centre and side says.
fn detection([x, y]: [f32; 2], side: f32, score: f32, offset: &[f32], points: &[f32]) -> Detection {
    let step = VARIANCES[0] * side;
    let (w, h) = (side * (VARIANCES[1] * offset[2]).exp(), side * (VARIANCES[1] * offset[3]).exp());
    Detection {
        rect: Rect { x: x + step * offset[0] - w / 2.0, y: y + step * offset[1] - h / 2.0, w, h },
        score,
        landmarks: std::array::from_fn(|k| [x + step * points[2 * k], y + step * points[2 * k + 1]]),
    }
}

/// Of faces sorted best first, those that overlap no better one by more than `max_overlap`.
fn suppress(candidates: Vec<Detection>, max_overlap: f32) -> Vec<Detection> {
    let mut kept: Vec<Detection> = vec![];
    for face in candidates {
        if kept.len() < MOST_FACES && kept.iter().all(|better| better.rect.iou(&face.rect) <= max_overlap) {
            kept.push(face);
        }
    }
    kept
}

/// Whether a face has finite numbers, shows at least partly in the picture and is not far larger than it: a network
/// can say anything about noise, and what follows relies on this.
fn plausible(face: &Detection, image: &Image) -> bool {
    let all = Rect { x: 0.0, y: 0.0, w: image.width as f32, h: image.height as f32 };
    let Rect { x, y, w, h } = face.rect;
    let finite = [x, y, w, h].iter().chain(face.landmarks.as_flattened()).all(|number| number.is_finite());
    finite && w >= 1.0 && h >= 1.0 && w.max(h) <= 2.0 * all.w.max(all.h) && face.rect.shared(&all) > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, score: f32) -> Detection {
        Detection { rect: Rect { x, y: 0.0, w: 40.0, h: 40.0 }, score, landmarks: [[0.0; 2]; 5] }
    }

    /// 64 x 32 pixels: 8 x 4 cells of stride 8, 4 x 2 of 16, 2 x 1 of 32, two anchors each.
    const ANCHORS: usize = 2 * (32 + 8 + 2);

    fn decoded(anchor: usize, offset: [f32; 4], points: [f32; 10]) -> Vec<Detection> {
        let (mut boxes, mut scores) = (vec![0.0; ANCHORS * 4], vec![0.0; ANCHORS * 2]);
        let mut all_points = vec![0.0; ANCHORS * 10];
        boxes[anchor * 4..][..4].copy_from_slice(&offset);
        scores[anchor * 2 + 1] = 0.9;
        all_points[anchor * 10..][..10].copy_from_slice(&points);
        decode(&boxes, &scores, &all_points, [32, 64], 0.5)
    }

    #[test]
    fn anchors_stand_at_the_centres_of_their_cells() {
        // By hand: level, row, column, size -> centre and side.
        let cases = [
            (0, [4.0, 4.0], 16.0),
            (1, [4.0, 4.0], 32.0),
            (2, [12.0, 4.0], 16.0),
            (16, [4.0, 12.0], 16.0),
            (63, [60.0, 28.0], 32.0),
            (64, [8.0, 8.0], 64.0),
            (64 + 2 * 4 + 1, [8.0, 24.0], 128.0),
            (80, [16.0, 16.0], 256.0),
            (83, [48.0, 16.0], 512.0),
        ];
        for (anchor, centre, side) in cases {
            let found = decoded(anchor, [0.0; 4], [0.0; 10]);
            assert_eq!(found.len(), 1);
            assert_eq!((found[0].rect.centre(), found[0].rect.w, found[0].rect.h), (centre, side, side), "{anchor}");
            assert_eq!(found[0].landmarks, [centre; 5]);
        }
    }

    #[test]
    fn offsets_are_tenths_of_the_side_and_exponents_of_a_fifth() {
        let mut points = [0.0; 10];
        (points[8], points[9]) = (-5.0, 2.5);
        let found = decoded(64, [1.0, -2.0, 5.0, 0.0], points);
        let wide = 64.0 * std::f32::consts::E;
        let [x, y] = found[0].rect.centre();
        // exp and the sums round: 1e-4 of 174 is seven units in the last place.
        for (got, want) in [(x, 14.4), (y, -4.8), (found[0].rect.w, wide), (found[0].rect.h, 64.0)] {
            assert!((got - want).abs() < 1e-4, "{got} is not {want}");
        }
        assert_eq!(found[0].landmarks[4], [8.0 - 32.0, 8.0 + 16.0]);
    }

    #[test]
    fn candidates_come_best_first_and_are_bounded() {
        let anchors = 2 * (40 * 40 + 20 * 20 + 10 * 10);
        let scores: Vec<f32> = (0..anchors).flat_map(|k| [0.0, 0.5 + (k * 7919 % anchors) as f32 / 1e5]).collect();
        let found = decode(&vec![0.0; anchors * 4], &scores, &vec![0.0; anchors * 10], [320, 320], 0.5);
        assert_eq!(found.len(), MOST_CANDIDATES);
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        assert_eq!(found[0].score, 0.5 + (anchors - 1) as f32 / 1e5);
    }

    #[test]
    fn the_better_of_two_overlapping_boxes_stays() {
        // 40 wide and 20 apart: 1/3 in common stays; 16 apart: 24/56 = 0.43 goes.
        let kept = |apart: f32| suppress(vec![face(0.0, 0.9), face(apart, 0.8), face(200.0, 0.7)], 0.4).len();
        assert_eq!((kept(20.0), kept(16.0), kept(0.0)), (3, 2, 2));
        // Dropped boxes drop no others.
        let chain = suppress(vec![face(0.0, 0.9), face(15.0, 0.8), face(30.0, 0.7)], 0.4);
        assert_eq!(chain.iter().map(|face| face.rect.x).collect::<Vec<_>>(), [0.0, 30.0]);
        let many = (0..300).map(|k| face(100.0 * k as f32, 0.9)).collect();
        assert_eq!(suppress(many, 0.4).len(), MOST_FACES);
    }

    #[test]
    fn large_pictures_are_reduced_and_small_ones_get_a_margin() {
        let fit = |width: usize, height: usize| {
            let fit = Fit::new(&Image::new(width, height, vec![0; width * height * 3]), 640);
            (fit.shown, [fit.width, fit.height])
        };
        assert_eq!(fit(1920, 1080), ([640, 360], [640, 384]));
        assert_eq!(fit(1080, 1920), ([360, 640], [384, 640]));
        assert_eq!(fit(320, 240), ([320, 240], [320, 256]));
        assert_eq!(fit(257, 100), ([257, 100], [288, 128]));
        assert_eq!(fit(256, 200), ([256, 200], [512, 416]));
        assert_eq!(fit(48, 48), ([160, 160], [320, 320]));
        assert_eq!(fit(1, 1), ([160, 160], [320, 320]));
        assert_eq!(fit(10_000, 16), ([640, 1], [640, 32]));
    }

    #[test]
    fn the_input_is_blue_green_red_minus_the_mean_and_the_padding_zero() {
        let image = Image::new(258, 1, [10, 20, 30, 40, 50, 60].repeat(129));
        // What was in it before does not show.
        let mut input = vec![9.0; 7];
        Fit::new(&image, 640).input(&image, &mut input);
        assert_eq!(input.len(), 32 * 288 * 3);
        assert_eq!(&input[..6], [30.0 - 104.0, 20.0 - 117.0, 10.0 - 123.0, 60.0 - 104.0, 50.0 - 117.0, 40.0 - 123.0]);
        assert!(input[258 * 3..].iter().all(|&value| value == 0.0));
        // A picture of one colour in the middle of its margin.
        let image = Image::new(200, 100, vec![0; 200 * 100 * 3]);
        Fit::new(&image, 640).input(&image, &mut input);
        assert_eq!(input.len(), 416 * 224 * 3);
        for (at, pixel) in input.chunks_exact(3).enumerate() {
            let inside = (100..300).contains(&(at % 416)) && (50..150).contains(&(at / 416));
            assert_eq!(pixel, if inside { [-104.0, -117.0, -123.0] } else { [0.0; 3] }, "pixel {at}");
        }
    }

    #[test]
    fn boxes_return_to_the_pictures_pixels() {
        let image = Image::new(1280, 723, vec![0; 1280 * 723 * 3]);
        let fit = Fit::new(&image, 640);
        // 723 lines become 362, not 361.5: each axis has its own scale.
        let mut all = face(0.0, 0.9);
        all.rect = Rect { x: 0.0, y: 0.0, w: 640.0, h: 362.0 };
        all.landmarks[2] = [320.0, 181.0];
        fit.restore(&mut all);
        let Rect { w, h, .. } = all.rect;
        let [x, y] = all.landmarks[2];
        // A few units in the last place of 1280.
        assert!((w - 1280.0).abs() < 1e-3 && (h - 723.0).abs() < 1e-3, "{w} x {h}");
        assert!((x - 640.0).abs() < 1e-3 && (y - 361.5).abs() < 1e-3, "{x}, {y}");
        // Enlarged by 160 / 80, in a margin of 80.
        let fit = Fit::new(&Image::new(80, 80, vec![0; 80 * 80 * 3]), 640);
        let mut middle = face(80.0, 0.9);
        middle.landmarks[0] = [160.0, 240.0];
        fit.restore(&mut middle);
        assert_eq!((middle.rect.x, middle.rect.y, middle.rect.w), (0.0, -40.0, 20.0));
        assert_eq!(middle.landmarks[0], [40.0, 80.0]);
    }

    #[test]
    fn what_cannot_be_a_face_is_dropped() {
        let image = Image::new(100, 50, vec![0; 100 * 50 * 3]);
        let with = |change: &dyn Fn(&mut Detection)| {
            let mut face = face(20.0, 0.9);
            change(&mut face);
            plausible(&face, &image)
        };
        assert!(with(&|_| ()));
        assert!(with(&|face| face.rect.x = -39.0));
        assert!(!with(&|face| face.rect.x = -41.0));
        assert!(!with(&|face| face.rect.w = f32::INFINITY));
        assert!(!with(&|face| face.rect.h = 201.0));
        assert!(!with(&|face| face.rect.h = 0.5));
        assert!(!with(&|face| face.landmarks[3][1] = f32::NAN));
    }
}
