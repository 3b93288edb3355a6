//! Commands that judge: files, ranges, pushes, and the root that is trusted.

mod ci;
pub(crate) mod hook;
mod notes;
mod onto;
pub(crate) mod trust;
pub(crate) mod validate;
