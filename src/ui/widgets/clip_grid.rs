//! Clips as cards: a picture that plays under the pointer, what was said, and how sure the network was.

use crate::domain::ClassSet;
use crate::jobs::ClipRef;
use crate::ui::awaited::Awaited;
use crate::ui::theme;
use crate::ui::theme::overlay;
use egui::{self, Align2, Color32, Key, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A small picture of a frame that can be drawn.
#[derive(Clone, Copy, Debug)]
pub struct Thumbnail {
    /// The texture.
    pub texture: egui::TextureId,
    /// Width over height, as people see it.
    pub aspect: f32,
}

/// Where pictures come from. Asking returns at once and wakes the window when there is more.
pub trait Pictures {
    /// A small picture of frame `frame` of the video at `path`.
    fn picture(&self, ctx: &egui::Context, path: &Path, frame: u32) -> Awaited<Thumbnail>;
}

/// One clip.
#[derive(Clone, Debug)]
pub struct ClipCard {
    /// Which clip.
    pub clip: ClipRef,
    /// Its video file; `None` when the open dataset has no such video.
    pub path: Option<PathBuf>,
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// Class of the label; the first of several.
    pub truth: usize,
    /// All classes of the label, in a multi-label task; else empty.
    pub truths: Vec<usize>,
    /// Class said; in a multi-label task the most probable one.
    pub predicted: usize,
    /// All classes said, in a multi-label task where they are known.
    pub said: Option<Vec<usize>>,
    /// Probability of `predicted`.
    pub confidence: f32,
    /// Distance between the two largest probabilities.
    pub margin: f32,
    /// Cross-entropy.
    pub loss: f32,
    /// Tags somebody gave it.
    pub tags: Vec<String>,
    /// Share of the map's heat that lies on the body, 0…1, where it was measured.
    pub on_body: Option<f32>,
    /// What another network said of it, in words, where two are compared.
    pub other: Option<String>,
}

impl ClipCard {
    /// True when what was said is the label, or the most probable class is among the labels.
    pub fn correct(&self) -> bool {
        if self.truths.is_empty() { self.truth == self.predicted } else { self.truths.contains(&self.predicted) }
    }

    /// The accessible name: "lunge predicted as squat 0.71, frame 480 of s05.mp4", or "walk + talk, said walk, most probable walk
    /// 0.71, frame 480 of s05.mp4".
    pub fn title(&self, classes: &ClassSet) -> String {
        let (truth, predicted) = (self.label_names(classes), classes.name(self.predicted));
        let what = match &self.said {
            Some(said) => format!("{truth}, {}, most probable {predicted}", said_text(said, classes)),
            None => format!("{truth} predicted as {predicted}"),
        };
        let other = self.other.as_ref().map_or_else(String::new, |o| format!(" ({o})"));
        format!("{what} {:.2}{other}, frame {} of {}", self.confidence, self.clip.start, self.clip.video)
    }

    /// Names of the label's classes.
    fn label_names(&self, classes: &ClassSet) -> String {
        if self.truths.is_empty() { classes.name(self.truth).to_owned() } else { joined(&self.truths, classes) }
    }
}

fn joined(list: &[usize], classes: &ClassSet) -> String {
    list.iter().map(|c| classes.name(*c)).collect::<Vec<_>>().join(" + ")
}

/// "said walk + talk", or "none predicted".
fn said_text(said: &[usize], classes: &ClassSet) -> String {
    if said.is_empty() { "none predicted".to_owned() } else { format!("predicted {}", joined(said, classes)) }
}

/// What somebody did with the cards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipEvent {
    /// Chose a clip.
    Select(ClipRef),
    /// Wants to look at it frame by frame.
    Open(ClipRef),
}

/// What is said of a clip instead of what the network answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CardNote {
    /// In a few words.
    pub said: String,
    /// The part of the picture that is meant: left, top, right and bottom as shares of it.
    pub mark: Option<[f32; 4]>,
    /// The clip has a label.
    pub labelled: bool,
}

impl CardNote {
    /// The accessible name of a card with this note.
    fn title(&self, card: &ClipCard, classes: &ClassSet) -> String {
        let label = if self.labelled { card.label_names(classes) } else { "no label".to_owned() };
        format!("{label}, {}, frame {} of {}", self.said, card.clip.start, card.clip.video)
    }
}

/// Thumbnail area of a card; three lines of text stand below it.
const PICTURE: Vec2 = vec2(132.0, 88.0);
const TEXT: f32 = 51.0;
const GAP: f32 = 8.0;
/// The lowest picture of a grid with little room.
const LOWEST: f32 = 46.0;
/// Cards wider than this say at length what was predicted.
const WORDY: f32 = 180.0;
/// Pictures a second while a clip plays under the pointer.
const PLAY_RATE: f64 = 12.0;

/// Size of a card.
pub const CARD: Vec2 = vec2(PICTURE.x, PICTURE.y + TEXT);

/// Bounds of the size of cards in a grid, against [`CARD`].
const SIZES: std::ops::RangeInclusive<f32> = 0.7..=2.4;

fn size_id() -> egui::Id {
    egui::Id::unique("size of clip cards")
}

/// How large the cards of grids are, against [`CARD`].
fn size_of_cards(ctx: &egui::Context) -> f32 {
    ctx.data(|d| d.get_temp(size_id())).unwrap_or(1.0)
}

/// A slider for the size of the cards of grids.
pub fn size_slider(ui: &mut Ui) {
    let before = size_of_cards(ui.ctx());
    let mut size = before;
    ui.spacing_mut().slider_width = 70.0;
    let response = ui.add(egui::Slider::new(&mut size, SIZES).show_value(false));
    super::text::name(&response, "Size of the clips");
    response.on_hover_text("Size of the pictures");
    if (size - before).abs() > 1e-3 {
        ui.data_mut(|d| d.insert_temp(size_id(), size));
    }
}

/// Draws the context menu of a card; gives what was done in it.
pub type CardMenu<'a> = &'a mut dyn FnMut(&mut Ui, &ClipCard) -> Option<ClipEvent>;

/// Cards in rows that fill the width, with arrows and Enter for the keyboard.
pub fn grid(
    ui: &mut Ui,
    cards: &[ClipCard],
    classes: &ClassSet,
    pictures: &dyn Pictures,
    selected: Option<&ClipRef>,
    menu: CardMenu<'_>,
) -> Option<ClipEvent> {
    noted(ui, (cards, &[]), classes, pictures, selected, menu)
}

/// As [`grid`], with a note for each card, in their order; cards without one say what the network answered.
pub fn noted(
    ui: &mut Ui,
    (cards, notes): (&[ClipCard], &[CardNote]),
    classes: &ClassSet,
    pictures: &dyn Pictures,
    selected: Option<&ClipRef>,
    menu: CardMenu<'_>,
) -> Option<ClipEvent> {
    let mut picture = PICTURE * size_of_cards(ui.ctx());
    // One row is seen whole, as long as there is anything to see in it.
    picture.y = picture.y.min((ui.available_height() - TEXT - 2.0).max(LOWEST));
    let size = vec2(picture.x, picture.y + TEXT);
    let columns = (((ui.available_width() - 14.0 + GAP) / (size.x + GAP)).floor() as usize).max(1);
    let rows = cards.len().div_ceil(columns);
    let mut event = None;
    let id = ui.scope_id().with("clip grid");
    let area = Rect::from_min_size(ui.cursor().min, ui.available_size());
    let focus = ui.interact(area, id, Sense::focusable_noninteractive());
    focus.widget_info(|| {
        WidgetInfo::labeled(Role::Grid, true, "clips; arrow keys choose, Enter opens the clip in Review")
    });
    let moved = keyboard(ui, &focus, cards, columns, selected, &mut event);
    let gap = std::mem::replace(&mut ui.spacing_mut().item_spacing, vec2(GAP, GAP));
    egui::ScrollArea::vertical().id_salt("clips").auto_shrink([false, false]).show_rows(
        ui,
        size.y,
        rows,
        |ui, range| {
            let first = range.start;
            for row in range {
                ui.horizontal(|ui| {
                    for index in row * columns..((row + 1) * columns).min(cards.len()) {
                        let Some(c) = cards.get(index) else { continue };
                        let chosen = selected == Some(&c.clip);
                        let note = notes.get(index);
                        let focused = chosen && focus.has_focus();
                        let response = card(ui, (c, note, picture), classes, pictures, chosen, focused);
                        if let Some(clicked) = clicked(&response, c) {
                            event = Some(clicked);
                            focus.request_focus();
                        }
                        event = of_menu(&response, c, menu).or(event.take());
                    }
                });
            }
            if let Some(index) = moved {
                // The first row of the list lies above the first one drawn.
                let top = ui.max_rect().top() - first as f32 * (size.y + GAP);
                let y = top + (index / columns) as f32 * (size.y + GAP);
                let target = Rect::from_min_size(pos2(ui.max_rect().left(), y), vec2(1.0, size.y));
                ui.scroll_to_rect(target, None);
            }
        },
    );
    ui.spacing_mut().item_spacing = gap;
    event
}

/// What was done in the context menu of a card.
fn of_menu(response: &egui::Response, card: &ClipCard, menu: CardMenu<'_>) -> Option<ClipEvent> {
    let mut done = None;
    response.context_menu(|ui| done = menu(ui, card));
    done
}

/// What a click on a card means.
fn clicked(response: &egui::Response, card: &ClipCard) -> Option<ClipEvent> {
    let clip = || card.clip.clone();
    if response.double_clicked() {
        Some(ClipEvent::Open(clip()))
    } else {
        response.clicked().then(|| ClipEvent::Select(clip()))
    }
}

/// Cards in one row that scrolls sideways.
pub fn strip(
    ui: &mut Ui,
    cards: &[ClipCard],
    classes: &ClassSet,
    pictures: &dyn Pictures,
    selected: Option<&ClipRef>,
    menu: CardMenu<'_>,
) -> Option<ClipEvent> {
    let mut event = None;
    // Out of sight nothing is drawn: the scroll bar would show at the edge of what is in sight.
    let place = Rect::from_min_size(ui.cursor().min, vec2(ui.available_width(), CARD.y + 8.0));
    if !ui.is_rect_visible(place) {
        ui.allocate_space(place.size());
        return None;
    }
    egui::ScrollArea::horizontal().id_salt("clip strip").auto_shrink([false, true]).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            for c in cards {
                let response = card(ui, (c, None, PICTURE), classes, pictures, selected == Some(&c.clip), false);
                event = clicked(&response, c).or(of_menu(&response, c, menu)).or(event.take());
            }
        });
    });
    event
}

fn keyboard(
    ui: &Ui,
    focus: &egui::Response,
    cards: &[ClipCard],
    columns: usize,
    selected: Option<&ClipRef>,
    event: &mut Option<ClipEvent>,
) -> Option<usize> {
    if !focus.has_focus() || cards.is_empty() {
        return None;
    }
    super::navigation::keep_navigation(ui.ctx(), focus.id);
    let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(focus.id, filter));
    let (step, enter) = ui.input_mut(|input| {
        let mut pressed = |key| input.consume_key(egui::Modifiers::NONE, key);
        let columns = columns as i64;
        let moves = [(Key::ArrowLeft, -1), (Key::ArrowRight, 1), (Key::ArrowUp, -columns), (Key::ArrowDown, columns)];
        let step: i64 = moves.into_iter().filter(|(key, _)| pressed(*key)).map(|(_, by)| by).sum();
        (step, pressed(Key::Enter))
    });
    if !enter && step == 0 {
        return None;
    }
    let now = selected.and_then(|s| cards.iter().position(|c| c.clip == *s));
    if enter {
        *event = now.and_then(|i| cards.get(i)).map(|c| ClipEvent::Open(c.clip.clone()));
        return None;
    }
    let next = match now {
        None => 0,
        Some(i) => (i as i64 + step).clamp(0, cards.len() as i64 - 1) as usize,
    };
    *event = cards.get(next).map(|c| ClipEvent::Select(c.clip.clone()));
    Some(next)
}

/// One card.
fn card(
    ui: &mut Ui,
    (card, note, picture): (&ClipCard, Option<&CardNote>, Vec2),
    classes: &ClassSet,
    pictures: &dyn Pictures,
    selected: bool,
    focused: bool,
) -> egui::Response {
    let (rect, response) = ui.allocate_exact_size(vec2(picture.x, picture.y + TEXT), Sense::click());
    let title = || note.map_or_else(|| card.title(classes), |n| n.title(card, classes));
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, selected, title()));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let painter = ui.painter().with_clip_rect(rect.expand(3.0).intersect(ui.clip_rect()));
    let frame = Rect::from_min_size(rect.min, picture);
    painter.rect_filled(rect, 5.0, ui.visuals().faint_bg_color);
    painter.rect_filled(frame, 5.0, overlay::EMPTY);
    let failure = draw_picture(ui, &painter, frame, (card, note.and_then(|n| n.mark)), pictures, response.hovered());
    // A note says itself what it is about.
    let badge = note.map_or_else(|| format!("{:.2}", card.confidence), |_| String::new());
    let galley = painter.layout_no_wrap(badge, egui::FontId::proportional(theme::SMALL), overlay::TEXT);
    let plate =
        Rect::from_min_size(frame.right_bottom() - galley.size() - vec2(10.0, 6.0), galley.size() + vec2(8.0, 3.0));
    if note.is_none() {
        painter.rect_filled(plate, 3.0, overlay::PLATE);
        painter.galley(plate.min + vec2(4.0, 1.5), galley, overlay::TEXT);
    }
    words(ui, &painter, [rect, frame], (card, note), classes);
    tags(&painter, frame, &card.tags);
    if selected || response.has_focus() {
        painter.rect_stroke(
            rect,
            5.0,
            Stroke::new(if focused { 2.5 } else { 1.5 }, ui.visuals().hyperlink_color),
            StrokeKind::Outside,
        );
    } else if response.hovered() {
        painter.rect_stroke(rect, 5.0, Stroke::new(1.0, ui.visuals().weak_text_color()), StrokeKind::Outside);
    }
    let help = match failure {
        Some(message) => format!("{}\n{message}", title()),
        None if note.is_some() => format!("{}\nDouble click: look at it frame by frame", title()),
        None => format!(
            "{}\nmargin {:.2}, loss {:.2}\nDouble click: look at it frame by frame",
            card.title(classes),
            card.margin,
            card.loss
        ),
    };
    response.on_hover_text(help)
}

/// The three lines of a card: its label, what was predicted or is noted, and where it lies.
fn words(
    ui: &Ui,
    painter: &egui::Painter,
    [rect, frame]: [Rect; 2],
    (card, note): (&ClipCard, Option<&CardNote>),
    classes: &ClassSet,
) {
    let p = theme::palette(ui);
    let accent = match &card.said {
        // Of several classes all are to be said; some of them are half of it.
        Some(said) if said.len() == card.truths.len() && said.iter().all(|c| card.truths.contains(c)) => p.good,
        Some(said) if said.iter().any(|c| card.truths.contains(c)) => p.warn,
        None if card.correct() => p.good,
        _ => p.bad,
    };
    // Of several ways to say it the first that fits, and the last is cut at its end.
    let line = |y: f32, ways: &[&str], size: f32, color: Color32, inset: f32| {
        let room = rect.width() - inset - 5.0;
        let wide = |text: &str| {
            painter.layout_no_wrap(text.to_owned(), egui::FontId::proportional(size), color).size().x.max(1.0)
        };
        let Some(text) = ways.iter().find(|t| wide(t) <= room).or(ways.last()) else { return };
        let font = egui::FontId::proportional(size);
        let mut job = egui::text::LayoutJob::simple_singleline((*text).to_owned(), font, color);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room);
        let galley = painter.layout_job(job);
        painter.galley(pos2(rect.left() + inset, y), galley, color);
    };
    let (text, weak) = (ui.visuals().text_color(), ui.visuals().weak_text_color());
    let label = match note {
        Some(note) if !note.labelled => "no label".to_owned(),
        _ => {
            painter.circle_filled(pos2(rect.left() + 8.0, frame.bottom() + 10.5), 3.5, theme::class_color(card.truth));
            card.label_names(classes)
        }
    };
    line(frame.bottom() + 3.0, &[&label], theme::SMALL, text, 16.0);
    let predicted = classes.name(card.predicted);
    // By the room, not by the name: cards of one grid say it in one way.
    let verb = if frame.width() >= WORDY { "predicted as" } else { "as" };
    let (called, together) =
        (format!("{verb} {predicted}"), card.said.as_ref().map_or_else(String::new, |s| said_text(s, classes)));
    let said = match &card.said {
        _ if note.is_some() => note.map(|n| n.said.as_str()).into_iter().collect(),
        Some(_) => vec![together.as_str()],
        None if card.correct() => vec!["recognised"],
        None => vec![called.as_str()],
    };
    match note {
        Some(_) => line(frame.bottom() + 18.0, &said, theme::SMALL, text, 6.0),
        None => {
            painter.circle_filled(
                pos2(rect.left() + 8.0, frame.bottom() + 25.5),
                3.5,
                theme::class_color(card.predicted),
            );
            line(frame.bottom() + 18.0, &said, theme::SMALL, accent, 16.0);
        }
    }
    let name = card.clip.video.rsplit('/').next().unwrap_or(&card.clip.video);
    let start = card.clip.start;
    let more = card.on_body.map(|share| format!("{:.0} % on body", share * 100.0)).or(card.other.clone());
    let ways = match &more {
        None => vec![format!("{name} · {start}")],
        Some(more) => vec![format!("{more} · {name} · {start}"), format!("{more} · {start}"), more.clone()],
    };
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    line(frame.bottom() + 34.0, &ways, theme::SMALL, weak, 6.0);
}

/// The tags of a clip, in the corner of its picture.
fn tags(painter: &egui::Painter, frame: Rect, tags: &[String]) {
    if tags.is_empty() {
        return;
    }
    let font = egui::FontId::proportional(theme::SMALL);
    let mut job = egui::text::LayoutJob::simple_singleline(tags.join(", "), font, overlay::NOTE);
    job.wrap = egui::text::TextWrapping::truncate_at_width(frame.width() - 14.0);
    let galley = painter.layout_job(job);
    let plate = Rect::from_min_size(frame.min + vec2(3.0, 3.0), galley.size() + vec2(8.0, 3.0));
    painter.rect_filled(plate, 3.0, overlay::PLATE);
    painter.galley(plate.min + vec2(4.0, 1.5), galley, overlay::NOTE);
}

/// Draws the clip's middle frame, or its frames one after the other under the pointer; returns why there is none.
fn draw_picture(
    ui: &Ui,
    painter: &egui::Painter,
    rect: Rect,
    (card, mark): (&ClipCard, Option<[f32; 4]>),
    pictures: &dyn Pictures,
    play: bool,
) -> Option<String> {
    let note = |text: &str| {
        let color = overlay::MUTED;
        painter.text(rect.center(), Align2::CENTER_CENTER, text, egui::FontId::proportional(theme::SMALL), color);
    };
    let Some(path) = card.path.as_deref() else {
        note("not in this dataset");
        return Some(format!("The open dataset has no video named {}.", card.clip.video));
    };
    let middle = card.frames.get(card.frames.len() / 2).copied().unwrap_or(card.clip.start);
    let mut shown = pictures.picture(ui.ctx(), path, middle);
    if play && card.frames.len() > 1 {
        let at = (ui.input(|i| i.time) * PLAY_RATE) as usize % card.frames.len();
        // Ask for all of them, so that the second round runs smoothly.
        for (i, frame) in card.frames.iter().enumerate() {
            let picture = pictures.picture(ui.ctx(), path, *frame);
            if i == at && matches!(picture, Awaited::Ready(_)) {
                shown = picture;
            }
        }
        ui.ctx().request_repaint_after(Duration::from_secs_f64(1.0 / PLAY_RATE));
        let done = at as f32 / (card.frames.len() - 1) as f32;
        let y = rect.bottom() - 1.5;
        painter.hline(rect.left()..=rect.left() + rect.width() * done, y, Stroke::new(3.0, overlay::PROGRESS));
    }
    match shown {
        Awaited::Ready(Thumbnail { texture, aspect }) => {
            // Fill the card and cut what sticks out, but never more than a third of the picture.
            let want = rect.width() / rect.height();
            let aspect = aspect.clamp(0.05, 20.0);
            let (mut size, mut uv) = (rect.size(), Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)));
            if aspect > want * 1.5 {
                size.y = rect.width() / aspect;
            } else if aspect < want / 1.5 {
                size.x = rect.height() * aspect;
            } else if aspect > want {
                uv = Rect::from_center_size(uv.center(), vec2(want / aspect, 1.0));
            } else {
                uv = Rect::from_center_size(uv.center(), vec2(1.0, aspect / want));
            }
            let place = Rect::from_center_size(rect.center(), size);
            painter.image(texture, place, uv, Color32::WHITE);
            if let Some([left, top, right, bottom]) = mark {
                let at = |x: f32, y: f32| place.min + (pos2(x, y) - uv.min) / uv.size() * place.size();
                let area = Rect::from_two_pos(at(left, top), at(right, bottom)).intersect(place);
                painter.rect_stroke(area, 1.0, Stroke::new(1.5, overlay::NOTE), StrokeKind::Inside);
            }
            None
        }
        Awaited::NotAsked | Awaited::Pending(_) => {
            note("…");
            None
        }
        Awaited::Unavailable(message) => {
            note("no picture");
            Some(message)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(start: u32, confidence: f32, margin: f32, loss: f32) -> ClipCard {
        ClipCard {
            clip: ClipRef::window("a.mp4", start),
            path: None,
            frames: vec![start],
            truth: 0,
            truths: Vec::new(),
            predicted: 1,
            said: None,
            confidence,
            margin,
            loss,
            tags: Vec::new(),
            other: None,
            on_body: None,
        }
    }

    #[test]
    fn a_card_names_what_it_shows() {
        let classes = ClassSet::from_names(["lunge", "squat"]);
        assert_eq!(clip(480, 0.714, 0.0, 0.0).title(&classes), "lunge predicted as squat 0.71, frame 480 of a.mp4");
        let several = |said| ClipCard { truths: vec![0, 1], said: Some(said), ..clip(480, 0.714, 0.0, 0.0) };
        assert_eq!(
            several(vec![1]).title(&classes),
            "lunge + squat, predicted squat, most probable squat 0.71, frame 480 of a.mp4"
        );
        assert!(several(Vec::new()).title(&classes).contains("none predicted") && several(vec![1]).correct());
    }
}
