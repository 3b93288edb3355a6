//! Commands that judge: files, ranges, pushes, and the root that is trusted.

pub(crate) mod ci;
pub(crate) mod hook;
pub(crate) mod onto;
pub(crate) mod trust;
pub(crate) mod validate;
