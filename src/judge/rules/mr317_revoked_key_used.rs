//! MR317 revoked-key-used: a key proved a change after it was last trusted.

use super::scene::in_policy;
use super::{Check, DistrustedChange, Rule};
use crate::base::Oid;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::{StageName, VersionId};

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR317",
        name: "revoked-key-used",
        summary: "a key proved a change after it was last trusted",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about one change that a key proved, at the revocation in
/// `revoked/INDEX`. `revoked` is the commit that added the revocation, or `None` if it is
/// not committed yet.
pub fn revoked_key_used(
    index: usize,
    key: &str,
    act: &DistrustedChange,
    revoked: Option<Oid>,
) -> Finding<Anchor> {
    let accept = match revoked {
        Some(commit) => format!("`acknowledged: [{{commit: \"{commit}\", codes: [MR317]}}]`"),
        None => "an entry of `acknowledged` with the commit of the revocation and MR317".to_owned(),
    };
    let mut finding = Finding::new(
        &RULE.info,
        in_policy(format!("/revoked/{index}")),
        format!(
            "key {key} proved, in commit {}, after it was last believed: {}",
            act.commit.short(),
            act.phrase
        ),
    )
    .why("the revocation says since when the key proves nothing")
    .help(match (&act.approves, &act.version) {
        (Some(id), _) => format!(
            "look at it; {id} resolves nowhere; if it is right: `modelry actor revoke-key '{key}' --reaffirm {id}`; if it is wrong, {}, and then accept the finding in `registry.yaml`, in one change of the policy, with {accept}",
            take_out(id, &act.serves)
        ),
        (None, Some(id)) => format!(
            "look at what was done; if {id} is right as it is: `modelry actor revoke-key '{key}' --reaffirm {id}`; if it is wrong, {} (`modelry reject {id} -m REASON` while it is Pending), and then accept the finding in `registry.yaml`, in one change of the policy, with {accept}",
            take_out(id, &act.serves)
        ),
        (None, None) => format!(
            "look at what was done, undo it, or accept it in `registry.yaml`, in one change of the policy, with {accept}"
        ),
    });
    finding.reaffirms = act.version.clone().map(|id| (key.to_owned(), id));
    finding.group.clone_from(&act.group);
    finding
}

/// The lines that take a version out of use. What serves can't be archived (MR211).
fn take_out(id: &VersionId, serves: &[StageName]) -> String {
    let group = &id.group;
    let lines = serves.iter().map(|stage| {
        format!(
            "`modelry rollback {group} {stage} --empty -m REASON`, if `{stage}` still serves it, and then "
        )
    });
    format!("{}`modelry archive {id} -m REASON`", lines.collect::<String>())
}

const DOCS: &str = r#"
## What it checks
A revocation with `since` names the last mainline commit for which the key is trusted. Each change that the key proved after it is a finding, placed at the revocation: in the registry, and in files that were protected then or are now.

A change that only revokes or retires lands all the same. The findings stop later changes that rest on the key, and not the revocation. A push, a pull request, a range of commits and a job of CI report them as notes; an audit reports the findings.

## Why it matters
The thief of a key may have approved a version. It must not be deployed until a person has checked it.

## Example
A laptop is lost on Monday and the key revoked on Friday, with `since` the last commit of Sunday.

## How to fix
Check each change. List a version that is right after all under `reaffirmed` of the revocation: that accepts every change that the key proved about it. Take a version that is wrong out of its stages and archive it, which the finding does not stop. Then accept the finding under `acknowledged`, with the commit of the revocation: the group is answered again.
"#;
