//! The operations that networks are made of: what each holds, what shape it makes, which parameters it owns.

use crate::feed::Feed;

/// Non-linearities, each applied element by element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Activation {
    Relu,
    /// `x` where positive, else `slope * x`.
    LeakyRelu(f32),
    Sigmoid,
}

/// One operation. Shapes are of one item; every tensor has a leading batch dimension that no operation but
/// [`Op::Group`] and [`Op::Ungroup`] touches (see [`crate::Shape`]). Images are written [channels, height, width].
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A tensor that the caller gives, and what feeds it.
    Input(Feed),
    /// A learned tensor, the same for every item.
    Parameter {
        init: Init,
    },
    /// 2-D cross-correlation, square kernel, zero padding, no dilation.
    Conv2d {
        inputs: usize,
        outputs: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        groups: usize,
        bias: bool,
    },
    /// Batch normalisation over the first item dimension: of [c, h, w], or of [c].
    BatchNorm {
        channels: usize,
        eps: f32,
    },
    Activation(Activation),
    MaxPool {
        kernel: usize,
        stride: usize,
        padding: usize,
    },
    /// [c, h, w] -> [c]
    GlobalAveragePool,
    /// Inputs x [c, h, w] and like [_, h2, w2] -> [c, h2, w2] by nearest neighbour.
    UpsampleLike,
    /// Elementwise; a second input [1, d] is repeated over the rows of a first input [n, d].
    Add,
    /// Inputs x [n, d] and gate [d] -> [n, d]: every row times the gate.
    Gate,
    /// Any number of inputs, joined along the first item dimension.
    Concat,
    /// Over the last dimension.
    Linear {
        inputs: usize,
        outputs: usize,
    },
    /// Over the last dimension.
    LayerNorm {
        width: usize,
        eps: f32,
    },
    /// Multi-head attention with biases and output projection; inputs query [n, d], key [m, d], value [m, d] -> [n, d].
    /// `dropout` applies to the attention weights, in training.
    Attention {
        width: usize,
        heads: usize,
        dropout: f32,
    },
    /// Identity but in training.
    Dropout {
        probability: f32,
    },
    /// Over the last dimension.
    Softmax,
    /// `by` consecutive items become one: [d..] -> [by, d..]
    Group {
        by: usize,
    },
    /// The inverse: [by, d..] -> [d..]
    Ungroup,
    /// [a, b, ..] -> [a * b * ..]
    Flatten,
    /// [n, d] -> [d], the largest of each column.
    MaxOverRows,
    /// [n, d] -> [d], the mean of each column.
    MeanOverRows,
    /// AA-SFE's second level (Eqs. 2-3): inputs x [n, d] and g [d] -> [d], the mean of x's rows weighted by
    /// max(cos(x_j, g), 1e-8).
    CosinePool,
    /// Input: indices below `rows` -> rows of a table: [n] -> [n, width]. The table is fixed, not learned.
    Embedding {
        rows: usize,
        width: usize,
    },
    /// Identity whose gradient is zero.
    StopGradient,
    /// [a * last, h, w] -> [h * w * a, last]: a detector's per-cell outputs as rows, cell by cell from the top left.
    CellsToRows {
        last: usize,
    },
}

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

/// Kaiming uniform with a = 0 (bound sqrt(6 / fan_in)): what EST gives every transformer matrix.
fn kaiming(fan_in: usize) -> Init {
    Init::Uniform((6.0 / fan_in as f64).sqrt())
}

/// PyTorch's default for a Linear layer, weight and bias: bound 1 / sqrt(fan_in).
fn torch_linear(fan_in: usize) -> Init {
    Init::Uniform(1.0 / (fan_in as f64).sqrt())
}

impl Op {
    /// The tensors that a node called `name` with this operation owns. Initial values are PyTorch's defaults, but
    /// Kaiming uniform for the matrices below a node whose name begins with `transformer.` (SPEC section 2, "init").
    pub fn parameters(&self, name: &str, output: &[usize]) -> Vec<ParameterSpec> {
        let spec = |suffix: &str, shape: Vec<usize>, init, role| ParameterSpec {
            name: format!("{name}.{suffix}"),
            shape,
            init,
            role,
        };
        let learned = |suffix: &str, shape: Vec<usize>, init| spec(suffix, shape, init, Role::Learned);
        let transformer = name.starts_with("transformer.");
        match *self {
            Op::Parameter { init } => vec![learned("weight", output.to_vec(), init)],
            Op::Conv2d { inputs, outputs, kernel, groups, bias, .. } => {
                let shape = vec![outputs, inputs / groups, kernel, kernel];
                // torchvision's ResNet: Kaiming normal by fan-out.
                let fan_out = (outputs * kernel * kernel / groups) as f64;
                let mut specs = vec![learned("weight", shape, Init::Normal((2.0 / fan_out).sqrt()))];
                if bias {
                    let fan_in = inputs / groups * kernel * kernel;
                    specs.push(learned("bias", vec![outputs], torch_linear(fan_in)));
                }
                specs
            }
            Op::BatchNorm { channels, .. } => vec![
                learned("weight", vec![channels], Init::Ones),
                learned("bias", vec![channels], Init::Zeros),
                spec("running_mean", vec![channels], Init::Zeros, Role::Fixed),
                spec("running_var", vec![channels], Init::Ones, Role::Fixed),
                spec("num_batches_tracked", vec![], Init::Zeros, Role::Counter),
            ],
            Op::Linear { inputs, outputs } => {
                let weight = if transformer { kaiming(inputs) } else { torch_linear(inputs) };
                vec![
                    learned("weight", vec![outputs, inputs], weight),
                    learned("bias", vec![outputs], torch_linear(inputs)),
                ]
            }
            Op::LayerNorm { width, .. } => {
                vec![learned("weight", vec![width], Init::Ones), learned("bias", vec![width], Init::Zeros)]
            }
            Op::Attention { width, .. } => {
                let (joint, out) = if transformer {
                    (kaiming(width), kaiming(width))
                } else {
                    // PyTorch's MultiheadAttention: Xavier uniform over [3 width, width].
                    let xavier = Init::Uniform((6.0 / (4 * width) as f64).sqrt());
                    (xavier, torch_linear(width))
                };
                vec![
                    learned("in_proj_weight", vec![3 * width, width], joint),
                    learned("in_proj_bias", vec![3 * width], Init::Zeros),
                    learned("out_proj.weight", vec![width, width], out),
                    learned("out_proj.bias", vec![width], Init::Zeros),
                ]
            }
            Op::Embedding { rows, width } => {
                vec![spec("weight", vec![rows, width], Init::Positions, Role::Fixed)]
            }
            _ => vec![],
        }
    }

    /// The shape of one output item.
    ///
    /// # Panics
    /// When the inputs do not fit: a network of ours is wrong.
    pub(crate) fn shape(&self, inputs: &[&[usize]]) -> Vec<usize> {
        let arity = match self {
            Op::Input(_) | Op::Parameter { .. } => panic!("{self:?} has no input to take its shape from"),
            Op::UpsampleLike | Op::Add | Op::Gate | Op::CosinePool => 2,
            Op::Attention { .. } => 3,
            Op::Concat => inputs.len(),
            _ => 1,
        };
        assert_eq!(inputs.len(), arity, "inputs of {self:?}");
        let x = inputs[0];
        let last = |width: usize| assert_eq!(x.last(), Some(&width), "{self:?} of {x:?}");
        let slide = |kernel: usize, stride: usize, padding: usize| {
            [x[1], x[2]].map(|side| {
                assert!(side + 2 * padding >= kernel, "{self:?} of {x:?}");
                (side + 2 * padding - kernel) / stride + 1
            })
        };
        match *self {
            Op::Input(_) | Op::Parameter { .. } => unreachable!(),
            Op::Conv2d { inputs, outputs, kernel, stride, padding, groups, .. } => {
                assert!(x.len() == 3 && x[0] == inputs, "{self:?} of {x:?}");
                assert!(inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups), "{self:?}");
                let [h, w] = slide(kernel, stride, padding);
                vec![outputs, h, w]
            }
            Op::BatchNorm { channels, .. } => {
                assert_eq!(x[0], channels, "{self:?} of {x:?}");
                x.to_vec()
            }
            Op::MaxPool { kernel, stride, padding } => {
                let [h, w] = slide(kernel, stride, padding);
                vec![x[0], h, w]
            }
            Op::GlobalAveragePool => {
                assert_eq!(x.len(), 3);
                vec![x[0]]
            }
            Op::UpsampleLike => vec![x[0], inputs[1][1], inputs[1][2]],
            Op::Add => {
                let y = inputs[1];
                assert!(x == y || (x.len() == 2 && y == [1, x[1]]), "{self:?} of {x:?} and {y:?}");
                x.to_vec()
            }
            Op::Gate => {
                assert!(x.len() == 2 && inputs[1] == [x[1]], "{self:?} of {x:?} and {:?}", inputs[1]);
                x.to_vec()
            }
            Op::Concat => {
                assert!(inputs.iter().all(|y| y[1..] == x[1..]), "{self:?} of {inputs:?}");
                let mut joined = x.to_vec();
                joined[0] = inputs.iter().map(|y| y[0]).sum();
                joined
            }
            Op::Linear { inputs, outputs } => {
                last(inputs);
                let mut shape = x.to_vec();
                *shape.last_mut().expect("checked above") = outputs;
                shape
            }
            Op::LayerNorm { width, .. } => {
                last(width);
                x.to_vec()
            }
            Op::Attention { width, heads, .. } => {
                assert_eq!(width % heads, 0, "{self:?}");
                assert!(inputs.iter().all(|y| y.len() == 2 && y[1] == width), "{self:?} of {inputs:?}");
                assert_eq!(inputs[1], inputs[2], "{self:?}");
                x.to_vec()
            }
            Op::Group { by } => [&[by], x].concat(),
            Op::Ungroup => x[1..].to_vec(),
            Op::Flatten => vec![x.iter().product()],
            Op::MaxOverRows | Op::MeanOverRows => {
                assert_eq!(x.len(), 2);
                vec![x[1]]
            }
            Op::CosinePool => {
                assert!(x.len() == 2 && inputs[1] == [x[1]], "{self:?} of {x:?} and {:?}", inputs[1]);
                vec![x[1]]
            }
            Op::Embedding { width, .. } => {
                assert_eq!(x.len(), 1);
                vec![x[0], width]
            }
            Op::CellsToRows { last } => {
                assert!(x.len() == 3 && x[0].is_multiple_of(last), "{self:?} of {x:?}");
                vec![x[1] * x[2] * (x[0] / last), last]
            }
            Op::Activation(_) | Op::Dropout { .. } | Op::Softmax | Op::StopGradient => x.to_vec(),
        }
    }
}
