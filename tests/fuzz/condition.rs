//! Conditions: any text is a condition or a fault that points into it, and a condition is
//! judged within its budget.

use modelry::testing::trust::Expr;
use serde_json::json;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let condition = match Expr::compile(text, &["metrics", "evidence", "card", "champion"]) {
        Ok(condition) => condition,
        Err(fault) => {
            let points = fault.span.is_none_or(|span| text.get(span).is_some());
            assert!(points, "{text:?}: the fault lies outside");
            return assert!(!fault.message.is_empty());
        }
    };
    assert_eq!(condition.source(), text);
    let content = json!({
        "metrics": {"auc": 0.9, "n": 4, "zero": 0, "name": "größe"},
        "evidence": {"hold-out": {"metrics": {"auc": 0.7}}},
        "card": null,
        "champion": null,
    });
    let content = content.as_object().expect("an object");
    assert_eq!(condition.evaluate(content), condition.evaluate(content));
    assert_eq!(condition.values(content).len(), condition.reads().len());
    assert!(Expr::is_same_text(text, &format!(" {text}\n")) || text.contains("//"));
}
