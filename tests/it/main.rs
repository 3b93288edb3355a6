//! The integration tests: the real binary on real repositories in sealed
//! temporary homes, and pure fixtures for the rules.

mod ci;
mod cli;
mod docs;
mod exchange;
mod hook;
mod house;
mod judge;
mod policy;
mod push;
mod records;
mod relay;
mod report;
mod repository;
mod signing;
mod support;
