//! Cuts in decoded video are found at their frames.

use crate::decode_clips::Clips;
use est_media::{CutDetector, DecodeOptions, Video};

fn cuts(clips: &Clips, name: &str) -> Vec<u64> {
    let mut video = Video::open(&clips.path(name), &DecodeOptions::default()).unwrap();
    let mut detector = CutDetector::new();
    let mut cuts = Vec::new();
    while let Some(frame) = video.next_frame().unwrap() {
        if detector.is_cut(&frame.image) {
            cuts.push(frame.index);
        }
    }
    cuts
}

#[test]
fn joined_scenes() {
    let clips = Clips::new();
    let scenes = ["testsrc2", "mandelbrot", "smptehdbars", "testsrc", "yuvtestsrc"];
    let inputs: String = scenes.iter().map(|scene| format!("-f lavfi -t 0.8 -i {scene}=s=320x180:r=25 ")).collect();
    let chain: String = (0..scenes.len()).map(|i| format!("[{i}]format=yuv420p,setsar=1[v{i}];")).collect();
    let joined: String = (0..scenes.len()).map(|i| format!("[v{i}]")).collect();
    let filter = format!("{chain}{joined}concat=n={}", scenes.len());
    clips.ffmpeg(&format!("{inputs} -filter_complex {filter} -c:v libx264 -preset veryfast a.mp4"));
    assert_eq!(cuts(&clips, "a.mp4"), [20, 40, 60, 80]);
}

#[test]
fn a_moving_camera_and_flashes_are_no_cuts() {
    let clips = Clips::new();
    // A window that runs over a larger picture by up to 5 % of its width a frame.
    let pan = "crop=320:180:160+160*sin(n/10):60+60*sin(n/7)";
    let light = "eq=brightness=0.3*eq(mod(n\\,11)\\,5):eval=frame";
    clips.ffmpeg(&format!(
        "-f lavfi -i mandelbrot=s=640x360:r=25 -frames:v 60 -vf {pan},{light} -c:v libx264 -preset veryfast a.mp4"
    ));
    assert_eq!(cuts(&clips, "a.mp4"), [0u64; 0]);
}
