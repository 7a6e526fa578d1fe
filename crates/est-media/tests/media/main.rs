//! Videos decoded; faces found, followed and cropped.

mod decode_aspect;
mod decode_clips;
mod decode_cuts;
mod decode_damage;
mod decode_exif;
mod decode_hdr;
mod decode_live;
mod decode_pixels;
mod decode_range;
mod decode_streams;
mod decode_times;
mod faces_calls;
mod faces_crop;
mod faces_detect;
mod faces_track;
mod faces_upright;
