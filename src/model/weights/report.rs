//! What of a weight file went where, in words and as data.

use super::WeightFormat;
use serde::Serialize;
use std::path::PathBuf;

/// Names that are listed before "and so many more".
const LISTED: usize = 6;

/// An array that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Its name in the network.
    pub name: String,
    /// Its name in the file.
    pub from: String,
    /// True for a 2D kernel that was repeated along time.
    pub inflated: bool,
}

/// An array whose name is in the file with a shape that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfit {
    /// Its name in the network.
    pub name: String,
    /// The network's shape.
    pub wanted: Vec<usize>,
    /// Its name in the file.
    pub from: String,
    /// The file's shape.
    pub found: Vec<usize>,
}

/// The layer with one output a class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassLayer {
    /// Its module in the network.
    pub name: String,
    /// Classes of the network.
    pub classes: usize,
    /// Classes of the file; `None` where it has no class layer that could be this one.
    pub found: Option<usize>,
    /// True when its weights were taken.
    pub taken: bool,
}

/// What of a weight file went where. Every array of the network is matched, missing or mismatched; every array of the
/// file is matched, mismatched or unused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightReport {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub format: WeightFormat,
    /// The keys that lead to the weights in it; empty where they are all there is.
    pub found_under: Vec<String>,
    /// What else it holds.
    pub beside: Vec<String>,
    /// Id of the network.
    pub model: String,
    /// The network for people.
    pub title: String,
    /// How names were read; empty where they were taken as they are.
    pub reading: Vec<String>,
    /// Arrays of the network, counters not among them.
    pub arrays: usize,
    /// Counters of batches that were taken; files without them are complete all the same.
    pub counters: usize,
    /// Arrays that were taken, counters among them.
    pub matched: Vec<Match>,
    /// Arrays of the network that the file lacks.
    pub missing: Vec<String>,
    /// Arrays of the file that the network lacks.
    pub unused: Vec<String>,
    /// Arrays that are there with another shape.
    pub mismatched: Vec<Misfit>,
    /// The layer with one output a class.
    pub class_layer: ClassLayer,
    /// What deserves doubt.
    pub warnings: Vec<String>,
}

impl WeightReport {
    /// True when every array of the network was taken.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.mismatched.is_empty()
    }

    /// True when all but the class layer was taken.
    pub fn is_backbone_complete(&self) -> bool {
        self.missing.iter().chain(self.mismatched.iter().map(|m| &m.name)).all(|n| self.is_class(n))
    }

    fn is_class(&self, name: &str) -> bool {
        name.rsplit_once('.').is_some_and(|(module, _)| module == self.class_layer.name)
    }

    /// Arrays that were taken, without counters.
    pub fn taken(&self) -> usize {
        self.matched.len() - self.counters
    }

    /// Kernels that were repeated along time.
    pub fn inflated(&self) -> usize {
        self.matched.iter().filter(|m| m.inflated).count()
    }

    /// The report for people, a line each; with `all`, every name.
    pub fn lines(&self, all: bool) -> Vec<String> {
        let most = if all { usize::MAX } else { LISTED };
        let mut out = Vec::new();
        let under = match self.found_under.as_slice() {
            [] => String::new(),
            keys => format!(", weights under '{}'", keys.join("' in '")),
        };
        out.push(format!("{}: {}{under}", self.path.display(), self.format.title()));
        if !self.beside.is_empty() {
            out.push(format!("not looked at: {}", listed(&self.beside, most)));
        }
        if !self.reading.is_empty() {
            out.push(format!("names: {}", self.reading.join(", ")));
        }
        out.push(format!("{} of {} arrays of {} taken", self.taken(), self.arrays, self.title));
        let inflated = self.inflated();
        if inflated > 0 {
            out.push(format!("inflated: {inflated} 2D kernels, repeated along time and divided by their length"));
        }
        out.push(self.class_sentence());
        let missing: Vec<String> = self.missing.iter().filter(|n| !self.is_class(n)).cloned().collect();
        if !missing.is_empty() {
            out.push(format!("not in the file, initialised from scratch: {}", listed(&missing, most)));
        }
        let misfits: Vec<String> = self
            .mismatched
            .iter()
            .filter(|m| !self.is_class(&m.name))
            .map(|m| format!("{} {:?} (the file has {:?})", m.name, m.wanted, m.found))
            .collect();
        if !misfits.is_empty() {
            out.push(format!("of another shape, initialised from scratch: {}", listed(&misfits, most)));
        }
        if !self.unused.is_empty() {
            out.push(format!("in the file and not used: {}", listed(&self.unused, most)));
        }
        out
    }

    fn class_sentence(&self) -> String {
        let ClassLayer { name, classes, found, taken } = &self.class_layer;
        match (found, taken) {
            (_, true) => format!("class layer {name}: taken, {classes} classes"),
            (Some(found), false) if found != classes => {
                format!(
                    "class layer {name}: initialised from scratch, the file has {found} classes and this network {classes}"
                )
            }
            (Some(_), false) => format!("class layer {name}: initialised from scratch, the file's has other inputs"),
            (None, false) => format!("class layer {name}: initialised from scratch, the file has none"),
        }
    }
}

/// Names with commas, and how many more.
fn listed(names: &[String], most: usize) -> String {
    if names.len() <= most {
        return names.join(", ");
    }
    format!("{} and {} more", names[..most].join(", "), names.len() - most)
}
