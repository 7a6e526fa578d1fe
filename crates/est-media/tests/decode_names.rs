//! A path is a path, whatever it looks like. One test only, and a program of its own: it changes the process's working folder.

#[allow(dead_code)] // The decoder's other tests use the rest.
#[path = "media/decode_clips.rs"]
mod decode_clips;

use std::path::Path;

use decode_clips::{Clips, decode};

#[test]
fn names_mean_themselves() {
    let clips = Clips::new();
    clips.counting(2, "-c:v libx264 -preset ultrafast a.mp4");
    clips.ffmpeg("-i a.mp4 -frames:v 1 a.png").ffmpeg("-i a.mp4 -frames:v 1 a.tga");
    // Relative, so that FFmpeg would take a word before a colon for a protocol.
    std::env::set_current_dir(clips.path("a.mp4").parent().unwrap()).unwrap();
    for name in ["http:b.mp4", "concat:a.mp4|a.mp4", "-i.mp4", "shot_%03d.mp4", "mit Leerzeichen \u{fc}.mp4"] {
        std::fs::copy("a.mp4", name).unwrap();
        assert_eq!(decode(Path::new(name)).frames.len(), 2, "{name}");
    }
    // Not the first of a numbered series.
    for name in ["shot_%03d.png", "shot_%03d.tga"] {
        std::fs::copy(format!("a{}", &name[9..]), name).unwrap();
        assert_eq!(decode(Path::new(name)).frames.len(), 1, "{name}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let latin = Path::new(std::ffi::OsStr::from_bytes(b"latin\xfc.mp4"));
        std::fs::copy("a.mp4", latin).unwrap();
        assert_eq!(decode(latin).frames.len(), 2);
    }
}
