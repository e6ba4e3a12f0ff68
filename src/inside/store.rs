//! Outputs of layers that are kept for the clip on screen, in a bounded amount of memory.

use super::InsideError;
use super::activations::LayerActivation;
use crate::domain::bytes;
use std::sync::Arc;

/// The outputs of layers for one clip. Those that were asked for last stay.
#[derive(Clone, Debug)]
pub struct ActivationStore {
    budget: usize,
    /// The newest last.
    held: Vec<Arc<LayerActivation>>,
}

impl ActivationStore {
    /// Bytes kept unless another number is given: all layers of a usual clip.
    pub const BUDGET: usize = 300 << 20;

    /// Keeps at most `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self { budget, held: Vec::new() }
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.held.iter().map(|a| a.bytes()).sum()
    }

    /// The output of a layer, if it is held; it then counts as asked for.
    pub fn get(&mut self, layer: &str) -> Option<Arc<LayerActivation>> {
        let at = self.held.iter().position(|a| a.layer == layer)?;
        let found = self.held.remove(at);
        self.held.push(found.clone());
        Some(found)
    }

    /// Keeps the output of a layer; those asked for longest ago make room.
    ///
    /// # Errors
    /// [`InsideError::TooLarge`] where it alone is more than may be kept.
    pub fn keep(&mut self, activation: LayerActivation) -> Result<Arc<LayerActivation>, InsideError> {
        let size = activation.bytes();
        if size > self.budget {
            let (bytes, budget) = (bytes(size as u64), bytes(self.budget as u64));
            return Err(InsideError::TooLarge { layer: activation.layer, bytes, budget });
        }
        self.held.retain(|a| a.layer != activation.layer);
        while self.bytes() + size > self.budget && !self.held.is_empty() {
            self.held.remove(0);
        }
        let kept = Arc::new(activation);
        self.held.push(kept.clone());
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_longest_ago_makes_room() {
        let layer = |name: &str, values| LayerActivation {
            layer: name.into(),
            shape: [1, 1, 1, values],
            values: vec![0.0; values],
        };
        let mut store = ActivationStore::new(40);
        for name in ["a", "b"] {
            store.keep(layer(name, 4)).unwrap();
        }
        assert!(store.get("a").is_some());
        store.keep(layer("c", 5)).unwrap();
        assert_eq!((store.get("b").is_none(), store.get("a").is_some(), store.bytes()), (true, true, 36));
        let refused = store.keep(layer("d", 11)).unwrap_err().to_string();
        assert!(refused.contains("d takes 44 bytes, and 40 bytes may be kept"), "{refused}");
        assert_eq!(store.bytes(), 36);
    }
}
