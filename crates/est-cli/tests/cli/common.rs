//! Runs the real program, and makes the videos that it is given.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A call of `est`, finished.
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

pub fn est<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> Done {
    done(command().args(args).output().expect("est starts"))
}

/// The program, to be started; what it notes of its user does not leave the build folder.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_est"));
    command.env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

pub fn done(output: Output) -> Done {
    Done {
        code: output.status.code().expect("est exits by itself"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Starts `est` and kills it (`kill -9`) as soon as `reached` says so, which must be before its end.
#[cfg(feature = "train")]
pub fn killed_when(args: &[String], reached: impl Fn() -> bool) {
    let mut child = command().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("est starts");
    while !reached() {
        assert!(child.try_wait().expect("a child").is_none(), "it ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

/// The default weights. A run with them takes 0.6 s, with `random:1`, a whole `paper` to draw, 1.2.
pub const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/est-default.est");

/// `est predict SOURCES --out OUT --weights random:1` and `more`.
pub fn predict(sources: &[&Path], out: &Path, more: &[&str]) -> Done {
    let mut args: Vec<&str> = vec!["predict"];
    args.extend(sources.iter().map(|path| path.to_str().expect("text")));
    args.extend(["--out", out.to_str().expect("text")]);
    args.extend(with_weights("random:1", more));
    est(&args)
}

/// `more`, and `--weights WEIGHTS` if it names none.
pub fn with_weights<'a>(weights: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let own: &[&str] = if more.contains(&"--weights") { &[] } else { &["--weights", weights] };
    [own, more].concat()
}

impl Done {
    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Exit code 1, or 3 where some videos were done, and a line on standard error that has all of `texts`.
    #[track_caller]
    pub fn failed_with(self, texts: &[&str]) -> Self {
        assert!([1, 3].contains(&self.code), "{}\nstdout: {}\nstderr: {}", self.code, self.stdout, self.stderr);
        let named = self.stderr.lines().any(|line| {
            line.starts_with("error: ") && texts.iter().all(|text| line.to_lowercase().contains(&text.to_lowercase()))
        });
        assert!(named, "no error line with all of {texts:?} in\n{}", self.stderr);
        self
    }
}

/// Runs FFmpeg, which the tests make their videos with.
pub fn ffmpeg(args: &[&str]) {
    feed_ffmpeg(args, &[]);
}

fn feed_ffmpeg(args: &[&str], input: &[u8]) {
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(args)
        .stdin(Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed");
    child.stdin.take().expect("piped").write_all(input).expect("ffmpeg reads");
    assert!(child.wait().expect("ffmpeg ends").success(), "ffmpeg {args:?}");
}

/// Writes frames 0..`count` of the goldens' clip as 224 x 224 PNG files.
pub fn golden_frames(folder: &Path, count: usize) {
    std::fs::create_dir_all(folder).expect("a folder");
    let pixels: Vec<u8> = (0..count).flat_map(|frame| est_goldens::frame_pixels(frame, 224, 224)).collect();
    let pattern = folder.join("%03d.png");
    let raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "224x224", "-i", "-", "-start_number", "0"];
    feed_ffmpeg(&[&raw[..], &[pattern.to_str().expect("text")]].concat(), &pixels);
}

/// A CSV result: header and rows as text.
pub struct Table {
    pub header: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

impl Table {
    pub fn read(path: &Path) -> Self {
        let mut table = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let cells = |record: &csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
        let header = cells(table.headers().expect("a header"));
        // One of another length is an error.
        let rows = table.records().map(|row| cells(&row.expect("every row has every column"))).collect();
        Table { header, rows }
    }

    pub fn column(&self, name: &str) -> Vec<&str> {
        let place = self.header.iter().position(|column| column == name);
        let place = place.unwrap_or_else(|| panic!("a column {name} in {:?}", self.header));
        self.rows.iter().map(|row| row[place].as_str()).collect()
    }

    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.column(name).iter().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}"))).collect()
    }
}

pub fn json(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The columns as FIELD.md lists them, for the paper's seven classes.
pub const COLUMNS: &str = "video_id,frame,pts_s,track_id,status,det_score,x,y,w,h,quality,yaw,pitch,roll,p_angry,\
                           p_disgust,p_fear,p_happy,p_neutral,p_sad,p_surprise,label,entropy,window_start_s,window_end_s,model_id,\
                           weights_sha256";

/// 150 frames at 25 per second, made of the face of a real video: three faces side by side, the middle one hidden for 0.4 s;
/// a cut to another face; black; the same face again after more than the longest gap.
pub fn compose(out: &Path) {
    let filters = "\
        [0]fps=25,trim=end_frame=50,setpts=N/25/TB,scale=426:240,split=3[a][b][c];\
        [b]hflip,drawbox=t=fill:c=gray:enable='between(n,20,29)'[hidden];\
        [c]eq=brightness=0.1[bright];\
        [a][hidden][bright]hstack=inputs=3,scale=960:240,pad=960:540:0:150[three];\
        [1]fps=25,trim=end_frame=25,setpts=N/25/TB,scale=960:540,setsar=1[again];\
        [2]fps=25,trim=end_frame=25,setpts=N/25/TB,scale=960:540,setsar=1[later];\
        color=c=black:s=960x540:r=25:d=2[black];\
        [three]setsar=1[first];\
        [first][again][black][later]concat=n=4[v]";
    let video = est_goldens::download("single_face.mp4");
    let video = video.to_str().unwrap();
    let inputs = ["-i", video, "-i", video, "-i", video];
    let output = ["-map", "[v]", "-r", "25", "-pix_fmt", "yuv420p", out.to_str().unwrap()];
    ffmpeg(&[&inputs[..], &["-filter_complex", filters], &output].concat());
}
