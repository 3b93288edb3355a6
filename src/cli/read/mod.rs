//! Commands that only read.

pub(crate) mod at;
pub(crate) mod audit;
pub(crate) mod concepts;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod evidence;
pub(crate) mod explain;
pub(crate) mod fresh;
pub(crate) mod gates;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod policy;
pub(crate) mod proven;
pub(crate) mod resolve;
pub(crate) mod show;
pub(crate) mod wait;
pub(crate) mod whoami;
