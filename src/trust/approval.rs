//! Which reviews count, and whether they are enough.
//!
//! Reviews are counted once, in the step that moves the status, on the files
//! after it and by the policy before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::delegation::{delegation_fault, is_reported, may_report, reporter};
use super::gate::{GateResult, judge_gates};
use super::selection::{Candidate, best_selection};
use super::{ApprovalNeed, Policy, Verdict, selection};
use crate::base::{Error, Oid};
use crate::record::kind::{
    Action, ActorId, ActorKind, CardSection, Decision, Digest, GroupName, RecordName, RecordPath, Review,
    VersionId,
};
use crate::record::snapshot::{Earlier, Loaded, Snapshot};
use crate::record::subject;

/// The step that took something away.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// Its commit.
    pub by: Oid,
    /// The registry's tree before it.
    pub before: Option<Oid>,
    /// The registry's tree after it.
    pub after: Option<Oid>,
}

/// The history that counting needs beyond the two trees.
pub trait HistoryView {
    /// Returns the signer of the commit that gave this record its present content; `None`
    /// if no history is known. Commits that only reformat are skipped. Asked only for
    /// records that have no signature of their own and are older than the step.
    fn signer_of(&self, policy: &Policy, path: &RecordPath) -> Result<Option<Verdict>, Error>;

    /// Returns the signer of the commit that gives the record this content in the judged
    /// step, or `None` if that is not known. Asked only for records that have no signature
    /// of their own and that the step changes.
    fn signer_in_step(&self, path: &RecordPath, loaded: &Loaded) -> Option<Verdict> {
        let _ = (path, loaded);
        None
    }

    /// Returns a person's own review that the step replaces by one that a machine
    /// reports.
    fn replaced_signed_review(&self, path: &RecordPath) -> Option<Arc<Loaded>> {
        let _ = path;
        None
    }

    /// Returns the history that knows a file's content before it became unreadable, or
    /// `None` if no history is known.
    fn earlier(&self) -> Option<&dyn Earlier> {
        None
    }

    /// Returns the last step that changed the group in this folder, if it was refused,
    /// changed nothing else of the registry, and the folder's tree was `now` before it.
    fn undone(&self, folder: &str, now: Oid) -> Result<Option<Oid>, Error> {
        let _ = (folder, now);
        Ok(None)
    }

    /// Returns the step of the mainline that emptied this path of the registry, or `None` if
    /// the path never had a file, or no history is known.
    fn gone(&self, path: &str) -> Result<Option<Gone>, Error> {
        let _ = path;
        Ok(None)
    }
}

/// Returns why a record that names `by` is not proven to be that actor's, or `None` when it
/// is. Records older than the step were judged when they landed, and one that was a
/// finding then proves nothing now. A record that the step itself adds and that proves
/// nothing is a finding of its own. It supports no move of status either, even if a later
/// policy accepts the finding.
pub fn unproven(
    policy: &Policy,
    prior: &Snapshot<'_>,
    path: &RecordPath,
    loaded: &Loaded,
    by: &ActorId,
    outside: &dyn HistoryView,
) -> Result<Option<String>, Error> {
    // Most records have the signature of a key in use, and need no further check.
    let stood = || -> Result<bool, Error> {
        let before = prior.read(path)?;
        Ok(before.is_some_and(|before| before.same_content(loaded)))
    };
    let verdict = match Verdict::of_record(policy, path, loaded) {
        Some(verdict) => Some(verdict),
        None if stood()? => outside.signer_of(policy, path)?,
        None => outside.signer_in_step(path, loaded),
    };
    Ok(match verdict {
        None => None,
        Some(Verdict::Actor { id, .. }) if id == *by => None,
        // A change that a key proved before it was retired stays proven.
        Some(Verdict::Retired { id, .. }) if id == *by && stood()? => None,
        Some(Verdict::Actor { id, .. }) => Some(format!("it is signed by `{id}`")),
        Some(Verdict::Revoked(key)) => Some(format!("its key {key} is revoked")),
        Some(verdict) => Some(verdict.words()),
    })
}

/// The standing of one review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Counts,
    /// It counts for nothing, for this reason.
    Not(String),
}

/// One review with its worth.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The reviewer.
    pub actor: ActorId,
    /// The machine that reports it from a Git host's page, unless the actor signed it.
    pub reported_by: Option<ActorId>,
    /// The decision.
    pub decision: Decision,
    /// Whether it counts towards an approval, or as a rejection.
    pub standing: Standing,
    /// Whether it would count by itself, and yields to a related one that does.
    pub yields: bool,
    /// The file.
    pub path: RecordPath,
}

impl Counted {
    /// Returns the reviewer, and the machine that reports the review if one does.
    pub fn voice(&self) -> String {
        super::words::voice(&self.actor, self.reported_by.as_ref())
    }
}

/// A missing part of an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Approvals: the count and the number required.
    Approvals {
        /// Counted.
        have: u32,
        /// Needed.
        need: u32,
    },
    /// Approvals from one team.
    Team {
        /// The team.
        team: RecordName,
        /// Counted.
        have: u32,
        /// Needed.
        need: u32,
    },
    /// Sections of the card.
    Card(CardSection),
    /// The same content is rejected.
    Rejected(ActorId),
    /// An artifact or image without a digest; the JSON pointer.
    Undigested(String),
    /// There is nothing to be loaded or run.
    Hollow,
    /// A gate that is not met.
    Gate(RecordName),
}

/// The reviews of one version, counted.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The policy's requirements.
    pub need: ApprovalNeed,
    /// The digest that a review must name now.
    pub subject: Digest,
    /// Every review, with its worth.
    pub reviews: Vec<Counted>,
    /// The missing parts; empty means that the version may be approved.
    pub missing: Vec<Shortfall>,
    /// The result of each gate.
    pub gates: Vec<GateResult>,
    /// The actors who could still give an approval that counts.
    pub could_approve: Vec<ActorId>,
    /// Everyone who is an author of version, card or evidence.
    pub authors: BTreeSet<ActorId>,
}

impl Tally {
    /// Whether no review could ever approve it: its artifacts and images have no digests,
    /// or it has none of them.
    pub fn can_never_be_approved(&self) -> bool {
        let never = |lacks: &Shortfall| matches!(lacks, Shortfall::Undigested(_) | Shortfall::Hollow);
        self.missing.iter().any(never)
    }

    /// The reviews that count towards an approval.
    pub fn counting(&self) -> impl Iterator<Item = &Counted> {
        self.reviews
            .iter()
            .filter(|review| review.decision == Decision::Approved && review.standing == Standing::Counts)
    }

    /// Returns the rejections of this content.
    pub fn rejections(&self) -> impl Iterator<Item = &Counted> {
        self.reviews
            .iter()
            .filter(|review| review.decision == Decision::Rejected && review.standing == Standing::Counts)
    }
}

/// Lists all authors of a version, its card and its evidence.
pub fn authors(
    id: &VersionId,
    version: &Loaded,
    snapshot: &Snapshot<'_>,
) -> Result<BTreeSet<ActorId>, Error> {
    let mut authors: BTreeSet<ActorId> = version.by().into_iter().cloned().collect();
    if let Some(card) = snapshot.read(&RecordPath::Card(id.clone()))?
        && let Some(card) = card.card()
    {
        authors.extend(card.authors.iter().cloned());
        authors.insert(card.by.clone());
    }
    for name in snapshot.evidence(id)? {
        if let Some(loaded) = snapshot.read(&RecordPath::Evidence(id.clone(), name))? {
            authors.extend(loaded.by().cloned());
        }
    }
    Ok(authors)
}

/// Whether an actor's decision about a version counts, if its record is a valid one.
fn decision_worth(
    policy: &Policy,
    need: &ApprovalNeed,
    (id, version): (&VersionId, &Loaded),
    (actor, review): (&ActorId, &Review),
    authors: &BTreeSet<ActorId>,
) -> Standing {
    if let Some(why) = report_worth(policy, need, id, review, authors) {
        return Standing::Not(why);
    }
    let group = &id.group;
    let may_reject =
        || version.by() == Some(actor) || policy.may(actor, Action::Reject, Some(group.as_str()), None);
    match review.decision {
        Decision::Approved => approval_worth(policy, need, group, actor, authors),
        Decision::Rejected if !may_reject() => Standing::Not(format!("`{actor}` may not reject here")),
        _ => Standing::Counts,
    }
}

/// Counts the reviews of a version: on the files at `next`, by `policy`, the one in force
/// before, with the champions of its gates as they are at `prior`.
pub fn tally(
    policy: &Policy,
    prior: &Snapshot<'_>,
    next: &Snapshot<'_>,
    id: &VersionId,
    version: &Loaded,
    outside: &dyn HistoryView,
) -> Result<Tally, Error> {
    let need = policy.need(&id.group);
    let subject = subject::version_subject(policy.id(), id, version, next)?;
    let authors = authors(id, version, next)?;
    let mut reviews = Vec::new();
    for actor in next.reviewers(id)? {
        let path = RecordPath::Review(id.clone(), actor.clone());
        let Some(loaded) = next.read(&path)? else { continue };
        // A reported review never replaces one that the person signed. The step that
        // tries is a finding (MR318), and here the signed review still counts.
        let loaded = outside.replaced_signed_review(&path).unwrap_or(loaded);
        let Some(review) = loaded.review() else { continue };
        let mut standing = worth(policy, prior, &path, &loaded, &subject, outside)?;
        if standing == Standing::Counts {
            standing = decision_worth(policy, &need, (id, version), (&actor, review), &authors);
        }
        reviews.push(Counted {
            reported_by: reporter(review).cloned(),
            actor,
            decision: review.decision,
            standing,
            yields: false,
            path,
        });
    }
    let gates = judge_gates(policy, &need.gates, prior, next, id, version)?;
    let mut tally = Tally {
        need,
        subject,
        reviews,
        missing: Vec::new(),
        gates,
        could_approve: Vec::new(),
        authors,
    };
    let candidates: Vec<Candidate<'_>> = tally.counting().map(Candidate::of).collect();
    let best: Vec<(ActorId, Option<ActorId>)> = best_selection(policy, &tally.need, &candidates)
        .into_iter()
        .map(|chosen| (chosen.actor.clone(), chosen.reported_by.cloned()))
        .collect();
    let full = best.iter().filter(|(_, reporter)| reporter.is_some()).count();
    let full = u32::try_from(full).unwrap_or(u32::MAX) >= tally.need.delegated;
    // Drops approvals whose author is related to one already selected, and reported
    // approvals beyond the policy's number.
    for review in &mut tally.reviews {
        if review.decision == Decision::Approved
            && review.standing == Standing::Counts
            && !best.iter().any(|(actor, _)| *actor == review.actor)
        {
            review.yields = true;
            review.standing = Standing::Not(if full && review.reported_by.is_some() {
                format!(
                    "it was reported by a machine, and the policy counts no more than {} of those",
                    tally.need.delegated
                )
            } else {
                "it shares an owner with another approver, and they count as one".into()
            });
        }
    }
    let chosen: Vec<Candidate<'_>> = best
        .iter()
        .map(|(actor, reported_by)| Candidate {
            actor,
            reported_by: reported_by.as_ref(),
        })
        .collect();
    tally.missing = missing(policy, next, id, version, &tally, &chosen)?;
    tally.could_approve = could_approve(policy, id, &tally, &chosen);
    Ok(tally)
}

/// Whether a review lies where its author's review of that version lies.
fn is_of(path: &RecordPath, review: &Review) -> bool {
    match path {
        RecordPath::Review(id, actor) => {
            review.decider() == actor
                && review.group.as_ref() == Some(&id.group)
                && review.version == Some(id.number)
        }
        _ => false,
    }
}

/// Whether a review names this content, and its reviewer is proven.
fn worth(
    policy: &Policy,
    prior: &Snapshot<'_>,
    path: &RecordPath,
    loaded: &Loaded,
    subject: &Digest,
    outside: &dyn HistoryView,
) -> Result<Standing, Error> {
    let Some(review) = loaded.review() else {
        return Ok(Standing::Not("it can't be read".into()));
    };
    if !is_of(path, review) {
        return Ok(Standing::Not(format!(
            "it is a review by `{}`, and lies at another's place",
            review.decider()
        )));
    }
    if review.decision == Decision::Withdrawn {
        return Ok(Standing::Not("it was withdrawn".into()));
    }
    if review.subject != *subject {
        return Ok(Standing::Not("it was given for other content".into()));
    }
    let unproven = unproven(policy, prior, path, loaded, &review.by, outside)?;
    Ok(unproven.map_or(Standing::Counts, Standing::Not))
}

/// Returns why a review that a machine reports does not count here, or `None` if it does
/// or is the actor's own.
fn report_worth(
    policy: &Policy,
    need: &ApprovalNeed,
    id: &VersionId,
    review: &Review,
    authors: &BTreeSet<ActorId>,
) -> Option<String> {
    if !is_reported(review) {
        return None;
    }
    let by = &review.by;
    if let Some(fault) = delegation_fault(policy, id, review) {
        return Some(fault.message);
    }
    if need.delegated == 0 {
        return Some(format!(
            "it was reported by the machine `{by}`, and the policy counts no such review"
        ));
    }
    // Anyone with the machine's key could have invented the report.
    let author = authors.iter().find(|author| policy.related(by, author))?;
    (need.four_eyes && review.decision == Decision::Approved)
        .then(|| format!("four eyes: `{by}`, which reports it, and the author `{author}` share an owner"))
}

/// A reason for which an approval by itself does not count, on any content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalFault {
    /// The actor may not approve there.
    NotGranted,
    /// The actor is a machine, and machines do not count there.
    Machine,
    /// The actor is this author, or shares an owner with it, and the policy requires four
    /// eyes.
    FourEyes(ActorId),
}

/// Returns why this actor's approval of a version would not count, or `None` if it counts by
/// itself.
pub fn approval_fault(
    policy: &Policy,
    tally: &Tally,
    id: &VersionId,
    actor: &ActorId,
) -> Option<ApprovalFault> {
    fault_of(policy, &tally.need, &id.group, actor, &tally.authors)
}

fn fault_of(
    policy: &Policy,
    need: &ApprovalNeed,
    group: &GroupName,
    actor: &ActorId,
    authors: &BTreeSet<ActorId>,
) -> Option<ApprovalFault> {
    if !policy.may(actor, Action::Approve, Some(group.as_str()), None) {
        return Some(ApprovalFault::NotGranted);
    }
    uncounted(policy, need, actor, authors)
}

/// Returns why this actor's approval of a version would not count even with a grant, or
/// `None` if it would.
pub fn fault_with_grant(policy: &Policy, tally: &Tally, actor: &ActorId) -> Option<ApprovalFault> {
    uncounted(policy, &tally.need, actor, &tally.authors)
}

fn uncounted(
    policy: &Policy,
    need: &ApprovalNeed,
    actor: &ActorId,
    authors: &BTreeSet<ActorId>,
) -> Option<ApprovalFault> {
    let who = policy.actor(actor.as_str());
    if who.is_some_and(|who| who.kind == ActorKind::Machine) && !need.machines {
        return Some(ApprovalFault::Machine);
    }
    let related = authors.iter().filter(|_| need.four_eyes);
    let mut related = related.filter(|author| policy.related(actor, author));
    let first = related.clone().find(|author| *author == actor);
    first
        .or_else(|| related.next())
        .map(|author| ApprovalFault::FourEyes(author.clone()))
}

/// Whether an approval of this content counts here.
pub(super) fn approval_worth(
    policy: &Policy,
    need: &ApprovalNeed,
    group: &GroupName,
    actor: &ActorId,
    authors: &BTreeSet<ActorId>,
) -> Standing {
    match fault_of(policy, need, group, actor, authors) {
        None => Standing::Counts,
        Some(fault) => Standing::Not(fault.words(actor, group)),
    }
}

/// Returns the approver whose review makes this actor's superfluous: the two count as
/// one, and no requirement of the policy could need this one instead.
pub fn dominated_by<'t>(policy: &Policy, tally: &'t Tally, actor: &ActorId) -> Option<&'t ActorId> {
    let everybody = || policy.registry().actors.keys();
    let covers = |other: &ActorId| {
        policy.related(actor, other)
            && everybody().all(|third| !policy.related(other, third) || policy.related(actor, third))
            && tally
                .need
                .from
                .keys()
                .all(|team| !policy.in_team(team.as_str(), actor) || policy.in_team(team.as_str(), other))
    };
    let approvals = tally.reviews.iter().filter(|review| {
        review.decision == Decision::Approved
            && (review.standing == Standing::Counts || review.yields)
            // Reported reviews are limited in number, so a signed one takes no such
            // place.
            && review.reported_by.is_none()
            && review.actor != *actor
    });
    approvals.map(|review| &review.actor).find(|other| covers(other))
}

fn missing(
    policy: &Policy,
    next: &Snapshot<'_>,
    id: &VersionId,
    version: &Loaded,
    tally: &Tally,
    counted: &[Candidate<'_>],
) -> Result<Vec<Shortfall>, Error> {
    let mut missing = Vec::new();
    if let Some(record) = version.version() {
        missing.extend(record.spec.undigested().into_iter().map(Shortfall::Undigested));
        if record.spec.is_hollow() {
            missing.push(Shortfall::Hollow);
        }
    }
    missing.extend(
        tally
            .rejections()
            .map(|review| Shortfall::Rejected(review.actor.clone())),
    );
    let have = u32::try_from(counted.len()).unwrap_or(u32::MAX);
    if have < tally.need.required {
        missing.push(Shortfall::Approvals {
            have,
            need: tally.need.required,
        });
    }
    for (team, need) in &tally.need.from {
        let have = selection::team_count(policy, team, counted);
        if have < *need {
            missing.push(Shortfall::Team {
                team: team.clone(),
                have,
                need: *need,
            });
        }
    }
    missing.extend(
        tally
            .gates
            .iter()
            .filter(|gate| !gate.met)
            .map(|gate| Shortfall::Gate(gate.name().clone())),
    );
    let card = next.read(&RecordPath::Card(id.clone()))?;
    let card = card.as_ref().and_then(|card| card.card());
    let empty = |section: &&CardSection| !card.is_some_and(|card| card.filled(**section));
    missing.extend(
        tally
            .need
            .card
            .iter()
            .filter(empty)
            .map(|section| Shortfall::Card(*section)),
    );
    Ok(missing)
}

/// Lists the actors who could still give an approval that counts. If a team is short,
/// only its members help; otherwise all others who may approve.
fn could_approve(policy: &Policy, id: &VersionId, tally: &Tally, counted: &[Candidate<'_>]) -> Vec<ActorId> {
    let mut short: BTreeMap<&RecordName, u32> = BTreeMap::new();
    let mut quorum_short = 0;
    for shortfall in &tally.missing {
        match shortfall {
            Shortfall::Team { team, have, need } => {
                short.insert(team, need - have);
            }
            Shortfall::Approvals { have, need } => quorum_short = need - have,
            _ => {}
        }
    }
    if short.is_empty() && quorum_short == 0 {
        return Vec::new();
    }
    let only_teams = short.values().sum::<u32>() >= quorum_short && !short.is_empty();
    let holders = policy.holders(Action::Approve, Some(id.group.as_str()), None);
    // A machine reports the decision of a person who signs nothing.
    let can_be_reported = |person: &ActorId| {
        let mut machines = holders.iter().filter(|machine| policy.has_key(machine));
        tally.need.delegated > 0 && machines.any(|machine| may_report(policy, &id.group, machine, person))
    };
    holders
        .iter()
        .filter(|actor| policy.has_key(actor) || can_be_reported(actor))
        .filter(|actor| {
            let candidate = Candidate {
                actor,
                reported_by: None,
            };
            approval_worth(policy, &tally.need, &id.group, actor, &tally.authors) == Standing::Counts
                && !counted.iter().any(|other| candidate.is_related(policy, other))
                && (!only_teams || short.keys().any(|team| policy.in_team(team.as_str(), actor)))
        })
        .cloned()
        .collect()
}
