//! A network that is ready to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use est_nets::{Graph, Tensor};
use rayon::ThreadPool;

use crate::buffers::Place;
use crate::error::EngineError;
use crate::plan::Plan;
use crate::threads;

/// How the convolutions of the frame encoder multiply. All else is f32 in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// f32: the numbers of PyTorch but for rounding.
    Exact,
    /// Factors in bf16, sums in f32, where the processor multiplies bf16; f32 elsewhere.
    #[default]
    Default,
}

/// How to run. Sessions with the same number of threads share these threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// 0: as many as the machine runs at once.
    pub threads: usize,
    pub precision: Precision,
}

impl Options {
    /// f32 on as many threads as the machine runs at once.
    pub const EXACT: Options = Options { threads: 0, precision: Precision::Exact };
}

/// A planned network with its weights and working memory.
pub struct Session {
    plan: Plan,
    threads: Arc<ThreadPool>,
    buffers: Vec<Vec<f32>>,
}

impl Session {
    /// Plans `graph`. Nodes that no output needs are dropped ([`Graph::cut`] chooses outputs) and their tensors need not
    /// be there; other tensors that the graph does not name are ignored. `tensors` are in PyTorch's layout and are
    /// copied in the kernels' own.
    ///
    /// # Errors
    /// A missing or misshapen tensor, by its key; an operation that no kernel does; threads that do not start.
    pub fn new(graph: &Graph, tensors: &BTreeMap<String, Tensor>, options: &Options) -> Result<Session, EngineError> {
        let plan = Plan::new(graph, tensors)?;
        Ok(Session { buffers: vec![vec![]; plan.buffers.len()], threads: threads::pool(options.threads)?, plan })
    }

    /// Runs `batch` elements. `inputs` are in the order of [`Graph::inputs`], the results in that of [`Graph::outputs`];
    /// each holds its items one behind the other, images channels-last (see the crate's page). The batch may change from
    /// call to call; working memory stays at the largest.
    ///
    /// # Errors
    /// Inputs of the wrong number or length; an index outside its table.
    pub fn run(&mut self, batch: usize, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.check(batch, inputs)?;
        let Session { plan, threads, buffers } = self;
        for (buffer, len) in buffers.iter_mut().zip(&plan.buffers) {
            if buffer.len() < len * batch {
                buffer.resize(len * batch, 0.0);
            }
        }
        threads.install(|| {
            for step in &plan.steps {
                let Place::Buffer(target) = plan.values[step.output].place else {
                    unreachable!("steps write to buffers")
                };
                // The plan never writes to a buffer that the same step reads.
                let mut output = std::mem::take(&mut buffers[target]);
                let read: Vec<&[f32]> =
                    step.inputs.iter().map(|&value| get(plan, buffers, inputs, batch, value)).collect();
                let result = step.kernel.run(&read, &mut output[..plan.values[step.output].len * batch]);
                buffers[target] = output;
                result?;
            }
            let output = |&value: &usize| get(plan, buffers, inputs, batch, value).to_vec();
            Ok(plan.outputs.iter().map(output).collect())
        })
    }

    fn check(&self, batch: usize, inputs: &[&[f32]]) -> Result<(), EngineError> {
        let names = &self.plan.inputs;
        if inputs.len() != names.len() {
            return Err(EngineError::InputCount {
                expected: names.len(),
                names: names.join(", "),
                found: inputs.len(),
            });
        }
        for ((input, name), value) in inputs.iter().zip(names).zip(&self.plan.values) {
            let expected = value.len * batch;
            if input.len() != expected {
                return Err(EngineError::InputLength { input: name.clone(), batch, expected, found: input.len() });
            }
        }
        Ok(())
    }

    /// What the products of the convolutions are made of: "f32" or "bf16".
    pub fn precision(&self) -> &'static str {
        "f32"
    }

    /// One line a step: layer, kernel, shape of the result, buffers; for people.
    pub fn plan(&self) -> String {
        self.plan.to_string()
    }
}

/// The numbers of a value.
fn get<'a>(plan: &Plan, buffers: &'a [Vec<f32>], inputs: &[&'a [f32]], batch: usize, value: usize) -> &'a [f32] {
    let value = &plan.values[value];
    match value.place {
        Place::Input(number) => inputs[number],
        Place::Buffer(number) => &buffers[number][..value.len * batch],
    }
}
