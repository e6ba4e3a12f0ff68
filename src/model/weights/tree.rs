//! What a pickle describes: plain values in one flat list, naming each other by position.

use super::element::Element;
use super::globals::Known;
use std::sync::Arc;

/// Position of a value in the list of a [`Tree`].
pub(super) type Id = u32;

/// A value of a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Known(Known),
    Storage(Storage),
    Tensor(Box<TensorPlace>),
    /// A tensor of a kind that is not read: quantised, sparse, ….
    Strange(&'static str),
    /// An object of somebody's own class.
    Object(Box<Object>),
    /// An array of NumPy.
    NumPy,
    /// Something weights do not need: a number with a fraction, bytes, a set.
    Other,
}

/// An object whose class only its own Python code knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Object {
    /// Module and name.
    pub class: Arc<str>,
    /// What was put into it as into a dictionary.
    pub rows: Vec<(Id, Id)>,
    /// Its attributes.
    pub state: Option<Id>,
}

/// Numbers a tensor looks into.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Storage {
    /// Its name in the file.
    pub key: String,
    /// What it holds.
    pub element: Element,
    /// How many.
    pub count: u64,
    /// Where it begins in the storage called `key`; not zero for views in files of old versions.
    pub start: u64,
}

/// A tensor: a look into a storage.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorPlace {
    pub storage: Storage,
    /// First element.
    pub offset: u64,
    pub shape: Vec<usize>,
    /// Elements from one index of a dimension to the next.
    pub strides: Vec<u64>,
}

/// Every value of a pickle.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) values: Vec<Value>,
    pub(super) root: Id,
}

impl Tree {
    /// The value the pickle is about.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// A value by its position.
    pub fn get(&self, id: Id) -> &Value {
        self.values.get(id as usize).unwrap_or(&Value::Other)
    }

    /// The text at a position, if it is text.
    pub fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Every storage, in order of appearance.
    pub fn storages(&self) -> impl Iterator<Item = &Storage> {
        self.values.iter().filter_map(|v| match v {
            Value::Storage(storage) => Some(storage),
            _ => None,
        })
    }
}
