//! One training step of 8 clips (280 crops of 224 pixels) of the preset `paper`, ours and PyTorch's in turn: seconds, the
//! ratio, and the most memory that each process held. Ours reads its crops from JPEG shards.
//!
//!     EST_BENCH_PYTHON=python3 EST_BENCH_PRECISION=bf16 EST_BENCH_ROUNDS=2 cargo bench -p est-train
//!
//! The Python needs PyTorch 2.11 (tools/bench_train.py); without EST_BENCH_PYTHON only ours is timed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use est_data::protocol::{Clip, Split};
use est_data::set::{ClipMaker, ClipRow, ClipStatus, MadeClip, PreparedSet, Scratch, SetPlan, build};
use est_data::{ClipEntry, DataError};
use est_nets::{EstConfig, Network, Values, random_weights};
use est_train::autodiff::{AdamStep, Learner, LearnerOptions, Precision, Targets};
use est_train::{Augment, Corpus, Draw, Frames, Loader, Objective, Sampler, TrainConfig, orders};
use jpeg_encoder::{ColorType, Encoder};

/// As in the program.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const BATCH: usize = 8;
const SIZE: usize = 224;

fn main() {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_string());
    let precision = setting("EST_BENCH_PRECISION", "f32");
    let rounds: usize = setting("EST_BENCH_ROUNDS", "2").parse().expect("EST_BENCH_ROUNDS is a number");
    let mut peer = std::env::var("EST_BENCH_PYTHON").ok().map(|python| Peer::start(&python, &precision));
    let folder = tempfile::tempdir().expect("a folder");
    let mut own = Own::new(folder.path(), &precision, 1 + rounds as u64);

    // The first step of each allocates.
    own.step();
    peer.as_mut().map(Peer::step);
    let mut seconds = [vec![], vec![]];
    for _ in 0..rounds {
        if let Some(peer) = &mut peer {
            seconds[1].push(peer.step());
        }
        seconds[0].push(own.step());
    }
    let median = |seconds: &mut Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds.get(seconds.len() / 2).copied()
    };
    let [ours, theirs] = seconds.each_mut().map(median);
    let ours = ours.expect("a round");
    let images = (BATCH * 35) as f64;
    println!(
        "{precision}: est-train {ours:.2} s a step, {:.1} images/s, waited {:.3} s, peak {:.2} GiB",
        images / ours,
        own.waited,
        peak("self")
    );
    if let (Some(theirs), Some(peer)) = (theirs, &peer) {
        let peak = peak(&peer.child.id().to_string());
        println!("{precision}: PyTorch   {theirs:.2} s a step, {:.1} images/s, peak {peak:.2} GiB", images / theirs);
        println!("{precision}: ratio {:.3} (ours over PyTorch's speed)", theirs / ours);
    }
}

/// The most memory that a process held, in GiB.
fn peak(process: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(f64::NAN) / (1 << 20) as f64
}

struct Own {
    learner: Learner,
    loader: Loader,
    objective: Objective,
    steps: u64,
    /// Seconds for which steps waited for their batch, the first aside.
    waited: f64,
}

impl Own {
    fn new(folder: &std::path::Path, precision: &str, steps: u64) -> Self {
        let config = TrainConfig::PAPER;
        write_set(folder);
        let corpus = Corpus::new(PreparedSet::open(folder).expect("a set"), &config).expect("a corpus");
        let clips: Vec<usize> = (0..corpus.set().clips().len()).collect();
        let sampler = Sampler {
            seed: 1,
            clips: clips.len(),
            sampling: config.sampling,
            snippets: 7,
            frames: 5,
            draw: Draw::Snippets,
            orders: orders(7, 10, 1).expect("the paper's"),
            augment: Augment::PAPER,
        };
        let loader = Loader::new(Arc::new(corpus), sampler, clips, [BATCH, 2], [0, steps]);
        let graph = Network::Est(EstConfig::PAPER).training(&[]).expect("EST's outputs");
        let precision = if precision == "bf16" { Precision::Bf16 } else { Precision::F32 };
        let options = LearnerOptions { precision, ..LearnerOptions::default() };
        let learner = Learner::new(&graph, &random_weights(&graph, 1), &options).expect("a learner");
        Own { learner, loader, objective: Objective::PAPER, steps: 0, waited: 0.0 }
    }

    /// Seconds of a step, its batch included.
    fn step(&mut self) -> f64 {
        let started = Instant::now();
        let batch = self.loader.take().expect("a batch");
        if self.steps > 0 {
            self.waited += started.elapsed().as_secs_f64();
        }
        let Frames::Pixels(pixels) = &batch.frames else { unreachable!("a set of pictures") };
        let inputs = [Values::Pixels(pixels.into()), Values::Indices((&batch.order).into())];
        let targets = Targets { classes: batch.classes.clone(), orders: batch.orders.clone(), ..Targets::default() };
        self.learner.accumulate(BATCH, &inputs, &targets, &self.objective, 1.0, self.steps).expect("a step");
        self.steps += 1;
        let optimiser = TrainConfig::PAPER.optimiser;
        let step = AdamStep {
            step: self.steps,
            rate: optimiser.rate,
            betas: optimiser.betas,
            eps: optimiser.eps,
            weight_decay: optimiser.weight_decay,
            rate_factors: vec![],
            average: 0.0,
        };
        self.learner.update(&step).expect("an update");
        started.elapsed().as_secs_f64()
    }
}

/// tools/bench_train.py, which does a step for each line that it reads.
struct Peer {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Peer {
    fn start(python: &str, precision: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools/bench_train.py");
        let mut child = Command::new(python)
            .args([script, precision])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python}: {error}"));
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Peer { child, answers }
    }

    fn step(&mut self) -> f64 {
        self.child.stdin.as_mut().expect("piped").write_all(b"step\n").expect("it listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().parse().unwrap_or_else(|_| panic!("PyTorch says {line:?}"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sixteen clips of 105 crops: the goldens' moving pictures, as JPEGs of 15 kB as a face has.
fn write_set(out: &std::path::Path) {
    struct Painter;
    impl ClipMaker for Painter {
        fn make(&mut self, number: usize, scratch: &Scratch) -> Result<MadeClip, DataError> {
            let mut frames = scratch.frames();
            for frame in 0..105 {
                let pixels = est_goldens::frame_pixels(frame + number, SIZE, SIZE);
                let mut jpeg = vec![];
                let size = SIZE as u16;
                Encoder::new(&mut jpeg, 90).encode(&pixels, size, size, ColorType::Rgb).expect("memory");
                frames.push(frame as f64 / 25.0, &jpeg).expect("a disk");
            }
            let details = serde_json::Value::Null;
            Ok(MadeClip { status: ClipStatus::Ok, frames: Some(frames), decoded: 105, tracks: 1, note: None, details })
        }
    }
    let classes: Vec<String> = (0..7).map(|class| format!("class-{class}")).collect();
    let entry = |clip: usize| ClipEntry {
        id: format!("clip-{clip:02}"),
        source: est::Source::File("".into()),
        label: Some(clip % 7),
        subject: Some(format!("subject-{clip}")),
        part: None,
        note: None,
    };
    let clips: Vec<ClipRow> = (0..16).map(|clip| ClipRow::new(&entry(clip), &classes, String::new())).collect();
    let asked: Vec<Clip> = clips
        .iter()
        .map(|row| Clip {
            id: &row.clip,
            label: row.label.expect("a label"),
            subject: row.subject.as_deref(),
            part: None,
        })
        .collect();
    let split = Split::by_subject("bench", &asked, 2, 1).expect("folds");
    let settings = serde_json::json!({ "size": SIZE });
    let plan = SetPlan { name: "bench".to_string(), classes, settings, clips, split: Some(split), shard_clips: 16 };
    build(&plan, out, 0, || Ok(Painter), |_| ()).expect("a set");
}
