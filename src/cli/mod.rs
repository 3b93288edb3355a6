//! The command line. One file for each command: parse, request, call, render.
//!
//! | folder | commands |
//! | --- | --- |
//! | `read/` | `show`, `list`, `log`, `diff`, `resolve`, `wait`, `events`, `audit`, `explain`, `whoami` |
//! | `write/` | `init`, `register`, `card`, `evidence`, `approve` and the other decisions, `promote`, `policy`, `actor`, `import` |
//! | `land/` | what all writing commands share: draft, judge, ask, sign, push |
//! | `verify/` | `validate`, `hook`, `trust` |
//! | `transfer/` | `export`, `pull`, `notify` |
//! | `setup/` | `demo`, `schema`, `completions`, manual pages |
//!
//! Options that many commands have are in `args.rs`; how a command ends is in
//! `output.rs`. All text is printed through `ui.rs`, which hides secrets and control
//! characters. Commands decide nothing: they ask `act`, `judge` and `report`.
//!
//! # Imports
//!
//! Every other room. No room imports this one.
//!
//! # Where the next thing goes
//!
//! A new command is a file in its family, a variant of `Command` and its line in
//! `dispatch`; `UPDATE=1 cargo test` writes its help into `fixtures/help.txt`.

mod args;
mod land;
mod names;
mod output;
mod read;
mod setup;
mod standing;
mod transfer;
mod ui;
mod unused;
mod verify;
mod write;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use args::Global;
pub use output::Outcome;
use output::Output;
pub use ui::Ui;

use crate::base::{Error, printable};
use crate::git::{self, Repo};

/// A model registry that lives in a Git repository.
///
/// Model groups and versions are YAML files, and approvals are signed commits. A
/// validator judges every change between commits. Anyone with a clone can verify all
/// of it offline.
#[derive(Debug, Parser)]
#[command(
    name = "modelry",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    after_help = "Exit codes: 0 clean, or done; 1 findings, or refused; 2 could not look; 3 no version qualifies.\nTo start, run `modelry demo`, or `modelry init` in a repository of your own."
)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// The commands, in the order of a model's life.
#[derive(Debug, Subcommand)]
enum Command {
    /// Create a registry: the first policy, in a commit of its own
    Init(write::init::InitArgs),
    /// Build a complete registry with throwaway keys in a new folder, step by step
    Demo(setup::demo::DemoArgs),
    /// Show your key, which actor it is, and what that actor may do
    Whoami(read::whoami::WhoamiArgs),
    /// Show the registry's root, or pin it
    Trust(verify::trust::TrustArgs),
    /// Create, change, show, list or delete groups of versions
    #[command(subcommand)]
    Group(write::group::GroupCommand),
    /// Register a version of a model
    Register(Box<write::register::RegisterArgs>),
    /// Add or show evaluations of a version
    #[command(subcommand)]
    Evidence(write::evidence::EvidenceCommand),
    /// Fill, show or render a version's model card
    #[command(subcommand)]
    Card(write::card::CardCommand),
    /// Approve a version: sign a review of exactly its present content
    Approve(write::decide::DecideArgs),
    /// Reject a version
    Reject(write::decide::DecideArgs),
    /// Withdraw your review of a version
    Withdraw(write::decide::DecideArgs),
    /// Archive a version that is no longer to be used
    Archive(write::decide::DecideArgs),
    /// Delete a rejected or archived version; a tombstone keeps its number
    Delete(write::decide::DecideArgs),
    /// Change statuses where the reviews on record already authorise it
    Settle(write::decide::SettleArgs),
    /// Record reviews that people gave on a Git host's page
    Relay(write::relay::RelayArgs),
    /// Make versions serve stages
    Promote(write::stage::PromoteArgs),
    /// Return a stage to the version that it served before
    Rollback(write::stage::RollbackArgs),
    /// Change the description, labels and annotations of a version
    Annotate(write::evidence::AnnotateArgs),
    /// Import groups and versions from another registry
    #[command(subcommand)]
    Import(write::import::ImportCommand),
    /// Export a version for other programs, in their own format
    #[command(subcommand)]
    Export(transfer::export::ExportCommand),
    /// Add, retire or list actors (people and machines) and their keys
    #[command(subcommand)]
    Actor(write::people::ActorCommand),
    /// Add or remove teams and their members
    #[command(subcommand)]
    Team(write::people::TeamCommand),
    /// Grant or remove rights
    #[command(subcommand)]
    Grant(write::people::GrantCommand),
    /// Show the policy, or review a proposed one
    #[command(subcommand)]
    Policy(write::policy::PolicyCommand),
    /// List the groups, or the versions of one group
    List(read::list::ListArgs),
    /// Show a group or a version: status, reviews, and who must act next
    Show(read::show::ShowArgs),
    /// Print which version to deploy, with what was proven; exit 3 when none
    /// qualifies
    Resolve(read::resolve::ResolveArgs),
    /// Wait until a version has a status
    Wait(read::wait::WaitArgs),
    /// Download the files of a version, and verify each against its digest
    Pull(transfer::pull::PullArgs),
    /// Print the history of the registry, change by change
    Log(read::log::LogArgs),
    /// Print what a range of commits changes in the registry
    Diff(read::diff::DiffArgs),
    /// Print the history of the registry as events, for programs that react to it
    Events(read::events::EventsArgs),
    /// Judge the files on disk, or the commits of a range
    Validate(verify::validate::ValidateArgs),
    /// Verify every step from the root, and list who signed for the versions in use
    Audit(read::audit::AuditArgs),
    /// Send each event to a web address or a program, in order, at least once
    Notify(Box<transfer::notify::NotifyArgs>),
    /// Install a hook that refuses faulty pushes on a server, or faulty commits in a
    /// clone
    #[command(subcommand)]
    Hook(verify::hook::HookCommand),
    /// Explain a rule (by its code or name) or a concept
    Explain(read::explain::ExplainArgs),
    /// Print a JSON Schema, or update the schemas that editors use
    Schema(setup::generate::SchemaArgs),
    /// Print the policy's keys as an allowed signers file for git
    AllowedSigners(setup::generate::AllowedSignersArgs),
    /// Print a shell's completion script
    Completions(setup::generate::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(setup::generate::ManArgs),
}

impl Command {
    /// Returns the forms of output that the command has; the first is its default.
    fn forms(&self) -> &'static [Output] {
        match self {
            Command::Validate(_) => verify::validate::FORMS,
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
            Command::Events(_) => read::events::FORMS,
            Command::Card(write::card::CardCommand::Render(_)) => {
                &[Output::Markdown, Output::Html, Output::Json]
            }
            Command::Hook(
                verify::hook::HookCommand::PreCommit(_) | verify::hook::HookCommand::PreReceive(_),
            ) => &[Output::Human, Output::Concise, Output::Json],
            Command::Demo(_) | Command::AllowedSigners(_) | Command::Completions(_) | Command::Man(_) => {
                &[Output::Human]
            }
            Command::Export(command) => command.forms(),
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

    /// Whether the command prints what a commit holds, and verifies no history.
    fn only_reads(&self) -> bool {
        use write::{card, evidence, group, people, policy};
        match self {
            Command::Whoami(_)
            | Command::Trust(_)
            | Command::List(_)
            | Command::Show(_)
            | Command::Log(_)
            | Command::Diff(_)
            | Command::AllowedSigners(_) => true,
            Command::Group(command) => {
                matches!(
                    command,
                    group::GroupCommand::Show { .. } | group::GroupCommand::List { .. }
                )
            }
            Command::Evidence(command) => matches!(command, evidence::EvidenceCommand::Show { .. }),
            Command::Card(command) => !matches!(command, card::CardCommand::Set(_)),
            Command::Actor(command) => matches!(command, people::ActorCommand::List { .. }),
            Command::Team(command) => matches!(command, people::TeamCommand::List { .. }),
            Command::Grant(command) => matches!(command, people::GrantCommand::List { .. }),
            Command::Policy(command) => matches!(command, policy::PolicyCommand::Show { .. }),
            _ => false,
        }
    }
}

/// Returns the first example in the help of the command that these arguments name.
fn example(arguments: &[String]) -> Option<String> {
    let mut command = definition();
    for argument in arguments {
        if let Some(inner) = command.find_subcommand(argument) {
            command = inner.clone();
        }
    }
    let help = command.get_after_help()?.to_string();
    let mut lines = help.lines().map(str::trim);
    lines.find(|line| line.starts_with("modelry ")).map(str::to_owned)
}

/// Completes or undoes what a killed command had begun here, and reports it.
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

/// Returns the form that was asked for, if the command has it.
fn form(command: &Command, asked: Option<&str>, name: &str) -> Result<Output, Error> {
    let forms = command.forms();
    let Some(asked) = asked else { return Ok(forms[0]) };
    if let Some(form) = forms.iter().find(|form| form.name() == asked) {
        return Ok(*form);
    }
    let names: Vec<String> = forms.iter().map(|form| form.name()).collect();
    let error = Error::msg(format!("`modelry {name}` has no output in the form `{asked}`"));
    let error = match crate::act::nearest(&names, asked) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    };
    Err(error.hint(format!("its forms are {}", names.join(", "))))
}

/// Returns the command's name as it was typed: `card render`.
fn typed(matches: &ArgMatches) -> String {
    let mut names = Vec::new();
    let mut at = matches.subcommand();
    while let Some((name, inner)) = at {
        names.push(name);
        at = inner.subcommand();
    }
    names.join(" ")
}

/// Returns the error about a command line with hidden characters and line ends, with
/// these spelled out: a line that others wrote would be read as a command of its own by
/// CI systems.
fn spelled(given: &[String]) -> Option<clap::Error> {
    let is_odd = |one: &String| one.contains(char::is_control);
    if !given.iter().any(is_odd) {
        return None;
    }
    let given: Vec<String> = given.iter().map(|one| printable(one)).collect();
    let mut definition = definition();
    let parsed = definition
        .try_get_matches_from_mut(given)
        .and_then(|matches| Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut definition)));
    parsed.err().filter(clap::Error::use_stderr)
}

/// Runs a command line, and returns how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let wants_env = read::resolve::asks_for_env(&arguments);
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
                let _ = Ui::new(Output::Env).print(&read::resolve::no_env());
            }
            if error.use_stderr() {
                Ui::new(Output::Human).usage(spelled(&given).unwrap_or(error), &given);
                return ExitCode::from(2);
            }
            return ExitCode::from(if error.print().is_ok() { 0 } else { 2 });
        }
    };
    let form = form(&cli.command, cli.global.output.as_deref(), &name);
    // A form that there is not may be `env`, mistyped.
    let is_mistyped_env = wants_env && form.is_err();
    let mut ui = Ui::new(*form.as_ref().unwrap_or(&Output::Human));
    ui = ui.standing(standing::Standing::of(&cli.global, &cli.command));
    // The output appears on the pusher's terminal, at the other end of a connection.
    if matches!(
        cli.command,
        Command::Hook(verify::hook::HookCommand::PreReceive(_))
    ) {
        ui = ui.plain();
    }
    let usable = form.and_then(|_| unused::refuse(&cli.command, &name, &cli.global));
    if usable.is_ok() {
        settle_interrupted(&cli, &ui);
    }
    let ended = usable.and_then(|()| dispatch(cli.command, &cli.global, &ui));
    let asks_env = ui.output == Output::Env || is_mistyped_env;
    if asks_env && !matches!(ended, Ok(Outcome::Fine)) {
        let _ = ui.print(&read::resolve::no_env());
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
    use crate::record::kind::Decision;
    match command {
        Command::Init(args) => write::init::run(&args, global, ui),
        Command::Demo(args) => setup::demo::run(&args, global, ui),
        Command::Whoami(args) => read::whoami::run(&args, global, ui),
        Command::Trust(args) => verify::trust::run(&args, global, ui),
        Command::Group(command) => write::group::run(&command, global, ui),
        Command::Register(args) => write::register::register(&args, global, ui),
        Command::Evidence(command) => write::evidence::evidence(&command, global, ui),
        Command::Card(command) => write::card::run(&command, global, ui),
        Command::Approve(args) => write::decide::review(&args, Decision::Approved, global, ui),
        Command::Reject(args) => write::decide::review(&args, Decision::Rejected, global, ui),
        Command::Withdraw(args) => write::decide::review(&args, Decision::Withdrawn, global, ui),
        Command::Archive(args) => write::decide::archive(&args, global, ui),
        Command::Delete(args) => write::decide::delete(&args, global, ui),
        Command::Settle(args) => write::decide::settle(&args, global, ui),
        Command::Relay(args) => write::relay::run(&args, global, ui),
        Command::Promote(args) => write::stage::promote(&args, global, ui),
        Command::Rollback(args) => write::stage::rollback(&args, global, ui),
        Command::Annotate(args) => write::evidence::annotate(&args, global, ui),
        Command::Import(command) => write::import::run(&command, global, ui),
        Command::Export(command) => transfer::export::run(&command, global, ui),
        Command::Actor(command) => write::people::actor(&command, global, ui),
        Command::Team(command) => write::people::team(&command, global, ui),
        Command::Grant(command) => write::people::grant(&command, global, ui),
        Command::Policy(command) => write::policy::run(&command, global, ui),
        Command::List(args) => read::list::run(&args, global, ui),
        Command::Show(args) => read::show::run(&args, global, ui),
        Command::Resolve(args) => read::resolve::run(&args, global, ui),
        Command::Wait(args) => read::wait::run(&args, global, ui),
        Command::Pull(args) => transfer::pull::run(&args, global, ui),
        Command::Log(args) => read::log::run(&args, global, ui),
        Command::Diff(args) => read::diff::run(&args, global, ui),
        Command::Events(args) => read::events::run(&args, global, ui),
        Command::Validate(args) => verify::validate::run(&args, global, ui),
        Command::Audit(args) => read::audit::run(&args, global, ui),
        Command::Notify(args) => transfer::notify::run(&args, global, ui),
        Command::Hook(command) => verify::hook::run(&command, global, ui),
        Command::Explain(args) => read::explain::run(&args, ui),
        Command::Schema(args) => setup::generate::schema(&args, global, ui),
        Command::AllowedSigners(args) => setup::generate::allowed_signers(&args, global, ui),
        Command::Completions(args) => setup::generate::completions(&args, ui),
        Command::Man(args) => setup::generate::man(&args, global, ui),
    }
}

/// Returns the whole command line, for completions, manual pages and their tests.
pub fn definition() -> clap::Command {
    Cli::command()
}
