//! The command line: parse, call, render. One file per command or family;
//! nothing is decided here.

mod args;
mod artifact;
mod audit;
mod card;
mod ci;
mod concepts;
mod decide;
mod demo;
mod diff;
mod events;
mod evidence;
mod explain;
mod export;
mod fresh;
mod gates;
mod generate;
mod given;
mod group;
mod hook;
mod import;
mod init;
mod keys;
mod list;
mod log;
mod me;
mod metrics;
mod names;
mod notify;
mod onto;
mod output;
mod people;
mod policy;
mod pull;
mod reading;
mod register;
mod relay;
mod resolve;
mod show;
mod stage;
mod standing;
mod trust;
mod turn;
mod ui;
mod unproven;
mod validate;
mod wait;
mod whoami;
mod write;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use args::Global;
pub use output::Outcome;
use output::Output;
pub use ui::Ui;

use crate::error::Error;
use crate::git::{self, Repo};

/// A model registry that lives in a Git repository.
///
/// Model groups and versions are YAML files; approvals are signed commits; a
/// validator judges every change between commits, and anyone with a clone can
/// check all of it offline.
#[derive(Debug, Parser)]
#[command(
    name = "modelry",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 looked, and clean; 1 findings; 2 could not look; 3 nothing qualifies.\nStart with `modelry demo`, or `modelry init` in a repository of your own."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Every command, in the order of a model's life.
#[derive(Debug, Subcommand)]
enum Command {
    /// Make a registry: the first policy, in a commit of its own
    Init(init::InitArgs),
    /// Build a whole registry with throwaway keys in a new folder, step by step
    Demo(demo::DemoArgs),
    /// Show your key, which actor it is, and what that actor may do
    Whoami(whoami::WhoamiArgs),
    /// Show the registry's root, or pin it
    Trust(trust::TrustArgs),
    /// Make, change, show, list or delete groups of versions
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Register a version of a model
    Register(Box<register::RegisterArgs>),
    /// Add or show evaluations of a version
    #[command(subcommand)]
    Evidence(evidence::EvidenceCommand),
    /// Fill, show or render a version's card
    #[command(subcommand)]
    Card(card::CardCommand),
    /// Approve a version: a signed review of exactly what it holds now
    Approve(decide::DecideArgs),
    /// Reject a version
    Reject(decide::DecideArgs),
    /// Take your review of a version back
    Withdraw(decide::DecideArgs),
    /// Retire a version
    Archive(decide::DecideArgs),
    /// Delete a rejected or archived version; a tombstone stays
    Delete(decide::DecideArgs),
    /// Make the moves that reviews on hand already authorise
    Settle(decide::SettleArgs),
    /// Write down reviews that were given on a Git host's page, on behalf of those who gave them
    Relay(relay::RelayArgs),
    /// Put versions on stages
    Promote(stage::PromoteArgs),
    /// Take a stage back to what served before
    Rollback(stage::RollbackArgs),
    /// Change description, labels and annotations of a version
    Annotate(evidence::AnnotateArgs),
    /// Bring along groups and versions of another registry
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Give a version to other programs, in their form
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Add, retire or list people, machines and their keys
    #[command(subcommand)]
    Actor(people::ActorCommand),
    /// Add or remove teams and their members
    #[command(subcommand)]
    Team(people::TeamCommand),
    /// Give or take rights
    #[command(subcommand)]
    Grant(people::GrantCommand),
    /// Show the policy, or review a proposed one
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// List groups, or the versions of one
    List(list::ListArgs),
    /// Show a group or a version: status, reviews, whose turn it is
    Show(show::ShowArgs),
    /// Answer what to deploy, with what was proven; exit 3 when nothing qualifies
    Resolve(resolve::ResolveArgs),
    /// Wait until a version has a status
    Wait(wait::WaitArgs),
    /// Fetch the files of a version, and prove them on the way
    Pull(pull::PullArgs),
    /// Tell what happened, change by change
    Log(log::LogArgs),
    /// Tell what a range of commits means for the registry
    Diff(diff::DiffArgs),
    /// Tell what happened as events, for those who react to it
    Events(events::EventsArgs),
    /// Judge files, or the commits of a range
    Validate(validate::ValidateArgs),
    /// Prove every step from the root, and tell who stands behind what is in use
    Audit(audit::AuditArgs),
    /// Tell a receiver or a program what happened, event by event
    Notify(Box<notify::NotifyArgs>),
    /// Guard a server against pushes, or a clone against commits, that would be findings
    #[command(subcommand)]
    Hook(hook::HookCommand),
    /// Explain a rule, by code or name, or a concept
    Explain(explain::ExplainArgs),
    /// Print a JSON Schema, or update those for editors
    Schema(generate::SchemaArgs),
    /// Print the policy's keys as git's allowed signers file
    AllowedSigners(generate::AllowedSignersArgs),
    /// Print a shell's completions
    Completions(generate::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(generate::ManArgs),
}

impl Command {
    /// The forms of output that the command has; the first is its own.
    fn forms(&self) -> &'static [Output] {
        match self {
            Command::Validate(_) => validate::FORMS,
            Command::Audit(_) => &[
                Output::Human,
                Output::Concise,
                Output::Json,
                Output::Html,
                Output::Sarif,
                Output::Github,
                Output::Gitlab,
                Output::Junit,
            ],
            Command::Diff(_) => &[Output::Human, Output::Json, Output::Markdown],
            Command::Events(_) => events::FORMS,
            Command::Card(card::CardCommand::Render(_)) => &[Output::Markdown, Output::Html, Output::Json],
            Command::Hook(hook::HookCommand::PreCommit(_) | hook::HookCommand::PreReceive(_)) => {
                &[Output::Human, Output::Concise, Output::Json]
            }
            Command::Export(export::ExportCommand::Mlbom(_)) => &[Output::Json],
            Command::Export(export::ExportCommand::Mlflow(_)) => &[Output::Python, Output::Json],
            Command::Resolve(_) => &[
                Output::Human,
                Output::Json,
                Output::Uri,
                Output::Env,
                Output::Github,
                Output::Kserve,
            ],
            _ => &[Output::Human, Output::Json],
        }
    }
}

/// Ends what a killed command had begun here, or takes it back, and says so.
fn settle_interrupted(cli: &Cli, ui: &Ui) {
    let directory = cli.global.directory();
    if matches!(cli.command, Command::Hook(_)) || !git::is_interrupted(&directory) {
        return;
    }
    match Repo::open(&directory).and_then(|repo| repo.settle_interrupted()) {
        Ok(notes) => notes.iter().for_each(|note| ui.note(note)),
        Err(error) => ui.note(&format!("a killed command left its work half done: {error}")),
    }
}

/// The form that was asked for, if the command has it.
fn form(command: &Command, asked: Option<&str>, name: &str) -> Result<Output, Error> {
    let forms = command.forms();
    let Some(asked) = asked else { return Ok(forms[0]) };
    if let Some(form) = forms.iter().find(|form| form.name() == asked) {
        return Ok(*form);
    }
    let names: Vec<String> = forms.iter().map(|form| form.name()).collect();
    let error = Error::told(format!("`modelry {name}` has no output in the form `{asked}`"));
    let error = match crate::act::nearest(&names, asked) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    Err(error.hint(format!("its forms are {}", names.join(", "))))
}

/// The command's name as it was typed: `card render`.
fn typed(matches: &ArgMatches) -> String {
    let mut names = Vec::new();
    let mut at = matches.subcommand();
    while let Some((name, inner)) = at {
        names.push(name);
        at = inner.subcommand();
    }
    names.join(" ")
}

/// Runs a command line, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let wants_env = resolve::asks_for_env(&arguments);
    let given: Vec<String> = arguments
        .iter()
        .map(|one| one.to_string_lossy().into_owned())
        .collect();
    let mut definition = definition();
    let parsed = definition
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| {
            let name = typed(&matches);
            Cli::from_arg_matches(&matches)
                .map(|cli| (cli, name))
                .map_err(|error| error.format(&mut definition))
        });
    let (cli, name) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            if wants_env && error.use_stderr() {
                let _ = Ui::new(Output::Env).print(&resolve::no_env());
            }
            if error.use_stderr() {
                Ui::new(Output::Human).usage(error, &given);
                return ExitCode::from(2);
            }
            return ExitCode::from(if error.print().is_ok() { 0 } else { 2 });
        }
    };
    let form = form(&cli.command, cli.global.output.as_deref(), &name);
    let mut ui = Ui::new(*form.as_ref().unwrap_or(&Output::Human));
    ui = ui.standing(standing::Standing::of(&cli.global, &cli.command));
    // Somebody else's terminal shows it, at the other end of a connection.
    if matches!(cli.command, Command::Hook(hook::HookCommand::PreReceive(_))) {
        ui = ui.plain();
    }
    settle_interrupted(&cli, &ui);
    let ended = form.and_then(|_| dispatch(cli.command, &cli.global, &ui));
    if ui.output == Output::Env && !matches!(ended, Ok(Outcome::Fine)) {
        let _ = ui.print(&resolve::no_env());
    }
    match ended {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Nothing) => ExitCode::from(3),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(2)
        }
    }
}

fn dispatch(command: Command, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    use crate::model::Decision;
    match command {
        Command::Init(args) => init::run(&args, global, ui),
        Command::Demo(args) => demo::run(&args, global, ui),
        Command::Whoami(args) => whoami::run(&args, global, ui),
        Command::Trust(args) => trust::run(&args, global, ui),
        Command::Group(command) => group::run(&command, global, ui),
        Command::Register(args) => register::register(&args, global, ui),
        Command::Evidence(command) => evidence::evidence(&command, global, ui),
        Command::Card(command) => card::run(&command, global, ui),
        Command::Approve(args) => decide::review(&args, Decision::Approved, global, ui),
        Command::Reject(args) => decide::review(&args, Decision::Rejected, global, ui),
        Command::Withdraw(args) => decide::review(&args, Decision::Withdrawn, global, ui),
        Command::Archive(args) => decide::archive(&args, global, ui),
        Command::Delete(args) => decide::delete(&args, global, ui),
        Command::Settle(args) => decide::settle(&args, global, ui),
        Command::Relay(args) => relay::run(&args, global, ui),
        Command::Promote(args) => stage::promote(&args, global, ui),
        Command::Rollback(args) => stage::rollback(&args, global, ui),
        Command::Annotate(args) => evidence::annotate(&args, global, ui),
        Command::Import(command) => import::run(&command, global, ui),
        Command::Export(command) => export::run(&command, global, ui),
        Command::Actor(command) => people::actor(&command, global, ui),
        Command::Team(command) => people::team(&command, global, ui),
        Command::Grant(command) => people::grant(&command, global, ui),
        Command::Policy(command) => policy::run(&command, global, ui),
        Command::List(args) => list::run(&args, global, ui),
        Command::Show(args) => show::run(&args, global, ui),
        Command::Resolve(args) => resolve::run(&args, global, ui),
        Command::Wait(args) => wait::run(&args, global, ui),
        Command::Pull(args) => pull::run(&args, global, ui),
        Command::Log(args) => log::run(&args, global, ui),
        Command::Diff(args) => diff::run(&args, global, ui),
        Command::Events(args) => events::run(&args, global, ui),
        Command::Validate(args) => validate::run(&args, global, ui),
        Command::Audit(args) => audit::run(&args, global, ui),
        Command::Notify(args) => notify::run(&args, global, ui),
        Command::Hook(command) => hook::run(&command, global, ui),
        Command::Explain(args) => explain::run(&args, ui),
        Command::Schema(args) => generate::schema(&args, global, ui),
        Command::AllowedSigners(args) => generate::allowed_signers(&args, global, ui),
        Command::Completions(args) => generate::completions(&args, ui),
        Command::Man(args) => generate::man(&args, global, ui),
    }
}

/// The whole command line, for completions, manual pages and their tests.
pub fn definition() -> clap::Command {
    Cli::command()
}
