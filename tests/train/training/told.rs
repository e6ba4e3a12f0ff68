//! What a training tells while it runs, and what its files tell of it afterwards.

use crate::support::bars::{After, bars, config, train};
use kinolens::progress::{Flow, Meter, Progress, StepReport};
use kinolens::run_folder::{LOG_FILE, RunDir};
use kinolens::train::tensorboard::read_steps;
use std::time::Instant;

/// The shares that a meter shows while a job tells this.
fn shares(told: &[Progress], epochs: u32) -> Vec<f32> {
    let (mut meter, now) = (Meter::new(epochs), Instant::now());
    let mut shown = Vec::new();
    for progress in told {
        meter.take(progress, now);
        shown.extend(meter.share());
    }
    shown
}

/// The shares as the training itself tells them.
fn raw(told: &[Progress]) -> Vec<f32> {
    told.iter().filter_map(|p| if let Progress::Share(share) = p { Some(*share) } else { None }).collect()
}

#[test]
fn the_share_of_a_training_grows_through_all_its_phases_from_nothing_to_all() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let out = dir.path().join("run");
    let first = After::new(11, Flow::Stop);
    train(&dataset, &config(3), &out, false, &first).unwrap();
    let second = After::never();
    train(&dataset, &config(3), &out, true, &second).unwrap();
    let (first, second) = (first.told.into_inner().unwrap(), second.told.into_inner().unwrap());
    for told in [&first, &second] {
        let raw = raw(told);
        assert!(raw.windows(2).all(|w| w[1] >= w[0] - 1e-6), "{raw:?}");
        let phases = |label: &str| {
            told.iter().any(|p| matches!(p, Progress::Stage { label: l, total, .. } if l == label && *total > 0))
        };
        assert!(phases("decoding videos") && phases("validating"), "both phases are told of");
        assert_eq!(shares(told, 3), {
            // The meter shows what is told, and no stage in its stead.
            let mut last = None;
            let shown = told.iter().filter_map(|p| {
                if let Progress::Share(share) = p {
                    last = Some(*share);
                }
                last
            });
            shown.collect::<Vec<f32>>()
        });
    }
    assert_eq!(raw(&first).first(), Some(&0.0));
    let stopped = *raw(&first).last().unwrap();
    assert!((0.2..0.9).contains(&stopped), "{stopped} after 11 steps");
    assert_eq!(raw(&second).last(), Some(&1.0));
    assert!(raw(&second)[0] > 0.0, "a resumed training does not begin with nothing");
    // One decoded video moves it by little: decoding is a part and not the whole.
    let decoded = first.iter().position(|p| matches!(p, Progress::Step(_))).unwrap();
    assert!(raw(&first[..decoded]).last().is_some_and(|share| *share < 0.4));
}

#[test]
fn steps_and_log_can_be_read_again_from_the_files_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let out = dir.path().join("run");
    let (mut steps, mut log): (Vec<StepReport>, Vec<String>) = Default::default();
    // Stopped within the second epoch, and gone on with.
    for (after, resume) in [(After::new(14, Flow::Stop), false), (After::never(), true)] {
        train(&dataset, &config(3), &out, resume, &after).unwrap();
        for progress in after.told.into_inner().unwrap() {
            match progress {
                Progress::Step(step) => {
                    steps.retain(|s| s.step < step.step);
                    steps.push(step);
                }
                Progress::Logged(text) => log.extend(text.lines().map(str::to_owned)),
                _ => {}
            }
        }
    }
    let read = read_steps(&out);
    assert_eq!(read.len(), steps.len());
    assert!(steps.len() as u32 == 3 * steps[0].steps_per_epoch && steps[0].steps_per_epoch > 5);
    for (r, s) in read.iter().zip(&steps) {
        let place = |s: &StepReport| (s.step, s.epoch, s.step_in_epoch, s.steps_per_epoch);
        assert_eq!(place(r), place(s));
        assert_eq!((r.loss, r.accuracy, r.gradient_norm), (s.loss, s.accuracy, s.gradient_norm));
        assert_eq!(r.learning_rate as f32, s.learning_rate as f32);
    }
    // The window's log is the file, line by line.
    let text = std::fs::read_to_string(out.join(LOG_FILE)).unwrap();
    assert!(log.len() > 10 && log.iter().any(|l| l.contains("epoch 3: train loss")), "{log:?}");
    assert_eq!(text.lines().collect::<Vec<_>>(), log);
    let run = RunDir::open(&out).unwrap();
    assert_eq!(run.log_tail(usize::MAX), log);
    assert_eq!(run.log_tail(2), log[log.len() - 2..]);
    let view = kinolens::jobs::view(&out).unwrap();
    assert_eq!((view.steps.len(), view.log.len()), (read.len(), log.len()));
    assert_eq!(view.steps_per_epoch, Some(steps[0].steps_per_epoch));
    // Torn and foreign bytes end the reading, they do not break it.
    let file = kinolens::train::tensorboard::event_files(&out).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let half = bytes.len() / 2;
    bytes.truncate(half);
    std::fs::write(&file, &bytes).unwrap();
    let torn = read_steps(&out).len();
    assert!(torn > 0 && torn < read.len(), "{torn}");
    std::fs::write(&file, b"no events at all").unwrap();
    assert!(read_steps(&out).is_empty());
}

#[test]
fn curves_pictures_and_settings_stand_in_the_event_file() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let out = dir.path().join("run");
    // Broken off and taken up again: each of them stands there once.
    train(&dataset, &config(3), &out, false, &After::new(5, Flow::Stop)).unwrap();
    let outcome = train(&dataset, &config(3), &out, true, &After::never()).unwrap();
    let all = super::values(&super::event_file(&out));
    let steps = |tag: &str| all.iter().filter(|(_, t, _)| t == tag).map(|(step, ..)| *step).collect::<Vec<_>>();
    assert_eq!(steps("_hparams_/session_start_info"), [0]);
    assert_eq!(steps("_hparams_/session_end_info"), [0]);
    assert_eq!(steps("pr_val/up"), [1, 2, 3]);
    // Drawn for epochs that are the best so far, and for the last.
    assert_eq!(steps("confusion/val").last(), Some(&3));
    let field = |value: &[(u64, u64, Vec<u8>)], number: u64| value.iter().find(|f| f.0 == number).unwrap().2.clone();
    for (step, _, value) in all.iter().filter(|(_, tag, _)| tag == "pr_val/up") {
        let tensor = super::fields(&field(value, 8));
        let cells: Vec<f32> = field(&tensor, 4).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        assert_eq!(cells.len(), 6 * 101);
        let plugin = super::fields(&field(&super::fields(&field(value, 9)), 1));
        assert_eq!(field(&plugin, 1), b"pr_curves");
        // At the threshold 0 everything is said to be "up": as many are right as are so labelled, which the table of the
        // epoch tells too.
        let report = outcome.history.iter().find(|r| u64::from(r.epoch) == *step).unwrap();
        let clips: u64 = report.confusion.iter().map(|c| c.2).sum();
        let up: u64 = report.confusion.iter().filter(|c| c.0 == 1).map(|c| c.2).sum();
        let at = |row: usize, threshold: usize| cells[row * 101 + threshold];
        assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(3, 0)], [up as f32, (clips - up) as f32, 0.0, 0.0]);
        assert_eq!([at(4, 0), at(5, 0)], [up as f32 / clips as f32, 1.0]);
        assert!((0..100).all(|t| at(0, t) >= at(0, t + 1) && at(1, t) >= at(1, t + 1)));
    }
}

/// Sentences that a training warned with.
fn warned(told: After) -> Vec<String> {
    let told = told.told.into_inner().unwrap();
    told.into_iter().filter_map(|p| if let Progress::Warning(text) = p { Some(text) } else { None }).collect()
}

#[test]
fn who_learns_nothing_is_told_in_the_log_in_the_warnings_and_beside_the_score() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let nothing =
        |warned: &[String]| warned.iter().filter(|w| w.contains("has learned nothing from the clips")).count();
    // What stands still is taken away, and single frames are all still.
    let mut blind = config(5);
    blind.clip.length = 1;
    let out = dir.path().join("blind");
    let told = After::never();
    let outcome = train(&dataset, &blind, &out, false, &told).unwrap();
    let warned_of = warned(told);
    assert_eq!(nothing(&warned_of), 2, "after four epochs and at the end: {warned_of:?}");
    assert!(
        warned_of.iter().any(|w| w.contains("takes away what stands still") && w.contains("resnet-18")),
        "{warned_of:?}"
    );
    // Two classes of as many clips: nobody who says the same of all does better than a toss of a coin.
    let coin = outcome.history[0].guessing_loss.unwrap();
    assert!((coin - std::f32::consts::LN_2).abs() < 0.01, "{coin}");
    assert!(RunDir::open(&out).unwrap().log_tail(usize::MAX).iter().any(|l| l.contains("has learned nothing")));
    let caveats = |out: &std::path::Path| {
        let checkpoint = RunDir::open(out).unwrap().checkpoint(Some("last")).unwrap();
        let device = kinolens::model::ComputeDevice::cpu();
        let split = kinolens::domain::SplitChoice::Test;
        kinolens::eval::evaluate(&checkpoint, &dataset, split, &device, &kinolens::progress::Silent).unwrap().0.warnings
    };
    assert!(caveats(&out).iter().any(|c| c.contains("learned nothing")), "{:?}", caveats(&out));
    // Who sees the frames together learns, and hears nothing of the kind.
    let (out, told) = (dir.path().join("seeing"), After::never());
    train(&dataset, &config(6), &out, false, &told).unwrap();
    let warned_of = warned(told);
    assert_eq!(nothing(&warned_of), 0, "{warned_of:?}");
    assert!(!caveats(&out).iter().any(|c| c.contains("learned nothing")));
}
