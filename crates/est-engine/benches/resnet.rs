//! `cargo bench -p est-engine`: ResNet-18 on 224x224 pictures, images per second. tools/bench_onnxruntime.py prints the
//! same of ONNX Runtime. Where other work runs on the machine, run the two by turns and compare.

use std::time::Instant;

use est_engine::{Options, Session};
use est_nets::{Backbone, Convention, macs, random_weights};

/// Runs of each setting; the median counts.
const ROUNDS: usize = 7;

fn main() {
    let graph = Backbone::ResNet18.graph(224);
    let weights = random_weights(&graph, 1);
    let operations = 2.0 * macs(&graph, Convention::Products) as f64;
    for threads in [1, 2] {
        let mut session = Session::new(&graph, &weights, &Options { threads }).expect("our own weights fit");
        for batch in [1, 5, 35] {
            let frames = vec![0.5; batch * 3 * 224 * 224];
            let mut run = || {
                let start = Instant::now();
                session.run(batch, &[&frames]).expect("our own frames fit");
                start.elapsed().as_secs_f64()
            };
            run();
            let mut seconds: Vec<f64> = (0..ROUNDS).map(|_| run()).collect();
            seconds.sort_by(f64::total_cmp);
            let rate = batch as f64 / seconds[ROUNDS / 2];
            let gflops = rate * operations * 1e-9;
            println!("est-engine   threads {threads}  batch {batch:2}  {rate:6.1} images/s  {gflops:6.1} GFLOP/s");
        }
    }
}
