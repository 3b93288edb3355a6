//! The policy made ready to ask: globs compiled, keys by fingerprint, teams resolved.
//! Unusable parts are skipped, so that a broken line grants nothing; rules of family
//! MR4xx name them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use globset::GlobMatcher;

use super::gate::{self, PlacedGate};
use super::glob::group_glob;
use super::protect::Protect;
use super::{Credential, KeyStanding, Keyring, fingerprint};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{
    Action, Actor, ActorId, ActorKind, CardSection, Decision, GroupName, Landing, Principal, RecordName,
    RecordPath, Registry, StageName, VersionId,
};
use crate::record::snapshot::Loaded;
use crate::trust::condition::{Expr, ExprFault};

/// The requirements for an approval in one group: the stricter value of every rule that
/// matches.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalNeed {
    /// Distinct actors.
    pub required: u32,
    /// How many of them from each team.
    pub from: BTreeMap<RecordName, u32>,
    /// Whether the approvals of authors do not count.
    pub four_eyes: bool,
    /// Sections of the card that must be filled.
    pub card: BTreeSet<CardSection>,
    /// Conditions on the content.
    pub gates: Vec<PlacedGate>,
    /// Whether machines count.
    pub machines: bool,
    /// How many reported reviews may count.
    pub delegated: u32,
    /// Indexes into `approvals` of the rules that match.
    pub rules: Vec<usize>,
}

/// A policy in force.
#[derive(Clone)]
pub struct Policy {
    /// The file.
    pub source: Arc<Loaded>,
    registry: Rc<Registry>,
    /// Keys to actors.
    pub keys: Keyring,
    approvals: Vec<Vec<GlobMatcher>>,
    grants: Vec<Vec<GlobMatcher>>,
    imports: Vec<Vec<GlobMatcher>>,
    protect: Protect,
    gates: RefCell<HashMap<(usize, usize), CompiledGate>>,
}

/// A gate's condition, or the fault in it.
type CompiledGate = Rc<Result<Expr, ExprFault>>;

impl Policy {
    /// Reads the policy in this file, or `None` when the file is not a policy.
    pub fn new(source: Arc<Loaded>) -> Option<Policy> {
        let registry = Rc::new(source.registry()?.clone());
        let compile = |globs: &[String]| globs.iter().filter_map(|glob| group_glob(glob).ok()).collect();
        Some(Policy {
            keys: Keyring::new(&registry),
            approvals: registry
                .approvals
                .iter()
                .map(|rule| compile(&rule.groups))
                .collect(),
            grants: registry
                .grants
                .iter()
                .map(|grant| compile(&grant.groups))
                .collect(),
            imports: registry
                .imports
                .iter()
                .map(|rule| compile(&rule.groups))
                .collect(),
            protect: Protect::new(&registry.protect),
            gates: RefCell::default(),
            source,
            registry,
        })
    }

    /// The condition of a gate, compiled once.
    pub fn gate(&self, placed: &PlacedGate) -> CompiledGate {
        let mut gates = self.gates.borrow_mut();
        let compiled = gates
            .entry((placed.rule, placed.index))
            .or_insert_with(|| Rc::new(gate::compile(&placed.gate)));
        compiled.clone()
    }

    /// Returns the file's content.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The registry's id.
    pub fn id(&self) -> &str {
        self.registry.id.as_str()
    }

    /// The actor of this id.
    pub fn actor(&self, id: &str) -> Option<&Actor> {
        self.registry.actors.get(id)
    }

    /// Whether a version counts again although a revoked key approved it.
    pub fn reaffirms(&self, key: &str, id: &VersionId) -> bool {
        let revoked = self.registry.revoked.iter();
        let id = id.to_string();
        revoked
            .filter(|entry| fingerprint(&entry.key) == fingerprint(key))
            .any(|entry| entry.reaffirmed.contains(&id))
    }

    /// The ways in which the Git host may land a branch.
    pub fn landing(&self) -> &[Landing] {
        self.registry.landing.as_deref().unwrap_or(&Landing::ALL)
    }

    /// Whether a file (path from the repository's top) is protected. A file at the path of
    /// a protected folder is protected too: it replaces everything in the folder.
    pub fn protects(&self, path: &str) -> bool {
        self.protect.names(path)
    }

    /// Whether a link or a submodule (path from the repository's top) is protected. In
    /// the place of any folder that a glob may need, also below `**`, readers find its
    /// files at protected paths.
    pub fn protects_link(&self, path: &str) -> bool {
        self.protects(path) || self.protect.leads_through(path)
    }

    /// Whether something below a folder (path from the repository's top) may be
    /// protected.
    pub fn may_protect_below(&self, folder: &str) -> bool {
        self.protect.leads_below(folder)
    }

    /// Appends what the globs of `protect` know of a folder: below two folders of equal
    /// state, they protect the same names. Returns `None` if they depend on more.
    pub fn protection(&self, folder: &str, state: &mut Vec<u16>) -> Option<()> {
        self.protect.state(folder, state)
    }

    /// Whether any file outside the registry is protected.
    pub fn protects_anything(&self) -> bool {
        !self.protect.is_empty()
    }

    /// Whether this principal includes the actor.
    pub fn is_meant(&self, principal: &Principal, actor: &ActorId) -> bool {
        match principal.team() {
            Some(team) => self
                .registry
                .teams
                .get(team)
                .is_some_and(|members| members.contains(actor)),
            None => principal.as_str() == actor.as_str(),
        }
    }

    /// Whether the actor is in the team.
    pub fn in_team(&self, team: &str, actor: &ActorId) -> bool {
        self.registry
            .teams
            .get(team)
            .is_some_and(|members| members.contains(actor))
    }

    /// Whether the actor has a key that proves new changes.
    pub fn has_key(&self, id: &ActorId) -> bool {
        let keys = self.actor(id.as_str()).map_or(&[][..], |actor| &actor.keys[..]);
        let good = |(key, _): &(String, String)| matches!(self.keys.standing(key), KeyStanding::Good(_));
        keys.iter()
            .any(|key| Credential::of(key).is_ok_and(|credential| credential.keys().iter().any(good)))
    }

    /// Everybody who can do this there now: the holders of the grant who have a key that
    /// is neither retired nor revoked.
    pub fn able(&self, action: Action, group: Option<&str>, stage: Option<&StageName>) -> Vec<ActorId> {
        let mut able = self.holders(action, group, stage);
        able.retain(|id| self.has_key(id));
        able
    }

    /// The administrators with a key in force.
    pub fn administrators(&self) -> Vec<ActorId> {
        self.able(Action::Administer, None, None)
    }

    /// How many administrators a change of the policy needs.
    pub fn policy_quorum(&self) -> usize {
        self.registry.policy_change.required.max(1) as usize
    }

    /// Whether the actor is a person who can replace administrators when too few are
    /// left.
    pub fn is_recovery(&self, id: &ActorId) -> bool {
        let who = self.actor(id.as_str());
        self.registry.policy_change.recovery.contains(id)
            && who.is_some_and(|who| who.kind == ActorKind::Person && !who.retired)
    }

    /// Lists the recovery actors who could replace administrators now.
    pub fn recovery(&self) -> Vec<ActorId> {
        let named = self.registry.policy_change.recovery.iter();
        let mut able: Vec<ActorId> = named.cloned().collect();
        able.retain(|id| self.is_recovery(id) && self.has_key(id));
        able
    }

    /// Whether a person who is not retired answers for this machine.
    pub fn has_living_owner(&self, machine: &Actor) -> bool {
        let living = |owner: &ActorId| {
            let owner = self.actor(owner.as_str());
            owner.is_some_and(|owner| owner.kind == ActorKind::Person && !owner.retired)
        };
        machine.owners.iter().any(living)
    }

    /// Whether the actor may do this, there. Retired actors have no rights, nor have
    /// machines without an owner. A forge may only annotate and make or update groups.
    /// `administer` is for persons and for the whole registry.
    pub fn may(
        &self,
        actor: &ActorId,
        action: Action,
        group: Option<&str>,
        stage: Option<&StageName>,
    ) -> bool {
        let Some(who) = self.actor(actor.as_str()).filter(|who| !who.retired) else {
            return false;
        };
        let fits_kind = match who.kind {
            ActorKind::Person => true,
            ActorKind::Machine => action != Action::Administer && self.has_living_owner(who),
            ActorKind::Forge => {
                matches!(
                    action,
                    Action::Annotate | Action::CreateGroup | Action::UpdateGroup
                )
            }
        };
        fits_kind
            && self
                .registry
                .grants
                .iter()
                .zip(&self.grants)
                .any(|(grant, globs)| {
                    grant.allow.contains(&action)
                        && grant.to.iter().any(|principal| self.is_meant(principal, actor))
                        && (action == Action::Administer
                            || group.is_some_and(|group| globs.iter().any(|glob| glob.is_match(group))))
                        && (action != Action::Promote
                            || stage.is_some_and(|stage| grant.stages.contains(stage)))
                })
    }

    /// Whether the actor may import versions into this group with the status that they
    /// had elsewhere. Retired actors, forges, and machines without an owner may not.
    pub fn may_import(&self, actor: &ActorId, group: &str) -> bool {
        let fits = |who: &Actor| match who.kind {
            ActorKind::Person => !who.retired,
            ActorKind::Machine => !who.retired && self.has_living_owner(who),
            ActorKind::Forge => false,
        };
        self.actor(actor.as_str()).is_some_and(fits)
            && self
                .registry
                .imports
                .iter()
                .zip(&self.imports)
                .any(|(rule, globs)| {
                    rule.to.iter().any(|principal| self.is_meant(principal, actor))
                        && globs.iter().any(|glob| glob.is_match(group))
                })
    }

    /// Everybody who may import versions into this group with their status.
    pub fn importers(&self, group: &str) -> Vec<ActorId> {
        let actors = self.registry.actors.keys();
        actors
            .filter(|actor| self.may_import(actor, group))
            .cloned()
            .collect()
    }

    /// Everybody who may do this, there, with a key in force or without. [`Policy::able`]
    /// says who can.
    pub fn holders(&self, action: Action, group: Option<&str>, stage: Option<&StageName>) -> Vec<ActorId> {
        let actors = self.registry.actors.keys();
        actors
            .filter(|actor| self.may(actor, action, group, stage))
            .cloned()
            .collect()
    }

    /// Returns the persons behind an actor: itself, its owners, and theirs.
    pub fn principals(&self, actor: &ActorId) -> BTreeSet<ActorId> {
        let mut found = BTreeSet::from([actor.clone()]);
        let mut open = vec![actor];
        while let Some(next) = open.pop() {
            let owners = self.actor(next.as_str()).map_or(&[][..], |who| &who.owners[..]);
            for owner in owners {
                if found.insert(owner.clone()) {
                    open.push(owner);
                }
            }
        }
        found
    }

    /// Whether two actors count as one: they are the same, one owns the other, or they
    /// share an owner.
    pub fn related(&self, a: &ActorId, b: &ActorId) -> bool {
        !self.principals(a).is_disjoint(&self.principals(b))
    }

    /// Returns the requirements for an approval in this group.
    pub fn need(&self, group: &GroupName) -> ApprovalNeed {
        let matching: Vec<usize> = (0..self.approvals.len())
            .filter(|&index| {
                self.approvals[index]
                    .iter()
                    .any(|glob| glob.is_match(group.as_str()))
            })
            .collect();
        let rules = || matching.iter().map(|&index| &self.registry.approvals[index]);
        let mut from: BTreeMap<RecordName, u32> = BTreeMap::new();
        for (team, count) in rules().flat_map(|rule| &rule.from) {
            let entry = from.entry(team.clone()).or_default();
            *entry = (*entry).max(*count);
        }
        ApprovalNeed {
            required: rules().filter_map(|rule| rule.required).max().unwrap_or(1).max(1),
            from,
            four_eyes: matching.is_empty() || rules().any(|rule| rule.four_eyes.unwrap_or(true)),
            card: rules().flat_map(|rule| rule.card.iter().copied()).collect(),
            gates: matching
                .iter()
                .flat_map(|&rule| {
                    let gates = self.registry.approvals[rule].gates.iter().enumerate();
                    gates.map(move |(index, gate)| PlacedGate {
                        rule,
                        index,
                        gate: gate.clone(),
                    })
                })
                .collect(),
            machines: !matching.is_empty() && rules().all(|rule| rule.machines.unwrap_or(false)),
            delegated: rules().map(|rule| rule.delegated.unwrap_or(0)).min().unwrap_or(0),
            rules: matching,
        }
    }
}

/// Returns the action that a change needs of its author, with the stage for `promote`.
/// Returns `None` for changes that no grant allows and for changes that need no grant:
/// moves of status, and withdrawing one's own review.
pub fn needed_action(change: &Change) -> Option<(Action, Option<StageName>)> {
    let plain = |action| Some((action, None));
    match (&change.kind, change.record.as_ref()) {
        (ChangeKind::GroupCreated, _) => plain(Action::CreateGroup),
        (ChangeKind::GroupDeleted, _) => plain(Action::DeleteGroup),
        (ChangeKind::VersionRegistered, _) => plain(Action::Register),
        (ChangeKind::VersionDeleted, _) => plain(Action::Delete),
        (ChangeKind::ProtectedChanged, _) => plain(Action::Administer),
        (ChangeKind::Reviewed { decision, .. }, _) => match decision {
            Decision::Approved => plain(Action::Approve),
            Decision::Rejected => plain(Action::Reject),
            Decision::Withdrawn => None,
        },
        (ChangeKind::PolicyReviewed { decision }, _) if *decision == Decision::Withdrawn => None,
        (
            ChangeKind::GroupUpdated
            | ChangeKind::VersionAnnotated { .. }
            | ChangeKind::PolicyReviewed { .. }
            | ChangeKind::StageMoved { .. }
            | ChangeKind::Added(_)
            | ChangeKind::Changed(_)
            | ChangeKind::Reformatted,
            Some(record),
        ) => {
            let stage = match record {
                RecordPath::Stage(_, stage) => Some(stage.clone()),
                _ => None,
            };
            Some((record.kind().row().action, stage))
        }
        _ => None,
    }
}
