//! Events as entries of Amazon EventBridge's `PutEvents`, in the form of SageMaker's
//! events about model packages and model cards.
//!
//! Source: the SageMaker Developer Guide ("Events that Amazon SageMaker sends to
//! EventBridge") and EventBridge's API reference (`PutEvents`). A change that has no
//! event in SageMaker gets a detail type of its own. The member `Modelry` holds the
//! data that SageMaker's events lack.

use serde_json::{Map, Value, json};

use super::put;
use super::sagemaker::{KEPT, to_sagemaker};
use crate::base::Error;
use crate::record::kind::{ModelVersion, Status, VersionId, VersionNumber};
use crate::report::event::Event;

/// The source of every entry. EventBridge reserves sources with `aws.`.
pub const SOURCE: &str = "modelry";
/// SageMaker's detail type for a change of a version.
pub const PACKAGE: &str = "SageMaker Model Package State Change";
/// SageMaker's detail type for a change of a card.
pub const CARD: &str = "SageMaker Model Card State Change";
/// The detail type of every other change.
pub const OTHER: &str = "Modelry Registry Change";

/// The most entries of one `PutEvents` call.
const ENTRIES: usize = 10;
/// The most bytes of one call.
const BYTES: usize = 256 * 1024;

/// The destination of the entries.
#[derive(Clone, Debug)]
pub struct Account {
    account: String,
    region: String,
    bus: Option<String>,
}

impl Account {
    /// Checks an account of twelve digits and a region. The default bus is used if none
    /// is named.
    ///
    /// # Errors
    /// The account, region or bus is malformed.
    pub fn new(account: &str, region: &str, bus: Option<&str>) -> Result<Account, Error> {
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::msg(format!("`{account}` is no AWS account")).hint("give its twelve digits"));
        }
        let parts: Vec<&str> = region.split('-').collect();
        let is_region = (9..=16).contains(&region.len())
            && parts.len() >= 3
            && parts.iter().all(|part| {
                !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            });
        if !is_region {
            return Err(Error::msg(format!("`{region}` is no AWS region")).hint("write it as `eu-central-1`"));
        }
        if bus == Some("") {
            return Err(Error::msg("the bus has no name").hint("leave `--bus` out for the default bus"));
        }
        Ok(Account {
            account: account.to_owned(),
            region: region.to_owned(),
            bus: bus.map(str::to_owned),
        })
    }

    /// The ARN of a version. The group is in lower case, as SageMaker writes it.
    fn arn(&self, id: &VersionId) -> String {
        let partition = match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let (region, account) = (&self.region, &self.account);
        let (group, number) = (id.group.as_str().to_ascii_lowercase(), id.number);
        format!("arn:{partition}:sagemaker:{region}:{account}:model-package/{group}/{number}")
    }
}

/// The version that an event is about, as of the end of the step.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The version, or `None` if it does not exist or is deleted.
    pub version: Option<&'a ModelVersion>,
    /// The time of its registration according to the committer, in seconds since
    /// 1970-01-01T00:00:00Z.
    pub registered: Option<i64>,
    /// The revision of its card.
    pub card: Option<u64>,
}

/// Returns the version that an event is about. For an emptied stage, that is the
/// version that served it before.
pub fn about(event: &Event) -> Option<VersionId> {
    let served = || {
        event
            .old
            .as_ref()
            .and_then(Value::as_u64)
            .filter(|_| event.stage.is_some())
    };
    let number: VersionNumber = event.version.or_else(served)?;
    let group = event.group.as_ref()?.parse().ok()?;
    Some(VersionId { group, number })
}

/// An entry of `PutEvents`.
#[derive(Debug)]
pub struct Entry {
    value: Value,
    size: usize,
}

/// The level of detail of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    All,
    /// The names of the changed fields, without their values.
    Fields,
    /// Only the subject and the result.
    Bare,
}

/// The members of a bare entry. The rules for names keep all of them short.
const BARE: [&str; 8] = [
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "CreationTime",
    "LastModifiedTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "UpdatedModelPackageFields",
];

/// Builds the entry of an event, with as much detail as EventBridge accepts. A large
/// record must not block the events after it.
pub fn entry(event: &Event, about: About<'_>, account: &Account) -> Entry {
    for level in [Level::All, Level::Fields] {
        let made = made(event, about, account, level);
        if made.size < BYTES {
            return made;
        }
    }
    made(event, about, account, Level::Bare)
}

fn made(event: &Event, what: About<'_>, account: &Account, level: Level) -> Entry {
    let mut modelry = json!({
        "id": event.id,
        "type": event.type_name(),
        "source": event.source(),
        "subject": event.subject,
        "sequence": event.sequence(),
    });
    put_all(
        &mut modelry,
        event.previous.as_ref().map(|id| json!({"previous": id})),
    );
    match level {
        Level::Bare => modelry["tooLarge"] = json!(true),
        _ => put_all(&mut modelry, Some(event.data())),
    }
    if level == Level::Fields
        && let Some(fields) = modelry["fields"].as_array_mut()
    {
        for field in fields {
            *field = json!({"pointer": field["pointer"], "tooLarge": true});
        }
    }
    let id = about(event);
    let (detail_type, mut detail) = match (&id, what.version) {
        (Some(id), Some(version)) if is_of_package(event) => {
            (PACKAGE, package(event, id, version, what.registered, account))
        }
        (Some(id), Some(version)) if event.kind.starts_with("version.card.") => {
            (CARD, card(event, id, version, what.card, account))
        }
        _ => (OTHER, Map::new()),
    };
    if level == Level::Bare {
        detail.retain(|key, _| BARE.contains(&key.as_str()));
    }
    detail.insert("Modelry".into(), modelry);
    let detail = Value::from(detail).to_string();
    let resource = id.filter(|_| detail_type != OTHER).map(|id| account.arn(&id));
    // EventBridge counts 14 bytes for a time.
    let size =
        14 + SOURCE.len() + detail_type.len() + detail.len() + resource.as_ref().map_or(0, String::len);
    let mut all = Map::new();
    put(&mut all, "Time", event.moment());
    put(&mut all, "Source", Some(SOURCE));
    put(&mut all, "Resources", resource.map(|resource| vec![resource]));
    put(&mut all, "DetailType", Some(detail_type));
    put(&mut all, "Detail", Some(detail));
    put(&mut all, "EventBusName", account.bus.as_ref());
    Entry {
        value: all.into(),
        size,
    }
}

fn put_all(into: &mut Value, members: Option<Value>) {
    if let (Value::Object(into), Some(Value::Object(members))) = (into, members) {
        into.extend(members);
    }
}

/// The approval status in SageMaker. It has no Archived; such a version may not be
/// deployed, so it is Rejected there.
fn approval_status(status: Status) -> &'static str {
    match status {
        Status::Pending => "PendingManualApproval",
        Status::Approved => "Approved",
        Status::Rejected | Status::Archived => "Rejected",
    }
}

/// Labels and annotations. If both have a key, the label wins. Annotations that an
/// import keeps for a later export are left out.
fn customer_metadata(version: &ModelVersion) -> Option<Value> {
    let mut all = version.annotations.clone();
    all.retain(|key, _| !key.as_str().starts_with(KEPT));
    all.extend(version.labels.clone());
    (!all.is_empty()).then(|| json!(all))
}

/// Whether SageMaker would send the event as a change of the package.
fn is_of_package(event: &Event) -> bool {
    matches!(
        event.kind,
        "version.registered"
            | "version.imported"
            | "version.status.moved"
            | "version.annotated"
            | "version.frozen.changed"
            | "stage.moved"
    )
}

fn moment(seconds: Option<i64>) -> Option<String> {
    let moment = jiff::Timestamp::from_second(seconds?).ok()?;
    Some(moment.to_string())
}

fn package(
    event: &Event,
    id: &VersionId,
    version: &ModelVersion,
    registered: Option<i64>,
    account: &Account,
) -> Map<String, Value> {
    // A step may change a version several times, and each event has its own status.
    let status = match (event.kind, event.new.as_ref()) {
        ("version.status.moved" | "version.registered" | "version.imported", Some(new)) => {
            new.as_str().and_then(|new| new.parse().ok())
        }
        _ => None,
    }
    .unwrap_or(version.status);
    let mut all = Map::new();
    put(&mut all, "ModelPackageGroupName", Some(&id.group));
    put(&mut all, "ModelPackageVersion", Some(id.number));
    put(&mut all, "ModelPackageArn", Some(account.arn(id)));
    put(&mut all, "ModelPackageDescription", version.description.as_ref());
    put(&mut all, "CreationTime", moment(registered));
    if let Value::Object(spec) = to_sagemaker(&version.spec) {
        all.extend(spec);
    }
    put(&mut all, "ModelPackageStatus", Some("Completed"));
    put(
        &mut all,
        "ModelPackageStatusDetails",
        Some(json!({"ValidationStatuses": [], "ImageScanStatuses": []})),
    );
    put(&mut all, "CertifyForMarketplace", Some(false));
    put(&mut all, "ModelApprovalStatus", Some(approval_status(status)));
    let is_move = event.kind == "version.status.moved";
    put(
        &mut all,
        "ApprovalDescription",
        event.reason.as_ref().filter(|_| is_move),
    );
    put(&mut all, "CustomerMetadataProperties", customer_metadata(version));
    put(&mut all, "ModelLifeCycle", life_cycle(event, status));
    put(&mut all, "UpdatedModelPackageFields", Some(updated(event)));
    put(&mut all, "LastModifiedTime", event.moment());
    all
}

/// The stage that moved. For Archived, SageMaker's own words.
fn life_cycle(event: &Event, status: Status) -> Option<Value> {
    let mut all = Map::new();
    match &event.stage {
        Some(stage) => {
            put(&mut all, "Stage", Some(stage));
            let serves = if event.version.is_some() {
                "Approved"
            } else {
                "Retired"
            };
            put(&mut all, "StageStatus", Some(serves));
            put(&mut all, "StageDescription", event.reason.as_ref());
        }
        None if status == Status::Archived => {
            put(&mut all, "Stage", Some("Archived"));
            put(&mut all, "StageStatus", Some("Retired"));
        }
        None => return None,
    }
    Some(all.into())
}

/// The changed members, by SageMaker's names.
fn updated(event: &Event) -> Vec<&'static str> {
    let mut all: Vec<&str> = Vec::new();
    let mut add = |word| {
        if !all.contains(&word) {
            all.push(word);
        }
    };
    match event.kind {
        "version.registered" => {}
        // The import's status is in no other event.
        "version.imported" => {
            let status = event.new.as_ref().and_then(Value::as_str);
            let status: Option<Status> = status.and_then(|status| status.parse().ok());
            if status.is_some_and(|status| status != Status::Pending) {
                add("ModelApprovalStatus");
            }
        }
        "stage.moved" => add("ModelLifeCycle"),
        "version.status.moved" => {
            let status = |value: &Option<Value>| -> Option<Status> { value.as_ref()?.as_str()?.parse().ok() };
            let (old, new) = (status(&event.old), status(&event.new));
            if old.map(approval_status) != new.map(approval_status) {
                add("ModelApprovalStatus");
            }
            if new == Some(Status::Archived) {
                add("ModelLifeCycle");
            }
            if event.reason.is_some() {
                add("ApprovalDescription");
            }
        }
        _ => {
            for field in &event.fields {
                let mut steps = field.pointer.split('/').skip(1);
                match (steps.next(), steps.next(), steps.next()) {
                    (Some("labels" | "annotations"), ..) => add("CustomerMetadataProperties"),
                    (Some("description"), ..) => add("ModelPackageDescription"),
                    (Some("spec"), Some("inference"), _) => add("InferenceSpecification"),
                    (Some("spec"), Some("source"), Some("uri")) => add("sourceUri"),
                    _ => {}
                }
            }
        }
    }
    all
}

fn card(
    event: &Event,
    id: &VersionId,
    version: &ModelVersion,
    revision: Option<u64>,
    account: &Account,
) -> Map<String, Value> {
    let mut all = Map::new();
    // The name of a card in SageMaker has no slash.
    put(
        &mut all,
        "ModelCardName",
        Some(format!("{}-{}", id.group, id.number)),
    );
    put(&mut all, "ModelCardVersion", revision);
    put(
        &mut all,
        "ModelCardStatus",
        Some(match version.status {
            Status::Pending => "PendingReview",
            Status::Approved => "Approved",
            Status::Rejected => "Draft",
            Status::Archived => "Archived",
        }),
    );
    put(&mut all, "ModelId", Some(account.arn(id)));
    put(&mut all, "AccountId", Some(&account.account));
    put(&mut all, "LastModifiedTime", event.moment());
    all
}

/// Entries collected for one call.
#[derive(Debug, Default)]
pub struct Batch {
    entries: Vec<Value>,
    size: usize,
}

impl Batch {
    /// Adds an entry, and returns the previous batch if the entry did not fit.
    pub fn add(&mut self, entry: Entry) -> Option<Value> {
        let full = self.entries.len() == ENTRIES || self.size + entry.size >= BYTES;
        let before = if full { self.take() } else { None };
        self.size += entry.size;
        self.entries.push(entry.value);
        before
    }

    /// Returns the remaining entries, if any.
    pub fn take(&mut self) -> Option<Value> {
        self.size = 0;
        let entries = std::mem::take(&mut self.entries);
        (!entries.is_empty()).then(|| json!({"Entries": entries}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ObjectFormat, ObjectKind, Oid};
    use crate::record::kind::REGISTRY_FILE;
    use crate::report::audit::Means;
    use crate::report::event::{Field, Proof};

    fn event(value: &str, fields: usize) -> Event {
        let commit = Oid::hash(ObjectFormat::Sha1, ObjectKind::Blob, b"");
        Event {
            id: "0".repeat(32),
            previous: None,
            registry: "1".repeat(32),
            kind: "policy.changed",
            subject: "policy/2".into(),
            step: 2,
            ordinal: 1,
            mainline: commit,
            time: Some(0),
            claimed: None,
            path: REGISTRY_FILE.into(),
            change: "policy changed, serial 2".into(),
            group: None,
            version: None,
            stage: None,
            name: None,
            old: None,
            new: None,
            fields: vec![
                Field {
                    pointer: "/actors".into(),
                    before: None,
                    after: Some(json!(value)),
                };
                fields
            ],
            proof: Proof {
                means: Means::Commit,
                actor: None,
                key: None,
                commit,
            },
            decision: None,
            reason: None,
            findings: Vec::new(),
        }
    }

    fn made(value: &str, fields: usize) -> Entry {
        let account = Account::new("123456789012", "eu-central-1", None).expect("an account");
        entry(&event(value, fields), About::default(), &account)
    }

    #[test]
    fn a_call_holds_ten_and_stays_below_the_limit() {
        for (value, per_call) in [
            (String::new(), 10),
            ("x".repeat(100_000), 2),
            ("ä".repeat(60_000), 2),
        ] {
            let mut batch = Batch::default();
            let mut calls: Vec<Value> = Vec::new();
            for _ in 0..25 {
                calls.extend(batch.add(made(&value, 1)));
            }
            calls.extend(batch.take());
            assert!(batch.take().is_none());
            let counts = calls
                .iter()
                .map(|call| call["Entries"].as_array().map_or(0, Vec::len));
            assert_eq!(counts.clone().sum::<usize>(), 25);
            assert_eq!(counts.max(), Some(per_call));
            for call in &calls {
                let entries = call["Entries"].as_array().expect("entries");
                let details = entries
                    .iter()
                    .map(|entry| entry["Detail"].as_str().map_or(0, str::len));
                assert!(details.sum::<usize>() < BYTES);
            }
        }
    }

    #[test]
    fn what_is_too_large_keeps_its_pointers() {
        let large = made(&"x".repeat(BYTES), 1);
        assert!(large.size < BYTES);
        let detail: Value =
            serde_json::from_str(large.value["Detail"].as_str().expect("text")).expect("JSON");
        let fields = &detail["Modelry"]["fields"];
        assert_eq!(fields, &json!([{"pointer": "/actors", "tooLarge": true}]));
        let fits = made("x", 1).value["Detail"].to_string();
        assert!(fits.contains("after") && !fits.contains("tooLarge"));
        let bare = made("", 20_000);
        assert!(bare.size < BYTES);
        let detail: Value = serde_json::from_str(bare.value["Detail"].as_str().expect("text")).expect("JSON");
        assert_eq!(detail["Modelry"]["tooLarge"], true);
        assert_eq!(detail["Modelry"]["id"], "0".repeat(32));
    }

    #[test]
    fn names_follow_the_region() {
        let id: VersionId = "Churn/3".parse().expect("a version");
        for (region, start) in [
            ("eu-central-1", "arn:aws:sagemaker:eu-central-1:123456789012:"),
            ("cn-north-1", "arn:aws-cn:sagemaker:cn-north-1:123456789012:"),
            (
                "us-gov-west-1",
                "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:",
            ),
        ] {
            let account = Account::new("123456789012", region, Some("models")).expect("an account");
            assert_eq!(account.arn(&id), format!("{start}model-package/churn/3"));
        }
        for (account, region, bus) in [
            ("12345678901", "eu-central-1", None),
            ("12345678901x", "eu-central-1", None),
            ("123456789012", "eu", None),
            ("123456789012", "EU-CENTRAL-1", None),
            ("123456789012", "eu--central-1", None),
            ("123456789012", "eu-central-1", Some("")),
        ] {
            assert!(
                Account::new(account, region, bus).is_err(),
                "{account} {region} {bus:?}"
            );
        }
    }
}
