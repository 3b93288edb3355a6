//! MR413 unknown-name-in-policy: the policy names an actor, team or stage that it does not list.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::{Registry, nearest};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR413",
        name: "unknown-name-in-policy",
        summary: "the policy names an actor, team or stage that it does not list",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

/// A name in the policy that must be listed in it.
struct Named<'r> {
    /// Where, as a JSON pointer.
    at: String,
    /// What it names: an actor, a team or a stage.
    what: &'static str,
    name: &'r str,
}

/// Lists the names that a policy uses, in the order of its fields.
fn names(registry: &Registry) -> Vec<Named<'_>> {
    let mut names = Vec::new();
    let mut add = |at, what, name| names.push(Named { at, what, name });
    for (team, members) in &registry.teams {
        for (index, member) in members.iter().enumerate() {
            add(format!("/teams/{team}/{index}"), "actor", member.as_str());
        }
    }
    for (index, id) in registry.policy_change.recovery.iter().enumerate() {
        add(format!("/policyChange/recovery/{index}"), "actor", id.as_str());
    }
    for (id, record) in &registry.actors {
        for (index, owner) in record.owners.iter().enumerate() {
            add(format!("/actors/{id}/owners/{index}"), "actor", owner.as_str());
        }
    }
    let grants = registry.grants.iter().enumerate();
    let grants = grants.map(|(index, grant)| (format!("/grants/{index}/to"), &grant.to));
    let imports = registry.imports.iter().enumerate();
    let imports = imports.map(|(index, rule)| (format!("/imports/{index}/to"), &rule.to));
    for (at, principals) in grants.chain(imports) {
        for (place, principal) in principals.iter().enumerate() {
            match principal.team() {
                Some(team) => add(format!("{at}/{place}"), "team", team),
                None => add(format!("{at}/{place}"), "actor", principal.as_str()),
            }
        }
    }
    for (index, grant) in registry.grants.iter().enumerate() {
        for (place, stage) in grant.stages.iter().enumerate() {
            add(format!("/grants/{index}/stages/{place}"), "stage", stage.as_str());
        }
    }
    for (index, rule) in registry.approvals.iter().enumerate() {
        for team in rule.from.keys() {
            add(format!("/approvals/{index}/from/{team}"), "team", team.as_str());
        }
        for (place, gate) in rule.gates.iter().enumerate() {
            if let Some(stage) = &gate.champion {
                let at = format!("/approvals/{index}/gates/{place}/champion");
                add(at, "stage", stage.as_str());
            }
        }
    }
    names
}

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    let listed = |what: &str| -> Vec<&str> {
        match what {
            "team" => registry.teams.keys().map(|team| team.as_str()).collect(),
            "stage" => registry.stages.iter().map(|stage| stage.name.as_str()).collect(),
            _ => registry.actors.keys().map(|actor| actor.as_str()).collect(),
        }
    };
    let is_listed = |named: &Named<'_>| match named.what {
        "team" => registry.teams.contains_key(named.name),
        "stage" => registry
            .stages
            .iter()
            .any(|stage| stage.name.as_str() == named.name),
        _ => registry.actors.contains_key(named.name),
    };
    let unlisted = names(registry).into_iter().filter(|named| !is_listed(named));
    for Named { at, what, name } in unlisted {
        let near =
            nearest(&listed(what), name).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        let finding = Finding::new(
            &RULE.info,
            in_policy(at),
            format!("the policy lists no {what} `{name}`"),
        )
        .choose(format!("list the {what}, or correct the name{near}"));
        out.push(finding);
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Actors, teams and stages that the policy names are listed in it.

## Why it matters
A grant to a mistyped name would go to the next actor of that name.

## Example
`to: [team:riks]`.

## How to fix
List it, or correct the name.
"#;
