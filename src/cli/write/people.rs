//! `actor`, `team`, `grant`: the people and machines of a registry, and their rights.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::keys::{parse_key, read_keys};
use crate::act::{self, PolicyEdit};
use crate::base::{Error, Oid, listed};
use crate::cli::args::Global;
use crate::cli::land::{Scope, Seen, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::{Ui, names};
use crate::record::kind::{
    Action, Actor, ActorId, ActorKey, ActorKind, Grant, Key, Principal, RecordName, StageName, VersionId,
};
use crate::report::{Cell, CellStyle, Table};
use crate::trust::{self, Credential, Policy};

/// The kinds of actor, on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindArg {
    Person,
    Machine,
    Forge,
}

/// `modelry actor …`
#[derive(Debug, Subcommand)]
pub enum ActorCommand {
    /// Add an actor: a person, a machine, or a Git host that signs with its own key
    #[command(
        after_help = "Examples:\n  modelry actor add risk-1 --key risk-1.pub --email risk-1@example.com\n  modelry actor add trainer --kind machine --owner risk-1 --key trainer.pub"
    )]
    Add(AddActorArgs),
    /// Add a key to an actor
    #[command(after_help = "Example:\n  modelry actor add-key risk-1 --key new-laptop.pub")]
    AddKey {
        /// The actor
        id: ActorId,
        /// The public key: a file (OpenSSH lines or armoured OpenPGP, one or several
        /// keys), or the OpenSSH line itself; a newer OpenPGP certificate replaces
        /// the older one
        #[arg(long, value_name = "FILE|LINE")]
        key: String,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Record a person's account on a Git host, so that reviews there can be relayed
    #[command(
        after_help = "An account is identified by its number on the host, since a name may change hands. To find\nit on GitHub: `gh api users/NAME --jq .id`; on GitLab: `glab api users?username=NAME`.\n\nExample:\n  modelry actor add-account risk-1 github=1234567"
    )]
    AddAccount {
        /// The person
        id: ActorId,
        /// The host, and the number of the account there
        #[arg(value_name = "HOST=ID", value_parser = names::account)]
        account: (Key, String),
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Remove a person's account on a Git host; its reviews can no longer be relayed
    #[command(after_help = "Example:\n  modelry actor remove-account risk-1 github")]
    RemoveAccount {
        /// The person
        id: ActorId,
        /// The host
        host: Key,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// End all rights of an actor, or the use of one of its keys
    #[command(
        after_help = "Examples:\n  modelry actor retire risk-1 -m \"left the team\"\n  modelry actor retire risk-1 --key SHA256:…"
    )]
    Retire {
        /// The actor
        id: ActorId,
        /// Retire only this key, by its fingerprint; for OpenPGP the primary key's
        #[arg(long, value_name = "FINGERPRINT")]
        key: Option<String>,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// Revoke a key, so that its signatures prove nothing any more
    #[command(after_help = "Example:\n  modelry actor revoke-key SHA256:… -m \"laptop lost\"")]
    RevokeKey(RevokeKeyArgs),
    /// List the actors
    #[command(after_help = "Example:\n  modelry actor list")]
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
}

/// `modelry actor add`
#[derive(Debug, Args)]
pub struct AddActorArgs {
    /// The new actor's id
    id: ActorId,
    /// The kind of actor
    #[arg(long, value_enum, default_value = "person")]
    kind: KindArg,
    /// A public key: a file (OpenSSH lines or armoured OpenPGP, one or several
    /// keys), or the OpenSSH line itself; may be repeated
    #[arg(long = "key", value_name = "FILE|LINE", required = true)]
    keys: Vec<String>,
    /// The actor's email address
    #[arg(long)]
    email: Option<String>,
    /// A person who is responsible for this machine; may be repeated
    #[arg(long = "owner", value_name = "ID")]
    owners: Vec<ActorId>,
    #[command(flatten)]
    write: WriteArgs,
}

impl AddActorArgs {
    fn edit(&self, global: &Global) -> Result<PolicyEdit, Error> {
        let (id, owners) = (self.id.clone(), self.owners.clone());
        let kind = match self.kind {
            KindArg::Person => ActorKind::Person,
            KindArg::Machine => ActorKind::Machine,
            KindArg::Forge => ActorKind::Forge,
        };
        if kind == ActorKind::Machine && owners.is_empty() {
            return Err(
                Error::msg(format!("`{id}` would be a machine that nobody answers for"))
                    .hint("name the person who does: `--owner ID`"),
            );
        }
        let keys = self.keys.iter().map(|key| given_keys(key, global));
        let actor = Actor {
            kind,
            name: None,
            email: self.email.clone(),
            owners,
            keys: keys.collect::<Result<Vec<_>, _>>()?.concat(),
            accounts: BTreeMap::new(),
            retired: false,
        };
        Ok(PolicyEdit::AddActor(id, actor))
    }
}

/// `modelry actor revoke-key`
#[derive(Debug, Args)]
pub struct RevokeKeyArgs {
    /// The key's fingerprint, or the public key itself; revoking an OpenPGP
    /// primary key revokes its subkeys too
    key: String,
    /// The last mainline commit for which the key is still trusted; what it
    /// signed later becomes a finding
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// A version whose approval by this key you have checked and found right; may
    /// be repeated
    #[arg(long = "reaffirm", value_name = "GROUP/N", value_parser = names::version)]
    reaffirmed: Vec<VersionId>,
    /// Revoke a key that no actor of the policy has, such as one that was removed
    /// from it
    #[arg(long)]
    unlisted: bool,
    #[command(flatten)]
    write: WriteArgs,
}

impl RevokeKeyArgs {
    fn edit(&self, global: &Global) -> Result<PolicyEdit, Error> {
        Ok(PolicyEdit::RevokeKey {
            key: self.fingerprint(global)?,
            reason: self.write.reason.clone(),
            since: match &self.since {
                Some(since) => Some(full_id(since, &self.write, global)?),
                None => None,
            },
            reaffirmed: self.reaffirmed.clone(),
            unlisted: self.unlisted,
        })
    }

    /// Returns the fingerprint of the key, which may be given as a key or a file.
    fn fingerprint(&self, global: &Global) -> Result<String, Error> {
        let key = &self.key;
        let bare = trust::fingerprint(key);
        let hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        if key.starts_with("SHA256:") || (hex && matches!(bare.len(), 40 | 64)) {
            return Ok(bare);
        }
        if RecordName::from_str(key).is_ok() && !global.located(Path::new(key)).exists() {
            return Err(Error::msg(format!("`{key}` is no key, and no file with one"))
                .hint("name the key by its fingerprint: `modelry actor list` shows those of each actor"));
        }
        match &given_keys(key, global)?[..] {
            [key] => Ok(Credential::of(key).map_err(Error::msg)?.fingerprint()),
            keys => Err(Error::msg(format!("`{key}` holds {} keys", keys.len()))
                .hint("revoke them one by one, each by its fingerprint")),
        }
    }
}

/// `modelry team …`
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Add members to a team; creates the team if there is none
    #[command(after_help = "Example:\n  modelry team add risk risk-1 risk-2")]
    Add(TeamArgs),
    /// Remove members from a team; without members, remove the team
    #[command(after_help = "Example:\n  modelry team remove risk risk-2")]
    Remove(TeamArgs),
    /// List the teams
    #[command(after_help = "Example:\n  modelry team list")]
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
}

/// A team and some members.
#[derive(Debug, Args)]
pub struct TeamArgs {
    /// The team
    team: RecordName,
    /// The members
    members: Vec<ActorId>,
    #[command(flatten)]
    write: WriteArgs,
}

/// `modelry grant …`
#[derive(Debug, Subcommand)]
pub enum GrantCommand {
    /// Grant actions
    #[command(
        after_help = "Examples:\n  modelry grant add team:risk --allow approve,reject,archive --groups 'fraud-*'\n  modelry grant add deployer --allow promote --groups '*' --stages staging"
    )]
    Add(AddGrantArgs),
    /// Remove actions from grants
    #[command(after_help = "Example:\n  modelry grant remove team:risk --allow archive")]
    Remove {
        /// The actor, or team:NAME, that loses the rights
        to: Principal,
        /// The actions, as for `grant add` [default: all]
        #[arg(long, value_delimiter = ',')]
        allow: Vec<Action>,
        /// Change only grants of exactly these groups [default: all grants]
        #[arg(long, value_delimiter = ',', value_name = "GLOB")]
        groups: Vec<String>,
        #[command(flatten)]
        write: WriteArgs,
    },
    /// List the grants
    #[command(after_help = "Example:\n  modelry grant list")]
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
}

/// `modelry grant add`
#[derive(Debug, Args)]
pub struct AddGrantArgs {
    /// The actor, or team:NAME, that gets the rights
    to: Principal,
    /// The actions: create-group, update-group, delete-group, register, annotate, add-evidence, approve, reject, archive, delete, promote, administer
    #[arg(long, value_delimiter = ',', required = true)]
    allow: Vec<Action>,
    /// The groups, as globs
    #[arg(long, value_delimiter = ',', value_name = "GLOB")]
    groups: Vec<String>,
    /// The stages, for promote
    #[arg(long, value_delimiter = ',', value_name = "STAGE")]
    stages: Vec<StageName>,
    #[command(flatten)]
    write: WriteArgs,
}

impl AddGrantArgs {
    fn edit(&self) -> Result<PolicyEdit, Error> {
        let grant = Grant {
            to: vec![self.to.clone()],
            allow: self.allow.clone(),
            groups: self.groups.clone(),
            stages: self.stages.clone(),
        };
        let needs_groups = grant.allow.iter().any(|action| *action != Action::Administer);
        let needs_stages = grant.allow.contains(&Action::Promote);
        let fault = match (grant.groups.is_empty(), grant.stages.is_empty()) {
            (false, _) if !needs_groups => Some((
                "`administer` applies to the whole registry, not to groups",
                "leave `--groups` out",
            )),
            (true, _) if needs_groups => Some(("a grant names its groups", "for all groups: `--groups '*'`")),
            (_, false) if !needs_stages => Some((
                "`--stages` limits `promote`, which `--allow` does not name",
                "leave `--stages` out, or add `promote` to `--allow`",
            )),
            (_, true) if needs_stages => Some((
                "a grant of `promote` names its stages",
                "`--stages staging,production`",
            )),
            _ => None,
        };
        match fault {
            Some((what, hint)) => Err(Error::msg(what).hint(hint)),
            None => Ok(PolicyEdit::GrantAdd(grant)),
        }
    }
}

fn given_keys(given: &str, global: &Global) -> Result<Vec<ActorKey>, Error> {
    if given.starts_with("-----BEGIN ")
        || given.starts_with("ssh-")
        || given.starts_with("ecdsa-")
        || given.starts_with("sk-")
    {
        return Ok(vec![parse_key(given, "the line")?]);
    }
    read_keys(&global.located(Path::new(given)))
}

/// Returns the full id of a commit. The judge reports one that this clone lacks.
fn full_id(revision: &str, write: &WriteArgs, global: &Global) -> Result<String, Error> {
    if Oid::from_hex(revision).is_some() {
        return Ok(revision.to_owned());
    }
    let workspace = write.open(global)?;
    Ok(workspace.repo.resolve(revision)?.to_string())
}

fn edit(edit: &PolicyEdit, write: &WriteArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let job = WriteCommand {
        draft: &|desk| act::edit_policy(desk, edit, write.reason.as_deref()),
        scope: Scope::Policy,
        seen: Some(Seen::unnamed()),
        moved: None,
        reserve: None,
    };
    land(&job, write, global, ui)
}

pub fn actor(command: &ActorCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (change, write) = match command {
        ActorCommand::Add(args) => (args.edit(global)?, &args.write),
        ActorCommand::AddKey { id, key, write } => {
            (PolicyEdit::AddKeys(id.clone(), given_keys(key, global)?), write)
        }
        ActorCommand::AddAccount { id, account, write } => {
            let (host, number) = account.clone();
            (PolicyEdit::AddAccount(id.clone(), host, number), write)
        }
        ActorCommand::RemoveAccount { id, host, write } => {
            (PolicyEdit::RemoveAccount(id.clone(), host.clone()), write)
        }
        ActorCommand::Retire { id, key, write } => (PolicyEdit::Retire(id.clone(), key.clone()), write),
        ActorCommand::RevokeKey(args) => (args.edit(global)?, &args.write),
        ActorCommand::List { read } => return list(read, ("actors", json!({}), actors), global, ui),
    };
    edit(&change, write, global, ui)
}

pub fn team(command: &TeamCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (change, args) = match command {
        TeamCommand::Add(args) => (
            PolicyEdit::TeamAdd(args.team.to_string(), args.members.clone()),
            args,
        ),
        TeamCommand::Remove(args) => (
            PolicyEdit::TeamRemove(args.team.to_string(), args.members.clone()),
            args,
        ),
        TeamCommand::List { read } => return list(read, ("teams", json!({}), teams), global, ui),
    };
    edit(&change, &args.write, global, ui)
}

pub fn grant(command: &GrantCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (change, write) = match command {
        GrantCommand::Add(args) => (args.edit()?, &args.write),
        GrantCommand::Remove {
            to,
            allow,
            groups,
            write,
        } => {
            let change = PolicyEdit::GrantRemove {
                to: to.to_string(),
                allow: allow.iter().map(ToString::to_string).collect(),
                groups: groups.clone(),
            };
            (change, write)
        }
        GrantCommand::List { read } => return list(read, ("grants", json!([]), grants), global, ui),
    };
    edit(&change, write, global, ui)
}

/// Prints a part of the policy, as it is written or as a table. A policy without it has
/// an empty one.
fn list(
    read: &ReadArgs,
    (part, empty, table): (&str, Value, fn(&Policy) -> Table),
    global: &Global,
    ui: &Ui,
) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy_in_force(ui)?;
        match ui.is_json() {
            true => ui.json(policy.source.value().get(part).unwrap_or(&empty))?,
            false => ui.print(&table(&policy).render(&ui.style))?,
        }
        Ok(Outcome::Fine)
    })
}

fn actors(policy: &Policy) -> Table {
    let registry = policy.registry();
    // Most registries have no accounts, since they relay no reviews.
    let has_accounts = registry.actors.values().any(|actor| !actor.accounts.is_empty());
    let mut headings = vec!["ACTOR", "KIND", "KEY", "STATE", "OWNERS", "TEAMS"];
    if has_accounts {
        headings.push("ACCOUNTS");
    }
    let mut table = Table::under(headings.into_iter().map(str::to_owned).collect());
    for (id, actor) in &registry.actors {
        let teams = registry.teams.iter().filter(|(_, members)| members.contains(id));
        let teams = listed(teams.map(|(team, _)| team));
        let accounts = actor.accounts.iter();
        let accounts = listed(accounts.map(|(host, number)| format!("{host}={number}")));
        let mut keys: Vec<(Cell, Cell)> = actor
            .keys
            .iter()
            .map(|key| key_cells(key, actor, policy))
            .collect();
        if keys.is_empty() {
            keys.push(("none".into(), Cell::default()));
        }
        // An actor's further keys have rows of their own, with nothing else in them.
        for (index, (key, state)) in keys.into_iter().enumerate() {
            let only = |text: &str| {
                if index == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            let mut row = vec![
                Cell::styled(only(id.as_str()), CellStyle::Strong),
                only(&actor.kind.to_string()).into(),
                key,
                state,
                only(&listed(&actor.owners)).into(),
                only(&teams).into(),
            ];
            if has_accounts {
                row.push(only(&accounts).into());
            }
            table.cells(row);
        }
    }
    table
}

/// Returns a key's fingerprint and its state.
fn key_cells(key: &ActorKey, actor: &Actor, policy: &Policy) -> (Cell, Cell) {
    let print = Credential::of(key).map(|credential| credential.fingerprint());
    let is_revoked = print.as_ref().is_ok_and(|print| policy.keys.is_revoked(print));
    let state = if actor.retired {
        Cell::styled("retired", CellStyle::Dim)
    } else if is_revoked {
        Cell::styled("key revoked", CellStyle::Bad)
    } else if key.retired() || print.is_err() {
        Cell::styled("key retired", CellStyle::Dim)
    } else {
        Cell::styled("active", CellStyle::Good)
    };
    (print.unwrap_or("unusable".into()).into(), state)
}

fn teams(policy: &Policy) -> Table {
    let mut table = Table::new(["TEAM", "MEMBERS"]);
    for (team, members) in &policy.registry().teams {
        table.row([
            Cell::styled(team.to_string(), CellStyle::Strong),
            listed(members).into(),
        ]);
    }
    table
}

fn grants(policy: &Policy) -> Table {
    let mut table = Table::new(["TO", "ALLOW", "GROUPS", "STAGES"]);
    for grant in &policy.registry().grants {
        table.row([
            Cell::styled(listed(&grant.to), CellStyle::Strong),
            listed(&grant.allow).into(),
            listed(&grant.groups).into(),
            listed(&grant.stages).into(),
        ]);
    }
    table
}
