//! `reviews/<actor>.yaml` and `policy/<serial>/<actor>.yaml`: one actor's decision on
//! exactly the content that it saw.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ActorId, ApiVersion, Digest, Document, GroupName, Key, VersionNumber, kind_word};

/// The decision of a reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum Decision {
    Approved,
    Rejected,
    Withdrawn,
}

impl Decision {
    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Approved => "Approved",
            Decision::Rejected => "Rejected",
            Decision::Withdrawn => "Withdrawn",
        }
    }

    /// The command for the decision, which is also its verb.
    pub fn verb(self) -> &'static str {
        match self {
            Decision::Approved => "approve",
            Decision::Rejected => "reject",
            Decision::Withdrawn => "withdraw",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The origin of a reported review on a Git host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostReview {
    /// The Git host, by its name in the actor's `accounts`.
    pub name: Key,
    /// The account that gave the review. If the account no longer belongs to the
    /// person, the review does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub account: Option<String>,
    /// The host's id of the review.
    #[schemars(length(min = 1, max = 256))]
    pub review: String,
    /// The time when the review was given or last changed, according to the host (RFC
    /// 3339). An older answer of the host does not replace a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub at: Option<String>,
    /// The commit that the reviewer saw.
    pub commit: super::CommitId,
}

kind_word! {
    /// One actor's decision on a version or a policy.
    ReviewKind = Review
}

/// One actor's decision on a version (`group`, `version`) or on a policy
/// (`serial`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["group", "version"], "not": {"required": ["serial"]}},
    {"required": ["serial"], "allOf": [{"not": {"required": ["group"]}}, {"not": {"required": ["version"]}}]},
]))]
pub struct Review {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: ReviewKind,
    /// The group, as in the path; absent for a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupName>,
    /// The version's number, as in the path; absent for a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub version: Option<VersionNumber>,
    /// The policy's serial, as in the path; absent for a version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub serial: Option<u64>,
    /// The actor who wrote this file.
    pub by: ActorId,
    /// The person who decided on a Git host, when a machine reports the decision. The
    /// file then has that person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<ActorId>,
    /// The origin of the reported review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<HostReview>,
    /// A counter that each change raises.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub revision: u64,
    /// Approved, Rejected, or Withdrawn to retract an earlier decision.
    pub decision: Decision,
    /// Digest of the reviewed content: spec, card and evidence, or the policy.
    pub subject: Digest,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The reviewer's detached signature over all of the above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl Document for Review {
    fn by(&self) -> Option<&ActorId> {
        Some(&self.by)
    }

    fn revision(&self) -> Option<u64> {
        Some(self.revision)
    }
}

impl Review {
    /// The actor whose decision this is.
    pub fn decider(&self) -> &ActorId {
        self.on_behalf_of.as_ref().unwrap_or(&self.by)
    }
}
