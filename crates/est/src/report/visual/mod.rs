//! What shows pictures of the video: the annotated video, thumbnails. Frames are decoded again beside the rows.

mod canvas;
mod encoder;
mod mp4;
mod overlay;
mod privacy;
mod replay;

pub use encoder::find_encoder;
pub use mp4::Mp4Report;
pub use overlay::mark;
pub use privacy::Privacy;
pub use replay::{Replay, Shown};
