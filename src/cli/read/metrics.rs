//! Metrics in one line.

use crate::record::kind::Metrics;
use crate::report;

/// Formats metrics in one line: "auc 0.912, recall 0.71".
pub fn metrics_words(metrics: &Metrics) -> String {
    metrics
        .iter()
        .map(|(name, value)| format!("{name} {}", report::number(*value)))
        .collect::<Vec<_>>()
        .join(", ")
}
