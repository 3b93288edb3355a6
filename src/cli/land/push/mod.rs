//! A change that lands on a remote's branch: fetched, judged, made on what was
//! fetched, pushed if the branch still stands there, and made anew when
//! somebody was faster. The clone's own branch follows afterwards; until then
//! nothing of it has moved.
//!
//! When the answer to a push is lost, the commit is looked for on the remote,
//! and not made a second time: of several tries with one base the remote takes
//! only the first, and each later look finds it.

mod contention;
mod ending;
mod remote_state;
mod route;

use std::rc::Rc;
use std::time::Duration;

use self::contention::contention;
use self::ending::{found, landed, lost};
use self::remote_state::{PushBase, RemoteState, Unknown, survey};
use self::route::PushRoute;
use super::super::Ui;
use super::attempt::Attempt;
use super::commit::Signed;
use super::outcome::{Destination, Landing, Refused};
use super::prepare::{Prepared, prepare};
use super::preview::Existing;
use super::reserve::Reserve;
use super::retry::RetryBudget;
use crate::base::{Error, FullRef, Oid, shell_word};
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
/// The change can't be made or pushed; the clone's branch is unchanged then.
pub(super) fn land(attempt: &Attempt<'_>) -> Result<Landing, Error> {
    let route = PushRoute::choose(attempt)?;
    attempt.workspace.repo.share_connection(&route.remote)?;
    let mut pushing = Pushing {
        attempt,
        route,
        patience: RetryBudget::of(attempt.args.patience.unwrap_or(PATIENCE)),
        ready: None,
        unknown: Vec::new(),
        broken: 0,
        tries: 0,
        is_told: false,
        has_let_by: false,
    };
    let mut state = State::Look;
    loop {
        state = match state {
            State::Look => pushing.look()?,
            State::Build(push_base) => pushing.build(push_base)?,
            State::Push(push_base, signed) => pushing.push(&push_base, signed)?,
            State::Over(landing) => return Ok(landing),
        };
    }
}

/// The next thing that a push does.
enum State {
    /// Look at the remote.
    Look,
    /// Make the commit on what is there.
    Build(Box<PushBase>),
    /// Push the commit, if the branch still stands there.
    Push(Box<PushBase>, Rc<Signed>),
    /// Nothing: it is over.
    Over(Landing),
}

/// A push at work, however often it starts over.
struct Pushing<'p> {
    attempt: &'p Attempt<'p>,
    route: PushRoute,
    patience: RetryBudget,
    /// The commit that was made last, to be pushed again as it is.
    ready: Option<Rc<Signed>>,
    /// The commits whose push was not answered.
    unknown: Vec<Unknown>,
    /// The number of pushes in a row that broke off.
    broken: usize,
    tries: usize,
    /// Whether it was said that the remote does not answer.
    is_told: bool,
    /// Whether others were let through first.
    has_let_by: bool,
}

impl Pushing<'_> {
    /// Looks at the remote, and for what was pushed there without an answer.
    fn look(&mut self) -> Result<State, Error> {
        match survey(self.attempt, &self.route, &self.unknown)? {
            RemoteState::PushBase(push_base) if self.lets_by(&push_base) => Ok(State::Look),
            RemoteState::PushBase(push_base) => Ok(State::Build(push_base)),
            RemoteState::AlreadyLanded(there) if gives_way(self.attempt, &self.route, &there.signed)? => {
                self.unknown.clear();
                Ok(State::Look)
            }
            RemoteState::AlreadyLanded(there) => {
                found(self.attempt, &self.route, there, self.tries).map(State::Over)
            }
            RemoteState::Faulty(base) => Ok(State::Over(Landing::Refused(Refused::Faulty(base)))),
            RemoteState::Unreachable(error) => self.unanswered(error),
        }
    }

    /// Looks again, while patience lasts, at a remote that does not answer.
    fn unanswered(&mut self, error: Error) -> Result<State, Error> {
        // At first it is for the user to see to a remote, unless it may only be
        // starting; later it was there a moment ago.
        if self.tries == 0 && !may_pass(&error.to_string()) {
            return Err(error);
        }
        if self.patience.without_answer() {
            if self.tries == 0 && !self.is_told {
                let ui = self.attempt.ui;
                ui.note(&format!("trying again, while patience lasts: {error}"));
                self.is_told = true;
            }
            return Ok(State::Look);
        }
        Err(match self.unknown.last() {
            Some(unknown) => lost(&self.route, unknown, &error.to_string()),
            None => error,
        })
    }

    /// Waits once, after the first lost race, where others land one after the other, so
    /// that they can finish. Recent commits alone are no sign that anybody is pushing now.
    fn lets_by(&mut self, push_base: &PushBase) -> bool {
        let is_asked = self.tries > 0 && !self.has_let_by;
        let (Some(named), Some(tip)) = (&self.route.named, push_base.expected) else {
            return false;
        };
        if is_asked
            && let Some(contention) = contention(self.attempt, tip)
            && let Some(wait) = self.patience.turn(contention.time)
        {
            self.attempt.ui.note(&format!(
                "`{}` of `{}` took changes from {} others in the last seconds: waiting up to {} s, so that they can finish",
                named.short(),
                self.route.remote,
                contention.others,
                wait.as_secs() + 1,
            ));
            self.has_let_by = true;
            self.patience.sleep(wait);
            return true;
        }
        false
    }

    /// Makes the commit. One whose push broke off is sent again as it is: one commit,
    /// however often.
    fn build(&mut self, push_base: Box<PushBase>) -> Result<State, Error> {
        let attempt = self.attempt;
        let is_free = attempt.job.reserve.is_none_or(Reserve::is_free);
        let fits = |signed: &Rc<Signed>| signed.base == push_base.target.base && is_free;
        if let Some(signed) = self.ready.take().filter(fits) {
            return Ok(State::Push(push_base, signed));
        }
        // Where others land, the remote can be written.
        let prepared = prepare(attempt, &push_base.target).map_err(|error| with_along(error, &push_base))?;
        Ok(State::Over(match prepared {
            Prepared::Signed(signed) => {
                self.broken = 0;
                return Ok(State::Push(push_base, Rc::from(signed)));
            }
            Prepared::Existing(there) => {
                is_there(attempt, &self.route, &push_base, &there)?;
                Landing::Existing(there)
            }
            Prepared::Refused(refused) => Landing::Refused(refused),
            Prepared::Dry(made) => {
                let to = Destination {
                    remote: self.route.remote.clone(),
                    branch: self.route.reference(attempt, &made, None).short().to_owned(),
                    onto: push_base.target.base,
                };
                note_along(push_base.along, &to.branch, attempt.ui);
                Landing::Dry(made, Some(to))
            }
        }))
    }

    /// Pushes the commit.
    fn push(&mut self, push_base: &PushBase, signed: Rc<Signed>) -> Result<State, Error> {
        let attempt = self.attempt;
        self.tries += 1;
        let reference = self.route.reference(attempt, &signed.made, Some(signed.commit));
        let repo = &attempt.workspace.repo;
        match repo.push(&self.route.remote, signed.commit, &reference, push_base.expected)? {
            Pushed::Landed => {
                note_along(push_base.along, reference.short(), attempt.ui);
                if !gives_way(attempt, &self.route, &signed)? {
                    return landed(attempt, &self.route, signed, &reference, self.tries).map(State::Over);
                }
                self.unknown.clear();
                Ok(State::Look)
            }
            Pushed::Raced(why) => {
                if push_base.expected.is_none() {
                    has_room(attempt, &self.route, &reference)?;
                }
                // A number that is taken is not tried again.
                self.ready = self.route.named.is_some().then_some(signed);
                match self.patience.after_race() {
                    true => Ok(State::Look),
                    false => Err(self.outrun(&reference, &why)),
                }
            }
            Pushed::Refused { why, said } => Err(self.refused(&reference, &why, &said)),
            Pushed::Broken(why) => self.broken_off(signed, reference, &why),
        }
    }

    /// Looks for the commit after a push that broke off, and sends it again.
    fn broken_off(&mut self, signed: Rc<Signed>, reference: FullRef, why: &str) -> Result<State, Error> {
        let sent = Unknown {
            signed: signed.clone(),
            reference,
        };
        self.unknown.push(sent.clone());
        self.ready = Some(signed);
        self.broken += 1;
        if self.broken < BREAKS && self.patience.without_answer() {
            return Ok(State::Look);
        }
        // A last look before it is given up.
        match survey(self.attempt, &self.route, &self.unknown) {
            Ok(RemoteState::AlreadyLanded(there)) => {
                found(self.attempt, &self.route, there, self.tries).map(State::Over)
            }
            _ => Err(lost(&self.route, &sent, why)),
        }
    }

    /// The error of a push for which others were faster until patience ended.
    fn outrun(&self, reference: &FullRef, why: &str) -> Error {
        Error::msg(format!(
            "others push to `{}` of `{}` faster than this command can follow ({} times; the last time: {why}); nothing landed",
            reference.short(),
            self.route.remote,
            self.tries,
        ))
        .hint("run it again with more time: `--patience 5m`, or propose it: `--pr`")
    }

    /// The error of a push that the remote refused, whose words are printed.
    fn refused(&self, reference: &FullRef, why: &str, said: &[String]) -> Error {
        let ui = self.attempt.ui;
        for line in said {
            let line = report::clean(line);
            ui.say(&format!("{} {line}", paint("remote:", "1;33", &ui.side)));
        }
        Error::msg(format!(
            "`{}` refused the push to `{}`: {why}; nothing landed",
            self.route.remote,
            reference.short()
        ))
        .hint(match said.is_empty() {
            true => "the branch may be protected there: propose the change with `--pr`",
            false => "do what the remote says, and run the command again",
        })
    }
}

/// Refuses a branch that can't be made, however often it is tried: a branch of
/// the remote is called as one of the folders that it would be in.
fn has_room(attempt: &Attempt<'_>, route: &PushRoute, reference: &FullRef) -> Result<(), Error> {
    for folder in std::iter::successors(reference.folder(), FullRef::folder) {
        if attempt
            .workspace
            .repo
            .remote_tip(&route.remote, &folder)?
            .is_some()
        {
            let told = format!(
                "`{}` has a branch `{}`, so it can have none called `{}`; nothing landed",
                route.remote,
                folder.short(),
                reference.short()
            );
            return Err(
                Error::msg(told).hint("have that one renamed there, or name another branch: `--branch NAME`")
            );
        }
    }
    Ok(())
}

/// Whether a number was reserved that landed meanwhile; another is taken then.
fn gives_way(attempt: &Attempt<'_>, route: &PushRoute, signed: &Signed) -> Result<bool, Error> {
    match attempt.job.reserve.filter(|_| route.named.is_none()) {
        Some(reserve) => reserve.gives_way(attempt, &route.remote, &route.mainline, signed),
        None => Ok(false),
    }
}

/// Refuses to call done what holds it already in this clone alone.
fn is_there(
    attempt: &Attempt<'_>,
    route: &PushRoute,
    push_base: &PushBase,
    existing: &Existing,
) -> Result<(), Error> {
    // A branch of the remote proposes it.
    if existing.facts.contains_key("branch") {
        return Ok(());
    }
    let Attempt { workspace, .. } = *attempt;
    let objects = workspace.repo.objects()?;
    let records = Records::new(&objects);
    let at = |commit: Oid| {
        let tree = history::read_commit(&objects, commit)?.tree;
        Snapshot::at(&records, tree, &workspace.folder)
    };
    let here = at(push_base.target.base)?;
    let there = push_base.target.remote.map(at).transpose()?;
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
    let to = route.named.as_ref().unwrap_or(&route.mainline);
    let push = match &route.local {
        Some(local) if local != to => format!("{}:{}", local.short(), to.short()),
        _ => to.short().to_owned(),
    };
    Err(Error::msg(format!(
        "{}, but in this clone alone: `{}` of `{}` lacks `{record}`",
        existing.words(),
        to.short(),
        route.remote
    ))
    .hint(format!(
        "push what is here: `git push {} {}`",
        shell_word(&route.remote),
        shell_word(&push)
    )))
}

/// The error, with what is not pushed yet: what is refused may be done in it.
fn with_along(error: Error, push_base: &PushBase) -> Error {
    match push_base.along {
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
