//! `registry.yaml`: the policy. It defines stages, actors and their rights, and the
//! requirements of an approval.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ActorId, ApiVersion, CommitId, Document, Key, Principal, RecordName, RegistryId, StageName, kind_word,
};

kind_word! {
    /// The policy.
    RegistryKind = Registry
}

/// The policy of a registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// The format of this file.
    pub api_version: ApiVersion,
    /// The kind of this record.
    pub kind: RegistryKind,
    /// The registry's name, for people.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,
    /// 128 random bits, fixed for life. A signature made for one registry is invalid in
    /// any other.
    pub id: RegistryId,
    /// A counter that each change of this file raises, from 1.
    #[schemars(range(min = 1, max = 9_007_199_254_740_992_u64))]
    pub serial: u64,
    /// The purpose of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The ways in which the Git host may land a pull request; all of them if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub landing: Option<Vec<Landing>>,
    /// The stages that versions serve, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Edges added to the status graph.
    #[serde(default, skip_serializing_if = "Lifecycle::is_empty")]
    pub lifecycle: Lifecycle,
    /// Requirements of an approval. All rules that match a group apply together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalRule>,
    /// The actors, by id. An actor is never removed.
    #[schemars(length(min = 1))]
    pub actors: BTreeMap<ActorId, Actor>,
    /// Teams of actors, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<RecordName, Vec<ActorId>>,
    /// Rights of the actors. An actor has no right that a grant does not name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
    /// Keys that no longer prove anything; the list only grows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Revocation>,
    /// Globs of files outside the registry whose change needs `administer`. They match
    /// from the top of the repository and ignore case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// Requirements of a change of this file.
    #[serde(default, skip_serializing_if = "PolicyChangeRule::is_default")]
    pub policy_change: PolicyChangeRule,
    /// Faulty steps of the past that an administrator examined and accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<Acknowledgement>,
    /// Actors who may import versions with the status that they had elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<ImportRule>,
}

impl Document for Registry {
    fn by(&self) -> Option<&ActorId> {
        None
    }
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
    /// Every way.
    pub const ALL: [Landing; 3] = [Landing::Merge, Landing::Squash, Landing::Rebase];

    /// The name in the policy.
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
    /// The status that a version needs to serve the stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<RequiredStatus>,
    /// The purpose of the stage.
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

/// Edges added to those of `record/lifecycle.rs`, which writes the schema's words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifecycle {
    /// The added edges, by the status that they start from.
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
    /// From Approved.
    #[serde(rename = "Approved", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    pub approved: Vec<AddedFromApproved>,
    /// From Pending.
    #[serde(rename = "Pending", default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1))]
    pub pending: Vec<AddedFromPending>,
}

/// A status that the policy may let an approved version move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum AddedFromApproved {
    Rejected,
}

/// A status that the policy may let a pending version move to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(
    missing_docs,
    reason = "documented variants make schemars emit oneOf, whose errors say nothing"
)]
pub enum AddedFromPending {
    Archived,
}

/// Requirements of an approval in the groups that match.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// Globs of groups; case is ignored.
    #[schemars(length(min = 1))]
    pub groups: Vec<String>,
    /// The number of distinct actors who must approve; at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub required: Option<u32>,
    /// The number of approvals that must come from each team.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(inner(range(min = 1, max = 1000)))]
    pub from: BTreeMap<RecordName, u32>,
    /// Whether approvals by an author of the version, its card or its evidence are
    /// ignored; true if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub four_eyes: Option<bool>,
    /// Sections of the card that must be filled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub card: Vec<super::CardSection>,
    /// Conditions on the content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<Gate>,
    /// Whether the reviews of machines count. If true, the rule needs a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<bool>,
    /// The most reviews reported by a machine for a person that may count.
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
    /// The stage whose serving version `champion` refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub champion: Option<StageName>,
    /// The condition. The gate passes only if it evaluates to `true`.
    #[schemars(length(min = 1, max = 2048))]
    pub require: String,
    /// The message shown when the gate fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The kind of an actor.
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

/// A person or a machine that signs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Actor {
    /// person, machine, or forge (a Git host's own merge key); fixed for life.
    pub kind: ActorKind,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An address for people. It proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The persons whom a machine acts for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<ActorId>,
    /// The keys that prove this actor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<ActorKey>,
    /// Immutable account ids on Git hosts, by host.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<Key, String>,
    /// Whether the actor is retired. A retired actor has no rights.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

impl Actor {
    /// Returns the accounts on a host; the host's name is compared without case.
    pub fn accounts_on<'a>(&'a self, host: &'a Key) -> impl Iterator<Item = (&'a Key, &'a str)> {
        let is_it = |name: &Key| name.as_str().eq_ignore_ascii_case(host.as_str());
        let all = self.accounts.iter();
        all.filter(move |(name, _)| is_it(name))
            .map(|(name, account)| (name, account.as_str()))
    }
}

/// A public key: an OpenSSH line, or a mapping with more members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum ActorKey {
    /// An OpenSSH public key line.
    Ssh(String),
    /// An OpenSSH public key with more members.
    SshEntry(SshKeyEntry),
    /// An OpenPGP certificate.
    OpenPgp(OpenPgpKeyEntry),
}

impl ActorKey {
    /// Whether the key is retired: it proves nothing new.
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

/// An OpenSSH public key with more members.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SshKeyEntry {
    /// The OpenSSH public key line.
    pub key: String,
    /// Whether the key is retired: it proves nothing new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// An OpenPGP certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenPgpKeyEntry {
    /// The armoured certificate.
    pub openpgp: String,
    /// Whether the key is retired: it proves nothing new.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
}

/// An action that a grant can allow.
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

/// A right: actors, the actions that they may take, and the groups where they may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Grant {
    /// Actors, or `team:` and a team.
    #[schemars(length(min = 1))]
    pub to: Vec<Principal>,
    /// The actions.
    #[schemars(length(min = 1))]
    pub allow: Vec<Action>,
    /// Globs of groups; case is ignored. `administer` always applies to the whole
    /// registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// For `promote`, the stages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageName>,
}

/// A revoked key, which proves nothing from a given commit on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revocation {
    /// The key's fingerprint: `SHA256:…` (OpenSSH), or the OpenPGP fingerprint.
    #[schemars(length(min = 1, max = 128))]
    pub key: String,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last mainline commit for which the key's signatures still count. If absent,
    /// the revocation starts with the step that adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<CommitId>,
    /// Versions (`group/n`) whose approval depended on the key and was confirmed after
    /// the revocation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(inner(regex(pattern = r"^[a-zA-Z0-9][a-zA-Z0-9-]{0,62}/[1-9][0-9]*$")))]
    pub reaffirmed: Vec<String>,
}

/// Requirements of a change of the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyChangeRule {
    /// The number of distinct administrators who must agree; at least 1.
    #[schemars(range(min = 1, max = 1000))]
    pub required: u32,
    /// Actors whose keys are kept offline for the day that too few administrators are
    /// left; one of them then replaces the missing administrators. A recovery actor may
    /// always revoke keys and retire actors. Where `required` is 2 or more, one other
    /// administrator alone can't end a recovery actor.
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

/// A faulty step of the past that an administrator examined and accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Acknowledgement {
    /// The step's commit.
    pub commit: CommitId,
    /// The finding codes accepted for the step.
    #[schemars(length(min = 1), inner(regex(pattern = r"^MR[0-9]{3}$")))]
    pub codes: Vec<String>,
    /// The reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A right to import versions with the status that they had elsewhere.
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
    /// The stage of this name.
    pub fn stage(&self, name: &StageName) -> Option<&Stage> {
        self.stages.iter().find(|stage| &stage.name == name)
    }
}
