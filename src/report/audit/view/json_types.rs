//! The types of `modelry-audit/v1`: what is written, and the published schema.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::range::JsonRange;
use crate::report::findings::json::{JsonFinding, JsonNote};

/// The audit of a registry from its root to a commit of the mainline.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "modelry-audit/v1")]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonAudit<'a> {
    /// `modelry-audit/v1`.
    pub(super) format: &'static str,
    /// The version of Modelry that made the report.
    pub(super) modelry: &'static str,
    /// Whether the audit is clean: it has no findings, or only acknowledged ones.
    pub(super) clean: bool,
    /// The audited registry.
    pub(super) registry: JsonRegistry<'a>,
    /// The audited part of the history.
    pub(super) range: JsonRange<'a>,
    /// Assumptions of the verdict that the history can't prove.
    pub(super) trust: Vec<JsonTrust>,
    /// The signatures, by actor and key.
    pub(super) signatures: JsonSignatures<'a>,
    /// The number of versions at the tip by status, with `Deleted` and `Unreadable` as
    /// two more.
    pub(super) versions: BTreeMap<&'static str, usize>,
    /// Versions that are Approved at the tip or serve a stage.
    pub(super) live: Vec<JsonLive<'a>>,
    /// Changes of the registry as a whole, in order.
    pub(super) events: Vec<JsonEvent<'a>>,
    /// The groups by name, with their changes.
    pub(super) groups: Vec<JsonGroup<'a>>,
    /// The findings, in order.
    pub(super) findings: Vec<JsonFinding<'a>>,
    /// Notes, which do not affect the verdict.
    pub(super) notes: Vec<JsonNote<'a>>,
}

/// The audited registry.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonRegistry<'a> {
    /// The registry's name.
    pub(super) name: &'a str,
    /// The registry's id.
    pub(super) id: &'a str,
    /// The registry's folder from the repository's top; empty for the top.
    pub(super) folder: &'a str,
    /// The serial of the policy in force at the tip.
    pub(super) serial: u64,
}

/// An assumption of the verdict that the history can't prove.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonTrust {
    /// The code: `root-pinned`, `root-on-trust`, `checkpoint`, `earlier-rewrite`,
    /// `verified-point`, `commit-dates`.
    pub(super) code: &'static str,
    /// The assumption, in one sentence.
    pub(super) text: String,
}

/// The signatures, by actor and key.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonSignatures<'a> {
    /// The actors, by id.
    pub(super) actors: Vec<JsonSigner<'a>>,
    /// Commits and records that prove no actor, by reason.
    pub(super) nobody: Vec<JsonNobody<'a>>,
}

/// The signatures of one actor.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonSigner<'a> {
    /// The actor.
    pub(super) actor: &'a str,
    /// `person`, `machine` or `forge`; absent if the last policy does not list the
    /// actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    /// Whether the actor has been retired since.
    pub(super) retired: bool,
    /// Signatures of commits.
    pub(super) commits: usize,
    /// Signatures of records.
    pub(super) records: usize,
    /// The signatures, by key.
    pub(super) keys: Vec<JsonKey<'a>>,
}

/// The signatures of one key.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonKey<'a> {
    /// The key's fingerprint.
    pub(super) key: &'a str,
    /// Whether the key has been revoked since.
    pub(super) revoked: bool,
    /// Signatures of commits.
    pub(super) commits: usize,
    /// Signatures of records.
    pub(super) records: usize,
}

/// Commits and records that prove no actor, for one reason.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonNobody<'a> {
    /// The reason: `unsigned`, `unknown key`.
    pub(super) reason: &'a str,
    /// The key's fingerprint, if a key made the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<&'a str>,
    /// The number of commits.
    pub(super) commits: usize,
    /// The number of records.
    pub(super) records: usize,
}

/// The actor behind a change, and the proof.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonProof<'a> {
    /// The kind of proof. `record`: the record's own signature. `commit`: the commit's
    /// signature. `decision`: reviews or an archival, whoever committed the change.
    /// `root`: the change came with the root. `nobody`: no actor is proven.
    pub(super) means: &'static str,
    /// The author of the change; for a `decision`, the actor who committed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) actor: Option<&'a str>,
    /// The fingerprint of the signing key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<&'a str>,
    /// The proof in words.
    pub(super) words: &'a str,
}

/// A record, and its proof at the time it was added.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonGiven<'a> {
    /// The step that added it; the root is 1.
    pub(super) step: usize,
    /// The commit that added it.
    pub(super) commit: String,
    /// The actor, and the proof.
    pub(super) proof: JsonProof<'a>,
}

/// One change of the registry.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonEvent<'a> {
    /// The step; the root is 1.
    pub(super) step: usize,
    /// The step's commit, on the mainline.
    pub(super) mainline: String,
    /// The commit that makes the change: the step's own, or one of its merged side.
    pub(super) commit: String,
    /// The time of that commit according to its committer, in UTC (RFC 3339). No
    /// verdict depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// The step's effective date: the latest that any registry step up to it claims.
    /// `--at` uses this date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    /// The date that the step's commit claims, if it is earlier than the effective
    /// date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Option<String>,
    /// The change, as an imperative phrase.
    pub(super) phrase: &'a str,
    /// The file, from the repository's top.
    pub(super) path: &'a str,
    /// The version that the change concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// The result: the new status, the decision, the version that the stage now serves
    /// (`nothing` if it was emptied), or the policy's serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<String>,
    /// The reason that the author gave; for a policy, the subject of the step's commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    /// The actor, and the proof.
    pub(super) proof: JsonProof<'a>,
    /// The reviews that decided a change of status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<JsonDecision<'a>>,
    /// The findings that the change caused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) findings: Vec<JsonFlag>,
}

/// A finding that a change caused.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonFlag {
    /// The rule's code.
    pub(super) code: &'static str,
    /// The rule's name.
    pub(super) name: &'static str,
    /// Whether a later policy acknowledged the finding.
    pub(super) acknowledged: bool,
}

/// The reviews that decided a version, and the policy's requirements at that time.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonDecision<'a> {
    /// `Approved` or `Rejected`.
    pub(super) to: &'static str,
    /// The step that moved the status; the root is 1.
    pub(super) step: usize,
    /// That step's commit.
    pub(super) mainline: String,
    /// The time of the step according to its committer, in UTC (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// The step's effective date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    /// Whether all requirements were met.
    pub(super) authorised: bool,
    /// The policy, and its requirements for an approval.
    pub(super) policy: JsonPolicy<'a>,
    /// The results of the gates.
    pub(super) gates: Vec<JsonGate<'a>>,
    /// The digest of the reviewed content.
    pub(super) subject: String,
    /// Authors of the version, its card and its evidence.
    pub(super) authors: Vec<&'a str>,
    /// Every review, as it was counted.
    pub(super) reviews: Vec<JsonReview<'a>>,
    /// The missing requirements.
    pub(super) missing: &'a [String],
}

/// A policy's requirements for an approval.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonPolicy<'a> {
    /// The policy's serial.
    pub(super) serial: u64,
    /// The entries of `approvals` that applied, all together.
    pub(super) rules: Vec<JsonRule<'a>>,
    /// The number of distinct actors who had to approve.
    pub(super) required: u32,
    /// The number of approvals needed from each team.
    pub(super) from: BTreeMap<&'a str, u32>,
    /// Whether approvals by authors were ignored.
    pub(super) four_eyes: bool,
    /// Whether reviews of machines counted.
    pub(super) machines: bool,
    /// Sections of the card that had to be filled.
    pub(super) card: &'a [String],
}

/// An entry of a policy's `approvals`.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonRule<'a> {
    /// JSON pointer into the policy.
    pub(super) pointer: String,
    /// The groups that the entry applies to.
    pub(super) groups: &'a [String],
}

/// The result of a gate.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonGate<'a> {
    /// The gate's name.
    pub(super) name: &'a str,
    /// The condition.
    pub(super) require: &'a str,
    /// The version that the gate compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) champion: Option<String>,
    /// Whether the gate was met.
    pub(super) met: bool,
    /// The values that the gate used, in words.
    pub(super) seen: &'a str,
    /// The reason why the gate has no result, if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
}

/// One review, as it was counted.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonReview<'a> {
    /// The reviewer.
    pub(super) actor: &'a str,
    /// The machine that reported the review from a Git host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reported_by: Option<&'a str>,
    /// `Approved`, `Rejected` or `Withdrawn`.
    pub(super) decision: &'static str,
    /// Whether the review counted.
    pub(super) counts: bool,
    /// The reason why the review did not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    /// Its proof at the time it was added; absent if no step shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) given: Option<JsonGiven<'a>>,
}

/// A version in use.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLive<'a> {
    /// The version: `GROUP/N`.
    pub(super) version: String,
    /// The status; absent if the file can't be read as a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<&'static str>,
    /// The stages that the version serves.
    pub(super) serves: Vec<JsonServing<'a>>,
    /// The approval; absent if no reviews were counted for the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) approval: Option<JsonDecision<'a>>,
    /// The change that made the version Approved, allowed or not; absent if no step
    /// shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moved: Option<JsonGiven<'a>>,
    /// The import, if the version became Approved by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) imported: Option<JsonImport<'a>>,
    /// The distrusted key that the approval depends on. Such a version never resolves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tainted_by: Option<&'a str>,
}

/// An import of a version with the status that it had elsewhere.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonImport<'a> {
    /// The registry that the version came from.
    pub(super) from: &'a str,
    /// The actor who imported it.
    pub(super) by: &'a str,
    /// Whether the policy allowed the import.
    pub(super) granted: bool,
    /// The person who decided there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decided_by: Option<&'a str>,
    /// The time of the decision there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) decided_at: Option<&'a str>,
}

/// A stage that a version serves.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonServing<'a> {
    /// The stage.
    pub(super) stage: &'a str,
    /// The assignment; absent if no step shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<JsonGiven<'a>>,
}

/// A group, with its changes.
#[derive(Serialize, JsonSchema)]
pub(super) struct JsonGroup<'a> {
    /// The group's name.
    pub(super) name: &'a str,
    /// Whether the group exists at the tip, as a group or as its tombstone.
    pub(super) exists: bool,
    /// Whether the group was deleted, and a tombstone replaces it.
    pub(super) deleted: bool,
    /// The versions at the tip, with their status.
    pub(super) versions: BTreeMap<u64, &'static str>,
    /// The version that serves each stage; `null` if there is none.
    pub(super) stages: BTreeMap<&'a str, Option<u64>>,
    /// The changes of the group, in order.
    pub(super) events: Vec<JsonEvent<'a>>,
}
