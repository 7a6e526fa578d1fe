//! The names that a pickle of weights may refer to. A name only selects one of these variants: nothing is imported,
//! called or looked up anywhere else.

use super::super::dtype::Dtype;

/// What an allowed name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Global {
    /// A function of torch that makes a tensor from a storage.
    Rebuild(Rebuild),
    /// `_rebuild_parameter*`: its first argument is the tensor.
    Parameter,
    /// `_rebuild_from_type_v2(function, type, arguments, state)`.
    FromType,
    OrderedDict,
    /// `torch.Size`: a tuple.
    Size,
    /// The type of a storage, typed or of bare bytes.
    Storage(Option<Dtype>),
    Dtype(Dtype),
    /// Harmless plain data that no tensor depends on; whatever is made with it is ignored.
    Opaque,
}

/// The argument lists `(storage, offset, size, stride, ...)` that differ in where the element type comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rebuild {
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`: the storage's.
    TypedStorage,
    /// `_rebuild_tensor_v3`: the seventh argument.
    TypedArgument,
}

/// The allow-list. `None`: refuse the file.
pub(super) fn lookup(module: &str, name: &str) -> Option<Global> {
    let global = match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Rebuild(Rebuild::TypedStorage),
        ("torch._utils", "_rebuild_tensor_v3") => Global::Rebuild(Rebuild::TypedArgument),
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Global::Parameter,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::FromType,
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch", "Size") => Global::Size,
        ("torch" | "torch.storage", "UntypedStorage") => Global::Storage(None),
        ("torch" | "torch.cuda" | "torch.storage", _) if name.ends_with("Storage") => {
            Global::Storage(Some(storage_dtype(name)?))
        }
        ("torch", "device" | "Tensor") => Global::Opaque,
        ("torch", _) => Global::Dtype(dtype(name)?),
        ("torch.nn.parameter", "Parameter" | "Buffer") => Global::Opaque,
        // `best_acc` and the like as numpy numbers, and what protocol 2 needs to write their bytes.
        ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct") => Global::Opaque,
        ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Global::Opaque,
        ("numpy", "dtype" | "ndarray") | ("_codecs", "encode") => Global::Opaque,
        // What the states of learning-rate schedules and parsed command lines are made of.
        ("collections", "defaultdict" | "Counter" | "deque") => Global::Opaque,
        ("argparse", "Namespace") | ("types", "SimpleNamespace") => Global::Opaque,
        // Paths and times in the states of callbacks; `pathlib._local` is Python 3.13's.
        ("pathlib" | "pathlib._local", "Path" | "PosixPath" | "PurePosixPath" | "WindowsPath" | "PureWindowsPath") => {
            Global::Opaque
        }
        ("datetime", "datetime" | "date" | "timedelta" | "timezone") => Global::Opaque,
        // Hyper-parameters as training frameworks keep them.
        ("pytorch_lightning.utilities.parsing" | "lightning.pytorch.utilities.parsing", "AttributeDict")
        | ("lightning_fabric.utilities.data" | "lightning.fabric.utilities.data", "AttributeDict") => Global::Opaque,
        ("omegaconf.dictconfig", "DictConfig") | ("omegaconf.listconfig", "ListConfig") => Global::Opaque,
        ("omegaconf.base", "ContainerMetadata" | "Metadata") | ("typing", "Any") => Global::Opaque,
        ("omegaconf.nodes", "AnyNode" | "IntegerNode" | "FloatNode" | "StringNode" | "BooleanNode") => Global::Opaque,
        ("builtins" | "__builtin__", "set" | "frozenset" | "int" | "float" | "list" | "dict" | "bytearray") => {
            Global::Opaque
        }
        _ => return None,
    };
    Some(global)
}

fn storage_dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::Bf16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::Bool,
        _ => return None,
    })
}

fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::Bf16,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint8" => Dtype::U8,
        "bool" => Dtype::Bool,
        _ => return None,
    })
}
