//! The signatures of a draft's records. A draft is unsigned; its records are signed once
//! its author has agreed to it.

use serde_json::json;

use super::edit_failed;
use crate::base::{Error, ObjectFormat, ObjectKind, Oid};
use crate::record::change::Change;
use crate::record::kind::{ActorId, RecordPath};
use crate::record::yaml::{Document, Edit, Limits};
use crate::record::{snapshot, subject};
use crate::trust::{Policy, Verdict};

/// Signs the canonical bytes of a record in the namespace of records.
pub type RecordSigner<'a> = &'a dyn Fn(&[u8]) -> Result<String, Error>;

/// Lists the records that the author of these changes signs: each new or changed authored
/// one. A version's signature covers its frozen part, so an edit of an existing version
/// leaves its signature as it is.
pub fn to_sign(changes: &[Change]) -> Vec<RecordPath> {
    let mut paths: Vec<RecordPath> = Vec::new();
    for change in changes {
        let (Some(path), Some(after)) = (&change.record, &change.after) else {
            continue;
        };
        let stood = change
            .before
            .as_ref()
            .is_some_and(|before| before.version().is_some());
        let edits_version = stood && after.version().is_some();
        if after.by().is_some() && after.signature().is_none() && !edits_version && !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    paths
}

/// Adds the author's signature to the record.
///
/// # Errors
/// The signing program fails, or its signature does not prove `actor`.
pub fn sign(
    policy: &Policy,
    actor: &ActorId,
    path: &RecordPath,
    text: &[u8],
    signer: RecordSigner<'_>,
) -> Result<Vec<u8>, Error> {
    let unreadable = || Error::msg(format!("`{path}` can't be read back, so it can't be signed"));
    let document = Document::read(text, &Limits::LARGE).map_err(|_| unreadable())?;
    let signature = signer(&subject::signed_bytes(policy.id(), path, document.value()))?;
    let edit = Edit::Set {
        pointer: "/signature".into(),
        value: json!(signature),
    };
    let signed = document.edit(&[edit]).map_err(edit_failed(path))?;
    let text = signed.text().as_bytes().to_vec();
    let id = Oid::hash(ObjectFormat::default(), ObjectKind::Blob, &text);
    let loaded = snapshot::load(path, id, &text)?;
    match Verdict::of_record(policy, path, &loaded) {
        _ if loaded.record.is_none() => Err(unreadable()),
        Some(Verdict::Actor { id, .. }) if id == *actor => Ok(text),
        verdict => Err(Error::msg(format!(
            "the signature that your signing program made of `{path}` does not prove `{actor}`: {}",
            verdict.map_or_else(|| "it is missing".to_owned(), |verdict| verdict.words())
        ))
        .hint("`modelry whoami` shows your key")),
    }
}
