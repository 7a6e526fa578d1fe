//! Which tensors an operation owns, and how they start.

use crate::op::{Op, Recurrent};

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    Zeros,
    Ones,
    /// Uniform in +-bound.
    Uniform(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// The fixed sine/cosine table: even columns sine, odd columns cosine of position / 10000^(2 floor(column/2) / width).
    Positions,
}

/// What a stored tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Trained by gradient; these are the parameters that papers count.
    Learned,
    /// Batch statistics and fixed tables: stored, not trained.
    Fixed,
    /// PyTorch's step counter of a batch norm; files may lack it.
    Counter,
}

/// A tensor that a graph needs: `name` is its key in a PyTorch state dict.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterSpec {
    pub name: String,
    pub shape: Vec<usize>,
    pub init: Init,
    pub role: Role,
}

/// How the filters or matrices of a layer start. Biases start with PyTorch's default in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WeightInit {
    /// PyTorch's default for that layer.
    #[default]
    Default,
    /// Kaiming uniform with a = 0, bound sqrt(6 / fan-in): what EST gives every transformer matrix.
    KaimingUniform,
    /// Kaiming normal by fan-out: torchvision's ResNets.
    KaimingNormal,
}

impl WeightInit {
    /// Of a tensor whose outputs each sum `fan_in` products, and whose inputs each enter `fan_out`; `default` is PyTorch's.
    fn of(self, default: Init, fan_in: usize, fan_out: usize) -> Init {
        match self {
            WeightInit::Default => default,
            WeightInit::KaimingUniform => Init::Uniform((6.0 / fan_in as f64).sqrt()),
            WeightInit::KaimingNormal => Init::Normal((2.0 / fan_out as f64).sqrt()),
        }
    }
}

/// PyTorch's default for linear layers, convolutions and recurrent layers, weight and bias: bound 1 / sqrt(fan-in).
fn torch_default(fan_in: usize) -> Init {
    Init::Uniform(1.0 / (fan_in as f64).sqrt())
}

impl Op {
    /// The tensors that a node called `name` with this operation and items `output` owns.
    pub fn parameters(&self, name: &str, output: &[usize]) -> Vec<ParameterSpec> {
        let spec = |suffix: &str, shape: Vec<usize>, init, role| ParameterSpec {
            name: format!("{name}.{suffix}"),
            shape,
            init,
            role,
        };
        let learned = |suffix: &str, shape: Vec<usize>, init| spec(suffix, shape, init, Role::Learned);
        // Filters `shape`, whose outputs each sum `fan_in` products, and perhaps a bias.
        let filters =
            |shape: Vec<usize>, [fan_in, fan_out]: [usize; 2], outputs: usize, bias: bool, init: WeightInit| {
                let mut specs = vec![learned("weight", shape, init.of(torch_default(fan_in), fan_in, fan_out))];
                specs.extend(bias.then(|| learned("bias", vec![outputs], torch_default(fan_in))));
                specs
            };
        match *self {
            Op::Parameter { init } => vec![learned("weight", output.to_vec(), init)],
            Op::Conv2d { inputs, outputs, kernel, groups, bias, init, .. } => {
                let shape = [&[outputs, inputs / groups], &kernel[..]].concat();
                filters(shape, fans([inputs, outputs], &kernel, groups), outputs, bias, init)
            }
            Op::Conv3d { inputs, outputs, kernel, groups, bias, init, .. } => {
                let shape = [&[outputs, inputs / groups], &kernel[..]].concat();
                filters(shape, fans([inputs, outputs], &kernel, groups), outputs, bias, init)
            }
            // PyTorch counts the fans of this layout as if it were a convolution's.
            Op::ConvTranspose2d { inputs, outputs, kernel, bias, init, .. } => {
                let shape = [&[inputs, outputs], &kernel[..]].concat();
                filters(shape, fans([outputs, inputs], &kernel, 1), outputs, bias, init)
            }
            Op::BatchNorm { channels, .. } => vec![
                learned("weight", vec![channels], Init::Ones),
                learned("bias", vec![channels], Init::Zeros),
                spec("running_mean", vec![channels], Init::Zeros, Role::Fixed),
                spec("running_var", vec![channels], Init::Ones, Role::Fixed),
                spec("num_batches_tracked", vec![], Init::Zeros, Role::Counter),
            ],
            Op::Linear { inputs, outputs, init } => {
                filters(vec![outputs, inputs], [inputs, outputs], outputs, true, init)
            }
            Op::LayerNorm { width, .. } => {
                vec![learned("weight", vec![width], Init::Ones), learned("bias", vec![width], Init::Zeros)]
            }
            Op::Attention { width, init, .. } => {
                // PyTorch's MultiheadAttention: Xavier uniform over [3 width, width].
                let xavier = Init::Uniform((6.0 / (4 * width) as f64).sqrt());
                vec![
                    learned("in_proj_weight", vec![3 * width, width], init.of(xavier, width, 3 * width)),
                    learned("in_proj_bias", vec![3 * width], Init::Zeros),
                    learned("out_proj.weight", vec![width, width], init.of(torch_default(width), width, width)),
                    learned("out_proj.bias", vec![width], Init::Zeros),
                ]
            }
            Op::Lstm(spec) => recurrent(spec, 4, learned),
            Op::Gru(spec) => recurrent(spec, 3, learned),
            Op::Embedding { rows, width } => {
                vec![spec("weight", vec![rows, width], Init::Positions, Role::Fixed)]
            }
            _ => vec![],
        }
    }
}

/// Fan-in and fan-out of a convolution's weights.
fn fans([inputs, outputs]: [usize; 2], kernel: &[usize], groups: usize) -> [usize; 2] {
    let taps: usize = kernel.iter().product();
    [inputs / groups * taps, outputs * taps / groups]
}

/// PyTorch's four tensors for each layer and direction; all start in +-1 / sqrt(hidden).
fn recurrent(
    spec: Recurrent,
    gates: usize,
    learned: impl Fn(&str, Vec<usize>, Init) -> ParameterSpec,
) -> Vec<ParameterSpec> {
    let init = torch_default(spec.hidden);
    let rows = gates * spec.hidden;
    let mut specs = vec![];
    for layer in 0..spec.layers {
        for suffix in spec.directions() {
            let inputs = if layer == 0 { spec.inputs } else { spec.outputs() };
            specs.push(learned(&format!("weight_ih_l{layer}{suffix}"), vec![rows, inputs], init));
            specs.push(learned(&format!("weight_hh_l{layer}{suffix}"), vec![rows, spec.hidden], init));
            specs.push(learned(&format!("bias_ih_l{layer}{suffix}"), vec![rows], init));
            specs.push(learned(&format!("bias_hh_l{layer}{suffix}"), vec![rows], init));
        }
    }
    specs
}
