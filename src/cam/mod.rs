//! Class-activation maps from activations and gradients.
//!
//! [`explain`] runs a clip through a network once, goes back once from the classes asked for, and turns each layer's
//! activation and gradient into a [`crate::domain::HeatMap`] by a method of [`METHODS`]. A new method is one function
//! and one row.

mod error;
mod explain;
mod methods;

pub use error::CamError;
pub use explain::{Explained, MapRequest, Target, explain, explain_batch};
pub use methods::{Computed, LayerMap, METHODS, MethodSpec};
