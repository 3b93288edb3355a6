//! `registry.yaml`: the policy. What stages there are, who may do what, and
//! what an approval needs.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActorId, ApiVersion, CommitId, Key, Principal, RecordName, RegistryId, RegistryKind, StageName, Status,
};

/// The policy of a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// What this file is.
    pub kind: RegistryKind,
    /// The registry's name, for people.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// 128 random bits, fixed for life: what is signed for one registry fits no
    /// other.
    pub id: RegistryId,
    /// Higher at each change of this file; 1 at first.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub serial: u64,
    /// What the registry is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The ways in which the Git host may land a pull request; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub landing: Option<Vec<Landing>>,
    /// The stages that versions serve, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Edges added to the status graph.
    #[serde(default, skip_serializing_if = "Lifecycle::is_empty")]
    pub lifecycle: Lifecycle,
    /// What an approval needs; all rules that match a group apply together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// Who there is, by id. Actors are never removed.
    #[schemars(length(min = 1))]
    pub actors: BTreeMap<ActorId, Actor>,
    /// Teams of actors, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<RecordName, Vec<ActorId>>,
    /// Who may do what; nothing named, nothing granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Keys that prove nothing any more; only grows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Revocation>,
    /// Globs of files outside the registry, from the repository's top and with
    /// case ignored, whose change needs `administer`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// What a change of this file needs.
    #[serde(default, skip_serializing_if = "PolicyChangeRule::is_default")]
    pub policy_change: PolicyChangeRule,
    /// Faulty steps of the past that were looked at and are accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledgement>,
    /// Who may import versions with the status that they had elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<ImportRule>,
}

/// A way in which a Git host lands a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum Landing {
    Merge,
    Squash,
    Rebase,
}

impl Landing {
    /// Every way there is.
    pub const ALL: [Landing; 3] = [Landing::Merge, Landing::Squash, Landing::Rebase];

    /// The name, as the policy spells it.
    pub fn name(self) -> &'static str {
        match self {
            Landing::Merge => "merge",
            Landing::Squash => "squash",
            Landing::Rebase => "rebase",
        }
    }
}

/// A stage that one version of each group can serve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Stage {
    /// The stage's name.
    pub name: StageName,
    /// The status that a version must have to serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<RequiredStatus>,
    /// What the stage is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The status that a stage can require.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum RequiredStatus {
    Approved,
}

/// Edges added to `Pending -> Approved | Rejected -> Archived`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// From each status, the statuses added.
    #[serde(default)]
    pub transitions: Transitions,
}

impl Lifecycle {
    fn is_empty(&self) -> bool {
        self == &Lifecycle::default()
    }
}

/// The two edges that may be added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transitions {
    /// `[Rejected]`: an approval can be revoked.
    #[serde(rename = "Approved", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    pub approved: Vec<AddedFromApproved>,
    /// `[Archived]`: a version can be cleared away undecided.
    #[serde(rename = "Pending", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    pub pending: Vec<AddedFromPending>,
}

/// Where the policy may let an approved version go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum AddedFromApproved {
    Rejected,
}

/// Where the policy may let a pending version go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum AddedFromPending {
    Archived,
}

/// What an approval needs in the groups that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// Globs of groups; case is ignored.
    #[schemars(length(min = 1))]
    pub groups: Vec<String>,
    /// How many distinct actors must approve; at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub required: Option<u32>,
    /// How many of them must come from each team.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(inner(range(min = 1, max = 1000)))]
    pub from: BTreeMap<RecordName, u32>,
    /// Whether an author of the version, its card or its evidence counts for
    /// nothing; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub four_eyes: Option<bool>,
    /// Sections of the card that must be filled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub card: Vec<super::CardSection>,
    /// Conditions on the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Whether the reviews of machines count; then a gate is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<bool>,
    /// How many reviews that a machine reports for a person may count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = 1000))]
    pub delegated: Option<u32>,
}

/// A condition on the content of a version, in CEL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gate {
    /// The gate's name, for messages.
    pub name: RecordName,
    /// The stage whose serving version `champion` means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<StageName>,
    /// The condition; the gate is met only if it is `true`.
    #[schemars(length(min = 1, max = 2048))]
    pub require: String,
    /// What to tell whoever fails it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum ActorKind {
    Person,
    Machine,
    Forge,
}

impl fmt::Display for ActorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ActorKind::Person => "person",
            ActorKind::Machine => "machine",
            ActorKind::Forge => "forge",
        })
    }
}

/// Someone, or something, that signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actor {
    /// person, machine, or forge (a Git host's own merge key); fixed for life.
    pub kind: ActorKind,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An address for people; proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The persons whom a machine stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<ActorId>,
    /// The keys that prove this actor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ActorKey>,
    /// Immutable account ids on Git hosts, by host.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<Key, String>,
    /// True ends all rights of this actor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl Actor {
    /// The accounts on a host: its name is the same in whatever case it is
    /// written.
    pub fn accounts_on<'a>(&'a self, host: &'a Key) -> impl Iterator<Item = (&'a Key, &'a str)> {
        let is_it = |name: &Key| name.as_str().eq_ignore_ascii_case(host.as_str());
        let all = self.accounts.iter();
        all.filter(move |(name, _)| is_it(name))
            .map(|(name, account)| (name, account.as_str()))
    }
}

/// A public key: an OpenSSH line, or a mapping that says more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ActorKey {
    /// An OpenSSH public key line.
    Ssh(String),
    /// An OpenSSH public key with more to say.
    SshEntry(SshKeyEntry),
    /// An OpenPGP certificate.
    OpenPgp(OpenPgpKeyEntry),
}

impl ActorKey {
    /// Whether the key proves nothing new.
    pub fn retired(&self) -> bool {
        match self {
            ActorKey::Ssh(_) => false,
            ActorKey::SshEntry(entry) => entry.retired,
            ActorKey::OpenPgp(entry) => entry.retired,
        }
    }

    /// The OpenSSH line, if it is one.
    pub fn ssh(&self) -> Option<&str> {
        match self {
            ActorKey::Ssh(line) => Some(line),
            ActorKey::SshEntry(entry) => Some(&entry.key),
            ActorKey::OpenPgp(_) => None,
        }
    }

    /// The armoured OpenPGP certificate, if it is one.
    pub fn openpgp(&self) -> Option<&str> {
        match self {
            ActorKey::OpenPgp(entry) => Some(&entry.openpgp),
            _ => None,
        }
    }

    /// The key as it is written: the OpenSSH line or the armour.
    pub fn text(&self) -> &str {
        match self {
            ActorKey::Ssh(line) => line,
            ActorKey::SshEntry(entry) => &entry.key,
            ActorKey::OpenPgp(entry) => &entry.openpgp,
        }
    }
}

/// An OpenSSH public key with more to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshKeyEntry {
    /// The OpenSSH public key line.
    pub key: String,
    /// True: the key proves nothing new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// An OpenPGP certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenPgpKeyEntry {
    /// The armoured certificate.
    pub openpgp: String,
    /// True: the key proves nothing new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// Something that a grant can allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum Action {
    CreateGroup,
    UpdateGroup,
    DeleteGroup,
    Register,
    Annotate,
    AddEvidence,
    Approve,
    Reject,
    Archive,
    Delete,
    Promote,
    Administer,
}

impl Action {
    /// Every action, in the order of the documentation.
    pub const ALL: [Action; 12] = [
        Action::CreateGroup,
        Action::UpdateGroup,
        Action::DeleteGroup,
        Action::Register,
        Action::Annotate,
        Action::AddEvidence,
        Action::Approve,
        Action::Reject,
        Action::Archive,
        Action::Delete,
        Action::Promote,
        Action::Administer,
    ];

    /// The word in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::CreateGroup => "create-group",
            Action::UpdateGroup => "update-group",
            Action::DeleteGroup => "delete-group",
            Action::Register => "register",
            Action::Annotate => "annotate",
            Action::AddEvidence => "add-evidence",
            Action::Approve => "approve",
            Action::Reject => "reject",
            Action::Archive => "archive",
            Action::Delete => "delete",
            Action::Promote => "promote",
            Action::Administer => "administer",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Action::ALL
            .into_iter()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| {
                let known: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
                format!("`{text}` is no action; there are: {}", known.join(", "))
            })
    }
}

/// Who may do what, where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// Actors, or `team:` and a team.
    #[schemars(length(min = 1))]
    pub to: Vec<Principal>,
    /// The actions.
    #[schemars(length(min = 1))]
    pub allow: Vec<Action>,
    /// Globs of groups; case is ignored. `administer` is for the whole
    /// registry whatever stands here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// For `promote`, the stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
}

/// A key that proves nothing any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// The key's fingerprint: `SHA256:…` (OpenSSH), or the OpenPGP fingerprint.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last mainline commit that the key is believed for; from now on when
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<CommitId>,
    /// Versions (`group/n`) whose approval rested on the key and was looked at
    /// again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = r"^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}/[1-9][0-9]*$")))]
    pub reaffirmed: Vec<String>,
}

/// What a change of the policy needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyChangeRule {
    /// How many distinct administrators must agree; at least 1.
    #[schemars(range(min = 1, max = 1000))]
    pub required: u32,
    /// Actors whose keys are kept away for the day that too few administrators are
    /// left: then one of them stands in for those who are missing. Each may always
    /// revoke keys and retire actors, and none alone ends one where `required` is 2 or more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recovery: Vec<ActorId>,
}

impl Default for PolicyChangeRule {
    fn default() -> Self {
        PolicyChangeRule {
            required: 1,
            recovery: Vec::new(),
        }
    }
}

impl PolicyChangeRule {
    fn is_default(&self) -> bool {
        self == &PolicyChangeRule::default()
    }
}

/// A faulty step of the past that was looked at and is accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledgement {
    /// The step's commit.
    pub commit: CommitId,
    /// The codes that are accepted there.
    #[schemars(length(min = 1), inner(regex(pattern = r"^MR[0-9]{3}$")))]
    pub codes: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who may import versions with the status that they had elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportRule {
    /// Actors, or `team:` and a team.
    #[schemars(length(min = 1))]
    pub to: Vec<Principal>,
    /// Globs of groups; case is ignored.
    #[schemars(length(min = 1))]
    pub groups: Vec<String>,
}

impl Registry {
    /// Whether the policy's status graph has this edge. Source: DESIGN of the
    /// lifecycle, `Pending -> Approved | Rejected -> Archived` and two edges
    /// that the policy may add.
    pub fn allows(&self, from: Status, to: Status) -> bool {
        let added = &self.lifecycle.transitions;
        match (from, to) {
            (Status::Pending, Status::Approved | Status::Rejected)
            | (Status::Approved | Status::Rejected, Status::Archived) => true,
            (Status::Approved, Status::Rejected) => !added.approved.is_empty(),
            (Status::Pending, Status::Archived) => !added.pending.is_empty(),
            _ => false,
        }
    }

    /// The statuses that a version may move to from here.
    pub fn next(&self, from: Status) -> Vec<Status> {
        Status::ALL
            .into_iter()
            .filter(|&to| self.allows(from, to))
            .collect()
    }

    /// The stage of this name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| &stage.name == name)
    }
}
