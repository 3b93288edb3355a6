//! Imports versions of another registry, whatever its format: each format's reader makes
//! an [`ImportedGroup`], and from there on all are the same. Versions keep their numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::elsewhere::{self, ALIASES};
use super::import_plan::{
    Arrival, IMPORTED_AT, IMPORTED_BY, IMPORTED_FROM, IMPORTED_STATUS, ImportPlan, ImportedGroup,
    ImportedVersion, NAME_ELSEWHERE, PlannedGroup, PlannedVersion,
};
use super::{Draft, GroupRequest, WriteContext, members, version_notes};
use crate::base::{Error, one_line};
use crate::record::canonical::canonical;
use crate::record::kind::{
    GroupName, Imported, ImportedStatus, Key, Kind, Labels, MAX_VERSION_GAP, ModelGroup, ModelSpec,
    RecordPath, StageName, Status, VersionId, VersionNumber, cleaned_text, cleaned_uri, concealed,
    text_fault, uri_fault,
};
use crate::record::schema;
use crate::record::snapshot::Loaded;

/// Annotation of a group: its ARN in SageMaker.
const GROUP_ARN: &str = "sagemaker/ModelPackageGroupArn";

/// Annotation of a version: its ARN in SageMaker.
const VERSION_ARN: &str = "sagemaker/ModelPackageArn";

/// Imports groups and their versions, in one change. The draft is `None` when all of it
/// is here already. `from` names the registry that they come from.
///
/// # Errors
/// A number is too high, or taken by other content; or a spec is not valid.
pub fn import(
    desk: &WriteContext<'_>,
    from: &str,
    groups: &[ImportedGroup],
    reason: Option<&str>,
) -> Result<(ImportPlan, Draft), Error> {
    // The other registry's name must not add lines of its own to the commit message.
    let from = &one_line(from);
    let mut plan = ImportPlan {
        from: from.clone(),
        groups: Vec::new(),
    };
    let mut draft = Draft::new("", reason);
    let mut names: BTreeMap<String, &ImportedGroup> = BTreeMap::new();
    for group in groups {
        if let Some(other) = names.insert(group.name.as_str().to_lowercase(), group) {
            return Err(Error::msg(format!(
                "two groups of what is imported would be called `{}` and `{}`, which is one name",
                other.name, group.name
            ))
            .hint("choose another name for one: `--rename OLD=NAME`"));
        }
    }
    for group in groups {
        let group = &without_secrets(group);
        let planned = import_group(desk, from, group, &mut draft)?;
        plan.groups.push(planned);
    }
    if draft.edits.is_empty() {
        let words = match plan.differs() {
            true => "all of it is here already; what differs there is told below, and is not taken",
            false => "all of it is here already",
        };
        draft.notes.push(words.to_owned());
    }
    draft.subject = subject(&plan);
    Ok((plan, draft))
}

/// Returns the group without the secrets in its addresses. The other registry keeps its
/// own, and a note names the parts that were left out.
fn without_secrets(group: &ImportedGroup) -> ImportedGroup {
    let mut group = group.clone();
    let notes = &mut group.notes;
    clean_labels("labels", &mut group.labels, notes);
    clean_labels("annotations", &mut group.annotations, notes);
    if let Some(text) = &mut group.description {
        hide("description", text, notes);
    }
    for version in &mut group.versions {
        let notes = &mut version.notes;
        let mut record = json!({"spec": version.spec});
        clean_addresses(Kind::ModelVersion, &mut record, notes);
        version.spec = clean_texts("", record["spec"].take(), notes);
        if let Some(card) = version.card.take() {
            let mut card = Value::Object(card);
            clean_addresses(Kind::ModelCard, &mut card, notes);
            version.card = match clean_texts("", card, notes) {
                Value::Object(card) => Some(card),
                _ => None,
            };
        }
        clean_labels("labels", &mut version.labels, notes);
        clean_labels("annotations", &mut version.annotations, notes);
        let told = [
            ("the status", &mut version.source_status),
            ("the decider's name", &mut version.approver),
            ("the time of the decision", &mut version.decided_at),
        ];
        for (name, text) in told {
            text.iter_mut().for_each(|text| hide(name, text, notes));
        }
        if let Some(text) = &mut version.description {
            hide("description", text, notes);
        }
    }
    group
}

/// Labels or annotations without the secrets of addresses in their keys and values.
fn clean_labels(name: &str, labels: &mut Labels, notes: &mut Vec<String>) {
    let is_unsafe = |key: &Key| text_fault(key.as_str()).is_some();
    let unsafe_keys: Vec<Key> = labels.keys().filter(|key| is_unsafe(key)).cloned().collect();
    for key in unsafe_keys {
        let value = labels.remove(&key);
        let free = cleaned_text(key.as_str()).parse::<Key>().ok();
        let free = free.filter(|free| !labels.contains_key(free));
        notes.push(left_out(&format!("a key of {name}"), key.as_str()));
        labels.extend(free.zip(value));
    }
    for (key, text) in labels.iter_mut() {
        let name = format!("{name}.{key}");
        match name.starts_with("labels.") {
            true => clean(&name, text, notes),
            false => hide(&name, text, notes),
        }
    }
}

/// A value without the secrets of addresses in its texts and keys.
fn clean_texts(name: &str, value: Value, notes: &mut Vec<String>) -> Value {
    let below = |step: &str| match name {
        "" => step.to_owned(),
        name => format!("{name}.{step}"),
    };
    match value {
        Value::String(mut text) => {
            clean(name, &mut text, notes);
            Value::String(text)
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items
                .map(|(at, item)| clean_texts(&below(&at.to_string()), item, notes))
                .collect()
        }
        Value::Object(members) => {
            let mut clean = Map::new();
            for (key, member) in members {
                let free = cleaned_text(&key).into_owned();
                if free != key {
                    notes.push(left_out(&format!("a key of {name}"), &key));
                }
                let member = clean_texts(&below(&free), member, notes);
                clean.entry(free).or_insert(member);
            }
            Value::Object(clean)
        }
        other => other,
    }
}

/// The note of a text whose secret is left out.
fn left_out(name: &str, text: &str) -> String {
    let words = text_fault(text).map(|fault| fault.words());
    format!(
        "{name} {}: left out",
        words.as_deref().unwrap_or("holds a secret")
    )
}

/// Returns the text without characters that a record may not have.
fn clean(name: &str, text: &mut String, notes: &mut Vec<String>) {
    if let Cow::Owned(clean) = cleaned_text(text) {
        notes.push(left_out(name, text));
        *text = clean;
    }
}

/// Removes the secrets of addresses from text, also of those that a record may have:
/// without a scheme.
fn hide(name: &str, text: &mut String, notes: &mut Vec<String>) {
    clean(name, text, notes);
    if let Cow::Owned(hidden) = concealed(text) {
        notes.push(left_out(name, text));
        *text = match text.contains(char::is_whitespace) {
            true => hidden,
            false => cleaned_uri(text),
        };
    }
}

fn clean_addresses(kind: Kind, record: &mut Value, notes: &mut Vec<String>) {
    let unsafe_ones: Vec<(String, String, String)> = schema::addresses(kind, record)
        .into_iter()
        .filter_map(|(pointer, uri)| Some((pointer, uri_fault(uri)?.words(), cleaned_uri(uri))))
        .collect();
    for (pointer, words, clean) in unsafe_ones {
        let name = pointer
            .trim_start_matches("/spec/")
            .trim_start_matches('/')
            .replace('/', ".");
        notes.push(format!("{name} {words}: left out"));
        if let Some(place) = record.pointer_mut(&pointer) {
            *place = json!(clean);
        }
    }
}

/// The subject of the commit.
fn subject(plan: &ImportPlan) -> String {
    let what = match &plan.groups[..] {
        [one] => one.name.to_string(),
        more => format!("{} groups", more.len()),
    };
    match plan.new_versions() {
        0 => format!("Import {what} from {}", plan.from),
        1 => format!("Import 1 version of {what} from {}", plan.from),
        count => format!("Import {count} versions of {what} from {}", plan.from),
    }
}

/// Returns the other registry's name for the group here, when it differs from the name
/// that is imported now: two names there can map to one name here.
fn other_name<'g>(there: &'g ModelGroup, group: &ImportedGroup) -> Option<&'g str> {
    let name = |annotations: &Labels| annotations.get(NAME_ELSEWHERE).cloned();
    let old = there.annotations.get(NAME_ELSEWHERE)?;
    (name(&group.annotations)? != *old).then_some(old.as_str())
}

/// Returns the ARN that a group here was made from, when it is not the imported one: two
/// accounts may have groups of one name.
fn other_arn(
    desk: &WriteContext<'_>,
    name: &GroupName,
    there: &ModelGroup,
    group: &ImportedGroup,
) -> Result<Option<String>, Error> {
    let Some(own) = &group.arn else { return Ok(None) };
    let other = |arn: &String| Some(arn.clone()).filter(|arn| arn != own);
    if let Some(arn) = there.annotations.get(GROUP_ARN) {
        return Ok(other(arn));
    }
    // A group without a description of its own is recognised by its versions.
    for number in desk.snapshot.versions(name)? {
        let id = VersionId {
            group: name.clone(),
            number,
        };
        let loaded = desk.snapshot.read(&RecordPath::Version(id))?;
        let version = loaded.as_ref().and_then(|loaded| loaded.version());
        let arn = version.and_then(|version| version.annotations.get(VERSION_ARN));
        if let Some(found) = arn.and_then(|arn| other(&arn_of_group(arn)?)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The ARN of the group that a version with this ARN is in.
fn arn_of_group(version: &str) -> Option<String> {
    let (place, path) = version.split_once(":model-package/")?;
    let (group, _) = path.rsplit_once('/')?;
    Some(format!("{place}:model-package-group/{group}"))
}

fn import_group(
    desk: &WriteContext<'_>,
    from: &str,
    group: &ImportedGroup,
    draft: &mut Draft,
) -> Result<PlannedGroup, Error> {
    let name = &group.name;
    let home = desk.snapshot.read(&RecordPath::Group(name.clone()))?;
    let created = home.is_none();
    // Notes on what is written now are not news about what is here already.
    let (mut differs, mut notes) = (Vec::new(), Vec::new());
    if created {
        notes.clone_from(&group.notes);
        let kept = |labels: &Labels| -> BTreeMap<Key, Option<String>> {
            let pairs = labels.iter();
            pairs
                .map(|(key, value)| (key.clone(), Some(value.clone())))
                .collect()
        };
        let request = GroupRequest {
            description: group.description.clone(),
            owners: Vec::new(),
            labels: kept(&group.labels),
            annotations: kept(&group.annotations),
        };
        draft.absorb(super::create_group(desk, name, &request, None)?);
    } else if let Some(other) = home.as_ref().and_then(|home| other_name(home.group()?, group)) {
        return Err(Error::msg(format!(
            "group `{name}` was made of `{other}`, which is another one"
        ))
        .hint("import it under another name: `--as NAME`"));
    } else if let Some(there) = home.as_ref().and_then(|home| home.group())
        && let Some(other) = other_arn(desk, name, there, group)?
    {
        return Err(Error::msg(format!(
            "group `{name}` was made of {other}, and {} is another one",
            group.arn.as_deref().unwrap_or_default()
        ))
        .hint("import it under another name: `--as NAME`"));
    } else if home.as_ref().is_some_and(|home| home.tombstone().is_some()) {
        return Err(Error::msg(format!(
            "group `{name}` was deleted, and its name is never used again"
        ))
        .hint("import it under another name: `--as NAME`"));
    } else if let Some(home) = home.as_ref().and_then(|home| home.group()) {
        let told = elsewhere::of_group(group, home);
        (differs, notes) = (told.members, told.notes);
    }
    let highest = desk.snapshot.versions(name)?.last().copied().unwrap_or(0);
    let mut versions: Vec<&ImportedVersion> = group.versions.iter().collect();
    versions.sort_by_key(|version| version.number);
    if let Some(twice) = versions.windows(2).find(|two| two[0].number == two[1].number) {
        return Err(Error::msg(format!(
            "version {} of `{name}` is twice in what is imported",
            twice[0].number
        ))
        .hint("leave one of them out, or give one group another name: `--rename OLD=NAME`"));
    }
    let from = group.from.as_deref().unwrap_or(from);
    let planned: Result<Vec<PlannedVersion>, Error> = versions
        .into_iter()
        .map(|version| import_version(desk, from, name, highest, version, draft))
        .collect();
    Ok(PlannedGroup {
        name: name.clone(),
        created,
        differs,
        notes,
        versions: planned?,
    })
}

fn import_version(
    desk: &WriteContext<'_>,
    from: &str,
    group: &GroupName,
    highest: VersionNumber,
    version: &ImportedVersion,
    draft: &mut Draft,
) -> Result<PlannedVersion, Error> {
    let id = VersionId {
        group: group.clone(),
        number: version.number,
    };
    let spec: ModelSpec = serde_json::from_value(version.spec.clone())
        .map_err(|error| Error::msg(format!("the spec of {id} is none of ours: {error}")))?;
    let mut planned = PlannedVersion {
        id: id.clone(),
        source_status: version.source_status.clone(),
        arrival: Arrival::Deleted,
        why: None,
        differs: Vec::new(),
        notes: Vec::new(),
    };
    let fixed = spec.undigested().is_empty() && !spec.is_hollow();
    let registry = desk.policy.registry();
    let listed: Vec<&StageName> = registry.stages.iter().map(|stage| &stage.name).collect();
    let places = version.places.iter();
    let places = places.map(|place| elsewhere::promotion(&id, place, &listed, fixed));
    if let Some(there) = desk.snapshot.read(&RecordPath::Version(id.clone()))? {
        compare(desk, from, (version, &there), places, &mut planned)?;
        return Ok(planned);
    }
    if version.number == 0 || version.number > highest.saturating_add(MAX_VERSION_GAP) {
        return Err(Error::msg(format!(
            "{id} can't keep its number: it is more than {MAX_VERSION_GAP} above {highest}, the highest of `{group}`"
        )));
    }
    planned.notes.clone_from(&version.notes);
    planned.notes.extend(places);
    let lacking = spec.undigested();
    if !lacking.is_empty() || spec.is_hollow() {
        planned.notes.push(match lacking.first() {
            Some(pointer) => format!(
                "the digest of {} is unknown, so it can't be approved",
                pointer.trim_start_matches("/spec/").replace('/', ".")
            ),
            None => "it names nothing to be loaded or run, so it can't be approved".to_owned(),
        });
    }
    let arrives = arrives(desk, group, version, fixed, &mut planned);
    planned.arrival = Arrival::New(arrives.map_or(Status::Pending, ImportedStatus::status));
    let mut annotations = version.annotations.clone();
    let imported = arrives.map(|status| Imported {
        from: from.to_owned(),
        status,
        by: version.approver.as_deref().map(one_line),
        at: version.decided_at.as_deref().map(one_line),
    });
    // Otherwise the record itself has it, and nobody can change it there.
    if imported.is_none() {
        annotations.extend(origin(version, from));
    }
    let [description, labels, annotations, registered_with] =
        version_notes(version.description.as_deref(), &version.labels, &annotations);
    let record = members([
        ("group", Some(json!(group))),
        ("version", Some(json!(version.number))),
        (
            "status",
            Some(json!(arrives.map_or(Status::Pending, ImportedStatus::status))),
        ),
        ("by", Some(json!(desk.actor))),
        description,
        labels,
        annotations,
        registered_with,
        ("imported", imported.map(|imported| json!(imported))),
        ("spec", Some(version.spec.clone())),
    ]);
    let path = RecordPath::Version(id.clone());
    draft.put(&path, desk.new_record(Kind::ModelVersion, &path, record)?);
    if let Some(sections) = version.card.as_ref().filter(|card| !card.is_empty()) {
        let path = RecordPath::Card(id.clone());
        let record = super::card::new_card(&id, desk.actor.as_str(), sections);
        draft.put(&path, desk.new_record(Kind::ModelCard, &path, record)?);
    }
    Ok(planned)
}

/// Compares a version with the one of its number that is here.
fn compare(
    desk: &WriteContext<'_>,
    from: &str,
    (version, there): (&ImportedVersion, &Loaded),
    places: impl Iterator<Item = String>,
    planned: &mut PlannedVersion,
) -> Result<(), Error> {
    let id = &planned.id.clone();
    if let Some(record) = there.version() {
        let same = there.value().get("spec").map(canonical) == Some(canonical(&version.spec));
        if !same {
            return Err(taken(id, record.by.as_str(), from));
        }
        planned.arrival = Arrival::There(record.status);
        let card = desk.snapshot.read(&RecordPath::Card(id.clone()))?;
        let card = card.as_ref().map(|card| card.value());
        let told = elsewhere::of_version(id, version, record, card);
        let aliases = format!("annotations.{ALIASES}");
        let moved = told.members.iter().any(|it| it == "status" || *it == aliases);
        (planned.differs, planned.notes) = (told.members, told.notes);
        if moved {
            planned.notes.extend(places);
        }
    } else if there.tombstone().is_none() {
        return Err(Error::msg(format!("version {id} can't be read")).hint("`modelry validate` says why"));
    }
    Ok(())
}

/// Returns the status that a version arrives with, or `None` for a version that arrives
/// as every new one; the plan then says why.
fn arrives(
    desk: &WriteContext<'_>,
    group: &GroupName,
    version: &ImportedVersion,
    is_fixed: bool,
    planned: &mut PlannedVersion,
) -> Option<ImportedStatus> {
    match ImportedStatus::of(version.status)? {
        _ if !desk.policy.may_import(&desk.actor, group.as_str()) => {
            planned.why = Some(format!(
                "`{}` is not among the policy's `imports` for `{group}`",
                desk.actor
            ));
            None
        }
        ImportedStatus::Approved if !is_fixed => {
            planned.why = Some("it lacks a digest".to_owned());
            None
        }
        status => Some(status),
    }
}

/// Returns the annotations that tell where a version comes from.
fn origin(version: &ImportedVersion, from: &str) -> Vec<(Key, String)> {
    let from = Some(from.to_owned());
    let all = [
        (IMPORTED_STATUS, &version.source_status),
        (IMPORTED_BY, &version.approver),
        (IMPORTED_AT, &version.decided_at),
        (IMPORTED_FROM, &from),
    ];
    let told = all
        .into_iter()
        .filter_map(|(key, value)| Some((key.parse::<Key>().ok()?, value.clone()?)));
    told.collect()
}

/// The number belongs to something else.
fn taken(id: &VersionId, by: &str, from: &str) -> Error {
    Error::msg(format!(
        "{id} can't keep its number: {id} of {from} and {id} here, registered by `{by}`, are not the same"
    ))
    .hint(format!("compare them: `modelry show {id} -o json`"))
    .hint("or import the group under another name: `--as NAME`")
}
