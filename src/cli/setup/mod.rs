//! Commands that set up: the demo, and what is generated.

pub(crate) mod demo;
pub(crate) mod generate;
