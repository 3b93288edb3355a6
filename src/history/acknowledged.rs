//! Faulty steps of the past that a policy accepts.

use serde::{Deserialize, Serialize};

use crate::access::{Carrier, Policy};
use crate::finding::Report;

/// One code at one commit that was looked at and is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The step's commit.
    pub commit: String,
    /// The code.
    pub code: String,
    /// Who accepted it, in which policy, and why.
    pub words: String,
}

/// What a policy acknowledges that the one before did not. Who did is said when
/// it is known.
pub(super) fn brought(
    before: Option<&Policy>,
    after: &Policy,
    carrier: Option<&Carrier>,
) -> Vec<Acknowledged> {
    let old = before.map_or(&[][..], |policy| &policy.registry().acknowledged[..]);
    let who = carrier
        .and_then(|carrier| carrier.verdict.actor())
        .map_or_else(String::new, |actor| format!(" by `{actor}`"));
    let serial = after.registry().serial;
    let mut list = Vec::new();
    for entry in after
        .registry()
        .acknowledged
        .iter()
        .filter(|entry| !old.contains(entry))
    {
        let reason = entry
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        list.extend(entry.codes.iter().map(|code| Acknowledged {
            commit: entry.commit.to_string(),
            code: code.clone(),
            words: format!("in policy {serial}{who}{reason}"),
        }));
    }
    list
}

/// Marks what is acknowledged by the policy that is in force at the end.
pub(super) fn mark(report: &mut Report, acknowledged: &[Acknowledged], policy: Option<&Policy>) {
    let Some(policy) = policy else { return };
    let in_force = |entry: &Acknowledged| {
        policy
            .registry()
            .acknowledged
            .iter()
            .any(|now| now.commit.as_str() == entry.commit && now.codes.contains(&entry.code))
    };
    for finding in &mut report.findings {
        if let Some((key, id)) = &finding.reaffirms
            && policy.reaffirms(key, id)
        {
            finding.acknowledged = Some(format!("{id} is reaffirmed in the revocation of this key"));
            continue;
        }
        let Some(step) = finding.step.map(|step| step.to_string()) else {
            continue;
        };
        let accepted = acknowledged
            .iter()
            .rfind(|entry| entry.commit == step && entry.code == finding.rule.code && in_force(entry));
        finding.acknowledged = accepted.map(|entry| entry.words.clone());
    }
}
