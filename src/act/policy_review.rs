//! An administrator's review of a proposed policy.

use serde_json::json;

use super::{Draft, WriteContext, members};
use crate::base::Error;
use crate::record::kind::{Decision, Kind, RecordPath};
use crate::record::snapshot::Loaded;
use crate::record::subject;
use crate::record::yaml::Edit;

/// Approves the policy in this file, as it is now.
///
/// # Errors
/// The file is not a policy, or it is in force or approved already.
pub fn approve_policy(
    desk: &WriteContext<'_>,
    proposed: &Loaded,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let Some(registry) = proposed.registry() else {
        return Err(
            Error::msg("the proposed `registry.yaml` can't be read as a policy")
                .hint("`modelry validate` says what is wrong with it"),
        );
    };
    // A policy that is in force on its branch alone is a proposal for the mainline.
    let law = desk.mainline.map_or(desk.policy, |mainline| &mainline.policy);
    let now = law.registry().serial;
    if proposed.value() == law.source.value() {
        return Err(Error::msg(format!(
            "this is policy {now}, which is in force: there is nothing to approve"
        ))
        .hint("name the branch or commit that proposes a policy: `modelry policy approve REV`"));
    }
    if registry.serial <= now {
        return Err(Error::msg(format!(
            "the proposed policy has `serial: {}`, and policy {now} is in force",
            registry.serial
        ))
        .hint(format!(
            "its author writes `serial: {}`, or a higher one",
            now + 1
        )));
    }
    let path = RecordPath::PolicyReview(registry.serial, desk.actor.clone());
    let subject = subject::policy_subject(desk.policy.id(), proposed.value());
    let mut draft = Draft::new(format!("Approve policy {}", registry.serial), reason);
    let text = match desk.snapshot.read(&path)? {
        None => {
            let record = members([
                ("serial", Some(json!(registry.serial))),
                ("by", Some(json!(desk.actor))),
                ("revision", Some(json!(1))),
                ("decision", Some(json!(Decision::Approved.as_str()))),
                ("subject", Some(json!(subject))),
                ("reason", draft.reason.as_ref().map(|reason| json!(reason))),
            ]);
            desk.new_record(Kind::Review, &path, record)?
        }
        Some(old) => {
            let same = old
                .review()
                .is_some_and(|review| review.decision == Decision::Approved && review.subject == subject);
            if same {
                draft
                    .notes
                    .push(format!("`{}` has approved this policy already", desk.actor));
                draft.existing.push(path);
                return Ok(draft);
            }
            let set = |pointer: &str, value| Edit::Set {
                pointer: pointer.into(),
                value,
            };
            let mut edits = vec![
                set("/revision", json!(old.revision().unwrap_or(0) + 1)),
                set("/decision", json!(Decision::Approved.as_str())),
                set("/subject", json!(subject)),
            ];
            match &draft.reason {
                Some(reason) => edits.push(set("/reason", json!(reason))),
                None if old.value().get("reason").is_some() => edits.push(Edit::Remove {
                    pointer: "/reason".into(),
                }),
                None => {}
            }
            desk.edited(&path, &old, edits)?
        }
    };
    draft.put(&path, text);
    Ok(draft)
}
