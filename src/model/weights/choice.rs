//! Finds the weights among what a checkpoint holds.

use super::locate;
use super::tree::{Id, TensorPlace, Tree, Value};
use std::collections::HashSet;

/// Keys people keep weights under, the likeliest first. Averaged weights come last: they are another model.
const KEYS: [&str; 19] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "net_state_dict",
    "module",
    "backbone",
    "encoder",
    "generator",
    "weights",
    "params",
    "student",
    "model_ema",
    "state_dict_ema",
    "ema_state_dict",
    "ema",
    "teacher",
];

/// Most arrays of a network.
const MOST_ARRAYS: usize = 100_000;

/// Why no weights were found. Completes the sentence "FILE is not a usable weight file: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChoiceError {
    #[error(
        "it holds {0} and no dictionary of weights; save one in Python: torch.save(model.state_dict(), \"weights.pth\")"
    )]
    NotADict(String),
    #[error(
        "it holds no tensors under any of the usual keys (state_dict, model_state_dict, model, …), only: {0}. Save the \
         weights alone in Python: torch.save(model.state_dict(), \"weights.pth\")"
    )]
    NoTensors(String),
    #[error("no weights can be read from it as it stands: {0}")]
    Elsewhere(String),
    #[error("array {name} is a tensor of another kind ({kind}); convert it to an ordinary one in Python before saving")]
    Kind { name: String, kind: &'static str },
    #[error("the array {0} is in it twice")]
    Twice(String),
    #[error("it holds more than {MOST_ARRAYS} arrays, more than any network has")]
    TooMany,
}

/// The weights of a checkpoint.
#[derive(Debug)]
pub(super) struct Chosen {
    /// The keys that lead to them; empty where they are all there is.
    pub path: Vec<String>,
    /// By name, in the order of the file.
    pub tensors: Vec<(String, TensorPlace)>,
    /// What else there is, for people.
    pub beside: Vec<String>,
}

/// Finds the weights: under the usual keys, one level deep or two, or else right there.
///
/// # Errors
/// No tensors there, or two of one name.
pub(super) fn state_dict(tree: &Tree) -> Result<Chosen, ChoiceError> {
    let Value::Dict(root) = tree.root() else { return Err(no_dict(tree)) };
    let mut found = Vec::new();
    for key in KEYS {
        let Some(Value::Dict(inside)) = under(tree, root, key) else { continue };
        if holds_tensors(tree, inside) {
            found.push((vec![key.to_owned()], inside));
            continue;
        }
        for deeper in KEYS {
            if let Some(Value::Dict(inside)) = under(tree, inside, deeper)
                && holds_tensors(tree, inside)
            {
                found.push((vec![key.to_owned(), deeper.to_owned()], inside));
            }
        }
    }
    if holds_tensors(tree, root) {
        // A tensor or two beside `state_dict` are some of the training's own.
        let at =
            if found.is_empty() || tensors_in(tree, root) > tensors_in(tree, found[0].1) { 0 } else { found.len() };
        found.insert(at, (Vec::new(), root));
    }
    let Some((path, chosen)) = found.first().cloned() else {
        if let Some(entry) = locate::weights(tree) {
            return Err(ChoiceError::Elsewhere(entry.advice()));
        }
        let keys: Vec<&str> = root.iter().filter_map(|(k, _)| tree.text(*k)).take(12).collect();
        let told = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
        return Err(ChoiceError::NoTensors(told));
    };
    let mut beside: Vec<String> =
        found.iter().skip(1).map(|(path, _)| path.join(".")).filter(|p| !p.is_empty()).collect();
    if !path.is_empty() {
        let others = root.iter().filter_map(|(k, _)| tree.text(*k)).filter(|k| path[0] != *k);
        for key in others {
            if !beside.iter().any(|b| b == key) {
                beside.push(key.to_owned());
            }
        }
    }
    Ok(Chosen { path, tensors: tensors(tree, chosen)?, beside })
}

/// Why something that is no dictionary is no checkpoint.
fn no_dict(tree: &Tree) -> ChoiceError {
    let what = match tree.root() {
        Value::Tensor(_) | Value::Strange(_) => "a single tensor".to_owned(),
        Value::List(_) | Value::Tuple(_) => "a list".to_owned(),
        Value::NumPy => "an array of NumPy".to_owned(),
        Value::Object(object) => match locate::weights(tree) {
            Some(entry) => return ChoiceError::Elsewhere(entry.advice()),
            None => format!("a Python object of class {}", object.class),
        },
        _ => "a plain value".to_owned(),
    };
    ChoiceError::NotADict(what)
}

fn under<'a>(tree: &'a Tree, rows: &[(Id, Id)], key: &str) -> Option<&'a Value> {
    rows.iter().find(|(k, _)| tree.text(*k) == Some(key)).map(|(_, v)| tree.get(*v))
}

fn tensors_in(tree: &Tree, rows: &[(Id, Id)]) -> usize {
    rows.iter()
        .filter(|(k, v)| tree.text(*k).is_some() && matches!(tree.get(*v), Value::Tensor(_) | Value::Strange(_)))
        .count()
}

fn holds_tensors(tree: &Tree, rows: &[(Id, Id)]) -> bool {
    tensors_in(tree, rows) > 0
}

fn tensors(tree: &Tree, rows: &[(Id, Id)]) -> Result<Vec<(String, TensorPlace)>, ChoiceError> {
    let (mut out, mut seen) = (Vec::new(), HashSet::new());
    for (key, value) in rows {
        let (Some(name), value) = (tree.text(*key), tree.get(*value)) else { continue };
        let tensor = match value {
            Value::Tensor(tensor) => tensor,
            Value::Strange(kind) => return Err(ChoiceError::Kind { name: name.to_owned(), kind }),
            _ => continue,
        };
        if !seen.insert(name) {
            return Err(ChoiceError::Twice(name.to_owned()));
        }
        if seen.len() > MOST_ARRAYS {
            return Err(ChoiceError::TooMany);
        }
        out.push((name.to_owned(), (**tensor).clone()));
    }
    Ok(out)
}
