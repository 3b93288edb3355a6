//! A change of the policy, spelled out: what may be done now that could not be
//! done before, and the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::Serialize;

use crate::access::Credential;
use crate::model::{Action, Actor, ActorKey, ApprovalRule, Landing, Registry};

/// One thing that a policy says otherwise than the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyLine {
    /// What: `fraud-*: required approvals`.
    pub what: String,
    /// What it was; none where there was nothing.
    pub before: Option<String>,
    /// What it is; none where there is nothing.
    pub after: Option<String>,
    /// Whether less is asked, or more is allowed, than before.
    pub weakens: bool,
    /// Whether it only may be so: nobody can tell which of two conditions asks
    /// for more.
    pub unsure: bool,
}

/// The lines of one change.
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
        });
    }

    /// A value that may differ; `weaker` compares the two.
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

    /// What is in one set and not in the other. Which of the two weakens, the
    /// last two say.
    fn sets(&mut self, what: &str, before: &BTreeSet<String>, after: &BTreeSet<String>, weaken: Weaken) {
        for gone in before.difference(after) {
            self.add(what, Some(gone.clone()), None, weaken == Weaken::Removed);
        }
        for new in after.difference(before) {
            self.add(what, None, Some(new.clone()), weaken == Weaken::Added);
        }
    }
}

/// What of a set weakens a policy.
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

/// What differs between two policies, the weakening lines first.
pub fn policy_lines(before: &Registry, after: &Registry) -> Vec<PolicyLine> {
    let mut lines = Lines::default();
    approvals(before, after, &mut lines);
    lines.value(
        "approvals of a change of the policy".into(),
        &before.policy_change.required,
        &after.policy_change.required,
        |before, after| after < before,
    );
    grants(before, after, &mut lines);
    people(before, after, &mut lines);
    machinery(before, after, &mut lines);
    records(before, after, &mut lines);
    let mut lines = lines.0;
    lines.sort_by_key(|line| (!line.weakens, line.unsure));
    lines
}

/// A rule is known by its globs; the second of the same globs by its place.
fn rules(registry: &Registry) -> BTreeMap<(String, usize), &ApprovalRule> {
    let mut out = BTreeMap::new();
    for rule in &registry.approvals {
        let name = rule.groups.join(", ");
        let times = out
            .keys()
            .filter(|(known, _): &&(String, usize)| *known == name)
            .count();
        out.insert((name, times), rule);
    }
    out
}

/// What a rule asks for, each by name.
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
        let champion = gate.champion.iter().map(|stage| format!(" (champion: {stage})"));
        let text = format!("{}{}", gate.require, champion.collect::<String>());
        add(&format!("gate {}:", gate.name), text);
    }
    out
}

/// Whether less is asked of an approval than before.
fn asks_less(what: &str, before: Option<&str>, after: Option<&str>) -> bool {
    let number = |value: Option<&str>| value.and_then(|value| value.parse::<u32>().ok()).unwrap_or(0);
    match what {
        "machines count" => after == Some("yes"),
        "four eyes" => after == Some("no"),
        "reported reviews that count" => number(after) > number(before),
        // Another condition may ask for less: somebody must look.
        _ if what.starts_with("gate ") => before.is_some(),
        _ if what.starts_with("card section ") => after.is_none(),
        _ => number(after) < number(before),
    }
}

fn approvals(before: &Registry, after: &Registry, lines: &mut Lines) {
    let (old, new) = (rules(before), rules(after));
    let keys: BTreeSet<&(String, usize)> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let name = &key.0;
        let (was, is) = (old.get(key), new.get(key));
        match (was, is) {
            (Some(_), None) => lines.add(
                format!("{name}: rule of approvals"),
                Some("applies".into()),
                None,
                true,
            ),
            (None, Some(_)) => lines.add(
                format!("{name}: rule of approvals"),
                None,
                Some("applies".into()),
                false,
            ),
            _ => {}
        }
        let asked = |rule: Option<&&ApprovalRule>| rule.map(|rule| asks(rule)).unwrap_or_default();
        let (was, is) = (asked(was), asked(is));
        let what: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for what in what {
            let (was, is) = (was.get(what), is.get(what));
            if was != is {
                // Also of a rule that is new: where no rule applied, nothing of
                // this was allowed.
                let weakens = asks_less(what, was.map(String::as_str), is.map(String::as_str));
                let unsure = what.starts_with("gate ") && was.is_some() && is.is_some();
                lines.add(format!("{name}: {what}"), was.cloned(), is.cloned(), weakens);
                if let Some(line) = lines.0.last_mut() {
                    line.unsure = unsure;
                }
            }
        }
        let messages = |rule: Option<&&ApprovalRule>| {
            let gates = rule.iter().flat_map(|rule| &rule.gates);
            set(gates.filter_map(|gate| Some(format!("{}: {}", gate.name, gate.message.as_ref()?))))
        };
        lines.sets(
            &format!("{name}: message of gate"),
            &messages(old.get(key)),
            &messages(new.get(key)),
            Weaken::Neither,
        );
    }
}

/// Each single right: who may do what, where.
fn rights(registry: &Registry) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for grant in &registry.grants {
        for to in &grant.to {
            for action in &grant.allow {
                let stages: Vec<String> = match action {
                    Action::Promote => grant.stages.iter().map(|stage| format!(" to {stage}")).collect(),
                    _ => vec![String::new()],
                };
                let groups: Vec<String> = match action {
                    Action::Administer => vec![String::new()],
                    _ => grant.groups.iter().map(|glob| format!(" in {glob}")).collect(),
                };
                for group in &groups {
                    for stage in &stages {
                        out.insert(format!("{to} may {action}{group}{stage}"));
                    }
                }
            }
        }
    }
    out
}

fn grants(before: &Registry, after: &Registry, lines: &mut Lines) {
    lines.sets("right", &rights(before), &rights(after), Weaken::Added);
    let imports = |registry: &Registry| {
        let rules = registry.imports.iter();
        set(rules.flat_map(|rule| {
            let to = rule.to.iter();
            to.flat_map(|to| {
                rule.groups
                    .iter()
                    .map(move |glob| format!("{to} may import in {glob}"))
            })
        }))
    };
    lines.sets("right", &imports(before), &imports(after), Weaken::Added);
    let members = |registry: &Registry| {
        let teams = registry.teams.iter();
        set(teams.flat_map(|(team, members)| members.iter().map(move |id| format!("{id} in {team}"))))
    };
    lines.sets("team", &members(before), &members(after), Weaken::Added);
    // A team without members is one, too.
    let empty = |registry: &Registry| {
        let teams = registry.teams.iter().filter(|(_, members)| members.is_empty());
        set(teams.map(|(team, _)| format!("{team} has no member")))
    };
    lines.sets("team", &empty(before), &empty(after), Weaken::Neither);
}

fn key_words(key: &ActorKey) -> String {
    match Credential::of(key) {
        Ok(credential) => credential.fingerprint(),
        Err(_) => format!(
            "{}… (can't be read)",
            key.text().chars().take(40).collect::<String>()
        ),
    }
}

fn keys(actor: Option<&Actor>, retired: bool) -> BTreeSet<String> {
    let keys = actor.iter().flat_map(|actor| &actor.keys);
    set(keys.filter(|key| key.retired() == retired).map(key_words))
}

fn people(before: &Registry, after: &Registry, lines: &mut Lines) {
    let ids: BTreeSet<_> = before.actors.keys().chain(after.actors.keys()).collect();
    for id in ids {
        let (was, is) = (before.actors.get(id), after.actors.get(id));
        let kind = |actor: Option<&Actor>| actor.map(|actor| actor.kind.to_string());
        if kind(was) != kind(is) {
            lines.add(format!("actor {id}"), kind(was), kind(is), is.is_some());
        }
        let ended = |actor: Option<&Actor>| actor.is_some_and(|actor| actor.retired);
        lines.value(
            format!("actor {id}: retired"),
            &yes_no(ended(was)),
            &yes_no(ended(is)),
            |_, after| after == "no",
        );
        lines.sets(
            &format!("actor {id}: key"),
            &keys(was, false),
            &keys(is, false),
            Weaken::Added,
        );
        lines.sets(
            &format!("actor {id}: retired key"),
            &keys(was, true),
            &keys(is, true),
            Weaken::Removed,
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
            set(accounts.map(|(host, account)| format!("{account} on {}", host.as_str())))
        };
        lines.sets(
            &format!("actor {id}: account"),
            &accounts(was),
            &accounts(is),
            Weaken::Added,
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
            let weakens = was.is_some_and(|asks| asks == "Approved");
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
        let added = &registry.lifecycle.transitions;
        let mut edges = BTreeSet::new();
        if !added.approved.is_empty() {
            edges.insert("Approved -> Rejected".to_owned());
        }
        if !added.pending.is_empty() {
            edges.insert("Pending -> Archived".to_owned());
        }
        edges
    };
    lines.sets("transition", &edges(before), &edges(after), Weaken::Added);
    let ways = |registry: &Registry| {
        let all = registry.landing.clone().unwrap_or_else(|| Landing::ALL.to_vec());
        set(all.iter().map(|way| way.name()))
    };
    lines.sets("way of landing", &ways(before), &ways(after), Weaken::Added);
    lines.sets(
        "protected files",
        &set(&before.protect),
        &set(&after.protect),
        Weaken::Removed,
    );
}

fn records(before: &Registry, after: &Registry, lines: &mut Lines) {
    let revoked = |registry: &Registry| {
        let entries = registry.revoked.iter();
        set(entries.map(|entry| {
            let since = entry
                .since
                .iter()
                .map(|commit| format!(", believed up to {commit}"));
            let reason = entry.reason.iter().map(|reason| format!(" ({reason})"));
            format!(
                "{}{}{}",
                entry.key,
                since.collect::<String>(),
                reason.collect::<String>()
            )
        }))
    };
    lines.sets("revoked key", &revoked(before), &revoked(after), Weaken::Removed);
    let reaffirmed = |registry: &Registry| {
        let entries = registry.revoked.iter();
        set(entries.flat_map(|entry| {
            let versions = entry.reaffirmed.iter();
            versions.map(|version| format!("{version}, approved with {}", entry.key))
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
        set(entries.map(|entry| {
            let reason = entry.reason.iter().map(|reason| format!(" ({reason})"));
            format!(
                "{} at {}{}",
                entry.codes.join(", "),
                entry.commit,
                reason.collect::<String>()
            )
        }))
    };
    lines.sets(
        "accepted fault",
        &accepted(before),
        &accepted(after),
        Weaken::Added,
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
