//! The content of an audit, as types.

use std::collections::BTreeMap;

use crate::base::Oid;
use crate::judge::finding::Report;
use crate::judge::history::Dated;
use crate::record::kind::{
    ActorId, ActorKind, Decision, Digest, GroupName, Imported, RecordName, StageName, Status, VersionId,
    VersionNumber,
};
use crate::trust::voice;

/// A whole audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The registry's name.
    pub name: String,
    /// The registry's id.
    pub id: String,
    /// The registry's folder from the repository's top; empty for the top.
    pub folder: String,
    /// The serial of the policy in force at the tip.
    pub serial: u64,
    /// The audited part of the history.
    pub range: Range,
    /// The clone's knowledge of the mainline from before, if the report includes it.
    pub known: PriorKnowledge,
    /// The checkpoint of an earlier audit that the mainline continues.
    pub confirmed: Option<Confirmed>,
    /// Every actor who signed, by id.
    pub signers: Vec<Signer>,
    /// Commits and records whose signature proves no actor, by reason.
    pub nobody: Vec<Nobody>,
    /// Versions that are Approved at the tip or serve a stage.
    pub live: Vec<Live>,
    /// Changes of the registry as a whole, in order.
    pub events: Vec<Event>,
    /// The groups by name, with their changes.
    pub groups: Vec<Group>,
    /// Findings, notes and the number of documents read.
    pub report: Report,
    /// The way to reproduce the report.
    pub again: Again,
}

/// The way to reproduce the report byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// In any clone, at the report's tip.
    #[default]
    Anywhere,
    /// In any clone whose mainline has the same tip, with the same day: the report has
    /// notes on steps that the day leaves out.
    OnDay {
        /// The day, as it was given.
        day: String,
        /// The mainline's tip.
        mainline: Oid,
    },
    /// Not from a clone alone: the report includes a checkpoint, or the point that one
    /// clone verified before.
    Never,
}

/// The origin of the root's pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinOrigin {
    /// One word, for programs.
    pub code: &'static str,
    /// The words after "pinned by".
    pub words: &'static str,
}

impl serde::Serialize for PinOrigin {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.code)
    }
}

/// The audited part of the history.
#[derive(Clone, Debug)]
pub struct Range {
    /// The first step.
    pub root: Oid,
    /// Whether the root is pinned outside the history.
    pub pinned: bool,
    /// The origin of the pin, if the report covers one clone. Other clones of the same
    /// tip may have another pin.
    pub pinned_by: Option<PinOrigin>,
    /// The last step.
    pub tip: Oid,
    /// The mainline's name.
    pub mainline: String,
    /// Steps from the root to the tip, both included.
    pub steps: usize,
    /// Steps that do not change the registry.
    pub links: usize,
    /// Commits after the root whose signature was checked.
    pub commits: usize,
    /// The number of these commits on the other side of a merge.
    pub side_commits: usize,
    /// Typed changes judged.
    pub changes: usize,
}

impl Range {
    /// The state of the root: `pinned`, with the origin of the pin if the report
    /// includes it.
    pub fn pinned_words(&self) -> String {
        match (self.pinned, self.pinned_by) {
            (true, Some(origin)) => format!("pinned by {}", origin.words),
            (true, None) => "pinned".to_owned(),
            (false, _) => "taken on trust".to_owned(),
        }
    }
}

/// The knowledge of the mainline from before. Without it, a completely rewritten
/// history looks like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PriorKnowledge {
    /// No earlier knowledge.
    #[default]
    Nothing,
    /// The mainline still contains the point that this clone verified last.
    Holds(Oid),
    /// The mainline lost that point; a finding reports it.
    Lost(Oid),
}

/// A checkpoint of an earlier audit that the mainline continues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// The number of steps.
    pub size: u64,
    /// The last step.
    pub commit: Oid,
    /// The actor who signed the checkpoint, or `None` if it is unsigned.
    pub signer: Option<ActorId>,
}

/// An assumption of the verdict that the history can't prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// A stable word for programs.
    pub code: &'static str,
    /// The assumption, in one sentence.
    pub text: String,
}

/// The number of signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Signatures of commits.
    pub commits: usize,
    /// Signatures of records.
    pub records: usize,
}

/// The signatures of one actor.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The actor.
    pub actor: ActorId,
    /// Person, machine or forge, or `None` if the last policy does not list the actor.
    pub kind: Option<ActorKind>,
    /// Whether the actor has been retired since.
    pub retired: bool,
    /// The signatures of all keys together.
    pub uses: Uses,
    /// The signatures of each key.
    pub keys: Vec<KeyUse>,
}

/// The signatures of one key.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// The key's fingerprint.
    pub key: String,
    /// Whether the key has been revoked since.
    pub revoked: bool,
    /// The number of signatures.
    pub uses: Uses,
}

/// Commits and records that prove no actor, for one reason.
#[derive(Clone, Debug)]
pub struct Nobody {
    /// The reason: `unsigned`, `unknown key`.
    pub what: String,
    /// The key's fingerprint, if a key made the signature.
    pub key: Option<String>,
    /// The number of commits and records.
    pub uses: Uses,
}

/// The way in which a change is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The change came with the root. Only the pin outside the history proves it.
    Root,
    /// The author's own signature in the record.
    Record,
    /// The author's signature of the commit that adds the change.
    Commit,
    /// Reviews, or an archival, authorise the change, whoever committed it.
    Decision,
    /// No actor is proven.
    Nobody,
}

impl Means {
    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Means::Root => "root",
            Means::Record => "record",
            Means::Commit => "commit",
            Means::Decision => "decision",
            Means::Nobody => "nobody",
        }
    }
}

/// The actor behind a change, and the proof.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The kind of proof.
    pub means: Means,
    /// The author of the change. If a decision authorises the change, the actor who
    /// committed it.
    pub actor: Option<ActorId>,
    /// The fingerprint of the signing key.
    pub key: Option<String>,
    /// The proof in words, for people.
    pub words: String,
}

/// A review or another record, and its proof at the time it was added.
#[derive(Clone, Debug)]
pub struct Given {
    /// The step that added it; the root is 1.
    pub step: usize,
    /// The commit that added it.
    pub commit: Oid,
    /// The actor, and the proof.
    pub proof: Proof,
}

/// The result of a change for a version or stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new status of the version.
    Status(Status),
    /// The decision of a reviewer.
    Decision(Decision),
    /// The version that the stage now serves, or `None`.
    Stage(Option<VersionNumber>),
    /// The new serial of the policy.
    Policy(u64),
}

/// A finding that a change caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub name: &'static str,
    /// Whether a later policy acknowledged the finding.
    pub acknowledged: bool,
}

/// One change of the registry.
#[derive(Clone, Debug)]
pub struct Event {
    /// The step; the root is 1.
    pub step: usize,
    /// The step's commit, on the mainline.
    pub mainline: Oid,
    /// The commit that makes the change: the step's own, or one of its merged side.
    pub commit: Oid,
    /// The time of that commit according to its committer, in seconds since
    /// 1970-01-01T00:00:00Z. No verdict depends on it.
    pub time: Option<i64>,
    /// The dates of the step.
    pub dated: Option<Dated>,
    /// The file, from the repository's top.
    pub path: String,
    /// The change, as an imperative phrase.
    pub phrase: String,
    /// The version that the change concerns.
    pub version: Option<VersionId>,
    /// The result of the change.
    pub outcome: Option<Outcome>,
    /// The reason that the author gave; for a policy, the subject of the step's commit.
    pub reason: Option<String>,
    /// The actor, and the proof.
    pub proof: Proof,
    /// The reviews that decided a change of status.
    pub approval: Option<Box<Approval>>,
    /// The findings that the change caused.
    pub flags: Vec<Flag>,
}

/// One review, as it was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The reviewer.
    pub actor: ActorId,
    /// The machine that reported the review from a Git host.
    pub reported_by: Option<ActorId>,
    /// The decision of the reviewer.
    pub decision: Decision,
    /// The reason why the review did not count, or `None` if it counted.
    pub void: Option<String>,
    /// Its proof at the time it was added.
    pub given: Option<Given>,
}

impl Counted {
    /// The reviewer, and the machine that reported the review, if any.
    pub fn voice(&self) -> String {
        voice(&self.actor, self.reported_by.as_ref())
    }
}

/// A rule of the policy that applied.
#[derive(Clone, Debug)]
pub struct AppliedRule {
    /// Its index in the policy's `approvals`.
    pub index: usize,
    /// The groups that the rule applies to.
    pub groups: Vec<String>,
}

/// The result of a gate.
#[derive(Clone, Debug)]
pub struct GateOutcome {
    /// The gate's name.
    pub name: RecordName,
    /// The condition.
    pub require: String,
    /// The version that the gate compared with.
    pub champion: Option<VersionId>,
    /// Whether the gate was met.
    pub met: bool,
    /// The values that the gate used, in words.
    pub seen: String,
    /// The reason why the gate has no result, if it has none.
    pub reason: Option<String>,
}

/// The reviews that decided a version, and the policy's requirements at that time.
#[derive(Clone, Debug)]
pub struct Approval {
    /// The status that the reviews led to.
    pub to: Status,
    /// The step that moved the status; the root is 1.
    pub step: usize,
    /// That step's commit.
    pub mainline: Oid,
    /// The time of the step according to its committer.
    pub time: Option<i64>,
    /// The dates of the step.
    pub dated: Option<Dated>,
    /// The serial of the policy that applied.
    pub serial: u64,
    /// The rules that applied, all together. If no rule matches the group, the list is
    /// empty, and one approval by an actor who is not an author is needed.
    pub rules: Vec<AppliedRule>,
    /// The number of distinct actors who had to approve.
    pub required: u32,
    /// The number of approvals needed from each team.
    pub from: BTreeMap<RecordName, u32>,
    /// Whether approvals by authors were ignored.
    pub four_eyes: bool,
    /// Whether reviews of machines counted.
    pub machines: bool,
    /// Sections of the card that had to be filled.
    pub card: Vec<String>,
    /// The results of the gates.
    pub gates: Vec<GateOutcome>,
    /// The digest of the approved content.
    pub subject: Digest,
    /// Authors of the version, its card and its evidence.
    pub authors: Vec<ActorId>,
    /// Every review, as it was counted.
    pub reviews: Vec<Counted>,
    /// The missing requirements; empty if the change was authorised.
    pub missing: Vec<String>,
}

/// A stage that a version serves.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The stage.
    pub stage: StageName,
    /// The assignment, or `None` if no step shows it.
    pub since: Option<Given>,
}

/// A version in use.
#[derive(Clone, Debug)]
pub struct Live {
    /// The version.
    pub id: VersionId,
    /// The status, or `None` if the file can't be read as a version.
    pub status: Option<Status>,
    /// The stages that the version serves.
    pub serves: Vec<Serving>,
    /// The approval, or `None` if no reviews were counted for the version.
    pub approval: Option<Approval>,
    /// The change that made the version Approved, allowed or not, or `None` if no step
    /// shows it.
    pub moved: Option<Given>,
    /// The import, if the version became Approved by one.
    pub imported: Option<Import>,
    /// The distrusted key that the approval depends on.
    pub tainted: Option<String>,
}

/// An import of a version with the status that it had elsewhere.
#[derive(Clone, Debug)]
pub struct Import {
    /// The registry that it came from, and the person who decided there.
    pub imported: Imported,
    /// The actor who imported it: the version's author.
    pub by: ActorId,
    /// Whether the policy allowed the import.
    pub granted: bool,
}

/// The state of a version at the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// The version has this status.
    Is(Status),
    /// The version was deleted, and a tombstone replaces it.
    Deleted,
    /// The file can't be read as a version.
    Unreadable,
}

impl State {
    /// Every state, in the order of a version's life.
    pub const ALL: [State; 6] = [
        State::Is(Status::Pending),
        State::Is(Status::Approved),
        State::Is(Status::Rejected),
        State::Is(Status::Archived),
        State::Deleted,
        State::Unreadable,
    ];

    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Is(status) => status.as_str(),
            State::Deleted => "Deleted",
            State::Unreadable => "Unreadable",
        }
    }
}

/// A group, with its changes.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's name. For a folder that is not a group, the name in the path.
    pub name: String,
    /// Whether the group exists at the tip, as a group or as its tombstone.
    pub exists: bool,
    /// Whether the group was deleted, and a tombstone replaces it.
    pub deleted: bool,
    /// The versions at the tip, by number.
    pub versions: BTreeMap<VersionNumber, State>,
    /// The version that serves each stage.
    pub stages: BTreeMap<StageName, Option<VersionNumber>>,
    /// The changes of the group, in order.
    pub events: Vec<Event>,
}

impl Group {
    /// Starts a group without versions and events.
    pub fn named(name: &GroupName) -> Group {
        Group {
            name: name.to_string(),
            exists: true,
            deleted: false,
            versions: BTreeMap::new(),
            stages: BTreeMap::new(),
            events: Vec::new(),
        }
    }
}

impl Live {
    /// Whether reviews authorised the approval, or the policy the import.
    pub fn is_authorised(&self) -> bool {
        match (&self.approval, &self.imported) {
            (Some(approval), _) => approval.missing.is_empty(),
            (None, import) => import.as_ref().is_some_and(|import| import.granted),
        }
    }
}

impl Audit {
    /// Counts the versions in each state at the tip. States without versions are left
    /// out.
    pub fn census(&self) -> Vec<(State, usize)> {
        let versions = || self.groups.iter().flat_map(|group| group.versions.values());
        State::ALL
            .into_iter()
            .map(|state| (state, versions().filter(|is| **is == state).count()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Lists the assumptions of the verdict that the history can't prove.
    pub fn trust(&self) -> Vec<Trust> {
        let root = self.range.root.short();
        let mut trust = vec![match self.range.pinned {
            true => Trust {
                code: "root-pinned",
                text: format!(
                    "the root {root} is {}: that it is the right one, with the first administrators' keys, was known from outside",
                    self.range.pinned_words()
                ),
            },
            false => Trust {
                code: "root-on-trust",
                text: format!(
                    "the root {root} was taken on trust: nothing says that this is the registry that was meant"
                ),
            },
        }];
        if let Some(confirmed) = &self.confirmed {
            let steps = match confirmed.size {
                1 => "1 step".to_owned(),
                size => format!("{size} steps"),
            };
            let signer = match &confirmed.signer {
                Some(actor) => format!("signed by `{actor}`"),
                None => "not signed".to_owned(),
            };
            trust.push(Trust {
                code: "checkpoint",
                text: format!(
                    "since the checkpoint of {steps}, up to {}, history only grew; that the checkpoint is the one that was written is known from the place where it is kept, and it is {signer}",
                    confirmed.commit.short()
                ),
            });
        }
        trust.extend(match self.known {
            // A checkpoint's statement on rewrites was added above.
            PriorKnowledge::Nothing if self.confirmed.is_some() => None,
            // A proven rewrite leaves no doubt to report.
            PriorKnowledge::Nothing
                if self
                    .report
                    .findings
                    .iter()
                    .any(|finding| finding.rule.code == "MR506") =>
            {
                None
            }
            PriorKnowledge::Nothing => Some(Trust {
                code: "earlier-rewrite",
                text:
                    "an earlier rewrite can't be excluded: no checkpoint says what the mainline held before"
                        .into(),
            }),
            PriorKnowledge::Holds(point) => Some(Trust {
                code: "verified-point",
                text: format!(
                    "what was before {}, which this clone verified, was not rewritten since then{}",
                    point.short(),
                    match self.confirmed {
                        Some(_) => "",
                        None => "; of earlier times nothing is known",
                    }
                ),
            }),
            PriorKnowledge::Lost(_) => None,
        });
        trust.push(Trust {
            code: "commit-dates",
            text: "dates are what committers claim, and count from the latest one that a step before them claims: no verdict rests on them".into(),
        });
        trust
    }
}
