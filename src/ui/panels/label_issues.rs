//! Labels in doubt: clips and edges that networks contradict, each with pictures, what it is labelled with and what it looks like;
//! an answer corrects the label or notes that it is right.

use super::label_issue_rows::{Answered, IssueRow, IssueSort, Listed, rows};
use super::motion_test::asked;
use crate::compare::LabelIssues;
use crate::data::labels_are_fixed;
use crate::domain::{Dataset, counted, leaf};
use crate::jobs::{CheckpointRef, Job, SplitChoice};
use crate::progress::Flow;
use crate::ui::action::{CorrectAction, WorkAction};
use crate::ui::awaited::Awaited;
use crate::ui::derived::{Derived, Same};
use crate::ui::panel::{Panel, PanelCx};
use crate::ui::state::JobStatus;
use crate::ui::theme;
use crate::ui::theme::overlay;
use crate::ui::thumbs::Thumbs;
use crate::ui::widgets::clip_grid::Pictures;
use crate::ui::widgets::{navigation, style, text};
use egui::{Align2, Key, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use std::rc::Rc;
use std::sync::Arc;

/// Height of a row, and width of a picture in it.
const ROW: f32 = 60.0;
const PICTURE: f32 = 76.0;
/// Classes that a digit stands for.
const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];

/// What rows are made from.
type RowsKey = (Same<LabelIssues>, Same<Dataset>, u32, (Listed, IssueSort, bool));

/// The panel.
#[derive(Default)]
pub struct LabelIssuesPanel {
    listed: Listed,
    sort: IssueSort,
    /// Those that are answered are listed too.
    answered: bool,
    chosen: usize,
    rows: Derived<RowsKey, Vec<IssueRow>>,
    thumbs: Option<Thumbs>,
}

/// What somebody answers to the chosen row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Accept,
    Keep,
    Class(usize),
    Open,
}

impl Panel for LabelIssuesPanel {
    fn ui(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>) {
        let (networks, split) = asked(cx.state);
        if networks.is_empty() {
            let text = "Networks that never saw a clip tell which labels are in doubt: choose a run, or several.";
            style::empty_state(ui, "No run is chosen", text, None);
            return;
        }
        self.controls(ui, cx, &networks, split);
        let Some(issues) = cx.state.issues_of(&networks, split).map(|f| f.issues.clone()) else {
            if cx.state.live_job(|job| matches!(job, Job::FindLabelIssues(_))).is_none() {
                let text = "Lists clips that the networks confidently call something else than their label, and edges of \
                            segments that lie elsewhere than where the probability crosses. Networks that were not trained \
                            on a video are asked, as far as there are some: folds of a cross-validation ask for all.";
                style::empty_state(ui, "Not looked for yet", text, None);
            }
            return;
        };
        for note in &issues.notes {
            style::notice(ui, theme::palette(ui).warn, note);
        }
        if let Some(why) = cx.state.dataset.as_deref().and_then(labels_are_fixed) {
            style::notice(ui, theme::palette(ui).warn, why);
        }
        let shown = self.lists(ui, cx, &networks, &issues);
        if shown.is_empty() {
            ui.weak("Nothing is left in doubt here.");
            return;
        }
        self.chosen = self.chosen.min(shown.len() - 1);
        let Some(row) = shown.get(self.chosen).cloned() else { return };
        let clicked = self.answers(ui, cx, &row);
        let pressed = self.list(ui, &shown);
        if let Some(answer) = clicked.or(pressed) {
            give(cx, &row, answer);
        }
    }
}

/// Does what an answer says.
fn give(cx: &mut PanelCx<'_>, row: &IssueRow, answer: Answer) {
    let state = cx.state;
    match answer {
        Answer::Open => row.open().into_iter().for_each(|a| cx.send(a)),
        Answer::Keep => cx.send(row.keep(row.answered != Some(Answered::Kept))),
        Answer::Accept => row.accept(state).into_iter().for_each(|a| cx.send(a)),
        Answer::Class(class) => row.relabel(state, class).into_iter().for_each(|a| cx.send(a)),
    }
}

impl LabelIssuesPanel {
    fn controls(&mut self, ui: &mut Ui, cx: &mut PanelCx<'_>, networks: &[CheckpointRef], split: SplitChoice) {
        let state = cx.state;
        let busy = state.live_job(|job| matches!(job, Job::FindLabelIssues(_)));
        ui.horizontal_wrapped(|ui| {
            let names: Vec<String> = networks.iter().map(|n| leaf(&n.run)).collect();
            let what = text::elide(&names.join(", "), 48);
            ui.label(format!("{what} on {} clips", split.name())).on_hover_text(names.join("\n"));
            let ready = state.dataset.is_some() && busy.is_none();
            let p = theme::palette(ui);
            let button = match ready {
                true => egui::Button::new(RichText::new("Find labels in doubt").color(p.on_accent)).fill(p.accent),
                false => egui::Button::new("Find labels in doubt"),
            };
            let why = if busy.is_some() { "A search is running" } else { "Open a dataset first" };
            if ui.add_enabled(ready, button).on_disabled_hover_text(why).clicked() {
                cx.send(CorrectAction::FindIssues(networks.to_vec(), split));
            }
            let Some(job) = busy else { return };
            ui.spinner();
            match &job.stage {
                Some((label, done, total)) if *total > 0 => drop(ui.weak(format!("{label} {done} / {total}"))),
                Some((label, ..)) => drop(ui.weak(format!("{label}…"))),
                None => drop(ui.weak("waiting for its turn")),
            }
            if ui.button("Stop").clicked() {
                cx.send(WorkAction::Control(job.id, Flow::Stop));
            }
        });
        let failed = state.jobs.iter().rev().find(|j| matches!(j.job, Job::FindLabelIssues(_))).map(|j| &j.status);
        if let Some(JobStatus::Failed(sentence)) = failed {
            style::notice(ui, theme::palette(ui).bad, sentence);
        }
    }

    /// Which list, in which order; gives its rows.
    fn lists(
        &mut self,
        ui: &mut Ui,
        cx: &PanelCx<'_>,
        networks: &[CheckpointRef],
        issues: &Arc<LabelIssues>,
    ) -> Rc<Vec<IssueRow>> {
        let before = (self.listed, self.sort, self.answered);
        ui.horizontal_wrapped(|ui| {
            let clips = format!("Clips ({})", issues.issues.len());
            let help = format!("{} were looked at", counted(issues.clips as u64, "clip"));
            ui.selectable_value(&mut self.listed, Listed::Clips, clips).on_hover_text(help);
            let seen = issues.edges_seen.unwrap_or(0) as u64;
            let edges = ui.selectable_value(&mut self.listed, Listed::Edges, format!("Edges ({})", issues.edges.len()));
            edges.on_hover_text(format!("{} were looked at", counted(seen, "edge")));
            if self.listed == Listed::Clips {
                let label = ui.weak("sorted");
                egui::ComboBox::from_id_salt("doubt order")
                    .selected_text(self.sort.name())
                    .width(190.0)
                    .show_ui(ui, |ui| {
                        for sort in IssueSort::ALL {
                            ui.selectable_value(&mut self.sort, sort, sort.name());
                        }
                    })
                    .response
                    .labelled_by(label.id);
            }
            ui.checkbox(&mut self.answered, "Also answered ones").on_hover_text("Labels that were corrected or kept");
        });
        if before != (self.listed, self.sort, self.answered) {
            self.chosen = 0;
        }
        let span = cx.state.geometry_of(networks.first().map(|n| n.run.as_path())).0;
        let asked = (self.listed, self.sort, self.answered);
        let key = (Same::of(issues), Same::maybe(cx.state.dataset.as_ref()), span, asked);
        self.rows.get(key, || rows(cx.state, issues, span, asked))
    }

    /// Buttons for the chosen row, with their keys.
    fn answers(&mut self, ui: &mut Ui, cx: &PanelCx<'_>, row: &IssueRow) -> Option<Answer> {
        let mut answer = None;
        ui.horizontal_wrapped(|ui| {
            let p = theme::palette(ui);
            let accept = row.accept(cx.state).is_some() && row.answered != Some(Answered::Corrected);
            let button = egui::Button::new(RichText::new("Accept proposal (A)").color(p.on_accent)).fill(p.accent);
            let why = "The open dataset has no such class, or the label is another one already";
            if ui.add_enabled(accept, button).on_disabled_hover_text(why).clicked() {
                answer = Some(Answer::Accept);
            }
            let kept = row.answered == Some(Answered::Kept);
            let keep = if kept { "Ask again (D)" } else { "Keep label (D)" };
            let help = "The label is right: it is not listed any more, whichever network doubts it";
            if ui.button(keep).on_hover_text(help).clicked() {
                answer = Some(Answer::Keep);
            }
            if self.listed == Listed::Clips {
                let label = ui.weak("change to (1–9)");
                egui::ComboBox::from_id_salt("change class")
                    .selected_text("class…")
                    .width(130.0)
                    .show_ui(ui, |ui| {
                        for (i, class) in cx.state.classes().classes.iter().enumerate() {
                            let digit = if i < DIGITS.len() { format!("{}  ", i + 1) } else { String::new() };
                            if ui.selectable_label(false, format!("{digit}{}", class.name)).clicked() {
                                answer = Some(Answer::Class(i));
                            }
                        }
                    })
                    .response
                    .labelled_by(label.id);
            }
            if ui.button("Show in Review (Enter)").clicked() {
                answer = Some(Answer::Open);
            }
        });
        answer
    }

    fn list(&mut self, ui: &mut Ui, rows: &[IssueRow]) -> Option<Answer> {
        let id = ui.scope_id().with("labels in doubt");
        let area = Rect::from_min_size(ui.cursor().min, ui.available_size());
        let focus = ui.interact(area, id, Sense::focusable_noninteractive());
        let name = "labels in doubt; arrow keys choose, Enter shows, A accepts, D keeps, digits change the class";
        focus.widget_info(|| WidgetInfo::labeled(Role::ListBox, true, name));
        let mut answer = None;
        let moved = self.keys(ui, &focus, rows.len(), &mut answer);
        let thumbs = self.thumbs.get_or_insert_with(|| Thumbs::of_window(ui.ctx()));
        let mut chosen = self.chosen;
        egui::ScrollArea::vertical().id_salt("doubts").auto_shrink([false, false]).show_rows(
            ui,
            ROW,
            rows.len(),
            |ui, range| {
                let first = range.start;
                for at in range {
                    let Some(row) = rows.get(at) else { continue };
                    let response = draw(ui, row, thumbs, at == chosen, at == chosen && focus.has_focus());
                    if response.clicked() || response.double_clicked() {
                        chosen = at;
                        focus.request_focus();
                    }
                    if response.double_clicked() {
                        answer = Some(Answer::Open);
                    }
                }
                if moved {
                    let height = ROW + ui.spacing().item_spacing.y;
                    let top = ui.max_rect().top() + (chosen as f32 - first as f32) * height;
                    ui.scroll_to_rect(Rect::from_min_size(pos2(ui.max_rect().left(), top), vec2(1.0, ROW)), None);
                }
            },
        );
        // A double click answers for the row it was on, which its first click has chosen.
        self.chosen = chosen;
        answer
    }

    /// Keys of the list; true where they moved the choice.
    fn keys(&mut self, ui: &Ui, focus: &egui::Response, count: usize, answer: &mut Option<Answer>) -> bool {
        if !focus.has_focus() || count == 0 {
            return false;
        }
        navigation::keep_navigation(ui.ctx(), focus.id);
        let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(focus.id, filter));
        let step: i64 = ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(egui::Modifiers::NONE, key);
            let plain = [(Key::Enter, Answer::Open), (Key::A, Answer::Accept), (Key::D, Answer::Keep)];
            let digits = DIGITS.into_iter().enumerate().map(|(i, key)| (key, Answer::Class(i)));
            for (key, meant) in plain.into_iter().chain(digits) {
                if pressed(key) {
                    *answer = Some(meant);
                }
            }
            let far = count as i64;
            let moves = [(Key::ArrowUp, -1), (Key::ArrowDown, 1), (Key::Home, -far), (Key::End, far)];
            moves.into_iter().filter(|(key, _)| pressed(*key)).map(|(_, by)| by).sum()
        });
        if self.listed == Listed::Edges && matches!(answer, Some(Answer::Class(_))) {
            *answer = None;
        }
        let before = self.chosen;
        self.chosen = (self.chosen as i64 + step).clamp(0, count as i64 - 1) as usize;
        self.chosen != before
    }
}

/// One row: pictures, both labels, numbers.
fn draw(ui: &mut Ui, row: &IssueRow, thumbs: &Thumbs, chosen: bool, focused: bool) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let state = match row.answered {
        Some(Answered::Kept) => ", kept",
        Some(Answered::Corrected) => ", corrected",
        None => "",
    };
    let title = format!("{}{state}", row.title);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &title));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let p = theme::palette(ui);
    let painter = ui.painter().with_clip_rect(rect.expand(2.0).intersect(ui.clip_rect()));
    painter.rect_filled(rect, 4.0, if chosen { p.accent.gamma_multiply(0.16) } else { ui.visuals().faint_bg_color });
    let mut x = rect.left() + 4.0;
    for frame in &row.pictures {
        let place = Rect::from_min_size(pos2(x, rect.top() + 3.0), vec2(PICTURE, ROW - 6.0));
        painter.rect_filled(place, 3.0, overlay::EMPTY);
        if let Some(path) = &row.path
            && let Awaited::Ready(one) = thumbs.picture(ui.ctx(), path, *frame)
        {
            let size = match one.aspect > place.aspect_ratio() {
                true => vec2(place.width(), place.width() / one.aspect.max(0.01)),
                false => vec2(place.height() * one.aspect, place.height()),
            };
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(one.texture, Rect::from_center_size(place.center(), size), whole, egui::Color32::WHITE);
        }
        x += PICTURE + 4.0;
    }
    let font = egui::FontId::proportional(13.5);
    let mut at = pos2(x + 8.0, rect.top() + 18.0);
    for (i, (name, color)) in row.names.iter().enumerate() {
        if i > 0 {
            at.x = painter.text(at, Align2::LEFT_CENTER, "→", font.clone(), p.muted).right() + 8.0;
        }
        painter.circle_filled(at + vec2(4.0, 0.0), 4.0, *color);
        at.x = painter.text(at + vec2(12.0, 0.0), Align2::LEFT_CENTER, name, font.clone(), p.text).right() + 8.0;
    }
    if let Some(answered) = row.answered {
        let word = if answered == Answered::Kept { "kept" } else { "corrected" };
        painter.text(at, Align2::LEFT_CENTER, word, theme::caption().resolve(ui.style()), p.good);
    }
    let told = theme::caption().resolve(ui.style());
    let mut job = egui::text::LayoutJob::simple_singleline(row.told.clone(), told, p.muted);
    job.wrap = egui::text::TextWrapping::truncate_at_width((rect.right() - x - 12.0).max(1.0));
    let galley = painter.layout_job(job);
    painter.galley(pos2(x + 8.0, rect.top() + 34.0), galley, p.muted);
    if chosen {
        let width = if focused { 2.0 } else { 1.0 };
        painter.rect_stroke(rect, 4.0, Stroke::new(width, p.accent), StrokeKind::Inside);
    }
    response.on_hover_text(format!("{title}\n{}\nDouble click: look at it frame by frame", row.told))
}
