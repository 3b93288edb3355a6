//! The plan of an import, for people and for programs.

use serde_json::{Value, json};

use crate::act::{Arrival, ImportPlan, PlannedVersion};
use crate::report::{Cell, CellStyle, Style, Table, clean, paint};

/// Formats the plan as tables, with a list of the members that Modelry has no place
/// for.
pub fn import_plan(plan: &ImportPlan, style: &Style) -> String {
    let mut out = String::new();
    for group in &plan.groups {
        let state = if group.created { "new" } else { "there already" };
        out.push_str(&format!(
            "{} ({state})\n",
            paint(&clean(group.name.as_str()), "1", style)
        ));
        let mut table = Table::new(["VERSION", "STATUS THERE", "ARRIVES AS", "WHY"]);
        for version in &group.versions {
            table.row([
                Cell::styled(version.id.to_string(), CellStyle::Strong),
                version.source_status.clone().unwrap_or_default().into(),
                arrives(version),
                version.why.clone().unwrap_or_default().into(),
            ]);
        }
        if !table.is_empty() {
            out.push_str(&table.render(style));
        }
    }
    let groups = plan
        .groups
        .iter()
        .flat_map(|group| group.notes.iter().map(|note| (group.name.to_string(), note)));
    let versions = plan.groups.iter().flat_map(|group| &group.versions);
    let versions = versions.flat_map(|it| it.notes.iter().map(|note| (it.id.to_string(), note)));
    for (name, note) in groups.chain(versions) {
        out.push_str(&format!("  {} {}\n", paint(&name, "2", style), clean(note)));
    }
    out
}

fn arrives(version: &PlannedVersion) -> Cell {
    match version.arrival {
        Arrival::New(status) => Cell::styled(status.as_str(), CellStyle::of_status(status)),
        Arrival::There(status) => Cell::styled(format!("there already, {status}"), CellStyle::Dim),
        Arrival::Deleted => Cell::styled("deleted here, stays so", CellStyle::Dim),
    }
}

/// Formats the plan for programs.
pub fn import_plan_value(plan: &ImportPlan) -> Value {
    let version = |version: &PlannedVersion| {
        let (arrival, status) = match version.arrival {
            Arrival::New(status) => ("new", Some(status.as_str())),
            Arrival::There(status) => ("there", Some(status.as_str())),
            Arrival::Deleted => ("deleted", None),
        };
        json!({
            "version": version.id.to_string(),
            "statusThere": version.source_status,
            "arrival": arrival,
            "status": status,
            "why": version.why,
            "differs": version.differs,
            "notes": version.notes,
        })
    };
    let groups = plan.groups.iter().map(|group| {
        json!({
            "group": group.name,
            "created": group.created,
            "differs": group.differs,
            "notes": group.notes,
            "versions": group.versions.iter().map(version).collect::<Vec<_>>(),
        })
    });
    json!({"from": plan.from, "groups": groups.collect::<Vec<_>>()})
}
