//! Judges a push to a guarded repository: all its references as one transaction.
//!
//! The mainline's old tip is proven from the last verified point, which then moves
//! there: an earlier push was accepted with it. The new commits are judged from there
//! on, and nothing of that is stored. A push that is refused, here or later,
//! therefore leaves nothing behind.

use std::num::NonZeroUsize;

use super::judgement::Judgement;
use super::steps::{self, placed};
use crate::base::{Error, FullRef, Oid};
use crate::git::{Bounded, Budget, MOVED_MEANWHILE, Repo};
use crate::judge::finding::{Anchor, Finding, Report};
use crate::judge::history::{self, Arrival};
use crate::judge::rules;
use crate::object::CachedObjects;
use crate::record::snapshot::Records;
use crate::workspace::prove::ProveOptions;
use crate::workspace::{self, RootOf, Wanted, Workspace};

/// One reference that a push moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// Its name as the pusher gives it: nobody has checked it yet.
    pub name: String,
    /// The value that the pusher expects, or `None` for a new reference.
    pub old: Option<Oid>,
    /// The new value, or `None` for a deletion.
    pub new: Option<Oid>,
}

impl Update {
    /// Parses the updates that git passes to a hook, one on each line: old id, new
    /// id, name.
    ///
    /// # Errors
    /// A line is malformed.
    pub fn read(lines: &[u8]) -> Result<Vec<Update>, Error> {
        let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(Update::read_one).collect()
    }

    fn read_one(line: &[u8]) -> Result<Update, Error> {
        let text = String::from_utf8_lossy(line);
        let wrong = || {
            Error::msg(format!("`{text}` is no line that git gives a hook"))
                .hint("git runs this command: `modelry hook install --server` sets it up")
        };
        let mut parts = text.splitn(3, ' ');
        let mut id = || -> Result<Option<Oid>, Error> {
            let id = parts.next().and_then(Oid::from_hex).ok_or_else(wrong)?;
            Ok((!id.as_bytes().iter().all(|byte| *byte == 0)).then_some(id))
        };
        let (old, new) = (id()?, id()?);
        let name = parts.next().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
        Ok(Update {
            name: name.to_owned(),
            old,
            new,
        })
    }
}

/// Judges a push. If it is `dated`, the judgement has the dates that the steps claim.
///
/// # Errors
/// The push can't be judged, and so is refused too.
pub(super) fn judge(
    wanted: &Wanted,
    updates: &[Update],
    budget: Budget,
    dated: bool,
) -> Result<Judgement, Error> {
    let judgement = Judgement::default();
    if updates.is_empty() {
        return Ok(judgement);
    }
    let repo = Repo::open(&wanted.directory)?;
    let mainline = workspace::mainline(&repo, wanted.mainline.as_deref())?;
    let tip = repo.reference(&mainline)?;
    let short = mainline.short();
    // A symbolic reference is guarded as its target.
    let guarded = repo.real_name(mainline.as_str())?;
    let mut wrong = Vec::new();
    let mut moved = None;
    for update in updates {
        if let Some(why) = forbidden(&repo, update, &mainline) {
            wrong.push(rules::forbidden_reference(&update.name, why));
        } else if repo.real_name(&update.name)? == guarded {
            match update.new {
                None => wrong.push(rules::mainline_deleted(short, tip)),
                // Git may apply the update that was not judged.
                Some(_) if moved.is_some() => {
                    return Err(Error::msg(format!("the push moves `{short}` twice"))
                        .hint("push it once, by its own name"));
                }
                Some(new) => moved = Some((update.old, new)),
            }
        }
    }
    if let Some((old, new)) = moved {
        let outrun = || {
            Error::msg(format!("`{short}` {MOVED_MEANWHILE}"))
                .hint("fetch, and push again: `git pull --rebase`")
        };
        // The pusher's expectation is not trusted. Git compares again under its lock,
        // so a commit that lands meanwhile makes this push fail.
        if old != tip {
            return Err(outrun());
        }
        if tip != Some(new) {
            // Each pinned registry of the repository is judged.
            let folders = workspace::guarded(&repo, wanted)?;
            let one = |folder: &String| Wanted {
                path: Some(folder.clone()),
                ..wanted.clone()
            };
            let all = match folders.is_empty() {
                true => vec![wanted.clone()],
                false => folders.iter().map(one).collect(),
            };
            let mut judgement = Judgement::default();
            for one in &all {
                let repo = Repo::open(&wanted.directory)?;
                let mut workspace =
                    Workspace::at(one, repo, mainline.clone(), Some(tip.unwrap_or(new))).map_err(cut_off)?;
                let judged = match tip {
                    Some(tip) => grown(&mut workspace, tip, new, budget, dated),
                    None => created(&mut workspace, new, budget),
                };
                // After a faster push was proven, the stored point is ahead of this
                // tip, as if the mainline had been rewound.
                let is_fine = judged.as_ref().is_ok_and(|judgement| judgement.report.is_clean());
                if !is_fine && workspace.repo.reference(&workspace.mainline)? != tip {
                    return Err(outrun());
                }
                judgement.join(judged?);
            }
            let folder = folders.into_iter().next().or_else(|| wanted.path.clone());
            return add(judgement, wrong, &repo, &folder.unwrap_or_default(), tip);
        }
    }
    // Otherwise a server whose HEAD names another branch would guard nothing,
    // unnoticed.
    if tip.is_none() && wrong.is_empty() && updates.iter().any(|update| update.new.is_some()) {
        return Err(
            Error::msg(format!("the mainline here is `{short}`, and it is not there yet")).hint(format!(
                "push `{short}` first; when another branch is meant, on the server: `git config modelry.mainline NAME`"
            )),
        );
    }
    let folder = wanted.path.clone().unwrap_or_default();
    add(judgement, wrong, &repo, &folder, None)
}

/// Puts findings about references before the others.
fn add(
    mut judgement: Judgement,
    wrong: Vec<Finding<Anchor>>,
    repo: &Repo,
    folder: &str,
    tip: Option<Oid>,
) -> Result<Judgement, Error> {
    let objects = repo.objects()?;
    let wrong = placed(&objects, folder, tip, wrong)?;
    judgement.report.findings.splice(0..0, wrong);
    Ok(judgement)
}

/// Returns the reason why a reference must not be pushed.
fn forbidden(repo: &Repo, update: &Update, mainline: &FullRef) -> Option<&'static str> {
    let name = update.name.as_str();
    const REPLACE: &str = "refs/replace/";
    if name
        .get(..REPLACE.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(REPLACE))
    {
        return Some("it makes git show one object in another's place, in every clone that fetches it");
    }
    // An existing one may be deleted.
    if update.new.is_some() && mainline.is_shadowed_by(name) {
        return Some("git takes it for the mainline, or can't tell which of the two is meant");
    }
    let other_case = name != mainline.as_str() && name.eq_ignore_ascii_case(mainline.as_str());
    (other_case && repo.ignores_case())
        .then_some("on this server's disk it is the mainline by another spelling")
}

/// Judges the commits that a push adds to the mainline's tip.
fn grown(
    workspace: &mut Workspace,
    tip: Oid,
    new: Oid,
    budget: Budget,
    dated: bool,
) -> Result<Judgement, Error> {
    let objects = workspace.repo.objects()?;
    workspace
        .ensure_root(&objects, tip, RootOf::Server, false)
        .map_err(cut_off)?;
    let kept = CachedObjects::new(&objects);
    let records = Records::new(&kept);
    let how = ProveOptions {
        mainline: true,
        ..ProveOptions::default()
    };
    let proof = workspace.prove(&kept, &records, tip, how)?;
    let proven = (proof.policy, proof.report);

    // Other threads would read outside the budget.
    workspace.threads = NonZeroUsize::MIN;
    let bounded = Bounded::new(workspace.repo.objects()?, budget);
    let kept = CachedObjects::new(&bounded);
    let records = Records::new(&kept);
    let Some(commits) = history::chain_if(&kept, tip, new).map_err(cut_off)? else {
        let name = workspace.mainline_name();
        let finding = match history::reaches(&kept, new, tip).map_err(cut_off)? {
            true => rules::inverted_mainline(&format!("the tip of `{name}`"), tip, new),
            false => rules::rewound_mainline(name, tip, new),
        };
        let report = Report {
            findings: placed(&kept, &workspace.folder, Some(tip), vec![finding])?,
            ..Report::default()
        };
        return Ok(Judgement::of(report));
    };
    let mut judgement = steps::onwards(workspace, &records, proven, tip, &commits, false).map_err(cut_off)?;
    if dated {
        judgement.onto = Some(tip);
        judgement.claims = history::claims(&records, &workspace.folder, tip, &commits).map_err(cut_off)?;
    }
    Ok(judgement)
}

/// Judges a new mainline from the pinned root.
fn created(workspace: &mut Workspace, new: Oid, budget: Budget) -> Result<Judgement, Error> {
    workspace
        .ensure_root(&workspace.repo.objects()?, new, RootOf::Server, false)
        .map_err(cut_off)?;
    // Other threads would read outside the budget.
    workspace.threads = NonZeroUsize::MIN;
    let bounded = Bounded::new(workspace.repo.objects()?, budget);
    let kept = CachedObjects::new(&bounded);
    let records = Records::new(&kept);
    // The proof starts at the root, and an earlier mainline must still be part of
    // this one.
    let how = ProveOptions {
        mainline: true,
        audit: true,
        ..ProveOptions::default()
    };
    let mut arrival = Arrival::default();
    let mut report = workspace
        .prove_watched(&kept, &records, new, how, |_, _, step| arrival.add(step))
        .map_err(cut_off)?
        .report;
    arrival.settle(&mut report);
    for finding in &mut report.findings {
        finding.step = None;
    }
    Ok(Judgement::of(report))
}

/// Adds to an error what a pusher can do about missing objects.
fn cut_off(error: Error) -> Error {
    match error {
        Error::MissingObject { id, kind } => Error::Incomplete {
            what: format!("the push lacks {} {id}", kind.as_str()),
            hints: vec![
                "push from a whole clone: `git fetch --unshallow`, or `git fetch --refetch --no-filter`"
                    .into(),
            ],
        },
        error => error,
    }
}
