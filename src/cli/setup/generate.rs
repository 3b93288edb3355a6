//! `schema`, `allowed-signers`, `completions`, `man`: files for other programs,
//! generated from the policy or from the program itself.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use clap_complete::Shell;
use serde_json::json;

use crate::act;
use crate::act::WriteContext;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::land::{self, Scope, WriteArgs, WriteCommand};
use crate::cli::output::Outcome;
use crate::cli::read::at::{ReadArgs, Reading};
use crate::git::disk;
use crate::judge::checkpoint::CHECKPOINT_NAMESPACE;
use crate::judge::history::{self, COMMIT_NAMESPACE};
use crate::record::kind::{ActorId, Kind};
use crate::record::schema;
use crate::record::snapshot::{Records, Snapshot};
use crate::record::subject::RECORD_NAMESPACE;
use crate::report;
use crate::report::event;
use crate::signature::PublicKey;
use crate::trust::{KeyStanding, Policy};

/// `modelry schema`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry schema ModelVersion > model-version.schema.json")]
#[command(args_conflicts_with_subcommands = true)]
pub struct SchemaArgs {
    #[command(subcommand)]
    command: Option<SchemaCommand>,
    /// A kind of record (`ModelVersion`, or `version` for short); or `report`,
    /// `audit`, `event` or `result` for the JSON output of findings, of an audit, of
    /// an event and of a writing command [default: list the kinds]
    kind: Option<String>,
}

impl SchemaArgs {
    /// Whether it prints what the program knows.
    pub(in crate::cli) fn only_prints(&self) -> bool {
        self.command.is_none()
    }
}

#[derive(Debug, Subcommand)]
enum SchemaCommand {
    /// Write this version's schemas into the registry's folder, where the records
    /// point editors
    #[command(after_help = "Examples:\n  modelry schema update\n  modelry schema update --records --pr")]
    Update {
        /// Also change records that point editors to a web address, as older versions
        /// wrote it, if you may edit them
        #[arg(long)]
        records: bool,
        #[command(flatten)]
        write: Box<WriteArgs>,
    },
}

pub fn schema(args: &SchemaArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    if let Some(SchemaCommand::Update { records, write }) = &args.command {
        return update(*records, write, global, ui);
    }
    let kinds: Vec<&str> = Kind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .chain(["report", "audit", "event", "result"])
        .collect();
    let Some(wanted) = &args.kind else {
        if ui.is_json() {
            ui.json(&json!(kinds))?;
            return Ok(Outcome::Fine);
        }
        ui.print(&format!("{}\n", kinds.join("\n")))?;
        return Ok(Outcome::Fine);
    };
    match schema_name(wanted, &kinds) {
        Ok("report") => ui.json(&report::schema())?,
        Ok("audit") => ui.json(&report::audit_schema())?,
        Ok("event") => ui.json(&event::schema())?,
        Ok("result") => ui.json(&event::result_schema())?,
        Ok(name) => {
            let kind = Kind::ALL.iter().find(|kind| kind.as_str() == name);
            ui.json(schema::schema(*kind.unwrap_or(&Kind::ALL[0])))?;
        }
        Err(near) => {
            let error = Error::msg(format!("there is no kind `{wanted}`"));
            return Err(match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the kinds are {}", kinds.join(", "))),
            });
        }
    }
    Ok(Outcome::Fine)
}

/// `modelry schema update`
fn update(records: bool, args: &WriteArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let draft = |desk: &WriteContext<'_>| act::update_schemas(desk, records, args.reason.as_deref());
    let job = WriteCommand {
        draft: &draft,
        // No finding concerns files that are not records.
        scope: Scope::Policy,
        seen: None,
        moved: None,
        reserve: None,
    };
    land::land(&job, args, global, ui)
}

/// Returns the kind that a word names: in any case, short (`version`), by its file
/// (`card.yaml`) or by another word for it; else the error names the nearest one.
fn schema_name<'k>(wanted: &str, kinds: &[&'k str]) -> Result<&'k str, Option<String>> {
    let bare = wanted.to_ascii_lowercase();
    let bare = bare
        .trim_end_matches(".yaml")
        .trim_end_matches(".schema.json")
        .replace(['-', '_', ' '], "");
    let singular = bare.strip_suffix('s').unwrap_or(&bare);
    let other = match singular {
        "policy" | "policie" | "actor" | "grant" => "registry",
        "evidence" | "observation" | "metric" => "evaluation",
        "approval" | "approve" | "reject" | "rejection" => "review",
        "assignment" => "stageassignment",
        "archive" => "archival",
        "deletion" | "delete" => "tombstone",
        "finding" => "report",
        "spec" | "package" => "modelversion",
        "model" => "modelgroup",
        other => other,
    };
    let fits = |name: &&&str| {
        let name = name.to_ascii_lowercase();
        [&bare, other]
            .iter()
            .any(|it| name == *it || name == format!("model{it}") || name == format!("{it}assignment"))
    };
    if let Some(kind) = kinds.iter().find(fits) {
        return Ok(kind);
    }
    let short: Vec<String> = kinds
        .iter()
        .map(|kind| {
            kind.trim_start_matches("Model")
                .trim_end_matches("Assignment")
                .to_owned()
        })
        .collect();
    let near = act::nearest(kinds, &bare).or_else(|| {
        let near = act::nearest(&short, &bare)?;
        let at = short.iter().position(|name| *name == near)?;
        Some(kinds[at].to_owned())
    });
    Err(near)
}

/// `modelry allowed-signers`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry allowed-signers > .git/allowed-signers\n  git config gpg.ssh.allowedSignersFile .git/allowed-signers\n  git log --show-signature"
)]
pub struct AllowedSignersArgs {
    #[command(flatten)]
    read: ReadArgs,
}

pub fn allowed_signers(args: &AllowedSignersArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(&args.read, global, ui, |reading| {
        let policy = reading.policy()?;
        let mut keys: Vec<(&ActorId, PublicKey)> = Vec::new();
        for (id, actor) in &policy.registry().actors {
            let parsed = actor
                .keys
                .iter()
                .filter_map(|key| PublicKey::parse(key.ssh()?).ok());
            keys.extend(parsed.filter(|key| key.weakness().is_none()).map(|key| (id, key)));
        }
        let others = policy
            .registry()
            .actors
            .values()
            .flat_map(|actor| &actor.keys)
            .filter(|key| key.openpgp().is_some())
            .count();
        if others > 0 {
            ui.note(&format!(
                "{} left out: git asks gpg's own keyring about OpenPGP signatures",
                crate::base::count(others, "OpenPGP certificate")
            ));
        }
        let good = |policy: &Policy, key: &PublicKey| {
            matches!(policy.keys.standing(&key.fingerprint()), KeyStanding::Good(_))
        };
        let mut spent: Vec<(String, Option<i64>)> = keys
            .iter()
            .filter(|(_, key)| !good(&policy, key))
            .map(|(_, key)| (key.fingerprint(), None))
            .collect();
        ends(reading, &mut spent)?;
        for (fingerprint, end) in &mut spent {
            if let Some(since) = last_believed(reading, &policy, fingerprint)? {
                *end = Some(end.map_or(since, |end| end.min(since)));
            }
        }
        let mut out = String::new();
        for (id, key) in keys {
            // Git only compares times: a spent key is valid until the commit that
            // ended it, and a revoked key until the last commit that it is trusted
            // for. `modelry validate` checks whether the signer had the right.
            let end = spent
                .iter()
                .find(|(fingerprint, _)| *fingerprint == key.fingerprint());
            let until = end
                .and_then(|(_, end)| *end)
                .and_then(|end| jiff::Timestamp::from_second(end).ok());
            let until = until.map(|until| format!(",valid-before=\"{}Z\"", until.strftime("%Y%m%d%H%M%S")));
            let namespaces = [COMMIT_NAMESPACE, RECORD_NAMESPACE, CHECKPOINT_NAMESPACE].join(",");
            let options = format!("namespaces=\"{namespaces}\"{}", until.unwrap_or_default());
            out.push_str(&format!("{id} {options} {}\n", key.to_openssh()));
        }
        ui.print(&out)?;
        Ok(Outcome::Fine)
    })
}

/// Returns the time of the last commit that a revoked key is trusted for, where its
/// revocation names one that exists. A signature of that second is valid.
fn last_believed(reading: &Reading<'_>, policy: &Policy, key: &str) -> Result<Option<i64>, Error> {
    let mut last = None;
    for revocation in &policy.registry().revoked {
        let since = revocation.since.as_ref();
        let Some(since) = since.and_then(|since| Oid::from_hex(since.as_str())) else {
            continue;
        };
        if !policy.keys.belongs_to(key, &revocation.key) {
            continue;
        }
        match history::read_commit(reading.objects, since) {
            Ok(commit) => last = commit.committer.map(|committer| committer.seconds),
            Err(Error::MissingObject { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(last)
}

/// Sets when each of these keys stopped being valid: the time of the first commit of
/// the unbroken run, up to the commit that is read, whose policy says so.
fn ends(reading: &Reading<'_>, spent: &mut [(String, Option<i64>)]) -> Result<(), Error> {
    let records = Records::new(reading.objects);
    let mut open: Vec<usize> = (0..spent.len()).collect();
    let mut at = Some(reading.commit);
    let mut last: Option<(Oid, Policy)> = None;
    while let (Some(id), false) = (at, open.is_empty()) {
        let commit = history::read_commit(reading.objects, id)?;
        let snapshot = Snapshot::at(&records, commit.tree, &reading.workspace.folder)?;
        if let Some(loaded) = snapshot.registry()?
            && last.as_ref().is_none_or(|(blob, _)| *blob != loaded.id)
        {
            last = Policy::new(loaded.clone()).map(|policy| (loaded.id, policy));
        }
        let Some((_, policy)) = &last else { break };
        open.retain(|&index| !matches!(policy.keys.standing(&spent[index].0), KeyStanding::Good(_)));
        let time = commit.committer.as_ref().map(|committer| committer.seconds);
        for &index in &open {
            spent[index].1 = time;
        }
        at = commit.parents.first().copied();
    }
    Ok(())
}

/// `modelry completions`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry completions bash > ~/.local/share/bash-completion/completions/modelry"
)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub fn completions(args: &CompletionsArgs, ui: &Ui) -> Result<Outcome, Error> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli::definition(), "modelry", &mut bytes);
    ui.print(&String::from_utf8_lossy(&bytes))?;
    Ok(Outcome::Fine)
}

/// `modelry man`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder to write to
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub fn man(args: &ManArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let folder = &global.located(&args.folder);
    let mut count = 0;
    page(
        crate::cli::definition().disable_help_subcommand(true),
        "modelry",
        folder,
        &mut count,
    )?;
    ui.say(&format!(
        "wrote {} to {}",
        crate::base::count(count, "page"),
        folder.display()
    ));
    Ok(Outcome::Fine)
}

fn page(command: clap::Command, name: &str, folder: &Path, count: &mut usize) -> Result<(), Error> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub.clone(), &format!("{name}-{}", sub.get_name()), folder, count)?;
    }
    let path = folder.join(format!("{name}.1"));
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command)
        .title(name)
        .render(&mut bytes)
        .map_err(|source| Error::Io {
            action: "write",
            path: path.clone(),
            source,
        })?;
    *count += 1;
    disk::write_file(&path, &bytes)
}
