//! The walk over the graph: each operation as libtorch has it. Shapes: `est_nets::Op`.

use est_nets::{Activation, Graph, Node, NodeId, Op, Recurrent};
use tch::{Kind, Tensor};

use super::parameters::{Parameters, is_frozen};
use crate::error::TrainError;

/// PyTorch's share of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;
/// The floor of AA-SFE's weights (SPEC section 2, level 2), and of the norms in its cosine.
const COSINE_FLOOR: f64 = 1e-8;

pub(super) struct Walk<'a> {
    pub graph: &'a Graph,
    pub parameters: &'a Parameters,
    /// Dropout is live, batch norms see their own batch.
    pub train: bool,
    pub bf16: bool,
    pub frozen: &'a [String],
}

/// Values of nodes while they are needed.
struct Values {
    values: Vec<Option<Tensor>>,
    /// Reads of each value that are still to come; outputs are read once more at the end.
    reads: Vec<usize>,
    /// Values that are read once in all: no view of them lives on.
    once: Vec<bool>,
}

impl Values {
    fn peek(&self, id: NodeId) -> &Tensor {
        self.values[id].as_ref().expect("a node comes after those it reads")
    }

    /// Reads a value; the last reader gets the only handle.
    fn take(&mut self, id: NodeId) -> Tensor {
        self.reads[id] -= 1;
        if self.reads[id] == 0 {
            return self.values[id].take().expect("a node comes after those it reads");
        }
        self.peek(id).shallow_clone()
    }
}

impl Walk<'_> {
    /// The values of `outputs` for `batch` elements.
    pub fn run(&self, batch: usize, inputs: Vec<Tensor>, outputs: &[NodeId]) -> Result<Vec<Tensor>, TrainError> {
        let nodes = self.graph.nodes();
        let needed = self.needed(outputs);
        let mut reads = vec![0; nodes.len()];
        for (id, node) in nodes.iter().enumerate().filter(|(id, _)| needed[*id]) {
            node.inputs.iter().for_each(|&input| reads[input] += 1);
            reads[id] += outputs.iter().filter(|&&output| output == id).count();
        }
        let once = reads.iter().map(|&reads| reads == 1).collect();
        let mut values = Values { values: nodes.iter().map(|_| None).collect(), reads, once };
        let mut inputs = inputs.into_iter();
        for (id, node) in nodes.iter().enumerate() {
            let given = if matches!(node.op, Op::Input(_)) { inputs.next() } else { None };
            if needed[id] {
                let value = match given {
                    Some(given) => given,
                    None => self.node(batch, node, &mut values)?,
                };
                values.values[id] = Some(value);
            }
        }
        Ok(outputs.iter().map(|&id| values.take(id)).collect())
    }

    fn needed(&self, outputs: &[NodeId]) -> Vec<bool> {
        let mut needed = vec![false; self.graph.nodes().len()];
        outputs.iter().for_each(|&id| needed[id] = true);
        for (id, node) in self.graph.nodes().iter().enumerate().rev() {
            if needed[id] {
                node.inputs.iter().for_each(|&input| needed[input] = true);
            }
        }
        needed
    }

    /// Whether the value of `id` may be overwritten by its only reader: nothing keeps it for the backward pass. Batch norm,
    /// convolution, linear layer and dropout keep what they read and not what they make.
    fn spare(&self, id: NodeId, values: &Values) -> bool {
        let makes = &self.graph.node(id).op;
        let fresh = matches!(makes, Op::BatchNorm { .. } | Op::Conv2d { .. } | Op::Linear { .. } | Op::Add);
        fresh && values.once[id]
    }

    /// For products: bf16 where that is asked for.
    fn product(&self, tensor: &Tensor) -> Result<Tensor, TrainError> {
        Ok(if self.bf16 { tensor.f_to_kind(Kind::BFloat16)? } else { tensor.shallow_clone() })
    }

    fn linear(&self, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor, TrainError> {
        Ok(self.product(x)?.f_linear(&self.product(weight)?, Some(&self.product(bias)?))?)
    }

    fn node(&self, batch: usize, node: &Node, values: &mut Values) -> Result<Tensor, TrainError> {
        let get = |suffix: &str| self.parameters.get(&node.name, suffix);
        let spare = |values: &Values| self.spare(node.inputs[0], values);
        if let Op::Parameter { .. } = node.op {
            let weight = get("weight");
            return Ok(weight.f_unsqueeze(0)?.f_expand([&[batch as i64][..], &weight.size()].concat(), false)?);
        }
        if let Op::Attention { width, heads, dropout, .. } = node.op {
            let [x, key, value] = [0, 1, 2].map(|i| values.take(node.inputs[i]));
            let shared = [node.inputs[0] == node.inputs[1], node.inputs[1] == node.inputs[2]];
            return self.attention(
                &node.name,
                [x, key, value],
                shared,
                [width as i64, heads as i64],
                f64::from(dropout),
            );
        }
        if let Op::Concat = node.op {
            let parts: Vec<Tensor> = node.inputs.iter().map(|&input| values.take(input)).collect();
            return Ok(Tensor::f_cat(&parts, 1)?);
        }
        let in_place = spare(values);
        let mut x = values.take(node.inputs[0]);
        Ok(match node.op {
            Op::Input(_) | Op::Parameter { .. } | Op::Attention { .. } | Op::Concat => unreachable!("done above"),
            Op::Conv2d { stride, padding, groups, bias, .. } => {
                let bias = if bias { Some(self.product(get("bias"))?) } else { None };
                let (stride, padding) = (long(stride), long(padding));
                let weight = self.product(get("weight"))?;
                self.product(&x)?.f_conv2d(&weight, bias, stride, padding, [1, 1], groups as i64)?
            }
            Op::Conv3d { stride, padding, groups, bias, .. } => {
                let bias = if bias { Some(self.product(get("bias"))?) } else { None };
                let (stride, padding) = (long(stride), long(padding));
                let weight = self.product(get("weight"))?;
                self.product(&x)?.f_conv3d(&weight, bias, stride, padding, [1, 1, 1], groups as i64)?
            }
            Op::ConvTranspose2d { stride, padding, output_padding, bias, .. } => {
                let bias = if bias { Some(self.product(get("bias"))?) } else { None };
                let [stride, padding, output_padding] = [stride, padding, output_padding].map(long);
                let weight = self.product(get("weight"))?;
                self.product(&x)?.f_conv_transpose2d(&weight, bias, stride, padding, output_padding, 1, [1, 1])?
            }
            Op::BatchNorm { eps, .. } => {
                let train = self.train && !is_frozen(&node.name, self.frozen);
                let [weight, bias, mean, var] =
                    ["weight", "bias", "running_mean", "running_var"].map(|name| Some(get(name)));
                x.f_batch_norm(weight, bias, mean, var, train, MOMENTUM, f64::from(eps), true)?
            }
            Op::Activation(Activation::Relu) if in_place => x.f_relu_()?,
            Op::Activation(Activation::Relu) => x.f_relu()?,
            Op::Activation(Activation::LeakyRelu(slope)) => {
                x.f_clamp_min(0.0)?.f_add(&x.f_clamp_max(0.0)?.f_mul_scalar(f64::from(slope))?)?
            }
            Op::Activation(Activation::Elu(alpha)) => {
                let below = x.f_clamp_max(0.0)?.f_expm1()?.f_mul_scalar(f64::from(alpha))?;
                x.f_clamp_min(0.0)?.f_add(&below)?
            }
            Op::Activation(Activation::Sigmoid) => x.f_sigmoid()?,
            Op::Activation(Activation::Tanh) => x.f_tanh()?,
            Op::Activation(Activation::Silu) => x.f_silu()?,
            Op::Activation(Activation::Gelu) => x.f_gelu("none")?,
            Op::MaxPool2d { kernel, stride, padding } => {
                let [kernel, stride, padding] = [kernel, stride, padding].map(long);
                x.f_max_pool2d(kernel, stride, padding, [1, 1], false)?
            }
            Op::MaxPool3d { kernel, stride, padding } => {
                let [kernel, stride, padding] = [kernel, stride, padding].map(long);
                x.f_max_pool3d(kernel, stride, padding, [1, 1, 1], false)?
            }
            Op::AveragePool2d { kernel, stride, padding } => {
                let [kernel, stride, padding] = [kernel, stride, padding].map(long);
                x.f_avg_pool2d(kernel, stride, padding, false, true, None::<i64>)?
            }
            Op::AveragePool3d { kernel, stride, padding } => {
                let [kernel, stride, padding] = [kernel, stride, padding].map(long);
                x.f_avg_pool3d(kernel, stride, padding, false, true, None::<i64>)?
            }
            // From here on f32: what follows an encoder's features is small.
            Op::GlobalAveragePool => {
                let axes: Vec<i64> = (2..x.dim() as i64).collect();
                x.f_mean_dim(&axes[..], false, Kind::Float)?
            }
            Op::Lstm(spec) => {
                let x = x.f_to_kind(Kind::Float)?;
                let state = self.state(&x, spec)?;
                let tensors = self.recurrent(node, spec);
                let two = spec.bidirectional;
                x.f_lstm(
                    &[&state, &state],
                    &tensors.iter().collect::<Vec<_>>(),
                    true,
                    spec.layers as i64,
                    0.0,
                    self.train,
                    two,
                    true,
                )?
                .0
            }
            Op::Gru(spec) => {
                let x = x.f_to_kind(Kind::Float)?;
                let state = self.state(&x, spec)?;
                let tensors = self.recurrent(node, spec);
                let two = spec.bidirectional;
                x.f_gru(
                    &state,
                    &tensors.iter().collect::<Vec<_>>(),
                    true,
                    spec.layers as i64,
                    0.0,
                    self.train,
                    two,
                    true,
                )?
                .0
            }
            Op::UpsampleLike => {
                let like = values.take(node.inputs[1]).size();
                x.f_upsample_nearest2d([like[2], like[3]], None, None)?
            }
            Op::Add => {
                let y = values.take(node.inputs[1]);
                if in_place && x.kind() == y.kind() && x.size() == y.size() { x.f_add_(&y)? } else { x.f_add(&y)? }
            }
            Op::Gate => x.f_mul(&values.take(node.inputs[1]).f_unsqueeze(1)?)?,
            Op::Linear { .. } => self.linear(&x, get("weight"), get("bias"))?,
            Op::LayerNorm { width, eps } => {
                let x = x.f_to_kind(Kind::Float)?;
                x.f_layer_norm([width as i64], Some(get("weight")), Some(get("bias")), f64::from(eps), true)?
            }
            Op::Dropout { probability } => x.f_dropout(f64::from(probability), self.train)?,
            Op::Softmax => x.f_softmax(-1, Kind::Float)?,
            Op::Group { by } => x.f_reshape([&[-1, by as i64][..], &x.size()[1..]].concat())?,
            Op::Ungroup => x.f_flatten(0, 1)?,
            Op::StackFrames { frames } => {
                let stacked = x.f_reshape([&[-1, frames as i64][..], &x.size()[1..]].concat())?;
                stacked.f_transpose(1, 2)?
            }
            Op::UnstackFrames => x.f_transpose(1, 2)?.f_flatten(0, 1)?,
            Op::Flatten => x.f_flatten(1, -1)?,
            Op::MaxOverRows => x.f_amax([1], false)?,
            Op::MeanOverRows => x.f_mean_dim(&[1i64][..], false, Kind::Float)?,
            Op::CosinePool => {
                let general = values.take(node.inputs[1]).f_unsqueeze(1)?;
                let cosine = Tensor::f_cosine_similarity(&x, &general, 2, COSINE_FLOOR)?;
                let weight = cosine.f_clamp_min(COSINE_FLOOR)?.f_unsqueeze(2)?; // [b, n, 1]
                let sum = weight.f_mul(&x)?.f_sum_dim_intlist(&[1i64][..], false, Kind::Float)?;
                sum.f_div(&weight.f_sum_dim_intlist(&[1i64][..], false, Kind::Float)?)?
            }
            Op::Embedding { .. } => Tensor::f_embedding(get("weight"), &x.f_to_kind(Kind::Int64)?, -1, false, false)?,
            Op::StopGradient => x.f_detach()?,
            Op::CellsToRows { last } => x.f_permute([0, 2, 3, 1])?.f_reshape([x.size()[0], -1, last as i64])?,
        })
    }

    /// The state before the first row: zeros, [layers directions, b, hidden].
    fn state(&self, x: &Tensor, spec: Recurrent) -> Result<Tensor, TrainError> {
        let states = spec.layers * spec.directions().len();
        let size = [states as i64, x.size()[0], spec.hidden as i64];
        Ok(Tensor::f_zeros(size, (Kind::Float, x.device()))?)
    }

    /// The tensors of a recurrent layer in libtorch's order, which is that of the keys.
    fn recurrent(&self, node: &Node, spec: Recurrent) -> Vec<Tensor> {
        let mut tensors = vec![];
        for layer in 0..spec.layers {
            for suffix in spec.directions() {
                for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
                    let key = format!("{name}_l{layer}{suffix}");
                    tensors.push(self.parameters.get(&node.name, &key).shallow_clone());
                }
            }
        }
        tensors
    }

    /// Multi-head attention with biases; `shared`: query and key, key and value are one tensor.
    fn attention(
        &self,
        name: &str,
        [query, key, value]: [Tensor; 3],
        shared: [bool; 2],
        [width, heads]: [i64; 2],
        dropout: f64,
    ) -> Result<Tensor, TrainError> {
        let (weight, bias) = (self.parameters.get(name, "in_proj_weight"), self.parameters.get(name, "in_proj_bias"));
        // Rows first..first+count of the joint projection, as `count` tensors.
        let project = |x: &Tensor, first: i64, count: i64| -> Result<Vec<Tensor>, TrainError> {
            let weight = weight.f_narrow(0, first * width, count * width)?;
            let bias = bias.f_narrow(0, first * width, count * width)?;
            Ok(self.linear(x, &weight, &bias)?.f_chunk(count, -1)?)
        };
        let projected = match shared {
            [true, true] => project(&query, 0, 3)?,
            [_, true] => [project(&query, 0, 1)?, project(&key, 1, 2)?].concat_tensors(),
            _ => [project(&query, 0, 1)?, project(&key, 1, 1)?, project(&value, 2, 1)?].concat_tensors(),
        };
        let split = |x: &Tensor| -> Result<Tensor, TrainError> {
            let size = x.size();
            Ok(x.f_reshape([size[0], size[1], heads, width / heads])?.f_transpose(1, 2)?) // [b, h, n, d / h]
        };
        let [q, k, v] = [split(&projected[0])?, split(&projected[1])?, split(&projected[2])?];
        let scale = (width as f64 / heads as f64).sqrt().recip();
        let scores = q.f_mul_scalar(scale)?.f_matmul(&k.f_transpose(-2, -1)?)?; // [b, h, n, m]
        let weights = scores.f_softmax(-1, Kind::Float)?.f_dropout(dropout, self.train)?;
        let attended = self.product(&weights)?.f_matmul(&v)?.f_transpose(1, 2)?.f_flatten(2, 3)?;
        let parameter = |suffix: &str| self.parameters.get(name, suffix);
        self.linear(&attended, parameter("out_proj.weight"), parameter("out_proj.bias"))
    }
}

/// Sizes as libtorch takes them.
fn long<const N: usize>(sizes: [usize; N]) -> [i64; N] {
    sizes.map(|size| size as i64)
}

trait ConcatTensors {
    fn concat_tensors(self) -> Vec<Tensor>;
}

impl<const N: usize> ConcatTensors for [Vec<Tensor>; N] {
    fn concat_tensors(self) -> Vec<Tensor> {
        self.into_iter().flatten().collect()
    }
}
