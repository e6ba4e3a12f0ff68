//! CPU operations: the kernels as autodiff operations of the tensor library, each with its backward pass.
//!
//! An operation takes the slices of its tensors ([`flex`](super::flex)), calls a kernel, and gives memory that is not
//! needed any more back to the buffer pool. Where a tensor is not on the CPU, [`ops`](super::ops) uses the library's own.

pub(in crate::model) mod add_clamp;
pub(in crate::model) mod conv;
pub(in crate::model) mod motion;
pub(in crate::model) mod norm;
pub mod optimizer_step;
pub(in crate::model) mod pool;
