//! MR017 merge-marker: a merge conflict is not resolved.

use super::{Check, Rule};
use crate::judge::finding::RuleInfo;
use crate::record::snapshot::ReadFault;
use crate::record::yaml::FaultKind;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR017",
        name: "merge-marker",
        summary: "a merge conflict is not resolved",
        docs: DOCS,
    },
    check: Check::Fault(
        |fault| matches!(fault, ReadFault::Text(fault) if fault.kind == FaultKind::MergeConflict),
    ),
};

const DOCS: &str = r#"
## What it checks
No line of a record is a marker that git leaves in a conflict: `<<<<<<<`, `|||||||`, `=======` or
`>>>>>>>` at its start.

## Why it matters
The file has two contents, and a person has to choose. Its other faults follow from that, and are
reported once the conflict is resolved.

## Example
`<<<<<<< HEAD`, left in a `version.yaml` after `git merge`.

## How to fix
Keep the right lines and delete those with the markers; then `git add FILE`.
`git checkout --ours FILE` takes all of one side during a merge.
"#;
