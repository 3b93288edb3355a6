//! `register`, `evidence`, `annotate`: what a version holds.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use super::write::{Job, Reserve, Scope, WriteArgs, land};
use super::{Global, Outcome, Ui, names};
use crate::act::{self, AnnotateRequest, EvidenceRequest, RegisterRequest, Registered};
use crate::disk;
use crate::error::Error;
use crate::model::{ArtifactType, DatasetRef, Digest, GroupName, Key, RecordName, ReportRef, VersionId};

/// `modelry register`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry register fraud-detector --artifact ./model.tar.gz --framework xgboost --metric auc=0.912\n  modelry register fraud-detector -f spec.yaml --label team=risk"
)]
pub struct RegisterArgs {
    /// The group
    group: GroupName,
    /// The spec, as YAML or JSON; `-` for standard input. Flags add to it
    #[arg(short = 'f', long = "file", value_name = "FILE|-")]
    file: Option<String>,
    /// The container's image, pinned as NAME@sha256:…
    #[arg(long)]
    image: Option<String>,
    /// What it loads: a URI, or a local file or folder, which is hashed
    #[arg(long, value_name = "URI|PATH")]
    artifact: Option<String>,
    /// The artifact's digest, for a URI
    #[arg(long, value_name = "sha256:…")]
    digest: Option<Digest>,
    /// Where a local artifact will be found: the URI to record for it
    #[arg(long, value_name = "URI", requires = "artifact")]
    artifact_uri: Option<String>,
    /// The framework
    #[arg(long)]
    framework: Option<String>,
    /// The framework's version
    #[arg(long, value_name = "VERSION")]
    framework_version: Option<String>,
    /// A media type that it takes; may be repeated
    #[arg(long = "content-type", value_name = "TYPE")]
    content_types: Vec<String>,
    /// A media type that it gives; may be repeated
    #[arg(long = "response-type", value_name = "TYPE")]
    response_types: Vec<String>,
    /// A measured value; may be repeated
    #[arg(long = "metric", value_name = "NAME=NUMBER", value_parser = names::metric)]
    metrics: Vec<(Key, f64)>,
    /// The repository of its code
    #[arg(long, value_name = "URI")]
    source_repository: Option<String>,
    /// The commit of its code
    #[arg(long, value_name = "COMMIT")]
    source_commit: Option<String>,
    /// The job that trained it
    #[arg(long, value_name = "JOB")]
    training_job: Option<String>,
    /// A few words for people
    #[arg(long)]
    description: Option<String>,
    /// A label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = names::pair)]
    labels: Vec<(Key, String)>,
    /// An annotation; may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = names::pair)]
    annotations: Vec<(Key, String)>,
    /// Sections of a card to add with it, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    card: Option<PathBuf>,
    /// Register the same spec a second time
    #[arg(long)]
    allow_duplicate: bool,
    /// Register it although something lacks its digest; it can't be approved then
    #[arg(long)]
    without_digest: bool,
    #[command(flatten)]
    write: WriteArgs,
}

pub(super) fn read_file(name: &str) -> Result<Vec<u8>, Error> {
    if name == "-" {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|source| Error::Io {
                action: "read",
                path: "standard input".into(),
                source,
            })?;
        return Ok(bytes);
    }
    std::fs::read(name).map_err(|source| Error::Io {
        action: "read",
        path: name.into(),
        source,
    })
}

/// A mapping that a user gave, as YAML or JSON.
pub(super) fn read_mapping(name: &str) -> Result<Map<String, Value>, Error> {
    let bytes = read_file(name)?;
    // JSON first: a reader of YAML would refuse its tabs.
    if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && let Ok(Value::Object(members)) = serde_json::from_slice(&bytes)
    {
        return Ok(members);
    }
    let shown = if name == "-" { "standard input" } else { name };
    match act::read_given(shown, &bytes)?.value() {
        Value::Object(members) => Ok(members.clone()),
        _ => Err(Error::told(format!("{shown} is no mapping"))),
    }
}

impl RegisterArgs {
    fn request(&self, ui: &Ui) -> Result<RegisterRequest, Error> {
        let mut members = self
            .file
            .as_deref()
            .map(read_mapping)
            .transpose()?
            .unwrap_or_default();
        let mut request = RegisterRequest::default();
        // A whole ModelVersion, or just its spec.
        if members.contains_key("spec") {
            let text = |key: &str, members: &Map<String, Value>| -> Result<BTreeMap<Key, String>, Error> {
                match members.get(key) {
                    None => Ok(BTreeMap::new()),
                    Some(value) => serde_json::from_value(value.clone())
                        .map_err(|error| Error::told(format!("`{key}` of the file can't be read: {error}"))),
                }
            };
            request.labels = text("labels", &members)?;
            request.annotations = text("annotations", &members)?;
            request.description = members
                .get("description")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let own = [
                "apiVersion",
                "kind",
                "group",
                "description",
                "labels",
                "annotations",
                "spec",
            ];
            if let Some(key) = members.keys().find(|key| !own.contains(&key.as_str())) {
                return Err(Error::told(format!("the file gives `{key}`, which registration decides"))
                    .hint("give the spec alone, or a ModelVersion with description, labels, annotations and spec"));
            }
            if let Some(group) = members
                .get("group")
                .and_then(Value::as_str)
                .filter(|g| *g != self.group.as_str())
            {
                return Err(Error::told(format!(
                    "the file is for group `{group}`, and the command for `{}`",
                    self.group
                )));
            }
            members = match members.remove("spec") {
                Some(Value::Object(spec)) => spec,
                _ => return Err(Error::told("`spec` of the file is no mapping")),
            };
        }
        self.flags(&mut members, ui)?;
        request.spec = Value::Object(members);
        request.description = self.description.clone().or(request.description);
        request.labels.extend(self.labels.iter().cloned());
        request.annotations.extend(self.annotations.iter().cloned());
        request.card = self
            .card
            .as_ref()
            .map(|file| read_mapping(&file.to_string_lossy()))
            .transpose()?;
        request.allow_duplicate = self.allow_duplicate;
        request.without_digest = self.without_digest;
        Ok(request)
    }

    fn flags(&self, spec: &mut Map<String, Value>, ui: &Ui) -> Result<(), Error> {
        let mut container = Map::new();
        let mut put = |key: &str, value: &Option<String>| {
            if let Some(value) = value {
                container.insert(key.into(), json!(value));
            }
        };
        put("image", &self.image);
        put("framework", &self.framework);
        put("frameworkVersion", &self.framework_version);
        if let Some(artifact) = &self.artifact {
            container.insert("artifact".into(), self.artifact(artifact, ui)?);
        } else if self.digest.is_some() {
            return Err(Error::told("`--digest` is of an artifact").hint("name it: `--artifact URI`"));
        }
        let types = [
            ("contentTypes", &self.content_types),
            ("responseTypes", &self.response_types),
        ];
        if !container.is_empty() || types.iter().any(|(_, types)| !types.is_empty()) {
            let inference = spec
                .entry("inference")
                .or_insert_with(|| json!({"containers": []}));
            if !container.is_empty() {
                let containers = inference["containers"].as_array_mut();
                match containers {
                    Some(containers) if containers.is_empty() => containers.push(Value::Object(container)),
                    Some(containers) => {
                        if let Some(Value::Object(first)) = containers.first_mut() {
                            first.extend(container);
                        }
                    }
                    None => inference["containers"] = json!([container]),
                }
            }
            for (key, types) in types {
                if !types.is_empty() {
                    inference[key] = json!(types);
                }
            }
        }
        if !self.metrics.is_empty() {
            let metrics = spec.entry("metrics").or_insert_with(|| json!({}));
            for (name, value) in &self.metrics {
                metrics[name.as_str()] = number(*value);
            }
        }
        let source = [
            ("repository", &self.source_repository),
            ("commit", &self.source_commit),
            ("trainingJob", &self.training_job),
        ];
        for (key, value) in source {
            if let Some(value) = value {
                spec.entry("source").or_insert_with(|| json!({}))[key] = json!(value);
            }
        }
        Ok(())
    }

    fn artifact(&self, given: &str, ui: &Ui) -> Result<Value, Error> {
        let local = given.strip_prefix("file://").unwrap_or(given);
        let is_uri = given.contains("://") && !given.starts_with("file://");
        if is_uri {
            let mut artifact = json!({"uri": given});
            if let Some(digest) = &self.digest {
                artifact["digest"] = json!(digest);
            }
            return Ok(artifact);
        }
        let path = Path::new(local);
        let hashed = hash(path, ui)?;
        if let Some(digest) = self.digest.as_ref().filter(|digest| **digest != hashed.digest) {
            return Err(
                Error::told(format!("{local} has the digest {}, not {digest}", hashed.digest))
                    .hint("is it the file that you mean?"),
            );
        }
        let uri = match &self.artifact_uri {
            Some(uri) => uri.clone(),
            None => {
                let whole = path.canonicalize().map_err(|source| Error::Io {
                    action: "read",
                    path: path.into(),
                    source,
                })?;
                let uri = format!("file://{}", whole.display());
                if self.write.is_remote() {
                    ui.note(&format!(
                        "the artifact is written down as `{uri}`, which only this machine can read: say where others find it with `--artifact-uri URI`"
                    ));
                }
                uri
            }
        };
        let mut artifact = json!({"uri": uri});
        if hashed.kind == ArtifactType::Folder {
            artifact["type"] = json!("folder");
        }
        artifact["digest"] = json!(hashed.digest);
        artifact["size"] = json!(hashed.size);
        Ok(artifact)
    }
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        #[allow(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
        return json!(value as i64);
    }
    json!(value)
}

/// Hashes a local artifact, with a bar where somebody watches.
fn hash(path: &Path, ui: &Ui) -> Result<disk::HashedArtifact, Error> {
    let bar = match disk::artifact_size(path) {
        Ok(size) if size > 16 << 20 && !ui.is_json() => ProgressBar::new(size),
        _ => ProgressBar::hidden(),
    };
    if let Ok(style) = ProgressStyle::with_template("hashing {bar:30} {bytes}/{total_bytes} {bytes_per_sec}")
    {
        bar.set_style(style);
    }
    let hashed = disk::hash_artifact(path, &mut |count| bar.inc(count));
    bar.finish_and_clear();
    hashed
}

pub fn register(args: &RegisterArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let request = args.request(ui)?;
    let reserve = Reserve::of(&args.group);
    let job = Job {
        draft: &|desk| {
            let mut request = request.clone();
            request.reserved.clone_from(&reserve.taken.borrow());
            match act::register(desk, &args.group, &request, args.write.reason.as_deref())? {
                Registered::New(id, draft) => {
                    reserve.number.set(Some(id.number));
                    Ok(Some(draft))
                }
                Registered::Same(id) => {
                    if ui.is_json() {
                        ui.json(&json!({"version": id.to_string(), "existing": true}))?;
                    } else {
                        ui.print(&format!("{id} is the same model already; nothing was registered (--allow-duplicate does it all the same)\n"))?;
                    }
                    Ok(None)
                }
            }
        },
        scope: Scope::of(&args.group),
        decision: false,
        moved: None,
        reserve: Some(&reserve),
    };
    land(&job, &args.write, global, ui)
}

/// `modelry evidence …`
#[derive(Debug, Subcommand)]
pub enum EvidenceCommand {
    /// Add an evaluation, or change your own
    #[command(
        after_help = "Example:\n  modelry evidence add fraud-detector/3 holdout --metric auc=0.905 --dataset s3://data/holdout.parquet"
    )]
    Add(Box<EvidenceArgs>),
    /// Show the evaluations of a version
    #[command(after_help = "Example:\n  modelry evidence show fraud-detector/3")]
    Show {
        /// The version
        #[arg(value_name = "GROUP/N", value_parser = names::version)]
        version: VersionId,
        /// One evaluation [default: all]
        name: Option<RecordName>,
        /// As it was at this commit, or on this day
        #[arg(long, value_name = "REV|DATE")]
        at: Option<String>,
    },
}

/// `modelry evidence add`
#[derive(Debug, Args)]
pub struct EvidenceArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// The evaluation's name
    name: RecordName,
    /// A measured value; may be repeated
    #[arg(long = "metric", value_name = "NAME=NUMBER", value_parser = names::metric)]
    metrics: Vec<(Key, f64)>,
    /// The data: a URI, or a local file or folder, which is hashed
    #[arg(long, value_name = "URI|PATH")]
    dataset: Option<String>,
    /// The data's digest, for a URI
    #[arg(long, value_name = "sha256:…", requires = "dataset")]
    dataset_digest: Option<Digest>,
    /// The report: a URI, or a local file, which is hashed
    #[arg(long, value_name = "URI|PATH")]
    report: Option<String>,
    /// The report's digest, for a URI
    #[arg(long, value_name = "sha256:…", requires = "report")]
    report_digest: Option<Digest>,
    /// The report's media type
    #[arg(long, value_name = "TYPE", requires = "report")]
    report_type: Option<String>,
    /// A few words
    #[arg(long)]
    notes: Option<String>,
    /// It was learnt later, and is no part of the approval
    #[arg(long)]
    observation: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// A reference to a file: its URI, and its digest where it is known.
fn reference(given: &str, digest: Option<&Digest>, ui: &Ui) -> Result<(String, Option<Digest>), Error> {
    if given.contains("://") {
        return Ok((given.to_owned(), digest.cloned()));
    }
    let path = Path::new(given);
    let hashed = hash(path, ui)?;
    let whole = path.canonicalize().map_err(|source| Error::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    Ok((format!("file://{}", whole.display()), Some(hashed.digest)))
}

pub fn evidence(command: &EvidenceCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let args = match command {
        EvidenceCommand::Show { version, name, at } => {
            return super::show::evidence(version, name.as_ref(), at.as_deref(), global, ui);
        }
        EvidenceCommand::Add(args) => args,
    };
    let dataset = args
        .dataset
        .as_deref()
        .map(|given| reference(given, args.dataset_digest.as_ref(), ui))
        .transpose()?;
    let report = args
        .report
        .as_deref()
        .map(|given| reference(given, args.report_digest.as_ref(), ui))
        .transpose()?;
    let request = EvidenceRequest {
        metrics: args.metrics.iter().cloned().collect(),
        dataset: dataset.map(|(uri, digest)| DatasetRef { uri, digest }),
        report: report.map(|(uri, digest)| ReportRef {
            uri,
            digest,
            content_type: args.report_type.clone(),
        }),
        notes: args.notes.clone(),
        observation: args.observation,
    };
    let job = Job {
        draft: &|desk| {
            act::add_evidence(
                desk,
                &args.version,
                &args.name,
                &request,
                args.write.reason.as_deref(),
            )
            .map(Some)
        },
        scope: Scope::of(&args.version.group),
        decision: false,
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}

/// `modelry annotate`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry annotate fraud-detector/3 --label env=prod --annotation ticket=RISK-118 --label old-"
)]
pub struct AnnotateArgs {
    /// The version
    #[arg(value_name = "GROUP/N", value_parser = names::version)]
    version: VersionId,
    /// The description; empty takes it away
    #[arg(long)]
    description: Option<String>,
    /// A label to set, or to take away; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    labels: Vec<(Key, Option<String>)>,
    /// An annotation to set, or to take away; may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE|KEY-", value_parser = names::change)]
    annotations: Vec<(Key, Option<String>)>,
    #[command(flatten)]
    write: WriteArgs,
}

pub fn annotate(args: &AnnotateArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let request = AnnotateRequest {
        description: args.description.clone(),
        labels: args.labels.iter().cloned().collect(),
        annotations: args.annotations.iter().cloned().collect(),
    };
    let job = Job {
        draft: &|desk| act::annotate(desk, &args.version, &request, args.write.reason.as_deref()).map(Some),
        scope: Scope::of(&args.version.group),
        decision: false,
        moved: None,
        reserve: None,
    };
    land(&job, &args.write, global, ui)
}
