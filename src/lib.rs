//! Modelry: a model registry that lives in a Git repository.

pub mod access;
pub mod act;
pub mod canonical;
pub mod change;
pub mod cli;
pub mod disk;
pub mod error;
pub mod expr;
pub mod finding;
pub mod git;
pub mod history;
pub mod model;
pub mod raw;
pub mod render;
pub mod rules;
pub mod schema;
pub mod sign;
pub mod snapshot;
pub mod source;
pub mod subject;
pub mod verify;
pub mod workspace;
