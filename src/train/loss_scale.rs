//! Loss scaling (Micikevicius et al. 2018): small gradients do not vanish in 16 bits when the loss is large.

use crate::config::Precision;
use serde::{Deserialize, Serialize};

/// Steps without trouble before the factor is doubled, as in PyTorch's `GradScaler`.
const PATIENCE: u32 = 2000;
/// The factor a training begins with.
const FIRST: f64 = 65536.0;

/// The factor by which the loss is multiplied on its way back. Halved when a gradient does not fit, doubled when all
/// have fitted for long; always a power of two, which costs no precision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct LossScale {
    factor: f64,
    good_steps: u32,
}

impl LossScale {
    /// For a training with these numbers; `None` where gradients have the range of 32 bits.
    pub fn new(precision: Precision) -> Option<Self> {
        (precision == Precision::F16).then_some(Self { factor: FIRST, good_steps: 0 })
    }

    /// The factor.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// A step whose gradients all fitted.
    pub fn fitted(&mut self) {
        self.good_steps += 1;
        if self.good_steps >= PATIENCE {
            *self = Self { factor: self.factor * 2.0, good_steps: 0 };
        }
    }

    /// A step whose gradients did not fit. False when the factor is as small as it can help to be.
    pub fn overflowed(&mut self) -> bool {
        *self = Self { factor: self.factor / 2.0, good_steps: 0 };
        self.factor >= 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_falls_at_once_and_rises_slowly() {
        assert_eq!(LossScale::new(Precision::Bf16), None);
        let mut scale = LossScale::new(Precision::F16).unwrap();
        assert!(scale.overflowed() && scale.factor() == 32768.0);
        (0..PATIENCE - 1).for_each(|_| scale.fitted());
        assert_eq!(scale.factor(), 32768.0);
        scale.fitted();
        assert_eq!(scale.factor(), 65536.0);
        assert_eq!((0..17).filter(|_| scale.overflowed()).count(), 16);
    }
}
