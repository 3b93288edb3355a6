//! What happened, change by change, for those who react to it.
//!
//! An [`Event`] is derived from a judged step alone: the same registry, commit
//! and change give the same event from any clone and from any range that holds
//! the step. What it says of the place among others (`sequence`, `previous`) is
//! counted from the root, and is the same everywhere too.

mod data;
mod fields;
pub(crate) mod human;
mod kind;
mod of;
mod result;

pub use data::{schema, schema_id};
pub use fields::Field;
pub use of::{Before, Deriving, accept, date};
pub use result::{ObjectChange, PullRequest, WriteResult, result_schema};

use serde_json::{Value, json};

use crate::base::Oid;
use crate::record::canonical::{canonical, sha256};
use crate::record::kind::{ActorId, Decision, Status, VersionNumber};
use crate::report::audit::Means;

/// One change, for those who react to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The same for the same change everywhere: 32 hexadecimal digits.
    pub id: String,
    /// The event before it; none for the first of all. Who misses one has a gap.
    pub previous: Option<String>,
    /// The registry's id.
    pub registry: String,
    /// What happened: `version.status.moved`.
    pub kind: &'static str,
    /// What it happened to: `fraud-detector/3`, `fraud-detector@production`.
    pub subject: String,
    /// The step; the root is 1.
    pub step: usize,
    /// Which change of the step it is, from 1.
    pub ordinal: usize,
    /// The step's commit, on the mainline.
    pub mainline: Oid,
    /// The step's effective date in seconds since 1970-01-01T00:00:00Z: the
    /// latest that any registry step up to it claims. No verdict rests on it.
    pub time: Option<i64>,
    /// The date that the step's commit claims, where that is an earlier one.
    pub claimed: Option<i64>,
    /// The file, from the repository's top.
    pub path: String,
    /// The change in one line, as in a commit's `Modelry-Change:` trailer.
    pub change: String,
    /// The group.
    pub group: Option<String>,
    /// The version; for a stage the one that serves it now.
    pub version: Option<VersionNumber>,
    /// The stage.
    pub stage: Option<String>,
    /// What the record is called below its version: evidence, observation; the
    /// actor of a review.
    pub name: Option<String>,
    /// What it was: a status, a decision, the version that served.
    pub old: Option<Value>,
    /// What it is now.
    pub new: Option<Value>,
    /// Exactly what changed in the file, but for the record's own signature.
    pub fields: Vec<Field>,
    /// Who, and by what.
    pub proof: Proof,
    /// What authorised a move of status.
    pub decision: Option<Authority>,
    /// The reason that its author gave.
    pub reason: Option<String>,
    /// What is wrong with it and was accepted since.
    pub findings: Vec<Accepted>,
}

/// Who stands behind a change, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// By what.
    pub means: Means,
    /// Whose act it is; for what a decision authorises, who carries it.
    pub actor: Option<ActorId>,
    /// The fingerprint of the key that signed.
    pub key: Option<String>,
    /// The commit that brings it: the step's own, or one behind its merge.
    pub commit: Oid,
}

/// One whose decision counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approver {
    /// Who.
    pub actor: ActorId,
    /// The machine that reported it from a Git host's page.
    pub reported_by: Option<ActorId>,
}

/// What authorised a move of status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Reviews.
    Reviews {
        /// Where they led; the version may have gone further in the same step.
        to: Status,
        /// What they say.
        decision: Decision,
        /// Whose they are.
        by: Vec<Approver>,
        /// The digest of what they saw.
        subject: String,
    },
    /// An Archival.
    Archival(ActorId),
}

/// A finding that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub name: &'static str,
    /// Who accepted it, in which policy, and why.
    pub words: String,
}

impl Event {
    /// The event's type, in CloudEvents' way: `dev.modelry.version.status.moved`.
    pub fn type_name(&self) -> String {
        format!("dev.modelry.{}", self.kind)
    }

    /// Where it comes from: the registry, whichever clone tells it.
    pub fn source(&self) -> String {
        format!("urn:modelry:{}", self.registry)
    }

    /// Its place in the registry's life, from the root. Sorts as text.
    pub fn sequence(&self) -> String {
        format!("{:010}.{:06}", self.step, self.ordinal)
    }

    /// When, in UTC (RFC 3339).
    pub fn moment(&self) -> Option<String> {
        moment(self.time)
    }

    /// The earlier date that its commit claims, in UTC (RFC 3339).
    pub fn claimed_moment(&self) -> Option<String> {
        moment(self.claimed)
    }

    /// What it tells, as [`schema`] says.
    pub fn data(&self) -> Value {
        data::data(self)
    }
}

fn moment(seconds: Option<i64>) -> Option<String> {
    let moment = jiff::Timestamp::from_second(seconds?).ok()?;
    Some(moment.to_string())
}

/// The id of a change: the `nth` (from 0) of this kind to this path in the step.
/// 128 bits are enough that two never meet by chance, and who makes two meet on
/// purpose loses an event of their own.
fn id(registry: &str, mainline: Oid, path: &str, kind: &str, nth: usize) -> String {
    let what = json!(["modelry-event", registry, mainline.to_string(), path, kind, nth]);
    let digest = sha256(&canonical(&what)).to_string();
    digest.trim_start_matches("sha256:").chars().take(32).collect()
}
