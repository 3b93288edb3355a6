//! Compares the metrics of a version with those of another: the difference, and which
//! is better if a gate shows the direction.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Ask;
use crate::base::Error;
use crate::record::kind::{Metrics, RecordPath, StageName, Status, VersionId};
use crate::record::snapshot::Snapshot;
use crate::trust::condition::Better;

/// The version that another is compared with, and the reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Than {
    /// The version.
    pub version: String,
    /// The reason for choosing that version.
    pub why: Why,
}

/// The reason for comparing with a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Why {
    /// The version serves this stage, which a gate calls champion.
    Serves(StageName),
    /// The version was the last to serve that stage, which is now empty.
    ServedLast(StageName),
    /// The version has the highest number Approved, and no gate has a champion.
    HighestApproved,
    /// The version served the stage before this change.
    ServedBefore,
}

/// Metrics next to those of another version.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The other version, or `None` if there is none to compare with.
    pub than: Option<Than>,
    /// Every metric of either version.
    pub metrics: Vec<Metric>,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metric {
    /// The evaluation that measured the metric, or `None` for the version's own.
    pub evidence: Option<String>,
    /// The metric's name.
    pub name: String,
    /// The value.
    pub value: Option<f64>,
    /// The value in the other version.
    pub other: Option<f64>,
    /// The difference, without the rounding noise of binary fractions.
    pub difference: Option<f64>,
    /// Whether the value is better, or `None` if both are equal or no gate shows the
    /// direction.
    pub better: Option<bool>,
}

/// Metrics by the evaluation that measured them, with `None` for the version's own.
type Measured = Vec<(Option<String>, Metrics)>;

/// The version's own metrics and those of its evaluations, by name.
fn measured(snapshot: &Snapshot<'_>, id: &VersionId) -> Result<Option<Measured>, Error> {
    let Some(loaded) = snapshot.read(&RecordPath::Version(id.clone()))? else {
        return Ok(None);
    };
    let Some(version) = loaded.version() else {
        return Ok(None);
    };
    let mut out = vec![(None, version.spec.metrics.clone())];
    for name in snapshot.evidence(id)? {
        let loaded = snapshot.read(&RecordPath::Evidence(id.clone(), name.clone()))?;
        if let Some(evaluation) = loaded.as_ref().and_then(|loaded| loaded.evaluation()) {
            out.push((Some(name.to_string()), evaluation.metrics.clone()));
        }
    }
    Ok(Some(out))
}

/// Rounds to twelve digits. Further digits of a difference of doubles mean nothing.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// The better direction, according to all gates of the group that use the metric.
fn better(ask: &Ask<'_>, id: &VersionId, evidence: Option<&str>, name: &str) -> Option<Better> {
    let policy = ask.policy?;
    let mut said = BTreeSet::new();
    for placed in policy.need(&id.group).gates {
        let compiled = policy.gate(&placed);
        let Ok(expr) = compiled.as_ref() else { continue };
        let ways = match evidence {
            None => vec![
                expr.better("metrics", &[name]),
                expr.better("spec", &["metrics", name]),
            ],
            Some(evidence) => vec![expr.better("evidence", &[evidence, "metrics", name])],
        };
        said.extend(ways.into_iter().flatten().map(|way| way == Better::Higher));
    }
    match said.into_iter().collect::<Vec<_>>()[..] {
        [true] => Some(Better::Higher),
        [false] => Some(Better::Lower),
        _ => None,
    }
}

/// Compares `id` after the change with `other` as it is. Returns `None` if neither has
/// metrics.
pub(super) fn compare(
    ask: &Ask<'_>,
    id: &VersionId,
    other: &VersionId,
    than: Than,
) -> Result<Option<Comparison>, Error> {
    let there = measured(&ask.prior, other)?;
    told(ask, id, there.map(|there| (than, there)))
}

/// Lists the metrics of `id` after the change, without a comparison.
pub(super) fn alone(ask: &Ask<'_>, id: &VersionId) -> Result<Option<Comparison>, Error> {
    told(ask, id, None)
}

fn told(ask: &Ask<'_>, id: &VersionId, other: Option<(Than, Measured)>) -> Result<Option<Comparison>, Error> {
    let here = measured(&ask.next, id)?.unwrap_or_default();
    let (than, there) = match other {
        Some((than, there)) => (Some(than), there),
        None => (None, Vec::new()),
    };
    let sources: BTreeSet<&Option<String>> = here.iter().chain(&there).map(|(source, _)| source).collect();
    let mut metrics = Vec::new();
    for source in sources {
        let of = |all: &Measured| {
            all.iter()
                .find(|(name, _)| name == source)
                .map(|(_, metrics)| metrics.clone())
        };
        let (here, there) = (of(&here).unwrap_or_default(), of(&there).unwrap_or_default());
        let names: BTreeSet<_> = here.keys().chain(there.keys()).collect();
        for name in names {
            let (value, other) = (here.get(name).copied(), there.get(name).copied());
            let difference = value.zip(other).map(|(value, other)| rounded(value - other));
            let way = better(ask, id, source.as_deref(), name.as_str());
            let better = difference
                .filter(|difference| *difference != 0.0)
                .zip(way)
                .map(|(difference, way)| (difference > 0.0) == (way == Better::Higher));
            metrics.push(Metric {
                evidence: source.clone(),
                name: name.to_string(),
                value,
                other,
                difference,
                better,
            });
        }
    }
    Ok((!metrics.is_empty()).then_some(Comparison { than, metrics }))
}

/// Chooses the version to compare with: the champion of the gates, or else the highest
/// number that was Approved before.
pub(super) fn rival(ask: &Ask<'_>, id: &VersionId) -> Result<Option<(VersionId, Than)>, Error> {
    let Some(policy) = ask.policy else {
        return Ok(None);
    };
    let named = |number, why| {
        let other = VersionId {
            group: id.group.clone(),
            number,
        };
        let than = Than {
            version: other.to_string(),
            why,
        };
        (other, than)
    };
    for placed in policy.need(&id.group).gates {
        let Some(stage) = placed.gate.champion else {
            continue;
        };
        let record = ask
            .prior
            .read(&RecordPath::Stage(id.group.clone(), stage.clone()))?;
        let record = record.as_ref().and_then(|record| record.stage());
        let found = record.and_then(|record| match (record.version, record.previous) {
            (Some(number), _) => Some((number, Why::Serves(stage.clone()))),
            (None, previous) => previous.map(|number| (number, Why::ServedLast(stage.clone()))),
        });
        if let Some((number, why)) = found.filter(|(number, _)| *number != id.number) {
            return Ok(Some(named(number, why)));
        }
    }
    for number in ask.prior.versions(&id.group)?.into_iter().rev() {
        let (other, than) = named(number, Why::HighestApproved);
        let loaded = ask.prior.read(&RecordPath::Version(other.clone()))?;
        let status = loaded.and_then(|loaded| loaded.version().map(|version| version.status));
        if other != *id && status == Some(Status::Approved) {
            return Ok(Some((other, than)));
        }
    }
    Ok(None)
}
