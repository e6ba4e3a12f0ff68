//! What the files of a format leave open: asked for once, kept in the configuration.

use super::Draft;
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::numbers::number;
use crate::domain::Choice;
use std::collections::BTreeSet;
use std::path::Path;

/// Something that files leave open.
pub(super) struct Question<'a> {
    /// Key of `--choose`.
    pub(super) key: &'a str,
    /// What is asked, one phrase.
    pub(super) asks: &'a str,
    /// What may be chosen; empty where it is a number or text.
    pub(super) options: Vec<String>,
    /// What holds where nobody chose; `None` where somebody has to.
    pub(super) default: Option<String>,
    /// True where several may be chosen.
    pub(super) several: bool,
}

/// What holds: the configured value, else the default. It is noted in the draft.
///
/// # Errors
/// A configured value that is no option, and a question without a default that nobody has answered.
pub(super) fn choose(
    path: &Path,
    config: &DataConfig,
    draft: &mut Draft,
    question: Question<'_>,
) -> Result<String, DataError> {
    let Question { key, asks, options, default, several } = question;
    let fold = config.fold.filter(|_| ["fold", "split"].contains(&key)).map(|n| n.to_string());
    let configured = config.choices.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.trim().to_owned()).or(fold);
    let value = match (configured, default) {
        (Some(value), _) => value,
        (None, Some(default)) => default,
        (None, None) => {
            let choice = Choice { key: key.into(), question: asks.into(), value: String::new(), options, several };
            return Err(DataError::Choice { path: path.to_path_buf(), choice: Box::new(choice) });
        }
    };
    // An option may have a comma in its name.
    let one = !several || options.contains(&value);
    let parts: Vec<&str> = if one { vec![value.as_str()] } else { value.split(',').map(str::trim).collect() };
    if !options.is_empty()
        && let Some(unknown) = parts.iter().find(|v| !options.iter().any(|o| o == *v))
    {
        let reason =
            format!("'{unknown}' is none of the values of the choice {key}; choose from {}", options.join(", "));
        return Err(DataError::Read { path: path.to_path_buf(), reason });
    }
    let value = parts.join(",");
    draft.choices.push(Choice { key: key.into(), question: asks.into(), value: value.clone(), options, several });
    Ok(value)
}

/// How many labels a second files of labels have, where somebody said; `asks` tells what holds else.
///
/// # Errors
/// What is no rate.
pub(super) fn label_rate(
    path: &Path,
    config: &DataConfig,
    draft: &mut Draft,
    asks: &str,
) -> Result<Option<f64>, DataError> {
    let question =
        Question { key: "label_fps", asks, options: Vec::new(), default: Some(String::new()), several: false };
    let value = choose(path, config, draft, question)?;
    if value.is_empty() {
        return Ok(None);
    }
    let (over, under) = value.split_once('/').unwrap_or((&value, "1"));
    let rate = number(over, true).zip(number(under, true)).map(|(a, b)| a / b);
    let Some(rate) = rate.filter(|r| r.is_finite() && *r > 0.0) else {
        let reason = format!("'{value}' of the choice label_fps is no rate; write a number above 0, or a fraction");
        return Err(DataError::Read { path: path.to_path_buf(), reason });
    };
    Ok(Some(rate))
}

/// The fold that holds of several official splits: the chosen one, else fold 1, else the lowest. `(path, beside)`: what is
/// opened, and where the lists lie.
///
/// # Errors
/// A fold that there is not.
pub(super) fn choose_fold(
    (path, beside): (&Path, &Path),
    config: &DataConfig,
    draft: &mut Draft,
    folds: &BTreeSet<u32>,
) -> Result<u32, DataError> {
    let options: Vec<String> = folds.iter().map(u32::to_string).collect();
    let all = options.join(", ");
    let refuse = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    let chosen = config.choices.iter().any(|(key, _)| key == "fold");
    if let Some(fold) = config.fold.filter(|f| !chosen && !folds.contains(f)) {
        return Err(refuse(format!("data.fold is {fold}, but the lists are of the folds {all}")));
    }
    let first = folds.get(&1).or(folds.first()).map(u32::to_string);
    let asks = "Which of the official splits is read";
    let question = Question { key: "fold", asks, options, default: first, several: false };
    let value = choose(path, config, draft, question)?;
    if folds.len() > 1 {
        draft.warn(beside, format!("fold {value} of {all} is used; data.fold chooses another"));
    }
    value.parse().map_err(|_| refuse(format!("'{value}' is no number of a fold; the lists are of the folds {all}")))
}

/// Refuses configured choices that the format does not have.
///
/// # Errors
/// The first of them, with those there are.
pub(in crate::data) fn refuse_unknown(path: &Path, config: &DataConfig, draft: &Draft) -> Result<(), DataError> {
    let known = |key: &str| draft.choices.iter().any(|c| c.key == key);
    let Some((key, _)) = config.choices.iter().find(|(key, _)| !known(key)) else { return Ok(()) };
    let there: Vec<&str> = draft.choices.iter().map(|c| c.key.as_str()).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    let reason =
        format!("there is no choice '{key}' in this dataset; it has {there}, remove '{key}' from data.choices");
    Err(DataError::Read { path: path.to_path_buf(), reason })
}
