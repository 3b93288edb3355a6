//! `modelry evidence show`: the evaluations of a version, before and after its approval.

use serde_json::{Value, json};

use super::metrics::metrics_words;
use crate::act;
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::record::kind::{RecordName, RecordPath, VersionId};
use crate::record::snapshot::Loaded;
use crate::report::{Cell, CellStyle, Table, clean};

/// Evaluations with their names.
pub(crate) type NamedRecords = Vec<(RecordName, std::sync::Arc<Loaded>)>;

/// Returns the evaluations that an approval covers, or the observations after it.
pub(crate) fn evidence_records(
    reading: &Reading<'_>,
    id: &VersionId,
    observations: bool,
) -> Result<NamedRecords, Error> {
    let snapshot = &reading.snapshot;
    let names = if observations {
        snapshot.observations(id)?
    } else {
        snapshot.evidence(id)?
    };
    let mut records = Vec::new();
    for name in names {
        let path = match observations {
            true => RecordPath::Observation(id.clone(), name.clone()),
            false => RecordPath::Evidence(id.clone(), name.clone()),
        };
        if let Some(loaded) = snapshot.read(&path)? {
            records.push((name, loaded));
        }
    }
    Ok(records)
}

pub(super) fn evidence_values(
    reading: &Reading<'_>,
    id: &VersionId,
    observations: bool,
) -> Result<Value, Error> {
    let records = evidence_records(reading, id, observations)?;
    Ok(Value::Object(
        records
            .into_iter()
            .map(|(name, loaded)| (name.to_string(), loaded.value().clone()))
            .collect(),
    ))
}

/// `modelry evidence show`
pub fn evidence(
    id: &VersionId,
    name: Option<&RecordName>,
    read: &ReadArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        reading.version(id)?;
        let mut records = evidence_records(reading, id, false)?;
        let observed = evidence_records(reading, id, true)?;
        let first_observation = records.len();
        records.extend(observed);
        if let Some(name) = name {
            let known: Vec<_> = records.iter().map(|(name, _)| name.clone()).collect();
            let Some((_, loaded)) = records.iter().find(|(other, _)| other == name) else {
                let error = Error::msg(format!("{id} has no evaluation `{name}`"));
                return Err(match act::nearest(&known, name.as_str()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error.hint(format!("`modelry evidence show {id}` lists them")),
                });
            };
            return print_record(loaded, ui);
        }
        if ui.is_json() {
            ui.json(&json!({"evidence": evidence_values(reading, id, false)?, "observations": evidence_values(reading, id, true)?}))?;
            return Ok(Outcome::Fine);
        }
        if records.is_empty() {
            ui.print(&format!(
                "{id} has no evaluation yet. Add one: modelry evidence add {id} NAME --metric K=V\n"
            ))?;
            return Ok(Outcome::Fine);
        }
        let mut table = Table::new(["NAME", "PART OF APPROVAL", "BY", "METRICS", "DATASET"]);
        for (index, (name, loaded)) in records.iter().enumerate() {
            let Some(evaluation) = loaded.evaluation() else {
                continue;
            };
            table.row([
                Cell::styled(name.to_string(), CellStyle::Strong),
                if index < first_observation {
                    "yes".into()
                } else {
                    Cell::styled("no", CellStyle::Dim)
                },
                evaluation.by.to_string().into(),
                metrics_words(&evaluation.metrics).into(),
                evaluation
                    .dataset
                    .as_ref()
                    .map(|dataset| dataset.uri.to_string())
                    .unwrap_or_default()
                    .into(),
            ]);
        }
        ui.print(&table.render(&ui.style))?;
        Ok(Outcome::Fine)
    })
}

pub(crate) fn print_record(loaded: &Loaded, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        ui.json(loaded.value())?;
    } else {
        ui.print(&clean(loaded.text.as_deref().unwrap_or_default()))?;
    }
    Ok(Outcome::Fine)
}
