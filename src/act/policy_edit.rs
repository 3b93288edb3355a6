//! The edits of the policy, one function for each verb.

use serde_json::{Value, json};

use super::WriteContext;
use super::keys::{add_key, is_key, must_be_listed, revoke};
use crate::base::{Error, listed};
use crate::record::kind::{Actor, ActorId, ActorKey, Grant, Key, Registry, VersionId};
use crate::record::snapshot::{Loaded, known_holder, listed_stage, unknown_team};
use crate::record::yaml::{self, Edit};
use crate::trust::{self, Credential};

/// One edit of the policy.
#[derive(Clone, Debug)]
pub enum PolicyEdit {
    /// A new actor.
    AddActor(ActorId, Actor),
    /// More keys of an actor; an OpenPGP certificate that it has already is updated.
    AddKeys(ActorId, Vec<ActorKey>),
    /// An actor's account on a Git host, by the host's name and the account's id.
    AddAccount(ActorId, Key, String),
    /// An actor's account on a Git host is no longer its own.
    RemoveAccount(ActorId, Key),
    /// The end of all rights of an actor, or of one of its keys.
    Retire(ActorId, Option<String>),
    /// A key that proves nothing any more.
    RevokeKey {
        /// The fingerprint.
        key: String,
        /// Why.
        reason: Option<String>,
        /// The last trusted commit.
        since: Option<String>,
        /// Versions that the key approved and that count again.
        reaffirmed: Vec<VersionId>,
        /// Whether the policy need not list the key.
        unlisted: bool,
    },
    /// Members of a team, which is made if need be.
    TeamAdd(String, Vec<ActorId>),
    /// Members removed from a team; the team itself when none is named.
    TeamRemove(String, Vec<ActorId>),
    /// A new grant.
    GrantAdd(Grant),
    /// Actions removed from an actor; the grant goes when nothing is left.
    GrantRemove {
        /// The holder.
        to: String,
        /// The actions; all when empty.
        allow: Vec<String>,
        /// In grants of exactly these groups; in all when empty.
        groups: Vec<String>,
    },
}

/// What an edit amounts to.
pub(super) enum Made {
    /// A change, with the subject of its commit.
    Subject(String),
    /// Nothing: the policy holds it already, as this note says.
    Held(String),
}

/// An edit in the making.
pub(super) struct Editing<'e> {
    desk: &'e WriteContext<'e>,
    old: &'e Loaded,
    registry: &'e Registry,
    pub(super) edits: Vec<Edit>,
}

fn set(pointer: String, value: Value) -> Edit {
    Edit::Set { pointer, value }
}

impl<'e> Editing<'e> {
    /// Starts an edit of this text.
    pub(super) fn new(desk: &'e WriteContext<'e>, old: &'e Loaded, registry: &'e Registry) -> Editing<'e> {
        Editing {
            desk,
            old,
            registry,
            edits: Vec::new(),
        }
    }

    fn known(&self, id: &ActorId) -> Result<(), Error> {
        known_holder(self.registry, id.as_str())
    }

    /// Collects the edits of the text.
    pub(super) fn make(&mut self, edit: &PolicyEdit) -> Result<Made, Error> {
        match edit {
            PolicyEdit::AddActor(id, actor) => self.add_actor(id, actor),
            PolicyEdit::AddKeys(id, keys) => self.add_keys(id, keys),
            PolicyEdit::AddAccount(id, host, account) => self.add_account(id, host, account),
            PolicyEdit::RemoveAccount(id, host) => self.remove_account(id, host),
            PolicyEdit::Retire(id, None) => self.retire_actor(id),
            PolicyEdit::Retire(id, Some(fingerprint)) => self.retire_key(id, fingerprint),
            PolicyEdit::RevokeKey {
                key,
                reason,
                since,
                reaffirmed,
                unlisted,
            } => self.revoke_key(key, reason.as_deref(), since.as_deref(), reaffirmed, *unlisted),
            PolicyEdit::TeamAdd(team, members) => self.add_to_team(team, members),
            PolicyEdit::TeamRemove(team, members) => self.take_from_team(team, members),
            PolicyEdit::GrantAdd(grant) => self.add_grant(grant),
            PolicyEdit::GrantRemove { to, allow, groups } => self.take_grant(to, allow, groups),
        }
    }

    /// Adds an actor.
    fn add_actor(&mut self, id: &ActorId, actor: &Actor) -> Result<Made, Error> {
        if let Some(there) = self.registry.actors.get(id) {
            let same = there.kind == actor.kind
                && there.email == actor.email
                && there.owners == actor.owners
                && there.keys == actor.keys
                && !there.retired;
            if same {
                return Ok(Made::Held(format!(
                    "there is an actor `{id}` already, with all of this"
                )));
            }
            return Err(
                Error::msg(format!("there is an actor `{id}` already")).hint(format!(
                    "to give it another key: `modelry actor add-key {id} --key FILE`"
                )),
            );
        }
        actor.owners.iter().try_for_each(|id| self.known(id))?;
        self.edits.push(set(format!("/actors/{id}"), json!(actor)));
        Ok(Made::Subject(format!("Add {} {id}", actor.kind)))
    }

    /// Adds keys to an actor, or brings them up to date.
    fn add_keys(&mut self, id: &ActorId, keys: &[ActorKey]) -> Result<Made, Error> {
        let registry = self.registry;
        self.known(id)?;
        let mut subjects = Vec::new();
        for key in keys {
            let given = Credential::of(key).map_err(Error::msg)?.fingerprint();
            if self.desk.policy.keys.is_revoked(&given) {
                return Err(Error::msg(format!(
                    "the key {given} is revoked, and proves nothing for anybody any more"
                ))
                .hint("make another key, and add that one"));
            }
            if let Some((edit, subject)) = add_key(id, &registry.actors[id].keys, key)? {
                self.edits.push(edit);
                subjects.push(subject);
            }
        }
        Ok(Made::Subject(match &subjects[..] {
            [] => return Ok(Made::Held(format!("`{id}` has this key already"))),
            [one] => one.clone(),
            more => format!("Add or bring up to date {} keys of {id}", more.len()),
        }))
    }

    /// Adds or changes an account of an actor on a host.
    fn add_account(&mut self, id: &ActorId, host: &Key, account: &String) -> Result<Made, Error> {
        let registry = self.registry;
        self.known(id)?;
        let actor = &registry.actors[id];
        if actor.accounts_on(host).any(|(_, listed)| listed == account) {
            let note = format!("`{id}` lists account {account} on `{}` already", host.as_str());
            return Ok(Made::Held(note));
        }
        // A host that is listed keeps its spelling.
        let there = actor.accounts_on(host).next();
        let step = yaml::pointer_step(there.map_or(host, |(name, _)| name).as_str());
        self.edits
            .push(set(format!("/actors/{id}/accounts/{step}"), json!(account)));
        let verb = match there {
            Some(_) => "Change",
            None => "Add",
        };
        Ok(Made::Subject(format!(
            "{verb} the account of {id} on {}",
            host.as_str()
        )))
    }

    /// Removes the account of an actor on a host.
    fn remove_account(&mut self, id: &ActorId, host: &Key) -> Result<Made, Error> {
        let registry = self.registry;
        self.known(id)?;
        let actor = &registry.actors[id];
        let of_host: Vec<&Key> = actor.accounts_on(host).map(|(name, _)| name).collect();
        if of_host.is_empty() {
            let error = Error::msg(format!("`{id}` lists no account on `{}`", host.as_str()));
            let hosts: Vec<&str> = actor.accounts.keys().map(Key::as_str).collect();
            return Err(match super::nearest(&hosts, host.as_str()) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint("`modelry policy show` tells who lists which"),
            });
        }
        // An empty mapping would have no meaning.
        match of_host.len() == actor.accounts.len() {
            true => self.edits.push(Edit::Remove {
                pointer: format!("/actors/{id}/accounts"),
            }),
            false => self.edits.extend(of_host.iter().map(|name| Edit::Remove {
                pointer: format!("/actors/{id}/accounts/{}", yaml::pointer_step(name.as_str())),
            })),
        }
        Ok(Made::Subject(format!(
            "Remove the account of {id} on {}",
            host.as_str()
        )))
    }

    /// Retires an actor.
    fn retire_actor(&mut self, id: &ActorId) -> Result<Made, Error> {
        let registry = self.registry;
        self.known(id)?;
        if registry.actors[id].retired {
            return Ok(Made::Held(format!("`{id}` is retired already")));
        }
        self.edits.push(set(format!("/actors/{id}/retired"), json!(true)));
        Ok(Made::Subject(format!("Retire {id}")))
    }

    /// Retires a key of an actor.
    fn retire_key(&mut self, id: &ActorId, fingerprint: &str) -> Result<Made, Error> {
        let registry = self.registry;
        self.known(id)?;
        let keys = &registry.actors[id].keys;
        let wanted = trust::fingerprint(fingerprint);
        let is_it = |key: &ActorKey| {
            Credential::of(key).is_ok_and(|credential| credential.fingerprint() == wanted)
                || key.text().trim() == fingerprint.trim()
        };
        let Some(index) = keys.iter().position(is_it) else {
            let subkey = |key: &ActorKey| {
                let credential = Credential::of(key).ok()?;
                let of_it = credential.keys().iter().any(|(key, _)| *key == wanted);
                of_it.then(|| credential.fingerprint())
            };
            return Err(match keys.iter().find_map(subkey) {
                Some(primary) => Error::msg(format!("{wanted} is a subkey of the certificate {primary}"))
                    .hint(format!("retire the whole: `--key {primary}`"))
                    .hint(format!(
                        "or revoke the subkey alone: `modelry actor revoke-key {wanted}`"
                    )),
                None => Error::msg(format!("`{id}` has no key {fingerprint}"))
                    .hint("name its fingerprint as `ssh-keygen -l` or `gpg --fingerprint` prints it"),
            });
        };
        if keys[index].retired() {
            return Ok(Made::Held(format!(
                "the key {wanted} of `{id}` is retired already"
            )));
        }
        self.edits.push(match &keys[index] {
            ActorKey::OpenPgp(_) => set(format!("/actors/{id}/keys/{index}/retired"), json!(true)),
            key => set(
                format!("/actors/{id}/keys/{index}"),
                json!({"key": key.text(), "retired": true}),
            ),
        });
        Ok(Made::Subject(format!("Retire a key of {id}")))
    }

    /// Revokes a key, or reaffirms versions of a revoked one.
    fn revoke_key(
        &mut self,
        key: &str,
        reason: Option<&str>,
        since: Option<&str>,
        reaffirmed: &[VersionId],
        unlisted: bool,
    ) -> Result<Made, Error> {
        let registry = self.registry;
        if !unlisted {
            must_be_listed(self.desk.policy, key)?;
        }
        for id in reaffirmed {
            self.desk.version(id)?;
        }
        self.edits = revoke(registry, key, reason, since, reaffirmed);
        if self.edits.is_empty() {
            return Ok(Made::Held(format!("key {key} is revoked already")));
        }
        let is_new = !registry.revoked.iter().any(|entry| is_key(entry, key));
        let versions = listed(reaffirmed);
        Ok(Made::Subject(
            match (is_new || since.is_some(), reaffirmed.is_empty()) {
                (true, false) => format!("Revoke key {key}, reaffirm {versions}"),
                (false, false) => format!("Reaffirm {versions}"),
                (_, true) => format!("Revoke key {key}"),
            },
        ))
    }

    /// Adds members to a team, which is made if need be.
    fn add_to_team(&mut self, team: &str, members: &[ActorId]) -> Result<Made, Error> {
        let registry = self.registry;
        members.iter().try_for_each(|id| self.known(id))?;
        let there = registry.teams.get(team).cloned().unwrap_or_default();
        if members.is_empty() && !registry.teams.contains_key(team) {
            self.edits.push(set(format!("/teams/{team}"), json!([])));
        }
        for member in members.iter().filter(|member| !there.contains(member)) {
            self.edits.push(set(format!("/teams/{team}/-"), json!(member)));
        }
        Ok(Made::Subject(format!("Add {} to team {team}", listed(members))))
    }

    /// Takes members out of a team, or removes the team.
    fn take_from_team(&mut self, team: &str, members: &[ActorId]) -> Result<Made, Error> {
        let registry = self.registry;
        let Some(there) = registry.teams.get(team) else {
            return Err(unknown_team(registry, team));
        };
        if members.is_empty() {
            self.edits.push(Edit::Remove {
                pointer: format!("/teams/{team}"),
            });
            Ok(Made::Subject(format!("Remove team {team}")))
        } else {
            let mut indexes: Vec<usize> = Vec::new();
            for member in members {
                if !there.contains(member) {
                    self.known(member)?;
                }
                let index = there.iter().position(|other| other == member);
                indexes.push(index.ok_or_else(|| Error::msg(format!("`{member}` is not in team `{team}`")))?);
            }
            indexes.sort_unstable();
            indexes.dedup();
            self.edits.extend(indexes.iter().rev().map(|index| Edit::Remove {
                pointer: format!("/teams/{team}/{index}"),
            }));
            Ok(Made::Subject(format!(
                "Remove {} from team {team}",
                listed(members)
            )))
        }
    }

    /// Adds a grant.
    fn add_grant(&mut self, grant: &Grant) -> Result<Made, Error> {
        let (policy, value) = (self.desk.policy.registry(), json!(grant));
        grant
            .stages
            .iter()
            .try_for_each(|stage| listed_stage(policy, stage))?;
        let there = self.old.value()["grants"].as_array();
        if there.is_some_and(|grants| grants.contains(&value)) {
            return Ok(Made::Held("the policy has this grant already".to_owned()));
        }
        let mut holders = grant.to.iter();
        holders.try_for_each(|holder| known_holder(self.registry, holder.as_str()))?;
        self.edits.push(set("/grants/-".into(), value));
        Ok(Made::Subject(format!(
            "Grant {} to {}",
            listed(&grant.allow),
            listed(&grant.to)
        )))
    }

    /// Takes actions from a holder.
    fn take_grant(&mut self, to: &str, allow: &[String], groups: &[String]) -> Result<Made, Error> {
        let registry = self.registry;
        self.edits = remove_grants(registry, to, allow, groups);
        if self.edits.is_empty() {
            known_holder(registry, to)?;
            return Err(
                Error::msg(format!("no such grant to `{to}`")).hint("`modelry grant list` shows them")
            );
        }
        let what = if allow.is_empty() {
            "everything".to_owned()
        } else {
            allow.join(", ")
        };
        Ok(Made::Subject(format!("Take {what} from {to}")))
    }
}

/// Returns the edits that remove actions from an actor, last grant first so that indexes
/// hold.
fn remove_grants(
    registry: &crate::record::kind::Registry,
    to: &str,
    allow: &[String],
    groups: &[String],
) -> Vec<Edit> {
    let mut edits = Vec::new();
    for (index, grant) in registry.grants.iter().enumerate().rev() {
        let Some(place) = grant.to.iter().position(|principal| principal.as_str() == to) else {
            continue;
        };
        if !groups.is_empty() && grant.groups != groups {
            continue;
        }
        let taken = |action: &crate::record::kind::Action| {
            allow.is_empty() || allow.iter().any(|a| a == action.as_str())
        };
        let left: Vec<_> = grant.allow.iter().filter(|action| !taken(action)).collect();
        if left.len() == grant.allow.len() {
            continue;
        }
        match (left.is_empty(), grant.to.len()) {
            (true, 1) => edits.push(Edit::Remove {
                pointer: format!("/grants/{index}"),
            }),
            (true, _) => edits.push(Edit::Remove {
                pointer: format!("/grants/{index}/to/{place}"),
            }),
            (false, 1) => edits.push(Edit::Set {
                pointer: format!("/grants/{index}/allow"),
                value: json!(left),
            }),
            (false, _) => {
                // Other holders keep all actions; this one keeps the rest, in a grant of
                // its own.
                let mut own = json!({"to": [to], "allow": left, "groups": grant.groups});
                if !grant.stages.is_empty() {
                    own["stages"] = json!(grant.stages);
                }
                if grant.groups.is_empty() {
                    own.as_object_mut().map(|own| own.remove("groups"));
                }
                edits.push(Edit::Remove {
                    pointer: format!("/grants/{index}/to/{place}"),
                });
                edits.push(Edit::Set {
                    pointer: "/grants/-".into(),
                    value: own,
                });
            }
        }
    }
    edits
}
