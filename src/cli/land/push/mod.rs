//! A change that lands on a remote's branch: fetched, judged, made on what was
//! fetched, pushed if the branch still stands there, and made anew when
//! somebody was faster. The clone's own branch follows afterwards; until then
//! nothing of it has moved.
//!
//! When the answer to a push is lost, the commit is looked for on the remote,
//! and not made a second time: of several tries with one base the remote takes
//! only the first, and each later look finds it.

mod crowd;
mod ending;
mod road;
mod survey;

use std::rc::Rc;
use std::time::Duration;

use self::crowd::crowd;
use self::ending::{found, landed, lost};
use self::road::Road;
use self::survey::{Ground, Survey, Unknown, survey};
use super::super::Ui;
use super::commit::Signed;
use super::outcome::{Destination, Landing, Refused};
use super::patience::Patience;
use super::prepare::{Prepared, prepare};
use super::preview::Existing;
use super::reserve::Reserve;
use super::run::Run;
use super::short;
use crate::base::{Error, Oid, shell_word};
use crate::git::{Pushed, may_pass};
use crate::judge::history;
use crate::record::kind::RecordPath;
use crate::record::snapshot::{Records, Snapshot};
use crate::report::{self, paint};

/// How long to start over, unless somebody says so.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often in a row a push may break off without the commit being there
/// afterwards: a remote that can be read and not written does that each time.
const BREAKS: usize = 4;

/// Lands the change on the remote.
///
/// # Errors
/// When it can't be done; the clone's branch is as it was then.
pub(super) fn land(run: &Run<'_>) -> Result<Landing, Error> {
    let Run {
        workspace, args, ui, ..
    } = *run;
    let repo = &workspace.repo;
    let road = Road::choose(run)?;
    repo.share_connection(&road.remote)?;
    let mut patience = Patience::of(args.patience.unwrap_or(PATIENCE));
    let mut ready: Option<Rc<Signed>> = None;
    let mut unknown: Vec<Unknown> = Vec::new();
    let mut broken = 0;
    let mut tries = 0;
    let mut is_told = false;
    let mut has_let_by = false;
    loop {
        let ground = match survey(run, &road, &unknown)? {
            Survey::Ground(ground) => ground,
            Survey::There(there) => {
                if !gives_way(run, &road, &there.signed)? {
                    return found(run, &road, there, tries);
                }
                unknown.clear();
                continue;
            }
            Survey::Faulty(base) => return Ok(Landing::Refused(Refused::Faulty(base))),
            // At first it is for the user to see to a remote, unless it may only
            // be starting; later it was there a moment ago.
            Survey::Away(error) if tries == 0 && !may_pass(&error.to_string()) => return Err(error),
            Survey::Away(error) if patience.without_answer() => {
                if tries == 0 && !is_told {
                    ui.note(&format!("trying again, while patience lasts: {error}"));
                    is_told = true;
                }
                continue;
            }
            Survey::Away(error) => {
                return Err(match unknown.last() {
                    Some(unknown) => lost(&road, unknown, &error.to_string()),
                    None => error,
                });
            }
        };
        if !has_let_by
            && !args.dry_run
            && road.named.is_some()
            && let Some(tip) = ground.expected
            && let Some(crowd) = crowd(run, tip)
            && let Some(wait) = patience.turn(crowd.time)
        {
            has_let_by = true;
            ui.note(&format!(
                "`{}` of `{}` took changes from {} others in the last seconds: waiting up to {} s, so that they can finish",
                road.named.as_deref().map_or("", short),
                road.remote,
                crowd.others,
                wait.as_secs() + 1,
            ));
            patience.sleep(wait);
            continue;
        }
        // What broke off is sent again as it is: one commit, however often.
        let is_free = run.job.reserve.is_none_or(Reserve::is_free);
        let fits = |signed: &Rc<Signed>| signed.base == ground.target.base && is_free;
        let signed = match ready.take().filter(fits) {
            Some(signed) => signed,
            // Where others land, the remote can be written.
            None => match prepare(run, &ground.target).map_err(|error| with_along(error, &ground))? {
                Prepared::Signed(signed) => {
                    broken = 0;
                    Rc::new(*signed)
                }
                Prepared::Existing(there) => {
                    is_there(run, &road, &ground, &there)?;
                    return Ok(Landing::Existing(there));
                }
                Prepared::Refused(refused) => return Ok(Landing::Refused(refused)),
                Prepared::Dry(made) => {
                    let to = Destination {
                        remote: road.remote.clone(),
                        branch: short(&road.reference(run, &made, None)).to_owned(),
                        onto: ground.target.base,
                    };
                    note_along(ground.along, &to.branch, ui);
                    return Ok(Landing::Dry(made, Some(to)));
                }
            },
        };
        tries += 1;
        let reference = road.reference(run, &signed.made, Some(signed.commit));
        match repo.push(&road.remote, signed.commit, &reference, ground.expected)? {
            Pushed::Landed => {
                note_along(ground.along, short(&reference), ui);
                if !gives_way(run, &road, &signed)? {
                    return landed(run, &road, signed, &reference, tries);
                }
                unknown.clear();
            }
            Pushed::Raced(why) => {
                if ground.expected.is_none() {
                    has_room(run, &road, &reference)?;
                }
                // A number that is taken is not tried again.
                ready = road.named.is_some().then_some(signed);
                if !patience.after_race() {
                    return Err(Error::msg(format!(
                        "others push to `{}` of `{}` faster than this command can follow ({tries} times; the last time: {why}); nothing landed",
                        short(&reference),
                        road.remote,
                    ))
                    .hint("run it again with more time: `--patience 5m`, or propose it: `--pr`"));
                }
            }
            Pushed::Refused { why, said } => {
                for line in &said {
                    let line = report::clean(line);
                    ui.say(&format!("{} {line}", paint("remote:", "1;33", &ui.side)));
                }
                return Err(Error::msg(format!(
                    "`{}` refused the push to `{}`: {why}; nothing landed",
                    road.remote,
                    short(&reference)
                ))
                .hint(match said.is_empty() {
                    true => "the branch may be protected there: propose the change with `--pr`",
                    false => "do what the remote says, and run the command again",
                }));
            }
            Pushed::Broken(why) => {
                unknown.push(Unknown {
                    signed: signed.clone(),
                    reference,
                });
                ready = Some(signed);
                broken += 1;
                if broken < BREAKS && patience.without_answer() {
                    continue;
                }
                // A last look before it is given up.
                if let Ok(Survey::There(there)) = survey(run, &road, &unknown) {
                    return found(run, &road, there, tries);
                }
                return Err(match unknown.last() {
                    Some(unknown) => lost(&road, unknown, &why),
                    None => Error::msg(why),
                });
            }
        }
    }
}

/// Refuses a branch that can't be made, however often it is tried: a branch of
/// the remote is called as one of the folders that it would be in.
fn has_room(run: &Run<'_>, road: &Road, reference: &str) -> Result<(), Error> {
    let mut at = reference;
    while let Some((folder, _)) = at.rsplit_once('/')
        && folder.starts_with("refs/heads/")
    {
        if run.workspace.repo.remote_tip(&road.remote, folder)?.is_some() {
            let told = format!(
                "`{}` has a branch `{}`, so it can have none called `{}`; nothing landed",
                road.remote,
                short(folder),
                short(reference)
            );
            return Err(
                Error::msg(told).hint("have that one renamed there, or name another branch: `--branch NAME`")
            );
        }
        at = folder;
    }
    Ok(())
}

/// Whether a number was reserved that landed meanwhile; another is taken then.
fn gives_way(run: &Run<'_>, road: &Road, signed: &Signed) -> Result<bool, Error> {
    match run.job.reserve.filter(|_| road.named.is_none()) {
        Some(reserve) => reserve.gives_way(run, &road.remote, &road.mainline, signed),
        None => Ok(false),
    }
}

/// Refuses to call done what holds it already in this clone alone.
fn is_there(run: &Run<'_>, road: &Road, ground: &Ground, existing: &Existing) -> Result<(), Error> {
    // A branch of the remote proposes it.
    if existing.facts.contains_key("branch") {
        return Ok(());
    }
    let Run { workspace, .. } = *run;
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let at = |commit: Oid| {
        let tree = history::read_commit(&objects, commit)?.tree;
        Snapshot::at(&records, tree, &workspace.folder)
    };
    let here = at(ground.target.base)?;
    let there = ground.target.remote.map(at).transpose()?;
    // A version is the same whatever notes it has got since.
    let holds = |snapshot: &Snapshot<'_>, record: &RecordPath| {
        let found = snapshot.read(record)?;
        let status = found.as_ref().filter(|_| !existing.is_exact);
        let status = status.and_then(|it| Some(it.version()?.status));
        Ok::<_, Error>(found.map(|it| (status, status.is_none().then_some(it.id))))
    };
    let mut lacking = None;
    for record in &existing.records {
        let lands = match &there {
            Some(there) => holds(there, record)? == holds(&here, record)?,
            None => false,
        };
        if !lands {
            lacking = Some(record);
            break;
        }
    }
    let Some(record) = lacking else { return Ok(()) };
    let to = road.named.as_deref().unwrap_or(&road.mainline);
    let push = match road.local.as_deref() {
        Some(local) if local != to => format!("{}:{}", short(local), short(to)),
        _ => short(to).to_owned(),
    };
    Err(Error::msg(format!(
        "{}, but in this clone alone: `{}` of `{}` lacks `{record}`",
        existing.words(),
        short(to),
        road.remote
    ))
    .hint(format!(
        "push what is here: `git push {} {}`",
        shell_word(&road.remote),
        shell_word(&push)
    )))
}

/// The error, with what is not pushed yet: what is refused may be done in it.
fn with_along(error: Error, ground: &Ground) -> Error {
    match ground.along {
        0 => error,
        along => error.hint(format!(
            "it builds on {} of this clone that the remote lacks: when what you want is there, `git push`",
            crate::base::count(along, "commit")
        )),
    }
}

fn note_along(along: usize, branch: &str, ui: &Ui) {
    if along > 0 {
        ui.note(&format!(
            "{} of this clone that `{branch}` lacked there: judged, and pushed along",
            crate::base::count(along, "commit")
        ));
    }
}
