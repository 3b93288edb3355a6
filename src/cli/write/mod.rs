//! Commands that write. Each drafts an edit, and `land` commits it.

pub(crate) mod artifact;
pub(crate) mod card;
pub(crate) mod decide;
pub(crate) mod evidence;
pub(crate) mod given;
pub(crate) mod group;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod people;
pub(crate) mod policy;
mod proposal;
pub(crate) mod register;
pub(crate) mod relay;
pub(crate) mod stage;
pub(crate) mod turn;
