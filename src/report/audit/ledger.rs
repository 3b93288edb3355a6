//! The ledger: every judged step, recorded as it is judged.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::flags::{acknowledge, flags, from_top};
use super::report::{
    Again, AppliedRule, Approval, Audit, Confirmed, Counted, Event, Flag, GateOutcome, Given, Group, Import,
    KeyUse, Live, Means, Nobody, Outcome, PinOrigin, PriorKnowledge, Proof, Range, Serving, Signer, State,
    Uses,
};
use crate::base::{Error, Oid};
use crate::judge::finding::Report;
use crate::judge::history::{self, Dates, JudgedStep, claimed as time};
use crate::judge::rules::Decided;
use crate::object::{Commit, Objects};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{ActorId, Decision, GroupName, RecordPath, StageName, Status, VersionId};
use crate::record::snapshot::Snapshot;
use crate::trust::{Author, Carrier, Policy, Standing, Verdict, shortfall_words};

/// The state after the last step was judged.
pub struct Ending<'a> {
    /// The store.
    pub objects: &'a dyn Objects,
    /// The registry at the tip.
    pub snapshot: &'a Snapshot<'a>,
    /// The policy in force there.
    pub policy: &'a Policy,
    /// The commit of the root.
    pub root: Oid,
    /// Whether the root is pinned.
    pub pinned: bool,
    /// The origin of the pin, if the report names it.
    pub pinned_by: Option<PinOrigin>,
    /// The commit of the tip.
    pub tip: Oid,
    /// The mainline's name.
    pub mainline: String,
    /// The dates of the mainline's steps.
    pub dates: &'a Dates,
    /// The findings.
    pub report: Report,
    /// The knowledge of the mainline from before.
    pub known: PriorKnowledge,
    /// The checkpoint that the mainline continues.
    pub confirmed: Option<Confirmed>,
    /// Versions whose approval depends on a distrusted key.
    pub tainted: &'a BTreeMap<VersionId, String>,
    /// The way to reproduce the report.
    pub again: Again,
}

/// Every judged step from the root on.
pub struct Ledger<'a> {
    /// The registry's folder from the repository's top.
    folder: &'a str,
    /// Whether the root is pinned.
    pinned: bool,
    steps: usize,
    links: usize,
    changes: usize,
    /// Commits whose signature was checked.
    asked: HashSet<Oid>,
    side_commits: usize,
    /// The time of each commit, as far as known.
    times: HashMap<Oid, Option<i64>>,
    signers: BTreeMap<ActorId, BTreeMap<String, Uses>>,
    nobody: BTreeMap<(String, Option<String>), Uses>,
    /// The last review of each actor, of each version.
    reviews: HashMap<(VersionId, ActorId), Given>,
    archivals: HashMap<VersionId, Given>,
    approvals: HashMap<VersionId, Approval>,
    /// The moves that made versions Approved.
    moves: HashMap<VersionId, Given>,
    /// Versions that are Approved by an import, and whether the policy allowed the
    /// import.
    imports: HashMap<VersionId, bool>,
    stages: HashMap<(GroupName, StageName), Given>,
    /// The events by group, with `None` for the registry as a whole.
    events: BTreeMap<Option<String>, Vec<Event>>,
}

/// The actors' names: "a, b and c".
fn list<'n>(names: impl Iterator<Item = &'n ActorId>) -> String {
    let names: Vec<&str> = names.map(ActorId::as_str).collect();
    match names.split_last() {
        None => "nobody".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

impl<'a> Ledger<'a> {
    /// Opens the ledger before the root of the registry in `folder`.
    pub fn new(folder: &'a str, pinned: bool) -> Ledger<'a> {
        Ledger {
            folder,
            pinned,
            steps: 0,
            links: 0,
            changes: 0,
            asked: HashSet::new(),
            side_commits: 0,
            times: HashMap::new(),
            signers: BTreeMap::new(),
            nobody: BTreeMap::new(),
            reviews: HashMap::new(),
            archivals: HashMap::new(),
            approvals: HashMap::new(),
            moves: HashMap::new(),
            imports: HashMap::new(),
            stages: HashMap::new(),
            events: BTreeMap::new(),
        }
    }

    /// Records one step.
    pub fn enter(&mut self, commit: &Commit, step: &JudgedStep) {
        self.steps += 1;
        self.times.insert(commit.id, time(commit));
        let Some(verdict) = &step.verdict else {
            self.links += 1;
            return;
        };
        self.changes += step.changes.len();
        // The pin proves the root; its signature is not checked.
        if step.policy.is_some() {
            self.asked(commit.id, verdict, false);
            for carrier in &step.carriers {
                if let Some(id) = carrier.commit.filter(|id| *id != commit.id) {
                    self.asked(id, &carrier.verdict, true);
                }
            }
        }
        let flags = flags(step, self.folder);
        for ((index, change), flags) in step.changes.iter().enumerate().zip(flags) {
            self.change(commit, step, (index, change), flags);
        }
    }

    /// Counts a commit's signature once.
    fn asked(&mut self, commit: Oid, verdict: &Verdict, side: bool) {
        if self.asked.insert(commit) {
            self.side_commits += usize::from(side);
            self.uses(verdict).commits += 1;
        }
    }

    /// Returns the counter for signatures of this kind.
    fn uses(&mut self, verdict: &Verdict) -> &mut Uses {
        let (what, key) = match verdict {
            Verdict::Actor { id, key } => {
                let keys = self.signers.entry(id.clone()).or_default();
                return keys.entry(key.clone()).or_default();
            }
            Verdict::Unsigned | Verdict::Nobody | Verdict::Host => ("unsigned".to_owned(), None),
            Verdict::NotStrict(_) => ("not in strict form".to_owned(), None),
            Verdict::Bad(_) => ("bad signature".to_owned(), None),
            Verdict::UnknownKey(key) => ("unknown key".to_owned(), Some(key.clone())),
            Verdict::Retired { id, key, actor: true } => (format!("retired actor {id}"), Some(key.clone())),
            Verdict::Retired { id, key, .. } => (format!("retired key of {id}"), Some(key.clone())),
            Verdict::Revoked(key) => ("revoked key".to_owned(), Some(key.clone())),
        };
        self.nobody.entry((what, key)).or_default()
    }

    fn change(
        &mut self,
        commit: &Commit,
        step: &JudgedStep,
        (index, change): (usize, &Change),
        flags: Vec<Flag>,
    ) {
        let author = step.authors.get(index);
        // Labels given at registration belong to the same record.
        let is_counted = !matches!(change.kind, ChangeKind::VersionAnnotated { .. });
        if let Some(author) = author.filter(|author| author.by_record && is_counted) {
            self.uses(&author.verdict).records += 1;
        }
        // The decisions have the order of the changes.
        let decided = step
            .decided
            .binary_search_by_key(&index, |decided| decided.change);
        let decided = decided.ok().and_then(|at| step.decided.get(at));
        let approval = decided.map(|decided| self.approval(commit, step, decided));
        let proof = self.proof(change, author, step.carriers.get(index), approval.as_ref());
        let given = Given {
            step: self.steps,
            commit: author.and_then(|author| author.commit).unwrap_or(commit.id),
            proof,
        };
        // A finding reports whether the policy allowed it.
        let granted = given.proof.actor.is_some() && flags.iter().all(|flag| flag.code != "MR215");
        self.remember(change, &given, approval.as_ref(), granted);
        let text = |key: &str| {
            let value = change.after.as_ref()?.value().get(key)?;
            value.as_str().map(str::to_owned)
        };
        let event = Event {
            step: self.steps,
            mainline: commit.id,
            commit: given.commit,
            time: None,
            dated: None,
            path: from_top(self.folder, change),
            phrase: change.phrase(),
            version: change.record.as_ref().and_then(RecordPath::version).cloned(),
            outcome: match &change.kind {
                ChangeKind::StatusMoved { to: status, .. } | ChangeKind::VersionImported { status } => {
                    Some(Outcome::Status(*status))
                }
                ChangeKind::Reviewed { decision, .. } | ChangeKind::PolicyReviewed { decision } => {
                    Some(Outcome::Decision(*decision))
                }
                ChangeKind::StageMoved { to, .. } => Some(Outcome::Stage(*to)),
                ChangeKind::RegistryCreated | ChangeKind::PolicyChanged => change
                    .after
                    .as_ref()
                    .and_then(|after| after.registry())
                    .map(|registry| Outcome::Policy(registry.serial)),
                _ => None,
            },
            reason: match change.kind {
                ChangeKind::PolicyChanged => Some(commit.subject().to_owned()),
                _ => text("reason").filter(|_| change.kind.is_decision()),
            },
            proof: given.proof,
            approval: approval.map(Box::new),
            flags,
        };
        let group = change.group().map(str::to_owned);
        self.events.entry(group).or_default().push(event);
    }

    /// Keeps the data that later steps refer to.
    fn remember(&mut self, change: &Change, given: &Given, approval: Option<&Approval>, granted: bool) {
        match (&change.kind, &change.record) {
            (ChangeKind::Reviewed { .. }, Some(RecordPath::Review(id, actor))) => {
                self.reviews.insert((id.clone(), actor.clone()), given.clone());
            }
            (ChangeKind::Added(_) | ChangeKind::Changed(_), Some(RecordPath::Archival(id))) => {
                self.archivals.insert(id.clone(), given.clone());
            }
            (ChangeKind::StageMoved { .. }, Some(RecordPath::Stage(group, stage))) => {
                self.stages.insert((group.clone(), stage.clone()), given.clone());
            }
            (
                ChangeKind::VersionImported {
                    status: Status::Approved,
                },
                Some(RecordPath::Version(id)),
            ) => {
                self.moves.insert(id.clone(), given.clone());
                self.imports.insert(id.clone(), granted);
            }
            (ChangeKind::StatusMoved { to, .. }, Some(RecordPath::Version(id))) => {
                // Only the last move shows how a version became Approved.
                self.approvals.remove(id);
                self.moves.remove(id);
                self.imports.remove(id);
                if *to == Status::Approved {
                    self.moves.insert(id.clone(), given.clone());
                    let approval = approval.filter(|approval| approval.to == *to);
                    self.approvals.extend(approval.map(|it| (id.clone(), it.clone())));
                }
            }
            _ => {}
        }
    }

    fn approval(&self, commit: &Commit, step: &JudgedStep, decided: &Decided) -> Approval {
        let tally = &decided.tally;
        let registry = step.policy.as_ref().and_then(|policy| policy.registry());
        let rule = |index: &usize| AppliedRule {
            index: *index,
            groups: registry
                .and_then(|registry| registry.approvals.get(*index))
                .map_or_else(Vec::new, |rule| rule.groups.clone()),
        };
        let reviews = tally.reviews.iter().map(|review| Counted {
            actor: review.actor.clone(),
            reported_by: review.reported_by.clone(),
            decision: review.decision,
            void: match &review.standing {
                Standing::Counts => None,
                Standing::Not(why) => Some(why.clone()),
            },
            given: self
                .reviews
                .get(&(decided.id.clone(), review.actor.clone()))
                .cloned(),
        });
        let gates = tally.gates.iter().map(|gate| GateOutcome {
            name: gate.name().clone(),
            require: gate.placed.gate.require.clone(),
            champion: gate.champion.clone(),
            met: gate.met,
            seen: gate.seen(),
            reason: gate.reason.clone(),
        });
        // A rejection needs no quorum.
        let missing = match decided.to {
            Status::Approved => tally.missing.iter().map(shortfall_words).collect(),
            _ if tally.rejections().next().is_none() => vec!["a rejection that counts".to_owned()],
            _ => Vec::new(),
        };
        Approval {
            to: decided.to,
            step: self.steps,
            mainline: commit.id,
            time: time(commit),
            dated: None,
            serial: registry.map_or(0, |registry| registry.serial),
            rules: tally.need.rules.iter().map(rule).collect(),
            required: tally.need.required,
            from: tally.need.from.clone(),
            four_eyes: tally.need.four_eyes,
            machines: tally.need.machines,
            card: tally.need.card.iter().map(ToString::to_string).collect(),
            gates: gates.collect(),
            subject: tally.subject.clone(),
            authors: tally.authors.iter().cloned().collect(),
            reviews: reviews.collect(),
            missing,
        }
    }

    fn proof(
        &self,
        change: &Change,
        author: Option<&Author>,
        carrier: Option<&Rc<Carrier>>,
        approval: Option<&Approval>,
    ) -> Proof {
        let Some(author) = author else {
            let words = match self.pinned {
                true => "the root, which is pinned",
                false => "the root, which was taken on trust",
            };
            return Proof {
                means: Means::Root,
                actor: None,
                key: None,
                words: words.into(),
            };
        };
        let (actor, key) = match &author.verdict {
            Verdict::Actor { id, key } => (Some(id.clone()), Some(key.clone())),
            _ => (None, None),
        };
        let signed = match (&actor, author.by_record) {
            (Some(_), true) => Means::Record,
            (Some(_), false) => Means::Commit,
            (None, _) => Means::Nobody,
        };
        let charge = carrier
            .and_then(|carrier| carrier.charge)
            .map_or_else(String::new, |charge| {
                format!("; charged to the merge: {}", charge.words())
            });
        let carried = match &actor {
            Some(actor) => format!("carried by {actor}"),
            None => "carried by nobody".to_owned(),
        };
        let (means, words) = match (self.authority(change, approval), signed) {
            (Some(words), _) => (Means::Decision, format!("{words}; {carried}")),
            (None, Means::Record) => (signed, "record signature".to_owned()),
            (None, Means::Commit) => (signed, format!("commit signature{charge}")),
            (None, _) => (signed, format!("{}{charge}", author.verdict.words())),
        };
        Proof {
            means,
            actor,
            key,
            words,
        }
    }

    /// Names the authority for a change of status, whoever committed it.
    fn authority(&self, change: &Change, approval: Option<&Approval>) -> Option<String> {
        let ChangeKind::StatusMoved { to, .. } = change.kind else {
            return None;
        };
        if let Some(approval) = approval.filter(|approval| approval.to == to) {
            if !approval.missing.is_empty() {
                return Some(format!(
                    "not authorised (missing: {})",
                    approval.missing.join(", ")
                ));
            }
            let decision = match to {
                Status::Approved => Decision::Approved,
                _ => Decision::Rejected,
            };
            let counting = approval
                .reviews
                .iter()
                .filter(|review| review.void.is_none() && review.decision == decision);
            let names = list(counting.map(|review| &review.actor));
            return Some(format!("authorised by {names}"));
        }
        let id = change.record.as_ref()?.version()?;
        let archival = self.archivals.get(id).filter(|_| to == Status::Archived)?;
        Some(match &archival.proof.actor {
            Some(actor) => format!("authorised by the archival of {actor}"),
            None => "not authorised: nobody stands behind the archival".to_owned(),
        })
    }

    /// Adds the dates of the mainline to the events and approvals.
    fn date(&mut self, ending: &Ending<'_>) -> Result<(), Error> {
        let dates = ending.dates.by_commit();
        let dated = |commit: &Oid| dates.get(commit).copied();
        for event in self.events.values_mut().flatten() {
            event.dated = dated(&event.mainline);
            if let Some(approval) = &mut event.approval {
                approval.dated = dated(&approval.mainline);
            }
            event.time = match self.times.get(&event.commit) {
                Some(time) => *time,
                None => {
                    let found = time(&history::read_commit(ending.objects, event.commit)?);
                    self.times.insert(event.commit, found);
                    found
                }
            };
        }
        for approval in self.approvals.values_mut() {
            approval.dated = dated(&approval.mainline);
        }
        Ok(())
    }

    /// Closes the ledger.
    pub fn close(mut self, ending: Ending<'_>) -> Result<Audit, Error> {
        self.date(&ending)?;
        let mut events = std::mem::take(&mut self.events);
        acknowledge(&mut events, &ending.report);
        let registry = ending.policy.registry();
        let mut groups = Vec::new();
        let mut live = Vec::new();
        for name in ending.snapshot.groups()? {
            let mut group = self.group(&name, &ending, &mut live)?;
            group.events = events.remove(&Some(group.name.clone())).unwrap_or_default();
            groups.push(group);
        }
        let whole = events.remove(&None).unwrap_or_default();
        // A name that is not a group at the tip still has a history.
        for (name, events) in events {
            groups.push(Group {
                name: name.unwrap_or_default(),
                exists: false,
                deleted: false,
                versions: BTreeMap::new(),
                stages: BTreeMap::new(),
                events,
            });
        }
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        let signers = self.signers.into_iter();
        let signers = signers.map(|(actor, keys)| signer(actor, keys, ending.policy));
        let nobody = |((what, key), uses)| Nobody { what, key, uses };
        Ok(Audit {
            name: registry.name.to_string(),
            id: ending.policy.id().to_owned(),
            folder: self.folder.to_owned(),
            serial: registry.serial,
            range: Range {
                root: ending.root,
                pinned: ending.pinned,
                pinned_by: ending.pinned_by,
                tip: ending.tip,
                mainline: ending.mainline,
                steps: self.steps,
                links: self.links,
                commits: self.asked.len(),
                side_commits: self.side_commits,
                changes: self.changes,
            },
            known: ending.known,
            confirmed: ending.confirmed,
            signers: signers.collect(),
            nobody: self.nobody.into_iter().map(nobody).collect(),
            live,
            events: whole,
            groups,
            again: ending.again,
            report: ending.report,
        })
    }

    /// Describes a group at the tip, and adds its versions in use to `live`.
    fn group(&self, name: &GroupName, ending: &Ending<'_>, live: &mut Vec<Live>) -> Result<Group, Error> {
        let snapshot = ending.snapshot;
        let mut group = Group::named(name);
        let file = snapshot.read(&RecordPath::Group(name.clone()))?;
        group.deleted = file.is_some_and(|file| file.tombstone().is_some());
        for stage in snapshot.stages(name)? {
            let file = snapshot.read(&RecordPath::Stage(name.clone(), stage.clone()))?;
            if let Some(record) = file.as_ref().and_then(|file| file.stage()) {
                group.stages.insert(stage, record.version);
            }
        }
        for number in snapshot.versions(name)? {
            let id = VersionId {
                group: name.clone(),
                number,
            };
            let file = snapshot.read(&RecordPath::Version(id.clone()))?;
            let file = file.as_deref();
            let state = match (
                file.and_then(|file| file.version()),
                file.and_then(|file| file.tombstone()),
            ) {
                (Some(version), _) => State::Is(version.status),
                (None, Some(_)) => State::Deleted,
                (None, None) => State::Unreadable,
            };
            group.versions.insert(number, state);
            let serves: Vec<Serving> = group
                .stages
                .iter()
                .filter(|(_, serving)| **serving == Some(number))
                .map(|(stage, _)| Serving {
                    stage: stage.clone(),
                    since: self.stages.get(&(name.clone(), stage.clone())).cloned(),
                })
                .collect();
            if state == State::Is(Status::Approved) || !serves.is_empty() {
                live.push(Live {
                    approval: self.approvals.get(&id).cloned(),
                    moved: self.moves.get(&id).cloned(),
                    imported: self.imports.get(&id).and_then(|granted| {
                        let version = file.and_then(|file| file.version())?;
                        Some(Import {
                            imported: version.imported.clone()?,
                            by: version.by.clone(),
                            granted: *granted,
                        })
                    }),
                    status: match state {
                        State::Is(status) => Some(status),
                        _ => None,
                    },
                    serves,
                    tainted: ending.tainted.get(&id).cloned(),
                    id,
                });
            }
        }
        Ok(group)
    }
}

/// Sums up what an actor signed, with each key.
fn signer(actor: ActorId, keys: BTreeMap<String, Uses>, policy: &Policy) -> Signer {
    let listed = policy.actor(actor.as_str());
    let mut uses = Uses::default();
    for one in keys.values() {
        uses.commits += one.commits;
        uses.records += one.records;
    }
    Signer {
        kind: listed.map(|listed| listed.kind),
        retired: listed.is_some_and(|listed| listed.retired),
        actor,
        uses,
        keys: keys
            .into_iter()
            .map(|(key, uses)| KeyUse {
                revoked: policy.keys.is_revoked(&key),
                key,
                uses,
            })
            .collect(),
    }
}
