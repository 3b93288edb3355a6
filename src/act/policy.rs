//! The policy: the first one, and edits of its actors, grants and rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::keys::{add_key, is_key, must_be_listed, revoke};
use super::{Draft, Mainline, WriteContext};
use crate::base::Error;
use crate::judge::rules::DistrustedChange;
use crate::record::kind::{ActorId, ActorKey, ActorKind, Key, Kind, MAX_RISE, RecordPath, VersionId};
use crate::record::schema::editor;
use crate::record::snapshot::{Loaded, known_holder, unknown_team};
use crate::record::yaml::{self, Edit};
use crate::trust::{self, Credential, Policy};

/// The contents of a new registry's policy.
#[derive(Clone, Debug)]
pub struct FirstPolicy {
    /// The registry's name.
    pub name: String,
    /// 128 random bits, in hexadecimal.
    pub id: String,
    /// The first administrator.
    pub actor: ActorId,
    /// Its address.
    pub email: Option<String>,
    /// Its key.
    pub key: ActorKey,
    /// An offline key, of an actor who can replace missing administrators.
    pub recovery: Option<ActorKey>,
    /// Whether one person may register and approve.
    pub solo: bool,
}

/// Returns the text of a new registry's policy.
///
/// # Errors
/// The text can't be written.
pub fn first_policy(request: &FirstPolicy) -> Result<String, Error> {
    let mut actor = json!({"kind": "person"});
    if let Some(email) = &request.email {
        actor["email"] = json!(email);
    }
    actor["keys"] = json!([request.key]);
    let mut rule = json!({"groups": ["*"], "required": 1});
    if request.solo {
        rule["fourEyes"] = json!(false);
    }
    let id = request.actor.as_str();
    let mut policy = json!({
        "apiVersion": crate::record::kind::API_VERSION,
        "kind": "Registry",
        "name": request.name,
        "id": request.id,
        "serial": 1,
        "stages": [{"name": "staging"}, {"name": "production", "requires": "Approved"}],
        "approvals": [rule],
        "actors": {id: actor},
        "grants": [
            {"to": [id], "allow": ["administer"]},
            {
                "to": [id],
                "allow": ["create-group", "update-group", "delete-group", "register", "annotate", "add-evidence",
                          "approve", "reject", "archive", "delete"],
                "groups": ["*"],
            },
            {"to": [id], "allow": ["promote"], "groups": ["*"], "stages": ["staging", "production"]},
        ],
    });
    if let Some(key) = &request.recovery {
        // The first administrator may be called so.
        let recovery = match id {
            "recovery" => "recovery-key",
            _ => "recovery",
        };
        policy["actors"][recovery] = json!({"kind": "person", "keys": [key]});
        policy["policyChange"] = json!({"required": 1, "recovery": [recovery]});
    }
    yaml::write(
        Some(&editor::line(Kind::Registry, &RecordPath::Registry)),
        &policy,
    )
    .map_err(super::edit_failed(&RecordPath::Registry))
}

/// One edit of the policy.
#[derive(Clone, Debug)]
pub enum PolicyEdit {
    /// A new actor.
    AddActor {
        /// Its id.
        id: ActorId,
        /// The kind.
        kind: ActorKind,
        /// Its address.
        email: Option<String>,
        /// Its keys.
        keys: Vec<ActorKey>,
        /// The persons who answer for a machine.
        owners: Vec<ActorId>,
    },
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
    GrantAdd(Value),
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

/// A text of the policy to edit, and the refused text that it replaces: `Some(None)` where
/// there is no file.
type Start = (Arc<Loaded>, Option<Option<Arc<Loaded>>>);

/// Returns the text that an edit starts from: the policy in force, in place of a text that
/// was refused, since an administrator who edits a refused text signs all of it. The text
/// of a proposal is edited further, but by no revocation.
fn start(desk: &WriteContext<'_>, edit: &PolicyEdit) -> Result<Start, Error> {
    let here = desk.snapshot.registry()?;
    let ends = matches!(edit, PolicyEdit::Retire(..) | PolicyEdit::RevokeKey { .. });
    let is_refused = |here: &Loaded| match desk.mainline {
        None => true,
        Some(Mainline { text, .. }) => {
            let of_mainline = text.as_ref().is_some_and(|text| text.value() == here.value());
            of_mainline || here.registry().is_none()
        }
    };
    Ok(match here {
        Some(here) if here.value() == desk.policy.source.value() => (here, None),
        Some(here) if !ends && !is_refused(&here) => (here, None),
        here => (desk.policy.source.clone(), Some(here)),
    })
}

/// Edits the policy, keeping its comments and order, and raises its serial.
///
/// # Errors
/// There is nothing to edit, or nothing would change.
pub fn edit_policy(desk: &WriteContext<'_>, edit: &PolicyEdit, reason: Option<&str>) -> Result<Draft, Error> {
    let (old, refused) = start(desk, edit)?;
    let registry = old.registry().unwrap_or(desk.policy.registry());
    let must_be_known = |id: &ActorId| known_holder(registry, id.as_str());
    let set = |pointer: String, value: Value| Edit::Set { pointer, value };
    let mut edits = Vec::new();
    let subject = match edit {
        PolicyEdit::AddActor {
            id,
            kind,
            email,
            keys,
            owners,
        } => {
            if let Some(there) = registry.actors.get(id) {
                let same = there.kind == *kind
                    && there.email == *email
                    && there.owners == *owners
                    && there.keys == *keys
                    && !there.retired;
                if same {
                    return Ok(holds(
                        format!("there is an actor `{id}` already, with all of this"),
                        reason,
                    ));
                }
                return Err(
                    Error::msg(format!("there is an actor `{id}` already")).hint(format!(
                        "to give it another key: `modelry actor add-key {id} --key FILE`"
                    )),
                );
            }
            owners.iter().try_for_each(must_be_known)?;
            let mut actor = json!({"kind": kind.to_string()});
            if let Some(email) = email {
                actor["email"] = json!(email);
            }
            if !owners.is_empty() {
                actor["owners"] = json!(owners);
            }
            actor["keys"] = json!(keys);
            edits.push(set(format!("/actors/{id}"), actor));
            format!("Add {kind} {id}")
        }
        PolicyEdit::AddKeys(id, keys) => {
            must_be_known(id)?;
            let mut subjects = Vec::new();
            for key in keys {
                let given = Credential::of(key).map_err(Error::msg)?.fingerprint();
                if desk.policy.keys.is_revoked(&given) {
                    return Err(Error::msg(format!(
                        "the key {given} is revoked, and proves nothing for anybody any more"
                    ))
                    .hint("make another key, and add that one"));
                }
                if let Some((edit, subject)) = add_key(id, &registry.actors[id].keys, key)? {
                    edits.push(edit);
                    subjects.push(subject);
                }
            }
            match &subjects[..] {
                [] => return Ok(holds(format!("`{id}` has this key already"), reason)),
                [one] => one.clone(),
                more => format!("Add or bring up to date {} keys of {id}", more.len()),
            }
        }
        PolicyEdit::AddAccount(id, host, account) => {
            must_be_known(id)?;
            let actor = &registry.actors[id];
            if actor.accounts_on(host).any(|(_, listed)| listed == account) {
                let note = format!("`{id}` lists account {account} on `{}` already", host.as_str());
                return Ok(holds(note, reason));
            }
            // A host that is listed keeps its spelling.
            let there = actor.accounts_on(host).next();
            let step = yaml::pointer_step(there.map_or(host, |(name, _)| name).as_str());
            edits.push(set(format!("/actors/{id}/accounts/{step}"), json!(account)));
            let verb = match there {
                Some(_) => "Change",
                None => "Add",
            };
            format!("{verb} the account of {id} on {}", host.as_str())
        }
        PolicyEdit::RemoveAccount(id, host) => {
            must_be_known(id)?;
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
                true => edits.push(Edit::Remove {
                    pointer: format!("/actors/{id}/accounts"),
                }),
                false => edits.extend(of_host.iter().map(|name| Edit::Remove {
                    pointer: format!("/actors/{id}/accounts/{}", yaml::pointer_step(name.as_str())),
                })),
            }
            format!("Remove the account of {id} on {}", host.as_str())
        }
        PolicyEdit::Retire(id, None) => {
            must_be_known(id)?;
            if registry.actors[id].retired {
                return Ok(holds(format!("`{id}` is retired already"), reason));
            }
            edits.push(set(format!("/actors/{id}/retired"), json!(true)));
            format!("Retire {id}")
        }
        PolicyEdit::Retire(id, Some(fingerprint)) => {
            must_be_known(id)?;
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
                return Ok(holds(
                    format!("the key {wanted} of `{id}` is retired already"),
                    reason,
                ));
            }
            edits.push(match &keys[index] {
                ActorKey::OpenPgp(_) => set(format!("/actors/{id}/keys/{index}/retired"), json!(true)),
                key => set(
                    format!("/actors/{id}/keys/{index}"),
                    json!({"key": key.text(), "retired": true}),
                ),
            });
            format!("Retire a key of {id}")
        }
        PolicyEdit::RevokeKey {
            key,
            reason,
            since,
            reaffirmed,
            unlisted,
        } => {
            if !unlisted {
                must_be_listed(desk.policy, key)?;
            }
            for id in reaffirmed {
                desk.version(id)?;
            }
            edits = revoke(registry, key, reason.as_deref(), since.as_deref(), reaffirmed);
            if edits.is_empty() {
                return Ok(holds(format!("key {key} is revoked already"), reason.as_deref()));
            }
            let is_new = !registry.revoked.iter().any(|entry| is_key(entry, key));
            let versions: Vec<String> = reaffirmed.iter().map(ToString::to_string).collect();
            let versions = versions.join(", ");
            match (is_new || since.is_some(), reaffirmed.is_empty()) {
                (true, false) => format!("Revoke key {key}, reaffirm {versions}"),
                (false, false) => format!("Reaffirm {versions}"),
                (_, true) => format!("Revoke key {key}"),
            }
        }
        PolicyEdit::TeamAdd(team, members) => {
            members.iter().try_for_each(must_be_known)?;
            let there = registry.teams.get(team.as_str()).cloned().unwrap_or_default();
            if members.is_empty() && !registry.teams.contains_key(team.as_str()) {
                edits.push(set(format!("/teams/{team}"), json!([])));
            }
            for member in members.iter().filter(|member| !there.contains(member)) {
                edits.push(set(format!("/teams/{team}/-"), json!(member)));
            }
            format!("Add {} to team {team}", list(members))
        }
        PolicyEdit::TeamRemove(team, members) => {
            let Some(there) = registry.teams.get(team.as_str()) else {
                return Err(unknown_team(registry, team));
            };
            if members.is_empty() {
                edits.push(Edit::Remove {
                    pointer: format!("/teams/{team}"),
                });
                format!("Remove team {team}")
            } else {
                let mut indexes: Vec<usize> = Vec::new();
                for member in members {
                    if !there.contains(member) {
                        must_be_known(member)?;
                    }
                    let index = there.iter().position(|other| other == member);
                    indexes.push(
                        index.ok_or_else(|| Error::msg(format!("`{member}` is not in team `{team}`")))?,
                    );
                }
                indexes.sort_unstable();
                indexes.dedup();
                edits.extend(indexes.iter().rev().map(|index| Edit::Remove {
                    pointer: format!("/teams/{team}/{index}"),
                }));
                format!("Remove {} from team {team}", list(members))
            }
        }
        PolicyEdit::GrantAdd(grant) => {
            let there = old.value()["grants"].as_array();
            if there.is_some_and(|grants| grants.contains(grant)) {
                return Ok(holds("the policy has this grant already".to_owned(), reason));
            }
            let holders = grant["to"].as_array().into_iter().flatten();
            holders
                .filter_map(Value::as_str)
                .try_for_each(|holder| known_holder(registry, holder))?;
            edits.push(set("/grants/-".into(), grant.clone()));
            let words = |key: &str| {
                let items = grant[key].as_array().cloned().unwrap_or_default();
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            format!("Grant {} to {}", words("allow"), words("to"))
        }
        PolicyEdit::GrantRemove { to, allow, groups } => {
            edits = remove_grants(registry, to, allow, groups);
            if edits.is_empty() {
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
            format!("Take {what} from {to}")
        }
    };
    if edits.is_empty() {
        return Ok(holds("the policy says so already".to_owned(), reason));
    }
    let there = refused
        .iter()
        .flatten()
        .find_map(|here| Some(here.registry()?.serial));
    let of_mainline = desk
        .mainline
        .map_or(0, |mainline| mainline.policy.registry().serial);
    let now = desk.policy.registry().serial.max(of_mainline);
    let serial = there.filter(|there| (now..now + MAX_RISE).contains(there));
    edits.push(set("/serial".into(), json!(serial.unwrap_or(now) + 1)));
    let mut draft = Draft::new(subject, reason);
    if refused.is_some() {
        draft.notes.push(format!(
            "`registry.yaml` is not the policy in force, since the step that changed it has findings: policy {} is put back with this; accept those findings afterwards, as `modelry audit` says",
            desk.policy.registry().serial
        ));
    }
    draft.put(
        &RecordPath::Registry,
        desk.edited(&RecordPath::Registry, &old, edits)?,
    );
    Ok(draft)
}

/// The draft of an edit whose outcome the policy holds already.
fn holds(note: String, reason: Option<&str>) -> Draft {
    let mut draft = Draft::new("", reason);
    draft.notes.push(note);
    draft.existing.push(RecordPath::Registry);
    draft
}

/// Explains the effect of a policy change on the past: the changes that keys proved and
/// that are no longer trusted, each with the index of its revocation in `policy`, and the
/// consequences.
pub fn consequences(policy: &Policy, distrusted: &[(usize, DistrustedChange)]) -> Vec<String> {
    /// The most changes that are named.
    const NAMED: usize = 10;
    let accepts = |index: usize, id: &VersionId| {
        let revoked = policy.registry().revoked.get(index);
        revoked.is_some_and(|revoked| policy.reaffirms(&revoked.key, id))
    };
    let mut words = Vec::new();
    for (index, act) in distrusted.iter().take(NAMED) {
        let accepted = match &act.version {
            Some(id) if accepts(*index, id) => ", accepted since the version is reaffirmed",
            _ => "",
        };
        let commit = act.commit.short();
        words.push(format!(
            "a finding from now on (MR317): {}, in commit {commit}{accepted}",
            act.phrase
        ));
    }
    if distrusted.len() > NAMED {
        words.push(format!("and {} more findings", distrusted.len() - NAMED));
    }
    let nowhere: BTreeSet<&VersionId> = distrusted
        .iter()
        .filter_map(|(index, act)| act.approves.as_ref().filter(|id| !accepts(*index, id)))
        .collect();
    if !nowhere.is_empty() {
        let mut list: Vec<String> = nowhere.iter().take(NAMED).map(ToString::to_string).collect();
        if nowhere.len() > NAMED {
            list.push(format!("and {} more", nowhere.len() - NAMED));
        }
        words.push(format!(
            "resolves nowhere until it is reaffirmed (`--reaffirm GROUP/N`) or gone: {}",
            list.join(", ")
        ));
    }
    words
}

fn list(members: &[ActorId]) -> String {
    members
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
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
