//! MR507 bad-checkpoint-signature: the checkpoint's signature is missing, invalid, or not by
//! an actor of this registry.

use super::{Check, Rule};
use crate::judge::checkpoint::Checkpoint;
use crate::judge::finding::{Anchor, Finding, RuleInfo};
use crate::record::kind::REGISTRY_FILE;
use crate::trust::Verdict;

pub(super) static RULE: Rule = Rule {
    info: RuleInfo {
        code: "MR507",
        name: "bad-checkpoint-signature",
        summary: "the checkpoint's signature is missing, invalid, or not by an actor of this registry",
        docs: DOCS,
    },
    check: Check::History,
};

/// Builds the finding about a signature that proves no actor.
pub fn bad_checkpoint_signature(checkpoint: &Checkpoint, verdict: &Verdict) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "the signature beside the checkpoint of step {} ({}) proves no actor",
            checkpoint.size,
            checkpoint.commit.short()
        ),
    )
    .why(format!("it was signed by {}", verdict.words()))
    .why(format!("its signer must be an actor of the policy at {}", checkpoint.commit.short()))
    .help("restore checkpoint and signature from a copy; if there is none, find out who changed them, remove both, and start over with `--new-checkpoint --sign`")
}

/// Builds the finding about a signed checkpoint whose signature is gone.
pub fn lost_checkpoint_signature(checkpoint: &Checkpoint) -> Finding<Anchor> {
    Finding::new(
        &RULE.info,
        Anchor::file(REGISTRY_FILE),
        format!(
            "the checkpoint of step {} ({}) was signed, and its signature is gone",
            checkpoint.size,
            checkpoint.commit.short()
        ),
    )
    .why("its line `signed` says that a signature stands beside it".to_owned())
    .help("restore the signature from a copy; if there is none, find out who removed it, and start over with `--new-checkpoint --sign`")
}

const DOCS: &str = r#"
## What it checks
If there is a `FILE.sig` beside the checkpoint `FILE`, it is a valid signature over the file's bytes (SSH: namespace `modelry-checkpoint`), by a key of an actor of the policy at the checkpoint's commit. A checkpoint that `--sign` wrote has a line `signed`, and then there must be one.

## Why it matters
A checkpoint is worth as much as the place where it is kept. The signature proves that an actor's audit wrote it.

## Example
The checkpoint is edited or replaced and its signature left, or the signature is removed.

## How to fix
Restore both files from a copy. To go on without them, find out first who changed them; then remove both, and start over with `--new-checkpoint --sign`.
"#;
