//! The pages for users: their commands run, their links lead somewhere, and their
//! reference is what the source says.

mod generated;
pub mod links;
mod places;
mod run;
