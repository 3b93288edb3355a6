//! A version is registered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Draft, WriteContext, members, version_notes};
use crate::base::Error;
use crate::record::canonical::canonical;
use crate::record::kind::{GroupName, Key, Kind, RecordPath, VersionId, VersionNumber};

/// The request to register a version.
#[derive(Clone, Debug, Default)]
pub struct RegisterRequest {
    /// The model's spec.
    pub spec: Value,
    /// The description.
    pub description: Option<String>,
    /// Labels.
    pub labels: BTreeMap<Key, String>,
    /// Annotations.
    pub annotations: BTreeMap<Key, String>,
    /// Sections of a card to add with it.
    pub card: Option<Map<String, Value>>,
    /// Whether the same spec may be registered twice.
    pub allow_duplicate: bool,
    /// Whether it may lack digests; it can't be approved then.
    pub without_digest: bool,
    /// Numbers that others have reserved before they landed.
    pub reserved: BTreeSet<VersionNumber>,
    /// Registrations that a remote's branches propose.
    pub proposed: Vec<Proposed>,
}

/// A registration that a branch of a remote proposes.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// The remote.
    pub remote: String,
    /// The branch.
    pub branch: String,
    /// Its number.
    pub number: VersionNumber,
    /// The actor that it names.
    pub by: String,
    /// Its spec.
    pub spec: Value,
}

impl Proposed {
    /// Returns the draft for a version that is proposed already.
    fn found(&self, id: &VersionId, reason: Option<&str>) -> Draft {
        let mut draft = Draft::new("", reason);
        draft
            .notes
            .push("`--allow-duplicate` proposes it all the same".to_owned());
        draft.notes.push(format!(
            "`{}` of `{}` proposes the same model already, as {id}",
            self.branch, self.remote
        ));
        draft.existing.push(RecordPath::Version(id.clone()));
        draft.facts.insert("branch".into(), json!(self.branch));
        draft.facts.insert("remote".into(), json!(self.remote));
        draft
    }
}

/// Registers a version under the group's next number that is not reserved, or finds the
/// one whose spec is the same.
///
/// # Errors
/// The group does not exist, or the spec is not valid.
pub fn register(
    desk: &WriteContext<'_>,
    group: &GroupName,
    request: &RegisterRequest,
    reason: Option<&str>,
) -> Result<(VersionId, Draft), Error> {
    let home = desk.snapshot.read(&RecordPath::Group(group.clone()))?;
    if home.as_ref().is_none_or(|home| home.tombstone().is_some()) {
        return Err(crate::record::snapshot::unknown_group(
            &desk.snapshot.groups()?,
            group.as_str(),
        ));
    }
    let numbers = desk.snapshot.versions(group)?;
    if !request.allow_duplicate
        && let Some(id) = same(desk, group, &numbers, &request.spec)?
    {
        let draft = found(&id, request, reason);
        return Ok((id, draft));
    }
    let mut proposed = request.proposed.iter().filter(|_| !request.allow_duplicate);
    if let Some(proposed) =
        proposed.find(|it| it.by == desk.actor.as_str() && canonical(&it.spec) == canonical(&request.spec))
    {
        let id = VersionId {
            group: group.clone(),
            number: proposed.number,
        };
        let draft = proposed.found(&id, reason);
        return Ok((id, draft));
    }
    let mut number = numbers.last().copied().unwrap_or(0) + 1;
    while request.reserved.contains(&number) {
        number += 1;
    }
    let id = VersionId {
        group: group.clone(),
        number,
    };
    let path = RecordPath::Version(id.clone());
    let [description, labels, annotations, registered_with] = version_notes(
        request.description.as_deref(),
        &request.labels,
        &request.annotations,
    );
    let record = members([
        ("group", Some(json!(group))),
        ("version", Some(json!(number))),
        ("status", Some(json!("Pending"))),
        ("by", Some(json!(desk.actor))),
        description,
        labels,
        annotations,
        registered_with,
        ("spec", Some(request.spec.clone())),
    ]);
    let mut draft = Draft::new(format!("Register {id}"), reason);
    let text = desk.new_record(Kind::ModelVersion, &path, record)?;
    refuse_missing_digests(&path, &text, request.without_digest)?;
    draft.put(&path, text);
    if let Some(sections) = &request.card {
        let path = RecordPath::Card(id.clone());
        let record = super::card::new_card(&id, desk.actor.as_str(), sections);
        draft.put(&path, desk.new_record(Kind::ModelCard, &path, record)?);
    }
    Ok((id, draft))
}

/// Finds the newest version with this spec.
fn same(
    desk: &WriteContext<'_>,
    group: &GroupName,
    numbers: &[VersionNumber],
    spec: &Value,
) -> Result<Option<VersionId>, Error> {
    let wanted = canonical(spec);
    for &number in numbers.iter().rev() {
        let id = VersionId {
            group: group.clone(),
            number,
        };
        let there = desk.snapshot.read(&RecordPath::Version(id.clone()))?;
        let there = there.filter(|there| there.version().is_some());
        let has = there.is_some_and(|there| there.value().get("spec").map(canonical) == Some(wanted.clone()));
        if has {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// The draft for a model that is registered already.
fn found(id: &VersionId, request: &RegisterRequest, reason: Option<&str>) -> Draft {
    let mut draft = Draft::new("", reason);
    draft
        .notes
        .push("`--allow-duplicate` registers it all the same".to_owned());
    let has_notes = request.description.is_some()
        || request.card.is_some()
        || !(request.labels.is_empty() && request.annotations.is_empty());
    if has_notes {
        draft.notes.push(format!(
            "its description, labels, annotations and card stay as they are: `modelry annotate {id}` and `modelry card set {id}` change them"
        ));
    }
    draft.notes.push(format!("{id} is the same model already"));
    draft.existing.push(RecordPath::Version(id.clone()));
    draft
}

/// Refuses artifacts without a digest unless the user allows it.
fn refuse_missing_digests(path: &RecordPath, text: &str, knowingly: bool) -> Result<(), Error> {
    let id = crate::base::Oid::hash(Default::default(), crate::base::ObjectKind::Blob, text.as_bytes());
    let loaded = crate::record::snapshot::load(path, id, text.as_bytes())?;
    let Some(version) = loaded.version() else {
        return Ok(());
    };
    let lacking = version.spec.undigested();
    let hollow = version.spec.is_hollow();
    if knowingly || (lacking.is_empty() && !hollow) {
        return Ok(());
    }
    let what = match lacking.first() {
        Some(pointer) => format!(
            "`{}` has no digest",
            pointer.trim_start_matches('/').replace('/', ".")
        ),
        None => "the spec names nothing to be loaded or run".to_owned(),
    };
    Err(Error::msg(format!("{what}, so the version could never be approved"))
        .hint("name a local file or folder and it is hashed, or add `--digest sha256:…`; pin images as `NAME@sha256:…`")
        .hint("to register it all the same: `--without-digest`"))
}
