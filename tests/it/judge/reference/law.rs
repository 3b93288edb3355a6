//! The policy, asked in the plainest way: who is who, and who may do what.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ssh_key::{HashAlg, PublicKey, SshSig};

use super::objects::Commit;

/// A policy in force, and its file as it came into force; empty where nothing depends on
/// that.
#[derive(Clone)]
pub struct Law(pub Value, pub Vec<u8>);

/// The actor behind a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// This actor, by the key of this fingerprint.
    Actor(String, String),
    /// There is none; the code says why.
    Nobody(&'static str),
}

impl Signer {
    pub fn actor(&self) -> Option<&str> {
        match self {
            Signer::Actor(name, _) => Some(name),
            Signer::Nobody(_) => None,
        }
    }
}

/// The text of a member, empty when there is none.
pub fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value[member].as_str().unwrap_or_default()
}

/// The texts of a list.
pub fn texts<'v>(value: &'v Value, member: &str) -> Vec<&'v str> {
    let list = value[member].as_array();
    list.map_or_else(Vec::new, |list| list.iter().filter_map(Value::as_str).collect())
}

pub fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value[member].as_array().map_or(&[], Vec::as_slice)
}

/// Whether a glob with no other sign than `*` covers a name, in any case.
pub fn covers(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.to_lowercase(), name.to_lowercase());
    match glob.split_once('*') {
        None => glob == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

fn parts(path: &str) -> Vec<&str> {
    path.split('/').collect()
}

/// Whether a path has these names, where `**` is any number of them, and at the end at
/// least one.
fn matches(glob: &[&str], path: &[&str]) -> bool {
    match (glob, path) {
        (["**"], _) => !path.is_empty(),
        (["**", rest @ ..], [_, more @ ..]) => matches(rest, path) || matches(glob, more),
        ([part, rest @ ..], [name, more @ ..]) => covers(part, name) && matches(rest, more),
        _ => glob.is_empty() && path.is_empty(),
    }
}

/// Whether a glob names paths that go on behind this one.
fn leads_on(glob: &[&str], path: &[&str]) -> bool {
    match (glob, path) {
        (_, []) => !glob.is_empty(),
        ([], _) => false,
        (["**", rest @ ..], [_, more @ ..]) => leads_on(rest, path) || leads_on(glob, more),
        ([part, rest @ ..], [name, more @ ..]) => covers(part, name) && leads_on(rest, more),
    }
}

/// The SHA-256 of the canonical JSON of a value.
pub fn digest(value: &Value) -> String {
    let bytes = serde_json_canonicalizer::to_vec(value).expect("JSON");
    let hex: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// A key's fingerprint, and whether it is retired, as an actor lists it.
pub fn key(entry: &Value) -> (String, bool) {
    let line = entry.as_str().or(entry["key"].as_str()).expect("a key");
    let key = PublicKey::from_openssh(line).expect("an OpenSSH key");
    let retired = entry["retired"].as_bool().unwrap_or(false);
    (key.fingerprint(HashAlg::Sha256).to_string(), retired)
}

impl Law {
    pub fn actor(&self, name: &str) -> &Value {
        &self.0["actors"][name]
    }

    pub fn knows(&self, name: &str) -> bool {
        self.actor(name).is_object()
    }

    fn is_retired(&self, name: &str) -> bool {
        self.actor(name)["retired"] == json!(true)
    }

    pub fn is_revoked(&self, fingerprint: &str) -> bool {
        list(&self.0, "revoked")
            .iter()
            .any(|entry| text(entry, "key") == fingerprint)
    }

    pub fn team(&self, name: &str) -> Vec<&str> {
        texts(&self.0["teams"], name)
    }

    /// Returns the owner of this key, in force or not.
    pub fn owner_of(&self, fingerprint: &str) -> Option<&str> {
        let actors = self.0["actors"].as_object()?;
        let has = |actor: &Value| {
            list(actor, "keys")
                .iter()
                .any(|entry| key(entry).0 == fingerprint)
        };
        actors
            .iter()
            .find(|(_, actor)| has(actor))
            .map(|(name, _)| name.as_str())
    }

    /// Returns the actor behind a good signature of this key.
    fn standing(&self, fingerprint: &str) -> Signer {
        if self.is_revoked(fingerprint) {
            return Signer::Nobody("MR304");
        }
        let Some(name) = self.owner_of(fingerprint) else {
            return Signer::Nobody("MR302");
        };
        let keys = list(self.actor(name), "keys");
        let retired = keys
            .iter()
            .any(|entry| key(entry) == (fingerprint.to_owned(), true));
        if retired || self.is_retired(name) {
            return Signer::Nobody("MR304");
        }
        Signer::Actor(name.to_owned(), fingerprint.to_owned())
    }

    /// Returns the signer of some bytes; `bad` is the code of an invalid signature.
    pub fn signer(&self, armor: &str, namespace: &str, bytes: &[u8], bad: &'static str) -> Signer {
        match proven(armor, namespace, bytes) {
            Some(fingerprint) => self.standing(&fingerprint),
            None => Signer::Nobody(bad),
        }
    }

    /// Returns the signer of a commit.
    pub fn committer(&self, commit: &Commit) -> Signer {
        if !commit.strict {
            return Signer::Nobody("MR315");
        }
        match &commit.signature {
            None => Signer::Nobody("MR301"),
            Some(armor) => self.signer(armor, "git", &commit.payload, "MR303"),
        }
    }

    /// Whether an actor holds an action, in a group, on a stage.
    pub fn may(&self, who: &str, action: &str, group: &str, stage: &str) -> bool {
        if !self.knows(who) || self.is_retired(who) {
            return false;
        }
        let kind = text(self.actor(who), "kind");
        if kind == "forge" && !["annotate", "create-group", "update-group"].contains(&action) {
            return false;
        }
        if kind == "machine" && (action == "administer" || !self.is_owned(who)) {
            return false;
        }
        list(&self.0, "grants").iter().any(|grant| {
            let named = texts(grant, "to")
                .iter()
                .any(|to| match to.strip_prefix("team:") {
                    Some(team) => self.team(team).contains(&who),
                    None => *to == who,
                });
            let allowed = texts(grant, "allow").contains(&action);
            let here =
                action == "administer" || texts(grant, "groups").iter().any(|glob| covers(glob, group));
            let there = action != "promote" || texts(grant, "stages").contains(&stage);
            named && allowed && here && there
        })
    }

    /// Whether a person who is not retired is named as an owner.
    pub fn is_owned(&self, who: &str) -> bool {
        let owners = texts(self.actor(who), "owners");
        owners
            .iter()
            .any(|owner| text(self.actor(owner), "kind") == "person" && !self.is_retired(owner))
    }

    /// Whether an actor stands in for administrators when too few are left.
    pub fn stands_in(&self, who: &str) -> bool {
        texts(&self.0["policyChange"], "recovery").contains(&who)
            && text(self.actor(who), "kind") == "person"
            && !self.is_retired(who)
    }

    /// Whether one of two owns the other, or both have an owner in common, or
    /// they are the same.
    pub fn related(&self, one: &str, other: &str) -> bool {
        // Owners of owners are owners.
        let stands_for = |who: &str| {
            let mut all = BTreeSet::from([who.to_owned()]);
            let mut open = vec![who.to_owned()];
            while let Some(who) = open.pop() {
                for owner in texts(self.actor(&who), "owners") {
                    if all.insert(owner.to_owned()) {
                        open.push(owner.to_owned());
                    }
                }
            }
            all
        };
        !stands_for(one).is_disjoint(&stands_for(other))
    }

    /// The approval rules that match a group.
    pub fn rules(&self, group: &str) -> Vec<&Value> {
        let rules = list(&self.0, "approvals").iter();
        rules
            .filter(|rule| texts(rule, "groups").iter().any(|glob| covers(glob, group)))
            .collect()
    }

    /// Whether a stage needs an Approved version.
    pub fn needs_approved(&self, stage: &str) -> bool {
        let stages = list(&self.0, "stages").iter();
        stages
            .clone()
            .any(|entry| text(entry, "name") == stage && text(entry, "requires") == "Approved")
    }

    pub fn has_stage(&self, stage: &str) -> bool {
        list(&self.0, "stages")
            .iter()
            .any(|entry| text(entry, "name") == stage)
    }

    /// Whether the graph of statuses has an edge.
    pub fn leads(&self, from: &str, to: &str) -> bool {
        match (from, to) {
            ("Pending", "Approved" | "Rejected") | ("Approved" | "Rejected", "Archived") => true,
            ("Approved", "Rejected") | ("Pending", "Archived") => {
                texts(&self.0["lifecycle"]["transitions"], from).contains(&to)
            }
            _ => false,
        }
    }

    /// Whether a file outside the registry needs `administer`.
    pub fn protects(&self, path: &str) -> bool {
        texts(&self.0, "protect").iter().any(|glob| {
            // A file in the place of a named folder counts as the folder.
            let named: Vec<&str> = glob.split('/').take_while(|part| *part != "**").collect();
            let folders = match glob.contains("**") {
                true => named.len(),
                false => named.len().saturating_sub(1),
            };
            let is_folder = (1..=folders).any(|many| covers(&named[..many].join("/"), path));
            is_folder || matches(&parts(glob), &parts(path))
        })
    }

    /// Whether a link needs `administer`: followed, it gives its own files at paths that
    /// a glob names.
    pub fn protects_link(&self, path: &str) -> bool {
        let globs = texts(&self.0, "protect");
        self.protects(path) || globs.iter().any(|glob| leads_on(&parts(glob), &parts(path)))
    }

    /// How many administrators a change of the policy needs.
    pub fn policy_quorum(&self) -> usize {
        let required = self.0["policyChange"]["required"].as_u64().unwrap_or(1);
        usize::try_from(required).expect("a small number")
    }

    /// Administrators who could sign today.
    pub fn administrators(&self) -> Vec<&str> {
        let actors = self.0["actors"].as_object().expect("actors");
        actors
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| self.may(name, "administer", "", "") && self.can_sign(name))
            .collect()
    }

    /// Whether an actor has a key in force.
    pub fn can_sign(&self, who: &str) -> bool {
        list(self.actor(who), "keys").iter().any(|entry| {
            let (fingerprint, retired) = key(entry);
            !retired && !self.is_revoked(&fingerprint)
        })
    }
}

/// The fingerprint of the key whose signature holds over these bytes.
pub fn proven(armor: &str, namespace: &str, bytes: &[u8]) -> Option<String> {
    let signature = SshSig::from_pem(armor).ok()?;
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(namespace, bytes, &signature).ok()?;
    Some(key.fingerprint(HashAlg::Sha256).to_string())
}
