//! `register`: a version of a model, from flags and files.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Map, Value, json};

use super::artifact;
use super::given::Given;
use crate::act::{self, RegisterRequest};
use crate::base::Error;
use crate::cli::args::Global;
use crate::cli::land::{Reserve, Scope, WriteArgs, WriteCommand, land, refused};
use crate::cli::output::Outcome;
use crate::cli::{Ui, names};
use crate::judge::finding::Report;
use crate::record::kind::{Address, Digest, GroupName, Key, RecordPath};
use crate::record::yaml::Limits;

/// `modelry register`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry register fraud-detector --artifact ./model.tar.gz --framework xgboost --metric auc=0.912\n  modelry register fraud-detector -f spec.yaml --label team=risk\n  modelry register fraud-detector --artifact ./encoder.onnx --artifact ./head.onnx --image NAME@sha256:…"
)]
pub struct RegisterArgs {
    /// The group
    group: GroupName,
    /// A file with the spec, as YAML or JSON; `-` reads standard input. Flags add to
    /// it
    #[arg(short = 'f', long = "file", value_name = "FILE|-")]
    file: Option<String>,
    /// A container's image, pinned by digest as NAME@sha256:…; may be repeated
    #[arg(long = "image", value_name = "IMAGE")]
    images: Vec<String>,
    /// A container's artifact: a URI, or a local file or folder, which is hashed. May
    /// be repeated, once for each container; other flags of containers are then given
    /// once for all, or once for each
    #[arg(long = "artifact", value_name = "URI|PATH")]
    artifacts: Vec<Address>,
    /// The digest of an artifact that is a URI; may be repeated, in the order of the artifacts
    #[arg(long = "digest", value_name = "sha256:…")]
    digests: Vec<Digest>,
    /// The URI to record for a local artifact, where it will be found; may be
    /// repeated
    #[arg(long = "artifact-uri", value_name = "URI", requires = "artifacts")]
    artifact_uris: Vec<Address>,
    /// The framework; may be repeated
    #[arg(long = "framework", value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// The framework's version; may be repeated
    #[arg(long = "framework-version", value_name = "VERSION")]
    framework_versions: Vec<String>,
    /// A media type that the model accepts; may be repeated
    #[arg(long = "content-type", value_name = "TYPE")]
    content_types: Vec<String>,
    /// A media type that the model returns; may be repeated
    #[arg(long = "response-type", value_name = "TYPE")]
    response_types: Vec<String>,
    /// A measured value, as NAME=NUMBER; may be repeated
    #[arg(long = "metric", value_name = "NAME=NUMBER", value_parser = names::metric)]
    metrics: Vec<(Key, Value)>,
    /// The repository of the training code
    #[arg(long, value_name = "URI")]
    source_repository: Option<String>,
    /// The commit of the training code
    #[arg(long, value_name = "COMMIT")]
    source_commit: Option<String>,
    /// The job that trained the model
    #[arg(long, value_name = "JOB")]
    training_job: Option<String>,
    /// A description for people
    #[arg(long, allow_hyphen_values = true, value_parser = names::free_text)]
    description: Option<String>,
    /// A label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = names::pair)]
    labels: Vec<(Key, String)>,
    /// An annotation; may be repeated
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = names::pair)]
    annotations: Vec<(Key, String)>,
    /// A file with sections of a model card to add, as YAML or JSON
    #[arg(long, value_name = "FILE")]
    card: Option<String>,
    /// Register the version although the group has one with the same content
    #[arg(long)]
    allow_duplicate: bool,
    /// Register the version although an artifact or image has no digest; it can't be
    /// approved until it has one
    #[arg(long)]
    without_digest: bool,
    #[command(flatten)]
    write: WriteArgs,
}

/// The containers that the flags describe.
struct Containers {
    count: usize,
    members: Vec<Map<String, Value>>,
}

impl Containers {
    /// Gives a flag's values to the containers: one value for all, or one for each.
    fn put(&mut self, flag: &str, key: &str, values: &[String]) -> Result<(), Error> {
        if !matches!(values.len(), 0 | 1) && values.len() != self.count {
            return Err(Error::msg(format!(
                "`{flag}` is given {} times, and there are {} containers",
                values.len(),
                self.count
            ))
            .hint("give it once for all of them, or once for each, in the order of the artifacts"));
        }
        for (at, members) in self.members.iter_mut().enumerate() {
            if let Some(value) = values.get(at).or(values.first()) {
                members.insert(key.into(), json!(value));
            }
        }
        Ok(())
    }
}

/// Pairs a flag's values with artifacts, in order: with all of them, or only with the
/// `fitting` ones.
fn paired<'v, T>(flag: &str, values: &'v [T], fitting: &[bool]) -> Result<Vec<Option<&'v T>>, Error> {
    let fits = fitting.iter().filter(|fits| **fits).count();
    if values.len() == fitting.len() {
        return Ok(values.iter().map(Some).collect());
    }
    if values.is_empty() || values.len() == fits {
        let mut left = values.iter();
        return Ok(fitting
            .iter()
            .map(|fits| if *fits { left.next() } else { None })
            .collect());
    }
    Err(Error::msg(format!(
        "`{flag}` is given {} times, and there are {} artifacts",
        values.len(),
        fitting.len()
    ))
    .hint("give one for each artifact, in their order"))
}

impl RegisterArgs {
    /// Builds the request from flags and files.
    fn request(&self, global: &Global, ui: &Ui) -> Result<Result<Request, Report>, Error> {
        // The spec will be a part of a record, and none of its values may be larger.
        let limits = Limits {
            scalar: Limits::RECORD.scalar,
            ..Limits::LARGE
        };
        let mut spec_file = match self.file.as_deref().map(|name| Given::read(name, limits, global)) {
            Some(given) => match given? {
                Ok(given) => Some(given),
                Err(report) => return Ok(Err(report)),
            },
            None => None,
        };
        let card = match self
            .card
            .as_deref()
            .map(|name| Given::read(name, Limits::LARGE, global))
        {
            Some(given) => match given? {
                Ok(given) => Some(given),
                Err(report) => return Ok(Err(report)),
            },
            None => None,
        };
        let mut members = spec_file
            .as_mut()
            .map(|given| std::mem::take(&mut given.members))
            .unwrap_or_default();
        let mut request = RegisterRequest::default();
        // The file may be a whole ModelVersion, or just its spec.
        let is_whole = members.contains_key("spec");
        if is_whole {
            members = self.whole(members, &mut request)?;
        }
        artifact::hash_given(&mut members, self.write.is_remote(), global, ui)?;
        self.flags(&mut members, global, ui)?;
        request.spec = Value::Object(members);
        request.description = self.description.clone().or(request.description);
        request.labels.extend(self.labels.iter().cloned());
        request.annotations.extend(self.annotations.iter().cloned());
        request.card = card.as_ref().map(|card| card.members.clone());
        request.allow_duplicate = self.allow_duplicate;
        request.without_digest = self.without_digest;
        Ok(Ok(Request {
            request,
            spec_file: spec_file.map(|given| (given, if is_whole { "" } else { "/spec" })),
            card,
        }))
    }

    /// Returns the spec of a whole ModelVersion; its other fields go into the
    /// request.
    fn whole(
        &self,
        mut members: Map<String, Value>,
        request: &mut RegisterRequest,
    ) -> Result<Map<String, Value>, Error> {
        let text = |key: &str, members: &Map<String, Value>| -> Result<BTreeMap<Key, String>, Error> {
            match members.get(key) {
                None => Ok(BTreeMap::new()),
                Some(value) => serde_json::from_value(value.clone())
                    .map_err(|error| Error::msg(format!("`{key}` of the file can't be read: {error}"))),
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
            return Err(
                Error::msg(format!("the file gives `{key}`, which registration decides")).hint(
                    "give the spec alone, or a ModelVersion with description, labels, annotations and spec",
                ),
            );
        }
        if let Some(group) = members
            .get("group")
            .and_then(Value::as_str)
            .filter(|g| *g != self.group.as_str())
        {
            return Err(Error::msg(format!(
                "the file is for group `{group}`, and the command for `{}`",
                self.group
            )));
        }
        match members.remove("spec") {
            Some(Value::Object(spec)) => Ok(spec),
            _ => Err(Error::msg("`spec` of the file is not a mapping")),
        }
    }

    /// Returns the fields that the flags give each container.
    fn containers(&self, global: &Global, ui: &Ui) -> Result<Vec<Map<String, Value>>, Error> {
        let count = match (self.artifacts.len(), self.images.len()) {
            (0, 0) => usize::from(!self.frameworks.is_empty() || !self.framework_versions.is_empty()),
            (0, images) => images,
            (artifacts, _) => artifacts,
        };
        if self.artifacts.is_empty() && !self.digests.is_empty() {
            return Err(Error::msg("`--digest` is of an artifact").hint("name it: `--artifact URI`"));
        }
        let mut containers = Containers {
            count,
            members: vec![Map::new(); count],
        };
        containers.put("--image", "image", &self.images)?;
        containers.put("--framework", "framework", &self.frameworks)?;
        containers.put(
            "--framework-version",
            "frameworkVersion",
            &self.framework_versions,
        )?;
        let remote: Vec<bool> = self.artifacts.iter().map(artifact::is_remote).collect();
        let local: Vec<bool> = remote.iter().map(|remote| !remote).collect();
        let digests = paired("--digest", &self.digests, &remote)?;
        let uris = paired("--artifact-uri", &self.artifact_uris, &local)?;
        for (at, given) in self.artifacts.iter().enumerate() {
            let artifact =
                artifact::artifact(given, digests[at], uris[at], self.write.is_remote(), global, ui)?;
            containers.members[at].insert("artifact".into(), artifact);
        }
        Ok(containers.members)
    }

    fn flags(&self, spec: &mut Map<String, Value>, global: &Global, ui: &Ui) -> Result<(), Error> {
        let given = self.containers(global, ui)?;
        let types = [
            ("contentTypes", &self.content_types),
            ("responseTypes", &self.response_types),
        ];
        if !given.is_empty() || types.iter().any(|(_, types)| !types.is_empty()) {
            let inference = spec
                .entry("inference")
                .or_insert_with(|| json!({"containers": []}));
            if !given.is_empty() && inference["containers"].as_array().is_none() {
                inference["containers"] = json!([]);
            }
            for (at, members) in given.into_iter().enumerate() {
                let containers = inference["containers"].as_array_mut();
                match containers {
                    Some(containers) if at >= containers.len() => containers.push(Value::Object(members)),
                    Some(containers) => {
                        if let Some(Value::Object(there)) = containers.get_mut(at) {
                            there.extend(members);
                        }
                    }
                    None => {}
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
                metrics[name.as_str()] = value.clone();
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
}

/// A request, and the files that it was read from.
struct Request {
    request: RegisterRequest,
    /// The spec's file, and where its content goes in the record.
    spec_file: Option<(Given, &'static str)>,
    card: Option<Given>,
}

impl Request {
    /// The files as parts of the records of a version.
    fn parts(&self, id: &crate::record::kind::VersionId) -> Vec<act::GivenPart> {
        let version = RecordPath::Version(id.clone()).to_string();
        let card = RecordPath::Card(id.clone()).to_string();
        let spec = self.spec_file.iter();
        spec.map(|(given, within)| given.part(version.clone(), within))
            .chain(self.card.iter().map(|given| given.part(card.clone(), "")))
            .collect()
    }
}

pub fn register(args: &RegisterArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let given = match args.request(global, ui)? {
        Ok(given) => given,
        Err(report) => return refused(&report, ui),
    };
    let reserve = Reserve::of(&args.group);
    let job = WriteCommand {
        draft: &|desk| {
            let mut request = given.request.clone();
            request.reserved.clone_from(&reserve.taken.borrow());
            request.proposed = reserve.proposed.borrow().values().cloned().collect();
            let (id, mut draft) = act::register(desk, &args.group, &request, args.write.reason.as_deref())?;
            if draft.existing.is_empty() {
                draft.given.extend(given.parts(&id));
                reserve.number.set(Some(id.number));
            }
            Ok(draft)
        },
        scope: Scope::of(&args.group),
        seen: None,
        moved: None,
        reserve: Some(&reserve),
    };
    land(&job, &args.write, global, ui)
}
