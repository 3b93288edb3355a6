//! Reads a folder that mlflow-export-import wrote: of one version
//! (`export-model-version`), of one model (`export-model`), of several
//! (`export-models`), or of everything (`export-all`).
//!
//! Sources: mlflow-export-import 1.2 and its main branch of 2025. A note names each
//! file that no version refers to, and folders of other things than registered
//! models: prompts, datasets, traces, logged models.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use walkdir::WalkDir;

use super::json_file;
use crate::base::Error;
use crate::exchange::mlflow::Found;
use crate::record::kind::{Address, Form};

/// The depth below the folder to which models are searched.
const DEPTH: usize = 8;

/// The most unread files that are named one by one.
const NAMED: usize = 20;

/// Folders with the content of models, or with files that are read by name.
const OPAQUE: [&str; 5] = [
    "artifacts",
    "experiments",
    "version_model",
    "version_models",
    "notebooks",
];

/// Folders with other things than registered models.
const OTHER_KINDS: [(&str, &str); 4] = [
    ("prompts", "prompts"),
    ("evaluation_datasets", "evaluation datasets"),
    ("traces", "traces"),
    ("logged_models", "logged models"),
];

/// The kinds of folder without a model: a file in it, the command, and the thing.
const KINDS: [(&str, &str, &str); 9] = [
    ("run.json", "export-run", "a run"),
    ("experiment.json", "export-experiment", "an experiment"),
    ("experiments.json", "export-experiments", "experiments"),
    ("logged_model.json", "export-logged-model", "a logged model"),
    ("logged_models.json", "export-logged-models", "logged models"),
    ("prompt.json", "export-prompt", "a prompt"),
    ("trace.json", "export-trace", "a trace"),
    ("traces.json", "export-traces", "traces"),
    (
        "evaluation_dataset.json",
        "export-evaluation-dataset",
        "an evaluation dataset",
    ),
];

/// Returns everything that is registered in the folder.
///
/// # Errors
/// The folder is not such an export, a file of it can't be read, or two exports
/// contradict each other about a version.
pub(super) fn read(folder: &Path, only: &[String]) -> Result<Found, Error> {
    let files = models(folder)?;
    if files.is_empty() {
        return Err(no_model(folder));
    }
    let mut tree = Tree {
        found: Found::default(),
        origins: Vec::new(),
        runs_read: BTreeSet::new(),
        experiments: experiments(folder)?,
    };
    for list in ["models/models.json", "models.json"] {
        let told = json_file(&folder.join(list))?;
        let failed = told.as_ref().and_then(|told| told.pointer("/info/failed_models"));
        for name in failed.and_then(Value::as_array).into_iter().flatten() {
            tree.found.notes.push(format!(
                "{name} was not exported whole: mlflow-export-import says that it failed"
            ));
        }
    }
    for file in &files {
        tree.model(file, only)?;
    }
    if only.is_empty() {
        tree.not_understood(folder)?;
    }
    let mut places: Vec<&str> = tree.origins.iter().map(|origin| origin.shown.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    tree.found.from = match places[..] {
        [one] if !one.is_empty() => one.to_owned(),
        _ => "MLflow".to_owned(),
    };
    Ok(tree.found)
}

/// The place where a model was read.
struct Origin {
    file: PathBuf,
    /// The tracking server that the export names.
    server: Address,
    /// The same, for records; empty where it may contain a password.
    shown: String,
}

struct Tree {
    found: Found,
    /// The origin of each model.
    origins: Vec<Origin>,
    runs_read: BTreeSet<PathBuf>,
    experiments: Vec<PathBuf>,
}

impl Tree {
    /// Reads one `model.json` and the files beside it.
    fn model(&mut self, file: &Path, only: &[String]) -> Result<(), Error> {
        let Some(mut told) = json_file(file)? else {
            return Ok(());
        };
        let server = told
            .pointer("/system/mlflow_tracking_uri")
            .and_then(Value::as_str);
        let server = Address::from(server.unwrap_or_default());
        // The path of a database may contain a password.
        let parts = server.parts();
        let shown = match parts.form == Form::Url && parts.has_scheme(&["http", "https"]) {
            true => format!("MLflow at {}", server.place()),
            false => String::new(),
        };
        let failed = told
            .pointer("/info/failed_versions")
            .and_then(Value::as_array)
            .cloned();
        let Some(mut model) = told.pointer_mut("/mlflow/registered_model").map(Value::take) else {
            self.found.notes.push(format!(
                "`{}` holds no registered model: left out",
                file.display()
            ));
            return Ok(());
        };
        let name = model.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = name.to_owned();
        if !only.is_empty() && !only.contains(&name) {
            return Ok(());
        }
        for one in failed.into_iter().flatten() {
            let version = one.get("version").unwrap_or(&Value::Null);
            let number = version.get("version").unwrap_or(version);
            self.found
                .notes
                .push(format!("`{name}`: version {number} was not exported"));
        }
        self.one_version(file, &name, &mut model)?;
        // Older exports contain only the latest versions.
        if model.get("versions").is_none()
            && let Some(latest) = model.get_mut("latest_versions").map(Value::take)
        {
            self.found
                .notes
                .push(format!("`{name}`: the export holds only its latest versions"));
            model["versions"] = latest;
        }
        if model.get("versions").is_none_or(|all| !all.is_array()) {
            return Err(Error::msg(format!(
                "`{}` lists no versions, and there is no `version.json` beside it: the export is not whole",
                file.display()
            ))
            .hint("export it again: `export-model`, or `export-model-version` with the version"));
        }
        self.runs(file, &model)?;
        if !shown.is_empty() {
            model["_from"] = json!(shown);
        }
        let origin = Origin {
            file: file.to_owned(),
            server,
            shown,
        };
        let mut models = self.found.models.iter();
        match models.position(|one| one.get("name").and_then(Value::as_str) == Some(&name)) {
            Some(place) => self.merge(place, model, &origin, &name),
            None => {
                self.found.models.push(model);
                self.origins.push(origin);
                Ok(())
            }
        }
    }

    /// Reads the files that `export-model-version` writes beside `model.json`: the
    /// version, its run and its experiment.
    fn one_version(&mut self, file: &Path, name: &str, model: &mut Value) -> Result<(), Error> {
        let beside = |name: &str| file.with_file_name(name);
        let path = beside("version.json");
        let Some(mut told) = json_file(&path)? else {
            return Ok(());
        };
        let Some(mut version) = told.pointer_mut("/mlflow/model_version").map(Value::take) else {
            return Err(Error::msg(format!("`{}` holds no model version", path.display()))
                .hint("export it again: `export-model-version`"));
        };
        let whose = version.get("name").and_then(Value::as_str).unwrap_or(name);
        if whose != name {
            return Err(Error::msg(format!(
                "`{}` is of model `{whose}`, and `model.json` beside it of `{name}`",
                path.display()
            ))
            .hint("export it again into a folder of its own: `export-model-version`"));
        }
        // If the version's bytes were exported too, `_source` has the original
        // location.
        if let Some(source) = version.get("_source").filter(|it| it.is_string()).cloned() {
            version["source"] = source;
        }
        if let Some(Value::Object(experiment)) = json_file(&beside("experiment.json"))?
            .as_ref()
            .and_then(|told| told.pointer("/mlflow/experiment"))
        {
            let text = |key: &str| experiment.get(key).and_then(Value::as_str);
            if let (Some(id), Some(name)) = (text("experiment_id"), text("name")) {
                self.found.experiments.insert(id.to_owned(), name.to_owned());
            }
        }
        let run = beside("run").join("run.json");
        if let Some(mut told) = json_file(&run)? {
            let id = version.get("run_id").and_then(Value::as_str).unwrap_or_default();
            let its = told
                .pointer("/mlflow/info/run_id")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if its == id {
                let told = told.get_mut("mlflow").map(Value::take).unwrap_or_default();
                self.found.runs.insert(id.to_owned(), told);
                self.runs_read.insert(run);
            }
        }
        if let Some(members) = model.as_object_mut() {
            members.remove("latest_versions");
        }
        match model.get_mut("versions").and_then(Value::as_array_mut) {
            Some(versions) => add(versions, version, name, &path),
            None => {
                model["versions"] = json!([version]);
                Ok(())
            }
        }
    }

    /// Reads the runs of a model's versions.
    fn runs(&mut self, file: &Path, model: &Value) -> Result<(), Error> {
        let versions = model.get("versions").and_then(Value::as_array);
        let versions = versions.into_iter().flatten();
        let ids: BTreeSet<&str> = versions
            .filter_map(|one| one.get("run_id")?.as_str())
            .filter(|id| is_name(id))
            .collect();
        let mut places: Vec<PathBuf> = file.parent().map(Path::to_owned).into_iter().collect();
        for experiment in &self.experiments {
            places.extend([experiment.clone(), experiment.join("runs")]);
        }
        for id in ids {
            for place in &places {
                let path = place.join(id).join("run.json");
                if let Some(mut run) = json_file(&path)? {
                    let run = run.get_mut("mlflow").map(Value::take).unwrap_or_default();
                    self.found.runs.insert(id.to_owned(), run);
                    self.runs_read.insert(path);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Adds the versions of a model that another file has described.
    fn merge(&mut self, place: usize, mut model: Value, origin: &Origin, name: &str) -> Result<(), Error> {
        let first = &self.origins[place];
        if first.server != origin.server {
            return Err(Error::msg(format!(
                "`{name}` would come from two servers: `{}` and `{}` tell of different ones",
                first.file.display(),
                origin.file.display()
            ))
            .hint("import one folder after the other, with a name for each: `modelry import mlflow FOLDER --as NAME`"));
        }
        let there = &mut self.found.models[place];
        for member in ["description", "tags", "aliases"] {
            if there.get(member) != model.get(member) {
                self.found.notes.push(format!(
                    "`{name}`: `{}` tells other {member} than `{}`, whose are taken",
                    origin.file.display(),
                    first.file.display()
                ));
            }
        }
        let more = model.get_mut("versions").map(Value::take).unwrap_or_default();
        let Value::Array(more) = more else { return Ok(()) };
        if let Some(versions) = there.get_mut("versions").and_then(Value::as_array_mut) {
            for version in more {
                add(versions, version, name, &origin.file)?;
            }
        }
        Ok(())
    }

    /// Notes each file that was not read, and folders of other kinds.
    fn not_understood(&mut self, folder: &Path) -> Result<(), Error> {
        const READ: [&str; 6] = [
            "model.json",
            "version.json",
            "experiment.json",
            "experiments.json",
            "models.json",
            "manifest.json",
        ];
        let shown = |path: &Path| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let mut others = BTreeSet::new();
        let mut unknown = Vec::new();
        let mut walk = WalkDir::new(folder)
            .max_depth(DEPTH)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry
                .map_err(|error| Error::msg(format!("`{}` can't be read: {error}", folder.display())))?;
            let name = entry.file_name().to_string_lossy();
            if entry.depth() == 0 || name.starts_with('.') {
                if entry.depth() > 0 && entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                continue;
            }
            if entry.file_type().is_dir() {
                if let Some((_, what)) = OTHER_KINDS.iter().find(|(other, _)| *other == name) {
                    others.insert(format!(
                        "`{}` holds {what}, which are no models: left out",
                        shown(entry.path())
                    ));
                    walk.skip_current_dir();
                } else if OPAQUE.contains(&&*name) {
                    walk.skip_current_dir();
                } else if entry.path().parent() == Some(&folder.join("models"))
                    && !entry.path().join("model.json").exists()
                {
                    others.insert(format!(
                        "`{}` holds no `model.json`: left out",
                        shown(entry.path())
                    ));
                }
                continue;
            }
            if !READ.contains(&&*name) && !self.runs_read.contains(entry.path()) {
                unknown.push(shown(entry.path()));
            }
        }
        self.found.notes.extend(others);
        let more = unknown.len().saturating_sub(NAMED);
        for path in unknown.iter().take(NAMED) {
            self.found.notes.push(match path.ends_with("run.json") {
                true => format!("`{path}` is the run of no version here: left out"),
                false => format!("`{path}` is not understood: left out"),
            });
        }
        if more > 0 {
            self.found
                .notes
                .push(format!("{more} more files are not understood: left out"));
        }
        Ok(())
    }
}

/// Adds a version, unless an equal one is there.
fn add(versions: &mut Vec<Value>, version: Value, name: &str, file: &Path) -> Result<(), Error> {
    let number = |one: &Value| match one.get("version") {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let own = number(&version);
    match versions.iter().find(|one| number(one) == own) {
        Some(there) if *there == version => Ok(()),
        Some(_) => Err(Error::msg(format!(
            "version {own} of `{name}` is exported twice, and not alike: once in `{}`",
            file.display()
        ))
        .hint("leave the older export out, or import one folder after the other, with a name for each: `--as NAME`")),
        None => {
            versions.push(version);
            Ok(())
        }
    }
}

/// Returns the error for a folder without a registered model, with the kind of
/// folder.
fn no_model(folder: &Path) -> Error {
    let kinds = "name a folder that `export-model-version`, `export-model`, `export-models` or `export-all` of mlflow-export-import wrote, or the server's address";
    if folder.join("version.json").is_file() {
        return Error::msg(format!(
            "`{}` holds `version.json`, and no `model.json` beside it: the export is not whole",
            folder.display()
        ))
        .hint("export it again: `export-model-version`");
    }
    let kind = KINDS.iter().find(|(file, ..)| folder.join(file).is_file());
    match kind {
        Some((file, command, what)) => Error::msg(format!(
            "`{}` is what `{command}` wrote ({file}): {what}, and no registered model",
            folder.display()
        ))
        .hint(kinds),
        None => Error::msg(format!("`{}` holds no `model.json`", folder.display())).hint(kinds),
    }
}

/// Whether the text is a single folder name.
fn is_name(id: &str) -> bool {
    !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Returns every `model.json`, sorted by path. Does not look into a model's content,
/// and follows no link.
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
            Error::msg(format!("`{}` can't be read: {error}", folder.display()))
                .hint("name a folder, or an address with http:// or https://")
        })?;
        if entry.file_type().is_file() && entry.file_name() == "model.json" {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Returns the folders with runs of experiments.
fn experiments(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let top = folder.join("experiments");
    if !top.is_dir() {
        return Ok(Vec::new());
    }
    let mut folders = Vec::new();
    for entry in WalkDir::new(&top).min_depth(1).max_depth(1).sort_by_file_name() {
        let entry =
            entry.map_err(|error| Error::msg(format!("`{}` can't be read: {error}", top.display())))?;
        if entry.file_type().is_dir() {
            folders.push(entry.into_path());
        }
    }
    Ok(folders)
}
