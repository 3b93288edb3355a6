//! Events: the changes of a registry, for programs that react to them.
//!
//! An [`Event`] is derived from a judged step alone. The same registry, commit and
//! change give the same event in any clone and in any range that contains the step. Its
//! place in the sequence (`sequence`, `previous`) is counted from the root, so it is
//! the same everywhere too.

mod data;
mod fields;
pub(crate) mod human;
mod kind;
mod of;
mod result;

pub use data::{schema, schema_id};
pub use fields::Field;
#[cfg(feature = "testing")]
pub use kind::types;
pub use of::{Before, Deriving, accept, date};
pub use result::{PullRequest, WriteResult, result_schema};

use serde_json::{Value, json};

use crate::base::Oid;
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::{ActorId, Decision, Status, VersionNumber};
use crate::report::audit::Means;

/// One change, for programs that react to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The id of the event, the same in every clone: 32 hexadecimal digits.
    pub id: String,
    /// The id of the preceding event, or `None` for the first. A receiver that has not
    /// seen that event has missed events.
    pub previous: Option<String>,
    /// The registry's id.
    pub registry: String,
    /// The kind of change: `version.status.moved`.
    pub kind: &'static str,
    /// The subject of the change: `fraud-detector/3`, `fraud-detector@production`.
    pub subject: String,
    /// The step; the root is 1.
    pub step: usize,
    /// The number of the change within its step, from 1.
    pub ordinal: usize,
    /// The step's commit, on the mainline.
    pub mainline: Oid,
    /// The step's effective date in seconds since 1970-01-01T00:00:00Z: the latest that
    /// any registry step up to it claims. No verdict depends on it.
    pub time: Option<i64>,
    /// The date that the step's commit claims, if it is earlier than the effective
    /// date.
    pub claimed: Option<i64>,
    /// The file, from the repository's top.
    pub path: String,
    /// The change in one line, as in a commit's `Modelry-Change:` trailer.
    pub change: String,
    /// The group.
    pub group: Option<String>,
    /// The version; for a stage, the version that now serves it.
    pub version: Option<VersionNumber>,
    /// The stage.
    pub stage: Option<String>,
    /// The name of a record below its version: an evidence or observation, or the actor
    /// of a review.
    pub name: Option<String>,
    /// The old value: a status, a decision, or the version that served.
    pub old: Option<Value>,
    /// The new value.
    pub new: Option<Value>,
    /// The changed fields of the file, without the record's own signature.
    pub fields: Vec<Field>,
    /// The actor, and the proof.
    pub proof: Proof,
    /// The authority for a change of status.
    pub decision: Option<Authority>,
    /// The reason that the author gave.
    pub reason: Option<String>,
    /// The findings of the change, which were all acknowledged later.
    pub findings: Vec<Accepted>,
}

/// The actor behind a change, and the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The kind of proof.
    pub means: Means,
    /// The author of the change. If a decision authorises the change, the actor who
    /// committed it.
    pub actor: Option<ActorId>,
    /// The fingerprint of the signing key.
    pub key: Option<String>,
    /// The commit that makes the change: the step's own, or one of its merged side.
    pub commit: Oid,
}

/// An actor whose decision counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// The actor.
    pub actor: ActorId,
    /// The machine that reported the decision from a Git host.
    pub reported_by: Option<ActorId>,
}

/// The authority for a change of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Reviews.
    Reviews {
        /// The status that the reviews led to. The version may have moved further in
        /// the same step.
        to: Status,
        /// The decision of the reviews.
        decision: Decision,
        /// The reviewers.
        by: Vec<Approver>,
        /// The digest of the reviewed content.
        subject: String,
    },
    /// An Archival.
    Archival(ActorId),
}

/// A finding that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub name: &'static str,
    /// The actor who acknowledged it, the policy, and the reason.
    pub words: String,
}

impl Event {
    /// The event's type in the form of CloudEvents: `dev.modelry.version.status.moved`.
    pub fn type_name(&self) -> String {
        format!("dev.modelry.{}", self.kind)
    }

    /// The event's source: the registry, regardless of the clone.
    pub fn source(&self) -> String {
        format!("urn:modelry:{}", self.registry)
    }

    /// The event's position in the registry's history, counted from the root. It sorts
    /// as text.
    pub fn sequence(&self) -> String {
        format!("{:010}.{:06}", self.step, self.ordinal)
    }

    /// The effective date, in UTC (RFC 3339).
    pub fn moment(&self) -> Option<String> {
        moment(self.time)
    }

    /// The earlier date that its commit claims, in UTC (RFC 3339).
    pub fn claimed_moment(&self) -> Option<String> {
        moment(self.claimed)
    }

    /// The event's data, according to [`schema`].
    pub fn data(&self) -> Value {
        data::data(self)
    }
}

fn moment(seconds: Option<i64>) -> Option<String> {
    let moment = jiff::Timestamp::from_second(seconds?).ok()?;
    Some(moment.to_string())
}

/// Computes the id of a change: the `nth` (from 0) of this kind to this path in the
/// step. With 128 bits, two ids do not collide by chance. An author who forces a
/// collision loses an event of their own.
fn id(registry: &str, mainline: Oid, path: &str, kind: &str, nth: usize) -> String {
    let what = json!(["modelry-event", registry, mainline.to_string(), path, kind, nth]);
    let digest = sha256(&canonical(&what)).to_string();
    digest.trim_start_matches("sha256:").chars().take(32).collect()
}
