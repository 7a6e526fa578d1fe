//! Gradients of a [`Graph`] on libtorch: the only folder that knows the framework. Outside it, tensors are slices in the
//! graph's shapes, so another framework would take its place here and nowhere else.
//!
//! Pictures travel channels-last. In mixed precision the master weights, the residual stream of the transformer, norms'
//! parameters, softmax and losses stay f32; convolutions and matrix products run in bf16. The casts are explicit: tch's
//! autocast switch has no device argument and leaves the CPU alone.

mod adam;
mod forward;
mod objective;
mod parameters;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use est_nets::{Graph, Tensor, Values};
use serde::{Deserialize, Serialize};
use tch::Kind;

pub use adam::AdamStep;
use forward::Walk;
pub use objective::{CLASS, Losses, ORDER, Targets};
use parameters::Parameters;

use crate::error::TrainError;
use crate::objective::Objective;

/// Where the arithmetic is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    Cpu,
    /// The first CUDA device.
    Cuda,
}

/// Of convolutions and matrix products; master weights are always f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    F32,
    Bf16,
}

impl Precision {
    /// Whether libtorch has fast arithmetic for it on `device`: its bf16 needs AVX-512 (BW, DQ and VL). Without it ResNet-18
    /// trained at 1 picture of 112 x 112 a second on two cores that did 42 in f32.
    pub fn is_fast(self, device: Device) -> bool {
        #[cfg(target_arch = "x86_64")]
        if self == Precision::Bf16 && device == Device::Cpu {
            use std::arch::is_x86_feature_detected as has;
            return has!("avx512bw") && has!("avx512dq") && has!("avx512vl");
        }
        let _ = device;
        true
    }
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnerOptions {
    pub device: Device,
    pub precision: Precision,
    /// Intra-operation threads of the process; 0: all cores. The last bits of results may depend on it.
    pub threads: usize,
    /// Nodes whose name begins with one of these are not trained; their batch norms keep their statistics.
    pub frozen: Vec<String>,
    /// Per RGB channel on the [0, 1] scale, for inputs given as pixels.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

impl Default for LearnerOptions {
    fn default() -> Self {
        LearnerOptions {
            device: Device::Cpu,
            precision: Precision::F32,
            threads: 0,
            frozen: vec![],
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }
}

/// The process has one generator: a pass has it to itself from its seed to its last dropout.
static GENERATOR: Mutex<()> = Mutex::new(());

/// A network on a device with everything that training changes: weights, batch statistics, Adam's moments, and the
/// moving average where one is kept.
pub struct Learner {
    graph: Graph,
    options: LearnerOptions,
    device: tch::Device,
    parameters: Parameters,
    /// Sums of gradients since the last update, by trained parameter; None where no loss depended on it.
    gradients: Vec<Option<tch::Tensor>>,
}

impl Learner {
    /// Takes `graph` with its weights to the device.
    ///
    /// # Errors
    /// No such device; a tensor missing or misshapen.
    pub fn new(
        graph: &Graph,
        tensors: &BTreeMap<String, Tensor>,
        options: &LearnerOptions,
    ) -> Result<Self, TrainError> {
        let device = match options.device {
            Device::Cpu => tch::Device::Cpu,
            Device::Cuda if tch::Cuda::is_available() => tch::Device::Cuda(0),
            Device::Cuda => return Err(TrainError::NoCuda),
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if options.threads == 0 { cores } else { options.threads };
        tch::set_num_threads(threads.try_into().unwrap_or(i32::MAX));
        let parameters = Parameters::new(graph, tensors, &options.frozen, device)?;
        let gradients = parameters.trained().map(|_| None).collect();
        Ok(Learner { graph: graph.clone(), options: options.clone(), device, parameters, gradients })
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// One forward and backward pass in training mode over `batch` elements. `inputs` are in the order of
    /// [`Graph::inputs`]. Gradients of `share` times the objective are added to those that wait for the next update;
    /// `seed` decides the dropout.
    ///
    /// # Errors
    /// When libtorch fails: out of memory, most likely.
    pub fn accumulate(
        &mut self,
        batch: usize,
        inputs: &[Values],
        targets: &Targets,
        objective: &Objective,
        share: f64,
        seed: u64,
    ) -> Result<Losses, TrainError> {
        let names = objective::outputs(&self.graph, objective);
        let outputs = {
            let _generator = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
            // Seeded anew for every pass, so that no state of it has to be stored.
            tch::manual_seed((seed & i64::MAX as u64) as i64);
            let each: Vec<&str> = names.iter().map(String::as_str).collect();
            let values = self.walk(batch, inputs, true, &each)?;
            names.into_iter().zip(values).collect()
        };
        let (total, losses) = objective::losses(&outputs, targets, objective, self.device)?;
        self.parameters.count_batch(&self.graph, &self.options.frozen);
        let leaves: Vec<&tch::Tensor> = self.parameters.trained().map(|parameter| &parameter.leaf).collect();
        let total = total.f_mul_scalar(share)?;
        let new = tch::Tensor::f_run_backward(&[&total], &leaves, false, false)?;
        tch::no_grad(|| {
            for (sum, new) in self.gradients.iter_mut().zip(new).filter(|(_, new)| new.defined()) {
                match sum {
                    Some(sum) => _ = sum.f_add_(&new)?,
                    None => *sum = Some(new),
                }
            }
            Ok(losses)
        })
    }

    /// One step of Adam with the gradients that wait, which are gone afterwards.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn update(&mut self, step: &AdamStep) -> Result<(), TrainError> {
        let gradients: Vec<_> = self.gradients.iter_mut().map(Option::take).collect();
        tch::no_grad(|| adam::update(&mut self.parameters, gradients, step))
    }

    /// Outputs in evaluation mode, by name and in the graph's own layout, but pictures channels-last.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn evaluate(&self, batch: usize, inputs: &[Values], names: &[&str]) -> Result<Vec<Vec<f32>>, TrainError> {
        let outputs = tch::no_grad(|| self.walk(batch, inputs, false, names))?;
        outputs.iter().map(|tensor| parameters::numbers(&parameters::channels_last(tensor)?)).collect()
    }

    fn walk(
        &self,
        batch: usize,
        inputs: &[Values],
        train: bool,
        names: &[&str],
    ) -> Result<Vec<tch::Tensor>, TrainError> {
        let ids: Vec<_> = names
            .iter()
            .map(|name| {
                let found = self.graph.outputs().iter().find(|(output, _)| output == name);
                found.unwrap_or_else(|| panic!("the network has no output {name}")).1
            })
            .collect();
        assert_eq!(self.graph.inputs().count(), inputs.len(), "inputs of the network");
        let given = self.graph.inputs().zip(inputs);
        let inputs = given.map(|((_, node), values)| self.to_device(batch, &node.shape, values));
        let inputs = inputs.collect::<Result<Vec<_>, TrainError>>()?;
        let bf16 = self.options.precision == Precision::Bf16;
        let walk = Walk { graph: &self.graph, parameters: &self.parameters, train, bf16, frozen: &self.options.frozen };
        let outputs = walk.run(batch, inputs, &ids)?;
        outputs.into_iter().map(|tensor| Ok(tensor.f_to_kind(Kind::Float)?)).collect()
    }

    fn to_device(&self, batch: usize, shape: &est_nets::Shape, input: &Values) -> Result<tch::Tensor, TrainError> {
        let items = (batch * shape.repeat) as i64;
        // Pictures are told as [n, h, w, c] and seen as [n, c, h, w]: strides alone, which is libtorch's channels-last.
        let pictures = shape.item.len() == 3;
        let item: Vec<i64> = match shape.item[..] {
            [channels, height, width] => vec![height as i64, width as i64, channels as i64],
            _ => shape.item.iter().map(|&side| side as i64).collect(),
        };
        let size = [&[items][..], &item].concat();
        assert_eq!(input.len() as i64, size.iter().product::<i64>(), "numbers of an input {size:?}");
        let tensor = match input {
            Values::Pixels(pixels) => {
                let x = tch::Tensor::f_from_data_size(&pixels[..], &size, Kind::Uint8)?.f_to_device(self.device)?;
                let x = x.f_to_kind(Kind::Float)?.f_div_scalar_(255.0)?;
                if (self.options.mean, self.options.std) == ([0.0; 3], [1.0; 3]) {
                    x
                } else {
                    let channel = |values: &[f32; 3]| tch::Tensor::from_slice(values).to_device(self.device);
                    x.f_sub(&channel(&self.options.mean))?.f_div(&channel(&self.options.std))?
                }
            }
            Values::Numbers(numbers) => {
                tch::Tensor::f_from_slice(numbers)?.f_to_device(self.device)?.f_view(&size[..])?
            }
            Values::Indices(indices) => {
                tch::Tensor::f_from_slice(indices)?.f_to_device(self.device)?.f_view(&size[..])?
            }
        };
        Ok(if pictures { tensor.f_permute([0, 3, 1, 2])? } else { tensor })
    }

    /// The gradients that wait for the next update, in PyTorch's layouts; a parameter that no loss depends on has none.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn gradients(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        let all = self.parameters.trained().zip(&self.gradients);
        let known = all.filter_map(|(parameter, gradient)| Some((parameter, gradient.as_ref()?)));
        known.map(|(parameter, gradient)| Ok((parameter.name.clone(), parameters::stored(gradient)?))).collect()
    }

    /// Weights and batch statistics, in PyTorch's layouts.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        self.parameters.tensors()
    }

    /// The moving average of the weights with the current batch statistics; without one, [`Learner::tensors`].
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn averaged(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        self.parameters.averaged()
    }

    /// What the optimiser remembers: `first.NAME`, `second.NAME` (Adam's moments) and `average.NAME`, each in the
    /// weight's shape.
    ///
    /// # Errors
    /// When libtorch fails.
    pub fn memory(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        self.parameters.memory()
    }

    /// Puts back what [`Learner::memory`] gave.
    ///
    /// # Errors
    /// When libtorch fails.
    ///
    /// # Panics
    /// When a tensor does not fit: the caller has checked the file.
    pub fn remember(&mut self, memory: &BTreeMap<String, Tensor>) -> Result<(), TrainError> {
        self.parameters.remember(memory)
    }
}
