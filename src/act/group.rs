//! Groups are made and described.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Draft, WriteContext, members};
use crate::base::Error;
use crate::record::kind::{GroupName, Key, Kind, RecordPath};
use crate::record::snapshot::known_holder;
use crate::record::yaml::{Edit, pointer_step};

/// The new properties of a group.
#[derive(Clone, Debug, Default)]
pub struct GroupRequest {
    /// The purpose of the model; empty text removes it.
    pub description: Option<String>,
    /// The contacts.
    pub owners: Vec<String>,
    /// Labels; `None` removes one.
    pub labels: BTreeMap<Key, Option<String>>,
    /// Annotations; `None` removes one.
    pub annotations: BTreeMap<Key, Option<String>>,
}

/// Refuses owners that the policy does not list.
fn known_owners(desk: &WriteContext<'_>, request: &GroupRequest) -> Result<(), Error> {
    let registry = desk.policy.registry();
    request
        .owners
        .iter()
        .try_for_each(|owner| known_holder(registry, owner))
}

/// Makes a group. An equal one that exists already stays as it is.
///
/// # Errors
/// The name is taken.
pub fn create_group(
    desk: &WriteContext<'_>,
    name: &GroupName,
    request: &GroupRequest,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    known_owners(desk, request)?;
    let path = RecordPath::Group(name.clone());
    let kept = |map: &BTreeMap<Key, Option<String>>| {
        let set: BTreeMap<_, _> = map
            .iter()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_ref()?)))
            .collect();
        (!set.is_empty()).then(|| json!(set))
    };
    let record = members([
        ("name", Some(json!(name))),
        (
            "description",
            request.description.as_ref().map(|text| json!(text)),
        ),
        (
            "owners",
            (!request.owners.is_empty()).then(|| json!(request.owners)),
        ),
        ("labels", kept(&request.labels)),
        ("annotations", kept(&request.annotations)),
    ]);
    let mut draft = Draft::new(format!("Create group {name}"), reason);
    if let Some(there) = desk.snapshot.read(&path)? {
        if there.tombstone().is_some() {
            let told = format!("group `{name}` was deleted, and its name is never used again");
            return Err(Error::msg(told).hint("choose another name"));
        }
        let told = format!("group `{name}` is there already");
        let members = ["name", "description", "owners", "labels", "annotations"];
        if members.iter().any(|it| there.value().get(it) != record.get(*it)) {
            return Err(
                Error::msg(format!("{told}, and says something else of itself")).hint(format!(
                    "look: `modelry group show {name}`; change it: `modelry group update {name} …`"
                )),
            );
        }
        draft.notes.push(told);
        draft.existing.push(path);
        return Ok(draft);
    }
    draft.put(&path, desk.new_record(Kind::ModelGroup, &path, record)?);
    Ok(draft)
}

/// Changes a group's properties.
///
/// # Errors
/// The group does not exist.
pub fn update_group(
    desk: &WriteContext<'_>,
    name: &GroupName,
    request: &GroupRequest,
    reason: Option<&str>,
) -> Result<Draft, Error> {
    let path = RecordPath::Group(name.clone());
    let old = desk.snapshot.read(&path)?.filter(|old| old.tombstone().is_none());
    let Some(old) = old else {
        return Err(crate::record::snapshot::unknown_group(
            &desk.snapshot.groups()?,
            name.as_str(),
        ));
    };
    known_owners(desk, request)?;
    let mut edits = free_edits(
        old.value(),
        request.description.as_deref(),
        &request.labels,
        &request.annotations,
    );
    if !request.owners.is_empty() {
        edits.push(Edit::Set {
            pointer: "/owners".into(),
            value: json!(request.owners),
        });
    }
    let mut draft = Draft::new(format!("Update group {name}"), reason);
    draft.put(&path, desk.edited(&path, &old, edits)?);
    Ok(draft)
}

/// Edits of description, labels and annotations.
pub(super) fn free_edits(
    old: &serde_json::Value,
    description: Option<&str>,
    labels: &BTreeMap<Key, Option<String>>,
    annotations: &BTreeMap<Key, Option<String>>,
) -> Vec<Edit> {
    let mut edits = Vec::new();
    match description {
        Some("") if old.get("description").is_some() => edits.push(Edit::Remove {
            pointer: "/description".into(),
        }),
        Some("") | None => {}
        Some(text) => edits.push(Edit::Set {
            pointer: "/description".into(),
            value: json!(text),
        }),
    }
    for (member, changes) in [("labels", labels), ("annotations", annotations)] {
        for (key, value) in changes {
            let pointer = format!("/{member}/{}", pointer_step(key.as_str()));
            match value {
                Some(value) => edits.push(Edit::Set {
                    pointer,
                    value: json!(value),
                }),
                None if old.pointer(&pointer).is_some() => edits.push(Edit::Remove { pointer }),
                None => {}
            }
        }
    }
    edits
}
