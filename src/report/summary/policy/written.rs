//! The textual differences of two policies. The effect module decides whether rights
//! and requirements of approvals become weaker; every other line decides that for
//! itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{PolicyLine, effect};
use crate::record::kind::{Action, Actor, ActorKey, ApprovalRule, Gate, Landing, Registry};
use crate::trust::condition::{Demand, Expr};
use crate::trust::{Credential, Policy, fingerprint, gate_demand, group_glob};

/// The lines of a change.
#[derive(Default)]
struct Lines(Vec<PolicyLine>);

impl Lines {
    fn add(&mut self, what: impl Into<String>, before: Option<String>, after: Option<String>, weakens: bool) {
        self.0.push(PolicyLine {
            what: what.into(),
            before,
            after,
            weakens,
            unsure: false,
            strengthens: false,
        });
    }

    /// Adds a value that may differ; `weaker` compares the two.
    fn value<T: PartialEq + Display>(
        &mut self,
        what: String,
        before: &T,
        after: &T,
        weaker: fn(&T, &T) -> bool,
    ) {
        if before != after {
            let weakens = weaker(before, after);
            self.add(what, Some(before.to_string()), Some(after.to_string()), weakens);
        }
    }

    /// Adds the members that only one of two sets has.
    fn sets(&mut self, what: &str, before: &BTreeSet<String>, after: &BTreeSet<String>, weaken: Weaken) {
        for gone in before.difference(after) {
            self.add(what, Some(gone.clone()), None, weaken == Weaken::Removed);
        }
        for new in after.difference(before) {
            self.add(what, None, Some(new.clone()), weaken == Weaken::Added);
        }
    }
}

/// The change of a set that weakens a policy.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Weaken {
    Added,
    Removed,
    Neither,
}

fn set<T: ToString>(items: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}

fn yes_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Lists the differences of two policies.
pub(super) fn lines(before: &Policy, after: &Policy) -> Vec<PolicyLine> {
    let (old, new) = (before.registry(), after.registry());
    let mut lines = Lines::default();
    approvals(old, new, &mut lines);
    // With a key in force or without: somebody who lacks one today can be given one.
    let administrators = after.holders(Action::Administer, None, None).len();
    let (was, is) = (old.policy_change.required, new.policy_change.required);
    if was != is {
        // If there are too few, no set of approvals is sufficient.
        let reachable = administrators >= usize::try_from(is).unwrap_or(usize::MAX);
        let what = "approvals of a change of the policy";
        lines.add(
            what,
            Some(was.to_string()),
            Some(is.to_string()),
            is < was && reachable,
        );
    }
    let recovery = |registry: &Registry| set(&registry.policy_change.recovery);
    let (was, is) = (recovery(old), recovery(new));
    let what = "stands in when too few administrators are left";
    for gone in was.difference(&is) {
        lines.add(what, Some(gone.clone()), None, false);
    }
    for added in is.difference(&was) {
        lines.add(what, None, Some(added.clone()), true);
    }
    grants(old, new, &mut lines);
    people(old, new, &mut lines);
    machinery(old, new, &mut lines);
    let freed: BTreeSet<&String> = effect::freed(before, after).collect();
    let (was, is) = (set(&old.protect), set(&new.protect));
    for gone in was.difference(&is) {
        lines.add("protected files", Some(gone.clone()), None, freed.contains(gone));
    }
    for glob in is.difference(&was) {
        lines.add("protected files", None, Some(glob.clone()), false);
    }
    records(old, new, &mut lines);
    lines.0
}

/// Whether a rule became another one.
type Alike<'a> = dyn Fn(&ApprovalRule, &ApprovalRule) -> bool + 'a;

/// A rule before, and the rule that it became.
type RulePair<'r> = (Option<&'r ApprovalRule>, Option<&'r ApprovalRule>);

/// Pairs the rules of both policies: by equal globs, by equal content, or by a common
/// glob.
fn pairs<'r>(before: &'r Registry, after: &'r Registry) -> Vec<RulePair<'r>> {
    let globs = |rule: &ApprovalRule| set(&rule.groups);
    let content = |rule: &ApprovalRule| ApprovalRule {
        groups: Vec::new(),
        ..rule.clone()
    };
    let mut old: Vec<&ApprovalRule> = before.approvals.iter().collect();
    let mut new: Vec<&ApprovalRule> = after.approvals.iter().collect();
    let mut out = Vec::new();
    let alike: [&Alike<'_>; 4] = [
        &|a, b| a == b,
        &|a, b| globs(a) == globs(b),
        &|a, b| content(a) == content(b),
        &|a, b| !globs(a).is_disjoint(&globs(b)),
    ];
    for alike in alike {
        old.retain(|a| match new.iter().position(|b| alike(a, b)) {
            Some(at) => {
                out.push((Some(*a), Some(new.remove(at))));
                false
            }
            None => true,
        });
    }
    out.extend(old.into_iter().map(|rule| (Some(rule), None)));
    out.extend(new.into_iter().map(|rule| (None, Some(rule))));
    out
}

/// A gate's condition, and the stage of its champion.
pub(super) fn gate_words(gate: &Gate) -> String {
    let champion = gate.champion.iter().map(|stage| format!(" (champion: {stage})"));
    format!("{}{}", gate.require, champion.collect::<String>())
}

/// Lists the requirements of a rule by name.
fn asks(rule: &ApprovalRule) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut add = |key: &str, value: String| out.insert(key.to_owned(), value);
    add("required approvals", rule.required.unwrap_or(1).to_string());
    add("four eyes", yes_no(rule.four_eyes.unwrap_or(true)));
    add("machines count", yes_no(rule.machines.unwrap_or(false)));
    add(
        "reported reviews that count",
        rule.delegated.unwrap_or(0).to_string(),
    );
    for (team, count) in &rule.from {
        add(&format!("approvals from team {team}"), count.to_string());
    }
    for section in &rule.card {
        add(&format!("card section {section}"), "must be filled".into());
    }
    for gate in &rule.gates {
        add(&format!("gate {}:", gate.name), gate_words(gate));
    }
    out
}

/// Compares the gates of the same name in two rules: which requires more, and whether
/// only white space differs.
fn gate_demands(was: Option<&ApprovalRule>, is: Option<&ApprovalRule>) -> BTreeMap<String, (Demand, bool)> {
    let (Some(was), Some(is)) = (was, is) else {
        return BTreeMap::new();
    };
    let pairs = was.gates.iter().filter_map(|old| {
        let new = is.gates.iter().find(|new| new.name == old.name)?;
        let is_same = old.champion == new.champion && Expr::is_same_text(&old.require, &new.require);
        Some((format!("gate {}:", old.name), (gate_demand(old, new), is_same)))
    });
    pairs.collect()
}

fn approvals(before: &Registry, after: &Registry, lines: &mut Lines) {
    for (was, is) in pairs(before, after) {
        let globs = |rule: &ApprovalRule| rule.groups.join(", ");
        let name = was.or(is).map(globs).unwrap_or_default();
        let applies = |rule: Option<&ApprovalRule>| rule.map(|_| "applies".to_owned());
        let what = format!("{name}: rule of approvals");
        match (was, is) {
            (Some(was), Some(is)) if set(&was.groups) != set(&is.groups) => {
                lines.add(what, Some(globs(was)), Some(globs(is)), false);
            }
            (Some(_), Some(_)) => {}
            (was, is) => lines.add(what, applies(was), applies(is), false),
        }
        let asked = |rule: Option<&ApprovalRule>| rule.map(asks).unwrap_or_default();
        let messages = |rule: Option<&ApprovalRule>| {
            let gates = rule.iter().flat_map(|rule| &rule.gates);
            set(gates.filter_map(|gate| Some(format!("{}: {}", gate.name, gate.message.as_ref()?))))
        };
        let told = (messages(was), messages(is));
        let gates = gate_demands(was, is);
        let (was, is) = (asked(was), asked(is));
        let what: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for what in what {
            let (was, is) = (was.get(what), is.get(what));
            let (demand, is_same_text) = gates.get(what).copied().unwrap_or((Demand::Unknown, false));
            if was == is || is_same_text {
                continue;
            }
            lines.add(format!("{name}: {what}"), was.cloned(), is.cloned(), false);
            if let Some(line) = lines.0.last_mut() {
                line.strengthens = demand == Demand::More;
            }
        }
        lines.sets(
            &format!("{name}: message of gate"),
            &told.0,
            &told.1,
            Weaken::Neither,
        );
    }
}

/// Lists the globs without those that a wider glob of the same list covers.
fn widest(globs: &BTreeSet<&String>) -> Vec<String> {
    let is_plain = |glob: &str| !glob.contains(['*', '?', '[', '{', '\\']);
    let covers = |wider: &str, glob: &str| {
        let matches = || group_glob(wider).is_ok_and(|wider| wider.is_match(glob));
        glob != wider && (wider == "*" || (is_plain(glob) && !is_plain(wider) && matches()))
    };
    let kept = globs.iter().filter(|glob| {
        let is_covered = globs.iter().any(|wider| covers(wider, glob));
        !is_covered
    });
    kept.map(|glob| (*glob).clone()).collect()
}

/// Lists each single right once: actor, action, place.
fn rights(registry: &Registry) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut places: BTreeMap<(String, String), BTreeSet<&String>> = BTreeMap::new();
    for grant in &registry.grants {
        for to in &grant.to {
            for action in &grant.allow {
                let stages: Vec<String> = match action {
                    Action::Promote => grant.stages.iter().map(|stage| format!(" to {stage}")).collect(),
                    _ => vec![String::new()],
                };
                for stage in stages {
                    let right = format!("{to} may {action}");
                    match action {
                        Action::Administer => {
                            out.insert(right);
                        }
                        _ => places.entry((right, stage)).or_default().extend(&grant.groups),
                    }
                }
            }
        }
    }
    for rule in &registry.imports {
        for to in &rule.to {
            let right = (format!("{to} may import"), String::new());
            places.entry(right).or_default().extend(&rule.groups);
        }
    }
    for ((right, stage), globs) in &places {
        out.extend(
            widest(globs)
                .iter()
                .map(|glob| format!("{right} in {glob}{stage}")),
        );
    }
    out
}

fn grants(before: &Registry, after: &Registry, lines: &mut Lines) {
    lines.sets("right", &rights(before), &rights(after), Weaken::Neither);
    let members = |registry: &Registry| {
        let teams = registry.teams.iter();
        set(teams.flat_map(|(team, members)| members.iter().map(move |id| format!("{id} in {team}"))))
    };
    lines.sets("team", &members(before), &members(after), Weaken::Neither);
    // A team without members is a team, too.
    let empty = |registry: &Registry| {
        let teams = registry.teams.iter().filter(|(_, members)| members.is_empty());
        set(teams.map(|(team, _)| format!("{team} has no member")))
    };
    lines.sets("team", &empty(before), &empty(after), Weaken::Neither);
}

/// The fingerprints of every signing key in the entry.
fn key_words(key: &ActorKey) -> Vec<String> {
    match Credential::of(key) {
        Ok(credential) => credential.keys().into_iter().map(|(print, _)| print).collect(),
        Err(_) => vec![format!(
            "{}… (can't be read)",
            key.text().chars().take(40).collect::<String>()
        )],
    }
}

fn keys(actor: Option<&Actor>, retired: bool) -> BTreeSet<String> {
    let keys = actor.iter().flat_map(|actor| &actor.keys);
    set(keys.filter(|key| key.retired() == retired).flat_map(key_words))
}

/// The keys of an actor whose text changed and that sign as before: a renewed
/// certificate.
fn rewritten(was: &Actor, is: &Actor) -> Vec<String> {
    let texts: BTreeSet<&str> = was.keys.iter().map(ActorKey::text).collect();
    let known: Vec<Vec<String>> = was.keys.iter().map(key_words).collect();
    let new = is
        .keys
        .iter()
        .filter(|key| !texts.contains(key.text()))
        .map(key_words);
    new.filter(|prints| known.contains(prints))
        .map(|prints| prints.join(", "))
        .collect()
}

fn people(before: &Registry, after: &Registry, lines: &mut Lines) {
    // An account lets a machine report reviews, which by default do not count.
    let counts_reports = after.approvals.iter().any(|rule| rule.delegated.unwrap_or(0) > 0);
    let ids: BTreeSet<_> = before.actors.keys().chain(after.actors.keys()).collect();
    for id in ids {
        let (was, is) = (before.actors.get(id), after.actors.get(id));
        let kind = |actor: Option<&Actor>| actor.map(|actor| actor.kind.to_string());
        if kind(was) != kind(is) {
            lines.add(format!("actor {id}"), kind(was), kind(is), false);
        }
        let ended = |actor: Option<&Actor>| actor.is_some_and(|actor| actor.retired);
        lines.value(
            format!("actor {id}: retired"),
            &yes_no(ended(was)),
            &yes_no(ended(is)),
            |_, after| after == "no",
        );
        // The rights of a new actor have lines of their own.
        let speaks = match was.is_some() && !ended(is) {
            true => Weaken::Added,
            false => Weaken::Neither,
        };
        lines.sets(
            &format!("actor {id}: key"),
            &keys(was, false),
            &keys(is, false),
            speaks,
        );
        for prints in was
            .zip(is)
            .map(|(was, is)| rewritten(was, is))
            .unwrap_or_default()
        {
            lines.add(format!("actor {id}: text of key"), None, Some(prints), false);
        }
        lines.sets(
            &format!("actor {id}: retired key"),
            &keys(was, true),
            &keys(is, true),
            Weaken::Neither,
        );
        let owners = |actor: Option<&Actor>| set(actor.iter().flat_map(|actor| &actor.owners));
        lines.sets(
            &format!("actor {id}: owner"),
            &owners(was),
            &owners(is),
            Weaken::Neither,
        );
        let accounts = |actor: Option<&Actor>| {
            let accounts = actor.iter().flat_map(|actor| &actor.accounts);
            // The case of a host's name has no meaning.
            set(accounts
                .map(|(host, account)| format!("{account} on {}", host.as_str().to_ascii_lowercase())))
        };
        lines.sets(
            &format!("actor {id}: account"),
            &accounts(was),
            &accounts(is),
            match counts_reports {
                true => speaks,
                false => Weaken::Neither,
            },
        );
        let card = |actor: Option<&Actor>| {
            let about = actor
                .iter()
                .flat_map(|actor| actor.name.iter().chain(&actor.email));
            set(about)
        };
        lines.sets(
            &format!("actor {id}: name or address"),
            &card(was),
            &card(is),
            Weaken::Neither,
        );
    }
}

fn machinery(before: &Registry, after: &Registry, lines: &mut Lines) {
    let stages = |registry: &Registry| {
        let stages = registry.stages.iter();
        stages
            .map(|stage| {
                let asks = stage.requires.map_or("nothing", |_| "Approved");
                (stage.name.to_string(), asks.to_owned())
            })
            .collect::<BTreeMap<_, _>>()
    };
    let (was, is) = (stages(before), stages(after));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (was, is) = (was.get(name), is.get(name));
        if was != is {
            let weakens = was.is_some_and(|asks| asks == "Approved") && is.is_some();
            lines.add(
                format!("stage {name}: status that it asks for"),
                was.cloned(),
                is.cloned(),
                weakens,
            );
        }
    }
    let told = |registry: &Registry| {
        let stages = registry.stages.iter();
        set(stages.filter_map(|stage| Some(format!("{}: {}", stage.name, stage.description.as_ref()?))))
    };
    lines.sets(
        "description of stage",
        &told(before),
        &told(after),
        Weaken::Neither,
    );
    let order = |registry: &Registry| {
        let names = registry.stages.iter().map(|stage| stage.name.to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    if was == is {
        lines.value("order of stages".into(), &order(before), &order(after), |_, _| {
            false
        });
    }
    let edges = |registry: &Registry| {
        let added = registry.added_edges();
        added
            .map(|edge| format!("{} -> {}", edge.from, edge.to))
            .collect::<BTreeSet<_>>()
    };
    lines.sets("transition", &edges(before), &edges(after), Weaken::Added);
    let ways = |registry: &Registry| {
        let all = registry.landing.clone().unwrap_or_else(|| Landing::ALL.to_vec());
        set(all.iter().map(|way| way.name()))
    };
    lines.sets("way of landing", &ways(before), &ways(after), Weaken::Added);
}

fn records(before: &Registry, after: &Registry, lines: &mut Lines) {
    revocations(before, after, lines);
    let reaffirmed = |registry: &Registry| {
        let entries = registry.revoked.iter();
        set(entries.flat_map(|entry| {
            let versions = entry.reaffirmed.iter();
            versions.map(|version| format!("{version}, approved with {}", fingerprint(&entry.key)))
        }))
    };
    lines.sets(
        "reaffirmed version",
        &reaffirmed(before),
        &reaffirmed(after),
        Weaken::Added,
    );
    let accepted = |registry: &Registry| {
        let entries = registry.acknowledged.iter();
        set(entries.flat_map(|entry| {
            let codes = entry.codes.iter();
            codes.map(|code| format!("{code} at {}", entry.commit))
        }))
    };
    lines.sets(
        "accepted fault",
        &accepted(before),
        &accepted(after),
        Weaken::Added,
    );
    let reasons = |registry: &Registry| {
        let entries = registry.acknowledged.iter();
        set(entries.filter_map(|entry| Some(format!("{}: {}", entry.commit, entry.reason.as_ref()?))))
    };
    lines.sets(
        "reason of accepted fault",
        &reasons(before),
        &reasons(after),
        Weaken::Neither,
    );
    lines.value("name".into(), &before.name, &after.name, |_, _| false);
    lines.value(
        "id".into(),
        &before.id.to_string(),
        &after.id.to_string(),
        |_, _| true,
    );
    let told = |registry: &Registry| set(&registry.description);
    lines.sets("description", &told(before), &told(after), Weaken::Neither);
}

/// For each key: the commits up to which it is trusted, and the reasons of its
/// revocation.
type Revoked = BTreeMap<String, (BTreeSet<Option<String>>, BTreeSet<String>)>;

fn revocations(before: &Registry, after: &Registry, lines: &mut Lines) {
    let entries = |registry: &Registry| {
        let mut out = Revoked::new();
        for entry in &registry.revoked {
            let (since, reasons) = out.entry(fingerprint(&entry.key)).or_default();
            since.insert(entry.since.as_ref().map(ToString::to_string));
            reasons.extend(entry.reason.clone());
        }
        out
    };
    let (was, is) = (entries(before), entries(after));
    let believed = |since: &BTreeSet<Option<String>>| {
        let words = since.iter().map(|since| match since {
            Some(commit) => format!("believed up to {commit}"),
            None => "believed until it was revoked".to_owned(),
        });
        words.collect::<Vec<_>>().join(", ")
    };
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for key in keys {
        let (old, new) = (was.get(key), is.get(key));
        let words = |entry: Option<&(BTreeSet<Option<String>>, BTreeSet<String>)>| {
            entry.map(|(since, _)| believed(since))
        };
        if words(old) != words(new) {
            // Later commits may be trusted now, but the policy does not show which
            // commit is later. Without a commit, all of them are.
            let unlimited = new.is_some_and(|(since, _)| since.iter().all(Option::is_none));
            let limited = old.is_some_and(|(since, _)| since.iter().any(Option::is_some));
            lines.add(
                format!("revoked key {key}:"),
                words(old),
                words(new),
                old.is_some() && (new.is_none() || limited),
            );
            if let Some(line) = lines.0.last_mut() {
                line.unsure = line.weakens && new.is_some() && !unlimited;
            }
        }
        let told = |entry: Option<&(BTreeSet<Option<String>>, BTreeSet<String>)>| {
            entry.map(|(_, reasons)| reasons.clone()).unwrap_or_default()
        };
        lines.sets(
            &format!("reason of revoked key {key}"),
            &told(old),
            &told(new),
            Weaken::Neither,
        );
    }
}
