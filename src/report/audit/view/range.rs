//! The audited part of the history, for programs.

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Oid;
use crate::report::audit::{Audit, PriorKnowledge};

/// The audited part of the history.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonRange<'a> {
    /// The mainline's name.
    mainline: &'a str,
    /// The first step.
    root: String,
    /// Whether the root was pinned outside the history.
    root_pinned: bool,
    /// The origin of the pin, with `--with-clone`: `option`, `command`, `worktree`,
    /// `local`, `global`, `system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    root_pinned_by: Option<&'a str>,
    /// The last step.
    tip: String,
    /// The point that this clone verified before: with `--with-clone`, or if the
    /// mainline lost it.
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<JsonKnown>,
    /// The checkpoint of an earlier audit that the mainline continues.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<JsonCheckpoint<'a>>,
    /// The number of steps from the root to the tip, both included.
    steps: usize,
    /// The number of steps that do not change the registry.
    links: usize,
    /// The number of commits after the root whose signature was checked.
    commits: usize,
    /// The number of these commits that are behind merges.
    side_commits: usize,
    /// The number of typed changes judged.
    changes: usize,
    /// The number of documents read.
    documents: usize,
}

/// A point of the mainline that the clone verified before.
#[derive(Serialize, JsonSchema)]
struct JsonKnown {
    /// The commit.
    commit: String,
    /// Whether the mainline still contains it.
    held: bool,
}

/// A checkpoint of an earlier audit.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct JsonCheckpoint<'a> {
    /// The number of steps.
    size: u64,
    /// The last step.
    commit: String,
    /// The actor who signed the checkpoint, if it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_by: Option<&'a str>,
}

/// Describes the audited part of the history.
pub(super) fn range(audit: &Audit) -> JsonRange<'_> {
    let range = &audit.range;
    let point = |commit: Oid, held: bool| {
        Some(JsonKnown {
            commit: commit.to_string(),
            held,
        })
    };
    JsonRange {
        mainline: &range.mainline,
        root: range.root.to_string(),
        root_pinned: range.pinned,
        root_pinned_by: range.pinned_by.map(|origin| origin.code),
        tip: range.tip.to_string(),
        known: match audit.known {
            PriorKnowledge::Nothing => None,
            PriorKnowledge::Holds(commit) => point(commit, true),
            PriorKnowledge::Lost(commit) => point(commit, false),
        },
        checkpoint: audit.confirmed.as_ref().map(|confirmed| JsonCheckpoint {
            size: confirmed.size,
            commit: confirmed.commit.to_string(),
            signed_by: confirmed.signer.as_ref().map(|actor| actor.as_str()),
        }),
        steps: range.steps,
        links: range.links,
        commits: range.commits,
        side_commits: range.side_commits,
        changes: range.changes,
        documents: audit.report.checked.documents,
    }
}
