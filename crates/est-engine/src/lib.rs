//! Runs a [`est_nets::Graph`] on the CPU, in f32 or with bf16 factors in its convolutions ([`Precision`]): batch norm
//! folded into the layer before it, activations and residual sums done while a result is in registers, nodes that no
//! output needs dropped, buffers planned and shared.
//!
//! Results do not depend on the number of threads, nor on what else is in the batch, to the last bit.
//!
//! # Layout
//! Items of rank 3 are images, those of rank 4 stacks of frames: the graph writes their shape [channels, height, width] or
//! [channels, frames, height, width], but they travel channels-last, [height, width, channels] or [frames, height, width,
//! channels], in inputs, buffers and outputs. All else is row-major in the graph's own shape. Items of a batch follow one
//! another.
#![forbid(unsafe_code)]

mod buffers;
mod chain;
mod clock;
mod error;
mod finite;
mod fold;
mod frames;
mod front;
mod join;
mod kernel;
mod layer;
mod plan;
mod session;
mod threads;

pub use error::EngineError;
pub use session::{Options, Precision, Session};
