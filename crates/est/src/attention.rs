//! The weights of an attention over the snippets: what a clip's features take from each. The engine computes them and
//! throws them away, so they are computed again from its query and memory, as PyTorch's MultiheadAttention does.

use std::collections::BTreeMap;

use est_nets::{SnippetAttention, Tensor};

/// One cross-attention: its projections of queries and keys.
#[derive(Debug, Clone)]
pub struct CrossAttention {
    heads: usize,
    width: usize,
    /// Rows of queries, then of keys: [2 width, width].
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl CrossAttention {
    /// That of `layer`, one of [`est_nets::Architecture::attention`].
    ///
    /// # Errors
    /// When the tensors are not there: says so in words.
    pub fn of_layer(tensors: &BTreeMap<String, Tensor>, layer: &SnippetAttention) -> Result<Self, String> {
        let SnippetAttention { key, width, heads, .. } = layer;
        let take = |name: &str, len: usize| {
            let name = format!("{key}.{name}");
            let tensor = tensors.get(&name).filter(|tensor| tensor.data.len() >= len);
            let missing = || format!("the weights have no tensor {name}: not those of this network");
            tensor.map(|tensor| tensor.data[..len].to_vec()).ok_or_else(missing)
        };
        let (heads, width) = (*heads, *width);
        let weight = take("in_proj_weight", 2 * width * width)?;
        Ok(CrossAttention { heads, width, weight, bias: take("in_proj_bias", 2 * width)? })
    }

    /// Row `row` of the projection, of `x`.
    fn project(&self, row: usize, x: &[f32]) -> f64 {
        let weight = &self.weight[row * self.width..(row + 1) * self.width];
        let product: f64 = weight.iter().zip(x).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
        product + f64::from(self.bias[row])
    }

    /// Weights of each head over the rows of `memory` [n, width], for one query [width]; each head's sum to 1.
    pub fn weights(&self, query: &[f32], memory: &[f32]) -> Vec<Vec<f64>> {
        let head_width = self.width / self.heads;
        let query: Vec<f64> = (0..self.width).map(|row| self.project(row, query)).collect();
        let keys: Vec<Vec<f64>> = memory
            .chunks_exact(self.width)
            .map(|snippet| (self.width..2 * self.width).map(|row| self.project(row, snippet)).collect())
            .collect();
        let head = |head: usize| {
            let part = head * head_width..(head + 1) * head_width;
            let score = |key: &Vec<f64>| {
                let product: f64 = query[part.clone()].iter().zip(&key[part.clone()]).map(|(q, k)| q * k).sum();
                product / (head_width as f64).sqrt()
            };
            softmax(&keys.iter().map(score).collect::<Vec<f64>>())
        };
        (0..self.heads).map(head).collect()
    }
}

/// What all heads together take from each snippet: the mean of their weights.
pub fn over_heads(heads: &[Vec<f64>]) -> Vec<f64> {
    let snippets = heads.first().map_or(0, Vec::len);
    let mean = |snippet: usize| heads.iter().map(|head| head[snippet]).sum::<f64>() / heads.len() as f64;
    (0..snippets).map(mean).collect()
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.iter().map(|value| value / sum).collect()
}
