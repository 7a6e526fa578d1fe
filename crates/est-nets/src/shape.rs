//! What shape each operation makes, and what it takes.

use crate::op::Op;

/// An operation whose inputs do not fit.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{node}` takes {wants}, but got {got}; it is {op}")]
pub struct ShapeError {
    pub node: String,
    /// The operation with its settings.
    pub op: String,
    pub wants: String,
    pub got: String,
}

impl Op {
    /// The shape of one output item, or what the operation takes instead of `inputs`.
    pub(crate) fn shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        self.fit(inputs).ok_or_else(|| self.wants())
    }

    fn arity(&self, given: usize) -> usize {
        match self {
            Op::Input(_) | Op::Parameter { .. } => 0,
            Op::UpsampleLike | Op::Add | Op::Gate | Op::CosinePool => 2,
            Op::Attention { .. } => 3,
            Op::Concat => given.max(1),
            _ => 1,
        }
    }

    fn fit(&self, inputs: &[&[usize]]) -> Option<Vec<usize>> {
        if inputs.len() != self.arity(inputs.len()) {
            return None;
        }
        let x = *inputs.first()?;
        let last = |width: usize| (x.last() == Some(&width)).then(|| x.to_vec());
        match *self {
            Op::Input(_) | Op::Parameter { .. } => None,
            Op::Conv2d { inputs, outputs, groups, .. } | Op::Conv3d { inputs, outputs, groups, .. } => {
                let divided = groups > 0 && inputs.is_multiple_of(groups) && outputs.is_multiple_of(groups);
                let window = self.sliding()?;
                let seen = window.is_of_images() || window.padding[0] < window.kernel[0];
                (divided && seen && x.first() == Some(&inputs)).then(|| self.slide(x, outputs)).flatten()
            }
            Op::ConvTranspose2d { inputs, outputs, kernel, stride, padding, output_padding, .. } => {
                let &[channels, height, width] = x else { return None };
                let side = |axis: usize, side: usize| {
                    let fits = channels == inputs && kernel[axis] > 0 && output_padding[axis] < stride[axis];
                    let whole = (side.checked_sub(1)? * stride[axis] + kernel[axis] + output_padding[axis])
                        .checked_sub(2 * padding[axis]);
                    whole.filter(|&whole| fits && whole > 0)
                };
                Some(vec![outputs, side(0, height)?, side(1, width)?])
            }
            Op::MaxPool2d { .. } | Op::MaxPool3d { .. } | Op::AveragePool2d { .. } | Op::AveragePool3d { .. } => {
                let window = self.sliding()?;
                let seen = (0..3).all(|axis| 2 * window.padding[axis] <= window.kernel[axis]);
                seen.then(|| self.slide(x, *x.first()?)).flatten()
            }
            Op::BatchNorm { channels, .. } => (x.first() == Some(&channels)).then(|| x.to_vec()),
            Op::GlobalAveragePool => matches!(x.len(), 3 | 4).then(|| vec![x[0]]),
            Op::UpsampleLike => match (x, inputs[1]) {
                (&[channels, ..], &[_, height, width]) if x.len() == 3 => Some(vec![channels, height, width]),
                _ => None,
            },
            Op::Add => {
                let y = inputs[1];
                (x == y || (x.len() == 2 && y == [1, x[1]])).then(|| x.to_vec())
            }
            Op::Gate => (x.len() == 2 && inputs[1] == [x[1]]).then(|| x.to_vec()),
            Op::CosinePool => (x.len() == 2 && inputs[1] == [x[1]]).then(|| vec![x[1]]),
            Op::Concat => {
                let fits = inputs.iter().all(|y| !y.is_empty() && y.get(1..) == x.get(1..));
                let first = inputs.iter().map(|y| y[0]).sum();
                fits.then(|| [&[first], &x[1..]].concat())
            }
            Op::Linear { inputs, outputs, .. } => last(inputs).map(|x| [&x[..x.len() - 1], &[outputs]].concat()),
            Op::LayerNorm { width, .. } => last(width),
            Op::Attention { width, heads, .. } => {
                let fits = inputs.iter().all(|y| y.len() == 2 && y[1] == width) && inputs[1] == inputs[2];
                (fits && heads > 0 && width.is_multiple_of(heads)).then(|| x.to_vec())
            }
            Op::Lstm(spec) | Op::Gru(spec) => {
                let fits = x.len() == 2 && x[0] > 0 && x[1] == spec.inputs && spec.hidden > 0 && spec.layers > 0;
                fits.then(|| vec![x[0], spec.outputs()])
            }
            Op::Group { by } => (x.len() <= 2).then(|| [&[by], x].concat()),
            Op::Ungroup => x.get(1..).map(<[usize]>::to_vec),
            Op::StackFrames { frames } => match *x {
                [channels, height, width] => Some(vec![channels, frames, height, width]),
                _ => None,
            },
            Op::UnstackFrames => match *x {
                [channels, _, height, width] => Some(vec![channels, height, width]),
                _ => None,
            },
            Op::Flatten => Some(vec![x.iter().product()]),
            Op::MaxOverRows | Op::MeanOverRows => (x.len() == 2).then(|| vec![x[1]]),
            Op::Embedding { width, .. } => (x.len() == 1).then(|| vec![x[0], width]),
            Op::CellsToRows { last } => {
                let fits = x.len() == 3 && last > 0 && x[0].is_multiple_of(last);
                fits.then(|| vec![x[1] * x[2] * (x[0] / last), last])
            }
            Op::Activation(_) | Op::Dropout { .. } | Op::Softmax | Op::StopGradient => Some(x.to_vec()),
        }
    }

    /// [channels, places of the window along each axis], where the window has as many axes as `x` and fits in it.
    fn slide(&self, x: &[usize], channels: usize) -> Option<Vec<usize>> {
        let window = self.sliding()?;
        let places = |axis: usize, side: usize| window.places(axis, side);
        match (x, self.is_of_frames()) {
            (&[_, h, w], false) => Some(vec![channels, places(1, h)?, places(2, w)?]),
            (&[_, t, h, w], true) => Some(vec![channels, places(0, t)?, places(1, h)?, places(2, w)?]),
            _ => None,
        }
    }

    fn is_of_frames(&self) -> bool {
        matches!(self, Op::Conv3d { .. } | Op::MaxPool3d { .. } | Op::AveragePool3d { .. })
    }

    /// What the operation takes, in words.
    pub(crate) fn wants(&self) -> String {
        let axes = if self.is_of_frames() { "t, h, w" } else { "h, w" };
        match *self {
            Op::Input(_) | Op::Parameter { .. } => "no input".to_string(),
            Op::Conv2d { inputs, groups, .. } | Op::Conv3d { inputs, groups, .. } => {
                let divided = if groups > 1 { ", channels that the groups divide" } else { "" };
                let seen = if self.is_of_frames() { ", less padding than kernel along t" } else { "" };
                format!("one [{inputs}, {axes}] as large as the window less the padding{divided}{seen}")
            }
            Op::ConvTranspose2d { inputs, .. } => {
                format!("one [{inputs}, h, w] whose result is not empty, less output padding than stride")
            }
            Op::MaxPool2d { .. } | Op::MaxPool3d { .. } | Op::AveragePool2d { .. } | Op::AveragePool3d { .. } => {
                format!("one [c, {axes}] as large as the window less the padding, of which half a window is the most")
            }
            Op::BatchNorm { channels, .. } => format!("one [{channels}, ..]"),
            Op::GlobalAveragePool => "one [c, h, w] or [c, t, h, w]".to_string(),
            Op::UpsampleLike => "[c, h, w] and [_, h2, w2]".to_string(),
            Op::Add => "two of one shape, or [n, d] and [1, d]".to_string(),
            Op::Gate | Op::CosinePool => "[n, d] and [d]".to_string(),
            Op::Concat => "any number that differ in the first dimension alone".to_string(),
            Op::Linear { inputs: width, .. } | Op::LayerNorm { width, .. } => format!("one [.., {width}]"),
            Op::Attention { width, .. } => {
                format!("[n, {width}] and twice [m, {width}], heads that divide {width}")
            }
            Op::Lstm(spec) | Op::Gru(spec) => {
                format!("one [t, {}], at least one row, layer and number of state", spec.inputs)
            }
            Op::Group { by } => format!("one vector or matrix, {by} of it for each element of the batch or a multiple"),
            Op::Ungroup => "one [n, ..]".to_string(),
            Op::StackFrames { frames } => {
                format!("one image [c, h, w], {frames} of it for each element of the batch or a multiple")
            }
            Op::UnstackFrames => "one [c, t, h, w]".to_string(),
            Op::MaxOverRows | Op::MeanOverRows => "one [n, d]".to_string(),
            Op::Embedding { .. } => "one [n]".to_string(),
            Op::CellsToRows { last } => format!("one [a * {last}, h, w]"),
            Op::Activation(_) | Op::Dropout { .. } | Op::Softmax | Op::StopGradient | Op::Flatten => {
                "one of any shape".to_string()
            }
        }
    }
}
