//! MR409 quorum-unreachable: an approval needs more approvers than there are.

use std::collections::BTreeSet;

use super::scene::{Findings, PolicyScene, in_policy, names};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{Action, ActorId, ActorKind, ApprovalRule, GroupName};
use crate::trust::{Policy, group_glob};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR409",
        name: "quorum-unreachable",
        summary: "an approval needs more approvers than there are",
        docs: DOCS,
    },
    check: Check::Policy(check),
};

/// A group that a glob matches: its literal text, with every `*` filled in.
fn example(glob: &str) -> Option<GroupName> {
    glob.replace('*', "x").parse().ok()
}

/// Whether any grant of `approve` names the group.
fn is_granted(policy: &Policy, group: &GroupName) -> bool {
    let mut grants = policy.registry().grants.iter();
    grants.any(|grant| {
        let covers = |glob: &String| group_glob(glob).is_ok_and(|glob| glob.is_match(group.as_str()));
        grant.allow.contains(&Action::Approve) && grant.groups.iter().any(covers)
    })
}

/// Lists the actors whose approvals could count in the group, as far as keys and kinds
/// decide it.
fn able(policy: &Policy, group: &GroupName) -> Vec<ActorId> {
    let machines = policy.need(group).machines;
    let is_person = |id: &ActorId| {
        let actor = policy.actor(id.as_str());
        actor.is_some_and(|actor| actor.kind == ActorKind::Person)
    };
    let mut able = policy.able(Action::Approve, Some(group.as_str()), None);
    able.retain(|id| machines || is_person(id));
    able
}

/// One demand of a rule: a number of approvals, of a team or of anybody.
struct Asked {
    team: Option<String>,
    count: usize,
}

impl Asked {
    /// Whether no other rule for this group asks for more of the same.
    fn decides(&self, policy: &Policy, group: &GroupName) -> bool {
        let need = policy.need(group);
        let most = match &self.team {
            None => Some(need.required),
            Some(team) => need
                .from
                .iter()
                .find(|(name, _)| name.as_str() == team)
                .map(|(_, n)| *n),
        };
        most.is_none_or(|most| self.count >= most as usize)
    }

    fn of_team(&self) -> String {
        let team = self.team.as_ref();
        team.map_or_else(String::new, |team| format!(" of team `{team}`"))
    }
}

fn asked(rule: &ApprovalRule) -> Vec<Asked> {
    let all = Asked {
        team: None,
        count: rule.required.unwrap_or(1).max(1) as usize,
    };
    let teams = rule.from.iter().map(|(team, count)| Asked {
        team: Some(team.to_string()),
        count: *count as usize,
    });
    std::iter::once(all).chain(teams).collect()
}

/// Counts the actors who could give the required approvals.
fn could_give(policy: &Policy, able: &[ActorId], asked: &Asked) -> usize {
    let fits = |id: &&ActorId| {
        let team = asked.team.as_ref();
        team.is_none_or(|team| policy.in_team(team, id))
    };
    able.iter().filter(fits).count()
}

/// Returns how many approvals of this team, or of anybody, a group needed before, and how
/// many could be given, or `None` if no rule required them.
fn before(policy: &Policy, group: &GroupName, team: Option<&String>) -> Option<(usize, usize)> {
    let able = able(policy, group);
    let need = policy.need(group);
    let rules = need
        .rules
        .iter()
        .map(|index| &policy.registry().approvals[*index]);
    let of_team = rules.flat_map(asked).filter(|asked| asked.team.as_ref() == team);
    let most = of_team.max_by_key(|asked| asked.count)?;
    Some((most.count, could_give(policy, &able, &most)))
}

/// Whether the group lacks approvers of any kind, which is told for itself.
fn lacks_any(policy: &Policy, group: &Candidate) -> bool {
    let need = policy.need(&group.name);
    let rules = need
        .rules
        .iter()
        .map(|index| &policy.registry().approvals[*index]);
    let mut all = rules.flat_map(asked);
    all.any(|asked| could_give(policy, &group.able, &asked) < asked.count)
}

/// The verdict on one demand of a rule in one group.
enum Told {
    Enough,
    NoSlack(String),
    Lacking(String),
    Finding { message: String, able: Vec<ActorId> },
}

fn look(scene: &PolicyScene<'_>, asked: &Asked, group: &Candidate) -> Told {
    let given = could_give(scene.after, &group.able, asked);
    let name = &group.name;
    if given > asked.count {
        return Told::Enough;
    }
    let team = asked.team.as_ref();
    let was = scene.before.and_then(|policy| before(policy, name, team));
    if given == asked.count {
        // Only the policy that uses up the slack gets the note, and not each after it. A
        // first policy has one approver.
        let is_new = scene.before.is_some()
            && was.is_none_or(|(needed, given)| needed != given || asked.count > needed);
        return match group.is_named && is_new && !lacks_any(scene.after, group) {
            true => Told::NoSlack(no_slack(asked, name)),
            false => Told::Enough,
        };
    }
    let of_team = asked.of_team();
    let needed = match asked.count {
        1 => format!("1 approval{of_team} is"),
        more => format!("{more} approvals{of_team} are"),
    };
    let message = format!("{needed} needed in groups like `{name}`, and {given} could be given");
    let is_no_worse = was.is_some_and(|(needed, could)| needed.saturating_sub(could) >= asked.count - given);
    if !group.is_named {
        return match is_no_worse {
            true => Told::Enough,
            false => Told::Lacking(format!(
                "{message}: there is no such group, and no grant of `approve` names one"
            )),
        };
    }
    if scene.only_ends || is_no_worse {
        return Told::Lacking(format!(
            "{message} (MR409): nothing can be approved there until more may approve"
        ));
    }
    Told::Finding {
        message,
        able: group.able.clone(),
    }
}

/// A group that a rule may be asked about.
struct Candidate {
    name: GroupName,
    /// Whether it exists, or a grant of `approve` names it.
    is_named: bool,
    able: Vec<ActorId>,
}

fn candidates(scene: &PolicyScene<'_>) -> Result<Vec<Candidate>, Error> {
    let there = scene.step.next.groups()?;
    let registry = scene.registry();
    let grants = registry.grants.iter();
    let granted = grants.filter(|grant| grant.allow.contains(&Action::Approve));
    let of_grants = granted.flat_map(|grant| &grant.groups);
    let of_rules = registry.approvals.iter().flat_map(|rule| &rule.groups);
    let mut seen = BTreeSet::new();
    let names = there
        .iter()
        .cloned()
        .chain(of_grants.chain(of_rules).filter_map(|glob| example(glob)));
    let candidate = |name: GroupName| Candidate {
        is_named: there.contains(&name) || is_granted(scene.after, &name),
        able: able(scene.after, &name),
        name,
    };
    Ok(names
        .filter(|name| seen.insert(name.clone()))
        .map(candidate)
        .collect())
}

fn check(scene: &PolicyScene<'_>, out: &mut Findings) -> Result<(), Error> {
    let candidates = candidates(scene)?;
    for (index, rule) in scene.registry().approvals.iter().enumerate() {
        let applies = |group: &&Candidate| scene.after.need(&group.name).rules.contains(&index);
        let groups: Vec<&Candidate> = candidates.iter().filter(applies).collect();
        for asked in asked(rule) {
            // Each is reported for one group: the first.
            let (mut slack, mut lacking, mut finding) = (None, None, None);
            let decided = groups
                .iter()
                .filter(|group| asked.decides(scene.after, &group.name));
            for group in decided {
                match look(scene, &asked, group) {
                    Told::Enough => {}
                    Told::NoSlack(note) => slack = slack.or(Some(note)),
                    Told::Lacking(note) => lacking = lacking.or(Some(note)),
                    Told::Finding { message, able } => {
                        finding.get_or_insert_with(|| unreachable(index, &asked, message, &able));
                    }
                }
            }
            match finding {
                Some(finding) => out.push(finding),
                None => slack
                    .into_iter()
                    .chain(lacking)
                    .for_each(|note| out.note(note, None)),
            }
        }
    }
    Ok(())
}

fn unreachable(rule: usize, asked: &Asked, message: String, able: &[ActorId]) -> Finding<Anchor> {
    match &asked.team {
        None => Finding::new(
            &RULE.info,
            in_policy(format!("/approvals/{rule}/required")),
            message,
        )
        .why(format!("{} may approve there", names(able, "nobody")))
        .choose("grant `approve` to more actors, or ask for fewer"),
        Some(team) => Finding::new(
            &RULE.info,
            in_policy(format!("/approvals/{rule}/from/{team}")),
            message,
        )
        .choose(format!(
            "add members to `{team}` and grant them `approve`, or ask for fewer"
        )),
    }
}

/// Builds the note for a group where exactly as many can approve as are needed.
fn no_slack(asked: &Asked, group: &GroupName) -> String {
    let of_team = asked.of_team();
    format!(
        "groups like `{group}` need {}{of_team} from now on, and no more could be given: when one key is lost, nothing can be approved there",
        match asked.count {
            1 => "1 approval".to_owned(),
            count => format!("{count} approvals"),
        }
    )
}

const DOCS: &str = r#"
## What it checks
As many actors may approve as an approval needs, in every team too: in each group that exists, and in those that grants of `approve` name. If no such grant names a group, no approvals are intended there, and it is a note.

A change that only revokes keys, retires actors or keys, or reaffirms versions is never refused for this, and neither is one that lacks no more than the policy before: both are notes. Exactly as many as are needed are a note too.

## Why it matters
A quorum that can't be reached stops every release.

## Example
`required: 3` with two approvers.

## How to fix
Grant `approve` to more, or ask for fewer.
"#;
