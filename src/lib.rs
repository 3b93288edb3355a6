//! Modelry: a model registry that lives in a Git repository.

pub mod error;
pub mod finding;
pub mod model;
pub mod raw;
