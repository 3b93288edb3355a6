//! Looks up names that a user gave. An unknown name is refused with the nearest known
//! one.

use super::Snapshot;
use crate::base::Error;
use crate::record::kind::{ActorId, GroupName, Registry, StageName, VersionId, nearest};

/// Builds the error for an unknown version.
pub fn unknown_version(snapshot: &Snapshot<'_>, id: &VersionId) -> Result<Error, Error> {
    let groups = snapshot.groups()?;
    if !groups.contains(&id.group) {
        return Ok(unknown_group(&groups, id.group.as_str()));
    }
    let versions = snapshot.versions(&id.group)?;
    Ok(match versions.last() {
        None => Error::msg(format!("group `{}` has no version yet", id.group)).hint(format!(
            "register one: `modelry register {} --artifact FILE`",
            id.group
        )),
        Some(highest) => Error::msg(format!("there is no version {id}")).hint(format!(
            "the highest is {}/{highest}; `modelry list {}` shows them all",
            id.group, id.group
        )),
    })
}

/// Builds the error for an unknown group, with the nearest name.
pub fn unknown_group<T: std::fmt::Display>(groups: &[T], name: &str) -> Error {
    if groups.iter().any(|group| group.to_string() == name) {
        return Error::msg(format!(
            "group `{name}` was deleted, and its name is never used again"
        ))
        .hint(format!(
            "`modelry log {name}` shows the commit that deleted it, with its author and reason"
        ));
    }
    let error = Error::msg(format!("there is no group `{name}`"));
    match nearest(groups, name) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!(
            "make it with `modelry group create {name}`; `modelry list` shows those that are there"
        )),
    }
}

/// Refuses an unknown group, and a stage that the policy does not list.
///
/// # Errors
/// The name is unknown; the error suggests the nearest one.
pub fn known(snapshot: &Snapshot<'_>, group: &GroupName, stage: Option<&StageName>) -> Result<(), Error> {
    let groups = snapshot.groups()?;
    if !groups.contains(group) {
        return Err(unknown_group(&groups, group.as_str()));
    }
    let Some(stage) = stage else { return Ok(()) };
    let loaded = snapshot.registry()?;
    match loaded.as_ref().and_then(|loaded| loaded.registry()) {
        Some(policy) => listed_stage(policy, stage),
        None => Err(Error::msg("the policy can't be read").hint("`modelry validate` says why")),
    }
}

/// Refuses a stage that the policy does not list, with the nearest name.
pub fn listed_stage(policy: &Registry, stage: &StageName) -> Result<(), Error> {
    if policy.stage(stage).is_some() {
        return Ok(());
    }
    let names: Vec<&StageName> = policy.stages.iter().map(|stage| &stage.name).collect();
    let error = Error::msg(format!("the policy lists no stage `{stage}`"));
    let list: Vec<String> = names.iter().map(ToString::to_string).collect();
    Err(match nearest(&names, stage.as_str()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => error.hint("it lists none"),
        None => error.hint(format!("there are: {}", list.join(", "))),
    })
}

/// Refuses an actor, or `team:NAME`, that the policy does not list.
///
/// # Errors
/// The name is unknown; the error suggests the nearest one.
pub fn known_holder(registry: &Registry, holder: &str) -> Result<(), Error> {
    if let Some(team) = holder.strip_prefix("team:") {
        return match registry.teams.keys().any(|known| known.to_string() == team) {
            true => Ok(()),
            false => Err(unknown_team(registry, team)),
        };
    }
    let known: Vec<&ActorId> = registry.actors.keys().collect();
    if known.iter().any(|id| id.as_str() == holder) {
        return Ok(());
    }
    let error = Error::msg(format!("the policy knows no actor `{holder}`"));
    Err(match nearest(&known, holder) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("add it first: `modelry actor add {holder} --key FILE`")),
    })
}

/// Builds the error for an unknown team, with the nearest name.
pub fn unknown_team(registry: &Registry, team: &str) -> Error {
    let known: Vec<_> = registry.teams.keys().collect();
    let error = Error::msg(format!("there is no team `{team}`"));
    match nearest(&known, team) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("make it first: `modelry team add {team} ACTOR`")),
    }
}
