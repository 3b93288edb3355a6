//! MR109 unknown-actor: a record names an actor that the policy does not list.

use super::scene::{Findings, Scene, ask_administrator};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Finding, RuleInfo};
use crate::record::change::ChangeKind;
use crate::record::kind::nearest;
use crate::trust::is_authored;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR109",
        name: "unknown-actor",
        summary: "a record names an actor that the policy does not list",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some(after) = scene.change.after.as_ref().filter(|after| after.record.is_some()) else {
        return Ok(());
    };
    if !is_authored(&scene.change.kind)
        && !matches!(
            scene.change.kind,
            ChangeKind::GroupCreated | ChangeKind::GroupUpdated
        )
    {
        return Ok(());
    }
    let mut named: Vec<(String, String)> = Vec::new();
    named.extend(after.by().map(|by| ("/by".to_owned(), by.to_string())));
    if let Some(review) = after.review() {
        named.extend(
            review
                .on_behalf_of
                .as_ref()
                .map(|actor| ("/onBehalfOf".to_owned(), actor.to_string())),
        );
    }
    if let Some(card) = after.card() {
        named.extend(
            card.authors
                .iter()
                .enumerate()
                .map(|(i, actor)| (format!("/authors/{i}"), actor.to_string())),
        );
    }
    if let Some(group) = after.group() {
        named.extend(
            group
                .owners
                .iter()
                .enumerate()
                .map(|(i, owner)| (format!("/owners/{i}"), owner.to_string())),
        );
    }
    let registry = scene.policy.registry();
    for (pointer, name) in named {
        let known = match name.strip_prefix("team:") {
            Some(team) => registry.teams.contains_key(team),
            None => registry.actors.contains_key(name.as_str()),
        };
        if !known {
            let what = if name.starts_with("team:") {
                "team"
            } else {
                "actor"
            };
            let bare = name.trim_start_matches("team:");
            let near = match what {
                "team" => nearest(&Vec::from_iter(registry.teams.keys()), bare),
                _ => nearest(&Vec::from_iter(registry.actors.keys()), bare),
            };
            let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? Else "));
            let finding = Finding::new(
                &RULE.info,
                scene.at(&pointer),
                format!("the policy knows no {what} `{bare}`"),
            )
            .why("names are looked up in the policy before this step")
            .help(match name.strip_prefix("team:") {
                Some(team) => format!(
                    "{near}name a team that the policy lists, or {} to add it first: `modelry team add {team} ACTOR`",
                    ask_administrator(scene.policy)
                ),
                None => format!(
                    "{near}name an actor that the policy lists, or {} to add it first: `modelry actor add {name} --key FILE`",
                    ask_administrator(scene.policy)
                ),
            });
            out.push(finding);
        }
    }
    Ok(())
}

const DOCS: &str = r#"
## What it checks
Actors and teams that a record names are in the policy before the step.

## Why it matters
A name without an actor answers for nothing.

## Example
`by: somebody` in a new version.

## How to fix
Name one that the policy lists.
"#;
