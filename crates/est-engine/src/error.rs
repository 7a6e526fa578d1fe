/// Why a network cannot be set up or run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the weights lack `{key}`; give the weights of this very network")]
    Missing { key: String },
    #[error(
        "the weights hold `{key}` with shape {found:?}, the network needs {expected:?}; give the weights of this very network"
    )]
    Shape { key: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("the network takes {expected} inputs ({names}), but {found} were given")]
    InputCount { expected: usize, names: String, found: usize },
    #[error("the input `{input}` holds {found} numbers; a batch of {batch} needs {expected}")]
    InputLength { input: String, batch: usize, expected: usize, found: usize },
    #[error("`{node}` was given the index {index}; it takes whole numbers from 0 to {last}")]
    Index { node: String, index: f32, last: usize },
    #[error("the weights hold {least} in `{key}`, and no variance is below zero; they are damaged: use others")]
    Variance { key: String, least: f32 },
    /// A result is NaN or infinite; `element` of the batch is the first with one.
    #[error(
        "layer `{node}` gives values that are no finite numbers: the weights are damaged or too large for f32; use others"
    )]
    NotFinite { node: String, element: usize },
    #[error("the engine cannot run `{node}`: {reason}")]
    Unsupported { node: String, reason: String },
    #[error("EST_ISA is `{name}`; it may be portable, avx2, avx512 or avx512bf16")]
    UnknownIsa { name: String },
    #[error("{threads} threads cannot be started: {source}; ask for fewer")]
    Threads { threads: usize, source: rayon::ThreadPoolBuildError },
}
