//! Faces as detector and tracker describe them. Positions are in pixels of the upright frame from its top left corner,
//! x right and y down, so the centre of the first pixel is (0.5, 0.5).

/// An axis-aligned box: left, top, width and height in pixels; it may reach over the picture's edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
}

impl Rect {
    pub fn centre(&self) -> [f32; 2] {
        [self.x + self.w / 2.0, self.y + self.h / 2.0]
    }

    pub fn area(&self) -> f32 {
        self.w * self.h
    }

    /// Area that two boxes share, in square pixels.
    pub fn shared(&self, other: &Rect) -> f32 {
        let side = |a: f32, b: f32, c: f32, d: f32| ((a + b).min(c + d) - a.max(c)).max(0.0);
        side(self.x, self.w, other.x, other.w) * side(self.y, self.h, other.y, other.h)
    }

    /// Intersection over union, in [0, 1].
    pub fn iou(&self, other: &Rect) -> f32 {
        let shared = self.shared(other);
        shared / (self.area() + other.area() - shared)
    }
}

/// Left eye, right eye, nose tip, left and right mouth corner, as the viewer sees them.
pub type Landmarks = [[f32; 2]; 5];

/// One face found in one frame. `score` is the detector's confidence in [0, 1].
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    pub rect: Rect,
    pub score: f32,
    pub landmarks: Landmarks,
}

/// Number of a track within its video, from 1, never used again.
pub type TrackId = u32;

/// A face of one track in one frame. `score` is the detector's confidence (of the nearer detection where the box was
/// interpolated between two); `quality` in [0, 1] says how usable the crop is (see [`crate::quality`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    pub track: TrackId,
    pub rect: Rect,
    pub landmarks: Landmarks,
    pub score: f32,
    pub quality: f32,
    pub interpolated: bool,
}
