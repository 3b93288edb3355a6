//! Faulty steps of the past that a policy accepts.

use serde::{Deserialize, Serialize};

use std::collections::BTreeSet;

use crate::judge::finding::Report;
use crate::record::kind::{ActorId, Registry};
use crate::trust::{Policy, fingerprint};

/// One code at one commit that was examined and is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// The step's commit.
    pub commit: String,
    /// The code.
    pub code: String,
    /// The acknowledging actor, the policy, and the reason.
    pub words: String,
}

/// One version that counts again although a revoked key approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaffirmed {
    /// The key's fingerprint.
    pub key: String,
    /// The version.
    pub version: String,
    /// The policy that reaffirmed it, and the actors who agreed to that.
    pub words: String,
}

/// Describes the policy, and the actors who agreed to it if they are known.
fn by(after: &Policy, behind: &BTreeSet<ActorId>) -> String {
    let names: Vec<String> = behind.iter().map(|actor| format!("`{actor}`")).collect();
    let who = match names.is_empty() {
        true => String::new(),
        false => format!(" by {}", names.join(", ")),
    };
    format!("in policy {}{who}", after.registry().serial)
}

/// Lists the versions that a policy reaffirms and the one before it does not.
pub(super) fn reaffirmed(
    before: Option<&Policy>,
    after: &Policy,
    behind: &BTreeSet<ActorId>,
) -> Vec<Reaffirmed> {
    let pairs = |registry: &Registry| -> BTreeSet<(String, String)> {
        let of = |entry: &crate::record::kind::Revocation| {
            let key = fingerprint(&entry.key);
            let versions = entry.reaffirmed.iter();
            versions
                .map(|version| (key.clone(), version.clone()))
                .collect::<Vec<_>>()
        };
        registry.revoked.iter().flat_map(of).collect()
    };
    let old = before.map(|policy| pairs(policy.registry())).unwrap_or_default();
    let words = by(after, behind);
    let new = pairs(after.registry())
        .into_iter()
        .filter(|pair| !old.contains(pair));
    new.map(|(key, version)| Reaffirmed {
        key,
        version,
        words: words.clone(),
    })
    .collect()
}

/// Returns the acknowledgements that a policy has and the one before it has not. It names
/// the actors if they are known.
pub(super) fn brought(
    before: Option<&Policy>,
    after: &Policy,
    behind: &BTreeSet<ActorId>,
) -> Vec<Acknowledged> {
    let old = before.map_or(&[][..], |policy| &policy.registry().acknowledged[..]);
    let words = by(after, behind);
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
            words: format!("{words}{reason}"),
        }));
    }
    list
}

/// Marks the findings that the policy in force at the end acknowledges.
pub(super) fn mark(
    report: &mut Report,
    acknowledged: &[Acknowledged],
    reaffirmed: &[Reaffirmed],
    policy: Option<&Policy>,
) {
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
            let (key, version) = (fingerprint(key), id.to_string());
            let mut entries = reaffirmed.iter();
            let words = entries
                .rfind(|entry| entry.key == key && entry.version == version)
                .map_or_else(String::new, |entry| format!(", {}", entry.words));
            finding.acknowledged = Some(format!("{id} is reaffirmed in the revocation of this key{words}"));
            continue;
        }
        let Some(step) = finding.step.map(|step| step.to_string()) else {
            continue;
        };
        let accepted = |code: &str| {
            acknowledged
                .iter()
                .rfind(|entry| entry.commit == step && entry.code == code && in_force(entry))
        };
        let is_whole = finding.folded.iter().all(|code| accepted(code).is_some());
        finding.acknowledged = accepted(finding.rule.code)
            .filter(|_| is_whole)
            .map(|entry| entry.words.clone());
    }
}
