//! Changes of the policy.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::approval::{names, without};
use super::foreign::is_reported;
use super::judge::Case;
use super::law::{Law, covers, digest, key, text, texts};
use super::objects::{at, value};
use super::place::{Place, place};
use super::provenance::{Link, reformats};

/// Returns the owners of each key, and whether it is retired.
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
    /// Checks a change of `registry.yaml`. Returns the policy that it puts into
    /// force, when nothing is wrong with it.
    pub fn policy(&mut self, link: &Link) -> Option<Law> {
        // It replaces the policy in force, regardless of the tree, or the policy
        // before it on the merged side. Where the file is removed, nothing takes the
        // policy's place.
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
        let only_ends = self.only_ends(link);
        self.content(&was, &after, only_ends, &mut wrong);
        if !self.is_authorised(link, &was, &after) {
            wrong.insert("MR403");
        }
        let bytes = link.after.clone().unwrap_or_default();
        let law = wrong.is_empty().then(|| Law(after, bytes));
        self.codes.extend(wrong);
        law
    }

    /// Whether the step puts the policy in force back, in place of a text that never came
    /// into force: in its own bytes, or by an administrator's hand. Only the first policy of a merged side is compared with it.
    pub fn puts_back(&self, link: &Link) -> bool {
        let first = self.links.iter().find(|other| other.path == link.path);
        let is_law = link
            .after
            .as_deref()
            .is_some_and(|after| value(after) == self.law.0);
        let signer = self.committer(link);
        let is_own = link.after.as_ref() == Some(&self.law.1);
        let decides = signer
            .actor()
            .is_some_and(|who| self.law.may(who, "administer", "", ""));
        first == Some(link) && link.before.is_some() && is_law && (is_own || decides) && !reformats(link)
    }

    /// Whether the step does nothing but end keys and rights, up to this change.
    fn only_ends(&self, link: &Link) -> bool {
        let is_of_policy = |other: &Link| match place(&other.path) {
            Place::Registry => other.before.is_some() && other.after.is_some() && !reformats(other),
            Place::PolicyReview(..) => other.after.is_some() && !reformats(other),
            _ => false,
        };
        if !self.links.iter().all(is_of_policy) {
            return false;
        }
        let mut was = self.law.0.clone();
        for other in self.links.iter().filter(|other| other.path == link.path) {
            let after = value(other.after.as_deref().expect("a policy"));
            // Whoever reaffirms a version in the same change asks for nothing more.
            let bare = |policy: &Value| {
                let mut policy = policy.clone();
                let entries = policy["revoked"].as_array_mut();
                entries.into_iter().flatten().for_each(|entry| {
                    entry.as_object_mut().map(|entry| entry.remove("reaffirmed"));
                });
                policy
            };
            if ended(&bare(&was), &bare(&after)).is_none() {
                return false;
            }
            if other == link {
                return true;
            }
            was = after;
        }
        true
    }

    fn content(&self, was: &Value, after: &Value, only_ends: bool, wrong: &mut BTreeSet<&'static str>) {
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
            // Removing an actor removes the keys too, which is reported once.
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
        let law = Law(sole, Vec::new());
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
        named.extend(texts(&after["policyChange"], "recovery"));
        for (team, _) in after["teams"].as_object().into_iter().flatten() {
            named.extend(law.team(team));
        }
        for (_, actor) in after["actors"].as_object().into_iter().flatten() {
            named.extend(texts(actor, "owners"));
        }
        if named.iter().any(|who| unknown(who)) {
            wrong.insert("MR413");
        }
        let recovery = texts(&after["policyChange"], "recovery");
        let stand_in = recovery.iter().any(|who| law.stands_in(who) && law.can_sign(who));
        if law.administrators().len() < law.policy_quorum() && !stand_in && !only_ends {
            wrong.insert("MR408");
        }
        let mut groups: BTreeSet<String> = BTreeSet::new();
        for path in self.next.keys() {
            let group = path
                .strip_prefix("groups/")
                .and_then(|rest| rest.split('/').next());
            groups.extend(group.map(str::to_owned));
        }
        let there = groups.clone();
        let grants = after["grants"].as_array().into_iter().flatten();
        let approve: Vec<&Value> = grants
            .filter(|grant| texts(grant, "allow").contains(&"approve"))
            .collect();
        let rules = after["approvals"].as_array().into_iter().flatten();
        for entry in approve.iter().copied().chain(rules) {
            groups.extend(texts(entry, "groups").iter().map(|glob| glob.replace('*', "x")));
        }
        let before = Law(was.clone(), Vec::new());
        for group in &groups {
            let granted = approve
                .iter()
                .any(|grant| texts(grant, "groups").iter().any(|glob| covers(glob, group)));
            // Where nobody was meant to approve, nobody can.
            if !there.contains(group) && !granted {
                continue;
            }
            let had = lacks(&before, group);
            let worse =
                |(team, lack): (&String, &u64)| *lack > 0 && had.get(team).is_none_or(|had| had < lack);
            if lacks(&law, group).iter().any(worse) && !only_ends {
                wrong.insert("MR409");
            }
        }
        for (name, actor) in after["actors"].as_object().into_iter().flatten() {
            let is_loose = |law: &Law| text(law.actor(name), "kind") == "machine" && !law.is_owned(name);
            let was_loose =
                before.knows(name) && before.actor(name)["retired"] != json!(true) && is_loose(&before);
            if actor["retired"] != json!(true) && is_loose(&law) && !was_loose && !only_ends {
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
        let ends = ended(was, after);
        let is_own = |who: &str| ends.as_ref().is_some_and(|ended| ended.iter().eq([who]));
        let mut stand_ins = signer.actor().is_some_and(|who| self.law.stands_in(who));
        let mut own = signer.actor().is_some_and(is_own);
        let serial = &after["serial"];
        let reviews = format!("policy/{serial}");
        let subject = digest(&json!({"registry": self.id, "policy": after}));
        for who in names(self.next, &reviews) {
            let path = format!("{reviews}/{who}.yaml");
            let review = at(self.next, &path).expect("it is named");
            let agrees = text(&review, "decision") == "Approved" && text(&review, "subject") == subject;
            if agrees && text(&review, "by") == who && !is_reported(&review) && self.still_proven(&path, &who)
            {
                stand_ins |= self.law.stands_in(&who);
                own |= is_own(&who);
                if self.law.may(&who, "administer", "", "") {
                    behind.insert(who);
                }
            }
        }
        if behind.len() >= self.law.policy_quorum() {
            return true;
        }
        // Some of them are left, and an actor stands in for the others.
        let left = self.law.administrators().len();
        if stand_ins && left < self.law.policy_quorum() && behind.len() >= left {
            return true;
        }
        // No administrator alone ends who could put it right.
        let guarded = |ended: &BTreeSet<String>| ended.iter().any(|who| self.law.stands_in(who));
        own || ends.is_some_and(|ended| !guarded(&ended) && (stand_ins || !behind.is_empty()))
    }

    /// Whether a review of a policy is the own end of this actor, its author, and the
    /// step brings that policy. The name in `by` is no proof of an author.
    pub fn is_own_end(&self, review: &Value, author: &str) -> bool {
        let mut was = self.law.0.clone();
        for link in self.links.iter().filter(|link| link.path == "registry.yaml") {
            let Some(after) = link.after.as_deref().map(value) else {
                continue;
            };
            let subject = digest(&json!({"registry": self.id, "policy": after}));
            let ends = ended(&was, &after);
            if text(review, "subject") == subject && ends.is_some_and(|ended| ended.iter().eq([author])) {
                return true;
            }
            was = after;
        }
        false
    }
}

/// Returns how many approvals a group lacks, for each required team and (the empty
/// name) of anybody, by each rule that covers the group.
fn lacks(law: &Law, group: &str) -> BTreeMap<String, u64> {
    let rules = law.rules(group);
    let machines = rules.iter().any(|rule| rule["machines"] == json!(true))
        && !rules.iter().any(|rule| rule["machines"] == json!(false));
    let actors = law.0["actors"].as_object().into_iter().flatten();
    let able: Vec<&str> = actors
        .filter(|(_, actor)| machines || text(actor, "kind") == "person")
        .map(|(name, _)| name.as_str())
        .filter(|name| law.may(name, "approve", group, "") && law.can_sign(name))
        .collect();
    let mut lacks: BTreeMap<String, u64> = BTreeMap::new();
    for rule in rules {
        let mut asked = vec![(String::new(), rule["required"].as_u64().unwrap_or(1))];
        for (team, many) in rule["from"].as_object().into_iter().flatten() {
            asked.push((team.clone(), many.as_u64().expect("a number")));
        }
        for (team, many) in asked {
            let given = able
                .iter()
                .filter(|who| team.is_empty() || law.team(&team).contains(*who))
                .count();
            let lack = many.saturating_sub(given as u64);
            let most = lacks.entry(team).or_default();
            *most = (*most).max(lack);
        }
    }
    lacks
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
    // Existing entries keep their order and their text; only `since` may move back.
    let (old, new) = (entries(was), entries(after));
    for (n, entry) in old.iter().enumerate() {
        let now = new.get(n)?;
        if without(entry, &["since"]) != without(now, &["since"])
            || now["since"].is_null() && !entry["since"].is_null()
        {
            return None;
        }
    }
    // Nothing is accepted in the same breath.
    if new[old.len()..].iter().any(|entry| {
        entry["reaffirmed"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    }) {
        return None;
    }
    for entry in &new {
        if !old.contains(entry) {
            // A key of nobody is for an administrator to end, and no actor's own.
            let owner = owners.get(text(entry, "key")).and_then(|owners| owners.first());
            ended.insert(owner.cloned().unwrap_or_default());
        }
    }
    // A key of nobody concerns nobody in particular.
    let revokes = old != new;
    (revokes || !ended.is_empty()).then_some(ended)
}
