//! The names a pickle may mention, and what becomes of all others.

use super::element::Element;
use super::pickle::PickleError;

/// The names that describe tensors.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    OrderedDict,
    Tensor,
    Parameter,
    ParameterWithState,
    FromType,
    Size,
    StorageType(Element),
    /// Bytes whose element type another value tells.
    Untyped,
    Harmless,
}

/// What a name stands for, or why it is refused.
pub(super) fn known(module: &str, name: &str) -> Result<Known, PickleError> {
    let full = || format!("{module}.{name}");
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Known::Tensor,
        ("torch._utils", "_rebuild_parameter") => Known::Parameter,
        ("torch._utils", "_rebuild_parameter_with_state") => Known::ParameterWithState,
        ("torch._tensor", "_rebuild_from_type_v2") => Known::FromType,
        ("torch._utils", "_rebuild_qtensor") => return Err(PickleError::Kind("quantised")),
        ("torch._utils", "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor") => {
            return Err(PickleError::Kind("sparse"));
        }
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => {
            return Err(PickleError::Kind("empty (\"meta\" device)"));
        }
        ("torch", "Size") => Known::Size,
        ("torch" | "torch.storage", "UntypedStorage" | "TypedStorage") => Known::Untyped,
        ("torch" | "torch.cuda" | "torch.storage", name) if name.ends_with("Storage") => {
            Known::StorageType(Element::of_storage(name).ok_or_else(|| PickleError::Object(full()))?)
        }
        _ if harmless(module, name) => Known::Harmless,
        _ if is_class(name) => return Err(PickleError::Object(full())),
        _ => return Err(PickleError::Code(full())),
    })
}

/// Classes are written in capitals; what is not is a function.
fn is_class(name: &str) -> bool {
    name.rsplit('.').next().and_then(|n| n.chars().next()).is_some_and(char::is_uppercase)
}

/// Things that stand beside the weights in a checkpoint and that nothing is made of here.
fn harmless(module: &str, name: &str) -> bool {
    match module {
        "collections" => matches!(name, "defaultdict" | "Counter" | "deque"),
        "argparse" => name == "Namespace",
        "datetime" => matches!(name, "datetime" | "date" | "time" | "timedelta"),
        "pathlib" | "pathlib._local" => name.ends_with("Path"),
        "uuid" => name == "UUID",
        "decimal" => name == "Decimal",
        "numpy" => matches!(name, "dtype" | "ndarray"),
        "numpy.core.multiarray" | "numpy._core.multiarray" => matches!(name, "scalar" | "_reconstruct"),
        "numpy.core.numeric" | "numpy._core.numeric" => name == "_frombuffer",
        "numpy.dtypes" => is_class(name),
        "_codecs" => name == "encode",
        "torch" => matches!(name, "device" | "Tensor") || Element::of_type(name).is_some(),
        "torch.nn.parameter" => name == "Parameter",
        "torch.serialization" => name == "_get_layout",
        "builtins" | "__builtin__" => matches!(
            name,
            "set"
                | "frozenset"
                | "dict"
                | "list"
                | "int"
                | "float"
                | "bool"
                | "str"
                | "bytes"
                | "complex"
                | "slice"
                | "range"
                | "bytearray"
        ),
        "easydict" => name == "EasyDict",
        "omegaconf.dictconfig" | "omegaconf.listconfig" | "omegaconf.nodes" | "omegaconf.base" => is_class(name),
        _ => {
            (module.starts_with("torch.optim.")
                || module.starts_with("pytorch_lightning.")
                || module.starts_with("lightning.")
                || module.starts_with("lightning_fabric."))
                && is_class(name)
        }
    }
}
