//! RetinaFace with MobileNet-0.25 (Deng et al. 2020) in the layout of the common PyTorch release: box, score and five
//! points of every face in a picture. Decoding and suppression of its outputs are the detector's (est-media).

use crate::blocks::{batch_norm, conv, depthwise};
use crate::feed::Feed;
use crate::graph::{Graph, NodeId};
use crate::op::{Activation, Op};
use crate::parameters::WeightInit;
use crate::weights::Wanted;

/// Pixels between neighbouring cells of the three output levels.
pub const STRIDES: [usize; 3] = [8, 16, 32];
/// Sides in pixels of the two square anchors that stand in every cell of a level.
pub const ANCHORS: [[f32; 2]; 3] = [[16.0, 32.0], [64.0, 128.0], [256.0, 512.0]];
/// Subtracted from the picture's channels in the order blue, green, red, on the scale 0..=255.
pub const MEAN_BGR: [f32; 3] = [104.0, 117.0, 123.0];

const PYRAMID: usize = 64;
const LEAKY: Op = Op::Activation(Activation::LeakyRelu(0.1));

/// The detector for pictures of `height` x `width`, both multiples of 32. Input: `picture` [3, height, width], blue
/// green red minus [`MEAN_BGR`]. Outputs, one row an anchor (level by level, cell by cell from the top left, the
/// smaller anchor first): `boxes` [A, 4], `scores` [A, 2] (softmax; 1 is face) and `points` [A, 10].
///
/// # Panics
/// When a side is no positive multiple of 32.
pub fn graph(height: usize, width: usize) -> Graph {
    assert!(height > 0 && width > 0 && height.is_multiple_of(32) && width.is_multiple_of(32), "{height} x {width}");
    let mut graph = Graph::new();
    let g = &mut graph;
    let picture = g.input("picture", Feed::Values, 1, &[3, height, width]);
    let levels = backbone(g, picture);
    let levels = pyramid(g, levels);
    let levels = [0, 1, 2].map(|level| context(g, &format!("ssh{}", level + 1), levels[level]));
    let boxes = head(g, "BboxHead", &levels, 4);
    let scores = head(g, "ClassHead", &levels, 2);
    let scores = g.push("scores", Op::Softmax, &[scores]);
    let points = head(g, "LandmarkHead", &levels, 10);
    g.output("boxes", boxes);
    g.output("scores", scores);
    g.output("points", points);
    graph
}

/// The detector, as it is looked for in a file.
pub fn wanted() -> Wanted<'static> {
    // Its tensors do not depend on the size of the picture.
    Wanted::network("face detector RetinaFace MobileNet-0.25", &graph(32, 32))
}

/// Convolution, batch norm and, unless `plain`, leaky ReLU: the modules `prefix.0`, `prefix.1`, `prefix.2`.
fn unit(g: &mut Graph, prefix: &str, x: NodeId, channels: usize, [kernel, stride]: [usize; 2], plain: bool) -> NodeId {
    let x = conv(g, &format!("{prefix}.0"), x, channels, kernel, stride);
    let x = batch_norm(g, &format!("{prefix}.1"), x);
    if plain { x } else { g.push(&format!("{prefix}.2"), LEAKY, &[x]) }
}

/// A 3x3 convolution of every channel by itself, then a 1x1 one: modules 0 to 5.
fn separable(g: &mut Graph, prefix: &str, x: NodeId, channels: usize, stride: usize) -> NodeId {
    let x = depthwise(g, &format!("{prefix}.0"), x, stride);
    let x = batch_norm(g, &format!("{prefix}.1"), x);
    let x = g.push(&format!("{prefix}.2"), LEAKY, &[x]);
    let x = conv(g, &format!("{prefix}.3"), x, channels, 1, 1);
    let x = batch_norm(g, &format!("{prefix}.4"), x);
    g.push(&format!("{prefix}.5"), LEAKY, &[x])
}

/// MobileNet at a quarter of its width; the results of its three stages, at strides 8, 16 and 32.
fn backbone(g: &mut Graph, picture: NodeId) -> [NodeId; 3] {
    let mut x = unit(g, "body.stage1.0", picture, 8, [3, 2], false);
    let stage1 = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1)];
    let stage2 = [(128, 2), (128, 1), (128, 1), (128, 1), (128, 1), (128, 1)];
    let stage3 = [(256, 2), (256, 1)];
    let stages: [(usize, &[(usize, usize)]); 3] = [(1, &stage1), (0, &stage2), (0, &stage3)];
    let mut stage = 0;
    stages.map(|(first, layers)| {
        stage += 1;
        for (layer, &(channels, stride)) in layers.iter().enumerate() {
            x = separable(g, &format!("body.stage{stage}.{}", first + layer), x, channels, stride);
        }
        x
    })
}

/// The feature pyramid: every level to 64 channels, and from the coarsest down each enlarged level added to the next.
fn pyramid(g: &mut Graph, levels: [NodeId; 3]) -> [NodeId; 3] {
    let mut level = 0;
    let [fine, middle, coarse] = levels.map(|x| {
        level += 1;
        unit(g, &format!("fpn.output{level}"), x, PYRAMID, [1, 1], false)
    });
    let mut merge = |name: &str, from: NodeId, into: NodeId| {
        let up = g.push(&format!("fpn.{name}.up"), Op::UpsampleLike, &[from, into]);
        let sum = g.push(&format!("fpn.{name}.sum"), Op::Add, &[into, up]);
        unit(g, &format!("fpn.{name}"), sum, PYRAMID, [3, 1], false)
    };
    let middle = merge("merge2", coarse, middle);
    let fine = merge("merge1", middle, fine);
    [fine, middle, coarse]
}

/// The single-stage-headless context module: receptive fields 3, 5 and 7 side by side.
fn context(g: &mut Graph, prefix: &str, x: NodeId) -> NodeId {
    let three = unit(g, &format!("{prefix}.conv3X3"), x, PYRAMID / 2, [3, 1], true);
    let shared = unit(g, &format!("{prefix}.conv5X5_1"), x, PYRAMID / 4, [3, 1], false);
    let five = unit(g, &format!("{prefix}.conv5X5_2"), shared, PYRAMID / 4, [3, 1], true);
    let seven = unit(g, &format!("{prefix}.conv7X7_2"), shared, PYRAMID / 4, [3, 1], false);
    let seven = unit(g, &format!("{prefix}.conv7x7_3"), seven, PYRAMID / 4, [3, 1], true);
    let joined = g.push(&format!("{prefix}.concat"), Op::Concat, &[three, five, seven]);
    g.push(&format!("{prefix}.relu"), Op::Activation(Activation::Relu), &[joined])
}

/// A 1x1 convolution on each level, `numbers` outputs for each of the two anchors, joined to one row an anchor.
fn head(g: &mut Graph, prefix: &str, levels: &[NodeId; 3], numbers: usize) -> NodeId {
    let rows: Vec<NodeId> = (0..levels.len())
        .map(|level| {
            let op = Op::Conv2d {
                inputs: PYRAMID,
                outputs: 2 * numbers,
                kernel: [1; 2],
                stride: [1; 2],
                padding: [0; 2],
                groups: 1,
                bias: true,
                init: WeightInit::KaimingNormal,
            };
            let x = g.push(&format!("{prefix}.{level}.conv1x1"), op, &[levels[level]]);
            g.push(&format!("{prefix}.{level}.rows"), Op::CellsToRows { last: numbers }, &[x])
        })
        .collect();
    g.push(prefix, Op::Concat, &rows)
}
