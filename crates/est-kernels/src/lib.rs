//! Numeric kernels: slices and shapes in, slices out, single-threaded. A kernel computes some of the rows (or
//! pixels) of its result, so that callers can spread the rest over threads; every number of a result is computed by
//! one fixed sequence of operations, whatever rows are computed with it. Images are channels-last: [h, w, c].
//!
//! Slices of the wrong length are programmer errors: every function panics on them.
#![deny(clippy::undocumented_unsafe_blocks, unsafe_op_in_unsafe_fn)]

mod across;
pub mod activate;
mod aligned;
pub mod conv;
mod depthwise;
mod direct;
mod epilogue;
pub mod isa;
pub mod layout;
mod pack;
pub mod peak;
pub mod pool;
pub mod recurrent;
pub mod reference;
pub mod rowwise;
mod simd;
mod tile;
pub mod transposed;
mod window;
mod winograd;

pub use aligned::Aligned;
pub use isa::Isa;
pub use window::Window;
