//! The frame loop.

use super::Action;
use super::awaited::Wake;
use super::chrome::{self, dialogs::FileDialogs};
use super::disk::Then;
use super::disk::{Disk, Probe, Question, RealDisk};
use super::dispatch::{self, Effect, Gesture};
use super::explain;
use super::keys::{KeyTaker, Pressed};
use super::layout::Layout;
use super::panel::PanelCx;
use super::services::Services;
use super::state::{AppState, Dialog, Experiment};
use super::storage::Session;
use super::theme;
use super::workers::Workers;
use crate::ui::action::OpenAction;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the command line says about the window.
#[derive(Clone, Debug, Default)]
pub struct LaunchOptions {
    /// A dataset, run folder, video or frame folder to open.
    pub open: Option<PathBuf>,
    /// Start without the last session (tests, support).
    pub fresh: bool,
}

/// The application: state, workers, services, layout.
pub struct App {
    state: AppState,
    workers: Box<dyn Workers>,
    services: Services,
    layout: Layout,
    dialogs: FileDialogs,
    wake: Wake,
    actions: Vec<Action>,
    /// Counts presses of keys and of the pointer, each the beginning of a gesture.
    presses: u64,
    /// The newest press of the pointer, and the one before.
    pointer: [u64; 2],
    last_tick: Option<Instant>,
    /// What stands in the window's title.
    title: String,
}

/// Builds the workers once the window can be woken.
pub type WorkersFactory = Box<dyn FnOnce(Wake) -> Box<dyn Workers>>;

/// Opens the window and runs until it is closed.
///
/// # Errors
/// A sentence when no window can be opened, for example because there is no display.
pub fn run(options: LaunchOptions, workers: WorkersFactory) -> Result<(), String> {
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("kinolens")
            .with_app_id("kinolens")
            .with_icon(icon())
            .with_inner_size([1280.0, 800.0])
            .with_min_inner_size([960.0, 600.0]),
        ..Default::default()
    };
    eframe::run_native("kinolens", native, Box::new(move |cc| Ok(Box::new(App::new(cc, options, workers))))).map_err(
        |e| format!("The window cannot be opened: {e}. On a machine without a display use the command line: kinolens --help."),
    )
}

/// The icon of the window, from the picture in the repository.
fn icon() -> egui::IconData {
    let picture = image::load_from_memory(include_bytes!("../../assets/icon/kinolens-128.png")).unwrap_or_default();
    let rgba = picture.into_rgba8();
    let (width, height) = rgba.dimensions();
    egui::IconData { rgba: rgba.into_raw(), width, height }
}

impl App {
    /// Builds the application in eframe's (or a test's) context.
    pub fn new(cc: &eframe::CreationContext<'_>, options: LaunchOptions, workers: WorkersFactory) -> Self {
        let ctx = cc.egui_ctx.clone();
        theme::install(&ctx);
        ctx.add_plugin(KeyTaker::default());
        let waker = ctx.clone();
        let wake: Wake = Arc::new(move || waker.request_repaint());
        let session = if options.fresh { Session::default() } else { Session::load(cc.storage) };
        let workers = workers(wake.clone());
        let mut app = Self {
            state: AppState {
                device: workers.device(),
                disk: Disk::new(Arc::new(RealDisk), wake.clone()),
                ..AppState::default()
            },
            services: Services::new(wake.clone(), cc.wgpu_render_state.as_ref()),
            workers,
            layout: Layout::new(session.layout),
            dialogs: FileDialogs::new(wake.clone()),
            wake: wake.clone(),
            actions: Vec::new(),
            presses: 0,
            pointer: [0; 2],
            last_tick: None,
            title: String::new(),
        };
        app.state.theme = session.theme;
        app.state.scale = if (0.5..=4.0).contains(&session.scale) { session.scale } else { 1.0 };
        app.state.workspace = session.workspace;
        app.state.view = session.view;
        app.state.recent = session.recent;
        app.state.class_matches = session.class_matches.into_iter().collect();
        app.state.arrangements = session.arrangements;
        app.state.leading.first_task = session.first_task;
        app.state.experiment = session.experiment.map(Experiment::again);
        if let Some(path) = options.open {
            app.actions.push(Action::Open(OpenAction::OpenAny(path)));
        } else {
            let dataset = session.dataset.map(|root| (Question::At(root.clone()), Then::RestoreDataset(root)));
            let runs = session.runs.into_iter().map(|run| (Question::At(run.clone()), Then::RestoreRun(run)));
            app.state.awaiting = dataset.into_iter().chain(runs).collect();
        }
        let fallback = std::mem::take(&mut app.state.selection);
        app.state.selection = session.selection;
        if app.state.selection.views.is_empty() {
            app.state.selection.views = fallback.views;
        }
        // Ours are in the menu, and are kept.
        ctx.options_mut(|o| o.zoom_with_keyboard = false);
        theme::choose(&ctx, app.state.theme, app.state.scale);
        app
    }

    /// What the window knows.
    pub fn state(&self) -> &AppState {
        &self.state
    }

    /// The frame on screen with everything that belongs to it.
    pub fn shown(&self) -> Option<&super::committed::Committed> {
        self.services.shown()
    }

    /// The frame that was asked for, once it is on screen.
    pub fn current(&self) -> Option<&super::committed::Committed> {
        self.services.frame().ready()
    }

    /// Has another one answer what the window asks the disk, from the next frame on.
    pub fn ask_disk(&mut self, probe: Arc<dyn Probe>) {
        self.state.disk = Disk::new(probe, self.wake.clone());
    }

    /// Shows no file dialog of the platform from now on: paths are typed.
    pub fn type_paths(&mut self) {
        self.dialogs = FileDialogs::none(self.wake.clone());
    }

    /// Asks for something from outside, as a panel would.
    pub fn send(&mut self, action: impl Into<Action>) {
        self.actions.push(action.into());
    }

    fn apply(&mut self, ctx: &egui::Context, gesture: Gesture) {
        let mut effects = Vec::new();
        dispatch::apply(&mut self.state, self.workers.as_ref(), gesture, &mut effects);
        for effect in effects {
            match effect {
                Effect::Copy(text) => ctx.copy_text(text),
                Effect::FileDialog(purpose) => self.dialogs.open(purpose, &self.state),
                Effect::Quit => ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            }
        }
    }

    /// What was asked for from outside and with keys: each a gesture of its own, and a held key one that goes on.
    fn apply_outside(&mut self, ctx: &egui::Context) {
        for action in std::mem::take(&mut self.actions) {
            self.apply(ctx, action.into());
        }
        let pressed = ctx.with_plugin(|keys: &mut KeyTaker| keys.take()).unwrap_or_default();
        for Pressed { action, repeat } in pressed {
            self.presses += u64::from(!repeat);
            self.apply(ctx, Gesture { actions: vec![action], id: Some(self.presses) });
        }
        let focused = ctx.input(|i| i.viewport().focused.unwrap_or(i.focused));
        self.actions.extend(self.dialogs.answers(focused));
        self.dropped_files(ctx);
        for action in std::mem::take(&mut self.actions) {
            self.apply(ctx, action.into());
        }
    }

    /// What the panels asked for in one frame is one gesture. It goes on while the pointer stays down, and a double click
    /// goes on with the click before.
    fn apply_panels(&mut self, ctx: &egui::Context) -> bool {
        let (pressed, held, double) = ctx.input(|i| {
            let p = &i.pointer;
            let double = p.button_double_clicked(egui::PointerButton::Primary);
            (p.any_pressed(), p.any_down() || p.any_released(), double)
        });
        if pressed {
            self.presses += 1;
            self.pointer = [self.presses, self.pointer[0]];
        }
        let actions = std::mem::take(&mut self.actions);
        if actions.is_empty() {
            return false;
        }
        if double && self.state.undo_gesture == Some(self.pointer[1]) {
            self.pointer[0] = self.pointer[1];
        }
        self.apply(ctx, Gesture { actions, id: held.then_some(self.pointer[0]) });
        true
    }

    /// Closes the window once nothing would be lost; asks first where work is running.
    fn leave(&mut self, ctx: &egui::Context) {
        let state = &mut self.state;
        let running = state.work_to_lose().any(|j| !j.quiet);
        let anything = state.work_to_lose().next().is_some() || state.is_unsaved() || state.disk.writing();
        if state.forced {
            return;
        }
        if !ctx.input(|i| i.viewport().close_requested()) {
            if state.leaving && !anything {
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        } else if anything {
            ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            if running && !state.leaving {
                state.dialog = Some(Dialog::Leave);
            } else {
                state.leaving = true;
            }
        }
    }

    fn dropped_files(&mut self, ctx: &egui::Context) {
        let paths: Vec<PathBuf> = ctx.input(|i| {
            i.raw.dropped_files.iter().map(|f| f.path().to_path_buf()).filter(|p| !p.as_os_str().is_empty()).collect()
        });
        self.actions.extend(paths.into_iter().map(|path| OpenAction::OpenAny(path).into()));
    }
}

/// A line around what has the keyboard, the same for everything that can have it; what scrolled out of sight has none.
fn focus_ring(ui: &egui::Ui) {
    let ctx = ui.ctx();
    // Asking for a response counts as the widget being there: while the pointer clicks elsewhere that takes the focus from what
    // has just got it.
    if ctx.input(|i| i.pointer.any_pressed() || i.pointer.any_released()) {
        return;
    }
    let Some(id) = ctx.memory(|m| m.focused()) else { return };
    let Some(response) = ctx.read_response(id).filter(|r| r.interact_rect.is_positive()) else { return };
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("focus ring"));
    let p = theme::palette(ui);
    let rect = response.interact_rect.expand(1.0);
    let stroke = egui::Stroke::new(1.5, p.accent);
    ctx.layer_painter(layer).rect_stroke(rect, 5.0, stroke, egui::StrokeKind::Outside);
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.apply_outside(ctx);
        dispatch::settle(&mut self.state, self.workers.as_ref());
        if let Some(picture) = self.state.leading.to_copy.take() {
            let size = [picture.width as usize, picture.height as usize];
            ctx.copy_image(egui::ColorImage::from_rgb(size, &picture.data));
        }
        dispatch::drain(&mut self.state, self.workers.as_ref());
        self.state.device = self.workers.device();
        let now = Instant::now();
        let passed = self.last_tick.replace(now).map_or(0.0, |t| (now - t).as_secs_f64());
        let next_frame = dispatch::advance(&mut self.state, passed);
        let next_wish = dispatch::keep_explaining(&mut self.state, self.workers.as_ref(), now);
        let next_look = dispatch::keep_looking(&mut self.state, self.workers.as_ref(), now);
        self.leave(ctx);
        let next_save = dispatch::keep_notes(&mut self.state, self.workers.as_ref(), now);
        let next_correction = dispatch::keep_corrections(&mut self.state, self.workers.as_ref(), now);
        let next_watch = dispatch::keep_watching(&mut self.state, self.workers.as_ref(), now);
        // Running jobs have clocks (elapsed, time left) that move although nothing else does.
        let clock =
            self.state.jobs.iter().any(|j| j.status.is_live() && !j.quiet).then_some(Duration::from_millis(500));
        let toast = chrome::messages::next_change(&self.state, now);
        self.services.frames.set_playing(self.state.playback.playing);
        let next_mask = self.services.commit(&self.state, now);
        if let Some(frame) = self.services.shown() {
            explain::remember_shown(&mut self.state, &frame.video, frame.index);
        }
        for wait in [next_mask, next_frame, next_wish, next_look, next_save, next_correction, next_watch, clock, toast]
            .into_iter()
            .flatten()
        {
            ctx.request_repaint_after(wait);
        }
        theme::choose(ctx, self.state.theme, self.state.scale);
        self.state.dark = ctx.theme() == egui::Theme::Dark;
        let title = self.state.title();
        if title != self.title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let modal = self.state.keys_over
            || matches!(
                self.state.dialog,
                Some(
                    Dialog::Path { .. }
                        | Dialog::Export(_)
                        | Dialog::ExportLabels(_)
                        | Dialog::Import(_)
                        | Dialog::Classes(_)
                        | Dialog::Choices(_)
                        | Dialog::Leave
                        | Dialog::Palette { .. }
                )
            );
        ui.ctx().with_plugin(|keys: &mut KeyTaker| keys.modal = modal);
        let mut cx = PanelCx { state: &self.state, services: &self.services, actions: &mut self.actions };
        chrome::ui(ui, &mut cx, &mut self.layout);
        focus_ring(ui);
        let ctx = ui.ctx().clone();
        if self.apply_panels(&ctx) {
            // What was asked for is drawn in the next frame.
            ctx.request_repaint();
        }
    }

    fn save(&mut self, storage: &mut dyn eframe::Storage) {
        Session::of(&self.state, self.layout.save()).store(storage);
    }

    /// Only what [`Session`] holds is kept; egui's own memory (window places, scroll offsets) is not.
    fn persist_egui_memory(&self) -> bool {
        false
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::of(visuals.dark_mode).base.to_normalized_gamma_f32()
    }
}
