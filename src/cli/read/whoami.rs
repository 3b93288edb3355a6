//! `modelry whoami`

use clap::Args;
use serde_json::json;

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::record::kind::ActorKey;
use crate::report::{Cell, CellStyle, Table, paint};
use crate::trust::KeyStanding;
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
        let standing = policy.keys.standing(&me.fingerprint);
        let actor = match &standing {
            KeyStanding::Good(id) => Some(id),
            _ => None,
        };
        let grants: Vec<_> = policy
            .registry()
            .grants
            .iter()
            .filter(|grant| actor.is_some_and(|actor| grant.to.iter().any(|to| policy.is_meant(to, actor))))
            .collect();
        if ui.is_json() {
            let state = match &standing {
                KeyStanding::Good(_) => "active",
                KeyStanding::RetiredKey(_) => "key-retired",
                KeyStanding::RetiredActor(_) => "actor-retired",
                KeyStanding::Revoked(_) => "revoked",
                KeyStanding::Unknown => "unknown",
            };
            let teams: Vec<_> = policy
                .registry()
                .teams
                .iter()
                .filter(|(_, members)| actor.is_some_and(|actor| members.contains(actor)))
                .map(|(team, _)| team)
                .collect();
            ui.json(&json!({"key": me.fingerprint, "publicKey": me.key.text(), "actor": actor, "state": state, "teams": teams, "grants": grants}))?;
            return Ok(Outcome::Fine);
        }
        let mut out = format!("key    {}\n", me.fingerprint);
        match &standing {
            KeyStanding::Good(id) => {
                let kind = policy
                    .actor(id.as_str())
                    .map_or_else(String::new, |actor| actor.kind.to_string());
                out.push_str(&format!(
                    "actor  {} ({kind})\n",
                    paint(id.as_str(), "1;32", &ui.style)
                ));
                if grants.is_empty() && policy.is_recovery(id) {
                    out.push_str("\nStands in for administrators (`policyChange.recovery`), when too few of them are left: no grant is needed for that.\n");
                } else if grants.is_empty() {
                    out.push_str("\nNo grant yet: an administrator gives them with `modelry grant add`.\n");
                } else {
                    let mut table = Table::new(["MAY", "IN GROUPS", "ON STAGES", "BY"]);
                    for grant in grants {
                        let words = |items: Vec<String>| items.join(", ");
                        table.row([
                            words(grant.allow.iter().map(ToString::to_string).collect()).into(),
                            grant.groups.join(", ").into(),
                            words(grant.stages.iter().map(ToString::to_string).collect()).into(),
                            Cell::styled(
                                words(grant.to.iter().map(ToString::to_string).collect()),
                                CellStyle::Dim,
                            ),
                        ]);
                    }
                    out.push('\n');
                    out.push_str(&table.render(&ui.style));
                }
            }
            KeyStanding::RetiredKey(id) => {
                out.push_str(&format!("actor  {id}, but this key is retired\n"));
                out.push_str(ANOTHER_KEY);
            }
            KeyStanding::RetiredActor(id) => out.push_str(&format!("actor  {id}, who is retired\n")),
            KeyStanding::Revoked(_) => {
                out.push_str("This key is revoked.\n");
                out.push_str(ANOTHER_KEY);
            }
            KeyStanding::Unknown => {
                let repo = &reading.workspace.repo;
                let id = repo.config("user.email").unwrap_or_default();
                let id = id.split('@').next().unwrap_or_default().to_lowercase();
                let id = if id.is_empty() { "NAME".to_owned() } else { id };
                out.push_str("actor  none: this registry does not know the key\n\n");
                out.push_str(&match &me.key {
                    ActorKey::OpenPgp(_) => format!(
                        "Send {id}.asc and this line to an administrator:\n  gpg --armor --export --export-options export-minimal {} > {id}.asc\n  modelry actor add {id} --key {id}.asc\n",
                        me.fingerprint
                    ),
                    key => format!(
                        "Send this line to an administrator:\n  modelry actor add {id} --key \"{}\"\n",
                        key.text()
                    ),
                });
            }
        }
        ui.print(&out)?;
        Ok(Outcome::Fine)
    })
}
