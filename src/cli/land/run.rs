//! One writing command at work, and the base that it builds on.

use std::cell::{Cell, RefCell};

use super::{Job, WriteArgs};
use crate::base::Oid;
use crate::cli::Ui;
use crate::git::GitObjects;
use crate::record::kind::ActorId;
use crate::trust::Policy;
use crate::workspace::Workspace;
use crate::workspace::identity::Me;

/// One command at work, however often it starts over.
pub(super) struct Run<'r> {
    pub workspace: &'r Workspace,
    pub job: &'r Job<'r>,
    pub args: &'r WriteArgs,
    pub ui: &'r Ui,
    /// The text that was agreed to: a command that starts over asks again only when
    /// it differs.
    pub agreed: RefCell<Option<String>>,
    /// The changes since this clone showed the object, as they were printed last.
    pub told: RefCell<String>,
    /// The commit whose registry was seen: what this clone showed first, then
    /// what somebody agreed to.
    pub seen: Cell<Option<Oid>>,
}

/// A base whose history is proven, and the actor who builds on it.
pub(super) struct Base<'b> {
    pub objects: &'b GitObjects<'b>,
    /// The policy in force there.
    pub policy: Policy,
    /// The signing key.
    pub me: Me,
    /// The actor whom that key proves.
    pub actor: ActorId,
}
