//! `actor`, `team`, `grant`: the people and machines of a registry, and their rights.

use std::path::Path;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::keys::{parse_key, read_keys};
use crate::act::{self, PolicyEdit};
use crate::base::{Error, Oid};
use crate::cli::args::Global;
use crate::cli::land::{Scope, Seen, WriteArgs, WriteCommand, land};
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::cli::{Ui, names};
use crate::record::kind::{
    Action, ActorId, ActorKey, ActorKind, Key, Principal, RecordName, StageName, VersionId,
};
use crate::report::{Cell, CellStyle, Table};
use crate::trust::{self, Credential};

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
    Add {
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
    },
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
    RevokeKey {
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
    },
    /// List the actors
    #[command(after_help = "Example:\n  modelry actor list")]
    List {
        #[command(flatten)]
        read: ReadArgs,
    },
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
    Add {
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
    },
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
    match command {
        ActorCommand::Add {
            id,
            kind,
            keys,
            email,
            owners,
            write,
        } => {
            let kind = match kind {
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
            let keys: Vec<Vec<ActorKey>> = keys
                .iter()
                .map(|key| given_keys(key, global))
                .collect::<Result<_, _>>()?;
            let change = PolicyEdit::AddActor {
                id: id.clone(),
                kind,
                email: email.clone(),
                keys: keys.concat(),
                owners: owners.clone(),
            };
            edit(&change, write, global, ui)
        }
        ActorCommand::AddKey { id, key, write } => edit(
            &PolicyEdit::AddKeys(id.clone(), given_keys(key, global)?),
            write,
            global,
            ui,
        ),
        ActorCommand::AddAccount { id, account, write } => {
            let (host, number) = account.clone();
            edit(
                &PolicyEdit::AddAccount(id.clone(), host, number),
                write,
                global,
                ui,
            )
        }
        ActorCommand::RemoveAccount { id, host, write } => edit(
            &PolicyEdit::RemoveAccount(id.clone(), host.clone()),
            write,
            global,
            ui,
        ),
        ActorCommand::Retire { id, key, write } => {
            edit(&PolicyEdit::Retire(id.clone(), key.clone()), write, global, ui)
        }
        ActorCommand::RevokeKey {
            key,
            since,
            reaffirmed,
            unlisted,
            write,
        } => {
            let bare = trust::fingerprint(key);
            let hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
            let key = if key.starts_with("SHA256:") || (hex && matches!(bare.len(), 40 | 64)) {
                bare
            } else if RecordName::from_str(key).is_ok() && !global.located(Path::new(key)).exists() {
                return Err(
                    Error::msg(format!("`{key}` is no key, and no file with one")).hint(
                        "name the key by its fingerprint: `modelry actor list` shows those of each actor",
                    ),
                );
            } else {
                let keys = given_keys(key, global)?;
                let [key] = &keys[..] else {
                    return Err(Error::msg(format!("`{key}` holds {} keys", keys.len()))
                        .hint("revoke them one by one, each by its fingerprint"));
                };
                Credential::of(key).map_err(Error::msg)?.fingerprint()
            };
            let change = PolicyEdit::RevokeKey {
                key,
                reason: write.reason.clone(),
                since: since
                    .as_deref()
                    .map(|since| full_id(since, write, global))
                    .transpose()?,
                reaffirmed: reaffirmed.clone(),
                unlisted: *unlisted,
            };
            edit(&change, write, global, ui)
        }
        ActorCommand::List { read } => actors(read, global, ui),
    }
}

pub fn team(command: &TeamCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let (change, write) = match command {
        TeamCommand::Add(args) => (
            PolicyEdit::TeamAdd(args.team.to_string(), args.members.clone()),
            &args.write,
        ),
        TeamCommand::Remove(args) => (
            PolicyEdit::TeamRemove(args.team.to_string(), args.members.clone()),
            &args.write,
        ),
        TeamCommand::List { read } => return teams(read, global, ui),
    };
    edit(&change, write, global, ui)
}

pub fn grant(command: &GrantCommand, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    match command {
        GrantCommand::Add {
            to,
            allow,
            groups,
            stages,
            write,
        } => {
            let mut grant = json!({"to": [to], "allow": allow});
            if !groups.is_empty() {
                if allow.iter().all(|action| *action == Action::Administer) {
                    return Err(
                        Error::msg("`administer` applies to the whole registry, not to groups")
                            .hint("leave `--groups` out"),
                    );
                }
                grant["groups"] = json!(groups);
            } else if allow.iter().any(|action| *action != Action::Administer) {
                return Err(Error::msg("a grant names its groups").hint("for all groups: `--groups '*'`"));
            }
            if !stages.is_empty() {
                if !allow.contains(&Action::Promote) {
                    return Err(
                        Error::msg("`--stages` limits `promote`, which `--allow` does not name")
                            .hint("leave `--stages` out, or add `promote` to `--allow`"),
                    );
                }
                grant["stages"] = json!(stages);
            } else if allow.contains(&Action::Promote) {
                return Err(
                    Error::msg("a grant of `promote` names its stages").hint("`--stages staging,production`")
                );
            }
            let edit = PolicyEdit::GrantAdd(grant);
            let job = WriteCommand {
                draft: &|desk| {
                    for stage in stages {
                        crate::record::snapshot::listed_stage(desk.policy.registry(), stage)?;
                    }
                    act::edit_policy(desk, &edit, write.reason.as_deref())
                },
                scope: Scope::Policy,
                seen: Some(Seen::unnamed()),
                moved: None,
                reserve: None,
            };
            land(&job, write, global, ui)
        }
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
            edit(&change, write, global, ui)
        }
        GrantCommand::List { read } => grants(read, global, ui),
    }
}

fn actors(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy_in_force(ui)?;
        let registry = policy.registry();
        if ui.is_json() {
            ui.json(
                &policy
                    .source
                    .value()
                    .get("actors")
                    .cloned()
                    .unwrap_or(Value::Null),
            )?;
            return Ok(Outcome::Fine);
        }
        // Most registries have no accounts, since they relay no reviews.
        let has_accounts = registry.actors.values().any(|actor| !actor.accounts.is_empty());
        let mut headings = vec!["ACTOR", "KIND", "KEY", "STATE", "OWNERS", "TEAMS"];
        if has_accounts {
            headings.push("ACCOUNTS");
        }
        let mut table = Table::under(headings.into_iter().map(str::to_owned).collect());
        for (id, actor) in &registry.actors {
            let teams: Vec<&str> = registry
                .teams
                .iter()
                .filter(|(_, members)| members.contains(id))
                .map(|(team, _)| team.as_str())
                .collect();
            let owners: Vec<&str> = actor.owners.iter().map(ActorId::as_str).collect();
            let accounts: Vec<String> = actor
                .accounts
                .iter()
                .map(|(host, number)| format!("{host}={number}"))
                .collect();
            let keys: Vec<(String, bool)> = actor
                .keys
                .iter()
                .map(|key| match Credential::of(key) {
                    Ok(credential) => {
                        let fingerprint = credential.fingerprint();
                        let spent = key.retired() || policy.keys.is_revoked(&fingerprint);
                        (fingerprint, spent)
                    }
                    Err(_) => ("unusable".into(), true),
                })
                .collect();
            for (index, (key, spent)) in keys.iter().enumerate() {
                let state = match (actor.retired, spent) {
                    (true, _) => Cell::styled("retired", CellStyle::Dim),
                    (false, true) if policy.keys.is_revoked(key) => {
                        Cell::styled("key revoked", CellStyle::Bad)
                    }
                    (false, true) => Cell::styled("key retired", CellStyle::Dim),
                    (false, false) => Cell::styled("active", CellStyle::Good),
                };
                let first = index == 0;
                let only = |text: String| if first { text } else { String::new() };
                let mut row = vec![
                    Cell::styled(only(id.to_string()), CellStyle::Strong),
                    only(actor.kind.to_string()).into(),
                    key.clone().into(),
                    state,
                    only(owners.join(", ")).into(),
                    only(teams.join(", ")).into(),
                ];
                if has_accounts {
                    row.push(only(accounts.join(", ")).into());
                }
                table.cells(row);
            }
            if keys.is_empty() {
                let mut row = vec![
                    Cell::styled(id.to_string(), CellStyle::Strong),
                    actor.kind.to_string().into(),
                    "none".into(),
                    Cell::default(),
                    owners.join(", ").into(),
                    teams.join(", ").into(),
                ];
                if has_accounts {
                    row.push(accounts.join(", ").into());
                }
                table.cells(row);
            }
        }
        ui.print(&table.render(&ui.style))?;
        Ok(Outcome::Fine)
    })
}

fn teams(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy_in_force(ui)?;
        if ui.is_json() {
            ui.json(&policy.source.value().get("teams").cloned().unwrap_or(json!({})))?;
            return Ok(Outcome::Fine);
        }
        let mut table = Table::new(["TEAM", "MEMBERS"]);
        for (team, members) in &policy.registry().teams {
            let members: Vec<&str> = members.iter().map(ActorId::as_str).collect();
            table.row([
                Cell::styled(team.to_string(), CellStyle::Strong),
                members.join(", ").into(),
            ]);
        }
        ui.print(&table.render(&ui.style))?;
        Ok(Outcome::Fine)
    })
}

fn grants(read: &ReadArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(read, global, ui, |reading| {
        let policy = reading.policy_in_force(ui)?;
        if ui.is_json() {
            ui.json(&policy.source.value().get("grants").cloned().unwrap_or(json!([])))?;
            return Ok(Outcome::Fine);
        }
        let mut table = Table::new(["TO", "ALLOW", "GROUPS", "STAGES"]);
        let joined = |items: Vec<String>| items.join(", ");
        for grant in &policy.registry().grants {
            table.row([
                Cell::styled(
                    joined(grant.to.iter().map(ToString::to_string).collect()),
                    CellStyle::Strong,
                ),
                joined(grant.allow.iter().map(ToString::to_string).collect()).into(),
                grant.groups.join(", ").into(),
                joined(grant.stages.iter().map(ToString::to_string).collect()).into(),
            ]);
        }
        ui.print(&table.render(&ui.style))?;
        Ok(Outcome::Fine)
    })
}
