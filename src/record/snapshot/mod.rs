//! Every record at one tree, typed, read on demand.
//!
//! Nothing is read before somebody asks, and each blob is read once for all
//! snapshots of a [`Records`]: the cost of a judgement follows the change, not
//! the registry.

mod editor;
mod names;
mod records;
mod registries;

use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub use self::names::{known, listed_stage, unknown_group, unknown_version};
pub use self::records::{ReadAhead, Records};
pub use self::registries::registries;
use crate::base::{Error, ObjectKind, Oid};
use crate::object::{self, Mode, Objects};
use crate::record::kind::{
    API_VERSION, ActorId, Archival, Evaluation, GroupName, HYPERPARAMETERS, Hyperparameter, Kind, ModelCard,
    ModelGroup, ModelVersion, RecordName, RecordPath, Registry, Review, StageAssignment, StageName,
    Tombstone, VersionId, VersionNumber,
};
use crate::record::schema::{self, SchemaFault};
use crate::record::subject;
use crate::record::yaml::{Document, Fault, Limits, Part, pointer_step};
use crate::signature::{self, PublicKey, SignatureFault};

/// A record with its type.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is the type of the same name")]
pub enum Record {
    Registry(Box<Registry>),
    Group(Box<ModelGroup>),
    Version(Box<ModelVersion>),
    Card(Box<ModelCard>),
    Evaluation(Box<Evaluation>),
    Review(Box<Review>),
    Stage(Box<StageAssignment>),
    Archival(Box<Archival>),
    Tombstone(Box<Tombstone>),
}

/// Why a file is no record.
#[derive(Clone, Debug)]
pub enum ReadFault {
    /// The text can't be read, or not the same way by everybody.
    Text(Fault),
    /// The document is not what its kind asks for.
    Schema(SchemaFault),
    /// `apiVersion` names a format that this program does not know.
    Format {
        /// What stands there.
        found: String,
    },
    /// `kind` is not one that lives at this path.
    Kind {
        /// What stands there.
        found: String,
        /// What may live there.
        expected: &'static [Kind],
    },
}

/// One file, read as far as it goes.
#[derive(Debug)]
pub struct Loaded {
    /// The blob.
    pub id: Oid,
    /// Its text, if it is UTF-8.
    pub text: Option<Arc<str>>,
    /// The document, if the text can be read.
    pub document: Option<Document>,
    /// The record, if the document is one.
    pub record: Option<Record>,
    /// Why it is not.
    pub faults: Vec<ReadFault>,
    /// Who made its own SSH signature, once somebody has asked.
    proven: OnceLock<Proven>,
}

impl Loaded {
    /// The memory that it takes, in bytes, about: the text, and the values and types
    /// that are made of it.
    fn weight(&self) -> usize {
        self.text.as_ref().map_or(0, |text| text.len()) * 8 + 1024
    }
}

/// The key of a record's own SSH signature, in the registry of this id.
#[derive(Debug)]
struct Proven {
    registry: String,
    key: Result<PublicKey, SignatureFault>,
}

macro_rules! typed {
    ($($method:ident: $variant:ident -> $type:ty),* $(,)?) => {
        impl Loaded {
            $(
                /// The record, if it is of this kind.
                pub fn $method(&self) -> Option<&$type> {
                    match &self.record {
                        Some(Record::$variant(record)) => Some(record),
                        _ => None,
                    }
                }
            )*
        }
    };
}

typed! {
    registry: Registry -> Registry,
    group: Group -> ModelGroup,
    version: Version -> ModelVersion,
    card: Card -> ModelCard,
    evaluation: Evaluation -> Evaluation,
    review: Review -> Review,
    stage: Stage -> StageAssignment,
    archival: Archival -> Archival,
    tombstone: Tombstone -> Tombstone,
}

impl Loaded {
    /// The values as written; `null` when the text can't be read.
    pub fn value(&self) -> &Value {
        self.document.as_ref().map_or(&Value::Null, Document::value)
    }

    /// Whether both are records that say the same, in whatever bytes.
    pub fn says_the_same(&self, other: &Loaded) -> bool {
        self.record.is_some() && other.record.is_some() && self.value() == other.value()
    }

    /// The detached signature that the record carries.
    pub fn signature(&self) -> Option<&str> {
        self.value().get("signature").and_then(Value::as_str)
    }

    /// The key that made the record's own SSH signature as what it is: this
    /// record, at `path`, in this registry. Worked out once.
    ///
    /// # Errors
    /// Why the signature proves nothing.
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

    /// Whom the record names as its author.
    pub fn by(&self) -> Option<&ActorId> {
        Some(match self.record.as_ref()? {
            Record::Registry(_) | Record::Group(_) => return None,
            Record::Version(record) => &record.by,
            Record::Card(record) => &record.by,
            Record::Evaluation(record) => &record.by,
            Record::Review(record) => &record.by,
            Record::Stage(record) => &record.by,
            Record::Archival(record) => &record.by,
            Record::Tombstone(record) => &record.by,
        })
    }

    /// The record's revision, where its kind has one.
    pub fn revision(&self) -> Option<u64> {
        Some(match self.record.as_ref()? {
            Record::Card(record) => record.revision,
            Record::Evaluation(record) => record.revision,
            Record::Review(record) => record.revision,
            Record::Stage(record) => record.revision,
            _ => return None,
        })
    }
}

/// The kinds that may live at a path.
fn kinds_at(path: &RecordPath) -> &'static [Kind] {
    match path {
        RecordPath::Registry => &[Kind::Registry],
        RecordPath::PolicyReview(..) | RecordPath::Review(..) => &[Kind::Review],
        RecordPath::Group(_) => &[Kind::ModelGroup, Kind::Tombstone],
        RecordPath::Stage(..) => &[Kind::StageAssignment],
        RecordPath::Version(_) => &[Kind::ModelVersion, Kind::Tombstone],
        RecordPath::Card(_) => &[Kind::ModelCard],
        RecordPath::Evidence(..) | RecordPath::Observation(..) => &[Kind::Evaluation],
        RecordPath::Archival(_) => &[Kind::Archival],
    }
}

/// Reads one file: text, then schema with all its errors, then types.
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

/// Gives the hyperparameters of a card the spelling that the file has.
fn spell_numbers(card: &mut ModelCard, document: &Document) {
    let training = card.training.iter_mut();
    for (key, value) in training.flat_map(|training| &mut training.hyperparameters) {
        if let Hyperparameter::Number(number) = value {
            let pointer = format!("{HYPERPARAMETERS}/{}", pointer_step(key.as_str()));
            number.spelled(&document.text()[document.span(&pointer, Part::Value)]);
        }
    }
}

/// The file with the content of this blob, at this path. A blob that is too large for
/// it is not read: under many names it would cost each time.
///
/// # Errors
/// As [`load`]; when the blob can't be read.
pub fn read(objects: &dyn Objects, path: &RecordPath, id: Oid) -> Result<Loaded, Error> {
    let limits = limits_at(path);
    match objects.size(id).filter(|size| *size > limits.bytes) {
        Some(size) => Ok(unreadable(id, None, vec![limits.too_large(size)])),
        None => load(path, id, &objects.read(id, ObjectKind::Blob)?),
    }
}

/// What a file at this path may take.
fn limits_at(path: &RecordPath) -> Limits {
    match path {
        RecordPath::Registry | RecordPath::Card(_) => Limits::LARGE,
        _ => Limits::RECORD,
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
    let expected = kinds_at(path);
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
        // The schema will say that it is missing.
        None => expected[0],
    };
    faults.extend(schema::check(kind, value).into_iter().map(ReadFault::Schema));
    if !faults.is_empty() {
        return Ok(None);
    }
    let record = match kind {
        Kind::Registry => schema::typed(value).map(Record::Registry),
        Kind::ModelGroup => schema::typed(value).map(Record::Group),
        Kind::ModelVersion => schema::typed(value).map(Record::Version),
        Kind::ModelCard => schema::typed(value).map(Record::Card),
        Kind::Evaluation => schema::typed(value).map(Record::Evaluation),
        Kind::Review => schema::typed(value).map(Record::Review),
        Kind::StageAssignment => schema::typed(value).map(Record::Stage),
        Kind::Archival => schema::typed(value).map(Record::Archival),
        Kind::Tombstone => schema::typed(value).map(Record::Tombstone),
    };
    record.map(Some).map_err(|what| Error::Disagreement {
        path: path.to_string(),
        what,
    })
}

/// Knows what a file said before it became unreadable.
pub trait Earlier {
    /// Returns the last readable record at a path where no record can be read
    /// now; none when the path never had one.
    ///
    /// # Errors
    /// When an object is missing or can't be read.
    fn last_readable(&self, records: &Records<'_>, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error>;
}

/// The registry at one tree.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// Where records are read.
    pub records: &'a Records<'a>,
    /// The tree of the registry's folder; none when there is none.
    pub tree: Option<Oid>,
    /// The repository's top tree; none where it is not known.
    pub top: Option<Oid>,
    /// History that answers for unreadable files; none where they stay unreadable.
    pub earlier: Option<&'a dyn Earlier>,
}

impl<'a> Snapshot<'a> {
    /// The registry's folder `folder` (empty: the top) in the tree `top`.
    ///
    /// # Errors
    /// When a tree can't be read.
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

    /// The same registry, in which a file that can't be read says what it said last.
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

    /// A registry with nothing in it.
    pub fn empty(records: &'a Records<'a>) -> Snapshot<'a> {
        Snapshot {
            records,
            tree: None,
            top: None,
            earlier: None,
        }
    }

    /// The record at this path, when a plain file is there.
    ///
    /// # Errors
    /// When an object can't be read.
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

    /// Whether anything is at a path.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn holds(&self, path: &RecordPath) -> Result<bool, Error> {
        let Some(tree) = self.tree else { return Ok(false) };
        Ok(object::lookup(self.records.objects, tree, &path.to_string())?.is_some())
    }

    /// Returns what the file at a path said before it became unreadable, where
    /// history is asked.
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn last_readable(&self, path: &RecordPath) -> Result<Option<Arc<Loaded>>, Error> {
        match self.earlier {
            // A policy that can't be read leaves the one before in force, which
            // the judge keeps itself.
            Some(earlier) if *path != RecordPath::Registry => earlier.last_readable(self.records, path),
            _ => Ok(None),
        }
    }

    /// Names in a folder below the registry's.
    ///
    /// # Errors
    /// When a tree can't be read.
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
    ///
    /// # Errors
    /// When an object can't be read.
    pub fn registry(&self) -> Result<Option<Arc<Loaded>>, Error> {
        self.read(&RecordPath::Registry)
    }

    /// The groups, by name, deleted ones included.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn groups(&self) -> Result<Vec<GroupName>, Error> {
        Ok(self
            .names("groups")?
            .into_iter()
            .filter_map(|name| name.try_into().ok())
            .collect())
    }

    /// The versions of a group, in order of number, deleted ones included.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn versions(&self, group: &GroupName) -> Result<Vec<VersionNumber>, Error> {
        let names = self.names(&format!("groups/{group}/versions"))?;
        let mut numbers: Vec<VersionNumber> = names
            .iter()
            .filter_map(|name| name.parse().ok())
            .filter(|n| *n > 0)
            .collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The stages that a group ever served.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn stages(&self, group: &GroupName) -> Result<Vec<StageName>, Error> {
        self.stems(&format!("groups/{group}/stages"))
    }

    /// The evaluations that are part of what is approved.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn evidence(&self, id: &VersionId) -> Result<Vec<RecordName>, Error> {
        self.stems(&format!(
            "{}/evidence",
            RecordPath::version_folder(&id.group, id.number)
        ))
    }

    /// The evaluations that came later.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn observations(&self, id: &VersionId) -> Result<Vec<RecordName>, Error> {
        self.stems(&format!(
            "{}/observations",
            RecordPath::version_folder(&id.group, id.number)
        ))
    }

    /// The actors with a review of this version.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn reviewers(&self, id: &VersionId) -> Result<Vec<ActorId>, Error> {
        self.stems(&format!(
            "{}/reviews",
            RecordPath::version_folder(&id.group, id.number)
        ))
    }

    /// The administrators with a review of the policy of this serial.
    ///
    /// # Errors
    /// When a tree can't be read.
    pub fn policy_reviewers(&self, serial: u64) -> Result<Vec<ActorId>, Error> {
        self.stems(&format!("policy/{serial}"))
    }
}
