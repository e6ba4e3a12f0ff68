//! What is worked out on a thread of its own whenever what it depends on has changed, and shown when it is there.

use egui::Ui;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

/// What the work came to, or the sentence why it did not.
pub type Outcome<T> = Result<T, String>;

/// The work for a key.
pub type Work<T> = Box<dyn FnOnce() -> Outcome<T> + Send>;

/// A value with the key it was made for, and the one that is under way.
pub struct Planned<K, T> {
    made_from: Option<K>,
    shown: Option<Outcome<T>>,
    under_way: Option<(K, Receiver<Outcome<T>>)>,
}

impl<K, T> Default for Planned<K, T> {
    fn default() -> Self {
        Self { made_from: None, shown: None, under_way: None }
    }
}

impl<K: Clone + PartialEq, T: Send + 'static> Planned<K, T> {
    /// The newest value there is; that of an earlier key stays until another one is there.
    pub fn shown(&self) -> Option<&Outcome<T>> {
        self.shown.as_ref()
    }

    /// Takes over what is ready, and has the value of a key made where it is another one. `what` names it in a sentence, as
    /// in "the split".
    pub fn refresh(&mut self, ui: &Ui, what: &str, key: K, work: impl FnOnce(&K) -> Work<T>) {
        if let Some((key, answer)) = &self.under_way {
            match answer.try_recv() {
                Ok(outcome) => {
                    (self.made_from, self.shown) = (Some(key.clone()), Some(outcome));
                    self.under_way = None;
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    // Made again it would only fail again.
                    let told = format!("{what} cannot be planned: planning ended by an internal error; see the log");
                    (self.made_from, self.shown) = (Some(key.clone()), Some(Err(told)));
                    self.under_way = None;
                }
            }
        }
        if self.made_from.as_ref() == Some(&key) {
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let (work, ctx) = (work(&key), ui.ctx().clone());
        let run = move || {
            // Nobody waits any more once the panel is gone.
            let _ = sender.send(work());
            ctx.request_repaint();
        };
        match std::thread::Builder::new().name(format!("planning {what}")).spawn(run) {
            Ok(_) => self.under_way = Some((key, receiver)),
            Err(error) => {
                (self.made_from, self.shown) = (Some(key), Some(Err(format!("{what} cannot be planned: {error}"))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planning_that_ends_without_an_answer_is_said_and_not_begun_again() {
        // As when the thread panics: the sender is gone.
        let mut planned: Planned<u8, ()> = Planned { under_way: Some((7, sync_channel(1).1)), ..Planned::default() };
        let ctx = egui::Context::default();
        for _ in 0..3 {
            let draw = |ui: &mut Ui| planned.refresh(ui, "the split", 7, |_| panic!("begun again"));
            ctx.run_ui(egui::RawInput::default(), draw).textures_delta.clear();
            assert!(matches!(planned.shown(), Some(Err(s)) if s.contains("the split") && s.contains("internal error")));
            assert!(planned.under_way.is_none());
        }
    }
}
