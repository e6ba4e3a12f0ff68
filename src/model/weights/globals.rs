//! The names a pickle may mention, and what becomes of them.

use super::element::Element;
use super::pickle::PickleError;
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    OrderedDict,
    /// Another class of plain dictionaries.
    Dict,
    Tensor,
    /// The same with its type beside a storage of bytes.
    TypedTensor,
    Parameter,
    ParameterWithState,
    FromType,
    Size,
    Type(Element),
    StorageType(Element),
    /// Bytes whose element type another value tells.
    Untyped,
    /// Makes tensors of a kind that is not read.
    Strange(&'static str),
    /// Makes an array of NumPy.
    Array,
    /// Makes something weights do not need, by running nothing of anybody's.
    Harmless,
    /// Makes an object of the class that is its first argument.
    New,
    /// Takes an attribute of an object by its name, which is how methods are pickled.
    Attribute,
    /// A class of somebody's own: what is made of it is known by its name alone.
    Class(Arc<str>),
    /// A function of somebody's own. It may be mentioned; calling it is refused.
    Function(Arc<str>),
}

/// Modules of the standard library whose functions and classes act on the machine. No checkpoint has a use for them.
const ACTING: [&str; 34] = [
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "shutil",
    "socket",
    "socketserver",
    "importlib",
    "imp",
    "runpy",
    "pty",
    "ctypes",
    "webbrowser",
    "pickle",
    "_pickle",
    "cPickle",
    "marshal",
    "code",
    "codeop",
    "timeit",
    "pdb",
    "bdb",
    "cProfile",
    "profile",
    "trace",
    "multiprocessing",
    "asyncio",
    "http",
    "urllib",
    "ftplib",
    "pip",
    "commands",
    "popen2",
];

/// What a name stands for.
///
/// # Errors
/// Names that only stand in a file in order to run something.
pub(super) fn known(module: &str, name: &str) -> Result<Known, PickleError> {
    let full = || format!("{module}.{name}");
    let code = || Err(PickleError::Code(full()));
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Known::OrderedDict,
        ("collections", "defaultdict" | "Counter") | ("builtins" | "__builtin__", "dict") => Known::Dict,
        ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Known::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Known::TypedTensor,
        ("torch._utils", "_rebuild_parameter") => Known::Parameter,
        ("torch._utils", "_rebuild_parameter_with_state") => Known::ParameterWithState,
        ("torch._tensor", "_rebuild_from_type_v2") => Known::FromType,
        ("torch._utils", "_rebuild_qtensor") => Known::Strange("quantised"),
        ("torch._utils", "_rebuild_sparse_tensor" | "_rebuild_sparse_csr_tensor") => Known::Strange("sparse"),
        ("torch._utils", "_rebuild_meta_tensor_no_storage") => Known::Strange("empty (\"meta\" device)"),
        ("torch._utils", "_rebuild_nested_tensor") => Known::Strange("nested"),
        ("torch._utils", name) if name.starts_with("_rebuild_") => Known::Strange("wrapped or distributed"),
        ("torch", "Size") => Known::Size,
        ("torch" | "torch.storage", "UntypedStorage" | "TypedStorage") => Known::Untyped,
        ("torch" | "torch.cuda" | "torch.storage", name) if name.ends_with("Storage") => {
            Known::StorageType(Element::of_storage(name).ok_or_else(|| PickleError::Storage(full()))?)
        }
        ("torch", name) if let Some(element) = Element::of_type(name) => Known::Type(element),
        ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct")
        | ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => Known::Array,
        ("copyreg" | "copy_reg", "_reconstructor" | "__newobj__" | "__newobj_ex__") => Known::New,
        ("builtins" | "__builtin__", "getattr") => Known::Attribute,
        _ if harmless(module, name) => Known::Harmless,
        ("types", "CodeType" | "FunctionType" | "LambdaType") => return code(),
        ("builtins" | "__builtin__", name) if !is_class(name) => return code(),
        _ if ACTING.contains(&module.split('.').next().unwrap_or_default()) => return code(),
        _ if is_class(name) => Known::Class(full().into()),
        _ => Known::Function(full().into()),
    })
}

/// Classes are written in capitals; what is not is a function.
fn is_class(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    last.trim_start_matches('_').chars().next().is_some_and(char::is_uppercase)
}

/// Functions that put together what stands beside the weights in a checkpoint, and classes in small letters. Nothing is
/// made of them here.
fn harmless(module: &str, name: &str) -> bool {
    match module {
        "collections" => name == "deque",
        "datetime" => matches!(name, "datetime" | "date" | "time" | "timedelta" | "timezone"),
        "functools" => name == "partial",
        "operator" => matches!(name, "itemgetter" | "attrgetter"),
        "itertools" => name == "count",
        "re" => name == "_compile",
        "numpy" => matches!(name, "dtype" | "ndarray"),
        "_codecs" => name == "encode",
        "torch" => matches!(name, "device" | "Tensor" | "Generator" | "finfo" | "iinfo"),
        "torch.nn.parameter" => name == "Parameter",
        "torch.serialization" => name == "_get_layout",
        "builtins" | "__builtin__" => matches!(
            name,
            "set"
                | "frozenset"
                | "list"
                | "tuple"
                | "int"
                | "float"
                | "bool"
                | "str"
                | "bytes"
                | "complex"
                | "slice"
                | "range"
                | "bytearray"
                | "object"
                | "type"
                | "enumerate"
                | "zip"
                | "reversed"
        ),
        _ => {
            // numpy.core.multiarray._reconstruct, …, pandas._libs.internals._unpickle_block, ….
            let of_arrays = ["numpy", "pandas"].contains(&module.split('.').next().unwrap_or_default());
            let makes = ["_reconstruct", "_unpickle", "__pyx_unpickle", "_new_"];
            of_arrays && (name == "scalar" || name.ends_with("_ctor") || makes.iter().any(|m| name.starts_with(m)))
        }
    }
}
