//! Faces as detector and tracker describe them. Pixel coordinates of the upright frame, x right, y down, from the
//! centre of the top left pixel's corner (0, 0).

/// An axis-aligned box: left, top, width and height in pixels; it may reach over the picture's edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    pub x: f32,
    pub y: f32,
    pub w: f32,
    pub h: f32,
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
/// interpolated between two); `quality` in [0, 1] says how usable the crop is.
#[derive(Debug, Clone, PartialEq)]
pub struct Face {
    pub track: TrackId,
    pub rect: Rect,
    pub landmarks: Landmarks,
    pub score: f32,
    pub quality: f32,
    pub interpolated: bool,
}
