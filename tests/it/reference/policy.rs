//! Changes of the policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::approval::{names, without};
use super::foreign::is_reported;
use super::judge::Case;
use super::law::{Law, digest, key, text, texts};
use super::objects::{at, value};
use super::provenance::Link;

/// Whose each key is, and whether it is retired.
fn keys(policy: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, actor) in policy["actors"].as_object().into_iter().flatten() {
        for entry in actor["keys"].as_array().into_iter().flatten() {
            found.entry(key(entry).0).or_default().insert(name.clone());
        }
    }
    found
}

/// Whether an account on a host, whose name has no case, is two actors'.
fn shares_an_account(policy: &Value) -> bool {
    let mut owners: BTreeMap<(String, String), BTreeSet<&String>> = BTreeMap::new();
    for (name, actor) in policy["actors"].as_object().into_iter().flatten() {
        for (host, account) in actor["accounts"].as_object().into_iter().flatten() {
            let account = (host.to_lowercase(), account.to_string());
            owners.entry(account).or_default().insert(name);
        }
    }
    owners.values().any(|owners| owners.len() > 1)
}

impl Case<'_> {
    /// A change of `registry.yaml`; the policy that it brings into force, when
    /// nothing is wrong with it.
    pub fn policy(&mut self, link: &Link) -> Option<Law> {
        // It replaces the policy in force, whatever stood in the tree, or the one
        // before it on the side that a merge brings. Where the file goes, nothing
        // takes the policy's place.
        let earlier = self.links.iter().take_while(|other| *other != link);
        let earlier = earlier.filter(|other| other.path == link.path);
        let was = earlier.filter_map(|other| other.after.as_deref()).last();
        let was = was.map_or_else(|| self.law.0.clone(), value);
        let Some(after) = link.after.as_deref().map(value) else {
            self.codes.insert("MR404");
            return None;
        };
        let mut wrong = BTreeSet::new();
        if after["id"] != self.law.0["id"] {
            wrong.insert("MR404");
        }
        if after["serial"].as_u64() <= was["serial"].as_u64() {
            wrong.insert("MR401");
        }
        if self.links.iter().any(|link| link.path.starts_with("groups/")) {
            wrong.insert("MR402");
        }
        self.content(&was, &after, &mut wrong);
        if !self.is_authorised(link, &was, &after) {
            wrong.insert("MR403");
        }
        let law = wrong.is_empty().then(|| Law(after));
        self.codes.extend(wrong);
        law
    }

    fn content(&self, was: &Value, after: &Value, wrong: &mut BTreeSet<&'static str>) {
        for (name, actor) in was["actors"].as_object().into_iter().flatten() {
            if after["actors"][name]["kind"] != actor["kind"] {
                wrong.insert("MR405");
            }
        }
        if shares_an_account(after) {
            wrong.insert("MR420");
        }
        let (had, has) = (keys(was), keys(after));
        if has.values().any(|owners| owners.len() > 1) {
            wrong.insert("MR406");
        }
        for (key, owners) in &had {
            // With an actor who is removed, the keys go too: that is told once.
            let now = has.get(key);
            let lost = |owner: &String| {
                !after["actors"][owner].is_null() && !now.is_some_and(|now| now.contains(owner))
            };
            if owners.iter().any(lost) {
                wrong.insert("MR407");
            }
            if now.is_some_and(|now| now.is_disjoint(owners)) {
                wrong.insert("MR406");
            }
        }
        let entries = |policy: &Value| policy["revoked"].as_array().cloned().unwrap_or_default();
        for entry in entries(was) {
            if !entries(after).iter().any(|now| now["key"] == entry["key"]) {
                wrong.insert("MR414");
            }
        }
        // A key of two proves nobody.
        let mut sole = after.clone();
        for (key, owners) in &has {
            if owners.len() > 1 {
                let revoked = &mut sole["revoked"];
                if revoked.is_null() {
                    *revoked = json!([]);
                }
                revoked.as_array_mut().expect("a list").push(json!({"key": key}));
            }
        }
        let law = Law(sole);
        let unknown = |who: &str| match who.strip_prefix("team:") {
            Some(team) => after["teams"][team].is_null(),
            None => !law.knows(who),
        };
        let mut named: Vec<&str> = Vec::new();
        for list in ["grants", "imports"] {
            for entry in after[list].as_array().into_iter().flatten() {
                named.extend(texts(entry, "to"));
            }
        }
        for (team, _) in after["teams"].as_object().into_iter().flatten() {
            named.extend(law.team(team));
        }
        for (_, actor) in after["actors"].as_object().into_iter().flatten() {
            named.extend(texts(actor, "owners"));
        }
        if named.iter().any(|who| unknown(who)) {
            wrong.insert("MR413");
        }
        if law.administrators().len() < law.policy_quorum() {
            wrong.insert("MR408");
        }
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for path in self.next.keys() {
            let group = path
                .strip_prefix("groups/")
                .and_then(|rest| rest.split('/').next());
            groups.extend(group.map(str::to_owned));
        }
        for rule in after["approvals"].as_array().into_iter().flatten() {
            groups.extend(texts(rule, "groups").iter().map(|glob| glob.replace('*', "x")));
        }
        for group in &groups {
            let rules = law.rules(group);
            let machines = rules.iter().any(|rule| rule["machines"] == json!(true))
                && !rules.iter().any(|rule| rule["machines"] == json!(false));
            let able: Vec<&String> = after["actors"]
                .as_object()
                .into_iter()
                .flatten()
                .filter(|(_, actor)| machines || text(actor, "kind") == "person")
                .map(|(name, _)| name)
                .filter(|name| law.may(name, "approve", group, "") && law.can_sign(name))
                .collect();
            for rule in rules {
                let few =
                    able.len() < usize::try_from(rule["required"].as_u64().unwrap_or(1)).expect("small");
                let unheard = rule["from"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .any(|(team, many)| {
                        let members = able
                            .iter()
                            .filter(|who| law.team(team).contains(&who.as_str()))
                            .count();
                        (members as u64) < many.as_u64().expect("a number")
                    });
                if few || unheard {
                    wrong.insert("MR409");
                }
            }
        }
        let living = |who: &Value| {
            let owner = law.actor(who.as_str().unwrap_or_default());
            text(owner, "kind") == "person" && owner["retired"] != json!(true)
        };
        for actor in after["actors"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, actor)| actor)
        {
            let owned = actor["owners"]
                .as_array()
                .is_some_and(|owners| owners.iter().any(living));
            if text(actor, "kind") == "machine" && actor["retired"] != json!(true) && !owned {
                wrong.insert("MR410");
            }
        }
    }

    /// Whether enough administrators of the policy before stand behind it.
    fn is_authorised(&self, link: &Link, was: &Value, after: &Value) -> bool {
        let mut behind = BTreeSet::new();
        let signer = self.committer(link);
        if let Some(who) = signer
            .actor()
            .filter(|who| self.law.may(who, "administer", "", ""))
        {
            behind.insert(who.to_owned());
        }
        let serial = &after["serial"];
        let reviews = format!("policy/{serial}");
        let subject = digest(&json!({"registry": self.id, "policy": after}));
        for who in names(self.next, &reviews) {
            let path = format!("{reviews}/{who}.yaml");
            let review = at(self.next, &path).expect("it is named");
            let agrees = text(&review, "decision") == "Approved" && text(&review, "subject") == subject;
            if agrees
                && text(&review, "by") == who
                && !is_reported(&review)
                && self.law.may(&who, "administer", "", "")
                && self.still_proven(&path, &who)
            {
                behind.insert(who);
            }
        }
        if behind.len() >= self.law.policy_quorum() {
            return true;
        }
        let ends = ended(was, after);
        ends.is_some_and(|ended| {
            !behind.is_empty() || signer.actor().is_some_and(|who| ended.iter().eq([who]))
        })
    }
}

/// The actors of whom a change only revokes keys, or retires keys or
/// themselves; none when it does more.
fn ended(was: &Value, after: &Value) -> Option<BTreeSet<String>> {
    let mut ended = BTreeSet::new();
    if without(was, &["serial", "actors", "revoked"]) != without(after, &["serial", "actors", "revoked"]) {
        return None;
    }
    let actors = |policy: &Value| policy["actors"].as_object().cloned().unwrap_or_default();
    let (had, has) = (actors(was), actors(after));
    if had.keys().collect::<BTreeSet<_>>() != has.keys().collect::<BTreeSet<_>>() {
        return None;
    }
    for (name, before) in &had {
        let now = &has[name];
        if before == now {
            continue;
        }
        if without(before, &["retired", "keys"]) != without(now, &["retired", "keys"]) {
            return None;
        }
        if before["retired"] == json!(true) && now["retired"] != json!(true) {
            return None;
        }
        let listed = |actor: &Value| -> Vec<(String, bool)> {
            actor["keys"].as_array().into_iter().flatten().map(key).collect()
        };
        let (before, now) = (listed(before), listed(now));
        let only_retires = before.len() == now.len()
            && before
                .iter()
                .zip(&now)
                .all(|(was, is)| was.0 == is.0 && (is.1 || !was.1));
        if !only_retires {
            return None;
        }
        ended.insert(name.clone());
    }
    let entries = |policy: &Value| policy["revoked"].as_array().cloned().unwrap_or_default();
    let owners = keys(was);
    if entries(was).iter().any(|entry| !entries(after).contains(entry)) {
        return None;
    }
    for entry in entries(after) {
        if !entries(was).contains(&entry) {
            let owner = owners.get(text(&entry, "key")).and_then(|owners| owners.first());
            ended.extend(owner.cloned());
        }
    }
    // A key of nobody concerns nobody in particular.
    let revokes = entries(was) != entries(after);
    (revokes || !ended.is_empty()).then_some(ended)
}
