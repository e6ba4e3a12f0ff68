//! The table of a dataset's classes that a label map is made of.

use crate::domain::{Becomes, ClassRule, ClassSet, Dataset, Fate, LabelMap, SourceClass};
use std::path::PathBuf;
use std::sync::Arc;

/// What becomes of a class in the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowTarget {
    /// It stays a class of its own, perhaps under another name.
    #[default]
    Itself,
    /// It is a part of this class of the files, by position.
    Into(usize),
    /// None of the classes.
    Background,
    /// Not used.
    LeftOut,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelRow {
    /// Position among the classes of the files.
    pub class: usize,
    /// The name it gets.
    pub name: String,
    /// What becomes of it.
    pub target: RowTarget,
}

/// The table, in the order the classes are to have.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelMapForm {
    /// The dataset.
    pub root: PathBuf,
    /// The classes of its files.
    pub sources: Arc<Vec<SourceClass>>,
    /// What becomes of them.
    pub rows: Vec<LabelRow>,
    /// The map that the dataset was read with.
    pub before: LabelMap,
    /// The map that the table says, or what is wrong with it.
    pub checked: Result<LabelMap, String>,
}

impl LabelMapForm {
    /// The table of a dataset as it was read.
    pub fn of(dataset: &Dataset) -> Self {
        let sources = dataset.source_classes();
        let before = dataset.label_map();
        let row = |(class, source): (usize, &SourceClass)| LabelRow {
            class,
            name: source.class.name.clone(),
            target: RowTarget::Itself,
        };
        let mut form = Self {
            root: dataset.root.clone(),
            rows: sources.iter().enumerate().map(row).collect(),
            sources: Arc::new(sources),
            checked: Ok(before.clone()),
            before,
        };
        if let Some(mapped) = &dataset.mapped {
            form.fill(&mapped.fates.0, &dataset.classes);
        }
        form
    }

    /// Takes over what a label map has made of the classes.
    fn fill(&mut self, fates: &[Fate], classes: &ClassSet) {
        let members =
            |class: usize| fates.iter().enumerate().filter(move |(_, f)| **f == Fate::Class(class)).map(|(at, _)| at);
        let stands = |class: usize| {
            let own = |at: &usize| self.sources.get(*at).is_some_and(|s| s.class.name == classes.name(class));
            members(class).find(own).or_else(|| members(class).next())
        };
        let mut rows = Vec::with_capacity(fates.len());
        for class in 0..classes.len() {
            let Some(first) = stands(class) else { continue };
            rows.push(LabelRow { class: first, name: classes.name(class).to_owned(), target: RowTarget::Itself });
            let others = members(class).filter(|at| *at != first);
            rows.extend(others.map(|at| LabelRow { class: at, name: self.name(at), target: RowTarget::Into(first) }));
        }
        for (at, fate) in fates.iter().enumerate() {
            let target = match fate {
                Fate::Class(_) => continue,
                Fate::Background => RowTarget::Background,
                Fate::LeftOut => RowTarget::LeftOut,
            };
            rows.push(LabelRow { class: at, name: self.name(at), target });
        }
        self.rows = rows;
    }

    /// The name a class has in the files.
    pub fn name(&self, class: usize) -> String {
        self.sources.get(class).map_or_else(String::new, |s| s.class.name.clone())
    }

    /// Moves a row by so many places.
    pub fn shift(&mut self, row: usize, by: isize) {
        if let Some(to) = row.checked_add_signed(by).filter(|to| *to < self.rows.len()) {
            self.rows.swap(row, to);
        }
    }

    /// Puts every class back to what it is in the files.
    pub fn reset(&mut self) {
        let row = |class: usize| LabelRow { class, name: self.name(class), target: RowTarget::Itself };
        self.rows = (0..self.sources.len()).map(row).collect();
    }

    /// Looks at what the table says.
    pub fn check(&mut self) {
        self.checked = self.map();
    }

    fn classes(&self) -> ClassSet {
        ClassSet { classes: self.sources.iter().map(|s| s.class.clone()).collect() }
    }

    /// How a rule names a class: by its name, or by its number where several have that name.
    fn key(&self, class: usize, classes: &ClassSet) -> String {
        let name = classes.name(class);
        let same = classes.classes.iter().filter(|c| c.name == name).count();
        match classes.classes.get(class) {
            Some(info) if same > 1 => format!("#{}", info.id),
            _ => name.to_owned(),
        }
    }

    /// The map that the table says.
    fn map(&self) -> Result<LabelMap, String> {
        let classes = self.classes();
        let name_of = |class: usize| match self.rows.iter().find(|r| r.class == class) {
            Some(row) if row.target == RowTarget::Itself => row.name.trim().to_owned(),
            _ => self.name(class),
        };
        let mut rules: Vec<(usize, ClassRule)> = Vec::new();
        let mut kept: Vec<&str> = Vec::new();
        for row in &self.rows {
            let becomes = match row.target {
                RowTarget::Itself => {
                    let name = row.name.trim();
                    if kept.contains(&name) {
                        return Err(format!(
                            "Two classes are to be named '{name}'. To make them one, choose '{name}' under “becomes” of the \
                             other."
                        ));
                    }
                    kept.push(name);
                    if name == classes.name(row.class) {
                        continue;
                    }
                    Becomes::Class(name.to_owned())
                }
                RowTarget::Into(class) => {
                    let target = self.rows.iter().find(|r| r.class == class).map(|r| r.target);
                    if target.is_some_and(|t| t != RowTarget::Itself) {
                        let (from, into) = (self.name(row.class), self.name(class));
                        return Err(format!(
                            "'{from}' becomes '{into}', which is no class of its own. Choose another."
                        ));
                    }
                    Becomes::Class(name_of(class))
                }
                RowTarget::Background => Becomes::Background,
                RowTarget::LeftOut => Becomes::LeftOut,
            };
            rules.push((row.class, ClassRule { class: self.key(row.class, &classes), becomes }));
        }
        rules.sort_by_key(|(class, _)| *class);
        let mut map = LabelMap { rules: rules.into_iter().map(|(_, rule)| rule).collect(), order: Vec::new() };
        let sentence = |e: crate::domain::LabelMapError| {
            let text = e.to_string();
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |c| format!("{}{}.", c.to_uppercase(), letters.as_str()))
        };
        let plain = map.resolve(&classes).map_err(sentence)?;
        if !plain.classes.classes.iter().map(|c| c.name.as_str()).eq(kept.iter().copied()) {
            map.order = kept.iter().map(|name| (*name).to_owned()).collect();
            map.resolve(&classes).map_err(sentence)?;
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> LabelMapForm {
        let classes = ClassSet::from_numbered(["walk", "run", "jump", "idle"]);
        LabelMapForm::of(&Dataset { classes, ..Dataset::default() })
    }

    fn said(relabel: &[&str], order: &[&str]) -> LabelMap {
        let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        LabelMap::parse(&own(relabel), &own(order)).unwrap()
    }

    #[test]
    fn the_table_says_a_map_and_shows_one_again() {
        let mut form = form();
        form.check();
        assert_eq!(form.checked, Ok(LabelMap::default()));
        form.rows[0].target = RowTarget::Into(1);
        form.rows[1].name = "legs".into();
        form.rows[3].target = RowTarget::LeftOut;
        form.check();
        assert_eq!(form.checked, Ok(said(&["walk=legs", "run=legs", "idle="], &[])));
        form.shift(2, -1);
        form.shift(1, -1);
        form.check();
        let map = said(&["walk=legs", "run=legs", "idle="], &["jump", "legs"]);
        assert_eq!(form.checked, Ok(map.clone()));
        let mut dataset =
            Dataset { classes: ClassSet::from_numbered(["walk", "run", "jump", "idle"]), ..Dataset::default() };
        dataset.apply(&map, &map.resolve(&dataset.classes).unwrap());
        let mut again = LabelMapForm::of(&dataset);
        let rows: Vec<_> = again.rows.iter().map(|r| (r.class, r.name.as_str(), r.target)).collect();
        let (itself, out) = (RowTarget::Itself, RowTarget::LeftOut);
        // Named after none of them, the class stands where the first of its parts stood.
        assert_eq!(rows, [(2, "jump", itself), (0, "legs", itself), (1, "run", RowTarget::Into(0)), (3, "idle", out)]);
        again.check();
        assert_eq!(again.checked, Ok(map));
        again.reset();
        again.check();
        assert_eq!(again.checked, Ok(LabelMap::default()));
    }

    #[test]
    fn what_cannot_be_is_a_sentence() {
        let fault = |change: &dyn Fn(&mut LabelMapForm)| {
            let mut form = form();
            change(&mut form);
            form.check();
            form.checked.unwrap_err()
        };
        assert!(fault(&|f| f.rows[0].name = "run".into()).contains("Two classes are to be named 'run'"));
        let chained = fault(&|f| {
            f.rows[0].target = RowTarget::Into(1);
            f.rows[1].target = RowTarget::LeftOut;
        });
        assert!(chained.contains("'walk' becomes 'run', which is no class of its own"), "{chained}");
        let none = fault(&|f| f.rows.iter_mut().for_each(|r| r.target = RowTarget::LeftOut));
        assert_eq!(none, "The label map leaves no class; keep at least one.");
        assert!(fault(&|f| f.rows[0].name = " ".into()).contains("empty name"));
    }
}
