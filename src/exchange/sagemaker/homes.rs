//! The SageMaker groups of the documents. A group's name is unique only within an
//! account and region. ARNs therefore distinguish groups of the same name, and two
//! groups are never merged.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::documents::{Described, SourceDocument};
use crate::act::ImportedGroup;
use crate::base::{Error, shell_word};
use crate::record::kind::{GroupName, Labels};

/// A group in SageMaker, and its name in this registry.
pub(super) struct Home {
    /// The start of the group's ARN: `arn:aws:sagemaker:REGION:ACCOUNT`.
    place: String,
    /// The name in SageMaker.
    pub name: String,
    /// The name in this registry.
    ours: GroupName,
    /// The first file that mentions the group.
    file: String,
    /// Whether the input has groups of several accounts or regions.
    is_one_of_several: bool,
}

impl Home {
    /// The group's ARN.
    pub fn arn(&self) -> String {
        format!("{}:model-package-group/{}", self.place, self.name)
    }

    /// The region and the account.
    fn region_and_account(&self) -> Option<(&str, &str)> {
        let mut parts = self.place.split(':').skip(3);
        Some((parts.next()?, parts.next()?))
    }

    /// The group in words: `fraud` of account 123456789012 in eu-central-1.
    pub fn words(&self) -> String {
        match self.region_and_account() {
            Some((region, account)) => format!("`{}` of account {account} in {region}", self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// Creates the group to import, still without versions.
    pub fn empty(&self) -> ImportedGroup {
        let from = self.region_and_account().filter(|_| self.is_one_of_several);
        ImportedGroup {
            name: self.ours.clone(),
            description: None,
            labels: Labels::new(),
            annotations: Labels::new(),
            versions: Vec::new(),
            notes: Vec::new(),
            from: from.map(|(region, account)| format!("sagemaker:{region}:{account}")),
            arn: self.region_and_account().map(|_| self.arn()),
        }
    }
}

/// The start of the ARN, and the name of the group that a document belongs to.
fn there(members: &Map<String, Value>) -> Result<(String, String), Error> {
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    let name = text("ModelPackageGroupName").ok_or_else(|| {
        Error::msg(format!(
            "`{}` belongs to no group: it is no version",
            text("ModelPackageArn").unwrap_or_default()
        ))
        .hint("leave it out, or register it: `modelry register`")
    })?;
    // A shared group is identified by its ARN.
    let arn = Some(name).filter(|name| name.starts_with("arn:"));
    let arn = arn
        .or_else(|| text("ModelPackageGroupArn"))
        .or_else(|| text("ModelPackageArn"));
    let place: Vec<&str> = arn.unwrap_or_default().splitn(6, ':').take(5).collect();
    let name = name.rsplit('/').next().unwrap_or(name);
    Ok((place.join(":"), name.to_owned()))
}

/// Lists the groups that the documents mention, described ones first.
///
/// # Errors
/// A name is invalid in this registry, two groups have the same name, or a group to
/// rename does not exist.
pub(super) fn of(described: &Described, renames: &BTreeMap<String, GroupName>) -> Result<Vec<Home>, Error> {
    let mut found: Vec<(String, String, &str)> = Vec::new();
    for document in described.groups.iter().chain(&described.packages) {
        let (place, name) = there(&document.members)?;
        if !found.iter().any(|one| one.0 == place && one.1 == name) {
            found.push((place, name, &document.file));
        }
    }
    let is_one_of_several = found.iter().any(|one| one.0 != found[0].0);
    let mut homes: Vec<Home> = Vec::new();
    for (place, name, file) in found {
        let arn = format!("{place}:model-package-group/{name}");
        let ours = match renames.get(&arn).or_else(|| renames.get(&name)) {
            Some(ours) => ours.clone(),
            None => name.parse::<GroupName>().map_err(|why| {
                Error::msg(why).hint(format!(
                    "choose another name: `--rename {}=NAME`",
                    shell_word(&arn)
                ))
            })?,
        };
        let home = Home {
            place,
            name,
            ours,
            file: file.to_owned(),
            is_one_of_several,
        };
        let is_taken = |other: &&Home| other.ours.as_str().eq_ignore_ascii_case(home.ours.as_str());
        if let Some(other) = homes.iter().find(is_taken) {
            return Err(Error::msg(format!(
                "{} ({}) and {} ({}) would both be called `{}`",
                other.words(),
                other.file,
                home.words(),
                home.file,
                home.ours
            ))
            .hint(format!(
                "choose another name for one: `--rename {}=NAME`",
                shell_word(&home.arn())
            ))
            .hint("or import them one after the other, with `--as NAME`"));
        }
        homes.push(home);
    }
    let is_there = |old: &str| homes.iter().any(|home| home.name == old || home.arn() == old);
    if let Some(unknown) = renames.keys().find(|old| !is_there(old)) {
        let error = Error::msg(format!("there is no group `{unknown}` to rename"));
        return Err(homes.iter().take(20).fold(error, |error, home| {
            error.hint(format!("there is `{}`, or `{}`", home.name, home.arn()))
        }));
    }
    Ok(homes)
}

/// The index of the group that a document belongs to.
///
/// # Errors
/// The document names no group.
pub(super) fn place(homes: &[Home], members: &Map<String, Value>) -> Result<usize, Error> {
    let (place, name) = there(members)?;
    let found = homes
        .iter()
        .position(|home| home.place == place && home.name == name);
    found.ok_or_else(|| Error::msg(format!("group `{name}` was not found in its own document")))
}

/// The documents read so far, by the object that they describe.
#[derive(Default)]
pub(super) struct Once<'d>(BTreeMap<String, &'d SourceDocument>);

impl<'d> Once<'d> {
    /// Whether the object is described for the first time. An identical repetition is
    /// ignored.
    ///
    /// # Errors
    /// An earlier description differs, and neither takes precedence.
    pub fn is_new(&mut self, id: String, what: &str, document: &'d SourceDocument) -> Result<bool, Error> {
        match self.0.insert(id, document) {
            None => Ok(true),
            Some(before) if before.members == document.members => Ok(false),
            Some(before) => Err(Error::msg(format!(
                "{what} is described twice, and not alike: in {} and in {}",
                before.file, document.file
            ))
            .hint("leave the older description out")),
        }
    }
}
