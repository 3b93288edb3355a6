//! The input of a rule.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use crate::base::{Error, Oid};
use crate::judge::finding::{Anchor, Finding, Note};
use crate::record::change::{Change, ChangeKind, Differences};
use crate::record::kind::{
    Action, ActorId, ModelVersion, REGISTRY_FILE, RecordPath, Registry, StageName, Status, VersionId,
};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::subject;
use crate::trust::{self, Author, Carrier, Carriers, HistoryView, Policy, PolicyTally, Tally};

/// A group whose folder has another name after a step.
pub(super) struct Renamed {
    pub(super) from: String,
    pub(super) to: String,
    /// The files that differ in both folders only by the group's name, by path in the
    /// folder.
    pub(super) same: BTreeSet<String>,
}

/// One step of the mainline: from one tree to the next, made by a commit, judged by the
/// policy in force before it.
pub struct Step<'a> {
    /// The registry before.
    pub prior: Snapshot<'a>,
    /// The registry after.
    pub next: Snapshot<'a>,
    /// The registry at the other parent of a merge.
    pub beside: Option<Snapshot<'a>>,
    /// The policy in force before, or `None` at the root, which only the pin outside
    /// judges.
    pub policy: Option<&'a Policy>,
    /// The carriers of the step and of each of its changes.
    pub carriers: &'a Carriers,
    /// The differences.
    pub differences: &'a Differences,
    /// The history.
    pub outside: &'a dyn HistoryView,
    /// The groups that it renames, once they were searched.
    pub(super) renamed: OnceCell<Rc<Vec<Renamed>>>,
    /// Tallies made so far.
    tallies: RefCell<HashMap<VersionId, Rc<Tally>>>,
    /// The changes of each path, by their index.
    at: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Step<'a> {
    /// A step, ready to be judged.
    pub fn new(
        prior: Snapshot<'a>,
        next: Snapshot<'a>,
        policy: Option<&'a Policy>,
        carriers: &'a Carriers,
        differences: &'a Differences,
        outside: &'a dyn HistoryView,
    ) -> Step<'a> {
        let mut at: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, change) in differences.changes.iter().enumerate() {
            at.entry(&change.path).or_default().push(index);
        }
        Step {
            prior,
            next,
            beside: None,
            policy,
            carriers,
            differences,
            outside,
            renamed: OnceCell::new(),
            tallies: RefCell::default(),
            at,
        }
    }

    /// Returns the record at a path after the step. A file that the step leaves
    /// unreadable keeps its last readable content.
    pub fn says(&self, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error> {
        let here = self.next.read(path)?;
        let is_gone = here.is_none() && !self.next.holds(path)?;
        if is_gone || here.as_ref().is_some_and(|here| here.record.is_some()) {
            return Ok(here);
        }
        let of_path = self
            .changes()
            .iter()
            .rev()
            .filter(|change| change.record.as_ref() == Some(path));
        let mut sides = of_path
            .flat_map(|change| [&change.after, &change.before])
            .flatten();
        match sides.find(|side| side.record.is_some()) {
            Some(said) => Ok(Some(said.clone())),
            None => self.prior.read(path),
        }
    }

    /// The changes of the step.
    pub fn changes(&self) -> &'a [Change] {
        &self.differences.changes
    }

    /// The changes of one path, in the order in which they are judged.
    pub fn changes_at(&self, path: &str) -> impl Iterator<Item = &'a Change> {
        let changes = &self.differences.changes;
        let at = self.at.get(path).map_or(&[][..], Vec::as_slice);
        at.iter().filter_map(|index| changes.get(*index))
    }

    /// Counts the reviews of a version in this step.
    pub fn tally(&self, policy: &Policy, id: &VersionId, version: &Loaded) -> Result<Rc<Tally>, Error> {
        if let Some(tally) = self.tallies.borrow().get(id) {
            return Ok(tally.clone());
        }
        let tally = Rc::new(trust::tally(
            policy,
            &self.prior,
            &self.next,
            id,
            version,
            &StepHistory(self),
        )?);
        self.tallies.borrow_mut().insert(id.clone(), tally.clone());
        Ok(tally)
    }

    /// Whether the step changes only the policy and the reviews of it.
    pub fn is_of_policy_alone(&self) -> bool {
        let brings = |change: &Change| change.brings_policy() && self.policy.is_some();
        let of_policy =
            |change: &Change| brings(change) || matches!(change.kind, ChangeKind::PolicyReviewed { .. });
        self.changes().iter().all(of_policy)
    }

    /// Whether the step adds a policy that ends this actor's own keys or rights and does
    /// nothing else: the one that a review of this serial names.
    pub fn ends_only_own(&self, policy: &Policy, actor: &ActorId, review: &Loaded) -> bool {
        let Some(review) = review.review() else {
            return false;
        };
        let mut replaced = policy.clone();
        for change in self.changes() {
            let Some(after) = change.after.as_ref().filter(|_| change.brings_policy()) else {
                continue;
            };
            if review.subject == subject::policy_subject(policy.id(), after.value())
                && trust::ends_only_own(&replaced, after, actor)
            {
                return true;
            }
            replaced = Policy::new(after.clone()).unwrap_or(replaced);
        }
        false
    }

    /// Whether the step registers this version.
    pub fn registers(&self, path: &str) -> bool {
        self.changes_at(path)
            .any(|change| change.kind == ChangeKind::VersionRegistered)
    }
}

/// The history before the step, and the signers of the changes in the step itself.
pub struct StepHistory<'s, 'a>(pub &'s Step<'a>);

impl HistoryView for StepHistory<'_, '_> {
    fn gone(&self, path: &str) -> Result<Option<trust::Gone>, Error> {
        self.0.outside.gone(path)
    }

    fn signer_of(&self, policy: &Policy, path: &RecordPath) -> Result<Option<trust::Verdict>, Error> {
        self.0.outside.signer_of(policy, path)
    }

    fn signer_in_step(&self, path: &RecordPath, loaded: &Loaded) -> Option<trust::Verdict> {
        // A merged branch may give one record several values, one after the other: this
        // finds the author of this value.
        let mut changes = self.0.changes().iter();
        let index = changes.rposition(|change| {
            let says = change
                .after
                .as_ref()
                .is_some_and(|after| after.same_content(loaded));
            change.record.as_ref() == Some(path) && says && trust::is_authored(&change.kind)
        })?;
        Some(self.0.carriers.of(index).verdict.clone())
    }

    fn replaced_signed_review(&self, path: &RecordPath) -> Option<Arc<Loaded>> {
        let now = self.0.next.read(path).ok()??;
        if !now.review().is_some_and(trust::is_reported) {
            return None;
        }
        let of_path = |change: &&Change| change.record.as_ref() == Some(path);
        let mut before = self
            .0
            .changes()
            .iter()
            .rev()
            .filter(of_path)
            .map(|change| &change.before);
        before
            .find_map(|before| {
                before
                    .as_ref()
                    .filter(|it| it.review().is_some_and(|it| !trust::is_reported(it)))
            })
            .cloned()
    }
}

/// One change within its step, with its author, under the policy in force.
pub struct Scene<'a> {
    /// The step.
    pub step: &'a Step<'a>,
    /// The policy in force before it.
    pub policy: &'a Policy,
    /// The change.
    pub change: &'a Change,
    /// The author.
    pub author: &'a Author,
}

impl Scene<'_> {
    /// The record's path, when the change is in a record.
    pub fn record(&self) -> Option<&RecordPath> {
        self.change.record.as_ref()
    }

    /// The version that the change belongs to.
    pub fn version_id(&self) -> Option<&VersionId> {
        self.record()?.version()
    }

    /// Returns the version's file after the step.
    pub fn version(&self) -> Result<Option<Arc<Loaded>>, Error> {
        match self.version_id() {
            Some(id) => self.step.next.read(&RecordPath::Version(id.clone())),
            None => Ok(None),
        }
    }

    /// Lists the moves of status that the change makes: one, except for a version that
    /// first appears Archived and was decided on the way.
    pub fn moves(&self) -> Result<Vec<(Status, Status)>, Error> {
        let ChangeKind::StatusMoved { from, to } = self.change.kind else {
            return Ok(Vec::new());
        };
        let (Some(id), Some(after)) = (self.version_id(), self.change.after.as_ref()) else {
            return Ok(Vec::new());
        };
        let jumps =
            to == Status::Archived && from == Status::Pending && self.step.registers(&self.change.path);
        // A version that may be removed undecided needs no detour.
        if !jumps || self.policy.registry().allows(from, to) {
            return Ok(vec![(from, to)]);
        }
        let tally = self.step.tally(self.policy, id, after)?;
        // A version that is rejected too was not Approved on the way.
        let on_the_way = if tally.rejections().next().is_some() {
            Some(Status::Rejected)
        } else if tally.counting().next().is_some() {
            Some(Status::Approved)
        } else {
            None
        };
        Ok(match on_the_way {
            Some(middle) => vec![(from, middle), (middle, to)],
            None => vec![(from, to)],
        })
    }

    /// Returns the tally, when the change moves the version to `to`, on the way or at
    /// last.
    pub fn tally_of_move(&self, to: Status) -> Result<Option<(VersionId, Rc<Tally>)>, Error> {
        // Illegal transitions are reported by MR203 only.
        let leads = |(from, target): &(Status, Status)| {
            *target == to && self.policy.registry().allows(*from, *target)
        };
        if !self.moves()?.iter().any(leads) {
            return Ok(None);
        }
        let (Some(id), Some(after)) = (self.version_id(), self.change.after.as_ref()) else {
            return Ok(None);
        };
        Ok(Some((id.clone(), self.step.tally(self.policy, id, after)?)))
    }

    /// The version's typed record after the change.
    pub fn version_after(&self) -> Option<&ModelVersion> {
        self.change.after.as_ref()?.version()
    }

    /// A place in the changed file.
    pub fn at(&self, pointer: &str) -> Anchor {
        match self.change.after {
            Some(_) => Anchor::after(&self.change.path, pointer),
            None => Anchor::before(&self.change.path, pointer),
        }
    }
}

/// A policy that a step adds.
pub struct PolicyScene<'a> {
    /// The step.
    pub step: &'a Step<'a>,
    /// The policy that it replaces: the one in force before, or the one before it on the
    /// side that a merge adds, or `None` at the root.
    pub before: Option<&'a Policy>,
    /// The policy in force before, which holds the rights, or `None` at the root.
    pub authority: Option<&'a Policy>,
    /// The carrier.
    pub carrier: &'a Carrier,
    /// The new one, ready to ask.
    pub after: &'a Policy,
    /// Whether the step only revokes, retires and reaffirms versions. Shortfalls of the
    /// policy are then reported as notes, and do not refuse it.
    pub only_ends: bool,
}

impl PolicyScene<'_> {
    /// Returns the new file's content.
    pub fn registry(&self) -> &Registry {
        self.after.registry()
    }

    /// Counts the actors who agree to the new policy, or `None` at the root, where no
    /// agreement is needed.
    pub fn tally(&self) -> Result<Option<PolicyTally>, Error> {
        let (Some(authority), Some(before)) = (self.authority, self.before) else {
            return Ok(None);
        };
        trust::tally_policy(
            authority,
            before,
            (&self.step.prior, &self.step.next),
            &self.after.source,
            self.carrier,
            &StepHistory(self.step),
        )
        .map(Some)
    }
}

/// Where a place in the new policy is.
pub fn in_policy(pointer: impl Into<String>) -> Anchor {
    Anchor::after(REGISTRY_FILE, pointer)
}

/// The findings and notes of the rules.
#[derive(Default)]
pub struct Findings {
    pub(super) list: Vec<Finding<Anchor>>,
    pub(super) notes: Vec<Note>,
}

impl Findings {
    /// Something is wrong.
    pub fn push(&mut self, finding: Finding<Anchor>) {
        self.list.push(finding);
    }

    /// Something is worth knowing.
    pub fn note(&mut self, message: impl Into<String>, path: Option<String>) {
        self.notes.push(Note {
            message: message.into(),
            path,
            commit: None,
        });
    }
}

/// Formats "`a`, `b` and `c`", or `nobody` for an empty list.
pub fn names<T: std::fmt::Display>(items: &[T], nobody: &str) -> String {
    let quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    match quoted.split_last() {
        None => nobody.to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Whether the change is only valid with a particular author. Moves of status rest on
/// reviews; a policy has rules of its own.
pub fn needs_author(scene: &Scene<'_>) -> bool {
    trust::is_authored(&scene.change.kind) || trust::needed_action(scene.change).is_some()
}

/// Returns the place for findings about the author of a change: the author's line, else
/// the file.
pub fn at_author(scene: &Scene<'_>) -> Anchor {
    match (&scene.change.kind, &scene.change.after) {
        (ChangeKind::VersionAnnotated { pointers }, Some(_)) => {
            scene.at(pointers.first().map_or("", String::as_str))
        }
        (_, Some(after)) if after.by().is_some() && trust::is_authored(&scene.change.kind) => scene.at("/by"),
        (ChangeKind::ProtectedChanged, _) => Anchor::file(&scene.change.path),
        _ => scene.at(""),
    }
}

/// Adds the lines of the policy that require `member` of an approval.
pub fn at_rules(
    mut finding: Finding<Anchor>,
    policy: &Policy,
    rules: &[usize],
    member: &str,
) -> Finding<Anchor> {
    for index in rules {
        let pointer = format!("/approvals/{index}/{member}");
        if policy.source.value().pointer(&pointer).is_some() {
            finding = finding.related(Anchor::before(REGISTRY_FILE, pointer), "the policy asks for this");
        }
    }
    finding
}

/// Formats "`a`, `b` or `c`", or `nobody` for an empty list.
pub fn one_of<T: std::fmt::Display>(items: &[T], nobody: &str) -> String {
    names(items, nobody).replace(" and ", " or ")
}

/// Adds a remedy for a missing approval: ask one of the actors who could give it.
pub fn ask(finding: Finding<Anchor>, id: &VersionId, could: &[ActorId]) -> Finding<Anchor> {
    match could {
        [] => finding.choose(
            "nobody else could approve: have an administrator look at the grants and the approval rules",
        ),
        could => finding.help(format!(
            "write `status: Pending`, and ask {} to run `modelry approve {id} -m REASON`, which moves it",
            one_of(could, "nobody")
        )),
    }
}

/// Returns the command that signs a change: of its commit, or of the working tree.
pub fn sign_command(author: &Author) -> &'static str {
    match author.commit {
        Some(_) => "`git commit --amend --no-edit -S`",
        None => "`git commit -a -S -m REASON`",
    }
}

/// Those who may register in a group.
pub fn registrars(policy: &Policy, group: &str) -> String {
    one_of(
        &policy.able(Action::Register, Some(group), None),
        "an actor with `register`",
    )
}

/// Returns the remedy for a change that only an administrator can make.
pub fn ask_administrator(policy: &Policy) -> String {
    let holders = policy.administrators();
    format!("ask {}", one_of(&holders, "an administrator"))
}

/// Something that a key proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistrustedChange {
    /// The step.
    pub commit: Oid,
    /// The change, as a phrase.
    pub phrase: String,
    /// The group that it concerns, or `None` for the policy.
    pub group: Option<String>,
    /// The version that it is about, if it is about one.
    pub version: Option<VersionId>,
    /// The version that it approves, if it is an approval or an import.
    pub approves: Option<VersionId>,
    /// The stages that require Approved and that this version served when the key was
    /// revoked.
    pub serves: Vec<StageName>,
}
