//! The policy made ready to ask: globs compiled, keys by fingerprint, teams resolved.
//! Unusable parts are skipped, so that a broken line grants nothing; rules of family
//! MR4xx name them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::gate::{self, PlacedGate};
use super::{Credential, KeyStanding, Keyring, fingerprint};
use crate::record::change::{Change, ChangeKind};
use crate::record::kind::{
    Action, Actor, ActorId, ActorKind, CardSection, Decision, GroupName, Landing, Principal, RecordName,
    RecordPath, Registry, StageName, VersionId,
};
use crate::record::snapshot::Loaded;
use crate::trust::condition::{Expr, ExprFault};

/// A glob that was read, ready to match names.
pub type Glob = globset::GlobMatcher;

/// A glob over group names: case is ignored.
///
/// # Errors
/// The reason, when the glob does not compile or is too long.
pub fn group_glob(pattern: &str) -> Result<GlobMatcher, String> {
    glob(pattern, false)
}

/// Whether a glob over paths may match a path below a folder. In doubt, it may.
fn leads_below(pattern: &str, folder: &str) -> bool {
    let mut parts = pattern.split('/');
    for name in folder.split('/').filter(|name| !name.is_empty()) {
        match parts.next() {
            None => return false,
            // These may match any number of names, or hold a `/`.
            Some(part) if part.contains("**") || part.contains(['{', '[', '\\']) => return true,
            Some(part) if path_glob(part).is_ok_and(|glob| !glob.is_match(name)) => return false,
            Some(_) => {}
        }
    }
    parts.next().is_some()
}

/// Whether a path is a proper prefix, name by name, of the paths that a glob names: a
/// file at the path takes the place of a folder that the glob needs. `**` names no
/// folder.
fn stands_before(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('/');
    for name in path.split('/') {
        match parts.next() {
            None => return false,
            Some(part) if part.contains("**") => return false,
            Some(part) if path_glob(part).is_ok_and(|glob| !glob.is_match(name)) => return false,
            Some(_) => {}
        }
    }
    parts.next().is_some()
}

/// Expands the alternatives of a glob, `{a/b,c}/d` for instance; returns only the pattern
/// itself if there are too many.
fn alternatives(pattern: &str) -> Vec<String> {
    const MOST: usize = 64;
    let mut done = Vec::new();
    let mut left = vec![pattern.to_owned()];
    while let Some(next) = left.pop() {
        let range = next.find('{').and_then(|start| {
            let mut depth = 0_usize;
            let end = next[start..].char_indices().find_map(|(at, c)| {
                depth += usize::from(c == '{');
                depth -= usize::from(c == '}');
                (depth == 0).then_some(start + at)
            })?;
            Some((start, end))
        });
        let Some((start, end)) = range.filter(|_| !next.contains('\\')) else {
            done.push(next);
            continue;
        };
        let mut depth = 0_usize;
        let split = next[start + 1..end].split(|c| {
            depth += usize::from(c == '{');
            depth -= usize::from(c == '}');
            c == ',' && depth == 0
        });
        left.extend(split.map(|one| format!("{}{one}{}", &next[..start], &next[end + 1..])));
        if left.len() + done.len() > MOST {
            return vec![pattern.to_owned()];
        }
    }
    done
}

/// A glob over paths from the repository's top: case is ignored, since many
/// disks take `.GITHUB` for `.github`.
///
/// # Errors
/// The reason, when the glob does not compile or is too long.
pub fn path_glob(pattern: &str) -> Result<GlobMatcher, String> {
    glob(pattern, true)
}

fn glob(pattern: &str, is_path: bool) -> Result<GlobMatcher, String> {
    if pattern.is_empty() || pattern.len() > 256 {
        return Err("a glob has 1 to 256 characters".into());
    }
    GlobBuilder::new(pattern)
        .case_insensitive(true)
        .literal_separator(is_path)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

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
    protect: Vec<GlobMatcher>,
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
            protect: registry
                .protect
                .iter()
                .filter_map(|glob| path_glob(glob).ok())
                .collect(),
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

    /// Whether a file (path from the repository's top) is protected. A file, link or
    /// submodule at the path of a protected folder is protected too: it replaces
    /// everything in the folder.
    pub fn protects(&self, path: &str) -> bool {
        let mut globs = self.registry.protect.iter();
        self.protect.iter().any(|glob| glob.is_match(path))
            || globs.any(|glob| alternatives(glob).iter().any(|one| stands_before(one, path)))
    }

    /// Whether something below a folder (path from the repository's top) may be
    /// protected.
    pub fn may_protect_below(&self, folder: &str) -> bool {
        let globs = self.registry.protect.iter();
        globs.into_iter().any(|glob| leads_below(glob, folder))
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
        (ChangeKind::GroupUpdated, _) => plain(Action::UpdateGroup),
        (ChangeKind::GroupDeleted, _) => plain(Action::DeleteGroup),
        (ChangeKind::VersionRegistered, _) => plain(Action::Register),
        (ChangeKind::VersionDeleted, _) => plain(Action::Delete),
        (ChangeKind::VersionAnnotated { .. }, _) => plain(Action::Annotate),
        (
            ChangeKind::CardAdded
            | ChangeKind::CardChanged
            | ChangeKind::EvidenceAdded
            | ChangeKind::EvidenceChanged
            | ChangeKind::ObservationAdded
            | ChangeKind::ObservationChanged,
            _,
        ) => plain(Action::AddEvidence),
        (ChangeKind::Reviewed { decision, .. }, _) => match decision {
            Decision::Approved => plain(Action::Approve),
            Decision::Rejected => plain(Action::Reject),
            Decision::Withdrawn => None,
        },
        (ChangeKind::PolicyReviewed { decision }, _) => {
            (*decision != Decision::Withdrawn).then_some((Action::Administer, None))
        }
        (ChangeKind::ArchivalGiven | ChangeKind::ArchivalChanged, _) => plain(Action::Archive),
        (ChangeKind::StageMoved { .. }, Some(RecordPath::Stage(_, stage))) => {
            Some((Action::Promote, Some(stage.clone())))
        }
        (ChangeKind::ProtectedChanged, _) => plain(Action::Administer),
        (ChangeKind::Reformatted, Some(record)) => match record {
            RecordPath::Registry | RecordPath::PolicyReview(..) => plain(Action::Administer),
            RecordPath::Group(_) => plain(Action::UpdateGroup),
            RecordPath::Stage(_, stage) => Some((Action::Promote, Some(stage.clone()))),
            RecordPath::Version(_) => plain(Action::Annotate),
            RecordPath::Card(_) | RecordPath::Evidence(..) | RecordPath::Observation(..) => {
                plain(Action::AddEvidence)
            }
            RecordPath::Review(..) => plain(Action::Approve),
            RecordPath::Archival(_) => plain(Action::Archive),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_on_the_way_to_what_a_glob_matches() {
        for (pattern, folder, leads) in [
            (".github/**", "", true),
            (".github/**", ".github", true),
            (".github/**", ".GITHUB/workflows", true),
            (".github/**", "docs", false),
            (".github/**", ".github2", false),
            ("ci/run", "", true),
            ("ci/run", "ci", true),
            ("ci/run", "ci/run", false),
            ("ci/*/run", "ci/a", true),
            ("ci/*/run", "ci/a/b", false),
            ("ci/*/run", "other/a", false),
            ("run", "", true),
            ("run", "ci", false),
            ("**/OWNERS", "any/where", true),
            ("{ci,docs/x}/run", "docs/x", true),
        ] {
            assert_eq!(leads_below(pattern, folder), leads, "{pattern} below {folder}");
        }
    }

    #[test]
    fn paths_match_in_any_case_and_stars_stop_at_folders() {
        let matches = |pattern, path| path_glob(pattern).expect("a glob").is_match(path);
        assert!(matches(".github/**", ".GitHub/workflows/CI.yml"));
        assert!(matches("*.md", "README.MD") && !matches("*.md", "docs/README.md"));
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_stands_before_what_is_in_it() {
        for (pattern, path, wanted) in [
            ("ci/**", "ci", true),
            ("ci/**", "CI", true),
            ("ci/**", "ci/x", false),
            ("ci/**", "cif", false),
            ("a/b/c.yml", "a", true),
            ("a/b/c.yml", "a/b", true),
            ("a/b/c.yml", "a/b/c.yml", false),
            ("a/*/c", "a/x", true),
            ("**/Dockerfile", "a", false),
            ("**/Dockerfile", "a/b", false),
            ("{a/b,c}/**", "c", true),
            ("{a/b,c}/**", "a", true),
            ("{a/b,c}/**", "a/b", true),
            ("{a/b,c}/**", "d", false),
            ("{a,{b,c}}/x", "c", true),
        ] {
            let is = alternatives(pattern).iter().any(|one| stands_before(one, path));
            assert_eq!(is, wanted, "{pattern} {path}");
        }
        assert_eq!(alternatives("{a,b"), ["{a,b"]);
    }
}
