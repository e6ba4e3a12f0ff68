//! What the scores of a motion test come to, in words.

use super::alter::Alteration;
use super::judge::{AlteredScore, Cause, MotionTest};
use crate::compare::statistics::LEVEL;
use crate::compare::words::{Metric, point_range};
use crate::domain::listed;

/// Classes in a sentence before the rest are only counted.
const LISTED: usize = 8;

/// Reads the scores: what decides, and which classes need what.
pub(super) fn conclude(test: &mut MotionTest) {
    let Some(as_is) = test.scores.first() else { return };
    if as_is.interval.low <= test.majority_baseline {
        let nothing = match test.metric {
            Metric::Accuracy => "always predicting the majority class",
            Metric::MeanAveragePrecision => "an order by chance",
        };
        test.findings.push(format!(
            "On the clips as they are the network ({:.1} %) is not clearly better than {nothing} ({:.1} %), so there is nothing \
             that altering them could show.",
            100.0 * as_is.score(),
            100.0 * test.majority_baseline
        ));
        return;
    }
    time(test);
    space(test);
    if test.score(Alteration::Mirrored).is_some_and(AlteredScore::clear_loss) {
        test.causes.push(Cause::Side);
        test.findings.push(
            "It matters on which side something happens: clips flipped horizontally are recognised clearly worse."
                .into(),
        );
    }
    let clearly_worse = |alterations: &[Alteration]| -> Vec<String> {
        let scores: Vec<&AlteredScore> = alterations.iter().filter_map(|a| test.score(*a)).collect();
        let classes = scores.first().map(|s| s.classes.as_slice()).unwrap_or_default();
        let worse = |i: usize| {
            let of = scores.iter().filter_map(|s| s.classes.get(i));
            of.into_iter().any(|c| c.broken > c.fixed && c.p_holm < LEVEL)
        };
        classes.iter().enumerate().filter(|(i, _)| worse(*i)).map(|(_, c)| c.class.clone()).collect()
    };
    let motion = clearly_worse(&[Alteration::Frozen]);
    let order = clearly_worse(&[Alteration::Shuffled, Alteration::Reversed]);
    if !motion.is_empty() {
        test.findings.push(format!("Classes that need motion: {}.", listed(&motion, LISTED)));
    }
    if !order.is_empty() {
        test.findings.push(format!("Classes that need the order of frames: {}.", listed(&order, LISTED)));
    }
    (test.motion_classes, test.order_classes) = (motion, order);
}

/// What of time decides. That an alteration does no harm is concluded only where its interval says so: few clips are no
/// evidence.
fn time(test: &mut MotionTest) {
    let clear = |a: Alteration| test.score(a).is_some_and(AlteredScore::clear_loss);
    // At least half of what the network knows beyond guessing is left.
    let known = test.scores.first().map_or(0.0, AlteredScore::score) - test.majority_baseline;
    let kept = |a: Alteration| test.score(a).is_some_and(|s| s.difference_interval.low > -known / 2.0);
    let open = |all: &[Alteration]| -> String {
        let scores = all.iter().filter(|a| !kept(**a)).filter_map(|a| test.score(*a));
        let told = scores.map(|s| {
            let points = format!("{:+.1} points {}", 100.0 * s.difference, point_range(&s.difference_interval));
            format!("{} {points}", s.alteration.title())
        });
        told.collect::<Vec<_>>().join(", ")
    };
    let rest = [Alteration::Shuffled, Alteration::Reversed];
    let all = [Alteration::Frozen, Alteration::Shuffled, Alteration::Reversed];
    let (cause, sentence) = if clear(Alteration::Reversed) {
        let told = "The direction of time decides: reversed clips are recognised clearly worse.";
        (Some(Cause::Direction), told.to_owned())
    } else if clear(Alteration::Shuffled) {
        let told = match kept(Alteration::Reversed) {
            true => {
                "The order of frames decides, but not its direction: shuffled clips are recognised clearly worse, reversed ones are \
                 not."
                    .to_owned()
            }
            false => format!(
                "The order of frames decides: shuffled clips are recognised clearly worse. These clips do not tell whether its \
                 direction matters ({}).",
                open(&[Alteration::Reversed])
            ),
        };
        (Some(Cause::Order), told)
    } else if clear(Alteration::Frozen) {
        let told = match rest.into_iter().all(kept) {
            true => {
                "Several frames decide, but not their order: with the middle frame frozen the network is clearly worse, with frames \
                 shuffled or reversed it is not."
                    .to_owned()
            }
            false => format!(
                "Several frames decide: with the middle frame frozen the network is clearly worse. These clips do not tell whether \
                 their order matters ({}).",
                open(&rest)
            ),
        };
        (Some(Cause::SeveralFrames), told)
    } else if all.into_iter().all(kept) {
        let told =
            "Looks decide: with the middle frame frozen, shuffled and reversed the network is not clearly worse.";
        (Some(Cause::Looks), told.to_owned())
    } else {
        (None, format!("These clips do not tell whether time matters: {}; luck is not excluded.", open(&all)))
    };
    test.causes.extend(cause);
    test.findings.push(sentence);
}

/// Where what decides is seen.
fn space(test: &mut MotionTest) {
    let (Some(background), Some(body)) = (test.score(Alteration::BackgroundOnly), test.score(Alteration::BodyOnly))
    else {
        return;
    };
    let (cause, sentence) = match (background.clear_loss(), body.clear_loss()) {
        (true, false) => (
            Some(Cause::Body),
            "The body decides: without it the network is clearly worse, without the background it is not.",
        ),
        (false, true) => (
            Some(Cause::Background),
            "The background decides: without it the network is clearly worse, without the body it is not.",
        ),
        (true, true) => (
            Some(Cause::BodyAndBackground),
            "Body and background decide together: without either the network is clearly worse (pictures with one of them \
             alone are also unlike anything it was trained on).",
        ),
        (false, false) => (None, "Neither losing the body nor losing the background makes the network clearly worse."),
    };
    test.causes.extend(cause);
    test.findings.push(sentence.to_owned());
}
