//! Other systems: MLflow, SageMaker, foreign forms, and artifacts that are fetched.

mod export;
mod mlflow_bridge;
mod mlflow_folders;
mod mlflow_hidden;
mod pull;
#[cfg(feature = "s3")]
mod pull_s3;
pub mod pull_web;
mod sagemaker;
