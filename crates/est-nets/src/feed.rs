//! What fills the inputs of a network, and the one function that does.

use std::borrow::Cow;

use crate::graph::Graph;
use crate::op::Op;

/// What feeds an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// Pictures of the clip, [3, size, size] each: `snippets` (n) times `frames` (J), snippet by snippet.
    Frames { snippets: usize, frames: usize },
    /// Which snippet stands at each place, [n]: 0..n in prediction.
    Order,
    /// Numbers that the caller has: a picture for a detector, or, in a part of a network, what the part before it gave.
    Values,
}

/// The numbers of one input for a whole batch, row-major, pictures channels-last.
#[derive(Debug, Clone, PartialEq)]
pub enum Values<'a> {
    /// RGB pictures, rows from the top; they become (x / 255 - mean) / deviation of the model's preprocessing.
    Pixels(Cow<'a, [u8]>),
    Numbers(Cow<'a, [f32]>),
    /// For an embedding.
    Indices(Cow<'a, [i64]>),
}

impl<'a> Values<'a> {
    /// How many numbers these are.
    pub fn len(&self) -> usize {
        match self {
            Values::Pixels(values) => values.len(),
            Values::Numbers(values) => values.len(),
            Values::Indices(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The same, borrowed.
    pub fn borrowed(&self) -> Values<'_> {
        match self {
            Values::Pixels(values) => Values::Pixels(Cow::Borrowed(values)),
            Values::Numbers(values) => Values::Numbers(Cow::Borrowed(values)),
            Values::Indices(values) => Values::Indices(Cow::Borrowed(values)),
        }
    }

    /// As the engine takes them.
    ///
    /// # Panics
    /// For pixels: they are normalised first.
    pub fn into_numbers(self) -> Cow<'a, [f32]> {
        match self {
            Values::Numbers(values) => values,
            Values::Indices(values) => values.iter().map(|&index| index as f32).collect(),
            Values::Pixels(_) => panic!("pixels are normalised before they are numbers"),
        }
    }
}

/// What a batch of clips has to give to a network.
#[derive(Debug, Clone, PartialEq)]
pub struct Clips<'a> {
    /// Clips; in the training of a frame encoder, frames.
    pub count: usize,
    /// Pictures, or their features where the network begins behind its frame encoder.
    pub frames: Values<'a>,
    /// Which snippet stands at each place, [count, n]; None: in the order of time.
    pub order: Option<&'a [i64]>,
}

impl Clips<'_> {
    /// The values of the inputs of `graph`, in their order. Every caller that runs a network on clips, in training,
    /// validation, evaluation and prediction, has its inputs from here.
    ///
    /// # Errors
    /// When the numbers are not as many as the network takes: says so in words.
    pub fn feed(&self, graph: &Graph) -> Result<Vec<Values<'_>>, String> {
        let inputs = graph.inputs().map(|(_, node)| {
            let values = match node.op {
                Op::Input(Feed::Order) => {
                    let order = |_| 0..node.shape.len() as i64;
                    let in_time = || Cow::Owned((0..self.count).flat_map(order).collect());
                    Values::Indices(self.order.map_or_else(in_time, Cow::Borrowed))
                }
                _ => self.frames.borrowed(),
            };
            let (given, taken) = (values.len(), self.count * node.shape.len());
            if given != taken {
                let name = &node.name;
                return Err(format!(
                    "input `{name}` of {} clips takes {taken} numbers and was given {given}",
                    self.count
                ));
            }
            Ok(values)
        });
        inputs.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_gets_its_own() {
        let mut graph = Graph::new();
        graph.input("frames", Feed::Frames { snippets: 3, frames: 2 }, 6, &[3, 1, 1]);
        graph.input("order", Feed::Order, 1, &[3]);
        let pixels = vec![7; 2 * 18];
        let clips = Clips { count: 2, frames: Values::Pixels(pixels.as_slice().into()), order: None };
        let fed = clips.feed(&graph).unwrap();
        assert_eq!(fed[0], clips.frames);
        assert_eq!(fed[1], Values::Indices(vec![0, 1, 2, 0, 1, 2].into()));
        assert_eq!(fed[1].clone().into_numbers()[..], [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
        let order = [2, 1, 0, 0, 1, 2];
        let mixed = Clips { order: Some(&order), ..clips.clone() };
        assert_eq!(mixed.feed(&graph).unwrap()[1], Values::Indices(order.as_slice().into()));
        let short = Clips { count: 3, ..clips };
        let error = short.feed(&graph).unwrap_err();
        assert_eq!(error, "input `frames` of 3 clips takes 54 numbers and was given 36");
    }
}
