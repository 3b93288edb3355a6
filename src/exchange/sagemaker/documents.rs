//! Reads the documents that `aws sagemaker describe-…` and `list-…` print, and
//! distinguishes them by their members.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::base::Error;

/// A document, and the file that it comes from.
pub(super) struct SourceDocument {
    pub file: String,
    pub members: Map<String, Value>,
}

/// The described objects, in the order of the files.
#[derive(Default)]
pub(super) struct Described {
    pub groups: Vec<SourceDocument>,
    pub packages: Vec<SourceDocument>,
    /// Tags, with the index of the group described before them in the same file.
    pub tags: Vec<(Option<usize>, Vec<Value>)>,
    /// Cards, with the index of the package described before them in the same file.
    pub cards: Vec<(Option<usize>, Map<String, Value>)>,
    /// ARNs of packages that are listed but not described.
    pub listed: BTreeSet<String>,
    /// Names of groups that are listed but not described.
    pub listed_groups: BTreeSet<String>,
}

/// Reads files. Each contains one JSON document, or several in a row.
pub(super) fn read(files: &[(String, Vec<u8>)]) -> Result<Described, Error> {
    let mut all = Described::default();
    for (name, bytes) in files {
        let mut here = Here::default();
        let mut any = false;
        let text = super::super::decoded(bytes)
            .ok_or_else(|| Error::msg(format!("{name} is neither UTF-8 nor UTF-16 text")))
            .map_err(|error| error.hint("keep what the AWS CLI prints with `--output json`"))?;
        let text = super::super::exact_numbers(&text);
        for document in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            let document = document.map_err(|error| {
                Error::msg(format!("{name} is not JSON: {error}"))
                    .hint("keep what the AWS CLI prints with `--output json`")
            })?;
            any = true;
            match document {
                Value::Array(items) => {
                    for item in items {
                        all.enter(name, item, &mut here)?;
                    }
                }
                one => all.enter(name, one, &mut here)?,
            }
        }
        if !any {
            return Err(Error::msg(format!("{name} is empty"))
                .hint("keep what `aws sagemaker describe-model-package` prints in it"));
        }
    }
    Ok(all)
}

/// The objects described last in a file.
#[derive(Default)]
struct Here {
    group: Option<usize>,
    package: Option<usize>,
}

impl Described {
    fn enter(&mut self, file: &str, document: Value, here: &mut Here) -> Result<(), Error> {
        let Value::Object(mut members) = document else {
            return Err(unknown(file, "a value that is no mapping"));
        };
        // The call's metadata from boto3 does not concern the model.
        members.remove("ResponseMetadata");
        if members.contains_key("NextToken") {
            return Err(
                Error::msg(format!("{file} holds one page of a list, and there are more"))
                    .hint("let the AWS CLI read all pages: leave out `--max-items` and `--no-paginate`"),
            );
        }
        let has = |key: &str| members.contains_key(key);
        let document = |members| SourceDocument {
            file: file.to_owned(),
            members,
        };
        if has("ModelPackageArn") {
            here.package = Some(self.packages.len());
            self.packages.push(document(members));
        } else if has("ModelPackageGroupArn") {
            here.group = Some(self.groups.len());
            self.groups.push(document(members));
        } else if let Some(Value::Array(list)) = members.get("ModelPackageSummaryList") {
            let arns = list.iter().filter_map(|one| one.get("ModelPackageArn")?.as_str());
            self.listed.extend(arns.map(str::to_owned));
        } else if let Some(Value::Object(map)) = members.get("ModelPackageSummaries") {
            self.listed.extend(map.keys().cloned());
        } else if let Some(Value::Array(list)) = members.get("ModelPackageGroupSummaryList") {
            let names = list
                .iter()
                .filter_map(|one| one.get("ModelPackageGroupName")?.as_str());
            self.listed_groups.extend(names.map(str::to_owned));
        } else if let Some(Value::Array(tags)) = members.get("Tags") {
            self.tags.push((here.group, tags.clone()));
        } else if has("ModelCardName") && has("Content") {
            self.cards.push((here.package, members));
        } else {
            let keys: Vec<&str> = members.keys().take(4).map(String::as_str).collect();
            return Err(unknown(file, &format!("a mapping with {}", keys.join(", "))));
        }
        Ok(())
    }

    /// Checks that every listed object is also described.
    pub fn complete(&self) -> Result<(), Error> {
        let arn = |package: &SourceDocument| {
            let arn = package.members.get("ModelPackageArn").and_then(Value::as_str);
            arn.unwrap_or_default().to_owned()
        };
        let described: BTreeSet<String> = self.packages.iter().map(arn).collect();
        let mut commands: Vec<String> = self
            .listed
            .difference(&described)
            .map(|arn| format!("aws sagemaker describe-model-package --model-package-name {arn}"))
            .collect();
        let named = |group: &SourceDocument| {
            let name = group.members.get("ModelPackageGroupName").and_then(Value::as_str);
            name.unwrap_or_default().to_owned()
        };
        let groups: BTreeSet<String> = self.groups.iter().map(named).collect();
        for group in self.listed_groups.difference(&groups) {
            commands.push(format!(
                "aws sagemaker describe-model-package-group --model-package-group-name {group}"
            ));
            commands.push(format!(
                "aws sagemaker list-model-packages --model-package-group-name {group}"
            ));
        }
        if commands.is_empty() {
            return Ok(());
        }
        let what = match commands.len() {
            1 => "a list does not tell what a version is".to_owned(),
            count => format!("a list does not tell what versions are: {count} are only listed"),
        };
        let mut error = Error::msg(what);
        for command in commands.iter().take(20) {
            error = error.hint(format!("`{command} >> described.json`"));
        }
        if commands.len() > 20 {
            error = error.hint(format!("and {} more like these", commands.len() - 20));
        }
        Err(error.hint("then: `modelry import sagemaker described.json`"))
    }
}

fn unknown(file: &str, what: &str) -> Error {
    Error::msg(format!("{file} holds {what}, which is nothing that SageMaker describes")).hint(
        "there are: describe-model-package-group, list-model-packages, describe-model-package, list-tags, describe-model-card",
    )
}
