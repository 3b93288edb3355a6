//! MR316 gate-not-met: a version is approved that does not meet a gate.

use super::scene::{Findings, Scene, one_of};
use super::{Check, Rule};
use crate::base::Error;
use crate::judge::finding::{Anchor, Finding, Remedy, RuleInfo};
use crate::record::kind::{Action, REGISTRY_FILE, Status, VersionId};
use crate::trust::{Cure, GateResult};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR316",
        name: "gate-not-met",
        summary: "a version is approved that does not meet a gate",
        docs: DOCS,
    },
    check: Check::Change(check),
};

fn check(scene: &Scene<'_>, out: &mut Findings) -> Result<(), Error> {
    let Some((id, tally)) = scene.tally_of_move(Status::Approved)? else {
        return Ok(());
    };
    for mut finding in gate_findings(&id, &scene.at("/status"), &tally.gates) {
        let holders = scene
            .policy
            .able(Action::AddEvidence, Some(id.group.as_str()), None);
        if let (Remedy::Follow, Some(help)) = (finding.remedy, &mut finding.help) {
            *help = format!(
                "ask {} to {help}",
                one_of(&holders, "an actor with `add-evidence`")
            );
        }
        out.push(finding);
    }
    Ok(())
}

/// Builds the findings about the gates that a version does not meet, at this place.
pub fn gate_findings(id: &VersionId, at: &Anchor, gates: &[GateResult]) -> Vec<Finding<Anchor>> {
    gates
        .iter()
        .filter(|gate| !gate.met)
        .map(|gate| unmet(id, at, gate))
        .collect()
}

fn unmet(id: &VersionId, at: &Anchor, gate: &GateResult) -> Finding<Anchor> {
    let name = gate.name();
    let message = match &gate.placed.gate.message {
        Some(message) => format!("{id} does not meet gate `{name}`: {message}"),
        None => format!("{id} does not meet gate `{name}`"),
    };
    let mut finding = Finding::new(&RULE.info, at.clone(), message).related(
        Anchor::before(REGISTRY_FILE, gate.placed.pointer("require")),
        "the policy asks for this",
    );
    if let Some(reason) = &gate.reason {
        finding = finding.why(reason);
    }
    if !gate.values.is_empty() {
        finding = finding.why(gate.seen());
    }
    if let (Some(champion), Some(stage)) = (&gate.champion, &gate.placed.gate.champion) {
        finding = finding.why(format!("the champion of `{stage}` is {champion}"));
    }
    match gate.cure() {
        Cure::Evidence(asked) => finding.help(format!(
            "add the evidence that it asks for: `modelry evidence add {id} {asked}`"
        )),
        Cure::Card => finding.help(format!(
            "fill what it asks of the card: `modelry card set {id} --set FIELD=TEXT`"
        )),
        Cure::Gate(why) => finding.choose(format!(
            "ask an administrator to mend the gate in `registry.yaml`: {why}"
        )),
        Cure::Version => finding.choose(format!(
            "register a version that meets it, or reject this one: `modelry reject {id} -m REASON`"
        )),
    }
}

const DOCS: &str = r#"
## What it checks
Every gate of the policy before the step is `true` for the version's content, with the champion that served before the step. A condition that can't be evaluated, for example because a metric is missing, is not met.

## Why it matters
A gate is the part of an approval that is never forgotten. Where machines approve, it is all of it.

## Example
`require: metrics.auc >= 0.85` and a version with 0.8.

## How to fix
Register a version that meets it. A gate that is wrong is changed in the policy first.
"#;
