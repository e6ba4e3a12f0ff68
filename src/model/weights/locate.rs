//! Where the weights are in a checkpoint that cannot be read as it stands, and the line of Python that saves them.

use super::tree::{Id, Tree, Value};
use std::collections::{HashSet, VecDeque};

/// Deepest place that is looked at, in steps from the top.
const DEEPEST: usize = 5;
/// Most places looked at.
const MOST_PLACES: usize = 200_000;

/// Weights that were found where they are not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// How Python leads there from what `torch.load` gives: `["model"].net`; empty for all of it.
    place: String,
    kind: Kind,
    /// How much there is, to choose by.
    arrays: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A dictionary of tensors.
    Tensors,
    /// The same in a class of somebody's own.
    ClassOfTensors(String),
    /// A whole network, of this class.
    Module(String),
    /// A dictionary of NumPy's arrays.
    NumPy,
}

impl Entry {
    /// What it is and how it is saved: two sentences.
    pub fn advice(&self) -> String {
        let loaded = format!("torch.load(\"FILE\", weights_only=False){}", self.place);
        let place = if self.place.is_empty() { "all of it".to_owned() } else { format!("its entry {}", self.place) };
        let (what, saved) = match &self.kind {
            Kind::Tensors => (format!("{place} is a dictionary of tensors"), loaded),
            Kind::ClassOfTensors(class) => {
                (format!("{place} holds tensors in an object of class {class}"), format!("dict({loaded})"))
            }
            Kind::Module(class) => (
                format!(
                    "{place} is an object of class {class}, the whole model, which only its own Python code can read"
                ),
                format!("{loaded}.state_dict()"),
            ),
            Kind::NumPy => (
                format!("{place} holds arrays of NumPy"),
                format!("{{k: torch.as_tensor(v) for k, v in {loaded}.items()}}"),
            ),
        };
        format!("{what}. Save the weights alone in Python: torch.save({saved}, \"weights.pth\")")
    }
}

/// The entry with most arrays; of equals the one nearest to the top. What belongs to an optimiser is no network.
pub(super) fn weights(tree: &Tree) -> Option<Entry> {
    let (mut seen, mut left) = (HashSet::new(), VecDeque::from([(tree.root, String::new(), 0)]));
    let mut best: Option<Entry> = None;
    while let Some((id, place, depth)) = left.pop_front() {
        if !seen.insert(id) || seen.len() > MOST_PLACES {
            continue;
        }
        if let Some((kind, arrays)) = entry(tree, id)
            && best.as_ref().is_none_or(|best| arrays > best.arrays)
        {
            best = Some(Entry { place: place.clone(), kind, arrays });
        }
        if depth < DEEPEST {
            left.extend(inside(tree, id, &place).into_iter().map(|(id, place)| (id, place, depth + 1)));
        }
    }
    best
}

/// What a place is, and how many arrays are in it.
fn entry(tree: &Tree, id: Id) -> Option<(Kind, usize)> {
    let count = |rows: &[(Id, Id)], is: fn(&Value) -> bool| rows.iter().filter(|(_, v)| is(tree.get(*v))).count();
    let tensor = |value: &Value| matches!(value, Value::Tensor(_) | Value::Strange(_));
    let (kind, arrays) = match tree.get(id) {
        Value::Dict(rows) => match count(rows, tensor) {
            0 => (Kind::NumPy, count(rows, |value| *value == Value::NumPy)),
            tensors => (Kind::Tensors, tensors),
        },
        Value::Object(object) if is_module(tree, id) => (Kind::Module(object.class.to_string()), in_module(tree, id)),
        Value::Object(object) => (Kind::ClassOfTensors(object.class.to_string()), count(&object.rows, tensor)),
        _ => return None,
    };
    (arrays > 0).then_some((kind, arrays))
}

/// The rows of an object's attributes.
fn attributes(tree: &Tree, id: Id) -> &[(Id, Id)] {
    match tree.get(id) {
        Value::Object(object) => match object.state.map(|state| tree.get(state)) {
            Some(Value::Dict(rows)) => rows,
            _ => &[],
        },
        _ => &[],
    }
}

fn row(tree: &Tree, rows: &[(Id, Id)], key: &str) -> Option<Id> {
    rows.iter().find(|(k, _)| tree.text(*k) == Some(key)).map(|(_, value)| *value)
}

/// True for a network of PyTorch.
fn is_module(tree: &Tree, id: Id) -> bool {
    let rows = attributes(tree, id);
    ["_parameters", "_buffers", "_modules"].iter().all(|key| row(tree, rows, key).is_some())
}

/// Arrays of a network and of what is inside it.
fn in_module(tree: &Tree, id: Id) -> usize {
    let (mut seen, mut left, mut arrays) = (HashSet::new(), vec![id], 0);
    while let Some(id) = left.pop() {
        if !seen.insert(id) || seen.len() > MOST_PLACES {
            continue;
        }
        for key in ["_parameters", "_buffers", "_modules"] {
            if let Some(Value::Dict(rows)) = row(tree, attributes(tree, id), key).map(|value| tree.get(value)) {
                arrays +=
                    rows.iter().filter(|(_, v)| matches!(tree.get(*v), Value::Tensor(_) | Value::Strange(_))).count();
                left.extend(rows.iter().map(|(_, v)| *v).filter(|v| matches!(tree.get(*v), Value::Object(_))));
            }
        }
    }
    // One without arrays of its own is a network all the same.
    arrays.max(1)
}

/// What lies one step inside a place, and how Python leads there.
fn inside(tree: &Tree, id: Id, place: &str) -> Vec<(Id, String)> {
    let by_key = |rows: &[(Id, Id)]| -> Vec<(Id, String)> {
        let named = rows.iter().filter_map(|(key, value)| Some((tree.text(*key)?, *value)));
        named.filter(|(key, _)| !of_optimiser(key)).map(|(key, value)| (value, format!("{place}[{key:?}]"))).collect()
    };
    match tree.get(id) {
        Value::Dict(rows) => by_key(rows),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().enumerate().map(|(i, value)| (*value, format!("{place}[{i}]"))).collect()
        }
        Value::Object(_) if is_module(tree, id) => Vec::new(),
        Value::Object(object) => {
            let named = attributes(tree, id).iter().filter_map(|(key, value)| Some((tree.text(*key)?, *value)));
            let attributes = named.filter(|(key, _)| !of_optimiser(key));
            let mut found: Vec<_> = attributes.map(|(key, value)| (value, format!("{place}.{key}"))).collect();
            found.extend(by_key(&object.rows));
            found
        }
        _ => Vec::new(),
    }
}

fn of_optimiser(key: &str) -> bool {
    let key = key.to_lowercase();
    ["optim", "scheduler", "opt_state"].iter().any(|word| key.contains(word)) || key == "opt"
}
