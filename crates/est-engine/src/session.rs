//! A network that is ready to run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use est_kernels::Aligned;
use est_nets::{Graph, Tensor};
use rayon::ThreadPool;

use crate::buffers::Place;
use crate::clock::Clock;
use crate::error::EngineError;
use crate::finite::{first_step, not_finite};
use crate::front::Cores;
use crate::layer::Workspace;
use crate::plan::{Plan, Step};
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

/// A planned network with its weights and working memory. A clone shares the plan and the weights, which are packed once,
/// and has working memory of its own, so that many threads run one network beside each other without a lock.
pub struct Session {
    plan: Arc<Plan>,
    threads: Arc<ThreadPool>,
    buffers: Vec<Aligned<f32>>,
    /// Each thread's own buffers for the plan's front.
    cores: Cores,
    workspace: Workspace,
}

impl Session {
    /// Plans `graph`. Nodes that no output needs are dropped ([`Graph::cut`] chooses outputs) and their tensors need not
    /// be there; other tensors that the graph does not name are ignored. `tensors` are in PyTorch's layout and are
    /// copied in the kernels' own.
    ///
    /// # Errors
    /// A missing or misshapen tensor, by its key; an operation that no kernel does; threads that do not start.
    pub fn new(graph: &Graph, tensors: &BTreeMap<String, Tensor>, options: &Options) -> Result<Session, EngineError> {
        let threads = threads::pool(options.threads)?;
        let plan = threads.install(|| Plan::new(graph, tensors, options.precision))?;
        Ok(Session::of(Arc::new(plan), threads))
    }

    /// Without working memory yet: it grows in the first run.
    fn of(plan: Arc<Plan>, threads: Arc<ThreadPool>) -> Session {
        let mut session = Session { plan, threads, buffers: vec![], cores: vec![], workspace: Workspace::default() };
        session.buffers.resize_with(session.plan.buffers.len(), Aligned::default);
        session.cores.resize_with(session.threads.current_num_threads(), Mutex::default);
        session
    }

    /// Runs `batch` elements. `inputs` are in the order of [`Graph::inputs`], the results in that of [`Graph::outputs`];
    /// each holds its items one behind the other, images channels-last (see the crate's page). The batch may change from
    /// call to call; working memory stays at the largest.
    ///
    /// # Errors
    /// Inputs of the wrong number or length; an index outside its table; a result that is NaN or infinite, with the layer
    /// that it comes from.
    pub fn run(&mut self, batch: usize, inputs: &[&[f32]]) -> Result<Vec<Vec<f32>>, EngineError> {
        self.run_timed(batch, inputs, &Clock::default())
    }

    /// Runs like [`Session::run`] and says what each step of [`Session::plan`] took: its name and seconds, those of steps
    /// that threads run side by side divided by the number of threads.
    ///
    /// # Errors
    /// Those of [`Session::run`].
    pub fn profile(&mut self, batch: usize, inputs: &[&[f32]]) -> Result<Vec<(String, f64)>, EngineError> {
        let clock = Clock::new(self.plan.steps.len());
        self.run_timed(batch, inputs, &clock)?;
        let threads = self.threads.current_num_threads();
        // Images that the front divides among threads are fewer than threads; counting them like the others is near enough.
        let of = |(index, (step, seconds)): (usize, (&Step, f64))| match index < self.plan.front.steps {
            true => (step.name.clone(), seconds / batch.min(threads) as f64),
            false => (step.name.clone(), seconds),
        };
        Ok(self.plan.steps.iter().zip(clock.seconds()).enumerate().map(of).collect())
    }

    fn run_timed(&mut self, batch: usize, inputs: &[&[f32]], clock: &Clock) -> Result<Vec<Vec<f32>>, EngineError> {
        self.check(batch, inputs)?;
        let outputs = self.compute(batch, inputs, clock)?;
        // Which layer a NaN is from is found by computing the element again: what runs well pays for one pass over its results.
        let element = |(output, &value): (&Vec<f32>, &usize)| Some(not_finite(output)? / self.plan.values[value].len);
        match outputs.iter().zip(&self.plan.outputs).filter_map(element).min() {
            Some(element) => Err(self.not_finite(element, batch, inputs)),
            None => Ok(outputs),
        }
    }

    fn not_finite(&self, element: usize, batch: usize, inputs: &[&[f32]]) -> EngineError {
        let part = |input: &&[f32]| {
            let len = input.len() / batch;
            element * len..(element + 1) * len
        };
        let inputs: Vec<&[f32]> = inputs.iter().map(|input| &input[part(input)]).collect();
        let node = self.threads.install(|| first_step(&self.plan, &inputs));
        let last = || self.plan.steps.last().map(|step| step.name.clone()).unwrap_or_default();
        EngineError::NotFinite { node: node.unwrap_or_else(last), element }
    }

    fn compute(&mut self, batch: usize, inputs: &[&[f32]], clock: &Clock) -> Result<Vec<Vec<f32>>, EngineError> {
        let Session { plan, threads, buffers, cores, workspace } = self;
        for (buffer, len) in buffers.iter_mut().zip(&plan.buffers) {
            buffer.reserve(len * batch);
        }
        threads.install(|| {
            let (front, rest) = plan.steps.split_at(plan.front.steps);
            if let Some(last) = front.last() {
                let mut output = take(plan, buffers, last);
                let target = &mut output[..plan.values[last.output].len * batch];
                let result = plan.front.run(front, inputs[0], target, (cores, workspace, clock));
                put(plan, buffers, last, output);
                result?;
            }
            for (index, step) in rest.iter().enumerate() {
                let mut output = take(plan, buffers, step);
                let read: Vec<&[f32]> =
                    step.inputs.iter().map(|&value| get(plan, buffers, inputs, batch, value)).collect();
                let target = &mut output[..plan.values[step.output].len * batch];
                let run = || step.kernel.run(&read, target, workspace);
                let result = clock.time(front.len() + index, run);
                put(plan, buffers, step, output);
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
        if self.plan.images.has_bf16() { "bf16" } else { "f32" }
    }

    /// One line a step: layer, kernel, shape of the result, buffers; for people.
    pub fn plan(&self) -> String {
        self.plan.to_string()
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        Session::of(self.plan.clone(), self.threads.clone())
    }
}

/// Takes the buffer out that a step writes: the plan never writes to one that the same step reads.
fn take(plan: &Plan, buffers: &mut [Aligned<f32>], step: &Step) -> Aligned<f32> {
    std::mem::take(&mut buffers[target(plan, step)])
}

fn put(plan: &Plan, buffers: &mut [Aligned<f32>], step: &Step, buffer: Aligned<f32>) {
    buffers[target(plan, step)] = buffer;
}

fn target(plan: &Plan, step: &Step) -> usize {
    match plan.values[step.output].place {
        Place::Buffer(target) => target,
        Place::Input(_) => unreachable!("steps write to buffers"),
    }
}

/// The numbers of a value.
fn get<'a>(plan: &Plan, buffers: &'a [Aligned<f32>], inputs: &[&'a [f32]], batch: usize, value: usize) -> &'a [f32] {
    let value = &plan.values[value];
    match value.place {
        Place::Input(number) => inputs[number],
        Place::Buffer(number) => &buffers[number][..value.len * batch],
    }
}
