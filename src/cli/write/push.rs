//! A change that lands on a remote's branch: fetched, judged, made on what was
//! fetched, pushed if the branch still stands there, and made anew when
//! somebody was faster. The clone's own branch follows afterwards; until then
//! nothing of it has moved.
//!
//! When the answer to a push is lost, the commit is looked for on the remote,
//! and not made a second time: of several tries with one base the remote takes
//! only the first, and each later look finds it.

use std::rc::Rc;
use std::time::Duration;

use super::super::wait::branch as remote_mainline;
use super::super::{Outcome, Ui};
use super::make::Made;
use super::patience::Patience;
use super::prepare::{Prepared, Run, Signed, prepare, prove};
use super::request::{self, Page};
use super::reserve::Reserve;
use super::tell::{done, dry_run, propose};
use super::{Target, short};
use crate::error::{Error, shell_word};
use crate::git::{AdvanceError, Head, Pushed, may_pass};
use crate::history;
use crate::raw::Oid;
use crate::render::{self, paint};

/// How long to start over, unless somebody says so.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often in a row a push may break off without the commit being there
/// afterwards: a remote that can be read and not written does that each time.
const BREAKS: usize = 4;

/// Where a dry run would have landed.
pub(super) struct Destination {
    pub remote: String,
    pub branch: String,
    pub onto: Oid,
}

/// Where it landed.
pub(super) struct Sent {
    pub remote: String,
    pub tries: usize,
    /// The pull request, or the page that opens one.
    pub page: Option<Page>,
}

/// Which way it goes.
struct Road {
    remote: String,
    /// The mainline's full name on the remote.
    mainline: String,
    /// The branch's full name on the remote; none when the change names it.
    named: Option<String>,
    /// The branch of this clone that follows.
    local: Option<String>,
}

impl Road {
    fn choose(run: &Run<'_>) -> Result<Road, Error> {
        let repo = &run.workspace.repo;
        let own_mainline = remote_mainline(run.workspace);
        let (_, mainline) = repo.push_place(&own_mainline)?;
        let wanted = run.args.branch.as_ref().map(|name| match name {
            name if name.starts_with("refs/") => name.clone(),
            name => format!("refs/heads/{name}"),
        });
        if run.args.pr {
            let local = wanted;
            let (remote, named) = match &local {
                Some(local) => {
                    let (remote, named) = repo.push_place(local)?;
                    (remote, Some(named))
                }
                None => (repo.push_place(&own_mainline)?.0, None),
            };
            if named.as_ref() == Some(&mainline) {
                return Err(Error::told(
                    "a pull request needs a branch of its own, and this is the mainline",
                )
                .hint("leave `--branch` away, or push to the mainline with `--push`"));
            }
            return Ok(Road {
                remote,
                mainline,
                named,
                local,
            });
        }
        let local = match wanted {
            Some(local) => local,
            None => match repo.head()? {
                Head::Branch { name, .. } => name,
                // As a pipeline checks out: what it means is the mainline.
                Head::Detached(_) => own_mainline,
            },
        };
        let (remote, named) = repo.push_place(&local)?;
        Ok(Road {
            remote,
            mainline,
            named: Some(named),
            local: Some(local),
        })
    }

    /// Whether the mainline itself is pushed to.
    fn is_mainline(&self) -> bool {
        self.named.as_ref() == Some(&self.mainline)
    }

    /// The pull request from a branch.
    fn as_request<'a>(&'a self, reference: &'a str) -> request::Request<'a> {
        request::Request {
            remote: &self.remote,
            branch: short(reference),
            mainline: short(&self.mainline),
        }
    }

    /// The branch's full name on the remote.
    fn reference(&self, run: &Run<'_>, made: &Made, commit: Option<Oid>) -> String {
        if let Some(named) = &self.named {
            return named.clone();
        }
        if let Some(reserve) = run.job.reserve
            && let Some(number) = reserve.number.get()
        {
            return reserve.branch(number);
        }
        let id = commit.map_or_else(|| "ID".to_owned(), |commit| commit.short().to_string());
        format!("refs/heads/modelry/{}-{id}", request::slug(made.subject()))
    }
}

/// What the remote showed, and what to build on there.
struct Ground {
    target: Target,
    /// Where the branch stands on the remote; none when it is not there.
    expected: Option<Oid>,
    /// Commits of the clone's own branch that go along.
    along: usize,
}

/// What a look at the remote says.
enum Survey {
    Ground(Box<Ground>),
    /// A commit that was pushed without an answer is there.
    There(Unknown),
    /// What is there can't be built on, which was said.
    Faulty(Outcome),
    /// It did not answer.
    Away(Error),
}

/// A commit that was pushed without an answer.
#[derive(Clone)]
struct Unknown {
    signed: Rc<Signed>,
    reference: String,
}

/// Lands the change on the remote.
///
/// # Errors
/// When it can't be done; the clone's branch is as it was then.
pub(super) fn land(run: &Run<'_>) -> Result<Outcome, Error> {
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
    loop {
        let ground = match survey(run, &road, &unknown)? {
            Survey::Ground(ground) => ground,
            Survey::There(there) => {
                if !gives_way(run, &road, &there.signed)? {
                    return found(run, &road, &there, tries);
                }
                unknown.clear();
                continue;
            }
            Survey::Faulty(outcome) => return Ok(outcome),
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
                Prepared::Over(outcome) => return Ok(outcome),
                Prepared::Dry(made) => {
                    let to = Destination {
                        remote: road.remote.clone(),
                        branch: short(&road.reference(run, &made, None)).to_owned(),
                        onto: ground.target.base,
                    };
                    note_along(ground.along, &to.branch, ui);
                    return dry_run(&made, Some(&to), ui);
                }
            },
        };
        tries += 1;
        let reference = road.reference(run, &signed.made, Some(signed.commit));
        match repo.push(&road.remote, signed.commit, &reference, ground.expected)? {
            Pushed::Landed => {
                note_along(ground.along, short(&reference), ui);
                if !gives_way(run, &road, &signed)? {
                    return landed(run, &road, &signed, &reference, tries);
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
                    return Err(Error::told(format!(
                        "others push to `{}` of `{}` faster than this command can follow ({tries} times; the last time: {why}); nothing landed",
                        short(&reference),
                        road.remote,
                    ))
                    .hint("run it again with more time: `--patience 5m`, or propose it: `--pr`"));
                }
            }
            Pushed::Refused { why, said } => {
                for line in &said {
                    let line = render::clean(line);
                    ui.say(&format!("{} {line}", paint("remote:", "1;33", &ui.side)));
                }
                return Err(Error::told(format!(
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
                    return found(run, &road, &there, tries);
                }
                return Err(match unknown.last() {
                    Some(unknown) => lost(&road, unknown, &why),
                    None => Error::told(why),
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
            return Err(Error::told(told)
                .hint("have that one renamed there, or name another branch: `--branch NAME`"));
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

/// What the remote answered.
struct Look {
    /// Where the branch stands; none when it is not there.
    tip: Option<Oid>,
    /// Where the mainline stands, when there is no such branch anywhere.
    mainline: Option<Oid>,
    /// A commit that was pushed to a branch of its own, and is there.
    there: Option<Unknown>,
}

/// Looks at the remote.
fn look(run: &Run<'_>, road: &Road, unknown: &[Unknown], is_here: bool) -> Result<Look, Error> {
    let repo = &run.workspace.repo;
    let mut look = Look {
        tip: None,
        mainline: None,
        there: None,
    };
    if road.named.is_none() {
        for sent in unknown {
            if repo.remote_tip(&road.remote, &sent.reference)? == Some(sent.signed.commit) {
                look.there = Some(sent.clone());
                return Ok(look);
            }
        }
    }
    if let Some(reserve) = run.job.reserve {
        reserve.look(run, &road.remote, road.named.as_deref())?;
    }
    if let Some(named) = &road.named {
        look.tip = repo.fetch_tip(&road.remote, named)?;
    }
    if look.tip.is_none() && !is_here {
        look.mainline = repo.fetch_tip(&road.remote, &road.mainline)?;
    }
    Ok(look)
}

/// Looks at the remote, and says what to do with what is there.
fn survey(run: &Run<'_>, road: &Road, unknown: &[Unknown]) -> Result<Survey, Error> {
    let repo = &run.workspace.repo;
    let local = match &road.local {
        Some(local) => repo.reference(local)?,
        None => None,
    };
    let look = match look(run, road, unknown, local.is_some()) {
        Ok(look) => look,
        Err(error) => return Ok(Survey::Away(error)),
    };
    if let Some(there) = look.there {
        return Ok(Survey::There(there));
    }
    if let Some(tip) = look.tip {
        let objects = repo.objects()?;
        for sent in unknown {
            // Down to what it was made on, and no further.
            let since = history::chain_if(&objects, sent.signed.base, tip)?;
            if since.is_some_and(|commits| commits.iter().any(|commit| commit.id == sent.signed.commit)) {
                return Ok(Survey::There(sent.clone()));
            }
        }
    }
    let (base, along, on_mainline) = match (look.tip, local, look.mainline) {
        (Some(tip), local, _) => match own_commits(run, road, local, tip)? {
            Ok((base, along)) => (base, along, road.is_mainline()),
            Err(outcome) => return Ok(Survey::Faulty(outcome)),
        },
        // The branch is new there.
        (None, Some(local), _) => (local, 0, road.is_mainline()),
        (None, None, Some(mainline)) => (mainline, 0, true),
        (None, None, None) => {
            return Err(Error::told(format!(
                "`{}` has no branch `{}`",
                road.remote,
                short(&road.mainline)
            ))
            .hint("name the mainline with `--mainline`, or push it first: `git push`"));
        }
    };
    let remote = look.tip.or(look.mainline);
    let target = target(run, road, (base, remote), on_mainline)?;
    Ok(Survey::Ground(Box::new(Ground {
        target,
        expected: look.tip,
        along,
    })))
}

/// To build on `base`; `remote` is where the remote's branch stands.
fn target(
    run: &Run<'_>,
    road: &Road,
    (base, remote): (Oid, Option<Oid>),
    on_mainline: bool,
) -> Result<Target, Error> {
    Ok(Target {
        branch: road.local.clone().unwrap_or_default(),
        tip: None,
        base,
        is_mainline: road.is_mainline(),
        on_mainline,
        is_here: run.workspace.repo.reference(&run.workspace.mainline)? == Some(base),
        remote,
        follows: false,
    })
}

/// What to build on where the clone has the branch too: the remote's tip, or
/// the clone's own when that is ahead, with how many commits go along.
fn own_commits(
    run: &Run<'_>,
    road: &Road,
    local: Option<Oid>,
    tip: Oid,
) -> Result<Result<(Oid, usize), Outcome>, Error> {
    let Some(local) = local.filter(|local| *local != tip) else {
        return Ok(Ok((tip, 0)));
    };
    let repo = &run.workspace.repo;
    let name = short(road.named.as_deref().unwrap_or_default());
    let objects = repo.objects()?;
    match repo.ahead_behind(local, tip)? {
        (0, _) => Ok(Ok((tip, 0))),
        (along, 0) => {
            if history::chain_if(&objects, tip, local)?.is_none() {
                return Err(Error::told(format!(
                    "`{name}` of `{}` was merged into your branch, so it would become a side of it",
                    road.remote
                ))
                .hint(format!(
                    "merge the other way round: your branch into `{name}` of `{}`",
                    road.remote
                )));
            }
            Ok(Ok((local, along)))
        }
        (along, behind) => {
            // When the remote's history was rewritten, that is what matters.
            let noted = repo.noted_remote_tip(&road.remote, road.named.as_deref().unwrap_or_default())?;
            let grown = match noted {
                Some(noted) => history::chain_if(&objects, noted, tip)?.is_some(),
                None => false,
            };
            let target = target(run, road, (tip, Some(tip)), road.is_mainline())?;
            if !grown
                && let Err(outcome) = prove(run.workspace, &objects, &target, run.job, run.args, run.ui)?
            {
                return Ok(Err(outcome));
            }
            Err(Error::told(format!(
                "`{}` and `{name}` of `{}` have gone apart: {} here, {} there",
                short(road.local.as_deref().unwrap_or_default()),
                road.remote,
                render::count(along, "commit"),
                render::count(behind, "commit"),
            ))
            .hint(format!(
                "when those here are yours, put them away (`git branch mine`, `git reset --keep {}`), and make them anew with `--replay`",
                shell_word(&format!("{}/{name}", road.remote))
            ))
            .hint("when they are not, the remote's branch was rewritten: find out by whom"))
        }
    }
}

/// The error, with what is not pushed yet: what is refused may be done in it.
fn with_along(error: Error, ground: &Ground) -> Error {
    match ground.along {
        0 => error,
        along => error.hint(format!(
            "it builds on {} of this clone that the remote lacks: when what you want is there, `git push`",
            render::count(along, "commit")
        )),
    }
}

fn note_along(along: usize, branch: &str, ui: &Ui) {
    if along > 0 {
        ui.note(&format!(
            "{} of this clone that `{branch}` lacked there: judged, and pushed along",
            render::count(along, "commit")
        ));
    }
}

/// The commit is on the remote, although nobody said so.
fn found(run: &Run<'_>, road: &Road, there: &Unknown, tries: usize) -> Result<Outcome, Error> {
    run.ui.note(&format!(
        "the answer to the push was lost; `{}` has the commit",
        road.remote
    ));
    landed(run, road, &there.signed, &there.reference, tries)
}

/// Nobody knows whether the commit is on the remote.
fn lost(road: &Road, unknown: &Unknown, why: &str) -> Error {
    let commit = unknown.signed.commit;
    Error::told(format!(
        "the push to `{}` broke off, and whether commit {} landed is not known: {why}",
        road.remote,
        commit.short()
    ))
    .hint(format!(
        "look before you run the command again: `git fetch {} {} && git merge-base --is-ancestor {commit} FETCH_HEAD`",
        shell_word(&road.remote),
        shell_word(short(&unknown.reference)),
    ))
}

/// The remote has it: the clone follows, as far as it safely can.
fn landed(
    run: &Run<'_>,
    road: &Road,
    signed: &Signed,
    reference: &str,
    tries: usize,
) -> Result<Outcome, Error> {
    let Run {
        workspace, args, ui, ..
    } = *run;
    let repo = &workspace.repo;
    repo.note_remote_tip(&road.remote, reference, signed.commit);
    if let Some(local) = &road.local
        && let Err(error) = follow(run, local, signed)
    {
        let hints = error.hints();
        let then = hints
            .first()
            .map_or("`git pull --ff-only` brings it up to date", String::as_str);
        ui.note(&format!(
            "`{}` of this clone stays where it was: {error}; {then}",
            short(local)
        ));
    }
    let shown = repo.reference(&workspace.mainline)? == Some(signed.commit);
    if shown && !args.trust_base {
        if let Some(point) = &signed.point {
            workspace.keep(point);
        }
        workspace.advance_verified(signed.base, signed.commit, signed.made.brings_policy());
    }
    if let Some(moved) = run.job.moved {
        moved.set(!shown || signed.made.moves_status());
    }
    if let Some(reserve) = run.job.reserve.filter(|_| road.is_mainline()) {
        reserve.tell_crossing(run, &road.remote, signed);
    }
    let page = match args.pr {
        true => request::open(run, road.as_request(reference), &signed.made)?,
        false => None,
    };
    propose(&signed.made, short(reference), ui);
    let sent = Sent {
        remote: road.remote.clone(),
        tries,
        page,
    };
    done(&signed.made, signed.commit, short(reference), Some(&sent), ui)?;
    Ok(Outcome::Fine)
}

/// Takes the clone's branch forward to what the remote has.
fn follow(run: &Run<'_>, local: &str, signed: &Signed) -> Result<(), Error> {
    let repo = &run.workspace.repo;
    let tip = repo.reference(local)?;
    if let Some(tip) = tip
        && repo.ahead_behind(tip, signed.commit)?.0 > 0
    {
        return Err(Error::told("it has moved in the meantime"));
    }
    if tip.is_none() && run.args.branch.is_none() {
        // Nobody asked for a branch of that name here.
        return Ok(());
    }
    if let Some(place) = repo.checked_out_elsewhere(local) {
        return Err(Error::told(format!("it is checked out at {}", place.display())));
    }
    if repo.is_checked_out(local)? {
        return repo.fast_forward(signed.commit);
    }
    match repo.advance(local, tip, signed.commit, &signed.log()) {
        Ok(()) => Ok(()),
        Err(AdvanceError::Moved) => Err(Error::told("it has moved in the meantime")),
        Err(AdvanceError::Locked(path)) => Err(Error::told(format!(
            "{} is held by another process",
            path.display()
        ))),
        Err(AdvanceError::Other(error)) => Err(error),
    }
}
