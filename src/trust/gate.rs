//! Gates: conditions of the policy on the content of a version.
//!
//! A gate sees the content that a review's subject covers, and the champion: the version
//! that serves a stage before the step. It passes only if it is `true`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Policy;
use crate::base::Error;
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{Gate, GroupName, Kind, RecordName, RecordPath, StageName, Status, VersionId};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::{schema, subject};
use crate::trust::condition::{Absent, Demand, Expr, Misfit, Outcome, Shape};

/// The variables of a gate without a champion.
const CONTENT: [&str; 4] = ["metrics", "evidence", "card", "spec"];

/// The variables of a gate with a champion.
const WITH_CHAMPION: [&str; 5] = ["metrics", "evidence", "card", "spec", "champion"];

/// A gate of the policy, and its pointer: `/approvals/RULE/gates/INDEX`.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedGate {
    /// The index of its approval rule.
    pub rule: usize,
    /// Its index in that rule.
    pub index: usize,
    /// The gate as written.
    pub gate: Gate,
}

impl PlacedGate {
    /// A member of the gate, as a JSON pointer into the policy.
    pub fn pointer(&self, member: &str) -> String {
        format!("/approvals/{}/gates/{}/{member}", self.rule, self.index)
    }
}

/// Compiles a gate's condition.
pub fn compile(gate: &Gate) -> Result<Expr, crate::trust::condition::ExprFault> {
    match gate.champion {
        Some(_) => Expr::compile(&gate.require, &WITH_CHAMPION),
        None => Expr::compile(&gate.require, &CONTENT).map_err(|mut fault| {
            if fault.message.starts_with("`champion` is unknown") {
                fault.message =
                    "`champion` means nothing here: the gate names no stage (`champion: STAGE`)".into();
            }
            fault
        }),
    }
}

/// Compares the strictness of a gate with that of the one that it replaces. A champion
/// that the condition does not name makes no difference.
pub fn gate_demand(before: &Gate, after: &Gate) -> Demand {
    let (Ok(old), Ok(new)) = (compile(before), compile(after)) else {
        return Demand::Unknown;
    };
    let is_other = before.champion != after.champion;
    if is_other && old.names("champion") && new.names("champion") {
        return Demand::Unknown;
    }
    new.demand(&old)
}

/// The result of a gate for a version.
#[derive(Clone, Debug, PartialEq)]
pub struct GateResult {
    /// The gate.
    pub placed: PlacedGate,
    /// The version that `champion` meant, or `None` when it meant `null` or the gate has
    /// no champion.
    pub champion: Option<VersionId>,
    /// The members that the condition names, with their values, or `None` where a member is
    /// absent.
    pub values: Vec<(String, Option<Value>)>,
    /// Whether it holds.
    pub met: bool,
    /// The reason for which it can't be evaluated, if it can't.
    pub reason: Option<String>,
}

/// The step that would let a version meet a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cure {
    /// Evidence, as `evidence add` takes it: only values of evidence are missing.
    Evidence(String),
    /// More of the card.
    Card,
    /// Another version: what is missing or too low is frozen.
    Version,
    /// Another gate: no version can meet this one, for this reason.
    Gate(String),
}

impl GateResult {
    /// Returns what would let the version meet a gate that it does not meet: a missing
    /// value can be added if it is not frozen.
    pub fn cure(&self) -> Cure {
        if let Some(why) = self.misfit() {
            return Cure::Gate(why);
        }
        let lacks = |part: &str| {
            let missing = |(name, value): &(String, Option<Value>)| {
                value.is_none() && name.split('.').next() == Some(part)
            };
            self.values.iter().any(missing)
        };
        match lacks("metrics") || lacks("spec") {
            false if lacks("evidence") => Cure::Evidence(self.evidence_asked()),
            false if lacks("card") => Cure::Card,
            _ => Cure::Version,
        }
    }

    /// Returns why no content can meet the gate, if its condition shows it.
    fn misfit(&self) -> Option<String> {
        let of = |kind| Shape::of(schema::schema(kind), schema::schema(kind));
        let spec = of(Kind::ModelVersion).member("spec");
        let evidence = Shape::Map(BTreeMap::new(), Some(Box::new(of(Kind::Evaluation))));
        let shapes = BTreeMap::from([
            ("metrics", spec.member("metrics")),
            ("spec", spec),
            ("evidence", evidence),
            ("card", of(Kind::ModelCard)),
        ]);
        match compile(&self.placed.gate).ok()?.misfit(&shapes)? {
            Misfit::Unknown(absent) => Some(format!("no version can have `{}`", absent.path)),
            Misfit::Kinds(words) => Some(words),
        }
    }

    /// The evaluation that the gate misses, as `evidence add` takes it.
    fn evidence_asked(&self) -> String {
        let missing = self.values.iter().filter(|(_, value)| value.is_none());
        let asked = missing.filter_map(|(name, _)| name.strip_prefix("evidence."));
        let longest = asked.max_by_key(|name| name.len()).unwrap_or_default();
        let mut parts = longest.splitn(3, '.');
        let name = parts.next().filter(|name| !name.is_empty()).unwrap_or("NAME");
        let metric = match (parts.next(), parts.next()) {
            (Some("metrics"), Some(metric)) => metric,
            _ => "NAME",
        };
        format!("{name} --metric {metric}=NUMBER")
    }

    /// The gate's name.
    pub fn name(&self) -> &RecordName {
        &self.placed.gate.name
    }

    /// Returns the values worth reporting: nothing below an absent member, and no whole
    /// whose parts are reported.
    pub fn reported(&self) -> impl Iterator<Item = &(String, Option<Value>)> {
        let inside = |name: &str, whole: &str| {
            let rest = name.strip_prefix(whole);
            rest.is_some_and(|rest| rest.starts_with(['.', '[']))
        };
        let empty = |value: &Option<Value>| value.as_ref().is_none_or(Value::is_null);
        self.values.iter().filter(move |(name, value)| {
            let below_nothing = self
                .values
                .iter()
                .any(|(other, value)| empty(value) && inside(name, other));
            let has_parts = value.as_ref().is_some_and(Value::is_object)
                && self.values.iter().any(|(other, _)| inside(other, name));
            !below_nothing && !has_parts
        })
    }

    /// Returns the values in words: "metrics.auc is 0.8, champion is null".
    pub fn seen(&self) -> String {
        let words = |(name, value): &(String, Option<Value>)| match value {
            None => format!("{name} is missing"),
            Some(value) => format!("{name} is {}", brief(value)),
        };
        self.reported().map(words).collect::<Vec<_>>().join(", ")
    }
}

/// A value on one short line.
fn brief(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = match value {
        Value::Object(members) => return format!("a map of {}", members.len()),
        Value::Array(items) => return format!("a list of {}", items.len()),
        other => other.to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

/// Judges every gate for a version: its content at `next`, the champion as at `prior`.
pub fn judge_gates(
    policy: &Policy,
    gates: &[PlacedGate],
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    id: &VersionId,
    version: &Loaded,
) -> Result<Vec<GateResult>, Error> {
    if gates.is_empty() {
        return Ok(Vec::new());
    }
    let content = content(policy, id, version, next)?;
    gates
        .iter()
        .map(|placed| judge_one(policy, placed, prior, &content, id))
        .collect()
}

fn judge_one(
    policy: &Policy,
    placed: &PlacedGate,
    prior: &Snapshot<'_>,
    content: &Map<String, Value>,
    id: &VersionId,
) -> Result<GateResult, Error> {
    let mut result = GateResult {
        placed: placed.clone(),
        champion: None,
        values: Vec::new(),
        met: false,
        reason: None,
    };
    let compiled = policy.gate(placed);
    let expr = match compiled.as_ref() {
        Ok(expr) => expr,
        Err(fault) => {
            result.reason = Some(fault.message.clone());
            return Ok(result);
        }
    };
    let mut variables = content.clone();
    if let Some(stage) = &placed.gate.champion {
        match champion(policy, prior, &id.group, stage)? {
            Champion::Never => {
                variables.insert("champion".into(), Value::Null);
            }
            Champion::Is(champion, value) => {
                variables.insert("champion".into(), Value::Object(value));
                result.champion = Some(champion);
            }
            // Left out, so that a condition that needs it is not met.
            Champion::Gone(champion) => {
                result.reason = Some(format!("the champion {champion} is deleted or can't be read"));
                result.champion = Some(champion);
            }
        }
    }
    result.values = expr
        .values(&variables)
        .into_iter()
        .map(|(name, value)| (name, value.cloned()))
        .collect();
    match expr.evaluate(&variables) {
        Outcome::True => {
            result.met = true;
            result.reason = None;
        }
        Outcome::False => result.reason = None,
        Outcome::NotMet(reason) => result.reason = Some(result.reason.unwrap_or(reason)),
    }
    Ok(result)
}

enum Champion {
    /// The stage never served anything.
    Never,
    /// The champion and its content.
    Is(VersionId, Map<String, Value>),
    /// It served, and is deleted.
    Gone(VersionId),
}

/// The version serving a stage at `prior`; its `previous` if the stage is empty.
fn champion(
    policy: &Policy,
    prior: &Snapshot<'_>,
    group: &GroupName,
    stage: &StageName,
) -> Result<Champion, Error> {
    let assignment = prior.read(&RecordPath::Stage(group.clone(), stage.clone()))?;
    let Some(assignment) = assignment else {
        return Ok(Champion::Never);
    };
    let Some(number) = assignment.stage().map(|stage| stage.version.or(stage.previous)) else {
        // A record that can't be read hides the version that served.
        let id = VersionId {
            group: group.clone(),
            number: 0,
        };
        return Ok(Champion::Gone(id));
    };
    let Some(number) = number else {
        return Ok(Champion::Never);
    };
    let id = VersionId {
        group: group.clone(),
        number,
    };
    Ok(match prior.read(&RecordPath::Version(id.clone()))? {
        Some(version) if version.version().is_some() => {
            let value = content(policy, &id, &version, prior)?;
            Champion::Is(id, value)
        }
        _ => Champion::Gone(id),
    })
}

/// Returns the content that a gate sees: everything that the subject of a review covers,
/// and the metrics of the spec by a short name.
fn content(
    policy: &Policy,
    id: &VersionId,
    version: &Loaded,
    snapshot: &Snapshot<'_>,
) -> Result<Map<String, Value>, Error> {
    let subject = subject::version_subject_value(policy.id(), id, version, snapshot)?;
    let mut content = Map::new();
    content.insert(
        "metrics".into(),
        subject
            .pointer("/spec/metrics")
            .cloned()
            .unwrap_or_else(|| json!({})),
    );
    for member in ["evidence", "card", "spec"] {
        content.insert(member.into(), subject[member].clone());
    }
    Ok(content)
}

/// Lists the members that gates read and no version of the group has, with the gate's
/// name. A champion is a version of the group too.
pub fn absent_in_gates(
    policy: &Policy,
    gates: &[PlacedGate],
    snapshot: &Snapshot<'_>,
    group: &GroupName,
) -> Result<Vec<(RecordName, Absent)>, Error> {
    let mut contents = Vec::new();
    for number in snapshot.versions(group)? {
        let id = VersionId {
            group: group.clone(),
            number,
        };
        if let Some(version) = snapshot.read(&RecordPath::Version(id.clone()))?
            && version.version().is_some()
        {
            let mut content = content(policy, &id, &version, snapshot)?;
            content.insert("champion".into(), Value::Object(content.clone()));
            contents.push(content);
        }
    }
    let contents: Vec<&Map<String, Value>> = contents.iter().collect();
    let mut all = Vec::new();
    for placed in gates {
        if let Ok(expr) = policy.gate(placed).as_ref() {
            let absent = expr.absent(&contents).into_iter();
            all.extend(absent.map(|absent| (placed.gate.name.clone(), absent)));
        }
    }
    Ok(all)
}

/// Judges the gates of every version that the changes concern and that is to be approved,
/// or was changed just now: registered, given a card or evidence, reviewed.
pub fn gates_of_changes(
    policy: &Policy,
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    changes: &[Change],
) -> Result<Vec<(VersionId, Vec<GateResult>)>, Error> {
    let mut wanted: BTreeSet<VersionId> = BTreeSet::new();
    for change in changes {
        let Some(id) = change.record.as_ref().and_then(RecordPath::version) else {
            continue;
        };
        let approved = |status| {
            change.kind
                == ChangeKind::StatusMoved {
                    from: status,
                    to: Status::Approved,
                }
        };
        let concerns = match &change.kind {
            ChangeKind::StatusMoved { from, .. } => approved(*from),
            kind if kind.is_of_approved()
                || matches!(kind, ChangeKind::VersionRegistered | ChangeKind::Reviewed { .. }) =>
            {
                let version = next.read(&RecordPath::Version(id.clone()))?;
                let status = version.and_then(|version| version.version().map(|version| version.status));
                status == Some(Status::Pending)
            }
            _ => false,
        };
        if concerns {
            wanted.insert(id.clone());
        }
    }
    let mut all = Vec::new();
    for id in wanted {
        let gates = policy.need(&id.group).gates;
        if let Some(version) = next.read(&RecordPath::Version(id.clone()))?
            && !gates.is_empty()
        {
            let results = judge_gates(policy, &gates, prior, next, &id, &version)?;
            all.push((id, results));
        }
    }
    Ok(all)
}
