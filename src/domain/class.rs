use serde::{Deserialize, Serialize};

/// Position of a class in a [`ClassSet`], which is also its output unit in a network.
pub type ClassId = usize;

/// One class as the dataset names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// The number the dataset's files use (`0…16` in exercise recordings), which need not be the position.
    pub id: i64,
    /// What people read.
    pub name: String,
    /// The number as the source writes it, where it numbers its classes at all: it decides whether foreign weights fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// True for a class that means "nothing of interest", such as `background` or `SIL`: it keeps its output, and
    /// accuracy is reported with and without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub background: bool,
}

impl ClassInfo {
    /// A class whose number is only its place.
    pub fn named(id: i64, name: impl Into<String>) -> Self {
        Self { id, name: name.into(), ..Self::default() }
    }

    /// A class that the source numbers.
    pub fn numbered(id: i64, name: impl Into<String>) -> Self {
        Self { source: Some(id.to_string()), ..Self::named(id, name) }
    }
}

/// The ordered classes of a dataset or a run. The position is the network's output unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSet {
    /// The classes in output order.
    pub classes: Vec<ClassInfo>,
}

impl ClassSet {
    /// Number of classes.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// True when no class is known.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// Name of the class at a position, or `"?"` when the position is out of range.
    pub fn name(&self, class: ClassId) -> &str {
        self.classes.get(class).map_or("?", |c| c.name.as_str())
    }

    /// Position of the class whose file id is `id`.
    pub fn by_id(&self, id: i64) -> Option<ClassId> {
        self.classes.iter().position(|c| c.id == id)
    }

    /// As [`ClassSet::from_names`], of a source that numbers its classes from 0.
    pub fn from_numbered<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { classes: names.into_iter().zip(0..).map(|(name, id)| ClassInfo::numbered(id, name)).collect() }
    }

    /// Position of the class called `name`.
    pub fn by_name(&self, name: &str) -> Option<ClassId> {
        self.classes.iter().position(|c| c.name == name)
    }

    /// Classes called by their names, with ids `0, 1, …` in that order.
    pub fn from_names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { classes: names.into_iter().zip(0..).map(|(name, id)| ClassInfo::named(id, name)).collect() }
    }
}
