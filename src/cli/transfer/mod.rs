//! Commands that move data out: export, pull, notify.

pub(crate) mod export;
pub(crate) mod notify;
pub(crate) mod pull;
