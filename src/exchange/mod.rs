//! Foreign formats, one file each.

mod card;
pub mod huggingface;
pub mod kserve;
pub mod sagemaker_card;

pub use card::{Block, CardView, Section, blocks};
