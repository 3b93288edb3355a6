//! `modelry whoami`

use clap::Args;
use serde::Serialize;

use super::at::{ReadArgs, Reading};
use crate::base::{Error, listed};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::git::Repo;
use crate::record::kind::{ActorId, ActorKey, Grant, Principal, RecordName};
use crate::report::{Cell, CellStyle, Style, Table, paint};
use crate::trust::{KeyStanding, Policy};
use crate::workspace::identity::Identity;

/// `modelry whoami`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry whoami")]
pub struct WhoamiArgs {
    #[command(flatten)]
    read: ReadArgs,
}

/// The remedy for a key that proves nothing new.
const ANOTHER_KEY: &str = "\nSign with another key, and run this again for the line to send to an administrator:\n  git config user.signingkey FILE\n";

pub fn run(args: &WhoamiArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(&args.read, global, ui, |reading| {
        let me = Identity::to_look(&reading.workspace.repo)?;
        let policy = reading.policy()?;
        let view = WhoamiView::of(&me, &policy);
        match ui.is_json() {
            true => ui.json(&view)?,
            false => ui.print(&view.for_people(&reading.workspace.repo, &ui.style))?,
        }
        Ok(Outcome::Fine)
    })
}

/// The user's key, and what the policy lets it do: `whoami -o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoamiView<'p> {
    key: &'p str,
    public_key: &'p str,
    /// The actor that the key proves.
    actor: Option<ActorId>,
    state: &'static str,
    teams: Vec<&'p RecordName>,
    grants: Vec<&'p Grant>,
    #[serde(skip)]
    me: &'p Identity,
    #[serde(skip)]
    policy: &'p Policy,
    #[serde(skip)]
    standing: KeyStanding,
}

impl<'p> WhoamiView<'p> {
    fn of(me: &'p Identity, policy: &'p Policy) -> WhoamiView<'p> {
        let standing = policy.keys.standing(&me.fingerprint);
        let (state, actor) = match &standing {
            KeyStanding::Good(id) => ("active", Some(id.clone())),
            KeyStanding::RetiredKey(_) => ("key-retired", None),
            KeyStanding::RetiredActor(_) => ("actor-retired", None),
            KeyStanding::Revoked(_) => ("revoked", None),
            KeyStanding::Unknown => ("unknown", None),
        };
        let is_me = |to: &Principal| actor.as_ref().is_some_and(|actor| policy.is_meant(to, actor));
        let is_in = |members: &[ActorId]| actor.as_ref().is_some_and(|actor| members.contains(actor));
        let registry = policy.registry();
        let teams = registry.teams.iter().filter(|(_, members)| is_in(members));
        let grants = registry.grants.iter().filter(|grant| grant.to.iter().any(is_me));
        WhoamiView {
            key: &me.fingerprint,
            public_key: me.key.text(),
            state,
            teams: teams.map(|(team, _)| team).collect(),
            grants: grants.collect(),
            actor,
            me,
            policy,
            standing,
        }
    }

    fn for_people(&self, repo: &Repo, style: &Style) -> String {
        let words = match &self.standing {
            KeyStanding::Good(id) => {
                let listed = self.policy.actor(id.as_str());
                let kind = listed.map_or_else(String::new, |actor| actor.kind.to_string());
                let name = paint(id.as_str(), "1;32", style);
                format!("actor  {name} ({kind})\n\n{}", self.rights(id, style))
            }
            KeyStanding::RetiredKey(id) => {
                format!("actor  {id}, but this key is retired\n{ANOTHER_KEY}")
            }
            KeyStanding::RetiredActor(id) => format!("actor  {id}, who is retired\n"),
            KeyStanding::Revoked(_) => format!("This key is revoked.\n{ANOTHER_KEY}"),
            KeyStanding::Unknown => {
                format!(
                    "actor  none: this registry does not know the key\n\n{}",
                    self.introduction(repo)
                )
            }
        };
        format!("key    {}\n{words}", self.key)
    }

    /// The grants of the actor as a table.
    fn rights(&self, actor: &ActorId, style: &Style) -> String {
        if self.grants.is_empty() && self.policy.is_recovery(actor) {
            return "Stands in for administrators (`policyChange.recovery`), when too few of them are left: no grant is needed for that.\n".to_owned();
        }
        if self.grants.is_empty() {
            return "No grant yet: an administrator gives them with `modelry grant add`.\n".to_owned();
        }
        let mut table = Table::new(["MAY", "IN GROUPS", "ON STAGES", "BY"]);
        for grant in &self.grants {
            table.row([
                listed(&grant.allow).into(),
                listed(&grant.groups).into(),
                listed(&grant.stages).into(),
                Cell::styled(listed(&grant.to), CellStyle::Dim),
            ]);
        }
        table.render(style)
    }

    /// The line to send to an administrator, for a key that the policy does not know.
    fn introduction(&self, repo: &Repo) -> String {
        let id = repo.config("user.email").unwrap_or_default();
        let id = id.split('@').next().unwrap_or_default().to_lowercase();
        let id = if id.is_empty() { "NAME".to_owned() } else { id };
        match &self.me.key {
            ActorKey::OpenPgp(_) => format!(
                "Send {id}.asc and this line to an administrator:\n  gpg --armor --export --export-options export-minimal {} > {id}.asc\n  modelry actor add {id} --key {id}.asc\n",
                self.key
            ),
            key => format!(
                "Send this line to an administrator:\n  modelry actor add {id} --key \"{}\"\n",
                key.text()
            ),
        }
    }
}
