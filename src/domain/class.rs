use serde::{Deserialize, Serialize};

/// Position of a class in a [`ClassSet`], which is also its output unit in a network.
pub type ClassId = usize;

/// One class as the dataset names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassInfo {
    /// The number the dataset's files use (`0…16` in exercise recordings), which need not be the position.
    pub id: i64,
    /// What people read.
    pub name: String,
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

    /// Position of the class called `name`.
    pub fn by_name(&self, name: &str) -> Option<ClassId> {
        self.classes.iter().position(|c| c.name == name)
    }

    /// Classes called by their names, with ids `0, 1, …` in that order.
    pub fn from_names<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Self {
        let classes =
            names.into_iter().enumerate().map(|(id, name)| ClassInfo { id: id as i64, name: name.into() }).collect();
        Self { classes }
    }
}
