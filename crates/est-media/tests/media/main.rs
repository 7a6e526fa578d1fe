//! Videos decoded; faces found, followed and cropped.

mod decode_clips;
mod decode_cuts;
mod decode_damage;
mod decode_live;
mod decode_pixels;
mod decode_times;
mod faces_crop;
mod faces_detect;
mod faces_track;
