//! Classical baselines: features made by hand, and small exact solvers that tell classes from them.
//!
//! A baseline is a [`FeatureSet`] and a [`Solver`], and has the id of both: `classical-motion-svm`. It says how far one gets
//! without a network, and [`FeatureSet::Looks`] how far without motion. Features are pure functions of the frames of a
//! clip at its configured size; solvers are deterministic on any number of threads. Features and solutions are held to
//! scikit-image's and scikit-learn's.

mod baseline;
mod classifier;
mod features;
mod forest;
mod grey;
mod hog;
mod linear;
mod logistic;
mod looks;
mod motion;
mod neighbours;
mod pictures;
mod poses;
mod samples;
mod standard;

pub use baseline::{Baseline, Learner};
pub use classifier::{Classifier, Solver};
pub use features::FeatureSet;
pub use forest::{Forest, Node};
pub use grey::{Directions, Gradient, Grey};
pub use hog::{cell_histograms, hog};
pub use linear::{Linear, Separator, svm, svms};
pub use logistic::logistic;
pub use looks::colour_histogram;
pub use motion::{motion_directions, motion_energy, motion_gradients, motion_history};
pub use neighbours::nearest;
pub use pictures::FeaturePicture;
pub use poses::pose_features;
pub use samples::Samples;
pub use standard::Standardizer;
