//! Reserves numbers of versions before they land: a branch `modelry/<group>/<n>` of
//! the remote keeps the number while it exists.
//!
//! The reserving command reads the mainline after it pushed the branch, and gives way
//! when the number has landed meanwhile. The landing command reads the branches
//! afterwards. At least one of two that cross sees the other.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use super::attempt::Attempt;
use super::commit::Signed;
use crate::act::Proposed;
use crate::base::{Error, FullRef, Oid};
use crate::judge::history;
use crate::record::kind::{GroupName, RecordPath, VersionId, VersionNumber};
use crate::record::snapshot::{Records, Snapshot};

/// The most proposals of a group that are read, by the highest numbers.
const MOST_PROPOSED: usize = 10;

/// A number that a registration reserves before it lands.
pub struct Reserve {
    /// The group.
    pub group: GroupName,
    /// The numbers that branches of the remote reserve.
    pub taken: RefCell<BTreeSet<VersionNumber>>,
    /// The content of these proposals, by their tips, for a command that makes a
    /// proposal.
    pub proposed: RefCell<BTreeMap<Oid, Proposed>>,
    /// The number of the draft.
    pub number: Cell<Option<VersionNumber>>,
}

impl Reserve {
    /// Creates a reservation for a group, with no other known.
    pub fn of(group: &GroupName) -> Reserve {
        Reserve {
            group: group.clone(),
            taken: RefCell::default(),
            proposed: RefCell::default(),
            number: Cell::new(None),
        }
    }

    /// Returns the branch that reserves a number.
    pub(super) fn branch(&self, number: VersionNumber) -> FullRef {
        FullRef::of_branch(&format!("{}{number}", self.folder()))
    }

    fn folder(&self) -> String {
        format!("modelry/{}/", self.group)
    }

    /// Whether the number of the last draft is still free.
    pub(super) fn is_free(&self) -> bool {
        let number = self.number.get();
        number.is_none_or(|number| !self.taken.borrow().contains(&number))
    }

    /// Reads what is reserved on a remote. A branch that is pushed to does not
    /// reserve its number against itself.
    pub(super) fn look(
        &self,
        attempt: &Attempt<'_>,
        remote: &str,
        own: Option<&FullRef>,
    ) -> Result<(), Error> {
        let folder = self.folder();
        let branches = attempt
            .workspace
            .repo
            .remote_branches(remote, FullRef::of_branch(&format!("{folder}*")).as_str())?;
        let others = branches.iter().filter(|(name, _)| own != Some(name));
        let number = |name: &FullRef| name.short().strip_prefix(&folder)?.parse::<VersionNumber>().ok();
        let mut others: Vec<(VersionNumber, &FullRef, Oid)> = others
            .filter_map(|(name, tip)| Some((number(name)?, name, *tip)))
            .collect();
        self.taken
            .replace(others.iter().map(|(number, ..)| *number).collect());
        if attempt.args.pr {
            others.sort_unstable();
            let tips: BTreeSet<Oid> = others.iter().map(|(.., tip)| *tip).collect();
            self.proposed.borrow_mut().retain(|tip, _| tips.contains(tip));
            for (number, name, tip) in others.into_iter().rev().take(MOST_PROPOSED) {
                self.read(attempt, remote, number, name, tip)?;
            }
        }
        Ok(())
    }

    /// Reads the proposal of a branch, once.
    fn read(
        &self,
        attempt: &Attempt<'_>,
        remote: &str,
        number: VersionNumber,
        name: &FullRef,
        tip: Oid,
    ) -> Result<(), Error> {
        let repo = &attempt.workspace.repo;
        if self.proposed.borrow().contains_key(&tip) || repo.fetch_tip(remote, name)? != Some(tip) {
            return Ok(());
        }
        let objects = repo.objects()?;
        let records = Records::new(&objects);
        let tree = history::read_commit(&objects, tip)?.tree;
        let there = Snapshot::at(&records, tree, &attempt.workspace.folder)?;
        let id = VersionId {
            group: self.group.clone(),
            number,
        };
        let Some(version) = there.read(&RecordPath::Version(id))? else {
            return Ok(());
        };
        if let (Some(record), Some(spec)) = (version.version(), version.value().get("spec")) {
            let proposed = Proposed {
                remote: remote.to_owned(),
                branch: name.short().to_owned(),
                number,
                by: record.by.to_string(),
                spec: spec.clone(),
            };
            self.proposed.borrow_mut().insert(tip, proposed);
        }
        Ok(())
    }

    /// Withdraws a reservation when the number had landed on the mainline before the
    /// branch existed. Returns whether it did.
    pub(super) fn gives_way(
        &self,
        attempt: &Attempt<'_>,
        remote: &str,
        mainline: &FullRef,
        signed: &Signed,
    ) -> Result<bool, Error> {
        let repo = &attempt.workspace.repo;
        let (Some(number), Ok(Some(tip))) = (self.number.get(), repo.fetch_tip(remote, mainline)) else {
            return Ok(false);
        };
        if tip == signed.base {
            return Ok(false);
        }
        let objects = repo.objects()?;
        let records = Records::new(&objects);
        let tree = history::read_commit(&objects, tip)?.tree;
        let there = Snapshot::at(&records, tree, &attempt.workspace.folder)?;
        if !there.versions(&self.group)?.contains(&number) {
            return Ok(false);
        }
        let branch = self.branch(number);
        if !repo.withdraw(remote, &branch, signed.commit)? {
            attempt.ui.note(&format!(
                "`{}` of `{remote}` is of no use, and could not be taken away: the number {number} landed meanwhile",
                branch.short()
            ));
        }
        Ok(true)
    }

    /// Notes a reservation that appeared while its number was landing on the
    /// mainline.
    pub(super) fn tell_crossing(&self, attempt: &Attempt<'_>, remote: &str, signed: &Signed) {
        let Some(number) = self.number.get() else {
            return;
        };
        let branch = self.branch(number);
        if let Ok(Some(tip)) = attempt.workspace.repo.remote_tip(remote, &branch)
            && tip != signed.commit
        {
            attempt.ui.note(&format!(
                "`{}` of `{remote}` reserved the number {number} while this landed: what it proposes has to be registered anew",
                branch.short()
            ));
        }
    }
}
