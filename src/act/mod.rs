//! Acts: each verb, as a function from a snapshot and a request to edits.
//!
//! [`WriteContext`] holds the input of a verb: the snapshot, the policy, the actor.
//! [`Draft`] is its answer: files to write and to remove, and the message of the commit.
//! Nothing is signed, judged or written here, so a verb can be drafted again on another
//! tip when a push loses a race.
//!
//! An edit is checked by reading it: the text after the splice is read again, and its
//! value compared with the intended one.
//!
//! # Imports
//!
//! `base`, `object`, `record`, `trust`, `judge`. An act imports no report and no foreign
//! format.
//!
//! # Where the next thing goes
//!
//! A new verb is a file here with a struct for its request and a function that returns a
//! [`Draft`], and a file in `cli/write` that parses its options.

mod archive;
mod attributes;
mod elsewhere;
mod evidence;
mod group;
mod host_verdict;
mod idle;
mod import;
mod import_plan;
mod keys;
mod object;
mod policy;
mod policy_edit;
mod policy_review;
mod register;
mod relay;
mod review;
mod schemas;
mod sign;
mod stage;
mod unseen;
mod version;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use archive::{archive, delete_group, delete_version};
pub use attributes::attributes;
pub use card::{card_members, sections_of, set_card};
pub use elsewhere::ALIASES;
pub use evidence::{EvidenceRequest, add_evidence};
pub use group::{GroupRequest, create_group, update_group};
pub use host_verdict::{Click, HostReviews, HostVerdict, WholeList};
pub use idle::{Refusal, idle_review};
pub use import::import;
pub use import_plan::{Arrival, ImportPlan, ImportedGroup, ImportedVersion, NAME_ELSEWHERE, PlannedVersion};
pub use object::{Object, content, has_moved, moves, objects, spoken_for};
pub use policy::{FirstPolicy, consequences, edit_policy, first_policy};
pub use policy_edit::PolicyEdit;
pub use policy_review::approve_policy;
pub use register::{Proposed, RegisterRequest, register};
pub use relay::{RelayRequest, has_account_on, relay};
pub use review::{review, settle, unmet_gates};
pub use schemas::{in_place_of_schemas, outdated_schemas, schemas_note, update_schemas};
pub use sign::{sign, to_sign};
pub use stage::{Rollback, RollbackTo, promote, rollback, still_served};
pub use unseen::{contradicting_reviews, surroundings, unseen_support};
pub use version::{AnnotateRequest, annotate};

mod card;

use serde_json::{Map, Value, json};

use crate::base::Error;
use crate::judge::history::Past;
pub use crate::record::kind::nearest;
use crate::record::kind::{ActorId, Kind, Labels, RecordPath, VersionId};
use crate::record::snapshot::{Loaded, Snapshot};
use crate::record::yaml::{self, Document, Edit, EditError, Limits};
use crate::trust::Policy;

/// The mainline, for a change of the policy on another branch.
pub struct Mainline {
    /// The policy in force there.
    pub policy: Policy,
    /// The `registry.yaml` at its tip. It differs from the policy in force where a step
    /// was refused.
    pub text: Option<Arc<Loaded>>,
}

/// The input of a command: the registry, the policy in force, and the actor.
pub struct WriteContext<'a> {
    /// The registry as it is.
    pub snapshot: Snapshot<'a>,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The actor.
    pub actor: ActorId,
    /// The history up to the commit that is built on.
    pub past: &'a Past<'a>,
    /// The mainline, where the change is of the policy and made on another branch.
    pub mainline: Option<&'a Mainline>,
}

/// Edits, with their message and notes.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Files from the registry's folder: new content, or `None` for removed ones.
    pub edits: BTreeMap<String, Option<String>>,
    /// The subject of the commit.
    pub subject: String,
    /// The reason: the body of the commit.
    pub reason: Option<String>,
    /// Versions whose status also moves, when reviews authorise it.
    pub settle: Vec<VersionId>,
    /// Notes for the user on choices that were made.
    pub notes: Vec<String>,
    /// The reason for which the act would not count, so that it is not signed.
    pub refusal: Option<Refusal>,
    /// Records that have the requested content already.
    pub existing: Vec<RecordPath>,
    /// Versions that were named and for which there is nothing to do.
    pub looked_at: Vec<VersionId>,
    /// Facts for programs, beside the change.
    pub facts: Map<String, Value>,
    /// The parts that a user gave as files: a finding about one points to its file.
    pub given: Vec<GivenPart>,
}

/// A document that a user gave, as a part of a record.
#[derive(Clone, Debug)]
pub struct GivenPart {
    /// The record that it becomes a part of, from the registry's folder.
    pub record: String,
    /// JSON pointer of that part in the record: `/spec`, or empty for its top.
    pub within: String,
    /// The document's name, as the user gave it.
    pub name: String,
    /// The document.
    pub document: Document,
}

impl GivenPart {
    /// Returns the place in the document of the record's value at `pointer`, or `None`
    /// when the record has it from a flag or from Modelry itself.
    pub fn pointer(&self, record: &str, pointer: &str, value: Option<&Value>) -> Option<String> {
        if record != self.record {
            return None;
        }
        let inner = pointer.strip_prefix(&self.within)?;
        if !inner.is_empty() && !inner.starts_with('/') {
            return None;
        }
        let there = self.document.value().pointer(inner)?;
        let same = there.is_object() || there.is_array() || Some(there) == value;
        same.then(|| inner.to_owned())
    }
}

/// A refusal in one sentence.
fn edit_failed(path: &RecordPath) -> impl FnOnce(EditError) -> Error {
    let path = path.to_string();
    move |error| {
        Error::msg(format!("`{path}` can't be edited: {error}"))
            .hint("edit the file by hand, and look with `modelry validate`")
    }
}

impl Draft {
    /// A draft with its message.
    pub fn new(subject: impl Into<String>, reason: Option<&str>) -> Draft {
        let reason = reason
            .map(str::trim)
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned);
        Draft {
            subject: subject.into(),
            reason,
            ..Draft::default()
        }
    }

    fn put(&mut self, path: &RecordPath, text: String) {
        self.edits.insert(path.to_string(), Some(text));
    }

    /// Adds the changes of another draft, without its subject and reason.
    pub fn absorb(&mut self, other: Draft) {
        self.edits.extend(other.edits);
        self.settle.extend(other.settle);
        self.notes.extend(other.notes);
        self.existing.extend(other.existing);
        self.looked_at.extend(other.looked_at);
        self.facts.extend(other.facts);
        self.given.extend(other.given);
    }
}

impl WriteContext<'_> {
    /// The text of a new record, with the line for editors, unsigned.
    fn new_record(
        &self,
        kind: Kind,
        path: &RecordPath,
        mut members: Map<String, Value>,
    ) -> Result<String, Error> {
        let mut record = Map::new();
        record.insert("apiVersion".into(), json!(crate::record::kind::API_VERSION));
        record.insert("kind".into(), json!(kind.as_str()));
        record.append(&mut members);
        let value = Value::Object(record);
        let header = self.snapshot.editor_line(kind, path)?;
        yaml::write(header.as_deref(), &value).or_else(|error| {
            let text = yaml::spelled(header.as_deref(), &value);
            // Text that readers understand differently is a finding, as it is in a file
            // edited by hand.
            match Document::read(text.as_bytes(), &Limits::LARGE) {
                Err(_) => Ok(text),
                Ok(_) => Err(edit_failed(path)(error)),
            }
        })
    }

    /// An existing record with members set or removed; comments and layout of
    /// the rest stay. An authored record loses its old signature.
    fn edited(&self, path: &RecordPath, old: &Loaded, mut edits: Vec<Edit>) -> Result<String, Error> {
        let document = old.document.as_ref().ok_or_else(|| {
            Error::msg(format!("`{path}` can't be read")).hint("repair it first: `modelry validate` says how")
        })?;
        let authored = old.by().is_some() && !matches!(path, RecordPath::Version(_));
        if authored && old.signature().is_some() {
            edits.push(Edit::Remove {
                pointer: "/signature".into(),
            });
        }
        match document.edit(&edits) {
            Ok(edited) if edited.text() == document.text() => Ok(edited.text().to_string()),
            Ok(edited) => self.snapshot.with_own_line(path, edited.text().to_string()),
            // Text that readers understand differently is a finding of the preview, as it
            // is in a new record.
            Err(EditError::Unreadable { text, .. }) => Ok(text),
            Err(error) => Err(edit_failed(path)(error)),
        }
    }

    /// Returns the version's file.
    ///
    /// # Errors
    /// The version does not exist; the error names the nearest one.
    pub fn version(&self, id: &VersionId) -> Result<std::sync::Arc<Loaded>, Error> {
        let loaded = self.snapshot.read(&RecordPath::Version(id.clone()))?;
        match loaded {
            Some(loaded) if loaded.tombstone().is_some() => {
                Err(Error::msg(format!("version {id} is deleted"))
                    .hint(format!("`modelry list {}` shows what is there", id.group)))
            }
            Some(loaded) if loaded.version().is_some() => Ok(loaded),
            Some(_) => {
                Err(Error::msg(format!("version {id} can't be read")).hint("`modelry validate` says why"))
            }
            None => Err(crate::record::snapshot::unknown_version(&self.snapshot, id)?),
        }
    }
}

/// Reads a document that a user gave, strictly.
///
/// # Errors
/// The first fault, with its line.
pub fn read_given(name: &str, bytes: &[u8]) -> Result<Document, Error> {
    Document::read(bytes, &Limits::LARGE).map_err(|faults| {
        let Some(fault) = faults.into_iter().next() else {
            return Error::msg(format!("{name} can't be read"));
        };
        let text = String::from_utf8_lossy(bytes);
        let at = yaml::LineIndex::new(&text).line_column(&text, fault.span.start);
        let error = Error::msg(format!("{name}:{}:{}: {}", at.line, at.column, fault.message));
        match fault.help {
            Some(help) => error.hint(help),
            None => error,
        }
    })
}

/// A version's description, labels and annotations, and the digest of them.
fn version_notes(
    description: Option<&str>,
    labels: &Labels,
    annotations: &Labels,
) -> [(&'static str, Option<Value>); 4] {
    let map = |map: &Labels| (!map.is_empty()).then(|| json!(map));
    let (labels, annotations) = (map(labels), map(annotations));
    let notes = [
        ("description", description.map(|text| json!(text))),
        ("labels", labels),
        ("annotations", annotations),
    ];
    let digest = crate::record::subject::notes_digest(&Value::Object(members(notes.clone())));
    let [description, labels, annotations] = notes;
    [
        description,
        labels,
        annotations,
        ("registeredWith", Some(json!(digest))),
    ]
}

/// Builds members from pairs, leaving out absent ones.
fn members<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Map<String, Value> {
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}
