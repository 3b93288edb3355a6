//! `modelry resolve`: the version to deploy.

use std::ffi::OsString;

use clap::Args;
use serde_json::json;

use super::at::ReadArgs;
use super::proven::{Proven, TrustArgs, answer};
use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::names::Target;
use crate::cli::output::{Outcome, Output};
use crate::exchange::kserve;
use crate::record::kind::{GroupName, UriFault};
use crate::report::resolve::{self, Answer, Resolved, ResolvedView, Which};
use crate::report::{self, clean, paint};

/// `modelry resolve`
#[derive(Debug, Args)]
#[command(
    after_help = "Formats: human, json, uri, env (for `eval`), github (for $GITHUB_OUTPUT), kserve.\n\nExamples:\n  modelry resolve fraud-detector@production -o uri\n  eval \"$(modelry resolve fraud-detector@latest -o env)\"\n  modelry resolve fraud-detector/3 -o github >> \"$GITHUB_OUTPUT\"\n  modelry resolve fraud-detector@production -o kserve | kubectl apply -f -\n  modelry resolve fraud-detector@production --checkpoint ../checkpoint   # in a clone of depth 1"
)]
pub struct ResolveArgs {
    /// The version to deploy: GROUP@STAGE, GROUP@latest or GROUP/N
    #[arg(value_name = "REF")]
    target: Target,
    #[command(flatten)]
    read: ReadArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Splits a target into its group and the version that it asks for.
///
/// # Errors
/// The target names only a group.
pub fn parse_target(target: &Target) -> Result<(GroupName, Which), Error> {
    Ok(match target {
        Target::Version(id) => (id.group.clone(), Which::Number(id.number)),
        Target::Stage(group, stage) => (group.clone(), Which::Stage(stage.clone())),
        Target::Latest(group) => (group.clone(), Which::Latest),
        Target::Group(group) => {
            return Err(Error::msg(format!("`{group}` is a group")).hint(format!(
                "name a version: `{group}@production`, `{group}@latest` or `{group}/N`"
            )));
        }
    })
}

pub fn run(args: &ResolveArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (group, which) = parse_target(&args.target)?;
    answer(&group, &args.read, &args.trust, global, ui, |proven| {
        let resolved = resolve::resolve(&proven.snapshot, &group, &which, &proven.proof.tainted);
        match resolved.map_err(|error| proven.missing(error))? {
            Resolved::Nothing(why) => nothing(&why, ui),
            Resolved::Version(answer) => print(&answer, proven, ui),
        }
    })
}

/// Reports that no version qualifies: the reason goes to standard error, and standard
/// output stays empty.
pub fn nothing(why: &str, ui: &Ui) -> Result<Outcome, Error> {
    if ui.is_json() {
        ui.json(&json!({"version": null, "reason": why}))?;
    }
    ui.say(&format!(
        "{} {}",
        paint("nothing qualifies:", "1;33", &ui.side),
        clean(why)
    ));
    Ok(Outcome::Nothing)
}

/// Whether a command line, which may be invalid elsewhere, is `resolve -o env`. An
/// unknown form counts too, as it may be a typing error.
pub fn asks_for_env(arguments: &[OsString]) -> bool {
    let mut before = "";
    let mut is_env = false;
    for argument in arguments.iter().filter_map(|argument| argument.to_str()) {
        let form = match before {
            "-o" | "--output" => Some(argument),
            _ => ["--output=", "-o=", "-o"]
                .iter()
                .find_map(|option| argument.strip_prefix(option)),
        };
        let is_other = |form: &str| form.is_empty() || OTHER_FORMS.contains(&form);
        is_env |= form.is_some_and(|form| !is_other(form)) || argument.eq_ignore_ascii_case("env");
        before = argument;
    }
    is_env && arguments.iter().any(|argument| argument == "resolve")
}

/// The forms of the answer that are not for a shell.
const OTHER_FORMS: [&str; 5] = ["human", "json", "uri", "github", "kserve"];

/// Returns the shell lines for the case without an answer: they unset the variables
/// of an earlier answer, and make `eval` fail, which ends a script under `set -e`.
pub fn no_env() -> String {
    report::env_unset(&ResolvedView::NAMES)
}

fn print(answer: &Answer, proven: &Proven<'_>, ui: &Ui) -> Result<Outcome, Error> {
    let Some(version) = answer.loaded.version() else {
        return nothing(&format!("{} can't be read", answer.id), ui);
    };
    let view = ResolvedView::of(answer, version, proven.commit, proven.view());
    if !matches!(ui.output, Output::Human | Output::Json) {
        ensure_lines(&view)?;
    }
    if view.artifacts.len() > 1 && matches!(ui.output, Output::Env | Output::Github) {
        ui.note(&format!(
            "{} has {} artifacts, and this form names the first; `-o uri` names all of them",
            view.version,
            view.artifacts.len()
        ));
    }
    match ui.output {
        Output::Env => ui.exact(&report::env(&view.pairs()))?,
        Output::Github => ui.exact(&report::github(&view.pairs()))?,
        Output::Uri => {
            let uris = view.uris();
            if uris.is_empty() {
                return nothing(&format!("{} has nothing to be loaded or run", view.version), ui);
            }
            ui.exact(&uris)?;
        }
        Output::Kserve => {
            let service = kserve::inference_service(&answer.id, version, &proven.commit.to_string())
                .map_err(|why| Error::msg(why).hint("`-o json` tells all that the version holds"))?;
            let text = serde_yaml::to_string(&service).map_err(|error| Error::msg(error.to_string()))?;
            ui.exact(&text)?;
        }
        Output::Json => ui.exact_json(&view)?,
        _ => ui.print(&view.for_people(&ui.style))?,
    }
    Ok(Outcome::Fine)
}

/// Refuses an address with control characters, which an old record may hold: a program
/// that reads lines must not get them.
fn ensure_lines(view: &ResolvedView<'_>) -> Result<(), Error> {
    let mut faults = view.artifacts.iter().filter_map(|artifact| artifact.uri.fault());
    match faults.find(|fault| matches!(fault, UriFault::Hidden(_))) {
        None => Ok(()),
        Some(fault) => Err(Error::msg(format!(
            "the address of an artifact of {} {}, and would be read as several lines",
            view.version,
            fault.words()
        ))
        .hint("register the model again with an address that is one line")),
    }
}
