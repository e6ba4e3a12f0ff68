//! How the views of a clip voted: each view with its frames and its part of the picture, what it says, and how probable it
//! finds what is true.

use crate::domain::ClassSet;
use crate::jobs::{ClipRef, RunView};
use crate::run_folder::{Prediction, Predictions};
use crate::ui::AppState;
use crate::ui::derived::{Derived, Same};
use crate::ui::state::EvaluationEntry;
use crate::ui::theme;
use egui::{RichText, Ui, WidgetInfo};

/// Most of a table that is seen at once, in points.
const HEIGHT: f32 = 132.0;

/// A view of a clip.
struct Row {
    view: ClipRef,
    /// Which one it is: "clip 2 of 10, left crop".
    name: String,
    /// The frames it is of, in words, and each of them.
    frames: (String, String),
    /// What it says with its probability, and those of the true classes; `None` where nobody evaluated it.
    vote: Option<(String, f32, String)>,
}

/// What the rows on screen were made from.
type Key = (Same<Predictions>, Same<RunView>, ClipRef);

/// The table.
#[derive(Default)]
pub struct ViewVotes {
    rows: Derived<Key, Vec<Row>>,
    /// The view that was shown when the table was drawn last.
    last: Option<ClipRef>,
}

/// "views: 7 of 10 predict squat"; `None` where the clip was seen in one.
pub fn summary(prediction: &Prediction, classes: &ClassSet) -> Option<String> {
    let (votes, views) = prediction.votes()?;
    let said = classes.name(prediction.predicted);
    Some(match prediction.truths.is_empty() {
        true => format!("views: {votes} of {views} predict {said}"),
        false => format!("views: {said} is most probable in {votes} of {views}"),
    })
}

/// "frames 3 to 57", and all of them.
fn frames_in_words(frames: &[u32]) -> (String, String) {
    let all = frames.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let (Some(first), Some(last)) = (frames.iter().min(), frames.iter().max()) else { return (String::new(), all) };
    let short = if first == last { format!("frame {first}") } else { format!("frames {first} to {last}") };
    (short, all)
}

fn rows(state: &AppState, clip: &ClipRef, prediction: Option<(&Prediction, &ClassSet)>) -> Vec<Row> {
    let wide = state.is_wide(clip);
    let row = |view: ClipRef, vote| Row {
        name: view.cut.view_words(wide),
        frames: frames_in_words(&state.frames_of(&view)),
        view,
        vote,
    };
    match prediction.filter(|(p, _)| p.views.len() > 1) {
        None => state.views(clip).into_iter().map(|view| row(view, None)).collect(),
        Some((prediction, classes)) => {
            let each = prediction.views.iter().map(|said| {
                let of = |class: usize| said.probabilities.get(class).copied().unwrap_or(0.0);
                let truths = prediction.true_classes().iter().map(|c| format!("{:.2}", of(*c)));
                let vote = (
                    classes.name(said.predicted).to_owned(),
                    of(said.predicted),
                    truths.collect::<Vec<_>>().join(" / "),
                );
                row(ClipRef { cut: said.cut, ..clip.clone() }, Some(vote))
            });
            each.collect()
        }
    }
}

impl ViewVotes {
    /// Draws the views of a clip, the one that is shown marked; gives the view that was chosen.
    pub fn table(
        &mut self,
        ui: &mut Ui,
        state: &AppState,
        clip: &ClipRef,
        entry: Option<&EvaluationEntry>,
    ) -> Option<ClipRef> {
        let found = entry.and_then(|e| Some((state.prediction_of(e, clip)?, &e.evaluation.classes)));
        let key = (Same::maybe(entry.map(|e| &e.predictions)), Same::maybe(state.run()), clip.clone());
        let rows = self.rows.get(key, || rows(state, clip, found));
        let shown = state.selection.view_of(clip).cloned();
        let moved = shown != self.last;
        let mut chosen = None;
        let caption = |text: &str| RichText::new(text).text_style(theme::caption());
        // In a low panel something is left for what stands below.
        let most = HEIGHT.min(ui.available_height() * 0.55).max(54.0);
        egui::ScrollArea::both().id_salt("views").max_height(most).auto_shrink([false, true]).show(ui, |ui| {
            egui::Grid::new("views").num_columns(4).spacing([10.0, 1.0]).striped(true).show(ui, |ui| {
                for title in ["view", "p(true)", "predicted", "frames"] {
                    ui.label(caption(title).weak());
                }
                ui.end_row();
                for row in rows.iter() {
                    let here = shown.as_ref() == Some(&row.view);
                    let response = ui.add(egui::Button::selectable(here, caption(&row.name)));
                    let said = row.vote.as_ref().map_or_else(String::new, |(class, probability, truth)| {
                        format!("; predicted {class} {probability:.2}, true {truth}")
                    });
                    let name = format!("View {}{said}, {}", row.name, row.frames.0);
                    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, here, &name));
                    if here && moved {
                        response.scroll_to_me(None);
                    }
                    if response.on_hover_text("Show these frames with the heatmap of this view").clicked() {
                        chosen = Some(row.view.clone());
                    }
                    if let Some((class, probability, truth)) = &row.vote {
                        ui.label(caption(truth));
                        ui.label(caption(&format!("{class} {probability:.2}")));
                    } else {
                        ui.label(caption("–"));
                        ui.label(caption("–"));
                    }
                    ui.label(caption(&row.frames.0)).on_hover_text(&row.frames.1);
                    ui.end_row();
                }
            });
        });
        self.last = shown;
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Cut;
    use crate::run_folder::ViewPrediction;

    #[test]
    fn votes_and_frames_in_words() {
        let classes = ClassSet::from_names(["lunge", "squat"]);
        let view = |predicted| ViewPrediction { cut: Cut::default(), predicted, probabilities: vec![0.5; 2] };
        let views = [1, 1, 0, 1].map(view).to_vec();
        let clip = Prediction { predicted: 1, views, ..Prediction::default() };
        assert_eq!(summary(&clip, &classes).as_deref(), Some("views: 3 of 4 predict squat"));
        let several = Prediction { truths: vec![0, 1], ..clip };
        assert_eq!(summary(&several, &classes).as_deref(), Some("views: squat is most probable in 3 of 4"));
        assert_eq!(summary(&Prediction::default(), &classes), None);
        assert_eq!(frames_in_words(&[3, 9, 57]), ("frames 3 to 57".to_owned(), "3, 9, 57".to_owned()));
        assert_eq!(frames_in_words(&[20, 22, 24, 21]).0, "frames 20 to 24");
        assert_eq!(frames_in_words(&[7]).0, "frame 7");
    }
}
