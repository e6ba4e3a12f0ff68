//! Keys of widgets that one walks through with arrows: a matrix, a grid of clips.

use egui::{Context, Id};

/// The place of a panel in the order of the keyboard.
pub fn panel_id(panel: &str) -> Id {
    Id::unique(("panel", panel))
}

fn slot() -> Id {
    Id::unique("keys of the focused widget")
}

/// Lets the widget `id` keep arrows, space, Home and End while it has the focus. Call it every frame the widget is drawn.
pub fn keep_navigation(ctx: &Context, id: Id) {
    if ctx.memory(|m| m.has_focus(id)) {
        let pass = ctx.cumulative_pass_nr();
        ctx.data_mut(|d| d.insert_temp(slot(), (id, pass)));
    }
}

/// True while the focused widget keeps those keys.
pub fn keeps_navigation(ctx: &Context) -> bool {
    let Some((id, pass)) = ctx.data(|d| d.get_temp::<(Id, u64)>(slot())) else { return false };
    ctx.memory(|m| m.has_focus(id)) && ctx.cumulative_pass_nr().saturating_sub(pass) < 3
}
