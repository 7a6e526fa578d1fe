//! `cargo bench -p est-engine`: ResNet-18 on 224x224 pictures and the detector on 640x480, in images per second and as a
//! share of what the processor's registers can multiply. Arguments:
//! - none: the table; `profile [threads batch precision network]`: seconds of every layer.
//! - `server`: reads lines `threads batch precision network` (precision: exact or default; network: resnet18,
//!   resnet34, resnet50, separable16, retinaface640x480 or tail) and answers each with a line of JSON: the seconds of
//!   one run. The first run of each setting is preceded by one that is not timed. A driver can so take turns between
//!   engines.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Instant;

use est_engine::{Options, Precision, Session};
use est_kernels::{Isa, peak};
use est_nets::{Architecture, Backbone, Convention, EstConfig, Graph, Node, macs, random_weights, retinaface};

/// Runs of each setting; the median counts.
const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["server"] => serve(),
        ["profile", ref setting @ ..] => profile(&setting.join(" ")),
        _ => table(),
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Setting {
    threads: usize,
    batch: usize,
    exact: bool,
    network: String,
}

impl Setting {
    fn parse(line: &str) -> Result<Setting, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [threads, batch, precision @ ("exact" | "default"), network] = words[..] else {
            return Err(format!("`{line}`: want threads, batch, exact or default, network"));
        };
        let number = |word: &str| word.parse().map_err(|_| format!("`{word}` is no number"));
        let network = network.to_string();
        Ok(Setting { threads: number(threads)?, batch: number(batch)?, exact: precision == "exact", network })
    }

    fn graph(&self) -> Result<Graph, String> {
        Ok(match &self.network[..] {
            "resnet18" => Backbone::ResNet18.graph(224),
            "resnet34" => Backbone::ResNet34.graph(224),
            "resnet50" => Backbone::ResNet50.graph(224),
            // As the default weights have it.
            "separable16" => Backbone::Separable16.graph(112),
            "retinaface640x480" => retinaface::graph(480, 640),
            // What follows the frame encoder: from the features of a clip's frames to its class.
            "tail" => {
                EstConfig::PAPER.graph().cut(&["features", "order"], &["class_logits"]).expect("names of the network")
            }
            other => return Err(format!("`{other}` is no network here")),
        })
    }
}

/// A session with input to run it on.
struct Runner {
    session: Session,
    batch: usize,
    inputs: Vec<Vec<f32>>,
    multiply_adds: f64,
    /// Seconds that the session took to be made.
    construction: f64,
}

impl Runner {
    fn new(setting: &Setting) -> Result<Runner, String> {
        let graph = setting.graph()?;
        let precision = if setting.exact { Precision::Exact } else { Precision::Default };
        let options = Options { threads: setting.threads, precision };
        let weights = random_weights(&graph, 1);
        let start = Instant::now();
        let session = Session::new(&graph, &weights, &options).map_err(|e| e.to_string())?;
        let construction = start.elapsed().as_secs_f64();
        let batch = setting.batch;
        let input = |node: &Node| match (&node.name[..], node.shape.len()) {
            ("order", len) => (0..len * batch).map(|i| (i % len) as f32).collect(),
            (_, len) => (0..len * batch).map(|i| (i * 37 % 256) as f32 / 255.0).collect(),
        };
        let inputs = graph.inputs().map(|(_, node)| input(node)).collect();
        let multiply_adds = macs(&graph, Convention::Products) as f64 * batch as f64;
        let mut runner = Runner { session, batch, inputs, multiply_adds, construction };
        runner.run();
        Ok(runner)
    }

    /// Seconds of one run.
    fn run(&mut self) -> f64 {
        let inputs: Vec<&[f32]> = self.inputs.iter().map(|input| &input[..]).collect();
        let start = Instant::now();
        self.session.run(self.batch, &inputs).expect("our own frames fit");
        start.elapsed().as_secs_f64()
    }
}

fn serve() {
    let mut runners: BTreeMap<Setting, Runner> = BTreeMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let answer = Setting::parse(&line).and_then(|setting| {
            if !runners.contains_key(&setting) {
                runners.insert(setting.clone(), Runner::new(&setting)?);
            }
            let runner = runners.get_mut(&setting).expect("just put there");
            Ok(format!(r#"{{"seconds": {}, "uses": "{}"}}"#, runner.run(), runner.session.precision()))
        });
        let answer = answer.unwrap_or_else(|error| format!(r#"{{"error": {error:?}}}"#));
        println!("{answer}");
        std::io::stdout().flush().expect("standard output is open");
    }
}

fn profile(setting: &str) {
    let setting = if setting.is_empty() { "1 35 default resnet18" } else { setting };
    let setting = Setting::parse(setting).unwrap_or_else(|error| panic!("{error}"));
    let mut runner = Runner::new(&setting).unwrap_or_else(|error| panic!("{error}"));
    println!("{}", runner.session.plan());
    let inputs: Vec<&[f32]> = runner.inputs.iter().map(|input| &input[..]).collect();
    let profiles = (0..ROUNDS).map(|_| runner.session.profile(runner.batch, &inputs).expect("our own frames fit"));
    let profiles: Vec<Vec<(String, f64)>> = profiles.collect();
    let mut sum = 0.0;
    for (step, (name, _)) in profiles[0].iter().enumerate() {
        let mut seconds: Vec<f64> = profiles.iter().map(|profile| profile[step].1).collect();
        seconds.sort_by(f64::total_cmp);
        let each = seconds[ROUNDS / 2] / runner.batch as f64;
        sum += each;
        println!("{name:30} {:8.1} us an image", each * 1e6);
    }
    let run = runner.run() / runner.batch as f64;
    println!("session made in {:.0} ms", runner.construction * 1e3);
    println!("{:30} {:8.1} us an image; a whole run {:.1}", "all", sum * 1e6, run * 1e6);
}

fn table() {
    let peaks = Isa::available().map(|isa| (isa, peak::multiply_adds_per_second(isa)));
    let peaks: BTreeMap<Isa, f64> = peaks.collect();
    for (isa, peak) in &peaks {
        println!("register peak of one thread, {isa}: {:.1} G multiply-adds/s", peak * 1e-9);
    }
    let best = Isa::best();
    for exact in [true, false] {
        for threads in [1, 2] {
            for (network, batches) in [("resnet18", &[1, 5, 35][..]), ("retinaface640x480", &[1])] {
                for &batch in batches {
                    let setting = Setting { threads, batch, exact, network: network.to_string() };
                    let mut runner = Runner::new(&setting).expect("a setting of ours");
                    let mut seconds: Vec<f64> = (0..ROUNDS).map(|_| runner.run()).collect();
                    seconds.sort_by(f64::total_cmp);
                    let uses = runner.session.precision();
                    let isa = if uses == "bf16" { Isa::Avx512Bf16 } else { best.min(Isa::Avx512) };
                    let rate = batch as f64 / seconds[ROUNDS / 2];
                    let share = runner.multiply_adds / seconds[ROUNDS / 2] / (peaks[&isa] * threads as f64);
                    println!(
                        "{network:18} {uses:5} threads {threads}  batch {batch:2}  {rate:7.1} images/s  {:5.1} % of the peak",
                        100.0 * share
                    );
                }
            }
        }
    }
}
