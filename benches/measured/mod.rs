//! What the benchmarks of the window share: frames, rows of times, a panel without a window around it.

use eframe::egui;
use egui_kittest::Harness;
use kinolens::ui::panel::{Panel, PanelCx};
use kinolens::ui::services::Services;
use kinolens::ui::{Action, App, AppState, PANELS, theme};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Points of the window.
pub const SIZE: [f32; 2] = [1280.0, 720.0];

/// Prints a row of times in milliseconds; true when the limit holds.
pub fn report(what: &str, mut times: Vec<f64>, limit: f64) -> bool {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    verdict(what, times.len(), at(0.5), at(0.95), limit)
}

/// Prints a row; true when the limit holds.
pub fn verdict(what: &str, n: usize, median: f64, p95: f64, limit: f64) -> bool {
    let ok = p95 <= limit;
    let word = if ok { "ok" } else { "over" };
    println!("window {what} n {n} median_ms {median:.2} p95_ms {p95:.2} limit_ms {limit} {word}");
    ok
}

/// Runs one frame, its shapes turned into triangles as for the GPU, and returns the milliseconds it took.
pub fn frame<S>(harness: &mut Harness<'static, S>) -> f64 {
    let start = Instant::now();
    harness.step();
    let shapes = harness.output().shapes.clone();
    let triangles = harness.ctx.tessellate(shapes, harness.output().pixels_per_point);
    std::hint::black_box(triangles);
    start.elapsed().as_secs_f64() * 1e3
}

/// Steps the window until a condition holds.
pub fn until(window: &mut Harness<'static, App>, what: &str, seconds: u64, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let messages: Vec<&str> = window.state().state().messages.iter().map(|m| m.text.as_str()).collect();
        assert!(start.elapsed() < Duration::from_secs(seconds), "waited in vain for {what}: {messages:?}");
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
}

/// A panel alone, with what it draws from.
pub struct Dashboard {
    /// What it draws from.
    pub state: AppState,
    panel: Box<dyn Panel>,
    services: Services,
    actions: Vec<Action>,
}

impl Dashboard {
    /// The panel of this id in a window of its own.
    pub fn window(state: AppState, panel: &str) -> Harness<'static, Self> {
        let spec = PANELS.iter().find(|p| p.id == panel).expect("the panel");
        let services = Services::new(Arc::new(|| {}), None);
        let drawn = Self { state, panel: (spec.build)(), services, actions: Vec::new() };
        Harness::builder().with_size(SIZE).with_context_setup(theme::install).build_ui_state(
            |ui: &mut egui::Ui, drawn: &mut Self| {
                let mut cx = PanelCx { state: &drawn.state, services: &drawn.services, actions: &mut drawn.actions };
                drawn.panel.ui(ui, &mut cx);
            },
            drawn,
        )
    }
}

/// True where a measurement is asked for: all are without names, else those that hold one of them.
pub fn takes(name: &str) -> bool {
    let mut wanted = std::env::args().skip(1).filter(|a| !a.starts_with('-')).peekable();
    wanted.peek().is_none() || wanted.any(|w| name.contains(&w))
}
