//! Phrases for the requirements of an approval, its missing parts, and the next step.

use super::{ApprovalFault, ApprovalNeed, Cure, GateResult, Shortfall, Tally};
use crate::base::count;
use crate::record::kind::{ActorId, GroupName, Status, VersionId};

/// Names the reviewer, and the machine that reports the review if one does.
pub fn voice(actor: &ActorId, reported_by: Option<&ActorId>) -> String {
    match reported_by {
        Some(machine) => format!("{actor} (reported by {machine})"),
        None => actor.to_string(),
    }
}

impl ApprovalFault {
    /// Describes why an approval by `actor` does not count in a group.
    pub fn words(&self, actor: &ActorId, group: &GroupName) -> String {
        match self {
            ApprovalFault::NotGranted => format!("`{actor}` may not approve in `{group}`"),
            ApprovalFault::Machine => {
                format!("`{actor}` is a machine, and machines do not count in `{group}`")
            }
            ApprovalFault::FourEyes(author) if author == actor => {
                format!("four eyes: `{actor}` is an author of what is approved")
            }
            ApprovalFault::FourEyes(author) => {
                format!("four eyes: `{actor}` and the author `{author}` share an owner")
            }
        }
    }
}

/// Describes the requirements of an approval in a group, on one line.
pub fn need_words(need: &ApprovalNeed) -> String {
    let mut words = vec![if need.required == 1 {
        "1 approval".into()
    } else {
        format!("{} approvals", need.required)
    }];
    words.extend(need.from.iter().map(|(team, n)| format!("{n} from team {team}")));
    if need.four_eyes {
        words.push("four eyes".into());
    }
    if !need.card.is_empty() {
        words.push(format!(
            "card: {}",
            need.card
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if !need.gates.is_empty() {
        words.push(format!(
            "gates: {}",
            need.gates
                .iter()
                .map(|gate| gate.gate.name.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    words.join("; ")
}

/// One thing that is missing.
pub fn shortfall_words(shortfall: &Shortfall) -> String {
    match shortfall {
        Shortfall::Approvals { have, need } => {
            format!("{have} of {} so far", count(*need as usize, "approval"))
        }
        Shortfall::Team { team, have, need } => {
            let needed = count(*need as usize, "approval");
            format!("{have} of {needed} from team {team} so far")
        }
        Shortfall::Card(section) => format!("the card's section {section}"),
        Shortfall::Rejected(actor) => format!("{actor} rejected it, and would have to withdraw"),
        Shortfall::Undigested(pointer) => {
            format!(
                "a digest of {}",
                pointer.trim_start_matches("/spec/").replace('/', ".")
            )
        }
        Shortfall::Hollow => "something to be loaded or run".into(),
        Shortfall::Gate(name) => format!("gate {name}"),
    }
}

/// Describes the next step where gates are not met, as the finding about them does.
fn gates_turn(id: &VersionId, tally: &Tally) -> String {
    let unmet = tally.gates.iter().filter(|gate| !gate.met);
    let cures: Vec<Cure> = unmet.map(GateResult::cure).collect();
    if let Some(why) = cures.iter().find_map(|cure| match cure {
        Cure::Gate(why) => Some(why),
        _ => None,
    }) {
        return format!("an administrator's: mend the gate in `registry.yaml`: {why}");
    }
    if cures.contains(&Cure::Version) {
        return "the author's: register a version that meets the gates".into();
    }
    let asked: Vec<String> = cures
        .iter()
        .filter_map(|cure| match cure {
            Cure::Evidence(asked) => Some(format!("`modelry evidence add {id} {asked}`")),
            _ => None,
        })
        .collect();
    match asked.is_empty() {
        false => format!(
            "an actor with `add-evidence`: add the evidence that the gates ask for: {}",
            asked.join(" and ")
        ),
        true => format!(
            "the author's: fill what the gates ask of the card: `modelry card set {id} --set FIELD=TEXT`"
        ),
    }
}

/// Describes the next step and who must take it, in one sentence.
pub fn turn(id: &VersionId, status: Status, tally: &Tally) -> String {
    let who = |actors: &[crate::record::kind::ActorId]| match actors {
        [] => "nobody".to_owned(),
        [one] => one.to_string(),
        more => format!(
            "one of {}",
            more.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    };
    let missing: Vec<String> = tally.missing.iter().map(shortfall_words).collect();
    match status {
        Status::Pending if missing.is_empty() => {
            format!("anybody's: `modelry settle {id}` makes it Approved")
        }
        Status::Pending if tally.rejections().next().is_some() => {
            format!("anybody's: `modelry settle {id}` makes it Rejected")
        }
        // No review can complete content without a digest: other bytes can't be
        // distinguished from it.
        Status::Pending if tally.can_never_be_approved() => {
            "the author's: it can't be approved as it is; register it again with digests".into()
        }
        // No review completes what does not meet a gate.
        Status::Pending if tally.gates.iter().any(|gate| !gate.met) => gates_turn(id, tally),
        // A card that is filled later voids the reviews before it.
        Status::Pending if tally.missing.iter().any(|m| matches!(m, Shortfall::Card(_))) => {
            format!("the author's: `modelry card set {id}`")
        }
        Status::Pending if !tally.could_approve.is_empty() => {
            format!(
                "{}: `modelry approve {id} -m REASON --expect {}`",
                who(&tally.could_approve),
                tally.subject.typed()
            )
        }
        Status::Pending => format!(
            "blocked: no actor holds the rights needed to complete this approval; an administrator can grant them: `modelry grant add ACTOR --allow approve --groups {}`",
            id.group
        ),
        _ => "over: it is decided".into(),
    }
}
