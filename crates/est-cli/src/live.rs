//! What is seen and written while a live source runs: the newest answer for each face in the terminal, rows in a file
//! that grows, and how late they are.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use est::report::{Cell, Format, Table, object, write_line};
use est::{EstError, Row};
use est_media::{Live, Stop, TrackId};
use indicatif::{ProgressBar, ProgressStyle};

/// Between two pictures of the view.
const REFRESH: Duration = Duration::from_millis(200);
/// A face that was not seen for so long leaves the view.
const GONE_S: f64 = 2.0;

/// A camera is not opened before this says so.
///
/// # Errors
/// When nobody agrees, or nobody can be asked.
pub fn consent(live: &Live, given: bool) -> anyhow::Result<()> {
    if given || !matches!(live, Live::Camera(_)) {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        bail!("{live}: a camera needs the consent of everyone before it; if they have agreed, say so with --consent");
    }
    eprint!("{live} will be read and rows about every face in it written. Has everyone before it agreed? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("the answer cannot be read")?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        Ok(())
    } else {
        bail!("{live}: not read: nobody agreed")
    }
}

/// Ends the source at Ctrl-C or SIGTERM, so that what came is finished; the second time ends the program.
pub fn stop_at_interrupt(stop: &Stop) -> anyhow::Result<()> {
    let stop = stop.clone();
    let handler = move || {
        if stop.is_stopped() {
            std::process::exit(130);
        }
        stop.stop();
    };
    ctrlc::set_handler(handler).context("Ctrl-C cannot be watched for")
}

/// Rows as they come, in a file that can be read meanwhile. The complete result takes its place at the end.
pub struct GrowingRows {
    path: PathBuf,
    table: Table,
    names: Vec<String>,
    file: File,
    csv: bool,
}

impl GrowingRows {
    /// None of a format whose file is of no use before its end.
    pub fn create(format: Format, path: PathBuf, table: Table) -> Result<Option<Self>, EstError> {
        let csv = match format {
            Format::Csv => true,
            Format::Jsonl => false,
            _ => return Ok(None),
        };
        let names = table.names();
        let wrong = |error| EstError::Output { path: path.clone(), error };
        let mut file = File::create(&path).map_err(wrong)?;
        if csv {
            write_line(&mut file, names.clone()).map_err(wrong)?;
        }
        Ok(Some(GrowingRows { path, table, names, file, csv }))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn row(&mut self, row: &Row) -> Result<(), EstError> {
        self.table.add(row).iter().try_for_each(|cells| {
            let written = if self.csv {
                write_line(&mut self.file, cells.iter().map(Cell::to_text))
            } else {
                self.file.write_all(format!("{}\n", object(&self.names, cells)).as_bytes())
            };
            written.map_err(|error| EstError::Output { path: self.path.clone(), error })
        })
    }
}

/// How long after their frames rows come, in seconds.
#[derive(Default)]
pub struct Delays {
    /// Of the clock when video time was 0, were every frame as quick as the quickest.
    zero: Option<f64>,
    seconds: Vec<f32>,
}

impl Delays {
    /// A frame has arrived.
    pub fn arrived(&mut self, pts_s: f64, now_s: f64) {
        let zero = now_s - pts_s;
        self.zero = Some(self.zero.map_or(zero, |known| known.min(zero)));
    }

    fn written(&mut self, pts_s: f64, now_s: f64) {
        self.seconds.push((now_s - pts_s - self.zero.unwrap_or(now_s - pts_s)) as f32);
    }

    /// The median and the largest; None before the first row.
    pub fn summary(&mut self) -> Option<[f32; 2]> {
        self.seconds.sort_by(f32::total_cmp);
        let last = self.seconds.len().checked_sub(1)?;
        Some([self.seconds[last / 2], self.seconds[last]])
    }
}

/// The terminal's picture of the moment: nothing where standard error is no terminal.
pub struct View {
    bar: ProgressBar,
    head: String,
    classes: Vec<String>,
    faces: BTreeMap<TrackId, (f64, Vec<f32>)>,
    rows: u64,
    began: Instant,
    drawn: Instant,
    delays: Delays,
}

impl View {
    pub fn new(live: &Live, writes: &Path, classes: &[String], shown: bool) -> Self {
        let bar = if shown { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is ours"));
        let began = Instant::now();
        View {
            bar,
            head: format!("● REC {live} -> {}", writes.display()),
            classes: classes.to_vec(),
            faces: BTreeMap::new(),
            rows: 0,
            began,
            drawn: began - REFRESH,
            delays: Delays::default(),
        }
    }

    fn now_s(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub fn frame(&mut self, pts_s: f64) {
        let now = self.now_s();
        self.delays.arrived(pts_s, now);
        self.draw(pts_s);
    }

    pub fn row(&mut self, row: &Row) {
        let now = self.now_s();
        self.delays.written(row.pts_s, now);
        self.rows += 1;
        if let (Some(track), Some(face)) = (row.track, &row.face) {
            self.faces.insert(track, (row.pts_s, face.scored.emotion.probabilities.clone()));
        }
        self.faces.retain(|_, (seen, _)| row.pts_s - *seen < GONE_S);
    }

    /// How late rows were; the view is gone afterwards.
    pub fn end(mut self) -> Option<[f32; 2]> {
        self.bar.finish_and_clear();
        self.delays.summary()
    }

    fn draw(&mut self, pts_s: f64) {
        if self.drawn.elapsed() < REFRESH {
            return;
        }
        self.drawn = Instant::now();
        let mut text = format!("{}\n{pts_s:7.1} s  {} rows  Ctrl-C ends", self.head, self.rows);
        for (track, (_, probabilities)) in &self.faces {
            let mut order: Vec<usize> = (0..probabilities.len()).collect();
            order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
            let shown = order.iter().take(3).map(|&class| {
                let p = probabilities[class];
                format!("{:>9} {p:.2} {:<10}", self.classes[class], "█".repeat((10.0 * p).round() as usize))
            });
            text += &format!("\n face {track}{}", shown.collect::<String>());
        }
        self.bar.set_message(text);
        self.bar.tick();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_after_the_quickest_frame() {
        let mut delays = Delays::default();
        // Frames arrive 1.0, 0.5 and 0.7 s after they are shown; rows of the first two are written at 4 and 5 s.
        [(0.0, 1.0), (1.0, 1.5), (2.0, 2.7)].into_iter().for_each(|(pts, now)| delays.arrived(pts, now));
        delays.written(0.0, 4.0);
        delays.written(1.0, 5.0);
        delays.written(2.0, 5.0);
        assert_eq!(delays.summary(), Some([3.5, 3.5]));
        assert_eq!(Delays::default().summary(), None);
    }
}
