//! A folder that mlflow-export-import wrote: of one model (`export-model`), of
//! several (`export-models`), or of everything (`export-all`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use walkdir::WalkDir;

use super::json_file;
use crate::error::Error;
use crate::exchange::mlflow::Found;

/// How deep below the folder a model is looked for.
const DEPTH: usize = 8;

/// Everything that is registered in it.
///
/// # Errors
/// When it is no such folder, or a file of it can't be read.
pub(super) fn read(folder: &Path, only: &[String]) -> Result<Found, Error> {
    let mut found = Found::default();
    let files = models(folder)?;
    if files.is_empty() {
        return Err(Error::told(format!("`{}` holds no `model.json`", folder.display()))
            .hint("name a folder that `export-model`, `export-models` or `export-all` of mlflow-export-import wrote, or the server's address"));
    }
    for (list, key) in [
        ("models/models.json", "failed_models"),
        ("models.json", "failed_models"),
    ] {
        let told = json_file(&folder.join(list))?;
        let failed = told
            .as_ref()
            .and_then(|told| told.pointer(&format!("/info/{key}")));
        for name in failed.and_then(Value::as_array).into_iter().flatten() {
            found.notes.push(format!(
                "{name} was not exported whole: mlflow-export-import says that it failed"
            ));
        }
    }
    let experiments = experiments(folder)?;
    for file in files {
        let Some(mut told) = json_file(&file)? else {
            continue;
        };
        if let Some(place) = told
            .pointer("/system/mlflow_tracking_uri")
            .and_then(Value::as_str)
        {
            // Another kind of address may hold a password.
            if place.starts_with("http://") || place.starts_with("https://") {
                found.from = format!("MLflow at {}", super::super::http::shown(place));
            }
        }
        let failed = told
            .pointer("/info/failed_versions")
            .and_then(Value::as_array)
            .cloned();
        let Some(mut model) = told.pointer_mut("/mlflow/registered_model").map(Value::take) else {
            found.notes.push(format!(
                "`{}` holds no registered model: left out",
                file.display()
            ));
            continue;
        };
        let name = model
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if !only.is_empty() && !only.contains(&name) {
            continue;
        }
        for one in failed.into_iter().flatten() {
            found
                .notes
                .push(format!("`{name}`: version {} was not exported", one["version"]));
        }
        // Older exports have only the latest ones.
        if model.get("versions").is_none()
            && let Some(latest) = model.get_mut("latest_versions").map(Value::take)
        {
            found
                .notes
                .push(format!("`{name}`: the export holds only its latest versions"));
            model["versions"] = latest;
        }
        let mut places: Vec<&Path> = Vec::from_iter(file.parent());
        places.extend(experiments.iter().map(PathBuf::as_path));
        let versions = model
            .get("versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let runs: BTreeSet<&str> = versions
            .filter_map(|one| one.get("run_id")?.as_str())
            .filter(|id| is_name(id))
            .collect();
        for id in runs {
            for place in &places {
                if let Some(mut run) = json_file(&place.join(id).join("run.json"))? {
                    let run = run.get_mut("mlflow").map(Value::take).unwrap_or_default();
                    found.runs.insert(id.to_owned(), run);
                    break;
                }
            }
        }
        found.models.push(model);
    }
    if found.from.is_empty() {
        found.from = "MLflow".to_owned();
    }
    Ok(found)
}

/// Whether it is one name of a folder.
fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Every `model.json`, in the order of their paths. What a model holds is not
/// looked into, and no link is followed.
fn models(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let walk = WalkDir::new(folder)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter();
    let walk = walk.filter_entry(|entry| {
        let name = entry.file_name();
        entry.depth() == 0 || !(entry.file_type().is_dir() && (name == "artifacts" || name == "experiments"))
    });
    let mut files = Vec::new();
    for entry in walk {
        let entry = entry.map_err(|error| {
            Error::told(format!("`{}` can't be read: {error}", folder.display()))
                .hint("name a folder, or an address with http:// or https://")
        })?;
        if entry.file_type().is_file() && entry.file_name() == "model.json" {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// The folders that hold runs of experiments.
fn experiments(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let top = folder.join("experiments");
    if !top.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in WalkDir::new(&top).min_depth(1).max_depth(1).sort_by_file_name() {
        let entry =
            entry.map_err(|error| Error::told(format!("`{}` can't be read: {error}", top.display())))?;
        if entry.file_type().is_dir() {
            folders.push(entry.into_path());
        }
    }
    Ok(folders)
}
