//! Gates with their results, for people and for programs.

use serde_json::{Value, json};

use crate::access::GateResult;
use crate::render::{Cell, Table, Tone};

/// Gates with their results.
pub fn table(gates: &[GateResult]) -> Table {
    let mut table = Table::new(["GATE", "RESULT", "SAW", "WHY NOT"]);
    for gate in gates {
        let result = match gate.met {
            true => Cell::toned("met", Tone::Good),
            false => Cell::toned("not met", Tone::Bad),
        };
        let mut seen = gate.seen();
        if let Some(champion) = &gate.champion {
            seen.push_str(&format!(" (champion: {champion})"));
        }
        let why: Vec<&str> = match gate.met {
            true => Vec::new(),
            false => gate
                .reason
                .iter()
                .chain(&gate.placed.gate.message)
                .map(String::as_str)
                .collect(),
        };
        table.row([
            Cell::toned(gate.name().to_string(), Tone::Strong),
            result,
            seen.into(),
            why.join("; ").into(),
        ]);
    }
    table
}

/// Gates with their results, for programs.
pub fn values(gates: &[GateResult]) -> Value {
    let value = |gate: &GateResult| {
        let saw: Vec<Value> = gate
            .told()
            .map(|(name, value)| json!({"name": name, "missing": value.is_none(), "value": value}))
            .collect();
        json!({
            "name": gate.name(),
            "met": gate.met,
            "reason": gate.reason,
            "message": gate.placed.gate.message,
            "require": gate.placed.gate.require,
            "champion": gate.champion.as_ref().map(ToString::to_string),
            "saw": saw,
        })
    };
    Value::Array(gates.iter().map(value).collect())
}
