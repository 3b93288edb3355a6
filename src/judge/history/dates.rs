//! The dates of the mainline's steps, which separate the days.
//!
//! Anybody may choose the date of a commit. A step's effective date is the latest one
//! that any registry step up to it claims, so it never runs backwards along the mainline.
//! Commits that touch nothing of the registry do not count. No verdict rests on either
//! date.

use std::collections::HashMap;

use super::protected::protected;
use super::read_commit;
use crate::base::{Error, Oid};
use crate::object::{self, Commit, Mode, Objects};
use crate::record::kind::ENTRIES;
use crate::record::snapshot::{Records, Snapshot};
use crate::trust::Policy;

/// A step that touches the registry or its protected files, with its dates in seconds
/// since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    /// The step's commit.
    pub commit: Oid,
    /// The date that its committer claims, or `None` when it can't be read.
    pub claimed: Option<i64>,
    /// The effective date.
    pub date: i64,
    /// The step that claims the effective date: this one, or one before it.
    pub of: Oid,
}

impl Dated {
    /// Whether the step claims an earlier date than one before it.
    pub fn is_backdated(&self) -> bool {
        self.claimed.is_some_and(|claimed| claimed < self.date)
    }

    /// Formats both dates of a step that claims an earlier one than a step before it:
    /// "5901db7913 claims 2025-06-10, and 4f1aea2b3c before it 2026-06-01".
    pub fn words(&self) -> String {
        format!(
            "{} claims {}, and {} before it {}",
            self.commit.short(),
            self.claimed.map_or_else(|| "no date".to_owned(), moment),
            self.of.short(),
            moment(self.date)
        )
    }
}

/// The dates of a mainline's registry steps, oldest first. The effective ones never fall.
#[derive(Clone, Debug, Default)]
pub struct Dates {
    steps: Vec<Dated>,
}

/// The registry's own entries in its folder: `registry.yaml`, `groups`, `policy`.
type Managed = [Option<(Mode, Oid)>; ENTRIES.len()];

/// The part of a commit that its date depends on.
struct Link {
    id: Oid,
    claimed: Option<i64>,
    tree: Oid,
    managed: Managed,
}

impl Dates {
    /// The dates along the first parents of `tip`, from `root` on, or from the
    /// first commit when no root is known.
    ///
    /// # Errors
    /// When an object is missing, as in a shallow clone.
    pub fn of(records: &Records<'_>, folder: &str, root: Option<Oid>, tip: Oid) -> Result<Dates, Error> {
        Dates::after(records, folder, root, tip, None).map(|(dates, _)| dates)
    }

    /// Returns the dates as [`Dates::of`] does, from a commit on whose dates are `known`,
    /// if that is one of the first parents. Also returns the number of commits that were
    /// read.
    pub fn after(
        records: &Records<'_>,
        folder: &str,
        root: Option<Oid>,
        tip: Oid,
        known: Option<(Oid, Dates)>,
    ) -> Result<(Dates, usize), Error> {
        let objects = records.objects();
        let mut links = Vec::new();
        let mut at = Some(tip);
        let mut dates = None;
        while let Some(id) = at {
            let commit = read_commit(objects, id)?;
            at = commit.parents.first().copied().filter(|_| Some(id) != root);
            links.push(Link::of(objects, &commit, folder)?);
            if let Some((_, known)) = known.as_ref().filter(|(point, _)| *point == id) {
                dates = Some(known.clone());
                break;
            }
        }
        links.reverse();
        let mut dates = dates.unwrap_or_else(|| {
            let mut dates = Dates::default();
            if let Some(first) = links.first().filter(|link| link.managed != Managed::default()) {
                dates.enter(first.id, first.claimed);
            }
            dates
        });
        let mut guard = Guard::new(records, folder);
        for (before, link) in links.iter().zip(links.iter().skip(1)) {
            if guard.touches(before, link)? {
                dates.enter(link.id, link.claimed);
            }
        }
        Ok((dates, links.len()))
    }

    /// Adds the next registry step.
    fn enter(&mut self, commit: Oid, claimed: Option<i64>) {
        let before = self.steps.last().map(|step| (step.date, step.of));
        let (date, of) = match (before, claimed) {
            (Some((date, of)), Some(claimed)) if claimed < date => (date, of),
            (Some((date, of)), None) => (date, of),
            (_, claimed) => (claimed.unwrap_or_default(), commit),
        };
        self.steps.push(Dated {
            commit,
            claimed,
            date,
            of,
        });
    }

    /// The registry steps, oldest first.
    pub fn steps(&self) -> &[Dated] {
        &self.steps
    }

    /// The last step whose effective date is not after this second.
    pub fn at(&self, seconds: i64) -> Option<&Dated> {
        let after = self.steps.partition_point(|step| step.date <= seconds);
        self.steps[..after].last()
    }

    /// The steps whose effective date is after this second.
    pub fn later(&self, seconds: i64) -> &[Dated] {
        &self.steps[self.steps.partition_point(|step| step.date <= seconds)..]
    }

    /// Returns the steps that an end at this second leaves out although they claim a date
    /// from `since` up to it.
    pub fn left_out(&self, since: Option<i64>, seconds: i64) -> Vec<Dated> {
        let claims = |step: &&Dated| {
            let claimed = step.claimed;
            claimed.is_some_and(|it| it <= seconds && since.is_none_or(|since| it >= since))
        };
        self.later(seconds).iter().filter(claims).copied().collect()
    }

    /// The steps that claim an earlier date than one before them.
    pub fn backdated(&self) -> Vec<Dated> {
        let steps = self.steps.iter();
        steps.filter(|step| step.is_backdated()).copied().collect()
    }

    /// The dates by the step's commit.
    pub fn by_commit(&self) -> HashMap<Oid, Dated> {
        self.steps.iter().map(|step| (step.commit, *step)).collect()
    }
}

impl FromIterator<(Oid, Option<i64>)> for Dates {
    /// Returns the dates of registry steps, oldest first, from those that they claim.
    fn from_iter<I: IntoIterator<Item = (Oid, Option<i64>)>>(steps: I) -> Dates {
        let mut dates = Dates::default();
        for (commit, claimed) in steps {
            dates.enter(commit, claimed);
        }
        dates
    }
}

/// The date that a commit's committer claims.
pub fn claimed(commit: &Commit) -> Option<i64> {
    commit.committer.as_ref().map(|committer| committer.seconds)
}

/// A second as people read it, in UTC.
pub fn moment(seconds: i64) -> String {
    let Ok(moment) = jiff::Timestamp::from_second(seconds) else {
        return format!("second {seconds}");
    };
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

impl Link {
    fn of(objects: &dyn Objects, commit: &Commit, folder: &str) -> Result<Link, Error> {
        Ok(Link {
            id: commit.id,
            claimed: claimed(commit),
            tree: commit.tree,
            managed: managed(objects, commit.tree, folder)?,
        })
    }
}

fn managed(objects: &dyn Objects, top: Oid, folder: &str) -> Result<Managed, Error> {
    let tree = match folder {
        "" => Some(top),
        folder => object::lookup(objects, top, folder)?
            .filter(|entry| entry.mode == Mode::Tree)
            .map(|entry| entry.id),
    };
    let Some(tree) = tree else {
        return Ok(Managed::default());
    };
    let tree = objects.tree(tree)?;
    let entry = |name: &str| tree.get(name).map(|entry| (entry.mode, entry.id));
    Ok(ENTRIES.map(entry))
}

/// Files that policies protect outside the registry.
struct Guard<'g> {
    records: &'g Records<'g>,
    folder: &'g str,
    /// The last policy that was asked for, by its file, or `None` if it protects nothing.
    policy: Option<(Oid, Option<Policy>)>,
}

impl<'g> Guard<'g> {
    fn new(records: &'g Records<'g>, folder: &'g str) -> Guard<'g> {
        Guard {
            records,
            folder,
            policy: None,
        }
    }

    /// Whether a commit touches the registry, or files that the policy before it
    /// protects.
    fn touches(&mut self, before: &Link, link: &Link) -> Result<bool, Error> {
        if link.managed != before.managed {
            return Ok(true);
        }
        let Some((_, file)) = before.managed[0].filter(|_| before.tree != link.tree) else {
            return Ok(false);
        };
        if self.policy.as_ref().is_none_or(|(known, _)| *known != file) {
            let snapshot = Snapshot::at(self.records, before.tree, self.folder)?;
            let policy = snapshot.registry()?.and_then(Policy::new);
            self.policy = Some((file, policy.filter(Policy::protects_anything)));
        }
        let Some((_, Some(policy))) = &self.policy else {
            return Ok(false);
        };
        let files = protected(
            self.records.objects(),
            &[policy],
            self.folder,
            Some(before.tree),
            Some(link.tree),
        )?;
        Ok(!files.changes.is_empty() || !files.limits.is_empty())
    }
}

/// Returns the dates that these commits claim, which follow `before` on a mainline; those
/// that touch nothing of the registry are left out.
///
/// # Errors
/// An object is missing, as in a shallow clone.
pub fn claims(
    records: &Records<'_>,
    folder: &str,
    before: Oid,
    commits: &[Commit],
) -> Result<Vec<(Oid, Option<i64>)>, Error> {
    let objects = records.objects();
    let mut guard = Guard::new(records, folder);
    let mut last = Link::of(objects, &read_commit(objects, before)?, folder)?;
    let mut claims = Vec::new();
    for commit in commits {
        let link = Link::of(objects, commit, folder)?;
        if guard.touches(&last, &link)? {
            claims.push((link.id, link.claimed));
        }
        last = link;
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(mark: u8) -> Oid {
        Oid::from_bytes(&[mark; 20]).expect("an id")
    }

    fn dates(claims: &[Option<i64>]) -> Dates {
        (1..).map(oid).zip(claims.iter().copied()).collect()
    }

    #[test]
    fn an_effective_date_never_runs_backwards() {
        let dates = dates(&[Some(10), Some(30), Some(20), None, Some(30), Some(40)]);
        let effective: Vec<i64> = dates.steps().iter().map(|step| step.date).collect();
        assert_eq!(effective, [10, 30, 30, 30, 30, 40]);
        let of: Vec<Oid> = dates.steps().iter().map(|step| step.of).collect();
        assert_eq!(of, [oid(1), oid(2), oid(2), oid(2), oid(5), oid(6)]);
        let backdated: Vec<Oid> = dates.backdated().iter().map(|step| step.commit).collect();
        assert_eq!(backdated, [oid(3)]);
    }

    #[test]
    fn an_end_takes_the_last_step_up_to_it_and_names_what_claims_to_be_inside() {
        let dates = dates(&[Some(10), Some(30), Some(20), Some(15), Some(40)]);
        assert_eq!(dates.at(9), None);
        assert_eq!(dates.at(29).map(|step| step.commit), Some(oid(1)));
        assert_eq!(dates.at(30).map(|step| step.commit), Some(oid(4)));
        let named = |since, end| -> Vec<Oid> {
            let left = dates.left_out(since, end);
            left.iter().map(|step| step.commit).collect()
        };
        assert_eq!(named(None, 25), [oid(3), oid(4)]);
        assert_eq!(named(Some(20), 25), [oid(3)]);
        assert_eq!(named(None, 30), []);
    }
}
