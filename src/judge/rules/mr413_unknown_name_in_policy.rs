//! MR413 unknown-name-in-policy: the policy names an actor, team or stage that it does not list.

use super::scene::{Findings, PolicyScene, in_policy};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::kind::{ActorId, nearest};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR413",
        name: "unknown-name-in-policy",
        summary: "the policy names an actor, team or stage that it does not list",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let registry = scene.registry();
    let mut told = |at: String, what: &str, name: &str| {
        let known: Vec<String> = match what {
            "team" => registry.teams.keys().map(ToString::to_string).collect(),
            "stage" => registry
                .stages
                .iter()
                .map(|stage| stage.name.to_string())
                .collect(),
            _ => registry.actors.keys().map(ToString::to_string).collect(),
        };
        let near = nearest(&known, name).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
        let finding = Finding::new(
            &RULE.info,
            in_policy(at),
            format!("the policy lists no {what} `{name}`"),
        )
        .choose(format!("list the {what}, or correct the name{near}"));
        out.push(finding);
    };
    let actor = |id: &ActorId| registry.actors.contains_key(id);
    for (team, members) in &registry.teams {
        for (index, member) in members.iter().enumerate().filter(|(_, member)| !actor(member)) {
            told(format!("/teams/{team}/{index}"), "actor", member.as_str());
        }
    }
    let recovery = registry.policy_change.recovery.iter().enumerate();
    for (index, id) in recovery.filter(|(_, id)| !actor(id)) {
        told(format!("/policyChange/recovery/{index}"), "actor", id.as_str());
    }
    for (id, record) in &registry.actors {
        for (index, owner) in record
            .owners
            .iter()
            .enumerate()
            .filter(|(_, owner)| !actor(owner))
        {
            told(format!("/actors/{id}/owners/{index}"), "actor", owner.as_str());
        }
    }
    let principals = registry
        .grants
        .iter()
        .enumerate()
        .map(|(index, grant)| (format!("/grants/{index}/to"), &grant.to));
    let importers = registry
        .imports
        .iter()
        .enumerate()
        .map(|(index, rule)| (format!("/imports/{index}/to"), &rule.to));
    for (at, list) in principals.chain(importers) {
        for (place, principal) in list.iter().enumerate() {
            match principal.team() {
                Some(team) if !registry.teams.contains_key(team) => {
                    told(format!("{at}/{place}"), "team", team)
                }
                None if !registry.actors.contains_key(principal.as_str()) => {
                    told(format!("{at}/{place}"), "actor", principal.as_str())
                }
                _ => {}
            }
        }
    }
    for (index, grant) in registry.grants.iter().enumerate() {
        for (place, stage) in grant
            .stages
            .iter()
            .enumerate()
            .filter(|(_, stage)| registry.stage(stage).is_none())
        {
            told(format!("/grants/{index}/stages/{place}"), "stage", stage.as_str());
        }
    }
    for (index, rule) in registry.approvals.iter().enumerate() {
        for team in rule
            .from
            .keys()
            .filter(|team| !registry.teams.contains_key(*team))
        {
            told(format!("/approvals/{index}/from/{team}"), "team", team.as_str());
        }
        for (place, gate) in rule.gates.iter().enumerate() {
            if let Some(stage) = gate
                .champion
                .as_ref()
                .filter(|stage| registry.stage(stage).is_none())
            {
                told(
                    format!("/approvals/{index}/gates/{place}/champion"),
                    "stage",
                    stage.as_str(),
                );
            }
        }
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
