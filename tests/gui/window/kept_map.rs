//! The map that stays on screen while another one is computed is the one that was shown last, in each view.

use super::*;
use kinolens::cam::METHODS;
use kinolens::ui::action::{ChooseAction, TimeAction};
use kinolens::ui::selection::default_view;

fn request(method: usize, layer: Option<&str>) -> kinolens::jobs::HeatRequest {
    let layer = layer.map(str::to_owned);
    kinolens::jobs::HeatRequest { method: METHODS[method].id.into(), layer, ..default_view() }
}

/// Which method's map a view draws, and whether it draws one at all.
fn drawn(harness: &mut Harness<'static, App>, view: usize) -> Option<usize> {
    let image = harness.render().unwrap();
    let rect = harness.get_by_label_contains(&format!("Heatmap view {view}")).rect();
    // Below the badge and above the caption, where nothing else is drawn.
    let y = (rect.top() + rect.height() * 0.7) as u32;
    let brightness = |column: &usize| {
        let x = rect.left() + rect.width() * (*column as f32 + 0.5) / 16.0;
        image.get_pixel(x as u32, y).0.iter().take(3).map(|v| u32::from(*v)).sum::<u32>()
    };
    let brightest = (0..16).max_by_key(brightness)?;
    let others = (0..16).filter(|c| *c != brightest).map(|c| brightness(&c)).max()?;
    (brightness(&brightest) > others + 30).then_some(brightest)
}

/// A window that shows nothing but heat, its cells as they are, black to white.
fn review() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().by_method = true;
    heat_alone(&mut harness);
    (script, harness)
}

#[test]
fn while_another_map_is_computed_the_one_shown_last_stays() {
    let (script, mut harness) = review();
    // Every method is known for this clip; each is shown once, and the last of them in turn stays.
    let mut order: Vec<usize> = (0..METHODS.len()).collect();
    for round in 0..3 {
        script.0.borrow_mut().hold = false;
        for method in &order {
            harness.state_mut().send(ChooseAction::SetHeatView(0, request(*method, None)));
            harness.run_steps(1);
            until(&mut harness, "the map", explained);
            harness.run_steps(1);
            assert_eq!(drawn(&mut harness, 1), Some(*method));
        }
        script.0.borrow_mut().hold = true;
        let layer = format!("block{round} of none");
        harness.state_mut().send(ChooseAction::SetHeatView(0, request(order[0], Some(&layer))));
        harness.run_steps(3);
        let last = *order.last().unwrap();
        assert_eq!(drawn(&mut harness, 1), Some(last), "another map than {} is kept", METHODS[last].id);
        assert!(harness.query_all_by_label_contains("computing").next().is_some());
        // What is never computed is given up.
        let job = JobId(script.0.borrow().jobs.len() as u64);
        script.0.borrow_mut().events.push(Event { job, body: EventBody::Cancelled(None) });
        order.rotate_left(1);
    }
}

#[test]
fn each_view_keeps_its_own_and_a_map_of_another_clip_is_none() {
    let (script, mut harness) = review();
    harness.state_mut().send(ChooseAction::SetViewCount(2));
    for (first, second) in [(2, 1), (0, 2), (1, 0)] {
        script.0.borrow_mut().hold = false;
        harness.state_mut().send(ChooseAction::SetHeatView(0, request(first, None)));
        harness.state_mut().send(ChooseAction::SetHeatView(1, request(second, None)));
        harness.run_steps(1);
        until(&mut harness, "both maps", explained);
        harness.run_steps(1);
        script.0.borrow_mut().hold = true;
        let layer = format!("none {first}{second}");
        for view in [0, 1] {
            harness.state_mut().send(ChooseAction::SetHeatView(view, request(1, Some(&layer))));
        }
        harness.run_steps(3);
        assert_eq!((drawn(&mut harness, 1), drawn(&mut harness, 2)), (Some(first), Some(second)));
        let job = JobId(script.0.borrow().jobs.len() as u64);
        script.0.borrow_mut().events.push(Event { job, body: EventBody::Cancelled(None) });
    }
    // A clip that has no map yet shows none.
    harness.state_mut().send(TimeAction::Seek(64));
    until(&mut harness, "the other clip", |app| shown_frame(app) == Some(64));
    harness.run_steps(2);
    assert_eq!((drawn(&mut harness, 1), drawn(&mut harness, 2)), (None, None));
}
