//! Gates with their results, for people and for programs.

use serde_json::{Value, json};

use crate::act::nearest;
use crate::base::Error;
use crate::cli::read::at::Reading;
use crate::record::kind::GroupName;
use crate::report::{Cell, CellStyle, Table};
use crate::trust::{self, GateResult, PlacedGate, Policy};

/// Notes names in gates that no version of the group has, but that are near a name
/// that one has: a typing error in a gate may let everything pass.
pub fn slips(
    reading: &Reading<'_>,
    policy: &Policy,
    gates: &[GateResult],
    group: &GroupName,
) -> Result<Vec<String>, Error> {
    let placed: Vec<PlacedGate> = gates.iter().map(|gate| gate.placed.clone()).collect();
    let mut notes = Vec::new();
    for (gate, absent) in trust::absent_in_gates(policy, &placed, &reading.snapshot, group)? {
        let names: Vec<&str> = absent.there.iter().map(|(name, _)| name.as_str()).collect();
        let near = nearest(&names, &absent.name);
        let near = near.and_then(|near| absent.there.iter().find(|(name, _)| *name == near));
        if let Some((_, path)) = near {
            notes.push(format!(
                "gate `{gate}` reads `{}`, which no version of `{group}` has; did you mean `{path}`?",
                absent.path
            ));
        }
    }
    Ok(notes)
}

/// Returns gates with their results as a table.
pub fn table(gates: &[GateResult]) -> Table {
    let mut table = Table::new(["GATE", "RESULT", "SAW", "WHY NOT"]);
    for gate in gates {
        let result = match gate.met {
            true => Cell::styled("met", CellStyle::Good),
            false => Cell::styled("not met", CellStyle::Bad),
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
            Cell::styled(gate.name().to_string(), CellStyle::Strong),
            result,
            seen.into(),
            why.join("; ").into(),
        ]);
    }
    table
}

/// Returns gates with their results as JSON.
pub fn values(gates: &[GateResult]) -> Value {
    let value = |gate: &GateResult| {
        let saw: Vec<Value> = gate
            .reported()
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
