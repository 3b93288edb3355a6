//! The state of one writing command, and the base that it builds on.

use std::cell::{Cell, RefCell};

use super::{WriteArgs, WriteCommand};
use crate::act::Mainline;
use crate::base::Oid;
use crate::cli::Ui;
use crate::git::GitObjects;
use crate::record::kind::ActorId;
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::identity::Identity;

/// A writing command in progress, over all its attempts.
pub(super) struct Attempt<'r> {
    pub workspace: &'r Workspace,
    pub job: &'r WriteCommand<'r>,
    pub args: &'r WriteArgs,
    pub ui: &'r Ui,
    /// The text that was agreed to: a further attempt asks again only when it
    /// differs.
    pub agreed: RefCell<Option<String>>,
    /// The changes since this clone showed the object, as they were last printed.
    pub told: RefCell<String>,
    /// The commit that was seen: first the one that this clone showed, then the one
    /// that the user agreed to.
    pub seen: Cell<Option<Oid>>,
}

/// A base whose history is proven, with the actor who builds on it.
pub(super) struct Base<'b> {
    pub objects: &'b GitObjects<'b>,
    /// The policy in force at the base.
    pub policy: Policy,
    /// The signing key.
    pub me: Identity,
    /// The actor to whom that key belongs.
    pub actor: ActorId,
    /// The mainline, where the change is of the policy and made on another branch.
    pub mainline: Option<Mainline>,
}
