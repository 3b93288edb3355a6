//! `schema`, `allowed-signers`, `completions`, `man`: what is made from the
//! program itself, or from the policy, for other programs.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

use super::reading::Reading;
use super::{Global, Outcome, Ui};
use crate::error::Error;
use crate::model::Kind;
use crate::render;
use crate::verify::PublicKey;
use crate::{act, disk, schema};

/// `modelry schema`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry schema ModelVersion > model-version.schema.json")]
pub struct SchemaArgs {
    /// A kind of record, or `report` for the JSON form of findings [default: list the kinds]
    kind: Option<String>,
}

pub fn schema(args: &SchemaArgs, ui: &Ui) -> Result<Outcome, Error> {
    let kinds: Vec<&str> = Kind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .chain(["report"])
        .collect();
    let Some(wanted) = &args.kind else {
        ui.print(&format!("{}\n", kinds.join("\n")))?;
        return Ok(Outcome::Fine);
    };
    let same = |name: &str| name.eq_ignore_ascii_case(&wanted.replace(['-', '_'], ""));
    if same("report") {
        ui.json(&render::schema())?;
        return Ok(Outcome::Fine);
    }
    match Kind::ALL.iter().find(|kind| same(kind.as_str())) {
        Some(kind) => ui.json(schema::schema(*kind))?,
        None => {
            let error = Error::told(format!("there is no kind `{wanted}`"));
            return Err(match act::nearest(&kinds, wanted) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error.hint(format!("the kinds are {}", kinds.join(", "))),
            });
        }
    }
    Ok(Outcome::Fine)
}

/// `modelry allowed-signers`
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  modelry allowed-signers > .git/allowed-signers\n  git config gpg.ssh.allowedSignersFile .git/allowed-signers\n  git log --show-signature"
)]
pub struct AllowedSignersArgs {
    /// As they were at this commit, or on this day
    #[arg(long, value_name = "REV|DATE")]
    at: Option<String>,
}

pub fn allowed_signers(args: &AllowedSignersArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    Reading::with(args.at.as_deref(), global, |reading| {
        let policy = reading.policy()?;
        let mut out = String::new();
        for (id, actor) in &policy.registry().actors {
            for line in actor.keys.iter().filter_map(|key| key.ssh()) {
                let Ok(key) = PublicKey::parse(line) else { continue };
                // Git asks only whether the key signed; that it had the right
                // to is for `modelry validate`. A revoked key is left out.
                if policy.keys.is_revoked(&key.fingerprint()) || key.weakness().is_some() {
                    continue;
                }
                out.push_str(&format!("{id} namespaces=\"git,modelry\" {}\n", key.to_openssh()));
            }
        }
        ui.print(&out)?;
        Ok(Outcome::Fine)
    })
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
    clap_complete::generate(args.shell, &mut super::definition(), "modelry", &mut bytes);
    ui.print(&String::from_utf8_lossy(&bytes))?;
    Ok(Outcome::Fine)
}

/// `modelry man`
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  modelry man ~/.local/share/man/man1")]
pub struct ManArgs {
    /// The folder
    directory: PathBuf,
}

pub fn man(args: &ManArgs, ui: &Ui) -> Result<Outcome, Error> {
    let mut count = 0;
    page(
        super::definition().disable_help_subcommand(true),
        "modelry",
        args,
        &mut count,
    )?;
    ui.say(&format!(
        "wrote {} to {}",
        render::count(count, "page"),
        args.directory.display()
    ));
    Ok(Outcome::Fine)
}

fn page(command: clap::Command, name: &str, args: &ManArgs, count: &mut usize) -> Result<(), Error> {
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        page(sub.clone(), &format!("{name}-{}", sub.get_name()), args, count)?;
    }
    let path = args.directory.join(format!("{name}.1"));
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
