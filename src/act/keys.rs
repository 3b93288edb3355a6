//! Keys of actors in the policy: adding and revoking them.

use serde_json::{Value, json};

use crate::base::Error;
use crate::record::kind::{ActorId, ActorKey, Registry, Revocation, VersionId};
use crate::record::yaml::Edit;
use crate::trust::{self, Credential, Policy};

/// Returns how a key joins an actor's others, with a phrase for it, or `None` for a
/// certificate that is there already.
pub(super) fn add_key(
    id: &ActorId,
    others: &[ActorKey],
    key: &ActorKey,
) -> Result<Option<(Edit, String)>, Error> {
    let given = Credential::of(key).map_err(Error::msg)?.fingerprint();
    let there = others
        .iter()
        .position(|old| Credential::of(old).is_ok_and(|old| old.fingerprint() == given));
    if let Some(index) = there
        && others[index].retired()
    {
        return Err(Error::msg(format!("the key {given} of `{id}` is retired"))
            .hint("make another key, and add that one"));
    }
    let set = |pointer: String, value: Value| Edit::Set { pointer, value };
    Ok(match there {
        None => Some((
            set(format!("/actors/{id}/keys/-"), json!(key)),
            format!("Add a key of {id}"),
        )),
        Some(_) if key.openpgp().is_none() => None,
        Some(index) if others[index].text().trim() == key.text().trim() => None,
        Some(index) => Some((
            set(format!("/actors/{id}/keys/{index}/openpgp"), json!(key.text())),
            format!("Bring a certificate of {id} up to date"),
        )),
    })
}

/// Refuses a fingerprint that is not an actor's key: a mistyped revocation would revoke
/// nothing.
pub(super) fn must_be_listed(policy: &Policy, key: &str) -> Result<(), Error> {
    let registry = policy.registry();
    let actors = registry.actors.values();
    let mut listed: Vec<String> = actors
        .flat_map(|actor| &actor.keys)
        .filter_map(|key| Credential::of(key).ok())
        .flat_map(|credential| credential.keys().into_iter().map(|(print, _)| print))
        .collect();
    listed.extend(
        registry
            .revoked
            .iter()
            .map(|entry| trust::fingerprint(&entry.key)),
    );
    if listed.contains(&trust::fingerprint(key)) {
        return Ok(());
    }
    let error = Error::msg(format!("no actor has the key {key}, so nothing would be revoked"));
    let near = listed
        .iter()
        .find(|it| it.starts_with(key) || super::nearest(&[it], key).is_some());
    Err(match near {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`modelry actor list` shows the keys of each actor"),
    }
    .hint("for a key that the policy lists no more: `--unlisted`"))
}

/// Whether a revocation is of the key of this fingerprint.
pub(super) fn is_key(entry: &Revocation, key: &str) -> bool {
    trust::fingerprint(&entry.key) == trust::fingerprint(key)
}

/// Adds a revocation, or extends an existing one.
pub(super) fn revoke(
    registry: &Registry,
    key: &str,
    reason: Option<&str>,
    since: Option<&str>,
    reaffirmed: &[VersionId],
) -> Vec<Edit> {
    let set = |pointer: String, value: Value| Edit::Set { pointer, value };
    let Some((index, old)) = registry
        .revoked
        .iter()
        .enumerate()
        .find(|(_, entry)| is_key(entry, key))
    else {
        let entry = super::members([
            ("key", Some(json!(key))),
            ("reason", reason.map(|reason| json!(reason))),
            ("since", since.map(|since| json!(since))),
            (
                "reaffirmed",
                (!reaffirmed.is_empty())
                    .then(|| json!(reaffirmed.iter().map(ToString::to_string).collect::<Vec<_>>())),
            ),
        ]);
        return vec![set("/revoked/-".into(), Value::Object(entry))];
    };
    let mut edits = Vec::new();
    if let Some(since) = since
        && old.since.as_ref().map(crate::record::kind::CommitId::as_str) != Some(since)
    {
        edits.push(set(format!("/revoked/{index}/since"), json!(since)));
    }
    let mut all = old.reaffirmed.clone();
    all.extend(
        reaffirmed
            .iter()
            .map(ToString::to_string)
            .filter(|id| !old.reaffirmed.contains(id)),
    );
    if all.len() > old.reaffirmed.len() {
        edits.push(set(format!("/revoked/{index}/reaffirmed"), json!(all)));
    }
    edits
}
