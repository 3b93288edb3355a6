//! `modelry export sagemaker`: the inputs of the AWS calls that register a version.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::Target as Name;
use crate::cli::output::Outcome;
use crate::cli::read::at::ReadArgs;
use crate::cli::read::proven::{Proven, TrustArgs, answer};
use crate::cli::read::resolve::{nothing, parse_target};
use crate::cli::transfer::pull::chosen;
use crate::exchange::sagemaker::{self, Exported};
use crate::record::kind::{Evaluation, RecordPath, StageName};
use crate::record::subject;
use crate::report::resolve::{Answer, Which};
use crate::report::{self, CardView, clean, paint};

/// `modelry export sagemaker`
#[derive(Debug, Args)]
pub struct SagemakerArgs {
    /// A version, the one that serves a stage, or the highest Approved one
    #[arg(value_name = "GROUP/N | GROUP@STAGE | GROUP@latest")]
    version: Name,
    /// The folder to write the files to, created if there is none; `-` prints one
    /// document
    #[arg(long, value_name = "DIR|-", default_value = "-")]
    to: PathBuf,
    /// The role that runs the model, for CreateModel
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// Exit with code 1, and write nothing, when AWS would refuse something
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Runs `modelry export sagemaker`.
pub fn run(args: &SagemakerArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (group, which) = parse_target(&args.version)?;
    answer(
        &group,
        &args.read,
        &args.trust,
        global,
        ui,
        |proven| match chosen(&which, &group, proven)? {
            Ok(answer) => to_sagemaker(&answer, &which, proven, args, global, ui),
            Err(why) => nothing(&why, ui),
        },
    )
}

/// Returns the evaluations of a version at these paths.
fn evaluations(
    proven: &Proven<'_>,
    paths: impl IntoIterator<Item = RecordPath>,
) -> Result<Vec<Evaluation>, Error> {
    let mut all = Vec::new();
    for path in paths {
        let loaded = proven.snapshot.read(&path)?;
        all.extend(loaded.and_then(|loaded| loaded.evaluation().cloned()));
    }
    Ok(all)
}

/// Returns the stages that a version serves: the requested one first, then in reverse
/// order of the policy.
fn stages(answer: &Answer, which: &Which, proven: &Proven<'_>) -> Result<Vec<StageName>, Error> {
    let (id, snapshot) = (&answer.id, &proven.snapshot);
    let mut stages = Vec::new();
    for stage in snapshot.stages(&id.group)? {
        let loaded = snapshot.read(&RecordPath::Stage(id.group.clone(), stage.clone()))?;
        let serving = loaded.and_then(|loaded| loaded.stage().and_then(|stage| stage.version));
        if serving == Some(id.number) {
            stages.push(stage);
        }
    }
    let registry = snapshot.registry()?;
    let listed = registry.as_ref().and_then(|file| file.registry());
    let listed = listed.map_or(&[][..], |registry| &registry.stages);
    let place = |name: &StageName| listed.iter().position(|stage| &stage.name == name);
    let asked = |name: &StageName| matches!(which, Which::Stage(stage) if stage == name);
    stages.sort_by_key(|name| std::cmp::Reverse((asked(name), place(name))));
    Ok(stages)
}

fn exported(
    answer: &Answer,
    which: &Which,
    proven: &Proven<'_>,
    role: Option<&str>,
) -> Result<Option<Exported>, Error> {
    let (id, snapshot) = (&answer.id, &proven.snapshot);
    let Some(version) = answer.loaded.version() else {
        return Ok(None);
    };
    let group = snapshot.read(&RecordPath::Group(id.group.clone()))?;
    let card = snapshot.read(&RecordPath::Card(id.clone()))?;
    let beside = snapshot.evidence(id)?.into_iter();
    let evidence = evaluations(proven, beside.map(|name| RecordPath::Evidence(id.clone(), name)))?;
    let beside = snapshot.observations(id)?.into_iter();
    let observations = evaluations(
        proven,
        beside.map(|name| RecordPath::Observation(id.clone(), name)),
    )?;
    let registry = snapshot.registry()?;
    let registry = registry.as_ref().and_then(|file| file.registry());
    let registry = registry.map_or("", |registry| registry.id.as_str());
    let subject = subject::version_subject(registry, id, &answer.loaded, snapshot)?;
    let view = card.as_ref().and_then(|card| card.card()).map(|card| CardView {
        id,
        version,
        card,
        evidence: evidence.iter().collect(),
        observations: observations.iter().collect(),
        reviews: Vec::new(),
        missing: Vec::new(),
        stages: Vec::new(),
        subject: subject.to_string(),
        commit: proven.commit.short().to_string(),
    });
    sagemaker::export(sagemaker::Export {
        id,
        version,
        group: group.as_ref().and_then(|group| group.group()),
        view,
        role,
        stages: stages(answer, which, proven)?,
    })
    .map(Some)
}

fn to_sagemaker(
    answer: &Answer,
    which: &Which,
    proven: &Proven<'_>,
    args: &SagemakerArgs,
    global: &Global,
    ui: &Ui,
) -> Result<Outcome, Error> {
    let Some(exported) = exported(answer, which, proven, args.role.as_deref())? else {
        return nothing(&format!("{} is deleted", answer.id), ui);
    };
    for refusal in &exported.refused {
        ui.say(&format!(
            "{} {} of {}: {}",
            paint("AWS refuses:", "1;33", &ui.side),
            clean(&refusal.field),
            refusal.operation,
            clean(&refusal.limit)
        ));
    }
    for note in &exported.notes {
        ui.note(note);
    }
    if args.strict && !exported.refused.is_empty() {
        ui.say("nothing was written");
        return Ok(Outcome::Findings);
    }
    let inputs = [
        ("create-model-package-group", Some(&exported.group)),
        ("create-model-package", Some(&exported.package)),
        ("update-model-package", exported.update.as_ref()),
        ("create-model", exported.model.as_ref()),
    ];
    if args.to.as_os_str() == "-" {
        let refused = exported.refused.iter().map(
            |refusal| json!({"operation": refusal.operation, "field": refusal.field, "limit": refusal.limit}),
        );
        ui.json(&json!({
            "version": answer.id.to_string(),
            "commit": proven.commit.to_string(),
            "createModelPackageGroup": exported.group,
            "createModelPackage": exported.package,
            "updateModelPackage": exported.update,
            "createModel": exported.model,
            "refused": refused.collect::<Vec<_>>(),
            "notes": exported.notes,
        }))?;
        return Ok(Outcome::Fine);
    }
    let folder = global.located(&args.to);
    let mut written: Vec<Value> = Vec::new();
    for (name, input) in inputs {
        let Some(input) = input else { continue };
        let path = folder.join(format!("{name}.json"));
        ui.file(&path, &report::json_text(input))?;
        written.push(json!(path.to_string_lossy()));
        if !ui.is_json() {
            // The answer of `create-model-package` has its ARN.
            let whose = match name {
                "update-model-package" => " --model-package-arn \"$ARN\"",
                _ => "",
            };
            ui.print(&format!(
                "aws sagemaker {name}{whose} --cli-input-json file://{}\n",
                path.display()
            ))?;
        }
    }
    if ui.is_json() {
        ui.json(&json!({"version": answer.id.to_string(), "written": written}))?;
    }
    Ok(Outcome::Fine)
}
