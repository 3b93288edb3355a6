//! Metrics in one line.

use crate::model::Metrics;
use crate::render;

/// "auc 0.912, recall 0.71".
pub fn metrics_words(metrics: &Metrics) -> String {
    metrics
        .iter()
        .map(|(name, value)| format!("{name} {}", render::number(*value)))
        .collect::<Vec<_>>()
        .join(", ")
}
