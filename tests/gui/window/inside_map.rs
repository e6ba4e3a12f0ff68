//! The map of clips arranged by neighbours, and the page that is saved.

use super::inside::{answer, asked, inside, look, shots, survey, view};
use super::*;
use kinolens::inside::{ClipMap, NeighbourMap};
use kinolens::jobs::kinds::SurveyLayers;
use kinolens::ui::action::OpenAction;

/// Inside with a survey of the layers begun: the job, and what it was asked.
pub(super) fn surveying() -> (Scripted, Harness<'static, App>, (JobId, SurveyLayers)) {
    let (script, mut harness) = inside();
    let (job, first) = asked(&script, &mut harness, 0, look);
    answer(&script, &mut harness, job, Output::Inside(view(&first)));
    harness.get_by_label("Begin").click();
    let survey = asked(&script, &mut harness, 0, |j| match j {
        Job::SurveyLayers(survey) => Some(survey.clone()),
        _ => None,
    });
    (script, harness, survey)
}

#[test]
fn the_map_is_arranged_by_neighbours_and_says_how_far_to_trust_it() {
    let (script, mut harness, (job, request)) = surveying();
    assert_eq!(request.perplexity, 30.0);
    let mut found = (*survey(&request.checkpoint, &request.layers)).clone();
    // The corners of the other arrangement, turned by half.
    let places = vec![[1.0, 1.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0]];
    let neighbours = NeighbourMap { places, perplexity: 12.0, divergence: 0.25, trustworthiness: Some(0.875) };
    let map = found.map.take().unwrap();
    found.map = Some(ClipMap { trustworthiness: Some(0.625), neighbours: Some(neighbours), ..map });
    answer(&script, &mut harness, job, Output::Survey(Arc::new(found)));
    harness.get_by_label("Clip map").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("60 % and 30 % of the variance, trustworthiness 0.62").count() > 0);
    // The upper left corner is the last clip along the components, and the second one by neighbours.
    let corner = |harness: &Harness<'static, App>| {
        let map = harness.get_by_label("Map of 4 clips").rect();
        map.center() - egui::Vec2::splat(map.shrink(10.0).size().min_elem() / 2.0)
    };
    let click = |harness: &mut Harness<'static, App>, at: egui::Pos2| {
        for pressed in [true, false] {
            harness.event(egui::Event::PointerMoved(at));
            let button = egui::PointerButton::Primary;
            harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers: egui::Modifiers::NONE });
            harness.run_steps(1);
        }
        harness.run_steps(3);
        harness.state().state().selection.clip.as_ref().map(|c| c.start)
    };
    let at = corner(&harness);
    assert_eq!(click(&mut harness, at), Some(48));
    harness.get_by_label("Neighbours").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("t-SNE of perplexity 12, trustworthiness 0.88").count() > 0);
    let at = corner(&harness);
    assert_eq!(click(&mut harness, at), Some(16));
    shots(&mut harness, "inside-map-neighbours");
}

#[test]
fn a_page_is_saved_where_somebody_says() {
    let (script, mut harness) = inside();
    let (job, first) = asked(&script, &mut harness, 0, look);
    answer(&script, &mut harness, job, Output::Inside(view(&first)));
    harness.get_by_label("Save as page…").click();
    harness.run_steps(3);
    let known = script.0.borrow().jobs.len();
    let path = Path::new("/tmp/inside-page.html").to_path_buf();
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::InsidePage, path.clone()));
    let (job, page) = asked(&script, &mut harness, known, |j| match j {
        Job::WriteInsidePage(page) => Some(page.clone()),
        _ => None,
    });
    assert_eq!((page.out.clone(), page.look.clip.start, page.kernels_of), (path.clone(), 0, vec!["block5".to_owned()]));
    assert!(page.look.pictures.is_some() && page.look.layers.len() > 5, "{:?}", page.look.layers);
    answer(&script, &mut harness, job, Output::Exported(path));
    assert!(harness.state().state().messages.iter().any(|m| m.text == "The page is /tmp/inside-page.html."));
}
