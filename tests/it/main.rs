//! The integration tests: the real binary on real repositories in sealed
//! temporary homes, and pure fixtures for the rules.

mod audit;
mod card;
mod checkpoint;
mod ci;
mod commands;
mod corpus;
mod deletion;
mod errors;
mod event_days;
mod events;
mod export;
mod first_steps;
mod formats;
mod gates;
mod generated;
mod git_suites;
mod guidance;
mod histories;
mod hook;
mod judge;
mod memory;
mod merges;
mod mlflow_bridge;
mod mlflow_hidden;
mod notify;
mod onto;
#[cfg(feature = "openpgp")]
mod openpgp;
mod policy;
mod pull;
mod pull_request;
#[cfg(feature = "s3")]
mod pull_s3;
mod pull_web;
mod push;
mod push_server;
mod raw_reading;
mod reference;
mod relay;
mod release;
mod report_formats;
mod resolve;
mod rooms;
mod rules;
mod sagemaker;
mod second_opinion;
mod side_branches;
mod signing;
mod soak;
mod stages;
mod summary;
mod summary_pages;
mod support;
mod unpushed;
