//! Verdicts: rules, whole histories, merges, landings, what they cost, and a second
//! judge.

pub mod budgets;
mod checkpoint;
mod corpus;
mod dates;
mod differential;
mod gates;
mod histories;
mod long_branches;
mod long_pushes;
mod matrix;
mod memory;
mod merged_trees;
mod merges;
mod onto;
mod onto_bounds;
mod raw_reading;
mod reference;
mod refused_policy;
pub mod rules;
mod same_report;
mod second_opinion;
mod side_branches;
