//! The effect of a change of the policy, by group: rights that actors gain, and
//! requirements of an approval that are removed.

use std::collections::{BTreeMap, BTreeSet};

use super::PolicyLine;
use super::approvals::{Comparison, Example, Found};
use super::classes::Classes;
use crate::record::kind::{Action, ActorId, Gate, StageName};
use crate::trust::condition::Demand;
use crate::trust::{ApprovalNeed, Policy, gate_demand, path_glob};

/// A line, and the classes of groups that it applies to.
type Lines = BTreeMap<PolicyLine, BTreeSet<usize>>;

/// Lists each effect that requires less or allows more than before.
pub(super) fn effects(before: &Policy, after: &Policy, classes: &Classes) -> Vec<PolicyLine> {
    let mut lines = rights(before, after, classes);
    let newly: BTreeSet<(usize, ActorId)> = lines
        .approvers
        .iter()
        .flat_map(|(class, actors)| actors.iter().map(move |actor| (*class, actor.clone())))
        .collect();
    lines.out.extend(approvals(before, after, classes, &newly));
    lines.out
}

/// Lists each glob of groups that a policy contains.
pub(super) fn globs(policy: &Policy) -> impl Iterator<Item = String> {
    let registry = policy.registry();
    let approvals = registry.approvals.iter().flat_map(|rule| &rule.groups);
    let grants = registry.grants.iter().flat_map(|grant| &grant.groups);
    let imports = registry.imports.iter().flat_map(|rule| &rule.groups);
    approvals.chain(grants).chain(imports).cloned()
}

/// Rights that actors gain.
struct Rights {
    out: Vec<PolicyLine>,
    /// The actors who gain the right to approve, by class of groups.
    approvers: BTreeMap<usize, BTreeSet<ActorId>>,
}

/// Gained rights, by the groups and stages that they apply to.
type Gained<'a> = BTreeMap<(BTreeSet<usize>, String), BTreeMap<ActorId, Vec<&'a str>>>;

fn rights(before: &Policy, after: &Policy, classes: &Classes) -> Rights {
    let mut rights = Rights {
        out: Vec::new(),
        approvers: BTreeMap::new(),
    };
    let (old, new) = (before.registry(), after.registry());
    let same = old.grants == new.grants
        && old.teams == new.teams
        && old.actors == new.actors
        && old.imports == new.imports
        && old.stages == new.stages;
    if same {
        return rights;
    }
    let stages: Vec<&StageName> = new.stages.iter().map(|stage| &stage.name).collect();
    // Collects rights by actor and place, then groups actors with the same rights.
    let mut gained: Gained<'_> = BTreeMap::new();
    for actor in new.actors.keys() {
        let mut add = |verb: &'static str, suffix: String, may: &dyn Fn(&Policy, &str) -> bool| {
            let names = classes.names.iter().enumerate();
            let here: BTreeSet<usize> = names
                .filter(|(_, name)| may(after, name.as_str()) && !may(before, name.as_str()))
                .map(|(index, _)| index)
                .collect();
            if !here.is_empty() {
                if verb == Action::Approve.as_str() {
                    for class in &here {
                        rights.approvers.entry(*class).or_default().insert(actor.clone());
                    }
                }
                let by_actor = gained.entry((here, suffix)).or_default();
                by_actor.entry(actor.clone()).or_default().push(verb);
            }
        };
        for action in Action::ALL {
            match action {
                Action::Administer => {}
                Action::Promote => {
                    for stage in &stages {
                        add(action.as_str(), format!(" to {stage}"), &|policy, group| {
                            let listed = policy.registry().stage(stage).is_some();
                            listed && policy.may(actor, action, Some(group), Some(stage))
                        });
                    }
                }
                _ => add(action.as_str(), String::new(), &|policy, group| {
                    policy.may(actor, action, Some(group), None)
                }),
            }
        }
        add(
            "import",
            " with the status from elsewhere".to_owned(),
            &|policy, group| policy.may_import(actor, group),
        );
        let administers = |policy: &Policy| policy.may(actor, Action::Administer, None, None);
        if administers(after) && !administers(before) {
            let what = format!("{actor} may now administer: decide on changes of the policy");
            rights.out.push(PolicyLine::warning(what));
        }
    }
    let mut together: BTreeMap<(String, String, String), Vec<String>> = BTreeMap::new();
    for ((here, suffix), by_actor) in &gained {
        let label = classes.label(here);
        for (actor, verbs) in by_actor {
            let key = (verbs.join(", "), label.clone(), suffix.clone());
            together.entry(key).or_default().push(actor.to_string());
        }
    }
    let lines = together.into_iter().map(|((verbs, label, suffix), actors)| {
        PolicyLine::warning(format!(
            "{} may now {verbs} in {label}{suffix}",
            actors.join(", ")
        ))
    });
    rights.out.extend(lines);
    rights
}

/// Lists requirements of an approval that were removed, and approvals that became
/// sufficient.
fn approvals(
    before: &Policy,
    after: &Policy,
    classes: &Classes,
    newly: &BTreeSet<(usize, ActorId)>,
) -> Vec<PolicyLine> {
    let (old, new) = (before.registry(), after.registry());
    let same = old.approvals == new.approvals
        && old.grants == new.grants
        && old.teams == new.teams
        && old.actors == new.actors;
    if same {
        return Vec::new();
    }
    let comparison = Comparison::new(before, after);
    let mut lines = Lines::new();
    for (class, group) in classes.names.iter().enumerate() {
        let (was, is) = (before.need(group), after.need(group));
        let mut here = content(&was, &is);
        match comparison.newly_enough(group) {
            Found::Nothing => {}
            Found::Unknown => here.extend(
                reviews(&was, &is)
                    .into_iter()
                    .map(|line| PolicyLine { unsure: true, ..line }),
            ),
            Found::Example(example) => {
                let less = reviews(&was, &is);
                let approves_now = |(actor, _): &(ActorId, _)| newly.contains(&(class, actor.clone()));
                let explained = !less.is_empty() || example.approvals.iter().any(approves_now);
                if !explained || example.parted {
                    here.push(PolicyLine::warning(format!(": {}", words(&example))));
                }
                here.extend(less);
            }
        }
        for line in here {
            lines.entry(line).or_default().insert(class);
        }
    }
    let named = lines.into_iter().map(|(line, here)| PolicyLine {
        what: format!("{}{}", classes.label(&here), line.what),
        ..line
    });
    named.collect()
}

/// Describes approvals that became sufficient.
fn words(example: &Example) -> String {
    let voices = example.approvals.iter();
    let voices: Vec<String> = voices
        .map(|(actor, reporter)| match reporter {
            None => actor.to_string(),
            Some(machine) => format!("{actor} (reported by {machine})"),
        })
        .collect();
    let (noun, verb, was) = match voices.len() {
        1 => ("the approval of", "is", "was"),
        _ => ("the approvals of", "are", "were"),
    };
    let authors: Vec<String> = example.authors.iter().map(ToString::to_string).collect();
    let of = match authors.is_empty() {
        true => String::new(),
        false => format!(" for what {} made", authors.join(", ")),
    };
    format!(
        "{noun} {} {verb} enough now{of}, and {was} not before",
        voices.join(" and ")
    )
}

/// Lists the requirements on reviews that became weaker in one group, without the
/// group's name.
fn reviews(was: &ApprovalNeed, is: &ApprovalNeed) -> Vec<PolicyLine> {
    let mut out = Vec::new();
    let mut add = |what: &str, before: String, after: String| {
        out.push(PolicyLine {
            before: Some(before),
            after: Some(after),
            ..PolicyLine::warning(format!(": {what}"))
        });
    };
    if is.required < was.required {
        add(
            "required approvals",
            was.required.to_string(),
            is.required.to_string(),
        );
    }
    for (team, before) in &was.from {
        let after = is.from.get(team).copied().unwrap_or(0);
        if after < *before {
            let what = format!("approvals from team {team}");
            add(&what, before.to_string(), after.to_string());
        }
    }
    if was.four_eyes && !is.four_eyes {
        add("four eyes", "yes".into(), "no".into());
    }
    if is.machines && !was.machines {
        add("machines count", "no".into(), "yes".into());
    }
    if is.delegated > was.delegated {
        let (before, after) = (was.delegated.to_string(), is.delegated.to_string());
        add("reported reviews that count", before, after);
    }
    out
}

/// Whether two gates have the same text.
fn same(a: &Gate, b: &Gate) -> bool {
    a.require == b.require && a.champion == b.champion
}

/// Lists the requirements on card and gates that became weaker in one group.
fn content(was: &ApprovalNeed, is: &ApprovalNeed) -> Vec<PolicyLine> {
    let mut out = Vec::new();
    for section in was.card.difference(&is.card) {
        out.push(PolicyLine {
            before: Some("must be filled".into()),
            ..PolicyLine::warning(format!(": card section {section}"))
        });
    }
    let is_kept = |gate: &Gate, others: &ApprovalNeed| {
        let mut others = others.gates.iter();
        others.any(|other| {
            matches!(gate_demand(gate, &other.gate), Demand::Same | Demand::More) || same(gate, &other.gate)
        })
    };
    let added: Vec<_> = is
        .gates
        .iter()
        .filter(|gate| !was.gates.iter().any(|other| same(&gate.gate, &other.gate)))
        .collect();
    for gone in was.gates.iter().filter(|gate| !is_kept(&gate.gate, is)) {
        // A different condition may require less: a person must examine it.
        let instead = added
            .iter()
            .find(|gate| gate.gate.name == gone.gate.name)
            .or(added.first());
        let is_less = instead.is_none_or(|gate| {
            gate.gate.name == gone.gate.name && gate_demand(&gone.gate, &gate.gate) == Demand::Less
        });
        out.push(PolicyLine {
            before: Some(super::written::gate_words(&gone.gate)),
            after: instead.map(|gate| super::written::gate_words(&gate.gate)),
            unsure: !is_less,
            ..PolicyLine::warning(format!(": gate {}:", gone.gate.name))
        });
    }
    out
}

/// Builds paths that a glob matches, to test them against another policy.
fn examples(glob: &str) -> Vec<String> {
    let fill = |many: &str, one: &str| {
        let text = glob.replace("**/", &format!("{many}/")).replace("**", many);
        text.replace('*', one)
            .replace('?', "q")
            .trim_start_matches('/')
            .to_owned()
    };
    let mut all = vec![
        fill("q7x", "q7x"),
        fill("q7x/y8z", "q7x"),
        fill("", ""),
        fill("", "q7x"),
        glob.replace("**/", "")
            .replace("**", "q7x")
            .replace('*', "q7x")
            .replace('?', "q"),
    ];
    all.extend(
        super::classes::alternatives(glob)
            .into_iter()
            .filter(|text| text != glob)
            .flat_map(|text| examples(&text)),
    );
    all
}

/// Lists the globs of protected files that no longer protect all of their files.
pub(super) fn freed<'g>(before: &'g Policy, after: &Policy) -> impl Iterator<Item = &'g String> {
    let globs = before.registry().protect.iter();
    globs.filter(|glob| {
        let Ok(matcher) = path_glob(glob) else {
            return false;
        };
        if after.registry().protect.contains(*glob) {
            return false;
        }
        let all = examples(glob);
        let paths: Vec<&String> = all.iter().filter(|path| matcher.is_match(path)).collect();
        // A glob without an example is reported, not skipped.
        paths.is_empty() || paths.iter().any(|path| !after.protects(path))
    })
}
