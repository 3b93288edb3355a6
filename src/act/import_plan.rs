//! The contents of an import of any format before it is written, and its effect.

use serde_json::{Map, Value};

use crate::record::kind::{GroupName, Labels, Status, VersionId, VersionNumber};

/// Annotation: the status there, as that registry spells it.
pub const IMPORTED_STATUS: &str = "imported/status";
/// Annotation: who decided there.
pub const IMPORTED_BY: &str = "imported/by";
/// Annotation: when it was decided there.
pub const IMPORTED_AT: &str = "imported/at";
/// Annotation of a group: its name in MLflow, which may have characters that ours can't
/// have.
pub const NAME_ELSEWHERE: &str = "mlflow/name";
/// Annotation: the registry that it comes from.
pub const IMPORTED_FROM: &str = "imported/from";

/// A group as another registry holds it.
#[derive(Clone, Debug)]
pub struct ImportedGroup {
    /// Its name here.
    pub name: GroupName,
    /// The purpose of the model.
    pub description: Option<String>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// Its versions, in any order.
    pub versions: Vec<ImportedVersion>,
    /// Notes on parts of the group that have no place here.
    pub notes: Vec<String>,
    /// The registry that it comes from, if the groups of one import come from several.
    pub from: Option<String>,
    /// Its ARN, if its name alone does not identify its account.
    pub arn: Option<String>,
}

/// A version as another registry holds it.
#[derive(Clone, Debug)]
pub struct ImportedVersion {
    /// Its number, which it keeps.
    pub number: VersionNumber,
    /// The model, as our spec.
    pub spec: Value,
    /// Sections of a card.
    pub card: Option<Map<String, Value>>,
    /// The description.
    pub description: Option<String>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// The status here that corresponds to its status there.
    pub status: Status,
    /// Its status as that registry spells it, or `None` when it has none there.
    pub source_status: Option<String>,
    /// The approver there.
    pub approver: Option<String>,
    /// The time of the decision there, as that registry states it.
    pub decided_at: Option<String>,
    /// Its assignments there: `alias` or `stage`, and its name.
    pub places: Vec<(&'static str, String)>,
    /// Notes on parts of the version that have no place here.
    pub notes: Vec<String>,
}

/// The way in which a version is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is registered with this status.
    New(Status),
    /// It is there already, with the same content and this status.
    There(Status),
    /// It was here, and was deleted.
    Deleted,
}

/// One version of a plan.
#[derive(Clone, Debug)]
pub struct PlannedVersion {
    /// Its name here.
    pub id: VersionId,
    /// Its status as the other registry spells it.
    pub source_status: Option<String>,
    /// The way in which it is handled.
    pub arrival: Arrival,
    /// The reason for which it does not arrive with the status that it had.
    pub why: Option<String>,
    /// The members that are here already and that the other registry has changed since.
    /// They are not imported.
    pub differs: Vec<String>,
    /// Notes on parts that have no place, can't be known, or differ.
    pub notes: Vec<String>,
}

/// One group of a plan.
#[derive(Clone, Debug)]
pub struct PlannedGroup {
    /// Its name.
    pub name: GroupName,
    /// Whether it is made.
    pub created: bool,
    /// The differences of a version that is here already.
    pub differs: Vec<String>,
    /// Notes on parts that have no place, or differ.
    pub notes: Vec<String>,
    /// Its versions, by number.
    pub versions: Vec<PlannedVersion>,
}

/// The effect of an import.
#[derive(Clone, Debug, Default)]
pub struct ImportPlan {
    /// Where the versions come from.
    pub from: String,
    /// Its groups, in the given order.
    pub groups: Vec<PlannedGroup>,
}

impl ImportPlan {
    /// How many versions are new.
    pub fn new_versions(&self) -> usize {
        let all = self.groups.iter().flat_map(|group| &group.versions);
        all.filter(|version| matches!(version.arrival, Arrival::New(_)))
            .count()
    }

    /// Whether a part that is here already differs in the other registry.
    pub fn differs(&self) -> bool {
        let mut groups = self.groups.iter();
        groups.any(|group| {
            !group.differs.is_empty() || group.versions.iter().any(|version| !version.differs.is_empty())
        })
    }
}
