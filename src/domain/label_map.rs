//! A label map: which classes of a dataset get another name, are one class, are left out or count as background, and in
//! which order they stand.

use super::fates::{Fate, Fates};
use super::{ClassId, ClassInfo, ClassSet, listed, nearest};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::HashMap;
use std::fmt;

/// Names in a sentence before the rest are only counted.
const LISTED: usize = 8;

/// What somebody says about the classes of a dataset. Classes that no rule names stay as they are.
///
/// Classes that get the same name become one, also with a class that has this name in the dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LabelMap {
    /// What becomes of single classes, in any order.
    pub rules: Vec<ClassRule>,
    /// Names of classes as they are called then, in output order; the others follow in the order of the dataset.
    pub order: Vec<String>,
}

/// What becomes of one class of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassRule {
    /// The class as the dataset names it, or `#7` for the class with the number 7 in its files.
    pub class: String,
    /// What it becomes.
    pub becomes: Becomes,
}

/// What a class becomes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Becomes {
    /// The class of this name.
    Class(String),
    /// None of the classes.
    Background,
    /// Nothing: what is labelled so is not used.
    LeftOut,
}

/// What frames of no class are called.
const BACKGROUND_NAME: &str = "background";

impl LabelMap {
    /// What `--relabel` writes for background.
    pub const BACKGROUND: &'static str = "@background";

    /// True where nothing is changed.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.order.is_empty()
    }

    /// Older configurations give names to class numbers.
    fn of_names(names: Vec<(i64, String)>) -> Self {
        let rule = |(id, name)| ClassRule { class: format!("#{id}"), becomes: Becomes::Class(name) };
        Self { rules: names.into_iter().map(rule).collect(), order: Vec::new() }
    }

    /// Reads what `--relabel` is given: `CLASS=NAME`, `CLASS=` for a class that is left out, `CLASS=@background`.
    ///
    /// # Errors
    /// A sentence for anything else.
    pub fn parse(relabel: &[String], order: &[String]) -> Result<Self, String> {
        let rule = |text: &String| {
            let (class, becomes) =
                text.split_once('=').filter(|(class, _)| !class.trim().is_empty()).ok_or_else(|| {
                    format!(
                        "'{text}': write CLASS=NAME, CLASS= to leave the class out, or CLASS={} to make it background",
                        Self::BACKGROUND
                    )
                })?;
            let becomes = match becomes.trim() {
                "" => Becomes::LeftOut,
                at if at.eq_ignore_ascii_case(Self::BACKGROUND) => Becomes::Background,
                at if at.starts_with('@') => {
                    return Err(format!(
                        "'{text}': '{at}' is not known; write CLASS={} to make the class background",
                        Self::BACKGROUND
                    ));
                }
                name => Becomes::Class(name.to_owned()),
            };
            Ok(ClassRule { class: class.trim().to_owned(), becomes })
        };
        let rules = relabel.iter().map(rule).collect::<Result<_, String>>()?;
        Ok(Self { rules, order: order.iter().map(|name| name.trim().to_owned()).collect() })
    }

    /// The part of it that speaks of these classes: of another dataset than it was made for little may be left.
    pub fn fitting(&self, classes: &ClassSet) -> Self {
        let there = |rule: &&ClassRule| matches!(find(classes, &rule.class), Ok(Some(_)));
        Self { rules: self.rules.iter().filter(there).cloned().collect(), order: Vec::new() }
    }

    /// What becomes of each of these classes.
    ///
    /// # Errors
    /// A class that there is not, one that is named twice, classes that become one that is not kept, names that are passed
    /// on, and a map that leaves no class.
    pub fn resolve(&self, classes: &ClassSet) -> Result<ClassMapping, LabelMapError> {
        let mut said: Vec<Option<&ClassRule>> = vec![None; classes.len()];
        let mut missing = Vec::new();
        for rule in &self.rules {
            if matches!(&rule.becomes, Becomes::Class(name) if name.trim().is_empty()) {
                return Err(LabelMapError::NoName(rule.class.clone()));
            }
            // A class of that name would stand beside the frames of no class, which are called so.
            let taken = |name: &str| name.trim().eq_ignore_ascii_case(BACKGROUND_NAME);
            let own = || classes.classes.iter().any(|c| taken(&c.name));
            if matches!(&rule.becomes, Becomes::Class(name) if taken(name) && !own()) {
                return Err(LabelMapError::CalledBackground(rule.class.clone()));
            }
            match find(classes, &rule.class)?.and_then(|at| said.get_mut(at)) {
                Some(Some(_)) => return Err(LabelMapError::Twice(rule.class.clone())),
                Some(slot) => *slot = Some(rule),
                None => missing.push(rule.class.clone()),
            }
        }
        passed_on(classes, &said)?;
        let (fates, mapped) = grouped(classes, &said);
        if mapped.is_empty() && !classes.is_empty() {
            return Err(LabelMapError::NothingLeft);
        }
        let (fates, classes) = self.ordered(fates, mapped)?;
        Ok(ClassMapping { fates: Fates(fates), classes, missing })
    }

    /// Puts the classes into the order that is said.
    fn ordered(&self, fates: Vec<Fate>, classes: ClassSet) -> Result<(Vec<Fate>, ClassSet), LabelMapError> {
        let mut wanted: Vec<ClassId> = Vec::with_capacity(classes.len());
        for name in &self.order {
            let at = classes
                .by_name(name)
                .ok_or_else(|| LabelMapError::Unordered { name: name.clone(), known: known(name, &classes) })?;
            if wanted.contains(&at) {
                return Err(LabelMapError::OrderedTwice(name.clone()));
            }
            wanted.push(at);
        }
        let mut first: Vec<bool> = vec![false; classes.len()];
        wanted.iter().for_each(|at| first.iter_mut().skip(*at).take(1).for_each(|f| *f = true));
        wanted.extend(first.iter().enumerate().filter(|(_, f)| !**f).map(|(at, _)| at));
        let mut places = vec![0; classes.len()];
        for (place, at) in wanted.iter().enumerate() {
            places.iter_mut().skip(*at).take(1).for_each(|p| *p = place);
        }
        let placed = |fate: Fate| match fate {
            Fate::Class(at) => Fate::Class(places.get(at).copied().unwrap_or(at)),
            other => other,
        };
        let classes = wanted.iter().filter_map(|at| classes.classes.get(*at).cloned()).collect();
        Ok((fates.into_iter().map(placed).collect(), ClassSet { classes }))
    }
}

impl<'de> Deserialize<'de> for LabelMap {
    /// Takes the names by number of older configurations as well: `[(3, "squat")]`.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Fields {
            rules: Vec<ClassRule>,
            order: Vec<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = LabelMap;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("rules and order of a label map, or pairs of a number and a name")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LabelMap, A::Error> {
                let Fields { rules, order } = Fields::deserialize(MapAccessDeserializer::new(map))?;
                Ok(LabelMap { rules, order })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<LabelMap, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(LabelMap::of_names)
            }

            fn visit_unit<E>(self) -> Result<LabelMap, E> {
                Ok(LabelMap::default())
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Position of the class that a rule names; `None` for a number that no class has.
fn find(classes: &ClassSet, named: &str) -> Result<Option<ClassId>, LabelMapError> {
    let mut found = classes.classes.iter().enumerate().filter(|(_, c)| c.name == named).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => return Err(LabelMapError::SameName(named.to_owned())),
        (Some(at), None) => return Ok(Some(at)),
        (None, _) => {}
    }
    match named.strip_prefix('#').and_then(|n| n.trim().parse::<i64>().ok()) {
        Some(number) => Ok(classes.by_id(number)),
        None => Err(LabelMapError::NoClass { name: named.to_owned(), known: known(named, classes) }),
    }
}

/// The first names there are, and the one that was probably meant.
fn known(name: &str, classes: &ClassSet) -> String {
    let names: Vec<&str> = classes.classes.iter().map(|c| c.name.as_str()).collect();
    let meant = nearest(name, names.iter().copied()).map_or_else(String::new, |n| format!("; did you mean '{n}'?"));
    format!("{}{meant}", listed(&names, LISTED))
}

/// Refuses classes that become one which itself becomes something else.
fn passed_on(classes: &ClassSet, said: &[Option<&ClassRule>]) -> Result<(), LabelMapError> {
    for rule in said.iter().flatten() {
        let Becomes::Class(into) = &rule.becomes else { continue };
        let Some(next) = classes.by_name(into).and_then(|at| said.get(at).copied().flatten()) else { continue };
        let (class, into) = (rule.class.clone(), into.clone());
        match &next.becomes {
            Becomes::Class(name) if *name == into => {}
            // Who gives names to numbers gives each class its own.
            Becomes::Class(_) if rule.class.starts_with('#') => {}
            Becomes::Class(name) => return Err(LabelMapError::PassedOn { class, into, next: name.clone() }),
            Becomes::LeftOut => return Err(LabelMapError::IntoLeftOut { class, into }),
            Becomes::Background => return Err(LabelMapError::IntoBackground { class, into }),
        }
    }
    Ok(())
}

/// Classes of one name become one, which stands where the class of that name stood in the dataset, else the first of them.
fn grouped(classes: &ClassSet, said: &[Option<&ClassRule>]) -> (Vec<Fate>, ClassSet) {
    struct Group<'a> {
        name: &'a str,
        members: Vec<ClassId>,
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    // Classes that share a name in the dataset stay apart where no rule names them.
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    let ruled: HashMap<&str, ()> = said.iter().flatten().filter_map(|r| Some((name_of(&r.becomes)?, ()))).collect();
    for (at, class) in classes.classes.iter().enumerate() {
        let rule = said.get(at).copied().flatten();
        let Some(name) = rule.map_or(Some(class.name.as_str()), |r| name_of(&r.becomes)) else { continue };
        match by_name.get(name).and_then(|g| groups.get_mut(*g)) {
            Some(group) if rule.is_some() || ruled.contains_key(name) => group.members.push(at),
            _ => {
                by_name.entry(name).or_insert(groups.len());
                groups.push(Group { name, members: vec![at] });
            }
        }
    }
    let stands = |g: &Group<'_>| {
        let own = |at: &&ClassId| classes.name(**at) == g.name;
        g.members.iter().find(own).or(g.members.first()).copied().unwrap_or_default()
    };
    groups.sort_by_key(stands);
    let mut fates: Vec<Fate> = said
        .iter()
        .map(|rule| match rule.map(|r| &r.becomes) {
            Some(Becomes::Background) => Fate::Background,
            _ => Fate::LeftOut,
        })
        .collect();
    for (new, group) in groups.iter().enumerate() {
        for at in &group.members {
            fates.iter_mut().skip(*at).take(1).for_each(|f| *f = Fate::Class(new));
        }
    }
    let merged = |g: &Group<'_>| {
        let infos: Vec<&ClassInfo> = g.members.iter().filter_map(|at| classes.classes.get(*at)).collect();
        let sources: Vec<&str> = infos.iter().filter_map(|c| c.source.as_deref()).collect();
        ClassInfo {
            id: classes.classes.get(stands(g)).map_or(0, |c| c.id),
            name: g.name.trim().to_owned(),
            source: (!sources.is_empty()).then(|| sources.join(" + ")),
            background: infos.iter().all(|c| c.background),
        }
    };
    (fates, ClassSet { classes: groups.iter().map(merged).collect() })
}

fn name_of(becomes: &Becomes) -> Option<&str> {
    match becomes {
        Becomes::Class(name) => Some(name),
        Becomes::Background | Becomes::LeftOut => None,
    }
}

/// What a label map makes of the classes of one dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassMapping {
    /// What becomes of each class of the dataset.
    pub fates: Fates,
    /// The classes there are then, in output order.
    pub classes: ClassSet,
    /// Numbers of the map that no class of the dataset has.
    pub missing: Vec<String>,
}

impl ClassMapping {
    /// What it changes, one entry a class that does not stay as it is. `dataset` are the classes before.
    pub fn changes(&self, dataset: &ClassSet) -> Vec<ClassChange> {
        let change = |(at, class): (usize, &ClassInfo)| {
            let becomes = match self.fates.of(at) {
                Fate::Class(new) if self.classes.name(new) == class.name => return None,
                Fate::Class(new) => Becomes::Class(self.classes.name(new).to_owned()),
                Fate::Background => Becomes::Background,
                Fate::LeftOut => Becomes::LeftOut,
            };
            Some(ClassChange { class: class.name.clone(), source: class.source.clone(), becomes })
        };
        dataset.classes.iter().enumerate().filter_map(change).collect()
    }
}

/// What became of a class of a dataset, for reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassChange {
    /// Its name in the dataset.
    pub class: String,
    /// Its number there, where the source numbers its classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What it became, in documents `{"class": NAME}`, `"background"` or `"left-out"`.
    #[serde(with = "BecomesInDocuments")]
    pub becomes: Becomes,
}

/// [`Becomes`] as documents for programs write it; results of earlier versions have the names of the configuration.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Becomes", rename_all = "kebab-case")]
enum BecomesInDocuments {
    #[serde(alias = "Class")]
    Class(String),
    #[serde(alias = "Background")]
    Background,
    #[serde(alias = "LeftOut")]
    LeftOut,
}

impl ClassChange {
    /// Changes in words, those that became one class together: `legs = squat (3) + lunge (4)`, `idle left out`.
    pub fn words(changes: &[ClassChange]) -> Vec<String> {
        let mut names: Vec<&Becomes> = Vec::new();
        let mut members: HashMap<&Becomes, Vec<String>> = HashMap::new();
        for change in changes {
            let number = change.source.as_ref().map_or_else(String::new, |n| format!(" ({n})"));
            let known = members.entry(&change.becomes).or_insert_with(|| {
                names.push(&change.becomes);
                Vec::new()
            });
            known.push(format!("{}{number}", change.class));
        }
        let line = |becomes: &&Becomes| {
            let from = members.get(*becomes).cloned().unwrap_or_default();
            match becomes {
                Becomes::Class(name) => format!("{name} = {}", from.join(" + ")),
                Becomes::Background => format!("background = {}", from.join(" + ")),
                Becomes::LeftOut => format!("left out: {}", from.join(", ")),
            }
        };
        names.iter().map(line).collect()
    }
}

/// Why a label map cannot be applied. Every message is a sentence without its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelMapError {
    /// A rule names a class that there is not.
    #[error("the label map names the class '{name}', which the dataset does not have; it has {known}")]
    NoClass {
        /// The name.
        name: String,
        /// Names there are.
        known: String,
    },
    /// Several classes have the name of a rule.
    #[error("several classes of the dataset are named '{0}'; name the one that is meant by its number, as in #7")]
    SameName(String),
    /// Two rules about one class.
    #[error("the label map says twice what becomes of the class '{0}'; say it once")]
    Twice(String),
    /// A class without a name.
    #[error("the label map gives the class '{0}' an empty name; name it, or leave it out")]
    NoName(String),
    /// A class that would be called as what is no class.
    #[error("the label map calls the class '{0}' background; write @background to make it background, or another name")]
    CalledBackground(String),
    /// Merged into a class that is left out.
    #[error("the label map makes '{class}' a part of '{into}', which it leaves out; keep '{into}', or leave both out")]
    IntoLeftOut {
        /// The class.
        class: String,
        /// What it is merged into.
        into: String,
    },
    /// Merged into a class that becomes background.
    #[error("the label map makes '{class}' a part of '{into}', which it makes background; make both background")]
    IntoBackground {
        /// The class.
        class: String,
        /// What it is merged into.
        into: String,
    },
    /// A class becomes one that gets another name.
    #[error(
        "the label map makes '{class}' a part of '{into}', which itself becomes '{next}'; say '{class}' becomes '{next}' if they \
         are one class"
    )]
    PassedOn {
        /// The class.
        class: String,
        /// What it is merged into.
        into: String,
        /// What that becomes.
        next: String,
    },
    /// No class is left.
    #[error("the label map leaves no class; keep at least one")]
    NothingLeft,
    /// The order names a class that there is not.
    #[error("the order of classes names '{name}', which is none of them; they are {known}")]
    Unordered {
        /// The name.
        name: String,
        /// Names there are.
        known: String,
    },
    /// The order names a class twice.
    #[error("the order of classes names '{0}' twice; name it once")]
    OrderedTwice(String),
}

#[cfg(test)]
mod tests;
