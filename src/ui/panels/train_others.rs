//! Other runs behind the curves of the one on screen: which, and in what colour.

use super::train_tracks::{Axis, Tracks};
use crate::domain::leaf;
use crate::jobs::RunView;
use crate::ui::widgets::icons::{self, Icon};
use crate::ui::widgets::text;
use crate::ui::{AppState, theme};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Color32, PopupCloseBehavior, Sense, Ui, vec2};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Runs drawn at the same time.
const MOST: usize = 12;
/// Classes whose colours runs take, those first that stand out beside the curves of the run on screen.
const COLORS: [usize; 12] = [2, 6, 5, 1, 3, 7, 10, 11, 12, 13, 14, 15];

/// The other open runs with the same classes.
#[derive(Debug, Default)]
pub struct OtherRuns {
    tracks: HashMap<PathBuf, Tracks>,
    /// Runs that were switched by hand; the others are drawn where they are of the same dataset.
    switched: HashMap<PathBuf, bool>,
    /// A run keeps its colour, whichever is on screen.
    seen: Vec<PathBuf>,
}

/// True for another run whose scores mean the same: its classes are those of the run on screen.
fn comparable(other: &RunView, run: &RunView) -> bool {
    other.path != run.path && other.classes == run.classes
}

fn same_dataset(other: &RunView, run: &RunView) -> bool {
    other.dataset_root == run.dataset_root
}

impl OtherRuns {
    fn is_on(&self, other: &RunView, run: &RunView) -> bool {
        self.switched.get(&other.path).copied().unwrap_or_else(|| same_dataset(other, run))
    }

    fn color(&mut self, path: &Path) -> Color32 {
        let at = self.seen.iter().position(|p| p == path).unwrap_or_else(|| {
            self.seen.push(path.to_path_buf());
            self.seen.len() - 1
        });
        let round = at / COLORS.len() * COLORS.len();
        theme::class_color(COLORS.get(at % COLORS.len()).map_or(at, |c| c + round))
    }

    /// The list of runs, each with an eye; nothing where there is no other.
    pub fn menu(&mut self, ui: &mut Ui, state: &AppState, run: &RunView) {
        let others: Vec<&RunView> = state.runs.iter().map(|r| r.as_ref()).filter(|r| comparable(r, run)).collect();
        if others.is_empty() {
            return;
        }
        let on = others.iter().filter(|o| self.is_on(o, run)).count();
        let title = format!("Other runs: {on} of {}", others.len());
        let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        let button = MenuButton::new(title).config(config).ui(ui, |ui| {
            egui::ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for other in others {
                    self.row(ui, other, run);
                }
            });
        });
        button.0.on_hover_text("Validation curves of the other open runs with the same classes");
    }

    fn row(&mut self, ui: &mut Ui, other: &RunView, run: &RunView) {
        let (on, color) = (self.is_on(other, run), self.color(&other.path));
        let name = leaf(&other.path);
        ui.horizontal(|ui| {
            let icon = if on { Icon::Eye } else { Icon::EyeOff };
            let label = if on { format!("Hide {name}") } else { format!("Show {name}") };
            if icons::small_button(ui, icon, &label).clicked() {
                self.switched.insert(other.path.clone(), !on);
            }
            let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            let color = if on { color } else { color.gamma_multiply(0.3) };
            ui.painter().circle_filled(dot.center(), 4.0, color);
            ui.label(text::elide(&name, 40)).on_hover_text(other.path.display().to_string());
            if !same_dataset(other, run) {
                ui.weak("other dataset");
            }
        });
    }

    /// The runs that are drawn: what their curves are named, their colours, and where their values are.
    pub fn drawn(&mut self, state: &AppState, run: &RunView, axis: Axis) -> Vec<(String, Color32, PathBuf)> {
        self.tracks.retain(|path, _| state.run_at(path).is_some() && *path != run.path);
        // Steps of different runs are of different lengths.
        if axis == Axis::Step {
            return Vec::new();
        }
        let others: Vec<&RunView> = state.runs.iter().map(|r| r.as_ref()).filter(|r| comparable(r, run)).collect();
        let others: Vec<&RunView> = others.into_iter().filter(|o| self.is_on(o, run)).take(MOST).collect();
        let mut drawn = Vec::with_capacity(others.len());
        for other in others {
            let tracks = self.tracks.entry(other.path.clone()).or_default();
            tracks.update(0, &[], &other.history, other.steps_per_epoch, axis);
            let name = format!("{} validation", leaf(&other.path));
            drawn.push((name, self.color(&other.path), other.path.clone()));
        }
        drawn
    }

    /// The values of a run that is drawn.
    pub fn tracks(&self, path: &Path) -> Option<&Tracks> {
        self.tracks.get(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn run(name: &str, dataset: &str) -> RunView {
        RunView { path: name.into(), dataset_root: dataset.into(), ..RunView::default() }
    }

    #[test]
    fn runs_of_the_same_dataset_are_drawn_at_first_and_colours_stay() {
        let runs = [run("a", "x"), run("b", "x"), run("c", "y")];
        let state = AppState { runs: runs.iter().cloned().map(Arc::new).collect(), ..AppState::default() };
        let mut others = OtherRuns::default();
        let names = |drawn: &[(String, Color32, PathBuf)]| drawn.iter().map(|d| d.0.clone()).collect::<Vec<_>>();
        let of_a = others.drawn(&state, &runs[0], Axis::Epoch);
        assert_eq!(names(&of_a), ["b validation"]);
        others.switched.insert("c".into(), true);
        let of_a = others.drawn(&state, &runs[0], Axis::Epoch);
        assert_eq!(names(&of_a), ["b validation", "c validation"]);
        let of_b = others.drawn(&state, &runs[1], Axis::Epoch);
        assert_eq!(names(&of_b), ["a validation", "c validation"]);
        assert_eq!(of_a[1].1, of_b[1].1, "whichever run is on screen");
        assert_ne!(of_b[0].1, of_b[1].1);
        assert!(others.drawn(&state, &runs[0], Axis::Step).is_empty());
    }
}
