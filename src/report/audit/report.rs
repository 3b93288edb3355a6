//! What an audit tells: nouns only.

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
    /// What was looked at.
    pub range: Range,
    /// What this clone knew of the mainline before, where the report is to say it.
    pub known: Known,
    /// The checkpoint of an earlier audit that the mainline goes on from.
    pub confirmed: Option<Confirmed>,
    /// Everybody who signed, by id.
    pub signers: Vec<Signer>,
    /// Commits and records that speak for nobody, by the reason.
    pub nobody: Vec<Nobody>,
    /// Versions that are Approved now, or serve a stage.
    pub live: Vec<Live>,
    /// What happened to the registry as a whole, in order.
    pub events: Vec<Event>,
    /// The groups by name, with what happened to each.
    pub groups: Vec<Group>,
    /// Findings, notes, and what was read.
    pub report: Report,
    /// How the same report is made again.
    pub again: Again,
}

/// How the same report is made again, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// In any clone, of the report's tip.
    #[default]
    Anywhere,
    /// In any clone whose mainline has the same tip, of the same day: the report
    /// has notes on steps that the day leaves out.
    OnDay {
        /// The day, as it was given.
        day: String,
        /// The mainline's tip.
        mainline: Oid,
    },
    /// Not from a clone alone: a checkpoint, or what one clone verified before,
    /// is part of the report.
    Never,
}

/// Where the pin of the root comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinOrigin {
    /// One word, for programs.
    pub code: &'static str,
    /// The words after "pinned by".
    pub words: &'static str,
}

/// What was looked at.
#[derive(Clone, Debug)]
pub struct Range {
    /// The first step.
    pub root: Oid,
    /// Whether the root is pinned outside the history.
    pub pinned: bool,
    /// The origin of the pin, where the report is about one clone: two clones of one
    /// tip may be pinned otherwise.
    pub pinned_by: Option<PinOrigin>,
    /// The last step.
    pub tip: Oid,
    /// The mainline's name.
    pub mainline: String,
    /// Steps from the root to the tip, both counted.
    pub steps: usize,
    /// Steps that touch nothing of the registry.
    pub links: usize,
    /// Commits after the root whose signature was asked for.
    pub commits: usize,
    /// How many of these are on the other side of a merge.
    pub side_commits: usize,
    /// Typed changes judged.
    pub changes: usize,
}

impl Range {
    /// The state of the root: `pinned`, with its origin where that is told.
    pub fn pinned_words(&self) -> String {
        match (self.pinned, self.pinned_by) {
            (true, Some(origin)) => format!("pinned by {}", origin.words),
            (true, None) => "pinned".to_owned(),
            (false, _) => "taken on trust".to_owned(),
        }
    }
}

/// What is known of the mainline from before: a history that was rewritten as a
/// whole looks like any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// The mainline still holds the point that this clone verified last.
    Holds(Oid),
    /// It does not: a finding says so.
    Lost(Oid),
}

/// A checkpoint of an earlier audit that the mainline goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Its steps.
    pub size: u64,
    /// The last of them.
    pub commit: Oid,
    /// Who signed it; none when it is not signed.
    pub signer: Option<ActorId>,
}

/// Something that the verdict rests on and the history can't prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// A stable word for programs.
    pub code: &'static str,
    /// One sentence.
    pub text: String,
}

/// How many signatures there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Of commits.
    pub commits: usize,
    /// Of records.
    pub records: usize,
}

/// What one actor signed.
#[derive(Clone, Debug)]
pub struct Signer {
    /// Who.
    pub actor: ActorId,
    /// Person, machine or forge; none for whom the last policy does not list.
    pub kind: Option<ActorKind>,
    /// Whether the actor's rights have ended since.
    pub retired: bool,
    /// With all keys together.
    pub uses: Uses,
    /// With each key.
    pub keys: Vec<KeyUse>,
}

/// What was signed with one key.
#[derive(Clone, Debug)]
pub struct KeyUse {
    /// The key's fingerprint.
    pub key: String,
    /// Whether it was revoked since.
    pub revoked: bool,
    /// What it signed.
    pub uses: Uses,
}

/// What speaks for nobody, for one reason.
#[derive(Clone, Debug)]
pub struct Nobody {
    /// The reason: `unsigned`, `unknown key`.
    pub what: String,
    /// The key's fingerprint, when a key made the signature.
    pub key: Option<String>,
    /// How often.
    pub uses: Uses,
}

/// How a change is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// It came with the root, which nothing proves but the pin outside.
    Root,
    /// The record carries its author's own signature.
    Record,
    /// The commit that brings it is signed by its author.
    Commit,
    /// Reviews, or an archival, authorise it, whoever carries it.
    Decision,
    /// Nobody stands behind it.
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

/// Who stands behind a change, and by what.
#[derive(Clone, Debug)]
pub struct Proof {
    /// By what.
    pub means: Means,
    /// Whose act it is; for what a decision authorises, who carries it.
    pub actor: Option<ActorId>,
    /// The fingerprint of the key that signed.
    pub key: Option<String>,
    /// The same in words, for people.
    pub words: String,
}

/// A review or another record, and how it was proven when it was given.
#[derive(Clone, Debug)]
pub struct Given {
    /// The step that brought it; the root is 1.
    pub step: usize,
    /// The commit that brought it.
    pub commit: Oid,
    /// Who, and by what.
    pub proof: Proof,
}

/// What a change makes of a version or stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The version has this status.
    Status(Status),
    /// Somebody decided so.
    Decision(Decision),
    /// The stage serves this version, or nothing.
    Stage(Option<VersionNumber>),
    /// The policy has this serial.
    Policy(u64),
}

/// A finding that a change brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The rule's code.
    pub code: &'static str,
    /// The rule's name.
    pub name: &'static str,
    /// Whether it was acknowledged since.
    pub acknowledged: bool,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Event {
    /// The step; the root is 1.
    pub step: usize,
    /// The step's commit, on the mainline.
    pub mainline: Oid,
    /// The commit that brings it: the step's own, or one behind its merge.
    pub commit: Oid,
    /// When that commit was made, as its committer says, in seconds since
    /// 1970-01-01T00:00:00Z. No verdict rests on it.
    pub time: Option<i64>,
    /// The dates of the step.
    pub dated: Option<Dated>,
    /// The file, from the repository's top.
    pub path: String,
    /// What was done, as an imperative phrase.
    pub phrase: String,
    /// The version that it concerns.
    pub version: Option<VersionId>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// The reason that its author gave; for a policy the subject of the step's
    /// commit.
    pub reason: Option<String>,
    /// Who, and by what.
    pub proof: Proof,
    /// The reviews that decided it, for a move of status.
    pub approval: Option<Box<Approval>>,
    /// What is wrong with it.
    pub flags: Vec<Flag>,
}

/// One review as it was counted.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Whose.
    pub actor: ActorId,
    /// The machine that reported it from a Git host's page.
    pub reported_by: Option<ActorId>,
    /// What was decided.
    pub decision: Decision,
    /// Why it counts for nothing; none when it counts.
    pub void: Option<String>,
    /// How it was proven when it was given.
    pub given: Option<Given>,
}

impl Counted {
    /// Whose decision, and who reports it if another does.
    pub fn voice(&self) -> String {
        voice(&self.actor, self.reported_by.as_ref())
    }
}

/// A rule of the policy that applied.
#[derive(Clone, Debug)]
pub struct AppliedRule {
    /// Its index in the policy's `approvals`.
    pub index: usize,
    /// The groups that it is for.
    pub groups: Vec<String>,
}

/// What a gate said.
#[derive(Clone, Debug)]
pub struct GateOutcome {
    /// The gate's name.
    pub name: RecordName,
    /// The condition.
    pub require: String,
    /// The version that it was compared with.
    pub champion: Option<VersionId>,
    /// Whether it held.
    pub met: bool,
    /// What it saw, in words.
    pub seen: String,
    /// Why it can't be said, when it can't.
    pub reason: Option<String>,
}

/// The reviews that decided a version, and what the policy asked for then.
#[derive(Clone, Debug)]
pub struct Approval {
    /// Where the reviews led.
    pub to: Status,
    /// The step that moved the status; the root is 1.
    pub step: usize,
    /// That step's commit.
    pub mainline: Oid,
    /// When, as its committer says.
    pub time: Option<i64>,
    /// The dates of the step.
    pub dated: Option<Dated>,
    /// The serial of the policy that judged it.
    pub serial: u64,
    /// The rules that applied, all together; none when no rule matches the
    /// group, and one approval by another than the authors is needed.
    pub rules: Vec<AppliedRule>,
    /// How many distinct actors had to approve.
    pub required: u32,
    /// How many of them from each team.
    pub from: BTreeMap<RecordName, u32>,
    /// Whether authors counted for nothing.
    pub four_eyes: bool,
    /// Whether machines counted.
    pub machines: bool,
    /// Sections of the card that had to be filled.
    pub card: Vec<String>,
    /// What the gates said.
    pub gates: Vec<GateOutcome>,
    /// The digest of what was approved.
    pub subject: Digest,
    /// Authors of the version, its card and its evidence.
    pub authors: Vec<ActorId>,
    /// Every review, as it counted.
    pub reviews: Vec<Counted>,
    /// What was missing; empty when the move was authorised.
    pub missing: Vec<String>,
}

/// A stage that a version serves.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The stage.
    pub stage: StageName,
    /// How it came to serve it; none when no step shows.
    pub since: Option<Given>,
}

/// A version in use.
#[derive(Clone, Debug)]
pub struct Live {
    /// Which.
    pub id: VersionId,
    /// Its status; none when its file can't be read as a version.
    pub status: Option<Status>,
    /// The stages that it serves.
    pub serves: Vec<Serving>,
    /// How it was approved; none when no reviews were counted for it.
    pub approval: Option<Approval>,
    /// The change that made it Approved, right or wrong; none when no step
    /// shows.
    pub moved: Option<Given>,
    /// That it was imported as Approved, when that is how it came to be so.
    pub imported: Option<Import>,
    /// The key that its approval rests on and that was not believed any more.
    pub tainted: Option<String>,
}

/// An import with the status that a version had elsewhere.
#[derive(Clone, Debug)]
pub struct Import {
    /// Where it came from, and who decided there.
    pub imported: Imported,
    /// Who imported it: the version's author.
    pub by: ActorId,
    /// Whether the policy let that actor.
    pub granted: bool,
}

/// What a version is at the tip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It has this status.
    Is(Status),
    /// A tombstone stands in its place.
    Deleted,
    /// Its file can't be read as a version.
    Unreadable,
}

impl State {
    /// Every one, in the order of a version's life.
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

/// A group, with what happened to it.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name; as it stands in paths, for what is no group.
    pub name: String,
    /// Whether it is there at the tip, as a group or as its tombstone.
    pub exists: bool,
    /// Whether a tombstone stands in its place.
    pub deleted: bool,
    /// Its versions at the tip, by number.
    pub versions: BTreeMap<VersionNumber, State>,
    /// Which version serves each stage.
    pub stages: BTreeMap<StageName, Option<VersionNumber>>,
    /// What happened to it, in order.
    pub events: Vec<Event>,
}

impl Group {
    /// An empty one.
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
    /// Whether reviews authorised its approval, or the policy its import.
    pub fn is_authorised(&self) -> bool {
        match (&self.approval, &self.imported) {
            (Some(approval), _) => approval.missing.is_empty(),
            (None, import) => import.as_ref().is_some_and(|import| import.granted),
        }
    }
}

impl Audit {
    /// How many versions are in each state at the tip; states that none is in
    /// are left out.
    pub fn census(&self) -> Vec<(State, usize)> {
        let versions = || self.groups.iter().flat_map(|group| group.versions.values());
        State::ALL
            .into_iter()
            .map(|state| (state, versions().filter(|is| **is == state).count()))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// What the verdict rests on and the history can't prove.
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
            // What a checkpoint says of rewrites, it has said above.
            Known::Nothing if self.confirmed.is_some() => None,
            // Nor is there a doubt where one was proven.
            Known::Nothing
                if self
                    .report
                    .findings
                    .iter()
                    .any(|finding| finding.rule.code == "MR506") =>
            {
                None
            }
            Known::Nothing => Some(Trust {
                code: "earlier-rewrite",
                text:
                    "an earlier rewrite can't be excluded: no checkpoint says what the mainline held before"
                        .into(),
            }),
            Known::Holds(point) => Some(Trust {
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
            Known::Lost(_) => None,
        });
        trust.push(Trust {
            code: "commit-dates",
            text: "dates are what committers claim, and count from the latest one that a step before them claims: no verdict rests on them".into(),
        });
        trust
    }
}
