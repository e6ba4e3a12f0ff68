//! Fits foreign arrays to a network.

use super::names::{Reading, is_class_module};
use super::{ArrayInfo, ArrayValues, ClassLayer, Match, Misfit, WeightFile, WeightReport};
use crate::config::ModelConfig;
use crate::model::builder::Builder;
use crate::model::error::ModelError;
use crate::model::network::Network;
use crate::model::parameters::{Entry, EntryKind, Store, flat};
use crate::model::{MODELS, ModelSpec};
use std::collections::HashMap;
use std::path::Path;

/// How an array becomes one of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// As it is.
    Same,
    /// The same numbers under a shape with more or fewer ones.
    Reshaped,
    /// Repeated so often along time, and divided by that.
    Inflated(usize),
}

/// How an array of one shape becomes one of another, if it can.
pub(super) fn fit(target: &[usize], source: &[usize]) -> Option<Fit> {
    if target == source {
        return Some(Fit::Same);
    }
    let ([to, ti, tk @ ..], [so, si, sk @ ..]) = (target, source) else { return None };
    if (to, ti) != (so, si) || tk.len() > 3 || sk.len() > 3 {
        return None;
    }
    // Kernels as [time, rows, columns]: a linear layer is a convolution of one place, one over a picture is one of one frame.
    let padded = |kernel: &[usize]| {
        let mut out = [1; 3];
        out[3 - kernel.len()..].copy_from_slice(kernel);
        out
    };
    let ([tt, th, tw], [st, sh, sw]) = (padded(tk), padded(sk));
    match (th, tw) == (sh, sw) {
        true if tt == st => Some(Fit::Reshaped),
        // A 2D network may hold its kernels as those of one frame.
        true if sk.len() == 2 || (sk.len() == 3 && st == 1) => Some(Fit::Inflated(tt)),
        _ => None,
    }
}

/// An array of the network.
struct Target {
    name: String,
    shape: Vec<usize>,
    counter: bool,
}

impl Target {
    fn of(entry: &Entry) -> Self {
        let counter = matches!(entry.kind, EntryKind::Counter(_));
        Self { name: entry.name.clone(), shape: entry.shape.clone(), counter }
    }

    fn fit(&self, source: &ArrayInfo) -> Option<Fit> {
        match self.counter {
            true => (source.len() == 1).then_some(Fit::Same),
            false => fit(&self.shape, &source.shape),
        }
    }

    fn len(&self) -> u64 {
        self.shape.iter().map(|n| *n as u64).product()
    }
}

/// What of a file becomes what of a network.
struct TensorMapping {
    reading: Reading,
    /// For each array of the network, the position of its source and how it fits.
    taken: Vec<Option<(usize, Fit)>>,
    /// Arrays of the network whose name is there with a shape that does not fit.
    misfits: Vec<(usize, usize)>,
    /// Positions of sources nothing is made of.
    unused: Vec<usize>,
    /// Numbers taken.
    score: u64,
}

/// The arrays of a network, and what of them is the class layer.
struct Targets {
    arrays: Vec<Target>,
    by_name: HashMap<String, usize>,
    class_module: String,
    classes: usize,
}

impl Targets {
    /// Of a network that would be built.
    fn outlined(config: &ModelConfig, classes: usize) -> Result<Self, ModelError> {
        let spec = ModelSpec::of(config)?;
        let (t, h, w) = spec.input;
        let mut builder = Builder::outline(spec.title, [t as usize, h as usize, w as usize]);
        spec.add(&mut builder, config, classes)?;
        Ok(Self::of(&builder.store, classes))
    }

    fn of(store: &Store, classes: usize) -> Self {
        let arrays: Vec<Target> = store.iter().map(Target::of).collect();
        let by_name = arrays.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        // The class layer is the last thing a network learns with.
        let last = store.iter().filter(|e| matches!(e.kind, EntryKind::Parameter { .. })).last();
        let class_module = last.and_then(|e| e.name.rsplit_once('.')).map(|(m, _)| m.to_owned()).unwrap_or_default();
        Self { arrays, by_name, class_module, classes }
    }

    fn is_class(&self, target: usize) -> bool {
        let module = self.arrays.get(target).and_then(|t| t.name.rsplit_once('.')).map(|(m, _)| m);
        module == Some(self.class_module.as_str())
    }

    fn plan(&self, sources: &[ArrayInfo], reading: Reading) -> TensorMapping {
        let mut taken: Vec<Option<(usize, Fit)>> = vec![None; self.arrays.len()];
        let mut misfits: Vec<(usize, usize)> = Vec::new();
        for (index, source) in sources.iter().enumerate() {
            let named: Vec<usize> =
                reading.candidates(&source.name).filter_map(|n| self.by_name.get(&n).copied()).collect();
            let free = named.iter().find_map(|t| {
                let fit = self.arrays.get(*t)?.fit(source)?;
                taken.get(*t)?.is_none().then_some((*t, fit))
            });
            match (free, named.first()) {
                (Some((target, fit)), _) => taken[target] = Some((index, fit)),
                (None, Some(target)) => misfits.push((*target, index)),
                (None, None) => {}
            }
        }
        misfits.retain(|(target, _)| taken.get(*target).is_some_and(Option::is_none));
        let mut plan = TensorMapping { reading, taken, misfits, unused: Vec::new(), score: 0 };
        self.adopt_class_layer(sources, &mut plan);
        let mut used = vec![false; sources.len()];
        for (source, _) in plan.taken.iter().flatten() {
            used[*source] = true;
        }
        for (_, source) in &plan.misfits {
            used[*source] = true;
        }
        plan.unused = (0..sources.len()).filter(|i| !used[*i]).collect();
        let scores = plan.taken.iter().zip(&self.arrays).filter(|(taken, _)| taken.is_some());
        plan.score = scores.map(|(_, target)| target.len()).sum();
        plan
    }

    /// Where the class layer has another name: takes the one array that is left, has as many inputs, and is called as
    /// class layers are.
    fn adopt_class_layer(&self, sources: &[ArrayInfo], plan: &mut TensorMapping) {
        let weight = format!("{}.weight", self.class_module);
        let Some(&target) = self.by_name.get(&weight) else { return };
        let known = plan.taken[target].is_some() || plan.misfits.iter().any(|(t, _)| *t == target);
        let Some(&inputs) = self.arrays[target].shape.get(1) else { return };
        if known {
            return;
        }
        let used =
            |i: usize| plan.taken.iter().flatten().any(|(s, _)| *s == i) || plan.misfits.iter().any(|(_, s)| *s == i);
        let mut left = sources.iter().enumerate().filter(|(i, s)| {
            let module = s.name.strip_suffix(".weight");
            let flat = s.shape.iter().skip(2).all(|n| *n == 1);
            !used(*i) && flat && s.shape.get(1) == Some(&inputs) && module.is_some_and(is_class_module)
        });
        let (Some((index, source)), None) = (left.next(), left.next()) else { return };
        let module = source.name.trim_end_matches(".weight");
        let bias = sources.iter().position(|s| s.name.strip_suffix(".bias") == Some(module));
        for (name, index) in [(weight, Some(index)), (format!("{}.bias", self.class_module), bias)] {
            let (Some(&target), Some(index)) = (self.by_name.get(&name), index) else { continue };
            match self.arrays[target].fit(&sources[index]) {
                Some(fit) => plan.taken[target] = Some((index, fit)),
                None => plan.misfits.push((target, index)),
            }
        }
    }

    /// The reading by which most numbers find a place; of equals the plainest.
    fn best(&self, sources: &[ArrayInfo]) -> Option<TensorMapping> {
        let names = || sources.iter().map(|s| s.name.as_str());
        let readings = Reading::all(names(), self.arrays.iter().map(|t| t.name.as_str()));
        let plans = readings.into_iter().map(|r| self.plan(sources, r));
        plans.reduce(|best, plan| if plan.score > best.score { plan } else { best })
    }

    fn report(&self, file: &WeightFile, spec: &ModelSpec, plan: &TensorMapping) -> WeightReport {
        let sources = file.arrays();
        let name = |target: usize| self.arrays[target].name.clone();
        let mut matched = Vec::new();
        let mut missing = Vec::new();
        for (target, taken) in plan.taken.iter().enumerate() {
            match taken {
                Some((source, fit)) => matched.push(Match {
                    name: name(target),
                    from: sources[*source].name.clone(),
                    inflated: matches!(fit, Fit::Inflated(_)),
                }),
                None if plan.misfits.iter().any(|(t, _)| *t == target) || self.arrays[target].counter => {}
                None => missing.push(name(target)),
            }
        }
        let mismatched = plan.misfits.iter().map(|(target, source)| Misfit {
            name: name(*target),
            wanted: self.arrays[*target].shape.clone(),
            from: sources[*source].name.clone(),
            found: sources[*source].shape.clone(),
        });
        let at = self.by_name.get(&format!("{}.weight", self.class_module)).copied();
        let found = at.and_then(|at| {
            let taken = plan.taken[at].map(|(source, _)| source);
            let source = taken.or_else(|| plan.misfits.iter().find(|(t, _)| *t == at).map(|m| m.1));
            sources.get(source?)?.shape.first().copied()
        });
        WeightReport {
            path: file.path().to_owned(),
            format: file.format(),
            found_under: file.found_under().to_vec(),
            beside: file.beside().to_vec(),
            model: spec.id.to_owned(),
            title: spec.title.to_owned(),
            reading: plan.reading.words(),
            arrays: self.arrays.iter().filter(|t| !t.counter).count(),
            counters: plan.taken.iter().zip(&self.arrays).filter(|(taken, t)| t.counter && taken.is_some()).count(),
            matched,
            missing,
            unused: plan.unused.iter().map(|i| sources[*i].name.clone()).collect(),
            mismatched: mismatched.collect(),
            class_layer: ClassLayer {
                name: self.class_module.clone(),
                classes: self.classes,
                found,
                taken: at.is_some_and(|at| plan.taken[at].is_some()),
            },
            warnings: Vec::new(),
        }
    }
}

impl Network {
    /// Takes the weights of a foreign file: names are matched by architecture, 2D kernels inflated where this network
    /// has 3D ones, a class layer of another size left fresh. The report says what was taken and what was not.
    ///
    /// # Errors
    /// A file that cannot be read or is refused, numbers that are none, or one in which not a single kernel of this
    /// network is found.
    pub fn init_from(&mut self, path: &Path) -> Result<WeightReport, ModelError> {
        let mut file = WeightFile::open(path)?;
        let targets = Targets::of(&self.store, self.classes());
        let (plan, mut report) = planned(self.spec(), &targets, &file)?;
        let device = self.store.device().clone();
        let mut strange = Vec::new();
        let mut values = Vec::with_capacity(plan.taken.len());
        for (target, taken) in plan.taken.iter().enumerate() {
            let Some((source, fit)) = *taken else {
                values.push(None);
                continue;
            };
            let Target { name, shape, .. } = &targets.arrays[target];
            let read = fitted(file.values(source)?, fit, shape);
            if let ArrayValues::F32(numbers) = &read
                && numbers.iter().any(|x| !x.is_finite())
            {
                strange.push(name.as_str());
            }
            // All are read before the first is put in place: a file that breaks off changes nothing.
            values.push(Some(read));
        }
        for (entry, values) in self.store.iter_mut().zip(values) {
            let len = entry.len();
            match (&mut entry.kind, values) {
                (EntryKind::Counter(n), Some(ArrayValues::I64(v))) => *n = v.first().copied().unwrap_or(0),
                (EntryKind::Counter(n), Some(ArrayValues::F32(v))) => *n = v.first().copied().unwrap_or(0.0) as i64,
                (_, Some(ArrayValues::F32(v))) if v.len() == len => entry.value = flat(v, &device),
                _ => {}
            }
        }
        if let Some(names) = some(&strange) {
            report.warnings.push(format!(
                "{names} of {} hold values that are no finite numbers (NaN or infinity): its training had failed, and \
                 the network will answer nothing sensible",
                path.display()
            ));
        }
        if let Some(names) = some(file.damaged()) {
            report.warnings.push(format!(
                "{names} of {} do not have the checksums that are written beside them: it was probably damaged on its \
                 way, so fetch it again (or it was written with checksums off)",
                path.display()
            ));
        }
        Ok(report)
    }
}

/// The first name, and how many more there are.
fn some<S: AsRef<str>>(names: &[S]) -> Option<String> {
    let (first, rest) = names.split_first()?;
    let more = if rest.is_empty() { String::new() } else { format!(" and {} more arrays", rest.len()) };
    Some(format!("{}{more}", first.as_ref()))
}

/// Values as the network lays them out.
fn fitted(values: ArrayValues, fit: Fit, shape: &[usize]) -> ArrayValues {
    match (values, fit) {
        (ArrayValues::F32(flat), Fit::Inflated(times)) => {
            let picture: usize = shape.iter().rev().take(2).product();
            ArrayValues::F32(super::inflate::repeated(&flat, picture, times))
        }
        (values, _) => values,
    }
}

/// The best plan and its report, or the sentence that these weights are of something else.
fn planned(
    spec: &ModelSpec,
    targets: &Targets,
    file: &WeightFile,
) -> Result<(TensorMapping, WeightReport), ModelError> {
    let plan = targets.best(file.arrays());
    let kernel = |plan: &TensorMapping| {
        let kernels = plan.taken.iter().zip(&targets.arrays).enumerate();
        kernels.into_iter().any(|(i, (taken, t))| taken.is_some() && t.shape.len() >= 2 && !targets.is_class(i))
    };
    let Some(plan) = plan.filter(kernel) else {
        let hint = match looks_like(file) {
            Some(other) => format!("these look like weights of {other}"),
            None => format!("its arrays have other names or shapes, such as {}", some_names(file)),
        };
        let problem = format!("not one kernel in {} fits; {hint}", file.path().display());
        return Err(ModelError::Mismatch { model: spec.title.to_owned(), problem });
    };
    // What has a place and is no number with a fraction is named, and not left out as if it were missing.
    let sources = file.arrays();
    let placed = plan.taken.iter().zip(&targets.arrays).filter(|(_, target)| !target.counter);
    let strange = placed.filter_map(|(taken, _)| sources.get(taken.as_ref()?.0)).find(|s| !s.element.is_float());
    if let Some(array) = strange {
        let (path, reason) = (file.path().to_owned(), array.element.refusal(&array.name));
        return Err(ModelError::BadFile { path, reason });
    }
    let report = targets.report(file, spec, &plan);
    Ok((plan, report))
}

fn some_names(file: &WeightFile) -> String {
    let names: Vec<&str> = file.arrays().iter().map(|a| a.name.as_str()).take(3).collect();
    names.join(", ")
}

/// What [`Network::init_from`] would take from a file, without taking it.
///
/// # Errors
/// As [`Network::init_from`]; an unknown network.
pub fn inspect(path: &Path, config: &ModelConfig, classes: usize) -> Result<WeightReport, ModelError> {
    let file = WeightFile::open(path)?;
    let spec = ModelSpec::of(config)?;
    planned(spec, &Targets::outlined(config, classes)?, &file).map(|found| found.1)
}

/// The network whose weights a file holds, by its id, or two ids that cannot be told apart ("a or b").
pub fn looks_like(file: &WeightFile) -> Option<String> {
    let mut best: (f64, Vec<&str>) = (0.9, Vec::new());
    for spec in MODELS {
        let config = ModelConfig { id: spec.id.to_owned(), ..ModelConfig::default() };
        let Ok(targets) = Targets::outlined(&config, 2) else { continue };
        let Some(plan) = targets.best(file.arrays()) else { continue };
        let share = alike(&targets, &plan, file.arrays());
        if share > best.0 + 1e-6 {
            best = (share, vec![spec.id]);
        } else if (share - best.0).abs() <= 1e-6 {
            best.1.push(spec.id);
        }
    }
    (!best.1.is_empty()).then(|| best.1.join(" or "))
}

/// How much of the backbone is found in the file, and of the file in the backbone: the smaller share, 0…1. Inflated
/// kernels are another network's.
fn alike(targets: &Targets, plan: &TensorMapping, sources: &[ArrayInfo]) -> f64 {
    let (mut wanted, mut found) = (0, 0);
    for (i, (taken, target)) in plan.taken.iter().zip(&targets.arrays).enumerate() {
        if targets.is_class(i) {
            continue;
        }
        wanted += target.len();
        found += if matches!(taken, Some((_, Fit::Same | Fit::Reshaped))) { target.len() } else { 0 };
    }
    let class_sources: u64 = plan
        .taken
        .iter()
        .enumerate()
        .filter(|(i, _)| targets.is_class(*i))
        .filter_map(|(_, t)| sources.get(t.as_ref()?.0))
        .map(ArrayInfo::len)
        .sum();
    let misfit: u64 = plan
        .misfits
        .iter()
        .filter(|(t, _)| targets.is_class(*t))
        .filter_map(|(_, s)| sources.get(*s))
        .map(ArrayInfo::len)
        .sum();
    let all: u64 = sources.iter().map(ArrayInfo::len).sum::<u64>().saturating_sub(class_sources + misfit);
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    share(found, wanted).min(share(found, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_one_frame_are_inflated_and_others_are_not() {
        assert_eq!(fit(&[8, 3, 3, 5, 5], &[8, 3, 5, 5]), Some(Fit::Inflated(3)));
        assert_eq!(fit(&[8, 3, 3, 5, 5], &[8, 3, 1, 5, 5]), Some(Fit::Inflated(3)));
        assert_eq!(fit(&[8, 3, 1, 5, 5], &[8, 3, 5, 5]), Some(Fit::Reshaped));
        assert_eq!(fit(&[8, 3, 1, 5, 5], &[8, 3, 3, 5, 5]), None, "time is not taken away");
        assert_eq!(fit(&[8, 3, 3, 5, 5], &[8, 3, 1, 3, 3]), None);
        assert_eq!(fit(&[8, 3, 3, 1, 1], &[8, 3]), None, "a linear layer is none of pictures");
    }
}
