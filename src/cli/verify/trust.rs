//! `modelry trust`

use clap::Args;
use serde_json::json;

use crate::base::Error;
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::cli::output::Outcome;
use crate::cli::read::at::FetchArgs;
use crate::judge::history;
use crate::object;
use crate::record::kind::REGISTRY_FILE;
use crate::report::event::WriteResult;
use crate::workspace::{Pin, PinnedBy};

/// `modelry trust`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelry trust                     # show the root\n  modelry trust 5e1f…:models        # pin it in this clone"
)]
pub struct TrustArgs {
    /// The root's full id, followed by `:FOLDER` when the registry is not at the top
    #[arg(id = "pin", value_name = "OID[:FOLDER]")]
    pub(in crate::cli) root: Option<String>,
    #[command(flatten)]
    fetch: FetchArgs,
}

pub fn run(args: &TrustArgs, global: &Global, ui: &Ui) -> Result<Outcome, Error> {
    let mut wanted = global.wanted();
    if let Some(root) = &args.root {
        wanted.root = Some(root.clone());
        wanted.repins = true;
    }
    let workspace = args.fetch.open_as(&wanted, ui)?;
    let objects = workspace.repo.objects()?;
    let tip = workspace.tip()?;
    let found = history::find_root(&objects, &workspace.folder, tip)?;
    let pin = |root: crate::base::Oid| workspace.pin(root).to_string();
    if args.root.is_some() {
        let root = workspace.root.unwrap_or(found);
        let on_it = history::chain(&objects, Some(root), tip).is_ok();
        if !on_it {
            return Err(Error::msg(format!("{} is not among the first parents of `{}`", root.short(), workspace.mainline_name()))
                .hint("is it the mainline? name it with `--mainline`; or fetch the whole history: `git fetch --unshallow`"));
        }
        let tree = history::read_commit(&objects, root)?.tree;
        if object::lookup(&objects, tree, &workspace.from_top(REGISTRY_FILE))?.is_none() {
            return Err(Error::msg(format!(
                "{} holds no `{}`",
                root.short(),
                workspace.from_top(REGISTRY_FILE)
            ))
            .hint("`modelry trust` shows the root"));
        }
        let wanted = workspace.pin(root);
        let is_existing = Pin::all(&workspace.repo)?.iter().any(|(pin, _)| *pin == wanted);
        wanted.keep(&workspace.repo)?;
        if ui.is_json() {
            let mut value = WriteResult::of_clone("root pinned", is_existing).to_value();
            value["root"] = json!(pin(root));
            value["pinned"] = json!(true);
            ui.json(&value)?;
        } else {
            ui.print(&format!("Pinned {} as the root of this clone.\n", pin(root)))?;
        }
        return Ok(Outcome::Fine);
    }
    let root = workspace.root.unwrap_or(found);
    let pinned = workspace.root.is_some();
    if ui.is_json() {
        ui.json(&json!({"root": pin(root), "pinned": pinned, "pinnedBy": workspace.pinned_by.map(PinnedBy::as_str), "mainline": workspace.mainline_name()}))?;
        return Ok(Outcome::Fine);
    }
    let commit = history::read_commit(&objects, root)?;
    let by = commit
        .committer
        .as_ref()
        .map_or_else(String::new, |who| format!("{} <{}>", who.name, who.email));
    let words = if let Some(by) = workspace.pinned_by {
        format!("It is pinned by {}.", by.words())
    } else {
        format!(
            "It is not pinned: compare it with what an administrator tells you by another way, then\n  modelry trust {}",
            pin(root)
        )
    };
    ui.print(&format!(
        "root     {}\nsubject  {}\nby       {} (as the commit claims)\n\n{words}\n",
        pin(root),
        crate::report::clean(commit.subject()),
        crate::report::clean(&by)
    ))?;
    Ok(Outcome::Fine)
}
