//! `modelry validate --onto`: a pull request, as each way of landing would
//! leave it.

use clap::ValueEnum;

use super::validate::ValidateArgs;
use crate::base::{Error, Oid};
use crate::cli::Ui;
use crate::cli::args::Global;
use crate::judge::finding::Report;
use crate::judge::history::{self, Landings, Onto, Past, Replay};
use crate::object::{CachedObjects, Objects, Overlay};
use crate::record::change;
use crate::record::kind::Landing;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::summary::{self, Ask, Summary};
use crate::report::{self, Page};
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::prove::How;

/// The ways of landing, as the command line spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Way {
    /// A merge commit of both sides
    Merge,
    /// One commit with all that the branch changes
    Squash,
    /// Each commit of the branch made anew
    Rebase,
}

impl From<Way> for Landing {
    fn from(way: Way) -> Landing {
        match way {
            Way::Merge => Landing::Merge,
            Way::Squash => Landing::Squash,
            Way::Rebase => Landing::Rebase,
        }
    }
}

/// The registry; in a checkout that is on no branch, as CI makes it, the branch
/// to land on says which is the mainline.
fn workspace(base: &str, args: &ValidateArgs, global: &Global, ui: &Ui) -> Result<Workspace, Error> {
    let first = match args.fetch.open(global, ui) {
        Ok(workspace) => return Ok(workspace),
        Err(error) => error,
    };
    let mut wanted = global.wanted();
    if wanted.mainline.is_none()
        && let Ok(repo) = crate::git::Repo::open(&wanted.directory)
        && let Some(name) = repo.full_name(base)
    {
        wanted.mainline = Some(name);
        return args.fetch.open_as(&wanted, ui);
    }
    Err(first)
}

/// Judges `tip` as it would land on `args.onto`.
///
/// # Errors
/// When something can't be read, or there is nothing to land.
pub fn judge(args: &ValidateArgs, tip: &str, global: &Global, ui: &Ui) -> Result<Report, Error> {
    let onto = args.onto.as_deref().unwrap_or_default();
    let workspace = workspace(onto, args, global, ui)?;
    let base = workspace.resolve(onto)?;
    let tip = workspace.resolve(tip)?;
    landing(args, &workspace, base, tip, global, ui).map_err(|error| workspace.incomplete(error))
}

/// Judges `tip` as it would land on `base`.
///
/// # Errors
/// As [`judge`].
pub(crate) fn landing(
    args: &ValidateArgs,
    workspace: &Workspace,
    base: Oid,
    tip: Oid,
    global: &Global,
    ui: &Ui,
) -> Result<Report, Error> {
    let objects = workspace.repo.objects()?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let (policy, faulty) = proven(args, workspace, &records, base, ui)?;
    let ways: Vec<Landing> = match args.landing {
        Some(way) => vec![way.into()],
        None => policy.landing().to_vec(),
    };
    let ask = Onto {
        folder: &workspace.folder,
        policy: &policy,
        mainline: workspace.mainline_name(),
        base,
        tip,
        ways: &ways,
        before: &faulty,
        merge_text: &crate::git::merge_text,
    };
    let landings = history::onto(&kept, &ask)?;
    tell_of_base(&landings, base, ui);
    let report = landings.report;
    if let Some(path) = &args.summary {
        let text = summary(&kept, &ask, &report)?;
        ui.file(&global.located(path), &text)?;
    }
    if report.checked.changes == 0 && report.is_clean() && ui.output == crate::cli::Output::Human {
        ui.note("nothing of the registry would change");
    }
    Ok(report)
}

/// The policy that is in force at `base`, and what is wrong on the way there.
pub(crate) fn proven(
    args: &ValidateArgs,
    workspace: &Workspace,
    records: &Records<'_>,
    base: Oid,
    ui: &Ui,
) -> Result<(Policy, Report), Error> {
    if args.trust_base {
        ui.note("the history that it would land on was not proven (--trust-base)");
        let given = Replay::after(records, &workspace.folder, base)?.policy;
        let policy = given.ok_or_else(|| Error::told("no policy is in force there"))?;
        return Ok((policy, Report::default()));
    }
    let how = How {
        mainline: workspace.repo.reference(&workspace.mainline)? == Some(base),
        replay: args.replay,
        ..How::default()
    };
    let proof = workspace.prove(records.objects(), records, base, how)?;
    if !proof.pinned {
        ui.note(&format!(
            "the root {} is not pinned in this clone, and was taken on trust: `modelry trust`",
            proof.root.short()
        ));
    }
    Ok((proof.policy, proof.report))
}

/// What the branch means, for the person who must decide.
fn summary(objects: &dyn Objects, ask: &Onto<'_>, report: &Report) -> Result<String, Error> {
    let (summary, caution) = meaning(objects, ask)?;
    let (from, to) = (ask.base.short().to_string(), ask.tip.short().to_string());
    Ok(report::summary_markdown(&Page {
        summary: &summary,
        report: Some(report),
        folder: ask.folder,
        range: (&from, &to),
        caution: caution.as_deref(),
    }))
}

/// Summarises a branch where it would land; with a caution where it is in conflict.
pub(crate) fn meaning(objects: &dyn Objects, ask: &Onto<'_>) -> Result<(Summary, Option<String>), Error> {
    let overlay = Overlay::new(objects);
    let records = Records::new(&overlay);
    let outlook = history::outlook(&overlay, ask)?;
    let at = |tree| Snapshot::at(&records, tree, ask.folder);
    let (prior, next) = (at(outlook.before)?, at(outlook.after)?);
    let mut changes = change::diff(&prior, &next)?.changes;
    let trees = (Some(outlook.before), Some(outlook.after));
    let protected = history::protected_changes(&overlay, ask.policy, ask.folder, trees)?;
    changes.extend(protected);
    let past = Past::new(&overlay, ask.folder, Some(ask.base));
    let proposed = Past::new(&overlay, ask.folder, Some(ask.tip));
    let summary = summary::summarise(&Ask {
        policy: Some(ask.policy),
        prior,
        next,
        changes: &changes,
        outside: &past,
        proposed: &proposed,
    })?;
    let caution = outlook.in_conflict.then(|| {
        format!(
            "The branch is in conflict with {}: this tells what it changes by itself.",
            ask.base.short()
        )
    });
    Ok((summary, caution))
}

/// Says what of the mainline stops the branch, and how much of it does not.
fn tell_of_base(landings: &Landings, base: Oid, ui: &Ui) {
    if landings.stopped > 0 {
        ui.note(&format!(
            "the history at {} is faulty: what lands on it would build on that",
            base.short()
        ));
    }
    if landings.elsewhere > 0 {
        ui.note(&format!(
            "{} in other groups of the mainline: `modelry audit` tells more",
            crate::base::count(landings.elsewhere, "finding")
        ));
    }
}
