//! How frames are drawn.

use crate::ui::action::DrawAction;
use crate::ui::state::AppState;

pub(super) fn fulfil(state: &mut AppState, action: DrawAction) {
    let view = &mut state.view;
    match action {
        DrawAction::SetView(settings) => *view = settings,
        DrawAction::ToggleHeat => view.heat = !view.heat,
        DrawAction::ToggleMask => view.mask = !view.mask,
        DrawAction::ToggleSkeleton => view.skeleton = !view.skeleton,
        DrawAction::ToggleCaption => view.caption = !view.caption,
        // In hundredths, as its slider shows it: the slider would correct anything else, which is another change.
        DrawAction::ChangeAlpha(by) => view.alpha = ((view.alpha + by).clamp(0.0, 1.0) * 100.0).round() / 100.0,
    }
}
