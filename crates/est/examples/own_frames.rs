//! Reads frames that the program has itself, here raw RGB of 320 x 240, 25 a second, from standard input:
//! `ffmpeg -i VIDEO -vf scale=320:240 -r 25 -pix_fmt rgb24 -f rawvideo - | own_frames`. A test builds this file as a program
//! of its own outside the workspace.

use std::io::Read;

fn main() -> Result<(), est::EstError> {
    let frame = |k: u32| {
        let mut rgb = vec![0; 320 * 240 * 3];
        std::io::stdin().read_exact(&mut rgb).ok()?;
        Some((f64::from(k) / 25.0, est::Image::new(320, 240, rgb)))
    };
    let pipeline = est::Pipeline::builder().build()?;
    for row in pipeline.rows(est::OwnFrames::new((0..).map_while(frame)))? {
        println!("{:?}", row?);
    }
    Ok(())
}
