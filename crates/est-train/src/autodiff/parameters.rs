//! The tensors of a network on its device.

use std::collections::BTreeMap;

use est_nets::{Graph, Op, Role, Tensor};
use tch::{Device, Kind};

use crate::error::TrainError;

/// One learned tensor.
pub(super) struct Parameter {
    pub name: String,
    /// In the shape of the state dict; of convolutions' weights, with channels-last strides.
    pub leaf: tch::Tensor,
    /// The same numbers as one row, in the order of memory: what the optimiser works on.
    pub flat: tch::Tensor,
    pub trained: bool,
    /// Adam's moments, from the first update on, in the order of `flat`.
    pub moments: Option<[tch::Tensor; 2]>,
    /// The moving average, from the first update that asks for one.
    pub average: Option<tch::Tensor>,
}

pub(super) struct Parameters {
    learned: Vec<Parameter>,
    /// Places in `learned`.
    places: BTreeMap<String, usize>,
    /// Batch statistics and tables.
    fixed: BTreeMap<String, tch::Tensor>,
    /// Batches that each norm has seen.
    counters: BTreeMap<String, f32>,
}

/// Whether a node or tensor called `name` belongs to a frozen part.
pub(super) fn is_frozen(name: &str, frozen: &[String]) -> bool {
    frozen.iter().any(|prefix| name.starts_with(prefix.as_str()))
}

impl Parameters {
    pub fn new(
        graph: &Graph,
        tensors: &BTreeMap<String, Tensor>,
        frozen: &[String],
        device: Device,
    ) -> Result<Self, TrainError> {
        let mut all =
            Parameters { learned: vec![], places: BTreeMap::new(), fixed: BTreeMap::new(), counters: BTreeMap::new() };
        for spec in graph.parameters() {
            let name = spec.name;
            let Some(tensor) = tensors.get(&name) else {
                if spec.role == Role::Counter {
                    all.counters.insert(name, 0.0);
                    continue;
                }
                return Err(TrainError::Tensor { key: name, problem: "is missing".to_string() });
            };
            if tensor.shape != spec.shape {
                let problem = format!("has the shape {:?}, not {:?}", tensor.shape, spec.shape);
                return Err(TrainError::Tensor { key: name, problem });
            }
            match spec.role {
                Role::Learned => {
                    let trained = !is_frozen(&name, frozen);
                    let (leaf, flat) = leaf(tensor, trained, device)?;
                    all.places.insert(name.clone(), all.learned.len());
                    all.learned.push(Parameter { name, leaf, flat, trained, moments: None, average: None });
                }
                Role::Fixed => _ = all.fixed.insert(name, loaded(tensor, device)?),
                Role::Counter => _ = all.counters.insert(name, tensor.data[0]),
            }
        }
        Ok(all)
    }

    pub fn trained(&self) -> impl Iterator<Item = &Parameter> {
        self.learned.iter().filter(|parameter| parameter.trained)
    }

    pub fn trained_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        self.learned.iter_mut().filter(|parameter| parameter.trained)
    }

    /// The tensor `node.suffix`.
    pub fn get(&self, node: &str, suffix: &str) -> &tch::Tensor {
        let name = format!("{node}.{suffix}");
        let learned = self.places.get(&name).map(|&place| &self.learned[place].leaf);
        learned.or_else(|| self.fixed.get(&name)).unwrap_or_else(|| panic!("{name} was not loaded"))
    }

    /// A batch went through the norms in training mode.
    pub fn count_batch(&mut self, graph: &Graph, frozen: &[String]) {
        let norms = graph.nodes().iter().filter(|node| matches!(node.op, Op::BatchNorm { .. }));
        for node in norms.filter(|node| !is_frozen(&node.name, frozen)) {
            *self.counters.get_mut(&format!("{}.num_batches_tracked", node.name)).expect("every norm has one") += 1.0;
        }
    }

    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        self.collect(|parameter| Ok(parameter.leaf.shallow_clone()))
    }

    pub fn averaged(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        self.collect(|parameter| match &parameter.average {
            Some(average) => like(average, &parameter.leaf),
            None => Ok(parameter.leaf.shallow_clone()),
        })
    }

    fn collect(
        &self,
        of: impl Fn(&Parameter) -> Result<tch::Tensor, TrainError>,
    ) -> Result<BTreeMap<String, Tensor>, TrainError> {
        let learned = self.learned.iter().map(|parameter| Ok((parameter.name.clone(), stored(&of(parameter)?)?)));
        let fixed = self.fixed.iter().map(|(name, tensor)| Ok((name.clone(), stored(tensor)?)));
        let counters = self.counters.iter().map(|(name, &count)| Ok((name.clone(), Tensor::new(vec![], vec![count]))));
        learned.chain(fixed).chain(counters).collect()
    }

    pub fn memory(&self) -> Result<BTreeMap<String, Tensor>, TrainError> {
        let mut memory = BTreeMap::new();
        for parameter in self.trained() {
            let moments = parameter.moments.iter().flat_map(|[first, second]| [("first", first), ("second", second)]);
            for (kind, flat) in moments.chain(parameter.average.iter().map(|average| ("average", average))) {
                memory.insert(format!("{kind}.{}", parameter.name), stored(&like(flat, &parameter.leaf)?)?);
            }
        }
        Ok(memory)
    }

    pub fn remember(&mut self, memory: &BTreeMap<String, Tensor>) -> Result<(), TrainError> {
        for parameter in self.learned.iter_mut().filter(|parameter| parameter.trained) {
            let get = |kind: &str| {
                let tensor = memory.get(&format!("{kind}.{}", parameter.name))?;
                Some(leaf(tensor, false, parameter.leaf.device()).map(|(_, flat)| flat))
            };
            parameter.average = get("average").transpose()?;
            parameter.moments = match (get("first").transpose()?, get("second").transpose()?) {
                (Some(first), Some(second)) => Some([first, second]),
                _ => None,
            };
        }
        Ok(())
    }
}

/// A row of numbers in memory order, in the shape and strides of `leaf`.
fn like(flat: &tch::Tensor, leaf: &tch::Tensor) -> Result<tch::Tensor, TrainError> {
    Ok(match leaf.size()[..] {
        [o, i, h, w] => flat.f_view([o, h, w, i])?.f_permute([0, 3, 1, 2])?,
        _ => flat.f_view(&leaf.size()[..])?,
    })
}

/// A tensor in the shape and order of `leaf` as a row in memory order.
pub(super) fn row(tensor: &tch::Tensor) -> Result<tch::Tensor, TrainError> {
    Ok(channels_last(tensor)?.f_reshape([-1])?)
}

/// [n, c, h, w] -> [n, h, w, c], a matter of strides where the tensor is channels-last; others as they are.
pub(super) fn channels_last(tensor: &tch::Tensor) -> Result<tch::Tensor, TrainError> {
    Ok(if tensor.dim() == 4 { tensor.f_permute([0, 2, 3, 1])? } else { tensor.shallow_clone() })
}

fn leaf(tensor: &Tensor, trained: bool, device: Device) -> Result<(tch::Tensor, tch::Tensor), TrainError> {
    let loaded = loaded(tensor, device)?;
    // A copy of its own even where the reshape gives a view.
    let flat = row(&loaded)?.f_contiguous()?;
    let leaf = like(&flat, &loaded)?.f_detach()?.f_set_requires_grad(trained)?;
    Ok((leaf, flat))
}

fn loaded(tensor: &Tensor, device: Device) -> Result<tch::Tensor, TrainError> {
    let size: Vec<i64> = tensor.shape.iter().map(|&side| side as i64).collect();
    Ok(tch::Tensor::f_from_slice(&tensor.data)?.f_view(&size[..])?.f_to_device(device)?)
}

/// Back from the device.
pub(super) fn stored(tensor: &tch::Tensor) -> Result<Tensor, TrainError> {
    let shape = tensor.size().iter().map(|&side| side as usize).collect();
    Ok(Tensor::new(shape, numbers(tensor)?))
}

/// In the order of the tensor's dimensions.
pub(super) fn numbers(tensor: &tch::Tensor) -> Result<Vec<f32>, TrainError> {
    let tensor = tensor.f_detach()?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Float)?.f_contiguous()?;
    let mut numbers = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}
