//! Every record at one tree, typed and read on demand.
//!
//! A record is read when it is first used, and each blob once for all snapshots of a
//! [`Records`]. The cost of a judgement depends on the size of the change, not of the
//! registry.

mod editor;
mod names;
mod records;
mod registries;

use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub use self::names::{known, known_holder, listed_stage, unknown_group, unknown_team, unknown_version};
pub use self::records::{ReadAhead, Records};
pub use self::registries::registries;
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{self, Mode, Objects};
use crate::record::kind::{
    self, API_VERSION, ActorId, GROUPS_FOLDER, GroupName, HYPERPARAMETERS, Hyperparameter, Kind, ModelCard,
    Record, RecordKind, RecordName, RecordPath, StageName, VersionId, VersionNumber,
};
use crate::record::schema::{self, SchemaFault};
use crate::record::subject;
use crate::record::yaml::{Document, Fault, Limits, Part, pointer_step};
use crate::signature::{self, PublicKey, SignatureFault};

/// The reason why a file is not a record.
#[derive(Clone, Debug)]
pub enum ReadFault {
    /// The text can't be parsed, or YAML readers differ on it.
    Text(Fault),
    /// The document violates the schema of its kind.
    Schema(SchemaFault),
    /// `apiVersion` names an unknown format.
    Format {
        /// The format in the file.
        found: String,
    },
    /// `kind` is not one that may occur at this path.
    Kind {
        /// The kind in the file.
        found: String,
        /// The kinds that may occur at the path.
        expected: &'static [Kind],
    },
}

/// One file, parsed as far as possible.
#[derive(Debug)]
pub struct Loaded {
    /// The blob.
    pub id: Oid,
    /// The text, if it is UTF-8.
    pub text: Option<Arc<str>>,
    /// The document, if the text can be parsed.
    pub document: Option<Document>,
    /// The record, if the document is valid.
    pub record: Option<Record>,
    /// The reasons why it is not a record.
    pub faults: Vec<ReadFault>,
    /// The signer of the record's own SSH signature, once it was verified.
    proven: OnceLock<Proven>,
}

impl Loaded {
    /// The approximate memory in bytes: the text, and the values and types made of it.
    fn weight(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len()) * 8 + 1024
    }
}

/// The key that made a record's own SSH signature, in the registry of this id.
#[derive(Debug)]
struct Proven {
    registry: String,
    key: Result<PublicKey, SignatureFault>,
}

macro_rules! typed {
    ($($(#[$doc:meta])* $kind:ident => $record:ident, $method:ident;)*) => {
        impl Loaded {
            $(
                /// The record, if it is of this kind.
                pub fn $method(&self) -> Option<&kind::$kind> {
                    match &self.record {
                        Some(Record::$record(record)) => Some(record),
                        _ => None,
                    }
                }
            )*
        }
    };
}

kind::documents!(typed);

impl Loaded {
    /// The values as written; `null` when the text can't be read.
    pub fn value(&self) -> &Value {
        self.document.as_ref().map_or(&Value::Null, Document::value)
    }

    /// Whether both records have the same values, in any spelling.
    pub fn same_content(&self, other: &Loaded) -> bool {
        self.record.is_some() && other.record.is_some() && self.value() == other.value()
    }

    /// The detached signature in the record.
    pub fn signature(&self) -> Option<&str> {
        self.value().get("signature").and_then(Value::as_str)
    }

    /// Verifies that the record's own SSH signature covers this record at `path` in
    /// this registry, and returns the key. The result is cached.
    ///
    /// # Errors
    /// The reason why the signature proves nothing.
    pub fn ssh_signer(
        &self,
        registry_id: &str,
        path: &RecordPath,
        armor: &str,
    ) -> Result<PublicKey, SignatureFault> {
        let work_out = || {
            let bytes = subject::signed_bytes(registry_id, path, self.value());
            signature::verify(armor, subject::RECORD_NAMESPACE, &bytes)
        };
        let proven = self.proven.get_or_init(|| Proven {
            registry: registry_id.to_owned(),
            key: work_out(),
        });
        if proven.registry == registry_id {
            proven.key.clone()
        } else {
            work_out()
        }
    }

    /// The actor whom the record names as its author.
    pub fn by(&self) -> Option<&ActorId> {
        self.record.as_ref()?.by()
    }

    /// The record's revision, if its kind has one.
    pub fn revision(&self) -> Option<u64> {
        self.record.as_ref()?.revision()
    }
}

/// Reads one file: parses the text, checks the schema and reports all its faults, then
/// converts the types.
///
/// # Errors
/// [`Error::Disagreement`] when the schema accepts what the types refuse.
pub fn load(path: &RecordPath, id: Oid, bytes: &[u8]) -> Result<Loaded, Error> {
    let text = std::str::from_utf8(bytes).ok().map(Arc::from);
    let document = match Document::read(bytes, &limits_at(path)) {
        Ok(document) => document,
        Err(faults) => return Ok(unreadable(id, text, faults)),
    };
    let mut faults = Vec::new();
    let mut record = typed(path, document.value(), &mut faults)?;
    if let Some(Record::Card(card)) = &mut record {
        spell_numbers(card, &document);
    }
    Ok(Loaded {
        id,
        text: Some(document.text().clone()),
        document: Some(document),
        record,
        faults,
        proven: OnceLock::new(),
    })
}

/// Gives the hyperparameters of a card the spelling of the file.
fn spell_numbers(card: &mut ModelCard, document: &Document) {
    let training = card.training.iter_mut();
    for (key, value) in training.flat_map(|training| &mut training.hyperparameters) {
        if let Hyperparameter::Number(number) = value {
            let pointer = format!("{HYPERPARAMETERS}/{}", pointer_step(key.as_str()));
            number.spelled(&document.text()[document.span(&pointer, Part::Value)]);
        }
    }
}

/// Reads the file with this blob's content at this path. A blob over the limit is not
/// read: a tree could list it under many names, and each would cost a read.
pub fn read(objects: &dyn Objects, path: &RecordPath, id: Oid) -> Result<Loaded, Error> {
    let limits = limits_at(path);
    match objects.size(id).filter(|size| *size > limits.bytes) {
        Some(size) => Ok(unreadable(id, None, vec![limits.too_large(size)])),
        None => load(path, id, &objects.read(id, ObjectKind::Blob)?),
    }
}

/// The limits for a file at this path.
fn limits_at(path: &RecordPath) -> Limits {
    match path.kind().row().large {
        true => Limits::LARGE,
        false => Limits::RECORD,
    }
}

fn unreadable(id: Oid, text: Option<Arc<str>>, faults: Vec<Fault>) -> Loaded {
    Loaded {
        id,
        text,
        document: None,
        record: None,
        faults: faults.into_iter().map(ReadFault::Text).collect(),
        proven: OnceLock::new(),
    }
}

fn typed(path: &RecordPath, value: &Value, faults: &mut Vec<ReadFault>) -> Result<Option<Record>, Error> {
    let expected = path.kind().row().types;
    let member = |key: &str| value.get(key).and_then(Value::as_str);
    if let Some(found) = member("apiVersion").filter(|found| *found != API_VERSION) {
        faults.push(ReadFault::Format {
            found: found.to_owned(),
        });
        return Ok(None);
    }
    let kind = match member("kind") {
        Some(found) => match expected.iter().find(|kind| kind.as_str() == found) {
            Some(kind) => *kind,
            None => {
                faults.push(ReadFault::Kind {
                    found: found.to_owned(),
                    expected,
                });
                return Ok(None);
            }
        },
        // The schema check reports the missing `kind`.
        None => expected[0],
    };
    faults.extend(schema::check(kind, value).into_iter().map(ReadFault::Schema));
    if !faults.is_empty() {
        return Ok(None);
    }
    kind.read(value).map(Some).map_err(|what| Error::Disagreement {
        path: path.to_string(),
        what,
    })
}

/// Looks up the content of a file from before it became unreadable.
pub trait Earlier {
    /// Returns the last readable record at a path that is now unreadable, or `None` if
    /// the path never had one.
    fn last_readable(&self, records: &Records<'_>, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error>;
}

/// The registry at one tree.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// The store that records are read from.
    pub records: &'a Records<'a>,
    /// The tree of the registry's folder, or `None` if there is no such folder.
    pub tree: Option<Oid>,
    /// The repository's top tree, if known.
    pub top: Option<Oid>,
    /// The history that supplies the last readable content of unreadable files; without
    /// it they stay unreadable.
    pub earlier: Option<&'a dyn Earlier>,
}

impl<'a> Snapshot<'a> {
    /// Opens the registry in folder `folder` (empty: the top) of the tree `top`.
    pub fn at(records: &'a Records<'a>, top: Oid, folder: &str) -> Result<Snapshot<'a>, Error> {
        let tree = match folder {
            "" => Some(top),
            folder => object::lookup(records.objects, top, folder)?
                .filter(|entry| entry.mode == Mode::Tree)
                .map(|entry| entry.id),
        };
        Ok(Snapshot {
            records,
            tree,
            top: Some(top),
            earlier: None,
        })
    }

    /// The same registry with the last readable content in place of unreadable files.
    #[must_use]
    pub fn seeing<'s>(&self, earlier: &'s dyn Earlier) -> Snapshot<'s>
    where
        'a: 's,
    {
        Snapshot {
            earlier: Some(earlier),
            ..*self
        }
    }

    /// An empty registry.
    pub fn empty(records: &'a Records<'a>) -> Snapshot<'a> {
        Snapshot {
            records,
            tree: None,
            top: None,
            earlier: None,
        }
    }

    /// Reads the record at this path, if a plain file is there.
    pub fn read(&self, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error> {
        let Some(tree) = self.tree else { return Ok(None) };
        let here = match object::lookup(self.records.objects, tree, &path.to_string())? {
            Some(entry) if entry.mode == Mode::File => Some(self.records.load(path, entry.id)?),
            Some(_) => {
                self.records.unreadable.borrow_mut().insert(path.to_string());
                None
            }
            None => return Ok(None),
        };
        if here.as_ref().is_some_and(|here| here.record.is_some()) {
            return Ok(here);
        }
        Ok(self.last_readable(path)?.or(here))
    }

    /// Whether a path has an entry of any type.
    pub fn holds(&self, path: &RecordPath) -> Result<bool, Error> {
        let Some(tree) = self.tree else { return Ok(false) };
        Ok(object::lookup(self.records.objects, tree, &path.to_string())?.is_some())
    }

    /// Returns the last readable content of a path, if the snapshot has a history.
    pub fn last_readable(&self, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error> {
        match self.earlier {
            // While a policy is unreadable, the previous one stays in force. The judge
            // handles that.
            Some(earlier) if *path != RecordPath::Registry => earlier.last_readable(self.records, path),
            _ => Ok(None),
        }
    }

    /// The names in a folder below the registry's.
    pub fn names(&self, folder: &str) -> Result<Vec<String>, Error> {
        let Some(tree) = self.tree else {
            return Ok(Vec::new());
        };
        let Some(entry) = object::lookup(self.records.objects, tree, folder)? else {
            return Ok(Vec::new());
        };
        if entry.mode != Mode::Tree {
            return Ok(Vec::new());
        }
        let tree = self.records.objects.tree(entry.id)?;
        Ok(tree
            .entries
            .iter()
            .filter_map(|entry| String::from_utf8(entry.name.clone()).ok())
            .collect())
    }

    fn stems<T: TryFrom<String>>(&self, folder: &str) -> Result<Vec<T>, Error> {
        let names = self.names(folder)?;
        Ok(names
            .iter()
            .filter_map(|name| name.strip_suffix(".yaml")?.to_owned().try_into().ok())
            .collect())
    }

    /// The policy's file.
    pub fn registry(&self) -> Result<Option<Arc<Loaded>>, Error> {
        self.read(&RecordPath::Registry)
    }

    /// The groups by name, including deleted ones.
    pub fn groups(&self) -> Result<Vec<GroupName>, Error> {
        Ok(self
            .names(GROUPS_FOLDER)?
            .into_iter()
            .filter_map(|name| name.try_into().ok())
            .collect())
    }

    /// The versions of a group by number, including deleted ones.
    pub fn versions(&self, group: &GroupName) -> Result<Vec<VersionNumber>, Error> {
        let names = self.names(&RecordKind::Version.folder(group))?;
        let mut numbers: Vec<VersionNumber> = names
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|n| *n > 0)
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The stages that a group has ever had a record for.
    pub fn stages(&self, group: &GroupName) -> Result<Vec<StageName>, Error> {
        self.stems(&RecordKind::Stage.folder(group))
    }

    /// The stages that require Approved and that this version serves.
    pub fn bound_stages(
        &self,
        registry: &crate::record::kind::Registry,
        id: &VersionId,
    ) -> Result<Vec<StageName>, Error> {
        let mut bound = Vec::new();
        for stage in registry.stages.iter().filter(|stage| stage.requires.is_some()) {
            let path = RecordPath::Stage(id.group.clone(), stage.name.clone());
            let now = self.read(&path)?;
            let version = now
                .as_ref()
                .and_then(|now| now.stage())
                .and_then(|now| now.version);
            if version == Some(id.number) {
                bound.push(stage.name.clone());
            }
        }
        Ok(bound)
    }

    /// The evaluations that an approval covers.
    pub fn evidence(&self, id: &VersionId) -> Result<Vec<RecordName>, Error> {
        self.stems(&RecordKind::Evidence.folder(id))
    }

    /// The evaluations added later, which no approval covers.
    pub fn observations(&self, id: &VersionId) -> Result<Vec<RecordName>, Error> {
        self.stems(&RecordKind::Observation.folder(id))
    }

    /// The actors with a review of this version.
    pub fn reviewers(&self, id: &VersionId) -> Result<Vec<ActorId>, Error> {
        self.stems(&RecordKind::Review.folder(id))
    }

    /// The administrators with a review of the policy of this serial.
    pub fn policy_reviewers(&self, serial: u64) -> Result<Vec<ActorId>, Error> {
        self.stems(&RecordKind::PolicyReview.folder(&serial))
    }
}
